# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""``Headroom`` of cheapest_node.py as a compiled plugin: the same rule as a kernel over the same columns.

Build it next to this file with ``cythonize -i headroom.pyx``; only the installed package is needed.
"""

from kschedcore._native.plugin cimport FilterPlugin
from kschedcore._native.types cimport CPU, slot_t, verdict_t
from libc.stdint cimport int64_t

from kschedcore.rules.amounts import pod_requests
from kschedcore.engine.config.args import Args
from kschedcore.engine.plugin import Plugin


cdef class HeadroomKernel(FilterPlugin):
    """Rejects nodes of which the pod would take the last free share of cpu."""

    cdef int64_t wanted, percent
    cdef verdict_t rejected

    def __init__(self, nodes, reasons, int64_t wanted, int64_t percent):
        self.name = "Headroom"
        self.wanted = wanted
        self.percent = percent
        self.rejected = reasons.words(self.name, "Unschedulable", "node(s) had too little headroom")

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef const int64_t* allocatable = self.nodes.allocatable[CPU]
        cdef const int64_t* requested = self.nodes.requested[CPU]
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i] == 0 and requested[slot] + self.wanted > allocatable[slot] * (100 - self.percent) // 100:
                verdict[i] = self.rejected


class HeadroomArgs(Args, frozen=True):
    """The plugin's arguments in ``pluginConfig``."""

    percent: int = 10


class Headroom(Plugin):
    """Compiles the rule for a pod."""

    name = "Headroom"
    points = frozenset({"filter"})
    args_type = HeadroomArgs

    def filter(self, context):
        """The rule for one pod."""
        wanted = pod_requests(context.pod.spec).get("cpu", 0)
        return HeadroomKernel(context.core.nodes, context.core.reasons, wanted, self.args.percent)
