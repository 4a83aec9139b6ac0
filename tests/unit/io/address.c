// Addresses to and from text.
#include "io/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_text(const char *input, const char *expected, const char *expected_host)
{
    struct address address;
    char buffer[ADDRESS_TEXT_MAX];
    assert_int_equal(address_parse(slice_from_string(input), &address), ERROR_NONE);
    struct text text = text_in(buffer, sizeof(buffer));
    address_format(&text, &address);
    assert_false(text.full);
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(buffer, expected, text.size);
    text = text_in(buffer, sizeof(buffer));
    address_format_host(&text, &address);
    assert_int_equal(text.size, strlen(expected_host));
    assert_memory_equal(buffer, expected_host, text.size);
}

static void test_text_goes_round(void **state)
{
    (void)state;
    expect_text("127.0.0.1:80", "127.0.0.1:80", "127.0.0.1");
    expect_text("[::1]:443", "[::1]:443", "::1");
    expect_text("[2001:db8:0:0:0:0:0:1]:0", "[2001:db8::1]:0", "2001:db8::1");
    expect_text(":8080", "[::]:8080", "::");
    expect_text("[::ffff:192.0.2.1]:65535", "192.0.2.1:65535", "192.0.2.1");
    expect_text("unix:/run/afloat/control", "unix:/run/afloat/control", "unix:/run/afloat/control");
}

static void test_the_longest_addresses_fit(void **state)
{
    (void)state;
    char path[200] = "unix:/";
    memset(path + strlen(path), 'x', 106);
    expect_text(path, path, path);
    struct address address;
    strcat(path, "x");
    assert_int_equal(address_parse(slice_from_string(path), &address), ERROR_INVALID);
    expect_text("[1111:2222:3333:4444:5555:6666:7777:8888]:12345",
        "[1111:2222:3333:4444:5555:6666:7777:8888]:12345",
        "1111:2222:3333:4444:5555:6666:7777:8888");
}

static void test_nonsense_is_refused_and_leaves_the_output_alone(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", ":", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 80", "127.0.0.1:80 ", "127.0.0.256:80",
        "127.1:80", "localhost:80", "::1:80", "[::1]", "[::1:80", "::1]:80", "[]:80", "[[::1]]:80",
        "[127.0.0.1]:80", "[::1]x:80", "[fe80::1%lo]:80", "unix:", "01.2.3.4:80",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:1"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct address address, before;
        memset(&address, 0xA5, sizeof(address));
        before = address;
        assert_int_equal(address_parse(slice_from_string(wrong[i]), &address), ERROR_INVALID);
        assert_memory_equal(&address, &before, sizeof(address));
    }
    struct address address;
    assert_int_equal(address_parse(slice_of("127.0.0.1\0:80", 13), &address), ERROR_INVALID);
    assert_int_equal(address_parse(slice_of("unix:/a\0b", 9), &address), ERROR_INVALID);
}

static struct address parsed(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(slice_from_string(text), &address), ERROR_NONE);
    return address;
}

static void expect_equal(const char *a, const char *b, bool equal)
{
    struct address first = parsed(a), second = parsed(b);
    assert_int_equal(address_equal(&first, &second), equal);
    assert_int_equal(address_equal(&second, &first), equal);
}

static void test_equality_is_of_host_and_port(void **state)
{
    (void)state;
    expect_equal("127.0.0.1:80", "127.0.0.1:80", true);
    expect_equal("127.0.0.1:80", "127.0.0.1:81", false);
    expect_equal("127.0.0.1:80", "127.0.0.2:80", false);
    expect_equal("[::1]:80", "[::1]:80", true);
    expect_equal("[::1]:80", "[::2]:80", false);
    expect_equal("[::1]:80", "[::1]:81", false);
    expect_equal("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true);
    expect_equal("[::ffff:127.0.0.1]:80", "127.0.0.1:81", false);
    expect_equal("unix:/a", "unix:/a", true);
    expect_equal("unix:/a", "unix:/b", false);
    expect_equal("unix:/a", "127.0.0.1:80", false);
}

static void test_ports_can_be_set(void **state)
{
    (void)state;
    struct address v4 = parsed("127.0.0.1:80"), v6 = parsed("[::1]:80"), local = parsed("unix:/a");
    address_set_port(&v4, 8080);
    address_set_port(&v6, 8080);
    address_set_port(&local, 8080);
    assert_int_equal(address_port(&v4), 8080);
    assert_int_equal(address_port(&v6), 8080);
    assert_int_equal(address_port(&local), 0);
    assert_int_equal(address_size(&v4), sizeof(struct sockaddr_in));
    assert_int_equal(address_size(&v6), sizeof(struct sockaddr_in6));
    assert_int_equal(address_size(&local), sizeof(struct sockaddr_un));
}

static void test_a_host_alone(void **state)
{
    (void)state;
    struct address address;
    assert_int_equal(address_parse_host(SLICE("::1"), 7, &address), ERROR_NONE);
    assert_int_equal(address_port(&address), 7);
    assert_int_equal(address_parse_host(SLICE("[::1]"), 7, &address), ERROR_NONE);
    assert_int_equal(address_parse_host(SLICE("10.0.0.1"), 7, &address), ERROR_NONE);
    assert_int_equal(address_parse_host(SLICE_EMPTY, 7, &address), ERROR_INVALID);
    assert_int_equal(address_parse_host(SLICE("example.com"), 7, &address), ERROR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_goes_round),
        cmocka_unit_test(test_the_longest_addresses_fit),
        cmocka_unit_test(test_nonsense_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(test_equality_is_of_host_and_port),
        cmocka_unit_test(test_ports_can_be_set),
        cmocka_unit_test(test_a_host_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
