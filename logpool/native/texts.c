/* Texts to numbers: a hash table over one long piece of memory. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t hash;
    uint32_t number; /* NONE for a free slot */
} Slot;

struct Texts {
    char *bytes; /* one text behind the other */
    int64_t bytes_room;
    int64_t *ends; /* of each text; the first entry is 0, where the first one begins */
    int64_t count, room;
    Slot *slots;
    uint64_t mask;
    uint32_t last; /* the one asked for last */
};

enum { FIRST_SLOTS = 1 << 8, FIRST_BYTES = 1 << 12 };

static int with_slots(Texts *texts, uint64_t count)
{
    Slot *slots = malloc(count * sizeof(Slot));
    if (!slots)
        return 0;
    memset(slots, 0xff, count * sizeof(Slot));
    for (uint64_t old = 0; texts->slots && old <= texts->mask; old++) {
        if (texts->slots[old].number == NONE)
            continue;
        uint64_t at = texts->slots[old].hash & (count - 1);
        while (slots[at].number != NONE)
            at = (at + 1) & (count - 1);
        slots[at] = texts->slots[old];
    }
    free(texts->slots);
    texts->slots = slots;
    texts->mask = count - 1;
    return 1;
}

Texts *texts_new(void)
{
    Texts *texts = calloc(1, sizeof(Texts));
    if (!texts)
        return NULL;
    texts->bytes_room = FIRST_BYTES;
    texts->room = FIRST_SLOTS / 2;
    texts->bytes = malloc((size_t)texts->bytes_room);
    texts->ends = calloc((size_t)texts->room + 1, sizeof(int64_t));
    if (!texts->bytes || !texts->ends || !with_slots(texts, FIRST_SLOTS)) {
        texts_free(texts);
        return NULL;
    }
    return texts;
}

void texts_free(Texts *texts)
{
    if (!texts)
        return;
    free(texts->bytes);
    free(texts->ends);
    free(texts->slots);
    free(texts);
}

int64_t texts_count(const Texts *texts) { return texts->count; }

API int64_t texts_size(const Texts *texts) { return texts->ends[texts->count]; }

const char *texts_get(const Texts *texts, uint32_t number, int64_t *size)
{
    *size = texts->ends[number + 1] - texts->ends[number];
    return texts->bytes + texts->ends[number];
}

/* After wyhash (https://github.com/wangyi-fudan/wyhash): both halves of a product of 128 bits. */
static uint64_t folded(uint64_t one, uint64_t other)
{
    __uint128_t product = (__uint128_t)one * other;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word_at(const char *text)
{
    uint64_t word;
    memcpy(&word, text, 8);
    return word;
}

static uint64_t half_at(const char *text)
{
    uint32_t half;
    memcpy(&half, text, 4);
    return half;
}

/* Up to seven bytes, some of them twice. */
static uint64_t few_at(const char *text, int64_t size)
{
    if (size >= 4)
        return half_at(text) << 32 | half_at(text + size - 4);
    return size ? (uint64_t)(uint8_t)text[0] << 16 | (uint64_t)(uint8_t)text[size / 2] << 8 | (uint8_t)text[size - 1] : 0;
}

static const uint64_t SALT = 0xa0761d6478bd642fu, PEPPER = 0xe7037ed1a0b428dbu;

static uint32_t hash_of(const char *text, int64_t size)
{
    uint64_t hash = (uint64_t)size, one = 0, other = 0;
    const char *end = text + size;
    if (size > 64) {
        /* two at a time: neither waits for the other */
        uint64_t beside = PEPPER;
        for (; end - text > 32; text += 32) {
            hash = folded(word_at(text) ^ SALT, word_at(text + 8) ^ hash ^ PEPPER);
            beside = folded(word_at(text + 16) ^ SALT, word_at(text + 24) ^ beside ^ PEPPER);
        }
        hash ^= beside;
    }
    for (; end - text > 16; text += 16)
        hash = folded(word_at(text) ^ SALT, word_at(text + 8) ^ hash ^ PEPPER);
    if (size >= 8) {
        /* the last bytes, some of them once more */
        other = word_at(end - 8);
        one = size >= 16 ? word_at(end - 16) : word_at(text);
    } else {
        one = few_at(text, size);
    }
    hash = folded(one ^ SALT, other ^ hash ^ PEPPER);
    return (uint32_t)(hash ^ hash >> 32);
}

static int has_room(Texts *texts, int64_t size)
{
    if (texts->count == texts->room) {
        int64_t *ends = realloc(texts->ends, ((size_t)texts->room * 2 + 1) * sizeof(int64_t));
        if (!ends)
            return 0;
        texts->ends = ends;
        if (!with_slots(texts, (uint64_t)texts->room * 4))
            return 0;
        texts->room *= 2;
    }
    int64_t needed = texts->ends[texts->count] + size;
    if (needed > texts->bytes_room) {
        char *bytes = realloc(texts->bytes, (size_t)needed * 2);
        if (!bytes)
            return 0;
        texts->bytes = bytes;
        texts->bytes_room = needed * 2;
    }
    return 1;
}

/* Whether two texts of one size are the same: most are short, or end alike. */
static int is_same(const char *one, const char *other, int64_t size)
{
    if (size < 8)
        return few_at(one, size) == few_at(other, size);
    if (word_at(one + size - 8) != word_at(other + size - 8))
        return 0;
    for (; size > 8; one += 8, other += 8, size -= 8)
        if (word_at(one) != word_at(other))
            return 0;
    return 1;
}

static int is_text(const Texts *texts, uint32_t number, const char *text, int64_t size)
{
    const int64_t *ends = texts->ends + number;
    return ends[1] - ends[0] == size && is_same(texts->bytes + ends[0], text, size);
}

uint32_t texts_add(Texts *texts, const char *text, int64_t size)
{
    if (texts->count && is_text(texts, texts->last, text, size))
        return texts->last;
    uint32_t hash = hash_of(text, size);
    uint64_t at = hash & texts->mask;
    for (; texts->slots[at].number != NONE; at = (at + 1) & texts->mask) {
        if (texts->slots[at].hash == hash && is_text(texts, texts->slots[at].number, text, size))
            return texts->last = texts->slots[at].number;
    }
    if (texts->count >= (int64_t)NONE - 1 || !has_room(texts, size))
        return NONE;
    /* the slots may have become more */
    at = hash & texts->mask;
    while (texts->slots[at].number != NONE)
        at = (at + 1) & texts->mask;
    uint32_t number = texts->last = (uint32_t)texts->count++;
    texts->slots[at] = (Slot){hash, number};
    memcpy(texts->bytes + texts->ends[number], text, (size_t)size);
    texts->ends[number + 1] = texts->ends[number] + size;
    return number;
}
