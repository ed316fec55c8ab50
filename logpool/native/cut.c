/* Times, addresses and seconds out of lines; every text that is left as a number. */
#include "cutting.h"

#include <stdlib.h>
#include <string.h>

static const char TIME = '\x01';
static const char TIMING[] = "ime taken: ", UNIT[] = " seconds.";

/* Where a needle stands, found by one byte of it; NULL where it does not. */
static const char *found(const char *text, const char *end, const char *needle, int64_t size, int64_t rare)
{
    const char *from = text + rare;
    while (from < end && (from = memchr(from, needle[rare], (size_t)(end - from)))) {
        const char *start = from - rare;
        if (end - start >= size && !memcmp(start, needle, (size_t)size))
            return start;
        from++;
    }
    return NULL;
}

static const char *anchored(const char *text, const char *end, const Span *span)
{
    return found(text, end, span->anchor, span->anchor_size, 0);
}

const char *behind_hexadecimals(const char *at, const char *end)
{
    const uint64_t all = 0x8080808080808080u;
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        if (hexadecimals(word) != all)
            break;
    }
    while (at < end && is_hexadecimal(*at))
        at++;
    return at;
}

const char *behind_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

static int has_room(Buffer *buffer, int64_t size)
{
    if (size <= buffer->room)
        return 1;
    char *bytes = realloc(buffer->bytes, (size_t)size * 2);
    if (!bytes)
        return 0;
    buffer->bytes = bytes;
    buffer->room = size * 2;
    return 1;
}

/* The seconds of "ime taken: 0.5 seconds.", where the first such text has some. */
void find_seconds(const char *text, const char *end, Name *seconds)
{
    const char *timing = found(text, end, TIMING, sizeof TIMING - 1, 9);
    if (!timing)
        return;
    seconds->is_sought = 0;
    const char *start = timing + sizeof TIMING - 1, *point = behind_digits(start, end);
    if (point == start || point == end || *point != '.')
        return;
    const char *at = behind_digits(point + 1, end);
    int64_t unit = sizeof UNIT - 1;
    if (at == point + 1 || end - at < unit || memcmp(at, UNIT, (size_t)unit))
        return;
    seconds->start = start;
    seconds->end = at;
}

/* The first address. */
void find_address(const char *text, const char *end, Name *address)
{
    const char *start = found(text, end, NAMED, sizeof NAMED - 1, 1);
    if (!start)
        return;
    address->start = start;
    address->end = behind_hexadecimals(start + 2, end);
    address->is_sought = 0;
}

/* Adds part of a line that no time divides, without seconds and address: these never overlap. */
static void add_part(Buffer *rest, const char *text, const char *end, Name *seconds, Name *address)
{
    Name none = {NULL, NULL, NULL, 0, 0}, *first = &none, *second = &none;
    if (seconds->is_sought) {
        find_seconds(text, end, seconds);
        first = seconds->start ? seconds : &none;
    }
    if (address->is_sought) {
        find_address(text, end, address);
        second = address->start ? address : &none;
    }
    if (!first->start || (second->start && second->start < first->start)) {
        Name *other = first;
        first = second;
        second = other;
    }
    if (first->start) {
        add_bytes(rest, text, first->start - text);
        add_bytes(rest, first->instead, first->instead_size);
        text = first->end;
    }
    if (second->start) {
        add_bytes(rest, text, second->start - text);
        add_bytes(rest, second->instead, second->instead_size);
        text = second->end;
    }
    add_bytes(rest, text, end - text);
}

/* Parts a line at its times: one piece more than there are times, which stand in between. Returns 0 where the cut does not fit. */
int parted(const char *text, const char *end, const Span *spans, int64_t span_count, int64_t plain, Piece *pieces)
{
    for (int64_t place = 0; place < span_count; place++) {
        const Span *span = spans + place;
        const char *time;
        if (span->anchor) {
            time = anchored(text, end, span);
            time = time ? time + span->anchor_size : NULL;
        } else {
            time = passed(text, end, span->start, plain);
        }
        const char *behind = time ? passed(time, end, span->width, plain) : NULL;
        if (!behind)
            return 0;
        pieces[place] = (Piece){text, time};
        text = behind;
    }
    pieces[span_count] = (Piece){text, end};
    return 1;
}

/* What is known of lines that differ in nothing but what leaves a mark, the same one in each: which of these variables are kept; and where
   among all that is left of a line its thread stands, which begins so many bytes before the `first` of `size` variables and ends so many
   behind the last; 0 variables where none is part of it. */
typedef struct {
    uint64_t kept;
    int64_t first, size, before, behind;
} Pattern;

/* Those of some lines: they themselves, each variable with its mark, and what is known of the first few. */
typedef struct {
    Texts *texts;
    const Pattern *known;
    int64_t count;
    const Words *words; /* NULL where only numbers leave a mark */
} Patterns;

/* What pieces leave without seconds and address, and without ids if these are to be left out. */
static void add_rest(const Piece *pieces, int64_t span_count, int64_t leading, int64_t ids, Buffer *rest, Name *seconds,
                     Name *address)
{
    rest->size = 0;
    for (int64_t place = 0; place <= span_count; place++) {
        add_part(rest, pieces[place].start, pieces[place].end, seconds, address);
        if (place < span_count && !leading)
            add_bytes(rest, &TIME, 1);
    }
    if (ids)
        ids_out(rest);
}

/* Leaves of a line what is to be numbered: the variables that matter, unless they tell its thread, which is told. Returns what is known of
   it; NULL where it is not to be cut: nothing is known, or it holds marks. */
static const Pattern *patterned(const Buffer *rest, uint32_t row, Patterns *patterns, Buffer *key, Piece *thread, Taken *taken, int *failed)
{
    int64_t count = texts_count(patterns->texts);
    Piece variables[LAST_BIT + 1];
    if (!variables_out(rest, patterns->words, 0, key, variables)) {
        taken->has_marks = 1;
        return NULL;
    }
    uint32_t number = texts_add(patterns->texts, key->bytes, key->size);
    if (number >= patterns->count) {
        *failed |= number == NONE || (number == count && !list_add(&taken->unknown, row));
        return NULL;
    }
    const Pattern *pattern = patterns->known + number;
    if (pattern->kept)
        variables_out(rest, patterns->words, pattern->kept, key, variables);
    if (pattern->size) {
        const Piece *first = variables + pattern->first, *last = first + pattern->size - 1;
        *thread = (Piece){first->start - pattern->before, last->end + pattern->behind};
    }
    return pattern;
}

/* Cuts some of the lines of a block.

   `plain`: every byte is a character. `leading`: a time at the very beginning leaves no mark. `ids`: ids leave a mark and no more.
   `patterns`: numbers, or words, that do not matter leave a mark and no more; NULL where all stay. `alikes`: of lines cut so before.
   `keys` numbers the lines without times, seconds and first addresses; `names` the seconds, the addresses and the threads. Returns 0
   where memory ran out. */
API int cut(const char *data, const Rows *rows, const uint32_t *chosen, int64_t count, int64_t plain, const Span *spans,
            int64_t span_count, int64_t half_count, int64_t leading, int64_t ids, Patterns *patterns, Alikes *alikes,
            Texts *keys, Texts *names, Taken *taken)
{
    Buffer rest = {NULL, 0, 0}, other = {NULL, 0, 0};
    Piece *pieces = malloc(((size_t)span_count + 1) * sizeof(Piece));
    int failed = !pieces || !taken_begin(taken, count, half_count);
    int64_t key_count = texts_count(keys);
    for (int64_t place = 0; !failed && place < count; place++) {
        uint32_t row = chosen[place];
        const char *text = data + rows->start[row], *end = data + rows->end[row];
        if (!parted(text, end, spans, span_count, plain, pieces))
            continue;
        Name seconds = sought_seconds(), address = sought_address();
        uint32_t key = NONE, thread = NONE;
        const char *head_end = span_count ? pieces[0].end : text, *tail = pieces[span_count].start;
        Likeness line;
        if (span_count <= 1 && alikes_find(alikes, text, head_end, tail, end, &line)) {
            Name *name = line.name == ADDRESS ? &address : &seconds;
            name->start = line.name == NAMELESS ? NULL : line.start;
            name->end = line.end;
            key = line.key;
            thread = line.thread;
        }
        if (key == NONE) {
            failed |= !has_room(&rest, end - text + span_count + 8) || (patterns && !has_room(&other, rest.room));
            if (failed)
                break;
            add_rest(pieces, span_count, leading, ids, &rest, &seconds, &address);
            if (patterns) {
                Piece told;
                const Pattern *pattern = patterned(&rest, row, patterns, &other, &told, taken, &failed);
                if (!pattern)
                    continue;
                if (pattern->size) {
                    thread = texts_add(names, told.start, told.end - told.start);
                    failed |= thread == NONE;
                }
            }
            const Buffer *left = patterns ? &other : &rest;
            key = texts_add(keys, left->bytes, left->size);
            failed |= key == NONE;
            /* what was taken out in front of the time, or together with something else, makes no line alike */
            const Name *name = address.start ? &address : &seconds;
            int is_one = !(address.start && seconds.start) && (!name->start || name->start >= tail);
            if (!failed && span_count <= 1 && is_one) {
                line = (Likeness){key, thread, NAMELESS, end, end};
                if (name->start)
                    line = (Likeness){key, thread, address.start ? ADDRESS : SECONDS, name->start, name->end};
                failed |= !alikes_keep(alikes, text, head_end, tail, end, &line);
            }
        }
        if (failed)
            break;
        int64_t at = taken_line(taken, row, key, thread), number = 0;
        for (int64_t span = 0; span < span_count; number += spans[span++].half_count)
            failed |= !taken_time(taken, at, number, spans + span, pieces[span].end, pieces[span + 1].start, plain);
        failed |= address.start && !taken_name(taken, at, ADDRESS, address.start, address.end, names);
        failed |= seconds.start && !taken_name(taken, at, SECONDS, seconds.start, seconds.end, names);
        if (!failed && key == key_count) {
            failed |= !list_add(&taken->first, at);
            key_count++;
        }
    }
    free(rest.bytes);
    free(other.bytes);
    free(pieces);
    if (failed)
        taken_free(taken);
    return !failed;
}
