"""NodePorts: a host port is used once per protocol and address; 0.0.0.0 means every address."""

from kschedcore._native.nodes cimport HoldingList
from kschedcore._native.plugin cimport ON_LOAD, FilterPlugin
from kschedcore._native.types cimport slot_t, verdict_t
from kschedcore._native.podinfo cimport Hold, PodInfo

cdef enum:
    EVERY_ADDRESS = 0                  # tag of a port on 0.0.0.0


cdef class NodePorts(FilterPlugin):
    """Rejects nodes where a bound pod holds one of the pod's host ports.

    Args:
        info: The pod's footprint, of which the host ports are checked.
    """

    cdef PodInfo info
    cdef verdict_t rejected

    def __init__(self, nodes, reasons, PodInfo info not None):
        self.depends = ON_LOAD
        self.info = info
        self.rejected = reasons.words(
            self.name, "Unschedulable", "node(s) didn't have free ports for the requested pod ports"
        )

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i] == 0 and self._conflicts(&self.nodes.held[slot]):
                verdict[i] = self.rejected

    cdef bint _conflicts(self, const HoldingList* held) noexcept nogil:
        cdef int wanted, k
        cdef Hold* port
        for wanted in range(self.info.port_count):
            port = &self.info.holds[wanted]
            for k in range(held.count):
                if held.entries[k].token == port.token and (
                    port.tag == EVERY_ADDRESS
                    or held.entries[k].tag == EVERY_ADDRESS
                    or held.entries[k].tag == port.tag
                ):
                    return True
        return False
