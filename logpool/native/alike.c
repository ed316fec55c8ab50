/* Lines that are equal to ones before but for time and address: of these nothing need be put together.

   What lines share is compared without a branch that depends on the kind of line, since kinds come at random, and a branch that is
   foretold wrongly costs as much as comparing a hundred bytes. */
#include "cutting.h"

#include <stdlib.h>
#include <string.h>

/* MOST_BEGIN, MOST_END: so many bytes of a line tell at most where to look for it; SHORT: so many at its end are compared at once */
enum { BITS = 11, SETS = 1 << BITS, WAYS = 4, MOST_BEGIN = 96, MOST_END = 8, SHORT = 64 };
/* of the words at the begin of a line so many tell at first where to look for it, and when these do not tell lines apart, all */
enum { STRIDE = 8, FEW = 4 };

typedef struct {
    uint64_t print;
    char *bytes; /* of `before`, `behind` and `head`, one behind the other, so many of each */
    int64_t room, before, behind, head;
    uint32_t key; /* NONE while there is no such line */
    int64_t name;
    Vector end[SHORT / WIDE], mask[SHORT / WIDE]; /* the end of the line, as far as it is behind, if it is short */
} Alike;

struct Alikes {
    /* of each line so many bytes stand before what is taken out, and behind it */
    int64_t begin, end;
    uint64_t end_mask; /* of the last word those bytes */
    int64_t words[FEW]; /* where the words begin that tell where to look */
    int is_dense; /* all words do */
    Alike lines[SETS * WAYS];
};

/* Lines are looked for in another way from now on. */
static void clear(Alikes *alikes)
{
    int64_t count = alikes->begin / STRIDE;
    for (int64_t word = 0; word < FEW; word++)
        alikes->words[word] = count > 1 ? word * (count - 1) / (FEW - 1) * STRIDE : 0;
    alikes->end_mask = alikes->end ? ~(uint64_t)0 << (64 - 8 * alikes->end) : 0;
    for (int64_t place = 0; place < SETS * WAYS; place++)
        alikes->lines[place].key = NONE;
}

API Alikes *alikes_new(void)
{
    Alikes *alikes = calloc(1, sizeof(Alikes));
    if (alikes) {
        alikes->begin = MOST_BEGIN;
        alikes->end = MOST_END;
        clear(alikes);
    }
    return alikes;
}

API void alikes_free(Alikes *alikes)
{
    for (int64_t place = 0; alikes && place < SETS * WAYS; place++)
        free(alikes->lines[place].bytes);
    free(alikes);
}

/* A number that equal lines have in common: the sum of words of what they share, each times a number of its own, so that none waits
   for another. */
static uint64_t print_of(const Alikes *alikes, const char *tail, const char *end)
{
    static const uint64_t times = 0x9e3779b97f4a7c15u, more = 0xd1b54a32d192ed02u;
    int64_t size = end - tail, begin = alikes->begin;
    if (size < MOST_END || size < begin)
        return 0;
    uint64_t print = (uint64_t)size * times + (word_at(end - STRIDE) & alikes->end_mask) * (times + more), factor = times;
    if (begin && alikes->is_dense)
        for (const char *at = tail; at - tail < begin; at += STRIDE, factor += more)
            print += word_at(at) * factor;
    else if (begin)
        for (int64_t word = 0; word < FEW; word++, factor += 2 * more)
            print += word_at(tail + alikes->words[word]) * factor;
    return print * 0xe7037ed1a0b428dbu;
}

static Alike *set_of(const Alikes *alikes, uint64_t print)
{
    return (Alike *)alikes->lines + (print >> (64 - BITS)) * WAYS;
}

/* Whether a line that ends there ends with what is behind. */
static int ends_alike(const Alike *alike, const char *begin, const char *end)
{
    if (alike->behind > SHORT || end - begin < SHORT)
        return is_same(end - alike->behind, alike->bytes + alike->before, alike->behind);
    Vector differences = {0};
    for (int64_t at = 0; at < SHORT / WIDE; at++)
        differences |= (vector_at(end - SHORT + at * WIDE) ^ alike->end[at]) & alike->mask[at];
    return is_zero(differences);
}

/* Whether so many bytes before a place, up to sixteen, are hexadecimal digits. */
static int are_hexadecimal(const char *end, int64_t size)
{
    /* the last so many bytes of the first half */
    static const uint8_t masks[2 * WIDE] = {[WIDE... 2 * WIDE - 1] = 0xff};
    Vector bytes = vector_at(end - WIDE), small = bytes | 0x20;
    Vector others = (Vector)((Vector)(bytes - '0') > 9) & (Vector)((Vector)(small - 'a') > 5);
    return is_zero(others & vector_at((const char *)masks + size));
}

/* Whether what stands between is what was taken out of the line that was kept; `begin` is the line's. */
static int is_name(int64_t name, const char *begin, const char *start, const char *end)
{
    int64_t size = end - start;
    if (name == ADDRESS) {
        if (size < 2 || start[0] != NAMED[0] || start[1] != NAMED[1])
            return 0;
        return size <= 18 && end - begin >= 16 ? are_hexadecimal(end, size - 2) : behind_hexadecimals(start + 2, end) == end;
    }
    if (name == NAMELESS)
        return !size;
    const char *point = behind_digits(start, end);
    return point > start && end - point > 1 && *point == '.' && behind_digits(point + 1, end) == end;
}

/* Finds a line that was kept and is equal, and tells what the one at hand is. Returns 0 where there is none. */
static inline int alikes_find(const Alikes *alikes, const Line *line, Kin *kin)
{
    const Piece *last = line->pieces + line->span_count;
    const char *head = line->pieces->start, *tail = last->start, *end = last->end;
    uint64_t print = print_of(alikes, tail, end);
    const Alike *alike = set_of(alikes, print);
    int64_t size = end - tail, head_size = line->span_count ? line->pieces->end - head : 0;
    for (int way = 0; way < WAYS; way++, alike++) {
        if (alike->print != print || alike->key == NONE || alike->before + alike->behind > size || alike->head != head_size)
            continue;
        const char *start = tail + alike->before, *behind = end - alike->behind;
        if (!is_same(tail, alike->bytes, alike->before) || !ends_alike(alike, head, end) ||
            (head_size && !is_same(head, alike->bytes + alike->before + alike->behind, head_size)) ||
            !is_name(alike->name, head, start, behind))
            continue;
        kin->key = alike->key;
        for (int64_t name = 0; name < NAMELESS; name++)
            kin->names[name] = (Piece){alike->name == name ? start : NULL, behind};
        kin->thread = (Piece){NULL, NULL};
        return 1;
    }
    return 0;
}

/* Whether a line can be kept, of which no more than times, and either an address or seconds, was taken out: these behind the only time. */
static int alikes_fit(const Line *line, const Kin *kin)
{
    const char *address = kin->names[ADDRESS].start, *seconds = kin->names[SECONDS].start, *name = address ? address : seconds;
    int is_one = !(address && seconds) && !kin->thread.start;
    return line->span_count <= 1 && is_one && (!name || name >= line->pieces[line->span_count].start);
}

/* Keeps a line, perhaps in place of another. Returns 0 where memory ran out. */
static int alikes_keep(Alikes *alikes, const Line *line, const Kin *kin)
{
    const Piece *last_piece = line->pieces + line->span_count;
    const char *head = line->pieces->start, *tail = last_piece->start, *end = last_piece->end;
    int64_t name = kin->names[ADDRESS].start ? ADDRESS : kin->names[SECONDS].start ? SECONDS : NAMELESS;
    const Piece nothing = {end, end}, *taken = name == NAMELESS ? &nothing : kin->names + name;
    int64_t before = taken->start - tail, behind = end - taken->end, head_size = line->span_count ? line->pieces->end - head : 0;
    int64_t begin = before / 8 * 8, last = name == NAMELESS ? MOST_END : behind;
    /* where less is shared, prints are others */
    if (begin < alikes->begin || last < alikes->end) {
        alikes->begin = begin < alikes->begin ? begin : alikes->begin;
        alikes->end = last < alikes->end ? last : alikes->end;
        clear(alikes);
    }
    uint64_t print = print_of(alikes, tail, end);
    Alike *alike = set_of(alikes, print);
    int way = 0;
    int64_t equal = 0;
    while (way < WAYS && alike[way].key != NONE)
        equal += alike[way++].print == print;
    if (equal == WAYS && !alikes->is_dense) {
        alikes->is_dense = 1;
        clear(alikes);
        print = print_of(alikes, tail, end);
        alike = set_of(alikes, print);
        way = 0;
    }
    alike += way < WAYS ? way : (int)(kin->key % WAYS);
    /* one byte more, since there may be none */
    int64_t room = before + behind + head_size + 1;
    if (room > alike->room) {
        char *bytes = realloc(alike->bytes, (size_t)room);
        if (!bytes)
            return 0;
        alike->bytes = bytes;
        alike->room = room;
    }
    memcpy(alike->bytes, tail, (size_t)before);
    memcpy(alike->bytes + before, taken->end, (size_t)behind);
    memcpy(alike->bytes + before + behind, head, (size_t)head_size);
    if (behind <= SHORT) {
        memset(alike->mask, 0, SHORT - (size_t)behind);
        memset((char *)alike->mask + SHORT - behind, 0xff, (size_t)behind);
        memcpy((char *)alike->end + SHORT - behind, taken->end, (size_t)behind);
    }
    alike->print = print;
    alike->before = before;
    alike->behind = behind;
    alike->head = head_size;
    alike->name = name;
    alike->key = kin->key;
    return 1;
}

/* The same among all, first where the line before was found: what scans lines has it of its own, since it is asked for each. */
static inline int found_alike(Cutter *cutter, const Line *line, Kin *kin)
{
    if (cutter->by_tree && tree_find(cutter->tree, line, kin))
        return 1;
    if (line->span_count <= 1 && alikes_find(cutter->alikes, line, kin)) {
        cutter->by_tree = 0;
        return 1;
    }
    if (cutter->by_tree || !tree_find(cutter->tree, line, kin))
        return 0;
    cutter->by_tree = 1;
    return 1;
}

int find_alike(Cutter *cutter, const Line *line, Kin *kin) { return found_alike(cutter, line, kin); }

int keep_alike(Cutter *cutter, const Line *line, const char *left, int64_t size, uint32_t pattern, const Kin *kin, int is_again)
{
    int has_more = !alikes_fit(line, kin);
    for (int64_t at = 0; !has_more && at < size; at++)
        has_more = is_mark(left[at]) && left[at] != TIME && left[at] != TAKEN && left[at] != ADDRESSED;
    if (!has_more)
        return alikes_keep(cutter->alikes, line, kin);
    return !is_again || tree_keep(cutter->tree, line, left, size, pattern, kin);
}

int cut_alike(Cutter *cutter, const char *text, const char *end, uint32_t row, Taken *taken)
{
    Piece pieces[MOST_SPANS + 1];
    Line line = {pieces, cutter->span_count, cutter->leading, cutter->ids, cutter->patterns, cutter->keys};
    Kin kin;
    const Span *span = cutter->spans;
    if (cutter->span_count == 1 && !span->anchor && !span->form && cutter->plain) {
        if (end - text < span->start + span->width)
            return 0;
        pieces[0] = (Piece){text, text + span->start};
        pieces[1] = (Piece){pieces[0].end + span->width, end};
    } else if (cutter->span_count > MOST_SPANS || !parted(text, end, span, cutter->span_count, cutter->plain, pieces)) {
        return 0;
    }
    if (!found_alike(cutter, &line, &kin))
        return 0;
    return taken_kin(cutter, pieces, &kin, row, taken) ? 1 : -1;
}
