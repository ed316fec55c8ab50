/* What cutting lines is made of. */
#ifndef LOGPOOL_CUTTING_H
#define LOGPOOL_CUTTING_H

#include "texts.h"

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

/* Part of a line that no time divides. */
typedef struct {
    const char *start, *end;
} Piece;

/* Bytes that grow. */
typedef struct {
    char *bytes;
    int64_t size, room;
} Buffer;

/* More bytes, for which there is room. */
static inline void add_bytes(Buffer *buffer, const char *text, int64_t size)
{
    memcpy(buffer->bytes + buffer->size, text, (size_t)size);
    buffer->size += size;
}

/* What is taken out of a line beside its times: where it stands, NULL where nothing does, and what is left in its place. */
typedef struct {
    const char *start, *end, *instead;
    int64_t instead_size;
    int is_sought;
} Name;

static const char TAKEN[] = "\x02", NAMED[] = "0x";

static inline Name sought(const char *instead, int64_t size) { return (Name){NULL, NULL, instead, size, 1}; }
static inline Name sought_seconds(void) { return sought(TAKEN, sizeof TAKEN - 1); }
static inline Name sought_address(void) { return sought(NAMED, sizeof NAMED - 1); }

/* Words that leave no mark, in small letters: those that are known, and those that hold a part that is. */
typedef struct {
    const Texts *known, *parts;
} Words;

/* Leaves a mark in the place of every id: letters and digits, so many and so mixed that no word is like it. */
void ids_out(Buffer *rest);
/* So many of what leaves a mark are told apart; all that follow are one. */
enum { LAST_BIT = 63 };
/* Leaves a mark in the place of every number, and where `words` is not NULL of every word, but for those that are kept: a bit for each, the
   last one for all that follow. Addresses have none. `found`: where each of them stands. Returns 0 where marks stand there already. */
int variables_out(const Buffer *rest, const Words *words, uint64_t kept, Buffer *to, Piece *found);

static inline int is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/* Without a branch, since digits and letters come at random; small letters and capitals differ in one bit. */
static inline int is_hexadecimal(char byte) { return is_digit(byte) | ((uint8_t)((byte | 0x20) - 'a') < 6); }

/* Of each of eight bytes the highest bit: whether it is hexadecimal. What is added to seven bits sets the eighth from a digit or a
   letter on. */
static inline uint64_t hexadecimals(uint64_t bytes)
{
    const uint64_t each = 0x0101010101010101u, high = each << 7;
    uint64_t low = bytes & ~high, small = low | each * 0x20;
    uint64_t digits = (low + each * (0x80 - '0')) & ~(low + each * (0x7f - '9'));
    uint64_t letters = (small + each * (0x80 - 'a')) & ~(small + each * (0x7f - 'f'));
    return (digits | letters) & ~bytes & high;
}

/* Behind the last of some hexadecimal digits, or of decimal ones. */
const char *behind_hexadecimals(const char *at, const char *end);
const char *behind_digits(const char *at, const char *end);
/* The first address in a text. */
void find_address(const char *text, const char *end, Name *address);
/* The seconds of "ime taken: 0.5 seconds.", where the first such text has some. */
void find_seconds(const char *text, const char *end, Name *seconds);

/* Parts a line at its times: one piece more than there are times, which stand in between. Returns 0 where the cut does not fit. */
int parted(const char *text, const char *end, const Span *spans, int64_t span_count, int64_t plain, Piece *pieces);
/* So many characters on, each a byte where the text is plain; NULL where there are fewer. */
static inline const char *passed(const char *text, const char *end, int64_t characters, int64_t plain)
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

/* The numbers of the parts of a time become those of the line at a place, from the column `number` on. Returns 0 where memory ran out. */
static inline int taken_time(Taken *taken, int64_t at, int64_t number, const Span *span, const char *time, const char *end, int64_t plain)
{
    int made = 1;
    for (int64_t one = 0; one < span->half_count; one++) {
        const Half *half = span->halves + one;
        const char *start = time + half->start, *stop = start + half->width;
        if (!plain) {
            start = passed(time, end, half->start, plain);
            stop = passed(start, end, half->width, plain);
        }
        uint32_t found = taken->halves[number + one][at] = texts_number(half->texts, start, stop - start);
        made &= found != NONE;
    }
    return made;
}

/* What is taken out of a line behind its time. */
enum { NAMELESS, ADDRESS, SECONDS };

/* A line with one time or none, by which others are known that are equal but for that, and for an address or seconds behind it: its
   key and its thread, which of these it has, and from where to where; nothing, at its end. */
typedef struct {
    uint32_t key, thread;
    int64_t name;
    const char *start, *end;
} Likeness;

/* Lines of which the key is known, each with what it shares with those that are equal to it. */
typedef struct Alikes Alikes;

/* How lines are cut that are like ones before: those of one time, or none. */
typedef struct {
    const Span *spans;
    int64_t span_count, half_count, plain;
    Alikes *alikes;
    Texts *names;
} Likely;

/* Finds a line that was kept and is equal; of the one at hand, whose time stands between its head and its tail, it tells what it is.
   Returns 0 where there is none. */
int alikes_find(const Alikes *alikes, const char *head, const char *head_end, const char *tail, const char *end, Likeness *line);
/* Keeps a line, perhaps in place of another. Returns 0 where memory ran out. */
int alikes_keep(Alikes *alikes, const char *head, const char *head_end, const char *tail, const char *end, const Likeness *line);
/* Cuts a line that is like one that was kept. Returns 0 where it is like none, -1 where memory ran out. */
int cut_alike(const Likely *likely, const char *text, const char *end, uint32_t row, Taken *taken);

/* No lines that were cut, of which each has so many parts of times. Returns 0 where memory ran out; likewise `taken_room`, which makes
   room for so many lines. */
int taken_begin(Taken *taken, int64_t room, int64_t half_count);
int taken_room(Taken *taken, int64_t room);
API void taken_free(Taken *taken);
/* A new line among those that were cut, for which there is room. Returns its place. */
static inline int64_t taken_line(Taken *taken, uint32_t row, uint32_t key, uint32_t thread)
{
    int64_t at = taken->count++;
    taken->row[at] = row;
    taken->key[at] = key;
    taken->thread[at] = thread;
    taken->address[at] = taken->seconds[at] = NONE;
    return at;
}

/* The line at a place has an address, or seconds. Returns 0 where memory ran out. */
static inline int taken_name(Taken *taken, int64_t at, int64_t name, const char *start, const char *end, Texts *names)
{
    if (name == NAMELESS)
        return 1;
    uint32_t number = texts_number(names, start, end - start);
    (name == ADDRESS ? taken->address : taken->seconds)[at] = number;
    return number != NONE;
}

#endif
