"""A score that is rescaled over the feasible nodes: its extremes there, and how many nodes have them."""

from cpython.ref cimport PyObject
from kschedcore._native.types cimport NO_SCORE, score_t
from libc.stdint cimport int64_t

cdef struct NormalisedScore:
    PyObject* plugin
    PyObject* raw                      # Int64Column
    int64_t weight
    int depends
    bint idle                          # skipped, and its raw scores are all what skipping makes them
    score_t low                        # extremes over the feasible nodes
    score_t high
    int64_t members                    # how many feasible nodes have a raw score
    int64_t at_low                     # how many feasible nodes have them
    int64_t at_high
    score_t used_low                   # extremes that the totals were computed with
    score_t used_high


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


cdef inline bint is_uniform(const NormalisedScore* score, int64_t feasible) noexcept nogil:
    """Whether every feasible node has the same raw score, so that it adds the same to all totals."""
    return score.low == score.high and score.members == feasible
