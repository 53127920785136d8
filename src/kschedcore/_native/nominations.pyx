"""Nominated pods: those for which preemption made room on a node, waiting for its victims to leave.

A pod of the same or lower priority may only go to such a node if it fits there with the nominated pods and
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
        """Let a pod be nominated to a node."""
        self.topology.register(info)
        self.by_slot.setdefault(slot, []).append(info)
        info.retain()
        self._note(slot, 1)

    def remove(self, PodInfo info not None, slot_t slot):
        """Take a nomination back."""
        self.by_slot[slot].remove(info)
        info.release()
        self._note(slot, -1)

    def reset(self, list pairs):
        """Let these (info, slot) be all nominations."""
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

    cdef list weightier(self, slot_t slot, int32_t priority):
        """The pods nominated to a node that a pod of ``priority`` must leave room for."""
        return [info for info in self.by_slot.get(slot, ()) if (<PodInfo> info).priority >= priority]

    cdef int suppose(self, list infos, slot_t slot, int sign) except -1:
        """Account pods on a node as if they were there (``sign`` 1), and take that back (-1)."""
        for info in infos:
            self.topology.move(<PodInfo> info, slot, sign)
            (<PodInfo> info).account(slot, sign)
        return 0
