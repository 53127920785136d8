"""Every number on the page of limits is the constant that the code enforces."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import DOCS

from kschedcore.api.durations import LONGEST
from kschedcore.apiserver import bodies, event_ttl, eviction, options, patching
from kschedcore.apiserver.patches import jsonpatch
from kschedcore.cli import counts
from kschedcore.client import loop
from kschedcore.cluster import cluster
from kschedcore.controllers import controller
from kschedcore.engine import classes
from kschedcore.engine.columns import resources
from kschedcore.engine.extenders import http
from kschedcore.engine.plugins import default_preemption
from kschedcore.extender import api_client, state
from kschedcore.extender.bounds import Limits
from kschedcore.extender.server import ExtenderServer
from kschedcore.manifests import loading, yaml
from kschedcore.rules.validation import configuration, metadata
from kschedcore.scheduler import waiting
from kschedcore.simulation import simulation, steps
from kschedcore.simulation.reading import LONGEST_SPAN
from kschedcore.store import memory

PAGE = DOCS / "reference/limits.md"
HEADER = Path(classes.__file__).parents[1] / "include/kschedcore.h"
DAYS_PER_YEAR = 365.25
LIMITS = Limits()


def _bytes(size: int) -> str:
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >> shift and not size % (1 << shift):
            return f"{size >> shift} {unit}"
    return f"{size} bytes"


def _years(days: float) -> str:
    return f"{days / DAYS_PER_YEAR:,.0f} years"


STATED: dict[str, tuple[str, ...]] = {
    "size of a file or of standard input": (_bytes(loading.MAX_BYTES), f"{loading.MAX_BYTES:,} bytes"),
    "depth of a YAML document": (f"| {yaml.MAX_DEPTH} |",),
    "values of a YAML document": (f"| {yaml.MAX_VALUES:,} |",),
    "pods of the workloads of one command line": (f"| {counts.MAX_PODS:,} |",),
    "duration of a simulation": (_years(simulation._CENTURY.days),),
    "a span of time": (_years(LONGEST_SPAN.days),),
    "drawn spans": (_years(LONGEST_SPAN.days),),
    "`grow.percent`": (f"at most {steps._MOST_REPLICAS:,} replicas",),
    "connections served at once": (f"| {LIMITS.connections} |", f"({ExtenderServer.request_queue_size:,})"),
    "size of a request's body": (f"| {_bytes(LIMITS.body)} |",),
    "bytes of bodies above": (f"above {_bytes(LIMITS.small_body)}", f"| {_bytes(LIMITS.bytes_in_flight)} |"),
    "time from a request's first byte": (f"| {LIMITS.request_seconds:g} s |",),
    "time until the next request": (f"| {LIMITS.idle_seconds:g} s |",),
    "pods that filter or prioritize named": (f"| {state.REMEMBERED:,}",),
    "time of a request, from connecting": (f"| {http.DEFAULT_TIMEOUT:g} s |", "10^6 s"),
    "size of a response": (_bytes(http.MAX_RESPONSE), str(http.MAX_RESPONSE)),
    "time of a request to the API server": (f"| {api_client.SECONDS:g} s |",),
    "names of resources": (f"| {resources.MOST_RESOURCES};",),
    "memory for compiled pod classes": (f"| {_bytes(classes.MAX_BYTES)} |",),
    "equally good preemptions": (f"| {default_preemption.MAX_EQUALS} |",),
    "time that a Permit plugin": (f"| {waiting.MAX_WAIT / 60:g} min,",),
    "size of a body": (_bytes(bodies.MAX_BYTES), f"limit is {bodies.MAX_BYTES}"),
    "depth of a body": (f"| {bodies.MAX_DEPTH} (", f"deeper than {bodies.MAX_DEPTH} levels"),
    "bytes that the copies": (_bytes(jsonpatch.MAX_COPIED_BYTES),),
    "data of a ConfigMap": (_bytes(configuration._MAX_BYTES),),
    "annotations of an object": (_bytes(metadata._ANNOTATIONS_LIMIT_BYTES),),
    "pods of a budget": (f"| {eviction._MAX_DISRUPTED_PODS:,},",),
    "operations of a JSON patch": (f"| {patching._MAX_OPERATIONS:,},",),
    "length of a field manager's name": (f"| {options._MANAGER_LIMIT} bytes",),
    "objects that a controller creates": (f"| {controller._Passes.CREATED.burst:,} at once",),
    "spans of time and the clock": (_years(LONGEST.days), f"{cluster._FIRST_YEAR} to {cluster._LAST_YEAR}"),
    "rounds of work": (f"| {loop.MOST_ROUNDS:,} |",),
    "events of the store": (f"| {memory.HISTORY_EVENTS:,} |",),
    "lifetime of an Event": (f"| {event_ttl.TTL.total_seconds() / 3600:g} h,",),
    "length of `last_error()`": ("| 4,095 bytes",),
}
"""Beginning of a row -> what the row says, made from the constants."""

ELSEWHERE = (
    "integers", "pods of a table", "`count`", "a request's line", "size of the API server's response",
    "memory for labels", "an extender's score", "depth of JSON text",
)  # fmt: skip
"""Rows without a constant: types of fields, limits of the standard library, and explanations."""


def rows() -> list[str]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [line.removeprefix("| ") for line in lines if not line.startswith("| what |")]


@pytest.mark.parametrize("beginning", STATED)
def test_a_row_states_its_constants(beginning: str) -> None:
    row = min((row for row in rows() if row.startswith(beginning)), key=len)
    for text in STATED[beginning]:
        assert text in row


def test_every_row_is_checked() -> None:
    known = (*STATED, *ELSEWHERE)
    assert [row for row in rows() if not row.startswith(known)] == []


def test_the_header_states_the_length_of_messages() -> None:
    assert "in one line of at most 4095 bytes" in HEADER.read_text()
