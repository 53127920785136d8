"""Loops over a class's columns, for some nodes or for all."""

from kschedcore._native.types cimport score_t, slot_t, verdict_t
from libc.stdint cimport INT64_MIN, int64_t

# The two loops of each of these differ only in how a slot is found; the one over all slots is vectorised.

cdef inline void copy_sums(
    score_t* to, const score_t* source, score_t same, const slot_t* slots, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    if slots == NULL:
        for i in range(n):
            to[i] = source[i] + same
    else:
        for i in range(n):
            to[slots[i]] = source[slots[i]] + same


cdef inline void add_scores(
    score_t* to, const score_t* source, int64_t weight, const slot_t* slots, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    if slots == NULL:
        for i in range(n):
            to[i] += weight * source[i]
    else:
        for i in range(n):
            to[slots[i]] += weight * source[slots[i]]


cdef inline void leave_out(
    score_t* total, const verdict_t* verdict, const slot_t* slots, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    if slots == NULL:
        for i in range(n):
            total[i] = INT64_MIN if verdict[i] else total[i]
    else:
        for i in range(n):
            if verdict[slots[i]]:
                total[slots[i]] = INT64_MIN
