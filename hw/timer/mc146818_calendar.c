/* Dates, the forms in which the MC146818 shows them (BCD or binary, 12 or 24 hours), and its alarm. SPEC: Motorola
 * ADI-1068, tables 2 and 3. The calendar is the Gregorian one; the chip itself knows only that each fourth year is a
 * leap year, and no byte of it would differ before 2100. */
#include "hw/timer/mc146818_priv.h"

enum { DAY = 86400, PM = 0x80, DONT_CARE = 0xc0 };

/* Days since 1970-01-01 of a date; years begin in March, so that the leap day is the last. */
static i64 days_of(i64 year, unsigned month, i64 day)
{
    year -= month <= 2;
    i64 era = rtc_floor_div(year, 400), in_era = year - era * 400;
    i64 in_year = (153 * (i64)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

struct rtc_time rtc_time_of(i64 seconds)
{
    i64 days = rtc_floor_div(seconds, DAY), in_day = seconds - days * DAY;
    i64 z = days + 719468, era = rtc_floor_div(z, 146097), in_era = z - era * 146097;
    i64 year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    i64 in_year = in_era - (365 * year + year / 4 - year / 100), m = (5 * in_year + 2) / 153;
    struct rtc_time t = {
        .second = (unsigned)(in_day % 60),
        .minute = (unsigned)(in_day / 60 % 60),
        .hour = (unsigned)(in_day / 3600),
        .weekday = (unsigned)(days - rtc_floor_div(days + 4, 7) * 7 + 4),
        .day = (unsigned)(in_year - (153 * m + 2) / 5 + 1),
        .month = (unsigned)(m < 10 ? m + 3 : m - 9),
        .year = (unsigned)(year + era * 400),
    };
    t.year += t.month <= 2;
    return t;
}

i64 rtc_seconds_of(const struct rtc_time *t)
{
    unsigned month = t->month ? t->month - 1 : 0;
    i64 days = days_of((i64)t->year + month / 12, month % 12 + 1, t->day);
    return days * DAY + t->hour * 3600ll + t->minute * 60 + t->second;
}

static u8 number_encode(unsigned v, u8 b)
{
    return b & RTC_BINARY ? (u8)v : (u8)(v / 10 % 10 << 4 | v % 10);
}
static unsigned number_decode(u8 v, u8 b)
{
    return b & RTC_BINARY ? v : (v >> 4) * 10u + (v & 15);
}
static u8 hour_encode(unsigned h, u8 b)
{
    return b & RTC_24H ? number_encode(h, b) : number_encode((h + 11) % 12 + 1, b) | (h >= 12 ? PM : 0);
}
static unsigned hour_decode(u8 v, u8 b)
{
    return b & RTC_24H ? number_decode(v, b) : number_decode(v & 0x7f, b) % 12 + (v & PM ? 12 : 0);
}

void rtc_encode(const struct rtc_time *t, u8 b, u8 *r, u8 *century)
{
    r[0] = number_encode(t->second, b);
    r[2] = number_encode(t->minute, b);
    r[4] = hour_encode(t->hour, b);
    r[6] = number_encode(t->weekday + 1, b);
    r[7] = number_encode(t->day, b);
    r[8] = number_encode(t->month, b);
    r[9] = number_encode(t->year % 100, b);
    *century = number_encode(t->year / 100, b);
}
struct rtc_time rtc_decode(const u8 *r, u8 century, u8 b)
{
    return (struct rtc_time){
        .second = number_decode(r[0], b),
        .minute = number_decode(r[2], b),
        .hour = hour_decode(r[4], b),
        .weekday = (number_decode(r[6], b) + 6) % 7,
        .day = number_decode(r[7], b),
        .month = number_decode(r[8], b),
        .year = number_decode(century, b) * 100 + number_decode(r[9], b),
    };
}

static bool matches(u8 alarm, unsigned want, unsigned is)
{
    return (alarm & DONT_CARE) == DONT_CARE || want == is;
}
/* Goes to the next hour, minute or second that has a chance. */
i64 rtc_next_alarm(const u8 *r, u8 b, i64 after)
{
    i64 t = after + 1, end = t + 2 * DAY;
    while (t < end) {
        i64 in_day = t - rtc_floor_div(t, DAY) * DAY;
        if (!matches(r[5], hour_decode(r[5], b), (unsigned)(in_day / 3600))) {
            t += 3600 - in_day % 3600;
        } else if (!matches(r[3], number_decode(r[3], b), (unsigned)(in_day / 60 % 60))) {
            t += 60 - in_day % 60;
        } else if (!matches(r[1], number_decode(r[1], b), (unsigned)(in_day % 60))) {
            t++;
        } else {
            return t;
        }
    }
    return RTC_NEVER;
}
