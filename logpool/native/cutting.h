/* What cutting lines is made of. */
#ifndef LOGPOOL_CUTTING_H
#define LOGPOOL_CUTTING_H

#include "texts.h"

/* Part of a time, in characters from its beginning. */
typedef struct {
    int64_t start, width;
    Texts *texts;
} Half;

/* Where a time stands: so many characters behind the one before, or behind an anchor; or it is the first text of a form. */
typedef struct {
    const char *anchor, *form; /* NULL for none */
    int64_t anchor_size, start, width, half_count;
    Half halves[2];
} Span;

/* What a form has in the place of any digit, of one that a space may pad, and of any letter; what else is in it stands for itself. */
enum { ANY_DIGIT = '0', PADDED_DIGIT = '9', ANY_LETTER = 'a' };

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

/* The marks of an id, of a number of so many digits, of a short one, and of one with many decimals, of a network address; of an address
   that does not matter, and is not the one that is told; of a number that does not, of one digit, and those of up to seven and of ten to
   fifteen behind it; of a word that does not, that begins with a small letter or one beyond ASCII, with a capital, with a digit; and among
   words of a number of up to seven digits, if no time can stand there; of a path, a URL, a mail address, an IPv4 address. */
enum {
    ID = 3,
    NUMBER,
    SHORT_NUMBER,
    FRACTION,
    OTHER_ADDRESS = 8,
    LOCATOR = 0x0b,
    NETWORK,
    DIGITS = 0x0e,
    LAST_DIGITS = 0x1a,
    WORD = 0x1c,
    CAPITAL,
    BEGUN_BY_DIGIT,
    ANY_NUMBER,
};
/* From how many letters and digits on they are an id: hexadecimal ones, digits alone, any; any with hyphens and underscores among them. A
   few digits may be one that happens to have no letter; between these and many there are times, and the numbers of threads. */
enum { LEAST_HEXADECIMAL = 8, MOST_SHORT = 9, LEAST_NUMBER = 16, LEAST_MIXED = 20, LEAST_TOKEN = 16, LEAST_DECIMALS = 3 };

/* Whether a byte is the mark of a number, a word, another address or a locator. */
static inline int is_variable(char mark)
{
    return mark == OTHER_ADDRESS || mark == LOCATOR || (mark >= DIGITS && mark <= LAST_DIGITS) || (mark >= WORD && mark <= ANY_NUMBER);
}

/* The mark of a number where there is no clock, by that of so many digits. */
static inline char any_number(char mark) { return mark >= DIGITS && mark < DIGITS + LEAST_HEXADECIMAL - 1 ? ANY_NUMBER : mark; }

/* What is left in the place of a time, of a timing's seconds, of an address. */
static const char TIME = '\x01', TAKEN = '\x02', ADDRESSED = '\x07';
/* What addresses begin with. */
static const char NAMED[] = "0x";

static inline int starts_address(const char *at, const char *end) { return end - at >= 2 && at[0] == NAMED[0] && at[1] == NAMED[1]; }

/* Whether a byte is the mark of an id. */
static inline int is_id_mark(char byte) { return (byte >= ID && byte <= FRACTION) || byte == NETWORK; }

/* Whether a byte is any mark. */
static inline int is_mark(char byte) { return (byte >= TIME && byte <= ADDRESSED) || is_id_mark(byte) || is_variable(byte); }

/* Words that leave no mark, in small letters: those that are known, and those that hold a part that is: by the byte that each begins
   with, the parts that do, a bit for each, and the first four letters of each. And what joins words, a bit for each byte: JOINS always;
   MAY_JOIN in what is quoted and no clock, and numbers as well if there is a word among them. */
typedef struct {
    const Texts *known, *parts;
    uint8_t part_bits[256], joins[256];
    uint32_t part_heads[8];
    int64_t may_join; /* whether anything does */
} Words;

enum { JOINS = 1, MAY_JOIN = 2 };

/* Leaves a mark in the place of every id: letters and digits, so many and so mixed that no word is like it. */
void ids_out(Buffer *rest);
/* So many of what leaves a mark are told apart; all that follow are one. */
enum { LAST_BIT = 63 };
/* Leaves a mark in the place of every number and address, and where `words` is not NULL of every word, but for those that are kept: a bit for
   each, the last one for all that follow. `found`: where each of them stands. Returns 0 where marks stand there already. */
int variables_out(const Buffer *rest, const Words *words, uint64_t kept, Buffer *to, Piece *found);
/* The mark that an id leaves, or a variable if these are asked for, that begins at a place of a line from which nothing was taken out yet, and
   what stands behind it; 0 where none does, or where it is not certain. Of a number, that of so many digits. */
char mark_at(const char *begin, const char *at, const char *end, int has_variables, const Words *words, const char **behind);
/* Whether an address begins within a text. */
int holds_address(const char *text, const char *end);
/* Behind the path, the URL, the mail or IPv4 address that begins at a place of a text; NULL where none does, or where something stands in it that may
   matter. Ids may have been taken out of it. */
const char *behind_locator(const char *begin, const char *start, const char *end, const Words *words);
/* Behind the network address of hexadecimal groups that begins there; NULL where none does. */
const char *behind_network(const char *begin, const char *start, const char *end);
/* Whether a place is within one. */
int is_in_network(const char *begin, const char *at, const char *end);
/* So many bytes from a backslash on are of a word: one beyond ASCII, as JSON escapes it; 0 for none. */
int64_t escaped_bytes(const char *at, const char *end);
/* Whether an id begins at a place where a word does. */
int is_id(const char *begin, const char *at, const char *end);
/* Whether one stands in a text, or the mark of one; `but_seconds`: which is not the seconds of a time, with many decimals. */
int holds_ids(const char *text, const char *end, int but_seconds);
/* Whether a part that makes a word known stands in a text. */
int holds_part(const char *text, const char *end, const Words *words);
/* Whether a clock can stand in a text: of what else is a time, the figures leave marks of their own. */
int has_clock(const char *text, const char *end);

static inline int is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/* Without a branch, since digits and letters come at random; small letters and capitals differ in one bit. */
static inline int is_hexadecimal(char byte) { return is_digit(byte) | ((uint8_t)((byte | 0x20) - 'a') < 6); }

static inline int is_alphanumeric(char byte) { return is_digit(byte) | ((uint8_t)((byte | 0x20) - 'a') <= 'z' - 'a'); }

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
/* Behind seconds that begin there, and that are followed by what tells that they are some; NULL where there are none. */
const char *behind_seconds(const char *at, const char *end);
/* Room for so many bytes. Returns 0 where memory ran out. */
int buffer_room(Buffer *buffer, int64_t size);

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

/* A line to be cut: its pieces, one more than there are times; `leading`: a time at the very beginning leaves no mark; `ids`: ids leave one and
   no more; `patterns`: so do numbers, or words, that do not matter; NULL where all stay. `keys` numbers what is left. */
typedef struct {
    const Piece *pieces;
    int64_t span_count, leading, ids;
    const Patterns *patterns;
    const Texts *keys;
} Line;

/* What else is taken out of a line. */
enum { ADDRESS, SECONDS, NAMELESS };

/* The address that is taken out of a line: the first one behind what a connection follows, else the first one; NULL where there is none. */
Piece address_of(const Piece *pieces, int64_t span_count);

/* What a line is: its key; its address, and its seconds; and its thread, where a variable is part of that; NULL where there is none. */
typedef struct {
    uint32_t key;
    Piece names[NAMELESS], thread;
} Kin;

/* Lines that were cut, each with what it shares with those that are equal but for the time and what is taken out. */
typedef struct Alikes Alikes;

/* The same by what they left, of which more may have been taken out. */
typedef struct Tree Tree;

/* Finds out what a line is that would leave what one before left. Returns 0 where there is none, or it is not certain. */
int tree_find(Tree *tree, const Line *line, Kin *kin);
/* Keeps what a line left, with every variable's mark, the number of that as a pattern, and what it is. Returns 0 where memory ran out. */
int tree_keep(Tree *tree, const Line *line, const char *left, int64_t size, uint32_t pattern, const Kin *kin);

enum { MOST_SPANS = 15 };

/* How lines are cut. */
typedef struct {
    const Span *spans;
    int64_t span_count, half_count, plain, leading, ids;
    const Patterns *patterns;
    Alikes *alikes;
    Tree *tree;
    Texts *keys, *names;
    int64_t by_tree; /* the line before is one of the tree's */
} Cutter;

/* Finds a line that is like one at hand, and tells what that is. Returns 0 where there is none. */
int find_alike(Cutter *cutter, const Line *line, Kin *kin);
/* Keeps a line by what it left, with every variable's mark, and by the number of that as a pattern. `is_again`: another line left the same,
   and it is likely that more will. Returns 0 where memory ran out. */
int keep_alike(Cutter *cutter, const Line *line, const char *left, int64_t size, uint32_t pattern, const Kin *kin, int is_again);
/* Cuts a line that is like one before. Returns 0 where it is like none, -1 where memory ran out. */
int cut_alike(Cutter *cutter, const char *text, const char *end, uint32_t row, Taken *taken);

/* No lines that were cut, of which each has so many parts of times. Returns 0 where memory ran out; likewise `taken_room`, which makes
   room for so many lines. */
int taken_begin(Taken *taken, int64_t room, int64_t half_count);
int taken_room(Taken *taken, int64_t room);
API void taken_free(Taken *taken);
/* The number of a text that was taken out. Returns 0 where memory ran out. */
static inline int taken_name(const Piece *name, Texts *names, uint32_t *number)
{
    *number = texts_number(names, name->start, name->end - name->start);
    return *number != NONE;
}

/* The same of what few lines have. */
int taken_more(const Piece *name, Texts *names, uint32_t *number);

/* A line that was cut becomes one of many. Returns 0 where memory ran out. */
static inline int taken_kin(const Cutter *cutter, const Piece *pieces, const Kin *kin, uint32_t row, Taken *taken)
{
    if (taken->count == taken->room && !taken_room(taken, taken->room * 2))
        return 0;
    int64_t at = taken->count++, number = 0;
    taken->row[at] = row;
    taken->key[at] = kin->key;
    taken->thread[at] = NONE;
    int made = 1;
    for (int64_t span = 0; span < cutter->span_count; number += cutter->spans[span++].half_count)
        made &= taken_time(taken, at, number, cutter->spans + span, pieces[span].end, pieces[span + 1].start, cutter->plain);
    /* most have either, which comes at random: nothing depends on which it is; last, since it most often has to be waited for */
    uint32_t *columns[] = {taken->address, taken->seconds};
    int other = !kin->names[ADDRESS].start;
    columns[0][at] = columns[1][at] = NONE;
    if (kin->names[other].start)
        made &= taken_name(kin->names + other, cutter->names, columns[other] + at);
    const Piece *both = other ? NULL : kin->names + SECONDS;
    return made && (!kin->thread.start || taken_more(&kin->thread, cutter->names, taken->thread + at)) &&
           (!both || !both->start || taken_more(both, cutter->names, taken->seconds + at));
}

#endif
