from cpython.ref cimport PyObject
from kschedcore._native.columns cimport ChangeLog, Int32Column, Int64Column
from kschedcore._native.labels cimport LabelColumn
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.podinfo cimport Label, PodInfo
from kschedcore._native.pods cimport PodTable
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t

cdef struct LabelRequirement:
    int op
    int32_t key
    int32_t count
    int32_t* values

cdef class PodSelector:
    cdef LabelRequirement* requirements
    cdef int count
    cdef bint matches(self, const Label* labels, int label_count) noexcept nogil

cdef class DomainTable:
    cdef readonly PodGroup group
    cdef readonly LabelColumn key
    cdef Int32Column codes             # slot -> domain, ABSENT where the node's pods do not count
    cdef Int64Column count             # domain code -> sum over the pods in it
    cdef readonly int64_t total        # over all domains
    cdef ChangeLog log                 # codes of domains whose count changed
    cdef int users
    cdef int add(self, slot_t slot, int64_t amount) except -1 nogil
    cdef int move_node(self, PodTable pods, slot_t slot, int32_t code) except -1
    cdef int64_t at(self, int32_t code) noexcept nogil

cdef class PodGroup:
    cdef readonly int32_t id
    cdef readonly tuple key
    cdef readonly tuple terms          # AffinityTerm: a pod belongs if it matches all of them
    cdef readonly bint carriers        # counts pods that have the term, not pods that match it
    cdef readonly bint terminating     # counts pods that are being deleted too
    cdef dict tables
    cdef PyObject** table_refs
    cdef int table_count
    cdef int64_t amount(self, PodInfo info) except? -1

cdef class AffinityTerm:
    cdef readonly object namespaces    # frozenset of names
    cdef readonly object namespace_selector
    cdef readonly tuple requirements
    cdef PodSelector selector

cdef class Topology:
    cdef readonly NodeTable nodes
    cdef readonly PodTable pods
    cdef readonly list groups          # PodGroup by id; None where one was dropped
    cdef PyObject** group_refs
    cdef Py_ssize_t group_capacity
    cdef dict groups_by_key
    cdef list free_ids
    cdef readonly dict namespaces      # name -> labels of the namespaces that exist
    cdef object infos                  # every PodInfo in use
    cdef readonly int64_t carrier_version
    cpdef int register(self, PodInfo info) except -1
    cdef int move(self, PodInfo info, slot_t slot, int sign) except -1 nogil
