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
int lack(const int64_t *a, const int64_t *r, int64_t amount, int32_t *out, long n)
{ return ks_lack(a, r, amount, out, n); }
int least(const int64_t *u, const int64_t *c, int64_t r, int64_t w, int64_t *t, long n)
{ return ks_least_allocated(u, c, r, w, t, n); }
void average(int64_t *t, int64_t w, long n) { ks_average(t, w, n); }
int balance(const int64_t *r, const int64_t *c, int64_t a, const int64_t *s, const int64_t *d, int64_t b, int i,
            int64_t *out, long n) { return ks_balance(r, c, a, s, d, b, i, out, n); }
void best(const int64_t *s, long n, int64_t *b) { ks_best_of_blocks(s, n, b); }
void extremes(const int64_t *raw, const int32_t *verdict, long n, int64_t *found)
{ ks_extremes(raw, verdict, n, found, found + 1, found + 2); found[3] = ks_count_of(raw, verdict, found[0], n); }
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
    flags = ["-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
    command = [
        *compiler,
        *flags,
        "-shared",
        "-fPIC",
        f"-I{HEADER}",
        *BUILDS[request.param],
        str(source),
        "-o",
        str(library),
        "-lm",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return ctypes.CDLL(str(library))


def column(values: list[int]) -> Any:
    return np.array(values, np.int64)


def at(array: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


AMOUNTS = st.one_of(st.integers(0, 8), st.integers(0, 200_000), st.integers(0, EXACT - 1))
ROWS = st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=40)


@settings(max_examples=300)
@given(rows=ROWS, request_=AMOUNTS, weight=st.integers(1, 100))
@example(rows=[(0, 3), (0, EXACT - 1), (EXACT - 1, EXACT - 1)], request_=1, weight=1)
@example(rows=[(1, 0)], request_=1, weight=1)
@example(rows=[(1, 1), (1, EXACT)], request_=1, weight=1)
def test_least_allocated(loops: ctypes.CDLL, rows: list[tuple[int, int]], request_: int, weight: int) -> None:
    used, capacity, total = (
        column([row[0] for row in rows]),
        column([row[1] for row in rows]),
        column([7] * len(rows)),
    )
    meaningless = loops.least(
        at(used),
        at(capacity),
        ctypes.c_int64(request_),
        ctypes.c_int64(weight),
        at(total),
        ctypes.c_long(len(rows)),
    )
    assert bool(meaningless) == any(c == 0 or c >= EXACT for _, c in rows)
    if not meaningless:
        ratings = [0 if u + request_ > c else (c - u - request_) * 100 // c for u, c in rows]
        assert total.tolist() == [7 + weight * rating for rating in ratings]


@given(
    weight=st.one_of(st.integers(1, 300), st.integers(1, 10**9)),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=40),
)
@example(weight=49, shares=[49 / 4900])
def test_average(loops: ctypes.CDLL, weight: int, shares: list[float]) -> None:
    totals = [int(share * 100 * weight) for share in shares]
    averages = column(totals)
    loops.average(at(averages), ctypes.c_int64(weight), ctypes.c_long(len(totals)))
    assert averages.tolist() == [total // weight for total in totals]


@settings(max_examples=300)
@given(
    rows=st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS), min_size=1, max_size=40),
    one=AMOUNTS,
    two=AMOUNTS,
    improvement=st.booleans(),
)
def test_balance(
    loops: ctypes.CDLL, rows: list[tuple[int, ...]], one: int, two: int, improvement: bool
) -> None:
    requested, capacity, other, size = (column([row[k] for row in rows]) for k in range(4))
    found = column([0] * len(rows))
    lacking = loops.balance(
        at(requested), at(capacity), ctypes.c_int64(one), at(other), at(size), ctypes.c_int64(two),
        ctypes.c_int(improvement), at(found), ctypes.c_long(len(rows)),
    )  # fmt: skip
    assert bool(lacking) == any(c == 0 or d == 0 for _, c, _, d in rows)
    for score, (r, c, s, d) in zip(found.tolist(), rows, strict=True):
        if c and d:
            with_pod, without = (
                math.trunc((1 - abs((min(u / float(c), 1.0) - min(v / float(d), 1.0)) / 2)) * 100.0)
                for u, v in ((float(r + one), float(s + two)), (float(r), float(s)))
            )
            expected = 50 + math.trunc((50 + with_pod - without) / 2) if improvement else with_pod
            assert score == expected


@settings(max_examples=200)
@given(rows=ROWS, amount=AMOUNTS)
def test_lack(loops: ctypes.CDLL, rows: list[tuple[int, int]], amount: int) -> None:
    allocatable, requested = column([row[0] for row in rows]), column([row[1] for row in rows])
    lacking = np.zeros(len(rows), np.int32)
    anywhere = loops.lack(
        at(allocatable), at(requested), ctypes.c_int64(amount), at(lacking), ctypes.c_long(len(rows))
    )
    assert lacking.tolist() == [int(amount > a - r) for a, r in rows]
    assert bool(anywhere) == any(lacking)


NO_SCORE = -(2**63)
SCORES = st.one_of(st.integers(-3, 3), st.integers(NO_SCORE, 2**63 - 1), st.just(NO_SCORE))


@given(scores=st.lists(SCORES, max_size=100))
def test_best_of_blocks(loops: ctypes.CDLL, scores: list[int]) -> None:
    held, best = column(scores), column([0] * (len(scores) // 16 + 1))
    loops.best(at(held), ctypes.c_long(len(scores)), at(best))
    blocks = [scores[start : start + 16] for start in range(0, max(len(scores), 1), 16)]
    assert best.tolist()[: len(blocks)] == [max(block, default=NO_SCORE) for block in blocks]


@given(rows=st.lists(st.tuples(SCORES, st.integers(-1, 2)), max_size=60))
def test_extremes(loops: ctypes.CDLL, rows: list[tuple[int, int]]) -> None:
    raw, verdict = column([row[0] for row in rows]), np.array([row[1] for row in rows], np.int32)
    found = column([0] * 4)
    loops.extremes(at(raw), at(verdict), ctypes.c_long(len(rows)), at(found))
    members = [score for score, rejected in rows if not rejected and score != NO_SCORE]
    assert found.tolist()[:3] == [
        min(members, default=2**63 - 1),
        max(members, default=NO_SCORE),
        len(members),
    ]
    if members:
        assert found[3] == members.count(min(members))


HUGE = st.one_of(st.integers(2**61, 2**63 - 1), st.integers(0, 200_000))


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.tuples(HUGE, HUGE), min_size=1, max_size=20), request_=HUGE)
def test_what_is_left_wraps_around_as_in_go(loops: Any, rows: list[tuple[int, int]], request_: int) -> None:
    capacity, requested = column([row[0] for row in rows]), column([row[1] for row in rows])
    lacking = np.zeros(len(rows), np.int32)
    loops.lack(at(capacity), at(requested), ctypes.c_int64(request_), at(lacking), len(rows))
    assert lacking.tolist() == [request_ > wrapped(one - other) for one, other in rows]


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.tuples(HUGE, AMOUNTS), min_size=1, max_size=20), request_=HUGE)
def test_a_sum_that_wraps_around_is_reported(loops: Any, rows: list[tuple[int, int]], request_: int) -> None:
    used, capacity = column([row[0] for row in rows]), column([row[1] for row in rows])
    total = np.zeros(len(rows), np.int64)
    overflows = loops.least(
        at(used), at(capacity), ctypes.c_int64(request_), ctypes.c_int64(1), at(total), len(rows)
    )
    assert bool(overflows) == any(wrapped(one + request_) < 0 or not 0 < other < EXACT for one, other in rows)


def wrapped(amount: int) -> int:
    return (amount + 2**63) % 2**64 - 2**63
