// Who the client is, by what proxies tell: only the trusted are believed, from the end on.
#include "edge/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct network networks[2];
static const struct network_list trusted = {networks, 2};

static int set_up(void **state)
{
    (void)state;
    return network_parse(SLICE("10.0.0.0/8"), &networks[0]) != ERROR_NONE
        || network_parse(SLICE("2001:db8:1::/48"), &networks[1]) != ERROR_NONE;
}

// lines: "Name: value\n"…, as many as there are.
static struct forwarded read_lines(const char *lines, enum forwarded_form form, const char *peer,
    char *chain_buffer, size_t chain_size)
{
    struct http_field items[64];
    struct http_fields fields = {items, 0, ARRAY_SIZE(items)};
    struct slice rest = slice_from_string(lines);
    while (rest.size > 0) {
        struct slice line = slice_cut(&rest, '\n'), value = line;
        struct slice name = slice_cut(&value, ':');
        assert_int_equal(http_fields_add(&fields, name, slice_trim(value)), ERROR_NONE);
    }
    struct address address;
    struct forwarded forwarded;
    struct text chain = text_in(chain_buffer, chain_size - 1);
    assert_int_equal(address_parse_host(slice_from_string(peer), 0, &address), ERROR_NONE);
    forwarded_read(&fields, form, &trusted, &address, &chain, &forwarded);
    assert_false(chain.full);
    chain_buffer[chain.size] = '\0';
    return forwarded;
}

static void expect(enum forwarded_form form, const char *peer, const char *lines,
    const char *client, const char *chain, enum forwarded_scheme scheme)
{
    char buffer[2048], host[64];
    struct forwarded forwarded = read_lines(lines, form, peer, buffer, sizeof(buffer));
    struct text text = text_in(host, sizeof(host) - 1);
    address_format_host(&text, &forwarded.client);
    host[text.size] = '\0';
    assert_string_equal(host, client);
    assert_string_equal(buffer, chain);
    assert_int_equal(forwarded.scheme, scheme);
}

#define UNKNOWN FORWARDED_SCHEME_UNKNOWN
#define HTTPS FORWARDED_SCHEME_HTTPS

static void test_nobody_but_the_trusted_is_believed(void **state)
{
    (void)state;
    expect(FORWARDED_X_FOR, "192.0.2.9", "X-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: https\n",
        "192.0.2.9", "", UNKNOWN);
    expect(FORWARDED_RFC7239, "192.0.2.9", "Forwarded: for=192.0.2.1;proto=https\n", "192.0.2.9",
        "", UNKNOWN);
    expect(FORWARDED_X_FOR, "10.0.0.1", "", "10.0.0.1", "", UNKNOWN);
}

static void test_the_last_address_that_nobody_vouches_for_is_the_client(void **state)
{
    (void)state;
    expect(FORWARDED_X_FOR, "10.0.0.1", "X-Forwarded-For: 192.0.2.1\n", "192.0.2.1", "192.0.2.1",
        UNKNOWN);
    // What the client wrote himself stands before his address, and is not passed on.
    expect(FORWARDED_X_FOR, "10.0.0.1", "X-Forwarded-For: 127.0.0.1, 192.0.2.1\n", "192.0.2.1",
        "192.0.2.1", UNKNOWN);
    expect(FORWARDED_X_FOR, "10.0.0.1",
        "X-Forwarded-For: 203.0.113.5, 192.0.2.1, 10.0.0.7, 2001:db8:1::2\n", "192.0.2.1",
        "192.0.2.1, 10.0.0.7, 2001:db8:1::2", UNKNOWN);
    expect(FORWARDED_X_FOR, "::ffff:10.0.0.1", "X-Forwarded-For: 192.0.2.1\n", "192.0.2.1",
        "192.0.2.1", UNKNOWN);
    // All are proxies: the one farthest away asks for himself.
    expect(FORWARDED_X_FOR, "10.0.0.1", "X-Forwarded-For: 10.0.0.9, 10.0.0.8\n", "10.0.0.9",
        "10.0.0.9, 10.0.0.8", UNKNOWN);
}

static void test_lines_are_one_list(void **state)
{
    (void)state;
    expect(FORWARDED_X_FOR, "10.0.0.1",
        "X-Forwarded-For: 203.0.113.5\nAccept: 1\nX-Forwarded-For: 192.0.2.1,10.0.0.7\n"
        "X-Forwarded-For: 10.0.0.8\n", "192.0.2.1", "192.0.2.1, 10.0.0.7, 10.0.0.8", UNKNOWN);
}

static void test_what_is_no_address_ends_the_way_back(void **state)
{
    (void)state;
    expect(FORWARDED_X_FOR, "10.0.0.1", "X-Forwarded-For: 192.0.2.1, unknown\n", "10.0.0.1", "",
        UNKNOWN);
    expect(FORWARDED_X_FOR, "10.0.0.1", "X-Forwarded-For: 192.0.2.1, x, 10.0.0.7\n", "10.0.0.7",
        "10.0.0.7", UNKNOWN);
    expect(FORWARDED_RFC7239, "10.0.0.1", "Forwarded: for=192.0.2.1, for=_hidden\n", "10.0.0.1",
        "", UNKNOWN);
    expect(FORWARDED_RFC7239, "10.0.0.1", "Forwarded: for=192.0.2.1, by=10.0.0.7\n", "10.0.0.1",
        "", UNKNOWN);
    expect(FORWARDED_RFC7239, "10.0.0.1", "Forwarded: for=192.0.2.1;for=192.0.2.2\n", "10.0.0.1",
        "", UNKNOWN);
}

static void test_one_form_is_believed_and_the_other_not_looked_at(void **state)
{
    (void)state;
    const char *both = "X-Forwarded-For: 192.0.2.1\nForwarded: for=192.0.2.2;proto=https\n";
    expect(FORWARDED_X_FOR, "10.0.0.1", both, "192.0.2.1", "192.0.2.1", UNKNOWN);
    expect(FORWARDED_RFC7239, "10.0.0.1", both, "192.0.2.2", "192.0.2.2", HTTPS);
}

static void test_the_scheme_is_the_last_proxys_word(void **state)
{
    (void)state;
    expect(FORWARDED_X_FOR, "10.0.0.1", "X-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: HTTPS\n",
        "192.0.2.1", "192.0.2.1", HTTPS);
    expect(FORWARDED_X_FOR, "10.0.0.1", "X-Forwarded-Proto: https, http\n", "10.0.0.1", "",
        FORWARDED_SCHEME_HTTP);
    expect(FORWARDED_X_FOR, "10.0.0.1", "X-Forwarded-Proto: gopher\n", "10.0.0.1", "", UNKNOWN);
    // The client's own element, not that of the proxy behind it.
    expect(FORWARDED_RFC7239, "10.0.0.1",
        "Forwarded: for=192.0.2.1;proto=https, for=10.0.0.7;proto=http\n", "192.0.2.1",
        "192.0.2.1, 10.0.0.7", HTTPS);
}

static void test_elements_are_read_with_quotes_ports_and_case(void **state)
{
    (void)state;
    expect(FORWARDED_RFC7239, "10.0.0.1",
        "Forwarded: By=\"a;b, for=1.1.1.1\" ; FOR=\"[2001:db8::7]:4711\";host=x;Proto=https\n",
        "2001:db8::7", "2001:db8::7", HTTPS);
}

static void test_nodes(void **state)
{
    (void)state;
    static const struct { const char *node, *host; } nodes[] = {
        {"192.0.2.1", "192.0.2.1"}, {"192.0.2.1:80", "192.0.2.1"},
        {"\"192.0.2.1:80\"", "192.0.2.1"},
        {"2001:db8::1", "2001:db8::1"}, {"[2001:db8::1]", "2001:db8::1"},
        {"\"[2001:db8::1]:80\"", "2001:db8::1"}, {"::1", "::1"},
        {"", NULL}, {"\"", NULL}, {"\"\"", NULL}, {"unknown", NULL}, {"_x", NULL}, {"[::1", NULL},
        {"[::1]x", NULL}, {"[::1]:", NULL}, {"[::1]:x", NULL}, {"[::1]:65536", NULL},
        {"192.0.2.1:", NULL}, {"192.0.2.1:x", NULL}, {"192.0.2.1 ", NULL}, {"[192.0.2.1]", NULL},
        {"example.org", NULL}, {"192.0.2.256", NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        char host[64];
        struct address address;
        struct text text = text_in(host, sizeof(host) - 1);
        enum error error = forwarded_parse_node(slice_from_string(nodes[i].node), &address);
        if (error != (nodes[i].host == NULL ? ERROR_INVALID : ERROR_NONE))
            fail_msg("%s: %s", nodes[i].node, error_text(error));
        if (nodes[i].host == NULL)
            continue;
        address_format_host(&text, &address);
        host[text.size] = '\0';
        assert_string_equal(host, nodes[i].host);
    }
}

static void test_a_long_list_is_read_from_its_end(void **state)
{
    (void)state;
    char lines[4096];
    struct text text = text_in(lines, sizeof(lines) - 1);
    text_append(&text, SLICE("X-Forwarded-For: 192.0.2.1"));
    for (unsigned i = 0; i < FORWARDED_HOPS_MAX - 1; i++)
        text_append(&text, SLICE(", 10.0.0.2"));
    lines[text.size] = '\0';
    char chain[2048];
    struct forwarded forwarded = read_lines(lines, FORWARDED_X_FOR, "10.0.0.1", chain,
        sizeof(chain));
    assert_int_equal(forwarded.client.v4.sin_addr.s_addr, htonl(0xc0000201));
    text_append(&text, SLICE(", 10.0.0.2")); // one more: the client is out of sight
    lines[text.size] = '\0';
    forwarded = read_lines(lines, FORWARDED_X_FOR, "10.0.0.1", chain, sizeof(chain));
    assert_int_equal(forwarded.client.v4.sin_addr.s_addr, htonl(0x0a000002));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_but_the_trusted_is_believed),
        cmocka_unit_test(test_the_last_address_that_nobody_vouches_for_is_the_client),
        cmocka_unit_test(test_lines_are_one_list),
        cmocka_unit_test(test_what_is_no_address_ends_the_way_back),
        cmocka_unit_test(test_one_form_is_believed_and_the_other_not_looked_at),
        cmocka_unit_test(test_the_scheme_is_the_last_proxys_word),
        cmocka_unit_test(test_elements_are_read_with_quotes_ports_and_case),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_a_long_list_is_read_from_its_end),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
