"""Buffers for intermediate results, and the nominated pods, shared by the classes of one engine."""

from kschedcore._native.columns cimport Int32Column, Int64Column
from kschedcore._native.nominations cimport Nominations
from kschedcore._native.slotset cimport SlotSet


cdef class Shared:
    """Buffers for intermediate results, and the nominated pods, shared by the classes of one engine."""

    def __cinit__(self, Nominations nominations not None):
        self.nominations = nominations
        self.ignored = SlotSet()
        self.stale = SlotSet()
        self.verdicts = Int32Column()
        self.sums, self.fresh, self.taken = Int64Column(), Int64Column(), Int64Column()

    cdef int grow(self, Py_ssize_t capacity) except -1:
        self.verdicts.grow(capacity)
        for column in (self.sums, self.fresh, self.taken):
            column.extend(capacity)
        return 0
