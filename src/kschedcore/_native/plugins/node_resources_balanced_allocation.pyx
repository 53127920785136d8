"""NodeResourcesBalancedAllocation: prefers nodes whose resources would be used evenly.

balance = (1 - standard deviation of the used fractions) * 100, in the operation order of kube-scheduler's doubles.
In v1.34 a node's score is its balance with the pod; since v1.36 it is how much the pod improves the balance,
50 + (50 + balance with the pod - balance without it) / 2 in integers.
"""

from kschedcore._native.kernels cimport CHUNK, FEW, ks_balance, ks_sum, chunk_of
from kschedcore._native.plugin cimport ON_LOAD, ScorePlugin
from kschedcore._native.types cimport FIRST_SCALAR, MAX_NODE_SCORE, score_t, slot_t
from kschedcore._native.podinfo cimport Request, PodInfo
from libc.math cimport fabs, sqrt
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

cdef enum:
    MAX_FRACTIONS = 126


cdef inline score_t _improvement(score_t balance, score_t before) noexcept nogil:
    """The score since v1.36; the division rounds towards zero, as Go's does (directive ``cdivision``)."""
    return 50 + (50 + balance - before) // 2


cdef class NodeResourcesBalancedAllocation(ScorePlugin):
    """Scores nodes by how close the used fractions of their resources would be.

    Not built for a pod that requests none of the resources: kube-scheduler skips the plugin then.

    Args:
        info: The pod's requests, without scoring's defaults.
        resources: Resource names in the profile's order.
        improvement: Whether to score the improvement of the balance.
        loaded: Whether the pods on the nodes count.
    """

    cdef Request* resources
    cdef int count
    cdef bint improvement
    cdef bint loaded

    def __cinit__(self, *args, **kwargs):
        self.resources = NULL

    def __init__(self, nodes, reasons, PodInfo info not None, resources, bint improvement, bint loaded=True):
        self.improvement = improvement
        self.loaded = loaded
        self.depends = ON_LOAD
        self.resources = <Request*> malloc((len(resources) + 1) * sizeof(Request))
        if self.resources == NULL:
            raise MemoryError
        self.count = 0
        for name in resources:
            resource = nodes.resource(name)
            request = info.request(resource)
            if request or resource < FIRST_SCALAR:
                self.resources[self.count] = Request(resource, request)
                self.count += 1

    def __dealloc__(self):
        free(self.resources)

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef int64_t buffer[4][CHUNK]
        cdef const int64_t* capacity
        cdef const int64_t* other
        cdef Py_ssize_t start, count, i
        cdef int32_t one, two
        cdef bint uneven               # some node lacks one of the resources
        cdef slot_t slot
        if self.count != 2 or n <= FEW or not self.loaded:
            for i in range(n):
                slot = slots[i] if slots != NULL else <slot_t> i
                raw[i] = self._score(slot)
            return
        one, two = self.resources[0].resource, self.resources[1].resource
        start = 0
        while start < n:
            count = min(<Py_ssize_t> CHUNK, n - start)
            capacity = chunk_of(self.nodes.allocatable[one], slots, start, count, buffer[0])
            other = chunk_of(self.nodes.allocatable[two], slots, start, count, buffer[1])
            uneven = ks_balance(
                chunk_of(self.nodes.requested[one], slots, start, count, buffer[2]), capacity, self.resources[0].amount,
                chunk_of(self.nodes.requested[two], slots, start, count, buffer[3]), other, self.resources[1].amount,
                self.improvement, raw + start, count,
            )
            for i in range(count if uneven else 0):
                if capacity[i] == 0 or other[i] == 0:
                    raw[start + i] = self._score(slots[start + i] if slots != NULL else <slot_t> (start + i))
            start += CHUNK

    cdef score_t _score(self, slot_t slot) noexcept nogil:
        cdef score_t balance = self._balance(slot, True)
        if self.improvement:
            balance = _improvement(balance, self._balance(slot, False))
        return balance

    cdef score_t _balance(self, slot_t slot, bint with_pod) noexcept nogil:
        cdef double fractions[MAX_FRACTIONS]
        cdef double fraction, total = 0, mean, squares = 0, deviation = 0
        cdef int64_t capacity
        cdef int32_t resource
        cdef int k, found = 0
        for k in range(self.count):
            resource = self.resources[k].resource
            capacity = self.nodes.allocatable[resource][slot]
            if capacity == 0:
                continue
            fraction = <double> ks_sum(
                self.nodes.requested[resource][slot] if self.loaded else 0,
                self.resources[k].amount if with_pod else 0,
            ) / <double> capacity
            if fraction > 1:
                fraction = 1
            total += fraction
            fractions[found] = fraction
            found += 1
        if found == 2:
            deviation = fabs((fractions[0] - fractions[1]) / 2)
        elif found > 2:
            mean = total / <double> found
            for k in range(found):
                squares += (fractions[k] - mean) * (fractions[k] - mean)
            deviation = sqrt(squares / <double> found)
        return <score_t> ((1 - deviation) * <double> MAX_NODE_SCORE)
