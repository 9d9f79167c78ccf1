/* The calendar behind the MC146818's registers: pure functions. */
#ifndef MOSS_HW_TIMER_MC146818_PRIV_H
#define MOSS_HW_TIMER_MC146818_PRIV_H

#include "base/types.h"

enum { RTC_24H = 2, RTC_BINARY = 4 }; /* of register B */
#define RTC_NEVER INT64_MAX

struct rtc_time {
    unsigned second, minute, hour, weekday; /* weekday: 0 is Sunday */
    unsigned day, month, year;              /* from 1, from 1, of the full number */
};

/* d > 0 */
static inline i64 rtc_floor_div(i64 n, i64 d)
{
    return n / d - (n % d < 0);
}
struct rtc_time rtc_time_of(i64 seconds); /* since 1970 */
/* Numbers beyond their range count on: the 32nd of January is the first of February. */
i64 rtc_seconds_of(const struct rtc_time *t);
/* Into the registers 0 2 4 6 7 8 9 at r and the century, in the form that register B asks for. */
void rtc_encode(const struct rtc_time *t, u8 b, u8 *r, u8 *century);
struct rtc_time rtc_decode(const u8 *r, u8 century, u8 b);
/* The first second after `after` that the alarm in the registers 1 3 5 at r is for; RTC_NEVER. */
i64 rtc_next_alarm(const u8 *r, u8 b, i64 after);

#endif
