"""The best node of a column of scores, kept while single scores change.

A tournament over blocks of 16: each entry knows the best score below it, how many nodes share it and which of
them comes first. Changing one score replays one block per level, so an update costs O(16 log16 n) and the best
node is always at the root.
"""

from kschedcore._native.types cimport NO_SLOT, score_t, slot_t
from libc.stdint cimport INT64_MIN, int64_t
from libc.stdlib cimport free, realloc

cdef enum:
    FANOUT = 16

INFEASIBLE = INT64_MIN


cdef inline Entry _play_leaves(
    const score_t* scores, const int64_t* rank, Py_ssize_t start, Py_ssize_t end
) noexcept nogil:
    cdef Entry entry = Entry(INT64_MIN, 0, NO_SLOT)
    cdef Py_ssize_t i
    for i in range(start, end):
        if scores[i] > entry.best:
            entry = Entry(scores[i], 1, <slot_t> i)
        elif scores[i] == entry.best and entry.winner != NO_SLOT:
            entry.ties += 1
            if rank[i] < rank[entry.winner]:
                entry.winner = <slot_t> i
    return entry


cdef inline Entry _play(const Entry* below, const int64_t* rank, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
    cdef Entry entry = Entry(INT64_MIN, 0, NO_SLOT)
    cdef Py_ssize_t i
    for i in range(start, end):
        if below[i].best > entry.best:
            entry = below[i]
        elif below[i].best == entry.best and entry.winner != NO_SLOT:
            entry.ties += below[i].ties
            if rank[below[i].winner] < rank[entry.winner]:
                entry.winner = below[i].winner
    return entry


cdef class Tournament:
    """Best score, number of ties and first winner over a column; a score of INT64_MIN takes no part."""

    def __dealloc__(self):
        cdef int level
        for level in range(MAX_LEVELS):
            free(self.levels[level])

    cdef int resize(self, Py_ssize_t leaves) except -1:
        """Make room for ``leaves`` scores. The entries mean nothing until the next build."""
        cdef Py_ssize_t size = leaves
        cdef Entry* entries
        self.leaves = leaves
        self.depth = 0
        while True:
            size = max((size + FANOUT - 1) // FANOUT, 1)
            entries = <Entry*> realloc(self.levels[self.depth], size * sizeof(Entry))
            if entries == NULL:
                raise MemoryError
            self.levels[self.depth] = entries
            self.sizes[self.depth] = size
            self.depth += 1
            if size == 1:
                return 0

    cdef void build(self, const score_t* scores, const int64_t* rank) noexcept nogil:
        """Play all blocks."""
        cdef Py_ssize_t block
        cdef int level
        for block in range(self.sizes[0]):
            self.levels[0][block] = _play_leaves(
                scores, rank, block * FANOUT, min((block + 1) * FANOUT, self.leaves)
            )
        for level in range(1, self.depth):
            for block in range(self.sizes[level]):
                self.levels[level][block] = _play(
                    self.levels[level - 1], rank, block * FANOUT, min((block + 1) * FANOUT, self.sizes[level - 1])
                )

    cdef void update(self, const score_t* scores, const int64_t* rank, slot_t slot) noexcept nogil:
        """Replay the blocks above one changed score."""
        cdef Py_ssize_t block = slot // FANOUT
        cdef int level
        self.levels[0][block] = _play_leaves(scores, rank, block * FANOUT, min((block + 1) * FANOUT, self.leaves))
        for level in range(1, self.depth):
            block //= FANOUT
            self.levels[level][block] = _play(
                self.levels[level - 1], rank, block * FANOUT, min((block + 1) * FANOUT, self.sizes[level - 1])
            )

    cdef void update_all(
        self, const score_t* scores, const int64_t* rank, const slot_t* slots, Py_ssize_t n
    ) noexcept nogil:
        """Replay what is above some changed scores, or everything when that is less work."""
        cdef Py_ssize_t i
        if n * self.depth > self.sizes[0]:
            self.build(scores, rank)
            return
        for i in range(n):
            self.update(scores, rank, slots[i])

    cdef Entry root(self) noexcept nogil:
        """Who won. The winner is NO_SLOT when no score takes part."""
        return self.levels[self.depth - 1][0]

    cdef slot_t nth(self, const score_t* scores, int64_t n) noexcept nogil:
        """The ``n``-th (from 0, by slot) of the leaves that share the best score."""
        cdef score_t best = self.levels[self.depth - 1][0].best
        cdef Py_ssize_t block = 0, i
        cdef int level
        for level in range(self.depth - 2, -1, -1):
            for i in range(block * FANOUT, min((block + 1) * FANOUT, self.sizes[level])):
                if self.levels[level][i].best == best:
                    if n < self.levels[level][i].ties:
                        block = i
                        break
                    n -= self.levels[level][i].ties
        for i in range(block * FANOUT, min((block + 1) * FANOUT, self.leaves)):
            if scores[i] == best:
                if n == 0:
                    return <slot_t> i
                n -= 1
        return NO_SLOT
