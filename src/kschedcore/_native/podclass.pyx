"""A class of pods that the scheduler cannot tell apart, and what it knows about every node for them.

A class holds, per node, the verdict of its filters, the raw scores of its plugins and the total. It remembers
how far it has read the change logs and re-evaluates only nodes that changed since. Scores that are normalised
over the feasible nodes need the extremes of their raw scores; as long as these stay where they were, a change
of one node changes one total. A full pass is the same evaluation over all nodes, so there is one path.

Filters are held in *runs*: consecutive plugins whose answers go stale together, with the node itself, with what
is accounted on it, or with pods elsewhere in a topology domain. The first rejection in profile order is the
first run's that has one.
"""

from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int32Column, Int64Column
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.nominations cimport Nominations
from kschedcore._native.normalised cimport NormalisedScore, forget, is_uniform, learn
from kschedcore._native.plugin cimport ON_LOAD, ON_SPEC, ON_TOPOLOGY, FilterPlugin, Plugin, ScorePlugin
from kschedcore._native.slotset cimport SlotSet
from kschedcore._native.sums cimport add_scores, copy_sums, leave_out
from kschedcore._native.tournament cimport Entry, Tournament
from kschedcore._native.types cimport NO_SCORE, UNSCHEDULABLE, score_t, slot_t, verdict_t
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.reasons cimport ReasonTable
from libc.stdint cimport INT64_MAX, INT64_MIN, int32_t
from libc.stdlib cimport calloc, free

cdef enum:
    NO_NODE = -1                       # verdict of a slot without a node


cdef class Shared:
    """What the classes of one engine share: room for intermediate results, and the nominated pods."""

    def __cinit__(self, Nominations nominations not None):
        self.nominations = nominations
        self.ignored = SlotSet()
        self.stale = SlotSet()
        self.scores = Int64Column()
        self.trial = Int32Column()
        self.first = Int32Column()

    cdef int grow(self, Py_ssize_t capacity) except -1:
        self.scores.grow(capacity)
        self.trial.grow(capacity)
        self.first.grow(capacity)
        return 0


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
        self.scores = scores
        self.columns = []
        self.verdict = Int32Column(0, NO_NODE)
        self.fixed = Int64Column()
        self.local = Int64Column()
        self.total = Int64Column(0, INT64_MIN)
        self.tournament = Tournament()
        self.rejections = Int32Column(16)
        self.filter_refs = <PyObject**> calloc(len(filters) + 1, sizeof(PyObject*))
        self.plain_refs = <PyObject**> calloc(len(scores) + 1, sizeof(PyObject*))
        self.normalised = <NormalisedScore*> calloc(len(scores) + 1, sizeof(NormalisedScore))
        if self.filter_refs == NULL or self.plain_refs == NULL or self.normalised == NULL:
            raise MemoryError
        for i in range(len(filters)):
            self._add_filter(i, filters[i])
        for plugin in scores:
            self._add_score(plugin)

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

    def _add_score(self, ScorePlugin plugin not None):
        cdef NormalisedScore* score
        if not plugin.normalises:
            self.plain_refs[self.plain_count] = <PyObject*> plugin
            self.any_fixed |= plugin.depends == ON_SPEC
            self.plain_count += 1
            return
        raw = Int64Column()
        self.columns.append(raw)
        score = &self.normalised[self.normalised_count]
        score.plugin = <PyObject*> plugin
        score.raw = <PyObject*> raw
        score.weight = plugin.weight
        score.depends = plugin.depends
        score.low, score.high = INT64_MAX, INT64_MIN
        self.normalised_count += 1

    def __dealloc__(self):
        free(self.filter_refs)
        free(self.plain_refs)
        free(self.normalised)

    # -- catching up --------------------------------------------------------------------------------

    cdef int refresh(self) except -1 nogil:
        """Make every column true for the present state of nodes and pods."""
        cdef Py_ssize_t top = self.nodes.top, n, i
        cdef bint everything = not self.valid or self.prepared != top
        cdef const slot_t* slots = NULL
        if everything or self.generation != self.nodes.generation:
            with gil:
                everything |= self._prepare()

        # One set takes in more and more nodes: those that changed themselves, those that other pods were put on,
        # those for which pods elsewhere matter, those for which it matters who else is feasible.
        self.shared.stale.reset(top)
        self.spec_position = self.shared.stale.add_log(self.nodes.spec_log, self.spec_position)
        self.shared.stale.everything |= everything
        n = self._stale(&slots)
        self._filter(ON_SPEC, slots, n)
        self._score_plain(ON_SPEC, slots, n)
        self._score_raw(ON_SPEC, slots, n)

        self.load_position = self.shared.stale.add_log(self.nodes.load_log, self.load_position)
        n = self._stale(&slots)
        self._filter(ON_LOAD, slots, n)
        self._score_plain(ON_LOAD, slots, n)
        self._score_raw(ON_LOAD, slots, n)

        for i in range(self.filter_count):
            (<Plugin> self.filter_refs[i]).collect(self.shared.stale)
        n = self._stale(&slots)
        self._filter(ON_TOPOLOGY, slots, n)
        self._take_verdicts(slots, n)

        for i in range(self.normalised_count):
            if self.normalised[i].depends == ON_TOPOLOGY:
                (<Plugin> self.normalised[i].plugin).collect(self.shared.stale)
                (<ScorePlugin> self.normalised[i].plugin).prescore(
                    slots, n, self.verdict.data, self.shared.stale
                )
        n = self._stale(&slots)
        self._score_raw(ON_TOPOLOGY, slots, n)

        if self._extremes_moved() or self.shared.stale.everything:
            self._sum(NULL, top)
            self.tournament.build(self.total.data, self.nodes.rank.data)
        else:
            self._sum(slots, n)
            self.tournament.update_all(self.total.data, self.nodes.rank.data, slots, n)
        self.valid = True
        return 0

    cdef Py_ssize_t _stale(self, const slot_t** slots) noexcept nogil:
        """How many nodes have to be looked at again, and which; NULL stands for all of them."""
        slots[0] = NULL if self.shared.stale.everything else self.shared.stale.slots
        return self.nodes.top if self.shared.stale.everything else self.shared.stale.count

    cdef int _prepare(self) except -1:
        """Catch up with what changes rarely: the number of nodes, taint sets, images.

        Returns whether every node has to be looked at again.
        """
        cdef bint everything = not self.valid or self.prepared != self.nodes.top
        cdef Py_ssize_t capacity = self.nodes.capacity
        for plugin in self.filters + self.scores:
            everything |= (<Plugin> plugin).refresh()
        self.generation = self.nodes.generation
        if self.prepared != self.nodes.top or self.verdict.capacity < capacity:
            self.verdict.grow(capacity)
            if self.any_fixed:
                self.fixed.grow(capacity)
            self.local.grow(capacity)
            self.total.grow(capacity)
            self.shared.grow(capacity)
            for column in self.columns:
                column.extend(capacity)
            self.tournament.resize(self.nodes.top)
            self.prepared = self.nodes.top
        return everything

    # -- filters ------------------------------------------------------------------------------------

    cdef void _filter(self, int depends, const slot_t* slots, Py_ssize_t n) noexcept nogil:
        """Run the filters of one sort over some nodes, each run from a clean slate."""
        cdef verdict_t* verdict
        cdef verdict_t rejected
        cdef Py_ssize_t i
        cdef int run, k
        for run in range(self.run_count):
            if self.runs[run].depends != depends:
                continue
            if slots == NULL:
                self.runs[run].silent = True
            if depends == ON_TOPOLOGY and not self._looks_elsewhere(&self.runs[run]):
                # It goes on to look at every node when that changes.
                self.runs[run].silent = True
                continue
            verdict = (<Int32Column> self.runs[run].verdict).data
            for i in range(n):
                verdict[slots[i] if slots != NULL else <slot_t> i] = 0
            for k in range(self.runs[run].start, self.runs[run].end):
                (<FilterPlugin> self.filter_refs[k]).filter(slots, n, verdict)
            rejected = 0
            for i in range(n):
                rejected |= verdict[slots[i] if slots != NULL else <slot_t> i]
            self.runs[run].silent &= rejected == 0

    cdef void _take_verdicts(self, const slot_t* slots, Py_ssize_t n) noexcept nogil:
        """Let each node's verdict be its first rejection, and keep count of the feasible ones."""
        cdef verdict_t* first = self.shared.first.data
        cdef verdict_t* verdicts
        cdef int32_t* alive = self.nodes.alive.data
        cdef verdict_t verdict
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef int run
        if slots == NULL:
            for i in range(n):
                first[i] = 0 if alive[i] else NO_NODE
        else:
            for i in range(n):
                first[slots[i]] = 0 if alive[slots[i]] else NO_NODE
        for run in range(self.run_count):
            verdicts = (<Int32Column> self.runs[run].verdict).data
            if self.runs[run].silent:
                continue
            if slots == NULL:
                for i in range(n):
                    first[i] = first[i] if first[i] else verdicts[i]
            else:
                for i in range(n):
                    first[slots[i]] = first[slots[i]] if first[slots[i]] else verdicts[slots[i]]
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            verdict = first[slot]
            if verdict != NO_NODE and self.shared.nominations.any_on(slot):
                with gil:
                    verdict = self._beside_nominated(slot) or verdict
            if verdict != self.verdict.data[slot]:
                self._take_verdict(slot, verdict)

    cdef void _take_verdict(self, slot_t slot, verdict_t verdict) noexcept nogil:
        """A node's verdict is another one than before."""
        cdef verdict_t before = self.verdict.data[slot]
        self.verdict.data[slot] = verdict
        self.revision += 1
        self._count(before, -1)
        self._count(verdict, 1)
        if verdict == 0 or before == 0:
            self._turn(slot, verdict == 0)

    cdef void _count(self, verdict_t verdict, int sign) noexcept nogil:
        """Keep count of the nodes that have a verdict."""
        if verdict > 0:
            if verdict >= self.rejections.capacity:
                with gil:
                    self.rejections.grow(2 * verdict + 16)
            self.rejections.data[verdict] = self.rejections.data[verdict] + sign

    cdef void _turn(self, slot_t slot, bint feasible) noexcept nogil:
        """A node became feasible, or no longer is."""
        cdef score_t raw
        cdef int k
        self.feasible += 1 if feasible else -1
        for k in range(self.normalised_count):
            raw = (<Int64Column> self.normalised[k].raw).data[slot]
            if feasible:
                learn(&self.normalised[k], raw)
            else:
                forget(&self.normalised[k], raw)

    # -- scores -------------------------------------------------------------------------------------

    cdef void _score_plain(self, int depends, const slot_t* slots, Py_ssize_t n) noexcept nogil:
        """Sum the scores of one sort that need no normalisation; those on the load, on top of the fixed ones."""
        cdef score_t* scores = self.shared.scores.data
        cdef score_t* sums = self.fixed.data if depends == ON_SPEC else self.local.data
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef int k
        if depends == ON_SPEC and not self.any_fixed:
            return
        for i in range(n):
            slot = slots[i] if slots != NULL else <slot_t> i
            sums[slot] = self.fixed.data[slot] if self.any_fixed and depends != ON_SPEC else 0
        for k in range(self.plain_count):
            if ((<ScorePlugin> self.plain_refs[k]).depends == ON_SPEC) == (depends == ON_SPEC):
                (<ScorePlugin> self.plain_refs[k]).score(slots, n, scores)
                add_scores(sums, scores, (<ScorePlugin> self.plain_refs[k]).weight, slots, n)

    cdef void _score_raw(self, int depends, const slot_t* slots, Py_ssize_t n) noexcept nogil:
        """Take over fresh raw scores of one sort, and keep the extremes over the feasible nodes."""
        cdef NormalisedScore* score
        cdef score_t* raw
        cdef score_t* fresh
        cdef Py_ssize_t i
        cdef slot_t slot
        cdef bint skipped
        cdef int k
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            if score.depends != depends:
                continue
            # A plugin that is still skipped has nothing else to say than before.
            skipped = (<ScorePlugin> score.plugin).skipped()
            if score.idle and skipped:
                continue
            score.idle = skipped and slots == NULL
            raw = (<Int64Column> score.raw).data
            fresh = self.shared.scores.data
            (<ScorePlugin> score.plugin).score(slots, n, fresh)
            for i in range(n):
                slot = slots[i] if slots != NULL else <slot_t> i
                if fresh[slot] != raw[slot]:
                    if self.verdict.data[slot] == 0:
                        forget(score, raw[slot])
                        learn(score, fresh[slot])
                    raw[slot] = fresh[slot]

    cdef bint _extremes_moved(self) noexcept nogil:
        """Settle the extremes; say whether any is not what the totals were computed with."""
        cdef NormalisedScore* score
        cdef bint moved = False
        cdef int k
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            if score.members and (score.at_low <= 0 or score.at_high <= 0):
                self._find_extremes(score)
            if score.low != score.used_low or score.high != score.used_high:
                score.used_low = score.low
                score.used_high = score.high
                moved = True
        return moved

    cdef void _find_extremes(self, NormalisedScore* score) noexcept nogil:
        """Look the extremes up again after the last node that had one lost it."""
        cdef score_t* raw = (<Int64Column> score.raw).data
        cdef verdict_t* verdict = self.verdict.data
        cdef Py_ssize_t slot
        score.low = INT64_MAX
        score.high = INT64_MIN
        score.at_low = score.at_high = score.members = 0
        for slot in range(self.prepared):
            if verdict[slot] == 0:
                learn(score, raw[slot])

    cdef void _sum(self, const slot_t* slots, Py_ssize_t n) noexcept nogil:
        """Total the scores of some nodes; an infeasible node's total is INT64_MIN."""
        cdef score_t* total = self.total.data
        cdef score_t* rescaled = self.shared.scores.data
        cdef NormalisedScore* score
        cdef score_t same = 0, each
        cdef int k
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            if is_uniform(score, self.feasible):
                (<ScorePlugin> score.plugin).normalise(NULL, 1, &score.low, score.low, score.high, &each)
                same += score.weight * each
        copy_sums(total, self.local.data, same, slots, n)
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            if not is_uniform(score, self.feasible):
                (<ScorePlugin> score.plugin).normalise(
                    slots, n, (<Int64Column> score.raw).data, score.low, score.high, rescaled
                )
                add_scores(total, rescaled, score.weight, slots, n)
        leave_out(total, self.verdict.data, slots, n)

    cdef bint looks_elsewhere(self) noexcept nogil:
        """Whether any filter looks at pods elsewhere than on the node that it judges."""
        cdef int run
        for run in range(self.run_count):
            if self._looks_elsewhere(&self.runs[run]):
                return True
        return False

    cdef bint _looks_elsewhere(self, const FilterRun* run) noexcept nogil:
        cdef int k
        for k in range(run.start, run.end):
            if (<FilterPlugin> self.filter_refs[k]).looks_elsewhere():
                return True
        return False

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
        cdef verdict_t* verdict = self.shared.trial.data
        cdef int k
        self.settle()
        verdict[slot] = 0
        for k in range(self.filter_count):
            (<FilterPlugin> self.filter_refs[k]).filter(&slot, 1, verdict)
            if verdict[slot]:
                break
        return verdict[slot]

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
        verdict = self.trial(slot)
        self.shared.nominations.suppose(infos, slot, -1)
        self.settle()
        return verdict

    cdef Entry best(self) noexcept nogil:
        """The best node, its total and how many share it, as of the last refresh."""
        return self.tournament.root()

    def invalidate(self):
        """Forget what is known, so that the next refresh looks at every node."""
        self.valid = False

    def release(self):
        """Give back what the plugins hold of the engine; the class must not be used again."""
        for plugin in self.filters + self.scores:
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
        return self.total.data[slot]

    def total_alone(self, Py_ssize_t slot):
        """The total that a feasible node would have were it the only one, as of the last refresh.

        None where scores of pods elsewhere depend on which nodes are feasible: that takes a class of its own.
        """
        cdef score_t total = self.local.data[slot], raw, each
        cdef NormalisedScore* score
        cdef int k
        for k in range(self.normalised_count):
            score = &self.normalised[k]
            raw = (<Int64Column> score.raw).data[slot]
            if raw == NO_SCORE or (score.depends == ON_TOPOLOGY and not (<ScorePlugin> score.plugin).skipped()):
                return None
            (<ScorePlugin> score.plugin).normalise(NULL, 1, &raw, raw, raw, &each)
            total += score.weight * each
        return total

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
        return self.total.to_numpy(self.prepared)

    def score_columns(self):
        """Every score plugin's columns, as of the last refresh.

        Returns:
            Plugin name -> (raw, normalised, weight), the first two int64[top]. Plugins that kube-scheduler
            would have skipped are left out; where a plugin does not normalise, both columns are the same.
        """
        cdef NormalisedScore* score
        cdef ScorePlugin plugin
        cdef Int64Column out = Int64Column(self.nodes.capacity)
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
                raw = <Int64Column> score.raw
                plugin.normalise(NULL, self.prepared, (<Int64Column> raw).data, score.low, score.high, out.data)
                columns[plugin.name] = (raw.to_numpy(self.prepared), out.to_numpy(self.prepared), plugin.weight)
        return columns
