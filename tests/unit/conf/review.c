// What reviews of sections are told and may say: where each value stood, what was written at all,
// in one run with the mistakes of rows.
#include "base/memory.h"
#include "conf/conf.h"
#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void point_at_texts(struct setting_review *review, const char *name,
    const struct setting_list *list)
{
    const struct slice *items = list->items;
    for (size_t i = 0; i < list->count; i++) {
        if (conf_is_written(review, &items[i]))
            conf_add_mistake(review, &items[i], "%s %.*s", name, SLICE_ARGS(items[i]));
    }
}

static void point(struct setting_review *review, const char *name, const void *value)
{
    if (conf_is_written(review, value))
        conf_add_mistake(review, value, "%s", name);
}

// A mistake for each value that was written and good.
static void point_at_all(struct setting_review *review, const void *all)
{
    const struct edge_settings *settings = all;
    const struct origin_settings *origins = settings->origins.items;
    point(review, "threads", &settings->threads);
    point(review, "expose", &settings->expose);
    point(review, "greeting", &settings->greeting);
    point(review, "stale_despite", &settings->stale_despite);
    point_at_texts(review, "listen", &settings->listen);
    point_at_texts(review, "method", &settings->methods);
    point(review, "memory", &settings->cache.memory);
    point(review, "share", &settings->cache.share);
    for (size_t i = 0; i < settings->origins.count; i++) {
        const struct backend_settings *backends = origins[i].backends.items;
        point(review, "origin", &origins[i].name);
        point(review, "balance", &origins[i].balance);
        for (size_t k = 0; k < origins[i].backends.count; k++) {
            point(review, "url", &backends[k].url);
            point(review, "weight", &backends[k].weight);
            point(review, "healthy", &backends[k].healthy);
        }
    }
}

static void warn_often(struct setting_review *review, const void *all)
{
    const struct edge_settings *settings = all;
    conf_add_warning(review, &settings->threads, "second");
    conf_add_warning(review, &settings->greeting, "first");
    conf_add_warning(review, &settings->greeting, "first");
    for (int i = 0; i < CONF_WARNINGS_MAX + 3; i++)
        conf_add_warning(review, &settings->expose, "whole file %d\033", i);
}

static bool was_reviewed;

static void count_review(struct setting_review *review, const void *all)
{
    (void)review;
    (void)all;
    was_reviewed = true;
}

static void ask_for_memory(struct setting_review *review, const void *all)
{
    size_t *size = conf_review_alloc(review, sizeof(*size));
    (void)all;
    if (size != NULL)
        *size = sizeof(*size);
}

static enum error load(void (*look)(struct setting_review *, const void *), const char *yaml,
    struct conf_mistakes *mistakes, char **ret_lines)
{
    struct setting_section section = edge_section;
    struct arena arena;
    struct edge_settings settings;
    size_t size;
    section.review = look;
    arena_init(&arena, 256, (size_t)64 << 20);
    enum error error = conf_load_text(slice_from_string(yaml), &section, &arena, &settings,
        mistakes);
    FILE *out = open_memstream(ret_lines, &size);
    assert_non_null(out);
    conf_print_mistakes(mistakes, "f", out);
    fclose(out);
    arena_free(&arena);
    return error;
}

static void expect(const char *yaml, const char *expected)
{
    struct conf_mistakes mistakes;
    char *lines;
    assert_int_equal(load(point_at_all, yaml, &mistakes, &lines), ERROR_INVALID);
    assert_string_equal(lines, expected);
    free(lines);
}

static void test_every_kind_of_value_has_its_place(void **state)
{
    (void)state;
    expect("listen: [a,\n  b]\n"
           "methods: GET\n"
           "greeting: \"\"\n"
           "stale_despite: [private]\n"
           "expose:   false\n"
           "threads: 3\n"
           "cache: {memory: 1MB,\n"
           "        share: 7%}\n"
           "origins:\n"
           "  main:\n"
           "    balance: hash\n"
           "    backends:\n"
           "      - {healthy: 204, weight: 2, url: \"http://a\"}\n",
        "f:1:10: listen a\n"
        "f:2:3: listen b\n"
        "f:3:10: method GET\n"
        "f:4:11: greeting\n"
        "f:5:16: stale_despite\n"
        "f:6:11: expose\n"
        "f:7:10: threads\n"
        "f:8:17: memory\n"
        "f:9:16: share\n"
        "f:11:3: origin\n"
        "f:12:14: balance\n"
        "f:14:19: healthy\n"
        "f:14:32: weight\n"
        "f:14:40: url\n");
}

static void test_what_is_wrong_or_absent_is_not_written(void **state)
{
    (void)state;
    struct conf_mistakes mistakes;
    char *lines;
    expect("threads: x\nlisten: [a, [b], c]\n",
        "f:1:10: threads: \"x\" is not a whole number; expected a whole number between 1 and 64\n"
        "f:2:10: listen a\n"
        "f:2:13: listen[2]: a list cannot stand here; expected text or a list of texts\n"
        "f:2:18: listen c\n");
    // Fallbacks that are read as YAML have a line there, but not in the file.
    assert_int_equal(load(point_at_all, "cache: {disk: {}}\n", &mistakes, &lines), ERROR_NONE);
    assert_string_equal(lines, "");
    free(lines);
    assert_int_equal(load(point_at_all, "", &mistakes, &lines), ERROR_NONE);
    assert_string_equal(lines, "");
    free(lines);
}

// Says what lacks where: in the root, an embedded section, a section of a map, one of a list.
static void point_at_absent(struct setting_review *review, const void *all)
{
    const struct edge_settings *settings = all;
    const struct origin_settings *origins = settings->origins.items;
    const struct backend_settings *backends = origins[0].backends.items;
    const void *const values[] = {&settings->threads, &settings->cache.memory,
        &settings->cache.disk.path, &settings->cache.disk.size, &origins[0].balance,
        &backends[1].weight};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        assert_false(conf_is_written(review, values[i]));
        conf_add_mistake(review, values[i], "%zu", i);
    }
}

static void test_what_is_absent_stands_where_its_section_does(void **state)
{
    (void)state;
    struct conf_mistakes mistakes;
    char *lines;
    assert_int_equal(load(point_at_absent,
        "cache: {share: 7%}\n"
        "origins:\n"
        "  main:\n"
        "    backends:\n"
        "      - url: http://a\n"
        "      - url: http://b\n", &mistakes, &lines), ERROR_INVALID);
    assert_string_equal(lines, "f:1:1: 0\nf:1:8: 1\nf:1:8: 2\nf:1:8: 3\nf:4:5: 4\nf:6:9: 5\n");
    free(lines);
}

static void test_a_shared_anchor_stands_where_it_was_written(void **state)
{
    (void)state;
    expect("origins:\n  a: &x {balance: hash, backends: [{url: 'http://a'}]}\n  b: *x\n",
        "f:2:3: origin\n"
        "f:2:19: balance\n"
        "f:2:42: url\n"
        "f:3:3: origin\n");
}

static void test_many_values_keep_their_places(void **state)
{
    (void)state;
    static struct conf_mistakes mistakes;
    char yaml[8192], *lines;
    struct text text = text_in(yaml, sizeof(yaml));
    text_append(&text, SLICE("methods:\n"));
    for (unsigned i = 1; i <= 300; i++)
        text_format(&text, "- m%u\n", i);
    text_append_byte(&text, '\0');
    assert_false(text.full);
    assert_int_equal(load(point_at_all, yaml, &mistakes, &lines), ERROR_INVALID);
    assert_int_equal(mistakes.count, CONF_MISTAKES_MAX);
    assert_int_equal(mistakes.omitted, 300 - CONF_MISTAKES_MAX);
    for (unsigned i = 0; i < CONF_MISTAKES_MAX; i++) {
        assert_int_equal(mistakes.items[i].line, i + 2);
        assert_int_equal(mistakes.items[i].column, 3);
    }
    free(lines);
}

static void test_warnings_fail_nothing_and_are_bounded(void **state)
{
    (void)state;
    struct conf_mistakes mistakes;
    char *lines;
    assert_int_equal(load(warn_often, "greeting: a\nthreads: 2\n", &mistakes, &lines),
        ERROR_NONE);
    assert_int_equal(mistakes.count, 0);
    assert_int_equal(mistakes.warning_count, CONF_WARNINGS_MAX);
    assert_int_equal(mistakes.warnings_omitted, 5);
    assert_non_null(strstr(lines, "f:1:1: warning: whole file 0?\n"));
    assert_non_null(strstr(lines, "\nf:1:11: warning: first\nf:2:10: warning: second\n"
                                  "f: warning: and 5 more\n"));
    free(lines);
    // The next load begins anew.
    assert_int_equal(load(NULL, "", &mistakes, &lines), ERROR_NONE);
    assert_string_equal(lines, "");
    free(lines);
}

static void test_only_what_was_read_to_its_end_is_reviewed(void **state)
{
    (void)state;
    struct conf_mistakes mistakes;
    struct setting_section section = edge_section;
    struct arena arena;
    struct edge_settings settings;
    char *lines;
    was_reviewed = false;
    assert_int_equal(load(count_review, "threads: 2\nlisten: [a\n", &mistakes, &lines),
        ERROR_INVALID);
    free(lines);
    assert_int_equal(load(count_review, "\x7F", &mistakes, &lines), ERROR_INVALID);
    assert_string_equal(lines, "f:1:1: control characters are not allowed; expected UTF-8 text; "
                               "nothing after this point was checked\n");
    free(lines);
    section.review = count_review;
    arena_init(&arena, 256, 65536);
    assert_int_equal(conf_load_defaults(&section, &arena, &settings), ERROR_NONE);
    arena_free(&arena);
    assert_false(was_reviewed);
    assert_int_equal(load(count_review, "threads: x\n", &mistakes, &lines), ERROR_INVALID);
    free(lines);
    assert_true(was_reviewed);
}

static void test_a_failing_allocation_is_reported(void **state)
{
    (void)state;
    struct setting_section section = edge_section;
    unsigned loads = 0;
    section.review = ask_for_memory;
    for (uint64_t n = 1; n < 1000; n++, loads++) {
        static struct conf_mistakes mistakes;
        struct arena arena;
        struct edge_settings settings;
        uint64_t failures = memory_failures();
        arena_init(&arena, 64, 65536);
        memory_fail_after(n);
        memory_free(memory_alloc(1));
        enum error error = conf_load_text(SLICE("threads: 2\nlisten: [a, b]\n"), &section, &arena,
            &settings, &mistakes);
        memory_fail_after(0);
        arena_free(&arena);
        if (memory_failures() == failures) {
            assert_int_equal(error, ERROR_NONE);
            assert_true(loads > 5);
            return;
        }
        assert_int_equal(error, ERROR_MEMORY);
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_value_has_its_place),
        cmocka_unit_test(test_what_is_wrong_or_absent_is_not_written),
        cmocka_unit_test(test_what_is_absent_stands_where_its_section_does),
        cmocka_unit_test(test_a_shared_anchor_stands_where_it_was_written),
        cmocka_unit_test(test_many_values_keep_their_places),
        cmocka_unit_test(test_warnings_fail_nothing_and_are_bounded),
        cmocka_unit_test(test_only_what_was_read_to_its_end_is_reviewed),
        cmocka_unit_test(test_a_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("conf.review", tests, NULL, NULL);
}
