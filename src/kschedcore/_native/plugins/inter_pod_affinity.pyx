"""InterPodAffinity: pods that must, may or must not share a topology domain with other pods.

The rules work both ways: terms of the incoming pod that select bound pods, and terms of bound pods that select it.
Both are counts of a group of pods by the values of a topology key, kept by :mod:`~kschedcore._native.topology`.
"""

from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int32Column
from kschedcore._native.labels cimport LabelColumn
from kschedcore._native.plugin cimport ON_TOPOLOGY, FilterPlugin, ScorePlugin, rescale_all
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.topology cimport DomainTable, PodGroup, Topology
from kschedcore._native.types cimport ABSENT, MAX_NODE_SCORE, score_t, slot_t, verdict_t
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc

# Kinds of carrier groups: the kind of term that the pods have.
REQUIRED_AFFINITY = "required affinity"
REQUIRED_ANTI_AFFINITY = "required anti-affinity"
PREFERRED_AFFINITY = "preferred affinity"
PREFERRED_ANTI_AFFINITY = "preferred anti-affinity"

cdef struct Watched:
    PyObject* table                    # DomainTable
    PyObject* present                  # Int32Column: domain -> 1 when its last known count was above 0
    int64_t position                   # read up to here in its log
    int64_t factor                     # weight of one counted pod, for scores


cdef class _Tables:
    """Domain tables that a plugin reads, and its position in each table's log."""

    cdef Topology topology
    cdef list tables, present
    cdef Watched* watched
    cdef int count

    def __cinit__(self, Topology topology not None):
        self.topology = topology
        self.tables = []
        self.present = []

    def __dealloc__(self):
        free(self.watched)

    def watch(self, PodGroup group, str key, int64_t factor=1):
        """Count a group by a topology key."""
        cdef LabelColumn column = self.topology.nodes.label(key)
        cdef DomainTable table = self.topology.table(group, column)
        cdef Watched* watched = <Watched*> realloc(self.watched, (self.count + 1) * sizeof(Watched))
        if watched == NULL:
            raise MemoryError
        present = Int32Column(table.count.capacity)
        self.tables.append(table)
        self.present.append(present)
        self.watched = watched
        watched[self.count] = Watched(<PyObject*> table, <PyObject*> present, table.log.end(), factor)
        self._record_present(self.count)
        self.count += 1

    def release(self):
        """Stop reading all tables."""
        for table in self.tables:
            self.topology.release(table)
        self.tables = []
        self.present = []
        self.count = 0

    cdef int group(self) except -1:
        """Bring the lists of each domain's nodes up to date."""
        for table in self.tables:
            (<DomainTable> table).key.group(self.topology.nodes.top)
        return 0

    cdef int64_t total(self) noexcept nogil:
        """The sum of all counts."""
        cdef int64_t total = 0
        cdef int i
        for i in range(self.count):
            total += (<DomainTable> self.watched[i].table).total
        return total

    cdef void collect(self, SlotSet stale) noexcept nogil:
        """Add the nodes of all domains whose count changed."""
        cdef const int32_t* codes = NULL
        cdef int64_t n, k
        cdef int i
        for i in range(self.count):
            n = (<DomainTable> self.watched[i].table).log.read(self.watched[i].position, &codes)
            if n < 0:
                stale.everything = True
            for k in range(n):
                (<DomainTable> self.watched[i].table).key.add_members(codes[k], stale)
            self.watched[i].position = (<DomainTable> self.watched[i].table).log.end()

    cdef int _record_present(self, int i) except -1:
        """Record which domains of table ``i`` count any pod."""
        cdef DomainTable table = <DomainTable> self.watched[i].table
        cdef Int32Column present = <Int32Column> self.watched[i].present
        cdef Py_ssize_t code
        present.grow(table.count.capacity)
        for code in range(table.count.capacity):
            present.data[code] = table.count.data[code] > 0
        return 0

    cdef int collect_turns(self, SlotSet stale) except -1 nogil:
        """Add the nodes of domains whose count became, or is no longer, 0."""
        cdef const int32_t* codes = NULL
        cdef int64_t n, k
        cdef int32_t present
        cdef int i
        for i in range(self.count):
            n = (<DomainTable> self.watched[i].table).log.read(self.watched[i].position, &codes)
            self.watched[i].position = (<DomainTable> self.watched[i].table).log.end()
            if n < 0:
                stale.everything = True
                with gil:
                    self._record_present(i)
            for k in range(n):
                if codes[k] >= (<Int32Column> self.watched[i].present).capacity:
                    with gil:
                        (<Int32Column> self.watched[i].present).grow(2 * codes[k] + 8)
                present = (<DomainTable> self.watched[i].table).at(codes[k]) > 0
                if present != (<Int32Column> self.watched[i].present).data[codes[k]]:
                    (<Int32Column> self.watched[i].present).data[codes[k]] = present
                    (<DomainTable> self.watched[i].table).key.add_members(codes[k], stale)
        return 0

    cdef inline int64_t count_at(self, int i, slot_t slot) noexcept nogil:
        """Return the count of table ``i`` in a node's domain; -1 when the node lacks the key."""
        cdef int32_t code = (<DomainTable> self.watched[i].table).key.codes.data[slot]
        return -1 if code == ABSENT else (<DomainTable> self.watched[i].table).at(code)


cdef class InterPodAffinityFilter(FilterPlugin):
    """Rejects nodes whose domains lack pods of required affinity or have pods of required anti-affinity.

    Args:
        topology: The engine's groups.
        info: The incoming pod.
        affinity: (AffinityTerm, topology key) of the pod's required affinity. A bound pod counts when it
            matches all of them.
        anti_affinity: The same of its required anti-affinity; here each term counts for itself.
    """

    cdef Topology topology
    cdef PodInfo info
    cdef _Tables wanted, unwanted, refusing
    cdef list affinity
    cdef bint first_of_its_kind        # the pod matches its own affinity terms
    cdef bint none_yet                 # as of the last pass, no bound pod matched them
    cdef int64_t carrier_version
    cdef verdict_t not_affine, anti_affine, refused

    def __init__(self, nodes, reasons, Topology topology not None, PodInfo info not None, affinity, anti_affinity):
        self.name = "InterPodAffinity"
        self.depends = ON_TOPOLOGY
        self.topology = topology
        self.info = info
        self.wanted, self.unwanted, self.refusing = _Tables(topology), _Tables(topology), _Tables(topology)
        self.carrier_version = -1
        self.affinity = [term for term, _ in affinity]
        if affinity:
            group = topology.group(tuple(self.affinity))
            for _, key in affinity:
                self.wanted.watch(group, key)
        for term, key in anti_affinity:
            self.unwanted.watch(topology.group((term,)), key)
        self.not_affine = reasons.words(
            self.name, "UnschedulableAndUnresolvable", "node(s) didn't match pod affinity rules"
        )
        self.anti_affine = reasons.words(
            self.name, "Unschedulable", "node(s) didn't match pod anti-affinity rules"
        )
        self.refused = reasons.words(
            self.name, "Unschedulable", "node(s) didn't satisfy existing pods anti-affinity rules"
        )

    def release(self):
        """Stop counting."""
        for tables in (self.wanted, self.unwanted, self.refusing):
            tables.release()

    cdef bint refresh(self) except -1:
        cdef bint changed = False
        if self.carrier_version != self.topology.carrier_version:
            self.carrier_version = self.topology.carrier_version
            self.first_of_its_kind = all([
                term.selects(self.info, self.topology.namespaces, False) for term in self.affinity
            ])
            self.refusing.release()
            for group in self.topology.carriers(REQUIRED_ANTI_AFFINITY):
                if group.terms[0].selects(self.info, self.topology.namespaces):
                    self.refusing.watch(group, group.key[2])
            changed = True
        self.wanted.group()
        self.unwanted.group()
        self.refusing.group()
        return changed

    cdef bint looks_elsewhere(self) noexcept nogil:
        return self.wanted.count + self.unwanted.count + self.refusing.count > 0

    cdef int collect(self, SlotSet stale) except -1 nogil:
        self.wanted.collect_turns(stale)
        self.unwanted.collect_turns(stale)
        self.refusing.collect_turns(stale)
        if self.none_yet != (self.wanted.total() == 0):
            self.none_yet = not self.none_yet
            stale.everything = True
        return 0

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        if not self.looks_elsewhere():
            return
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i] == 0:
                verdict[i] = self._verdict(slot)

    cdef verdict_t _verdict(self, slot_t slot) noexcept nogil:
        cdef bint met = True
        cdef int64_t count
        cdef int i
        for i in range(self.wanted.count):
            count = self.wanted.count_at(i, slot)
            if count < 0:
                return self.not_affine
            met &= count > 0
        if not met and not (self.none_yet and self.first_of_its_kind):
            return self.not_affine
        for i in range(self.unwanted.count):
            if self.unwanted.count_at(i, slot) > 0:
                return self.anti_affine
        for i in range(self.refusing.count):
            if self.refusing.count_at(i, slot) > 0:
                return self.refused
        return 0


cdef score_t _rescaled(score_t raw, score_t low, score_t high) noexcept nogil:
    """NormalizeScore: 0 for the lowest, 100 for the highest; 0 for all when they are equal."""
    if high <= low:
        return 0
    return <score_t> (<double> MAX_NODE_SCORE * (<double> (raw - low) / <double> (high - low)))


cdef class InterPodAffinityScore(ScorePlugin):
    """Sums the weights of preferred terms, the pod's own and those of bound pods, that a node's domains meet.

    Args:
        topology: The engine's groups.
        info: The incoming pod.
        preferred: (AffinityTerm, topology key, weight) of its preferred terms, anti-affinity with negative
            weights.
        hard_weight: ``hardPodAffinityWeight``: the weight of a bound pod's required affinity to this pod.
    """

    cdef Topology topology
    cdef PodInfo info
    cdef _Tables tables
    cdef list preferred
    cdef int64_t hard_weight, carrier_version

    def __init__(self, nodes, reasons, Topology topology not None, PodInfo info not None, preferred, hard_weight):
        self.name = "InterPodAffinity"
        self.depends = ON_TOPOLOGY
        self.normalises = True
        self.topology = topology
        self.info = info
        self.tables = _Tables(topology)
        self.preferred = list(preferred)
        self.hard_weight = hard_weight
        self.carrier_version = -1

    def release(self):
        """Stop counting."""
        self.tables.release()

    cdef bint refresh(self) except -1:
        cdef bint changed = False
        if self.carrier_version != self.topology.carrier_version:
            self.carrier_version = self.topology.carrier_version
            before = _Tables(self.topology)
            before, self.tables = self.tables, before
            for term, key, weight in self.preferred:
                self.tables.watch(self.topology.group((term,)), key, weight)
            self._watch_carriers(REQUIRED_AFFINITY, self.hard_weight)
            self._watch_carriers(PREFERRED_AFFINITY, 1)
            self._watch_carriers(PREFERRED_ANTI_AFFINITY, -1)
            before.release()
            changed = True
        self.tables.group()
        return changed

    def _watch_carriers(self, str kind, int64_t factor):
        """Count the bound pods with a term of a kind that selects this pod."""
        if factor:
            for group in self.topology.carriers(kind):
                if group.terms[0].selects(self.info, self.topology.namespaces):
                    self.tables.watch(group, group.key[2], factor)

    cdef int collect(self, SlotSet stale) except -1 nogil:
        self.tables.collect(stale)
        return 0

    cdef bint skipped(self) noexcept nogil:
        return self.tables.total() == 0

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef int t
        cdef int64_t count
        cdef score_t total
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            total = 0
            for t in range(self.tables.count):
                count = self.tables.count_at(t, slot)
                if count > 0:
                    total += self.tables.watched[t].factor * count
            raw[i] = total

    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil:
        rescale_all(_rescaled, n, raw, low, high, out)
