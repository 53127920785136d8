"""The bound (or assumed) pods, listed by node and by PodInfo."""

import numpy as np

from cpython.ref cimport PyObject
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc


cdef class PodTable:
    """Bound pods by number, linked into a list per node and a list per PodInfo.

    Attributes:
        count: Number of bound pods.
    """

    def __cinit__(self, NodeTable nodes not None):
        self.nodes = nodes
        self.free = NO_POD

    def __dealloc__(self):
        free(self.pods)
        free(self.first_on_node)

    def __len__(self):
        return self.count

    cdef int32_t insert(self, PodInfo info, slot_t slot, int64_t start, int64_t arrival) except -1 nogil:
        """Add a pod to a node; return its number. An ``arrival`` of -1 is assigned here."""
        cdef int32_t pod = self._take_entry()
        cdef BoundPod* entry = &self.pods[pod]
        if slot >= self.node_capacity:
            self._cover_nodes()
        info.users += 1
        entry.info = <PyObject*> info
        entry.slot = slot
        entry.start = start
        entry.arrival = self.arrivals if arrival < 0 else arrival
        entry.before_on_node = entry.before_alike = NO_POD
        entry.next_on_node = self.first_on_node[slot]
        entry.next_alike = info.first_pod
        if entry.next_on_node != NO_POD:
            self.pods[entry.next_on_node].before_on_node = pod
        if entry.next_alike != NO_POD:
            self.pods[entry.next_alike].before_alike = pod
        self.first_on_node[slot] = pod
        info.first_pod = pod
        self.count += 1
        self.arrivals += 1
        return pod

    cdef int delete(self, int32_t pod) except -1 nogil:
        """Remove a pod; its number may be reused."""
        cdef BoundPod* entry = &self.pods[pod]
        cdef PyObject* info = entry.info
        if entry.before_on_node == NO_POD:
            self.first_on_node[entry.slot] = entry.next_on_node
        else:
            self.pods[entry.before_on_node].next_on_node = entry.next_on_node
        if entry.next_on_node != NO_POD:
            self.pods[entry.next_on_node].before_on_node = entry.before_on_node
        if entry.before_alike == NO_POD:
            (<PodInfo> info).first_pod = entry.next_alike
        else:
            self.pods[entry.before_alike].next_alike = entry.next_alike
        if entry.next_alike != NO_POD:
            self.pods[entry.next_alike].before_alike = entry.before_alike
        entry.info = NULL
        entry.next_on_node = self.free
        self.free = pod
        self.count -= 1
        (<PodInfo> info).users = (<PodInfo> info).users - 1
        return 0

    cdef int32_t _take_entry(self) except -1 nogil:
        cdef int32_t pod, capacity
        cdef BoundPod* pods
        if self.free != NO_POD:
            pod = self.free
            self.free = self.pods[pod].next_on_node
            return pod
        if self.top == self.capacity:
            capacity = max(256, 2 * self.capacity)
            pods = <BoundPod*> realloc(self.pods, capacity * sizeof(BoundPod))
            if pods == NULL:
                with gil:
                    raise MemoryError
            self.pods = pods
            self.capacity = capacity
        self.top += 1
        return self.top - 1

    cdef int _cover_nodes(self) except -1 nogil:
        cdef Py_ssize_t slot
        cdef int32_t* first = <int32_t*> realloc(self.first_on_node, self.nodes.capacity * sizeof(int32_t))
        if first == NULL:
            with gil:
                raise MemoryError
        for slot in range(self.node_capacity, self.nodes.capacity):
            first[slot] = NO_POD
        self.first_on_node = first
        self.node_capacity = self.nodes.capacity
        return 0

    def slot_of(self, int32_t pod):
        """Return the slot of a pod's node."""
        return self.pods[pod].slot

    def info_of(self, int32_t pod):
        """Return the PodInfo of a pod."""
        return <PodInfo> self.pods[pod].info

    def arrival_of(self, int32_t pod):
        """Return the sequence number of a pod's binding."""
        return self.pods[pod].arrival

    def numbers(self):
        """Return the numbers of all bound pods, ascending, int32[count]."""
        cdef int32_t pod
        return np.array([pod for pod in range(self.top) if self.pods[pod].info != NULL], np.int32)

    def on(self, slot_t slot):
        """Return the numbers of the pods on a node, in no particular order, int32[]."""
        found = []
        cdef int32_t pod = self.on_node(slot)
        while pod != NO_POD:
            found.append(pod)
            pod = self.pods[pod].next_on_node
        return np.array(found, np.int32)
