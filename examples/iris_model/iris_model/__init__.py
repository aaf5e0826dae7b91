"""Predicts the species of an iris flower from four measurements."""

__version__ = "1.0.0"
