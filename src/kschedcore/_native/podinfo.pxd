from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t

cdef struct Request:
    int32_t resource
    int64_t amount                     # never 0

cdef struct Hold:
    int64_t token                      # what is held, interned (see intern_holding)
    int32_t tag                        # see Holding in nodes.pxd

cdef struct Label:
    int32_t key                        # interned
    int32_t value                      # interned

cdef struct Share:
    int32_t group                      # id of a PodGroup
    int64_t amount                     # what one pod adds to its counts

cdef class PodInfo:
    cdef NodeTable nodes
    cdef Request* requests             # the pods resource first, then ascending ids
    cdef int request_count
    cdef Hold* holds                   # host ports first
    cdef int hold_count, port_count
    cdef readonly int64_t non_zero_cpu, non_zero_memory
    cdef readonly int32_t priority
    cdef readonly str namespace
    cdef readonly dict labels
    cdef readonly bint terminating
    cdef readonly dict carried
    cdef Label* label_pairs            # ascending keys
    cdef int label_count
    cdef Share* shares
    cdef int share_count, share_capacity
    cdef int32_t first_pod             # of the bound pods with this info; -1: none
    cdef readonly int64_t users        # number of bound pods with this info
    cdef readonly int64_t holders      # compiled classes, nominations and waiting pods that keep it registered
    cdef readonly bint registered      # whether the topology keeps its shares up to date
    cdef int64_t request(self, int resource) noexcept nogil
    cdef int account(self, slot_t slot, int sign) except -1 nogil
    cdef int add_share(self, int32_t group, int64_t amount) except -1
    cdef int drop_share(self, int32_t group) except -1

cdef int32_t intern_text(str text) except -1

cdef int64_t intern_holding(object what) except -1
