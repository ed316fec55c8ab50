/* Ids, numbers and words, in which lines differ, and which need not be told apart: each leaves a mark. */
#include "cutting.h"

#include <string.h>

static const char ID = '\x03', NUMBER = '\x04', SHORT = '\x05', FRACTION = '\x06';
/* of a number of one digit; those of up to seven follow, and behind them those of ten to fifteen */
static const char DIGITS = '\x0e', LAST_DIGITS = '\x1a';
/* of a word that begins with a small letter, or one beyond ASCII; with a capital; with a digit; and among words of a number of up to seven
   digits, if no time can stand there */
static const char WORD = '\x1c', CAPITAL = '\x1d', BEGUN_BY_DIGIT = '\x1e', ANY_NUMBER = '\x1f';

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
void ids_out(Buffer *rest)
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

/* The mark of a number of so many digits; 0 where these are none, or an id. */
static char digits_mark(int64_t width)
{
    if (width > 0 && width < LEAST_HEXADECIMAL)
        return (char)(DIGITS + width - 1);
    return width > MOST_SHORT && width < LEAST_NUMBER ? (char)(DIGITS + width - 1 - (MOST_SHORT + 1 - LEAST_HEXADECIMAL)) : 0;
}

/* The number, within letters and digits or not, that stands at a place or behind it; all up to there is passed. Returns its mark; 0 where
   some letters and digits have none. */
static char number_at(const char *begin, const char **at, const char *end, const char **start)
{
    const char *behind = *at == begin || !class_of((*at)[-1]) ? behind_address(*at, end) : *at;
    if (behind > *at) {
        *at = behind;
        return 0;
    }
    *start = *at;
    *at = behind_digits(*start, end);
    if (*at == *start) {
        ++*at;
        return 0;
    }
    /* what stands in the place of an address may be part of a word */
    int is_named = *at < end && (*at)[-1] == NAMED[0] && **at == NAMED[1];
    return is_named ? 0 : digits_mark(*at - *start);
}

/* So long a word may be known, or leave a mark. */
enum { MOST_WORD = 256 };

/* Whether a text holds another one. */
static int holds(const char *text, int64_t size, const char *part, int64_t part_size)
{
    for (int64_t at = 0; at + part_size <= size; at++)
        if (!memcmp(text + at, part, (size_t)part_size))
            return 1;
    return 0;
}

static int is_capital(char byte) { return (uint8_t)(byte - 'A') <= 'Z' - 'A'; }

/* Whether a word is to be left as it stands: also where an address stands in it, or what stands in the place of one. */
static int is_left(const char *word, int64_t size, const Words *words)
{
    char small[MOST_WORD];
    if (size > MOST_WORD)
        return 1;
    int is_named = 0;
    for (int64_t at = 0; at < size; at++) {
        small[at] = (char)(word[at] | is_capital(word[at]) << 5);
        is_named |= at && word[at - 1] == NAMED[0] && word[at] == NAMED[1];
    }
    int is_known = is_named || texts_find(words->known, small, size) != NONE;
    for (int64_t part = 0; !is_known && part < texts_count(words->parts); part++) {
        int64_t part_size;
        const char *text = texts_get(words->parts, (uint32_t)part, &part_size);
        is_known = holds(small, size, text, part_size);
    }
    return is_known;
}

/* So many bytes from a place on are of a word: letters and digits, and all beyond ASCII, as it stands or as JSON escapes it; 0 for none. */
static inline int64_t word_bytes(const char *at, const char *end)
{
    enum { ESCAPED = 6 };
    if (class_of(*at) | (*at & 0x80))
        return 1;
    if (*at != '\\' || end - at < ESCAPED || at[1] != 'u')
        return 0;
    for (int64_t place = 2; place < ESCAPED; place++)
        if (!is_hexadecimal(at[place]))
            return 0;
    return at[2] != '0' || at[3] != '0' || at[4] > '7' ? ESCAPED : 0;
}

static const char *behind_word(const char *at, const char *end)
{
    for (int64_t size; at < end && (size = word_bytes(at, end)); at += size)
        ;
    return at;
}

static int is_number(const char *start, const char *behind) { return behind_digits(start, behind) == behind; }

/* Whether a clock can stand in a text: of what else is a time, the figures leave marks of their own. */
static int has_clock(const char *text, const char *end)
{
    enum { TWO = 2 };
    for (const char *at = text; at < end && (at = memchr(at, ':', (size_t)(end - at))); at++)
        if (at - text >= TWO && is_digit(at[-1]) && is_digit(at[-2]) && behind_digits(at + 1, end) - at == TWO + 1)
            return 1;
    return 0;
}

/* The same of a word, with all behind it that a hyphen or the like joins to it, or of a number that is none's part. */
static char word_at_place(const char **at, const char *end, const Words *words, int is_exact, const char **start)
{
    const char *behind = behind_word(*start = *at, end);
    *at = behind;
    if (is_number(*start, behind)) {
        char mark = digits_mark(behind - *start);
        return !is_exact && mark && behind - *start < LEAST_HEXADECIMAL ? ANY_NUMBER : mark;
    }
    if (is_left(*start, behind - *start, words))
        return 0;
    for (;; *at = behind) {
        const char *part = behind;
        while (part < end && (*part == '-' || *part == '_'))
            part++;
        behind = behind_word(part, end);
        if (part == *at || part == behind || (!is_number(part, behind) && is_left(part, behind - part, words)))
            break;
    }
    return is_digit(**start) ? BEGUN_BY_DIGIT : is_capital(**start) ? CAPITAL : WORD;
}

/* Behind what JSON escapes by a backslash. */
static const char *behind_escaped(const char *at, const char *end)
{
    int64_t size = end - at > 1 && at[1] == 'u' ? 6 : 2;
    return end - at < size ? end : at + size;
}

/* The next number, or word that is to leave a mark, from a place on, which becomes the one behind it. Returns its mark; 0 at the end, and
   -1 where a mark stands there already. */
static int next_variable(const char *begin, const char **at, const char *end, const Words *words, int is_exact, const char **start)
{
    while (*at < end) {
        char byte = **at;
        int mark = 0;
        if ((byte >= DIGITS && byte <= LAST_DIGITS) || (words && byte >= WORD && byte <= ANY_NUMBER))
            return -1;
        if (words && word_bytes(*at, end))
            mark = word_at_place(at, end, words, is_exact, start);
        else if (words && byte == '\\')
            *at = behind_escaped(*at, end);
        else if (!words && class_of(byte))
            mark = number_at(begin, at, end, start);
        else
            ++*at;
        if (mark)
            return mark;
    }
    return 0;
}

int variables_out(const Buffer *rest, const Words *words, uint64_t kept, Buffer *to, Piece *found)
{
    const char *at = rest->bytes, *end = at + rest->size, *copied = at, *start = NULL;
    int number = 0, mark, is_exact = !words || has_clock(at, end);
    to->size = 0;
    while ((mark = next_variable(rest->bytes, &at, end, words, is_exact, &start)) > 0) {
        if (!(kept >> number & 1)) {
            add_bytes(to, copied, start - copied);
            add_bytes(to, &(char){(char)mark}, 1);
            copied = at;
        }
        found[number] = (Piece){start, at};
        number += number < LAST_BIT;
    }
    add_bytes(to, copied, end - copied);
    return !mark;
}

/* Where numbers, and words that leave a mark, stand in a text: of each the begin, the end and the mark. Returns 0 where memory ran out. */
API int variables(const char *text, int64_t size, const Words *words, List *found)
{
    const char *at = text, *start = NULL, *end = text + size;
    int made = 1, mark, is_exact = !words || has_clock(text, end);
    while (made && (mark = next_variable(text, &at, end, words, is_exact, &start)) > 0)
        made = list_add(found, start - text) && list_add(found, at - text) && list_add(found, mark);
    return made;
}
