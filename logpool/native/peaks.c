/* How long levels stand at the highest that they ever reach. */
#include "native.h"

/* What one group has been through: the connections in use, and at most; the first and the latest time; and the visit at
   the peak that lasts, NO_TIME for none. */
typedef struct {
    int64_t level, peak, first, latest, since, line, source;
} Peak;

enum { GROUP, TIME, END, LINE, SOURCE, LEVEL };
enum { THREAD = 1, REACHED };

/* Follows steps in their order. Each visit at the highest level so far that ends becomes a row of `visits`; each thread that
   reaches one becomes a row of `threads`, with the level that it reached last. Returns 0 where memory ran out. */
API int peaks(const Steps *steps, Peak *states, Table *visits, Table *threads)
{
    const Events *events = steps->events;
    Index index;
    int made = index_begin(&index, threads);
    for (int64_t step = 0; made && step < steps->count; step++) {
        int64_t out = steps->out[step], place = steps->place[step];
        if (!out)
            continue;
        uint32_t group = steps->group[step];
        Peak *state = states + group;
        /* a clock that steps back stands still */
        if (events->time[place] > state->latest)
            state->latest = events->time[place];
        int64_t now = state->latest;
        if (state->first == NO_TIME)
            state->first = now;
        if (state->since != NO_TIME) {
            int64_t row = table_row(visits);
            made = row >= 0;
            if (!made)
                break;
            int64_t *const *columns = visits->columns;
            columns[GROUP][row] = group;
            columns[TIME][row] = state->since;
            columns[END][row] = now;
            columns[LINE][row] = state->line;
            columns[SOURCE][row] = state->source;
            columns[LEVEL][row] = state->peak;
            state->since = NO_TIME;
        }
        state->level += out;
        if (state->level < state->peak || state->level <= 0)
            continue;
        state->peak = state->level;
        state->since = now;
        state->line = events->line[place];
        state->source = events->source[place];
        uint32_t thread;
        step_begin(steps, step, &thread);
        if (thread == NONE)
            continue;
        int64_t row = index_row(&index, group, thread);
        made = row >= 0;
        if (made)
            threads->columns[REACHED][row] = state->level;
    }
    index_end(&index);
    return made;
}
