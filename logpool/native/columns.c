/* Columns in and out: Arrow's C data interface (https://arrow.apache.org/docs/format/CDataInterface.html). */
#include "native.h"

#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

static void release_schema(struct ArrowSchema *schema) { schema->release = NULL; }

static void release_array(struct ArrowArray *array)
{
    for (int64_t number = 0; number < array->n_buffers; number++)
        free((void *)array->buffers[number]);
    free(array->buffers);
    array->release = NULL;
}

static int exported(const char *format, int64_t count, int64_t buffer_count, void *const *owned,
                    struct ArrowSchema *schema, struct ArrowArray *array)
{
    const void **buffers = calloc((size_t)buffer_count, sizeof(void *));
    if (!buffers)
        return 0;
    for (int64_t number = 1; number < buffer_count; number++)
        buffers[number] = owned[number - 1];
    *schema = (struct ArrowSchema){.format = format, .name = "", .flags = 2, .release = release_schema};
    *array = (struct ArrowArray){
        .length = count, .n_buffers = buffer_count, .buffers = buffers, .release = release_array};
    return 1;
}

static int is_gap(int64_t width, const void *values, int64_t place)
{
    return width == 8 ? ((const int64_t *)values)[place] == NO_TIME : ((const uint32_t *)values)[place] == NONE;
}

/* Which values are none, a bit for each, 0 for those; NULL where all are some, or memory ran out. */
static uint8_t *some(int64_t width, const void *values, int64_t count, int64_t *gaps)
{
    *gaps = 0;
    for (int64_t place = 0; place < count; place++)
        *gaps += is_gap(width, values, place);
    uint8_t *bits = *gaps ? calloc((size_t)count / 8 + 1, 1) : NULL;
    for (int64_t place = 0; bits && *gaps < count && place < count; place++)
        bits[place / 8] |= (uint8_t)(!is_gap(width, values, place) << place % 8);
    return bits;
}

/* A column of numbers, Int8, UInt32 or Int64 by their width, which takes the memory over. `with_gaps`: NONE and NO_TIME stand
   for nulls; else there are none. Returns 0 where memory ran out. */
API int numbers_out(int64_t width, int with_gaps, void *values, int64_t count, struct ArrowSchema *schema,
                    struct ArrowArray *array)
{
    const char *format = width == 1 ? "c" : width == 4 ? "I" : "l";
    int64_t gaps = 0;
    uint8_t *bits = with_gaps ? some(width, values, count, &gaps) : NULL;
    if ((!with_gaps || bits || !gaps) && exported(format, count, 2, (void *[]){values}, schema, array)) {
        array->buffers[0] = bits;
        array->null_count = gaps;
        return 1;
    }
    free(bits);
    free(values);
    return 0;
}

/* A column of a list of numbers, which gives them away. Returns 0 where memory ran out. */
API int list_out(List *list, struct ArrowSchema *schema, struct ArrowArray *array)
{
    uint32_t *numbers = list->numbers ? list->numbers : malloc(sizeof(uint32_t));
    list->numbers = NULL;
    return numbers && numbers_out(4, 0, numbers, list->count, schema, array);
}

static const char *const TEXTS = "U";

/* A column of some texts. Returns 0 where memory ran out. */
static int texts_exported(int64_t *ends, char *bytes, int64_t count, struct ArrowSchema *schema,
                          struct ArrowArray *array)
{
    void *owned[] = {ends, bytes};
    if (ends && bytes && exported(TEXTS, count, 3, owned, schema, array))
        return 1;
    free(ends);
    free(bytes);
    return 0;
}

/* A column of the texts from a number on. Returns 0 where memory ran out. */
API int texts_out(const Texts *texts, int64_t from, struct ArrowSchema *schema, struct ArrowArray *array)
{
    int64_t count = texts_count(texts) - from, size = 0, all = 0;
    if (count > 0) {
        const char *last = texts_get(texts, (uint32_t)(from + count) - 1, &size);
        all = last + size - texts_get(texts, (uint32_t)from, &size);
    }
    int64_t *ends = malloc((size_t)(count + 1) * sizeof(int64_t));
    char *bytes = malloc((size_t)all + 1);
    if (ends && bytes) {
        ends[0] = 0;
        for (int64_t number = 0; number < count; number++) {
            const char *text = texts_get(texts, (uint32_t)(from + number), &size);
            memcpy(bytes + ends[number], text, (size_t)size);
            ends[number + 1] = ends[number] + size;
        }
    }
    return texts_exported(ends, bytes, count, schema, array);
}

/* A column of the texts of some lines of a block: `chosen` of them. Returns 0 where memory ran out. */
API int lines_out(const char *data, const Rows *rows, const uint32_t *chosen, int64_t count,
                  struct ArrowSchema *schema, struct ArrowArray *array)
{
    int64_t all = 0;
    for (int64_t place = 0; place < count; place++)
        all += rows->end[chosen[place]] - rows->start[chosen[place]];
    int64_t *ends = malloc((size_t)(count + 1) * sizeof(int64_t));
    char *bytes = malloc((size_t)all + 1);
    if (ends && bytes) {
        ends[0] = 0;
        for (int64_t place = 0; place < count; place++) {
            int64_t start = rows->start[chosen[place]], size = rows->end[chosen[place]] - start;
            memcpy(bytes + ends[place], data + start, (size_t)size);
            ends[place + 1] = ends[place] + size;
        }
    }
    return texts_exported(ends, bytes, count, schema, array);
}

/* The values of a column, copied, with what stands for nulls in their place; NULL where memory ran out. */
static void *filled(const struct ArrowArray *array, int64_t width)
{
    void *values = malloc((size_t)(array->length * width) + 1);
    const uint8_t *bits = array->buffers[0];
    if (values && width == 4 && array->null_count == array->length)
        return memset(values, 0xff, (size_t)(array->length * width));
    for (int64_t place = 0; values && place < array->length; place++) {
        int64_t from = array->offset + place;
        int is_some = bits[from / 8] >> from % 8 & 1;
        if (width == 8)
            ((int64_t *)values)[place] = is_some ? ((const int64_t *)array->buffers[1])[from] : NO_TIME;
        else
            ((uint32_t *)values)[place] = is_some ? ((const uint32_t *)array->buffers[1])[from] : NONE;
    }
    return values;
}

/* A column that polars lends: UInt8, Int8, UInt32 or Int64 by its width. Returns where its values are, in `copy` where nulls had to be
   replaced, by NONE or NO_TIME; NULL where it is in several pieces, or memory ran out, or there are nulls, which bytes have no number
   for. */
API const void *numbers_in(struct ArrowArrayStream *stream, int64_t width, struct ArrowArray *array, void **copy)
{
    struct ArrowArray more = {0};
    if (stream->get_next(stream, array) || !array->release)
        return NULL;
    int whole = !stream->get_next(stream, &more) && !more.release;
    if (more.release)
        more.release(&more);
    if (!whole || array->n_buffers != 2)
        return NULL;
    if (array->buffers[0] && array->null_count)
        return width < 4 ? NULL : (*copy = filled(array, width));
    return (const char *)array->buffers[1] + array->offset * width;
}

API void give_back(struct ArrowArray *array, void *copy)
{
    free(copy);
    if (array->release)
        array->release(array);
}

/* A column of several, one behind the other, each of so many values from somewhere on. Returns 0 where memory ran out. */
API int joined_out(int64_t width, int with_gaps, int64_t count, const char *const *columns, const int64_t *sizes,
                   struct ArrowSchema *schema, struct ArrowArray *array)
{
    int64_t all = 0;
    for (int64_t column = 0; column < count; column++)
        all += sizes[column];
    char *values = malloc((size_t)(all * width) + 1), *to = values;
    if (!values)
        return 0;
    for (int64_t column = 0; column < count; to += sizes[column++] * width)
        if (sizes[column])
            memcpy(to, columns[column], (size_t)(sizes[column] * width));
    return numbers_out(width, with_gaps, values, all, schema, array);
}

API Table *table_new(int64_t width)
{
    Table *table = calloc(1, sizeof(Table));
    if (table)
        table->width = width;
    return table;
}

API void table_free(Table *table)
{
    for (int64_t column = 0; table && column < table->width; column++)
        free(table->columns[column]);
    free(table);
}

int64_t table_row(Table *table)
{
    if (table->count == table->room) {
        int64_t room = table->room ? table->room * 2 : 1 << 8;
        for (int64_t column = 0; column < table->width; column++) {
            int64_t *grown = realloc(table->columns[column], (size_t)room * sizeof(int64_t));
            if (!grown)
                return -1;
            table->columns[column] = grown;
        }
        table->room = room;
    }
    return table->count++;
}

API Places *places_new(int64_t width)
{
    Places *places = calloc(1, sizeof(Places));
    if (places)
        places->width = width;
    return places;
}

API void places_free(Places *places)
{
    for (int64_t column = 0; places && column < places->width; column++)
        free(places->columns[column]);
    free(places);
}

int64_t places_row(Places *places)
{
    if (places->count == places->room) {
        int64_t room = places->room ? places->room * 2 : 1 << 8;
        for (int64_t column = 0; column < places->width; column++) {
            uint32_t *grown = realloc(places->columns[column], (size_t)room * sizeof(uint32_t));
            if (!grown)
                return -1;
            places->columns[column] = grown;
        }
        places->room = room;
    }
    return places->count++;
}

/* A column of places, which gives it away. Returns 0 where memory ran out. */
API int column_out(Places *places, int64_t column, struct ArrowSchema *schema, struct ArrowArray *array)
{
    uint32_t *values = places->columns[column] ? places->columns[column] : malloc(sizeof(uint32_t));
    places->columns[column] = NULL;
    return values && numbers_out(4, 0, values, places->count, schema, array);
}

/* A column of a table, which gives it away; NO_TIME stands for null. Returns 0 where memory ran out. */
API int table_out(Table *table, int64_t column, struct ArrowSchema *schema, struct ArrowArray *array)
{
    int64_t *values = table->columns[column] ? table->columns[column] : malloc(sizeof(int64_t));
    table->columns[column] = NULL;
    return values && numbers_out(8, 1, values, table->count, schema, array);
}

static int is_kept; /* memory that was used stays at hand */

/* Memory that was used stays at hand: what is read next needs as much, and the system takes its time to give it anew. */
API void keep_memory(void)
{
    is_kept = 1;
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 25);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_ARENA_MAX, 1);
#endif
}

/* What is at hand and not in use goes back to the system: it lies in pieces, and with time these become more. */
API void spare_memory(void)
{
#ifdef __GLIBC__
    if (is_kept)
        malloc_trim(0);
#endif
}

/* What the sources were when this was compiled. */
API uint32_t sources(void) { return LOGPOOL_SOURCES; }
