"""The bundle: one archive with all that a task needs, so that nothing has to be installed where it runs."""
