"""NodeUnschedulable: a cordoned node takes only pods that tolerate the cordon's taint."""

from kschedcore._native.plugin cimport ON_SPEC, FilterPlugin
from kschedcore._native.types cimport slot_t, verdict_t

TAINT = ("node.kubernetes.io/unschedulable", "", "NoSchedule")


cdef class NodeUnschedulable(FilterPlugin):
    """Rejects nodes with ``spec.unschedulable``; not built for pods that tolerate :data:`TAINT`."""

    cdef verdict_t rejected

    def __init__(self, nodes, reasons):
        self.depends = ON_SPEC
        self.rejected = reasons.words(self.name, "UnschedulableAndUnresolvable", "node(s) were unschedulable")

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if self.nodes.unschedulable.data[slot] and verdict[i] == 0:
                verdict[i] = self.rejected
