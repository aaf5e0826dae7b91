"""How good predictions are: what tasks add up over records that have a label, and what that amounts to."""
