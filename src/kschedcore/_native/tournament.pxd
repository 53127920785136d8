from kschedcore._native.types cimport score_t, slot_t
from libc.stdint cimport int32_t, int64_t

cdef enum:
    MAX_LEVELS = 9                     # 16 ** 8 leaves and one more for the root

cdef struct Entry:
    score_t best
    int32_t ties                       # leaves below that have this score
    slot_t winner                      # of these, the one that comes first by rank

cdef class Tournament:
    cdef Entry* levels[MAX_LEVELS]
    cdef Py_ssize_t sizes[MAX_LEVELS]
    cdef int depth
    cdef Py_ssize_t leaves
    cdef int resize(self, Py_ssize_t leaves) except -1
    cdef void build(self, const score_t* scores, const int64_t* rank) noexcept nogil
    cdef void update(self, const score_t* scores, const int64_t* rank, slot_t slot) noexcept nogil
    cdef void update_all(
        self, const score_t* scores, const int64_t* rank, const slot_t* slots, Py_ssize_t n
    ) noexcept nogil
    cdef Entry root(self) noexcept nogil
    cdef slot_t nth(self, const score_t* scores, int64_t n) noexcept nogil
