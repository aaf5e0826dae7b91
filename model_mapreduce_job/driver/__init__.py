"""The driver's side of a run: options, checks, proof and output."""
