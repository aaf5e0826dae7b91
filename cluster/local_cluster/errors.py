"""The one error that the command line reports."""


class ClusterError(Exception):
    """Raised when the cluster can't do what was asked; the message says what to do about it."""
