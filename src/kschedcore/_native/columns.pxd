from libc.stdint cimport int32_t, int64_t

cdef class Int64Column:
    cdef int64_t* data
    cdef readonly Py_ssize_t capacity
    cdef readonly int64_t fill
    cdef int grow(self, Py_ssize_t capacity) except -1

cdef class Int32Column:
    cdef int32_t* data
    cdef readonly Py_ssize_t capacity
    cdef readonly int32_t fill
    cdef int grow(self, Py_ssize_t capacity) except -1

cdef class ChangeLog:
    cdef int32_t* data            # the entries still kept
    cdef Py_ssize_t capacity
    cdef Py_ssize_t kept
    cdef int64_t base             # absolute position of data[0]
    cdef Py_ssize_t bound
    cdef inline int64_t end(self) noexcept nogil:
        return self.base + self.kept
    cdef int append(self, int32_t item) except -1 nogil
    cdef int64_t read(self, int64_t position, const int32_t** items) noexcept nogil
