"""NodeAffinity: nodeSelector, required and preferred node affinity, and a profile's addedAffinity."""

from kschedcore._native.plugin cimport ON_SPEC, FilterPlugin, ScorePlugin
from kschedcore._native.selectors cimport NodeSelector
from kschedcore._native.types cimport MAX_NODE_SCORE, score_t, slot_t, verdict_t
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc


cdef class NodeAffinityFilter(FilterPlugin):
    """Rejects nodes outside the profile's added affinity, then nodes outside the pod's own.

    Args:
        added: Terms of ``addedAffinity``'s required part, or None.
        selector: ``spec.nodeSelector`` as one term, or None when it is empty.
        required: Terms of the pod's required node affinity, or None when it has none.
    """

    cdef NodeSelector added, selector, required
    cdef verdict_t enforced, mismatch

    def __init__(self, nodes, reasons, added, selector, required):
        self.name = "NodeAffinity"
        self.depends = ON_SPEC
        self.added = None if added is None else NodeSelector(nodes, added)
        self.selector = None if selector is None else NodeSelector(nodes, [selector])
        self.required = None if required is None else NodeSelector(nodes, required)
        code = "UnschedulableAndUnresolvable"
        self.enforced = reasons.words(
            self.name, code, "node(s) didn't match scheduler-enforced node affinity"
        )
        self.mismatch = reasons.words(self.name, code, "node(s) didn't match Pod's node affinity/selector")

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef bint added = self.added is not None
        cdef bint selector = self.selector is not None
        cdef bint required = self.required is not None
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i]:
                continue
            if added and not self.added.matches(slot):
                verdict[i] = self.enforced
            elif selector and not self.selector.matches(slot):
                verdict[i] = self.mismatch
            elif required and not self.required.matches(slot):
                verdict[i] = self.mismatch


cdef class NodeAffinityScore(ScorePlugin):
    """Sums the weights of the preferred terms that a node matches; normalised to the highest sum.

    Args:
        preferred: (weight, term) pairs, the profile's first; weights of 0 and empty terms left out.
    """

    cdef NodeSelector terms
    cdef int64_t* weights

    def __cinit__(self, *args, **kwargs):
        self.weights = NULL

    def __init__(self, nodes, reasons, preferred):
        cdef Py_ssize_t i
        self.name = "NodeAffinity"
        self.depends = ON_SPEC
        self.normalises = True
        self.terms = NodeSelector(nodes, [term for _, term in preferred])
        self.weights = <int64_t*> malloc((len(preferred) + 1) * sizeof(int64_t))
        if self.weights == NULL:
            raise MemoryError
        for i in range(len(preferred)):
            self.weights[i] = preferred[i][0]

    def __dealloc__(self):
        free(self.weights)

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef int term
        cdef score_t total
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            total = 0
            for term in range(self.terms.terms):
                if self.terms.term_matches(term, slot):
                    total += self.weights[term]
            raw[i] = total

    cdef void normalise(
        self, Py_ssize_t n, const score_t* raw, score_t low, score_t high, score_t* out
    ) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(n):
            out[i] = MAX_NODE_SCORE * raw[i] // high if high else raw[i]
