"""Nominated pods: those that wait for the victims of their preemption to leave a node.

A pod of the same or lower priority may only be placed on such a node if it fits there with the nominated pods and
without them (RunFilterPluginsWithNominatedPods).
"""

from kschedcore._native.columns cimport Int32Column
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.topology cimport Topology
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t


cdef class Nominations:
    """Pods nominated to nodes, by slot."""

    def __cinit__(self, Topology topology not None):
        self.topology = topology
        self.count = Int32Column()
        self.by_slot = {}

    def add(self, PodInfo info not None, slot_t slot):
        """Nominate a pod to a node."""
        self.topology.register(info)
        self.by_slot.setdefault(slot, []).append(info)
        info.retain()
        self._note(slot, 1)

    def remove(self, PodInfo info not None, slot_t slot):
        """Remove a nomination."""
        self.by_slot[slot].remove(info)
        info.release()
        self._note(slot, -1)

    def reset(self, list pairs):
        """Replace all nominations by these (info, slot)."""
        for slot, infos in list(self.by_slot.items()):
            for info in list(infos):
                self.remove(info, slot)
        for info, slot in pairs:
            self.add(info, slot)

    def _note(self, slot_t slot, int sign):
        if slot >= self.count.capacity:
            self.count.grow(self.topology.nodes.capacity)
        self.count.data[slot] += sign
        self.pods += sign
        self.topology.nodes.load_log.append(slot)

    cdef list at_least(self, slot_t slot, int32_t priority):
        """Return the pods nominated to a node whose priority is ``priority`` or higher."""
        return [info for info in self.by_slot.get(slot, ()) if (<PodInfo> info).priority >= priority]

    cdef int account(self, list infos, slot_t slot, int sign) except -1:
        """Account pods on a node as if they were bound (``sign`` 1), or remove them again (-1)."""
        for info in infos:
            self.topology.move(<PodInfo> info, slot, sign)
            (<PodInfo> info).account(slot, sign)
        return 0
