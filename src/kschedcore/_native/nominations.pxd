from kschedcore._native.columns cimport Int32Column
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.topology cimport Topology
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t

cdef class Nominations:
    cdef Topology topology
    cdef Int32Column count             # slot -> pods nominated to it
    cdef dict by_slot
    cdef readonly int64_t pods        # nominated, to any node
    cdef inline bint any_on(self, slot_t slot) noexcept nogil:
        return slot < self.count.capacity and self.count.data[slot] != 0
    cdef list at_least(self, slot_t slot, int32_t priority)
    cdef int account(self, list infos, slot_t slot, int sign) except -1
