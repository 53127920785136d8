"""Gather from columns (an entry for each slot) into lists (an entry for each node evaluated), and scatter back.

Every function takes the slots of the nodes, or NULL for the slots 0 to n - 1.
"""

from kschedcore._native.kernels cimport ks_gather
from kschedcore._native.types cimport score_t, slot_t, verdict_t
from libc.stdint cimport INT64_MIN
from libc.string cimport memcpy

ctypedef fused entry_t:
    score_t
    verdict_t


cdef extern from *:
    """
    #if defined(__GNUC__)
    #define KSCHEDCORE_FETCH(address) __builtin_prefetch((address), 1)
    #else
    #define KSCHEDCORE_FETCH(address) ((void) 0)
    #endif
    """
    void fetch "KSCHEDCORE_FETCH"(const void* address) noexcept nogil


cdef inline void fetch_scores(const score_t* column, const slot_t* slots, Py_ssize_t n) noexcept nogil:
    """Prefetch entries that will be written soon."""
    cdef Py_ssize_t i
    for i in range(n):
        fetch(&column[slots[i]])


cdef inline void take_scores(const score_t* column, const slot_t* slots, Py_ssize_t n, score_t* out) noexcept nogil:
    if slots == NULL:
        memcpy(out, column, n * sizeof(score_t))
    else:
        ks_gather(column, slots, n, out)


cdef inline void put(entry_t* column, const slot_t* slots, Py_ssize_t n, const entry_t* entries) noexcept nogil:
    cdef Py_ssize_t i
    if slots == NULL:
        memcpy(column, entries, n * sizeof(entry_t))
    else:
        for i in range(n):
            column[slots[i]] = entries[i]


cdef inline void merge_verdicts(
    verdict_t* first, const verdict_t* column, const slot_t* slots, Py_ssize_t n
) noexcept nogil:
    """Set the verdict of nodes that no earlier filter rejected from a column."""
    cdef Py_ssize_t i
    if slots == NULL:
        for i in range(n):
            first[i] = first[i] if first[i] else column[i]
    else:
        for i in range(n):
            first[i] = first[i] if first[i] else column[slots[i]]


cdef inline void put_totals(
    score_t* column, const verdict_t* verdict, score_t same, const slot_t* slots, Py_ssize_t n, const score_t* sums
) noexcept nogil:
    """Set the totals of nodes to ``sums + same``; INT64_MIN where ``verdict``, a list, rejects the node."""
    cdef Py_ssize_t i
    if slots == NULL:
        for i in range(n):
            column[i] = INT64_MIN if verdict[i] else sums[i] + same
    else:
        for i in range(n):
            column[slots[i]] = INT64_MIN if verdict[i] else sums[i] + same


cdef inline bint any_of(const entry_t* entries, Py_ssize_t n) noexcept nogil:
    """Return whether any entry is not 0."""
    cdef entry_t seen = 0
    cdef Py_ssize_t i
    for i in range(n):
        seen |= entries[i]
    return seen != 0
