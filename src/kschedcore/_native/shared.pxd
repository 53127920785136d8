from kschedcore._native.columns cimport Int32Column, Int64Column
from kschedcore._native.nominations cimport Nominations
from kschedcore._native.slotset cimport SlotSet

cdef class Shared:
    cdef readonly Nominations nominations
    cdef SlotSet stale, ignored
    cdef Int32Column verdicts
    cdef Int64Column sums, fresh, taken
    cdef int grow(self, Py_ssize_t capacity) except -1
