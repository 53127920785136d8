"""Between columns, which have an entry for each slot, and lists, which have one for each node looked at.

Every function is given the slots of the nodes, or NULL for the slots 0 to n - 1; then list and column are alike.
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
    """Have the memory bring what will be written before long, while other things are computed."""
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
    """Where nobody has rejected a node yet, take over what the column says of it."""
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
    """Totals of nodes, ``same`` being part of each; INT64_MIN where a node's verdict, of the list, rejects it."""
    cdef Py_ssize_t i
    if slots == NULL:
        for i in range(n):
            column[i] = INT64_MIN if verdict[i] else sums[i] + same
    else:
        for i in range(n):
            column[slots[i]] = INT64_MIN if verdict[i] else sums[i] + same


cdef inline bint any_of(const entry_t* entries, Py_ssize_t n) noexcept nogil:
    """Whether any entry is not 0."""
    cdef entry_t seen = 0
    cdef Py_ssize_t i
    for i in range(n):
        seen |= entries[i]
    return seen != 0
