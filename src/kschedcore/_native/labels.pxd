from kschedcore._native.columns cimport Int32Column, Int64Column
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t

cdef class LabelColumn:
    cdef readonly str key
    cdef readonly list values          # code -> text
    cdef dict codes_of                 # text -> code
    cdef Int32Column codes             # slot -> code, ABSENT when the node has no such label
    cdef Int64Column numbers           # code -> the value as an integer, if it is one
    cdef Int32Column numeric           # code -> 1 when `numbers` holds it
    cdef Int32Column population        # code -> number of nodes with it
    cdef slot_t* members               # slots ordered by code, then slot
    cdef int64_t* starts               # code -> start of its slots in `members`
    cdef Py_ssize_t member_codes       # number of codes that `starts` covers
    cdef bint stale                    # `members` is out of date
    cdef int32_t code(self, str value) except -2
    cdef int assign(self, slot_t slot, int32_t code) except -1
    cdef int fill(self, dict labels) except -1
    cdef int group(self, Py_ssize_t top) except -1
    cdef inline void add_members(self, int32_t code, SlotSet found) noexcept nogil:
        """Add the nodes with a code, as of the last :meth:`group`."""
        cdef int64_t i
        if code < self.member_codes:
            for i in range(self.starts[code], self.starts[code + 1]):
                found.add(self.members[i])
