"""The loops of kernels.h."""

from libc.stdint cimport int32_t, int64_t

cdef enum:
    CHUNK = 256                        # nodes per chunk of a column
    FEW = 8                            # for up to this many nodes, a scalar loop is faster

cdef extern from "kernels.h" nogil:
    int64_t ks_sum(int64_t one, int64_t other)
    int64_t ks_difference(int64_t one, int64_t other)
    int64_t ks_product(int64_t one, int64_t other)
    int64_t ks_quotient(int64_t dividend, int64_t divisor)
    void ks_gather(const int64_t* column, const int32_t* slots, Py_ssize_t n, int64_t* out)
    bint ks_lack(
        const int64_t* allocatable, const int64_t* requested, int64_t amount, int32_t* lacking, Py_ssize_t n
    )
    bint ks_least_allocated(
        const int64_t* used, const int64_t* capacity, int64_t request, int64_t weight, int64_t* total, Py_ssize_t n
    )
    void ks_average(int64_t* total, int64_t weight, Py_ssize_t n)
    bint ks_balance(
        const int64_t* requested, const int64_t* capacity, int64_t request, const int64_t* other_requested,
        const int64_t* other_capacity, int64_t other_request, int improvement, int64_t* score, Py_ssize_t n
    )
    void ks_best_of_blocks(const int64_t* scores, Py_ssize_t n, int64_t* best)
    void ks_extremes(
        const int64_t* raw, const int32_t* verdict, Py_ssize_t n, int64_t* low, int64_t* high, int64_t* members
    )
    int64_t ks_count_of(const int64_t* raw, const int32_t* verdict, int64_t score, Py_ssize_t n)
    void ks_add(int64_t* sums, const int64_t* scores, int64_t weight, Py_ssize_t n)


cdef inline const int64_t* chunk_of(
    const int64_t* column, const int32_t* slots, Py_ssize_t start, Py_ssize_t n, int64_t* buffer
) noexcept nogil:
    """Return a chunk of a column: in place, or gathered into ``buffer`` when slots are listed."""
    if slots == NULL:
        return column + start
    ks_gather(column, slots + start, n, buffer)
    return buffer
