from cpython.ref cimport PyObject
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t

cdef struct Requirement:
    PyObject* column                   # LabelColumn, kept alive by NodeSelector.columns
    int op
    int count
    int32_t* codes                     # ascending
    int64_t number

cdef class NodeSelector:
    cdef Requirement* requirements
    cdef int32_t* ends                 # term t is requirements[ends[t - 1]:ends[t]]
    cdef readonly int terms
    cdef list columns
    cdef bint term_matches(self, int term, slot_t slot) noexcept nogil
    cdef bint matches(self, slot_t slot) noexcept nogil
