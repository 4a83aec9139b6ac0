// What a load balancer writes ahead of a connection: read whole, read byte by byte, and refused.
#include "http/proxy_protocol.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb" // 192.0.2.1:56324 198.51.100.2:443

// Gives at most `step` bytes at a time and never more than are wanted. *ret_used: how many.
static enum proxy_progress read_in_steps(struct proxy_reader *reader, struct slice bytes,
    size_t step, size_t *ret_used)
{
    enum proxy_progress progress = PROXY_MORE;
    size_t used = 0;
    proxy_reader_init(reader);
    while (progress == PROXY_MORE && used < bytes.size) {
        size_t wants = proxy_reader_wants(reader);
        assert_true(wants > 0);
        size_t size = MINIMUM(MINIMUM(wants, step), bytes.size - used);
        progress = proxy_reader_take(reader, bytes.data + used, size);
        used += size;
    }
    *ret_used = used;
    return progress;
}

static void expect_in_steps(struct slice header, size_t step, const char *source,
    const char *destination)
{
    char bytes[8192], text_buffer[ADDRESS_TEXT_MAX];
    struct proxy_reader reader;
    struct text all = text_in(bytes, sizeof(bytes)), text;
    size_t used;
    text_append(&all, header);
    text_append(&all, SLICE("GET / HTTP/1.1\r\n\r\n\r\n\r\n"));
    assert_int_equal(read_in_steps(&reader, text_slice(&all), step, &used), PROXY_DONE);
    assert_int_equal(used, header.size); // and not a byte beyond
    assert_int_equal(reader.is_known, source != NULL);
    if (source == NULL)
        return;
    text = text_in(text_buffer, sizeof(text_buffer));
    address_format(&text, &reader.source);
    text_append_byte(&text, '\0');
    assert_string_equal(text_buffer, source);
    text = text_in(text_buffer, sizeof(text_buffer));
    address_format(&text, &reader.destination);
    text_append_byte(&text, '\0');
    assert_string_equal(text_buffer, destination);
}

static void expect_read(struct slice header, const char *source, const char *destination)
{
    const size_t steps[] = {1, 2, 3, 7, 13, 8192};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        expect_in_steps(header, steps[i], source, destination);
}

static void expect_fault(struct slice header)
{
    const size_t steps[] = {1, 2, 5, 8192};
    char bytes[8192];
    struct text all = text_in(bytes, sizeof(bytes));
    text_append(&all, header);
    while (all.size < 6000) // it must be found out, not waited for
        text_append(&all, SLICE("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"));
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct proxy_reader reader;
        size_t used;
        if (read_in_steps(&reader, text_slice(&all), steps[i], &used) != PROXY_FAULT)
            fail_msg("taken: %.*s", SLICE_ARGS(header));
    }
}

static void test_lines_are_read_to_their_last_byte_and_no_further(void **state)
{
    (void)state;
    expect_read(SLICE("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"), "192.0.2.1:56324",
        "198.51.100.2:443");
    expect_read(SLICE("PROXY TCP4 1.1.1.1 1.1.1.1 0 1\r\n"), "1.1.1.1:0", "1.1.1.1:1");
    expect_read(SLICE("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
        "255.255.255.255:65535", "255.255.255.255:65535");
    expect_read(SLICE("PROXY TCP6 2001:db8::1 :: 1 2\r\n"), "[2001:db8::1]:1", "[::]:2");
    expect_read(SLICE("PROXY TCP6 :: :: 1 2\r\n"), "[::]:1", "[::]:2");
    expect_read(SLICE("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    expect_read(SLICE("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1:1", "[::1]:2");
}

static void test_unknown_lines_say_nothing(void **state)
{
    (void)state;
    expect_read(SLICE("PROXY UNKNOWN\r\n"), NULL, NULL);
    expect_read(SLICE("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), NULL, NULL); // 107 bytes
}

static void test_malformed_lines_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "GET / HTTP/1.1\r\n",
        "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 \r\n",
        "PROXY TCP4 1.1.1.1 1 1\r\n", "PROXY TCP4\r\n", "PROXY \r\n", "PROXY\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 0x1\r\n",
        "PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n", "PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 ::1 ::1 1 1\r\n", "PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP6 [::1] [::1] 1 1\r\n", "PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n", "PROXY TCP4 1.1.1.1\t1.1.1.1 1 1\r\n",
        "PROXY UNKNOWN\n\r\n", "PROXY UNKNOWN\rx\r\n", "PROXY UNKNOWN x\ny\r\n",
        "PROXY UNKNOWNx\r\n", "PROXY TCP4 example.org 1.1.1.1 1 1\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        expect_fault(slice_from_string(wrong[i]));
    expect_fault(SLICE("PROXY TCP4 1.1.1.1\0 1.1.1.1 1 1\r\n"));
    expect_fault(SLICE("PROXY UNKNOWN xxxx:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n")); // longer than any
}

static void test_binary_heads_are_read_to_their_last_byte_and_no_further(void **state)
{
    (void)state;
    expect_read(SLICE(SIGNATURE "\x21\x11\x00\x0c" V4), "192.0.2.1:56324", "198.51.100.2:443");
    expect_read(SLICE(SIGNATURE "\x21\x11\x00\x11" V4 "\x03\x00\x02xy"), "192.0.2.1:56324",
        "198.51.100.2:443");
    expect_read(SLICE(SIGNATURE "\x21\x21\x00\x24" "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01" "\x00\x50\x01\xbb"), "[2001:db8::1]:80", "[::1]:443");
}

static void test_long_records_are_skipped(void **state)
{
    (void)state;
    static char bytes[16 + PROXY_REST_MAX];
    memset(bytes, '\n', sizeof(bytes));
    memcpy(bytes, SIGNATURE "\x21\x11\x10\x00" V4, 28);
    expect_read(slice_of(bytes, sizeof(bytes)), "192.0.2.1:56324", "198.51.100.2:443");
    bytes[15] = 1;
    expect_fault(slice_of(bytes, 16));
}

static void test_heads_without_a_visitor_say_nothing(void **state)
{
    (void)state;
    expect_read(SLICE(SIGNATURE "\x20\x00\x00\x00"), NULL, NULL);                // LOCAL
    expect_read(SLICE(SIGNATURE "\x20\x11\x00\x0c" V4), NULL, NULL);             // LOCAL
    expect_read(SLICE(SIGNATURE "\x21\x00\x00\x00"), NULL, NULL);                // unspecified
    expect_read(SLICE(SIGNATURE "\x21\x00\x00\x05" "\x03\x00\x02xy"), NULL, NULL);
    expect_read(SLICE(SIGNATURE "\x21\x31\x00\x03" "abc"), NULL, NULL);          // local socket
}

static void test_malformed_binary_heads_are_refused(void **state)
{
    (void)state;
    expect_fault(SLICE("\r\n\r\n\0\r\nQUIT\r"));
    expect_fault(SLICE("\r\n\r\n\r\nQUIT\n"));
    expect_fault(SLICE("\r\nGET / HTTP/1.1\r\n"));
    expect_fault(SLICE(SIGNATURE "\x11\x11\x00\x0c" V4));     // version 1 in version 2's clothes
    expect_fault(SLICE(SIGNATURE "\x31\x11\x00\x0c" V4));
    expect_fault(SLICE(SIGNATURE "\x22\x11\x00\x0c" V4));     // no such command
    expect_fault(SLICE(SIGNATURE "\x21\x11\x00\x0b" V4));     // too short for its addresses
    expect_fault(SLICE(SIGNATURE "\x21\x21\x00\x0c" V4));
    expect_fault(SLICE(SIGNATURE "\x21\x12\x00\x0c" V4));     // datagrams
    expect_fault(SLICE(SIGNATURE "\x21\x41\x00\x0c" V4));     // no such family
    expect_fault(SLICE(SIGNATURE "\x21\x10\x00\x0c" V4));
    expect_fault(SLICE(SIGNATURE "\x21\x01\x00\x0c" V4));
    expect_fault(SLICE(SIGNATURE "\x21\x11\xff\xff" V4));     // longer than anybody needs
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_read_to_their_last_byte_and_no_further),
        cmocka_unit_test(test_unknown_lines_say_nothing),
        cmocka_unit_test(test_malformed_lines_are_refused),
        cmocka_unit_test(test_binary_heads_are_read_to_their_last_byte_and_no_further),
        cmocka_unit_test(test_long_records_are_skipped),
        cmocka_unit_test(test_heads_without_a_visitor_say_nothing),
        cmocka_unit_test(test_malformed_binary_heads_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
