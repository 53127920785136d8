from kschedcore._native.columns cimport Int32Column
from kschedcore._native.core cimport Core
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.podclass cimport PodClass
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.types cimport slot_t, verdict_t
from libc.stdint cimport int32_t, int64_t

cdef struct Victim:
    int32_t pod
    int32_t priority
    int64_t start
    int64_t order                      # order among pods of one priority and start
    bint protected                     # evicting it overdraws a disruption budget
    bint evicted

cdef class Candidate:
    cdef readonly slot_t slot
    cdef readonly list victims
    cdef readonly int64_t violations, top_priority, priority_sum, earliest_start
    cdef public object description

cdef class Findings:
    cdef NodeTable nodes
    cdef SlotSet changed
    cdef Int32Column outcome
    cdef list candidates
    cdef int64_t position, generation
    cdef int catch_up(self) except -1

cdef class DryRun:
    cdef Core core
    cdef PodClass pod_class
    cdef int32_t priority
    cdef object overdrawn, moved
    cdef bint has_moved
    cdef Victim* victims
    cdef int count, capacity
    cdef readonly list candidates
    cdef readonly dict failures
    cdef readonly int64_t without_victims
    cdef int _put_back(self, slot_t slot) except -1
    cdef int _collect(self, slot_t slot) except -1
    cdef int _move(self, Victim* victim, slot_t slot, int sign) except -1 nogil
    cdef Candidate found
    cdef verdict_t _try(self, slot_t slot) except? -1
    cdef Candidate _candidate(self, slot_t slot)
