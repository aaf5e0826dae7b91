"""Where input comes from and output goes to, here and on clusters."""
