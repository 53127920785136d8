/* Threads that Python did not create open the library at once, share an engine, and get their own errors. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "libkschedcore.h"

enum { THREADS = 4, ROUNDS = 25, PODS = 3 };

static pthread_barrier_t together;
static kschedcore_engine *engine;
static int wrong[THREADS];

static struct ArrowArrayStream
pods(const kschedcore_api *ks, int thread, int round)
{
    char names[PODS][32];
    const char *pointers[PODS];
    for (int i = 0; i < PODS; i++) {
        snprintf(names[i], sizeof names[i], "t%d-%d-%d", thread, round, i);
        pointers[i] = names[i];
    }
    batch table = batch_new(PODS);
    batch_texts(&table, "name", pointers);
    batch_integers(&table, "requests/cpu", (int64_t[]){10, 10, 10});
    struct ArrowArrayStream stream = {0};
    ks->stream_of_batch(&table.schema, &table.array, &stream);
    return stream;
}

static void *
work(void *number)
{
    int thread = *(int *)number;
    pthread_barrier_wait(&together);
    const kschedcore_api *ks = kschedcore_open(NULL);
    if (thread == 0) {
        ks->engine_new(NULL, &engine);
        ks->set_object(engine, "{\"kind\": \"Node\", \"metadata\": {\"name\": \"n\"}, \"status\": {\"allocatable\": "
                               "{\"cpu\": \"64\", \"pods\": \"1000\"}}}");
    }
    pthread_barrier_wait(&together);

    for (int round = 0; round < ROUNDS; round++) {
        struct ArrowArrayStream stream = pods(ks, thread, round);
        kschedcore_decisions *decisions;
        wrong[thread] += ks->place(engine, &stream, &decisions) != KSCHEDCORE_OK;
        const char *node;
        ks->decision_node(decisions, PODS - 1, &node);
        wrong[thread] += strcmp(node, "n") != 0;
        ks->decisions_free(decisions);

        char name[32], expected[64];
        snprintf(name, sizeof name, "none-%d-%d", thread, round);
        snprintf(expected, sizeof expected, "node '%s' not found", name);
        wrong[thread] += ks->remove_object(engine, "Node", NULL, name) != KSCHEDCORE_NOT_FOUND;
        wrong[thread] += strcmp(ks->last_error(), expected) != 0;
    }
    return NULL;
}

int
main(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], total = 0;
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, work, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        total += wrong[i];
    }

    const kschedcore_api *ks = kschedcore_open(NULL);
    char *explanation;
    ks->explain(engine, "{\"metadata\": {\"name\": \"rest\"}, \"spec\": {\"containers\": [{\"name\": \"c\", "
                        "\"resources\": {\"requests\": {\"cpu\": \"61001m\"}}}]}}", &explanation);
    printf("%d wrong\n%s\n", total, explanation);
    ks->text_free(explanation);
    ks->engine_free(engine);
    return 0;
}
