"""VolumeZone: a volume that is labelled with a zone or region needs a node of it."""

from kschedcore._native.plugin cimport ON_SPEC, FilterPlugin
from kschedcore._native.selectors cimport NodeSelector
from kschedcore._native.types cimport slot_t, verdict_t


cdef class VolumeZone(FilterPlugin):
    """Rejects nodes outside the volumes' zones and regions. A node without any such label passes.

    Args:
        zoned: Terms that match nodes with any of the topology labels.
        wanted: For each label of each volume, terms of which a node must match one.
    """

    cdef NodeSelector zoned
    cdef list wanted
    cdef verdict_t rejected

    def __init__(self, nodes, reasons, zoned, wanted):
        self.depends = ON_SPEC
        self.zoned = NodeSelector(nodes, zoned)
        self.wanted = [NodeSelector(nodes, terms) for terms in wanted]
        self.rejected = reasons.words(
            self.name, "UnschedulableAndUnresolvable", "node(s) had no available volume zone"
        )

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        with gil:
            for selector in self.wanted:
                for i in range(n):
                    slot = slots[i] if slots != NULL else <slot_t> i
                    if (
                        verdict[i] == 0
                        and self.zoned.matches(slot)
                        and not (<NodeSelector> selector).matches(slot)
                    ):
                        verdict[i] = self.rejected
