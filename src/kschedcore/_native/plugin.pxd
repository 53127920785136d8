from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.reasons cimport ReasonTable
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.types cimport score_t, slot_t, verdict_t
from libc.stdint cimport int64_t

# What a plugin's result for a node depends on, and so which changes make it stale.
cdef enum Depends:
    ON_SPEC = 0                        # the node itself: labels, taints, allocatable, images
    ON_LOAD = 1                        # also what is accounted on the node
    ON_TOPOLOGY = 2                    # also pods on other nodes of a topology domain

cdef class Plugin:
    cdef readonly str name
    cdef readonly NodeTable nodes
    cdef readonly ReasonTable reasons
    cdef readonly int depends
    cdef bint refresh(self) except -1
    cdef int collect(self, SlotSet stale) except -1 nogil

cdef class FilterPlugin(Plugin):
    cdef bint looks_elsewhere(self) noexcept nogil
    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil

cdef class ScorePlugin(Plugin):
    cdef readonly int64_t weight
    cdef readonly bint normalises
    cdef int prescore(
        self, const slot_t* slots, Py_ssize_t n, const verdict_t* verdict, SlotSet stale
    ) except -1 nogil
    cdef bint skipped(self) noexcept nogil
    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil
    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil

ctypedef score_t (*Rescale)(score_t raw, score_t low, score_t high) noexcept nogil

cdef void rescale_all(
    Rescale rescale, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
) noexcept nogil
