// Bodies: each read in one piece, in two pieces cut anywhere, and byte by byte, with one result.
#include "http1_helpers.h"

struct result {
    enum http1_progress progress;
    enum http1_fault fault;
    char content[256];
    size_t content_size, used;
};

// Reads bytes until they are used up or the body ends.
static void feed(struct http1_body *body, struct slice bytes, struct result *result)
{
    struct slice copy = heap_copy(bytes), rest = copy;
    do {
        size_t used = 77;
        struct slice content;
        result->progress = http1_body_read(body, rest, &test_limits, &used, &content);
        assert_true(used <= rest.size);
        if (content.size > 0) {
            assert_true(content.data >= rest.data
                && content.data + content.size <= rest.data + used);
            assert_true(result->content_size + content.size <= sizeof(result->content));
            memcpy(result->content + result->content_size, content.data, content.size);
            result->content_size += content.size;
        }
        assert_true(used > 0 || rest.size == 0 || result->progress != HTTP1_MORE);
        result->used += used;
        rest = slice_of(rest.data + used, rest.size - used);
    } while (rest.size > 0 && result->progress == HTTP1_MORE);
    result->fault = body->fault;
    heap_release(copy);
}

static struct result read_in_two(enum http_framing framing, uint64_t length, struct slice raw,
    size_t first)
{
    struct result result = {0};
    struct http1_body body;
    http1_body_init(&body, framing, length);
    feed(&body, slice_of(raw.data, first), &result);
    if (result.progress == HTTP1_MORE)
        feed(&body, slice_of(raw.data + first, raw.size - first), &result);
    return result;
}

static struct result read_by_bytes(enum http_framing framing, uint64_t length, struct slice raw)
{
    struct result result = {0};
    struct http1_body body;
    http1_body_init(&body, framing, length);
    result.progress = HTTP1_MORE;
    for (size_t i = 0; i < raw.size && result.progress == HTTP1_MORE; i++)
        feed(&body, slice_of(raw.data + i, 1), &result);
    return result;
}

static void assert_same_result(const struct result *a, const struct result *b)
{
    assert_int_equal(a->progress, b->progress);
    assert_int_equal(a->fault, b->fault);
    assert_int_equal(a->used, b->used);
    assert_int_equal(a->content_size, b->content_size);
    assert_memory_equal(a->content, b->content, a->content_size);
}

static struct result read_every_way(enum http_framing framing, uint64_t length, struct slice raw)
{
    struct result whole = read_in_two(framing, length, raw, raw.size);
    for (size_t first = 0; first < raw.size; first++) {
        struct result cut = read_in_two(framing, length, raw, first);
        assert_same_result(&whole, &cut);
    }
    struct result bytes = read_by_bytes(framing, length, raw);
    if (raw.size > 0)
        assert_same_result(&whole, &bytes);
    return whole;
}

struct chunked {
    struct slice raw;
    enum http1_progress progress;
    enum http1_fault fault;
    const char *content;
};

#define DONE(text, expected) {{text, sizeof(text) - 1}, HTTP1_DONE, HTTP1_FAULT_NONE, expected},
#define MORE(text, expected) {{text, sizeof(text) - 1}, HTTP1_MORE, HTTP1_FAULT_NONE, expected},
#define BAD(text, expected) {{text, sizeof(text) - 1}, HTTP1_FAULT, HTTP1_FAULT_CHUNK, expected},
#define TRAILER(text) {{text, sizeof(text) - 1}, HTTP1_FAULT, HTTP1_FAULT_TRAILER, ""},

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct chunked bodies[] = {
    DONE("0\r\n\r\n", "")
    DONE("5\r\nhello\r\n0\r\n\r\n", "hello")
    DONE("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n", "hello world")
    DONE("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a")
    DONE("A\r\n0123456789\r\nf\r\n0123456789abcde\r\nF\r\n0123456789abcde\r\n0\r\n\r\n",
        "01234567890123456789abcde0123456789abcde")
    DONE("0000000000000005\r\nhello\r\n000\r\n\r\n", "hello")
    DONE("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n")
    DONE("5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello")
    DONE("5;a=\"b;\\\"c\\\\ \t\";d=e;f\r\nhello\r\n0\r\n\r\n", "hello")
    DONE("5;a=\"\"\r\nhello\r\n0\r\n\r\n", "hello")
    DONE("0\r\nA: b\r\n\r\n", "")
    DONE("0\r\nA:\r\nContent-Length: 7\r\nTransfer-Encoding: x\r\nHost: y\r\n\r\n", "")
    MORE("", "")
    MORE("5", "")
    MORE("5\r\nhel", "hel")
    MORE("5\r\nhello\r\n", "hello")
    MORE("5\r\nhello\r\n0\r\n", "hello")
    MORE("5\r\nhello\r\n0\r\nA: b\r\n\r", "hello")
    MORE("7fffffffffffffff\r\nabc", "abc")
    BAD("\r\n", "")
    BAD("\n", "")
    BAD(" 5\r\nhello", "")
    BAD("5 \r\nhello", "")
    BAD("5\t\r\nhello", "")
    BAD("5 ;a\r\nhello", "")
    BAD("5; a\r\nhello", "")
    BAD("5;a =b\r\nhello", "")
    BAD("5;a= b\r\nhello", "")
    BAD("5;\r\nhello", "")
    BAD("5;a=\r\nhello", "")
    BAD("5;a=b=c\r\nhello", "")
    BAD("5;a;\r\nhello", "")
    BAD("5;=b\r\nhello", "")
    BAD("5;a=\"b\r\n\"\r\nhello", "")
    BAD("5;a=\"b\n\"\r\nhello", "")
    BAD("5;a=\"b\\\r\n\"\r\nhello", "")
    BAD("5;a=\"\x01\"\r\nhello", "")
    BAD("5;a=\"b\"c\r\nhello", "")
    BAD("5;a\x00\r\nhello", "")
    BAD("5;a\nhello", "")
    BAD("5;a\rhello", "")
    BAD("0x5\r\nhello", "")
    BAD("+5\r\nhello", "")
    BAD("-5\r\nhello", "")
    BAD("5h\r\nhello", "")
    BAD("g\r\nhello", "")
    BAD("G\r\nhello", "")
    BAD("@\r\nhello", "")
    BAD("`\r\nhello", "")
    BAD(":\r\nhello", "")
    BAD("/\r\nhello", "")
    BAD("5,5\r\nhello", "")
    BAD("5_0\r\nhello", "")
    BAD("5\nhello\r\n0\r\n\r\n", "")
    BAD("5\rhello\r\n0\r\n\r\n", "")
    BAD("5\r\r\nhello", "")
    BAD("5\x00\r\nhello", "")
    BAD("00000000000000005\r\nhello", "") // 17 digits
    BAD("8000000000000000\r\n", "")
    BAD("ffffffffffffffff\r\n", "")
    BAD("10000000000000000\r\n", "")
    BAD("5\r\nhello0\r\n\r\n", "hello")
    BAD("5\r\nhello!\r\n0\r\n\r\n", "hello")
    BAD("5\r\nhello\n0\r\n\r\n", "hello")
    BAD("5\r\nhello\r0\r\n\r\n", "hello")
    BAD("5\r\nhello\r\n\r\n0\r\n\r\n", "hello")
    BAD("5\r\nhell\r\n0\r\n\r\n", "hell\r")
    BAD("0\n\n", "")
    BAD("5;" X64 "\r\nhello", "")
    TRAILER("0\r\n\n")
    TRAILER("0\r\n\rX")
    TRAILER("0\r\nA: b\n\r\n")
    TRAILER("0\r\nA: b\rc\r\n\r\n")
    TRAILER("0\r\nA : b\r\n\r\n")
    TRAILER("0\r\n: b\r\n\r\n")
    TRAILER("0\r\n A: b\r\n\r\n")
    TRAILER("0\r\nA: b\r\n folded\r\n\r\n")
    TRAILER("0\r\nA\r\n\r\n")
    TRAILER("0\r\nA: \x00\r\n\r\n")
    TRAILER("0\r\nGET / HTTP/1.1\r\n\r\n")
    TRAILER("0\r\nA: " X64 "\r\nB: " X64 "\r\n\r\n")
};

static void every_chunked_body_gets_its_verdict_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct result result = read_every_way(HTTP_FRAMING_CHUNKED, 0, bodies[i].raw);
        if (result.progress != bodies[i].progress || result.fault != bodies[i].fault
            || !slice_equal(slice_of(result.content, result.content_size),
                slice_from_string(bodies[i].content)))
            fail_msg("body %zu: progress %d, fault \"%s\", content \"%.*s\":\n%.*s", i,
                (int)result.progress, http1_fault_text(result.fault), (int)result.content_size,
                result.content, SLICE_ARGS(bodies[i].raw));
        if (result.progress == HTTP1_DONE)
            assert_int_equal(result.used, bodies[i].raw.size);
    }
}

static void what_follows_a_body_is_left(void **state)
{
    (void)state;
    struct result result = read_every_way(HTTP_FRAMING_CHUNKED, 0,
        SLICE("1\r\nx\r\n0\r\n\r\nGET /"));
    assert_int_equal(result.progress, HTTP1_DONE);
    assert_int_equal(result.used, 11);
    result = read_every_way(HTTP_FRAMING_LENGTH, 3, SLICE("abcGET /"));
    assert_int_equal(result.progress, HTTP1_DONE);
    assert_int_equal(result.used, 3);
    assert_int_equal(result.content_size, 3);
    result = read_every_way(HTTP_FRAMING_LENGTH, 0, SLICE("GET /"));
    assert_int_equal(result.progress, HTTP1_DONE);
    assert_int_equal(result.used, 0);
    result = read_every_way(HTTP_FRAMING_NONE, 0, SLICE("GET /"));
    assert_int_equal(result.progress, HTTP1_DONE);
    assert_int_equal(result.used, 0);
}

static void only_the_end_of_the_connection_ends_a_body_without_length(void **state)
{
    (void)state;
    struct http1_body body;
    size_t used;
    struct slice content;
    http1_body_init(&body, HTTP_FRAMING_CLOSE, 0);
    assert_int_equal(http1_body_read(&body, SLICE("abc"), &test_limits, &used, &content),
        HTTP1_MORE);
    assert_int_equal(used, 3);
    assert_text(content, "abc");
    assert_true(http1_body_remaining(&body) == UINT64_MAX);
    assert_int_equal(http1_body_end(&body), HTTP1_DONE);
}

static void an_early_end_is_truncation(void **state)
{
    (void)state;
    struct http1_body body;
    size_t used;
    struct slice content;
    http1_body_init(&body, HTTP_FRAMING_LENGTH, 5);
    assert_int_equal(http1_body_read(&body, SLICE("abc"), &test_limits, &used, &content),
        HTTP1_MORE);
    assert_int_equal(http1_body_remaining(&body), 2);
    assert_int_equal(http1_body_end(&body), HTTP1_MORE);
    assert_int_equal(http1_body_read(&body, SLICE("de"), &test_limits, &used, &content),
        HTTP1_DONE);
    assert_int_equal(http1_body_end(&body), HTTP1_DONE);
    assert_int_equal(http1_body_remaining(&body), 0);
    http1_body_init(&body, HTTP_FRAMING_CHUNKED, 0);
    assert_int_equal(http1_body_read(&body, SLICE("0\r\n"), &test_limits, &used, &content),
        HTTP1_MORE);
    assert_true(http1_body_remaining(&body) == UINT64_MAX);
    assert_int_equal(http1_body_end(&body), HTTP1_MORE);
    assert_int_equal(http1_body_read(&body, SLICE("\r\n"), &test_limits, &used, &content),
        HTTP1_DONE);
    assert_int_equal(http1_body_end(&body), HTTP1_DONE);
    assert_int_equal(http1_body_remaining(&body), 0);
}

static void a_done_or_refused_body_takes_nothing_more(void **state)
{
    (void)state;
    struct http1_body body;
    size_t used = 77;
    struct slice content;
    http1_body_init(&body, HTTP_FRAMING_CHUNKED, 0);
    assert_int_equal(http1_body_read(&body, SLICE("0\r\n\r\n"), &test_limits, &used, &content),
        HTTP1_DONE);
    assert_int_equal(http1_body_read(&body, SLICE("5\r\n"), &test_limits, &used, &content),
        HTTP1_DONE);
    assert_int_equal(used, 0);
    http1_body_init(&body, HTTP_FRAMING_CHUNKED, 0);
    assert_int_equal(http1_body_read(&body, SLICE("x"), &test_limits, &used, &content),
        HTTP1_FAULT);
    assert_int_equal(http1_body_read(&body, SLICE("0\r\n\r\n"), &test_limits, &used, &content),
        HTTP1_FAULT);
    assert_int_equal(used, 0);
    assert_int_equal(content.size, 0);
    assert_int_equal(http1_body_end(&body), HTTP1_FAULT);
}

static void limits_of_lines_and_trailers_are_exact(void **state)
{
    (void)state;
    // A chunk line of 64 bytes and a trailer section of 128 pass; each chunk line counts anew.
    struct result result = read_every_way(HTTP_FRAMING_CHUNKED, 0,
        SLICE("1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n"
              "0;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n"));
    assert_int_equal(result.progress, HTTP1_DONE);
    result = read_every_way(HTTP_FRAMING_CHUNKED, 0,
        SLICE("1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n"));
    assert_int_equal(result.fault, HTTP1_FAULT_CHUNK);
    result = read_every_way(HTTP_FRAMING_CHUNKED, 0, SLICE("0\r\nA:" X64 "\r\nB:"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "\r\n\r\n"));
    assert_int_equal(result.progress, HTTP1_DONE);
    result = read_every_way(HTTP_FRAMING_CHUNKED, 0, SLICE("0\r\nA:" X64 "\r\nB:"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "\r\n\r\n"));
    assert_int_equal(result.fault, HTTP1_FAULT_TRAILER);
}

static void chunk_lines_are_read_back(void **state)
{
    (void)state;
    static const struct {
        uint64_t size;
        const char *line;
    } cases[] = {{0, "0\r\n"}, {1, "1\r\n"}, {15, "f\r\n"}, {16, "10\r\n"}, {95, "5f\r\n"},
        {4096, "1000\r\n"}, {UINT64_MAX, "ffffffffffffffff\r\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[20];
        size_t size = http1_chunk_line(buffer, cases[i].size);
        assert_text(slice_of(buffer, size), cases[i].line);
    }
    for (unsigned bit = 0; bit < 63; bit++) {
        char buffer[20];
        struct http1_body body;
        size_t used;
        struct slice content;
        size_t size = http1_chunk_line(buffer, (UINT64_C(1) << bit) + (bit > 1));
        http1_body_init(&body, HTTP_FRAMING_CHUNKED, 0);
        assert_int_equal(http1_body_read(&body, slice_of(buffer, size), &test_limits, &used,
            &content), HTTP1_MORE);
        assert_int_equal(used, size);
        assert_true(body.left == (UINT64_C(1) << bit) + (bit > 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunked_body_gets_its_verdict_however_it_is_cut),
        cmocka_unit_test(what_follows_a_body_is_left),
        cmocka_unit_test(only_the_end_of_the_connection_ends_a_body_without_length),
        cmocka_unit_test(an_early_end_is_truncation),
        cmocka_unit_test(a_done_or_refused_body_takes_nothing_more),
        cmocka_unit_test(limits_of_lines_and_trailers_are_exact),
        cmocka_unit_test(chunk_lines_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
