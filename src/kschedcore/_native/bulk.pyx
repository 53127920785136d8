"""Add many nodes, or bind many pods, in one call, from columns."""

import numpy as np

from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int64Column
from kschedcore._native.core cimport Core
from kschedcore._native.labels cimport LabelColumn
from kschedcore._native.nodes cimport SPARSE_SHARE, NodeTable
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.pods cimport NO_POD
from kschedcore._native.types cimport ABSENT, slot_t
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc


def bind_rows(Core core not None, list infos not None, const int32_t[::1] info_of not None,
              const slot_t[::1] slots not None, const int64_t[::1] starts not None,
              const int64_t[::1] arrivals not None):
    """Bind pods to nodes, in order: ``Core.bind`` for many.

    Args:
        core: The engine's state.
        infos: PodInfos.
        info_of: int32[n]: the index of each pod's info in ``infos``.
        slots: int32[n]: their nodes; a pod with a negative slot is skipped.
        starts: int64[n], see ``Core.bind``.
        arrivals: int64[n], see ``Core.bind``.

    Returns:
        int32[n]: the pods' numbers, -1 where skipped.
    """
    cdef Py_ssize_t n = info_of.shape[0], i
    cdef PyObject** refs = <PyObject**> malloc((len(infos) + 1) * sizeof(PyObject*))
    numbers = np.full(n, NO_POD, np.int32)
    cdef int32_t[::1] view = numbers
    if refs == NULL:
        raise MemoryError
    try:
        for i in range(len(infos)):
            refs[i] = <PyObject*> <PodInfo?> infos[i]
        with nogil:
            for i in range(n):
                if slots[i] >= 0:
                    view[i] = core.put(<PodInfo> refs[info_of[i]], slots[i], starts[i], arrivals[i])
    finally:
        free(refs)
    return numbers


def add_nodes(NodeTable nodes not None, list names not None, dict allocatable not None, dict labels not None,
              key_sets, taint_sets, const unsigned char[::1] unschedulable not None, list images not None):
    """Add new nodes in one step that no signal handler interrupts.

    Args:
        nodes: The table.
        names: The nodes' names.
        allocatable: Resource -> int64[n]: cpu in millicores, others in whole units.
        labels: Key -> (int32[n], list): the index of each node's value in the list, -1 for none.
        key_sets: (int32[n], list): the index of each node's tuple of label keys in the list.
        taint_sets: (int32[n], list): the same of tuples of taints (key, value, effect).
        unschedulable: uint8[n]: ``spec.unschedulable``.
        images: (node's index in ``names``, images) of nodes that have any, see ``NodeTable.set``.

    Raises:
        ValueError: There would be too many resource names; nothing was added.
    """
    for resource in allocatable:
        nodes.resource(resource)
    slots = np.array([nodes._admit(name) for name in names], np.int32)
    for resource, amounts in allocatable.items():
        _set_allocatable(nodes, resource, slots, amounts)
    for key, (codes, values) in labels.items():
        _set_label(nodes, key, slots, codes, values)
    _finish(nodes, slots, key_sets, taint_sets, unschedulable)
    for place, found in images:
        nodes._set_images(<slot_t> slots[place], found)


def _set_allocatable(NodeTable nodes, str resource, const slot_t[::1] slots, const int64_t[::1] amounts):
    cdef Py_ssize_t i
    cdef Int64Column column = nodes.allocatable_columns[nodes.resource(resource)]
    for i in range(slots.shape[0]):
        column.data[slots[i]] = amounts[i]


def _set_label(NodeTable nodes, str key, const slot_t[::1] slots, const int32_t[::1] codes, list values):
    cdef Py_ssize_t i
    cdef LabelColumn column
    if key not in nodes.labels:
        carried = np.flatnonzero(np.asarray(codes) >= 0).tolist()
        if len(carried) * SPARSE_SHARE <= nodes.capacity:
            for i in carried:
                nodes.set_label(slots[i], key, values[codes[i]])
            return
    column = nodes.label(key)
    own = np.array([column.code(value) for value in values], np.int32)
    cdef const int32_t[::1] own_codes = own
    for i in range(slots.shape[0]):
        column.assign(slots[i], ABSENT if codes[i] < 0 else own_codes[codes[i]])


def _finish(NodeTable nodes, const slot_t[::1] slots, key_sets, taint_sets, const unsigned char[::1] unschedulable):
    """Set label keys, taints and ``unschedulable`` of nodes, and log the nodes as changed."""
    cdef const int32_t[::1] keys_of = key_sets[0], taints_of = taint_sets[0]
    cdef Py_ssize_t i
    cdef list keys = key_sets[1]
    ids = np.array([nodes.taints(taints) for taints in taint_sets[1]], np.int32)
    cdef const int32_t[::1] own_ids = ids
    for i in range(slots.shape[0]):
        nodes.label_keys_of[slots[i]] = keys[keys_of[i]]
        nodes.taint_set.data[slots[i]] = own_ids[taints_of[i]]
        nodes.unschedulable.data[slots[i]] = unschedulable[i]
        nodes.touch(slots[i])
