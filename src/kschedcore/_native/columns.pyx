"""Aligned, growable columns of numbers and the change log.

A column owns one 64-byte aligned buffer, so that vector loads never split a cache line and Arrow accepts
it as it is. Growing keeps the contents and fills new entries with the column's ``fill`` value. Python gets
copies: a view would show later changes or, after growing, freed memory.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove

cdef extern from "<stdlib.h>" nogil:
    int posix_memalign(void** memptr, size_t alignment, size_t size)

cdef enum:
    ALIGNMENT = 64


cdef void* _reallocate(void* old, size_t used, size_t size) noexcept nogil:
    """A 64-byte aligned copy of ``used`` bytes in a buffer of ``size``; frees ``old``. NULL: no memory."""
    cdef void* fresh = NULL
    if posix_memalign(&fresh, ALIGNMENT, size if size else ALIGNMENT) != 0:
        return NULL
    if used:
        memcpy(fresh, old, used)
    free(old)
    return fresh


cdef class Int64Column:
    """A growable column of int64."""

    def __cinit__(self, Py_ssize_t capacity=0, int64_t fill=0):
        self.data = NULL
        self.capacity = 0
        self.fill = fill
        self.grow(capacity)

    def __dealloc__(self):
        free(self.data)

    cdef int grow(self, Py_ssize_t capacity) except -1:
        cdef Py_ssize_t i
        cdef void* fresh
        if capacity <= self.capacity and self.data != NULL:  # memcpy needs a buffer even when empty
            return 0
        fresh = _reallocate(self.data, self.capacity * sizeof(int64_t), capacity * sizeof(int64_t))
        if fresh == NULL:
            raise MemoryError
        self.data = <int64_t*> fresh
        for i in range(self.capacity, capacity):
            self.data[i] = self.fill
        self.capacity = capacity
        return 0

    def extend(self, Py_ssize_t capacity):
        """Grow to at least ``capacity`` entries."""
        self.grow(capacity)

    def to_numpy(self, Py_ssize_t n):
        """Return a copy of the first ``n`` entries, int64[n]."""
        out = np.empty(n, np.int64)
        cdef int64_t[::1] view = out
        if n:
            memcpy(&view[0], self.data, n * sizeof(int64_t))
        return out


cdef class Int32Column:
    """A growable column of int32."""

    def __cinit__(self, Py_ssize_t capacity=0, int32_t fill=0):
        self.data = NULL
        self.capacity = 0
        self.fill = fill
        self.grow(capacity)

    def __dealloc__(self):
        free(self.data)

    cdef int grow(self, Py_ssize_t capacity) except -1:
        cdef Py_ssize_t i
        cdef void* fresh
        if capacity <= self.capacity and self.data != NULL:  # memcpy needs a buffer even when empty
            return 0
        fresh = _reallocate(self.data, self.capacity * sizeof(int32_t), capacity * sizeof(int32_t))
        if fresh == NULL:
            raise MemoryError
        self.data = <int32_t*> fresh
        for i in range(self.capacity, capacity):
            self.data[i] = self.fill
        self.capacity = capacity
        return 0

    def extend(self, Py_ssize_t capacity):
        """Grow to at least ``capacity`` entries."""
        self.grow(capacity)

    def to_numpy(self, Py_ssize_t n):
        """Return a copy of the first ``n`` entries, int32[n]."""
        out = np.empty(n, np.int32)
        cdef int32_t[::1] view = out
        if n:
            memcpy(&view[0], self.data, n * sizeof(int32_t))
        return out


cdef class ChangeLog:
    """The slots (or domains) that changed, in order: the last ``bound`` entries.

    A reader keeps the absolute position up to which it has read. When entries after that position have been
    dropped, :meth:`read` returns -1 and the reader does a full pass: memory stays bounded, and a full pass is
    cheaper anyway for a reader that is so far behind.
    """

    def __cinit__(self, Py_ssize_t bound=4096):
        self.data = NULL
        self.capacity = 0
        self.kept = 0
        self.base = 0
        self.bound = bound

    def __dealloc__(self):
        free(self.data)

    cdef int append(self, int32_t item) except -1 nogil:
        cdef Py_ssize_t drop, capacity
        cdef int32_t* fresh
        if self.kept == self.capacity:
            if self.kept >= 2 * self.bound:
                drop = self.kept - self.bound
                memmove(self.data, self.data + drop, self.bound * sizeof(int32_t))
                self.base += drop
                self.kept = self.bound
            else:
                capacity = min(max(2 * self.capacity, 64), 2 * self.bound)
                fresh = <int32_t*> realloc(self.data, capacity * sizeof(int32_t))
                if fresh == NULL:
                    with gil:
                        raise MemoryError
                self.data = fresh
                self.capacity = capacity
        self.data[self.kept] = item
        self.kept += 1
        return 0

    cdef int64_t read(self, int64_t position, const int32_t** items) noexcept nogil:
        """Point ``items`` at the entries after ``position``; return their number, or -1 when some were dropped."""
        if position < self.base:
            return -1
        items[0] = self.data + (position - self.base)
        return self.base + self.kept - position
