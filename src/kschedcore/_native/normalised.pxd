"""A score that is rescaled over the feasible nodes: its extremes there, and how many nodes have them."""

from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int64Column
from kschedcore._native.kernels cimport ks_count_of, ks_extremes
from kschedcore._native.types cimport NO_SCORE, score_t, slot_t, verdict_t
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t

cdef struct NormalisedScore:
    PyObject* plugin
    PyObject* raw                      # Int64Column; without any entry while all raw scores are 0
    int64_t weight
    int depends
    bint idle                          # skipped, and its raw scores are all what skipping makes them
    score_t low                        # extremes over the feasible nodes
    score_t high
    int64_t members                    # how many feasible nodes have a raw score
    int64_t at_low                     # how many feasible nodes have them
    int64_t at_high
    bint lost                          # they have to be looked up again
    score_t used_low                   # extremes that the totals were computed with
    score_t used_high


cdef inline score_t raw_at(const NormalisedScore* score, slot_t slot) noexcept nogil:
    return (<Int64Column> score.raw).data[slot] if (<Int64Column> score.raw).capacity else 0


cdef inline void forget(NormalisedScore* score, score_t raw) noexcept nogil:
    """A feasible node no longer has this raw score."""
    if raw == NO_SCORE:
        return
    score.members -= 1
    if raw == score.high:
        score.at_high -= 1
    if raw == score.low:
        score.at_low -= 1


cdef inline void learn(NormalisedScore* score, score_t raw) noexcept nogil:
    """A feasible node now has this raw score."""
    if raw == NO_SCORE:
        return
    score.members += 1
    if raw > score.high:
        score.high = raw
        score.at_high = 1
    elif raw == score.high:
        score.at_high += 1
    if raw < score.low:
        score.low = raw
        score.at_low = 1
    elif raw == score.low:
        score.at_low += 1


cdef inline void find_extremes(
    NormalisedScore* score, const verdict_t* verdict, Py_ssize_t n, int64_t feasible
) noexcept nogil:
    """Look the extremes up over all nodes."""
    cdef const score_t* raw = (<Int64Column> score.raw).data
    score.lost = False
    if (<Int64Column> score.raw).capacity:
        ks_extremes(raw, verdict, n, &score.low, &score.high, &score.members)
        score.at_low = ks_count_of(raw, verdict, score.low, n)
        score.at_high = score.at_low if score.low == score.high else ks_count_of(raw, verdict, score.high, n)
        return
    score.low = 0 if feasible else INT64_MAX
    score.high = 0 if feasible else INT64_MIN
    score.members = score.at_low = score.at_high = feasible


cdef inline bint is_uniform(const NormalisedScore* score, int64_t feasible) noexcept nogil:
    """Whether every feasible node has the same raw score, so that it adds the same to all totals."""
    return feasible == 0 or (score.low == score.high and score.members == feasible)
