"""PodTopologySpread: keep the pods that a selector matches even over the domains of a topology key.

Hard constraints (DoNotSchedule) reject a node when placing the pod there would put its domain more than
``maxSkew`` above the domain that has least. Soft ones (ScheduleAnyway) prefer the domains that have fewer.
Which nodes' pods and domains count is up to each constraint's node inclusion policies.
"""

from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int32Column, Int64Column
from kschedcore._native.labels cimport LabelColumn
from kschedcore._native.plugin cimport ON_TOPOLOGY, FilterPlugin, ScorePlugin, rescale_all
from kschedcore._native.plugins.taint_toleration import untolerated
from kschedcore._native.selectors cimport NodeSelector
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.topology cimport DomainTable, Topology
from kschedcore._native.types cimport ABSENT, MAX_NODE_SCORE, NO_SCORE, score_t, slot_t, verdict_t
from libc.math cimport log, round
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

HOSTNAME = "kubernetes.io/hostname"


cdef class _NodeInclusion:
    """The node inclusion policies of a constraint (KEP-3094: nodeAffinityPolicy, nodeTaintsPolicy).

    Args:
        selectors: Node selectors that must all match, when node affinity is honoured.
        tolerations: The pod's tolerations, when taints are honoured, else None.
    """

    cdef list selectors
    cdef object tolerations
    cdef dict tolerated                # taint set -> verdict

    def __init__(self, list selectors, tolerations):
        self.selectors = selectors
        self.tolerations = tolerations
        self.tolerated = {}

    cdef bint includes(self, Topology topology, slot_t slot) except -1:
        for selector in self.selectors:
            if not (<NodeSelector> selector).matches(slot):
                return False
        if self.tolerations is None:
            return True
        cdef int taints = topology.nodes.taint_set.data[slot]
        found = self.tolerated.get(taints)
        if found is None:
            found = untolerated(
                topology.nodes.taint_sets[taints], self.tolerations, ("NoSchedule", "NoExecute")
            ) is None
            self.tolerated[taints] = found
        return found


cdef class _Minimum:
    """The minimum of a multiset of counts, kept by a histogram, as counts mostly change by one."""

    cdef int64_t* histogram
    cdef int64_t capacity, size, low

    def __dealloc__(self):
        free(self.histogram)

    cdef int clear(self) except -1:
        if self.histogram != NULL:
            memset(self.histogram, 0, self.capacity * sizeof(int64_t))
        self.size = self.low = 0
        return 0

    cdef int add(self, int64_t value) except -1 nogil:
        cdef int64_t capacity
        cdef int64_t* histogram
        if value >= self.capacity:
            capacity = 2 * value + 16
            histogram = <int64_t*> realloc(self.histogram, capacity * sizeof(int64_t))
            if histogram == NULL:
                with gil:
                    raise MemoryError
            memset(histogram + self.capacity, 0, (capacity - self.capacity) * sizeof(int64_t))
            self.histogram = histogram
            self.capacity = capacity
        self.histogram[value] += 1
        if self.size == 0 or value < self.low:
            self.low = value
        self.size += 1
        return 0

    cdef void discard(self, int64_t value) noexcept nogil:
        self.histogram[value] -= 1
        self.size -= 1
        if self.size:
            while self.histogram[self.low] == 0:
                self.low += 1


cdef class _Constraint:
    """One constraint: the domain of each node, and the matching pods in each domain."""

    cdef Topology topology
    cdef LabelColumn key
    cdef _NodeInclusion inclusion
    cdef DomainTable table
    cdef Int32Column domain            # slot -> domain in which the node takes part, or ABSENT
    cdef int32_t nowhere               # domain of nodes without the key, if such nodes take part
    cdef int64_t max_skew, position

    def __cinit__(self, Topology topology not None, key, group, inclusion, max_skew, *more):
        self.topology = topology
        self.key = topology.nodes.label(key)
        self.nowhere = self.key.code("")  # kube-scheduler reads a missing label as the empty value
        self.inclusion = inclusion
        self.max_skew = max_skew
        self.domain = Int32Column(topology.nodes.capacity, ABSENT)
        self.table = topology.private_table(group, self.key, self.domain)
        self.position = 0

    cdef int move(self, slot_t slot, int32_t code) except -1:
        """Set the domain that a node takes part in (or ABSENT)."""
        self.table.move_node(self.topology.pods, slot, code)
        return 0


cdef class _HardConstraint(_Constraint):
    """A DoNotSchedule constraint, with the global minimum of its domains."""

    cdef int64_t min_domains, self_match
    cdef Int64Column nodes_in          # domain -> number of nodes that take part
    cdef Int64Column seen              # domain -> count in `minimum`
    cdef Int32Column was_crowded       # domain -> 1 when it exceeded the skew in the last pass
    cdef _Minimum minimum
    cdef int64_t floor                 # the global minimum that the last pass used

    def __init__(self, topology, key, group, inclusion, max_skew, min_domains, self_match):
        self.min_domains = min_domains
        self.self_match = self_match
        self.nodes_in = Int64Column(8)
        self.seen = Int64Column(8)
        self.was_crowded = Int32Column(8)
        self.minimum = _Minimum()
        self.floor = -1

    cdef int move(self, slot_t slot, int32_t code) except -1:
        cdef int32_t before = self.domain.data[slot]
        self.table.move_node(self.topology.pods, slot, code)
        if before != ABSENT:
            self.nodes_in.data[before] -= 1
            if self.nodes_in.data[before] == 0:
                self.minimum.discard(self.seen.data[before])
        if code != ABSENT:
            if code >= self.nodes_in.capacity:
                self.nodes_in.grow(2 * code + 8)
                self.seen.grow(2 * code + 8)
            if self.nodes_in.data[code] == 0:
                self.seen.data[code] = self.table.at(code)
                self.minimum.add(self.seen.data[code])
            self.nodes_in.data[code] += 1
        return 0

    cdef int recount(self) except -1 nogil:
        """Read the counts of all domains again."""
        cdef int32_t code
        with gil:
            self.minimum.clear()
        for code in range(<int32_t> self.nodes_in.capacity):
            if self.nodes_in.data[code]:
                self.seen.data[code] = self.table.at(code)
                self.minimum.add(self.seen.data[code])
        return 0

    cdef int catch_up(self, SlotSet stale) except -1 nogil:
        """Read the changed counts; add the nodes of domains that now exceed the skew, or no longer do."""
        cdef const int32_t* codes = NULL
        cdef int64_t n = self.table.log.read(self.position, &codes), k, floor
        cdef int32_t code
        self.position = self.table.log.end()
        if n < 0 or self.key.member_codes > self.was_crowded.capacity:
            with gil:
                self.was_crowded.grow(2 * self.key.member_codes + 8)
            stale.everything = True
            self.recount()
        else:
            for k in range(n):
                code = codes[k]
                if code < self.nodes_in.capacity and self.nodes_in.data[code]:
                    self.minimum.discard(self.seen.data[code])
                    self.seen.data[code] = self.table.at(code)
                    self.minimum.add(self.seen.data[code])
        floor = self.minimum.low if self.minimum.size >= self.min_domains else 0
        if floor != self.floor or stale.everything:
            self.floor = floor
            for code in range(<int32_t> self.key.member_codes):
                self._update(code, stale)
        else:
            for k in range(n):
                self._update(codes[k], stale)
        return 0

    cdef inline void _update(self, int32_t code, SlotSet stale) noexcept nogil:
        """Add a domain's nodes if it now exceeds the skew, or no longer does."""
        cdef bint crowded = self.crowded(code)
        if code < self.was_crowded.capacity and crowded != self.was_crowded.data[code]:
            self.was_crowded.data[code] = crowded
            self.key.add_members(code, stale)

    cdef inline bint crowded(self, int32_t code) noexcept nogil:
        """Return whether one more pod in a domain would exceed the skew."""
        return self.table.at(code) + self.self_match - self.floor > self.max_skew


cdef bint _place(list constraints, Topology topology, slot_t slot, bint require_all) except -1:
    """Update each constraint's domain of a node; return whether any changed."""
    cdef _Constraint constraint
    cdef bint alive = topology.nodes.alive.data[slot], complete = alive, changed = False
    cdef int32_t code
    if require_all:
        for item in constraints:
            complete &= (<_Constraint> item).key.codes.data[slot] != ABSENT
    for item in constraints:
        constraint = item
        code = ABSENT
        if complete and constraint.inclusion.includes(topology, slot):
            code = constraint.key.codes.data[slot]
            if code == ABSENT:
                code = constraint.nowhere
        if slot >= constraint.domain.capacity:
            constraint.domain.grow(topology.nodes.capacity)
        if code != constraint.domain.data[slot]:
            constraint.move(slot, code)
            changed = True
    return changed


cdef bint _follow(list constraints, Topology topology, int64_t position, bint require_all) except -1:
    """Update the domains of nodes that changed since a position of their log; return whether any domain changed."""
    cdef const int32_t* slots = NULL
    cdef int64_t n = topology.nodes.spec_log.read(position, &slots), i
    cdef bint changed = False
    if n < 0 or position == 0:
        for i in range(topology.nodes.top):
            changed |= _place(constraints, topology, <slot_t> i, require_all)
    else:
        for i in range(n):
            changed |= _place(constraints, topology, slots[i], require_all)
    for constraint in constraints:
        (<_Constraint> constraint).key.group(topology.nodes.top)
    return changed


cdef PyObject** _references(list constraints) except NULL:
    """Return the constraints as an array for code without the GIL; the list keeps them alive."""
    cdef PyObject** refs = <PyObject**> malloc((len(constraints) + 1) * sizeof(PyObject*))
    cdef int c
    if refs == NULL:
        raise MemoryError
    for c in range(len(constraints)):
        refs[c] = <PyObject*> constraints[c]
    return refs


def _constraint(kind, Topology topology, selectors, tolerations, constraint):
    """Build a constraint from (key, AffinityTerm, maxSkew, honour node affinity, honour taints, ...)."""
    key, term, max_skew, honour_affinity, honour_taints, *more = constraint
    inclusion = _NodeInclusion(selectors if honour_affinity else [], tolerations if honour_taints else None)
    return kind(topology, key, topology.group((term,), False), inclusion, max_skew, *more)


cdef class PodTopologySpreadFilter(FilterPlugin):
    """Rejects nodes without a topology key, and nodes in domains where one more pod exceeds the skew.

    Args:
        topology: The engine's groups.
        selectors: Terms of the pod's nodeSelector and of its required node affinity; a node must match each.
        tolerations: The pod's tolerations as (key, operator, value, effect).
        constraints: (topology key, AffinityTerm, maxSkew, honour node affinity, honour taints, minDomains,
            1 when the pod matches the selector itself else 0) of each DoNotSchedule constraint.
    """

    cdef Topology topology
    cdef list constraints
    cdef PyObject** refs
    cdef int count
    cdef int64_t position
    cdef verdict_t missing_label, too_skewed

    def __init__(self, nodes, reasons, Topology topology not None, selectors, tolerations, constraints):
        self.name = "PodTopologySpread"
        self.depends = ON_TOPOLOGY
        self.topology = topology
        compiled = [NodeSelector(nodes, terms) for terms in selectors]
        self.constraints = [
            _constraint(_HardConstraint, topology, compiled, tolerations, constraint) for constraint in constraints
        ]
        self.refs = _references(self.constraints)
        self.count = len(self.constraints)
        message = "node(s) didn't match pod topology spread constraints"
        self.missing_label = reasons.words(
            self.name, "UnschedulableAndUnresolvable", message + " (missing required label)"
        )
        self.too_skewed = reasons.words(self.name, "Unschedulable", message)

    def __dealloc__(self):
        free(self.refs)

    def release(self):
        """Stop counting."""
        for constraint in self.constraints:
            self.topology.release((<_Constraint> constraint).table)

    cdef bint refresh(self) except -1:
        cdef bint changed = _follow(self.constraints, self.topology, self.position, True)
        self.position = self.nodes.spec_log.end()
        return changed

    cdef int collect(self, SlotSet stale) except -1 nogil:
        cdef int c
        for c in range(self.count):
            (<_HardConstraint> self.refs[c]).catch_up(stale)
        return 0

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i] == 0:
                verdict[i] = self._verdict(slot)

    cdef verdict_t _verdict(self, slot_t slot) noexcept nogil:
        cdef int32_t code
        cdef int c
        for c in range(self.count):
            code = (<_HardConstraint> self.refs[c]).key.codes.data[slot]
            if code == ABSENT:
                return self.missing_label
            if (<_HardConstraint> self.refs[c]).crowded(code):
                return self.too_skewed
        return 0


cdef class _SoftConstraint(_Constraint):
    """A ScheduleAnyway constraint, with the domains of the feasible nodes."""

    cdef bint per_node                 # topology key hostname: every node is a domain
    cdef bint loaded                   # whether the pods on single nodes count
    cdef DomainTable node_table        # for the hostname: counts by node, without inclusion policies
    cdef Int32Column rated             # slot -> domain of a feasible node, or ABSENT
    cdef Int64Column feasible_in       # domain -> feasible nodes
    cdef int64_t domains, rated_nodes
    cdef double weight
    cdef int64_t size                  # number of domains that `weight` was computed for

    def __init__(self, topology, key, group, inclusion, max_skew, bint loaded):
        self.per_node = key == HOSTNAME
        self.loaded = loaded
        self.rated = Int32Column(self.topology.nodes.capacity, ABSENT)
        self.feasible_in = Int64Column(8)
        self.size = -1
        if self.per_node:
            self.node_table = self.topology.table(group, self.topology.nodes.name)

    cdef int rate(self, slot_t slot, int32_t code) except -1 nogil:
        """Set the domain of a feasible node, or ABSENT for an infeasible one."""
        cdef int32_t before
        cdef int64_t* feasible_in
        if slot >= self.rated.capacity or code >= self.feasible_in.capacity:
            with gil:
                self.rated.grow(self.topology.nodes.capacity)
                self.feasible_in.grow(2 * code + 8)
        before = self.rated.data[slot]
        feasible_in = self.feasible_in.data
        if code == before:
            return 0
        if before == ABSENT:
            self.rated_nodes += 1
        else:
            feasible_in[before] -= 1
            self.domains -= feasible_in[before] == 0
        if code == ABSENT:
            self.rated_nodes -= 1
        else:
            self.domains += feasible_in[code] == 0
            feasible_in[code] += 1
        self.rated.data[slot] = code
        return 0

    cdef bint weigh(self) noexcept nogil:
        """Compute the weight from the number of domains (topologyNormalizingWeight); return whether it changed."""
        cdef int64_t size = self.rated_nodes if self.per_node else self.domains
        if size == self.size:
            return False
        self.size = size
        self.weight = log(<double> (size + 2))
        return True

    cdef int catch_up(self, SlotSet stale) except -1 nogil:
        """Read the changed counts; add the nodes whose score may differ."""
        cdef const int32_t* codes = NULL
        cdef int64_t n, k
        if self.per_node:
            n = self.node_table.log.read(self.position, &codes)
            self.position = self.node_table.log.end()
            for k in range(n):
                self.topology.nodes.name.add_members(codes[k], stale)
        else:
            n = self.table.log.read(self.position, &codes)
            self.position = self.table.log.end()
            for k in range(n):
                self.key.add_members(codes[k], stale)
        if n < 0:
            stale.everything = True
        return 0

    cdef inline double rating(self, slot_t slot, int32_t code) noexcept nogil:
        """Return a node's part of the score (scoreForCount): pods in its domain, times weight, plus maxSkew - 1."""
        cdef int64_t count
        if self.per_node:
            count = self.node_table.at(self.topology.nodes.name.codes.data[slot]) if self.loaded else 0
        else:
            count = self.table.at(code)
        return <double> count * self.weight + <double> (self.max_skew - 1)


cdef enum:
    CACHED = 64


cdef score_t _rescaled(score_t raw, score_t low, score_t high) noexcept nogil:
    """NormalizeScore: the fewer pods, the higher; 0 for a node that is not scored."""
    if raw == NO_SCORE:
        return 0
    if high <= 0:
        return MAX_NODE_SCORE
    return MAX_NODE_SCORE * (high + low - raw) // high


cdef class PodTopologySpreadScore(ScorePlugin):
    """Prefers the domains with fewer matching pods.

    Args:
        topology: The engine's groups.
        selectors: As for the filter.
        tolerations: As for the filter.
        constraints: (topology key, AffinityTerm, maxSkew, honour node affinity, honour taints) of each
            ScheduleAnyway constraint.
        require_all: Whether nodes that lack one of the keys are not scored. False for kube-scheduler's built-in
            default constraints, so that nodes without zone are still scored by hostname.
        loaded: Whether the pods on a node count where every node is a domain.
    """

    cdef Topology topology
    cdef list constraints
    cdef PyObject** refs
    cdef int count
    cdef bint require_all
    cdef int64_t position

    def __init__(self, nodes, reasons, Topology topology not None, selectors, tolerations, constraints,
                 require_all=True, loaded=True):
        self.name = "PodTopologySpread"
        self.depends = ON_TOPOLOGY
        self.normalises = True
        self.topology = topology
        self.require_all = require_all
        compiled = [NodeSelector(nodes, terms) for terms in selectors]
        self.constraints = [
            _constraint(_SoftConstraint, topology, compiled, tolerations, (*constraint, loaded))
            for constraint in constraints
        ]
        self.refs = _references(self.constraints)
        self.count = len(self.constraints)

    def __dealloc__(self):
        free(self.refs)

    def release(self):
        """Stop counting."""
        for constraint in self.constraints:
            self.topology.release((<_SoftConstraint> constraint).table)
            if (<_SoftConstraint> constraint).per_node:
                self.topology.release((<_SoftConstraint> constraint).node_table)

    cdef bint refresh(self) except -1:
        cdef bint changed = _follow(self.constraints, self.topology, self.position, self.require_all)
        self.position = self.nodes.spec_log.end()
        self.nodes.name.group(self.nodes.top)
        return changed

    cdef int collect(self, SlotSet stale) except -1 nogil:
        cdef int c
        for c in range(self.count):
            (<_SoftConstraint> self.refs[c]).catch_up(stale)
        return 0

    cdef inline bint _ignored(self, slot_t slot) noexcept nogil:
        """Return whether a node lacks a key that it needs to be scored."""
        cdef int c
        if self.require_all:
            for c in range(self.count):
                if (<_SoftConstraint> self.refs[c]).key.codes.data[slot] == ABSENT:
                    return True
        return False

    cdef int prescore(
        self, const slot_t* slots, Py_ssize_t n, const verdict_t* verdict, SlotSet stale
    ) except -1 nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef int32_t code
        cdef bint rated
        cdef int c
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            rated = verdict[slot] == 0 and not self._ignored(slot)
            for c in range(self.count):
                code = ABSENT
                if rated:
                    code = (<_SoftConstraint> self.refs[c]).key.codes.data[slot]
                    if code == ABSENT:
                        code = (<_SoftConstraint> self.refs[c]).nowhere
                (<_SoftConstraint> self.refs[c]).rate(slot, code)
        for c in range(self.count):
            if (<_SoftConstraint> self.refs[c]).weigh():
                stale.everything = True
        return 0

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef int32_t code
        cdef double total
        cdef int c
        if self.count == 1 and self.require_all and not (<_SoftConstraint> self.refs[0]).per_node:
            self._score_by_domain(<_SoftConstraint> self.refs[0], slots, n, raw)
            return
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if self._ignored(slot):
                raw[i] = NO_SCORE
                continue
            total = 0
            for c in range(self.count):
                code = (<_SoftConstraint> self.refs[c]).key.codes.data[slot]
                if code != ABSENT:
                    total += (<_SoftConstraint> self.refs[c]).rating(slot, code)
            raw[i] = <score_t> round(total)

    cdef void _score_by_domain(
        self, _SoftConstraint constraint, const slot_t* slots, Py_ssize_t n, score_t* raw
    ) noexcept nogil:
        """Score by one constraint over few domains, the most common case, with a small cache of scores."""
        cdef int32_t known[CACHED]
        cdef score_t results[CACHED]
        cdef const int32_t* codes = constraint.key.codes.data
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef int32_t code, place
        for place in range(CACHED):
            known[place] = ABSENT
            results[place] = NO_SCORE
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            code = codes[slot]
            if code == ABSENT:
                raw[i] = NO_SCORE
                continue
            place = code & (CACHED - 1)
            if known[place] != code:
                known[place] = code
                results[place] = <score_t> round(constraint.rating(slot, code))
            raw[i] = results[place]

    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil:
        rescale_all(_rescaled, n, raw, low, high, out)
