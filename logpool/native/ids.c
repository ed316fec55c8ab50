/* Ids, of requests, traces and the like, in which lines differ: each leaves a mark. */
#include "ids.h"

#include <string.h>

/* Behind the UUID that begins there; NULL where none does. */
static const char *behind_uuid(const char *start, const char *end)
{
    enum { UUID = 36, WORDS = 5, LAST = UUID - 8 };
    /* eight bytes at a time, the last ones some of them twice: where a hyphen is to stand */
    static const char hyphens[WORDS][9] = {"        ", "-    -  ", "  -    -", "        ", "        "};
    const uint64_t each = 0x0101010101010101u;
    if (end - start < UUID || start[8] != '-' || start[13] != '-' || start[18] != '-' || start[23] != '-')
        return NULL;
    uint64_t all = each << 7;
    for (int word = 0; word < WORDS; word++) {
        uint64_t here = word_at(start + (word < WORDS - 1 ? 8 * word : LAST));
        /* a hyphen differs from a space in what becomes the highest bit */
        all &= hexadecimals(here) | (word_at(hyphens[word]) ^ each * ' ') << 4;
    }
    start += UUID;
    return all == each << 7 && (start == end || !class_of(*start)) ? start : NULL;
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

static inline int is_of_token(char byte) { return class_of(byte) || byte == '-' || byte == '_'; }

/* Behind the token that begins there, as of a session or a request: letters of both sizes and digits that change so often that no name is
   like it, hyphens and underscores among them; NULL where none does. */
static const char *behind_token(const char *begin, const char *start, const char *end)
{
    /* of so many places one at least is a change, and so many are from letters to digits or back */
    enum { A_CHANGE = 3, LEAST_DIGITS = 2 };
    enum { FIGURE = 1, LARGE = 2, SMALL = 4, ALL = FIGURE | LARGE | SMALL };
    if (end - start < LEAST_TOKEN || !is_of_token(start[LEAST_TOKEN - 1]))
        return NULL;
    /* nor behind a backslash, which may escape the first letter */
    if (start > begin && (is_of_token(start[-1]) || start[-1] == '\\'))
        return NULL;
    int64_t changes = 0, digits = 0;
    int seen = 0, last = 0;
    const char *at = start;
    for (; at < end && is_of_token(*at); at++) {
        int kind = is_digit(*at) ? FIGURE : is_capital(*at) ? LARGE : class_of(*at) ? SMALL : 0;
        int is_change = kind && last && kind != last;
        changes += is_change;
        digits += is_change && (kind | last) & FIGURE;
        seen |= kind;
        last = kind;
    }
    int is_one = seen == ALL && at - start >= LEAST_TOKEN && changes * A_CHANGE >= at - start && digits >= LEAST_DIGITS;
    return is_one ? at : NULL;
}

int is_within_token(const char *begin, const char *at, const char *end)
{
    const char *start = at;
    while (start > begin && is_of_token(start[-1]))
        start--;
    return start < at && class_of(*start) && behind_token(begin, start, end);
}

/* The mark of an id, or of a number with many decimals, where the letters and digits from a place on are one; else 0. `begin`: of
   the text; `at`: behind them. */
static char plain_id_at(const char *begin, const char *start, const char *end, const char **at)
{
    const char *behind = behind_network(begin, start, end);
    if (behind) {
        *at = behind;
        return NETWORK;
    }
    behind = start;
    while (behind < end && behind - start < LEAST_HEXADECIMAL && class_of(*behind))
        behind++;
    *at = behind;
    int is_short = behind - start < LEAST_HEXADECIMAL, found = 0;
    if (is_short && (behind == end || *behind != '.' || behind_digits(start, behind) < behind))
        return 0;
    behind = behind_hexadecimals(start, end);
    for (int one; behind < end && (one = class_of(*behind)); behind++)
        found |= one;
    for (const char *one = start; one < behind && (found & BOTH) != BOTH; one++)
        found |= class_of(*one);
    int64_t size = behind - start;
    *at = behind;
    if (found == DIGIT && behind < end && *behind == '.' && (start == begin || start[-1] != '.')) {
        const char *decimals = behind_decimals(behind, end);
        if (decimals) {
            *at = decimals;
            return FRACTION;
        }
    }
    if (is_short)
        return 0;
    const char *uuid = size == 8 && !(found & LETTER) ? behind_uuid(start, end) : NULL;
    if (uuid) {
        *at = uuid;
        return ID;
    }
    if (found == DIGIT)
        return size >= LEAST_NUMBER ? NUMBER : size <= MOST_SHORT ? SHORT_NUMBER : 0;
    if (found == BOTH)
        return is_before_exponent(start, behind, end) ? 0 : ID;
    return found & DIGIT && size >= LEAST_MIXED ? ID : 0;
}

char id_at(const char *begin, const char *start, const char *end, const char **at)
{
    char mark = plain_id_at(begin, start, end, at);
    if (mark && (*at == end || !is_of_token(**at)))
        return mark;
    const char *token = behind_token(begin, start, end);
    if (!token)
        return mark;
    *at = token;
    return ID;
}

char address_at(const char *begin, const char *at, const char *end, const char **behind)
{
    enum { LEAST = 4 };
    if (!starts_address(at, end) || (at > begin && class_of(at[-1])))
        return 0;
    const char *last = behind_hexadecimals(at + 2, end);
    if (last - at < LEAST + 2 || (last < end && class_of(*last)))
        return 0;
    *behind = last;
    return OTHER_ADDRESS;
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

int is_id(const char *begin, const char *at, const char *end)
{
    const char *behind;
    return class_of(*at) && behind_address(at, end) == at && id_at(begin, at, end, &behind);
}

/* Whether a clock's hours and minutes stand before a place, and nothing but seconds can follow. */
static int is_behind_minutes(const char *begin, const char *at)
{
    enum { SIZE = 6 };
    static const char digits[] = {1, 1, 0, 1, 1, 0};
    if (at - begin < SIZE || (at - begin > SIZE && is_digit(at[-SIZE - 1])))
        return 0;
    for (int place = 0; place < SIZE; place++)
        if (digits[place] ? !is_digit(at[place - SIZE]) : at[place - SIZE] != ':')
            return 0;
    return 1;
}

int holds_ids(const char *text, const char *end, int but_seconds)
{
    const char *behind;
    for (const char *at = text; at < end; at++) {
        int is_begin = class_of(*at) && (at == text || !class_of(at[-1])) && behind_address(at, end) == at;
        char mark = is_id_mark(*at) ? *at : is_begin ? id_at(text, at, end, &behind) : 0;
        if (mark && !(but_seconds && mark == FRACTION && is_behind_minutes(text, at)))
            return 1;
    }
    return 0;
}
