/* From one event to another: how long whole uses and whole lives lasted, without a row for each. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

/* The spans of a batch: the group of each, and the places at which it begins and ends; the time of its begin, and how long it lasted,
   NO_TIME where nothing tells. */
typedef struct {
    const Events *events;
    int64_t count;
    const uint32_t *group, *begin, *end;
    int64_t *time, *length;
    int64_t first, last; /* of the times of those with a length; NO_TIME both where there is none */
} Spans;

API void spans_end(Spans *spans)
{
    free(spans->time);
    free(spans->length);
    spans->time = spans->length = NULL;
}

/* Measures spans whose first columns are there. Returns 0 where memory ran out. */
API int spans_begin(Spans *spans)
{
    size_t size = ((size_t)spans->count + 1) * sizeof(int64_t);
    const int64_t *times = spans->events->time;
    spans->time = malloc(size);
    spans->length = malloc(size);
    spans->first = spans->last = NO_TIME;
    if (!spans->time || !spans->length) {
        spans_end(spans);
        return 0;
    }
    for (int64_t at = 0; at < spans->count; at++) {
        int64_t begin = times[spans->begin[at]], end = times[spans->end[at]];
        int is_known = begin != NO_TIME && end != NO_TIME;
        spans->time[at] = begin;
        spans->length[at] = is_known ? end - begin : NO_TIME;
        if (is_known && (spans->first == NO_TIME || begin < spans->first))
            spans->first = begin;
        if (is_known && begin > spans->last)
            spans->last = begin;
    }
    return 1;
}

/* How often each length stands in each stretch of time, of 2^power microseconds, by the number of its group's part; less than nothing
   counts as nothing. The parts' numbers are apart by how many stretches there are, from `first` on; where a stretch is 2^63, there is
   one. Part and stretch, length and count become a row each. Returns 0 where memory ran out. */
API int spans_count(const Spans *spans, const uint32_t *parts, int64_t power, int64_t first, int64_t stretches, Table *table)
{
    /* the row asked for last of those that are alike: most often it is asked for again */
    enum { RECENT = 1 << 12, COUNT = 2 };
    uint32_t recent[RECENT] = {0};
    Index index;
    int made = index_begin(&index, table);
    for (int64_t at = 0; made && at < spans->count; at++) {
        int64_t length = spans->length[at], stretch = 0;
        if (length == NO_TIME)
            continue;
        if (power < 63)
            stretch = (spans->time[at] >> power) - first;
        length = length < 0 ? 0 : length;
        int64_t one = parts[spans->group[at]] * stretches + stretch;
        uint32_t *last = recent + ((uint64_t)(length * 31 + one) * 0x9e3779b97f4a7c15u >> 52);
        int64_t row = *last, before = table->count;
        if (row >= before || table->columns[0][row] != one || table->columns[1][row] != length) {
            row = index_row(&index, one, length);
            made = row >= 0;
            if (!made)
                break;
            if (table->count > before)
                table->columns[COUNT][row] = 0;
            *last = (uint32_t)row;
        }
        table->columns[COUNT][row]++;
    }
    index_end(&index);
    return made;
}

/* The most events from the begin of one to its end, of each group below a number; 0 for none. */
API void spans_most(const Spans *spans, int64_t *most)
{
    for (int64_t at = 0; at < spans->count; at++) {
        int64_t events = (int64_t)spans->end[at] - spans->begin[at];
        if (events > most[spans->group[at]])
            most[spans->group[at]] = events;
    }
}

/* Those that may be among the longest of their group, so many, and are at least as long as a bound that the group has. `bounds`, of each
   group below a number, become the shortest of these where there are so many. Returns 0 where memory ran out. */
API int spans_longest(const Spans *spans, int64_t most, int64_t group_count, int64_t *bounds, List *found)
{
    /* the longest of each group so far, in falling order */
    int64_t *longest = malloc((size_t)(group_count * most + 1) * sizeof(int64_t));
    int64_t *counts = calloc((size_t)group_count + 1, sizeof(int64_t));
    int made = longest && counts;
    for (int64_t at = 0; made && at < spans->count; at++) {
        int64_t length = spans->length[at];
        uint32_t group = spans->group[at];
        if (length == NO_TIME || length < bounds[group])
            continue;
        int64_t *own = longest + group * most, place = counts[group] < most ? counts[group]++ : most - 1;
        for (; place && own[place - 1] < length; place--)
            own[place] = own[place - 1];
        own[place] = length;
        if (counts[group] == most && own[most - 1] > bounds[group])
            bounds[group] = own[most - 1];
    }
    for (int64_t at = 0; made && at < spans->count; at++) {
        int64_t length = spans->length[at];
        if (length != NO_TIME && length >= bounds[spans->group[at]])
            made = list_add(found, at);
    }
    free(longest);
    free(counts);
    return made;
}

/* Of the uses of kept connections, those that are not fresh, the number of the event at which the first one ends, and the longest time,
   if any, from `before`, the place of the connection's event before, to the begin: NO_TIME, and a row, for each group below a number.
   Groups have rows in the order in which they come. Returns 0 where memory ran out. */
API int uses_rested(const Spans *spans, const uint32_t *before, const uint32_t *fresh, int64_t group_count, Table *table)
{
    enum { GROUP, SEQ, IDLE };
    int64_t *rows = malloc(((size_t)group_count + 1) * sizeof(int64_t));
    int made = rows != NULL;
    if (rows)
        memset(rows, 0xff, (size_t)group_count * sizeof(int64_t));
    const Events *events = spans->events;
    int64_t *const *columns = table->columns;
    for (int64_t at = 0; made && at < spans->count; at++) {
        if (fresh[at])
            continue;
        uint32_t group = spans->group[at];
        int64_t row = rows[group], seq = events->first + spans->end[at];
        if (row < 0) {
            row = rows[group] = table_row(table);
            made = row >= 0;
            if (!made)
                break;
            columns[GROUP][row] = group;
            columns[SEQ][row] = seq;
            columns[IDLE][row] = NO_TIME;
        }
        int64_t begin = spans->time[at], last = events->time[before[at]];
        if (seq < columns[SEQ][row])
            columns[SEQ][row] = seq;
        if (begin != NO_TIME && last != NO_TIME && begin - last > columns[IDLE][row])
            columns[IDLE][row] = begin - last;
    }
    free(rows);
    return made;
}

/* How many uses of each group below a number are fresh, and how many are not: two numbers for each. */
API void uses_fresh(const Spans *spans, const uint32_t *fresh, int64_t *counts)
{
    for (int64_t at = 0; at < spans->count; at++)
        counts[2 * spans->group[at] + !fresh[at]]++;
}

/* The uses that are not fresh, of connections older than an age, if they were created in the batch, at `born`; else those that begin later
   than a time. All up to an event, and of those after it the ones whose number has no bit of a mask. Returns 0 where memory ran out. */
API int uses_later(const Spans *spans, const uint32_t *fresh, const uint32_t *born, int64_t time, int64_t age, int64_t until,
                   int64_t mask, List *found)
{
    const Events *events = spans->events;
    for (int64_t at = 0; at < spans->count; at++) {
        int64_t seq = events->first + spans->begin[at], begin = spans->time[at];
        if (fresh[at] || begin == NO_TIME || (seq >= until && seq & mask))
            continue;
        int64_t birth = born[at] == NONE ? NO_TIME : events->time[born[at]];
        if ((birth == NO_TIME ? begin > time : begin - birth > age) && !list_add(found, at))
            return 0;
    }
    return 1;
}

/* The lives, of groups that are asked for, that end softly and at once: no longer than that after the event at `back`, unless nothing tells.
   `asked` is of the groups below a number, `soft` of the shapes of their last events. Returns 0 where memory ran out. */
API int lives_at_once(const Spans *spans, const uint32_t *back, const uint8_t *asked, int64_t group_count, const uint8_t *soft,
                      int64_t longest, List *found)
{
    const Events *events = spans->events;
    for (int64_t at = 0; at < spans->count; at++) {
        uint32_t group = spans->group[at], end = spans->end[at];
        if (group >= group_count || !asked[group] || !soft[events->shape[end]])
            continue;
        int64_t time = events->time[end], before = events->time[back[at]];
        if ((time == NO_TIME || before == NO_TIME || time - before <= longest) && !list_add(found, at))
            return 0;
    }
    return 1;
}

/* Lives that were used at least so often, those of a group that overlap as one: their group, the numbers of the first event and the last,
   and the latest time of an end, NO_TIME for none, become a row each, by group and in order. Returns 0 where memory ran out. */
API int lives_joined(const Spans *spans, const uint32_t *uses, int64_t least, int64_t group_count, Table *table)
{
    enum { GROUP, BEGIN, END, LAST, BEGUN };
    const Events *events = spans->events;
    /* by the place at which they begin, of which each is another's */
    uint32_t *lives = malloc(((size_t)events->count + 1) * sizeof(uint32_t));
    int64_t *rows = malloc(((size_t)group_count + 1) * sizeof(int64_t));
    int made = lives && rows;
    if (made) {
        memset(lives, 0xff, (size_t)events->count * sizeof(uint32_t));
        memset(rows, 0xff, (size_t)group_count * sizeof(int64_t));
    }
    for (int64_t at = 0; made && at < spans->count; at++)
        if (uses[at] >= least)
            lives[spans->begin[at]] = (uint32_t)at;
    for (int64_t place = 0; made && place < events->count; place++) {
        if (lives[place] == NONE)
            continue;
        uint32_t life = lives[place], group = spans->group[life];
        int64_t row = rows[group], end = events->first + spans->end[life], time = events->time[spans->end[life]];
        if (row < 0 || table->columns[END][row] < events->first + place) {
            row = rows[group] = table_row(table);
            made = row >= 0;
            if (!made)
                break;
            table->columns[GROUP][row] = group;
            table->columns[BEGIN][row] = events->first + place;
            table->columns[END][row] = end;
            table->columns[LAST][row] = time;
            table->columns[BEGUN][row] = events->time[place];
        }
        if (end > table->columns[END][row]) {
            table->columns[END][row] = end;
            if (time != NO_TIME)
                table->columns[LAST][row] = time;
        }
    }
    free(lives);
    free(rows);
    return made;
}

/* Lives that end softly, by what their group and thread says next. `groups`: in which of them such lives are left (0), settled at once (1), or
   once something follows (2); `soft` and `shapes` are of the shapes: whether they end a life softly, and what they do that follow: leave
   the life (0), settle it (1), or nothing (2). How many are settled becomes a row for each group; `left` are the others. Returns 0 where
   memory ran out. */
API int lives_followed(const Spans *spans, const uint8_t *groups, const uint8_t *soft, const uint8_t *shapes, int64_t group_count,
                       Table *settled, List *left)
{
    /* NEAR: most often something follows so many events on at most; it need not be looked for further */
    enum { GROUP, COUNT, LEFT = 0, SETTLED, WAITS, NEAR = 1 << 10 };
    const Events *events = spans->events;
    int64_t *counts = calloc((size_t)group_count + 1, sizeof(int64_t));
    int made = counts != NULL;
    for (int64_t at = 0; made && at < spans->count; at++) {
        uint32_t group = spans->group[at], end = spans->end[at], thread = events->thread[end];
        int state = soft[events->shape[end]] ? groups[group] : LEFT;
        int64_t last = end + NEAR < events->count ? end + NEAR : events->count;
        for (int64_t place = end + 1; state == WAITS && place < last; place++)
            if (events->thread[place] == thread && events->groups[events->shape[place]] == group)
                state = shapes[events->shape[place]];
        counts[group] += state == SETTLED;
        made = state == SETTLED || list_add(left, at);
    }
    for (int64_t group = 0; made && group < group_count; group++) {
        if (!counts[group])
            continue;
        int64_t row = table_row(settled);
        made = row >= 0;
        if (made) {
            settled->columns[GROUP][row] = group;
            settled->columns[COUNT][row] = counts[group];
        }
    }
    free(counts);
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
API int points(const Events *events, const uint32_t *places, int64_t count, Points *points)
{
    size_t wide = (size_t)(count + 1) * sizeof(int64_t), narrow = (size_t)(count + 1) * sizeof(uint32_t);
    *points = (Points){count, malloc(wide), malloc(wide), malloc(wide), malloc(narrow)};
    if (!points->seq || !points->time || !points->line || !points->source) {
        points_free(points);
        return 0;
    }
    for (int64_t at = 0; at < count; at++) {
        uint32_t place = places[at];
        points->seq[at] = events->first + place;
        points->time[at] = events->time[place];
        points->line[at] = events->line[place];
        points->source[at] = events->source[place];
    }
    return 1;
}
