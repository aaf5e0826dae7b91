"""Runs that are disturbed by a seed, and what must hold afterwards: `make test-faults`."""
