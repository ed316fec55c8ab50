/* How often pairs of numbers stand in two columns, and when. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 2, FIRST, LAST };

/* Counts pairs: `one`, `other` and the count become a row each. Returns 0 where memory ran out. */
API int count(const uint32_t *one, const int64_t *other, int64_t size, Table *table)
{
    Index index;
    int failed = !index_begin(&index, table);
    for (int64_t place = 0; !failed && place < size; place++) {
        int64_t before = table->count, row = index_row(&index, one[place], other[place]);
        failed = row < 0;
        if (failed)
            break;
        if (table->count > before)
            table->columns[COUNT][row] = 0;
        table->columns[COUNT][row]++;
    }
    index_end(&index);
    return !failed;
}

/* Counts labels by interval: label, interval (NO_TIME for none), count, first and last time become a row each. Returns 0
   where memory ran out. */
API int tally(const uint32_t *labels, const int64_t *times, int64_t size, int64_t width, Table *table)
{
    Index index;
    int failed = !index_begin(&index, table);
    for (int64_t place = 0; !failed && place < size; place++) {
        int64_t time = times[place];
        int64_t bin = time == NO_TIME ? NO_TIME : interval_of(time, width);
        int64_t before = table->count, row = index_row(&index, labels[place], bin);
        failed = row < 0;
        if (failed)
            break;
        int64_t *const *columns = table->columns;
        if (table->count > before) {
            columns[COUNT][row] = 0;
            columns[FIRST][row] = columns[LAST][row] = time;
        }
        columns[COUNT][row]++;
        if (time < columns[FIRST][row])
            columns[FIRST][row] = time;
        if (time > columns[LAST][row])
            columns[LAST][row] = time;
    }
    index_end(&index);
    return !failed;
}

/* How times go on, those missing left out: the latest, the greatest fall below the latest so far, the last, and the least and
   greatest difference between neighbours. `latest` and `last` go on from what is there, NO_TIME for none. */
typedef struct {
    int64_t latest, fall, last, least, greatest;
} Course;

API void follow(const int64_t *times, int64_t size, Course *course)
{
    for (int64_t place = 0; place < size; place++) {
        int64_t time = times[place];
        if (time == NO_TIME)
            continue;
        if (course->last != NO_TIME) {
            int64_t difference = time - course->last;
            if (difference < course->least)
                course->least = difference;
            if (difference > course->greatest)
                course->greatest = difference;
        }
        course->last = time;
        if (time > course->latest)
            course->latest = time;
        else if (course->latest - time > course->fall)
            course->fall = course->latest - time;
    }
}

/* The first and the last place of each label below a number: label, first and last become a row each, in the order of the
   first places. Returns 0 where memory ran out. */
API int ends(const uint32_t *labels, int64_t size, int64_t label_count, Table *table)
{
    enum { LABEL, BEGIN, END };
    int64_t *rows = malloc(((size_t)label_count + 1) * sizeof(int64_t));
    int failed = !rows;
    if (rows)
        memset(rows, 0xff, (size_t)label_count * sizeof(int64_t));
    for (int64_t place = 0; !failed && place < size; place++) {
        int64_t row = rows[labels[place]];
        if (row < 0) {
            row = rows[labels[place]] = table_row(table);
            failed = row < 0;
            if (failed)
                break;
            table->columns[LABEL][row] = labels[place];
            table->columns[BEGIN][row] = place;
        }
        table->columns[END][row] = place;
    }
    free(rows);
    return !failed;
}
