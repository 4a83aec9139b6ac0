// The compiled-in table against its fixtures: one per row at least, and of each the row that has
// its name comes first. And what is ordinary, huge, slow or odd.
#include "fixture.h"

#include "base/memory.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define FOLDER "tests/unit/doctor/fixtures/"
#define ARENA_MAX ((size_t)16 << 20)

static struct arena tables, looks;
static struct signature_table *compiled, *interpreted;
static struct signature_table *table; // the one that is asked

static struct signature_table *load_text(struct slice text)
{
    static struct conf_mistakes mistakes;
    struct signature_table *loaded = NULL;
    if (signature_load(text, &tables, &mistakes, &loaded) != ERROR_NONE)
        conf_print_mistakes(&mistakes, "src/doctor/signatures.txt", stderr);
    return loaded;
}

// The same again without machine code, as where memory is never both written and executed.
static struct signature_table *load_interpreted(void)
{
    static char buffer[SIGNATURE_FILE_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    struct slice rest = signature_builtin();
    while (rest.data != NULL) {
        text_append(&text, slice_cut(&rest, '~'));
        if (rest.data != NULL)
            text_append(&text, SLICE("~(*NO_JIT)"));
    }
    return text.full ? NULL : load_text(text_slice(&text));
}

static int load(void **state)
{
    (void)state;
    arena_init(&tables, (size_t)64 << 10, ARENA_MAX);
    arena_init(&looks, (size_t)64 << 10, (size_t)2 << 20);
    compiled = table = load_text(signature_builtin());
    interpreted = load_interpreted();
    return compiled == NULL || interpreted == NULL ? -1 : 0;
}

static int unload(void **state)
{
    (void)state;
    signature_release(compiled);
    signature_release(interpreted);
    arena_free(&tables);
    arena_free(&looks);
    return 0;
}

static enum error match(const struct signature_answer *answer, struct signature_match *ret_match)
{
    arena_reset(&looks);
    return signature_match(table, answer, &looks, ret_match);
}

// The row that comes first, "" for none.
static struct slice first_row(const struct signature_answer *answer)
{
    struct signature_match found = {.id = SLICE("")};
    enum error error = match(answer, &found);
    assert_true(error == ERROR_NONE || error == ERROR_NOT_FOUND);
    assert_int_equal(found.stopped, 0);
    return found.id;
}

static void assert_first(const struct signature_answer *answer, struct slice id, const char *name)
{
    struct slice found = first_row(answer);
    if (!slice_equal(found, id))
        fail_msg("%s: row \"%.*s\" comes first, not \"%.*s\"", name, SLICE_ARGS(found),
            SLICE_ARGS(id));
}

static void test_every_fixture_finds_the_row_of_its_name(void **state)
{
    (void)state;
    size_t count = 0;
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct fixture fixture;
        char path[512];
        struct slice name = slice_from_string(entry->d_name);
        if (!slice_ends_with(name, SLICE(".http")))
            continue;
        snprintf(path, sizeof(path), FOLDER "%s", entry->d_name);
        struct slice text = fixture_read(path);
        assert_true(fixture_parse(&fixture, text));
        struct slice id = slice_cut(&name, '.');
        table = interpreted;
        assert_first(&fixture.answer, id, entry->d_name);
        table = compiled;
        assert_first(&fixture.answer, id, entry->d_name);
        free((void *)(uintptr_t)text.data);
        count++;
    }
    closedir(folder);
    assert_true(count >= signature_count(table));
}

static void test_every_row_has_a_fixture(void **state)
{
    (void)state;
    assert_true(signature_count(table) >= 62);
    for (size_t i = 0; i < signature_count(table); i++) {
        char path[512];
        snprintf(path, sizeof(path), FOLDER "%.*s.http", SLICE_ARGS(signature_id(table, i)));
        struct slice text = fixture_read(path);
        if (text.data == NULL)
            fail_msg("there is no %s", path);
        free((void *)(uintptr_t)text.data);
    }
}

static void verdicts_text(struct text *text, const struct verdicts *verdicts)
{
    for (uint32_t i = 0; i < verdicts->count; i++) {
        text_append(text, i == 0 ? SLICE("") : SLICE(" "));
        text_append(text, verdict_name(verdicts->items[i]));
    }
}

// What rows say beyond their name: several verdicts, and those that are refined.
static void test_verdicts_are_refined_by_status_time_and_what_was_captured(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t waited_ms;
        const char *verdicts, *captured;
    } cases[] = {
        {"fastly-generic", 0, "CDN_POP CDN_GLOBAL ORIGIN_DOWN", "cache-sea4461-SEA"},
        {"fastly-nodomain", 0, "SITE_DNS", ""},
        {"cf-530", 0, "SITE_DNS", "1016"},
        {"cf-530.tunnel", 0, "ORIGIN_DOWN", "1033"},
        {"cf-530.page", 0, "SITE_DNS", "1016"},
        {"cf-1020.page", 0, "BLOCKED_YOU", "1009"},
        {"cf-challenge", 0, "OK BLOCKED_YOU", ""},
        {"cf-pass", 0, "ORIGIN_DOWN", ""},
        {"cf-pass.slow", 0, "ORIGIN_SLOW", ""},
        {"cloudfront.slow", 0, "ORIGIN_SLOW", ""},
        {"cloudfront-lambda", 0, "ORIGIN_DOWN", "LambdaExecutionError"},
        {"akamai-any", 0, "CDN_POP ORIGIN_DOWN", "11&#46;3faf3554&#46;1763993100&#46;da3d018"},
        {"azure-fd", 200, "ORIGIN_DOWN CDN_POP", ""},
        {"azure-fd", 24999, "ORIGIN_DOWN CDN_POP", ""},
        {"azure-fd", 25000, "ORIGIN_SLOW", ""},
        {"alb", 0, "ORIGIN_DOWN", ""},
        {"alb.slow", 0, "ORIGIN_SLOW", ""},
        {"vercel", 0, "ORIGIN_DOWN", "FUNCTION_INVOCATION_FAILED"},
        {"vercel.slow", 0, "ORIGIN_SLOW", "FUNCTION_INVOCATION_TIMEOUT"},
        {"vercel.dns", 0, "SITE_DNS", "DNS_HOSTNAME_NOT_FOUND"},
        {"vercel.own", 0, "CDN_POP CDN_GLOBAL", "INTERNAL_FUNCTION_INVOCATION_TIMEOUT"},
        {"imperva", 0, "CDN_POP BLOCKED_YOU", "512000910123456789-92000"},
        {"imperva.denied", 0, "BLOCKED_YOU", "512000910123456789-92000"},
        {"envoy-reset", 0, "ORIGIN_DOWN", "connection failure"},
        {"envoy-reset.overflow", 0, "ORIGIN_OVERLOAD", "overflow"},
        {"envoy-reset.bare", 0, "ORIGIN_DOWN", ""},
        {"kong", 0, "ORIGIN_DOWN", "failure to get a peer"},
        {"kong.dns", 0, "SITE_DNS", "name resolution failed"},
        {"squid", 0, "PROXY ORIGIN_DOWN", "ERR_CONNECT_FAIL"},
        {"squid.dns", 0, "PROXY SITE_DNS", "ERR_DNS_FAIL"},
        {"squid.read", 0, "PROXY ORIGIN_DOWN", "ERR_READ_ERROR"},
        {"squid.slow", 0, "PROXY ORIGIN_SLOW", "ERR_READ_TIMEOUT"},
        {"nginx-503", 0, "ORIGIN_OVERLOAD MAINTENANCE", ""},
        {"apache-502", 200, "ORIGIN_DOWN", ""},
        {"apache-502", 60000, "ORIGIN_SLOW", ""},
        {"heroku-maint", 0, "MAINTENANCE", ""},
        {"any", 0, "UNKNOWN", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture fixture;
        struct signature_match found;
        char path[512], buffer[200];
        struct text verdicts = text_in(buffer, sizeof(buffer));
        snprintf(path, sizeof(path), FOLDER "%s.http", cases[i].name);
        struct slice text = fixture_read(path);
        assert_true(fixture_parse(&fixture, text));
        fixture.answer.waited_ms = cases[i].waited_ms;
        assert_int_equal(match(&fixture.answer, &found), ERROR_NONE);
        verdicts_text(&verdicts, &found.verdicts);
        if (!slice_equal(text_slice(&verdicts), slice_from_string(cases[i].verdicts))
            || !slice_equal(found.captured, slice_from_string(cases[i].captured)))
            fail_msg("%s: %.*s, captured \"%.*s\"", cases[i].name,
                SLICE_ARGS(text_slice(&verdicts)), SLICE_ARGS(found.captured));
        free((void *)(uintptr_t)text.data);
    }
}

static void test_unproven_evidence_is_reported_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < signature_count(table); i++) {
        bool is_unproven = slice_equal(signature_id(table, i), SLICE("sucuri"));
        assert_int_equal(signature_evidence(table, i) == SIGNATURE_EVIDENCE_UNPROVEN, is_unproven);
    }
}

#define ARTICLE                                                                                    \
    "<!doctype html><title>On error pages</title><p>Fastly says Guru Mediation, Varnish says "     \
    "Guru Meditation: XID: 4711. No server is available to handle this request. "                  \
    "Briefly unavailable for scheduled maintenance. error code: 1020. Access Denied"

// What is well is nobody's fault, whatever it speaks of; an error of the site's own is for the
// control.
static void test_ordinary_pages_match_no_product(void **state)
{
    (void)state;
    static const struct {
        const char *text, *row;
    } cases[] = {
        {"HTTP/1.1 200 OK\nContent-Type: text/html\n\n" ARTICLE, ""},
        {"HTTP/1.1 200 OK\nServer: cloudflare\nCF-RAY: 8b2e5f3a1c9d4e7f-LHR\n\n" ARTICLE, ""},
        {"HTTP/1.1 404 Not Found\nServer: nginx\n\n<center><h1>404 Not Found</h1></center>\n"
         "<hr><center>nginx</center>\n", ""},
        {"HTTP/1.1 404 Not Found\nServer: cloudflare\nCF-RAY: 1-LHR\n\n<h1>Not here</h1>", ""},
        {"HTTP/1.1 403 Forbidden\nServer: Apache\n\n<h1>Forbidden</h1>\n<p>You don't have "
         "permission to access this resource.</p>", ""},
        {"HTTP/1.1 403 Forbidden\nServer: cloudflare\nCF-RAY: 1-LHR\n\nNo member's pass.", ""},
        {"HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic\n\n", ""},
        {"HTTP/1.1 301 Moved Permanently\nServer: AkamaiGHost\nLocation: /x\n\n", ""},
        {"HTTP/1.1 204 No Content\nServer: Caddy\n\n", ""},
        {"HTTP/1.1 429 Too Many Requests\nRetry-After: 5\n\nSlow down", ""},
        {"HTTP/1.1 500 Internal Server Error\nServer: nginx\n\n<center><h1>500 Internal Server "
         "Error</h1></center>\n<hr><center>nginx</center>\n", "any"},
        {"HTTP/1.1 500 Internal Server Error\nServer: cloudflare\nCF-RAY: 1-LHR\n\nOops", "any"},
        {"HTTP/1.1 500 Internal Server Error\nServer: Apache\n\nThe server encountered an internal "
         "error or misconfiguration", "any"},
        {"HTTP/1.1 502 Bad Gateway\n\n<h1>502 Bad Gateway</h1> in words of our own", "any"},
        {"HTTP/1.1 503 Service Unavailable\n\n{\"message\":\"Service Unavailable\"}", "any"},
        {"HTTP/1.1 503 Service Unavailable\n\n", "any"},
        {"HTTP/1.1 503 Service Unavailable\n\nSorry: there is no available server today", "any"},
        {"HTTP/1.1 503 Service Unavailable\nRetry-After: 30\n\nMaintenance till noon", "retry"},
        {"HTTP/1.1 504 Gateway Timeout\n\nThe upstream request timeout is 5 s.", "any"},
        {"HTTP/1.1 599 Odd\n\n\n", "any"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture fixture;
        assert_true(fixture_parse(&fixture, slice_from_string(cases[i].text)));
        assert_first(&fixture.answer, slice_from_string(cases[i].row), cases[i].text);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Of every product at once, so that no row is passed over for want of its field.
static struct http_field every[] = {{{"server", 6}, {"AkamaiGHost", 11}, HTTP_NAME_SERVER},
    {{"server", 6}, {"Apache", 6}, HTTP_NAME_SERVER},
    {{"server", 6}, {"Caddy", 5}, HTTP_NAME_SERVER},
    {{"x-sucuri-id", 11}, {"1", 1}, 0}, {{"x-iinfo", 7}, {"1", 1}, 0},
    {{"x-kong-response-latency", 23}, {"1", 1}, 0}, {{"x-cache", 7}, {NULL, 0}, 0},
    {{"x-squid-error", 13}, {NULL, 0}, 0}, {{"x-vercel-error", 14}, {NULL, 0}, 0},
    {{"cf-ray", 6}, {"1", 1}, 0}};

static void assert_is_quick(uint16_t status, uint32_t field_count, struct slice body,
    const char *name)
{
    struct http_fields fields = {every, field_count, field_count};
    struct signature_answer answer = {status, &fields, body, 0};
    struct signature_match found;
    double began = seconds();
    assert_int_equal(match(&answer, &found), ERROR_NONE);
    double taken = seconds() - began;
    if (found.stopped > 0 || taken > 0.25) // 64 KB take some milliseconds under a sanitizer
        fail_msg("\"%s\" with status %d: %u stopped, %.3f s", name, status, found.stopped, taken);
}

// What some row looks for, over and over or never ending. No expression of ours is given up.
static void test_time_is_bounded_whatever_the_content(void **state)
{
    (void)state;
    static const struct {
        const char *head, *filler;
    } seeds[] = {
        {"", "Backend is "}, {"", "backend "}, {"Backend ", "x"}, {"", "Details: cache-a-"},
        {"Guru Mediation: Details: cache-", "a"}, {"", "error "}, {"error code: ", "1"},
        {"", "Reference #1.1.1."}, {"Reference #", "1"}, {"Reference #1.1.1.", "1"},
        {"", "Incapsula incident ID   "}, {"Incapsula incident ID:", " "},
        {"Incapsula incident ID:", "1"}, {"Guru Meditation: XID:", " "},
        {"Guru Meditation: XID:", "1"}, {"", "a"}, {"", "A_"}, {"", " "}, {"", "\n"}, {"", "<h1>"},
        {"<h1>502 Bad Gateway</h1></center>", " "}, {"", "Guru Mediation: Guru Meditation: "},
        {"", "upstream connect error or disconnect/reset before headers. "},
        {"upstream connect error or disconnect/reset before headers. reset reason: ", "x"},
        {"due to maintenance downtime or capacity", " "}, {"received an invalid", "\n"},
        {"ERR_", "A"}, {"Lambda", "a"}, {"A", "A"}, {"A_", "A"}, {"Function", "a from"},
    };
    const size_t size = (size_t)10 << 20;
    char *body = malloc(size);
    assert_non_null(body);
    for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
        size_t head = strlen(seeds[i].head), period = strlen(seeds[i].filler);
        memcpy(body, seeds[i].head, head);
        for (size_t at = head; at < size; at++)
            body[at] = seeds[i].filler[(at - head) % period];
        for (size_t field = 6; field < 9; field++)
            every[field].value = slice_of(body, size);
        for (uint16_t status = 500; status <= 504; status++) {
            table = interpreted;
            assert_is_quick(status, 0, slice_of(body, size), seeds[i].head);
            assert_is_quick(status, ARRAY_SIZE(every), slice_of(body, size), seeds[i].head);
            table = compiled;
            assert_is_quick(status, 0, slice_of(body, size), seeds[i].head);
            assert_is_quick(status, ARRAY_SIZE(every), slice_of(body, size), seeds[i].head);
        }
    }
    memset(body, 0, size);
    assert_is_quick(503, 0, slice_of(body, size), "zeros");
    free(body);
}

static void test_only_the_beginning_of_the_content_is_looked_at(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct slice words = SLICE("no healthy upstream");
    char *body = malloc(SIGNATURE_BODY_MAX + words.size);
    assert_non_null(body);
    memset(body, 'x', SIGNATURE_BODY_MAX + words.size);
    assert_true(fixture_parse(&fixture, SLICE("HTTP/1.1 503 Unavailable\n\n")));
    memcpy(body + SIGNATURE_BODY_MAX - words.size, words.data, words.size);
    fixture.answer.body = slice_of(body, SIGNATURE_BODY_MAX + words.size);
    assert_first(&fixture.answer, SLICE("envoy-none"), "within");
    memset(body, 'x', SIGNATURE_BODY_MAX);
    memcpy(body + SIGNATURE_BODY_MAX - words.size + 1, words.data, words.size);
    assert_first(&fixture.answer, SLICE("any"), "beyond");
    free(body);
}

static void test_odd_bytes_are_bytes_like_others(void **state)
{
    (void)state;
    static const char zeros[] = "HTTP/1.1 503 Unavailable\nX-A: \0\xff\x80\n\n\0\0no healthy "
                                "upstream\0\xff";
    static const char envoy[] = "HTTP/1.1 503 Unavailable\nX: y\n\nupstream connect error or "
                                "disconnect/reset before headers. reset reason: a\x1b[31m\0b\r\n";
    struct fixture fixture;
    struct signature_match found;
    assert_true(fixture_parse(&fixture, slice_of(zeros, sizeof(zeros) - 1)));
    assert_first(&fixture.answer, SLICE("envoy-none"), "zeros");
    assert_true(fixture_parse(&fixture, slice_of(envoy, sizeof(envoy) - 1)));
    assert_int_equal(match(&fixture.answer, &found), ERROR_NONE);
    assert_true(slice_equal(found.captured, SLICE("a\x1b[31m\0b"))); // the reader's to escape
    assert_true(fixture_parse(&fixture, SLICE("HTTP/1.1 502 Bad\nsErVeR:  cAdDy\t\n\n")));
    assert_first(&fixture.answer, SLICE("caddy"), "case");
}

static void test_of_a_long_value_the_beginning_counts(void **state)
{
    (void)state;
    static char text[8192] = "HTTP/1.1 502 Bad\nServer: ";
    struct fixture fixture;
    size_t size = strlen(text);
    memset(text + size, 'x', 7000);
    memcpy(text + size + 7000, "Caddy\n\n", 7);
    assert_true(fixture_parse(&fixture, slice_from_string(text)));
    assert_first(&fixture.answer, SLICE("any"), "long");
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_true(fixture_parse(&fixture, SLICE("HTTP/1.1 503 Unavailable\n\nno healthy upstream")));
    enum error error = ERROR_MEMORY;
    for (uint64_t i = 1; error == ERROR_MEMORY; i++) {
        static struct conf_mistakes mistakes;
        struct signature_table *one = NULL;
        struct signature_match found;
        struct arena arena;
        arena_init(&arena, 512, ARENA_MAX);
        memory_fail_after(i);
        error = signature_load(signature_builtin(), &arena, &mistakes, &one);
        if (error == ERROR_NONE)
            error = signature_match(one, &fixture.answer, &arena, &found);
        memory_fail_after(0);
        assert_true(error == ERROR_NONE || error == ERROR_MEMORY);
        signature_release(one);
        arena_free(&arena);
    }
    struct arena small;
    struct signature_match found;
    arena_init(&small, 256, 256);
    assert_int_equal(signature_match(table, &fixture.answer, &small, &found), ERROR_MEMORY);
    arena_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fixture_finds_the_row_of_its_name),
        cmocka_unit_test(test_every_row_has_a_fixture),
        cmocka_unit_test(test_verdicts_are_refined_by_status_time_and_what_was_captured),
        cmocka_unit_test(test_unproven_evidence_is_reported_so),
        cmocka_unit_test(test_ordinary_pages_match_no_product),
        cmocka_unit_test(test_time_is_bounded_whatever_the_content),
        cmocka_unit_test(test_only_the_beginning_of_the_content_is_looked_at),
        cmocka_unit_test(test_odd_bytes_are_bytes_like_others),
        cmocka_unit_test(test_of_a_long_value_the_beginning_counts),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
