/* Lines that were cut. */
#include "cutting.h"

#include <stdlib.h>
#include <string.h>

int list_add(List *list, int64_t number)
{
    if (list->count == list->room) {
        int64_t room = list->room ? list->room * 2 : 1 << 6;
        uint32_t *grown = realloc(list->numbers, (size_t)room * sizeof(uint32_t));
        if (!grown)
            return 0;
        list->numbers = grown;
        list->room = room;
    }
    list->numbers[list->count++] = (uint32_t)number;
    return 1;
}

API void list_free(List *list)
{
    free(list->numbers);
    memset(list, 0, sizeof *list);
}

API void taken_free(Taken *taken)
{
    free(taken->row);
    free(taken->key);
    free(taken->address);
    free(taken->seconds);
    free(taken->thread);
    free(taken->first.numbers);
    free(taken->unknown.numbers);
    for (int64_t number = 0; taken->halves && number < taken->half_count; number++)
        free(taken->halves[number]);
    free(taken->halves);
    memset(taken, 0, sizeof *taken);
}

static int grown(uint32_t **column, int64_t room)
{
    uint32_t *more = realloc(*column, (size_t)room * sizeof(uint32_t));
    if (more)
        *column = more;
    return more != NULL;
}

int taken_begin(Taken *taken, int64_t room, int64_t half_count)
{
    memset(taken, 0, sizeof *taken);
    taken->halves = calloc((size_t)half_count + 1, sizeof(uint32_t *));
    taken->half_count = half_count;
    return taken->halves && taken_room(taken, room ? room : 1);
}

int taken_room(Taken *taken, int64_t room)
{
    int made = grown(&taken->row, room) && grown(&taken->key, room) && grown(&taken->address, room) &&
               grown(&taken->seconds, room) && grown(&taken->thread, room);
    for (int64_t number = 0; made && number < taken->half_count; number++)
        made = grown(&taken->halves[number], room);
    if (made)
        taken->room = room;
    return made;
}

int taken_more(const Piece *name, Texts *names, uint32_t *number) { return taken_name(name, names, number); }
