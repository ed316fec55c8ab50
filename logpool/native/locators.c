/* What locates something else than the record of a line: a network address, a path, a URL, a mail address. Nothing in it tells of a record,
   and whoever reads heads takes it out whole, so it leaves one mark. */
#include "cutting.h"

#include <string.h>

/* Bytes that may stand in a path, a URL or a mail address, those of them that may not in the parts of the last, and those that stand
   around one. */
enum { INSIDE = 1, SIGN = 2, BEFORE = 4, BEHIND = 8, SIGNED = INSIDE | SIGN, AROUND = BEFORE | BEHIND };

static const uint8_t PLACES[256] = {
    ['!'] = INSIDE,         ['#' ... '&'] = INSIDE, ['*' ... '+'] = INSIDE, ['-' ... '.'] = INSIDE, ['/'] = SIGNED,
    ['0' ... '9'] = INSIDE, [':'] = SIGNED,         ['?'] = INSIDE,         ['@'] = SIGNED,         ['A' ... 'Z'] = INSIDE,
    ['^' ... '_'] = INSIDE, ['a' ... 'z'] = INSIDE, ['~'] = INSIDE,         [0x80 ... 0xff] = INSIDE,
    ['='] = SIGNED | BEFORE,
    ['\x01'] = AROUND, ['\t'] = AROUND, [' '] = AROUND, ['"'] = AROUND, ['\''] = AROUND, ['`'] = AROUND, [','] = AROUND,
    [';'] = AROUND, ['|'] = AROUND,
    ['['] = BEFORE, ['('] = BEFORE, ['{'] = BEFORE, ['<'] = BEFORE, [']'] = BEHIND, [')'] = BEHIND, ['}'] = BEHIND,
    ['>'] = BEHIND,
};

static inline int is_place(char byte, int place) { return PLACES[(uint8_t)byte] & place; }

/* Whether a mark stands there of what was taken out before, and has no colons. */
static inline int is_plain_id(char byte) { return is_id_mark(byte) && byte != NETWORK; }

/* Whether all colons from a place on stand in a query, where a time may stand, and there no id but its seconds: with one, what looks like a
   clock would not. */
static int has_plain_colons(const char *at, const char *end)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    const char *query = colon ? memchr(at, '?', (size_t)(colon - at)) : NULL;
    return !colon || (query && !holds_ids(query, end, 1));
}

/* Behind the scheme of a URL, and its slashes; NULL where none begins there, or an id is part of it. */
static const char *behind_scheme(const char *start, const char *end)
{
    static const char slashes[] = "://";
    enum { SIZE = sizeof slashes - 1 };
    const char *at = start;
    if (at == end || !is_alphanumeric(*at) || is_digit(*at))
        return NULL;
    while (at < end && (is_alphanumeric(*at) || *at == '+' || *at == '.' || *at == '-'))
        at++;
    return end - at > SIZE && !memcmp(at, slashes, SIZE) && !holds_ids(start, at, 0) ? at + SIZE : NULL;
}

/* Whether what stands behind a scheme has no colon before its query but that of a port. */
static int is_url(const char *at, const char *end)
{
    enum { LEAST_PORT = 3, MOST_PORT = 5 };
    const char *colon = memchr(at, ':', (size_t)(end - at));
    if (at == end || !colon || has_plain_colons(at, end))
        return at < end;
    const char *port = colon + 1, *path = behind_digits(port, end);
    int is_port = path - port >= LEAST_PORT && path - port <= MOST_PORT && (path == end || *path == '/');
    return is_port && has_plain_colons(path, end) && !memchr(at, '?', (size_t)(colon - at));
}

/* Behind what may stand in a locator, from a place on, up to bytes of another kind. */
static const char *behind_inside(const char *begin, const char *at, const char *end, int but)
{
    while (at < end && !is_place(*at, but)) {
        int64_t size = *at == '\\' ? escaped_bytes(at, end) : is_place(*at, INSIDE) || is_plain_id(*at);
        /* what is escaped may be an id together with what is behind it */
        if (!size || (size > 1 && is_id(begin, at + 1, end)))
            break;
        at += size;
    }
    return at;
}

/* Whether a quotation mark stands there that JSON escapes. */
static int is_escaped_quote(const char *at, const char *end) { return end - at > 1 && at[0] == '\\' && at[1] == '"'; }

/* Whether a byte is of a word, in the sense of regular expressions. */
static inline int is_of_word(char byte) { return is_alphanumeric(byte) || byte == '_' || (uint8_t)byte >= 0x80; }

/* Whether a network address of four numbers does not go on to a byte; what JSON escapes may be of a word. */
static int bounds_quad(char byte) { return !is_of_word(byte) && !is_id_mark(byte) && byte != '\\' && !memchr(".@-", byte, 3); }

/* Behind such an address, and its port, that begins there; NULL where none does. */
static const char *behind_quad(const char *begin, const char *start, const char *end)
{
    enum { NUMBERS = 4, MOST_DIGITS = 3, MOST_PORT = 5 };
    if (start > begin && (!bounds_quad(start[-1]) || start[-1] == ':'))
        return NULL;
    const char *at = start;
    for (int number = 0; number < NUMBERS; number++) {
        if (number && (at == end || *at++ != '.'))
            return NULL;
        const char *behind = behind_digits(at, end);
        if (behind == at || behind - at > MOST_DIGITS)
            return NULL;
        at = behind;
    }
    const char *port = at < end && *at == ':' ? behind_digits(at + 1, end) : at;
    if (port > at + 1 && port - at <= MOST_PORT + 1 && (port == end || bounds_quad(*port) || is_escaped_quote(port, end)))
        return port;
    return at == end || bounds_quad(*at) || is_escaped_quote(at, end) ? at : NULL;
}

const char *behind_locator(const char *begin, const char *start, const char *end, const Words *words)
{
    /* so long a head is at most; of a longer text nobody knows how often it is looked through */
    enum { MOST = 1 << 13 };
    if (end - begin > MOST || (start > begin && !is_place(start[-1], BEFORE)))
        return NULL;
    const char *at;
    if (is_digit(*start) && (at = behind_quad(begin, start, end)))
        return at;
    const char *inner = *start == '/' ? start + 1 : behind_scheme(start, end);
    int is_one;
    if (inner) {
        at = behind_inside(begin, inner, end, 0);
        is_one = *start == '/' ? at > inner && has_plain_colons(start, at) : is_url(inner, at);
    } else {
        const char *sign = behind_inside(begin, start, end, SIGN);
        is_one = sign > start && sign < end && *sign == '@';
        at = is_one ? behind_inside(begin, sign + 1, end, SIGN) : sign;
        is_one = is_one && at > sign + 1;
    }
    is_one = is_one && (at == end || is_place(*at, BEHIND) || is_escaped_quote(at, end));
    return is_one && !holds_address(start, at) && !holds_part(start, at, words) ? at : NULL;
}

const char *behind_network(const char *begin, const char *start, const char *end)
{
    enum { MOST_DIGITS = 4, LEAST_COLONS = 5, MOST_COLONS = 7 };
    if (start > begin && (is_of_word(start[-1]) || start[-1] == ':' || start[-1] == '.'))
        return NULL;
    const char *at = start;
    int colons = 0, doubled = 0, has_digit = 0;
    for (;;) {
        const char *group = at;
        for (; at < end && at - group <= MOST_DIGITS && is_hexadecimal(*at); at++)
            has_digit |= is_digit(*at);
        if (at - group > MOST_DIGITS || (at == group && at > start && at < end && *at == ':'))
            return NULL;
        if (at == end || *at != ':')
            break;
        colons++;
        at++;
        if (at < end && *at == ':') {
            doubled++;
            colons++;
            at++;
        }
    }
    if (at < end && is_of_word(*at))
        return NULL;
    /* what goes on with one colon is something else */
    if (!colons || (at[-1] == ':' && at[-2] != ':'))
        return NULL;
    return (doubled == 1 && has_digit) || (!doubled && (colons == LEAST_COLONS || colons == MOST_COLONS)) ? at : NULL;
}

int is_in_network(const char *begin, const char *at, const char *end)
{
    const char *start = at;
    while (start > begin && (is_hexadecimal(start[-1]) || start[-1] == ':'))
        start--;
    while (start < at && *start == ':')
        start++;
    const char *behind = behind_network(begin, start, end);
    return behind && behind > at;
}
