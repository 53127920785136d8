"""The reason table: the reasons of rejections, each a row number.

A verdict is a row of this table, so a class's verdicts over all nodes are one dictionary-coded column. Messages are
formatted on demand.
"""

from kschedcore._native.types cimport ERROR, SKIPPED, UNRESOLVABLE, UNSCHEDULABLE, verdict_t
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free, realloc

CODES = {
    ERROR: "Error",
    UNSCHEDULABLE: "Unschedulable",
    UNRESOLVABLE: "UnschedulableAndUnresolvable",
    SKIPPED: "PreFilterResult",
}
_CODE_IDS = {name: code for code, name in CODES.items()}


cdef inline uint64_t _hash(int32_t plugin, int32_t code, int64_t low, int64_t high) noexcept nogil:
    cdef uint64_t h = <uint64_t> low * 0x9E3779B97F4A7C15u
    h = (h ^ (h >> 29)) + <uint64_t> high * 0xBF58476D1CE4E5B9u
    h = (h ^ (h >> 32)) + <uint64_t> (plugin * 8 + code) * 0x94D049BB133111EBu
    return h ^ (h >> 31)


cdef class ReasonTable:
    """Distinct (plugin, code, reasons). Row 0 means "passes".

    Attributes:
        plugins: Plugin names by id.
        texts: Tuples of reason strings that rows refer to.
        interruptions: Number of BaseExceptions (such as KeyboardInterrupt) that plugins caught, after
            which no further pod is scheduled.
    """

    def __cinit__(self):
        self.plugins = []
        self.plugin_ids = {}
        self.texts = []
        self.text_ids = {}
        self.capacity = 64
        self.rows = <Reason*> calloc(self.capacity, sizeof(Reason))
        self.bucket_count = 256
        self.buckets = <int32_t*> calloc(self.bucket_count, sizeof(int32_t))
        if self.rows == NULL or self.buckets == NULL:
            raise MemoryError
        self.count = 1

    def __dealloc__(self):
        free(self.rows)
        free(self.buckets)

    def __len__(self):
        return self.count

    def plugin(self, str name):
        """Return the id of a plugin by name."""
        found = self.plugin_ids.get(name)
        if found is None:
            found = self.plugin_ids[name] = len(self.plugins)
            self.plugins.append(name)
        return found

    def words(self, str plugin, str code, *reasons):
        """Return the row of a rejection with fixed reason strings."""
        found = self.text_ids.get(reasons)
        if found is None:
            found = self.text_ids[reasons] = len(self.texts)
            self.texts.append(reasons)
        return self.intern(self.plugin(plugin), _CODE_IDS[code], found, -1)

    cdef verdict_t intern(self, int32_t plugin, int32_t code, int64_t low, int64_t high) except -1 nogil:
        cdef uint64_t at = _hash(plugin, code, low, high)
        cdef int32_t row
        cdef Reason* reason
        while True:
            row = self.buckets[at & (self.bucket_count - 1)]
            if row == 0:
                break
            reason = &self.rows[row]
            if reason.plugin == plugin and reason.code == code and reason.low == low and reason.high == high:
                return row
            at += 1
        if 2 * self.count >= self.bucket_count or self.count == self.capacity:
            with gil:
                self._grow()
            return self.intern(plugin, code, low, high)
        row = self.count
        self.rows[row] = Reason(plugin, code, low, high)
        self.buckets[at & (self.bucket_count - 1)] = row
        self.count += 1
        return row

    def _grow(self):
        cdef Reason* rows
        cdef int32_t* buckets
        cdef int32_t row
        cdef uint64_t at
        rows = <Reason*> realloc(self.rows, 2 * self.capacity * sizeof(Reason))
        if rows == NULL:
            raise MemoryError
        self.rows = rows
        self.capacity *= 2
        buckets = <int32_t*> calloc(8 * self.capacity, sizeof(int32_t))
        if buckets == NULL:
            raise MemoryError
        free(self.buckets)
        self.buckets = buckets
        self.bucket_count = 8 * self.capacity
        for row in range(1, self.count):
            at = _hash(rows[row].plugin, rows[row].code, rows[row].low, rows[row].high)
            while buckets[at & (self.bucket_count - 1)]:
                at += 1
            buckets[at & (self.bucket_count - 1)] = row

    def describe(self, verdict_t verdict, resource_names):
        """Return the plugin, code and reasons of a verdict.

        Args:
            verdict: A row of the table, not 0.
            resource_names: Names of resources by id (``NodeTable.resource_names``).

        Returns:
            (plugin name, code name, tuple of reasons). A node left out by a PreFilter node list has no plugin.
        """
        cdef Reason reason = self.rows[verdict]
        plugin = "" if reason.code == SKIPPED else self.plugins[reason.plugin]
        if reason.high == -1:
            return plugin, CODES[reason.code], self.texts[reason.low]
        missing = [
            name for resource, name in enumerate(resource_names)
            if (reason.low >> resource & 1 if resource < 63 else reason.high >> (resource - 63) & 1)
        ]
        reasons = ["Too many pods"] if "pods" in missing else []
        reasons += [f"Insufficient {name}" for name in missing if name != "pods"]
        return plugin, CODES[reason.code], tuple(reasons)

    def code_of(self, verdict_t verdict):
        """Return the code name of a verdict, not 0."""
        return CODES[self.rows[verdict].code]
