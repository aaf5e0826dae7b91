"""A model of a wide record: twenty fields, numbers and text, any of which may be missing."""
