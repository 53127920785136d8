"""A score that is rescaled over the feasible nodes (NormalizeScore): its extremes, and how many nodes have them."""

from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int64Column
from kschedcore._native.kernels cimport ks_count_of, ks_extremes
from kschedcore._native.types cimport NO_SCORE, score_t, slot_t, verdict_t
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t

cdef struct NormalisedScore:
    PyObject* plugin
    PyObject* raw                      # Int64Column; empty while all raw scores are 0
    int64_t weight
    int depends
    bint idle                          # PreScore skips the plugin, and all raw scores are 0
    score_t low                        # extremes over the feasible nodes
    score_t high
    int64_t members                    # feasible nodes with a raw score
    int64_t at_low                     # feasible nodes with the lowest and highest score
    int64_t at_high
    bint stale                         # the extremes have to be computed again
    score_t used_low                   # extremes used for the totals
    score_t used_high


cdef inline score_t raw_at(const NormalisedScore* score, slot_t slot) noexcept nogil:
    return (<Int64Column> score.raw).data[slot] if (<Int64Column> score.raw).capacity else 0


cdef inline void remove_raw(NormalisedScore* score, score_t raw) noexcept nogil:
    """Remove the raw score of a feasible node."""
    if raw == NO_SCORE:
        return
    score.members -= 1
    if raw == score.high:
        score.at_high -= 1
    if raw == score.low:
        score.at_low -= 1


cdef inline void add_raw(NormalisedScore* score, score_t raw) noexcept nogil:
    """Add the raw score of a feasible node."""
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
    """Compute the extremes over all nodes."""
    cdef const score_t* raw = (<Int64Column> score.raw).data
    score.stale = False
    if (<Int64Column> score.raw).capacity:
        ks_extremes(raw, verdict, n, &score.low, &score.high, &score.members)
        score.at_low = ks_count_of(raw, verdict, score.low, n)
        score.at_high = score.at_low if score.low == score.high else ks_count_of(raw, verdict, score.high, n)
        return
    score.low = 0 if feasible else INT64_MAX
    score.high = 0 if feasible else INT64_MIN
    score.members = score.at_low = score.at_high = feasible


cdef inline bint is_uniform(const NormalisedScore* score, int64_t feasible) noexcept nogil:
    """Return whether all feasible nodes have the same raw score."""
    return feasible == 0 or (score.low == score.high and score.members == feasible)
