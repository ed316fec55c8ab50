/* What the compiled part is made of: it knows bytes, texts and numbers, and nothing of pools. */
#ifndef LOGPOOL_NATIVE_H
#define LOGPOOL_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif

/* stands for no number */
#define NONE UINT32_MAX

/* Texts, each once, by number. */
typedef struct Texts Texts;

API Texts *texts_new(void);
API void texts_free(Texts *texts);
API int64_t texts_count(const Texts *texts);
/* The number of a text; NONE where memory ran out. */
API uint32_t texts_add(Texts *texts, const char *text, int64_t size);
/* The number of a text; NONE where it has none. */
uint32_t texts_find(const Texts *texts, const char *text, int64_t size);
API const char *texts_get(const Texts *texts, uint32_t number, int64_t *size);

/* Some lines of a block: line `place[i]` of it stands from `start[i]` to `end[i]`. */
typedef struct {
    int64_t count, room;
    uint32_t *place, *start, *end;
} Rows;

/* A list of numbers that grows. */
typedef struct {
    int64_t count, room;
    uint32_t *numbers;
} List;

/* One more number. Returns 0 where memory ran out. */
int list_add(List *list, int64_t number);

/* Lines that were cut: each column has one entry for each, NONE where there is nothing. `first`: the places among them at
   which keys stand for the first time. `unknown`: a row of each pattern that is not known, of which no line is cut; nor is one that
   holds marks, of which `has_marks` tells. */
typedef struct {
    int64_t count, half_count, has_marks, room;
    uint32_t *row, *key, *address, *seconds, *thread;
    uint32_t **halves;
    List first, unknown;
} Taken;

/* Stands for no time. */
#define NO_TIME INT64_MIN

enum { MOST_COLUMNS = 12 };

/* Rows of whole numbers, column by column. */
typedef struct {
    int64_t count, room, width;
    int64_t *columns[MOST_COLUMNS];
} Table;

API Table *table_new(int64_t width);
API void table_free(Table *table);
/* A new row; -1 where memory ran out. */
int64_t table_row(Table *table);

/* The same of small numbers. */
typedef struct {
    int64_t count, room, width;
    uint32_t *columns[MOST_COLUMNS];
} Places;

/* A new row; -1 where memory ran out. */
int64_t places_row(Places *places);

/* The rows of a table by their first two columns. */
typedef struct {
    Table *table;
    int64_t *slots; /* -1 for a free one */
    uint64_t mask;
} Index;

/* Begins with the rows that there are. Returns 0 where memory ran out. */
int index_begin(Index *index, Table *table);
void index_end(Index *index);
/* The row of two numbers, a new one if need be, of which the caller fills the rest; -1 where memory ran out. */
int64_t index_row(Index *index, int64_t one, int64_t other);
/* The row of two numbers; -1 where there is none. */
int64_t index_find(const Index *index, int64_t one, int64_t other);

/* Events, column by column, and the groups of their shapes; NONE for no thread. */
typedef struct {
    int64_t count, first;
    const uint32_t *shape, *source, *thread;
    const int64_t *time, *line;
    const uint32_t *groups;
} Events;

/* Steps of which somebody else knows: of each the place, what it opens and closes, how many more are in use from it on; and the number
   and the thread of the event with which the checkout began that begins or ends there, NO_TIME and NONE where none does. */
typedef struct {
    int64_t count;
    const uint32_t *place, *thread;
    const int64_t *begin;
    const int8_t *opened, *closed, *out;
} Others;

/* The steps of a batch in order, column by column: the place and the group of the event, what it opens and closes, and how many more are
   in use from it on; `begin` is the place of the event with which the checkout began that begins or ends there, or, where somebody else
   knows of the step, its number among `others`. */
typedef struct {
    const Events *events;
    const Others *others;
    int64_t count, balance; /* how many more connections are open after them */
    uint32_t *place, *group, *begin;
    int8_t *opened, *closed, *out, *is_other;
} Steps;

/* The number and the thread of the event with which the checkout began that begins or ends at a step. */
static inline int64_t step_begin(const Steps *steps, int64_t step, uint32_t *thread)
{
    uint32_t begin = steps->begin[step];
    if (steps->is_other[step]) {
        *thread = steps->others->thread[begin];
        return steps->others->begin[begin];
    }
    *thread = steps->events->thread[begin];
    return steps->events->first + begin;
}

/* An interval of time: the one asked for last, since dividing takes its time. */
typedef struct {
    int64_t width, number, begin;
} Interval;

/* The number of the interval that a time is in; NO_TIME for no time. */
static inline int64_t interval_of(Interval *interval, int64_t time)
{
    if (time == NO_TIME)
        return NO_TIME;
    if ((uint64_t)time - (uint64_t)interval->begin >= (uint64_t)interval->width) {
        interval->number = time / interval->width - (time % interval->width < 0);
        /* the least one may begin before all times */
        interval->begin = (int64_t)((uint64_t)interval->number * (uint64_t)interval->width);
    }
    return interval->number;
}

#endif
