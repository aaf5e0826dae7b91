"""What peers.py is made of: who runs, what a run costs, whether its output is right, and what comes of it."""
