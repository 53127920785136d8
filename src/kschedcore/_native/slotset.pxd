from kschedcore._native.columns cimport ChangeLog
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t

cdef class SlotSet:
    cdef slot_t* slots
    cdef Py_ssize_t count
    cdef bint everything               # the set is all slots; `slots` is then unused
    cdef int32_t* stamps
    cdef int32_t epoch
    cdef Py_ssize_t capacity
    cdef int reset(self, Py_ssize_t top) except -1 nogil
    cdef inline void add(self, slot_t slot) noexcept nogil:
        if self.stamps[slot] != self.epoch:
            self.stamps[slot] = self.epoch
            self.slots[self.count] = slot
            self.count += 1
    cdef int64_t add_log(self, ChangeLog log, int64_t position) noexcept nogil
