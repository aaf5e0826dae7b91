"""The stack's process: `python -m emr_stack PLACE STEPS_IN` serves until its standard input closes."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Final

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from emr_stack.agent import Agent
from emr_stack.cluster import Settings
from emr_stack.control_plane import ControlPlane
from emr_stack.gateway import Gateway
from emr_stack.hadoop_steps import HadoopStepRunner
from emr_stack.step_runner import StepRunner
from emr_stack.tasks import ProcessStepRunner

LAST_CALLS_SECONDS: Final = 0.5

# What steps run in, by the name that the test gives.
STEP_RUNNERS: Final[dict[str, Callable[[], StepRunner]]] = {
    "processes": ProcessStepRunner,
    "hadoop": HadoopStepRunner,
}


class QuietHandler(MotoRequestHandler):
    """A request handler that keeps no access log; the gateway has its journal."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


def main(place: Path, steps_in: str) -> None:
    """Serve on a free port of 127.0.0.1, and print the address as JSON first."""
    settings = Settings()
    plane = ControlPlane()
    server = make_server("127.0.0.1", 0, Gateway(plane), threaded=True, request_handler=QuietHandler)
    endpoint = f"http://127.0.0.1:{server.server_port}"
    agent = Agent(endpoint, plane, STEP_RUNNERS[steps_in](), place, settings)
    for target in (server.serve_forever, agent.run):
        Thread(target=target, daemon=True).start()
    print(json.dumps({"endpoint": endpoint}), flush=True)  # noqa: T201 the test reads it
    sys.stdin.read()  # so that the stack never outlives the test that started it
    agent.end()
    time.sleep(LAST_CALLS_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
