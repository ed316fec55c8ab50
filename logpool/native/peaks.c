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
API int peaks(const uint32_t *groups, const int64_t *times, const int8_t *out, const int64_t *lines,
              const uint32_t *sources, const uint32_t *its_threads, int64_t size, Peak *states, Table *visits,
              Table *threads)
{
    Index index;
    int made = index_begin(&index, threads);
    for (int64_t place = 0; made && place < size; place++) {
        if (!out[place])
            continue;
        Peak *state = states + groups[place];
        /* a clock that steps back stands still */
        if (times[place] > state->latest)
            state->latest = times[place];
        int64_t now = state->latest;
        if (state->first == NO_TIME)
            state->first = now;
        if (state->since != NO_TIME) {
            int64_t row = table_row(visits);
            made = row >= 0;
            if (!made)
                break;
            int64_t *const *columns = visits->columns;
            columns[GROUP][row] = groups[place];
            columns[TIME][row] = state->since;
            columns[END][row] = now;
            columns[LINE][row] = state->line;
            columns[SOURCE][row] = state->source;
            columns[LEVEL][row] = state->peak;
            state->since = NO_TIME;
        }
        state->level += out[place];
        if (state->level < state->peak || state->level <= 0)
            continue;
        state->peak = state->level;
        state->since = now;
        state->line = lines[place];
        state->source = sources[place];
        if (its_threads[place] == NONE)
            continue;
        int64_t row = index_row(&index, groups[place], its_threads[place]);
        made = row >= 0;
        if (made)
            threads->columns[REACHED][row] = state->level;
    }
    index_end(&index);
    return made;
}
