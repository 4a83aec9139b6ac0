// What a stranger wrote, before a terminal shows it.
#include "doctor/printable.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect(const char *wrote, size_t size, size_t most, bool ascii, const char *shown)
{
    char buffer[256];
    struct text text = text_in(buffer, sizeof(buffer));
    printable_append(&text, slice_of(wrote, size), most, ascii);
    assert_false(text.full);
    assert_int_equal(text.size, strlen(shown));
    assert_memory_equal(text.data, shown, text.size);
}

#define EXPECT(wrote, shown) expect(wrote, sizeof(wrote) - 1, 200, false, shown)

static void test_harmless(void **state)
{
    (void)state;
    EXPECT("", "");
    EXPECT("nginx/1.22.1", "nginx/1.22.1");
    EXPECT("Grüße, 你好, مرحبا", "Grüße, 你好, مرحبا");
}

static void test_controls(void **state)
{
    (void)state;
    EXPECT("\033[2J\033]0;owned\007", "?[2J?]0;owned?");
    EXPECT("a\r\nb\tc\bd\x7f\0e", "a??b?c?d??e");
    EXPECT("\xC2\x9B"
           "31m", "?31m"); // CSI of ISO 6429, in UTF-8
    EXPECT("\x9B"
           "31m", "?31m"); // and alone, which is no UTF-8
    EXPECT("a\xE2\x80\xAE" "b", "a?b");     // right-to-left override
    EXPECT("a\xE2\x81\xA6" "b", "a?b");     // isolate
    EXPECT("a\xE2\x80\x8B" "b", "a?b");     // zero width space
    EXPECT("a\xEF\xBB\xBF" "b", "a?b");     // byte order mark
    EXPECT("a\xF3\xA0\x81\x81" "b", "a?b"); // a tag character
}

static void test_no_utf8(void **state)
{
    (void)state;
    EXPECT("\xFF\xFE", "??");
    EXPECT("\xC3", "?");
    EXPECT("\xE4\xBD", "??");
    EXPECT("\xED\xA0\x80", "???"); // a surrogate
    EXPECT("\xC0\xAF", "??");      // overlong
}

static void test_ascii_and_length(void **state)
{
    (void)state;
    expect("Grüße", strlen("Grüße"), 200, true, "Gr??e");
    expect("abcdef", 6, 6, false, "abcdef");
    expect("abcdefg", 7, 6, false, "abcdef...");
    expect("abcde\xC3\xBC", 7, 6, false, "abcde..."); // not inside a character
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_harmless),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_no_utf8),
        cmocka_unit_test(test_ascii_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
