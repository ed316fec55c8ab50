/* Times, addresses and seconds out of lines; every text that is left as a number. */
#include "cutting.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    char *bytes;
    int64_t size, room;
} Buffer;

static const char TIME = '\x01', ID = '\x03', NUMBER = '\x04', SHORT = '\x05', FRACTION = '\x06';
/* of a number of one digit; those of up to seven follow, and behind them those of ten to fifteen */
static const char DIGITS = '\x0e', LAST_DIGITS = '\x1a';
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

static int is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/* Without a branch, since digits and letters come at random; small letters and capitals differ in one bit. */
static int is_hexadecimal(char byte) { return is_digit(byte) | ((uint8_t)((byte | 0x20) - 'a') < 6); }

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

static void add(Buffer *buffer, const char *text, int64_t size)
{
    memcpy(buffer->bytes + buffer->size, text, (size_t)size);
    buffer->size += size;
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
        add(rest, text, first->start - text);
        add(rest, first->instead, first->instead_size);
        text = first->end;
    }
    if (second->start) {
        add(rest, text, second->start - text);
        add(rest, second->instead, second->instead_size);
        text = second->end;
    }
    add(rest, text, end - text);
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

/* What of letters and digits a byte is. */
enum { DIGIT = 1, HEXADECIMAL = 2, LETTER = 4 };

static const uint8_t CLASSES[256] = {
    ['0' ... '9'] = DIGIT,  ['a' ... 'f'] = HEXADECIMAL, ['A' ... 'F'] = HEXADECIMAL,
    ['g' ... 'z'] = LETTER, ['G' ... 'Z'] = LETTER,
};

static int class_of(char byte) { return CLASSES[(uint8_t)byte]; }

/* From how many letters and digits on they are an id: hexadecimal ones, digits alone, any. A few digits may be one that happens to
   have no letter; between these and many there are times, and the numbers of threads. */
enum { LEAST_HEXADECIMAL = 8, MOST_SHORT = 9, LEAST_NUMBER = 16, LEAST_MIXED = 20, LEAST_DECIMALS = 3 };

/* Behind the UUID that begins there; NULL where none does. */
static const char *behind_uuid(const char *start, const char *end)
{
    static const int64_t groups[] = {8, 4, 4, 4, 12};
    for (int group = 0; group < 5; group++) {
        if (group && (start == end || *start++ != '-'))
            return NULL;
        if (end - start < groups[group])
            return NULL;
        for (int64_t at = 0; at < groups[group]; at++)
            if (!is_hexadecimal(start[at]))
                return NULL;
        start += groups[group];
    }
    return start == end || !class_of(*start) ? start : NULL;
}

/* Behind the decimals that begin at a point; NULL where these are too few, or part of something else, as of an address. */
static const char *behind_decimals(const char *point, const char *end)
{
    const char *at = behind_digits(point + 1, end);
    return at - point > LEAST_DECIMALS && (at == end || (*at != '.' && !class_of(*at))) ? at : NULL;
}

/* Whether letters and digits are those of a number such as 1.25e-07. */
static int is_before_exponent(const char *start, const char *behind, const char *end)
{
    if (behind == end || (*behind != '-' && *behind != '+') || (behind[-1] | 0x20) != 'e')
        return 0;
    while (start < behind - 1 && is_digit(*start))
        start++;
    return start == behind - 1;
}

/* The mark of an id, or of a number with many decimals, where the letters and digits from a place on are one; else 0. `begin`: of
   the text; `at`: behind them. */
static char id_at(const char *begin, const char *start, const char *end, const char **at)
{
    int found = 0;
    const char *behind = start;
    for (int one; behind < end && (one = class_of(*behind)); behind++)
        found |= one;
    int64_t size = behind - start;
    *at = behind;
    if (found == DIGIT && behind < end && *behind == '.' && (start == begin || start[-1] != '.')) {
        const char *decimals = behind_decimals(behind, end);
        if (decimals) {
            *at = decimals;
            return FRACTION;
        }
    }
    if (size < LEAST_HEXADECIMAL)
        return 0;
    const char *uuid = size == 8 && !(found & LETTER) ? behind_uuid(start, end) : NULL;
    if (uuid) {
        *at = uuid;
        return ID;
    }
    if (found == DIGIT)
        return size >= LEAST_NUMBER ? NUMBER : size <= MOST_SHORT ? SHORT : 0;
    if (found == (DIGIT | HEXADECIMAL))
        return is_before_exponent(start, behind, end) ? 0 : ID;
    return found & DIGIT && size >= LEAST_MIXED ? ID : 0;
}

/* Behind the letters and digits that begin there, where these are an address, or what stands in the place of one. */
static const char *behind_address(const char *at, const char *end)
{
    if (end - at >= 2 && at[0] == NAMED[0] && at[1] == NAMED[1])
        while (at < end && class_of(*at))
            at++;
    return at;
}

/* Leaves a mark in the place of every id: letters and digits, so many and so mixed that no word is like it. */
static void ids_out(Buffer *rest)
{
    const char *end = rest->bytes + rest->size, *kept = rest->bytes;
    char *to = rest->bytes;
    for (const char *at = kept; at < end;) {
        if (!class_of(*at)) {
            at++;
            continue;
        }
        const char *start = at;
        at = behind_address(start, end);
        char mark = at == start ? id_at(rest->bytes, start, end, &at) : 0;
        if (mark) {
            memmove(to, kept, (size_t)(start - kept));
            to += start - kept;
            *to++ = mark;
            kept = at;
        }
    }
    memmove(to, kept, (size_t)(end - kept));
    rest->size = to + (end - kept) - rest->bytes;
}

enum { LAST_BIT = 63 };

/* The mark of a number of so many digits; 0 where these are none, or an id. */
static char digits_mark(int64_t width)
{
    if (width > 0 && width < LEAST_HEXADECIMAL)
        return (char)(DIGITS + width - 1);
    return width > MOST_SHORT && width < LEAST_NUMBER ? (char)(DIGITS + width - 1 - (MOST_SHORT + 1 - LEAST_HEXADECIMAL)) : 0;
}

/* Leaves a mark in the place of every number, but for those that are kept: a bit for each, the last one for all that follow. Addresses
   have none. Returns 0 where marks stand there already. */
static int numbers_out(const Buffer *rest, uint64_t kept, Buffer *to)
{
    const char *at = rest->bytes, *end = at + rest->size, *copied = at;
    int number = 0;
    to->size = 0;
    while (at < end) {
        if (!class_of(*at)) {
            if (*at >= DIGITS && *at <= LAST_DIGITS)
                return 0;
            at++;
            continue;
        }
        at = behind_address(at, end);
        while (at < end && class_of(*at)) {
            const char *digits = at;
            at = behind_digits(at, end);
            const char mark = digits_mark(at - digits);
            /* what stands in the place of an address may be part of a word */
            int is_named = at < end && at > digits && at[-1] == NAMED[0] && *at == NAMED[1];
            at += at == digits;
            if (!mark || is_named)
                continue;
            if (!(kept >> number & 1)) {
                add(to, copied, digits - copied);
                add(to, &mark, 1);
                copied = at;
            }
            number += number < LAST_BIT;
        }
    }
    add(to, copied, end - copied);
    return 1;
}

/* What is known of lines that differ in nothing but numbers, each of as many digits: which of these are kept, and where among all
   that is left of a line its thread stands, so many bytes; 0 bytes where it is no number that tells it. */
typedef struct {
    uint64_t kept;
    int64_t thread, size;
} Pattern;

/* Those of some lines: they themselves, each number with its mark, and what is known of the first few. */
typedef struct {
    Texts *texts;
    const Pattern *known;
    int64_t count;
} Patterns;

/* What pieces leave without seconds and address, and without ids if these are to be left out. */
static void add_rest(const Piece *pieces, int64_t span_count, int64_t leading, int64_t ids, Buffer *rest, Name *seconds,
                     Name *address)
{
    rest->size = 0;
    for (int64_t place = 0; place <= span_count; place++) {
        add_part(rest, pieces[place].start, pieces[place].end, seconds, address);
        if (place < span_count && !leading)
            add(rest, &TIME, 1);
    }
    if (ids)
        ids_out(rest);
}

/* Leaves of a line what is to be numbered: the numbers that matter, unless they tell its thread. Returns what is known of it; NULL where
   it is not to be cut: nothing is known, or it holds marks. */
static const Pattern *patterned(const Buffer *rest, uint32_t row, Patterns *patterns, Buffer *key, Taken *taken, int *failed)
{
    int64_t count = texts_count(patterns->texts);
    if (!numbers_out(rest, 0, key)) {
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
        numbers_out(rest, pattern->kept, key);
    return pattern;
}

/* Cuts some of the lines of a block.

   `plain`: every byte is a character. `leading`: a time at the very beginning leaves no mark. `ids`: ids leave a mark and no more.
   `patterns`: numbers that do not matter leave a mark and no more; NULL where all stay. `alikes`: of lines that were cut so before.
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
                const Pattern *pattern = patterned(&rest, row, patterns, &other, taken, &failed);
                if (!pattern)
                    continue;
                if (pattern->size) {
                    thread = texts_add(names, rest.bytes + pattern->thread, pattern->size);
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
