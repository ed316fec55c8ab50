/* Times, addresses and seconds out of lines; every text that is left as a number. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

/* Part of a time, in characters from its beginning. */
typedef struct {
    int64_t start, width;
    Texts *texts;
} Half;

/* Where a time stands: so many characters behind the one before, or behind an anchor. */
typedef struct {
    const char *anchor; /* NULL for none */
    int64_t anchor_size, start, width, half_count;
    Half halves[2];
} Span;

typedef struct {
    char *bytes;
    int64_t size, room;
} Buffer;

static const char TIME = '\x01', ID = '\x03', NUMBER = '\x04', SHORT = '\x05', FRACTION = '\x06', TAKEN[] = "\x02", NAMED[] = "0x";
/* of a number of one digit; those of up to seven follow, and behind them those of ten to fifteen */
static const char DIGITS = '\x0e', LAST_DIGITS = '\x1a';
static const char TIMING[] = "ime taken: ", SECONDS[] = " seconds.";

/* So many characters on, each a byte where the text is plain; NULL where there are fewer. */
static const char *passed(const char *text, const char *end, int64_t characters, int64_t plain)
{
    if (end - text < characters)
        return NULL;
    if (plain)
        return text + characters;
    for (; characters; characters--) {
        if (text == end)
            return NULL;
        text++;
        while (text < end && ((uint8_t)*text & 0xc0) == 0x80)
            text++;
    }
    return text;
}

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

/* Of each of eight bytes the highest bit: whether it is hexadecimal. What is added to seven bits sets the eighth from a digit or a
   letter on. */
static uint64_t hexadecimals(uint64_t bytes)
{
    const uint64_t each = 0x0101010101010101u, high = each << 7;
    uint64_t low = bytes & ~high, small = low | each * 0x20;
    uint64_t digits = (low + each * (0x80 - '0')) & ~(low + each * (0x7f - '9'));
    uint64_t letters = (small + each * (0x80 - 'a')) & ~(small + each * (0x7f - 'f'));
    return (digits | letters) & ~bytes & high;
}

/* Behind the last of some hexadecimal digits. */
static const char *behind_hexadecimals(const char *at, const char *end)
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

/* What is taken out of a line beside its times: where it stands, NULL where nothing does, and what is left in its place. */
typedef struct {
    const char *start, *end, *instead;
    int64_t instead_size;
    int is_sought;
} Name;

/* The seconds of "ime taken: 0.5 seconds.", where the first such text has some. */
static void find_seconds(const char *text, const char *end, Name *seconds)
{
    const char *timing = found(text, end, TIMING, sizeof TIMING - 1, 9);
    if (!timing)
        return;
    seconds->is_sought = 0;
    const char *start = timing + sizeof TIMING - 1, *at = start;
    while (at < end && is_digit(*at))
        at++;
    const char *point = at;
    if (point == start || at == end || *at++ != '.')
        return;
    while (at < end && is_digit(*at))
        at++;
    int64_t unit = sizeof SECONDS - 1;
    if (at == point + 1 || end - at < unit || memcmp(at, SECONDS, (size_t)unit))
        return;
    seconds->start = start;
    seconds->end = at;
}

/* The first address. */
static void find_address(const char *text, const char *end, Name *address)
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

/* Part of a line that no time divides. */
typedef struct {
    const char *start, *end;
} Piece;

/* Takes the times out of a line, and leaves one piece more than there are times. Returns 0 where the cut does not fit, and -1 where
   memory ran out. */
static int times_out(const char *text, const char *end, const Span *spans, int64_t span_count, int64_t plain,
                     uint32_t *halves, Piece *pieces)
{
    int64_t number = 0;
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
        for (int64_t one = 0; one < span->half_count; one++) {
            const Half *half = span->halves + one;
            const char *start = passed(time, behind, half->start, plain);
            const char *stop = passed(start, behind, half->width, plain);
            halves[number] = texts_add(half->texts, start, stop - start);
            if (halves[number++] == NONE)
                return -1;
        }
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
    const char *at = point + 1;
    while (at < end && is_digit(*at))
        at++;
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
            while (at < end && is_digit(*at))
                at++;
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

/* A line with one time or none, and no seconds: what stands before the time, and around the address. Whatever is equal to it but for
   time and address has its key: so most lines need not be put together. */
typedef struct {
    uint64_t print; /* a number that equal lines have in common */
    Piece head, before, behind;
    uint32_t key, thread; /* NONE for no key while there is no such line */
    int has_address;
} Alike;

enum { ALIKE_BITS = 11, ALIKES = 1 << ALIKE_BITS };

static int64_t size_of(Piece piece) { return piece.end - piece.start; }

static uint64_t word_at(const char *text)
{
    uint64_t word;
    memcpy(&word, text, 8);
    return word;
}

/* A number that equal pieces have in common: the sum of their words, each times a number of its own, so that none waits for another. */
static uint64_t print_of(Piece piece)
{
    static const uint64_t times = 0x9e3779b97f4a7c15u, more = 0xd1b54a32d192ed02u;
    uint64_t print = (uint64_t)size_of(piece), factor = times;
    for (const char *at = piece.start; piece.end - at >= 8; at += 8, factor += more)
        print += word_at(at) * factor;
    return size_of(piece) < 8 ? print : print + word_at(piece.end - 8) * factor;
}

static Alike alike_of(Piece head, Piece tail, Name *address)
{
    find_address(tail.start, tail.end, address);
    int has_address = address->start != NULL;
    Alike line = {0, head, tail, {tail.end, tail.end}, NONE, NONE, has_address};
    if (has_address) {
        line.before.end = address->start;
        line.behind.start = address->end;
    }
    int64_t behind = size_of(line.behind);
    line.print = print_of(line.before) + print_of((Piece){line.behind.end - (behind < 8 ? behind : 8), line.behind.end});
    line.print = (line.print + (uint64_t)behind) * 0xe7037ed1a0b428dbu;
    return line;
}

static int is_same(Piece one, Piece other)
{
    int64_t size = size_of(one);
    return size == size_of(other) && (!size || !memcmp(one.start, other.start, (size_t)size));
}

static int are_alike(const Alike *one, const Alike *other)
{
    return one->key != NONE && one->print == other->print && one->has_address == other->has_address &&
           is_same(one->before, other->before) && is_same(one->behind, other->behind) && is_same(one->head, other->head);
}

/* The number of what is taken out; NONE where nothing is. */
static uint32_t number_of(const Name *name, Texts *names, int *failed)
{
    uint32_t number = name->start ? texts_add(names, name->start, name->end - name->start) : NONE;
    *failed |= name->start && number == NONE;
    return number;
}

API void taken_free(Taken *taken)
{
    free(taken->row);
    free(taken->key);
    free(taken->address);
    free(taken->seconds);
    free(taken->thread);
    free(taken->first.numbers);
    free(taken->unknown.numbers);
    for (int64_t number = 0; taken->halves && number < taken->half_count; number++)
        free(taken->halves[number]);
    free(taken->halves);
    memset(taken, 0, sizeof *taken);
}

static uint32_t *column_for(int64_t count) { return malloc((size_t)(count ? count : 1) * sizeof(uint32_t)); }

static int has_columns(Taken *taken, int64_t count, int64_t half_count)
{
    taken->row = column_for(count);
    taken->key = column_for(count);
    taken->address = column_for(count);
    taken->seconds = column_for(count);
    taken->thread = column_for(count);
    taken->halves = calloc((size_t)half_count + 1, sizeof(uint32_t *));
    taken->half_count = half_count;
    int made = taken->row && taken->key && taken->address && taken->seconds && taken->thread && taken->halves;
    for (int64_t number = 0; made && number < half_count; number++)
        made = (taken->halves[number] = column_for(count)) != NULL;
    return made;
}

static int with_number(List *list, int64_t number)
{
    if (list->count == list->room) {
        int64_t room = list->room ? list->room * 2 : 1 << 6;
        uint32_t *grown = realloc(list->numbers, (size_t)room * sizeof(uint32_t));
        if (!grown)
            return 0;
        list->numbers = grown;
        list->room = room;
    }
    list->numbers[list->count++] = (uint32_t)number;
    return 1;
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
        *failed |= number == NONE || (number == count && !with_number(&taken->unknown, row));
        return NULL;
    }
    const Pattern *pattern = patterns->known + number;
    if (pattern->kept)
        numbers_out(rest, pattern->kept, key);
    return pattern;
}

/* Cuts some of the lines of a block.

   `leading`: a time at the very beginning leaves no mark. `ids`: ids leave a mark and no more. `patterns`: numbers that do not matter
   leave a mark and no more; NULL where all stay. `keys` numbers the lines without times, seconds and first addresses; `names` the
   seconds, the addresses and the threads. Returns 0 where memory ran out. */
API int cut(const char *data, const Rows *rows, const uint32_t *chosen, int64_t count, const Span *spans,
            int64_t span_count, int64_t half_count, int64_t leading, int64_t ids, Patterns *patterns, Texts *keys,
            Texts *names, Taken *taken)
{
    Buffer rest = {NULL, 0, 0}, other = {NULL, 0, 0};
    uint32_t *halves = column_for(half_count);
    Piece *pieces = malloc(((size_t)span_count + 1) * sizeof(Piece));
    Alike *alikes = malloc(2 * ALIKES * sizeof(Alike));
    int failed = !halves || !pieces || !alikes || !has_columns(taken, count, half_count);
    for (int64_t place = 0; alikes && place < 2 * ALIKES; place++)
        alikes[place].key = NONE;
    int64_t key_count = texts_count(keys);
    for (int64_t place = 0; !failed && place < count; place++) {
        uint32_t row = chosen[place];
        const char *text = data + rows->start[row], *end = data + rows->end[row];
        int fits = times_out(text, end, spans, span_count, rows->plain, halves, pieces);
        failed = fits < 0;
        if (fits <= 0)
            continue;
        Name seconds = {NULL, NULL, TAKEN, sizeof TAKEN - 1, 1}, address = {NULL, NULL, NAMED, sizeof NAMED - 1, 1};
        uint32_t key = NONE, thread = NONE;
        Alike line = {0}, *alike = NULL;
        if (span_count <= 1) {
            line = alike_of(span_count ? pieces[0] : (Piece){text, text}, pieces[span_count], &address);
            /* each line has two places, which it shares with few others */
            alike = alikes + 2 * (line.print >> (64 - ALIKE_BITS));
            if (!are_alike(alike, &line) && alike->key != NONE)
                alike += are_alike(alike + 1, &line) || alike[1].key == NONE || line.print % 2;
            if (are_alike(alike, &line)) {
                key = alike->key;
                thread = alike->thread;
            }
        }
        if (key == NONE) {
            failed |= !has_room(&rest, end - text + span_count + 8) || (patterns && !has_room(&other, rest.room));
            if (failed)
                break;
            address = (Name){NULL, NULL, NAMED, sizeof NAMED - 1, 1};
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
            key = line.key = texts_add(keys, left->bytes, left->size);
            line.thread = thread;
            if (alike && !seconds.start && (!address.start || address.start >= pieces[span_count].start))
                *alike = line;
        }
        int64_t at = taken->count++;
        taken->row[at] = row;
        taken->seconds[at] = number_of(&seconds, names, &failed);
        taken->address[at] = number_of(&address, names, &failed);
        taken->key[at] = key;
        taken->thread[at] = thread;
        for (int64_t number = 0; number < half_count; number++)
            taken->halves[number][at] = halves[number];
        failed |= key == NONE;
        if (key == key_count) {
            failed |= !with_number(&taken->first, at);
            key_count++;
        }
    }
    free(rest.bytes);
    free(other.bytes);
    free(halves);
    free(pieces);
    free(alikes);
    if (failed)
        taken_free(taken);
    return !failed;
}
