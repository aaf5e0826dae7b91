"""A task's process, and how it is started, watched and asked."""
