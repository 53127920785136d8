"""The vector loops of the core: every build of them gives the answers of the plainest Python, to the last bit."""

from __future__ import annotations

import ctypes
import math
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import kschedcore

HEADER = Path(kschedcore.__file__).parent / "_native"
EXACT = 2**46
"""Beyond this, amounts are not divided through doubles."""

LOOPS = """
#include "kernels.h"
void lack(const int64_t *a, const int64_t *r, int64_t amount, int32_t *out, long n) { ks_lack(a, r, amount, out, n); }
int too_large(const int64_t *c, long n) { return ks_too_large(c, n); }
void least(const int64_t *u, const int64_t *c, int64_t r, int64_t w, int64_t *t, int64_t *ws, long n)
{ ks_least_allocated(u, c, r, w, t, ws, n); ks_average(t, ws, n); }
void balance(const int64_t *r, const int64_t *c, int64_t a, const int64_t *s, const int64_t *d, int64_t b, int64_t *out,
             long n) { ks_balance(r, c, a, s, d, b, out, n); }
"""
# The processor chooses among the first one's builds; the others are each of one kind.
BUILDS = {
    "dispatched": [],
    "plain": ["-DKSCHEDCORE_ONE_KERNEL"],
    "unoptimised": ["-DKSCHEDCORE_ONE_KERNEL", "-O0"],
}


@pytest.fixture(scope="module", params=BUILDS)
def loops(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("kernels")
    source, library = folder / "loops.c", folder / "loops.so"
    source.write_text(LOOPS)
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    flags = ["-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC", f"-I{HEADER}"]
    command = [*compiler, *flags, *BUILDS[request.param], str(source), "-o", str(library), "-lm"]
    subprocess.run(command, check=True, capture_output=True)
    return ctypes.CDLL(str(library))


def column(values: list[int]) -> Any:
    return np.array(values, np.int64)


def at(array: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


AMOUNTS = st.one_of(st.integers(0, 8), st.integers(0, 200_000), st.integers(0, EXACT - 1))
ROWS = st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=40)


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, request_=AMOUNTS, weight=st.integers(1, 100))
@example(rows=[(0, 3), (0, EXACT - 1), (EXACT - 1, EXACT - 1), (1, 0)], request_=1, weight=1)
def test_least_allocated(loops: ctypes.CDLL, rows: list[tuple[int, int]], request_: int, weight: int) -> None:
    used, capacity = column([row[0] for row in rows]), column([row[1] for row in rows])
    total, weights = column([0] * len(rows)), column([0] * len(rows))
    loops.least(
        at(used),
        at(capacity),
        ctypes.c_int64(request_),
        ctypes.c_int64(weight),
        at(total),
        at(weights),
        ctypes.c_long(len(rows)),
    )
    assert total.tolist() == [
        0 if u + request_ > c or c == 0 else (c - u - request_) * 100 // c for u, c in rows
    ]


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS), min_size=1, max_size=40),
    one=AMOUNTS,
    two=AMOUNTS,
)
def test_balance(loops: ctypes.CDLL, rows: list[tuple[int, ...]], one: int, two: int) -> None:
    requested, capacity, other, size = (column([row[k] for row in rows]) for k in range(4))
    found = column([0] * len(rows))
    loops.balance(
        at(requested), at(capacity), ctypes.c_int64(one), at(other), at(size), ctypes.c_int64(two), at(found),
        ctypes.c_long(len(rows)),
    )  # fmt: skip
    for score, (r, c, s, d) in zip(found.tolist(), rows, strict=True):
        if c and d:
            fractions = [min(float(r + one) / float(c), 1.0), min(float(s + two) / float(d), 1.0)]
            assert score == math.trunc((1 - abs((fractions[0] - fractions[1]) / 2)) * 100.0)


@settings(max_examples=200, deadline=None)
@given(rows=ROWS, amount=AMOUNTS)
def test_lack(loops: ctypes.CDLL, rows: list[tuple[int, int]], amount: int) -> None:
    allocatable, requested = column([row[0] for row in rows]), column([row[1] for row in rows])
    lacking = np.zeros(len(rows), np.int32)
    loops.lack(at(allocatable), at(requested), ctypes.c_int64(amount), at(lacking), ctypes.c_long(len(rows)))
    assert lacking.tolist() == [int(amount > a - r) for a, r in rows]


@given(capacities=st.lists(st.integers(0, 2**62), min_size=1, max_size=40))
@example(capacities=[EXACT - 1])
@example(capacities=[0, EXACT])
def test_too_large(loops: ctypes.CDLL, capacities: list[int]) -> None:
    held = column(capacities)
    found = bool(loops.too_large(at(held), ctypes.c_long(len(capacities))))
    # It may be careful for nothing, never careless.
    assert found or max(capacities) < EXACT
    assert not found or max(capacities) >= EXACT
