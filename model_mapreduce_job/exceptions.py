"""What can go wrong with a run, in the words of the person who started it."""


class ModelMapReduceError(Exception):
    """Base of every error of this package; its message is one line that names the way out."""

    exit_code = 1


class ConfigurationError(ModelMapReduceError):
    """Raised when APP_SETTINGS, or an entry of the configuration that it names, can't be used."""


class ModelNotFoundError(ModelMapReduceError):
    """Raised when no loaded configuration has a model of the name asked for."""


class ModelContractError(ModelMapReduceError):
    """Raised when a model class, or what it answers, breaks the model contract."""


class InputError(ModelMapReduceError):
    """Raised when an input, an output place or an option that describes them can't be used."""


class IncompleteRunError(ModelMapReduceError):
    """Raised when a run's counts don't prove that every line was answered, or a task was lost."""


class TooManyFailuresError(ModelMapReduceError):
    """Raised when more records failed than the run allows."""

    exit_code = 3


class MachineFaultError(ModelMapReduceError):
    """Raised when a record can't be predicted for want of memory, descriptors or room on a disk.

    That is no failure of the record: it is tried again, alone, in a fresh process. wants_memory tells memory
    from the rest: a record that wants too much of it in a fresh process as well is to blame itself.
    """

    def __init__(self, message: str, *, wants_memory: bool = False) -> None:
        super().__init__(message)
        self.wants_memory = wants_memory
