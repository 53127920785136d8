"""NodeResourcesBalancedAllocation: prefers nodes whose resources would be used evenly.

score = (1 - standard deviation of the used fractions) * 100, in the operation order of kube-scheduler's doubles.
"""

from kschedcore._native.plugin cimport ON_LOAD, ScorePlugin
from kschedcore._native.types cimport FIRST_SCALAR, MAX_NODE_SCORE, score_t, slot_t
from kschedcore._native.podinfo cimport Request, PodInfo
from libc.math cimport fabs, sqrt
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

cdef enum:
    MAX_FRACTIONS = 126


cdef class NodeResourcesBalancedAllocation(ScorePlugin):
    """Rates nodes by how close their resources' used fractions would be.

    Not built for a pod that requests none of the resources: kube-scheduler skips the plugin then.

    Args:
        info: The pod's requests, counted as they are, without scoring's defaults.
        resources: Resource names in the profile's order.
    """

    cdef Request* resources
    cdef int count

    def __cinit__(self, *args, **kwargs):
        self.resources = NULL

    def __init__(self, nodes, reasons, PodInfo info not None, resources):
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
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            raw[slot] = self._score(slot)

    cdef score_t _score(self, slot_t slot) noexcept nogil:
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
            fraction = <double> (self.nodes.requested[resource][slot] + self.resources[k].amount) / <double> capacity
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
