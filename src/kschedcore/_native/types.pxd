"""The core's number types, shared by every native module."""

from libc.stdint cimport int32_t, int64_t

ctypedef int32_t slot_t      # index of a node in the node table; slots of removed nodes are reused
ctypedef int32_t verdict_t   # 0: the node passes; otherwise a row of the reason table
ctypedef int64_t score_t     # kube-scheduler's int64 scores

cdef enum:
    NO_SLOT = -1
    ABSENT = -1              # label code of a node that does not carry the key

# framework.Code of kube-scheduler, as far as a node's verdict can carry it.
cdef enum:
    ERROR = 1                # the plugin failed, which ends the cycle
    UNSCHEDULABLE = 2
    UNRESOLVABLE = 3         # UnschedulableAndUnresolvable: no eviction can help
    SKIPPED = 4              # left out by a PreFilter plugin's node list (PreFilterResult)

# Resources that every node has, in this order; scalar resources follow as they are met.
cdef enum:
    CPU = 0                  # millicores
    MEMORY = 1               # bytes
    EPHEMERAL_STORAGE = 2    # bytes
    PODS = 3                 # number of pods: a resource of which every pod requests one
    FIRST_SCALAR = 4

cdef enum:
    MAX_NODE_SCORE = 100

cdef extern from *:
    """
    #define KSCHEDCORE_NO_SCORE INT64_MIN
    """
    # Raw score of a node that takes no part in a plugin's normalisation.
    const int64_t NO_SCORE "KSCHEDCORE_NO_SCORE"
