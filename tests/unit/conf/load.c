// Good files: every type arrives where the table says, and what is not written has its default.
#include "base/memory.h"
#include "conf/conf.h"
#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena arena;
static struct conf_mistakes mistakes;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096, (size_t)64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct edge_settings load(const char *yaml)
{
    struct edge_settings settings;
    memset(&settings, 0xAA, sizeof(settings));
    enum error error = conf_load_text(slice_from_string(yaml), &edge_section, &arena, &settings,
        &mistakes);
    conf_print_mistakes(&mistakes, "test", stderr);
    assert_int_equal(error, ERROR_NONE);
    assert_int_equal(mistakes.count, 0);
    return settings;
}

static void assert_text(struct slice slice, const char *expected)
{
    assert_non_null(slice.data);
    assert_int_equal(slice.size, strlen(expected));
    assert_string_equal(slice.data, expected); // NUL-terminated too
}

static const struct slice *texts(struct setting_list list)
{
    return list.items;
}

static void assert_defaults(const struct edge_settings *settings)
{
    assert_int_equal(settings->listen.count, 0);
    assert_int_equal(settings->threads, 1);
    assert_true(settings->expose);
    assert_text(settings->greeting, "Hello: there");
    assert_int_equal(settings->stale_despite, 6);
    assert_int_equal(settings->methods.count, 2);
    assert_text(texts(settings->methods)[0], "GET");
    assert_text(texts(settings->methods)[1], "HEAD");
    assert_int_equal(settings->cache.memory, 64 << 20);
    assert_int_equal(settings->cache.keep_ms, UINT64_C(30) * 86400000);
    assert_int_equal(settings->cache.share, 10);
    assert_int_equal(settings->cache.disk.size, 1 << 30);
    assert_int_equal(settings->cache.disk.path.size, 0);
    assert_int_equal(settings->origins.count, 0);
}

static void test_empty_files_mean_all_defaults(void **state)
{
    (void)state;
    static const char *const files[] = {"", "\n\n", "# only a comment\n", "---\n", "---\n...\n",
        "{}", "null\n", "cache:\n", "cache:\n  disk:\norigins:\nlisten: ~\nmethods:\n",
        "\xEF\xBB\xBF# after a byte order mark\n"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        struct edge_settings settings = load(files[i]);
        assert_defaults(&settings);
    }
}

static void test_no_data_is_an_empty_file(void **state)
{
    (void)state;
    struct edge_settings settings;
    assert_int_equal(conf_load_text(SLICE_EMPTY, &edge_section, &arena, &settings, &mistakes),
        ERROR_NONE);
    assert_defaults(&settings);
}

static void test_defaults_without_a_file(void **state)
{
    (void)state;
    struct edge_settings settings;
    assert_int_equal(conf_load_defaults(&edge_section, &arena, &settings), ERROR_NONE);
    assert_defaults(&settings);
    struct origin_settings origin; // what is required in it stays zero
    assert_int_equal(conf_load_defaults(&origin_section, &arena, &origin), ERROR_NONE);
    assert_int_equal(origin.balance, 1);
    assert_int_equal(origin.backends.count, 0);
}

static void test_every_type_is_read(void **state)
{
    (void)state;
    struct edge_settings settings = load(
        "listen: [\":80\", '[::1]:8080']\n"
        "threads: 4\n"
        "expose: false\n"
        "greeting: \"null\"\n"
        "stale_despite:\n  - no_cache\n  - no_store\n"
        "methods: GET\n"
        "cache:\n"
        "  memory: 2GB\n"
        "  keep: 90s\n"
        "  share: 20%\n"
        "  disk: {path: /tmp/with space, size: \"5MB\"}\n"
        "origins:\n"
        "  main:\n"
        "    balance: hash\n"
        "    backends:\n"
        "      - url: http://127.0.0.1:1\n"
        "        weight: 7\n"
        "        healthy: 200, 301 - 303\n"
        "      - {url: \"http://127.0.0.1:2\", connect_timeout: 250ms, healthy: [204, 400-401]}\n"
        "  '2':\n"
        "    backends: [{url: 'http://b'}]\n");
    assert_int_equal(settings.listen.count, 2);
    assert_text(texts(settings.listen)[0], ":80");
    assert_text(texts(settings.listen)[1], "[::1]:8080");
    assert_int_equal(settings.threads, 4);
    assert_false(settings.expose);
    assert_text(settings.greeting, "null");
    assert_int_equal(settings.stale_despite, 5);
    assert_int_equal(settings.methods.count, 1);
    assert_text(texts(settings.methods)[0], "GET");
    assert_int_equal(settings.cache.memory, UINT64_C(2) << 30);
    assert_int_equal(settings.cache.keep_ms, 90000);
    assert_int_equal(settings.cache.share, 20);
    assert_text(settings.cache.disk.path, "/tmp/with space");
    assert_int_equal(settings.cache.disk.size, 5 << 20);
    assert_int_equal(settings.origins.count, 2);
    const struct origin_settings *origins = settings.origins.items;
    assert_text(origins[0].name, "main");
    assert_int_equal(origins[0].balance, 2);
    assert_int_equal(origins[0].backends.count, 2);
    const struct backend_settings *backends = origins[0].backends.items;
    assert_text(backends[0].url, "http://127.0.0.1:1");
    assert_int_equal(backends[0].weight, 7);
    assert_int_equal(backends[0].connect_timeout_ms, 3000);
    assert_true(setting_status_set_has(&backends[0].healthy, 200));
    assert_false(setting_status_set_has(&backends[0].healthy, 201));
    assert_true(setting_status_set_has(&backends[0].healthy, 303));
    assert_int_equal(backends[1].weight, 1);
    assert_int_equal(backends[1].connect_timeout_ms, 250);
    assert_true(setting_status_set_has(&backends[1].healthy, 401));
    assert_false(setting_status_set_has(&backends[1].healthy, 200));
    assert_text(origins[1].name, "2");
    assert_int_equal(origins[1].balance, 1);
    backends = origins[1].backends.items;
    assert_text(backends[0].url, "http://b");
    assert_true(setting_status_set_has(&backends[0].healthy, 304));
}

static void test_an_alias_shares_a_value(void **state)
{
    (void)state;
    struct edge_settings settings = load(
        "origins:\n"
        "  first:\n"
        "    backends: &all\n"
        "      - url: &url http://a\n"
        "  second:\n"
        "    backends: *all\n"
        "  third:\n"
        "    backends: [{url: *url}]\n");
    const struct origin_settings *origins = settings.origins.items;
    assert_int_equal(settings.origins.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct backend_settings *backends = origins[i].backends.items;
        assert_int_equal(origins[i].backends.count, 1);
        assert_text(backends[0].url, "http://a");
    }
}

static void test_limits_of_ranges_are_inside(void **state)
{
    (void)state;
    struct edge_settings settings = load("threads: 64\n"
                                         "cache: {memory: 1MB, share: 50, keep: 365d}\n");
    assert_int_equal(settings.threads, 64);
    assert_int_equal(settings.cache.memory, 1 << 20);
    assert_int_equal(settings.cache.share, 50);
    assert_int_equal(settings.cache.keep_ms, UINT64_C(365) * 86400000);
}

static void test_a_bad_file_leaves_the_settings_alone(void **state)
{
    (void)state;
    struct edge_settings settings, before;
    memset(&settings, 0x5A, sizeof(settings));
    before = settings;
    assert_int_equal(conf_load_text(SLICE("threads: 4\nexpose: maybe\n"), &edge_section, &arena,
        &settings, &mistakes), ERROR_INVALID);
    assert_memory_equal(&settings, &before, sizeof(settings));
}

static void test_a_file_is_read_from_disk(void **state)
{
    (void)state;
    char path[] = "/tmp/afloat-conf-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    // Larger than the first buffer of the reader.
    assert_true(dprintf(descriptor, "#%40000s\nthreads: 9\n", "") > 40000);
    close(descriptor);
    struct edge_settings settings;
    enum error error = conf_load_file(path, &edge_section, &arena, &settings, &mistakes);
    unlink(path);
    assert_int_equal(error, ERROR_NONE);
    assert_int_equal(settings.threads, 9);
}

static void test_a_missing_file_is_a_mistake_too(void **state)
{
    (void)state;
    struct edge_settings settings;
    assert_int_equal(conf_load_file("/nonexistent/edge.yaml", &edge_section, &arena, &settings,
        &mistakes), ERROR_NOT_FOUND);
    assert_int_equal(mistakes.count, 1);
    assert_int_equal(mistakes.items[0].line, 0);
    assert_text(mistakes.items[0].message, "cannot be opened: No such file or directory");
    assert_int_equal(conf_load_file("/", &edge_section, &arena, &settings, &mistakes),
        ERROR_SYSTEM);
    assert_text(mistakes.items[0].message, "cannot be read: Is a directory");
    assert_int_equal(conf_load_file("/dev/zero", &edge_section, &arena, &settings, &mistakes),
        ERROR_INVALID);
    assert_text(mistakes.items[0].message, "larger than 4MB; expected a smaller file");
}

// Fails the nth allocation of a load for growing n: each time the error is reported and nothing
// leaks, until n is beyond what a load needs.
static unsigned sweep(struct slice yaml, enum error expected)
{
    for (uint64_t n = 1; n < 100000; n++) {
        struct arena small;
        struct edge_settings settings;
        uint64_t failures = memory_failures();
        arena_init(&small, 64, (size_t)1 << 20);
        memory_fail_after(n);
        memory_free(memory_alloc(1)); // so that n = 1 fails the first of the load
        enum error error = conf_load_text(yaml, &edge_section, &small, &settings, &mistakes);
        memory_fail_after(0);
        arena_free(&small);
        if (memory_failures() == failures) {
            assert_int_equal(error, expected);
            return (unsigned)n;
        }
        assert_int_equal(error, ERROR_MEMORY);
    }
    fail();
    return 0;
}

static void test_a_failing_allocation_is_reported(void **state)
{
    (void)state;
    unsigned good = sweep(SLICE("listen: [a, b]\ngreeting: &x some longer text, for a chunk of its "
                                "own in a small arena\norigins:\n  main:\n    backends: [{url: "
                                "'http://a'}]\n  other: {backends: [{url: 'http://b'}]}\n"),
        ERROR_NONE);
    assert_true(good > 10);
    unsigned bad = sweep(SLICE("threds: 5\nthreads: x\nlisten: {a: b}\n"), ERROR_INVALID);
    assert_true(bad > 5);
}

static void assert_value(const char *path, const char *value, const char *expected)
{
    char buffer[512];
    struct text message = text_in(buffer, sizeof(buffer));
    const struct setting *row = conf_find_setting(&edge_section, path);
    assert_non_null(row);
    assert_int_equal(conf_check_value(row, value, &message),
        expected[0] == '\0' ? ERROR_NONE : ERROR_INVALID);
    assert_int_equal(message.size, strlen(expected));
    assert_memory_equal(message.data, expected, message.size);
}

static void test_single_values_are_checked_against_their_row(void **state)
{
    (void)state;
    assert_null(conf_find_setting(&edge_section, "none"));
    assert_null(conf_find_setting(&edge_section, "threads.none"));
    assert_null(conf_find_setting(&edge_section, "cache.disk.none"));
    assert_null(conf_find_setting(&edge_section, ""));
    assert_value("cache.disk.size", "5MB", "");
    assert_value("origins.backends.url", "http://a", "");
    assert_value("origins.backends.healthy", "200", "");
    assert_value("listen", ":80", "");
    assert_value("expose", "true", "");
    assert_value("origins.backends.url", "ftp://a",
        "\"ftp://a\" is no URL; expected http://HOST:PORT");
    assert_value("cache.disk.size", "5",
        "\"5\" is too small; expected a size such as 512KB or 64MB between 1MB and 1TB");
    memory_fail_after(1);
    memory_free(memory_alloc(1));
    char buffer[64];
    struct text message = text_in(buffer, sizeof(buffer));
    enum error error = conf_check_value(conf_find_setting(&edge_section, "listen"), "a", &message);
    memory_fail_after(0);
    assert_int_equal(error, ERROR_MEMORY);
}

static void test_the_arena_limit_is_an_error(void **state)
{
    (void)state;
    struct arena small;
    struct edge_settings settings;
    arena_init(&small, 64, 200);
    assert_int_equal(conf_load_text(SLICE("greeting: hello\n"), &edge_section, &small, &settings,
        &mistakes), ERROR_MEMORY);
    arena_free(&small);
}

struct extra {
    struct setting_list texts; // of struct setting_pair
    uint64_t number;
};

static const struct setting extra_rows[] = {
    {.name = "texts", .type = SETTING_TEXT_MAP, .offset = offsetof(struct extra, texts),
     .maximum = 2, .summary = "Texts."},
    {.name = "number", .type = SETTING_DURATION, .offset = offsetof(struct extra, number),
     .optional = true, .maximum = 1000, .summary = "A number."},
};
static const struct setting_section extra_section = {
    sizeof(struct extra), extra_rows, ARRAY_SIZE(extra_rows), "Extras", NULL};

static void test_texts_by_name_and_what_may_be_left_out(void **state)
{
    (void)state;
    struct extra extra;
    assert_int_equal(conf_load_text(SLICE("texts: {X-One: a b, x-two: \"\"}\nnumber: 0\n"),
        &extra_section, &arena, &extra, &mistakes), ERROR_NONE);
    const struct setting_pair *pairs = extra.texts.items;
    assert_int_equal(extra.texts.count, 2);
    assert_text(pairs[0].name, "X-One");
    assert_text(pairs[0].value, "a b");
    assert_text(pairs[1].name, "x-two");
    assert_int_equal(pairs[1].value.size, 0);
    assert_int_equal(extra.number, 0);
    assert_int_equal(conf_load_text(SLICE("texts:\n"), &extra_section, &arena, &extra, &mistakes),
        ERROR_NONE);
    assert_int_equal(extra.texts.count, 0);
    assert_true(extra.number == SETTING_ABSENT);
    assert_int_equal(conf_load_defaults(&extra_section, &arena, &extra), ERROR_NONE);
    assert_true(extra.number == SETTING_ABSENT);
}

static void assert_extra_mistake(const char *yaml, unsigned line, unsigned column,
    const char *message)
{
    struct extra extra;
    assert_int_equal(conf_load_text(slice_from_string(yaml), &extra_section, &arena, &extra,
        &mistakes), ERROR_INVALID);
    assert_int_equal(mistakes.count, 1);
    assert_int_equal(mistakes.items[0].line, line);
    assert_int_equal(mistakes.items[0].column, column);
    assert_text(mistakes.items[0].message, message);
}

static void test_mistakes_in_texts_by_name(void **state)
{
    (void)state;
    assert_extra_mistake("texts: [a]", 1, 8, "texts: a list cannot stand here; expected texts by "
        "name: indented lines of \"name: text\"");
    assert_extra_mistake("texts: {a: [b]}", 1, 12,
        "texts.a: a list cannot stand here; expected text");
    assert_extra_mistake("texts: {a: b,\n  a: c}", 2, 3, "texts: \"a\" stands here twice; expected "
        "it once, it is already on line 1");
    assert_extra_mistake("texts: {a: b, c: d, e: f}", 1, 8,
        "texts: too many items (3); expected a number between 0 and 2");
    assert_extra_mistake("texts: {\"\": b}", 1, 9,
        "texts: a name is empty; expected a word before the colon");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_empty_files_mean_all_defaults),
        TEST(test_no_data_is_an_empty_file),
        TEST(test_defaults_without_a_file),
        TEST(test_every_type_is_read),
        TEST(test_an_alias_shares_a_value),
        TEST(test_limits_of_ranges_are_inside),
        TEST(test_a_bad_file_leaves_the_settings_alone),
        TEST(test_a_file_is_read_from_disk),
        TEST(test_a_missing_file_is_a_mistake_too),
        TEST(test_a_failing_allocation_is_reported),
        TEST(test_single_values_are_checked_against_their_row),
        TEST(test_the_arena_limit_is_an_error),
        TEST(test_texts_by_name_and_what_may_be_left_out),
        TEST(test_mistakes_in_texts_by_name),
    };
    return cmocka_run_group_tests_name("conf.load", tests, NULL, NULL);
}
