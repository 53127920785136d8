"""NodeResourcesFit: requests against free resources, and scores by utilisation.

The scoring strategies rate each configured resource from 0 to 100 by its utilisation with the pod placed, cpu
and memory counted with scoring's defaults for containers that request none, and average by weight. A resource
the node does not offer does not count; a scalar resource counts only for pods that request it.
"""

from kschedcore._native.kernels cimport (
    CHUNK, FEW, ks_average, ks_difference, ks_lack, ks_least_allocated, ks_product, ks_quotient, ks_sum, chunk_of,
)
from kschedcore._native.plugin cimport ON_LOAD, FilterPlugin, ScorePlugin
from kschedcore._native.types cimport (
    CPU, FIRST_SCALAR, MAX_NODE_SCORE, MEMORY, PODS, UNRESOLVABLE, UNSCHEDULABLE, score_t, slot_t, verdict_t,
)
from kschedcore._native.podinfo cimport Request, PodInfo
from libc.math cimport round
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef enum Strategy:
    LEAST_ALLOCATED
    MOST_ALLOCATED
    REQUESTED_TO_CAPACITY_RATIO

_STRATEGIES = {
    "LeastAllocated": LEAST_ALLOCATED,
    "MostAllocated": MOST_ALLOCATED,
    "RequestedToCapacityRatio": REQUESTED_TO_CAPACITY_RATIO,
}


cdef class NodeResourcesFitFilter(FilterPlugin):
    """Rejects nodes with too little free of a requested resource, naming all such resources.

    A request beyond the node's whole allocatable is unresolvable: no eviction can help.

    Args:
        info: The pod's requests.
        ignored: Names of resources that are not checked.
        served: Names of extended resources that devices provide on nodes which have none allocatable (KEP-5004).
    """

    cdef PodInfo info
    cdef Request* checked
    cdef char* served
    cdef int count
    cdef int32_t plugin

    def __cinit__(self, *args, **kwargs):
        self.checked = NULL
        self.served = NULL

    def __init__(self, nodes, reasons, PodInfo info not None, ignored=frozenset(), served=frozenset()):
        cdef int i
        self.name = "NodeResourcesFit"
        self.depends = ON_LOAD
        self.info = info
        self.plugin = reasons.plugin(self.name)
        self.checked = <Request*> malloc(info.request_count * sizeof(Request))
        self.served = <char*> malloc(info.request_count)
        if self.checked == NULL or self.served == NULL:
            raise MemoryError
        self.count = 0
        for i in range(info.request_count):
            name = nodes.resource_names[info.requests[i].resource]
            if name not in ignored:
                self.checked[self.count] = info.requests[i]
                self.served[self.count] = name in served
                self.count += 1

    def __dealloc__(self):
        free(self.checked)
        free(self.served)

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef int64_t allocatable[CHUNK]
        cdef int64_t requested[CHUNK]
        cdef int32_t lacking[CHUNK]
        cdef Py_ssize_t start, count, i
        cdef slot_t slot
        cdef int32_t resource
        cdef bint any_lacks
        cdef int k
        if n <= FEW:
            for i in range(n):
                slot = slots[i] if slots != NULL else <slot_t> i
                if verdict[i] == 0 and self._lacks(slot):
                    verdict[i] = self._rejection(slot)
            return
        start = 0
        while start < n:
            count = min(<Py_ssize_t> CHUNK, n - start)
            memset(lacking, 0, count * sizeof(int32_t))
            any_lacks = False
            for k in range(self.count):
                resource = self.checked[k].resource
                any_lacks |= ks_lack(
                    chunk_of(self.nodes.allocatable[resource], slots, start, count, allocatable),
                    chunk_of(self.nodes.requested[resource], slots, start, count, requested),
                    self.checked[k].amount, lacking, count,
                )
            for i in range(count if any_lacks else 0):
                if lacking[i] and verdict[start + i] == 0:
                    verdict[start + i] = self._rejection(slots[start + i] if slots != NULL else <slot_t> (start + i))
            start += CHUNK

    cdef bint _lacks(self, slot_t slot) noexcept nogil:
        cdef bint lacks = False
        cdef int k
        for k in range(self.count):
            lacks |= self.checked[k].amount > ks_difference(
                self.nodes.allocatable[self.checked[k].resource][slot],
                self.nodes.requested[self.checked[k].resource][slot],
            )
        return lacks

    cdef verdict_t _rejection(self, slot_t slot) noexcept nogil:
        """Return the verdict that names the insufficient resources; 0 when devices provide all of them."""
        cdef int64_t low = 0, high = 0, capacity
        cdef int32_t code = UNSCHEDULABLE, resource
        cdef int k
        for k in range(self.count):
            resource = self.checked[k].resource
            capacity = self.nodes.allocatable[resource][slot]
            if self.checked[k].amount <= ks_difference(capacity, self.nodes.requested[resource][slot]):
                continue
            if capacity == 0 and self.served[k]:
                continue
            if self.checked[k].amount > capacity and resource != PODS:
                code = UNRESOLVABLE
            if resource < 63:
                low |= <int64_t> 1 << resource
            else:
                high |= <int64_t> 1 << (resource - 63)
        if low == 0 and high == 0:
            return 0
        return self.reasons.intern(self.plugin, code, low, high)


cdef struct ScoredResource:
    int32_t resource
    int64_t weight
    int64_t request                    # the pod's, with scoring's defaults for cpu and memory


cdef struct Point:
    int64_t utilisation                # 0 to 100
    int64_t score                      # 0 to 100


cdef class NodeResourcesFitScore(ScorePlugin):
    """Scores nodes by the utilisation they would have.

    Args:
        requests: Resource name -> amount, as scoring counts an incoming pod (``api.requests.scored_requests``).
        strategy: ``LeastAllocated``, ``MostAllocated`` or ``RequestedToCapacityRatio``.
        resources: (resource name, weight) pairs in the profile's order.
        shape: (utilisation 0..100, score 0..100) points, ascending, for ``RequestedToCapacityRatio``.
        loaded: Whether the pods on the nodes count.
    """

    cdef ScoredResource* resources
    cdef int count
    cdef Strategy strategy
    cdef Point* shape
    cdef int points
    cdef bint loaded

    def __cinit__(self, *args, **kwargs):
        self.resources = NULL
        self.shape = NULL

    def __init__(self, nodes, reasons, dict requests, strategy, resources, shape=(), bint loaded=True):
        cdef int i = 0
        self.name = "NodeResourcesFit"
        self.depends = ON_LOAD
        self.strategy = _STRATEGIES[strategy]
        self.loaded = loaded
        self.resources = <ScoredResource*> malloc((len(resources) + 1) * sizeof(ScoredResource))
        self.shape = <Point*> malloc((len(shape) + 1) * sizeof(Point))
        if self.resources == NULL or self.shape == NULL:
            raise MemoryError
        self.count = 0
        for name, weight in resources:
            resource = nodes.resource(name)
            request = requests.get(name, 0)
            if request or resource < FIRST_SCALAR:
                self.resources[self.count] = ScoredResource(resource, weight, request)
                self.count += 1
        self.points = len(shape)
        for utilisation, score in shape:
            self.shape[i] = Point(utilisation, score)
            i += 1

    def __dealloc__(self):
        free(self.resources)
        free(self.shape)

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef Py_ssize_t start = 0, count, i
        cdef bint done
        while start < n:
            count = min(<Py_ssize_t> CHUNK, n - start)
            done = n > FEW and self.strategy == LEAST_ALLOCATED and self.loaded
            if not (done and self._least_allocated(slots, start, count, raw + start)):
                for i in range(start, start + count):
                    raw[i] = self._score(slots[i] if slots != NULL else <slot_t> i)
            start += CHUNK

    cdef bint _least_allocated(
        self, const slot_t* slots, Py_ssize_t start, Py_ssize_t count, int64_t* total
    ) noexcept nogil:
        """Score a chunk of nodes by LeastAllocated; False when they have to be scored one by one."""
        cdef int64_t used[CHUNK]
        cdef int64_t capacity[CHUNK]
        cdef int64_t weights = 0
        cdef int k
        memset(total, 0, count * sizeof(int64_t))
        for k in range(self.count):
            weights += self.resources[k].weight
            if ks_least_allocated(
                chunk_of(self._used(self.resources[k].resource), slots, start, count, used),
                chunk_of(self.nodes.allocatable[self.resources[k].resource], slots, start, count, capacity),
                self.resources[k].request, self.resources[k].weight, total, count,
            ):
                return False
        if weights:
            ks_average(total, weights, count)
        return True

    cdef const int64_t* _used(self, int32_t resource) noexcept nogil:
        """Return the requests of bound pods as scoring counts them, by slot."""
        if resource == CPU:
            return self.nodes.non_zero_cpu.data
        if resource == MEMORY:
            return self.nodes.non_zero_memory.data
        return self.nodes.requested[resource]

    cdef score_t _score(self, slot_t slot) noexcept nogil:
        cdef int64_t capacity, used, rating, total = 0, weights = 0
        cdef int32_t resource
        cdef int k
        for k in range(self.count):
            resource = self.resources[k].resource
            capacity = self.nodes.allocatable[resource][slot]
            if capacity == 0:
                continue
            used = self._used(resource)[slot] if self.loaded else 0
            rating = self._rate(ks_sum(used, self.resources[k].request), capacity)
            if self.strategy == REQUESTED_TO_CAPACITY_RATIO and rating <= 0:
                continue
            total = ks_sum(total, ks_product(rating, self.resources[k].weight))
            weights += self.resources[k].weight
        if weights == 0:
            return 0
        if self.strategy == REQUESTED_TO_CAPACITY_RATIO:
            return <score_t> round(<double> total / <double> weights)
        return total // weights

    cdef int64_t _rate(self, int64_t used, int64_t capacity) noexcept nogil:
        """Score one resource, 0 to 100. Usage above capacity counts as full."""
        if self.strategy == LEAST_ALLOCATED:
            if used > capacity:
                return 0
            return ks_quotient(ks_product(ks_difference(capacity, used), MAX_NODE_SCORE), capacity)
        if used > capacity:
            used = capacity
        if self.strategy == MOST_ALLOCATED:
            return ks_quotient(ks_product(used, MAX_NODE_SCORE), capacity)
        return self._interpolate(ks_quotient(ks_product(used, 100), capacity))

    cdef int64_t _interpolate(self, int64_t utilisation) noexcept nogil:
        """Return the shape's piecewise linear function; constant beyond its ends."""
        cdef Point* left
        cdef Point* right
        cdef int i
        for i in range(self.points):
            right = &self.shape[i]
            if utilisation <= right.utilisation:
                if i == 0:
                    return right.score
                left = &self.shape[i - 1]
                return left.score + (right.score - left.score) * (utilisation - left.utilisation) // (
                    right.utilisation - left.utilisation
                )
        return self.shape[self.points - 1].score
