"""Filters and scores written in Python: one call for all nodes to evaluate, arrays in, arrays out.

The kernels are called without the GIL and must not raise. An exception of the plugin is kept for the engine, which
raises it once the batch is accounted; until then the filter that failed rejects every node.
"""

import numpy as np

from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.plugin cimport ON_LOAD, ON_TOPOLOGY, FilterPlugin, ScorePlugin
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.types cimport MAX_NODE_SCORE, score_t, slot_t, verdict_t
from libc.stdint cimport int64_t

# How raw scores become scores of 0 to 100.
cdef enum Scale:
    AS_THEY_ARE = 0
    BY_THE_HIGHEST = 1                 # DefaultNormalizeScore
    REVERSED = 2                       # DefaultNormalizeScore, the lowest best

SCALES = {"": AS_THEY_ARE, "highest": BY_THE_HIGHEST, "lowest": REVERSED}


cdef _alive(NodeTable nodes, const slot_t* slots, Py_ssize_t n):
    """Return the slots among ``slots`` (all below ``n`` when NULL) that belong to nodes, int32[k]."""
    cdef Py_ssize_t i
    wanted = np.arange(n, dtype=np.int32)
    cdef slot_t[::1] view = wanted
    if slots != NULL:
        for i in range(n):
            view[i] = slots[i]
    return wanted[nodes.alive_of(wanted)]


cdef class PythonFilter(FilterPlugin):
    """A Filter implemented in Python.

    Args:
        nodes: The node table.
        reasons: The reason table.
        name: The plugin's name.
        accepts: int32[k] slots -> bool[k], whether a node passes; the array must have that shape and type.
        reason: The reason of a rejected node.
        code: ``Unschedulable`` where evictions might help, else ``UnschedulableAndUnresolvable``.
        whole: Evaluate all nodes whenever anything changed on any.
        failed: Called with an exception that ``accepts`` raised.
    """

    cdef object accepts, failed
    cdef verdict_t rejected, broken
    cdef bint whole

    def __init__(self, nodes, reasons, str name, accepts, str reason, str code, bint whole, failed):
        self.name = name
        self.depends = ON_TOPOLOGY if whole else ON_LOAD
        self.accepts = accepts
        self.failed = failed
        self.whole = whole
        self.rejected = reasons.words(name, code, reason)
        self.broken = reasons.words(name, "UnschedulableAndUnresolvable", f'running "{name}" filter plugin failed')

    cdef int collect(self, SlotSet stale) except -1 nogil:
        if self.whole and stale.count:
            stale.everything = True
        return 0

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        if n:
            with gil:
                self._filter(slots, n, verdict)

    cdef void _filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept:
        cdef Py_ssize_t i
        cdef verdict_t otherwise = self.rejected
        cdef unsigned char[::1] rejected
        by_slot = np.zeros(self.nodes.top, np.uint8)
        evaluated = _alive(self.nodes, NULL, self.nodes.top) if self.whole else _alive(self.nodes, slots, n)
        try:
            by_slot[evaluated] = np.logical_not(self.accepts(evaluated))
        except BaseException as error:
            self.failed(error)
            self.reasons.interruptions += not isinstance(error, Exception)
            otherwise = self.broken
            by_slot[evaluated] = 1
        rejected = by_slot
        for i in range(n):
            if verdict[i] == 0 and rejected[slots[i] if slots != NULL else <slot_t> i]:
                verdict[i] = otherwise


cdef class PythonScore(ScorePlugin):
    """A Score implemented in Python.

    Args:
        nodes: The node table.
        reasons: The reason table.
        name: The plugin's name.
        rate: int32[k] slots -> int64[k].
        scale: ``highest`` or ``lowest`` to rescale over the feasible nodes so that the highest (lowest) raw score
            becomes 100, or an empty string when ``rate`` returns 0 to 100.
        whole: Score all nodes whenever anything changed on any.
        failed: Called with an exception that ``rate`` raised; the nodes are then scored 0.
    """

    cdef object rate, failed
    cdef int scale
    cdef bint whole

    def __init__(self, nodes, reasons, str name, rate, str scale, bint whole, failed):
        self.name = name
        self.rate = rate
        self.failed = failed
        self.scale = SCALES[scale]
        self.whole = whole
        self.depends = ON_TOPOLOGY if whole else ON_LOAD
        self.normalises = whole or self.scale != AS_THEY_ARE

    cdef int collect(self, SlotSet stale) except -1 nogil:
        if self.whole and stale.count:
            stale.everything = True
        return 0

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        if n:
            with gil:
                self._score(slots, n, raw)

    cdef void _score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept:
        cdef Py_ssize_t i
        cdef score_t[::1] rated
        by_slot = np.zeros(self.nodes.top, np.int64)
        evaluated = _alive(self.nodes, NULL, self.nodes.top) if self.whole else _alive(self.nodes, slots, n)
        try:
            by_slot[evaluated] = self.rate(evaluated)
        except BaseException as error:
            self.failed(error)
            self.reasons.interruptions += not isinstance(error, Exception)
        rated = by_slot
        for i in range(n):
            raw[i] = rated[slots[i] if slots != NULL else <slot_t> i]

    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil:
        cdef Py_ssize_t i
        cdef int64_t scaled
        for i in range(n):
            if self.scale == AS_THEY_ARE:
                out[i] = raw[i]
                continue
            scaled = MAX_NODE_SCORE * raw[i] // high if high > 0 else 0
            out[i] = MAX_NODE_SCORE - scaled if self.scale == REVERSED else scaled
