/* Structures in two forms: their sizes as compilers have them, and values that go there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "user/layout.h"

static const struct widths i386 = {4, 4}, arm = {4, 8};

static void host_sizes(void **state)
{
    (void)state;
    for (enum layout l = 0; l < LAYOUTS; l++) {
        if (layout_size(layout_fields(l), layout_host) != layout_host_size(l)) {
            fail_msg("%s: %zu bytes, the compiler says %zu", layout_fields(l),
                     layout_size(layout_fields(l), layout_host), layout_host_size(l));
        }
        assert_true(layout_host_size(l) <= LAYOUT_MAX);
    }
}

/* SPEC: include/uapi of Linux, sizes by the compilers of Debian's i686-linux-gnu and arm-linux-gnueabihf. */
static void guest_sizes(void **state)
{
    static const struct {
        enum layout l;
        u16 i386, arm;
    } rows[] = {
        {LAYOUT_TIMESPEC, 8, 8},   {LAYOUT_TIMESPEC64, 16, 16},   {LAYOUT_RUSAGE, 72, 72},   {LAYOUT_STATFS, 64, 64},
        {LAYOUT_SIGEVENT, 64, 64}, {LAYOUT_STAT, 64, 64},         {LAYOUT_STAT64, 96, 104},  {LAYOUT_SEMID32, 64, 64},
        {LAYOUT_SHMID32, 84, 84},  {LAYOUT_MSQID32, 88, 88},      {LAYOUT_TIMEX, 128, 128},  {LAYOUT_MSGHDR, 28, 28},
        {LAYOUT_STATFS64, 84, 84}, {LAYOUT_EPOLL_EVENT, 12, 16},  {LAYOUT_FLOCK64, 24, 32},  {LAYOUT_IFMAP, 16, 16},
        {LAYOUT_OLD_STAT, 32, 32}, {LAYOUT_ITIMERSPEC64, 32, 32}, {LAYOUT_MQ_ATTR, 32, 32},  {LAYOUT_FPROG, 8, 8},
        {LAYOUT_USTAT, 20, 20},    {LAYOUT_SHMINFO, 36, 36},      {LAYOUT_SHM_INFO, 24, 24},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(layout_size(layout_fields(rows[i].l), i386), rows[i].i386);
        assert_int_equal(layout_size(layout_fields(rows[i].l), arm), rows[i].arm);
    }
}

static void values(void **state)
{
    struct timespec ts = {-5, 999}, back;
    u8 guest[64];
    (void)state;
    layout_copy(layout_fields(LAYOUT_TIMESPEC), guest, i386, &ts, layout_host);
    assert_memory_equal(guest, "\xfb\xff\xff\xff\xe7\x03\0\0", 8);
    layout_copy(layout_fields(LAYOUT_TIMESPEC), &back, layout_host, guest, i386);
    assert_memory_equal(&back, &ts, sizeof(ts));
    memcpy(guest, "\1\0\0\0\2\0\0\0\3\0\0\0\xff\xff\xff\xff", 16); /* the upper half of the nanoseconds is nothing */
    layout_copy(layout_fields(LAYOUT_TIMESPEC64), &back, layout_host, guest, i386);
    assert_int_equal(back.tv_sec, 0x200000001ll);
    assert_int_equal(back.tv_nsec, 3);
    struct flat_msghdr m = {0xf0000000, 16, 0x1000, 2, 0xffffe000, 64, 5}, m2 = {0};
    layout_copy(layout_fields(LAYOUT_MSGHDR), guest, i386, &m, layout_host);
    layout_copy(layout_fields(LAYOUT_MSGHDR), &m2, layout_host, guest, i386);
    assert_true(m2.name == m.name && m2.iov == m.iov && m2.control == m.control && m2.controllen == 64 &&
                m2.flags == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_sizes),
        cmocka_unit_test(guest_sizes),
        cmocka_unit_test(values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
