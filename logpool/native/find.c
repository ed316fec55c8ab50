/* What lines that were cut are, by what is known of their texts. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

/* What becomes of the lines that have a key. */
enum { DROPPED, SET_ASIDE, LEFT, FIXED, BY_ADDRESS, BY_SECONDS };

/* No part of a time; stands beside NO_TIME, which is part of a time that there never was. */
#define MISFIT (INT64_MIN + 1)

/* Lines by what they are: `line`, `time` (NO_TIME for none), `label`, `name` and `thread` (NONE for none). */
typedef struct {
    int64_t count, room;
    int64_t *line, *time;
    uint32_t *label, *name, *thread;
} Lot;

/* What lines are beside those that are something: the rows that are left for other cuts; `aside`, the places among those that were cut
   of those that are set aside, their rows and their labels. `last`: the last row that is something, -1 for none. */
typedef struct {
    int64_t last;
    List left, aside, aside_row, aside_label;
} Found;

API void found_free(Found *found)
{
    List *lists[] = {&found->left, &found->aside, &found->aside_row, &found->aside_label};
    for (int list = 0; list < 4; list++)
        free(lists[list]->numbers);
    memset(found, 0, sizeof *found);
}

API void lot_free(Lot *lot)
{
    free(lot->line);
    free(lot->time);
    free(lot->label);
    free(lot->name);
    free(lot->thread);
    memset(lot, 0, sizeof *lot);
}

/* Room for so many more lines. Returns 0 where memory ran out. */
API int lot_room(Lot *lot, int64_t more)
{
    if (lot->line && lot->count + more <= lot->room)
        return 1;
    /* one at least, since there may be none */
    int64_t room = lot->count + more >= lot->room * 2 ? lot->count + more + 1 : lot->room * 2;
    void **columns[] = {(void **)&lot->line, (void **)&lot->time, (void **)&lot->label, (void **)&lot->name, (void **)&lot->thread};
    for (int column = 0; column < 5; column++) {
        void *grown = realloc(*columns[column], (size_t)room * (column < 2 ? sizeof(int64_t) : sizeof(uint32_t)));
        if (!grown)
            return 0;
        *columns[column] = grown;
    }
    lot->room = room;
    return 1;
}

/* One more line. Returns 0 where memory ran out. */
API int lot_add(Lot *lot, int64_t line, int64_t time, uint32_t label, uint32_t name, uint32_t thread)
{
    if (!lot_room(lot, 1))
        return 0;
    int64_t to = lot->count++;
    lot->line[to] = line;
    lot->time[to] = time;
    lot->label[to] = label;
    lot->name[to] = name;
    lot->thread[to] = thread;
    return 1;
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
   each of `names` its number in `all`, NONE while it has none; likewise `thread_numbers` in `all_threads`. `counts`: by label, how many
   lines there are is added. `first`: the number of the block's first line. `lot`: those that are something are added. Returns 0 where
   memory ran out. */
API int find(const Rows *rows, const uint32_t *chosen, int64_t count, const Taken *taken, const int64_t *const *parts,
             const uint8_t *fates, const uint32_t *labels, const uint32_t *fixed, const uint32_t *threads, const Texts *names, uint32_t *numbers,
             Texts *all, uint32_t *thread_numbers, Texts *all_threads, int64_t *counts, int64_t first, Lot *lot, Found *found)
{
    int failed = !lot_room(lot, taken->count);
    int64_t at = 0, to = lot->count;
    found->last = -1;
    for (int64_t place = 0; !failed && place < count; place++) {
        uint32_t row = chosen[place];
        if (at == taken->count || taken->row[at] != row) {
            failed = !list_add(&found->left, row);
            continue;
        }
        uint32_t key = taken->key[at];
        int64_t time = time_of(taken, at, parts);
        uint8_t fate = time == MISFIT ? LEFT : fates[key];
        if (fate == LEFT) {
            failed = !list_add(&found->left, row);
        } else if (fate == SET_ASIDE) {
            failed = !list_add(&found->aside, at) || !list_add(&found->aside_row, row) || !list_add(&found->aside_label, labels[key]);
        } else if (fate != DROPPED) {
            uint32_t label = labels[key], thread = taken->thread[at];
            lot->line[to] = first + rows->place[row];
            lot->time[to] = time;
            lot->label[to] = label;
            lot->name[to] = fixed[key];
            lot->thread[to] = thread == NONE ? threads[key] : known_as(thread, names, thread_numbers, all_threads);
            failed = thread != NONE && lot->thread[to] == NONE;
            uint32_t name = fate == BY_ADDRESS ? taken->address[at] : fate == BY_SECONDS ? taken->seconds[at] : NONE;
            /* a line may hold what stands in the place of a name, and no name */
            if (name != NONE) {
                lot->name[to] = known_as(name, names, numbers, all);
                failed |= lot->name[to] == NONE;
            }
            to++;
            counts[label]++;
            found->last = row;
        }
        at++;
    }
    lot->count = to;
    return !failed;
}
