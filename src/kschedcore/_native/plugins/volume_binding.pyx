"""VolumeBinding: bound volumes must be reachable from the node, unbound claims must be bindable there.

Claims with WaitForFirstConsumer are matched, the smallest first, to the smallest static volume that suits each and is
reachable; the remaining claims must be provisionable on the node.
"""

from kschedcore._native.plugin cimport ON_SPEC, FilterPlugin
from kschedcore._native.selectors cimport NodeSelector
from kschedcore._native.types cimport slot_t, verdict_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef enum:
    NOTHING = 0
    NOTHING_TO_BIND = 1
    NO_SPACE = 2
    MISSING = 1
    CONFLICT = 2

MISSING_VOLUME = "missing"
"""In place of the node affinity of a volume that does not exist."""

_UNBOUND = (
    None,
    "node(s) didn't find available persistent volumes to bind",
    "node(s) did not have enough free storage",
)
_BOUND = (
    None,
    "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
    "node(s) didn't match PersistentVolume's node affinity",
)


cdef class _Claim:
    """A claim that is bound when its pod is placed."""

    cdef list volumes                  # (number of the volume, NodeSelector or None), the best first
    cdef Py_ssize_t reserved           # number of volumes, the first, that are reserved for it
    cdef bint matched                  # whether static volumes are considered
    cdef bint provisionable
    cdef NodeSelector topologies       # where it can be provisioned; None: everywhere
    cdef list capacities               # selectors of nodes with enough free storage; None: not tracked


cdef class VolumeBinding(FilterPlugin):
    """Rejects nodes where the pod's volumes cannot be reached, bound or provisioned.

    Args:
        bound: For each bound claim the terms of its volume's node affinity, None where it has none, or
            :data:`MISSING_VOLUME` where there is no such volume.
        selected: Node names of the claims' selected-node annotations; any other node is rejected.
        claims: For each claim to bind, in the order in which they are matched and, failing that, provisioned: a
            mapping of ``match`` (look for static volumes), ``volumes`` (pairs of the volume's number and the
            terms of its node affinity or None, the best first), ``reserved`` (the number of volumes reserved for
            it, which come first), ``provisionable``, ``topologies`` (terms or None) and ``capacities`` (lists of
            terms, or None when any node has enough capacity).
        volume_count: Number of distinct static volumes; their numbers are below it.
    """

    cdef list bound, claims
    cdef NodeSelector selected
    cdef char* taken
    cdef Py_ssize_t volume_count
    cdef verdict_t rows[3][3]          # [problem of unbound][problem of bound]

    def __cinit__(self, *args, **kwargs):
        self.taken = NULL

    def __init__(self, nodes, reasons, bound, selected, claims, volume_count):
        self.depends = ON_SPEC
        self.bound = [
            terms if terms is None or terms is MISSING_VOLUME else NodeSelector(nodes, terms) for terms in bound
        ]
        self.selected = None
        if selected:
            term = [("@metadata.name", "In", [name]) for name in selected]
            self.selected = NodeSelector(nodes, [term])
        self.claims = [self._claim(nodes, claim) for claim in claims]
        self.volume_count = volume_count
        self.taken = <char*> malloc(volume_count + 1)
        if self.taken == NULL:
            raise MemoryError
        for i in range(3):
            for k in range(3):
                messages = [reason for reason in (_UNBOUND[i], _BOUND[k]) if reason]
                if messages:
                    row = reasons.words(self.name, "UnschedulableAndUnresolvable", *messages)
                    self.rows[<int> i][<int> k] = row
        self.rows[0][0] = 0

    def __dealloc__(self):
        free(self.taken)

    @staticmethod
    def _claim(nodes, claim):
        cdef _Claim compiled = _Claim()
        compiled.matched = claim["match"]
        compiled.reserved = claim["reserved"]
        compiled.provisionable = claim["provisionable"]
        compiled.volumes = [
            (number, None if terms is None else NodeSelector(nodes, terms)) for number, terms in claim["volumes"]
        ]
        compiled.topologies = None if claim["topologies"] is None else NodeSelector(nodes, claim["topologies"])
        compiled.capacities = None
        if claim["capacities"] is not None:
            compiled.capacities = [NodeSelector(nodes, terms) for terms in claim["capacities"]]
        return compiled

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        with gil:
            for i in range(n):
                slot = slots[i] if slots != NULL else <slot_t> i
                if verdict[i] == 0:
                    verdict[i] = self.rows[self._unbound(slot)][self._bound(slot)]

    cdef int _bound(self, slot_t slot):
        """Return the first problem with a bound claim."""
        for each in self.bound:
            if each is None:
                continue
            if each is MISSING_VOLUME:
                return MISSING
            if not (<NodeSelector> each).matches(slot):
                return CONFLICT
        return NOTHING

    cdef int _unbound(self, slot_t slot):
        """Return the first problem with a claim to bind."""
        cdef _Claim claim
        cdef list left = []
        if self.selected is not None and not self.selected.matches(slot):
            return NOTHING_TO_BIND
        memset(self.taken, 0, self.volume_count)
        for item in self.claims:
            claim = item
            if not claim.matched or not self._match(claim, slot):
                left.append(claim)
        for item in left:
            claim = item
            if not claim.provisionable:
                return NOTHING_TO_BIND
            if claim.topologies is not None and not claim.topologies.matches(slot):
                return NOTHING_TO_BIND
            if claim.capacities is not None and not _any_matches(claim.capacities, slot):
                return NO_SPACE
        return NOTHING

    cdef bint _match(self, _Claim claim, slot_t slot):
        """Match the best free and reachable volume; an unreachable reserved one ends the search."""
        cdef Py_ssize_t number, place
        for place in range(len(claim.volumes)):
            number, selector = claim.volumes[place]
            if self.taken[number]:
                continue
            if selector is None or (<NodeSelector> selector).matches(slot):
                self.taken[number] = 1
                return True
            if place < claim.reserved:
                return False
        return False


cdef bint _any_matches(list selectors, slot_t slot):
    for selector in selectors:
        if (<NodeSelector> selector).matches(slot):
            return True
    return False
