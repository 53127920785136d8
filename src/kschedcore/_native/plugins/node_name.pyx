"""NodeName, and the node lists of PreFilter plugins (PreFilterResult)."""

from kschedcore._native.nodes import NAME_FIELD
from kschedcore._native.plugin cimport ON_SPEC, FilterPlugin
from kschedcore._native.selectors cimport NodeSelector
from kschedcore._native.types cimport slot_t, verdict_t


cdef class _OnlyNamed(FilterPlugin):
    """Rejects every node that is not in a list of names."""

    cdef NodeSelector named
    cdef verdict_t rejected

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i] == 0 and not self.named.matches(slot):
                verdict[i] = self.rejected


cdef class NodeName(_OnlyNamed):
    """Rejects every node but the one in the pod's ``spec.nodeName``."""

    def __init__(self, nodes, reasons, name):
        self.depends = ON_SPEC
        self.named = NodeSelector(nodes, [[(NAME_FIELD, "In", [name])]])
        self.rejected = reasons.words(
            self.name, "UnschedulableAndUnresolvable", "node(s) didn't match the requested node name"
        )


cdef class PreFilterResult(_OnlyNamed):
    """Leaves out the nodes that are not in the PreFilterResult; they take no part in the cycle.

    Args:
        names: The node names of the PreFilterResult.
        plugins: The names of the plugins that returned it.
    """

    def __init__(self, nodes, reasons, names, plugins):
        self.depends = ON_SPEC
        self.named = NodeSelector(nodes, [[(NAME_FIELD, "In", sorted(names))]])
        self.rejected = reasons.words(
            self.name, "PreFilterResult", f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(plugins))}]"
        )
