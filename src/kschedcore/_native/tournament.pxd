from kschedcore._native.types cimport score_t, slot_t
from libc.stdint cimport int32_t, int64_t

cdef extern from "kernels.h":
    const int FANOUT "KS_FANOUT"       # number of scores in a block

cdef enum:
    MAX_LEVELS = 9                     # 16 ** 8 leaves and one more for the root
    UNCOUNTED = -1

cdef struct Entry:
    score_t best
    int32_t ties                       # leaves below that have this score, or UNCOUNTED
    slot_t winner                      # of these, the first by rank

cdef struct Level:
    Py_ssize_t size
    score_t* best                      # of each block
    int32_t* ties
    slot_t* winner

cdef class Tournament:
    cdef Level levels[MAX_LEVELS]
    cdef int depth
    cdef Py_ssize_t leaves
    cdef int resize(self, Py_ssize_t leaves) except -1
    cdef void build(self, const score_t* scores) noexcept nogil
    cdef void update(self, const score_t* scores, const slot_t* slots, Py_ssize_t n) noexcept nogil
    cdef void _replay(self, const score_t* scores, slot_t slot) noexcept nogil
    cdef void _count(self, int level, Py_ssize_t block, const score_t* scores, const int64_t* rank) noexcept nogil
    cdef Entry root(self, const score_t* scores, const int64_t* rank) noexcept nogil
    cdef slot_t nth(self, const score_t* scores, int64_t n) noexcept nogil
