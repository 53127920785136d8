"""NodeVolumeLimits: how many volumes of a CSI driver a node can attach."""

from kschedcore._native.columns cimport Int32Column
from kschedcore._native.plugin cimport ON_LOAD, FilterPlugin
from kschedcore._native.podinfo cimport intern_holding
from kschedcore._native.types cimport slot_t, verdict_t
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

cdef enum:
    NO_LIMIT = -1

cdef struct Driver:
    int32_t tag                        # of the driver's volumes among a node's holdings
    int32_t first                      # its volumes are tokens[first:end]
    int32_t end


cdef class NodeVolumeLimits(FilterPlugin):
    """Rejects nodes where the pod's volumes exceed the attach limit. Volumes already attached count once.

    Args:
        volumes: Driver -> the pod's volumes of that driver, as holdings (see ``podinfo``).
        limits: Driver -> node name -> maximum number of attached volumes (CSINode).
        tags: Driver -> the tag of its volumes.
    """

    cdef Driver* drivers
    cdef int64_t* tokens
    cdef int driver_count
    cdef list limits, names            # per driver: node name -> limit; the limits by slot
    cdef int64_t position
    cdef verdict_t exceeded

    def __cinit__(self, *args, **kwargs):
        self.drivers = NULL
        self.tokens = NULL

    def __init__(self, nodes, reasons, dict volumes, dict limits, dict tags):
        cdef int32_t place = 0
        self.depends = ON_LOAD
        total = sum([len(whats) for whats in volumes.values()])
        self.drivers = <Driver*> malloc((len(volumes) + 1) * sizeof(Driver))
        self.tokens = <int64_t*> malloc((total + 1) * sizeof(int64_t))
        if self.drivers == NULL or self.tokens == NULL:
            raise MemoryError
        self.names, self.limits = [], []
        for driver, whats in volumes.items():
            self.drivers[self.driver_count] = Driver(tags[driver], place, <int32_t> (place + len(whats)))
            self.driver_count += 1
            for what in whats:
                self.tokens[place] = intern_holding(what)
                place += 1
            self.names.append(limits.get(driver, {}))
            self.limits.append(Int32Column(0, NO_LIMIT))
        self.exceeded = reasons.words(self.name, "Unschedulable", "node(s) exceed max volume count")

    def __dealloc__(self):
        free(self.drivers)
        free(self.tokens)

    cdef bint refresh(self) except -1:
        cdef const int32_t* slots = NULL
        cdef int64_t n = self.nodes.spec_log.read(self.position, &slots), i
        cdef bint restart = n < 0 or self.position == 0
        cdef Int32Column column
        self.position = self.nodes.spec_log.end()
        for names, limits in zip(self.names, self.limits):
            column = limits
            column.grow(self.nodes.capacity)
            for i in range(self.nodes.top if restart else n):
                slot = i if restart else slots[i]
                column.data[<slot_t> slot] = names.get(self.nodes.name.of(slot), NO_LIMIT)
        return False

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef int d
        cdef int32_t limit
        for d in range(self.driver_count):
            with gil:
                limits = self.limits[d]
            for i in range(n):
                slot = slots[i] if slots != NULL else <slot_t> i
                limit = (<Int32Column> limits).data[slot]
                if limit != NO_LIMIT and verdict[i] == 0 and self._exceeds(&self.drivers[d], slot, limit):
                    verdict[i] = self.exceeded

    cdef bint _exceeds(self, const Driver* driver, slot_t slot, int32_t limit) noexcept nogil:
        cdef int32_t k, more = 0, attached = 0
        for k in range(driver.first, driver.end):
            more += not self.nodes.holds(slot, self.tokens[k])
        if more == 0:
            return False
        for k in range(self.nodes.held[slot].count):
            attached += self.nodes.held[slot].entries[k].tag == driver.tag
        return attached + more > limit
