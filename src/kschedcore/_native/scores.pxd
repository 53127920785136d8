from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int64Column
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.normalised cimport NormalisedScore
from kschedcore._native.plugin cimport ScorePlugin
from kschedcore._native.shared cimport Shared
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.types cimport score_t, slot_t, verdict_t
from libc.stdint cimport int64_t

cdef class Scores:
    cdef NodeTable nodes
    cdef Shared shared
    cdef readonly list plugins
    cdef list raws                     # Int64Column of each normalised score
    cdef PyObject** plain_refs         # those that do not normalise
    cdef int plain_count
    cdef Int64Column fixed             # sum of plain scores that depend on the node's spec only; empty while all 0
    cdef Int64Column local             # sum of all plain scores; kept only if used more than once
    cdef bint any_fixed, keeps_local
    cdef NormalisedScore* normalised
    cdef int normalised_count
    cdef Int64Column total             # INT64_MIN where a node is not feasible
    cdef Py_ssize_t prepared           # slots below this have columns
    cdef int prepare(self, Py_ssize_t top) except -1
    cdef int take_fixed(self, const slot_t* slots, Py_ssize_t n) except -1 nogil
    cdef int take_raw(
        self, int depends, const slot_t* slots, Py_ssize_t n, const verdict_t* verdict
    ) except -1 nogil
    cdef int prescore(
        self, const slot_t* slots, Py_ssize_t n, const verdict_t* verdict, SlotSet stale
    ) except -1 nogil
    cdef void set_feasible(self, slot_t slot, bint feasible) noexcept nogil
    cdef void invalidate_extremes(self) noexcept nogil
    cdef bint extremes_moved(self, const verdict_t* verdict, int64_t feasible) noexcept nogil
    cdef int follow(self, const slot_t* slots, Py_ssize_t n, bint elsewhere, int64_t feasible) except -1 nogil
    cdef void sum(
        self, const slot_t* slots, Py_ssize_t n, const verdict_t* verdicts, int64_t feasible
    ) noexcept nogil
    cdef void _plain(self, const slot_t* slots, Py_ssize_t n, score_t* sums) noexcept nogil
    cdef int _put_raw(
        self, NormalisedScore* score, const slot_t* slots, Py_ssize_t n, const score_t* fresh,
        const verdict_t* verdict,
    ) except -1 nogil
    cdef bint _is_flat(self, int64_t feasible) noexcept nogil
