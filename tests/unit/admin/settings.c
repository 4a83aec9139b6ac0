// The tables of this room keep the rules of conf/, and refuse what could not work.
#include "admin/settings.h"
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct both {
    struct log_settings log;
    struct metrics_settings metrics;
};

static const struct setting rows[] = {
    {.name = "log",
        .type = SETTING_SECTION,
        .offset = offsetof(struct both, log),
        .section = &log_settings_section,
        .summary = "Logs."},
    {.name = "metrics",
        .type = SETTING_SECTION,
        .offset = offsetof(struct both, metrics),
        .section = &metrics_settings_section,
        .summary = "Metrics."},
};

static const struct setting_section root = {
    .size = sizeof(struct both), .rows = rows, .count = ARRAY_SIZE(rows), .summary = "Both."};

static void tables_keep_the_rules(void **state)
{
    (void)state;
    assert_int_equal(conf_check_tables(&root, stderr), 0);
}

static enum error load(struct arena *arena, const char *yaml, struct both *ret_both)
{
    static struct conf_mistakes mistakes;
    return conf_load_text(slice_from_string(yaml), &root, arena, ret_both, &mistakes);
}

static void defaults_and_values(void **state)
{
    (void)state;
    struct arena arena;
    struct both both;
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(load(&arena, "", &both), ERROR_NONE);
    assert_int_equal(both.log.access.size, 0);
    assert_int_equal(both.log.access_format, ACCESS_JSON);
    assert_int_equal(both.log.access_buffer, 1 << 20);
    assert_int_equal(both.log.level, LOG_INFO);
    assert_int_equal(both.metrics.listen.size, 0);
    assert_int_equal(load(&arena,
                         "log: {access: /a, access_format: combined, level: error}\n"
                         "metrics: {listen: \"[::1]:9200\"}",
                         &both),
        ERROR_NONE);
    assert_int_equal(both.log.access_format, ACCESS_COMBINED);
    assert_int_equal(both.log.level, LOG_ERROR);
    assert_string_equal(both.metrics.listen.data, "[::1]:9200");
    static const char *const wrong[] = {"metrics: {listen: nowhere}",
        "metrics: {listen: \"unix:/a\"}", "log: {access_format: xml}", "log: {access_buffer: 1KB}",
        "log: {level: loud}"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(load(&arena, wrong[i], &both), ERROR_INVALID);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_keep_the_rules),
        cmocka_unit_test(defaults_and_values),
    };
    return cmocka_run_group_tests_name("admin.settings", tests, NULL, NULL);
}
