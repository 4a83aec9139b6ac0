// The guard of the tables: a good one passes, and each offence of a bad one is named.
#include "conf/conf.h"
#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct subject {
    struct slice name;
    uint64_t number, other;
    struct setting_list list;
};

static size_t check(const struct setting_section *section, char **ret_lines)
{
    size_t size;
    FILE *out = open_memstream(ret_lines, &size);
    assert_non_null(out);
    size_t offences = conf_check_tables(section, out);
    fclose(out);
    return offences;
}

// A row that is in order; each test spoils one thing.
static struct setting good_row(void)
{
    return (struct setting){.name = "number", .type = SETTING_COUNT,
        .offset = offsetof(struct subject, number), .fallback = "1", .minimum = 1, .maximum = 9,
        .summary = "A number.", .touch = "Never."};
}

static void expect_offence(struct setting row, const char *expected)
{
    struct setting_section section = {sizeof(struct subject), &row, 1, "A subject", NULL};
    char *lines;
    size_t offences = check(&section, &lines);
    assert_string_equal(lines, expected);
    assert_int_equal(offences, expected[0] == '\0' ? 0 : 1);
    free(lines);
}

static void test_good_tables_pass(void **state)
{
    (void)state;
    char *lines;
    assert_int_equal(check(&edge_section, &lines), 0);
    assert_string_equal(lines, "");
    free(lines);
    expect_offence(good_row(), "");
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"", "Number", "num-ber", "_a", "a_", "a__b", "9a",
        "an_extremely_long_name_that_nobody_wants_"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char expected[256];
        struct setting row = good_row();
        row.name = names[i];
        row.fallback = NULL;
        row.example = "1";
        struct setting_section section = {sizeof(struct subject), &row, 1, "A subject", NULL};
        snprintf(expected, sizeof(expected), "%s: is no name: lower case words joined by _, at "
            "most 40 bytes\n", names[i]);
        char *lines;
        assert_true(check(&section, &lines) > 0);
        assert_memory_equal(lines, expected, strlen(expected));
        free(lines);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    struct setting row = good_row();
    row.minimum = 5;
    row.maximum = 4;
    row.fallback = NULL;
    row.example = NULL;
    row.required = false;
    struct setting_section section = {sizeof(struct subject), &row, 1, "A subject", NULL};
    char *lines;
    assert_int_equal(check(&section, &lines), 2);
    assert_string_equal(lines, "number: has a minimum above its maximum\n"
                               "number: is required and shows no example\n");
    free(lines);
    row = good_row();
    row.maximum = 0;
    expect_offence(row, "number: has no upper limit\n");
    row = good_row();
    row.type = SETTING_PERCENT;
    row.maximum = 101;
    expect_offence(row, "number: has a maximum above 100%\n");
}

static void test_fallbacks(void **state)
{
    (void)state;
    struct setting row = good_row();
    row.fallback = "10";
    expect_offence(row, "number: its fallback 10 is not accepted: number: \"10\" is too large; "
                        "expected a whole number between 1 and 9\n");
    row = good_row();
    row.fallback = "1s";
    row.type = SETTING_DURATION;
    expect_offence(row, "number: its fallback 1s is not accepted: number: \"1s\" is too large; "
                        "expected a duration such as 250ms or 10s between 1ms and 9ms\n");
    row = good_row();
    row.example = "no";
    expect_offence(row, "number: its example no is not accepted: number: \"no\" is not a whole "
                        "number; expected a whole number between 1 and 9\n");
}

static void test_what_may_be_left_out(void **state)
{
    (void)state;
    struct setting row = good_row();
    row.optional = true;
    expect_offence(row, "number: is optional and has a fallback\n");
    row.fallback = NULL;
    expect_offence(row, "");
    row = (struct setting){.name = "list", .type = SETTING_TEXT_MAP,
        .offset = offsetof(struct subject, list), .summary = "A list.", .optional = true};
    expect_offence(row, "list: is optional, which only numbers and choices can be\n");
}

static void test_texts(void **state)
{
    (void)state;
    struct setting row = good_row();
    row.summary = NULL;
    expect_offence(row, "number: has no summary\n");
    row = good_row();
    row.touch = "";
    expect_offence(row, "number: does not say when to touch it\n");
}

static void test_memory(void **state)
{
    (void)state;
    struct setting row = good_row();
    row.offset = sizeof(struct subject) - 4;
    struct setting_section section = {sizeof(struct subject), &row, 1, "A subject", NULL};
    char *lines;
    row.fallback = NULL;
    assert_true(check(&section, &lines) >= 2);
    assert_non_null(strstr(lines, "number: lies outside its struct\n"));
    assert_non_null(strstr(lines, "number: is misaligned"));
    free(lines);

    struct setting rows[2] = {good_row(), good_row()};
    struct setting_section pair = {sizeof(struct subject), rows, 2, "A subject", NULL};
    assert_int_equal(check(&pair, &lines), 2);
    assert_string_equal(lines,
        "number: overlaps number: is its member of the type of the row?\n"
        "number: stands in the table twice\n");
    free(lines);

    struct setting inner = good_row();
    inner.offset = offsetof(struct subject, name);
    struct setting_section named = {sizeof(struct subject), &inner, 1, "Named", NULL};
    struct setting outer = {.name = "outer", .type = SETTING_SECTION_MAP,
        .offset = offsetof(struct subject, list), .section = &named, .summary = "A map."};
    expect_offence(outer, "outer.number: lies where the section's name goes, its first member\n");
}

static void test_choices_and_sections(void **state)
{
    (void)state;
    static const char *const twice[] = {"a", "a", NULL}, *const none[] = {NULL};
    struct setting row = good_row();
    row.choices = twice;
    expect_offence(row, "number: has choices but no such type\n");
    row.type = SETTING_CHOICE;
    row.minimum = row.maximum = 0;
    row.fallback = "a";
    expect_offence(row, "number: has the choice a twice\n");
    row.choices = none;
    row.fallback = NULL;
    row.example = NULL;
    struct setting_section section = {sizeof(struct subject), &row, 1, "A subject", NULL};
    char *lines;
    assert_int_equal(check(&section, &lines), 2);
    assert_non_null(strstr(lines, "number: has 0 choices; 1 to 64 are possible\n"));
    free(lines);
    row = good_row();
    row.section = &section;
    expect_offence(row, "number: its type and its section do not go together\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_tables_pass),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_fallbacks),
        cmocka_unit_test(test_what_may_be_left_out),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_choices_and_sections),
    };
    return cmocka_run_group_tests_name("conf.check", tests, NULL, NULL);
}
