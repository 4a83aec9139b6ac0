// The reference: everything in the tables is in it, and its own examples are good settings.
#include "conf/conf.h"
#include "conf/describe.h"
#include "tables.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *describe(enum error (*make)(const struct setting_section *root, FILE *out))
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(make(&edge_section, out), ERROR_NONE);
    fclose(out);
    return text;
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("not found: %s", part);
}

static void assert_rows_described(const char *text, const struct setting_section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        char name[64];
        const struct setting *row = &section->rows[i];
        snprintf(name, sizeof(name), "- **`%s`**: ", row->name);
        assert_contains(text, name);
        assert_contains(text, row->summary);
        if (row->touch != NULL)
            assert_contains(text, row->touch);
        if (row->section != NULL)
            assert_rows_described(text, row->section);
    }
}

static void test_every_setting_is_in_the_reference(void **state)
{
    (void)state;
    char *text = describe(conf_describe_markdown);
    assert_rows_described(text, &edge_section);
    assert_contains(text, "\n### `cache.disk`\n\nCopies on disk.\n");
    assert_contains(text, "\n### `origins.NAME.backends[]`\n");
    assert_contains(text, "- **`keep`**: duration between 1s and 365d; default `30d`.\n"
                          "  How long a copy is kept for failures.\n"
                          "  *When to touch it:* Lower it for news.\n");
    assert_contains(text, "- **`size`**: size between 1MB and 1TB; default `1GB`.\n"
                          "  How much of the disk it may fill.\n"
                          "  *When to touch it:* When the disk is small.\n");
    assert_contains(text, "- **`balance`**: `round_robin`, `least_busy` or `hash`; default "
                          "`least_busy`.\n");
    assert_contains(text, "- **`backends`**: list of sections, between 1 and 3 of them; "
                          "required.\n");
    assert_contains(text, "- **`path`**: text; default empty.\n");
    free(text);
}

static void test_examples_stand_where_they_belong(void **state)
{
    (void)state;
    char *text = describe(conf_describe_markdown);
    assert_contains(text, "```yaml\norigins:\n  main:\n    backends:\n      - url: "
                          "http://127.0.0.1:8000\n        weight: 1\n        connect_timeout: 3s\n"
                          "        healthy: 200-299,304\n```\n");
    assert_contains(text, "```yaml\ncache:\n  disk:\n    path: /var/cache/afloat\n    size: 1GB\n"
                          "```\n");
    free(text);
}

// Except that a fragment may lack what is required elsewhere.
static void test_examples_are_good_settings(void **state)
{
    (void)state;
    char *text = describe(conf_describe_markdown), *rest = text;
    unsigned examples = 0;
    for (; (rest = strstr(rest, "```yaml\n")) != NULL; examples++) {
        rest += strlen("```yaml\n");
        char *end = strstr(rest, "```\n");
        assert_non_null(end);
        struct arena arena;
        struct edge_settings settings;
        struct conf_mistakes mistakes;
        arena_init(&arena, 4096, (size_t)1 << 20);
        enum error error = conf_load_text(slice_of(rest, (size_t)(end - rest)), &edge_section,
            &arena, &settings, &mistakes);
        for (size_t i = 0; i < mistakes.count; i++)
            assert_contains(mistakes.items[i].message.data, "is missing");
        assert_true(error == ERROR_NONE || mistakes.count > 0);
        arena_free(&arena);
    }
    assert_int_equal(examples, 5);
    free(text);
}

static json_t *at(json_t *schema, const char *path)
{
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", path);
    char *rest = copy;
    for (char *name; (name = strsep(&rest, ".")) != NULL;) {
        bool is_index = name[0] >= '0' && name[0] <= '9';
        schema = is_index ? json_array_get(schema, (size_t)atoi(name))
                          : json_object_get(schema, name);
        if (schema == NULL)
            fail_msg("no %s in %s", name, path);
    }
    return schema;
}

static void assert_json(json_t *schema, const char *path, const char *expected)
{
    char *text = json_dumps(at(schema, path), JSON_ENCODE_ANY | JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
}

static void test_the_schema_says_the_same(void **state)
{
    (void)state;
    char *text = describe(conf_describe_schema);
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(schema);
    assert_json(schema, "$schema", "\"http://json-schema.org/draft-07/schema#\"");
    assert_json(schema, "type", "\"object\"");
    assert_json(schema, "additionalProperties", "false");
    assert_null(json_object_get(schema, "required"));
    assert_json(schema, "properties.threads.minimum", "1");
    assert_json(schema, "properties.threads.maximum", "64");
    assert_json(schema, "properties.threads.default", "1");
    assert_json(schema, "properties.threads.description",
        "\"Worker threads.\\n\\nExpected: a whole number between 1 and 64. Default: 1.\\n\\nWhen "
        "to touch it: Leave it.\"");
    assert_json(schema, "properties.cache.type", "[\"object\",\"null\"]");
    assert_json(schema, "properties.expose.type", "\"boolean\"");
    assert_json(schema, "properties.expose.default", "true");
    assert_json(schema, "properties.stale_despite.anyOf.0.enum",
        "[\"no_cache\",\"private\",\"no_store\"]");
    const char *cache = "properties.cache.properties";
    char path[256];
    snprintf(path, sizeof(path), "%s.keep.anyOf.1.pattern", cache);
    assert_json(schema, path, "\"^(0|[0-9]+(ms|s|m|h|d))$\"");
    snprintf(path, sizeof(path), "%s.keep.default", cache);
    assert_json(schema, path, "\"30d\"");
    const char *origin = "properties.origins.additionalProperties";
    snprintf(path, sizeof(path), "%s.required", origin);
    assert_json(schema, path, "[\"backends\"]");
    snprintf(path, sizeof(path), "%s.properties.backends.minItems", origin);
    assert_json(schema, path, "1");
    snprintf(path, sizeof(path), "%s.properties.backends.items.required", origin);
    assert_json(schema, path, "[\"url\"]");
    json_decref(schema);
    free(text);
}

static void test_a_full_disk_is_an_error(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL)
        skip();
    assert_int_equal(conf_describe_markdown(&edge_section, full), ERROR_SYSTEM);
    clearerr(full);
    assert_int_equal(conf_describe_schema(&edge_section, full), ERROR_SYSTEM);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_setting_is_in_the_reference),
        cmocka_unit_test(test_examples_stand_where_they_belong),
        cmocka_unit_test(test_examples_are_good_settings),
        cmocka_unit_test(test_the_schema_says_the_same),
        cmocka_unit_test(test_a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests_name("conf.describe", tests, NULL, NULL);
}
