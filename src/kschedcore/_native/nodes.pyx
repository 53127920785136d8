"""The node table: every node as one row of columns.

A node has a slot, its row number in all columns, for as long as it exists. Its specification (labels, taints,
allocatable, images) and what is accounted on it (requested resources, ports) change at different rates, so each
has its own change log.
"""

import bisect

import numpy as np

from kschedcore._native.columns cimport ChangeLog, Int32Column, Int64Column
from kschedcore._native.labels cimport LabelColumn
from kschedcore._native.types cimport FIRST_SCALAR, ABSENT, slot_t
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

cdef enum:
    MAX_RESOURCES = 126                # number of bits in the two 63-bit masks of a reason

cdef int64_t RANK_GAP = 1 << 32        # 32 insertions between two names before all are renumbered

# No label key starts with "@", so the column of names can be one of the label columns.
NAME_FIELD = "@metadata.name"


cdef class NodeTable:
    """Columns of all nodes, addressed by slot.

    Attributes:
        count: Number of nodes.
        top: Slots are below this; some may belong to nodes that were removed.
        resource_names: Name of every resource by id: cpu (millicores), memory, ephemeral-storage (bytes),
            pods, then scalar resources in the order they were first named.
        taint_sets: Every distinct taint set, as tuples of (key, value, effect).
        image_sets: Every distinct set of images, as tuples of image ids.
    """

    def __cinit__(self):
        self.capacity = 64
        self.top = 0
        self.count = 0
        self.resources = 0
        self.allocatable = <int64_t**> calloc(MAX_RESOURCES, sizeof(int64_t*))
        self.requested = <int64_t**> calloc(MAX_RESOURCES, sizeof(int64_t*))
        self.held = <HoldingList*> calloc(self.capacity, sizeof(HoldingList))
        if self.allocatable == NULL or self.requested == NULL or self.held == NULL:
            raise MemoryError
        self.allocatable_columns = []
        self.requested_columns = []
        self.non_zero_cpu = Int64Column(self.capacity)
        self.non_zero_memory = Int64Column(self.capacity)
        self.alive = Int32Column(self.capacity)
        self.unschedulable = Int32Column(self.capacity)
        self.taint_set = Int32Column(self.capacity)
        self.image_set = Int32Column(self.capacity)
        self.rank = Int64Column(self.capacity)
        self.name = LabelColumn(NAME_FIELD, self.capacity)
        self.labels = {}
        self.sparse_labels = {}
        self.resource_names = []
        self.resource_ids = {}
        self.taint_sets = [()]
        self.taint_set_ids = {(): 0}
        self.image_sets = [()]
        self.image_set_ids = {(): 0}
        self.image_names = []
        self.image_ids = {}
        self.image_size = Int64Column(16)
        self.image_nodes = Int64Column(16)
        self.slots = {}
        self.ordered_names = []
        self.name_order = Int32Column(1)
        self.free_slots = []
        self.label_keys_of = [()] * self.capacity
        self.spec_log = ChangeLog(2 * self.capacity)
        self.load_log = ChangeLog(2 * self.capacity)
        for resource in ("cpu", "memory", "ephemeral-storage", "pods"):
            self.resource(resource)

    def __dealloc__(self):
        cdef Py_ssize_t slot
        if self.held != NULL:
            for slot in range(self.capacity):
                free(self.held[slot].entries)
        free(self.held)
        free(self.allocatable)
        free(self.requested)

    def __len__(self):
        return self.count

    # -- dictionaries -------------------------------------------------------------------------------

    def resource(self, str name):
        """Return the id of resource ``name``; a new resource gets a new id.

        Raises:
            ValueError: More than 126 distinct resource names in one cluster.
        """
        found = self.resource_ids.get(name)
        if found is not None:
            return found
        cdef int resource = self.resources
        if resource == MAX_RESOURCES:
            raise ValueError(f"resource {name!r} is one too many: a cluster may name at most {MAX_RESOURCES}")
        allocatable, requested = Int64Column(self.capacity), Int64Column(self.capacity)
        self.allocatable_columns.append(allocatable)
        self.requested_columns.append(requested)
        self.allocatable[resource] = (<Int64Column> allocatable).data
        self.requested[resource] = (<Int64Column> requested).data
        self.resource_names.append(name)
        self.resource_ids[name] = resource
        self.resources += 1
        return resource

    def taints(self, tuple taints):
        """Return the id of a taint set: a tuple of (key, value, effect) in the node's own order."""
        found = self.taint_set_ids.get(taints)
        if found is None:
            found = self.taint_set_ids[taints] = len(self.taint_sets)
            self.taint_sets.append(taints)
        return found

    def image(self, str name):
        """Return the id of an image by one of its names."""
        cdef Py_ssize_t image
        found = self.image_ids.get(name)
        if found is None:
            found = self.image_ids[name] = image = len(self.image_names)
            self.image_names.append(name)
            if image >= self.image_size.capacity:
                self.image_size.grow(2 * image)
                self.image_nodes.grow(2 * image)
        return found

    cdef LabelColumn label(self, str key):
        """Return the column of a label key; a key without one gets it, and keeps it."""
        if key == NAME_FIELD:
            return self.name
        found = self.labels.get(key)
        if found is None:
            found = self.labels[key] = self.label_column(key)
            self.sparse_labels.pop(key, None)
        return <LabelColumn> found

    cdef LabelColumn label_column(self, str key):
        """Return the column of a label key, a temporary one of a key without its own."""
        cdef LabelColumn column
        found = self.labels.get(key)
        if found is not None:
            return <LabelColumn> found
        column = LabelColumn(key, self.capacity)
        column.fill(self.sparse_labels.get(key, {}))
        return column

    cdef int set_label(self, slot_t slot, str key, str value) except -1:
        """Set a label of a node. A column is kept from when an eighth of the nodes carry the key."""
        cdef LabelColumn column
        found = self.labels.get(key)
        if found is None:
            holders = self.sparse_labels.get(key)
            if holders is None:
                holders = self.sparse_labels[key] = {}
            holders[slot] = value
            if len(<dict> holders) * SPARSE_SHARE > self.capacity:
                self.label(key)
            return 0
        column = <LabelColumn> found
        return column.assign(slot, column.code(value))

    cdef int remove_label(self, slot_t slot, str key) except -1:
        """Remove a label that a node carries."""
        found = self.labels.get(key)
        if found is not None:
            return (<LabelColumn> found).assign(slot, ABSENT)
        holders = self.sparse_labels[key]
        del holders[slot]
        if not holders:
            del self.sparse_labels[key]
        return 0

    def name_column(self):
        """Return the column of node names."""
        return self.name

    # -- nodes --------------------------------------------------------------------------------------

    def slot_of(self, str name):
        """Return the slot of the node ``name``, or -1."""
        return self.slots.get(name, -1)

    def name_of(self, Py_ssize_t slot):
        """Return the name of the node in ``slot``."""
        return self.name.of(slot)

    def names(self):
        """Return the names of all nodes, sorted."""
        return list(self.ordered_names)

    def set(self, str name, dict allocatable, dict labels, tuple taints, tuple images, bint unschedulable):
        """Add the node ``name``, or replace its specification; what is accounted on it stays.

        Args:
            name: The node's name.
            allocatable: Resource name -> amount, cpu in millicores, others in whole units.
            labels: Label key -> value.
            taints: (key, value, effect) in the node's own order.
            images: (names, size in bytes) in the node's own order.
            unschedulable: ``spec.unschedulable``.

        Returns:
            The node's slot.
        """
        cdef slot_t slot = self.slots.get(name, -1)
        cdef int resource
        cdef int64_t* column
        for key in allocatable:
            self.resource(key)
        if slot < 0:
            slot = self._admit(name)
        for resource in range(self.resources):
            column = (<Int64Column> self.allocatable_columns[resource]).data
            column[slot] = 0
        for key, amount in allocatable.items():
            column = (<Int64Column> self.allocatable_columns[self.resource_ids[key]]).data
            column[slot] = amount
        for key in self.label_keys_of[slot]:
            if key not in labels:
                self.remove_label(slot, key)
        for key, value in labels.items():
            self.set_label(slot, key, value)
        self.label_keys_of[slot] = tuple(labels)
        self.taint_set.data[slot] = self.taints(taints)
        self.unschedulable.data[slot] = unschedulable
        self._set_images(slot, images)
        self.touch(slot)
        return slot

    def remove(self, str name):
        """Remove a node; its slot may be reused. Its pods must have been removed before.

        Raises:
            KeyError: There is no such node.
        """
        cdef slot_t slot = self.slots.pop(name)
        cdef int resource
        for key in self.label_keys_of[slot]:
            self.remove_label(slot, key)
        self.label_keys_of[slot] = ()
        self.name.assign(slot, ABSENT)
        self._set_images(slot, ())
        for resource in range(self.resources):
            self.allocatable[resource][slot] = 0
        self.taint_set.data[slot] = 0
        self.unschedulable.data[slot] = 0
        self.alive.data[slot] = 0
        del self.ordered_names[bisect.bisect_left(self.ordered_names, name)]
        self.name_order_valid = False
        self.free_slots.append(slot)
        self.count -= 1
        self.touch(slot)

    def _admit(self, str name):
        """Assign a slot and a rank in name order to a new node."""
        cdef slot_t slot
        if self.free_slots:
            slot = self.free_slots.pop()
        else:
            if self.top == self.capacity:
                self._grow(2 * self.capacity)
            slot = <slot_t> self.top
            self.top += 1
        self.slots[name] = slot
        self.name.assign(slot, self.name.code(name))
        self.alive.data[slot] = 1
        self.count += 1
        self._rank(slot, name)
        return slot

    def _rank(self, slot_t slot, str name):
        """Assign a rank between those of the adjacent names; renumber all when there is none left."""
        cdef Py_ssize_t at = bisect.bisect_left(self.ordered_names, name)
        cdef int64_t before, after
        self.ordered_names.insert(at, name)
        self.name_order_valid = False
        before = 0 if at == 0 else self.rank.data[<slot_t> self.slots[self.ordered_names[at - 1]]]
        if at + 1 == len(self.ordered_names):
            self.rank.data[slot] = before + RANK_GAP
            return
        after = self.rank.data[<slot_t> self.slots[self.ordered_names[at + 1]]]
        self.rank.data[slot] = before + (after - before) // 2
        if after - before < 2:
            for place, other in enumerate(self.ordered_names):
                self.rank.data[<slot_t> self.slots[other]] = (place + 1) * RANK_GAP

    def _grow(self, Py_ssize_t capacity):
        cdef int resource
        cdef HoldingList* held = <HoldingList*> realloc(self.held, capacity * sizeof(HoldingList))
        if held == NULL:
            raise MemoryError
        memset(held + self.capacity, 0, (capacity - self.capacity) * sizeof(HoldingList))
        self.held = held
        for resource in range(self.resources):
            (<Int64Column> self.allocatable_columns[resource]).grow(capacity)
            (<Int64Column> self.requested_columns[resource]).grow(capacity)
            self.allocatable[resource] = (<Int64Column> self.allocatable_columns[resource]).data
            self.requested[resource] = (<Int64Column> self.requested_columns[resource]).data
        for column in (self.non_zero_cpu, self.non_zero_memory, self.rank):
            (<Int64Column> column).grow(capacity)
        for column in (self.alive, self.unschedulable, self.taint_set, self.image_set, self.name.codes):
            (<Int32Column> column).grow(capacity)
        for column in self.labels.values():
            (<LabelColumn> column).codes.grow(capacity)
        self.label_keys_of.extend([()] * (capacity - self.capacity))
        self.spec_log.bound = self.load_log.bound = 2 * capacity
        self.capacity = capacity

    def _set_images(self, slot_t slot, tuple images):
        """Set the images of a node and count, for each name, the nodes that have it.

        An image has the size that the first of the nodes which have it reported (the scheduler cache's rule).
        """
        cdef tuple old = self.image_sets[self.image_set.data[slot]]
        cdef Py_ssize_t image
        ids = []
        sizes = {}
        for names, size in images:
            for name in names:
                image = self.image(name)
                if image not in sizes:
                    ids.append(image)
                    sizes[image] = size
        fresh = tuple(ids)
        if not old and not fresh:
            return
        for image in old:
            self.image_nodes.data[image] -= 1
        for image in fresh:
            if self.image_nodes.data[image] == 0:
                self.image_size.data[image] = sizes[image]
            self.image_nodes.data[image] += 1
        found = self.image_set_ids.get(fresh)
        if found is None:
            found = self.image_set_ids[fresh] = len(self.image_sets)
            self.image_sets.append(fresh)
        self.image_set.data[slot] = found
        self.image_version += 1

    cdef int touch(self, slot_t slot) except -1:
        """Log the specification of the node in ``slot`` as changed."""
        self.generation += 1
        self.spec_log.append(slot)
        self.load_log.append(slot)
        return 0

    # -- accounting ---------------------------------------------------------------------------------

    cdef int hold(self, slot_t slot, int64_t token, int32_t tag, int32_t delta) except -1 nogil:
        """Add ``delta`` to the number of pods that hold a host port, a disk or a volume on a node."""
        cdef HoldingList* held = &self.held[slot]
        cdef Holding* entries
        cdef int32_t i, capacity
        for i in range(held.count):
            if held.entries[i].token == token and held.entries[i].tag == tag:
                held.entries[i].users += delta
                if held.entries[i].users == 0:
                    held.count -= 1
                    held.entries[i] = held.entries[held.count]
                return 0
        if held.count == held.capacity:
            capacity = max(4, 2 * held.capacity)
            entries = <Holding*> realloc(held.entries, capacity * sizeof(Holding))
            if entries == NULL:
                with gil:
                    raise MemoryError
            held.entries = entries
            held.capacity = capacity
        held.entries[held.count] = Holding(token, tag, delta)
        held.count += 1
        return 0

    cdef bint holds(self, slot_t slot, int64_t token) noexcept nogil:
        """Return whether a port, disk or volume is held on a node."""
        cdef int32_t i
        for i in range(self.held[slot].count):
            if self.held[slot].entries[i].token == token:
                return True
        return False

    # -- reading ------------------------------------------------------------------------------------

    def spec_of(self, slot_t slot):
        """Return the arguments of :meth:`set` for a node, without its name; resources of amount 0 are left out."""
        cdef int resource
        allocatable = {
            self.resource_names[resource]: self.allocatable[resource][slot]
            for resource in range(self.resources) if self.allocatable[resource][slot]
        }
        labels = {
            key: (<LabelColumn> self.labels[key]).of(slot) if key in self.labels else self.sparse_labels[key][slot]
            for key in self.label_keys_of[slot]
        }
        images = tuple([((name,), size) for name, size in self.images_of(slot)])
        return allocatable, labels, self.taints_of(slot), images, self.is_unschedulable(slot)

    def slots_by_name(self):
        """Return the slots of all nodes in name order, int32[count]."""
        self.in_name_order()
        return self.name_order.to_numpy(self.count)

    cdef const slot_t* in_name_order(self) except NULL:
        """Return the slots of all nodes in name order, ``count`` of them."""
        cdef Py_ssize_t i
        if not self.name_order_valid:
            self.name_order.grow(self.count)
            for i in range(self.count):
                self.name_order.data[i] = self.slots[self.ordered_names[i]]
            self.name_order_valid = True
        return self.name_order.data

    def allocatable_of(self, str resource):
        """Return allocatable of one resource by slot, int64[top]."""
        return (<Int64Column> self.allocatable_columns[self.resource_ids[resource]]).to_numpy(self.top)

    def requested_of(self, str resource):
        """Return what bound pods request of one resource by slot, int64[top]."""
        return (<Int64Column> self.requested_columns[self.resource_ids[resource]]).to_numpy(self.top)

    def resources_in_use(self):
        """Return the four basic resources and all others that a node has allocatable or a bound pod requests."""
        cdef Py_ssize_t slot
        cdef int64_t any_of
        cdef int resource
        names = []
        for resource in range(self.resources):
            any_of = resource < FIRST_SCALAR
            for slot in range(self.top):
                any_of |= self.allocatable[resource][slot] | self.requested[resource][slot]
            if any_of:
                names.append(self.resource_names[resource])
        return names

    def non_zero_of(self, str resource):
        """Return requests of cpu or memory with scoring's defaults, by slot, int64[top]."""
        column = self.non_zero_cpu if resource == "cpu" else self.non_zero_memory
        return column.to_numpy(self.top)

    def label_keys(self):
        """Return all label keys that a node has, and those of the columns that are kept."""
        return [*self.labels, *self.sparse_labels]

    def label_cells(self):
        """Return how many cells the kept columns of labels have, and how many labels are kept without a column."""
        return len(self.labels) * self.capacity, sum(map(len, self.sparse_labels.values()))

    def label_values(self, str key):
        """Return the dictionary of a label key: code -> text."""
        return list(self.label_column(key).values)

    def label_codes(self, str key):
        """Return the codes of a label key by slot, -1 where the node has no such label, int32[top]."""
        return self.label_column(key).codes.to_numpy(self.top)

    def taints_of(self, Py_ssize_t slot):
        """Return the taints of a node as (key, value, effect)."""
        return self.taint_sets[self.taint_set.data[slot]]

    def taint_set_of(self):
        """Return the row of ``taint_sets`` by slot, int32[top]."""
        return self.taint_set.to_numpy(self.top)

    def unschedulable_of(self):
        """Return 1 where ``spec.unschedulable`` is set, by slot, int32[top]."""
        return self.unschedulable.to_numpy(self.top)

    def alive_of(self, const slot_t[::1] slots not None):
        """Return whether each of some slots belongs to a node, bool[k]."""
        cdef Py_ssize_t i
        out = np.empty(slots.shape[0], np.bool_)
        cdef unsigned char[::1] view = out.view(np.uint8)
        for i in range(slots.shape[0]):
            view[i] = slots[i] < self.top and self.alive.data[slots[i]] != 0
        return out

    def is_unschedulable(self, Py_ssize_t slot):
        """Return ``spec.unschedulable`` of a node."""
        return bool(self.unschedulable.data[slot])

    def images_of(self, Py_ssize_t slot):
        """Return (name, size in bytes) of the images on a node; the size is the one that scoring uses."""
        return [
            (self.image_names[image], self.image_size.data[<Py_ssize_t> image])
            for image in self.image_sets[self.image_set.data[slot]]
        ]
