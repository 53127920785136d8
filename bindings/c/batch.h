/* Record batches from plain C arrays, for programs that use no Arrow library. */
#ifndef BATCH_H
#define BATCH_H

#include <kschedcore.h>

typedef struct batch {
    struct ArrowSchema schema;
    struct ArrowArray array;
} batch;

/* A batch without columns. Hand both members to stream_of_batch, which releases them. */
batch batch_new(int64_t rows);

/* Add a column of `rows` texts, none of them NULL; of `rows` integers. Both are copied. Memory that runs out aborts. */
void batch_texts(batch *to, const char *name, const char *const *texts);
void batch_integers(batch *to, const char *name, const int64_t *numbers);

#endif
