// The file of a rule's fallback: what it is taken for, what of it is read, which rule has its way.
#include "base/memory.h"
#include "conf/conf.h"
#include "edge/rules/rule.h"
#include "edge/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[32];
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/afloat-test-XXXXXX");
    arena_init(&arena, 4096, (size_t)16 << 20);
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return rmdir(folder);
}

// Of that many bytes, "abcd…". The path lives until the next call.
static struct slice file_of(const char *name, size_t size)
{
    static char path[64];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    for (size_t i = 0; i < size; i++)
        fputc('a' + (int)(i % 26), out);
    fclose(out);
    return slice_from_string(path);
}

static void is_taken_for_what_its_ending_says(void **state)
{
    (void)state;
    static const struct { const char *name, *type; } cases[] = {
        {"a.html", "text/html; charset=utf-8"},
        {"A.JSON", "application/json"},
        {"a.b.svg", "image/svg+xml"},
        {"a.json.bin", NULL},
        {"json", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rule_fallback_settings settings = {.file = file_of(cases[i].name, 30)};
        struct rule_fallback fallback;
        assert_int_equal(rule_fallback_read(&settings, &fallback), ERROR_NONE);
        assert_int_equal(fallback.content.size, 30);
        assert_memory_equal(fallback.content.data, "abcdefghijklmnopqrstuvwxyzabcd", 30);
        if (cases[i].type == NULL)
            assert_int_equal(fallback.type.size, 0);
        else
            assert_string_equal(fallback.type.data, cases[i].type);
        rule_fallback_free(&fallback);
        settings.type = SLICE("text/x");
        assert_int_equal(rule_fallback_read(&settings, &fallback), ERROR_NONE);
        assert_string_equal(fallback.type.data, "text/x");
        rule_fallback_free(&fallback);
        unlink(settings.file.data);
    }
}

static void has_a_limit_and_must_be_a_file(void **state)
{
    (void)state;
    struct rule_fallback_settings settings = {.file = file_of("a.txt", RULE_FALLBACK_SIZE_MAX)};
    struct rule_fallback fallback = {0};
    assert_int_equal(rule_fallback_read(&settings, &fallback), ERROR_NONE);
    assert_int_equal(fallback.content.size, RULE_FALLBACK_SIZE_MAX);
    rule_fallback_free(&fallback);
    fallback = (struct rule_fallback){0};
    settings.file = file_of("a.txt", RULE_FALLBACK_SIZE_MAX + 1);
    assert_int_equal(rule_fallback_read(&settings, &fallback), ERROR_LIMIT);
    settings.file = file_of("a.txt", 0);
    assert_int_equal(rule_fallback_read(&settings, &fallback), ERROR_NONE);
    assert_int_equal(fallback.content.size, 0);
    rule_fallback_free(&fallback);
    unlink(settings.file.data);
    fallback = (struct rule_fallback){0};
    assert_int_equal(rule_fallback_read(&settings, &fallback), ERROR_NOT_FOUND);
    settings.file = slice_from_string(folder);
    assert_int_equal(rule_fallback_read(&settings, &fallback), ERROR_INVALID);
    assert_null(fallback.settings);
    rule_fallback_free(&fallback);
}

static void the_later_rule_has_its_way(void **state)
{
    (void)state;
    struct site_settings site;
    struct conf_mistakes mistakes;
    struct http_fields none = {0};
    struct rule_effect effect;
    struct rules *rules;
    char yaml[300], first[64], second[64];
    snprintf(first, sizeof(first), "%s", file_of("1.txt", 1).data);
    snprintf(second, sizeof(second), "%s", file_of("2.txt", 2).data);
    snprintf(yaml, sizeof(yaml), "rules:\n  - fallback: {file: %s}\n"
        "  - {path: /a/*, fallback: {file: %s, status: 200}}\n  - cache: {fresh: 1m}\n", first,
        second);
    assert_int_equal(conf_load_text(slice_from_string(yaml), &site_settings_section, &arena, &site,
        &mistakes), ERROR_NONE);
    assert_int_equal(rules_create(&site, NULL, &rules), ERROR_NONE);
    assert_int_equal(rules_apply(rules, SLICE("GET"), SLICE("/b"), &none, &arena, &effect),
        ERROR_NONE);
    assert_int_equal(effect.fallback->content.size, 1);
    assert_int_equal(effect.fallback->settings->status, 503);
    assert_true(setting_status_set_has(&effect.fallback->settings->errors, 502));
    assert_false(setting_status_set_has(&effect.fallback->settings->errors, 500));
    assert_int_equal(rules_apply(rules, SLICE("GET"), SLICE("/a/b"), &none, &arena, &effect),
        ERROR_NONE);
    assert_int_equal(effect.fallback->content.size, 2);
    rules_destroy(rules);
    unlink(first); // and gone before the next generation reads it
    assert_int_equal(rules_create(&site, NULL, &rules), ERROR_NOT_FOUND);
    unlink(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_taken_for_what_its_ending_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(has_a_limit_and_must_be_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_later_rule_has_its_way, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
