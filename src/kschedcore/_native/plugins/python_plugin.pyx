"""Filters and scores written in Python: called once for all nodes that are to be judged, arrays in, arrays out.

The kernels are called without the interpreter and must not raise. What Python raises is kept for the engine, which
raises it once the batch is accounted; until then the filter that failed lets no node pass.
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
    """int32[k]: the slots among some (all below ``n`` when NULL) that belong to nodes."""
    cdef Py_ssize_t i
    wanted = np.arange(n, dtype=np.int32)
    cdef slot_t[::1] view = wanted
    if slots != NULL:
        for i in range(n):
            view[i] = slots[i]
    return wanted[nodes.alive_of(wanted)]


cdef class PythonFilter(FilterPlugin):
    """A Filter that asks Python.

    Args:
        nodes: The node table.
        reasons: The reason table.
        name: The plugin's name.
        judge: int32[k] slots -> bool[k], whether the pod may go there; the array must have that shape and type.
        reason: What is said of a node where it may not.
        code: ``Unschedulable`` where evictions might help, else ``UnschedulableAndUnresolvable``.
        whole: Judge every node anew whenever anything changed on any.
        failed: Called with what ``judge`` raised.
    """

    cdef object judge, failed
    cdef verdict_t rejected, broken
    cdef bint whole

    def __init__(self, nodes, reasons, str name, judge, str reason, str code, bint whole, failed):
        self.name = name
        self.depends = ON_TOPOLOGY if whole else ON_LOAD
        self.judge = judge
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
        asked = _alive(self.nodes, NULL, self.nodes.top) if self.whole else _alive(self.nodes, slots, n)
        try:
            by_slot[asked] = np.logical_not(self.judge(asked))
        except BaseException as error:
            self.failed(error)
            self.reasons.interruptions += not isinstance(error, Exception)
            otherwise = self.broken
            by_slot[asked] = 1
        rejected = by_slot
        for i in range(n):
            if verdict[i] == 0 and rejected[slots[i] if slots != NULL else <slot_t> i]:
                verdict[i] = otherwise


cdef class PythonScore(ScorePlugin):
    """A Score that asks Python.

    Args:
        nodes: The node table.
        reasons: The reason table.
        name: The plugin's name.
        rate: int32[k] slots -> int64[k].
        scale: ``highest`` or ``lowest`` to rescale over the feasible nodes so that the highest (lowest) raw score
            becomes 100, or an empty string when ``rate`` returns 0 to 100.
        whole: Rate every node anew whenever anything changed on any.
        failed: Called with what ``rate`` raised; the nodes are then rated 0.
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
        asked = _alive(self.nodes, NULL, self.nodes.top) if self.whole else _alive(self.nodes, slots, n)
        try:
            by_slot[asked] = self.rate(asked)
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
