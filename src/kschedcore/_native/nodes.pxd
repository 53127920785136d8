from kschedcore._native.columns cimport ChangeLog, Int32Column, Int64Column
from kschedcore._native.labels cimport LabelColumn
from kschedcore._native.types cimport slot_t
from libc.stdint cimport int32_t, int64_t

cdef enum:
    SPARSE_SHARE = 8                   # a column is kept from when one node in so many carries its label key

cdef struct Holding:
    int64_t token                      # what is held, interned (see podinfo.pyx)
    int32_t tag                        # a port's host address, a disk's mode, a volume's driver
    int32_t users

cdef struct HoldingList:
    Holding* entries
    int32_t count
    int32_t capacity

cdef class NodeTable:
    cdef readonly Py_ssize_t capacity
    cdef readonly Py_ssize_t top       # slots below this have been given out
    cdef readonly Py_ssize_t count     # nodes that exist
    # resources, indexed [resource][slot]
    cdef int resources
    cdef int64_t** allocatable
    cdef int64_t** requested
    cdef list allocatable_columns, requested_columns
    cdef Int64Column non_zero_cpu, non_zero_memory   # requests with scoring's defaults filled in
    # the node's own properties
    cdef Int32Column alive, unschedulable, taint_set, image_set
    cdef Int64Column rank              # ascending with the node's name
    cdef LabelColumn name
    cdef dict labels                   # key -> LabelColumn
    cdef dict sparse_labels            # key -> {slot: value}, for keys of few nodes that no selector has read
    cdef HoldingList* held             # ports, disks and volumes that pods hold on each node
    # dictionaries
    cdef readonly list resource_names, taint_sets, image_sets, image_names
    cdef dict resource_ids, taint_set_ids, image_set_ids, image_ids, slots
    cdef list ordered_names, free_slots
    cdef Int32Column name_order        # the slots in name order, while name_order_valid
    cdef bint name_order_valid
    cdef Int64Column image_size, image_nodes
    cdef readonly int64_t image_version
    cdef public int64_t generation     # grows with every change that compiled classes must prepare for
    cdef list label_keys_of            # slot -> keys the node carries
    # slots that changed: the node's specification, or what is accounted on it
    cdef ChangeLog spec_log, load_log
    cdef LabelColumn label(self, str key)
    cdef LabelColumn label_column(self, str key)
    cdef int set_label(self, slot_t slot, str key, str value) except -1
    cdef int remove_label(self, slot_t slot, str key) except -1
    cdef int touch(self, slot_t slot) except -1
    cdef int hold(self, slot_t slot, int64_t token, int32_t tag, int32_t delta) except -1 nogil
    cdef const slot_t* in_name_order(self) except NULL
    cdef bint holds(self, slot_t slot, int64_t token) noexcept nogil
