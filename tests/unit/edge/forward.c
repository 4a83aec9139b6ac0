// What the backend is told: the visitor's end-to-end fields, and what the edge knows by itself.
#include "edge/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct http1_limits limits = {.head_size = 65536, .line_size = 16384,
    .field_count = REQUEST_FIELDS_ON_STACK, .chunk_line_size = 256, .trailer_size = 8192};

struct world {
    struct edge_settings settings;
    struct site_settings site_settings;
    struct generation generation;
    struct site site;
    struct connection connection;
    struct request request;
    struct arena arena;
};

static struct world *world_create(const char *peer, bool forwarded, const char *head)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->settings.name = SLICE("edge-1");
    world->site_settings.forwarded = forwarded;
    world->generation.settings = &world->settings;
    world->site.settings = &world->site_settings;
    assert_int_equal(
        address_parse_host(slice_from_string(peer), 4711, &world->connection.peer), ERROR_NONE);
    struct request *request = &world->request;
    request->generation = &world->generation;
    request->site = &world->site;
    request->connection = &world->connection;
    request->head.fields = (struct http_fields){request->fields, 0, REQUEST_FIELDS_ON_STACK};
    assert_int_equal(http1_parse_request(slice_from_string(head), &limits, &request->head),
        HTTP1_FAULT_NONE);
    arena_init(&world->arena, 4096, 1 << 20);
    return world;
}

static void world_free(struct world *world)
{
    arena_free(&world->arena);
    free(world);
}

static void assert_forwarded(const char *head, enum forward_mode mode, const char *extra,
    const char *expected)
{
    struct world *world = world_create("192.0.2.7", false, head);
    struct slice fields =
        forward_fields(&world->request, &world->arena, mode, slice_from_string(extra));
    assert_non_null(fields.data);
    char *text = strndup(fields.data, fields.size);
    assert_string_equal(text, expected);
    free(text);
    world_free(world);
}

static void test_end_to_end_fields_pass_in_their_order(void **state)
{
    (void)state;
    assert_forwarded("GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nCookie: c=d\r\nX-One: 2\r\n"
                     "Accept: \r\n\r\n",
        FORWARD_AS_SENT, "",
        "X-One: 1\r\nCookie: c=d\r\nX-One: 2\r\nAccept: \r\nVia: 1.1 edge-1\r\n");
}

static void test_hop_by_hop_fields_end_here(void **state)
{
    (void)state;
    assert_forwarded("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\n"
                     "Keep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Connection: x\r\n"
                     "X-Yours: 2\r\n\r\n",
        FORWARD_AS_SENT, "", "X-Yours: 2\r\nVia: 1.1 edge-1\r\n");
}

static void test_framing_and_expectation_are_the_exchanges(void **state)
{
    (void)state;
    assert_forwarded("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
                     "Content-Type: text/plain\r\n\r\n",
        FORWARD_AS_SENT, "", "Content-Type: text/plain\r\nVia: 1.1 edge-1\r\n");
    assert_forwarded("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        FORWARD_AS_SENT, "", "Via: 1.1 edge-1\r\n");
}

static void test_conditions_and_ranges_pass_only_as_sent(void **state)
{
    (void)state;
    const char *head = "GET / HTTP/1.1\r\nHost: a\r\nIf-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n"
                       "If-Modified-Since: c\r\nIf-Unmodified-Since: d\r\nIf-Range: \"e\"\r\n"
                       "Range: bytes=0-1\r\n\r\n";
    assert_forwarded(head, FORWARD_AS_SENT, "",
        "If-Match: \"a\"\r\nIf-None-Match: \"b\"\r\nIf-Modified-Since: c\r\n"
        "If-Unmodified-Since: d\r\nIf-Range: \"e\"\r\nRange: bytes=0-1\r\nVia: 1.1 edge-1\r\n");
    assert_forwarded(head, FORWARD_WHOLE, "If-None-Match: \"own\"\r\n",
        "If-None-Match: \"own\"\r\nVia: 1.1 edge-1\r\n");
}

static void test_an_earlier_proxy_stays_in_via(void **state)
{
    (void)state;
    assert_forwarded("GET / HTTP/1.0\r\nHost: a\r\nVia: 1.1 first\r\n\r\n", FORWARD_AS_SENT, "",
        "Via: 1.1 first\r\nVia: 1.0 edge-1\r\n");
}

static void test_a_visitors_word_about_himself_is_replaced(void **state)
{
    (void)state;
    const char *head = "GET / HTTP/1.1\r\nHost: a.example:8080\r\nForwarded: for=10.0.0.1\r\n"
                       "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Host: evil\r\n"
                       "X-Forwarded-Proto: https\r\n\r\n";
    struct world *world = world_create("192.0.2.7", true, head);
    struct slice fields =
        forward_fields(&world->request, &world->arena, FORWARD_WHOLE, SLICE(""));
    char *text = strndup(fields.data, fields.size);
    assert_null(strstr(text, "10.0.0.1"));
    assert_null(strstr(text, "evil"));
    assert_non_null(strstr(text, "X-Forwarded-For: 192.0.2.7\r\n"));
    assert_non_null(strstr(text, "X-Forwarded-Proto: http\r\n"));
    assert_non_null(strstr(text, "X-Forwarded-Host: a.example:8080\r\n"));
    assert_non_null(
        strstr(text, "Forwarded: for=192.0.2.7;proto=http;host=\"a.example:8080\"\r\n"));
    free(text);
    world_free(world);
    // Nor is it passed on when nothing takes its place.
    assert_forwarded(head, FORWARD_WHOLE, "", "Via: 1.1 edge-1\r\n");
}

static void test_addresses_of_version_6_are_quoted(void **state)
{
    (void)state;
    struct world *world = world_create("2001:db8::7", true, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    struct slice fields =
        forward_fields(&world->request, &world->arena, FORWARD_WHOLE, SLICE(""));
    char *text = strndup(fields.data, fields.size);
    assert_non_null(strstr(text, "X-Forwarded-For: 2001:db8::7\r\n"));
    assert_non_null(strstr(text, "Forwarded: for=\"[2001:db8::7]\";proto=http;host=\"a\"\r\n"));
    free(text);
    world_free(world);
}

static void test_a_full_arena_is_an_error_and_no_cut_request(void **state)
{
    (void)state;
    struct world *world = world_create("192.0.2.7", true, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    struct arena small;
    arena_init(&small, 64, 64);
    assert_null(forward_fields(&world->request, &small, FORWARD_WHOLE, SLICE("")).data);
    arena_free(&small);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end_to_end_fields_pass_in_their_order),
        cmocka_unit_test(test_hop_by_hop_fields_end_here),
        cmocka_unit_test(test_framing_and_expectation_are_the_exchanges),
        cmocka_unit_test(test_conditions_and_ranges_pass_only_as_sent),
        cmocka_unit_test(test_an_earlier_proxy_stays_in_via),
        cmocka_unit_test(test_a_visitors_word_about_himself_is_replaced),
        cmocka_unit_test(test_addresses_of_version_6_are_quoted),
        cmocka_unit_test(test_a_full_arena_is_an_error_and_no_cut_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
