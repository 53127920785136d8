"""What a plugin is to the core: a kernel over columns.

A plugin object is one rule compiled for one class of pods: its constructor turns what the manifest says into
numbers, its kernel judges any number of nodes at once. A kernel is given the slots to look at (``slots``,
``n`` of them; ``NULL`` stands for slots 0 to n - 1) and a list of as many answers to fill, the first being of the
first slot. It must not raise, allocate Python objects or depend on the order of slots.

A compiled plugin of a third party subclasses :class:`FilterPlugin` or :class:`ScorePlugin` by ``cimport`` and
overrides the same methods.
"""

from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.reasons cimport ReasonTable
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.types cimport score_t, slot_t, verdict_t


cdef enum:
    REMEMBERED = 64


cdef void rescale_all(
    Rescale rescale, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
) noexcept nogil:
    """Normalise scores one by one. Nodes have few distinct raw scores and division is dear: remember some answers."""
    cdef score_t known[REMEMBERED]
    cdef score_t answers[REMEMBERED]
    cdef Py_ssize_t i
    cdef int place
    for place in range(REMEMBERED):
        known[place] = low
        answers[place] = rescale(low, low, high)
    for i in range(n):
        place = raw[i] & (REMEMBERED - 1)
        if raw[i] != known[place]:
            known[place] = raw[i]
            answers[place] = rescale(raw[i], low, high)
        out[i] = answers[place]


cdef class Plugin:
    """Base of all plugins.

    Attributes:
        name: The plugin's name as Kubernetes spells it.
        nodes: The node table its kernel reads.
        reasons: The table its verdicts are rows of.
        depends: Which changes make its answers stale (see ``Depends`` in plugin.pxd).
    """

    def __cinit__(self, NodeTable nodes not None, ReasonTable reasons not None, *args, **kwargs):
        self.nodes = nodes
        self.reasons = reasons
        self.name = type(self).__name__
        self.depends = ON_LOAD

    def release(self):
        """Give back what the plugin holds of the engine; it will not be asked again."""

    cdef bint refresh(self) except -1:
        """Bring per-cluster tables up to date after nodes changed; True: every node's answer may differ."""
        return False

    cdef int collect(self, SlotSet stale) except -1 nogil:
        """Catch up with the pods of other nodes (ON_TOPOLOGY); add the slots whose answer may differ."""
        return 0


cdef class FilterPlugin(Plugin):
    """A Filter: decides for each node whether the pod may go there."""

    cdef bint looks_elsewhere(self) noexcept nogil:
        """Whether pods on other nodes make a difference, as the cluster is now.

        While they do not, the plugin (ON_TOPOLOGY) rejects nobody and is not asked; :meth:`refresh` says when that
        changes.
        """
        return self.depends == ON_TOPOLOGY

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        """Write a row of the reason table for each node that the plugin rejects; leave the others alone.

        ``verdict``, one for each slot, may already hold the rejection of an earlier plugin, which stays.
        """


cdef class ScorePlugin(Plugin):
    """A Score: rates each node that passed the filters.

    Attributes:
        weight: The weight that its profile gives it.
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
        """Catch up with which nodes are feasible; add the slots whose raw score may differ for it.

        ``slots`` are those whose verdict may have changed since the last call, ``verdict`` is by slot.
        """
        return 0

    cdef bint skipped(self) noexcept nogil:
        """Whether kube-scheduler's PreScore would skip the plugin now; all its raw scores are 0 then."""
        return False

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        """Write the raw score of each node, one for each slot. A plugin that does not normalise writes 0 to 100."""

    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil:
        """Rescale ``n`` raw scores, given the extremes over the feasible nodes, to 0 to 100."""
