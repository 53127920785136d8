"""DefaultPreemption's dry run: the pods to evict from a node so that a more important pod fits.

Pods are removed from and added to the live counts while the filters evaluate one node at a time, and the state is
restored when the dry run ends; nothing is copied. The class must have been refreshed before.
"""

from kschedcore._native.core cimport Core
from kschedcore._native.podclass cimport PodClass
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.pods cimport NO_POD, BoundPod
from kschedcore._native.types cimport UNSCHEDULABLE, slot_t, verdict_t
from kschedcore._native.columns cimport Int32Column
from kschedcore._native.slotset cimport SlotSet
from libc.stdint cimport INT64_MAX, int32_t, int64_t
from libc.stdlib cimport free, qsort, realloc

NOT_STARTED = INT64_MAX

cdef enum:                             # outcome of a dry run on a node; above 0: the verdict without its victims
    HELPED = -2
    NO_LOWER_PRIORITY = -3
    NO_VICTIM_NEEDED = -4
    UNKNOWN = -5


cdef int _more_important(const void* left, const void* right) noexcept nogil:
    """Higher priority first, then the earlier start, then the earlier arrival (util.MoreImportantPod)."""
    cdef const Victim* a = <const Victim*> left
    cdef const Victim* b = <const Victim*> right
    if a.priority != b.priority:
        return -1 if a.priority > b.priority else 1
    if a.start != b.start:
        return -1 if a.start < b.start else 1
    return -1 if a.order < b.order else 1


cdef class Candidate:
    """A node, and the victims to evict from it.

    Attributes:
        slot: The node.
        victims: Numbers of the victims, the most important first.
        violations: Number of victims whose eviction violates a disruption budget.
        top_priority: The highest priority among them.
        priority_sum: The sum of their priorities, each counted from the lowest there is.
        earliest_start: Start of the first of those with the highest priority.
        description: A cache for the caller; it lives as long as the candidate is valid.
    """


cdef class Findings:
    """The outcomes of dry runs of one class on each node, valid until the node changes.

    Args:
        core: The state.
    """

    def __cinit__(self, Core core not None):
        self.nodes = core.nodes
        self.changed = SlotSet()
        self.outcome = Int32Column(0, UNKNOWN)
        self.candidates = []
        self.position = -1

    cdef int catch_up(self) except -1:
        """Discard the outcomes of nodes that have changed since."""
        cdef Py_ssize_t top = self.nodes.top, i
        self.changed.reset(top)
        self.position = self.changed.add_log(self.nodes.load_log, self.position)
        if self.generation != self.nodes.generation or len(self.candidates) < top:
            self.changed.everything = True
            self.generation = self.nodes.generation
            self.outcome.grow(self.nodes.capacity)
            self.candidates = [None] * self.nodes.capacity
        if self.changed.everything:
            for i in range(top):
                self.outcome.data[i] = UNKNOWN
        else:
            for i in range(self.changed.count):
                self.outcome.data[self.changed.slots[i]] = UNKNOWN
        return 0


cdef Findings _findings(Core core, PodClass pod_class, bint lasting):
    """Return the cached outcomes of a class, or new ones where they cannot be cached."""
    cdef Findings found
    if not lasting or pod_class.looks_elsewhere():
        found = Findings(core)
    elif pod_class.findings is None:
        found = pod_class.findings = Findings(core)
    else:
        found = <Findings> pod_class.findings
    found.catch_up()
    return found


cdef int _compare(Candidate a, Candidate b) noexcept:
    """Return -1, 0 or 1: candidate ``a`` is better than, equal to or worse than ``b``, in kube-scheduler's order."""
    if a.violations != b.violations:
        return -1 if a.violations < b.violations else 1
    if a.top_priority != b.top_priority:
        return -1 if a.top_priority < b.top_priority else 1
    if a.priority_sum != b.priority_sum:
        return -1 if a.priority_sum < b.priority_sum else 1
    if len(a.victims) != len(b.victims):
        return -1 if len(a.victims) < len(b.victims) else 1
    if a.earliest_start != b.earliest_start:
        return -1 if a.earliest_start > b.earliest_start else 1
    return 0


cdef class DryRun:
    """Searches the nodes for victims, one node after another.

    Args:
        core: The state.
        pod_class: The refreshed class of the preemptor.
        overdrawn: Called with pod numbers, most important first; returns for each whether its eviction would
            violate a disruption budget, evictions counted in that order. None when there are no budgets.
        moved: Called with a pod's number and -1 whenever the dry run removes it from its node, 1 when it adds it
            again (PreFilterExtensions).

    Attributes:
        candidates: The nodes where evictions help, in the order tried.
        failures: Row of the reason table -> number of nodes that reject the pod for it even without their victims.
        without_victims: Number of nodes without a pod of lower priority.
    """

    def __cinit__(self, Core core not None, PodClass pod_class not None, overdrawn=None, moved=None):
        self.core = core
        self.pod_class = pod_class
        self.priority = pod_class.info.priority
        self.overdrawn = overdrawn
        self.moved = moved
        self.has_moved = moved is not None
        self.candidates = []
        self.failures = {}

    def __dealloc__(self):
        free(self.victims)

    def run(self, Py_ssize_t enough):
        """Try the nodes that evictions might help, in name order, until ``enough`` candidates are found.

        The search continues while every candidate so far violates a disruption budget. Outcomes of earlier dry runs
        of the class are reused for nodes that have not changed.
        """
        cdef Findings findings = _findings(self.core, self.pod_class, self.overdrawn is None and self.moved is None)
        cdef Int32Column failed = Int32Column(len(self.core.reasons))
        cdef const slot_t* order = self.core.nodes.in_name_order()
        cdef Candidate candidate
        cdef verdict_t verdict, outcome
        cdef bint harmless = False
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(self.core.nodes.count):
            slot = order[i]
            verdict = self.pod_class.verdict.data[slot]
            if verdict <= 0 or self.core.reasons.rows[verdict].code != UNSCHEDULABLE:
                continue
            outcome = findings.outcome.data[slot]
            if outcome == UNKNOWN:
                outcome = findings.outcome.data[slot] = self._try(slot)
                findings.candidates[slot] = self.found
            if outcome == NO_LOWER_PRIORITY:
                self.without_victims += 1
            elif outcome > 0:
                if outcome >= failed.capacity:  # a row that the dry run itself added
                    failed.grow(len(self.core.reasons))
                failed.data[outcome] += 1
            elif outcome == HELPED:
                candidate = <Candidate> findings.candidates[slot]
                self.candidates.append(candidate)
                harmless |= candidate.violations == 0
                if harmless and len(self.candidates) >= enough:
                    break
        self.failures = {
            outcome: failed.data[outcome] for outcome in range(<verdict_t> failed.capacity) if failed.data[outcome]
        }

    def best(self):
        """Return the best candidates (SelectCandidate), the chosen one first; kube-scheduler may choose any of them.

        The first by name is chosen. But if the victims have not started, kube-scheduler uses the current time as
        their start, so that the node it evaluates last has the latest start: the last by name is chosen.
        """
        cdef Candidate candidate
        cdef list equals = []
        cdef int order
        for candidate in self.candidates:
            order = _compare(candidate, <Candidate> equals[0]) if equals else 0
            if order < 0:
                equals = [candidate]
            elif order == 0:
                equals.append(candidate)
        if equals and equals[0].earliest_start == NOT_STARTED:
            equals.reverse()
        return equals

    def candidate(self, slot_t slot, list pods, int64_t violations):
        """Return a candidate with victims from an extender, the most important first."""
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

    cdef verdict_t _try(self, slot_t slot) except? -1:
        """Remove all pods of lower priority, add back those that fit beside the pod, and restore the node.

        Return the outcome; the candidate, if any, is in ``found``.
        """
        cdef verdict_t verdict
        cdef int i
        self.found = None
        self._collect(slot)
        if self.count == 0:
            return NO_LOWER_PRIORITY
        try:
            for i in range(self.count):
                self._move(&self.victims[i], slot, -1)
            verdict = self.pod_class.filter_with_nominated(slot)
            if not verdict:
                for protected in (True, False):
                    for i in range(self.count):
                        if self.victims[i].protected == protected:
                            self._move(&self.victims[i], slot, 1)
                            if self.pod_class.filter_with_nominated(slot):
                                self._move(&self.victims[i], slot, -1)
                self.found = self._candidate(slot)
        finally:
            self._put_back(slot)
        return verdict or (NO_VICTIM_NEEDED if self.found is None else HELPED)

    cdef int _put_back(self, slot_t slot) except -1:
        """Add all removed pods to the node again, then raise the first exception of ``moved``."""
        cdef int i
        raised = None
        for i in range(self.count):
            if self.victims[i].evicted:
                try:
                    self._move(&self.victims[i], slot, 1)
                except BaseException as error:
                    raised = raised or error
        self.pod_class.collect_ignored()
        if raised is not None:
            raise raised
        return 0

    cdef int _collect(self, slot_t slot) except -1:
        """List the node's pods of lower priority, the most important first."""
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
        if self.count > 1:
            qsort(self.victims, self.count, sizeof(Victim), _more_important)
        if self.overdrawn is not None and self.count:
            protected = self.overdrawn([self.victims[i].pod for i in range(self.count)])
            for i in range(self.count):
                self.victims[i].protected = protected[i]
        return 0

    cdef int _move(self, Victim* victim, slot_t slot, int sign) except -1 nogil:
        """Add a pod to the node's counts (``sign`` 1), or remove it (-1); it stays listed."""
        self.core.topology.move(<PodInfo> self.core.pods.pods[victim.pod].info, slot, sign)
        (<PodInfo> self.core.pods.pods[victim.pod].info).account(slot, sign)
        victim.evicted = sign < 0
        if self.has_moved:
            with gil:
                self.moved(victim.pod, sign)
        return 0

    cdef Candidate _candidate(self, slot_t slot):
        """Return the candidate of the node, or None when no victim is needed."""
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
