from kschedcore.capi.abi cimport ArrowArray, ArrowArrayStream, ArrowSchema

cdef class Stream:
    cdef object capsule

cdef class Batch:
    cdef object schema, array

cdef Stream take_stream(ArrowArrayStream* stream)
cdef Batch take_batch(ArrowSchema* schema, ArrowArray* array)
cdef int give_stream(object table, ArrowArrayStream* out) except -1
