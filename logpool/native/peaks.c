/* How long levels stand at the highest that they ever reach. */
#include "native.h"

/* Some time at the peak: from when to when, where it began, and over how many visits, dips in between; 0 visits for none. */
typedef struct {
    int64_t start, end, line, source, visits;
} Stay;

/* What one group has been through: the connections in use, and at most; the first and the latest time; the visit at the peak that lasts,
   NO_TIME for none, and where it began. Of those at the peak that are over, how long they were together, how many, and over how many
   stays; the stay that the next visit may continue, which is not counted yet, and the longest that is over. */
typedef struct {
    int64_t level, peak, first, latest, since, line, source, total, visits, stays;
    Stay current, longest;
} Peak;

enum { THREAD = 1, REACHED, FIRST, LAST };

/* A visit at the peak is over. */
static void end_visit(Peak *state, int64_t now, int64_t dip)
{
    state->visits++;
    state->total += now - state->since;
    if (state->current.visits && state->since - state->current.end <= dip) {
        state->current.end = now;
        state->current.visits++;
    } else {
        if (state->current.visits) {
            state->stays++;
            if (!state->longest.visits ||
                state->current.end - state->current.start > state->longest.end - state->longest.start)
                state->longest = state->current;
        }
        state->current = (Stay){state->since, now, state->line, state->source, 1};
    }
    state->since = NO_TIME;
}

/* Follows steps in their order. Visits at the peak that are apart by `dip` at most are one stay. Each thread that reaches the highest level
   so far becomes a row, with the level that it reached last, and the numbers of the events at which it did so first and last. Returns 0
   where memory ran out. */
API int peaks(const Steps *steps, int64_t dip, Peak *states, Table *threads)
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
        if (state->since != NO_TIME)
            end_visit(state, now, dip);
        state->level += out;
        if (state->level < state->peak || state->level <= 0)
            continue;
        if (state->level > state->peak) {
            /* what was noted of a lower peak does not count */
            state->total = state->visits = state->stays = 0;
            state->current = state->longest = (Stay){0, 0, 0, 0, 0};
        }
        state->peak = state->level;
        state->since = now;
        state->line = events->line[place];
        state->source = events->source[place];
        uint32_t thread;
        step_begin(steps, step, &thread);
        if (thread == NONE)
            continue;
        int64_t count = threads->count, row = index_row(&index, group, thread), seq = events->first + place;
        made = row >= 0;
        if (!made)
            break;
        if (threads->count > count || threads->columns[REACHED][row] < state->level)
            threads->columns[FIRST][row] = seq;
        threads->columns[REACHED][row] = state->level;
        threads->columns[LAST][row] = seq;
    }
    index_end(&index);
    return made;
}
