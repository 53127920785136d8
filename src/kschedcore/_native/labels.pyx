"""Label columns: one dictionary-coded column per label key that selectors read or many nodes carry.

A label's value is a small integer, its code in the key's dictionary, so a selector is evaluated against
codes and a topology domain *is* a code. Codes are never reused: a selector compiled before a value first
appears on a node keeps its meaning.
"""

import re

from kschedcore._native.columns cimport Int32Column, Int64Column
from kschedcore._native.types cimport ABSENT, slot_t
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc

# The syntax of Go's strconv.ParseInt(text, 10, 64), which defines Gt and Lt.
_INTEGER = re.compile(r"[+-]?[0-9]+\Z", re.ASCII)


def parse_int64(str text):
    """Return ``text`` as an integer, or None when it is not one or does not fit in 64 bits."""
    if not _INTEGER.match(text):
        return None
    number = int(text)
    return number if -(1 << 63) <= number < (1 << 63) else None


cdef class LabelColumn:
    """One label key over all nodes.

    Attributes:
        key: The label key, or ``@metadata.name`` for the column of node names.
        values: The dictionary: ``values[code]`` is the text.
    """

    def __cinit__(self, str key, Py_ssize_t capacity):
        self.key = key
        self.values = []
        self.codes_of = {}
        self.codes = Int32Column(capacity, ABSENT)
        self.numbers = Int64Column(8)
        self.numeric = Int32Column(8)
        self.population = Int32Column(8)
        self.members = NULL
        self.starts = NULL
        self.stale = True

    def __dealloc__(self):
        free(self.members)
        free(self.starts)

    cdef int32_t code(self, str value) except -2:
        """Return the code of ``value``; a new value gets a new code."""
        found = self.codes_of.get(value)
        if found is not None:
            return found
        cdef int32_t code = <int32_t> len(self.values)
        number = parse_int64(value)
        if code >= self.numbers.capacity:
            self.numbers.grow(2 * code)
            self.numeric.grow(2 * code)
            self.population.grow(2 * code)
        if number is not None:
            self.numbers.data[code] = number
            self.numeric.data[code] = 1
        self.codes_of[value] = code
        self.values.append(value)
        return code

    cdef int assign(self, slot_t slot, int32_t code) except -1:
        """Set the code of the node in ``slot`` (or ABSENT)."""
        cdef int32_t old = self.codes.data[slot]
        if old == code:
            return 0
        if old != ABSENT:
            self.population.data[old] -= 1
        if code != ABSENT:
            self.population.data[code] += 1
        self.codes.data[slot] = code
        self.stale = True
        return 0

    cdef int group(self, Py_ssize_t top) except -1:
        """Sort the slots by code, so that a domain's nodes are ``members[starts[c]:starts[c + 1]]``."""
        cdef Py_ssize_t codes = len(self.values), slot
        cdef int64_t total = 0, here
        cdef int32_t code
        if not self.stale and self.member_codes == codes:
            return 0
        free(self.members)
        free(self.starts)
        self.starts = <int64_t*> calloc(codes + 2, sizeof(int64_t))
        self.members = <slot_t*> malloc((top + 1) * sizeof(slot_t))
        if self.starts == NULL or self.members == NULL:
            raise MemoryError
        for slot in range(top):
            code = self.codes.data[slot]
            if code != ABSENT:
                self.starts[code + 2] += 1
        for code in range(codes + 2):  # afterwards starts[c + 1] is where code c begins
            here = self.starts[code]
            total += here
            self.starts[code] = total
        for slot in range(top):
            code = self.codes.data[slot]
            if code != ABSENT:
                self.members[self.starts[code + 1]] = <slot_t> slot
                self.starts[code + 1] += 1
        self.member_codes = codes
        self.stale = False
        return 0

    cdef int fill(self, dict labels) except -1:
        """Assign the values of some nodes, slot -> value."""
        for slot, value in labels.items():
            self.assign(slot, self.code(value))
        return 0

    def of(self, Py_ssize_t slot):
        """Return the label value of the node in ``slot``, or None."""
        cdef int32_t code = self.codes.data[slot]
        return None if code == ABSENT else self.values[code]
