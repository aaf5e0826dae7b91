"""What a run's fields hold: sketches of their values, which tasks keep and the driver merges."""
