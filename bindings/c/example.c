/* Place six pods on three nodes, print their nodes, remove one pod, and explain a decision.
 *
 * Usage: example [PYTHON]   with the Python executable whose packages hold kschedcore
 */
#include <stdio.h>
#include <stdlib.h>

#include "batch.h"
#include "libkschedcore.h"

#define GIB ((int64_t)1 << 30)

static const kschedcore_api *ks;

static void
check(int status)
{
    if (status == KSCHEDCORE_OK)
        return;
    fprintf(stderr, "error %d: %s\n", status, ks->last_error());
    exit(2);
}

/* --8<-- [start:nodes] */
static struct ArrowArrayStream
nodes(void)
{
    batch table = batch_new(3);
    batch_texts(&table, "name", (const char *[]){"big", "small", "spot"});
    batch_texts(&table, "label/topology.kubernetes.io/zone", (const char *[]){"a", "a", "b"});
    batch_integers(&table, "allocatable/cpu", (int64_t[]){8000, 2000, 4000}); /* millicores */
    batch_integers(&table, "allocatable/memory", (int64_t[]){32 * GIB, 4 * GIB, 8 * GIB});
    batch_integers(&table, "allocatable/pods", (int64_t[]){110, 110, 110});

    struct ArrowArrayStream stream;
    check(ks->stream_of_batch(&table.schema, &table.array, &stream));
    return stream;
}
/* --8<-- [end:nodes] */

static const char *const NAMES[] = {"web-0", "web-1", "web-2", "batch-0", "batch-1", "huge"};

static struct ArrowArrayStream
pods(void)
{
    batch table = batch_new(6);
    batch_texts(&table, "name", NAMES);
    batch_texts(&table, "label/app", (const char *[]){"web", "web", "web", "batch", "batch", "huge"});
    batch_integers(&table, "requests/cpu", (int64_t[]){1500, 1500, 1500, 3000, 3000, 16000});
    batch_integers(&table, "requests/memory", (int64_t[]){GIB, GIB, GIB, 2 * GIB, 2 * GIB, GIB});

    struct ArrowArrayStream stream;
    check(ks->stream_of_batch(&table.schema, &table.array, &stream));
    return stream;
}

/* --8<-- [start:place] */
static void
place(kschedcore_engine *engine)
{
    struct ArrowArrayStream pending = pods();
    kschedcore_decisions *decisions;
    check(ks->place(engine, &pending, &decisions)); /* takes the stream */

    int64_t count;
    check(ks->decisions_count(decisions, &count));
    for (int64_t row = 0; row < count; row++) {
        const char *node, *message;
        check(ks->decision_node(decisions, row, &node));
        check(ks->decision_message(decisions, row, &message));
        printf("%s -> %s\n", NAMES[row], node ? node : message);
    }
    ks->decisions_free(decisions);
}
/* --8<-- [end:place] */

int
main(int argc, char **argv)
{
    ks = kschedcore_open(argc > 1 ? argv[1] : NULL);
    if (!ks) {
        fprintf(stderr, "%s\n", kschedcore_open_error());
        return 2;
    }

    kschedcore_engine *engine;
    check(ks->engine_new(NULL, &engine));
    struct ArrowArrayStream table = nodes();
    check(ks->add_nodes(engine, &table));
    place(engine);

    check(ks->remove_object(engine, "Pod", "default", "web-0"));
    if (ks->remove_object(engine, "Pod", "default", "web-0") == KSCHEDCORE_NOT_FOUND)
        printf("again: %s\n", ks->last_error());

    char *explanation;
    check(ks->explain(engine,
                      "{\"metadata\": {\"name\": \"late\"}, \"spec\": {\"containers\": ["
                      "{\"name\": \"c\", \"resources\": {\"requests\": {\"cpu\": \"1500m\"}}}]}}",
                      &explanation));
    printf("%s\n", explanation);
    ks->text_free(explanation);

    ks->engine_free(engine);
    kschedcore_close();
    return 0;
}
