"""What is made of profiles: drift from one to another, and the command that reads and merges them."""
