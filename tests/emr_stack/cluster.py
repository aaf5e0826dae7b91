"""One cluster's life: bootstrap actions, steps, logs, states."""

import gzip
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from emr_stack import node as nodes
from emr_stack.control_plane import ControlPlane
from emr_stack.step_runner import StepContext, StepResult, StepRunner
from emr_stack.store import Store
from emr_stack.streaming import BadStepError, CommandStep, ScriptStep, parse_step

POLL_SECONDS: Final = 0.1
TERMINATING_SECONDS: Final = 0.3
FIRST_STEP_SECONDS: Final = 30.0  # a real cluster takes minutes to start, so its first step is there in time


@dataclass(frozen=True)
class Settings:
    """How the stack differs from the real service, to be quick."""

    region: str = "us-west-2"
    clock_speed: float = 20.0  # a second here is that many of AutoTerminationPolicy's
    log_push_seconds: float = 3.0  # after a step's end, when its logs come to S3 from a cluster that stays up


@dataclass(frozen=True)
class Parts:
    """What a cluster is served with."""

    emr: Any
    plane: ControlPlane
    runner: StepRunner
    node: nodes.Node
    store: Store
    settings: Settings


@dataclass
class _Logs:
    """Logs on their way to S3: at once when the cluster ends, later while it stays up."""

    store: Store
    base: str
    waiting: list[tuple[float, str, bytes]] = field(default_factory=list)

    def add(self, name: str, text: str, due: float) -> None:
        if self.base:
            self.waiting.append((due, f"{self.base}{name}.gz", gzip.compress(text.encode())))

    def push(self, now: float) -> None:
        for _, uri, data in (item for item in self.waiting if item[0] <= now):
            self.store.write(uri, data)
        self.waiting = [item for item in self.waiting if item[0] > now]


class ClusterLife:
    """One cluster from its start to its end."""

    def __init__(self, cluster_id: str, parts: Parts) -> None:
        self._id = cluster_id
        self._emr = parts.emr
        self._plane = parts.plane
        self._runner = parts.runner
        self._node = parts.node
        self._store = parts.store
        self._settings = parts.settings
        self._extras = parts.plane.extras(cluster_id)
        described = parts.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
        self._stays_up = not described["AutoTerminate"]
        self._started = int(time.time() * 1000)
        log_uri = described.get("LogUri", "")
        self._logs = _Logs(parts.store, f"{log_uri.rstrip('/')}/{cluster_id}/" if log_uri else "")

    def run(self) -> None:
        """Bootstrap, serve steps until there is a reason to end, and leave the logs."""
        self._set("BOOTSTRAPPING")
        if self._bootstrap():
            self._serve_steps()
        self._end()

    def _set(self, state: str, reason: str = "") -> None:
        with self._plane.lock:
            if not self._stopped():
                self._plane.set_cluster(self._id, state, reason)

    def _stopped(self) -> bool:
        return self._extras.ending is not None

    def _finish(self, state: str, reason: str) -> None:
        self._plane.end(self._id, state, reason)

    # Bootstrapping

    def _bootstrap(self) -> bool:
        actions = self._emr.list_bootstrap_actions(ClusterId=self._id)["BootstrapActions"]
        for number, action in enumerate(actions, 1):
            ended = self._bootstrap_action(number, action["ScriptPath"], action.get("Args", []))
            for name, text in (("stdout", ended.stdout), ("stderr", ended.stderr)):
                place = f"node/{self._node.instance_id}/bootstrap-actions/{number}/{name}"
                self._logs.add(place, text.decode(errors="replace"), 0)
            if ended.code != 0:
                where = f"On the master instance ({self._node.instance_id})"
                reason = f"{where}, bootstrap action {number} returned a non-zero return code"
                self._finish("TERMINATED_WITH_ERRORS", reason)
                return False
        return True

    def _bootstrap_action(self, number: int, uri: str, arguments: list[str]) -> nodes.Finished:
        place = self._node.home / f"bootstrap-{number}"
        place.mkdir()
        script = place / "script"
        self._store.download(uri, script)
        script.chmod(0o700)
        if uri.endswith("/terminate_idle_cluster_emr.sh"):
            return nodes.Finished(
                0, b"", b""
            )  # it would shut this machine down; AutoTerminationPolicy is served
        return nodes.run(
            [str(script), *arguments], cwd=place, environment=self._node.environment, stopped=self._stopped
        )

    # Steps

    def _serve_steps(self) -> None:
        waited_from, number = time.monotonic(), 0
        while not self._stopped():
            self._logs.push(time.monotonic())
            step = next(self._pending(), None)
            if step is not None:
                number += 1
                self._step(step, number)
                waited_from = time.monotonic()
            elif self._is_over(time.monotonic() - waited_from, number):
                self._finish("TERMINATED", "Steps completed" if not self._stays_up else "Idle for too long")
            else:
                self._set("WAITING", "Cluster ready to run steps.")
                time.sleep(POLL_SECONDS)

    def _pending(self) -> Iterator[dict[str, Any]]:
        if not self._plane.has_pending_steps(self._id):
            return
        steps = self._emr.list_steps(ClusterId=self._id, StepStates=["PENDING"])["Steps"]
        yield from reversed(steps)  # the API lists the newest first

    def _is_over(self, waited: float, steps_run: int) -> bool:
        if not self._stays_up:
            return bool(steps_run) or waited > FIRST_STEP_SECONDS
        timeout = self._extras.idle_timeout
        return timeout is not None and waited * self._settings.clock_speed > timeout

    def _step(self, step: dict[str, Any], number: int) -> None:
        self._set("RUNNING", "Running step")
        self._plane.set_step(self._id, step["Id"], "RUNNING")
        result = self._run_step(step, number)
        self._log_step(step["Id"], result)
        if self._stopped():
            return
        if step["Id"] in self._extras.cancelled:
            self._plane.set_step(self._id, step["Id"], "CANCELLED", "Cancelled by user request")
        elif result.succeeded:
            self._plane.set_step(self._id, step["Id"], "COMPLETED")
        else:
            self._plane.set_step(self._id, step["Id"], "FAILED")
            self._after_failure(step)

    def _run_step(self, step: dict[str, Any], number: int) -> StepResult:
        def stopped() -> bool:
            return self._stopped() or step["Id"] in self._extras.cancelled

        context = StepContext(self._node, self._store, stopped, self._stopped, number, self._started)
        try:
            parsed = parse_step(step["Config"]["Jar"], step["Config"]["Args"])
        except BadStepError as why:
            return StepResult(succeeded=False, syslog="", stderr=f"{why}\n")
        if isinstance(parsed, CommandStep):
            return self._run_command(list(parsed.command), number, stopped)
        if isinstance(parsed, ScriptStep):
            return self._run_script(parsed, number, stopped)
        return self._runner.run(parsed, context)

    def _run_script(self, step: ScriptStep, number: int, stopped: Callable[[], bool]) -> StepResult:
        script = self._node.work / f"script-{number}"
        try:
            text = self._store.read(step.uri).decode()
        except FileNotFoundError as why:
            return StepResult(succeeded=False, syslog="", stderr=f"{why}\n")
        script.write_text(self._node.in_its_home(text))
        script.chmod(0o700)
        return self._run_command([str(script), *step.arguments], number, stopped)

    def _run_command(self, command: list[str], number: int, stopped: Callable[[], bool]) -> StepResult:
        place = self._node.work / f"command-{number}"
        place.mkdir()
        ended = nodes.run(command, cwd=place, environment=self._node.environment, stopped=stopped)
        return StepResult(ended.code == 0, "", ended.stderr.decode(errors="replace"))

    def _after_failure(self, step: dict[str, Any]) -> None:
        if step["ActionOnFailure"] == "TERMINATE_CLUSTER":
            self._finish("TERMINATED_WITH_ERRORS", "Shut down as step failed")
        elif step["ActionOnFailure"] == "CANCEL_AND_WAIT":
            self._cancel_pending("Previous step failed")

    def _log_step(self, step_id: str, result: StepResult) -> None:
        due = time.monotonic() + (self._settings.log_push_seconds if self._stays_up else 0)
        for name, text in (("syslog", result.syslog), ("stderr", result.stderr), ("controller", "")):
            self._logs.add(f"steps/{step_id}/{name}", text, due)
        for container in result.containers:
            place = f"containers/{result.application_id}/{container.container_id}"
            self._logs.add(f"{place}/stderr", container.stderr, due)
            self._logs.add(f"{place}/syslog", container.syslog, due)

    # The end

    def _end(self) -> None:
        self._cancel_pending("Job terminated")
        time.sleep(TERMINATING_SECONDS)
        with suppress(self._store.client.exceptions.NoSuchBucket):
            self._logs.push(float("inf"))
        state, reason = self._extras.ending or ("TERMINATED", "")
        self._plane.set_cluster(self._id, state, reason)

    def _cancel_pending(self, reason: str) -> None:
        for step in self._emr.list_steps(ClusterId=self._id, StepStates=["PENDING", "RUNNING"])["Steps"]:
            self._plane.set_step(self._id, step["Id"], "CANCELLED", reason)
