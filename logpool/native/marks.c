/* Numbers and words in which lines differ, and which need not be told apart: each leaves a mark. */
#include "ids.h"

#include <string.h>

/* The mark of a number of so many digits; 0 where these are none, or an id. */
static char digits_mark(int64_t width)
{
    if (width > 0 && width < LEAST_HEXADECIMAL)
        return (char)(DIGITS + width - 1);
    return width > MOST_SHORT && width < LEAST_NUMBER ? (char)(DIGITS + width - 1 - (MOST_SHORT + 1 - LEAST_HEXADECIMAL)) : 0;
}

/* The mark of the number that begins there; 0 where none does, or where an address begins with its last digit. */
static char digits_at(const char *at, const char *end, const char **behind)
{
    *behind = behind_digits(at, end);
    return *behind > at && starts_address(*behind - 1, end) ? 0 : digits_mark(*behind - at);
}

/* The number, within letters and digits or not, that stands at a place or behind it; all up to there is passed. Returns its mark; 0 where
   some letters and digits have none. */
static char number_at(const char *begin, const char **at, const char *end, const char **start)
{
    const char *behind = *at == begin || !class_of((*at)[-1]) ? behind_address(*at, end) : *at;
    if (behind > *at) {
        char mark = address_at(begin, *start = *at, end, &behind);
        *at = behind;
        return mark;
    }
    *start = *at;
    char mark = digits_at(*start, end, at);
    *at += *at == *start;
    return mark;
}

enum { ESCAPED = 6 };

/* Whether a character stands there as JSON escapes it by its number. */
static int is_escaped(const char *at, const char *end)
{
    if (end - at < ESCAPED || at[0] != '\\' || at[1] != 'u')
        return 0;
    for (int64_t place = 2; place < ESCAPED; place++)
        if (!is_hexadecimal(at[place]))
            return 0;
    return 1;
}

int64_t escaped_bytes(const char *at, const char *end)
{
    return is_escaped(at, end) && (at[2] != '0' || at[3] != '0' || at[4] > '7') ? ESCAPED : 0;
}

/* Letters and digits, and all beyond ASCII, as it stands or as JSON escapes it: `found` of these classes. */
typedef struct {
    const char *start, *behind;
    int found;
} Word;

/* The word that begins there; one without anything where none does. */
static inline Word word_from(const char *start, const char *end)
{
    const char *at = start;
    int found = 0;
    for (int64_t size = 1; size; at += size, found |= size ? OTHER : 0) {
        for (int one; at < end && (one = CLASSES[(uint8_t)*at]); at++)
            found |= one;
        size = at < end && *at == '\\' ? escaped_bytes(at, end) : 0;
    }
    return (Word){start, at, found};
}

/* So long a word may be known, or leave a mark. */
enum { MOST_WORD = 256 };

int holds_address(const char *text, const char *end)
{
    for (const char *at = text; at < end && (at = memchr(at, NAMED[1], (size_t)(end - at))); at++)
        if (at > text && at[-1] == NAMED[0])
            return 1;
    return 0;
}

static inline char small_of(char byte) { return (char)(byte | is_capital(byte) << 5); }

int holds_part(const char *text, const char *end, const Words *words)
{
    /* so many letters tell most often that a part is not there; a bit makes small ones of capitals, and no other byte a letter */
    enum { HEAD = 4, SMALL = 0x20202020 };
    for (const char *at = text; end - at >= HEAD; at++)
        for (unsigned bits = words->part_bits[(uint8_t)(*at | 0x20)]; bits; bits &= bits - 1) {
            int number = __builtin_ctz(bits);
            if ((half_at(at) | SMALL) != words->part_heads[number])
                continue;
            int64_t size, same = HEAD;
            const char *part = texts_get(words->parts, (uint32_t)number, &size);
            while (same < size && at + same < end && small_of(at[same]) == part[same])
                same++;
            if (same == size)
                return 1;
        }
    return 0;
}

/* Whether a word is to be left as it stands: also where an address stands in it. */
static int is_left(const Word *word, const Words *words)
{
    char small[MOST_WORD];
    int64_t size = word->behind - word->start;
    if (size < 1 || size > MOST_WORD)
        return 1;
    for (int64_t at = 0; at < size; at++)
        small[at] = small_of(word->start[at]);
    int has_both = word->found & DIGIT && word->found & LETTER;
    return (has_both && holds_address(word->start, word->behind)) || texts_find(words->known, small, size) != NONE ||
           holds_part(word->start, word->behind, words);
}

/* Whether an id stands in a word behind what is no letter or digit in ASCII: it is taken out before the word is. */
static int holds_id(const char *begin, const Word *word, const char *end)
{
    const char *behind;
    for (const char *at = word->start + 1; word->found & OTHER && at < word->behind; at++)
        if (class_of(*at) && !class_of(at[-1]) && id_at(begin, at, end, &behind))
            return 1;
    return 0;
}

int has_clock(const char *text, const char *end)
{
    enum { TWO = 2 };
    for (const char *at = text; at < end && (at = memchr(at, ':', (size_t)(end - at))); at++)
        if (at - text >= TWO && is_digit(at[-1]) && is_digit(at[-2]) && behind_digits(at + 1, end) - at == TWO + 1 &&
            !is_in_network(text, at, end))
            return 1;
    return 0;
}

/* Passes a word, or a number, with all behind it that is joined to it. Returns whether there is a word in it; -1 where ids stand in it, or it begins
   with a word that is to be left, which is passed. */
static int passed_word(const char *begin, const char **at, const char *end, const Words *words, int joins)
{
    Word word = word_from(*at, end);
    *at = word.behind;
    if ((word.found != DIGIT && is_left(&word, words)) || holds_id(begin, &word, end))
        return -1;
    int has_word = word.found != DIGIT;
    for (;;) {
        const char *part = word.behind;
        while (part < end && words->joins[(uint8_t)*part] & joins)
            part++;
        if (part == word.behind || part == end || is_id(begin, part, end))
            return has_word;
        word = word_from(part, end);
        if (holds_id(begin, &word, end))
            return -1;
        if (!word.found || (word.found != DIGIT && is_left(&word, words)))
            return has_word;
        *at = word.behind;
        has_word |= word.found != DIGIT;
    }
}

/* Whether a clock with its seconds stands in a text. */
static int holds_clock(const char *text, const char *end)
{
    static const char shape[] = "00:00:00";
    enum { SIZE = sizeof shape - 1 };
    for (; end - text >= SIZE; text++) {
        int place = 0;
        while (place < SIZE && (shape[place] == ':' ? text[place] == ':' : is_digit(text[place])))
            place++;
        if (place == SIZE)
            return 1;
    }
    return 0;
}

/* Whether all from a place up to another is what a pair of quotation marks holds, but for what may join: then it is a value of its own, and no part of
   a record that is told in words. */
static int is_quoted(const char *begin, const char *at, const char *behind, const char *end, const Words *words)
{
    while (at > begin && words->joins[(uint8_t)at[-1]])
        at--;
    while (behind < end && words->joins[(uint8_t)*behind])
        behind++;
    return at > begin && behind < end && at[-1] == '"' && *behind == '"';
}

/* The mark of the word, or of the number that is none's part, that begins at a place where no id does, with all behind it that is joined to it; it
   is passed. 0 where it leaves none, or ids stand in it. */
static char word_at_place(const char *begin, const char **at, const char *end, const Words *words)
{
    const char *start = *at;
    int may_join = words->may_join && passed_word(begin, at, end, words, JOINS | MAY_JOIN) > 0;
    if (may_join && is_quoted(begin, start, *at, end, words) && !holds_clock(start, *at))
        return is_digit(*start) ? BEGUN_BY_DIGIT : is_capital(*start) ? CAPITAL : WORD;
    const char *number = behind_digits(start, end);
    if (number > start && !word_from(number, end).found) {
        *at = number;
        return digits_mark(number - start);
    }
    *at = start;
    if (passed_word(begin, at, end, words, JOINS) < 0)
        return 0;
    return is_digit(*start) ? BEGUN_BY_DIGIT : is_capital(*start) ? CAPITAL : WORD;
}

/* Behind what JSON escapes by a backslash: neither a mark nor part of a character beyond ASCII. */
static const char *behind_escaped(const char *at, const char *end)
{
    if (is_escaped(at, end))
        return at + ESCAPED;
    /* in ASCII what can be seen */
    return end - at > 1 && (uint8_t)(at[1] - '!') <= '~' - '!' ? at + 2 : at + 1;
}

/* The next number, or word that is to leave a mark, from a place on, which becomes the one behind it. Returns its mark; 0 at the end, and
   -1 where a mark stands there already. */
static int next_variable(const char *begin, const char **at, const char *end, const Words *words, int is_exact, const char **start)
{
    while (*at < end) {
        char byte = **at;
        int mark = 0;
        if (byte == OTHER_ADDRESS || (byte >= DIGITS && byte <= LAST_DIGITS) ||
            (words && (byte == LOCATOR || (byte >= WORD && byte <= ANY_NUMBER))))
            return -1;
        *start = *at;
        const char *locator = words && words->may_join ? behind_locator(begin, *at, end, words) : NULL;
        if (locator) {
            *at = locator;
            mark = LOCATOR;
        } else if (words && (CLASSES[(uint8_t)byte] || (byte == '\\' && escaped_bytes(*at, end)))) {
            mark = address_at(begin, *start, end, at);
            mark = mark ? mark : word_at_place(begin, at, end, words);
            mark = is_exact ? mark : any_number((char)mark);
        } else if (words && byte == '\\')
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

char mark_at(const char *begin, const char *at, const char *end, int has_variables, const Words *words, const char **behind)
{
    if (has_variables && words && words->may_join && (*behind = behind_locator(begin, at, end, words)))
        return LOCATOR;
    int is_first = at == begin || !class_of(at[-1]);
    if (is_first && class_of(*at)) {
        char other = has_variables ? address_at(begin, at, end, behind) : 0;
        if (other || behind_address(at, end) > at)
            return other;
        char mark = id_at(begin, at, end, behind);
        if (mark)
            return mark;
    }
    *behind = at;
    if (has_variables && words)
        return word_at_place(begin, behind, end, words);
    if (!has_variables || !is_digit(*at) || (at > begin && is_digit(at[-1])))
        return 0;
    return digits_at(at, end, behind);
}
