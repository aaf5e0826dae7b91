"""Ready-made models for files that a library has written: one module a library, served by file_model."""
