"""The C ABI's table of functions: converts C's arguments to Python's and exceptions to status codes.

Each function takes the GIL. The only Python memory that C sees is what a handle keeps alive.
"""

from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport Py_DECREF, Py_INCREF
from kschedcore.capi.abi cimport *
from kschedcore.capi.arrow cimport Batch, Stream, give_stream, take_batch, take_stream
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

import pyarrow as pa

from kschedcore.capi.handles import EngineHandle, status_of
from kschedcore.errors import UsageError
from kschedcore.version import __version__

cdef extern from *:
    """
    #define KSCHEDCORE_MESSAGE 4096
    static _Thread_local char kschedcore_message[KSCHEDCORE_MESSAGE];
    """
    const Py_ssize_t KSCHEDCORE_MESSAGE
    char* message "kschedcore_message"

cdef bytes VERSION = __version__.encode()


# -- helpers of the functions -------------------------------------------------------------------------

cdef int failed(object error) noexcept:
    """Keep an exception's message for the calling thread, and return its status code."""
    cdef Py_ssize_t size
    cdef bytes text
    try:
        code, line = status_of(error)
        # Cut where a character ends.
        text = line.encode("utf-8", "replace")[:KSCHEDCORE_MESSAGE - 1].decode("utf-8", "ignore").encode()
        size = len(text)
        memcpy(message, <const char*> text, size)
        message[size] = 0
        return code
    except BaseException:
        memcpy(message, b"out of memory", 14)
        return KSCHEDCORE_NO_MEMORY


cdef object text_of(const char* text, str what):
    if text == NULL:
        raise UsageError(f"{what} is NULL; expected text")
    try:
        return (<bytes> text).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} is not UTF-8: {error}") from None


cdef object there(const void* pointer, str what):
    if pointer == NULL:
        raise UsageError(f"{what} is NULL")


cdef object engine_of(kschedcore_engine* engine):
    there(engine, "the engine")
    return <object> <void*> engine


cdef object decisions_of(const kschedcore_decisions* decisions):
    there(decisions, "the handle of decisions")
    return <object> <void*> decisions


cdef Stream stream_of(ArrowArrayStream* stream, str what):
    there(stream, f"the table of {what}")
    cdef Stream taken = take_stream(stream)
    if taken.capsule is None:
        raise UsageError(f"the table of {what} was released already")
    return taken


cdef void* handle(object made) noexcept:
    Py_INCREF(made)
    return <void*> made


# -- the functions, in the order of the header --------------------------------------------------------

cdef const char* version() noexcept nogil:
    with gil:
        return <const char*> VERSION


cdef const char* last_error() noexcept nogil:
    return message


cdef int stream_of_batch(ArrowSchema* schema, ArrowArray* array, ArrowArrayStream* out) noexcept with gil:
    cdef Batch taken
    try:
        taken = take_batch(schema, array)
        there(schema, "the schema")
        there(array, "the array")
        there(out, "out")
        if taken.schema is None or taken.array is None:
            raise UsageError("the record batch was released already")
        try:
            batch = pa.record_batch(taken)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise UsageError(f"not a record batch: {error}") from None
        give_stream(pa.RecordBatchReader.from_batches(batch.schema, [batch]), out)
        return KSCHEDCORE_OK
    except BaseException as error:
        return failed(error)


cdef int engine_new(const kschedcore_options* options, kschedcore_engine** out) noexcept with gil:
    try:
        there(out, "out")
        if options == NULL:
            out[0] = <kschedcore_engine*> handle(EngineHandle())
            return KSCHEDCORE_OK
        if options.size < sizeof(kschedcore_options):
            raise UsageError(f"size of the options is {options.size}; expected {sizeof(kschedcore_options)}")
        config = None if options.configuration == NULL else text_of(options.configuration, "configuration")
        out[0] = <kschedcore_engine*> handle(EngineHandle(options.tie_break, options.seed, config))
        return KSCHEDCORE_OK
    except BaseException as error:
        return failed(error)


cdef void engine_free(kschedcore_engine* engine) noexcept with gil:
    if engine != NULL:
        Py_DECREF(<object> <void*> engine)


cdef int add_nodes(kschedcore_engine* engine, ArrowArrayStream* nodes) noexcept with gil:
    try:
        table = stream_of(nodes, "nodes")
        engine_of(engine).add_nodes(table)
        return KSCHEDCORE_OK
    except BaseException as error:
        return failed(error)


cdef int add_pods(kschedcore_engine* engine, ArrowArrayStream* pods) noexcept with gil:
    try:
        table = stream_of(pods, "pods")
        engine_of(engine).add_pods(table)
        return KSCHEDCORE_OK
    except BaseException as error:
        return failed(error)


cdef int set_object(kschedcore_engine* engine, const char* json) noexcept with gil:
    try:
        engine_of(engine).set_object(text_of(json, "the object"))
        return KSCHEDCORE_OK
    except BaseException as error:
        return failed(error)


cdef int remove_object(
    kschedcore_engine* engine, const char* kind, const char* name_space, const char* name
) noexcept with gil:
    try:
        space = None if name_space == NULL else text_of(name_space, "name_space")
        engine_of(engine).remove_object(text_of(kind, "kind"), space, text_of(name, "name"))
        return KSCHEDCORE_OK
    except BaseException as error:
        return failed(error)


cdef int place(kschedcore_engine* engine, ArrowArrayStream* pods, kschedcore_decisions** out) noexcept with gil:
    try:
        table = stream_of(pods, "pods")
        there(out, "out")
        out[0] = <kschedcore_decisions*> handle(engine_of(engine).place(table))
        return KSCHEDCORE_OK
    except BaseException as error:
        return failed(error)


cdef int decisions_count(const kschedcore_decisions* decisions, int64_t* out) noexcept with gil:
    try:
        there(out, "out")
        out[0] = len(decisions_of(decisions))
        return KSCHEDCORE_OK
    except BaseException as error:
        return failed(error)


cdef int point_to(list texts, int64_t row, const char** out) except -1:
    """Set ``out`` to one of a handle's strings."""
    there(out, "out")
    if not 0 <= row < len(texts):
        raise UsageError(f"row is {row}; expected one of {len(texts)} rows, counted from 0")
    cdef bytes text = texts[row]
    if text is None:
        out[0] = NULL
    else:
        out[0] = <const char*> text
    return 0


cdef int decision_node(const kschedcore_decisions* decisions, int64_t row, const char** out) noexcept with gil:
    try:
        return point_to(decisions_of(decisions).nodes, row, out)
    except BaseException as error:
        return failed(error)


cdef int decision_message(const kschedcore_decisions* decisions, int64_t row, const char** out) noexcept with gil:
    try:
        return point_to(decisions_of(decisions).messages, row, out)
    except BaseException as error:
        return failed(error)


cdef int decisions_table(const kschedcore_decisions* decisions, ArrowArrayStream* out) noexcept with gil:
    try:
        there(out, "out")
        return give_stream(decisions_of(decisions).table, out)
    except BaseException as error:
        return failed(error)


cdef void decisions_free(kschedcore_decisions* decisions) noexcept with gil:
    if decisions != NULL:
        Py_DECREF(<object> <void*> decisions)


cdef int explain(kschedcore_engine* engine, const char* pod, char** out) noexcept with gil:
    cdef bytes text
    cdef char* copy
    try:
        there(out, "out")
        text = engine_of(engine).explain(text_of(pod, "the pod")).encode()
        copy = <char*> malloc(len(text) + 1)
        if copy == NULL:
            raise MemoryError("no memory for the explanation")
        memcpy(copy, <const char*> text, len(text) + 1)
        out[0] = copy
        return KSCHEDCORE_OK
    except BaseException as error:
        return failed(error)


cdef void text_free(char* text) noexcept nogil:
    free(text)


cdef int nodes(kschedcore_engine* engine, ArrowArrayStream* out) noexcept with gil:
    try:
        there(out, "out")
        return give_stream(engine_of(engine).nodes(), out)
    except BaseException as error:
        return failed(error)


cdef kschedcore_api table

table.abi_version = KSCHEDCORE_ABI_VERSION
table.size = sizeof(kschedcore_api)
table.version = version
table.last_error = last_error
table.stream_of_batch = stream_of_batch
table.engine_new = engine_new
table.engine_free = engine_free
table.add_nodes = add_nodes
table.add_pods = add_pods
table.set_object = set_object
table.remove_object = remove_object
table.place = place
table.decisions_count = decisions_count
table.decision_node = decision_node
table.decision_message = decision_message
table.decisions_table = decisions_table
table.decisions_free = decisions_free
table.explain = explain
table.text_free = text_free
table.nodes = nodes

API = PyCapsule_New(&table, KSCHEDCORE_CAPSULE, NULL)
