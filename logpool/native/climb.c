/* Steps, the levels that they lead to, and how high those come. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

/* Of one part: the levels now, and at most. */
typedef struct {
    int64_t open, out, most_open, most_out;
} Level;

/* The columns of the rows: of the steps of one part in one run of them. */
enum { PART, BIN, OUT, MOMENT, MOST_OPEN, MOST_OUT, LAST, LAST_OPEN, LAST_OUT };

/* Follows steps in their order, each of a group that belongs to a part. `times` may be NO_TIME; intervals are of `width`.
   Each run of a part's steps in one interval becomes a row of the table. Returns 0 where memory ran out. */
API int climb(const uint32_t *groups, const int64_t *times, const int64_t *seqs, const int8_t *opened,
              const int8_t *closed, const int8_t *out, int64_t size, const uint32_t *parts, int64_t part_count,
              int64_t width, Level *levels, Table *table)
{
    /* the row of each part's run, -1 for none */
    int64_t *rows = malloc(((size_t)part_count + 1) * sizeof(int64_t));
    int failed = !rows;
    if (rows)
        memset(rows, 0xff, (size_t)part_count * sizeof(int64_t));
    int64_t *const *columns = table->columns;
    Interval interval = {width, 0, 0};
    for (int64_t place = 0; !failed && place < size; place++) {
        uint32_t part = parts[groups[place]];
        int64_t time = times[place], bin = interval_of(&interval, time);
        Level *level = levels + part;
        level->open += opened[place] - closed[place];
        level->out += out[place];
        /* what is opened and closed at once was open at the same time */
        int64_t most = level->open + closed[place], row = rows[part];
        if (row < 0 || columns[BIN][row] != bin) {
            row = rows[part] = table_row(table);
            failed = row < 0;
            if (failed)
                break;
            columns[PART][row] = part;
            columns[BIN][row] = bin;
            columns[OUT][row] = columns[MOMENT][row] = 0;
            columns[MOST_OPEN][row] = most;
            columns[MOST_OUT][row] = level->out;
        }
        columns[OUT][row] += out[place];
        if (bin != NO_TIME)
            columns[MOMENT][row] += out[place] * (time - interval.begin);
        if (most > columns[MOST_OPEN][row])
            columns[MOST_OPEN][row] = most;
        if (level->out > columns[MOST_OUT][row])
            columns[MOST_OUT][row] = level->out;
        columns[LAST][row] = seqs[place];
        columns[LAST_OPEN][row] = level->open;
        columns[LAST_OUT][row] = level->out;
        if (most > level->most_open)
            level->most_open = most;
        if (level->out > level->most_out)
            level->most_out = level->out;
    }
    free(rows);
    return !failed;
}

/* Steps in order, column by column: `begin` is the number of the event with which the checkout began that begins or ends there,
   `thread` that event's; NO_TIME and NONE where none does. */
typedef struct {
    int64_t count;
    int64_t *seq, *time, *line, *begin;
    uint32_t *group, *source, *thread;
    int8_t *opened, *closed, *out;
} Steps;

/* Steps of which somebody else knows. */
typedef struct {
    int64_t count;
    const uint32_t *place, *thread;
    const int64_t *begin;
    const int8_t *opened, *closed, *out;
} Others;

API void steps_free(Steps *steps)
{
    free(steps->seq);
    free(steps->time);
    free(steps->line);
    free(steps->begin);
    free(steps->group);
    free(steps->source);
    free(steps->thread);
    free(steps->opened);
    free(steps->closed);
    free(steps->out);
    memset(steps, 0, sizeof *steps);
}

static int has_columns(Steps *steps, size_t most)
{
    int64_t **wide[] = {&steps->seq, &steps->time, &steps->line, &steps->begin};
    uint32_t **middle[] = {&steps->group, &steps->source, &steps->thread};
    int8_t **narrow[] = {&steps->opened, &steps->closed, &steps->out};
    int made = 1;
    for (int column = 0; column < 4; column++)
        made &= (*wide[column] = malloc(most * sizeof(int64_t))) != NULL;
    for (int column = 0; column < 3; column++) {
        made &= (*middle[column] = malloc(most * sizeof(uint32_t))) != NULL;
        made &= (*narrow[column] = malloc(most)) != NULL;
    }
    return made;
}

/* Puts steps in order: those of whole uses and lives by their places, and others by theirs, which count instead of them. Each
   place where anything changes has one. Returns 0 where memory ran out. */
API int steps(const Events *events, const int64_t *use_begins, const int64_t *use_ends, int64_t use_count,
              const int64_t *life_begins, const int64_t *life_ends, int64_t life_count, const Others *others, Steps *steps)
{
    enum { OPENED = 1, CLOSED = 2, TAKEN = 4, GIVEN = 8, OTHER = 16 };
    uint8_t *changes = calloc((size_t)events->count + 1, 1);
    uint32_t *begins = malloc(((size_t)events->count + 1) * sizeof(uint32_t));
    memset(steps, 0, sizeof *steps);
    int made = has_columns(steps, (size_t)(2 * (use_count + life_count) + others->count) + 1) && changes && begins;
    for (int64_t life = 0; made && life < life_count; life++) {
        changes[life_begins[life]] |= OPENED;
        changes[life_ends[life]] |= CLOSED;
    }
    for (int64_t use = 0; made && use < use_count; use++) {
        changes[use_begins[use]] |= TAKEN;
        changes[use_ends[use]] |= GIVEN;
        begins[use_begins[use]] = begins[use_ends[use]] = (uint32_t)use_begins[use];
    }
    for (int64_t other = 0; made && other < others->count; other++) {
        int changed = others->opened[other] || others->closed[other] || others->out[other];
        changes[others->place[other]] = changed ? OTHER : 0;
        begins[others->place[other]] = (uint32_t)other;
    }
    for (int64_t place = 0; made && place < events->count; place++) {
        uint8_t change = changes[place];
        if (!change)
            continue;
        int64_t at = steps->count++;
        uint32_t begin = begins[place];
        int is_other = change & OTHER;
        steps->seq[at] = events->first + place;
        steps->time[at] = events->time[place];
        steps->line[at] = events->line[place];
        steps->source[at] = events->source[place];
        steps->group[at] = events->groups[events->shape[place]];
        steps->opened[at] = is_other ? others->opened[begin] : !!(change & OPENED);
        steps->closed[at] = is_other ? others->closed[begin] : !!(change & CLOSED);
        steps->out[at] = is_other ? others->out[begin] : !!(change & TAKEN) - !!(change & GIVEN);
        steps->begin[at] = NO_TIME;
        steps->thread[at] = NONE;
        if (steps->out[at]) {
            steps->begin[at] = is_other ? others->begin[begin] : events->first + begin;
            steps->thread[at] = is_other ? others->thread[begin] : events->thread[begin];
        }
    }
    free(changes);
    free(begins);
    if (!made)
        steps_free(steps);
    return made;
}

/* Which events some are, and when and where they stand. */
typedef struct {
    int64_t count;
    int64_t *seq, *time, *line;
    uint32_t *source;
} Points;

API void points_free(Points *points)
{
    free(points->seq);
    free(points->time);
    free(points->line);
    free(points->source);
    memset(points, 0, sizeof *points);
}

/* The points of the events at some places. Returns 0 where memory ran out. */
API int points(const Events *events, const int64_t *places, int64_t count, Points *points)
{
    size_t wide = (size_t)(count + 1) * sizeof(int64_t), narrow = (size_t)(count + 1) * sizeof(uint32_t);
    *points = (Points){count, malloc(wide), malloc(wide), malloc(wide), malloc(narrow)};
    if (!points->seq || !points->time || !points->line || !points->source) {
        points_free(points);
        return 0;
    }
    for (int64_t at = 0; at < count; at++) {
        int64_t place = places[at];
        points->seq[at] = events->first + place;
        points->time[at] = events->time[place];
        points->line[at] = events->line[place];
        points->source[at] = events->source[place];
    }
    return 1;
}
