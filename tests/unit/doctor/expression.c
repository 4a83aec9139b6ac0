// Regular expressions: what they find, what they keep, what is refused, and that no page makes one
// of them slow.
#include "doctor/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct arena arena;
static char message[256];

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, (size_t)4 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static enum expression_result look(const char *expression, struct slice text,
    struct slice *captured)
{
    struct expression *compiled;
    struct expression_scratch *scratch;
    struct text complaint = text_in(message, sizeof(message));
    assert_int_equal(expression_compile(slice_from_string(expression), &arena, &complaint,
        &compiled), ERROR_NONE);
    assert_int_equal(expression_scratch_create(&arena, &scratch), ERROR_NONE);
    enum expression_result result = expression_match(compiled, text, scratch, captured);
    expression_scratch_release(scratch);
    expression_release(compiled);
    return result;
}

static void assert_captures(const char *expression, const char *text, const char *wanted)
{
    struct slice captured;
    assert_int_equal(look(expression, slice_from_string(text), &captured), EXPRESSION_MATCHES);
    assert_true(slice_equal(captured, slice_from_string(wanted)));
}

static void test_the_named_group_is_kept(void **state)
{
    (void)state;
    assert_captures("a(b|c)", "xacy", "");
    assert_captures("(a|b)+(?<captured>[0-9]+)", "ab42!", "42");
    assert_captures("x(: (?<captured>.*))?", "x", "");
    assert_captures("x(: (?<captured>.*))?", "x: ", "");
    assert_captures("x(: (?<captured>.*))?", "x: y", "y");
    assert_captures("^$", "", "");
    assert_int_equal(look("^x$", SLICE("x\n"), NULL), EXPRESSION_DIFFERS);
    assert_int_equal(look("X", SLICE("x"), NULL), EXPRESSION_DIFFERS);
    assert_int_equal(look("(?i)X", SLICE("x"), NULL), EXPRESSION_MATCHES);
    assert_int_equal(look("a\\x00b", SLICE("xa\0b"), NULL), EXPRESSION_MATCHES);
    assert_int_equal(look(".", SLICE("\xff"), NULL), EXPRESSION_MATCHES);
    assert_int_equal(look("x", SLICE_EMPTY, NULL), EXPRESSION_DIFFERS);
    assert_int_equal(look("\\K(?=b)", SLICE("ab"), NULL), EXPRESSION_MATCHES);
}

static const char *complaint_of(const char *expression)
{
    struct expression *compiled = NULL;
    struct text complaint = text_in(message, sizeof(message) - 1);
    assert_int_equal(expression_compile(slice_from_string(expression), &arena, &complaint,
        &compiled), ERROR_INVALID);
    assert_null(compiled);
    message[complaint.size] = '\0';
    return message;
}

static void test_what_is_refused_is_told_with_its_place(void **state)
{
    (void)state;
    assert_string_equal(complaint_of("ab("), "missing closing parenthesis, at character 4");
    assert_string_equal(complaint_of("*"), "quantifier does not follow a repeatable item, at "
                                           "character 1");
    assert_non_null(strstr(complaint_of("(?<code>x)"), "(?<captured>…)"));
    assert_non_null(strstr(complaint_of("(?<captured>x)(?<other>y)"), "(?<captured>…)"));
    assert_non_null(strstr(complaint_of("\\C"), "character"));
    assert_non_null(strstr(complaint_of("(*UTF)x"), "character"));
    char deep[200];
    memset(deep, '(', 99);
    memset(deep + 99, ')', 100);
    deep[198] = '\0';
    assert_non_null(strstr(complaint_of(deep), "deeply"));
    static char large[EXPRESSION_SIZE_MAX + 2];
    memset(large, 'x', EXPRESSION_SIZE_MAX + 1);
    assert_string_equal(complaint_of(large), "longer than 1024 bytes");
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Each of these takes quadratic or exponential time when nobody stops it. Without machine code too.
static void test_what_would_take_too_long_is_stopped(void **state)
{
    (void)state;
    static const char *const slow[] = {"(x+x+)+[yz]", "x[\\s\\S]*[yz]", "(x|xx|xxx)*[yz]",
        "(x*)*[yz]", "^(x?){300}[yz]", "(?:(x+)|y)+?[zw]", "(*NO_JIT)(x+x+)+[yz]",
        "(*NO_JIT)x[\\s\\S]*[yz]", "(*NO_JIT)(x|xx|xxx)*[yz]", "(*NO_JIT)(x*)*[yz]",
        "(*LIMIT_MATCH=4000000000)(x+x+)+[yz]"};
    const size_t size = (size_t)1 << 16;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
        double began = seconds();
        enum expression_result result = look(slow[i], slice_of(text, size), NULL);
        double taken = seconds() - began;
        if (result != EXPRESSION_STOPPED || taken > 1)
            fail_msg("%s: result %d after %.3f s", slow[i], (int)result, taken);
    }
    // Just below the bound at every byte: linear, and no more than this.
    double began = seconds();
    assert_int_equal(look("(*NO_JIT)x.{0,200}[yz]", slice_of(text, size), NULL),
        EXPRESSION_DIFFERS);
    assert_int_equal(look("x.{0,200}[yz]", slice_of(text, size), NULL), EXPRESSION_DIFFERS);
    assert_true(seconds() - began < 3);
    assert_int_equal(look("(?R)?x+y", slice_of(text, size), NULL), EXPRESSION_DIFFERS);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_named_group_is_kept),
        cmocka_unit_test(test_what_is_refused_is_told_with_its_place),
        cmocka_unit_test(test_what_would_take_too_long_is_stopped),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
