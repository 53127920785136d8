"""VolumeRestrictions: disks that attach to one node at a time, and claims that one pod may use."""

from kschedcore._native.nodes cimport HoldingList
from kschedcore._native.plugin cimport ON_TOPOLOGY, FilterPlugin
from kschedcore._native.podinfo cimport intern_holding
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.topology cimport DomainTable, Topology
from kschedcore._native.types cimport slot_t, verdict_t
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

CLAIM_OF_ONE_POD = "ReadWriteOncePod claim"
"""Kind of the carrier groups that count the pods using a ReadWriteOncePod claim."""

cdef enum:
    READ_ONLY = 1                      # tag of a disk that is only read

cdef struct Disk:
    int64_t token
    bint read_only


cdef class VolumeRestrictions(FilterPlugin):
    """Rejects nodes where a disk is in use, and every node while another pod uses a ReadWriteOncePod claim.

    Args:
        topology: The engine's groups.
        disks: (what, read only) of the pod's disks; a disk may be shared if all pods mount it read-only.
        claims: Keys of carrier groups, one for each ReadWriteOncePod claim of the pod.
    """

    cdef Topology topology
    cdef Disk* disks
    cdef int disk_count
    cdef list tables
    cdef bint in_use
    cdef verdict_t disk_taken, claim_taken

    def __cinit__(self, *args, **kwargs):
        self.disks = NULL

    def __init__(self, nodes, reasons, Topology topology not None, disks, claims):
        self.depends = ON_TOPOLOGY
        self.topology = topology
        self.disks = <Disk*> malloc((len(disks) + 1) * sizeof(Disk))
        if self.disks == NULL:
            raise MemoryError
        for what, read_only in disks:
            self.disks[self.disk_count] = Disk(intern_holding(what), read_only)
            self.disk_count += 1
        self.tables = [topology.table(topology.carrier_group(key), nodes.name_column()) for key in claims]
        self.disk_taken = reasons.words(self.name, "Unschedulable", "node(s) had no available disk")
        self.claim_taken = reasons.words(
            self.name,
            "Unschedulable",
            "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by "
            "another pod",
        )

    def __dealloc__(self):
        free(self.disks)

    def release(self):
        """Stop counting."""
        for table in self.tables:
            self.topology.release(table)
        self.tables = []

    cdef int collect(self, SlotSet stale) except -1 nogil:
        cdef bint in_use = False
        with gil:
            for table in self.tables:
                in_use |= (<DomainTable> table).total > 0
        if in_use != self.in_use:
            self.in_use = in_use
            stale.everything = True
        return 0

    cdef void filter(self, const slot_t* slots, Py_ssize_t n, verdict_t* verdict) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            if verdict[i]:
                continue
            if self.disk_count and self._taken(&self.nodes.held[slot]):
                verdict[i] = self.disk_taken
            elif self.in_use:
                verdict[i] = self.claim_taken

    cdef bint _taken(self, const HoldingList* held) noexcept nogil:
        cdef int disk, k
        for disk in range(self.disk_count):
            for k in range(held.count):
                if held.entries[k].token == self.disks[disk].token and not (
                    self.disks[disk].read_only and held.entries[k].tag == READ_ONLY
                ):
                    return True
        return False
