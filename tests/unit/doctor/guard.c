// Where a vantage lets itself be sent: first and last address of every range that is special, and
// their neighbours.
#include "doctor/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct guard nothing_more;

static bool reaches_at(const struct guard *guard, const char *host, uint16_t port)
{
    struct address address;
    assert_int_equal(address_parse_host(slice_from_string(host), port, &address), ERROR_NONE);
    return guard_may_reach(guard, &address);
}

static bool reaches(const char *host)
{
    return reaches_at(&nothing_more, host, 443);
}

struct range {
    const char *before, *first, *last, *after; // NULL: another range is next to it
};

static void check_range(const struct range *range)
{
    const char *const refused[] = {range->first, range->last};
    const char *const neighbours[] = {range->before, range->after};
    for (size_t i = 0; i < 2; i++) {
        if (reaches(refused[i]))
            fail_msg("%s may be reached", refused[i]);
        if (neighbours[i] != NULL && !reaches(neighbours[i]))
            fail_msg("%s may not be reached", neighbours[i]);
    }
}

static void test_special_ranges_of_ipv4_are_refused(void **state)
{
    (void)state;
    const struct range ranges[] = {
        {NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
        {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
        {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
        {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
        {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
        {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
        {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
        {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
        {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
        {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
        {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
        {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
        {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
        {"223.255.255.255", "224.0.0.0", "239.255.255.255", NULL},
        {NULL, "240.0.0.0", "255.255.255.254", NULL},
        {NULL, "255.255.255.255", "255.255.255.255", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
        check_range(&ranges[i]);
}

static void test_special_ranges_of_ipv6_are_refused(void **state)
{
    (void)state;
    const struct range ranges[] = {
        {NULL, "::", "::1", NULL},
        {NULL, "::2", "::7f00:1", NULL},                            // compatible
        {NULL, "::ffff:0.0.0.0", "::ffff:255.255.255.255", NULL},   // mapped
        {NULL, "::ffff:0:0:0", "::ffff:0:8.8.8.8", NULL},           // translated (RFC 2765)
        {NULL, "64:ff9b::", "64:ff9b::ffff:ffff", NULL},            // translated (RFC 6052)
        {NULL, "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "100::", "100::ffff:ffff:ffff:ffff", NULL},          // discard
        {NULL, "100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", NULL},
        {NULL, "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::", "2000::"},
        {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
        {NULL, "2001:0:7f00:1::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", NULL}, // Teredo
        {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
        {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::",
            "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
        {NULL, "2002:7f00:1::", "2002:c0a8:101::1", NULL},          // 6to4 of private addresses
        {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
        {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::",
            "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},       // not given out
        {NULL, "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "5f01::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
        check_range(&ranges[i]);
}

static void test_other_addresses_are_not(void **state)
{
    (void)state;
    const char *const hosts[] = {"1.1.1.1", "8.8.8.8", "93.184.215.14", "192.31.196.1",
        "223.255.255.254", "2000::1", "2001:4860:4860::8888", "2606:4700:4700::1111",
        "2a00:1450:4001:80b::200e"};
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
        assert_true(reaches(hosts[i]));
}

static void test_only_ports_of_the_web(void **state)
{
    (void)state;
    const uint16_t ports[] = {8443, 0};
    const struct guard guard = {.ports = ports, .port_count = ARRAY_SIZE(ports)};
    for (unsigned port = 0; port <= UINT16_MAX; port++) {
        bool is_web = port == 80 || port == 443;
        assert_int_equal(reaches_at(&nothing_more, "8.8.8.8", (uint16_t)port), is_web);
        assert_int_equal(reaches_at(&guard, "8.8.8.8", (uint16_t)port), is_web || port == 8443);
    }
    assert_false(reaches_at(&guard, "10.0.0.1", 8443));
}

static void test_the_operator_may_allow_ranges(void **state)
{
    (void)state;
    struct network allowed[2];
    assert_int_equal(network_parse(SLICE("198.51.100.0/24"), &allowed[0]), ERROR_NONE);
    assert_int_equal(network_parse(SLICE("2001:db8:7::/48"), &allowed[1]), ERROR_NONE);
    const struct guard guard = {.allow = {allowed, ARRAY_SIZE(allowed)}};
    assert_true(reaches_at(&guard, "198.51.100.255", 80));
    assert_true(reaches_at(&guard, "2001:db8:7::1", 443));
    assert_true(reaches_at(&guard, "8.8.8.8", 443));
    assert_false(reaches_at(&guard, "198.51.101.0", 22));
    assert_false(reaches_at(&guard, "198.51.100.1", 22));
    assert_false(reaches_at(&guard, "203.0.113.1", 443));
    assert_false(reaches_at(&guard, "2001:db8:8::1", 443));
    assert_false(reaches_at(&guard, "::ffff:198.51.100.1", 443)); // it has a name of its own
}

static void test_who_has_no_address_is_refused(void **state)
{
    (void)state;
    struct address address = {0};
    assert_false(guard_may_reach(&nothing_more, &address));
    assert_int_equal(address_parse(SLICE("unix:/run/control"), &address), ERROR_NONE);
    assert_false(guard_may_reach(&nothing_more, &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special_ranges_of_ipv4_are_refused),
        cmocka_unit_test(test_special_ranges_of_ipv6_are_refused),
        cmocka_unit_test(test_other_addresses_are_not),
        cmocka_unit_test(test_only_ports_of_the_web),
        cmocka_unit_test(test_the_operator_may_allow_ranges),
        cmocka_unit_test(test_who_has_no_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
