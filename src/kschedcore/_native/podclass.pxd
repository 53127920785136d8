from cpython.ref cimport PyObject
from kschedcore._native.columns cimport Int32Column
from kschedcore._native.nodes cimport NodeTable
from kschedcore._native.podinfo cimport PodInfo
from kschedcore._native.scores cimport Scores
from kschedcore._native.shared cimport Shared
from kschedcore._native.tournament cimport Entry, Tournament
from kschedcore._native.types cimport slot_t, verdict_t
from libc.stdint cimport int64_t

cdef enum:
    MAX_RUNS = 16

cdef struct FilterRun:                 # consecutive filters whose results go stale together
    int start
    int end
    int depends                        # the changes that make them stale, see Depends
    bint rejects_none                  # no kept verdict rejects a node
    PyObject* verdict                  # Int32Column: first rejection within the run; empty at first

cdef class PodClass:
    cdef readonly NodeTable nodes
    cdef readonly PodInfo info
    cdef readonly list filters
    cdef readonly Scores scores
    cdef list columns                  # of the runs' verdicts
    cdef PyObject** filter_refs
    cdef int filter_count
    cdef FilterRun runs[MAX_RUNS]
    cdef int run_count
    cdef bint elsewhere                # whether a filter depends on pods on other nodes
    cdef Int32Column verdict           # 0 feasible; -1 no such node; else a row of the reason table
    cdef Int32Column rejections        # row of the reason table -> nodes that have it
    cdef Tournament tournament
    cdef Shared shared
    cdef Py_ssize_t prepared           # slots below this have columns
    cdef int64_t generation, spec_position, load_position
    cdef bint valid, released
    cdef readonly int64_t feasible
    cdef object failure                # rejection counts when it last failed, and the revision they are of
    cdef int64_t failure_revision
    cdef readonly int64_t revision     # grows whenever a verdict changes
    cdef object findings               # results of preemption dry runs, see preemption.pyx
    cdef bint looks_elsewhere(self) noexcept nogil
    cdef int refresh(self) except -1 nogil
    cdef Entry best(self) noexcept nogil
    cdef verdict_t filter_with_nominated(self, slot_t slot) except? -1
    cdef verdict_t filter_node(self, slot_t slot) except -1 nogil
    cdef verdict_t _filter_nominated(self, slot_t slot) except? -1
    cdef int collect_ignored(self) except -1 nogil
    cdef int _prepare(self, bint everything) except -1
    cdef Py_ssize_t _stale(self, const slot_t** slots) noexcept nogil
    cdef bint _is_active(self, const FilterRun* run) noexcept nogil
    cdef bint _kept(self, const FilterRun* run) noexcept nogil
    cdef int _filter(self, int depends, const slot_t* slots, Py_ssize_t n) except -1 nogil
    cdef int _update_verdicts(self, const slot_t* slots, Py_ssize_t n) except -1 nogil
    cdef int _set_verdicts(self, const verdict_t* verdicts, Py_ssize_t n) except -1 nogil
    cdef int _set_verdict(self, slot_t slot, verdict_t verdict) except -1 nogil
    cdef int _count(self, verdict_t verdict, int sign) except -1 nogil
