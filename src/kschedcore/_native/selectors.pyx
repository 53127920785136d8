"""Node selectors compiled to label codes.

The rules are those of v1.NodeSelectorTerm: the requirements of a term are ANDed, the terms ORed, a term
without requirements matches nothing. ``Gt`` and ``Lt`` compare 64-bit integers and reject a node whose label
is not one.
"""

from cpython.ref cimport PyObject
from kschedcore._native.labels cimport LabelColumn
from kschedcore._native.labels import parse_int64
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.types cimport ABSENT, slot_t
from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free, malloc

cdef enum Operator:
    IN
    NOT_IN
    EXISTS
    DOES_NOT_EXIST
    GT
    LT

_OPERATORS = {"In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST, "Gt": GT, "Lt": LT}


cdef inline bint _holds(const Requirement* requirement, slot_t slot) noexcept nogil:
    cdef int32_t code = (<LabelColumn> requirement.column).codes.data[slot]
    cdef int i
    if requirement.op == EXISTS:
        return code != ABSENT
    if requirement.op == DOES_NOT_EXIST:
        return code == ABSENT
    if requirement.op == IN or requirement.op == NOT_IN:
        for i in range(requirement.count):
            if requirement.codes[i] == code:
                return requirement.op == IN
        return requirement.op == NOT_IN
    if code == ABSENT or not (<LabelColumn> requirement.column).numeric.data[code]:
        return False
    if requirement.op == GT:
        return (<LabelColumn> requirement.column).numbers.data[code] > requirement.number
    return (<LabelColumn> requirement.column).numbers.data[code] < requirement.number


cdef object _compile(list columns, NodeTable nodes, Requirement* requirement, str key, str operator, values):
    cdef LabelColumn column = nodes.label(key)
    cdef int i
    columns.append(column)
    requirement.column = <PyObject*> column
    requirement.op = _OPERATORS[operator]
    if requirement.op == GT or requirement.op == LT:
        requirement.number = parse_int64(values[0])
    elif requirement.op == IN or requirement.op == NOT_IN:
        codes = sorted({column.code(value) for value in values})
        requirement.count = len(codes)
        requirement.codes = <int32_t*> malloc((len(codes) + 1) * sizeof(int32_t))
        if requirement.codes == NULL:
            raise MemoryError
        for i in range(requirement.count):
            requirement.codes[i] = codes[i]


cdef class NodeSelector:
    """A disjunction of terms over node labels and the node's name.

    Args:
        nodes: The table whose columns it reads.
        terms: Each a sequence of (key, operator, values); the key ``@metadata.name`` is the match field.
            An empty term is kept and matches nothing.
    """

    def __cinit__(self, NodeTable nodes not None, terms):
        cdef Py_ssize_t total = sum(len(term) for term in terms), place = 0
        cdef int term_index = 0
        self.terms = len(terms)
        self.columns = []
        self.requirements = <Requirement*> calloc(total + 1, sizeof(Requirement))
        self.ends = <int32_t*> calloc(self.terms + 1, sizeof(int32_t))
        if self.requirements == NULL or self.ends == NULL:
            raise MemoryError
        for term in terms:
            for key, operator, values in term:
                _compile(self.columns, nodes, &self.requirements[place], key, operator, values)
                place += 1
            self.ends[term_index] = <int32_t> place
            term_index += 1

    def __dealloc__(self):
        cdef int i, total = self.ends[self.terms - 1] if self.ends != NULL and self.terms else 0
        for i in range(total):
            free(self.requirements[i].codes)
        free(self.requirements)
        free(self.ends)

    cdef bint term_matches(self, int term, slot_t slot) noexcept nogil:
        cdef int i, start = self.ends[term - 1] if term else 0
        if start == self.ends[term]:
            return False
        for i in range(start, self.ends[term]):
            if not _holds(&self.requirements[i], slot):
                return False
        return True

    cdef bint matches(self, slot_t slot) noexcept nogil:
        cdef int term
        for term in range(self.terms):
            if self.term_matches(term, slot):
                return True
        return False

    def match(self, Py_ssize_t slot):
        """Return whether the node in ``slot`` is selected."""
        return self.matches(<slot_t> slot)
