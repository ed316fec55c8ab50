/* Texts to numbers. */
#include "texts.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1 << 8, FIRST_BYTES = 1 << 12 };

static int with_slots(Texts *texts, uint64_t count)
{
    Slot *slots = malloc(count * sizeof(Slot));
    if (!slots)
        return 0;
    memset(slots, 0xff, count * sizeof(Slot));
    int64_t shift = 64 - __builtin_ctzll(count);
    for (uint64_t old = 0; texts->slots && old <= texts->mask; old++) {
        if (texts->slots[old].number == NONE)
            continue;
        uint64_t at = place_of(texts->slots + old, shift);
        while (slots[at].number != NONE)
            at = (at + 1) & (count - 1);
        slots[at] = texts->slots[old];
    }
    free(texts->slots);
    texts->slots = slots;
    texts->mask = count - 1;
    texts->shift = shift;
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

static uint64_t folded(uint64_t one, uint64_t other)
{
    __uint128_t product = (__uint128_t)one * other;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The print of a text of more than sixteen bytes. */
static Slot hashed(const char *text, int64_t size)
{
    static const uint64_t salt = 0xa0761d6478bd642fu, pepper = 0xe7037ed1a0b428dbu;
    const char *end = text + size;
    uint64_t one = (uint64_t)size, other = pepper;
    /* two at a time: neither waits for the other */
    for (; end - text > 32; text += 32) {
        one = folded(word_at(text) ^ salt, word_at(text + 8) ^ one ^ pepper);
        other = folded(word_at(text + 16) ^ salt, word_at(text + 24) ^ other ^ pepper);
    }
    if (end - text > 16)
        one = folded(word_at(text) ^ salt, word_at(text + 8) ^ one ^ pepper);
    /* the last bytes, some of them once more */
    other = folded(word_at(end - 16) ^ salt, word_at(end - 8) ^ other ^ pepper);
    return (Slot){one, other, (uint32_t)size, NONE};
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

static int is_text(const Texts *texts, uint32_t number, const char *text, int64_t size)
{
    const int64_t *ends = texts->ends + number;
    return ends[1] - ends[0] == size && !memcmp(texts->bytes + ends[0], text, (size_t)size);
}

/* The slot of a text, or the free one in which it belongs. */
static Slot *slot_of(const Texts *texts, const Slot *print, const char *text, int64_t size)
{
    uint64_t at = place_of(print, texts->shift);
    for (;; at = (at + 1) & texts->mask) {
        Slot *slot = texts->slots + at;
        if (slot->number == NONE)
            return slot;
        if (slot->one == print->one && slot->other == print->other && slot->size == print->size &&
            (size <= SHORT_TEXT || is_text(texts, slot->number, text, size)))
            return slot;
    }
}

uint32_t texts_find(const Texts *texts, const char *text, int64_t size)
{
    Slot print = size > SHORT_TEXT ? hashed(text, size) : short_print(text, size);
    return slot_of(texts, &print, text, size)->number;
}

uint32_t texts_add(Texts *texts, const char *text, int64_t size)
{
    if (size > SHORT_TEXT && texts->count && is_text(texts, texts->last, text, size))
        return texts->last;
    Slot print = size > SHORT_TEXT ? hashed(text, size) : short_print(text, size);
    Slot *slot = slot_of(texts, &print, text, size);
    if (slot->number != NONE)
        return texts->last = slot->number;
    if (texts->count >= (int64_t)NONE - 1 || !has_room(texts, size))
        return NONE;
    uint32_t number = texts->last = print.number = (uint32_t)texts->count++;
    /* the slots may have become more */
    *slot_of(texts, &print, text, size) = print;
    memcpy(texts->bytes + texts->ends[number], text, (size_t)size);
    texts->ends[number + 1] = texts->ends[number] + size;
    return number;
}
