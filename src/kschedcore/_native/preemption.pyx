"""DefaultPreemption's dry run: which pods would have to leave a node so that a more important pod fits.

Pods are taken off and put back on the live counts, with the filters judging one node at a time, and everything
is as before when the dry run ends; nothing is copied. A class must have been refreshed before.
"""

from kschedcore._native.core cimport Core
from kschedcore._native.podclass cimport PodClass
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.pods cimport NO_POD, BoundPod
from kschedcore._native.types cimport UNSCHEDULABLE, slot_t, verdict_t
from libc.stdint cimport INT64_MAX, int32_t, int64_t
from libc.stdlib cimport free, qsort, realloc

NOT_STARTED = INT64_MAX


cdef int _more_important(const void* left, const void* right) noexcept nogil:
    """Higher priority first, then the earlier start, then the one that came first (util.MoreImportantPod)."""
    cdef const Victim* a = <const Victim*> left
    cdef const Victim* b = <const Victim*> right
    if a.priority != b.priority:
        return -1 if a.priority > b.priority else 1
    if a.start != b.start:
        return -1 if a.start < b.start else 1
    return -1 if a.order < b.order else 1


cdef class Candidate:
    """A node, and the pods that would have to leave it.

    Attributes:
        slot: The node.
        victims: Numbers of the pods, the most important first.
        violations: How many of them overdraw a disruption budget.
        top_priority: The highest priority among them.
        priority_sum: The sum of their priorities, each counted from the lowest there is.
        earliest_start: When the first of those with the highest priority started.
    """

    def cost(self):
        """What makes one candidate worse than another, in kube-scheduler's order."""
        return self.violations, self.top_priority, self.priority_sum, len(self.victims), -self.earliest_start


cdef class DryRun:
    """Looks for victims on nodes, one after another.

    Args:
        core: The state.
        pod_class: The refreshed class of the pod that needs room.
        overdrawn: Called with pod numbers, most important first; returns for each whether its eviction would
            overdraw a disruption budget, evictions counted in that order. None when there are no budgets.

    Attributes:
        candidates: The nodes where evictions help, in the order tried.
        failures: Row of the reason table -> nodes that reject the pod for it with every less important pod gone.
        without_victims: Nodes that have no less important pod.
    """

    def __cinit__(self, Core core not None, PodClass pod_class not None, overdrawn=None):
        self.core = core
        self.pod_class = pod_class
        self.priority = pod_class.info.priority
        self.overdrawn = overdrawn
        self.candidates = []
        self.failures = {}

    def __dealloc__(self):
        free(self.victims)

    def run(self, enough):
        """Try the nodes that evictions might help, in name order, until ``enough`` candidates are found.

        The search goes on while every candidate so far violates a disruption budget.
        """
        cdef slot_t slot
        cdef verdict_t verdict
        harmless = 0
        for slot in self.core.nodes.slots_by_name():
            verdict = self.pod_class.verdict.data[slot]
            if verdict <= 0 or self.core.reasons.rows[verdict].code != UNSCHEDULABLE:
                continue
            candidate = self._try(slot)
            if candidate is not None:
                self.candidates.append(candidate)
                harmless += candidate.violations == 0
                if harmless and len(self.candidates) >= enough:
                    break

    def best(self):
        """The candidates that cost least (SelectCandidate), the one to take first; kube-scheduler takes any of them.

        Taken is the first by name. But where the victims have not started, kube-scheduler takes the time of
        asking for their start, so that the node it happens to ask about last has the latest: the last by name.
        """
        costs = [candidate.cost() for candidate in self.candidates]
        lowest = min(costs, default=None)
        equals = [candidate for candidate, cost in zip(self.candidates, costs) if cost == lowest]
        if equals and equals[0].earliest_start == NOT_STARTED:
            equals.reverse()
        return equals

    def agreed(self, slot_t slot, list pods, int64_t violations):
        """A candidate as others would have it: these pods in this order, the most important first."""
        cdef Candidate found = Candidate()
        cdef BoundPod* entry
        cdef int32_t pod
        found.slot = slot
        found.victims = pods
        found.violations = violations
        found.earliest_start = INT64_MAX
        found.top_priority = (<PodInfo> self.core.pods.pods[<int32_t> pods[0]].info).priority
        for pod in pods:
            entry = &self.core.pods.pods[pod]
            found.priority_sum += <int64_t> (<PodInfo> entry.info).priority + (<int64_t> 1 << 31)
            if (<PodInfo> entry.info).priority == found.top_priority and entry.start < found.earliest_start:
                found.earliest_start = entry.start
        return found

    cdef Candidate _try(self, slot_t slot):
        """Take every less important pod off, let back in whoever fits, and restore the node."""
        cdef Candidate found = None
        cdef verdict_t verdict
        cdef int i
        self._collect(slot)
        if self.count == 0:
            self.without_victims += 1
            return None
        for i in range(self.count):
            self._move(&self.victims[i], slot, -1)
            self.victims[i].evicted = True
        verdict = self.pod_class.judge(slot)
        if verdict:
            self.failures[verdict] = self.failures.get(verdict, 0) + 1
        else:
            for protected in (True, False):
                for i in range(self.count):
                    if self.victims[i].protected == protected:
                        self._move(&self.victims[i], slot, 1)
                        self.victims[i].evicted = self.pod_class.judge(slot) != 0
                        if self.victims[i].evicted:
                            self._move(&self.victims[i], slot, -1)
            found = self._candidate(slot)
        for i in range(self.count):
            if self.victims[i].evicted:
                self._move(&self.victims[i], slot, 1)
        self.pod_class.settle()
        return found

    cdef int _collect(self, slot_t slot) except -1:
        """List the node's less important pods, the most important first."""
        cdef int32_t pod = self.core.pods.on_node(slot)
        cdef BoundPod* entry
        cdef Victim* victims
        cdef int i
        self.count = 0
        while pod != NO_POD:
            entry = &self.core.pods.pods[pod]
            if (<PodInfo> entry.info).priority < self.priority:
                if self.count == self.capacity:
                    self.capacity = max(16, 2 * self.capacity)
                    victims = <Victim*> realloc(self.victims, self.capacity * sizeof(Victim))
                    if victims == NULL:
                        raise MemoryError
                    self.victims = victims
                self.victims[self.count] = Victim(
                    pod, (<PodInfo> entry.info).priority, entry.start,
                    -entry.arrival if entry.start == INT64_MAX else entry.arrival, False, False,
                )
                self.count += 1
            pod = entry.next_on_node
        qsort(self.victims, self.count, sizeof(Victim), _more_important)
        if self.overdrawn is not None and self.count:
            protected = self.overdrawn([self.victims[i].pod for i in range(self.count)])
            for i in range(self.count):
                self.victims[i].protected = protected[i]
        return 0

    cdef int _move(self, Victim* victim, slot_t slot, int sign) except -1 nogil:
        """Put a pod on the node's counts, or take it off; it stays listed."""
        self.core.topology.move(<PodInfo> self.core.pods.pods[victim.pod].info, slot, sign)
        (<PodInfo> self.core.pods.pods[victim.pod].info).account(slot, sign)
        return 0

    cdef Candidate _candidate(self, slot_t slot):
        """What has to go, or None when nothing has to."""
        cdef Candidate found = Candidate()
        cdef Victim* victim
        cdef int i
        found.slot = slot
        found.victims = []
        found.earliest_start = INT64_MAX
        for i in range(self.count):
            victim = &self.victims[i]
            if not victim.evicted:
                continue
            if not found.victims:
                found.top_priority = victim.priority
            if victim.priority == found.top_priority and victim.start < found.earliest_start:
                found.earliest_start = victim.start
            found.victims.append(victim.pod)
            found.violations += victim.protected
            found.priority_sum += <int64_t> victim.priority + (<int64_t> 1 << 31)
        return found if found.victims else None
