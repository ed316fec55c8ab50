/* Times that are printed plainly, to microseconds. */
#include "texts.h"

/* "2024-09-26 17:45:26,873": what stands between day and clock, and in front of so many digits of a fraction; none where there are none. */
typedef struct {
    int64_t gap, mark, digits;
} Plain;

enum { DAY_AND_CLOCK = 19, MOST_DIGITS = 6 };

/* The number that some digits are; -1 where one is none. */
static int64_t number_at(const char *text, int64_t digits)
{
    int64_t number = 0;
    for (int64_t at = 0; at < digits; at++) {
        if (text[at] < '0' || text[at] > '9')
            return -1;
        number = number * 10 + text[at] - '0';
    }
    return number;
}

/* Days since 1970-01-01 of a day that there is: Howard Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int is_leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

/* The microseconds since 1970 of a time; NO_TIME where it is not plain, or none that there ever was. */
static int64_t plain_time(const char *text, int64_t size, const Plain *plain)
{
    if (size != DAY_AND_CLOCK + (plain->digits ? plain->digits + 1 : 0) || text[4] != '-' || text[7] != '-' ||
        text[10] != plain->gap || text[13] != ':' || text[16] != ':' || (plain->digits && text[DAY_AND_CLOCK] != plain->mark))
        return NO_TIME;
    int64_t year = number_at(text, 4), month = number_at(text + 5, 2), day = number_at(text + 8, 2);
    int64_t hour = number_at(text + 11, 2), minute = number_at(text + 14, 2), second = number_at(text + 17, 2);
    int64_t fraction = number_at(text + DAY_AND_CLOCK + 1, plain->digits);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 59 || fraction < 0)
        return NO_TIME;
    for (int64_t digit = plain->digits; digit < MOST_DIGITS; digit++)
        fraction *= 10;
    return (((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000000 + fraction;
}

/* The times that texts are from a number on, each between two others, less so much. Returns whether all are plain. */
API int plain_times(const Texts *texts, int64_t from, const char *before, int64_t before_size, const char *behind,
                    int64_t behind_size, const Plain *plain, int64_t less, int64_t *times)
{
    char whole[64];
    for (int64_t number = from; number < texts_count(texts); number++) {
        int64_t size;
        const char *text = texts_get(texts, (uint32_t)number, &size);
        if (before_size + size + behind_size > (int64_t)sizeof whole)
            return 0;
        memcpy(whole, before, (size_t)before_size);
        memcpy(whole + before_size, text, (size_t)size);
        memcpy(whole + before_size + size, behind, (size_t)behind_size);
        int64_t time = plain_time(whole, before_size + size + behind_size, plain);
        if (time == NO_TIME)
            return 0;
        times[number - from] = time - less;
    }
    return 1;
}
