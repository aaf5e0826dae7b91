"""Batches of records into predictions, and what is counted on the way."""
