/* Times, addresses and seconds out of lines; every text that is left as a number. */
#include "cutting.h"

#include <stdlib.h>
#include <string.h>

static const char TIMING[] = "ime taken: ", UNIT[] = " seconds.", CONNECTION[] = "onnection ";

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

int buffer_room(Buffer *buffer, int64_t size)
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

const char *behind_seconds(const char *at, const char *end)
{
    const char *point = behind_digits(at, end);
    if (point == at || point == end || *point != '.')
        return NULL;
    const char *behind = behind_digits(point + 1, end);
    int64_t unit = sizeof UNIT - 1;
    return behind > point + 1 && end - behind >= unit && !memcmp(behind, UNIT, (size_t)unit) ? behind : NULL;
}

/* The seconds of "ime taken: 0.5 seconds.", if the first such text in a line has some. */
static Piece seconds_of(const Piece *pieces, int64_t span_count)
{
    for (int64_t place = 0; place <= span_count; place++) {
        const char *end = pieces[place].end, *timing = found(pieces[place].start, end, TIMING, sizeof TIMING - 1, 9);
        if (!timing)
            continue;
        const char *start = timing + sizeof TIMING - 1, *behind = behind_seconds(start, end);
        return (Piece){behind ? start : NULL, behind};
    }
    return (Piece){NULL, NULL};
}

Piece address_of(const Piece *pieces, int64_t span_count)
{
    Piece first = {NULL, NULL};
    int is_behind = 0;
    for (int64_t place = 0; place <= span_count; place++) {
        const char *end = pieces[place].end;
        for (const char *text = pieces[place].start; text;) {
            const char *connection = is_behind ? NULL : found(text, end, CONNECTION, sizeof CONNECTION - 1, 4);
            const char *start = found(text, end, NAMED, sizeof NAMED - 1, 1);
            if (start && (is_behind || !first.start))
                first = (Piece){start, behind_hexadecimals(start + 2, end)};
            if (start && is_behind)
                return first;
            is_behind |= connection != NULL;
            text = connection;
        }
    }
    return first;
}

/* Adds part of a line that no time divides, without what is taken out of it: that never overlaps. */
static void add_part(Buffer *rest, const Piece *piece, const Kin *kin)
{
    static const char marks[] = {[ADDRESS] = ADDRESSED, [SECONDS] = TAKEN};
    const char *text = piece->start;
    int other = kin->names[ADDRESS].start > kin->names[SECONDS].start;
    for (int tried = 0; tried < NAMELESS; tried++, other = !other) {
        const Piece *name = kin->names + other;
        if (!name->start || name->start < text || name->end > piece->end)
            continue;
        add_bytes(rest, text, name->start - text);
        add_bytes(rest, marks + other, 1);
        text = name->end;
    }
    add_bytes(rest, text, piece->end - text);
}

/* What a word that may be part of a path ends at. */
static const char BOUNDS[] = " \t\"'()[]<>{},;|";

static inline int is_letter(char byte) { return is_alphanumeric(byte) & !is_digit(byte); }

static inline int is_any(char form) { return form == ANY_DIGIT || form == PADDED_DIGIT || form == ANY_LETTER; }

static int is_of_form(const char *at, const char *form, int64_t size)
{
    for (int64_t place = 0; place < size; place++) {
        char one = form[place], byte = at[place];
        int is_one = one == ANY_LETTER ? is_letter(byte) : is_any(one) ? is_digit(byte) || (one == PADDED_DIGIT && byte == ' ') : byte == one;
        if (!is_one)
            return 0;
    }
    return 1;
}

/* Whether a time that is of a form can begin at a place of a line: no figures go on there, nor a word. */
static int may_begin(const char *begin, const char *at, const Span *span)
{
    char first = span->form[0];
    /* what begins with a year may stand behind the number of a line, as grep prints it */
    int is_year = span->width > 4 && !memcmp(span->form, "0000", 4) && !is_any(span->form[4]);
    if (at == begin)
        return 1;
    if (is_digit(at[-1]))
        return 0;
    if (first == ANY_LETTER)
        return !is_letter(at[-1]) && at[-1] != '_' && !((uint8_t)at[-1] & 0x80);
    return at - begin < 2 || !memchr(".:/-", at[-1], 4) || !is_digit(at[-2]) || (is_year && at[-1] == ':');
}

static inline int is_bound(char byte) { return memchr(BOUNDS, byte, sizeof BOUNDS - 1) != NULL; }

/* Whether a time that begins at a place of a line is part of a path: it is one word, in which a slash stands before it. */
static int is_in_path(const char *begin, const char *at, const Span *span)
{
    for (int64_t place = 0; place < span->width; place++)
        if (is_bound(span->form[place]))
            return 0;
    while (at > begin && at[-1] != '/')
        if (is_bound(*--at))
            return 0;
    return at > begin;
}

/* The first text of a form behind a place of a line; NULL where there is none. */
static const char *of_form(const char *begin, const char *text, const char *end, const Span *span)
{
    /* by the first byte that stands for itself it is found fast */
    int64_t rare = 0;
    while (rare < span->width && is_any(span->form[rare]))
        rare++;
    for (const char *at = text; end - at >= span->width; at++) {
        if (rare < span->width) {
            const char *found = memchr(at + rare, span->form[rare], (size_t)(end - at - rare));
            if (!found || end - (at = found - rare) < span->width)
                return NULL;
        }
        const char *behind = at + span->width;
        if (is_of_form(at, span->form, span->width) && may_begin(begin, at, span) && (behind == end || !is_digit(*behind)) &&
            !is_in_path(begin, at, span))
            return at;
    }
    return NULL;
}

/* Parts a line at its times: one piece more than there are times, which stand in between. Returns 0 where the cut does not fit. */
int parted(const char *text, const char *end, const Span *spans, int64_t span_count, int64_t plain, Piece *pieces)
{
    const char *begin = text;
    for (int64_t place = 0; place < span_count; place++) {
        const Span *span = spans + place;
        const char *time;
        if (span->anchor) {
            time = anchored(text, end, span);
            time = time ? time + span->anchor_size : NULL;
        } else if (span->form) {
            time = of_form(begin, text, end, span);
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

/* What a line leaves without seconds and address, and without ids if these are to be left out. */
static void add_rest(const Line *line, Buffer *rest, Kin *kin)
{
    const char *begin = line->pieces->start, *end = line->pieces[line->span_count].end;
    /* where what stands for an address stands already, none is taken out */
    int is_marked = memchr(begin, ADDRESSED, (size_t)(end - begin)) != NULL;
    kin->names[ADDRESS] = is_marked ? (Piece){NULL, NULL} : address_of(line->pieces, line->span_count);
    kin->names[SECONDS] = seconds_of(line->pieces, line->span_count);
    rest->size = 0;
    for (int64_t place = 0; place <= line->span_count; place++) {
        add_part(rest, line->pieces + place, kin);
        if (place < line->span_count && !line->leading)
            add_bytes(rest, &TIME, 1);
    }
    if (line->ids)
        ids_out(rest);
}

/* Leaves of a line what is to be numbered: the variables that matter, unless they tell its thread. Returns the number of its pattern, NONE
   where it is not to be cut: nothing is known of that, or it holds marks. */
static uint32_t patterned(const Line *line, const Buffer *rest, uint32_t row, Buffer *key, Kin *kin, Taken *taken, int *failed)
{
    const Patterns *patterns = line->patterns;
    int64_t count = texts_count(patterns->texts);
    Piece variables[LAST_BIT + 1];
    if (!variables_out(rest, patterns->words, 0, key, variables)) {
        taken->has_marks = 1;
        return NONE;
    }
    uint32_t number = texts_add(patterns->texts, key->bytes, key->size);
    if (number >= patterns->count) {
        *failed |= number == NONE || (number == count && !list_add(&taken->unknown, row));
        return NONE;
    }
    const Pattern *pattern = patterns->known + number;
    if (pattern->kept)
        variables_out(rest, patterns->words, pattern->kept, key, variables);
    if (pattern->size) {
        const Piece *first = variables + pattern->first, *last = first + pattern->size - 1;
        kin->thread = (Piece){first->start - pattern->before, last->end + pattern->behind};
        /* each line has a thread of its own, and an id of it is gone */
        if (holds_ids(kin->thread.start, kin->thread.end, 0)) {
            taken->has_marks = 1;
            return NONE;
        }
    }
    return number;
}

/* Cuts some of the lines of a block. What is left of them is numbered. Returns 0 where memory ran out. */
API int cut(Cutter *cutter, const char *data, const Rows *rows, const uint32_t *chosen, int64_t count, Taken *taken)
{
    Buffer rest = {NULL, 0, 0}, other = {NULL, 0, 0};
    Piece *pieces = malloc(((size_t)cutter->span_count + 1) * sizeof(Piece));
    int failed = !pieces || !taken_begin(taken, count, cutter->half_count);
    int64_t key_count = texts_count(cutter->keys);
    const Patterns *patterns = cutter->patterns;
    Line line = {pieces, cutter->span_count, cutter->leading, cutter->ids, patterns, cutter->keys};
    for (int64_t place = 0; !failed && place < count; place++) {
        uint32_t row = chosen[place], pattern = NONE;
        const char *text = data + rows->start[row], *end = data + rows->end[row];
        if (!parted(text, end, cutter->spans, cutter->span_count, cutter->plain, pieces))
            continue;
        Kin kin;
        if (!find_alike(cutter, &line, &kin)) {
            failed |= !buffer_room(&rest, end - text + cutter->span_count + 8) || (patterns && !buffer_room(&other, rest.room));
            if (failed)
                break;
            kin.thread = (Piece){NULL, NULL};
            add_rest(&line, &rest, &kin);
            if (patterns && (pattern = patterned(&line, &rest, row, &other, &kin, taken, &failed)) == NONE)
                continue;
            const Buffer *left = patterns ? &other : &rest;
            int64_t known = texts_count(cutter->keys);
            kin.key = texts_add(cutter->keys, left->bytes, left->size);
            failed |= kin.key == NONE;
            int64_t size = left->size;
            const char *kept = patterns ? texts_get(patterns->texts, pattern, &size) : left->bytes;
            failed |= !failed && !keep_alike(cutter, &line, kept, size, pattern, &kin, patterns || kin.key < known);
        }
        failed |= failed || !taken_kin(cutter, pieces, &kin, row, taken);
        if (!failed && kin.key == key_count) {
            failed |= !list_add(&taken->first, taken->count - 1);
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
