"""The interned footprint of a pod: requests, host ports, volumes, labels and affinity terms.

Pods of one template share one PodInfo; terminating pods have another.
"""

from kschedcore._native.kernels cimport ks_product, ks_sum
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.types cimport PODS, slot_t
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc, realloc

_HOLDINGS = {}
_ADDRESSES = {"0.0.0.0": 0}
_DRIVERS = {}
_TEXTS = {}


cdef int32_t intern_text(str text) except -1:
    """Return a number for a label key or value of pods, constant for the life of the process."""
    return _TEXTS.setdefault(text, len(_TEXTS))


cdef int64_t intern_holding(object what) except -1:
    """Return a number for a port, disk or volume that pods hold, constant for the life of the process.

    ``what`` is a tuple that begins with its kind: ("port", protocol, number), ("disk", ...), ("volume", driver,
    handle).
    """
    return _HOLDINGS.setdefault(what, len(_HOLDINGS))


def holding(tuple what):
    """Return :func:`intern_holding` for Python callers."""
    return intern_holding(what)


def tag_of(str driver):
    """Return a number for a volume driver's name, to tag holdings with.

    It is negative, unlike the tags of disks and ports, since volumes are counted by their tag alone.
    """
    return _DRIVERS.setdefault(driver, -1 - len(_DRIVERS))


cdef class PodInfo:
    """The footprint of a pod that is accounted on its node.

    Args:
        nodes: The node table on which it is accounted.
        requests: Resource name -> amount (cpu in millicores), see ``api.requests.pod_requests``.
        non_zero_cpu: Millicores, with scoring's default of 100 for containers that request none.
        non_zero_memory: Bytes, with scoring's default of 200 MiB for containers that request none.
        host_ports: (host address, protocol, port) of every host port, the address never empty.
        namespace: The pod's namespace.
        labels: The pod's labels.
        priority: ``spec.priority``.
        terminating: Whether the pod has a deletionTimestamp; topology spreading does not count it then.
        carried: Key of a carrier group -> amount: every inter-pod affinity term and every ReadWriteOncePod claim of
            the pod.
        volumes: (what, tag) of the disks and volumes it holds: see :func:`intern_holding`; a disk's tag is 1 when it
            is mounted read-only, a volume's the number of its driver.
    """

    def __cinit__(self, NodeTable nodes not None, dict requests, int64_t non_zero_cpu, int64_t non_zero_memory,
                  host_ports=(), str namespace="default", dict labels=None, int32_t priority=0,
                  bint terminating=False, dict carried=None, volumes=()):
        cdef int i = 1
        self.nodes = nodes
        self.first_pod = -1
        self.non_zero_cpu = non_zero_cpu
        self.non_zero_memory = non_zero_memory
        self.namespace = namespace
        self.labels = labels or {}
        self.priority = priority
        self.terminating = terminating
        self.carried = carried or {}
        requested = sorted([(nodes.resource(name), amount) for name, amount in requests.items() if amount])
        self.requests = <Request*> malloc((len(requested) + 1) * sizeof(Request))
        self.holds = <Hold*> malloc((len(host_ports) + len(volumes) + 1) * sizeof(Hold))
        self.label_pairs = <Label*> malloc((len(self.labels) + 1) * sizeof(Label))
        if self.requests == NULL or self.holds == NULL or self.label_pairs == NULL:
            raise MemoryError
        self.requests[0] = Request(PODS, 1)
        for resource, amount in requested:
            self.requests[i] = Request(resource, amount)
            i += 1
        self.request_count = i
        for address, protocol, number in host_ports:
            self.holds[self.port_count] = Hold(
                intern_holding(("port", protocol, number)), _ADDRESSES.setdefault(address, len(_ADDRESSES))
            )
            self.port_count += 1
        self.hold_count = self.port_count
        for what, tag in volumes:
            self.holds[self.hold_count] = Hold(intern_holding(what), tag)
            self.hold_count += 1
        for key, value in sorted([(intern_text(key), intern_text(value)) for key, value in self.labels.items()]):
            self.label_pairs[self.label_count] = Label(key, value)
            self.label_count += 1

    def __dealloc__(self):
        free(self.requests)
        free(self.holds)
        free(self.label_pairs)
        free(self.shares)

    cdef int64_t request(self, int resource) noexcept nogil:
        """Return the requested amount of a resource."""
        cdef int i
        for i in range(self.request_count):
            if self.requests[i].resource == resource:
                return self.requests[i].amount
        return 0

    cdef int account(self, slot_t slot, int sign) except -1 nogil:
        """Account one pod on a node (``sign`` 1), or remove it (-1); amounts wrap around, as Go's do.

        A caller that does not undo this at once appends the slot to ``nodes.load_log``.
        """
        cdef int64_t** requested = self.nodes.requested
        cdef int64_t* cpu = self.nodes.non_zero_cpu.data
        cdef int64_t* memory = self.nodes.non_zero_memory.data
        cdef int64_t* column
        cdef int i
        for i in range(self.request_count):
            column = requested[self.requests[i].resource]
            column[slot] = ks_sum(column[slot], ks_product(sign, self.requests[i].amount))
        cpu[slot] = ks_sum(cpu[slot], ks_product(sign, self.non_zero_cpu))
        memory[slot] = ks_sum(memory[slot], ks_product(sign, self.non_zero_memory))
        for i in range(self.hold_count):
            self.nodes.hold(slot, self.holds[i].token, self.holds[i].tag, sign)
        return 0

    cdef int add_share(self, int32_t group, int64_t amount) except -1:
        """Make pods with this info count ``amount`` in a group."""
        cdef Share* shares
        if self.share_count == self.share_capacity:
            self.share_capacity = max(4, 2 * self.share_capacity)
            shares = <Share*> realloc(self.shares, self.share_capacity * sizeof(Share))
            if shares == NULL:
                raise MemoryError
            self.shares = shares
        self.shares[self.share_count] = Share(group, amount)
        self.share_count += 1
        return 0

    cdef int drop_share(self, int32_t group) except -1:
        """Make pods with this info no longer count in a group."""
        cdef int i
        for i in range(self.share_count):
            if self.shares[i].group == group:
                self.share_count -= 1
                self.shares[i] = self.shares[self.share_count]
                return 0
        return 0

    def retain(self):
        """Keep the info registered with its topology until :meth:`release`, even if no pod with it is bound."""
        self.holders += 1

    def release(self):
        """Undo one :meth:`retain`."""
        self.holders -= 1

    def requested(self):
        """Return resource name -> requested amount."""
        return {
            self.nodes.resource_names[self.requests[i].resource]: self.requests[i].amount
            for i in range(1, self.request_count)
        }
