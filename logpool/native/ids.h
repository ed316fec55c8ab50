/* What letters and digits are made of, and the ids among them. */
#ifndef LOGPOOL_IDS_H
#define LOGPOOL_IDS_H

#include "cutting.h"

/* What of letters and digits a byte is; beyond ASCII it may be of a word, too. */
enum { DIGIT = 1, HEXADECIMAL = 2, BOTH = DIGIT | HEXADECIMAL, LETTER = 4, ASCII = BOTH | LETTER, OTHER = 8 };

static const uint8_t CLASSES[256] = {
    ['0' ... '9'] = DIGIT,  ['a' ... 'f'] = HEXADECIMAL, ['A' ... 'F'] = HEXADECIMAL,
    ['g' ... 'z'] = LETTER, ['G' ... 'Z'] = LETTER,      [0x80 ... 0xff] = OTHER,
};

static inline int class_of(char byte) { return CLASSES[(uint8_t)byte] & ASCII; }

static inline int is_capital(char byte) { return (uint8_t)(byte - 'A') <= 'Z' - 'A'; }

/* Behind the letters and digits that begin there, where these begin as an address does. */
static inline const char *behind_address(const char *at, const char *end)
{
    if (starts_address(at, end))
        while (at < end && class_of(*at))
            at++;
    return at;
}

/* The mark of an id, of a token, or of a number with many decimals, where the letters and digits from a place on are one; else 0. `begin`: of
   the text; `at`: behind them. */
char id_at(const char *begin, const char *start, const char *end, const char **at);
/* Whether a place lies in a token that begins before it: then no mark stands there, but one for all of that. */
int is_within_token(const char *begin, const char *at, const char *end);
/* The mark of the address that begins there, between what is no letter or digit, if it has enough digits to be no number; 0 where none does. */
char address_at(const char *begin, const char *at, const char *end, const char **behind);

#endif
