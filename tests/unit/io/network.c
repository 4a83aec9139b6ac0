// Ranges of addresses: what is one, and who is in it.
#include "io/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct address address_of(const char *host)
{
    struct address address;
    assert_int_equal(address_parse_host(slice_from_string(host), 4711, &address), ERROR_NONE);
    return address;
}

static struct network network_of(const char *text)
{
    struct network network;
    assert_int_equal(network_parse(slice_from_string(text), &network), ERROR_NONE);
    return network;
}

static bool holds(const char *text, const char *host)
{
    struct network network = network_of(text);
    struct address address = address_of(host);
    struct network_list list = {&network, 1};
    bool contains = network_contains(&network, &address);
    assert_int_equal(contains, network_list_contains(&list, &address));
    return contains;
}

static void test_a_range_holds_its_first_and_last_address_and_no_other(void **state)
{
    (void)state;
    assert_true(holds("192.0.2.0/24", "192.0.2.0"));
    assert_true(holds("192.0.2.0/24", "192.0.2.255"));
    assert_false(holds("192.0.2.0/24", "192.0.1.255"));
    assert_false(holds("192.0.2.0/24", "192.0.3.0"));
    assert_true(holds("10.128.0.0/9", "10.255.255.255"));
    assert_false(holds("10.128.0.0/9", "10.127.255.255"));
    assert_true(holds("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(holds("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(holds("2001:db8::4/126", "2001:db8::7"));
    assert_false(holds("2001:db8::4/126", "2001:db8::8"));
}

static void test_a_single_address_holds_itself(void **state)
{
    (void)state;
    assert_true(holds("192.0.2.1", "192.0.2.1"));
    assert_false(holds("192.0.2.1", "192.0.2.2"));
    assert_true(holds("192.0.2.1/32", "192.0.2.1"));
    assert_true(holds("::1", "::1"));
    assert_true(holds("[::1]", "::1"));
    assert_true(holds("[2001:db8::]/32", "2001:db8:1::"));
    assert_false(holds("::1", "::2"));
}

static void test_mapped_addresses_are_ipv4(void **state)
{
    (void)state;
    assert_true(holds("192.0.2.0/24", "::ffff:192.0.2.7"));
    assert_true(holds("::ffff:192.0.2.0/120", "192.0.2.7"));
    assert_false(holds("192.0.2.0/24", "::192.0.2.7"));
}

static void test_all_of_one_family_is_none_of_the_other(void **state)
{
    (void)state;
    assert_true(holds("0.0.0.0/0", "255.255.255.255"));
    assert_true(holds("0.0.0.0/0", "::ffff:192.0.2.7"));
    assert_false(holds("0.0.0.0/0", "2001:db8::1"));
    assert_true(holds("::/0", "2001:db8::1"));
    assert_false(holds("::/0", "192.0.2.1"));
    assert_false(holds("::/0", "::ffff:192.0.2.1"));
}

static void test_nonsense_is_refused_and_leaves_the_output_alone(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "/", "/24", "192.0.2.0/", "192.0.2.0/33",
        "192.0.2.0/-1", "192.0.2.0/024", "192.0.2.0/24/24", "192.0.2.0/24 ", " 192.0.2.0/24",
        "192.0.2.1/24", "192.0.2/24", "192.0.2.*", "::/129", "::1/127", "2001:db8::1/32",
        "localhost", "example.org/24", "192.0.2.1:80", "[::1]:80", "unix:/x", "fe80::1%lo",
        "192.0.2.0/255.255.255.0", "10.1.0.0/8"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct network network, before;
        memset(&network, 0x5a, sizeof(network));
        before = network;
        if (network_parse(slice_from_string(wrong[i]), &network) != ERROR_INVALID)
            fail_msg("\"%s\" was taken for a range", wrong[i]);
        assert_memory_equal(&network, &before, sizeof(network));
    }
}

static void expect_same_client(const char *a, const char *b, bool same)
{
    struct address left = address_of(a), right = address_of(b);
    struct network left_client, right_client;
    assert_true(network_of_client(&left, &left_client));
    assert_true(network_of_client(&right, &right_client));
    assert_int_equal(memcmp(&left_client, &right_client, sizeof(left_client)) == 0, same);
}

static void test_a_visitor_is_an_ipv4_address_or_an_ipv6_64(void **state)
{
    (void)state;
    expect_same_client("192.0.2.1", "192.0.2.1", true);
    expect_same_client("192.0.2.1", "::ffff:192.0.2.1", true);
    expect_same_client("192.0.2.1", "192.0.2.2", false);
    expect_same_client("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true);
    expect_same_client("2001:db8::1", "2001:db8:0:1::1", false);
    struct address local;
    struct network network;
    assert_int_equal(address_parse(SLICE("unix:/run/x"), &local), ERROR_NONE);
    assert_false(network_of_client(&local, &network));
    network = network_of("0.0.0.0/0");
    assert_false(network_contains(&network, &local));
}

static void expect_same_network(const char *a, const char *b, bool same)
{
    struct address one = address_of(a), other = address_of(b);
    struct network first = {0}, second = {0};
    assert_true(network_around(&one, NETWORK_BITS_V4, NETWORK_BITS_V6, &first));
    assert_true(network_around(&other, NETWORK_BITS_V4, NETWORK_BITS_V6, &second));
    assert_true(network_contains(&first, &one));
    assert_int_equal(memcmp(&first, &second, sizeof(first)) == 0, same);
}

static void test_a_network_is_an_ipv4_24_or_an_ipv6_48(void **state)
{
    (void)state;
    expect_same_network("192.0.2.1", "::ffff:192.0.2.255", true);
    expect_same_network("192.0.2.1", "192.0.3.1", false);
    expect_same_network("2001:db8:1::1", "2001:db8:1:ffff::", true);
    expect_same_network("2001:db8:1::1", "2001:db8:2::1", false);
    struct address local;
    struct network network;
    assert_int_equal(address_parse(SLICE("unix:/run/x"), &local), ERROR_NONE);
    assert_false(network_around(&local, NETWORK_BITS_V4, NETWORK_BITS_V6, &network));
}

static void test_a_list_holds_what_any_of_it_holds(void **state)
{
    (void)state;
    struct network items[] = {network_of("10.0.0.0/8"), network_of("2001:db8::/32")};
    struct network_list list = {items, ARRAY_SIZE(items)}, none = {NULL, 0};
    struct address inside = address_of("10.1.2.3"), v6 = address_of("2001:db8::1"),
        outside = address_of("11.0.0.0");
    assert_true(network_list_contains(&list, &inside));
    assert_true(network_list_contains(&list, &v6));
    assert_false(network_list_contains(&list, &outside));
    assert_false(network_list_contains(&none, &inside));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_range_holds_its_first_and_last_address_and_no_other),
        cmocka_unit_test(test_a_single_address_holds_itself),
        cmocka_unit_test(test_mapped_addresses_are_ipv4),
        cmocka_unit_test(test_all_of_one_family_is_none_of_the_other),
        cmocka_unit_test(test_nonsense_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(test_a_visitor_is_an_ipv4_address_or_an_ipv6_64),
        cmocka_unit_test(test_a_network_is_an_ipv4_24_or_an_ipv6_48),
        cmocka_unit_test(test_a_list_holds_what_any_of_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
