/* kschedcore's C ABI: one versioned table of functions, opaque handles, tables through the Arrow C data interface.
 *
 * A program gets the table from kschedcore_import() below when Python runs it, or else from libkschedcore's
 * kschedcore_open() (bindings/c), which starts an interpreter of its own.
 *
 * Compatibility. Functions are only ever added at the end of the table, which makes `size` grow. `abi_version` grows
 * when an existing part changes; a program accepts only the one that it was compiled for.
 *
 * Threads. Every function may be called from any thread, without the GIL; it is taken inside. Calls on one engine
 * wait for each other; calls on different engines do not, as far as the GIL lets them. A handle is freed once, when
 * no other call uses it. Python's main interpreter must be alive.
 *
 * Errors. A function that can fail returns a kschedcore_status, and last_error() returns the message. Out parameters
 * are written only on success; a table or an object that is refused changes nothing.
 *
 * Strings are UTF-8 and end with a NUL.
 */
#ifndef KSCHEDCORE_H
#define KSCHEDCORE_H

#include <stdint.h>

#define KSCHEDCORE_ABI_VERSION 1u
#define KSCHEDCORE_CAPSULE "kschedcore.capi.API"

#ifdef __cplusplus
extern "C" {
#endif

/* The structures that Apache Arrow specifies, with the guards it specifies, so that any library may declare them. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

typedef struct kschedcore_engine kschedcore_engine;       /* a cluster, and decisions about further pods */
typedef struct kschedcore_decisions kschedcore_decisions; /* where the pods of a table go, row by row */

/* The status of a call. Each but the last two corresponds to one of Python's kschedcore.errors. */
typedef enum kschedcore_status {
    KSCHEDCORE_OK = 0,
    KSCHEDCORE_USAGE = 1,     /* UsageError: an argument or a column that makes no sense */
    KSCHEDCORE_NOT_FOUND = 2, /* NotFoundError: no object has that name */
    KSCHEDCORE_CONFIG = 3,    /* ConfigError: kube-scheduler would refuse the configuration */
    KSCHEDCORE_MANIFEST = 4,  /* ManifestError: an object is invalid */
    KSCHEDCORE_FAILED = 5,    /* any other KschedcoreError, such as a plugin that failed */
    KSCHEDCORE_NO_MEMORY = 6, /* memory ran out */
    KSCHEDCORE_INTERNAL = 7   /* an exception that should not have happened; please report it */
} kschedcore_status;

/* The choice among several best nodes. */
typedef enum kschedcore_tie_break {
    KSCHEDCORE_TIE_FIRST = 0, /* the first by name */
    KSCHEDCORE_TIE_RANDOM = 1 /* a draw; the same seed gives the same decisions */
} kschedcore_tie_break;

typedef struct kschedcore_options {
    uint32_t size;             /* sizeof(kschedcore_options) */
    uint32_t tie_break;        /* a kschedcore_tie_break */
    uint64_t seed;             /* of the draws */
    const char *configuration; /* path of a KubeSchedulerConfiguration, YAML or JSON; NULL: the defaults */
} kschedcore_options;

typedef struct kschedcore_api {
    uint32_t abi_version; /* KSCHEDCORE_ABI_VERSION */
    uint32_t size;        /* sizeof(kschedcore_api) as the library knows it */

    /* The package's version, such as "0.1.0". Lives as long as the interpreter. */
    const char *(*version)(void);

    /* The message of the calling thread's latest failed call, in one line of at most 4095 bytes; "" when none failed.
     * Lives until the thread's next failed call. */
    const char *(*last_error)(void);

    /* Make a stream of one record batch, a struct array, to hand to the functions below. Takes schema and array:
     * both are released when it returns, whether or not it succeeds. */
    int (*stream_of_batch)(struct ArrowSchema *schema, struct ArrowArray *array, struct ArrowArrayStream *out);

    /* Make an engine without nodes. `options` may be NULL. Free it with engine_free. */
    int (*engine_new)(const kschedcore_options *options, kschedcore_engine **out);
    void (*engine_free)(kschedcore_engine *engine); /* NULL is ignored */

    /* Add or replace the nodes of a table. Columns: name; unschedulable; allocatable/NAME (integers: millicores for
     * cpu, else whole units); label/KEY; labels; taints; images: see Python's Engine.add_nodes.
     * Like every function that is given a stream, it takes the stream: `release` is NULL when it returns. */
    int (*add_nodes)(kschedcore_engine *engine, struct ArrowArrayStream *nodes);

    /* Account the bound pods of a table. Columns: name and node; namespace, uid, startTime, priority, label/KEY,
     * labels; and template (a Pod as JSON, best a dictionary) or requests/NAME: see Python's Engine.add_pods. */
    int (*add_pods)(kschedcore_engine *engine, struct ArrowArrayStream *pods);

    /* Add or replace one object, given as JSON text: a Node, a Pod that is bound or nominated, a Namespace, or what
     * placement rules look up (Service, PersistentVolume, …). */
    int (*set_object)(kschedcore_engine *engine, const char *json);

    /* Remove an object by its kind and name. `name_space` is ignored for kinds that have none and means
     * "default" when NULL. Namespaces stay. */
    int (*remove_object)(kschedcore_engine *engine, const char *kind, const char *name_space, const char *name);

    /* Place the pods of a table one after another, in queue order: by priority, then by row. Columns as in add_pods,
     * without node. Every placed pod is accounted. Free the decisions with decisions_free. */
    int (*place)(kschedcore_engine *engine, struct ArrowArrayStream *pods, kschedcore_decisions **out);

    /* The number of rows: that of the table of pods, in its order. */
    int (*decisions_count)(const kschedcore_decisions *decisions, int64_t *out);

    /* The name of the node of a row's pod; NULL when it has none. Lives as long as the handle. */
    int (*decision_node)(const kschedcore_decisions *decisions, int64_t row, const char **out);

    /* The reason why a row's pod has no node, in kube-scheduler's words; NULL when it has one. Lives as long as the
     * handle. */
    int (*decision_message)(const kschedcore_decisions *decisions, int64_t row, const char **out);

    /* All decisions as a table, see Python's Engine.place. The caller releases the stream; it outlives the handle. */
    int (*decisions_table)(const kschedcore_decisions *decisions, struct ArrowArrayStream *out);
    void (*decisions_free)(kschedcore_decisions *decisions); /* NULL is ignored */

    /* The verdict and score of every plugin for every node and one pod (JSON text), as a JSON document. Places nothing.
     * Free the text with text_free. */
    int (*explain)(kschedcore_engine *engine, const char *pod, char **out);
    void (*text_free)(char *text); /* NULL is ignored */

    /* The node table as it is, see Python's Engine.nodes. The caller releases the stream. */
    int (*nodes)(kschedcore_engine *engine, struct ArrowArrayStream *out);
} kschedcore_api;

#ifdef Py_PYTHON_H
/* The table, for programs that Python runs and that include Python.h first. The caller holds the GIL.
 * NULL with an exception set: ImportError when the package is missing or was built for another ABI. */
static inline const kschedcore_api *
kschedcore_import(void)
{
    PyObject *module = PyImport_ImportModule("kschedcore.capi");
    PyObject *capsule = module ? PyObject_GetAttrString(module, "API") : NULL;
    const kschedcore_api *api =
        capsule ? (const kschedcore_api *)PyCapsule_GetPointer(capsule, KSCHEDCORE_CAPSULE) : NULL;
    Py_XDECREF(capsule); /* the module keeps the table alive */
    Py_XDECREF(module);
    if (api && (api->abi_version != KSCHEDCORE_ABI_VERSION || api->size < sizeof(kschedcore_api))) {
        PyErr_Format(PyExc_ImportError,
                     "kschedcore has ABI %u of %u bytes; this program was compiled for ABI %u of %u bytes",
                     (unsigned)api->abi_version, (unsigned)api->size, KSCHEDCORE_ABI_VERSION,
                     (unsigned)sizeof(kschedcore_api));
        return NULL;
    }
    return api;
}
#endif

#ifdef __cplusplus
}
#endif

#endif
