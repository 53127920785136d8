"""The base classes of compiled plugins: kernels over columns.

A plugin object is one rule compiled for one class of pods: its constructor turns the fields of the manifest into
numbers, its kernel evaluates any number of nodes at once. A kernel takes the slots to evaluate (``slots``, ``n`` of
them; ``NULL`` for slots 0 to n - 1) and fills a list of ``n`` results in the same order. It must not raise, allocate
Python objects or depend on the order of slots.

A compiled plugin of a third party subclasses :class:`FilterPlugin` or :class:`ScorePlugin` by ``cimport`` and
overrides the same methods.
"""

from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.reasons cimport ReasonTable
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.types cimport score_t, slot_t, verdict_t


cdef enum:
    CACHED = 64


cdef void rescale_all(
    Rescale rescale, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
) noexcept nogil:
    """Normalise scores. Nodes have few distinct raw scores and division is slow, so some results are cached."""
    cdef score_t known[CACHED]
    cdef score_t results[CACHED]
    cdef Py_ssize_t i
    cdef int place
    for place in range(CACHED):
        known[place] = low
        results[place] = rescale(low, low, high)
    for i in range(n):
        place = raw[i] & (CACHED - 1)
        if raw[i] != known[place]:
            known[place] = raw[i]
            results[place] = rescale(raw[i], low, high)
        out[i] = results[place]


cdef class Plugin:
    """Base of all plugins.

    Attributes:
        name: The plugin's name in Kubernetes.
        nodes: The node table its kernel reads.
        reasons: The table its verdicts are rows of.
        depends: The changes that make its results stale (see ``Depends`` in plugin.pxd).
    """

    def __cinit__(self, NodeTable nodes not None, ReasonTable reasons not None, *args, **kwargs):
        self.nodes = nodes
        self.reasons = reasons
        self.name = type(self).__name__
        self.depends = ON_LOAD

    def release(self):
        """Release what the plugin holds of the engine; it is not called again."""

    cdef bint refresh(self) except -1:
        """Bring per-cluster tables up to date after nodes changed; True: every node's result may differ."""
        return False

    cdef int collect(self, SlotSet stale) except -1 nogil:
        """Catch up with the pods of other nodes (ON_TOPOLOGY); add the slots whose result may differ."""
        return 0


cdef class FilterPlugin(Plugin):
    """A Filter: rejects nodes on which the pod must not be placed."""

    cdef bint looks_elsewhere(self) noexcept nogil:
        """Return whether pods on other nodes can make a difference in the present cluster.

        While they cannot, the plugin (ON_TOPOLOGY) rejects no node and is not called; :meth:`refresh` returns True
        when that changes.
        """
        return self.depends == ON_TOPOLOGY

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        """Write a row of the reason table for each node that the plugin rejects; leave the others as they are.

        ``verdict``, one for each slot, may already hold the rejection of an earlier plugin, which stays.
        """


cdef class ScorePlugin(Plugin):
    """A Score: scores each node that passed the filters.

    Attributes:
        weight: The plugin's weight in the profile.
        normalises: Whether scores are rescaled over the feasible nodes (NormalizeScore).
    """

    def __cinit__(self, *args, **kwargs):
        self.weight = 1
        self.normalises = False

    def weigh(self, weight):
        """Set the weight and return the plugin."""
        self.weight = weight
        return self

    cdef int prescore(
        self, const slot_t* slots, Py_ssize_t n, const verdict_t* verdict, SlotSet stale
    ) except -1 nogil:
        """Catch up with the set of feasible nodes; add the slots whose raw score may differ for it.

        ``slots`` are those whose verdict may have changed since the last call, ``verdict`` is by slot.
        """
        return 0

    cdef bint skipped(self) noexcept nogil:
        """Return whether kube-scheduler's PreScore would skip the plugin now; all its raw scores are 0 then."""
        return False

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        """Write the raw score of each node, one for each slot. A plugin that does not normalise writes 0 to 100."""

    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil:
        """Rescale ``n`` raw scores, given the extremes over the feasible nodes, to 0 to 100."""
