"""TaintToleration: filters and scores nodes by their taints and the pod's tolerations.

Nodes share few distinct taint sets, so both rules are evaluated once per set and looked up per node.
"""

from kschedcore._native.columns cimport Int32Column, Int64Column
from kschedcore._native.plugin cimport ON_SPEC, FilterPlugin, ScorePlugin
from kschedcore._native.types cimport MAX_NODE_SCORE, score_t, slot_t, verdict_t
from libc.string cimport memset


def tolerates(tuple toleration, tuple taint):
    """Return whether a toleration (key, operator, value, effect) matches a taint (key, value, effect).

    An empty effect or key matches all (v1.Toleration).
    """
    key, operator, value, effect = toleration
    if effect and effect != taint[2]:
        return False
    if key and key != taint[0]:
        return False
    if operator == "Exists":
        return True
    return operator in ("", "Equal") and value == taint[1]


def untolerated(taints, tolerations, effects):
    """Return the first taint with one of ``effects`` that no toleration matches, or None."""
    for taint in taints:
        if taint[2] in effects and not any(tolerates(toleration, taint) for toleration in tolerations):
            return taint
    return None


cdef class TaintTolerationFilter(FilterPlugin):
    """Rejects nodes with an untolerated ``NoSchedule`` or ``NoExecute`` taint.

    Args:
        tolerations: (key, operator, value, effect) tuples.
        names_taint: Whether the reason names the first such taint.
    """

    cdef tuple tolerations
    cdef bint names_taint
    cdef Int32Column verdict_of        # taint set -> verdict
    cdef Py_ssize_t known
    cdef bint rejects                  # some taint set is rejected

    def __init__(self, nodes, reasons, tuple tolerations, bint names_taint):
        self.name = "TaintToleration"
        self.depends = ON_SPEC
        self.tolerations = tolerations
        self.names_taint = names_taint
        self.verdict_of = Int32Column()

    cdef bint refresh(self) except -1:
        cdef Py_ssize_t sets = len(self.nodes.taint_sets), i
        self.verdict_of.grow(2 * sets if sets > self.verdict_of.capacity else sets)
        for i in range(self.known, sets):
            taint = untolerated(self.nodes.taint_sets[i], self.tolerations, ("NoSchedule", "NoExecute"))
            if taint is not None:
                self.rejects = True
                self.verdict_of.data[i] = self.reasons.words(
                    self.name,
                    "UnschedulableAndUnresolvable",
                    f"node(s) had untolerated taint {{{taint[0]}: {taint[1]}}}" if self.names_taint
                    else "node(s) had untolerated taint(s)",
                )
        self.known = sets
        return False

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        if not self.rejects:
            return
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i] == 0:
                verdict[i] = self.verdict_of.data[self.nodes.taint_set.data[slot]]


cdef class TaintTolerationScore(ScorePlugin):
    """Prefers nodes with fewer untolerated ``PreferNoSchedule`` taints: 100 for none, 0 for the most.

    Args:
        tolerations: (key, operator, value, effect) tuples.
    """

    cdef tuple tolerations
    cdef Int64Column count_of          # taint set -> untolerated PreferNoSchedule taints
    cdef Py_ssize_t known
    cdef bint counts                   # some count is above 0

    def __init__(self, nodes, reasons, tuple tolerations):
        self.name = "TaintToleration"
        self.depends = ON_SPEC
        self.normalises = True
        self.tolerations = tuple([t for t in tolerations if t[3] in ("", "PreferNoSchedule")])
        self.count_of = Int64Column()

    cdef bint refresh(self) except -1:
        cdef Py_ssize_t sets = len(self.nodes.taint_sets), i
        self.count_of.grow(2 * sets if sets > self.count_of.capacity else sets)
        for i in range(self.known, sets):
            self.count_of.data[i] = sum([
                untolerated((taint,), self.tolerations, ("PreferNoSchedule",)) is not None
                for taint in self.nodes.taint_sets[i]
            ])
            self.counts |= self.count_of.data[i] > 0
        self.known = sets
        return False

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        if not self.counts:
            memset(raw, 0, n * sizeof(score_t))
            return
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            raw[i] = self.count_of.data[self.nodes.taint_set.data[slot]]

    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(n):
            out[i] = MAX_NODE_SCORE - MAX_NODE_SCORE * raw[i] // high if high else MAX_NODE_SCORE
