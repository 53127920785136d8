"""A class of pods that the scheduler cannot tell apart, and what it knows about every node for them.

A class holds, per node, the verdict of its filters and the total of its scores (``scores.pyx``). It remembers how
far it has read the change logs and re-evaluates only nodes that changed since. A full pass is the same evaluation
over all nodes, so there is one path.

Filters are held in *runs*: consecutive plugins whose answers go stale together, with the node itself, with what
is accounted on it, or with pods elsewhere in a topology domain. The first rejection in profile order is the
first run's that has one.
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
        shared: What the classes of one engine share.
        info: What one pod of the class takes of a node.
        filters: Filter plugins in profile order.
        scores: Score plugins with their weights set.

    Attributes:
        feasible: How many nodes pass, as of the last refresh.
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
            # More alternations than runs: the last one takes all, and goes stale as the most fickle of them.
            last.end = place + 1
            last.depends = max(last.depends, plugin.depends)
            return
        column = Int32Column()
        self.columns.append(column)
        self.runs[self.run_count] = FilterRun(place, place + 1, plugin.depends, False, <PyObject*> column)
        self.run_count += 1

    def __dealloc__(self):
        free(self.filter_refs)

    # -- catching up --------------------------------------------------------------------------------

    cdef int refresh(self) except -1 nogil:
        """Make every column true for the present state of nodes and pods."""
        cdef Py_ssize_t top = self.nodes.top, n, loaded, judged, i
        cdef bint everything = not self.valid or self.prepared != top
        cdef const slot_t* slots = NULL
        cdef const slot_t* load = NULL
        self.valid = False  # should an exception end this halfway, the next refresh looks at every node
        if everything or self.generation != self.nodes.generation:
            with gil:
                everything |= self._prepare(everything)

        # One set takes in more and more nodes: those that changed themselves, those that other pods were put on,
        # those for which pods elsewhere matter, those for which it matters who else is feasible.
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
        judged = n = self._stale(&slots)
        self._judge_all(slots, n)

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
            for i in range(judged, n):
                self.shared.verdicts.data[i] = self.verdict.data[slots[i]]
            self.scores.sum(slots, n, self.shared.verdicts.data, self.feasible)
            self.tournament.update(self.scores.total.data, slots, n)
        self.valid = True
        return 0

    cdef Py_ssize_t _stale(self, const slot_t** slots) noexcept nogil:
        """How many nodes have to be looked at again, and which; NULL stands for all of them."""
        slots[0] = NULL if self.shared.stale.everything else self.shared.stale.slots
        return self.nodes.top if self.shared.stale.everything else self.shared.stale.count

    cdef int _prepare(self, bint everything) except -1:
        """Catch up with what changes rarely: the number of nodes, taint sets, images.

        Returns whether every node has to be looked at again, as it does when ``everything`` says so.
        """
        cdef bint elsewhere = self.elsewhere
        for plugin in self.filters + self.scores.plugins:
            everything |= (<Plugin> plugin).refresh()
        self.elsewhere = self.looks_elsewhere()
        everything |= self.elsewhere != elsewhere
        self.generation = self.nodes.generation
        if self.prepared != self.nodes.top:
            # No room to spare: there may be very many classes, and more nodes mean a full pass in any case.
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
        """Whether any filter looks at pods elsewhere than on the node that it judges."""
        cdef int run
        for run in range(self.run_count):
            if self.runs[run].depends == ON_TOPOLOGY and self._asked(&self.runs[run]):
                return True
        return False

    cdef bint _asked(self, const FilterRun* run) noexcept nogil:
        """Whether filters have anything to say: those about other nodes' pods may not, as the cluster is now.

        When that changes, the class goes on to look at every node.
        """
        cdef int k
        if run.depends != ON_TOPOLOGY:
            return True
        for k in range(run.start, run.end):
            if (<FilterPlugin> self.filter_refs[k]).looks_elsewhere():
                return True
        return False

    cdef bint _kept(self, const FilterRun* run) noexcept nogil:
        """Whether a run's verdicts are kept, because a node can be looked at again without their going stale."""
        return run.depends == ON_SPEC or (run.depends == ON_LOAD and self.elsewhere)

    cdef int _filter(self, int depends, const slot_t* slots, Py_ssize_t n) except -1 nogil:
        """Run the filters of one sort over some nodes, each run from a clean slate, if that is kept."""
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
            run.silent = not any_of(verdicts, n) and (run.silent or slots == NULL)
            if not run.silent and (<Int32Column> run.verdict).capacity == 0:
                with gil:
                    (<Int32Column> run.verdict).grow(self.prepared)
            if (<Int32Column> run.verdict).capacity:
                put((<Int32Column> run.verdict).data, slots, n, verdicts)
        return 0

    cdef int _judge_all(self, const slot_t* slots, Py_ssize_t n) except -1 nogil:
        """Let each node's verdict be its first rejection in profile order, and keep count of them."""
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
                if not run.silent:
                    merge_verdicts(first, (<Int32Column> run.verdict).data, slots, n)
            elif self._asked(run):
                for k in range(run.start, run.end):
                    (<FilterPlugin> self.filter_refs[k]).filter(slots, n, first)
        if self.shared.nominations.pods:
            for i in range(n):
                slot = slots[i] if slots != NULL else <slot_t> i
                if first[i] != NO_NODE and self.shared.nominations.any_on(slot):
                    with gil:
                        first[i] = self._beside_nominated(slot) or first[i]
        if slots == NULL:
            return self._take_all(first, n)
        for i in range(n):
            # A node that had a total was feasible: that is known without fetching its verdict.
            if (first[i] or total[slots[i]] == INT64_MIN) and first[i] != verdict[slots[i]]:
                self._take(slots[i], first[i])
        return 0

    cdef int _take_all(self, const verdict_t* verdicts, Py_ssize_t n) except -1 nogil:
        """Every node has been judged anew."""
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
        self.scores.lose()
        return 0

    cdef int _take(self, slot_t slot, verdict_t verdict) except -1 nogil:
        """A node's verdict is another one than before."""
        cdef verdict_t before = self.verdict.data[slot]
        self.verdict.data[slot] = verdict
        self.revision += 1
        self._count(before, -1)
        self._count(verdict, 1)
        if verdict == 0:
            self.feasible += 1
            self.scores.turn(slot, True)
        elif before == 0:
            self.feasible -= 1
            self.scores.turn(slot, False)
        return 0

    cdef int _count(self, verdict_t verdict, int sign) except -1 nogil:
        """Keep count of the nodes that have a verdict."""
        if verdict > 0:
            if verdict >= self.rejections.capacity:
                with gil:
                    self.rejections.grow(2 * verdict + 16)
            self.rejections.data[verdict] = self.rejections.data[verdict] + sign
        return 0

    # -- answers ------------------------------------------------------------------------------------

    cdef verdict_t judge(self, slot_t slot) except? -1:
        """What the filters say of one node in a state that will be taken back, nominated pods considered."""
        cdef verdict_t verdict = 0
        if self.shared.nominations.any_on(slot):
            verdict = self._beside_nominated(slot)
        return verdict or self.trial(slot)

    cdef verdict_t trial(self, slot_t slot) except -1 nogil:
        """What the filters say of one node as it is, nominated pods left aside.

        The columns stay those of the last refresh. Call :meth:`settle` when the state is as it was.
        """
        cdef verdict_t verdict = 0
        cdef int k
        self.settle()
        for k in range(self.filter_count):
            (<FilterPlugin> self.filter_refs[k]).filter(&slot, 1, &verdict)
            if verdict:
                break
        return verdict

    cdef int settle(self) except -1 nogil:
        """Let the plugins follow counts without re-evaluating any node."""
        cdef int k
        self.shared.ignored.reset(self.nodes.top)
        for k in range(self.filter_count):
            (<Plugin> self.filter_refs[k]).collect(self.shared.ignored)
        return 0

    cdef verdict_t _beside_nominated(self, slot_t slot) except? -1:
        """What the filters say of a node if the pods nominated to it were there; that is asked first."""
        cdef list infos = self.shared.nominations.weightier(slot, self.info.priority)
        cdef verdict_t verdict
        if not infos:
            return 0
        self.shared.nominations.suppose(infos, slot, 1)
        try:
            verdict = self.trial(slot)
        finally:
            self.shared.nominations.suppose(infos, slot, -1)
        self.settle()
        return verdict

    cdef Entry best(self) noexcept nogil:
        """The best node, its total and how many share it, as of the last refresh."""
        return self.tournament.root(self.scores.total.data, self.nodes.rank.data)

    def invalidate(self):
        """Forget what is known, so that the next refresh looks at every node."""
        self.valid = False

    def release(self):
        """Give back what the plugins hold of the engine; the class must not be used again."""
        if self.released:
            return
        self.released = True
        self.info.release()
        for plugin in self.filters + self.scores.plugins:
            plugin.release()

    def catch_up(self):
        """Refresh, for a caller in Python."""
        self.refresh()

    def rejection_counts(self):
        """Row of the reason table -> how many nodes have it as their verdict. As of the last refresh."""
        cdef verdict_t verdict
        return {
            verdict: self.rejections.data[verdict]
            for verdict in range(<verdict_t> self.rejections.capacity) if self.rejections.data[verdict]
        }

    def passes(self, Py_ssize_t slot):
        """Whether a node is feasible, as of the last refresh."""
        return self.verdict.data[slot] == 0

    def total_of(self, Py_ssize_t slot):
        """The total of a feasible node, as of the last refresh."""
        return self.scores.total.data[slot]

    def total_alone(self, Py_ssize_t slot):
        """The total that a feasible node would have were it the only one, see ``Scores.alone``."""
        return self.scores.alone(slot)

    def may_be_helped(self, Py_ssize_t slot, ReasonTable reasons not None):
        """Whether a node rejects the pod for something that evictions can lift."""
        cdef verdict_t verdict = self.verdict.data[slot]
        return verdict > 0 and reasons.rows[verdict].code == UNSCHEDULABLE

    def helpable(self, ReasonTable reasons not None):
        """How many nodes reject the pod for something that evictions can lift."""
        return sum([
            count for verdict, count in self.rejection_counts().items()
            if reasons.rows[<verdict_t> verdict].code == UNSCHEDULABLE
        ])

    def verdicts(self):
        """int32[top]: row of the reason table by slot; 0 feasible, -1 no such node. As of the last refresh."""
        return self.verdict.to_numpy(self.prepared)

    def totals(self):
        """int64[top]: total score by slot; meaningless where the node is not feasible."""
        return self.scores.total.to_numpy(self.prepared)

    def score_columns(self):
        """Every score plugin's columns, as of the last refresh, see ``Scores.by_plugin``."""
        return self.scores.by_plugin()
