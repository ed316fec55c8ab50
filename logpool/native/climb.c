/* Levels that go up and down, and how high they come. */
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
    for (int64_t place = 0; !failed && place < size; place++) {
        uint32_t part = parts[groups[place]];
        int64_t time = times[place], bin = time == NO_TIME ? NO_TIME : interval_of(time, width);
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
            columns[MOMENT][row] += out[place] * (time - bin * width);
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
