"""The scores of a class of pods for every node, and the totals.

Scores that are normalised over the feasible nodes need the extremes of their raw scores; as long as the extremes do
not change, a change of one node changes one total. With a thousand classes memory is the cost, so a column other than
the totals is only kept once it is needed: raw scores that are not all 0, sums that are used more than once.
"""

from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int64Column
from kschedcore._native.kernels cimport ks_add
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.normalised cimport NormalisedScore, find_extremes, remove_raw, is_uniform, add_raw, raw_at
from kschedcore._native.places cimport any_of, put, put_totals, take_scores
from kschedcore._native.plugin cimport ON_SPEC, ON_TOPOLOGY, ScorePlugin
from kschedcore._native.shared cimport Shared
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.types cimport NO_SCORE, score_t, slot_t, verdict_t
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset


cdef class Scores:
    """The score plugins of a class, and the columns evaluated for them.

    Args:
        nodes: The node table.
        shared: Buffers shared by the classes of one engine.
        plugins: Score plugins with their weights set.
    """

    def __cinit__(self, NodeTable nodes not None, Shared shared not None, list plugins not None):
        self.nodes = nodes
        self.shared = shared
        self.plugins = plugins
        self.fixed, self.local = Int64Column(), Int64Column()
        self.total = Int64Column(0, INT64_MIN)
        self.plain_refs = <PyObject**> calloc(len(plugins) + 1, sizeof(PyObject*))
        self.normalised = <NormalisedScore*> calloc(len(plugins) + 1, sizeof(NormalisedScore))
        if self.plain_refs == NULL or self.normalised == NULL:
            raise MemoryError
        self.raws = []
        for plugin in plugins:
            self._add(plugin)

    def _add(self, ScorePlugin plugin not None):
        cdef NormalisedScore* score
        if not plugin.normalises:
            self.plain_refs[self.plain_count] = <PyObject*> plugin
            self.any_fixed |= plugin.depends == ON_SPEC
            self.plain_count += 1
            return
        raw = Int64Column()
        self.raws.append(raw)
        score = &self.normalised[self.normalised_count]
        score.plugin = <PyObject*> plugin
        score.raw = <PyObject*> raw
        score.weight = plugin.weight
        score.depends = plugin.depends
        score.low, score.high = INT64_MAX, INT64_MIN
        self.normalised_count += 1

    def __dealloc__(self):
        free(self.plain_refs)
        free(self.normalised)

    cdef int prepare(self, Py_ssize_t top) except -1:
        """Grow to ``top`` slots, all of which are evaluated next."""
        self.prepared = top
        self.total.grow(top)
        if self.keeps_local:
            # The column may have been created empty, when there was no node.
            self.local.grow(top)
        for column in (self.fixed, *self.raws):
            if column.capacity:
                column.extend(top)
        return 0

    cdef int take_fixed(self, const slot_t* slots, Py_ssize_t n) except -1 nogil:
        """Sum the scores that need no normalisation and depend on the node's spec only."""
        cdef score_t* sums = self.shared.sums.data
        cdef score_t* fresh = self.shared.fresh.data
        cdef int k
        if not self.any_fixed:
            return 0
        memset(sums, 0, n * sizeof(score_t))
        for k in range(self.plain_count):
            if (<ScorePlugin> self.plain_refs[k]).depends == ON_SPEC:
                (<ScorePlugin> self.plain_refs[k]).score(slots, n, fresh)
                ks_add(sums, fresh, (<ScorePlugin> self.plain_refs[k]).weight, n)
        if self.fixed.capacity == 0 and any_of(sums, n):
            with gil:
                self.fixed.grow(self.prepared)
        if self.fixed.capacity:
            put(self.fixed.data, slots, n, sums)
        return 0

    cdef void _plain(self, const slot_t* slots, Py_ssize_t n, score_t* sums) noexcept nogil:
        """Sum all scores that need no normalisation."""
        cdef score_t* fresh = self.shared.fresh.data
        cdef int k
        if self.fixed.capacity:
            take_scores(self.fixed.data, slots, n, sums)
        else:
            memset(sums, 0, n * sizeof(score_t))
        for k in range(self.plain_count):
            if (<ScorePlugin> self.plain_refs[k]).depends != ON_SPEC:
                (<ScorePlugin> self.plain_refs[k]).score(slots, n, fresh)
                ks_add(sums, fresh, (<ScorePlugin> self.plain_refs[k]).weight, n)

    cdef int take_raw(
        self, int depends, const slot_t* slots, Py_ssize_t n, const verdict_t* verdict
    ) except -1 nogil:
        """Compute the raw scores of one ``Depends`` value again; ``verdict`` is by slot, as of the last filtering."""
        cdef NormalisedScore* score
        cdef bint skipped
        cdef int k
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            if score.depends != depends:
                continue
            # The scores of a plugin that is still skipped have not changed.
            skipped = (<ScorePlugin> score.plugin).skipped()
            if score.idle and skipped:
                continue
            score.idle = skipped and slots == NULL
            (<ScorePlugin> score.plugin).score(slots, n, self.shared.fresh.data)
            self._put_raw(score, slots, n, self.shared.fresh.data, verdict)
        return 0

    cdef int prescore(
        self, const slot_t* slots, Py_ssize_t n, const verdict_t* verdict, SlotSet stale
    ) except -1 nogil:
        """Let the plugins that depend on other nodes catch up with their pods and with the set of feasible nodes."""
        cdef int k
        for k in range(self.normalised_count):
            if self.normalised[k].depends == ON_TOPOLOGY:
                (<ScorePlugin> self.normalised[k].plugin).collect(stale)
                (<ScorePlugin> self.normalised[k].plugin).prescore(slots, n, verdict, stale)
        return 0

    cdef void set_feasible(self, slot_t slot, bint feasible) noexcept nogil:
        """Add the raw scores of a node that became feasible to the extremes, or remove them."""
        cdef int k
        for k in range(self.normalised_count):
            if feasible:
                add_raw(&self.normalised[k], raw_at(&self.normalised[k], slot))
            else:
                remove_raw(&self.normalised[k], raw_at(&self.normalised[k], slot))

    cdef void invalidate_extremes(self) noexcept nogil:
        """Make the next refresh compute all extremes again."""
        cdef int k
        for k in range(self.normalised_count):
            self.normalised[k].stale = True

    cdef int _put_raw(
        self, NormalisedScore* score, const slot_t* slots, Py_ssize_t n, const score_t* fresh,
        const verdict_t* verdict,
    ) except -1 nogil:
        """Set the raw scores of some nodes; update the extremes over the feasible nodes."""
        cdef score_t* raw
        cdef Py_ssize_t i
        cdef slot_t slot
        if (<Int64Column> score.raw).capacity == 0:
            if not any_of(fresh, n):
                return 0
            with gil:
                (<Int64Column> score.raw).grow(self.prepared)
        raw = (<Int64Column> score.raw).data
        if slots == NULL:
            memcpy(raw, fresh, n * sizeof(score_t))
            score.stale = True
            return 0
        for i in range(n):
            slot = slots[i]
            if fresh[i] != raw[slot]:
                if verdict[slot] == 0:
                    remove_raw(score, raw[slot])
                    add_raw(score, fresh[i])
                raw[slot] = fresh[i]
        return 0

    cdef bint extremes_moved(self, const verdict_t* verdict, int64_t feasible) noexcept nogil:
        """Compute the extremes; return whether any differs from those used for the totals."""
        cdef NormalisedScore* score
        cdef bint moved = False
        cdef int k
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            if score.stale or (score.members and (score.at_low <= 0 or score.at_high <= 0)):
                find_extremes(score, verdict, self.prepared, feasible)
            if score.low != score.used_low or score.high != score.used_high:
                score.used_low = score.low
                score.used_high = score.high
                moved = True
        return moved

    cdef bint _is_flat(self, int64_t feasible) noexcept nogil:
        """Return whether all normalised scores add the same to every node's total."""
        cdef int k
        for k in range(self.normalised_count):
            if not is_uniform(&self.normalised[k], feasible):
                return False
        return True

    cdef int follow(self, const slot_t* slots, Py_ssize_t n, bint elsewhere, int64_t feasible) except -1 nogil:
        """Keep the plain scores once totals can go stale while plain scores do not; ``slots`` are those to update.

        ``elsewhere``: filters depend on pods on other nodes, so that a node's verdict may change without its scores.
        """
        if not self.keeps_local:
            if not elsewhere and self._is_flat(feasible):
                return 0
            self.keeps_local = True
            slots, n = NULL, self.nodes.top
            with gil:
                self.local.grow(self.prepared)
        self._plain(slots, n, self.shared.sums.data)
        put(self.local.data, slots, n, self.shared.sums.data)
        return 0

    cdef void sum(
        self, const slot_t* slots, Py_ssize_t n, const verdict_t* verdicts, int64_t feasible
    ) noexcept nogil:
        """Compute the totals of some nodes, given their verdicts; an infeasible node's total is INT64_MIN."""
        cdef score_t* sums = self.shared.sums.data
        cdef const score_t* raw
        cdef NormalisedScore* score
        cdef score_t same = 0, each
        cdef int k
        if self.keeps_local:
            take_scores(self.local.data, slots, n, sums)
        else:
            self._plain(slots, n, sums)
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            if is_uniform(score, feasible):
                if feasible:
                    (<ScorePlugin> score.plugin).normalise(1, &score.low, score.low, score.high, &each)
                    same += score.weight * each
                continue
            raw = (<Int64Column> score.raw).data
            if slots != NULL:
                take_scores(raw, slots, n, self.shared.taken.data)
                raw = self.shared.taken.data
            (<ScorePlugin> score.plugin).normalise(n, raw, score.low, score.high, self.shared.fresh.data)
            ks_add(sums, self.shared.fresh.data, score.weight, n)
        put_totals(self.total.data, verdicts, same, slots, n, sums)

    def alone(self, Py_ssize_t slot):
        """Return the total that a feasible node would have if it were the only one, as of the last refresh.

        None if a score depends on the set of feasible nodes: that needs a class of its own.
        """
        cdef slot_t node = <slot_t> slot
        cdef NormalisedScore* score
        cdef score_t total, raw, each
        cdef int k
        self._plain(&node, 1, &total)
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            raw = raw_at(score, node)
            if raw == NO_SCORE or (score.depends == ON_TOPOLOGY and not (<ScorePlugin> score.plugin).skipped()):
                return None
            (<ScorePlugin> score.plugin).normalise(1, &raw, raw, raw, &each)
            total += score.weight * each
        return total

    def by_plugin(self):
        """Return the columns of each score plugin, as of the last refresh.

        Returns:
            Plugin name -> (raw, normalised, weight), the first two int64[top]. Plugins that kube-scheduler
            would have skipped are left out; where a plugin does not normalise, both columns are the same.
        """
        cdef NormalisedScore* score
        cdef ScorePlugin plugin
        cdef Int64Column out = Int64Column(self.nodes.capacity), raw
        cdef int k
        columns = {}
        for k in range(self.plain_count):
            plugin = <ScorePlugin> self.plain_refs[k]
            if not plugin.skipped():
                plugin.score(NULL, self.prepared, out.data)
                columns[plugin.name] = (out.to_numpy(self.prepared), out.to_numpy(self.prepared), plugin.weight)
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            plugin = <ScorePlugin> score.plugin
            if not plugin.skipped():
                raw = Int64Column(self.nodes.capacity)
                if (<Int64Column> score.raw).capacity:
                    raw = <Int64Column> score.raw
                plugin.normalise(self.prepared, raw.data, score.low, score.high, out.data)
                columns[plugin.name] = (raw.to_numpy(self.prepared), out.to_numpy(self.prepared), plugin.weight)
        return columns
