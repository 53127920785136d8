"""Requests of every verb and patch type: recorded histories, with damage in bodies, paths, queries and content types.

However broken a request is, the API server answers it with an object or a ``Status``, and the answer can be sent.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from kschedcore.api.machinery.confidential import masked
from kschedcore.api.machinery.status import StatusError
from kschedcore.apiserver import APIServer
from kschedcore.client.transport import Request, Response
from kschedcore.clock import SimulatedClock
from kschedcore.conformance.settling import Settling

from .mutations import VALUES, damaged

__all__ = ["fault", "history", "run", "shrunk"]

RECORDINGS = Path(__file__).parent.parent / "apiserver" / "recordings"
JSON_PATCH = "application/json-patch+json"
TYPES = (
    "application/json", "application/yaml", JSON_PATCH, "application/merge-patch+json",
    "application/strategic-merge-patch+json", "application/apply-patch+yaml", "application/json; charset=utf-8",
    "text/plain", "", "application/vnd.kubernetes.protobuf",
)  # fmt: skip
ACCEPTED = (
    "", "", "application/json", "application/json;as=Table;v=v1;g=meta.k8s.io", "text/csv", "*/*;q=x",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", ";;,,=",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "PATCH", "DELETE", "OPTIONS", "")
PARAMETERS = (
    "dryRun", "fieldManager", "force", "fieldValidation", "limit", "continue", "labelSelector", "fieldSelector",
    "gracePeriodSeconds", "propagationPolicy", "orphanDependents", "resourceVersion", "resourceVersionMatch", "watch",
    "sendInitialEvents", "allowWatchBookmarks", "timeoutSeconds", "includeObject", "pretty", "",
)  # fmt: skip
ARGUMENTS = (
    "", "1", "0", "-1", "true", "false", "All", "Exact", "NotOlderThan", "Strict", "Warn", "a=b", "a in (b,c)", "!a",
    "a,,b",
    "metadata.name=x", "status.phase!=Running", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJ4In0", "%ff", "é",
    "9223372036854775807", "9" * 5000, "\udc80", "%00", "a" * 300,
)  # fmt: skip
SUBRESOURCES = ("status", "scale", "binding", "eviction", "finalize", "resize", "log", "..", "")
PATHS = (
    "//[",
    "",
    "/",
    "/api",
    "/api/v1",
    "/apis/%2e%2e/",
    "\udc80",
    "/api/v1/namespaces/%ff/pods",
    "?",
    "/version",
)
POINTERS = (
    "", "/", "/metadata", "/metadata/labels/x", "/metadata/managedFields/0", "/spec", "/spec/containers/0",
    "/spec/containers/-", "/spec/containers/99999999999999999999", "/status", "/data/a~1b", "x",
)  # fmt: skip


_SETTLE = {"method": "", "path": ""}


@cache
def corpus() -> tuple[tuple[Request, ...], ...]:
    """The requests of recorded histories; an empty method lets the controllers settle."""
    histories: list[tuple[Request, ...]] = []
    for path in sorted(RECORDINGS.glob("*.jsonl.gz")):
        with gzip.open(path, "rt") as lines:
            histories += [tuple(map(_recorded, json.loads(line)["steps"])) for line in list(lines)[:10]]
    return tuple(histories)


def _recorded(step: dict[str, Any]) -> Request:
    request = step.get("request") or {"method": "GET", **step["watch"]} if "settle" not in step else _SETTLE
    kind = request.get("contentType", "application/json")
    return Request(request["method"], request["path"], request.get("body"), kind, "tester")


def history(random: Random) -> list[Request]:
    """A recorded history, shortened, in which about every other request is damaged."""
    recorded = random.choice(corpus())
    start = random.randint(0, max(0, len(recorded) - 12))
    chosen = [*recorded[:3], *recorded[max(3, start) : start + 12]]
    return [each if random.random() < 0.4 else _damaged(each, random) for each in chosen]


def _damaged(request: Request, random: Random) -> Request:
    method, target, body, kind = request.method, request.target, request.body, request.content_type
    match random.randrange(8):
        case 0:
            method = random.choice(METHODS)
        case 1:
            kind = random.choice(TYPES)
        case 2:
            target = _damaged_target(target, random)
        case 3:
            method, kind, body = "PATCH", JSON_PATCH, _operations(random)
        case _ if body is not None:
            body = damaged(body, random)
        case _:
            target = _damaged_target(target, random)
    accept = random.choice(ACCEPTED)
    return Request(method, target, _sent(body, random), kind, request.user_agent, accept)


def _damaged_target(target: str, random: Random) -> str:
    path, _, query = target.partition("?")
    match random.randrange(6):
        case 0:
            return random.choice(PATHS)
        case 1:
            segments = path.split("/")
            segments[random.randrange(len(segments))] = quote(
                str(random.choice(VALUES)), errors="surrogatepass"
            )
            path = "/".join(segments)
        case 2:
            path = f"{path}/{random.choice(SUBRESOURCES)}"
        case _:
            pairs = [
                f"{random.choice(PARAMETERS)}={random.choice(ARGUMENTS)}" for _ in range(random.randint(1, 3))
            ]
            query = "&".join([*filter(None, [query]), *pairs])
    return f"{path}?{query}" if query else path


def _operations(random: Random) -> list[Any]:
    names = ("add", "remove", "replace", "move", "copy", "copy", "test", "x", 5)
    return [
        damaged(operation, random) if random.random() < 0.1 else operation
        for operation in (
            {
                "op": random.choice(names),
                "path": random.choice(POINTERS),
                "from": random.choice(POINTERS),
                "value": random.choice(VALUES),
            }
            for _ in range(random.choice((1, 2, 5, 40)))
        )
    ]


def _sent(body: Any, random: Random) -> Any:
    """The body as an object, or as text that may be cut short or have bytes changed."""
    if random.random() < 0.6:
        return body
    try:
        text = bytearray(json.dumps(body).encode("utf-8", "surrogatepass"))
    except RecursionError:
        return body
    if random.random() < 0.5 and text:
        text[random.randrange(len(text))] = random.randrange(256)
    if random.random() < 0.2:
        del text[random.randrange(len(text) + 1) :]
    return bytes(text)


def fault(requests: list[Request]) -> str:
    """Send a history to a new API server; return what went wrong, or nothing."""
    clock = SimulatedClock()
    server = APIServer(clock=clock)
    controllers = Settling(server, clock)
    controllers.settle()
    for number, request in enumerate(requests):
        if not request.method and not request.target:
            controllers.settle()
            continue
        try:
            problem = _problem(request, server.send(request))
        except Exception as error:
            problem = f"raises {type(error).__name__}: {error}"
        if problem:
            return f"request {number} {request.method} {request.target[:80]!r}: {problem[:200]}"
    return ""


def _problem(request: Request, response: Response) -> str:
    if not isinstance(response.body, dict):
        with suppress(StatusError):  # 410: the version to begin with is too old
            response.body.poll()
        return "" if request.method == "GET" else "a stream answers a write"
    json.dumps(response.body).encode()
    if response.code < 400:
        return (
            ""
            if response.body.get("kind") or request.target.startswith("/version")
            else "an answer without a kind"
        )
    status = response.body
    if (status.get("kind"), status.get("status"), status.get("code")) != ("Status", "Failure", response.code):
        return f"code {response.code} with {status}"
    return "" if status.get("message") else f"code {response.code} without a message"


def shrunk(requests: list[Request]) -> list[Request]:
    """The shortest part of a failing history that can be had by leaving requests out one by one."""
    index = 0
    while index < len(requests):
        fewer = requests[:index] + requests[index + 1 :]
        if fault(fewer):
            requests = fewer
        else:
            index += 1
    return requests


def run(seed: int) -> str:
    """Run the case of a seed; return what went wrong with the requests that show it, or nothing."""
    requests = history(Random(seed))
    found = fault(requests)
    return "\n".join([found, *_shown(shrunk(requests))]) if found else ""


def _shown(requests: list[Request]) -> Iterator[str]:
    """Yield a line per request, without the values of Secrets and environment variables."""
    for each in requests:
        body = masked(each.body, "Secret" if "secrets" in each.target else "")
        yield f"    {each.method} {each.target!r} {each.content_type} {str(body)[:1500]!r}"
