"""A set of slots, without duplicates, cheap to empty and refill."""

from kschedcore._native.columns cimport ChangeLog
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc


cdef class SlotSet:
    """A set of slots to evaluate again.

    A set is reused for many refreshes: a slot belongs to it if its stamp is the current epoch.
    """

    def __dealloc__(self):
        free(self.slots)
        free(self.stamps)

    cdef int reset(self, Py_ssize_t top) except -1 nogil:
        """Empty the set and grow it to ``top`` slots."""
        self.count = 0
        self.everything = False
        self.epoch += 1
        if top > self.capacity or self.epoch == 0x7FFFFFFF:
            with gil:
                self._allocate(max(2 * top, 64))
        return 0

    def _allocate(self, Py_ssize_t capacity):
        free(self.slots)
        free(self.stamps)
        self.slots = <slot_t*> malloc(capacity * sizeof(slot_t))
        self.stamps = <int32_t*> calloc(capacity, sizeof(int32_t))
        if self.slots == NULL or self.stamps == NULL:
            raise MemoryError
        self.capacity = capacity
        self.epoch = 1

    cdef int64_t add_log(self, ChangeLog log, int64_t position) noexcept nogil:
        """Add the entries of ``log`` after ``position``; return the position to continue from.

        The set becomes all slots when the log has dropped some of them.
        """
        cdef const int32_t* items = NULL
        cdef int64_t n = log.read(position, &items), i
        self.everything |= n < 0
        if not self.everything:
            for i in range(n):
                self.add(items[i])
        return log.end()
