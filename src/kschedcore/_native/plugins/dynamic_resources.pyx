"""DynamicResources: the score of pods that claim no devices."""

from kschedcore._native.plugin cimport ON_SPEC, ScorePlugin
from kschedcore._native.types cimport score_t, slot_t
from libc.string cimport memset


cdef class EqualScore(ScorePlugin):
    """Scores every node 0.

    It normalises, so that the class keeps no column for it and adds nothing node by node.

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
