"""The core of an engine: nodes, bound pods, topology counts, and the loop that places pods.

The scheduling cycle of one pod is: refresh its class (Filter, Score, NormalizeScore),
take the best node, account the pod there. A batch runs through it without the interpreter.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport PyObject
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.nominations cimport Nominations
from kschedcore._native.podclass cimport PodClass
from kschedcore._native.podinfo cimport PodInfo, intern_holding
from kschedcore._native.pods cimport NO_POD, PodTable
from kschedcore._native.reasons cimport ReasonTable
from kschedcore._native.shared cimport Shared
from kschedcore._native.topology cimport Topology
from kschedcore._native.tournament cimport Entry
from kschedcore._native.types cimport NO_SLOT, slot_t
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc

cdef enum:
    SIGNAL_INTERVAL = 1024             # pods placed between two checks for signals


cdef class Core:
    """The native state of one engine.

    Args:
        random_ties: Choose at random among nodes with the best score instead of the first by name.
        seed: Seed of the random choices.

    Attributes:
        random_state: State of the random generator.
    """

    def __cinit__(self, bint random_ties=False, uint64_t seed=0):
        self.nodes = NodeTable()
        self.reasons = ReasonTable()
        self.pods = PodTable(self.nodes)
        self.topology = Topology(self.nodes, self.pods)
        self.nominations = Nominations(self.topology)
        self.shared = Shared(self.nominations)
        self.random_ties = random_ties
        self.random_state = seed
        self.extra_holdings = {}

    cdef int32_t put(self, PodInfo info, slot_t slot, int64_t start, int64_t arrival) except -1 nogil:
        cdef int32_t pod
        if not info.registered:
            with gil:
                self.topology.register(info)
        pod = self.pods.insert(info, slot, start, arrival)
        info.account(slot, 1)
        self.nodes.load_log.append(slot)
        self.topology.move(info, slot, 1)
        return pod

    cdef int take(self, int32_t pod) except -1 nogil:
        cdef PyObject* info = self.pods.pods[pod].info
        cdef slot_t slot = self.pods.pods[pod].slot
        self.topology.move(<PodInfo> info, slot, -1)
        (<PodInfo> info).account(slot, -1)
        self.nodes.load_log.append(slot)
        self.pods.delete(pod)
        return 0

    def bind(self, PodInfo info not None, slot_t slot, int64_t start=INT64_MAX, int64_t arrival=-1):
        """Account a pod on a node; return its number, for :meth:`unbind`.

        ``start`` is the pod's start time, in any unit that orders pods; INT64_MAX: not started.
        ``arrival`` is ``PodTable.arrival_of`` of a pod that is bound again; -1: a new pod.
        """
        return self.put(info, slot, start, arrival)

    def unbind(self, int32_t pod):
        """Remove a pod from its node."""
        self.take(pod)

    def set_extra_holdings(self, slot_t slot, frozenset holdings not None):
        """Set the (what, tag) that are held on a node besides those of bound pods; see ``PodInfo``."""
        before = self.extra_holdings.pop(slot, frozenset())
        for what, tag in before - holdings:
            self.nodes.hold(slot, intern_holding(what), tag, -1)
        for what, tag in holdings - before:
            self.nodes.hold(slot, intern_holding(what), tag, 1)
        if holdings:
            self.extra_holdings[slot] = holdings
        self.nodes.load_log.append(slot)

    def note_load(self, slot_t slot):
        """Log a node as changed for the filters that depend on what is accounted on it."""
        self.nodes.load_log.append(slot)

    def set_node(self, str name, dict allocatable, dict labels, tuple taints, tuple images, bint unschedulable):
        """Add a node or replace its specification, see ``NodeTable.set``; its pods follow its topology labels."""
        cdef slot_t slot = self.nodes.slot_of(name)
        if slot < 0:
            return self.nodes.set(name, allocatable, labels, taints, images, unschedulable)
        for resource in allocatable:
            self.nodes.resource(resource)  # raises before anything is changed
        self._move_all(slot, -1)
        try:
            self.nodes.set(name, allocatable, labels, taints, images, unschedulable)
        finally:
            self._move_all(slot, 1)
        return slot

    def _move_all(self, slot_t slot, int sign):
        """Count the pods on a node in their topology domains (``sign`` 1), or remove them from the counts (-1)."""
        cdef int32_t pod = self.pods.on_node(slot)
        while pod != NO_POD:
            self.topology.move(<PodInfo> self.pods.pods[pod].info, slot, sign)
            pod = self.pods.pods[pod].next_on_node

    cdef slot_t choose(self, PodClass pod_class) noexcept nogil:
        """Return the node that a pod of a refreshed class is placed on."""
        cdef Entry entry = pod_class.best()
        cdef uint64_t draw
        if entry.ties < 2 or not self.random_ties:
            return entry.winner
        # splitmix64: one multiplication-mixed counter, the same on every machine.
        self.random_state += 0x9E3779B97F4A7C15u
        draw = self.random_state
        draw = (draw ^ (draw >> 30)) * 0xBF58476D1CE4E5B9u
        draw = (draw ^ (draw >> 27)) * 0x94D049BB133111EBu
        draw ^= draw >> 31
        return pod_class.tournament.nth(pod_class.scores.total.data, <int64_t> (draw % <uint64_t> entry.ties))

    def place(self, list classes, bint bind=True, on_failure=None, const int32_t[::1] class_of=None):
        """Schedule pods, one after another.

        Args:
            classes: The PodClass of each pod, or the distinct ones with ``class_of``.
            class_of: int32[n]: the index of each pod's class in ``classes``; None: one for each pod.
            bind: Account each placed pod before the next is scheduled.
            on_failure: Called with a pod's index in the batch when no node is feasible for it, before the next
                is scheduled; its class is refreshed at that time.

        Returns:
            (slots int32[n], -1 where no node was feasible; totals int64[n]; ties int32[n]; feasible int32[n];
            pods int32[n], their numbers for :meth:`unbind`, -1 where not bound; failures: index of each pod without
            a node -> ``PodClass.rejection_counts``; done: the number of pods scheduled; error).
            ``done`` is less than n when ``on_failure`` or a signal handler raised an exception, which is then
            ``error``, and when a plugin caught a BaseException that is not an Exception
            (``ReasonTable.interruptions``). The pods scheduled before stay bound.
        """
        cdef Py_ssize_t n = len(classes) if class_of is None else class_of.shape[0], count = len(classes), i
        cdef PyObject** refs = <PyObject**> malloc((n + 1) * sizeof(PyObject*))
        cdef PyObject** kinds = <PyObject**> malloc((count + 1) * sizeof(PyObject*))
        cdef Entry entry
        cdef slot_t slot
        slots, totals = np.full(n, NO_SLOT, np.int32), np.zeros(n, np.int64)
        ties, feasible = np.zeros(n, np.int32), np.zeros(n, np.int32)
        pods = np.full(n, NO_POD, np.int32)
        cdef int32_t[::1] slots_view = slots, ties_view = ties, feasible_view = feasible, pods_view = pods
        cdef int64_t[::1] totals_view = totals
        cdef int64_t interruptions = self.reasons.interruptions
        failures = {}
        error = None
        i = 0
        try:
            if refs == NULL or kinds == NULL:
                raise MemoryError
            for i in range(count):
                kinds[i] = <PyObject*> <PodClass?> classes[i]
            for i in range(n):
                refs[i] = kinds[i if class_of is None else class_of[i]]
            i = 0
            with nogil:
                while i < n:
                    if i % SIGNAL_INTERVAL == SIGNAL_INTERVAL - 1:
                        with gil:
                            PyErr_CheckSignals()
                    (<PodClass> refs[i]).refresh()
                    if self.reasons.interruptions != interruptions:
                        break
                    slot = self.choose(<PodClass> refs[i])
                    feasible_view[i] = <int32_t> (<PodClass> refs[i]).feasible
                    if slot == NO_SLOT:
                        with gil:
                            failure = self._failure(<PodClass> refs[i])
                            if on_failure is not None:
                                on_failure(i)
                            failures[i] = failure
                        i += 1
                        continue
                    entry = (<PodClass> refs[i]).best()
                    slots_view[i] = slot
                    totals_view[i] = entry.best
                    ties_view[i] = entry.ties
                    if bind:
                        pods_view[i] = self.put((<PodClass> refs[i]).info, slot, INT64_MAX, -1)
                    i += 1
        except BaseException as raised:
            error = raised
        finally:
            free(refs)
            free(kinds)
        return slots, totals, ties, feasible, pods, failures, i, error

    def place_one(self, PodClass pod_class not None, bint bind=True):
        """Schedule one pod: :meth:`place` without arrays, which would take longer than the scheduling itself.

        Returns:
            (slot, -1 where no node was feasible; total; ties; feasible; the pod's number for :meth:`unbind`, -1
            where not bound), or None when a plugin caught a BaseException that is not an Exception.
        """
        cdef int64_t interruptions = self.reasons.interruptions
        cdef int32_t pod = NO_POD
        cdef Entry entry
        cdef slot_t slot
        with nogil:
            pod_class.refresh()
            slot = self.choose(pod_class)
        if self.reasons.interruptions != interruptions:
            return None
        if slot == NO_SLOT:
            return slot, 0, 0, 0, pod
        entry = pod_class.best()
        if bind:
            pod = self.put(pod_class.info, slot, INT64_MAX, -1)
        return slot, entry.best, entry.ties, pod_class.feasible, pod

    def failure(self, PodClass pod_class not None):
        """Return ``PodClass.rejection_counts``, as of the last refresh."""
        return self._failure(pod_class)

    def fill(self, PodClass pod_class not None, int64_t limit=-1):
        """Place pods of one class until no node is feasible, count them, and remove them again.

        Args:
            pod_class: The class.
            limit: Maximum number of pods; -1: no limit.

        Returns:
            (number placed, ``PodClass.rejection_counts`` for the pod that had no feasible node; empty when the
            limit was reached).
        """
        placed = []
        rejections = {}
        cdef int64_t interruptions = self.reasons.interruptions
        cdef slot_t slot
        try:
            while limit < 0 or len(placed) < limit:
                pod_class.refresh()
                if self.reasons.interruptions != interruptions:
                    break
                if len(placed) % SIGNAL_INTERVAL == SIGNAL_INTERVAL - 1:
                    PyErr_CheckSignals()
                slot = self.choose(pod_class)
                if slot == NO_SLOT:
                    rejections = pod_class.rejection_counts()
                    break
                placed.append(self.put(pod_class.info, slot, INT64_MAX, -1))
        finally:
            for pod in reversed(placed):
                self.take(pod)
        return len(placed), rejections

    def _failure(self, PodClass pod_class):
        """Return the rejection counts; the same object as long as no verdict of the class changed."""
        if pod_class.failure_revision != pod_class.revision or pod_class.failure is None:
            pod_class.failure = pod_class.rejection_counts()
            pod_class.failure_revision = pod_class.revision
        return pod_class.failure
