"""The table of faults and tests names tests and fuzzers that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from tests.fuzz.fuzzers import FUZZERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "tests/fuzz/README.md").read_text(encoding="utf-8")
ROWS = [row for row in PAGE.splitlines() if row.startswith("| ") and not row.startswith("| kind")]
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py::[\w:]+)`", PAGE)))


@cache
def _names(path: str) -> frozenset[str]:
    """Return the names of the classes and functions of a module, methods also without their class."""
    found: set[str] = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
            found |= {node.name, *methods, *(f"{node.name}::{method}" for method in methods)}
    return frozenset(found)


@pytest.mark.parametrize("test", TESTS)
def test_a_named_test_exists(test: str) -> None:
    path, _, name = test.partition("::")
    assert name in _names(path)


def test_every_row_names_tests() -> None:
    numbers = [int(found[1]) for row in ROWS if (found := re.match(r"\| (\d+)\. ", row))]
    assert numbers == list(range(1, 19))
    assert [row for row in ROWS if "::" not in row] == []


def test_named_fuzzers_exist() -> None:
    named = set(re.findall(r"fuzzers? `(\w+)`", PAGE)) | set(re.findall(r"and `(\w+)` \|", PAGE))
    assert named
    assert named <= set(FUZZERS)
