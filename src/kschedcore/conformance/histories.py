"""API histories: requests in order, and a real API server's response to each.

A response is compared in three aspects: its status code; its reason and the fields of its causes; and the whole body,
after values that differ between clusters (uids, resource versions, times, addresses) are replaced on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from kschedcore.api.machinery.field_errors import quote
from kschedcore.client.transport import Request
from kschedcore.conformance.comparison import differences
from kschedcore.conformance.results import Case, CaseResult, Difference, StepResult

if TYPE_CHECKING:
    from kschedcore.apiserver import APIServer

__all__ = ["ApiHistories", "answers", "normalised", "status_details"]

_USER_AGENT = "tester/1.0"
_STEPS = frozenset({"request", "settle", "watch"})
_AGO = re.compile(r"\((\d+[smhdy])+ ago\)")
_NODE_PORT = re.compile(r":\d+/")
_AGE = re.compile(r"<unknown>|(\d+[smhdy])+")
_STREAM, _WARNINGS = "stream", "warnings"
_WITH_ROOT_CERTIFICATES = frozenset({"tables", "kinds", "watches", "crd", "access", "policies"})
"""Families that were recorded with the root certificate publisher running."""
_VARIABLE = [
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
    (re.compile(r"\bkube-api-access-[a-z0-9]{5}\b"), "kube-api-access-<sfx>"),
    (re.compile(r"(?<=, current: )\d+"), "<rv>"),
    # Each cluster has its own certificate authority.
    (re.compile(r"-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----\n", re.DOTALL), "<certificates>"),
]
_PLACEHOLDERS = {
    "uid": "<uid>", "resourceVersion": "<rv>", "continue": "<continue>", "nodePort": "<nodePort>",
}  # fmt: skip
_ENTRY_ORDER = ("manager", "operation", "subresource")
_GO_VALUE = re.compile(r"Invalid value: (?:\[\]|[a-z0-9]+\.)[A-Za-z.]+\{.*\}: ", re.DOTALL)
_LISTED = re.compile(r"(?P<before>.* is forbidden: )\[(?P<reasons>.*)\]")
_BETWEEN_REASONS = re.compile(r", (?!but )")


class ApiHistories:
    """Cases whose steps are requests with recorded responses."""

    name = "API histories"
    family_is_id = False

    def recognises(self, case: Case) -> bool:
        """Return whether the case has steps that are requests."""
        steps = case.get("steps")
        return isinstance(steps, list) and all(
            isinstance(step, dict) and not _STEPS.isdisjoint(step) for step in steps
        )

    def steps(self, case: Case) -> int:
        """Return the number of recorded requests and watches."""
        return sum("settle" not in step for step in case["steps"])

    def replay(self, case: Case) -> CaseResult:
        """Send every request to a new API server and compare the responses."""
        return CaseResult(self.steps(case), tuple(self._replayed(case)))

    def _replayed(self, case: Case) -> Iterator[StepResult]:
        # Only recordings of managed fields contain them.
        managed = any("managedFields" in _metadata(step) for step in case["steps"])
        for request, recorded, answer in answers(case):
            yield _compared(request, recorded, answer, managed_fields=managed)


def _metadata(step: Mapping[str, Any]) -> Mapping[str, Any]:
    body = step.get("response", {}).get("body", {})
    found: Mapping[str, Any] = (body.get("metadata") or {}) if isinstance(body, Mapping) else {}
    return found


def _compared(
    request: Mapping[str, Any],
    recorded: Mapping[str, Any],
    answer: tuple[int, dict[str, Any]],
    *,
    managed_fields: bool,
) -> StepResult:
    code, body = answer
    wanted = _body_of(recorded)
    expected = normalised(wanted, managed_fields=managed_fields)
    found = normalised(body, managed_fields=managed_fields)
    aspects = {
        "code": code == recorded["code"],
        "fields": status_details(wanted) == status_details(body),
        "whole": code == recorded["code"] and expected == found,
    }
    wrong = [] if aspects["code"] else [Difference("code", recorded["code"], code)]
    wrong += differences(expected, found, "body")
    if not (aspects["whole"] or wrong):
        wrong = [Difference("body", expected, found)]
    return StepResult(f"{request.get('method', 'WATCH')} {request['path']}", tuple(wrong), aspects)


def answers(case: Case) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], tuple[int, dict[str, Any]]]]:
    """Yield each request of a case, its recorded response, and the computed one."""
    from kschedcore.apiserver import APIServer
    from kschedcore.apiserver.admission.chain import AdmissionChain
    from kschedcore.apiserver.admission.plugins import default_plugins
    from kschedcore.clock import SimulatedClock
    from kschedcore.conformance.settling import Settling
    from kschedcore.store.store import Store

    clock, store = SimulatedClock(), Store()
    # The recorded API server v1.36.2 was built with OpenShift's token volumes.
    plugins = default_plugins(store, service_ca=True)
    server = APIServer(store, clock=clock, admission=AdmissionChain(store, plugins))
    controllers = Settling(server, clock, root_certificates=_family(case) in _WITH_ROOT_CERTIFICATES)
    controllers.settle()
    for step in case["steps"]:
        if "settle" in step:
            controllers.settle()
            continue
        if "watch" in step:
            yield step["watch"], step["response"], _watched(server, step["watch"])
            continue
        response = server.send(_request(step["request"]))
        answer = dict(response.object)
        if "warnings" in step["response"]:
            answer[_WARNINGS] = sorted(f"299 - {quote(text)}" for text in response.warnings)
        yield step["request"], step["response"], (response.code, answer)


def _request(recorded: Mapping[str, Any]) -> Request:
    return Request(
        recorded["method"],
        recorded["path"],
        recorded.get("body"),
        recorded.get("contentType", "application/json"),
        _USER_AGENT,
        recorded.get("accept") or "",
    )


def _watched(server: APIServer, watch: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Open a watch, send the requests that were sent meanwhile, and return its code and its stream or refusal."""
    opened = _request({**watch, "method": "GET"})
    response = server.send(opened)
    first = [] if isinstance(response.body, dict) else list(response.body.poll())
    for request in watch.get("during", ()):
        server.send(_request(request))
    if isinstance(response.body, dict):
        _clean_up(server, watch)
        return response.code, response.body if response.code >= 400 else {_STREAM: [response.body]}
    events = [*first, *response.body.poll()]
    _clean_up(server, watch)
    return response.code, {_STREAM: [{"type": each.type, "object": each.object} for each in events]}


def _clean_up(server: APIServer, watch: Mapping[str, Any]) -> None:
    """Delete what was created during a watch, as was done between recorded watches."""
    for request in watch.get("during", ()):
        if request["method"] == "POST":
            server.send(Request("DELETE", f"{request['path']}/{request['body']['metadata']['name']}"))


def _body_of(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recorded body, stream or text of a response, with its warnings, in the form of a computed one."""
    if "stream" in recorded:
        return {_STREAM: recorded["stream"]}
    body = recorded["body"]
    whole = dict(body) if isinstance(body, Mapping) else {"text": body}
    if "warnings" in recorded:
        whole[_WARNINGS] = sorted(recorded["warnings"])
    return whole


def _family(case: Case) -> str:
    """Return the family of a case id: ``quota`` for ``quota-0003``."""
    return str(case.get("id", "")).rpartition("-")[0]


def status_details(body: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the reason of a failure and the fields of its causes; both empty for an object."""
    if body.get("kind") != "Status":
        return "", []
    causes = (body.get("details") or {}).get("causes", ())
    return body.get("reason", ""), sorted(cause.get("field", "") for cause in causes)


def normalised(body: Mapping[str, Any], *, managed_fields: bool) -> Any:
    """Return a copy of a response with placeholders for values that differ between clusters."""
    value = msgspec.json.decode(msgspec.json.encode(body))
    if value.get("kind") == "Status":
        _normalise_status(value)
    return _normalise(value, managed_fields)


def _normalise_status(status: dict[str, Any]) -> None:
    causes = (status.get("details") or {}).get("causes")
    if causes:
        for cause in causes:
            cause["message"] = _GO_VALUE.sub("Invalid value: <object>: ", cause.get("message", ""))
        causes.sort(key=lambda cause: (cause.get("field", ""), cause.get("message", "")))
    if status.get("code") == 422:
        status.pop("message", None)
    elif "message" in status:
        status["message"] = _sorted_message(status["message"])


def _sorted_message(message: str) -> str:
    """Sort the conflicts or limit-range reasons of a message, which Kubernetes lists in no particular order."""
    first, *rest = message.split("\n")
    listed = _LISTED.fullmatch(first)
    if listed and not rest:
        reasons = sorted(_BETWEEN_REASONS.split(listed["reasons"]))
        first = f"{listed['before']}[{', '.join(reasons)}]"
    return "\n".join([first, *sorted(rest)])


def _normalise(value: Any, managed_fields: bool) -> Any:
    if isinstance(value, str):
        for pattern, replacement in _VARIABLE:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, list):
        return [_normalise(item, managed_fields) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "Table":
        value = _table(value)
    kept = {key: item for key, item in value.items() if managed_fields or key != "managedFields"}
    return {key: _field(key, item, managed_fields) for key, item in kept.items()}


def _table(value: dict[str, Any]) -> dict[str, Any]:
    """Return a table with placeholders in cells that are ages, cluster addresses or ports of nodes."""
    names = [column["name"] for column in value.get("columnDefinitions") or ()]
    rows = [{**row, "cells": _cells(names, row["cells"])} for row in value.get("rows") or ()]
    return {**value, "rows": rows}


def _cells(names: list[str], cells: list[Any]) -> list[Any]:
    shown = []
    for place, value in enumerate(cells):
        name = names[place] if place < len(names) else ""
        if isinstance(value, str) and _AGE.fullmatch(value):
            shown.append("<age>")
        elif name == "Cluster-IP" and value not in ("None", "<none>", ""):
            shown.append("<ip>")
        elif name == "Port(s)":
            shown.append(_NODE_PORT.sub(":<nodePort>/", value))
        elif name == "Restarts":
            shown.append(_AGO.sub("(<age> ago)", value))
        else:
            shown.append(value)
    return shown


def _field(key: str, value: Any, managed_fields: bool) -> Any:
    if key == "managedFields":
        entries = [_normalise(entry, managed_fields) for entry in value]
        return sorted(entries, key=lambda each: [each.get(part, "") for part in _ENTRY_ORDER])
    if key in _PLACEHOLDERS and value:
        return _PLACEHOLDERS[key]
    if key == "clusterIP":
        return value if value in ("None", "") else "<ip>"
    if key == "clusterIPs":
        return [each if each == "None" else "<ip>" for each in value]
    return _normalise(value, managed_fields)
