// Bad files: what is said, and where, for every kind of mistake.
#include "base/text.h"
#include "conf/conf.h"
#include "conf/nearest.h"
#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct expectation {
    const char *yaml;
    const char *lines; // as conf_print_mistakes prints them, with "f" for the path
};

static void load(struct slice yaml, struct conf_mistakes *mistakes, char **ret_lines)
{
    struct arena arena;
    struct edge_settings settings;
    size_t size;
    arena_init(&arena, 4096, (size_t)64 << 20);
    assert_int_equal(conf_load_text(yaml, &edge_section, &arena, &settings, mistakes),
        ERROR_INVALID);
    FILE *out = open_memstream(ret_lines, &size);
    assert_non_null(out);
    conf_print_mistakes(mistakes, "f", out);
    fclose(out);
    arena_free(&arena);
}

static void expect(const struct expectation *expectations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct conf_mistakes mistakes;
        char *lines;
        load(slice_from_string(expectations[i].yaml), &mistakes, &lines);
        assert_string_equal(lines, expectations[i].lines);
        free(lines);
    }
}

#define EXPECT(...)                                                                                \
    do {                                                                                           \
        static const struct expectation expectations[] = {__VA_ARGS__};                            \
        expect(expectations, ARRAY_SIZE(expectations));                                            \
    } while (0)

static void test_numbers(void **state)
{
    (void)state;
    EXPECT(
        {"threads: four\n", "f:1:10: threads: \"four\" is not a whole number; expected a whole "
                            "number between 1 and 64\n"},
        {"threads: -1\n", "f:1:10: threads: \"-1\" is not a whole number; expected a whole number "
                          "between 1 and 64\n"},
        {"threads: 1.5\n", "f:1:10: threads: \"1.5\" is not a whole number; expected a whole "
                           "number between 1 and 64\n"},
        {"threads: 0\n", "f:1:10: threads: \"0\" is too small; expected a whole number between 1 "
                         "and 64\n"},
        {"threads: 65\n", "f:1:10: threads: \"65\" is too large; expected a whole number between "
                          "1 and 64\n"},
        {"threads: 99999999999999999999999\n",
         "f:1:10: threads: \"99999999999999999999999\" is too large; expected a whole number "
         "between 1 and 64\n"},
        {"threads: \"4\"\n", "f:1:10: threads: \"4\" is text, because of its quotes; expected a "
                             "whole number between 1 and 64\n"},
        {"cache: {share: 51%}\n", "f:1:16: cache.share: \"51%\" is too large; expected a "
                                  "percentage such as 20 or 20% between 1 and 50\n"},
        {"cache: {share: lots}\n", "f:1:16: cache.share: \"lots\" is not a percentage; expected a "
                                   "percentage such as 20 or 20% between 1 and 50\n"});
}

static void test_units(void **state)
{
    (void)state;
    EXPECT(
        {"cache:\n  memory: 64XB\n", "f:2:11: cache.memory: \"64XB\" is not a size; expected a "
                                     "size such as 512KB or 64MB between 1MB and 1TB\n"},
        {"cache:\n  memory: 1KB\n", "f:2:11: cache.memory: \"1KB\" is too small; expected a size "
                                    "such as 512KB or 64MB between 1MB and 1TB\n"},
        {"cache:\n  keep: 10\n", "f:2:9: cache.keep: \"10\" has no unit; expected a duration such "
                                 "as 250ms or 10s between 1s and 365d\n"},
        {"cache:\n  keep: 10 s\n", "f:2:9: cache.keep: \"10 s\" is not a duration; expected a "
                                   "duration such as 250ms or 10s between 1s and 365d\n"},
        {"cache:\n  keep: 366d\n", "f:2:9: cache.keep: \"366d\" is too large; expected a duration "
                                   "such as 250ms or 10s between 1s and 365d\n"},
        {"cache:\n  keep: 99999999999999999d\n",
         "f:2:9: cache.keep: \"99999999999999999d\" is too large; expected a duration such as "
         "250ms or 10s between 1s and 365d\n"},
        {"cache:\n  keep: 0\n", "f:2:9: cache.keep: \"0\" is too small; expected a duration such "
                                "as 250ms or 10s between 1s and 365d\n"});
}

static void test_words(void **state)
{
    (void)state;
    EXPECT(
        {"expose: yes\n", "f:1:9: expose: \"yes\" is neither; expected true or false\n"},
        {"expose: 'true'\n", "f:1:9: expose: \"true\" is text, because of its quotes; expected "
                             "true or false\n"},
        {"origins: {m: {balance: round-robin, backends: [{url: 'http://a'}]}}\n",
         "f:1:24: origins.m.balance: \"round-robin\" is unknown; did you mean \"round_robin\"?; "
         "expected one of round_robin, least_busy or hash\n"},
        {"stale_despite: [private, cookies]\n",
         "f:1:26: stale_despite[2]: \"cookies\" is none of them; expected a list of words out of "
         "no_cache, private or no_store\n"},
        {"stale_despite: [[private]]\n",
         "f:1:17: stale_despite[1]: a list cannot stand here; expected a list of words out of "
         "no_cache, private or no_store\n"},
        {"greeting: \"a\\0b\"\n",
         "f:1:11: greeting: \"a?b\" contains a NUL character; expected text\n"});
}

static void test_status_sets(void **state)
{
    (void)state;
#define STATUSES(value, wrong)                                                                     \
    {"origins:\n  m:\n    backends:\n    - url: http://a\n      healthy: " value "\n",           \
        "f:5:" wrong "; expected status codes between 100 and 599 such as 200-299,304\n"}
    EXPECT(
        STATUSES("2xx", "16: origins.m.backends[1].healthy: \"2xx\" is not a set of status codes"),
        STATUSES("200-", "16: origins.m.backends[1].healthy: \"200-\" is not a set of status "
                         "codes"),
        STATUSES("300-200", "16: origins.m.backends[1].healthy: \"300-200\" is not a set of status "
                            "codes"),
        STATUSES("99", "16: origins.m.backends[1].healthy: \"99\" is not a set of status codes"),
        STATUSES("200,", "16: origins.m.backends[1].healthy: \"200,\" is not a set of status "
                         "codes"),
        STATUSES("[200, 600]", "22: origins.m.backends[1].healthy[2]: \"600\" is not a set of "
                               "status codes"));
}

static void test_unknown_names(void **state)
{
    (void)state;
    EXPECT(
        {"cache:\n  memry: 5MB\n",
         "f:2:3: cache: unknown setting \"memry\"; did you mean \"memory\"?\n"},
        {"Threads: 5\n", "f:1:1: unknown setting \"Threads\"; did you mean \"threads\"?\n"},
        {"memory: 5MB\n", "f:1:1: unknown setting \"memory\"; did you mean \"cache.memory\"?\n"},
        {"cache:\n  weight: 5\n", "f:2:3: cache: unknown setting \"weight\"; did you mean "
                                  "\"origins.NAME.backends[1].weight\"?\n"},
        {"cache:\n  compression: zstd\n", "f:2:3: cache: unknown setting \"compression\"; expected "
                                          "one of memory, keep, share, disk\n"},
        {"\"\\e[31m\\n\": 1\n", "f:1:1: unknown setting \"?[31m?\"; expected one of listen, "
                               "threads, expose, greeting, stale_despite, methods, cache, "
                               "origins\n"});
}

static void test_kinds(void **state)
{
    (void)state;
    EXPECT(
        {"- a\n- b\n", "f:1:1: a list cannot stand here; expected a section: indented lines of "
                       "\"name: value\"\n"},
        {"hello\n", "f:1:1: \"hello\" cannot stand here; expected a section: indented lines of "
                    "\"name: value\"\n"},
        {"cache: 64MB\n", "f:1:8: cache: \"64MB\" cannot stand here; expected a section: indented "
                          "lines of \"name: value\"\n"},
        {"threads: [1]\n", "f:1:10: threads: a list cannot stand here; expected a whole number "
                           "between 1 and 64\n"},
        {"expose: {a: b}\n", "f:1:9: expose: a section cannot stand here; expected true or "
                             "false\n"},
        {"greeting: [a]\n", "f:1:11: greeting: a list cannot stand here; expected text\n"},
        {"listen: {a: b}\n", "f:1:9: listen: a section cannot stand here; expected text or a list "
                             "of texts\n"},
        {"listen: [[a]]\n", "f:1:10: listen[1]: a list cannot stand here; expected text or a list "
                            "of texts\n"},
        {"stale_despite: {a: b}\n", "f:1:16: stale_despite: a section cannot stand here; expected "
                                    "a list of words out of no_cache, private or no_store\n"},
        {"origins: [a]\n", "f:1:10: origins: a list cannot stand here; expected sections by name: "
                           "indented lines of \"name:\", settings below\n"},
        {"origins:\n  m:\n    backends:\n      url: http://a\n",
         "f:4:7: origins.m.backends: a section cannot stand here; expected a list of sections, "
         "each begun with \"- \"\n"},
        {"origins:\n  m:\n    backends:\n      - http://a\n",
         "f:4:9: origins.m.backends[1]: \"http://a\" cannot stand here; expected a section: "
         "indented lines of \"name: value\"\n"});
}

static void test_missing_and_empty(void **state)
{
    (void)state;
    EXPECT(
        {"origins:\n  m:\n    balance: hash\n",
         "f:3:5: origins.m: required setting \"backends\" is missing; expected a list of "
         "sections, each begun with \"- \"\n"},
        {"origins:\n  m:\n    backends:\n      - weight: 2\n",
         "f:4:9: origins.m.backends[1]: required setting \"url\" is missing; expected text\n"},
        {"origins:\n  m:\n    backends:\n",
         "f:3:14: origins.m: required setting \"backends\" is missing; expected a list of "
         "sections, each begun with \"- \"\n"},
        {"origins:\n  m:\n    backends: []\n",
         "f:3:15: origins.m.backends: too few items (0); expected a number between 1 and 3\n"},
        {"listen: [a, b, c, d, e]\n",
         "f:1:9: listen: too many items (5); expected a number between 0 and 4\n"},
        {"threads:\nexpose: ~\n",
         "f:1:9: threads: has no value; expected a whole number between 1 and 64, or no such line "
         "for the default\n"
         "f:2:9: expose: has no value; expected true or false, or no such line for the default\n"},
        {"origins:\n  ? ''\n  : backends: [{url: 'http://a'}]\n",
         "f:2:5: origins: a name is empty; expected a word before the colon\n"});
}

static void test_checks_of_the_owner(void **state)
{
    (void)state;
    EXPECT(
        {"origins:\n  m:\n    backends:\n      - url: ftp://a\n",
         "f:4:14: origins.m.backends[1].url: \"ftp://a\" is no URL; expected http://HOST:PORT\n"},
        {"origins:\n  a b:\n    backends: [{url: 'http://a'}]\n",
         "f:2:3: origins.a b: \"a b\" contains a space; expected one word\n"});
}

static void test_duplicates(void **state)
{
    (void)state;
    EXPECT(
        {"threads: 1\nexpose: true\nthreads: 2\n",
         "f:3:1: \"threads\" stands here twice; expected it once, it is already on line 1\n"},
        {"cache:\n  keep: 1s\n  keep: 1s\n", "f:3:3: cache: \"keep\" stands here twice; expected "
                                             "it once, it is already on line 2\n"},
        {"origins:\n  m: &m {backends: [{url: 'http://a'}]}\n  m: *m\n",
         "f:3:3: origins: \"m\" stands here twice; expected it once, it is already on line 2\n"});
}

static void test_what_yaml_can_and_settings_cannot(void **state)
{
    (void)state;
    EXPECT(
        {"threads: 2\n---\nthreads: 3\n", "f:2:1: a second document begins; expected a single one; "
                                          "nothing after this point was checked\n"},
        {"threads: !!int 2\n", "f:1:10: tags such as !!str are not supported; expected a plain "
                               "value, in quotes if it must be text\n"},
        {"cache: &c {keep: 1s}\norigins:\n  <<: *c\n",
         "f:3:3: merge keys (<<) are not supported; expected the settings written out, or the "
         "whole value shared by an alias (*name); nothing after this point was checked\n"},
        {"threads: *no\n", "f:1:10: no anchor &no stands before this alias; expected one; nothing "
                           "after this point was checked\n"},
        {"cache: &c\n  disk: *c\n",
         "f:2:9: the alias *c stands inside what it refers to; expected an anchor that ended "
         "before; nothing after this point was checked\n"},
        {"? [a]\n: b\n", "f:1:3: a list or mapping stands where a name belongs; expected \"name: "
                         "value\"; nothing after this point was checked\n"});
}

static void test_syntax(void **state)
{
    (void)state;
    EXPECT(
        {"cache:\n\tkeep: 1s\n", "f:2:1: a tab cannot indent YAML; expected spaces; nothing after "
                                 "this point was checked\n"},
        {"cache: {disk: {}\nthreads: 2\n",
         "f:2:1: YAML syntax: did not find expected ',' or '}' while parsing a flow mapping that "
         "began on line 1; nothing after this point was checked\n"},
        {"greeting: \"never closed\n",
         "f:2:1: YAML syntax: found unexpected end of stream while scanning a quoted scalar that "
         "began on line 1; nothing after this point was checked\n"},
        {"threads: @2\n", "f:1:10: YAML syntax: found character that cannot start any token while "
                          "scanning for the next token; nothing after this point was checked\n"},
        {"greeting: a\nexpose: \xFF\n", "f:2:9: invalid leading UTF-8 octet; expected UTF-8 text; "
                                        "nothing after this point was checked\n"},
        {"greeting: \x01\n", "f:1:11: control characters are not allowed; expected UTF-8 text; "
                             "nothing after this point was checked\n"});
}

// What stands before a syntax error is still checked, but nothing is called missing.
static void test_mistakes_before_a_syntax_error(void **state)
{
    (void)state;
    EXPECT({"threads: x\norigins:\n  m:\n    balance: none\n    backends: *no\n",
        "f:1:10: threads: \"x\" is not a whole number; expected a whole number between 1 and 64\n"
        "f:4:14: origins.m.balance: \"none\" is none of them; expected one of round_robin, "
        "least_busy or hash\n"
        "f:5:15: no anchor &no stands before this alias; expected one; nothing after this point "
        "was checked\n"});
}

static void test_all_mistakes_of_a_file_come_in_its_order(void **state)
{
    (void)state;
    EXPECT({"origins:\n"
            "  m:\n"
            "    balance: hsh\n"
            "theads: 4\n"
            "cache:\n"
            "  keep: 5\n"
            "  disk: [a]\n"
            "expose: on\n",
        "f:3:5: origins.m: required setting \"backends\" is missing; expected a list of sections, "
        "each begun with \"- \"\n"
        "f:3:14: origins.m.balance: \"hsh\" is unknown; did you mean \"hash\"?; expected one of "
        "round_robin, least_busy or hash\n"
        "f:4:1: unknown setting \"theads\"; did you mean \"threads\"?\n"
        "f:6:9: cache.keep: \"5\" has no unit; expected a duration such as 250ms or 10s between 1s "
        "and 365d\n"
        "f:7:9: cache.disk: a list cannot stand here; expected a section: indented lines of "
        "\"name: value\"\n"
        "f:8:9: expose: \"on\" is neither; expected true or false\n"});
}

static void test_a_mistake_behind_an_anchor_is_told_once(void **state)
{
    (void)state;
    EXPECT({"origins:\n  a:\n    backends: [{url: &u x}, {url: *u}, {url: *u}]\n",
        "f:3:22: origins.a.backends[1].url: \"x\" is no URL; expected http://HOST:PORT\n"},
        {"listen: [&x [a], *x]\nmethods: *x\n",
        "f:1:10: listen[1]: a list cannot stand here; expected text or a list of texts\n"});
}

static void append_repeated(struct text *text, const char *part, size_t times)
{
    for (size_t i = 0; i < times; i++)
        text_append(text, slice_from_string(part));
    assert_false(text->full);
}

static void test_mistakes_are_bounded(void **state)
{
    (void)state;
    char yaml[8192];
    struct text text = text_in(yaml, sizeof(yaml));
    struct conf_mistakes mistakes;
    char *lines;
    for (unsigned i = 0; i < 130; i++)
        text_format(&text, "zzzzzzzz%u: 1\n", i);
    load(text_slice(&text), &mistakes, &lines);
    assert_int_equal(mistakes.count, CONF_MISTAKES_MAX);
    assert_int_equal(mistakes.omitted, 30);
    assert_non_null(strstr(lines, "\nf: and 30 more\n"));
    free(lines);
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    static char yaml[300000];
    struct conf_mistakes mistakes;
    char *lines;
    struct text text = text_in(yaml, sizeof(yaml));
    text_append(&text, SLICE("listen: "));
    append_repeated(&text, "[", 100000);
    load(text_slice(&text), &mistakes, &lines);
    assert_non_null(strstr(lines, "f:1:40: nested more than 32 deep; expected less; nothing after "
                                  "this point was checked\n"));
    free(lines);
}

static void test_values_are_bounded(void **state)
{
    (void)state;
    static char yaml[CONF_FILE_MAX + 1];
    struct conf_mistakes mistakes;
    char *lines;
    struct text text = text_in(yaml, sizeof(yaml));
    text_append(&text, SLICE("listen:\n"));
    append_repeated(&text, "- a\n", 150000);
    load(text_slice(&text), &mistakes, &lines);
    assert_non_null(strstr(lines, "f:99999:3: more than 100000 values; expected a smaller file"));
    free(lines);

    // Few in the file, many once its aliases are followed.
    text = text_in(yaml, sizeof(yaml));
    text_append(&text, SLICE("origins:\n  a: &a\n    backends: &b\n"));
    append_repeated(&text, "      - {url: 'http://a'}\n", 3);
    for (unsigned i = 0; i < 30000; i++)
        text_format(&text, "  b%u: *a\n", i);
    load(text_slice(&text), &mistakes, &lines);
    assert_non_null(strstr(lines, "more than 100000 values once aliases are followed"));
    assert_int_equal(mistakes.count, 1);
    free(lines);

    memset(yaml, '\n', sizeof(yaml));
    load(slice_of(yaml, sizeof(yaml)), &mistakes, &lines);
    assert_string_equal(lines, "f: larger than 4MB; expected a smaller file\n");
    free(lines);
}

static void test_anchors_are_bounded(void **state)
{
    (void)state;
    char yaml[8192];
    struct conf_mistakes mistakes;
    char *lines;
    struct text text = text_in(yaml, sizeof(yaml));
    text_append(&text, SLICE("listen: [a"));
    for (unsigned i = 0; i < 101; i++)
        text_format(&text, ", &n%u a", i);
    load(text_slice(&text), &mistakes, &lines);
    assert_non_null(strstr(lines, "more than 100 anchors"));
    free(lines);
}

static void test_long_values_are_shortened(void **state)
{
    (void)state;
    EXPECT({"threads: "
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xC3\xA4"
            "bbbbbbbbbb\n",
        "f:1:10: threads: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…\" is not "
        "a whole number; expected a whole number between 1 and 64\n"});
}

static void test_edit_distance(void **state)
{
    (void)state;
    assert_int_equal(nearest_distance(SLICE("memory"), SLICE("memory")), 0);
    assert_int_equal(nearest_distance(SLICE(""), SLICE("abc")), 3);
    assert_int_equal(nearest_distance(SLICE("memry"), SLICE("memory")), 1);
    assert_int_equal(nearest_distance(SLICE("mmeory"), SLICE("memory")), 1);
    assert_int_equal(nearest_distance(SLICE("kitten"), SLICE("sitting")), 3);
    assert_int_equal(nearest_distance(SLICE("KEEP"), SLICE("keep")), 0);
    char long_name[NEAREST_NAME_MAX + 1];
    memset(long_name, 'a', sizeof(long_name));
    assert_true(nearest_distance(slice_of(long_name, sizeof(long_name)), SLICE("a")) == SIZE_MAX);
    assert_int_equal(nearest_distance(slice_of(long_name, NEAREST_NAME_MAX), SLICE("a")),
        NEAREST_NAME_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_status_sets),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_missing_and_empty),
        cmocka_unit_test(test_checks_of_the_owner),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_what_yaml_can_and_settings_cannot),
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_mistakes_before_a_syntax_error),
        cmocka_unit_test(test_all_mistakes_of_a_file_come_in_its_order),
        cmocka_unit_test(test_a_mistake_behind_an_anchor_is_told_once),
        cmocka_unit_test(test_mistakes_are_bounded),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_values_are_bounded),
        cmocka_unit_test(test_anchors_are_bounded),
        cmocka_unit_test(test_long_values_are_shortened),
        cmocka_unit_test(test_edit_distance),
    };
    return cmocka_run_group_tests_name("conf.mistakes", tests, NULL, NULL);
}
