"""Which models there are, what they take, and what they are."""
