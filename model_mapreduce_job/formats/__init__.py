"""Formats: bytes into batches of records, and predictions into bytes."""
