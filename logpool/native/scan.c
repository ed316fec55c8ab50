/* The lines of a block that hold one of some needles. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

/* LOOKED: so many bytes are looked at before the lines in them are: then they are at hand */
enum { WIDE = 16, MOST_PAIRS = 16, LOOKED = 1 << 16 };

typedef uint8_t Vector __attribute__((vector_size(WIDE)));

/* What to look for: a text, and the place in it of two bytes that are rare. */
typedef struct {
    const char *text;
    int64_t size, rare;
} Needle;

static int append(Rows *rows, int64_t place, int64_t start, int64_t end)
{
    if (rows->count == rows->room) {
        int64_t room = rows->room ? rows->room * 2 : 1 << 12;
        int64_t **columns[] = {&rows->place, &rows->start, &rows->end};
        for (int column = 0; column < 3; column++) {
            int64_t *grown = realloc(*columns[column], (size_t)room * sizeof(int64_t));
            if (!grown)
                return 0;
            *columns[column] = grown;
        }
        rows->room = room;
    }
    rows->place[rows->count] = place;
    rows->start[rows->count] = start;
    rows->end[rows->count++] = end;
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

/* Notes which bytes there are. */
static void look(const char *data, int64_t size, Rows *rows)
{
    uint8_t all = 0, nul = 0;
    for (int64_t place = 0; place < size; place++) {
        all |= (uint8_t)data[place];
        nul |= !data[place];
    }
    rows->plain &= all < 0x80;
    rows->nul |= nul;
}

/* Finds the lines that hold a needle, without their ends. Returns how many lines there are; -1 where memory ran out,
   or the needles are too many. */
API int64_t scan(const char *data, int64_t size, const Needle *needles, int64_t needle_count, Rows *rows)
{
    Search search = {.data = data, .size = size, .needles = needles, .needle_count = needle_count};
    if (!with_pairs(&search))
        return -1;
    rows->plain = 1;
    rows->nul = 0;
    int64_t line = 0, start = 0, looked = 0;
    while (start < size) {
        for (; looked <= start; looked += LOOKED)
            look(data + looked, size - looked < LOOKED ? size - looked : LOOKED, rows);
        const char *found;
        int64_t hit = start + search.last_place;
        /* most often where the line before has it; then it does not matter whether another one stands before it */
        if (search.last && is_at(&search, search.last, hit)) {
            found = memchr(data + start, '\n', (size_t)(size - start));
            int64_t next = found ? found - data : size;
            if (hit < next) {
                if (!append(rows, line++, start, next - (data[next - 1] == '\r')))
                    return -1;
                start = next + 1;
                continue;
            }
        }
        hit = next_hit(&search, start);
        while ((found = memchr(data + start, '\n', (size_t)(hit - start)))) {
            start = found - data + 1;
            line++;
        }
        if (hit == size) {
            line += start < size;
            break;
        }
        found = memchr(data + hit, '\n', (size_t)(size - hit));
        int64_t next = found ? found - data : size;
        int64_t end = next - (next > start && data[next - 1] == '\r');
        if (!append(rows, line, start, end))
            return -1;
        line++;
        start = next + 1;
    }
    if (looked < size)
        look(data + looked, size - looked, rows);
    return line;
}
