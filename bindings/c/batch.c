#include "batch.h"

#include <stdlib.h>
#include <string.h>

enum { BUFFERS = 3 }; /* validity, offsets or numbers, characters */

static void *
sure(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static char *
copied(const char *text)
{
    return strcpy(sure(malloc(strlen(text) + 1)), text);
}

static void
release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    free(schema->children);
    free((char *)schema->name);
    schema->release = NULL;
}

static void
release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    free(array->children);
    for (int64_t i = 0; i < array->n_buffers; i++)
        free((void *)array->buffers[i]);
    free(array->buffers);
    array->release = NULL;
}

static struct ArrowSchema
schema_of(const char *name, const char *format)
{
    return (struct ArrowSchema){.format = format, .name = copied(name), .release = release_schema};
}

static struct ArrowArray
array_of(int64_t rows, int64_t buffers)
{
    return (struct ArrowArray){
        .length = rows,
        .n_buffers = buffers,
        .buffers = sure(calloc(BUFFERS, sizeof(void *))),
        .release = release_array,
    };
}

batch
batch_new(int64_t rows)
{
    return (batch){.schema = schema_of("", "+s"), .array = array_of(rows, 1)};
}

/* Add one column and return its array. */
static struct ArrowArray *
column(batch *to, const char *name, const char *format, int64_t buffers)
{
    int64_t place = to->schema.n_children;
    size_t size = (size_t)(place + 1) * sizeof(void *);
    to->schema.children = sure(realloc(to->schema.children, size));
    to->schema.children[place] = sure(malloc(sizeof(struct ArrowSchema)));
    *to->schema.children[place] = schema_of(name, format);
    to->array.children = sure(realloc(to->array.children, size));
    to->array.children[place] = sure(malloc(sizeof(struct ArrowArray)));
    *to->array.children[place] = array_of(to->array.length, buffers);
    to->schema.n_children = to->array.n_children = place + 1;
    return to->array.children[place];
}

void
batch_texts(batch *to, const char *name, const char *const *texts)
{
    struct ArrowArray *array = column(to, name, "u", 3);
    int32_t *ends = sure(calloc((size_t)array->length + 1, sizeof *ends));
    for (int64_t i = 0; i < array->length; i++)
        ends[i + 1] = ends[i] + (int32_t)strlen(texts[i]);
    char *characters = sure(malloc((size_t)ends[array->length] + 1));
    for (int64_t i = 0; i < array->length; i++)
        memcpy(characters + ends[i], texts[i], strlen(texts[i]));
    array->buffers[1] = ends;
    array->buffers[2] = characters;
}

void
batch_integers(batch *to, const char *name, const int64_t *numbers)
{
    struct ArrowArray *array = column(to, name, "l", 2);
    size_t size = (size_t)array->length * sizeof *numbers;
    array->buffers[1] = memcpy(sure(malloc(size + 1)), numbers, size);
}
