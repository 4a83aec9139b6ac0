// One request and what becomes of it, over real sockets: every outcome, every bound, proxies, and
// that nobody is asked who must not be.
#include "doctor/look.h"
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>

#include <cmocka.h>

#define SHORT_MS 1500 // for those that wait until it is over

static struct check check;
static struct arena arena;
static struct peer peer;

static int begin(void **state)
{
    (void)state;
    check_begin(&check);
    arena_init(&arena, 16384, CHECK_STEP_MEMORY);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    check_end(&check);
    return 0;
}

static struct look_request request_of(const char *path)
{
    return (struct look_request){
        .url = arena_printf(&arena, "http://www.site.test:%u%s", peer.port, path),
        .addresses = &peer.address, .address_count = 1,
        .deadline_ms = clock_now_ms() + PEER_PATIENCE_MS};
}

static struct look_answer ask(const struct look_request *request)
{
    struct look_answer answer;
    look(&check, request, &arena, &answer);
    return answer;
}

static struct look_answer ask_peer(peer_serve *serve)
{
    peer_start(&peer, serve);
    struct look_request request = request_of("/");
    struct look_answer answer = ask(&request);
    peer_stop(&peer);
    return answer;
}

// As long as it takes, where it is the end of the time that is wanted.
static struct look_answer ask_shortly(peer_serve *serve)
{
    peer_start(&peer, serve);
    struct look_request request = request_of("/");
    request.deadline_ms = clock_now_ms() + SHORT_MS;
    struct look_answer answer = ask(&request);
    peer_stop(&peer);
    return answer;
}

static void assert_slice(struct slice slice, const char *expected)
{
    if (!slice_equal(slice, slice_from_string(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARGS(slice), expected);
}

// --- Answers ---

static void serve_plain(struct peer *server, int connection, struct slice head)
{
    (void)server;
    bool is_right = slice_starts_with(head, SLICE("GET /a/../b?c HTTP/1.1\r\n"))
        && slice_holds(head, "\r\nHost: www.site.test:")
        && slice_holds(head, "\r\nUser-Agent: afloat-check/")
        && slice_holds(head, "\r\nX-Mine: yes\r\n") && !slice_holds(head, "Cookie");
    peer_send(connection, is_right ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 400 Wrong\r\n");
    peer_send(connection, "ETag:  \"x\" \r\nFolded: one\r\n  two \r\nBad name: x\r\n"
        "Content-Length: 5\r\n\r\nhello");
}

static void test_answer_is_whole(void **state)
{
    (void)state;
    static const char *const fields[] = {"X-Mine: yes", NULL};
    peer_start(&peer, serve_plain);
    struct look_request request = request_of("/a/../b?c");
    request.fields = fields;
    struct look_answer answer = ask(&request);
    peer_stop(&peer);
    assert_int_equal(answer.outcome, ANSWER_WHOLE);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.http_version, 11);
    assert_slice(answer.body, "hello");
    assert_slice(http_fields_value(&answer.fields, HTTP_NAME_ETAG), "\"x\"");
    assert_slice(http_fields_find_text(&answer.fields, SLICE("folded"))->value, "one two");
    assert_int_equal(answer.fields.count, 3);
    assert_true(address_equal(&answer.address, &peer.address));
    assert_true(answer.connected_ms > 0 && answer.first_ms > 0);
    assert_int_equal(atomic_load(&check.lookups), 0);
}

static void serve_chunked(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 503 Gone\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
        "Retry-After: 7\r\n\r\n");
}

static void test_chunks_interim_heads_and_trailers(void **state)
{
    (void)state;
    struct look_answer answer = ask_peer(serve_chunked);
    assert_int_equal(answer.outcome, ANSWER_WHOLE);
    assert_int_equal(answer.status, 503);
    assert_slice(answer.body, "abc");
    assert_int_equal(answer.fields.count, 1);
}

static void send_gzip(int connection, size_t zeros)
{
    static unsigned char packed[1 << 20];
    char head[200];
    unsigned char *plain = calloc(1, zeros);
    z_stream stream = {.next_in = plain, .avail_in = (unsigned)zeros, .next_out = packed,
        .avail_out = sizeof(packed)};
    invariant(plain != NULL);
    invariant(deflateInit2(&stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    invariant(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
        "Content-Length: %lu\r\n\r\n", stream.total_out);
    peer_send(connection, head);
    peer_send_bytes(connection, packed, stream.total_out);
    deflateEnd(&stream);
    free(plain);
}

static void serve_gzip(struct peer *server, int connection, struct slice head)
{
    (void)server;
    if (slice_holds(head, "gzip"))
        send_gzip(connection, 100000);
}

static void test_content_is_decoded(void **state)
{
    (void)state;
    struct look_answer answer = ask_peer(serve_gzip);
    assert_int_equal(answer.outcome, ANSWER_WHOLE);
    assert_int_equal(answer.body.size, 100000);
}

static void serve_bomb(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    send_gzip(connection, (size_t)64 << 20);
}

static void test_bomb_is_given_up(void **state)
{
    (void)state;
    struct look_answer answer = ask_peer(serve_bomb);
    assert_int_equal(answer.outcome, ANSWER_ENDLESS);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.size, LOOK_BODY_MAX);
}

static void serve_endless(struct peer *server, int connection, struct slice head)
{
    static const char zeros[16384];
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 200 OK\r\n\r\n");
    while (peer_send_more(connection, zeros, sizeof(zeros)))
        ;
}

static void test_endless_content_is_given_up(void **state)
{
    (void)state;
    assert_int_equal(ask_peer(serve_endless).outcome, ANSWER_ENDLESS);
}

// Empty blocks of gzip: they never come to anything.
static void serve_nothing_endlessly(struct peer *server, int connection, struct slice head)
{
    static const unsigned char gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    static unsigned char blocks[5 * 4096];
    (void)server;
    (void)head;
    for (size_t i = 0; i < sizeof(blocks); i += 5)
        memcpy(blocks + i, "\0\0\0\xff\xff", 5);
    peer_send(connection, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    peer_send_bytes(connection, gzip, sizeof(gzip));
    while (peer_send_more(connection, blocks, sizeof(blocks)))
        ;
}

static void test_endless_nothing_is_given_up(void **state)
{
    (void)state;
    struct look_answer answer = ask_peer(serve_nothing_endlessly);
    assert_int_equal(answer.outcome, ANSWER_ENDLESS);
    assert_int_equal(answer.body.size, 0);
}

// --- What is no answer ---

static void serve_many_fields(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 200 OK\r\n");
    while (peer_send_more(connection, "A: b\r\n", 6))
        ;
}

static void serve_long_field(struct peer *server, int connection, struct slice head)
{
    char letters[16384];
    (void)server;
    (void)head;
    memset(letters, 'a', sizeof(letters));
    peer_send(connection, "HTTP/1.1 200 OK\r\nA: ");
    for (size_t sent = 0; sent < (size_t)10 << 20; sent += sizeof(letters)) {
        if (!peer_send_more(connection, letters, sizeof(letters)))
            return;
    }
    peer_send(connection, "\r\n\r\n");
}

static void serve_folds(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 200 OK\r\nA: b\r\n");
    while (peer_send_more(connection, " c\r\n", 4))
        ;
}

static void serve_interim(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    while (peer_send_more(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        ;
}

static void test_head_has_bounds(void **state)
{
    static peer_serve *const serves[] = {serve_many_fields, serve_long_field, serve_folds,
        serve_interim};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(serves); i++) {
        struct look_answer answer = ask_peer(serves[i]);
        assert_int_equal(answer.outcome, ANSWER_MALFORMED);
        assert_int_equal(answer.fields.count, 0);
        assert_int_equal(answer.status, 0);
        assert_true(answer.why.size > 0);
    }
}

static void serve_zero_byte(struct peer *server, int connection, struct slice head)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n";
    (void)server;
    (void)head;
    peer_send_bytes(connection, text, sizeof(text) - 1);
}

static void serve_garbage(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "\x16\x03\x01nothing that anybody knows\r\n\r\n\x1b[2J");
}

static void serve_bad_length(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello");
}

static void serve_unknown_coding(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 200 OK\r\nContent-Encoding: own\r\nContent-Length: 5\r\n\r\n"
        "hello");
}

static void test_garbage_is_malformed(void **state)
{
    static peer_serve *const serves[] = {serve_zero_byte, serve_garbage, serve_bad_length,
        serve_unknown_coding};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(serves); i++) {
        struct look_answer answer = ask_peer(serves[i]);
        if (answer.outcome != ANSWER_MALFORMED)
            fail_msg("%zu: %d, %.*s", i, (int)answer.outcome, SLICE_ARGS(answer.why));
    }
}

static void serve_cut_body(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
}

static void serve_cut_chunk(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello");
}

static void test_less_than_promised_is_cut(void **state)
{
    static peer_serve *const serves[] = {serve_cut_body, serve_cut_chunk};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(serves); i++) {
        struct look_answer answer = ask_peer(serves[i]);
        assert_int_equal(answer.outcome, ANSWER_CUT);
        assert_int_equal(answer.status, 200);
        assert_slice(answer.body, "hello");
    }
}

static void serve_reset(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_reset(connection);
}

static void serve_close(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)connection;
    (void)head;
}

static void serve_cut_head(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 200 OK\r\nA: b\r\nC:");
}

static void test_no_answer_is_reset(void **state)
{
    static peer_serve *const serves[] = {serve_reset, serve_close, serve_cut_head};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(serves); i++) {
        struct look_answer answer = ask_peer(serves[i]);
        assert_int_equal(answer.outcome, ANSWER_RESET);
        assert_int_equal(answer.status, 0);
        assert_int_equal(answer.fields.count, 0);
        assert_true(answer.why.size > 0);
    }
}

// --- Time ---

static void serve_silence(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_wait(connection);
}

static void serve_half_head(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 2");
    peer_wait(connection);
}

static void serve_half_body(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    peer_wait(connection);
}

static void test_deadline_holds(void **state)
{
    (void)state;
    assert_int_equal(ask_shortly(serve_silence).outcome, ANSWER_SILENT);
    assert_int_equal(ask_shortly(serve_half_head).outcome, ANSWER_SLOW);
    struct look_answer answer = ask_shortly(serve_half_body);
    assert_int_equal(answer.outcome, ANSWER_SLOW);
    assert_int_equal(answer.status, 200);
    assert_slice(answer.body, "hello");
}

static void test_without_time_nothing_is_known(void **state)
{
    (void)state;
    peer_start(&peer, serve_plain);
    struct look_request request = request_of("/");
    request.deadline_ms = 0;
    assert_int_equal(ask(&request).outcome, ANSWER_UNKNOWN);
    peer_stop(&peer);
    assert_int_equal(peer.connection_count, 0);
}

static void serve_and_stop(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    check_stop(&check);
    peer_wait(connection);
}

static void test_ends_with_the_check(void **state)
{
    (void)state;
    assert_int_equal(ask_peer(serve_and_stop).outcome, ANSWER_UNKNOWN);
    assert_int_equal(ask_peer(serve_plain).outcome, ANSWER_UNKNOWN); // it does not even begin
}

// --- Whom it reaches ---

static const struct guard world; // not this machine

static void test_asks_whether_it_may(void **state)
{
    (void)state;
    check.options.guard = &world;
    struct look_answer answer = ask_peer(serve_plain);
    assert_int_equal(answer.outcome, ANSWER_UNREACHED);
    assert_true(slice_holds(answer.why, "127.0.0.1"));
    assert_int_equal(peer.connection_count, 0);
    peer_start(&peer, serve_plain);
    struct look_request request = request_of("/");
    request.is_third_party = true;
    assert_int_equal(ask(&request).outcome, ANSWER_WHOLE);
    peer_stop(&peer);
}

static void test_nobody_there(void **state)
{
    (void)state;
    peer_start(&peer, serve_plain);
    peer_stop(&peer);
    struct look_request request = request_of("/");
    assert_int_equal(ask(&request).outcome, ANSWER_UNREACHED);
    request.address_count = 0;
    assert_int_equal(ask(&request).outcome, ANSWER_UNREACHED);
    request = request_of("/");
    request.url = SLICE("file:///etc/passwd");
    assert_int_equal(ask(&request).outcome, ANSWER_UNREACHED);
    request.url = SLICE("http://me:secret@www.site.test/");
    assert_int_equal(ask(&request).outcome, ANSWER_UNREACHED);
    request.url = SLICE("http://\n/");
    assert_int_equal(ask(&request).outcome, ANSWER_UNREACHED);
}

static void test_next_address_is_tried(void **state)
{
    (void)state;
    peer_start(&peer, serve_plain);
    struct address addresses[] = {peer.address, peer.address};
    assert_int_equal(address_parse_host(SLICE("127.0.0.2"), peer.port, &addresses[0]),
        ERROR_NONE); // nobody listens there
    struct look_request request = request_of("/");
    request.addresses = addresses;
    request.address_count = 2;
    assert_int_equal(ask(&request).outcome, ANSWER_WHOLE);
    peer_stop(&peer);
}

// --- Proxies ---

static struct look_answer ask_through(peer_serve *serve, const char *url)
{
    peer_start(&peer, serve);
    check.names[0].host = "proxy.test";
    check.names[0].address = peer.address;
    check.name_count = 1;
    struct look_request request = {.url = slice_from_string(url),
        .proxy = arena_printf(&arena, "http://proxy.test:%u", peer.port),
        .deadline_ms = clock_now_ms() + PEER_PATIENCE_MS};
    struct look_answer answer = ask(&request);
    peer_stop(&peer);
    return answer;
}

static void serve_as_proxy(struct peer *server, int connection, struct slice head)
{
    (void)server;
    bool is_right = slice_starts_with(head, SLICE("GET http://www.site.test/a HTTP/1.1\r\n"));
    peer_send(connection, is_right ? "HTTP/1.1 200 OK\r\n\r\nhello" : "HTTP/1.1 400 Wrong\r\n\r\n");
}

static void test_name_goes_to_the_proxy(void **state)
{
    (void)state;
    check.options.guard = &world; // it is the visitor's own
    struct look_answer answer = ask_through(serve_as_proxy, "http://www.site.test/a");
    assert_int_equal(answer.outcome, ANSWER_WHOLE);
    assert_int_equal(answer.status, 200);
    assert_int_equal(atomic_load(&check.lookups), 1);
}

static void serve_407(struct peer *server, int connection, struct slice head)
{
    (void)server;
    (void)head;
    peer_send(connection, "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n"
        "Content-Length: 0\r\n\r\n");
}

static void serve_502(struct peer *server, int connection, struct slice head)
{
    (void)server;
    peer_send(connection, slice_starts_with(head, SLICE("CONNECT www.site.test:443 "))
        ? "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno" : "HTTP/1.1 400 Wrong\r\n\r\n");
}

static void test_proxy_refuses(void **state)
{
    (void)state;
    struct look_answer answer = ask_through(serve_407, "http://www.site.test/");
    assert_int_equal(answer.outcome, ANSWER_PROXY);
    assert_int_equal(answer.status, 407);
    answer = ask_through(serve_407, "https://www.site.test/");
    assert_int_equal(answer.outcome, ANSWER_PROXY);
    assert_int_equal(answer.status, 407);
    answer = ask_through(serve_502, "https://www.site.test/");
    assert_int_equal(answer.outcome, ANSWER_PROXY);
    assert_int_equal(answer.status, 502);
}

static void test_proxy_is_not_there(void **state)
{
    (void)state;
    struct look_answer answer = ask_through(serve_reset, "https://www.site.test/");
    assert_int_equal(answer.outcome, ANSWER_PROXY);
    assert_int_equal(answer.status, 0);
    struct look_request request = {.url = SLICE("http://www.site.test/"),
        .proxy = arena_printf(&arena, "http://proxy.test:%u", peer.port),
        .deadline_ms = clock_now_ms() + PEER_PATIENCE_MS};
    assert_int_equal(ask(&request).outcome, ANSWER_PROXY); // it listens no more
    request.proxy = SLICE("http://unknown.test:3128");
    assert_int_equal(ask(&request).outcome, ANSWER_PROXY);
    request.proxy = SLICE("http://:::");
    assert_int_equal(ask(&request).outcome, ANSWER_PROXY);
}

static void test_environment_is_not_looked_at(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    assert_int_equal(ask_peer(serve_chunked).outcome, ANSWER_WHOLE);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(answer_is_whole), TEST(chunks_interim_heads_and_trailers), TEST(content_is_decoded),
        TEST(bomb_is_given_up), TEST(endless_content_is_given_up),
        TEST(endless_nothing_is_given_up), TEST(head_has_bounds), TEST(garbage_is_malformed),
        TEST(less_than_promised_is_cut), TEST(no_answer_is_reset), TEST(deadline_holds),
        TEST(without_time_nothing_is_known), TEST(ends_with_the_check), TEST(asks_whether_it_may),
        TEST(nobody_there), TEST(next_address_is_tried), TEST(name_goes_to_the_proxy),
        TEST(proxy_refuses), TEST(proxy_is_not_there), TEST(environment_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
