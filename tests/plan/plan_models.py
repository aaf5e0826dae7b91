"""Models that plans are made with, and the configuration that names them."""

import os
import signal
import time
from typing import Any, ClassVar, TypedDict

from model_mapreduce_job.config import Config


class Answer(TypedDict):
    """What told answers, when it is told nothing else."""

    n: int


class Told:
    """Answers a record's n, or does what its `do` says."""

    display_name = "Told"
    qualified_name = "told"
    description = "Does what it is told"
    version = "2.5"
    input_schema: Any = None
    output_schema: Any = Answer

    def predict(self, data: dict[str, Any]) -> Any:
        """Do what the record says."""
        match data.get("do"):
            case "answer":
                return data["answer"]
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "interrupt":
                raise KeyboardInterrupt
            case "hang":
                time.sleep(1000)
            case "print":
                print("a library's greeting")  # noqa: T201 - the plan's own output must stay clean
            case "sleep":
                time.sleep(data["n"] / 1000)
        return {"n": data["n"]}


class Schemaless(Told):
    """Told, without saying what it answers."""

    qualified_name = "schemaless"
    output_schema = None


class Unknown(Told):
    """Told, with an output_schema that is none."""

    qualified_name = "unknown"
    output_schema = 7


class Unloadable(Told):
    """Told, if it could be loaded."""

    qualified_name = "unloadable"

    def __init__(self) -> None:
        raise ValueError("its file is gone")


class FatalToLoad(Told):
    """Ends the process that loads it."""

    qualified_name = "fatal"

    def __init__(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Models(Config):
    """The models of this module, and the iris model."""

    models: ClassVar = (
        *Config.models,
        *(
            {"qualified_name": kind.qualified_name, "module_name": __name__, "class_name": kind.__name__}
            for kind in (Told, Schemaless, Unknown, Unloadable, FatalToLoad)
        ),
    )
