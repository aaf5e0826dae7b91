"""The one address of the stack: planned faults, what moto lacks of EMR, moto, and a journal of it all."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from emr_stack.control_plane import ACTIVE, ControlPlane
from emr_stack.faults import Fault, FaultPlan, broken

Environ = dict[str, Any]
OWN_CALLS = "app/emr-stack"  # what the agent and its nodes write in their User-Agent


class Gateway:
    """A WSGI application."""

    def __init__(self, plane: ControlPlane) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._plane = plane
        self._faults = FaultPlan()
        self._journal: list[dict[str, Any]] = []
        self._operations: dict[str, Callable[[dict[str, Any], Callable[[], Response]], Response]] = {
            "RunJobFlow": self._run_job_flow,
            "AddJobFlowSteps": self._add_job_flow_steps,
            "TerminateJobFlows": self._terminate_job_flows,
            "ListInstanceFleets": self._list_instance_fleets,
            "CancelSteps": self._cancel_steps,
            "DescribeCluster": self._describe_cluster,
        }

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        answer = self._control(request) if request.path.startswith("/emr-stack/") else self._aws(request)
        return answer(environ, start_response)

    # What tests say to the stack

    def _control(self, request: Request) -> Response:
        verb, *rest = request.path.removeprefix("/emr-stack/").split("/")
        if verb == "faults" and request.method == "POST":
            self._faults.add(Fault(**request.get_json()))
        elif verb == "faults" and request.method == "DELETE":
            self._faults.forget()
        elif verb == "faults":
            return _json({"done": self._faults.done})
        elif verb == "calls":
            return _json(self._journal)
        elif verb == "lose" and rest:
            self._plane.end(rest[0], "TERMINATED_WITH_ERRORS", "The master node was terminated. ")
        else:
            return Response(f"no {request.path}", 404)
        return _json({})

    # What jobs say to AWS

    def _aws(self, request: Request) -> Response:
        service = _service(request)
        own = OWN_CALLS in request.headers.get("User-Agent", "")
        body = request.get_data()
        environ = {**request.environ, "wsgi.input": io.BytesIO(body)}
        fault = (
            None if own else self._faults.take(service, request.method, _operation(request) or _path(request))
        )
        if fault is not None and fault.kind != "cut":
            return broken(fault, Response(), environ["werkzeug.socket"])
        answer = (
            self._emr(request, body, environ) if service == "elasticmapreduce" else self._pass_on(environ)
        )
        if not own:
            self._journal.append(_entry(service, request, body, answer.status_code))
        return broken(fault, answer, environ["werkzeug.socket"]) if fault else answer

    def _pass_on(self, environ: Environ) -> Response:
        return Response.from_app(self._moto, environ, buffered=True)

    def _emr(self, request: Request, body: bytes, environ: Environ) -> Response:
        operation = self._operations.get(_operation(request), lambda _asked, moto: moto())
        with self._plane.lock:
            return operation(json.loads(body or b"{}"), lambda: self._pass_on(environ))

    def _run_job_flow(self, asked: dict[str, Any], moto: Callable[[], Response]) -> Response:
        answer = moto()
        if answer.status_code == 200:
            self._plane.created(json.loads(answer.get_data())["JobFlowId"], asked)
        return answer

    def _add_job_flow_steps(self, asked: dict[str, Any], moto: Callable[[], Response]) -> Response:
        cluster_id = asked["JobFlowId"]
        before = self._plane.state(cluster_id)
        if before not in ACTIVE:
            return _refused("A job flow that is shutting down, terminated, or finished may not be modified.")
        answer = moto()
        self._plane.steps_added(cluster_id)
        self._plane.set_cluster(cluster_id, before)
        return answer

    def _terminate_job_flows(self, asked: dict[str, Any], _moto: Callable[[], Response]) -> Response:
        for cluster_id in asked["JobFlowIds"]:
            self._plane.end(cluster_id, "TERMINATED", "Terminated by user request")
        return _json({})

    def _list_instance_fleets(self, asked: dict[str, Any], _moto: Callable[[], Response]) -> Response:
        return _json({"InstanceFleets": self._plane.extras(asked["ClusterId"]).fleets()})

    def _describe_cluster(self, asked: dict[str, Any], moto: Callable[[], Response]) -> Response:
        answer = moto()
        if answer.status_code != 200:
            return answer
        described = json.loads(answer.get_data())
        self._plane.extras(asked["ClusterId"]).complete(described["Cluster"])
        return _json(described)

    def _cancel_steps(self, asked: dict[str, Any], _moto: Callable[[], Response]) -> Response:
        self._plane.extras(asked["ClusterId"]).cancelled.update(asked["StepIds"])
        states = [{"StepId": step_id, "Status": "SUBMITTED"} for step_id in asked["StepIds"]]
        return _json({"CancelStepsInfoList": states})


def _service(request: Request) -> str:
    scope = request.headers.get("Authorization", "").partition("Credential=")[2].partition(",")[0]
    return scope.split("/")[3] if scope.count("/") > 3 else "s3"


def _path(request: Request) -> str:
    return request.full_path.rstrip("?")


def _operation(request: Request) -> str:
    return request.headers.get("X-Amz-Target", "").rpartition(".")[2]


def _entry(service: str, request: Request, body: bytes, status: int) -> dict[str, Any]:
    entry = {
        "service": service,
        "method": request.method,
        "path": _path(request),
        "status": status,
        "payer": request.headers.get("x-amz-request-payer"),
    }
    if service == "elasticmapreduce":
        entry |= {"operation": _operation(request), "request": json.loads(body or b"{}")}
    return entry


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/x-amz-json-1.1")


def _refused(message: str) -> Response:
    return _json({"__type": "ValidationException", "message": message}, 400)
