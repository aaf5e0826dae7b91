"""The bundle: one archive with everything that a task needs, so that nodes need nothing installed."""
