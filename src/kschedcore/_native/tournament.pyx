"""The best node of a column of scores, updated as single scores change.

A tournament tree over blocks of 16: each block has the best score below it. Changing one score replays one block per
level, so an update costs O(16 log16 n) and the best score is always at the root. The number of ties and the first of
them are only computed on demand: below the root, along the blocks that have the best score.
"""

from kschedcore._native.kernels cimport ks_best_of_blocks
from kschedcore._native.types cimport NO_SLOT, score_t, slot_t
from libc.stdint cimport INT64_MIN, int32_t, int64_t
from libc.stdlib cimport free, realloc


cdef class Tournament:
    """Best score, number of ties and first winner over a column; a score of INT64_MIN takes no part."""

    def __dealloc__(self):
        cdef int level
        for level in range(MAX_LEVELS):
            free(self.levels[level].best)
            free(self.levels[level].ties)
            free(self.levels[level].winner)

    cdef int resize(self, Py_ssize_t leaves) except -1:
        """Resize to ``leaves`` scores. The entries are invalid until the next build."""
        cdef Py_ssize_t size = leaves
        cdef Level* level
        self.leaves = leaves
        self.depth = 0
        while True:
            size = max((size + FANOUT - 1) // FANOUT, 1)
            level = &self.levels[self.depth]
            level.best = <score_t*> _resized(level.best, size * sizeof(score_t))
            level.ties = <int32_t*> _resized(level.ties, size * sizeof(int32_t))
            level.winner = <slot_t*> _resized(level.winner, size * sizeof(slot_t))
            level.size = size
            self.depth += 1
            if size == 1:
                return 0

    cdef void build(self, const score_t* scores) noexcept nogil:
        """Compute all blocks."""
        cdef const score_t* below = scores
        cdef Py_ssize_t size = self.leaves, block
        cdef int level
        for level in range(self.depth):
            ks_best_of_blocks(below, size, self.levels[level].best)
            for block in range(self.levels[level].size):
                self.levels[level].ties[block] = UNCOUNTED
            below, size = self.levels[level].best, self.levels[level].size

    cdef void update(self, const score_t* scores, const slot_t* slots, Py_ssize_t n) noexcept nogil:
        """Update the blocks above some changed scores, or all blocks when that is less work."""
        cdef Py_ssize_t i
        if n * self.depth > self.levels[0].size:
            self.build(scores)
            return
        for i in range(n):
            self._replay(scores, slots[i])

    cdef void _replay(self, const score_t* scores, slot_t slot) noexcept nogil:
        """Update the blocks above one score."""
        cdef const score_t* below = scores
        cdef Py_ssize_t size = self.leaves, block = slot, i
        cdef score_t best
        cdef int level
        for level in range(self.depth):
            block //= FANOUT
            best = INT64_MIN
            for i in range(block * FANOUT, min((block + 1) * FANOUT, size)):
                best = max(best, below[i])
            self.levels[level].best[block] = best
            self.levels[level].ties[block] = UNCOUNTED
            below, size = self.levels[level].best, self.levels[level].size

    cdef void _count(self, int level, Py_ssize_t block, const score_t* scores, const int64_t* rank) noexcept nogil:
        """Count the leaves that have the best score of a block, and find the first of them."""
        cdef score_t best = self.levels[level].best[block]
        cdef Py_ssize_t i
        cdef slot_t winner = NO_SLOT, other
        cdef int32_t ties = 0
        if level == 0:
            for i in range(block * FANOUT, min((block + 1) * FANOUT, self.leaves)):
                if scores[i] == best:
                    ties += 1
                    if winner == NO_SLOT or rank[i] < rank[winner]:
                        winner = <slot_t> i
        else:
            for i in range(block * FANOUT, min((block + 1) * FANOUT, self.levels[level - 1].size)):
                if self.levels[level - 1].best[i] == best:
                    if self.levels[level - 1].ties[i] == UNCOUNTED:
                        self._count(level - 1, i, scores, rank)
                    ties += self.levels[level - 1].ties[i]
                    other = self.levels[level - 1].winner[i]
                    if winner == NO_SLOT or rank[other] < rank[winner]:
                        winner = other
        self.levels[level].ties[block] = ties
        self.levels[level].winner[block] = winner

    cdef Entry root(self, const score_t* scores, const int64_t* rank) noexcept nogil:
        """Return the best entry. The winner is NO_SLOT when there is no score."""
        cdef Level* top = &self.levels[self.depth - 1]
        if top.best[0] == INT64_MIN:
            return Entry(INT64_MIN, 0, NO_SLOT)
        if top.ties[0] == UNCOUNTED:
            self._count(self.depth - 1, 0, scores, rank)
        return Entry(top.best[0], top.ties[0], top.winner[0])

    cdef slot_t nth(self, const score_t* scores, int64_t n) noexcept nogil:
        """Return the ``n``-th (from 0, by slot) of the leaves that have the best score, after :meth:`root`."""
        cdef score_t best = self.levels[self.depth - 1].best[0]
        cdef Py_ssize_t block = 0, i
        cdef int level
        for level in range(self.depth - 2, -1, -1):
            for i in range(block * FANOUT, min((block + 1) * FANOUT, self.levels[level].size)):
                if self.levels[level].best[i] == best:
                    if n < self.levels[level].ties[i]:
                        block = i
                        break
                    n -= self.levels[level].ties[i]
        for i in range(block * FANOUT, min((block + 1) * FANOUT, self.leaves)):
            if scores[i] == best:
                if n == 0:
                    return <slot_t> i
                n -= 1
        return NO_SLOT


cdef void* _resized(void* old, size_t size) except NULL:
    cdef void* fresh = realloc(old, size)
    if fresh == NULL:
        raise MemoryError
    return fresh
