"""Models for runs in processes of their own, and the configuration that names them."""
