from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.nominations cimport Nominations
from kschedcore._native.podclass cimport PodClass
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.pods cimport PodTable
from kschedcore._native.reasons cimport ReasonTable
from kschedcore._native.shared cimport Shared
from kschedcore._native.topology cimport Topology
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t, uint64_t

cdef class Core:
    cdef readonly NodeTable nodes
    cdef readonly ReasonTable reasons
    cdef readonly PodTable pods
    cdef readonly Topology topology
    cdef readonly Nominations nominations
    cdef readonly Shared shared
    cdef dict extra_holdings           # slot -> frozenset of (what, tag), held besides those of bound pods
    cdef bint random_ties
    cdef public uint64_t random_state
    cdef int32_t put(self, PodInfo info, slot_t slot, int64_t start, int64_t arrival) except -1 nogil
    cdef int take(self, int32_t pod) except -1 nogil
    cdef slot_t choose(self, PodClass pod_class) noexcept nogil
