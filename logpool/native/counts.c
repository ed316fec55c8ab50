/* How often pairs of numbers stand in two columns, and when. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 2, FIRST, LAST, LEAST };

/* Counts pairs: `one`, `other` and the count become a row each. Returns 0 where memory ran out. */
API int count(const uint32_t *one, const int64_t *other, int64_t size, Table *table)
{
    Index index;
    int failed = !index_begin(&index, table);
    for (int64_t place = 0; !failed && place < size; place++) {
        int64_t before = table->count, row = index_row(&index, one[place], other[place]);
        failed = row < 0;
        if (failed)
            break;
        if (table->count > before)
            table->columns[COUNT][row] = 0;
        table->columns[COUNT][row]++;
    }
    index_end(&index);
    return !failed;
}

/* A row counts some more: of so many, from one time to another, with some values that only count where they are less. */
static int tallied(Index *index, int64_t *row, int64_t label, int64_t bin, int64_t count, int64_t first, int64_t last,
                   const int64_t *const *values, int64_t value_count, int64_t place)
{
    int64_t before = index->table->count, at = *row;
    int64_t *const *columns = index->table->columns;
    if (at < 0 || columns[0][at] != label || columns[1][at] != bin) {
        *row = at = index_row(index, label, bin);
        if (at < 0)
            return 0;
        if (index->table->count > before) {
            columns[COUNT][at] = 0;
            columns[FIRST][at] = first;
            columns[LAST][at] = last;
            for (int64_t value = 0; value < value_count; value++)
                columns[LEAST + value][at] = values[value][place];
        }
    }
    int64_t *firsts = columns[FIRST] + at, *lasts = columns[LAST] + at;
    columns[COUNT][at] += count;
    *firsts = first < *firsts ? first : *firsts;
    *lasts = last > *lasts ? last : *lasts;
    for (int64_t value = 0; value < value_count; value++)
        if (values[value][place] < columns[LEAST + value][at])
            columns[LEAST + value][at] = values[value][place];
    return 1;
}

/* A label that goes on in an interval, and its row. */
typedef struct {
    int64_t row, label, bin, count, first, last;
} Run;

static int begin_run(Run *run, Index *index, int64_t label, int64_t bin)
{
    int64_t before = index->table->count, row = index_row(index, label, bin);
    int64_t *const *columns = index->table->columns;
    *run = (Run){row, label, bin, 0, INT64_MAX, INT64_MIN};
    if (row >= before) {
        columns[COUNT][row] = 0;
        columns[FIRST][row] = INT64_MAX;
        columns[LAST][row] = INT64_MIN;
    }
    return row >= 0;
}

static void end_run(const Run *run, Table *table)
{
    int64_t *const *columns = table->columns;
    if (!run->count)
        return;
    columns[COUNT][run->row] += run->count;
    columns[FIRST][run->row] = run->first < columns[FIRST][run->row] ? run->first : columns[FIRST][run->row];
    columns[LAST][run->row] = run->last > columns[LAST][run->row] ? run->last : columns[LAST][run->row];
}

/* Counts labels by interval: label, interval (NO_TIME for none), count, first and last time become a row each, and of some
   columns the least value. `kept`: the columns of such rows from before, which are counted with them; two may be of the same
   interval. Returns 0 where memory ran out. */
API int tally(const int64_t *const *kept, int64_t kept_count, const uint32_t *labels, const int64_t *times, int64_t size,
              int64_t width, const int64_t *const *values, int64_t value_count, Table *table)
{
    /* of labels that end alike the one that came last: most often it goes on */
    enum { RECENT = 1 << 10 };
    Run *runs = malloc(RECENT * sizeof(Run));
    Interval interval = {width, 0, 0};
    Index index;
    int made = index_begin(&index, table) && runs;
    for (int64_t place = 0; made && place < kept_count; place++) {
        int64_t row = -1;
        made = tallied(&index, &row, kept[0][place], kept[1][place], kept[COUNT][place], kept[FIRST][place],
                       kept[LAST][place], kept + LEAST, value_count, place);
    }
    for (int64_t at = 0; made && at < RECENT; at++)
        runs[at] = (Run){-1, -1, 0, 0, 0, 0};
    for (int64_t place = 0; made && place < size; place++) {
        int64_t label = labels[place], time = times[place], bin = interval_of(&interval, time);
        Run *run = runs + label % RECENT;
        if (value_count) {
            made = tallied(&index, &run->row, label, bin, 1, time, time, values, value_count, place);
            continue;
        }
        if (run->label != label || run->bin != bin) {
            end_run(run, table);
            made = begin_run(run, &index, label, bin);
        }
        run->count++;
        run->first = time < run->first ? time : run->first;
        run->last = time > run->last ? time : run->last;
    }
    for (int64_t at = 0; made && at < RECENT; at++)
        end_run(runs + at, table);
    free(runs);
    index_end(&index);
    return made;
}

/* How times go on, those missing left out: the latest, the greatest fall below the latest so far, the last, and the least and
   greatest difference between neighbours. `latest` and `last` go on from what is there, NO_TIME for none. */
typedef struct {
    int64_t latest, fall, last, least, greatest;
} Course;

API void follow(const int64_t *times, int64_t size, Course *course)
{
    /* a copy, which no pointer leads to */
    Course here = *course;
    for (int64_t place = 0; place < size; place++) {
        int64_t time = times[place];
        if (time == NO_TIME)
            continue;
        if (here.last != NO_TIME) {
            int64_t difference = time - here.last;
            here.least = difference < here.least ? difference : here.least;
            here.greatest = difference > here.greatest ? difference : here.greatest;
        }
        here.last = time;
        here.latest = time > here.latest ? time : here.latest;
        here.fall = here.latest - time > here.fall ? here.latest - time : here.fall;
    }
    *course = here;
}

/* The first and the last place of each label below a number, and how often it stands: label, first, last and count become a row each, in
   the order of the first places. Returns 0 where memory ran out. */
API int ends(const uint32_t *labels, int64_t size, int64_t label_count, Table *table)
{
    enum { LABEL, BEGIN, END, TIMES };
    int64_t *rows = malloc(((size_t)label_count + 1) * sizeof(int64_t));
    int failed = !rows;
    if (rows)
        memset(rows, 0xff, (size_t)label_count * sizeof(int64_t));
    for (int64_t place = 0; !failed && place < size; place++) {
        int64_t row = rows[labels[place]];
        if (row < 0) {
            row = rows[labels[place]] = table_row(table);
            failed = row < 0;
            if (failed)
                break;
            table->columns[LABEL][row] = labels[place];
            table->columns[BEGIN][row] = place;
            table->columns[TIMES][row] = 0;
        }
        table->columns[END][row] = place;
        table->columns[TIMES][row]++;
    }
    free(rows);
    return !failed;
}

/* The places of labels that are asked for. `asked` is of the labels. Returns 0 where memory ran out. */
API int labelled(const uint32_t *labels, int64_t size, const uint8_t *asked, List *found)
{
    for (int64_t place = 0; place < size; place++)
        if (asked[labels[place]] && !list_add(found, place))
            return 0;
    return 1;
}

/* For each of some places, which ascend and may lie before or behind all, the next one on from there at which the wanted thread says
   something with the wanted label; NONE where there is none. `labels` are of the shapes, NONE for none; `sought` is an empty table.
   Returns 0 where memory ran out. */
API int nexts(const uint32_t *shapes, const uint32_t *threads, int64_t size, const uint32_t *labels, const int64_t *places,
              const uint32_t *wanted, const uint32_t *wanted_threads, int64_t count, Table *sought, uint32_t **found)
{
    /* NEAR: most often what is wanted stands so many events on at most */
    enum { LABEL, THREAD, NEXT, NEAR = 1 << 10 };
    Index index;
    /* of each place what was found, or the row of what is wanted */
    *found = malloc(((size_t)count + 1) * sizeof(uint32_t));
    uint8_t *is_far = calloc((size_t)count + 1, 1);
    int made = index_begin(&index, sought) && *found && is_far;
    for (int64_t at = 0; made && at < count; at++) {
        int64_t place = places[at] < 0 ? 0 : places[at], end = place < size - NEAR ? place + NEAR : size;
        while (place < end && (threads[place] != wanted_threads[at] || labels[shapes[place]] != wanted[at]))
            place++;
        if (place < end) {
            (*found)[at] = (uint32_t)place;
        } else if (end == size) {
            (*found)[at] = NONE;
        } else {
            int64_t row = index_row(&index, wanted[at], wanted_threads[at]);
            made = row >= 0;
            if (!made)
                break;
            sought->columns[NEXT][row] = NONE;
            (*found)[at] = (uint32_t)row;
            is_far[at] = 1;
        }
    }
    int64_t at = sought->count ? count - 1 : -1;
    for (int64_t place = size - 1; made && at >= 0; place--) {
        for (; at >= 0 && (place < 0 || places[at] > place); at--)
            if (is_far[at])
                (*found)[at] = (uint32_t)sought->columns[NEXT][(*found)[at]];
        uint32_t label = place < 0 ? NONE : labels[shapes[place]];
        int64_t row = label == NONE ? -1 : index_find(&index, label, threads[place]);
        if (row >= 0)
            sought->columns[NEXT][row] = place;
    }
    index_end(&index);
    free(is_far);
    if (!made)
        free(*found);
    return made;
}

/* The least and the greatest value of each label below a number, those missing (NO_TIME) left out: label, least and greatest become
   a row each; where all are missing, NO_TIME both. Returns 0 where memory ran out. */
API int extremes(const uint32_t *labels, const int64_t *values, int64_t size, int64_t label_count, Table *table)
{
    enum { LABEL, SMALLEST, GREATEST };
    int64_t *rows = malloc(((size_t)label_count + 1) * sizeof(int64_t));
    int failed = !rows;
    if (rows)
        memset(rows, 0xff, (size_t)label_count * sizeof(int64_t));
    for (int64_t place = 0; !failed && place < size; place++) {
        int64_t value = values[place], row = rows[labels[place]];
        if (row < 0) {
            row = rows[labels[place]] = table_row(table);
            failed = row < 0;
            if (failed)
                break;
            table->columns[LABEL][row] = labels[place];
            table->columns[SMALLEST][row] = table->columns[GREATEST][row] = value;
        }
        if (value == NO_TIME)
            continue;
        int64_t *least = table->columns[SMALLEST] + row, *greatest = table->columns[GREATEST] + row;
        if (*least == NO_TIME || value < *least)
            *least = value;
        if (value > *greatest)
            *greatest = value;
    }
    free(rows);
    return !failed;
}

static int pushed(Table *stack, int64_t height)
{
    int64_t row = table_row(stack);
    if (row >= 0)
        stack->columns[0][row] = height;
    return row >= 0;
}

/* Follows a stack: 0 takes what was put there last, 1 puts something there, 2 clears it. Of what is taken, the height that was
   reached above it while it lay there, itself included: each such height and how often it was so become a row of `heights`, whose
   second column is 0. `before`: that height for what is there, from the lowest on; likewise `stack` afterwards. Returns 0 where memory
   ran out. */
API int pile(const uint8_t *moves, int64_t size, const int64_t *before, int64_t depth, Table *heights, Table *stack)
{
    enum { TAKE, PUT };
    Index index;
    int made = index_begin(&index, heights);
    for (int64_t place = 0; made && place < depth; place++)
        made = pushed(stack, before[place]);
    for (int64_t place = 0; made && place < size; place++) {
        if (moves[place] == PUT) {
            made = pushed(stack, 1);
        } else if (moves[place] != TAKE) {
            stack->count = 0;
        } else if (stack->count) {
            int64_t height = stack->columns[0][--stack->count], known = heights->count;
            int64_t row = index_row(&index, height, 0);
            made = row >= 0;
            if (!made)
                break;
            if (heights->count > known)
                heights->columns[COUNT][row] = 0;
            heights->columns[COUNT][row]++;
            int64_t *below = stack->columns[0] + stack->count - 1;
            if (stack->count && *below <= height)
                *below = height + 1;
        }
    }
    index_end(&index);
    return made;
}
