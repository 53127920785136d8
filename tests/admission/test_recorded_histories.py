"""What a real API server answered, request by request, for the families that admission decides alone."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from .door import Door

RECORDINGS = Path(__file__).parent / "recordings"
FAMILIES = ("limitrange", "quota", "validation", "admission")
REPLACED = (
    (re.compile(r"\buid-\d+"), "<uid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"(kube-api-access-)[a-z0-9]{5}"), r"\1<sfx>"),
    (re.compile(r"Invalid value: (?!map\[)[\w.\[\]*&]+\{.*\}: "), "Invalid value: <object>: "),
)
REASON = re.compile(r", (?=(?:minimum|maximum) \S+ usage|\S+ max limit)")


def normalised(value: Any, key: str = "") -> Any:
    if key == "resourceVersion":
        return "<rv>"
    if key == "clusterIP" and value not in ("", "None"):
        return "<ip>"
    if key == "clusterIPs" and value != ["None"]:
        return ["<ip>"] * len(value)
    if key == "nodePort":
        return "<nodePort>"
    if isinstance(value, dict):
        value = {k: normalised(v, k) for k, v in value.items()}
        return normalised_status(value) if value.get("kind") == "Status" else value
    if isinstance(value, list):
        return [normalised(item) for item in value]
    if isinstance(value, str):
        for pattern, text in REPLACED:
            value = pattern.sub(text, value)
    return value


def normalised_status(status: dict[str, Any]) -> dict[str, Any]:
    if status.get("code") == 422:
        status.pop("message", None)
        status.get("details", {}).get("causes", []).sort(key=lambda cause: (cause["field"], cause["message"]))
    head, found, tail = status.get("message", "").partition(" is forbidden: [")
    if found:
        status["message"] = f"{head}{found}{', '.join(sorted(REASON.split(tail.removesuffix(']'))))}]"
    return status


def cases(family: str) -> list[dict[str, Any]]:
    with gzip.open(RECORDINGS / f"{family}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def fresh_door() -> Door:
    door = Door()
    for name in ("default", "kube-system"):
        door.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    door.settle()
    return door


@pytest.mark.parametrize("family", FAMILIES)
def test_every_answer_agrees_with_the_recorded_one(family: str) -> None:
    different = []
    for case in cases(family):
        door = fresh_door()
        for number, step in enumerate(case["steps"]):
            if "settle" in step:
                door.settle()
                continue
            request, recorded = step["request"], step["response"]
            code, body = door.request(request["method"], request["path"], request.get("body"))
            if (code, normalised(body)) != (recorded["code"], normalised(recorded["body"])):
                different.append((case["id"], number, request["path"]))
    assert different == []
