/* The lines of a block that hold one of some needles; those that are like ones before are cut at once. */
#include "cutting.h"

#include <stdlib.h>
#include <string.h>

/* Of so many lines one at least should be like others: so many are compared in vain, and of a block no more */
enum { MOST_PAIRS = 16, LIKELY = 8, UNLIKELY = 1 << 10, BYTES_A_ROW = 96 };

/* What to look for: a text, and the place in it of two bytes that are rare. */
typedef struct {
    const char *text;
    int64_t size, rare;
} Needle;

static int has_room(Rows *rows, int64_t room)
{
    uint32_t **columns[] = {&rows->place, &rows->start, &rows->end};
    for (int column = 0; column < 3; column++) {
        uint32_t *grown = realloc(*columns[column], (size_t)room * sizeof(uint32_t));
        if (!grown)
            return 0;
        *columns[column] = grown;
    }
    rows->room = room;
    return 1;
}

static int append(Rows *rows, int64_t place, int64_t start, int64_t end)
{
    if (rows->count == rows->room && !has_room(rows, rows->room * 2))
        return 0;
    rows->place[rows->count] = (uint32_t)place;
    rows->start[rows->count] = (uint32_t)start;
    rows->end[rows->count++] = (uint32_t)end;
    return 1;
}

API Rows *rows_new(void) { return calloc(1, sizeof(Rows)); }

API void rows_free(Rows *rows)
{
    if (!rows)
        return;
    free(rows->place);
    free(rows->start);
    free(rows->end);
    free(rows);
}

typedef struct {
    const char *data;
    int64_t size;
    const Needle *needles;
    int64_t needle_count, pair_count;
    uint8_t pairs[MOST_PAIRS][2];
    Vector wide[MOST_PAIRS][2]; /* the same, each byte many times */
    const Needle *last; /* the one found last, and where in its line */
    int64_t last_place;
} Search;

/* Whether a needle stands at a place. */
static int is_at(const Search *search, const Needle *needle, int64_t place)
{
    return place + needle->size <= search->size && !memcmp(search->data + place, needle->text, (size_t)needle->size);
}

static int with_pairs(Search *search)
{
    for (int64_t number = 0; number < search->needle_count; number++) {
        const uint8_t *rare = (const uint8_t *)search->needles[number].text + search->needles[number].rare;
        int64_t pair = 0;
        while (pair < search->pair_count && memcmp(search->pairs[pair], rare, 2))
            pair++;
        if (pair < search->pair_count)
            continue;
        if (pair == MOST_PAIRS)
            return 0;
        memcpy(search->pairs[pair], rare, 2);
        memset(&search->wide[pair][0], rare[0], WIDE);
        memset(&search->wide[pair][1], rare[1], WIDE);
        search->pair_count++;
    }
    return 1;
}

/* Whether the two bytes at a place are those of a needle that stands there, and not before `begin`. */
static int is_hit(Search *search, int64_t begin, int64_t place)
{
    for (int64_t number = 0; number < search->needle_count; number++) {
        const Needle *needle = search->needles + number;
        int64_t start = place - needle->rare;
        if (start >= begin && !memcmp(search->data + place, needle->text + needle->rare, 2) &&
            is_at(search, needle, start)) {
            search->last = needle;
            search->last_place = start - begin;
            return 1;
        }
    }
    return 0;
}

/* A place in the first needle from `begin` on; the size where there is none. */
static int64_t next_hit(Search *search, int64_t begin)
{
    int64_t place = begin;
    for (; place + WIDE < search->size; place += WIDE) {
        Vector here, next, found = {0};
        memcpy(&here, search->data + place, WIDE);
        memcpy(&next, search->data + place + 1, WIDE);
        for (int64_t pair = 0; pair < search->pair_count; pair++)
            found |= (Vector)(here == search->wide[pair][0]) & (Vector)(next == search->wide[pair][1]);
        uint64_t halves[2];
        memcpy(halves, &found, WIDE);
        if (!(halves[0] | halves[1]))
            continue;
        for (int64_t at = 0; at < WIDE; at++)
            if (((uint8_t *)halves)[at] && is_hit(search, begin, place + at))
                return place + at;
    }
    for (; place + 1 < search->size; place++)
        if (is_hit(search, begin, place))
            return place;
    return search->size;
}

/* What a block holds: how many lines; `plain`: every byte is a character; `nul`: some are NULs. */
typedef struct {
    int64_t lines, plain, nul;
} Survey;

/* Looks through a block once. */
API void survey(const char *data, int64_t size, Survey *survey)
{
    enum { MOST = 255 }; /* as many as can be counted in a byte */
    Vector all = {0}, nul = {0}, ends;
    memset(&ends, '\n', WIDE);
    int64_t place = 0, lines = 0;
    while (place + WIDE <= size) {
        Vector counts = {0};
        for (int step = 0; step < MOST && place + WIDE <= size; step++, place += WIDE) {
            Vector here;
            memcpy(&here, data + place, WIDE);
            counts -= (Vector)(here == ends);
            all |= here;
            nul |= (Vector)(here == 0);
        }
        for (int at = 0; at < WIDE; at++)
            lines += counts[at];
    }
    uint8_t every = 0, none = 0;
    for (int at = 0; at < WIDE; at++) {
        every |= all[at];
        none |= nul[at];
    }
    for (; place < size; place++) {
        lines += data[place] == '\n';
        every |= (uint8_t)data[place];
        none |= !data[place];
    }
    *survey = (Survey){lines + (size && data[size - 1] != '\n'), every < 0x80, none};
}

/* Finds the lines that hold a needle, without their ends. Those that are like ones before, if anything is known of such, are cut at
   once; the others become `left`. Returns 0 where memory ran out, or the needles are too many. */
API int scan(const char *data, int64_t size, const Needle *needles, int64_t needle_count, Cutter *likely, Rows *rows,
             Taken *taken, List *left)
{
    Search search = {.data = data, .size = size, .needles = needles, .needle_count = needle_count};
    /* as many as there most often are at most: what is not used costs nothing, and what grows is copied */
    int64_t room = size / BYTES_A_ROW + 1;
    if (!with_pairs(&search) || size > UINT32_MAX || !has_room(rows, room) ||
        (likely && !taken_begin(taken, room, likely->half_count)))
        return 0;
    int64_t line = 0, start = 0, compared = -1;
    /* how many lines were compared with ones before, and how many may be before one in LIKELY has to be alike */
    int64_t tried = 0, credit = UNLIKELY;
    int follows = 1; /* the line before is a row */
    while (start < size) {
        const char *found;
        int64_t hit, next;
        if (follows) {
            found = memchr(data + start, '\n', (size_t)(size - start));
            next = found ? found - data : size;
        } else {
            hit = next_hit(&search, start);
            while ((found = memchr(data + start, '\n', (size_t)(hit - start)))) {
                start = found - data + 1;
                line++;
            }
            if (hit == size)
                break;
            found = memchr(data + hit, '\n', (size_t)(size - hit));
            next = found ? found - data : size;
        }
        int64_t end = next - (next > start && data[next - 1] == '\r');
        int alike = 0;
        if (likely && compared < start && tried < credit) {
            alike = cut_alike(likely, data + start, data + end, (uint32_t)rows->count, taken);
            if (alike < 0)
                return 0;
            compared = start;
            tried++;
            credit += alike * LIKELY;
        }
        if (follows && !alike) {
            /* most often a needle stands where the line before has it; then it does not matter whether there is another */
            hit = start + search.last_place;
            follows = search.last && hit < next && is_at(&search, search.last, hit);
            if (!follows)
                continue;
        }
        if (!alike && !list_add(left, rows->count))
            return 0;
        if (!append(rows, line++, start, end))
            return 0;
        follows = 1;
        start = next + 1;
    }
    return 1;
}
