/* The rows of a table by two of its columns: a hash table of their places. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

enum { ONE, OTHER, FIRST_SLOTS = 1 << 10 };

static uint64_t slot_of(const Index *index, int64_t one, int64_t other)
{
    uint64_t hash = (uint64_t)one * 0x9e3779b97f4a7c15u ^ ((uint64_t)other + 0xa0761d6478bd642fu) * 0xe7037ed1a0b428dbu;
    hash ^= hash >> 32;
    uint64_t at = (hash * 0x9fb21c651e98df25u >> 20) & index->mask;
    int64_t *const *columns = index->table->columns;
    for (; index->slots[at] >= 0; at = (at + 1) & index->mask)
        if (columns[ONE][index->slots[at]] == one && columns[OTHER][index->slots[at]] == other)
            break;
    return at;
}

static int with_slots(Index *index, uint64_t count)
{
    free(index->slots);
    index->slots = malloc(count * sizeof(int64_t));
    if (!index->slots)
        return 0;
    memset(index->slots, 0xff, count * sizeof(int64_t));
    index->mask = count - 1;
    for (int64_t row = 0; row < index->table->count; row++)
        index->slots[slot_of(index, index->table->columns[ONE][row], index->table->columns[OTHER][row])] = row;
    return 1;
}

int index_begin(Index *index, Table *table)
{
    *index = (Index){table, NULL, 0};
    uint64_t slots = FIRST_SLOTS;
    while (slots < (uint64_t)table->count * 2)
        slots *= 2;
    return with_slots(index, slots);
}

int64_t index_find(const Index *index, int64_t one, int64_t other) { return index->slots[slot_of(index, one, other)]; }

void index_end(Index *index) { free(index->slots); }

int64_t index_row(Index *index, int64_t one, int64_t other)
{
    Table *table = index->table;
    uint64_t at = slot_of(index, one, other);
    if (index->slots[at] >= 0)
        return index->slots[at];
    if ((uint64_t)table->count * 2 > index->mask) {
        if (!with_slots(index, (index->mask + 1) * 4))
            return -1;
        at = slot_of(index, one, other);
    }
    int64_t row = index->slots[at] = table_row(table);
    if (row < 0)
        return -1;
    table->columns[ONE][row] = one;
    table->columns[OTHER][row] = other;
    return row;
}
