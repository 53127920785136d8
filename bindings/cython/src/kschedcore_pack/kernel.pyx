"""The rule as a kernel over the core's columns."""

from kschedcore._native.plugin cimport ON_LOAD, ScorePlugin
from kschedcore._native.types cimport MAX_NODE_SCORE, score_t, slot_t
from libc.stdint cimport int64_t


cdef class PackKernel(ScorePlugin):
    """Rates nodes by how full one resource would be with the pod.

    Args:
        nodes: The node table.
        reasons: The reason table.
        resource: The resource's name.
        wanted: How much of it the pod requests.
    """

    cdef int resource
    cdef int64_t wanted

    def __init__(self, nodes, reasons, str resource, int64_t wanted):
        self.name = "PackResource"
        self.depends = ON_LOAD
        self.resource = nodes.resource(resource)
        self.wanted = wanted

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef const int64_t* allocatable = self.nodes.allocatable[self.resource]
        cdef const int64_t* requested = self.nodes.requested[self.resource]
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef int64_t used
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            # Nodes that the pod does not fit on are rated too; a score is 0 to 100 even there.
            used = min(requested[slot] + self.wanted, allocatable[slot])
            raw[i] = MAX_NODE_SCORE * used // allocatable[slot] if allocatable[slot] else 0
