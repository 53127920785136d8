"""Convert Arrow's C structures to objects of the PyCapsule interface, and back.

Taking a structure moves it: the caller's is marked as released, and the capsule releases its own copy unless a
consumer has taken it.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from kschedcore.capi.abi cimport ArrowArray, ArrowArrayStream, ArrowSchema

ctypedef fused Structure:
    ArrowSchema
    ArrowArray
    ArrowArrayStream


cdef class Stream:
    """A stream, which can be read once."""

    def __arrow_c_stream__(self, requested_schema=None):
        return self.capsule


cdef class Batch:
    """A record batch, which can be read once."""

    def __arrow_c_array__(self, requested_schema=None):
        return self.schema, self.array


cdef object _moved(Structure* given, const char* name, void (*drop)(object) noexcept):
    """Return a capsule that owns the contents of a structure; None if there is none, or it was released already."""
    if given == NULL or given.release == NULL:
        return None
    cdef Structure* held = <Structure*> PyMem_Malloc(sizeof(Structure))
    if held == NULL:
        given.release(given)
        raise MemoryError("no memory for a table")
    held[0] = given[0]
    given.release = NULL
    return PyCapsule_New(held, name, drop)


cdef void _release(Structure* held) noexcept:
    if held.release != NULL:
        held.release(held)
    PyMem_Free(held)


cdef void _drop_schema(object capsule) noexcept:
    _release(<ArrowSchema*> PyCapsule_GetPointer(capsule, "arrow_schema"))


cdef void _drop_array(object capsule) noexcept:
    _release(<ArrowArray*> PyCapsule_GetPointer(capsule, "arrow_array"))


cdef void _drop_stream(object capsule) noexcept:
    _release(<ArrowArrayStream*> PyCapsule_GetPointer(capsule, "arrow_array_stream"))


cdef Stream take_stream(ArrowArrayStream* stream):
    """Take a stream from C; its capsule is None if it was released already."""
    cdef Stream taken = Stream.__new__(Stream)
    taken.capsule = _moved(stream, "arrow_array_stream", _drop_stream)
    return taken


cdef Batch take_batch(ArrowSchema* schema, ArrowArray* array):
    """Take a record batch from C. Both structures are released in the end, also if only one of them can be taken."""
    cdef Batch taken = Batch.__new__(Batch)
    taken.schema = _moved(schema, "arrow_schema", _drop_schema)
    taken.array = _moved(array, "arrow_array", _drop_array)
    return taken


cdef int give_stream(object table, ArrowArrayStream* out) except -1:
    """Give a table to C, which has to release it."""
    capsule = table.__arrow_c_stream__()
    cdef ArrowArrayStream* held = <ArrowArrayStream*> PyCapsule_GetPointer(capsule, "arrow_array_stream")
    out[0] = held[0]
    held.release = NULL
    return 0
