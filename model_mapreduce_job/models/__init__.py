"""Models: their contract, configuration, schemas, files and identity."""
