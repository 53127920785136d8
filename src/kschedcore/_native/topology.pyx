"""Counts of pods by topology domain, updated as pods are bound and unbound.

A *group* is the pods that a label selector selects in some namespaces, or the pods that have a given affinity term (a
*carrier group*). A *domain table* counts a group by the values of one topology key. A pod's PodInfo lists the groups
it belongs to, so binding a pod touches just the tables it counts in.
"""

from cpython.ref cimport PyObject
from kschedcore._native.columns cimport ChangeLog, Int32Column, Int64Column
from kschedcore._native.labels cimport LabelColumn
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.podinfo cimport Label, PodInfo, intern_text
from kschedcore._native.pods cimport NO_POD, PodTable
from kschedcore._native.types cimport ABSENT, slot_t
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc, realloc

cdef enum Operator:
    IN
    NOT_IN
    EXISTS
    DOES_NOT_EXIST

_OPERATORS = {"In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST}


cdef class PodSelector:
    """A label selector over pods (metav1.LabelSelector): all requirements must hold.

    Args:
        requirements: (key, operator, values) with operators In, NotIn, Exists and DoesNotExist.
    """

    def __cinit__(self, requirements):
        cdef LabelRequirement* requirement
        cdef int i
        self.requirements = <LabelRequirement*> calloc(len(requirements) + 1, sizeof(LabelRequirement))
        if self.requirements == NULL:
            raise MemoryError
        for key, operator, values in requirements:
            requirement = &self.requirements[self.count]
            requirement.op = _OPERATORS[operator]
            requirement.key = intern_text(key)
            requirement.count = len(values)
            requirement.values = <int32_t*> malloc((len(values) + 1) * sizeof(int32_t))
            if requirement.values == NULL:
                raise MemoryError
            for i in range(requirement.count):
                requirement.values[i] = intern_text(values[i])
            self.count += 1

    def __dealloc__(self):
        cdef int i
        for i in range(self.count):
            free(self.requirements[i].values)
        free(self.requirements)

    cdef bint matches(self, const Label* labels, int label_count) noexcept nogil:
        cdef const LabelRequirement* requirement
        cdef int32_t value
        cdef bint present, listed
        cdef int r, i
        for r in range(self.count):
            requirement = &self.requirements[r]
            present = listed = False
            for i in range(label_count):
                if labels[i].key == requirement.key:
                    present = True
                    value = labels[i].value
                    break
            if requirement.op == EXISTS or requirement.op == DOES_NOT_EXIST:
                if present != (requirement.op == EXISTS):
                    return False
                continue
            if present:
                for i in range(requirement.count):
                    if requirement.values[i] == value:
                        listed = True
                        break
            if listed != (requirement.op == IN):
                return False
        return True


def _hashable(requirements):
    return tuple([(key, operator, tuple(values)) for key, operator, values in requirements])


def _matches_labels(requirements, labels):
    """Return whether a mapping of labels meets requirements; for namespaces, of which there are few."""
    for key, operator, values in requirements:
        value = labels.get(key)
        found = value is not None if operator in ("Exists", "DoesNotExist") else value in values
        if found is not (operator in ("Exists", "In")):
            return False
    return True


cdef class AffinityTerm:
    """The pods that an affinity term or a spread constraint selects.

    Args:
        namespaces: Names of namespaces.
        requirements: (key, operator, values) over pod labels; empty selects every pod.
        namespace_selector: Requirements over namespace labels for further namespaces, or None.
    """

    def __cinit__(self, namespaces, requirements, namespace_selector=None):
        self.namespaces = frozenset(namespaces)
        self.requirements = _hashable(requirements)
        self.namespace_selector = None if namespace_selector is None else _hashable(namespace_selector)
        self.selector = PodSelector(self.requirements)

    def _identity(self):
        return self.namespaces, self.requirements, self.namespace_selector

    def __eq__(self, other):
        return isinstance(other, AffinityTerm) and self._identity() == other._identity()

    def __hash__(self):
        return hash(self._identity())

    def selects_namespace(self, str name, dict namespaces, bint unknown):
        """Return whether pods of a namespace can match.

        ``namespaces`` has the labels of those that exist; ``unknown``: treat others as namespaces without labels.
        """
        if name in self.namespaces:
            return True
        if self.namespace_selector is None:
            return False
        if not self.namespace_selector:
            return True
        labels = namespaces.get(name)
        if labels is None:
            if not unknown:
                return False
            labels = {}
        return _matches_labels(self.namespace_selector, labels)

    def selects(self, PodInfo info not None, dict namespaces, bint unknown=True):
        """Return whether the term selects pods with ``info``."""
        return self.selector.matches(info.label_pairs, info.label_count) and self.selects_namespace(
            info.namespace, namespaces, unknown
        )


cdef class DomainTable:
    """Counts of one group by domain.

    A node's domain is its code in ``codes``: the topology key's own column, or a column of the plugin that uses the
    table, which decides which nodes count and calls :meth:`move_node`.

    Attributes:
        group: The pods that are counted.
        key: The topology key's column.
        total: The sum over all domains.
    """

    def __cinit__(self, PodGroup group not None, LabelColumn key not None, Int32Column codes not None):
        self.group = group
        self.key = key
        self.codes = codes
        self.count = Int64Column(8)
        self.log = ChangeLog(256)

    cdef int add(self, slot_t slot, int64_t amount) except -1 nogil:
        """Count ``amount`` more for a pod on the node in ``slot``."""
        cdef int32_t code = self.codes.data[slot] if slot < self.codes.capacity else ABSENT
        if code == ABSENT:
            return 0
        if code >= self.count.capacity:
            with gil:
                self.count.grow(2 * code + 8)
        self.count.data[code] = self.count.data[code] + amount
        self.total = self.total + amount
        self.log.append(code)
        return 0

    cdef int move_node(self, PodTable pods, slot_t slot, int32_t code) except -1:
        """Move a node, with its pods, to another domain (or to none)."""
        cdef int32_t pod = pods.on_node(slot)
        cdef int64_t amount = 0
        while pod != NO_POD:
            amount += self.group.amount(<PodInfo> pods.pods[pod].info)
            pod = pods.pods[pod].next_on_node
        self.add(slot, -amount)
        self.codes.data[slot] = code
        self.add(slot, amount)
        return 0

    cdef int64_t at(self, int32_t code) noexcept nogil:
        """Return the count of one domain."""
        return self.count.data[code] if code < self.count.capacity else 0

    def counts(self):
        """Return value of the topology key -> count, for domains with a count other than 0."""
        cdef Py_ssize_t code
        return {
            self.key.values[code]: self.count.data[code]
            for code in range(min(len(self.key.values), self.count.capacity)) if self.count.data[code]
        }


cdef class PodGroup:
    """Pods that are counted together, and the tables that count them."""

    def __cinit__(self, int32_t id, tuple key, tuple terms, bint carriers, bint terminating):
        self.id = id
        self.key = key
        self.terms = terms
        self.carriers = carriers
        self.terminating = terminating
        self.tables = {}

    def __dealloc__(self):
        free(self.table_refs)

    cdef int64_t amount(self, PodInfo info) except? -1:
        """Return the amount that one pod counts, 0 when it does not belong."""
        cdef int i
        for i in range(info.share_count):
            if info.shares[i].group == self.id:
                return info.shares[i].amount
        return 0

    def _index(self):
        """Copy the tables to an array for code without the GIL."""
        cdef PyObject** refs = <PyObject**> realloc(self.table_refs, (len(self.tables) + 1) * sizeof(PyObject*))
        if refs == NULL:
            raise MemoryError
        self.table_refs = refs
        self.table_count = 0
        for table in self.tables.values():
            refs[self.table_count] = <PyObject*> table
            self.table_count += 1


cdef class Topology:
    """All groups of an engine and the namespaces that their terms refer to.

    Attributes:
        namespaces: Name -> labels of every namespace that exists.
        carrier_version: Grows with every new carrier group.
    """

    def __cinit__(self, NodeTable nodes not None, PodTable pods not None):
        self.nodes = nodes
        self.pods = pods
        self.groups = []
        self.groups_by_key = {}
        self.namespaces = {}
        self.free_ids = []
        self.infos = set()

    def __dealloc__(self):
        free(self.group_refs)

    cpdef int register(self, PodInfo info) except -1:
        """Compute the groups of an info, and keep them up to date; no-op if the info is registered.

        Every info is registered before a pod with it is accounted: one that was released by its last owner is
        registered again.
        """
        if info.registered:
            return 0
        for key in info.carried:
            self.carrier_group(key)
        for group in self.groups:
            if group is not None:
                self._enlist(group, info)
        self.infos.add(info)
        info.registered = True
        return 0

    def forget(self, PodInfo info not None):
        """Unregister an info.

        Raises:
            ValueError: The info has an owner: a bound or nominated pod, a waiting pod or a compiled class.
        """
        if info.users or info.holders:
            raise ValueError(f"{info.users} pods and {info.holders} holders still have this info")
        info.registered = False
        info.share_count = 0
        self.infos.discard(info)

    def requested(self):
        """Return resource -> what all bound pods request, in exact integers (``pods`` counts them)."""
        cdef PodInfo info
        totals = {"pods": self.pods.count}
        for candidate in self.infos:
            info = candidate
            if info.users:
                for resource, amount in info.requested().items():
                    totals[resource] = totals.get(resource, 0) + info.users * amount
        return totals

    def _enlist(self, PodGroup group, PodInfo info):
        cdef int64_t amount
        if group.carriers:
            amount = info.carried.get(group.key, 0)
        else:
            amount = (group.terminating or not info.terminating) and all([
                term.selects(info, self.namespaces, False) for term in group.terms
            ])
        if amount:
            info.add_share(group.id, amount)

    def group(self, tuple terms, bint terminating=True):
        """Return the group of pods that match all ``terms`` (AffinityTerm); a new group is counted."""
        key = ("match", terms, terminating)
        found = self.groups_by_key.get(key)
        if found is None:
            found = self._add_group(key, terms, False, terminating)
            for info in self.infos:
                self._enlist(found, info)
        return found

    def _add_group(self, tuple key, tuple terms, bint carriers, bint terminating):
        cdef PodGroup group
        cdef PyObject** refs
        if not self.free_ids:
            self.free_ids.append(len(self.groups))
            self.groups.append(None)
        group = PodGroup(self.free_ids.pop(), key, terms, carriers, terminating)
        self.groups[group.id] = group
        self.groups_by_key[key] = group
        if group.id >= self.group_capacity:
            refs = <PyObject**> realloc(self.group_refs, (2 * group.id + 8) * sizeof(PyObject*))
            if refs == NULL:
                raise MemoryError
            self.group_refs = refs
            self.group_capacity = 2 * group.id + 8
        self.group_refs[group.id] = <PyObject*> group
        return group

    def carrier_group(self, tuple key):
        """Return the group of pods that have ``key``: (kind, AffinityTerm, topology key or name of a claim)."""
        found = self.groups_by_key.get(key)
        if found is None:
            found = self._add_group(key, (key[1],), True, True)
            self.carrier_version += 1
            self.nodes.generation += 1
        return found

    def carriers(self, str kind):
        """Return the groups of pods that have a term of one kind."""
        return [group for group in self.groups if group is not None and group.carriers and group.key[0] == kind]

    def table(self, PodGroup group not None, LabelColumn key not None):
        """Return the counts of a group by a topology key; all callers share one table."""
        found = group.tables.get(key.key)
        if found is None:
            found = group.tables[key.key] = DomainTable(group, key, key.codes)
            group._index()
            self._count(found)
        (<DomainTable> found).users += 1
        return found

    def private_table(self, PodGroup group not None, LabelColumn key not None, Int32Column codes not None):
        """Return a table whose user sets the domain of each node; at first no node is in any domain."""
        cdef DomainTable table = DomainTable(group, key, codes)
        table.users = 1
        group.tables[id(table)] = table
        group._index()
        return table

    def release(self, DomainTable table not None):
        """Release a table; with its last user the table, and a group without tables, is dropped."""
        cdef PodGroup group = table.group
        table.users -= 1
        if table.users:
            return
        group.tables = {name: other for name, other in group.tables.items() if other is not table}
        group._index()
        if not group.tables and not group.carriers:
            for info in self.infos:
                (<PodInfo> info).drop_share(group.id)
            del self.groups_by_key[group.key]
            self.groups[group.id] = None
            self.free_ids.append(group.id)

    def _count(self, DomainTable table):
        """Count the bound pods of the table's group."""
        cdef PodInfo info
        cdef int64_t amount
        cdef int32_t pod
        for candidate in self.infos:
            info = candidate
            amount = table.group.amount(info)
            pod = info.first_pod if amount else NO_POD
            while pod != NO_POD:
                table.add(self.pods.pods[pod].slot, amount)
                pod = self.pods.pods[pod].next_alike

    def set_namespace(self, str name, labels):
        """Add or relabel a namespace, or remove it (None), and count the groups that depend on it again."""
        before = self.namespaces.get(name)
        if labels is None:
            self.namespaces.pop(name, None)
        else:
            self.namespaces[name] = dict(labels)
        if before == self.namespaces.get(name):
            return
        self.nodes.generation += 1
        self.carrier_version += 1
        for group in self.groups:
            if group is not None and not group.carriers and any(t.namespace_selector for t in group.terms):
                self._reenlist(group, name)

    def _reenlist(self, PodGroup group, str namespace):
        """Update which infos of a namespace belong to a group, with the counts of their pods."""
        cdef PodInfo info
        cdef DomainTable table
        cdef int64_t before, after
        cdef int32_t pod
        for candidate in self.infos:
            info = candidate
            if info.namespace != namespace:
                continue
            before = group.amount(info)
            info.drop_share(group.id)
            self._enlist(group, info)
            after = group.amount(info)
            pod = info.first_pod if before != after else NO_POD
            while pod != NO_POD:
                for found in group.tables.values():
                    table = found
                    table.add(self.pods.pods[pod].slot, after - before)
                pod = self.pods.pods[pod].next_alike

    cdef int move(self, PodInfo info, slot_t slot, int sign) except -1 nogil:
        """Count a pod on a node (``sign`` 1) or remove it from the counts (-1)."""
        cdef PyObject* group
        cdef int i, t
        for i in range(info.share_count):
            group = self.group_refs[info.shares[i].group]
            for t in range((<PodGroup> group).table_count):
                (<DomainTable> (<PodGroup> group).table_refs[t]).add(slot, sign * info.shares[i].amount)
        return 0
