"""A class of pods that the scheduler treats alike, and its results for every node.

A class holds, per node, the verdict of its filters and the total of its scores (``scores.pyx``). It keeps its
position in the change logs and re-evaluates only nodes that changed since. A full pass is the same evaluation over
all nodes, so there is one code path.

Filters are grouped in *runs*: consecutive plugins whose results go stale together, with the node's specification,
with what is accounted on it, or with pods on other nodes of a topology domain. The first rejection in profile order
is that of the first run that has one.
"""

from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int32Column
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.places cimport any_of, fetch_scores, merge_verdicts, put
from kschedcore._native.plugin cimport ON_LOAD, ON_SPEC, ON_TOPOLOGY, FilterPlugin, Plugin
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.reasons cimport ReasonTable
from kschedcore._native.scores cimport Scores
from kschedcore._native.shared cimport Shared
from kschedcore._native.tournament cimport Entry, Tournament
from kschedcore._native.types cimport UNSCHEDULABLE, score_t, slot_t, verdict_t
from libc.stdint cimport INT64_MIN, int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

cdef enum:
    NO_NODE = -1                       # verdict of a slot without a node


cdef class PodClass:
    """Pods with the same scheduling-relevant spec under one profile, and the columns evaluated for them.

    Args:
        nodes: The node table.
        shared: Buffers and nominations shared by the classes of one engine.
        info: The footprint of one pod of the class.
        filters: Filter plugins in profile order.
        scores: Score plugins with their weights set.

    Attributes:
        feasible: Number of nodes that pass, as of the last refresh.
        revision: Grows whenever some node's verdict changes.
    """

    def __cinit__(self, NodeTable nodes not None, Shared shared not None, PodInfo info not None,
                  list filters, list scores):
        cdef Py_ssize_t i
        self.nodes = nodes
        self.shared = shared
        self.info = info
        self.filters = filters
        self.scores = Scores(nodes, shared, scores)
        self.verdict = Int32Column(0, NO_NODE)
        self.columns = []
        self.prepared = -1
        self.tournament = Tournament()
        self.rejections = Int32Column(16)
        self.filter_refs = <PyObject**> calloc(len(filters) + 1, sizeof(PyObject*))
        if self.filter_refs == NULL:
            raise MemoryError
        for i in range(len(filters)):
            self._add_filter(i, filters[i])
        shared.nominations.topology.register(info)
        info.retain()

    def _add_filter(self, int place, FilterPlugin plugin not None):
        cdef FilterRun* last = &self.runs[self.run_count - 1] if self.run_count else NULL
        self.filter_refs[place] = <PyObject*> plugin
        self.filter_count = place + 1
        if last != NULL and (last.depends == plugin.depends or self.run_count == MAX_RUNS):
            # More alternations than runs: the last run takes the rest, and goes stale with any of them.
            last.end = place + 1
            last.depends = max(last.depends, plugin.depends)
            return
        column = Int32Column()
        self.columns.append(column)
        self.runs[self.run_count] = FilterRun(place, place + 1, plugin.depends, False, <PyObject*> column)
        self.run_count += 1

    def __dealloc__(self):
        free(self.filter_refs)

    # -- refreshing ---------------------------------------------------------------------------------

    cdef int refresh(self) except -1 nogil:
        """Bring every column up to date with the nodes and pods."""
        cdef Py_ssize_t top = self.nodes.top, n, loaded, filtered, i
        cdef bint everything = not self.valid or self.prepared != top
        cdef const slot_t* slots = NULL
        cdef const slot_t* load = NULL
        self.valid = False  # if an exception interrupts this, the next refresh evaluates all nodes
        if everything or self.generation != self.nodes.generation:
            with gil:
                everything |= self._prepare(everything)

        # The set of stale nodes grows from step to step: nodes whose specification changed, nodes whose pods changed,
        # nodes affected by pods on other nodes, nodes whose score depends on which other nodes are feasible.
        self.shared.stale.reset(top)
        self.shared.stale.everything = everything
        self.spec_position = self.shared.stale.add_log(self.nodes.spec_log, self.spec_position)
        n = self._stale(&slots)
        self._filter(ON_SPEC, slots, n)
        self.scores.take_fixed(slots, n)
        self.scores.take_raw(ON_SPEC, slots, n, self.verdict.data)

        self.load_position = self.shared.stale.add_log(self.nodes.load_log, self.load_position)
        loaded = self._stale(&load)
        if load != NULL:
            fetch_scores(self.scores.total.data, load, loaded)
        self._filter(ON_LOAD, load, loaded)
        self.scores.take_raw(ON_LOAD, load, loaded, self.verdict.data)

        for i in range(self.filter_count):
            (<Plugin> self.filter_refs[i]).collect(self.shared.stale)
        filtered = n = self._stale(&slots)
        self._update_verdicts(slots, n)

        self.scores.prescore(slots, n, self.verdict.data, self.shared.stale)
        n = self._stale(&slots)
        self.scores.take_raw(ON_TOPOLOGY, slots, n, self.verdict.data)

        self.shared.stale.everything |= self.scores.extremes_moved(self.verdict.data, self.feasible)
        self.scores.follow(load, loaded, self.elsewhere, self.feasible)
        n = self._stale(&slots)
        if slots == NULL:
            self.scores.sum(slots, n, self.verdict.data, self.feasible)
            self.tournament.build(self.scores.total.data)
        else:
            for i in range(filtered, n):
                self.shared.verdicts.data[i] = self.verdict.data[slots[i]]
            self.scores.sum(slots, n, self.shared.verdicts.data, self.feasible)
            self.tournament.update(self.scores.total.data, slots, n)
        self.valid = True
        return 0

    cdef Py_ssize_t _stale(self, const slot_t** slots) noexcept nogil:
        """Return the number of stale nodes, and set ``slots`` to them; NULL for all nodes."""
        slots[0] = NULL if self.shared.stale.everything else self.shared.stale.slots
        return self.nodes.top if self.shared.stale.everything else self.shared.stale.count

    cdef int _prepare(self, bint everything) except -1:
        """Catch up with what changes rarely: the number of nodes, taint sets, images.

        Return whether all nodes are stale; always so when ``everything`` is set.
        """
        cdef bint elsewhere = self.elsewhere
        for plugin in self.filters + self.scores.plugins:
            everything |= (<Plugin> plugin).refresh()
        self.elsewhere = self.looks_elsewhere()
        everything |= self.elsewhere != elsewhere
        self.generation = self.nodes.generation
        if self.prepared != self.nodes.top:
            # No spare capacity: there may be very many classes, and more nodes mean a full pass in any case.
            self.prepared = self.nodes.top
            self.verdict.grow(self.prepared)
            self.scores.prepare(self.prepared)
            for column in self.columns:
                if column.capacity:
                    column.extend(self.prepared)
            self.shared.grow(self.nodes.capacity)
            self.tournament.resize(self.nodes.top)
        return everything

    # -- filters ------------------------------------------------------------------------------------

    cdef bint looks_elsewhere(self) noexcept nogil:
        """Return whether any filter depends on pods on other nodes than the one it evaluates."""
        cdef int run
        for run in range(self.run_count):
            if self.runs[run].depends == ON_TOPOLOGY and self._is_active(&self.runs[run]):
                return True
        return False

    cdef bint _is_active(self, const FilterRun* run) noexcept nogil:
        """Return whether a run can reject a node: filters on other nodes' pods cannot while there are no such pods.

        When that changes, the class evaluates all nodes.
        """
        cdef int k
        if run.depends != ON_TOPOLOGY:
            return True
        for k in range(run.start, run.end):
            if (<FilterPlugin> self.filter_refs[k]).looks_elsewhere():
                return True
        return False

    cdef bint _kept(self, const FilterRun* run) noexcept nogil:
        """Return whether a run's verdicts are kept: a node may be evaluated again while they are still valid."""
        return run.depends == ON_SPEC or (run.depends == ON_LOAD and self.elsewhere)

    cdef int _filter(self, int depends, const slot_t* slots, Py_ssize_t n) except -1 nogil:
        """Run the filters of one ``Depends`` value whose verdicts are kept, each run from empty verdicts."""
        cdef verdict_t* verdicts = self.shared.verdicts.data
        cdef FilterRun* run
        cdef int i, k
        for i in range(self.run_count):
            run = &self.runs[i]
            if run.depends != depends or not self._kept(run):
                continue
            memset(verdicts, 0, n * sizeof(verdict_t))
            for k in range(run.start, run.end):
                (<FilterPlugin> self.filter_refs[k]).filter(slots, n, verdicts)
            run.rejects_none = not any_of(verdicts, n) and (run.rejects_none or slots == NULL)
            if not run.rejects_none and (<Int32Column> run.verdict).capacity == 0:
                with gil:
                    (<Int32Column> run.verdict).grow(self.prepared)
            if (<Int32Column> run.verdict).capacity:
                put((<Int32Column> run.verdict).data, slots, n, verdicts)
        return 0

    cdef int _update_verdicts(self, const slot_t* slots, Py_ssize_t n) except -1 nogil:
        """Set each node's verdict to its first rejection in profile order, and count them."""
        cdef verdict_t* first = self.shared.verdicts.data
        cdef int32_t* alive = self.nodes.alive.data
        cdef verdict_t* verdict = self.verdict.data
        cdef const score_t* total = self.scores.total.data
        cdef FilterRun* run
        cdef slot_t slot
        cdef Py_ssize_t i
        cdef int r, k
        if slots == NULL:
            for i in range(n):
                first[i] = 0 if alive[i] else NO_NODE
        else:
            for i in range(n):
                first[i] = 0 if alive[slots[i]] else NO_NODE
        for r in range(self.run_count):
            run = &self.runs[r]
            if self._kept(run):
                if not run.rejects_none:
                    merge_verdicts(first, (<Int32Column> run.verdict).data, slots, n)
            elif self._is_active(run):
                for k in range(run.start, run.end):
                    (<FilterPlugin> self.filter_refs[k]).filter(slots, n, first)
        if self.shared.nominations.pods:
            for i in range(n):
                slot = slots[i] if slots != NULL else <slot_t> i
                if first[i] != NO_NODE and self.shared.nominations.any_on(slot):
                    with gil:
                        first[i] = self._filter_nominated(slot) or first[i]
        if slots == NULL:
            return self._set_verdicts(first, n)
        for i in range(n):
            # A node that had a total was feasible: that is known without fetching its verdict.
            if (first[i] or total[slots[i]] == INT64_MIN) and first[i] != verdict[slots[i]]:
                self._set_verdict(slots[i], first[i])
        return 0

    cdef int _set_verdicts(self, const verdict_t* verdicts, Py_ssize_t n) except -1 nogil:
        """Set the verdicts of all nodes."""
        cdef Py_ssize_t i
        if memcmp(self.verdict.data, verdicts, n * sizeof(verdict_t)) == 0:
            return 0
        memcpy(self.verdict.data, verdicts, n * sizeof(verdict_t))
        memset(self.rejections.data, 0, self.rejections.capacity * sizeof(int32_t))
        self.revision += 1
        self.feasible = 0
        for i in range(n):
            self.feasible += verdicts[i] == 0
        if self.feasible < n:
            for i in range(n):
                self._count(verdicts[i], 1)
        self.scores.invalidate_extremes()
        return 0

    cdef int _set_verdict(self, slot_t slot, verdict_t verdict) except -1 nogil:
        """Set a node's verdict, which has changed."""
        cdef verdict_t before = self.verdict.data[slot]
        self.verdict.data[slot] = verdict
        self.revision += 1
        self._count(before, -1)
        self._count(verdict, 1)
        if verdict == 0:
            self.feasible += 1
            self.scores.set_feasible(slot, True)
        elif before == 0:
            self.feasible -= 1
            self.scores.set_feasible(slot, False)
        return 0

    cdef int _count(self, verdict_t verdict, int sign) except -1 nogil:
        """Add ``sign`` to the number of nodes that have a verdict."""
        if verdict > 0:
            if verdict >= self.rejections.capacity:
                with gil:
                    self.rejections.grow(2 * verdict + 16)
            self.rejections.data[verdict] = self.rejections.data[verdict] + sign
        return 0

    # -- results ------------------------------------------------------------------------------------

    cdef verdict_t filter_with_nominated(self, slot_t slot) except? -1:
        """Return the verdict of one node in a temporary state, with and without the nominated pods."""
        cdef verdict_t verdict = 0
        if self.shared.nominations.any_on(slot):
            verdict = self._filter_nominated(slot)
        return verdict or self.filter_node(slot)

    cdef verdict_t filter_node(self, slot_t slot) except -1 nogil:
        """Return the verdict of one node in a temporary state, without nominated pods.

        The columns stay as of the last refresh. Call :meth:`collect_ignored` once the state is restored.
        """
        cdef verdict_t verdict = 0
        cdef int k
        self.collect_ignored()
        for k in range(self.filter_count):
            (<FilterPlugin> self.filter_refs[k]).filter(&slot, 1, &verdict)
            if verdict:
                break
        return verdict

    cdef int collect_ignored(self) except -1 nogil:
        """Let the plugins read changed counts without re-evaluating any node."""
        cdef int k
        self.shared.ignored.reset(self.nodes.top)
        for k in range(self.filter_count):
            (<Plugin> self.filter_refs[k]).collect(self.shared.ignored)
        return 0

    cdef verdict_t _filter_nominated(self, slot_t slot) except? -1:
        """Return the verdict of a node as if the pods nominated to it were bound; 0 when there are none."""
        cdef list infos = self.shared.nominations.at_least(slot, self.info.priority)
        cdef verdict_t verdict
        if not infos:
            return 0
        self.shared.nominations.account(infos, slot, 1)
        try:
            verdict = self.filter_node(slot)
        finally:
            self.shared.nominations.account(infos, slot, -1)
        self.collect_ignored()
        return verdict

    cdef Entry best(self) noexcept nogil:
        """Return the best node, its total and the number of ties, as of the last refresh."""
        return self.tournament.root(self.scores.total.data, self.nodes.rank.data)

    def invalidate(self):
        """Make the next refresh evaluate all nodes."""
        self.valid = False

    def release(self):
        """Release what the plugins hold of the engine; the class must not be used again."""
        if self.released:
            return
        self.released = True
        self.info.release()
        for plugin in self.filters + self.scores.plugins:
            plugin.release()

    def catch_up(self):
        """Bring verdicts and scores up to date (``refresh`` for Python callers)."""
        self.refresh()

    def rejection_counts(self):
        """Return row of the reason table -> number of nodes with that verdict, as of the last refresh."""
        cdef verdict_t verdict
        return {
            verdict: self.rejections.data[verdict]
            for verdict in range(<verdict_t> self.rejections.capacity) if self.rejections.data[verdict]
        }

    def passes(self, Py_ssize_t slot):
        """Return whether a node is feasible, as of the last refresh."""
        return self.verdict.data[slot] == 0

    def total_of(self, Py_ssize_t slot):
        """Return the total score of a feasible node, as of the last refresh."""
        return self.scores.total.data[slot]

    def total_alone(self, Py_ssize_t slot):
        """Return the total that a feasible node would have if it were the only one, see ``Scores.alone``."""
        return self.scores.alone(slot)

    def is_resolvable(self, Py_ssize_t slot, ReasonTable reasons not None):
        """Return whether preemption may help on a node: its code is Unschedulable."""
        cdef verdict_t verdict = self.verdict.data[slot]
        return verdict > 0 and reasons.rows[verdict].code == UNSCHEDULABLE

    def count_resolvable(self, ReasonTable reasons not None):
        """Return the number of nodes where preemption may help."""
        return sum([
            count for verdict, count in self.rejection_counts().items()
            if reasons.rows[<verdict_t> verdict].code == UNSCHEDULABLE
        ])

    def verdicts(self):
        """Return row of the reason table by slot, 0 feasible, -1 no node, as of the last refresh, int32[top]."""
        return self.verdict.to_numpy(self.prepared)

    def totals(self):
        """Return the total score by slot, valid for feasible nodes only, int64[top]."""
        return self.scores.total.to_numpy(self.prepared)

    def score_columns(self):
        """Return the columns of each score plugin, as of the last refresh, see ``Scores.by_plugin``."""
        return self.scores.by_plugin()
