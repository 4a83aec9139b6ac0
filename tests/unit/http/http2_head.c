// Heads of HTTP/2: what is accepted and what it means, what is refused and why; answers as fields.
#include "http/http2_head.h"
#include "base/text.h"

// cmocka needs these first
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LINES_MAX 12

struct head_case {
    enum http1_fault fault;
    bool ends;
    const char *lines; // "name|value\n" each
};

#define GET ":method|GET\n:scheme|http\n:path|/\n"
#define AT ":authority|a.example\n"
#define POST ":method|POST\n:scheme|http\n:path|/\n" AT

static const struct head_case cases[] = {
    {HTTP1_FAULT_NONE, true, GET AT},
    {HTTP1_FAULT_NONE, true, GET AT "accept|*/*\nx-empty|\n"},
    {HTTP1_FAULT_NONE, true, GET "host|a.example\n"},
    {HTTP1_FAULT_NONE, true, GET AT "host|A.Example\n"},
    {HTTP1_FAULT_HOST, true, GET AT "host|b.example\n"},
    {HTTP1_FAULT_HOST, true, GET AT "host|a.example\nhost|a.example\n"},
    {HTTP1_FAULT_HOST, true, GET},
    {HTTP1_FAULT_HOST, true, GET ":authority|user@a.example\n"},
    {HTTP1_FAULT_HOST, true, GET ":authority|\n"},
    {HTTP1_FAULT_PSEUDO, true, "accept|*/*\n" GET AT},
    {HTTP1_FAULT_PSEUDO, true, GET AT ":path|/\n"},
    {HTTP1_FAULT_PSEUDO, true, GET AT ":status|200\n"},
    {HTTP1_FAULT_PSEUDO, true, GET AT ":unknown|1\n"},
    {HTTP1_FAULT_PSEUDO, true, ":method|GET\n:path|/\n" AT},
    {HTTP1_FAULT_PSEUDO, true, ":method|GET\n:scheme|http\n" AT},
    {HTTP1_FAULT_PSEUDO, true, ":scheme|http\n:path|/\n" AT},
    {HTTP1_FAULT_PSEUDO, true, ":method|GET\n:scheme|http\n:path|\n" AT},
    {HTTP1_FAULT_PSEUDO, true, ":method|\n:scheme|http\n:path|/\n" AT},
    {HTTP1_FAULT_PSEUDO, true, ":method|G T\n:scheme|http\n:path|/\n" AT},
    {HTTP1_FAULT_PSEUDO, true, ":method|GET\n:scheme|ftp\n:path|/\n" AT},
    {HTTP1_FAULT_NONE, true, ":method|OPTIONS\n:scheme|https\n:path|*\n" AT},
    {HTTP1_FAULT_SYNTAX_TARGET, true, ":method|GET\n:scheme|http\n:path|*\n" AT},
    {HTTP1_FAULT_SYNTAX_TARGET, true, ":method|GET\n:scheme|http\n:path|x\n" AT},
    {HTTP1_FAULT_SYNTAX_TARGET, true, ":method|GET\n:scheme|http\n:path|/a b\n" AT},
    {HTTP1_FAULT_SYNTAX_TARGET, true, ":method|GET\n:scheme|http\n:path|/a#b\n" AT},
    {HTTP1_FAULT_SYNTAX_CHARACTER, true, ":method|GET\n:scheme|http\n:path|/a\r\n" AT},
    {HTTP1_FAULT_SYNTAX_FIELD, true, GET AT "Accept|*/*\n"},
    {HTTP1_FAULT_SYNTAX_FIELD, true, GET AT "a b|1\n"},
    {HTTP1_FAULT_SYNTAX_FIELD, true, GET AT "|1\n"},
    {HTTP1_FAULT_SYNTAX_CHARACTER, true, GET AT "x| 1\n"},
    {HTTP1_FAULT_SYNTAX_CHARACTER, true, GET AT "x|1\t\n"},
    {HTTP1_FAULT_SYNTAX_CHARACTER, true, GET AT "x|1\r2\n"},
    {HTTP1_FAULT_CONNECTION_FIELD, true, GET AT "connection|close\n"},
    {HTTP1_FAULT_CONNECTION_FIELD, true, GET AT "keep-alive|1\n"},
    {HTTP1_FAULT_CONNECTION_FIELD, true, GET AT "proxy-connection|close\n"},
    {HTTP1_FAULT_CONNECTION_FIELD, true, GET AT "transfer-encoding|chunked\n"},
    {HTTP1_FAULT_CONNECTION_FIELD, true, GET AT "upgrade|websocket\n"},
    {HTTP1_FAULT_CONNECTION_FIELD, true, GET AT "te|gzip\n"},
    {HTTP1_FAULT_NONE, true, GET AT "te|trailers\n"},
    {HTTP1_FAULT_NONE, false, POST "content-length|4\n"},
    {HTTP1_FAULT_NONE, true, POST "content-length|0\n"},
    {HTTP1_FAULT_LENGTH, true, POST "content-length|4\n"},
    {HTTP1_FAULT_LENGTH, false, POST "content-length|4\ncontent-length|4\n"},
    {HTTP1_FAULT_LENGTH, false, POST "content-length|04\n"},
    {HTTP1_FAULT_LENGTH, false, POST "content-length|-4\n"},
    {HTTP1_FAULT_LENGTH, false, POST "content-length|9223372036854775808\n"},
    {HTTP1_FAULT_NONE, false, POST "expect|100-continue\n"},
    {HTTP1_FAULT_EXPECT, false, POST "expect|200-ok\n"},
    {HTTP1_FAULT_NONE, false, ":method|CONNECT\n:authority|a.example:443\n"},
    {HTTP1_FAULT_SYNTAX_TARGET, false, ":method|CONNECT\n:authority|a.example\n"},
    {HTTP1_FAULT_PSEUDO, false, ":method|CONNECT\n:scheme|http\n:path|/\n" AT},
    {HTTP1_FAULT_PSEUDO, false, ":method|CONNECT\nhost|a.example:443\n"},
    {HTTP1_FAULT_NONE, false, ":method|CONNECT\n:protocol|websocket\n:scheme|http\n:path|/\n" AT},
    {HTTP1_FAULT_PSEUDO, false, ":method|CONNECT\n:protocol|websocket\n:path|/\n" AT},
    {HTTP1_FAULT_PSEUDO, false,
        ":method|CONNECT\n:protocol|web socket\n:scheme|http\n:path|/\n" AT},
    {HTTP1_FAULT_PSEUDO, false, POST ":protocol|websocket\n"},
    {HTTP1_FAULT_TOO_MANY_FIELDS, true,
        GET AT "a|\na|\na|\na|\na|\na|\na|\na|\na|\na|\n"
               "a|\na|\na|\na|\na|\na|\na|\na|\na|\na|\na|\n"},
    {HTTP1_FAULT_LINE_TOO_LONG, true,
        ":method|GET\n:scheme|http\n"
        ":path|/0123456789012345678901234567890123456789012345678901234\n"},
    {HTTP1_FAULT_HEAD_TOO_LARGE, true,
        GET AT "x|0123456789012345678901234567890123456789012345678901234567890\n"},
};

static const struct http2_head_limits limits = {1200, 50, 20};

static enum http1_fault parse(struct arena *arena, const struct head_case *one,
    struct http_request_head *ret_head)
{
    struct http2_head head;
    struct slice rest = slice_from_string(one->lines);
    http2_head_init(&head, arena, &limits);
    while (rest.size > 0) {
        struct slice value = slice_cut(&rest, '\n');
        struct slice name = slice_cut(&value, '|');
        http2_head_add(&head, name, value);
    }
    return http2_head_finish(&head, one->ends, ret_head);
}

static void every_head_gets_its_verdict(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096, 1 << 20);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_request_head head;
        enum http1_fault fault = parse(&arena, &cases[i], &head);
        if (fault != cases[i].fault)
            fail_msg("case %zu: %s instead of %s:\n%s", i, http1_fault_text(fault),
                http1_fault_text(cases[i].fault), cases[i].lines);
        arena_reset(&arena);
    }
    arena_free(&arena);
}

static void assert_slice(struct slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.data, text, slice.size);
}

static void values_of_a_head(void **state)
{
    (void)state;
    struct arena arena;
    struct http_request_head head;
    arena_init(&arena, 4096, 1 << 20);
    struct head_case one = {.lines = ":method|PUT\n:scheme|https\n:path|/a?b=c\n" AT
        "cookie|a=b\nx|1\ncookie|c=d\ncookie|e\nexpect|100-continue\n"};
    assert_int_equal(parse(&arena, &one, &head), HTTP1_FAULT_NONE);
    assert_int_equal(head.method, HTTP_METHOD_PUT);
    assert_int_equal(head.major_version, 2);
    assert_int_equal(head.framing, HTTP_FRAMING_CHUNKED);
    assert_true(head.expect_continue);
    assert_slice(head.target, "/a?b=c");
    assert_slice(head.path, "/a");
    assert_slice(head.query, "b=c");
    assert_slice(head.authority, "a.example");
    assert_int_equal(head.fields.count, 3);
    assert_slice(head.fields.items[0].value, "a=b; c=d; e");
    assert_slice(head.fields.items[1].name, "x");
    one = (struct head_case){.ends = true, .lines = POST};
    assert_int_equal(parse(&arena, &one, &head), HTTP1_FAULT_NONE);
    assert_int_equal(head.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(head.content_length, 0);
    one = (struct head_case){
        .lines = ":method|CONNECT\n:protocol|websocket\n:scheme|http\n:path|/w\n" AT};
    assert_int_equal(parse(&arena, &one, &head), HTTP1_FAULT_NONE);
    assert_slice(head.protocol, "websocket");
    assert_slice(head.path, "/w");
    assert_int_equal(head.framing, HTTP_FRAMING_NONE);
    arena_free(&arena);
}

static void an_arena_that_is_full_is_a_head_that_is_too_large(void **state)
{
    (void)state;
    struct head_case one = {.ends = true, .lines = GET AT "cookie|a\ncookie|b\n"};
    for (size_t limit = 16; limit < 2048; limit += 16) {
        struct arena arena;
        struct http_request_head head;
        arena_init(&arena, 16, limit);
        enum http1_fault fault = parse(&arena, &one, &head);
        assert_true(fault == HTTP1_FAULT_NONE || fault == HTTP1_FAULT_HEAD_TOO_LARGE);
        arena_free(&arena);
    }
}

static void lines_become_fields(void **state)
{
    (void)state;
    struct slice lines = SLICE("Content-Type: text/plain\r\nConnection: close\r\nX:\r\nY:  a b \r\n"
                               "Keep-Alive: 1\r\nTransfer-Encoding: chunked\r\nbroken\r\n");
    struct slice rest = lines;
    nghttp2_nv fields[LINES_MAX];
    assert_int_equal(http2_lines_count(lines), 7);
    assert_int_equal(http2_lines_count(SLICE_EMPTY), 0);
    assert_int_equal(http2_fields_take_lines(&rest, fields, LINES_MAX), 3);
    assert_int_equal(rest.size, 0);
    assert_slice(slice_of((char *)fields[0].name, fields[0].namelen), "Content-Type");
    assert_slice(slice_of((char *)fields[0].value, fields[0].valuelen), "text/plain");
    assert_int_equal(fields[1].valuelen, 0);
    assert_slice(slice_of((char *)fields[2].value, fields[2].valuelen), "a b");
    rest = lines;
    assert_int_equal(http2_fields_take_lines(&rest, fields, 1), 1);
    assert_int_equal(http2_fields_take_lines(&rest, fields, LINES_MAX), 2); // the rest
}

static void malformed_or_merely_refused(void **state)
{
    (void)state;
    assert_false(http2_fault_is_malformed(HTTP1_FAULT_NONE));
    assert_false(http2_fault_is_malformed(HTTP1_FAULT_HEAD_TOO_LARGE));
    assert_false(http2_fault_is_malformed(HTTP1_FAULT_EXPECT));
    assert_true(http2_fault_is_malformed(HTTP1_FAULT_PSEUDO));
    assert_true(http2_fault_is_malformed(HTTP1_FAULT_LENGTH));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_head_gets_its_verdict),
        cmocka_unit_test(values_of_a_head),
        cmocka_unit_test(an_arena_that_is_full_is_a_head_that_is_too_large),
        cmocka_unit_test(lines_become_fields),
        cmocka_unit_test(malformed_or_merely_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
