/* What is said over and over of the same connection: whole uses and whole lives, taken out of a batch. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

enum { UNTRACKED, CREATED, TAKEN, RETURNED, RESET, CLOSED };
enum { USE = 3 };

/* The columns of the tables. */
enum { KEY, UNUSED, COUNT };
enum { GROUP, CONNECTION, BEFORE, BEGIN, END, FRESH, BORN };
enum { BACK = BEFORE, USES = FRESH };
enum { REST_KEY, REST_PLACE, REST_BEFORE, REST_MORE };

typedef struct {
    Places *uses, *lives;
    Table *rest;
} Found;

/* The events of one connection, in their order. */
typedef struct {
    int64_t key, count;
    const uint32_t *places;
    const uint8_t *roles;
} Own;

static int is_use(const Own *own, int64_t row)
{
    const uint8_t *roles = own->roles + row;
    return row + USE <= own->count && roles[0] == TAKEN && roles[1] == RETURNED && roles[2] == RESET;
}

/* A row of a connection's; -1 where memory ran out. */
static int64_t row_of(const Own *own, Places *places)
{
    int64_t at = places_row(places);
    if (at >= 0) {
        places->columns[GROUP][at] = (uint32_t)(own->key >> 32);
        places->columns[CONNECTION][at] = (uint32_t)own->key;
    }
    return at;
}

/* `born`: the row at which the connection was created, -1 where that is not among them. */
static int add_use(const Own *own, int64_t row, int fresh, int64_t born, Places *uses)
{
    int64_t at = row_of(own, uses);
    if (at < 0)
        return 0;
    uint32_t *const *columns = uses->columns;
    columns[BEFORE][at] = own->places[row - 1];
    columns[BEGIN][at] = own->places[row];
    columns[END][at] = own->places[row + 1];
    columns[FRESH][at] = (uint32_t)fresh;
    columns[BORN][at] = born < 0 ? NONE : own->places[born];
    return 1;
}

/* Where the whole life that begins at a row ends; 0 where none begins. */
static int64_t end_of_life(const Own *own, int64_t row, int is_open)
{
    if (own->roles[row] != CREATED || (row ? own->roles[row - 1] != CLOSED : is_open))
        return 0;
    int64_t end = row + 1;
    while (is_use(own, end))
        end += USE;
    if (end == row + 1 || end == own->count || own->roles[end] != CLOSED)
        return 0;
    return end + 1 == own->count || own->roles[end + 1] == CREATED ? end : 0;
}

static int add_life(const Own *own, int64_t begin, int64_t end, Found *found)
{
    int64_t at = row_of(own, found->lives);
    if (at < 0)
        return 0;
    uint32_t *const *columns = found->lives->columns;
    columns[BACK][at] = own->places[end - 1];
    columns[BEGIN][at] = own->places[begin];
    columns[END][at] = own->places[end];
    columns[USES][at] = (uint32_t)((end - begin - 1) / USE);
    for (int64_t row = begin + 1; row < end; row += USE)
        if (!add_use(own, row, row == begin + 1, begin, found->uses))
            return 0;
    return 1;
}

/* Parts the events of a connection. `is_open`: whether it was when they began. */
static int part(const Own *own, int is_open, Found *found)
{
    int64_t more = 0, last_use = -1, born = -1, row = 0;
    while (row < own->count) {
        int64_t end = end_of_life(own, row, is_open);
        if (end) {
            if (!add_life(own, row, end, found))
                return 0;
            row = end + 1;
            born = -1;
            continue;
        }
        int use = is_use(own, row);
        if (use && last_use >= 0 && last_use == row - USE && is_use(own, row + USE)) {
            if (!add_use(own, row, 0, born, found->uses))
                return 0;
            more++;
            last_use = row;
            row += USE;
            continue;
        }
        if (use)
            last_use = row;
        born = own->roles[row] == CREATED ? row : own->roles[row] == CLOSED ? -1 : born;
        int64_t at = table_row(found->rest);
        if (at < 0)
            return 0;
        int64_t *const *columns = found->rest->columns;
        columns[REST_KEY][at] = own->key;
        columns[REST_PLACE][at] = own->places[row];
        columns[REST_BEFORE][at] = row ? (int64_t)own->places[row - 1] : NO_TIME;
        columns[REST_MORE][at] = more;
        more = 0;
        row++;
    }
    return 1;
}

/* The events by connection: `numbers` of them for each, the connections by first place in `keys`; where each one's begin in
   `starts`, and from there on their places and roles. */
static int grouped(const uint32_t *shapes, const uint32_t *connections, int64_t size, const uint8_t *roles,
                   const int64_t *bases, Table *keys, uint32_t *numbers, int64_t **starts, uint32_t *places,
                   uint8_t *own_roles)
{
    enum { RECENT_BITS = 12 };
    uint32_t recent[1 << RECENT_BITS] = {0};
    Index index;
    if (!index_begin(&index, keys))
        return 0;
    int failed = 0;
    for (int64_t place = 0; !failed && place < size; place++) {
        uint32_t shape = shapes[place];
        numbers[place] = NONE;
        if (!roles[shape] || connections[place] == NONE)
            continue;
        /* most often one of those asked for last is asked for again */
        int64_t key = bases[shape] + connections[place], before = keys->count;
        uint32_t *last = recent + ((uint64_t)key * 0x9e3779b97f4a7c15u >> (64 - RECENT_BITS));
        int64_t number = *last;
        if (number >= before || keys->columns[KEY][number] != key) {
            number = index_row(&index, key, 0);
            failed = number < 0;
            if (failed)
                break;
            if (keys->count > before)
                keys->columns[COUNT][number] = 0;
            *last = (uint32_t)number;
        }
        keys->columns[COUNT][number]++;
        numbers[place] = (uint32_t)number;
    }
    index_end(&index);
    *starts = failed ? NULL : malloc(((size_t)keys->count + 1) * sizeof(int64_t));
    if (!*starts)
        return 0;
    int64_t start = 0;
    for (int64_t number = 0; number < keys->count; number++) {
        (*starts)[number] = start;
        start += keys->columns[COUNT][number];
    }
    for (int64_t place = 0; place < size; place++) {
        if (numbers[place] == NONE)
            continue;
        int64_t at = (*starts)[numbers[place]]++;
        places[at] = (uint32_t)place;
        own_roles[at] = roles[shapes[place]];
    }
    for (int64_t number = 0; number < keys->count; number++)
        (*starts)[number] -= keys->columns[COUNT][number];
    return 1;
}

/* Takes whole uses and lives out of events. `roles` and `bases` are of the shapes, `open` the keys of the connections that
   are open before them. Returns 0 where memory ran out. */
API int wholes(const uint32_t *shapes, const uint32_t *connections, int64_t size, const uint8_t *roles,
               const int64_t *bases, const int64_t *open, int64_t open_count, Table *keys, Places *uses, Places *lives,
               Table *rest)
{
    uint32_t *numbers = malloc(((size_t)size + 1) * sizeof(uint32_t));
    uint32_t *places = malloc(((size_t)size + 1) * sizeof(uint32_t));
    uint8_t *own_roles = malloc((size_t)size + 1);
    int64_t *starts = NULL;
    uint8_t *are_open = NULL;
    int made = numbers && places && own_roles &&
               grouped(shapes, connections, size, roles, bases, keys, numbers, &starts, places, own_roles);
    int64_t count = keys->count;
    made = made && (are_open = calloc((size_t)count + 1, 1)) != NULL;
    Index index;
    if (made && (made = index_begin(&index, keys))) {
        for (int64_t place = 0; made && place < open_count; place++) {
            int64_t number = index_find(&index, open[place], 0);
            if (number >= 0)
                are_open[number] = 1;
        }
        index_end(&index);
    }
    Found found = {uses, lives, rest};
    for (int64_t number = 0; made && number < count; number++) {
        int64_t start = starts[number];
        Own own = {keys->columns[KEY][number], keys->columns[COUNT][number], places + start, own_roles + start};
        made = part(&own, are_open[number], &found);
    }
    free(numbers);
    free(places);
    free(own_roles);
    free(starts);
    free(are_open);
    return made;
}
