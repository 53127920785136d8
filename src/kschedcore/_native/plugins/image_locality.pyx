"""ImageLocality: prefers nodes that have the pod's images, scaled by the share of nodes that have each."""

from kschedcore._native.columns cimport Int64Column
from kschedcore._native.plugin cimport ON_SPEC, ScorePlugin
from kschedcore._native.types cimport MAX_NODE_SCORE, score_t, slot_t
from libc.stdint cimport int64_t
from libc.string cimport memset

cdef int64_t MEGABYTE = 1024 * 1024
cdef int64_t MIN_THRESHOLD = 23 * MEGABYTE
cdef int64_t MAX_CONTAINER_THRESHOLD = 1000 * MEGABYTE


cdef class ImageLocality(ScorePlugin):
    """Scores nodes by the total size of the pod's images that they have.

    Args:
        images: Names of the images, normalised to carry a tag: of every container, init containers included, and
            of image volumes.
        containers: The number of containers, which scales the thresholds.
    """

    cdef list images
    cdef Int64Column score_of          # image set -> score
    cdef Py_ssize_t known
    cdef int64_t version, nodes_then
    cdef int64_t containers
    cdef bint rates                    # any image set scores above 0, or did

    def __init__(self, nodes, reasons, images, int64_t containers):
        self.depends = ON_SPEC
        self.images = [nodes.image(name) for name in images]
        self.score_of = Int64Column()
        self.containers = containers
        self.version = -1

    cdef bint refresh(self) except -1:
        cdef Py_ssize_t sets = len(self.nodes.image_sets), i
        cdef score_t fresh
        cdef bint changed = False
        cdef bint restart = self.version != self.nodes.image_version or self.nodes_then != self.nodes.count
        if not restart and self.known == sets:
            return False
        self.score_of.grow(2 * sets if sets > self.score_of.capacity else sets)
        for i in range(0 if restart else self.known, sets):
            fresh = self._rate(self.nodes.image_sets[i])
            changed |= i < self.known and fresh != self.score_of.data[i]
            self.score_of.data[i] = fresh
            self.rates |= fresh != 0
        self.known = sets
        self.version = self.nodes.image_version
        self.nodes_then = self.nodes.count
        return changed

    cdef score_t _rate(self, tuple held) except -1:
        """Return the score of a node that has the images ``held``."""
        cdef int64_t total = 0, most
        cdef Py_ssize_t image
        if not held:
            return 0
        for image in self.images:
            if image in held:
                total += <int64_t> (
                    <double> self.nodes.image_size.data[image]
                    * (<double> self.nodes.image_nodes.data[image] / <double> self.nodes.count)
                )
        most = MAX_CONTAINER_THRESHOLD * self.containers
        total = min(max(total, MIN_THRESHOLD), most)
        return MAX_NODE_SCORE * (total - MIN_THRESHOLD) // (most - MIN_THRESHOLD)

    cdef void score(self, const slot_t* slots, Py_ssize_t n, score_t* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef slot_t slot
        if not self.rates:
            memset(raw, 0, n * sizeof(score_t))
            return
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            raw[i] = self.score_of.data[self.nodes.image_set.data[slot]]
