from cpython.ref cimport PyObject
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t

cdef enum:
    NO_POD = -1

cdef struct BoundPod:
    PyObject* info                     # kept alive by the topology; NULL: this entry is free
    slot_t slot
    int32_t next_on_node
    int32_t before_on_node
    int32_t next_alike                 # of the same PodInfo
    int32_t before_alike
    int64_t start                      # start time, in the caller's units; INT64_MAX: not started
    int64_t arrival                    # grows with every pod that is bound

cdef class PodTable:
    cdef readonly NodeTable nodes
    cdef BoundPod* pods
    cdef int32_t capacity, top, free
    cdef readonly int64_t count
    cdef int64_t arrivals
    cdef int32_t* first_on_node
    cdef Py_ssize_t node_capacity
    cdef int32_t insert(self, PodInfo info, slot_t slot, int64_t start, int64_t arrival) except -1 nogil
    cdef int delete(self, int32_t pod) except -1 nogil
    cdef int32_t _take_entry(self) except -1 nogil
    cdef int _cover_nodes(self) except -1 nogil
    cdef inline int32_t on_node(self, slot_t slot) noexcept nogil:
        return self.first_on_node[slot] if slot < self.node_capacity else NO_POD
