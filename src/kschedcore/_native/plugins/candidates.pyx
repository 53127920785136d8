"""The nodes that sampling and extenders leave for Score, and the scores that extenders add.

Sampling (``percentageOfNodesToScore``) and extenders drop nodes between Filter and Score, in each cycle anew. The
remaining nodes are scored by a class of their own, whose only filter is :class:`Candidates`.
"""

from kschedcore._native.columns cimport Int32Column, Int64Column
from kschedcore._native.plugin cimport ON_SPEC, FilterPlugin, ScorePlugin
from kschedcore._native.types cimport score_t, slot_t, verdict_t
from libc.string cimport memset


cdef class Candidates(FilterPlugin):
    """Passes the nodes that were set last; the class must be invalidated after a change."""

    cdef Int32Column chosen
    cdef verdict_t rejected

    def __init__(self, nodes, reasons):
        self.depends = ON_SPEC
        self.chosen = Int32Column(self.nodes.capacity)
        self.rejected = reasons.words(self.name, "PreFilterResult", "node(s) were not sampled")

    def set(self, const slot_t[::1] slots not None):
        """Set the slots that pass."""
        cdef Py_ssize_t i
        self.chosen.grow(self.nodes.capacity)
        memset(self.chosen.data, 0, self.chosen.capacity * sizeof(int))
        for i in range(slots.shape[0]):
            self.chosen.data[slots[i]] = 1

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i] == 0 and not (slot < self.chosen.capacity and self.chosen.data[slot]):
                verdict[i] = self.rejected


cdef class ExtenderScores(ScorePlugin):
    """The scores of extenders, weights applied; 0 for nodes that they did not score."""

    cdef Int64Column scores

    def __init__(self, nodes, reasons):
        self.scores = Int64Column(self.nodes.capacity)

    def set(self, const slot_t[::1] slots not None, const score_t[::1] scores not None):
        """Set the scores of these slots, and 0 for all others."""
        cdef Py_ssize_t i
        if slots.shape[0] != scores.shape[0]:
            raise ValueError(f"{slots.shape[0]} slots and {scores.shape[0]} scores")
        self.scores.grow(self.nodes.capacity)
        memset(self.scores.data, 0, self.scores.capacity * sizeof(score_t))
        for i in range(slots.shape[0]):
            self.scores.data[slots[i]] = scores[i]

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            raw[i] = self.scores.data[slot] if slot < self.scores.capacity else 0
