/* Exact arithmetic over contiguous columns, in loops that compilers turn into vector code.

   A wheel runs on any machine of its architecture: where the toolchain can (GCC 12 and newer on x86-64 Linux), each
   loop is built for several instruction sets and the loader picks one at run time; elsewhere it is built once.
   All of them return the same results: integers are divided through doubles only where that is exact, doubles are
   neither contracted nor reordered (see EXACT in setup.py). */

#ifndef KSCHEDCORE_KERNELS_H
#define KSCHEDCORE_KERNELS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define KS_MAYBE_UNUSED __attribute__((unused))
#else
#define KS_MAYBE_UNUSED
#endif

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12 \
    && !defined(KSCHEDCORE_ONE_KERNEL)
#define KS_DISPATCHED KS_MAYBE_UNUSED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) static
#else
#define KS_DISPATCHED KS_MAYBE_UNUSED static
#endif

/* Amounts are Go's int64, which wrap around where C leaves the outcome undefined: kube-scheduler adds, subtracts and
   multiplies them without a check (NodeInfo.update, fitsRequest, leastRequestedScore). Quantities beyond int64 are
   capped when they are read (resource.Quantity.Value), so that only sums and products can wrap. */
static inline int64_t ks_sum(int64_t one, int64_t other)
{
    return (int64_t) ((uint64_t) one + (uint64_t) other);
}

static inline int64_t ks_difference(int64_t one, int64_t other)
{
    return (int64_t) ((uint64_t) one - (uint64_t) other);
}

static inline int64_t ks_product(int64_t one, int64_t other)
{
    return (int64_t) ((uint64_t) one * (uint64_t) other);
}

/* The quotient, rounded towards zero; the divisor is not 0. INT64_MIN / -1 is INT64_MIN, as in Go. */
static inline int64_t ks_quotient(int64_t dividend, int64_t divisor)
{
    return divisor == -1 ? ks_difference(0, dividend) : dividend / divisor;
}

/* Number of scores in a block of a tournament, see tournament.pyx. */
#define KS_FANOUT 16

/* 100 times this is exact as a double, which the division through doubles relies on. */
#define KS_EXACT ((int64_t) 1 << 46)

/* out[i] = column[slots[i]] */
KS_DISPATCHED void ks_gather(const int64_t *column, const int32_t *slots, ptrdiff_t n, int64_t *out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = column[slots[i]];
}

/* Set lacking[i] where less than `amount` is free; return whether there is any such node. */
KS_DISPATCHED int ks_lack(const int64_t *allocatable, const int64_t *requested, int64_t amount, int32_t *lacking,
                          ptrdiff_t n)
{
    int any = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        int lacks = amount > ks_difference(allocatable[i], requested[i]);
        lacking[i] |= lacks;
        any |= lacks;
    }
    return any;
}

/* LeastAllocated of one resource: add weight * (the free fraction with the pod placed, 0 to 100) to the totals.
   Return nonzero, and leave the totals invalid, if a node has none of the resource, an amount is too large to divide
   through doubles, or a sum wrapped around. */
KS_DISPATCHED int ks_least_allocated(const int64_t *used, const int64_t *capacity, int64_t request, int64_t weight,
                                     int64_t *total, ptrdiff_t n)
{
    int64_t all = 0, none = 0, sums = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        int64_t divisor = capacity[i] ? capacity[i] : 1, taken = ks_sum(used[i], request);
        int64_t left = ks_difference(divisor, taken);
        int64_t share = left > 0 ? ks_product(left, 100) : 0;
        int64_t rating = (int64_t) ((double) share / (double) divisor);
        rating -= ks_product(rating, divisor) > share; /* the quotient may have been rounded up to the next integer */
        total[i] = ks_sum(total[i], ks_product(rating, weight));
        all |= capacity[i];
        sums |= taken;
        none |= capacity[i] == 0;
    }
    return none || all >= KS_EXACT || all < 0 || sums < 0;
}

/* total[i] /= weight, rounded down, of totals from 0 to 100 times the weight. */
KS_DISPATCHED void ks_average(int64_t *total, int64_t weight, ptrdiff_t n)
{
    double share = 1.0 / (double) weight;
    for (ptrdiff_t i = 0; i < n; i++) {
        int64_t average = (int64_t) ((double) total[i] * share);
        average -= average * weight > total[i]; /* the product may be off the quotient by a little, either way */
        average += (average + 1) * weight <= total[i];
        total[i] = average;
    }
}

static inline int64_t ks_balance_of(double one, double two)
{
    one = one > 1 ? 1 : one;
    two = two > 1 ? 1 : two;
    return (int64_t) ((1 - fabs((one - two) / 2)) * 100.0);
}

/* BalancedAllocation of two resources, in the order of operations of kube-scheduler's doubles; with `improvement`, by
   how much the pod improves it. The score is invalid where a capacity is 0; return whether there is any such node. */
KS_DISPATCHED int ks_balance(const int64_t *requested, const int64_t *capacity, int64_t request,
                             const int64_t *other_requested, const int64_t *other_capacity, int64_t other_request,
                             int improvement, int64_t *score, ptrdiff_t n)
{
    int64_t none = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        double most = (double) (capacity[i] ? capacity[i] : 1);
        double other_most = (double) (other_capacity[i] ? other_capacity[i] : 1);
        int64_t with_pod = ks_balance_of((double) ks_sum(requested[i], request) / most,
                                         (double) ks_sum(other_requested[i], other_request) / other_most);
        int64_t without = ks_balance_of((double) requested[i] / most, (double) other_requested[i] / other_most);
        score[i] = improvement ? 50 + (50 + with_pod - without) / 2 : with_pod;
        none |= (capacity[i] == 0) | (other_capacity[i] == 0);
    }
    return none != 0;
}

/* The highest score of each block; INT64_MIN for an empty block. */
KS_DISPATCHED void ks_best_of_blocks(const int64_t *scores, ptrdiff_t n, int64_t *best)
{
    ptrdiff_t block = 0;
    best[0] = INT64_MIN;
    for (; (block + 1) * KS_FANOUT <= n; block++) {
        int64_t most = INT64_MIN;
        for (ptrdiff_t i = 0; i < KS_FANOUT; i++)
            most = scores[block * KS_FANOUT + i] > most ? scores[block * KS_FANOUT + i] : most;
        best[block] = most;
    }
    if (block * KS_FANOUT < n) {
        best[block] = INT64_MIN;
        for (ptrdiff_t i = block * KS_FANOUT; i < n; i++)
            best[block] = scores[i] > best[block] ? scores[i] : best[block];
    }
}

/* The lowest and highest raw score of feasible nodes (verdict 0) and the number of scores; INT64_MIN is no score. */
KS_DISPATCHED void ks_extremes(const int64_t *raw, const int32_t *verdict, ptrdiff_t n, int64_t *low, int64_t *high,
                               int64_t *members)
{
    int64_t least = INT64_MAX, most = INT64_MIN, count = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        int64_t taken = verdict[i] == 0 && raw[i] != INT64_MIN;
        int64_t up = taken ? raw[i] : INT64_MIN, down = taken ? raw[i] : INT64_MAX;
        most = up > most ? up : most;
        least = down < least ? down : least;
        count += taken;
    }
    *low = least;
    *high = most;
    *members = count;
}

/* The number of feasible nodes (verdict 0) with this raw score. */
KS_DISPATCHED int64_t ks_count_of(const int64_t *raw, const int32_t *verdict, int64_t score, ptrdiff_t n)
{
    int64_t count = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        count += verdict[i] == 0 && raw[i] == score;
    return count;
}

/* sums[i] += weight * scores[i] */
KS_DISPATCHED void ks_add(int64_t *sums, const int64_t *scores, int64_t weight, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        sums[i] = ks_sum(sums[i], ks_product(weight, scores[i]));
}

#endif
