from kschedcore._native.types cimport verdict_t
from libc.stdint cimport int32_t, int64_t

cdef struct Reason:
    int32_t plugin
    int32_t code
    int64_t low                        # fixed reasons: index of a text; resources: mask of ids 0..62
    int64_t high                       # fixed reasons: -1; resources: mask of ids 63..125

cdef class ReasonTable:
    cdef Reason* rows
    cdef int32_t count, capacity
    cdef int32_t* buckets
    cdef int32_t bucket_count
    cdef readonly list plugins, texts
    cdef public int64_t interruptions
    cdef dict plugin_ids, text_ids
    cdef verdict_t intern(self, int32_t plugin, int32_t code, int64_t low, int64_t high) except -1 nogil
