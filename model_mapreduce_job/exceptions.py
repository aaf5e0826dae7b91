"""The errors of this package, with messages for the person who started the run."""


class ModelMapReduceError(Exception):
    """Base of every error of this package; its message is one line that says what to do."""

    exit_code = 1


class ConfigurationError(ModelMapReduceError):
    """Raised when APP_SETTINGS, or an entry of the configuration that it names, can't be used."""


class ModelNotFoundError(ModelMapReduceError):
    """Raised when no loaded configuration has a model of the name asked for."""


class ModelContractError(ModelMapReduceError):
    """Raised when a model class, or what it returns, breaks the model contract."""


class InputError(ModelMapReduceError):
    """Raised when an input, an output place or an option that describes them can't be used."""


class VerificationError(ModelMapReduceError):
    """Raised when a model doesn't give the predictions that the records of --verify must have."""


class IncompleteRunError(ModelMapReduceError):
    """Raised when a run's counts don't prove that every line has its output, or when a task was lost."""


class TooManyFailuresError(ModelMapReduceError):
    """Raised when more records failed than the run allows."""

    exit_code = 3


class DriftError(ModelMapReduceError):
    """Raised when a field is further from the baseline than the run allows."""

    exit_code = 4


class MachineFaultError(ModelMapReduceError):
    """Raised when a record can't be predicted because memory, descriptors or disk space are exhausted.

    That is not the record's failure: it is tried again, alone, in a fresh process. wants_memory says that
    memory was exhausted: a record that needs too much of it in a fresh process as well does fail. model is
    the name of the one that was asked, of several.
    """

    def __init__(self, message: str, *, wants_memory: bool = False) -> None:
        super().__init__(message)
        self.wants_memory = wants_memory
        self.model = ""
