"""DynamicResources: the allocator of devices is called for each node; pods without claims score all nodes 0."""

from kschedcore._native.plugin cimport ON_LOAD, ON_SPEC, ON_TOPOLOGY, FilterPlugin, ScorePlugin
from kschedcore._native.types cimport MAX_NODE_SCORE, score_t, slot_t, verdict_t
from libc.string cimport memset


cdef class EqualScore(ScorePlugin):
    """Scores every node 0.

    It normalises, so that the class keeps no column for it and adds nothing to single nodes.

    Args:
        name: The plugin's name.
    """

    def __init__(self, nodes, reasons, str name):
        self.name = name
        self.depends = ON_SPEC
        self.normalises = True

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        memset(raw, 0, n * sizeof(score_t))

    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil:
        memset(out, 0, n * sizeof(score_t))


cdef class DeviceFilter(FilterPlugin):
    """Rejects nodes that do not have the devices that a pod claims.

    Nodes whose devices are allocated or deallocated are logged in ``NodeTable.load_log``.

    Args:
        name: The plugin's name.
        claims: The claims of the class; ``claims.verdict(slot)`` returns a row of the reason table, 0 for a node that
            passes.

    Attributes:
        claims: As given.
        failure: The exception that ``verdict`` raised, or None.
    """

    cdef readonly object claims
    cdef public object failure
    cdef verdict_t broken

    def __init__(self, nodes, reasons, str name, claims):
        self.name = name
        self.depends = ON_LOAD
        self.claims = claims
        self.broken = reasons.words(name, "Error", f'running "{name}" filter plugin failed')

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        with gil:
            for i in range(n):
                slot = slots[i] if slots != NULL else <slot_t> i
                if verdict[i] == 0 and self.nodes.alive.data[slot]:
                    verdict[i] = self._verdict(slot)

    cdef verdict_t _verdict(self, slot_t slot) noexcept:
        try:
            return self.claims.verdict(slot)
        except BaseException as error:
            self.failure = error
            return self.broken


cdef class DeviceScore(ScorePlugin):
    """Prefers nodes where earlier alternatives of ``firstAvailable`` were allocated (KEP-4816).

    Args:
        name: The plugin's name.
        claims: The claims of the class; ``claims.score(slot)`` is the raw score of a feasible node.
    """

    cdef object claims

    def __init__(self, nodes, reasons, str name, claims):
        self.name = name
        self.depends = ON_TOPOLOGY  # after the filters, which allocate the devices that are scored
        self.normalises = True
        self.claims = claims

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef Py_ssize_t i
        with gil:
            for i in range(n):
                raw[i] = self.claims.score(slots[i] if slots != NULL else <slot_t> i)

    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(n):
            out[i] = MAX_NODE_SCORE * raw[i] // high if high > 0 else 0
