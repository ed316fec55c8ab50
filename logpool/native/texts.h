/* How texts are numbered: a hash table over one long piece of memory. */
#ifndef LOGPOOL_TEXTS_H
#define LOGPOOL_TEXTS_H

#include "native.h"

#include <string.h>

/* Of a text its print: of up to sixteen bytes it holds all of them, and equal ones are the same text. */
typedef struct {
    uint64_t one, other;
    uint32_t size;
    uint32_t number; /* NONE for a free slot */
} Slot;

struct Texts {
    char *bytes; /* one text behind the other */
    int64_t bytes_room;
    int64_t *ends; /* of each text; the first entry is 0, where the first one begins */
    int64_t count, room;
    Slot *slots;
    uint64_t mask;
    int64_t shift; /* of a hash, so that what is left of it is a slot */
    uint32_t last; /* the one asked for last */
};

enum { SHORT_TEXT = 16 };

static inline uint64_t word_at(const char *text)
{
    uint64_t word;
    memcpy(&word, text, 8);
    return word;
}

static inline uint64_t half_at(const char *text)
{
    uint32_t half;
    memcpy(&half, text, 4);
    return half;
}

enum { WIDE = 16 };

typedef uint8_t Vector __attribute__((vector_size(WIDE)));

static inline Vector vector_at(const char *text)
{
    Vector vector;
    memcpy(&vector, text, WIDE);
    return vector;
}

static inline int is_zero(Vector vector)
{
    uint64_t halves[2];
    memcpy(halves, &vector, WIDE);
    return !(halves[0] | halves[1]);
}

/* Whether two texts of one size are the same: no branch tells where they differ. */
static inline int is_same(const char *one, const char *other, int64_t size)
{
    if (size < WIDE)
        return !size || !memcmp(one, other, (size_t)size);
    Vector differences = vector_at(one + size - WIDE) ^ vector_at(other + size - WIDE);
    for (int64_t at = 0; at + WIDE < size; at += WIDE)
        differences |= vector_at(one + at) ^ vector_at(other + at);
    return is_zero(differences);
}

/* Up to seven bytes, some of them twice. */
static inline uint64_t few_at(const char *text, int64_t size)
{
    if (size >= 4)
        return half_at(text) << 32 | half_at(text + size - 4);
    return size ? (uint64_t)(uint8_t)text[0] << 16 | (uint64_t)(uint8_t)text[size / 2] << 8 | (uint8_t)text[size - 1] : 0;
}

/* The print of a text of up to sixteen bytes. */
static inline Slot short_print(const char *text, int64_t size)
{
    if (size >= 8)
        return (Slot){word_at(text), word_at(text + size - 8), (uint32_t)size, NONE};
    return (Slot){few_at(text, size), 0, (uint32_t)size, NONE};
}

/* Where in a table of hashes a text belongs: times odd numbers, the highest bits are the most mixed ones. */
static inline uint64_t place_of(const Slot *slot, int64_t shift)
{
    uint64_t other = slot->other + slot->size;
    return (slot->one * 0xa0761d6478bd642fu + (other << 32 | other >> 32) * 0xe7037ed1a0b428dbu) >> shift;
}

/* The number of a text, as `texts_add` tells it: those that are asked for again and again are told at once. */
static inline uint32_t texts_number(Texts *texts, const char *text, int64_t size)
{
    if (size <= SHORT_TEXT) {
        Slot print = short_print(text, size);
        const Slot *slot = texts->slots + place_of(&print, texts->shift);
        if (slot->one == print.one && slot->other == print.other && slot->size == print.size && slot->number != NONE)
            return slot->number;
    } else if (texts->count) {
        const int64_t *ends = texts->ends + texts->last;
        const char *last = texts->bytes + ends[0];
        if (ends[1] - ends[0] == size && size <= 2 * SHORT_TEXT &&
            !((word_at(text) ^ word_at(last)) | (word_at(text + 8) ^ word_at(last + 8)) |
              (word_at(text + size - 16) ^ word_at(last + size - 16)) | (word_at(text + size - 8) ^ word_at(last + size - 8))))
            return texts->last;
    }
    return texts_add(texts, text, size);
}

#endif
