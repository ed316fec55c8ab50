/* What lines that were cut are, by what is known of their texts. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

/* What becomes of the lines that have a key. */
enum { DROPPED, SET_ASIDE, LEFT, FIXED, BY_ADDRESS, BY_SECONDS };

/* No part of a time; stands beside NO_TIME, which is part of a time that there never was. */
#define MISFIT (INT64_MIN + 1)

/* Lines by what they are: `line`, `time` (NO_TIME for none), `label`, `name` and `thread` (NONE for none) of those that are
   something; the rows that are left for other cuts; `aside`, the places among those that were cut of those that are set aside,
   their rows and their labels. `last`: the last row that is something. */
typedef struct {
    int64_t count, left_count, aside_count, last;
    int64_t *line, *time;
    uint32_t *label, *name, *thread, *left, *aside, *aside_row, *aside_label;
} Found;

API void found_free(Found *found)
{
    free(found->line);
    free(found->time);
    free(found->label);
    free(found->name);
    free(found->thread);
    free(found->left);
    free(found->aside);
    free(found->aside_row);
    free(found->aside_label);
    memset(found, 0, sizeof *found);
}

static int has_columns(Found *found, int64_t taken, int64_t chosen)
{
    size_t size = (size_t)taken + 1;
    found->line = malloc(size * sizeof(int64_t));
    found->time = malloc(size * sizeof(int64_t));
    found->label = malloc(size * sizeof(uint32_t));
    found->name = malloc(size * sizeof(uint32_t));
    found->thread = malloc(size * sizeof(uint32_t));
    found->aside = malloc(size * sizeof(uint32_t));
    found->aside_row = malloc(size * sizeof(uint32_t));
    found->aside_label = malloc(size * sizeof(uint32_t));
    found->left = malloc(((size_t)chosen + 1) * sizeof(uint32_t));
    return found->line && found->time && found->label && found->name && found->thread && found->left && found->aside &&
           found->aside_row && found->aside_label;
}

/* The sum of the parts of a time; MISFIT where one is none. */
static int64_t time_of(const Taken *taken, int64_t at, const int64_t *const *parts)
{
    int64_t time = taken->half_count ? 0 : NO_TIME;
    for (int64_t number = 0; number < taken->half_count; number++) {
        int64_t part = parts[number][taken->halves[number][at]];
        if (part == MISFIT)
            return MISFIT;
        time = part == NO_TIME || time == NO_TIME ? NO_TIME : time + part;
    }
    return time;
}

/* The number that a name has among all of them; it is added there when it is first asked for. */
static uint32_t known_as(uint32_t name, const Texts *names, uint32_t *numbers, Texts *all)
{
    if (numbers[name] == NONE) {
        int64_t size;
        const char *text = texts_get(names, name, &size);
        numbers[name] = texts_add(all, text, size);
    }
    return numbers[name];
}

/* Tells what lines are.

   `parts`: for each part of times the number that each of its texts adds to the time. `fates`, `labels`, `fixed`, `threads`: for
   each key what becomes of its lines, what they are, their name, and their thread, where lines have none of their own. `numbers`: for
   each of `names` its number in `all`, NONE while it has none; likewise `thread_numbers` in `all_threads`. `counts`: by label, how many lines there are is added. `first`: the number of the block's first line. Returns 0
   where memory ran out. */
API int find(const Rows *rows, const uint32_t *chosen, int64_t count, const Taken *taken, const int64_t *const *parts,
             const uint8_t *fates, const uint32_t *labels, const uint32_t *fixed, const uint32_t *threads, const Texts *names, uint32_t *numbers,
             Texts *all, uint32_t *thread_numbers, Texts *all_threads, int64_t *counts, int64_t first, Found *found)
{
    int failed = !has_columns(found, taken->count, count);
    int64_t at = 0;
    found->last = -1;
    for (int64_t place = 0; !failed && place < count; place++) {
        uint32_t row = chosen[place];
        if (at == taken->count || taken->row[at] != row) {
            found->left[found->left_count++] = row;
            continue;
        }
        uint32_t key = taken->key[at];
        int64_t time = time_of(taken, at, parts);
        uint8_t fate = time == MISFIT ? LEFT : fates[key];
        if (fate == LEFT) {
            found->left[found->left_count++] = row;
        } else if (fate == SET_ASIDE) {
            found->aside_row[found->aside_count] = row;
            found->aside_label[found->aside_count] = labels[key];
            found->aside[found->aside_count++] = (uint32_t)at;
        } else if (fate != DROPPED) {
            int64_t to = found->count++;
            found->line[to] = first + rows->place[row];
            found->time[to] = time;
            found->label[to] = labels[key];
            found->name[to] = fixed[key];
            uint32_t thread = taken->thread[at];
            found->thread[to] = thread == NONE ? threads[key] : known_as(thread, names, thread_numbers, all_threads);
            failed = thread != NONE && found->thread[to] == NONE;
            uint32_t name = fate == BY_ADDRESS ? taken->address[at] : fate == BY_SECONDS ? taken->seconds[at] : NONE;
            /* a line may hold what stands in the place of a name, and no name */
            if (name != NONE) {
                found->name[to] = known_as(name, names, numbers, all);
                failed |= found->name[to] == NONE;
            }
            counts[labels[key]]++;
            found->last = row;
        }
        at++;
    }
    if (failed)
        found_free(found);
    return !failed;
}
