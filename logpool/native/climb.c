/* The levels that steps lead to, and how high those come. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

/* Of one part: the levels now, and at most. */
typedef struct {
    int64_t open, out, most_open, most_out;
} Level;

/* The columns of the rows: of the steps of one part in one run of them. */
enum { PART, BIN, OUT, MOMENT, MOST_OPEN, MOST_OUT, LAST, LAST_OPEN, LAST_OUT };

/* The run of a part that goes on, and its row; -1 for none. */
typedef struct {
    int64_t row, bin, out, moment, most_open, most_out, last;
} Run;

static void end_run(const Run *run, int64_t part, const Level *level, Table *table)
{
    int64_t *const *columns = table->columns, row = run->row;
    if (row < 0)
        return;
    columns[PART][row] = part;
    columns[BIN][row] = run->bin;
    columns[OUT][row] = run->out;
    columns[MOMENT][row] = run->moment;
    columns[MOST_OPEN][row] = run->most_open;
    columns[MOST_OUT][row] = run->most_out;
    columns[LAST][row] = run->last;
    columns[LAST_OPEN][row] = level->open;
    columns[LAST_OUT][row] = level->out;
}

/* Follows steps in their order, each of a group that belongs to a part. `times` are of the events, and may be NO_TIME; intervals are of
   `width`. Each run of a part's steps in one interval becomes a row of the table. Groups may be parted in several ways at once, so that
   those parts follow that are of the next way: `ways`, each with so many groups in `parts`. Returns 0 where memory ran out. */
API int climb(const Steps *steps, const int64_t *times, const uint32_t *parts, int64_t ways, int64_t group_count, int64_t part_count,
              int64_t width, Level *levels, Table *table)
{
    Run *runs = malloc(((size_t)part_count + 1) * sizeof(Run));
    int failed = !runs;
    for (int64_t part = 0; runs && part < part_count; part++)
        runs[part].row = -1;
    Interval interval = {width, 0, 0};
    for (int64_t step = 0; !failed && step < steps->count; step++) {
        int64_t time = times[steps->place[step]], bin = interval_of(&interval, time);
        int64_t closed = steps->closed[step], out = steps->out[step], open = steps->opened[step] - closed;
        int64_t moment = bin == NO_TIME ? 0 : out * (time - interval.begin), seq = steps->events->first + steps->place[step];
        for (int64_t way = 0; way < ways; way++) {
            uint32_t part = parts[way * group_count + steps->group[step]];
            Level *level = levels + part;
            Run *run = runs + part;
            if (run->row < 0 || run->bin != bin) {
                end_run(run, part, level, table);
                *run = (Run){table_row(table), bin, 0, 0, INT64_MIN, INT64_MIN, 0};
                failed |= run->row < 0;
            }
            level->open += open;
            level->out += out;
            /* what is opened and closed at once was open at the same time */
            int64_t most = level->open + closed;
            run->out += out;
            run->moment += moment;
            run->last = seq;
            run->most_open = most > run->most_open ? most : run->most_open;
            run->most_out = level->out > run->most_out ? level->out : run->most_out;
            level->most_open = most > level->most_open ? most : level->most_open;
            level->most_out = level->out > level->most_out ? level->out : level->most_out;
        }
    }
    for (int64_t part = 0; !failed && part < part_count; part++)
        end_run(runs + part, part, levels + part, table);
    free(runs);
    return !failed;
}
