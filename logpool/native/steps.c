/* Steps: at which events connections are opened and closed, taken and given back. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

API void steps_end(Steps *steps)
{
    uint32_t *wide[] = {steps->place, steps->group, steps->begin};
    int8_t *narrow[] = {steps->opened, steps->closed, steps->out, steps->is_other};
    for (int column = 0; column < 3; column++)
        free(wide[column]);
    for (int column = 0; column < 4; column++)
        free(narrow[column]);
    memset(steps, 0, sizeof *steps);
}

static int has_columns(Steps *steps, size_t most)
{
    uint32_t **wide[] = {&steps->place, &steps->group, &steps->begin};
    int8_t **narrow[] = {&steps->opened, &steps->closed, &steps->out, &steps->is_other};
    int made = 1;
    for (int column = 0; column < 3; column++)
        made &= (*wide[column] = malloc(most * sizeof(uint32_t))) != NULL;
    for (int column = 0; column < 4; column++)
        made &= (*narrow[column] = malloc(most)) != NULL;
    return made;
}

enum { OPENS = 1, CLOSES = 2, TAKES = 4, GIVES = 8, OTHER = 16 };

static void add_step(Steps *steps, int64_t place, uint8_t change, uint32_t begin)
{
    int64_t at = steps->count++;
    const Others *others = steps->others;
    int is_other = change & OTHER;
    steps->place[at] = (uint32_t)place;
    steps->group[at] = steps->events->groups[steps->events->shape[place]];
    steps->begin[at] = begin;
    steps->is_other[at] = is_other != 0;
    steps->opened[at] = is_other ? others->opened[begin] : change & OPENS;
    steps->closed[at] = is_other ? others->closed[begin] : change / CLOSES & 1;
    steps->out[at] = is_other ? others->out[begin] : (int8_t)((change / TAKES & 1) - (change / GIVES & 1));
    steps->balance += steps->opened[at] - steps->closed[at];
}

/* The steps of a batch: those of whole uses and lives at their begins and ends, and others at their places, which count instead of
   them. Returns 0 where memory ran out. */
API int steps_begin(const Events *events, const uint32_t *use_begins, const uint32_t *use_ends, int64_t use_count,
                    const uint32_t *life_begins, const uint32_t *life_ends, int64_t life_count, const Others *others, Steps *steps)
{
    size_t size = (size_t)events->count + 1;
    uint8_t *changes = calloc(size, 1);
    uint32_t *begins = malloc(size * sizeof(uint32_t));
    *steps = (Steps){.events = events, .others = others};
    int made = has_columns(steps, (size_t)(2 * (use_count + life_count) + others->count) + 1) && changes && begins;
    for (int64_t life = 0; made && life < life_count; life++) {
        changes[life_begins[life]] |= OPENS;
        changes[life_ends[life]] |= CLOSES;
    }
    for (int64_t use = 0; made && use < use_count; use++) {
        uint32_t begin = use_begins[use], end = use_ends[use];
        changes[begin] |= TAKES;
        changes[end] |= GIVES;
        begins[begin] = begins[end] = begin;
    }
    for (int64_t other = 0; made && other < others->count; other++) {
        int changed = others->opened[other] || others->closed[other] || others->out[other];
        changes[others->place[other]] = changed ? OTHER : 0;
        begins[others->place[other]] = (uint32_t)other;
    }
    for (int64_t place = 0; made && place < events->count; place++)
        if (changes[place])
            add_step(steps, place, changes[place], begins[place]);
    free(changes);
    free(begins);
    if (!made)
        steps_end(steps);
    return made;
}

enum { SEQ, GROUP, TIME, LINE, SOURCE, OPENED, CLOSED, OUT, BEGIN, THREAD };

/* All steps in order, a row each. Returns 0 where memory ran out. */
API int steps_out(const Steps *steps, Table *table)
{
    const Events *events = steps->events;
    for (int64_t step = 0; step < steps->count; step++) {
        int64_t row = table_row(table), place = steps->place[step];
        if (row < 0)
            return 0;
        int64_t *const *columns = table->columns;
        uint32_t thread = NONE;
        columns[BEGIN][row] = steps->out[step] ? step_begin(steps, step, &thread) : NO_TIME;
        columns[THREAD][row] = thread == NONE ? NO_TIME : (int64_t)thread;
        columns[SEQ][row] = events->first + place;
        columns[GROUP][row] = steps->group[step];
        columns[TIME][row] = events->time[place];
        columns[LINE][row] = events->line[place];
        columns[SOURCE][row] = events->source[place];
        columns[OPENED][row] = steps->opened[step];
        columns[CLOSED][row] = steps->closed[step];
        columns[OUT][row] = steps->out[step];
    }
    return 1;
}

/* Where connections are opened, in groups that are followed from an event on: their group and the event's number become a row each.
   Returns 0 where memory ran out. */
API int steps_opened(const Steps *steps, const int64_t *followed, int64_t group_count, Table *table)
{
    for (int64_t step = 0; step < steps->count; step++) {
        uint32_t group = steps->group[step];
        int64_t seq = steps->events->first + steps->place[step];
        if (!steps->opened[step] || group >= group_count || seq <= followed[group])
            continue;
        int64_t row = table_row(table);
        if (row < 0)
            return 0;
        table->columns[0][row] = group;
        table->columns[1][row] = seq;
    }
    return 1;
}

/* Follows which checkout each thread of each group has under way, if none ever has two: `group`, `thread` and the number of the event with
   which it began become a row each in the end. `groups`, `threads` and `begins`: of those under way before. `is_apart` is whether none has
   two; else there are no rows. Steps without a thread do not count, nor do ends without a begin. Returns 0 where memory ran out. */
API int steps_apart(const Steps *steps, const uint32_t *groups, const uint32_t *threads, const int64_t *begins, int64_t count,
                    int64_t *is_apart, Table *held)
{
    enum { BEGAN = 2 };
    Index index;
    Table *table = table_new(BEGAN + 1);
    int made = table && index_begin(&index, table), begun = made;
    *is_apart = 1;
    for (int64_t at = 0; made && *is_apart && at < count + steps->count; at++) {
        int64_t step = at - count, out = at < count ? 1 : steps->out[step], before = table->count;
        uint32_t thread = at < count ? threads[at] : NONE, group = at < count ? groups[at] : steps->group[step];
        int64_t begin = at < count ? begins[at] : out ? step_begin(steps, step, &thread) : NO_TIME;
        if (!out || thread == NONE || begin == NO_TIME)
            continue;
        int64_t row = index_row(&index, group, thread);
        made = row >= 0;
        if (!made)
            break;
        int64_t *began = table->columns[BEGAN] + row;
        if (table->count > before)
            *began = NO_TIME;
        if (out < 0) {
            *began = *began == begin ? NO_TIME : *began;
        } else {
            *is_apart = *began == NO_TIME && out == 1;
            *began = begin;
        }
    }
    for (int64_t at = 0; made && *is_apart && at < table->count; at++) {
        if (table->columns[BEGAN][at] == NO_TIME)
            continue;
        int64_t row = table_row(held);
        made = row >= 0;
        for (int64_t column = 0; made && column <= BEGAN; column++)
            held->columns[column][row] = table->columns[column][at];
    }
    if (begun)
        index_end(&index);
    table_free(table);
    return made;
}
