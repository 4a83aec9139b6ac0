// Requests: a long table of raw ones with the verdict each must get, however its bytes are cut,
// and what the accepted ones mean.
#include "http1_helpers.h"

#include "base/text.h"

struct raw_request {
    enum http1_fault fault;
    struct slice raw;
};

#define H "Host: a.example\r\n"
#define END H "\r\n"
#define R(name, text) {HTTP1_FAULT_##name, {text, sizeof(text) - 1}},

static const struct raw_request requests[] = {
    // The request line.
    R(NONE, "GET / HTTP/1.1\r\n" END)
    R(NONE, "\r\nGET / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "\r\n\r\nGET / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, " GET / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "\tGET / HTTP/1.1\r\n" END)
    R(SYNTAX_NEWLINE, "\nGET / HTTP/1.1\r\n" END)
    R(SYNTAX_NEWLINE, "\rGET / HTTP/1.1\r\n" END)
    R(SYNTAX_NEWLINE, "\r\n\nGET / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "\x00GET / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") // TLS
    R(SYNTAX_LINE, "\x80GET / HTTP/1.1\r\n" END)
    R(NONE, "get / HTTP/1.1\r\n" END)
    R(NONE, "X-PURGE!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "G(T / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "G\xc3\xa9T / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET: / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET/ HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET\t/ HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET /\tx HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET /\tHTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET  / HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET /  HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/1.1 \r\n" END)
    R(SYNTAX_LINE, "GET /a b HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET / \r\n" END)
    R(SYNTAX_LINE, "GET /\r\n" END) // HTTP/0.9
    R(SYNTAX_LINE, "GET\r\n" END)
    R(SYNTAX_LINE, "GET \r\n" END)
    R(SYNTAX_LINE, "GET HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET  HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/1.1\x00\r\n" END)
    R(SYNTAX_CHARACTER, "GET /\x00 HTTP/1.1\r\n" END)
    R(SYNTAX_CHARACTER, "GET /\x0b HTTP/1.1\r\n" END)
    R(SYNTAX_CHARACTER, "GET /\x7f HTTP/1.1\r\n" END)
    R(SYNTAX_NEWLINE, "GET / HTTP/1.1\n" END)
    R(SYNTAX_NEWLINE, "GET / HTTP/1.1\nHost: a\n\n")
    R(SYNTAX_NEWLINE, "GET /\rx HTTP/1.1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/1.1\r\r\n" END)
    // Versions.
    R(NONE, "GET / HTTP/1.0\r\n\r\n")
    R(NONE, "GET / HTTP/1.2\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/1.10\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/1.\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/.1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/1,1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/ 1.1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/01.1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/+1.1\r\n" END)
    R(SYNTAX_LINE, "GET / http/1.1\r\n" END)
    R(SYNTAX_LINE, "GET / Http/1.1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTPS/1.1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/a.1\r\n" END)
    R(SYNTAX_LINE, "GET / HTTP/1.a\r\n" END)
    R(SYNTAX_LINE, "GET / ICY/1.12\r\n" END)
    R(VERSION, "GET / HTTP/2.0\r\n" END)
    R(VERSION, "GET / HTTP/3.1\r\n" END)
    R(VERSION, "GET / HTTP/0.9\r\n" END)
    R(VERSION, "PRI * HTTP/2.0\r\n\r\n")
    // Targets.
    R(NONE, "GET /a/b;c=1,2/@:!$&'()*+~_.- HTTP/1.1\r\n" END)
    R(NONE, "GET /%7euser/%zz?a=%&b=[1]|{2} HTTP/1.1\r\n" END)
    R(NONE, "GET /?q=a\\b HTTP/1.1\r\n" END)
    R(NONE, "GET //host/path HTTP/1.1\r\n" END)
    R(NONE, "GET /%00 HTTP/1.1\r\n" END)
    R(NONE, "GET /a?b?c HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET /a\\b HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET /#fragment HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET /?a#fragment HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET /\xc3\xa9 HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET /?\xe9 HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET /\"x\" HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET /<script> HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET index.html HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET ?a HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET . HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET * HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "OPTIONS *x HTTP/1.1\r\n" END)
    R(NONE, "OPTIONS * HTTP/1.1\r\n" END)
    R(NONE, "GET http://a.example/x?y HTTP/1.1\r\n" END)
    R(NONE, "GET HTTPS://a.example:443 HTTP/1.1\r\n" END)
    R(NONE, "GET http://a.example?x HTTP/1.1\r\n" END)
    R(NONE, "GET http://other.example/ HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET http://user@a.example/ HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET http://user:pass@a.example/ HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET http:///x HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET http:/x HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET http://a.example\\x/ HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET http://a.example:99999/ HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET http://a.example/#x HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET ftp://a.example/ HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET file:///etc/passwd HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "GET a.example:80 HTTP/1.1\r\n" END)
    R(NONE, "CONNECT a.example:443 HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "CONNECT a.example HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "CONNECT a.example: HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "CONNECT / HTTP/1.1\r\n" END)
    R(SYNTAX_TARGET, "CONNECT http://a.example/ HTTP/1.1\r\n" END)
    R(HOST, "GET http://a.example/ HTTP/1.1\r\n\r\n")
    // Host.
    R(HOST, "GET / HTTP/1.1\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost:\r\n\r\n")
    R(HOST, "GET / HTTP/1.0\r\nHost: \r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\n" H END)
    R(HOST, "GET / HTTP/1.0\r\n" H END)
    R(HOST, "GET / HTTP/1.1\r\n" H "HOST: b.example\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a.example,b.example\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: http://a\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a%00b\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: \xc3\xa9.example\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: ../x\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: ..\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: .a\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a..b\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a:0\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a:080000\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: []\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: [0000:0000:0000:0000:0000:0000:0000:0000000000000001]\r\n\r\n")
    R(HOST, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n")
    R(NONE, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n")
    R(NONE, "GET / HTTP/1.1\r\nHost: A_b-c.example.:65535\r\n\r\n")
    R(NONE, "GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n")
    R(NONE, "GET / HTTP/1.1\r\nhOST:\t a.example \t\r\n\r\n")
    // Field lines.
    R(NONE, "GET / HTTP/1.1\r\nA:\r\nB: \t \r\n" END)
    R(NONE, "GET / HTTP/1.1\r\nA: caf\xc3\xa9 \t x\r\n" END)
    R(NONE, "GET / HTTP/1.1\r\nA: :x: \"y\"\r\n" END)
    R(SYNTAX_FIELD, "GET / HTTP/1.1\r\nA : x\r\n" END)
    R(SYNTAX_FIELD, "GET / HTTP/1.1\r\nA\t: x\r\n" END)
    R(SYNTAX_FIELD, "GET / HTTP/1.1\r\n: x\r\n" END)
    R(SYNTAX_FIELD, "GET / HTTP/1.1\r\nA B: x\r\n" END)
    R(SYNTAX_FIELD, "GET / HTTP/1.1\r\nA\r\n" END)
    R(SYNTAX_FIELD, "GET / HTTP/1.1\r\nA;b: x\r\n" END)
    R(SYNTAX_FIELD, "GET / HTTP/1.1\r\nCaf\xc3\xa9: x\r\n" END)
    R(SYNTAX_FOLD, "GET / HTTP/1.1\r\n Host: a\r\n" END)
    R(SYNTAX_FOLD, "GET / HTTP/1.1\r\n" H " folded\r\n\r\n")
    R(SYNTAX_FOLD, "GET / HTTP/1.1\r\n" H "A: x\r\n\tfolded\r\n\r\n")
    R(SYNTAX_FOLD, "GET / HTTP/1.1\r\n" H " \r\n\r\n")
    R(SYNTAX_CHARACTER, "GET / HTTP/1.1\r\nA: x\x00y\r\n" END)
    R(SYNTAX_CHARACTER, "GET / HTTP/1.1\r\nA: \x1b[0m\r\n" END)
    R(SYNTAX_CHARACTER, "GET / HTTP/1.1\r\nA: x\x7f\r\n" END)
    R(SYNTAX_CHARACTER, "GET / HTTP/1.1\r\nA\x00: x\r\n" END)
    R(SYNTAX_CHARACTER, "GET / HTTP/1.1\r\nA\x01: x\r\n" END)
    R(SYNTAX_NEWLINE, "GET / HTTP/1.1\r\nA: x\n" END)
    R(SYNTAX_NEWLINE, "GET / HTTP/1.1\r\nA: x\ry\r\n" END)
    R(SYNTAX_NEWLINE, "GET / HTTP/1.1\r\nA: x\r\r\n" END)
    R(SYNTAX_NEWLINE, "GET / HTTP/1.1\r\n" H "\n")
    R(SYNTAX_NEWLINE, "GET / HTTP/1.1\r\n" H "\r\r\n\r\n")
    // Content-Length.
    R(NONE, "POST / HTTP/1.1\r\nContent-Length: 5\r\n" END)
    R(NONE, "POST / HTTP/1.1\r\nContent-Length:\t 5 \r\n" END)
    R(NONE, "POST / HTTP/1.1\r\nContent-Length: 0\r\n" END)
    R(NONE, "POST / HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 9223372036854775808\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 18446744073709551621\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999999\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length:\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: +5\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: -5\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 5,6\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 5,\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 5 5\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 05\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 0x5\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 5.0\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: \"5\"\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 5;x\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: five\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: \xef\xbc\x95\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n" END)
    R(LENGTH, "POST / HTTP/1.1\r\nContent-Length: 5\r\ncontent-length: 6\r\n" END)
    R(SYNTAX_FIELD, "POST / HTTP/1.1\r\nContent-Length : 5\r\n" END)
    // Transfer-Encoding.
    R(NONE, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END)
    R(NONE, "POST / HTTP/1.1\r\ntransfer-encoding: \tChunKED \r\n" END)
    R(LENGTH_AND_CODING, "POST / HTTP/1.1\r\n"
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END)
    R(LENGTH_AND_CODING, "POST / HTTP/1.1\r\n"
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END)
    R(LENGTH_AND_CODING, "POST / HTTP/1.1\r\n"
        "Content-Length: x\r\nTransfer-Encoding: identity\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\n"
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\n"
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" END)
    R(CODING, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" END)
    R(CODING, "POST / HTTP/1.1\r\nTransfer-Encoding: identity,chunked\r\n" END)
    R(CODING, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip;q=1, chunked\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: chunkedx\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked;q=1\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: , chunked\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked,\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked chunked\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: \"chunked\"\r\n" END)
    R(CODING_SYNTAX, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\xa0\r\n" END)
    R(SYNTAX_CHARACTER, "POST / HTTP/1.1\r\nTransfer-Encoding: \x0b" "chunked\r\n" END)
    R(SYNTAX_FIELD, "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n" END)
    R(SYNTAX_FOLD, "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n" END)
    // Expect.
    R(NONE, "POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n" END)
    R(EXPECT, "POST / HTTP/1.1\r\nExpect: 200-ok\r\nContent-Length: 5\r\n" END)
    R(EXPECT, "POST / HTTP/1.1\r\nExpect:\r\nContent-Length: 5\r\n" END)
    R(EXPECT, "POST / HTTP/1.1\r\nExpect: 100-continue, x\r\nContent-Length: 5\r\n" END)
    R(EXPECT, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nExpect: x\r\nContent-Length: 5\r\n" END)
};

static void every_raw_request_gets_its_verdict_however_it_is_cut(void **state)
{
    (void)state;
    bool seen[HTTP1_FAULT_COUNT] = {false};
    assert_true(ARRAY_SIZE(requests) >= 120);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct http_field items[FIELDS_MAX];
        struct http_request_head head = {.fields = {items, 0, FIELDS_MAX}};
        enum http1_fault fault = read_request(requests[i].raw, &test_limits, &head);
        if (fault != requests[i].fault)
            fail_msg("request %zu: \"%s\" instead of \"%s\":\n%.*s", i, http1_fault_text(fault),
                http1_fault_text(requests[i].fault), SLICE_ARGS(requests[i].raw));
        seen[fault] = true;
    }
    for (int fault = 0; fault < HTTP1_FAULT_COUNT; fault++) {
        bool elsewhere = fault == HTTP1_FAULT_CHUNK || fault == HTTP1_FAULT_TRAILER
            || fault == HTTP1_FAULT_LINE_TOO_LONG || fault == HTTP1_FAULT_HEAD_TOO_LARGE
            || fault == HTTP1_FAULT_TOO_MANY_FIELDS || fault == HTTP1_FAULT_STATUS
            || fault == HTTP1_FAULT_PSEUDO || fault == HTTP1_FAULT_CONNECTION_FIELD;
        if (!seen[fault] && !elsewhere)
            fail_msg("no request for \"%s\"", http1_fault_text((enum http1_fault)fault));
    }
}

static void a_refused_head_leaves_the_output_alone(void **state)
{
    (void)state;
    struct http_field items[4];
    struct http_request_head head = {.fields = {items, 0, 4}, .content_length = 77};
    struct http_request_head before = head;
    assert_int_equal(http1_parse_request(SLICE("GET / HTTP/1.1\r\nA: x\r\n\r\n"), &test_limits,
        &head), HTTP1_FAULT_HOST);
    assert_memory_equal(&head, &before, sizeof(head));
}

static void accept(struct slice raw, struct http_request_head *head)
{
    enum http1_fault fault = read_request(raw, &test_limits, head);
    if (fault != HTTP1_FAULT_NONE)
        fail_msg("refused with \"%s\":\n%.*s", http1_fault_text(fault), SLICE_ARGS(raw));
}

static void the_parts_of_a_request_are_named(void **state)
{
    (void)state;
    struct http_field items[FIELDS_MAX];
    struct http_request_head head = {.fields = {items, 0, FIELDS_MAX}};
    accept(SLICE("GET /a/b?c=d?e HTTP/1.1\r\nHost: A.example:81\r\nX-Own:  v w \r\nAge:3\r\n\r\n"),
        &head);
    assert_int_equal(head.method, HTTP_METHOD_GET);
    assert_text(head.method_text, "GET");
    assert_text(head.target, "/a/b?c=d?e");
    assert_text(head.path, "/a/b");
    assert_text(head.query, "c=d?e");
    assert_text(head.authority, "A.example:81");
    assert_int_equal(head.minor_version, 1);
    assert_true(head.keep_alive);
    assert_false(head.expect_continue);
    assert_int_equal(head.framing, HTTP_FRAMING_NONE);
    assert_int_equal(head.fields.count, 3);
    assert_int_equal(items[0].known, HTTP_NAME_HOST);
    assert_text(items[1].name, "X-Own");
    assert_text(items[1].value, "v w");
    assert_int_equal(items[1].known, HTTP_NAME_OTHER);
    assert_text(items[2].value, "3");
    assert_int_equal(items[2].known, HTTP_NAME_AGE);
    accept(SLICE("BREW /? HTTP/1.0\r\n\r\n"), &head);
    assert_int_equal(head.method, HTTP_METHOD_OTHER);
    assert_int_equal(head.minor_version, 0);
    assert_int_equal(head.fields.count, 0);
    assert_int_equal(head.authority.size, 0);
    assert_non_null(head.query.data);
    assert_int_equal(head.query.size, 0);
    accept(SLICE("GET / HTTP/1.9\r\n" END), &head);
    assert_int_equal(head.minor_version, 1);
    assert_null(head.query.data);
}

static void the_target_overrules_host(void **state)
{
    (void)state;
    struct http_field items[FIELDS_MAX];
    struct http_request_head head = {.fields = {items, 0, FIELDS_MAX}};
    accept(SLICE("GET http://b.example:82/x?y HTTP/1.1\r\n" END), &head);
    assert_text(head.authority, "b.example:82");
    assert_text(head.path, "/x");
    assert_text(head.query, "y");
    accept(SLICE("GET http://b.example HTTP/1.1\r\n" END), &head);
    assert_text(head.path, "/");
    assert_null(head.query.data);
    accept(SLICE("GET http://b.example?q HTTP/1.1\r\n" END), &head);
    assert_text(head.path, "/");
    assert_text(head.query, "q");
    accept(SLICE("OPTIONS http://b.example HTTP/1.1\r\n" END), &head);
    assert_text(head.path, "*");
    accept(SLICE("OPTIONS http://b.example/ HTTP/1.1\r\n" END), &head);
    assert_text(head.path, "/");
    accept(SLICE("OPTIONS * HTTP/1.1\r\n" END), &head);
    assert_text(head.path, "*");
    assert_text(head.authority, "a.example");
    accept(SLICE("CONNECT [::1]:443 HTTP/1.1\r\n" END), &head);
    assert_text(head.authority, "[::1]:443");
    assert_int_equal(head.path.size, 0);
}

static void the_connection_is_kept_as_the_version_and_the_field_say(void **state)
{
    (void)state;
    static const struct {
        struct slice raw;
        bool keep_alive;
    } cases[] = {
        {SLICE("GET / HTTP/1.1\r\n" END), true},
        {SLICE("GET / HTTP/1.1\r\nConnection: close\r\n" END), false},
        {SLICE("GET / HTTP/1.1\r\nConnection: CLOSE\r\n" END), false},
        {SLICE("GET / HTTP/1.1\r\nConnection: keep-alive, Close\r\n" END), false},
        {SLICE("GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: close\r\n" END), false},
        {SLICE("GET / HTTP/1.1\r\nConnection: closed\r\n" END), true},
        {SLICE("GET / HTTP/1.0\r\n\r\n"), false},
        {SLICE("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true},
        {SLICE("GET / HTTP/1.0\r\nConnection: x\r\nConnection: keep-alive\r\n\r\n"), true},
        {SLICE("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_field items[FIELDS_MAX];
        struct http_request_head head = {.fields = {items, 0, FIELDS_MAX}};
        accept(cases[i].raw, &head);
        if (head.keep_alive != cases[i].keep_alive)
            fail_msg("case %zu", i);
    }
}

static void framing_and_expectation_follow_the_fields(void **state)
{
    (void)state;
    struct http_field items[FIELDS_MAX];
    struct http_request_head head = {.fields = {items, 0, FIELDS_MAX}};
    accept(SLICE("POST / HTTP/1.1\r\nContent-Length: 1234\r\nExpect: 100-continue\r\n" END), &head);
    assert_int_equal(head.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(head.content_length, 1234);
    assert_true(head.expect_continue);
    accept(SLICE("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n" END),
        &head);
    assert_int_equal(head.framing, HTTP_FRAMING_CHUNKED);
    assert_true(head.expect_continue);
    accept(SLICE("POST / HTTP/1.1\r\nContent-Length: 0\r\nExpect: 100-continue\r\n" END), &head);
    assert_int_equal(head.framing, HTTP_FRAMING_LENGTH);
    assert_false(head.expect_continue);
    accept(SLICE("GET / HTTP/1.1\r\nExpect: 100-continue\r\n" END), &head);
    assert_false(head.expect_continue);
    accept(SLICE("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n" END), &head);
    assert_false(head.expect_continue);
}

static void the_fields_storage_bounds_their_number(void **state)
{
    (void)state;
    struct http_field items[2];
    struct http_request_head head = {.fields = {items, 0, 2}};
    assert_int_equal(http1_parse_request(SLICE("GET / HTTP/1.1\r\nA: x\r\n" END), &test_limits,
        &head), HTTP1_FAULT_NONE);
    assert_int_equal(http1_parse_request(SLICE("GET / HTTP/1.1\r\nA: x\r\nB: x\r\n" END),
        &test_limits, &head), HTTP1_FAULT_TOO_MANY_FIELDS);
}

// The parser does not rely on the scan: whatever piece of a head it gets, it refuses.
static void every_prefix_of_a_head_is_refused_by_the_parser(void **state)
{
    (void)state;
    struct slice raw = SLICE("GET /x HTTP/1.1\r\nHost: a.example\r\nA: b\r\n\r\n");
    for (size_t size = 1; size < raw.size; size++) {
        struct http_field items[4];
        struct http_request_head head = {.fields = {items, 0, 4}};
        struct slice part = heap_copy(slice_of(raw.data, size));
        assert_int_not_equal(http1_parse_request(part, &test_limits, &head), HTTP1_FAULT_NONE);
        heap_release(part);
    }
}

static void the_parser_refuses_what_the_scan_would_not_let_through(void **state)
{
    (void)state;
    static const struct http1_limits narrow = {
        .head_size = 4096, .line_size = 20, .field_count = 2, .chunk_line_size = 64,
        .trailer_size = 64};
    static const struct {
        struct slice raw;
        enum http1_fault fault;
    } cases[] = {
        {SLICE(" / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP1_FAULT_SYNTAX_LINE},
        {SLICE("\r\n\r\n"), HTTP1_FAULT_SYNTAX_LINE},
        {SLICE("GET /23456 HTTP/1.1\r\nHost: 789012345678901\r\n\r\n"), HTTP1_FAULT_HEAD_TOO_LARGE},
        {SLICE("GET /234567 HTTP/1.1\r\nHost: 78901234567890\r\n\r\n"), HTTP1_FAULT_NONE},
        {SLICE("GET /2345678 HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP1_FAULT_LINE_TOO_LONG},
        {SLICE("GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n\r\n"), HTTP1_FAULT_TOO_MANY_FIELDS},
        {SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\nA: b\r\n\r\n"), HTTP1_FAULT_SYNTAX_FIELD},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_field items[4];
        struct http_request_head head = {.fields = {items, 0, 4}};
        struct slice copy = heap_copy(cases[i].raw);
        enum http1_fault fault = http1_parse_request(copy, &narrow, &head);
        if (fault != cases[i].fault)
            fail_msg("case %zu: \"%s\"", i, http1_fault_text(fault));
        heap_release(copy);
    }
}

static void connection_options_are_bounded_in_sum(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        char raw[2048], options[513];
        struct http_field items[4];
        struct http_request_head head = {.fields = {items, 0, 4}};
        struct text text = text_in(raw, sizeof(raw));
        memset(options, 'a', sizeof(options));
        text_append(&text, SLICE("GET / HTTP/1.1\r\n" H "Connection: "));
        text_append(&text, slice_of(options, 512));
        text_append(&text, SLICE("\r\nConnection: "));
        text_append(&text, slice_of(options, 512 + more));
        text_append(&text, SLICE("\r\n\r\n"));
        assert_int_equal(read_request(text_slice(&text), &test_limits, &head),
            more == 0 ? HTTP1_FAULT_NONE : HTTP1_FAULT_HEAD_TOO_LARGE);
    }
}

static void what_follows_a_head_is_not_looked_at(void **state)
{
    (void)state;
    struct slice raw = SLICE("GET / HTTP/1.1\r\n" END "\x00\n\r \x7fgarbage");
    struct scan_verdict scan = scan_every_way(raw, false, &test_limits);
    assert_int_equal(scan.progress, HTTP1_DONE);
    assert_int_equal(scan.end, strlen("GET / HTTP/1.1\r\n" END));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_raw_request_gets_its_verdict_however_it_is_cut),
        cmocka_unit_test(a_refused_head_leaves_the_output_alone),
        cmocka_unit_test(the_parts_of_a_request_are_named),
        cmocka_unit_test(the_target_overrules_host),
        cmocka_unit_test(the_connection_is_kept_as_the_version_and_the_field_say),
        cmocka_unit_test(framing_and_expectation_follow_the_fields),
        cmocka_unit_test(the_fields_storage_bounds_their_number),
        cmocka_unit_test(every_prefix_of_a_head_is_refused_by_the_parser),
        cmocka_unit_test(the_parser_refuses_what_the_scan_would_not_let_through),
        cmocka_unit_test(connection_options_are_bounded_in_sum),
        cmocka_unit_test(what_follows_a_head_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
