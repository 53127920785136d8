"""NodeDeclaredFeatures: nodes that declare the features that a pod needs (KEP-5328)."""

from kschedcore._native.plugin cimport ON_SPEC, FilterPlugin
from kschedcore._native.selectors cimport NodeSelector
from kschedcore._native.types cimport slot_t, verdict_t


cdef class NodeDeclaredFeatures(FilterPlugin):
    """Rejects nodes without some of the columns of declared features.

    Args:
        marks: The columns of the features that the pod needs.
    """

    cdef NodeSelector declaring
    cdef verdict_t rejected

    def __init__(self, nodes, reasons, marks):
        self.depends = ON_SPEC
        self.declaring = NodeSelector(nodes, [[(mark, "Exists", ()) for mark in marks]])
        self.rejected = reasons.words(
            self.name, "UnschedulableAndUnresolvable", "node(s) didn't match Pod's required features"
        )

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i] == 0 and not self.declaring.matches(slot):
                verdict[i] = self.rejected
