// Which media types are compressed, and what the settings take for one.
#include "conf/conf.h"
#include "edge/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool takes(const char *yaml, const char *content_type)
{
    struct arena arena;
    struct compress_settings settings;
    struct conf_mistakes mistakes;
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(conf_load_text(slice_from_string(yaml), &compress_settings_section, &arena,
        &settings, &mistakes), ERROR_NONE);
    bool result = compress_takes_type(&settings.types, slice_from_string(content_type));
    arena_free(&arena);
    return result;
}

static void the_usual_types_are_taken(void **state)
{
    (void)state;
    static const char *const taken[] = {"text/html", "Text/HTML;charset=utf-8", "text/css ; x=y",
        "text/x-anything", "application/json", "application/problem+json", "image/svg+xml",
        "application/rss+xml", "application/JavaScript", "application/wasm", "font/ttf"};
    static const char *const left[] = {"", ";", "image/png", "text/event-stream",
        "TEXT/Event-Stream; charset=utf-8", "video/mp4", "application/zip", "font/woff2",
        "application/octet-stream", "textual/html", "tex", "text"};
    for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
        if (!takes("", taken[i]))
            fail_msg("%s", taken[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        if (takes("", left[i]))
            fail_msg("%s", left[i]);
    }
}

static void patterns_have_one_star_and_exceptions(void **state)
{
    (void)state;
    assert_true(takes("types: [\"a*b\"]", "axxb"));
    assert_true(takes("types: [\"a*b\"]", "AB"));
    assert_false(takes("types: [\"aa*ab\"]", "aab")); // the star's two sides do not overlap
    assert_true(takes("types: [\"*/\", \"*+x\"]", "a/b+x"));
    assert_false(takes("types: [text/html, \"!text/*\"]", "text/html"));
    assert_false(takes("types: [\"!text/html\", text/*]", "text/html"));
    assert_true(takes("types: [\"!text/html\", text/*]", "text/css"));
    assert_false(takes("types: []", "text/html"));
}

static unsigned mistakes_in(const char *yaml)
{
    static struct conf_mistakes mistakes;
    struct arena arena;
    struct compress_settings settings;
    arena_init(&arena, 4096, 1 << 20);
    enum error error = conf_load_text(slice_from_string(yaml), &compress_settings_section, &arena,
        &settings, &mistakes);
    arena_free(&arena);
    return error == ERROR_NONE ? 0 : (unsigned)mistakes.count;
}

static void what_is_no_type_or_encoding_is_told(void **state)
{
    (void)state;
    assert_int_equal(mistakes_in("types: [text/html, \"*+zip\", \"!a/b\", \"*\"]"), 0);
    assert_int_equal(mistakes_in("types: [text]"), 1);
    assert_int_equal(mistakes_in("types: [\"text/html; charset=utf-8\"]"), 1);
    assert_int_equal(mistakes_in("types: [\"t*t/*\"]"), 1);
    assert_int_equal(mistakes_in("types: [a/b/c]"), 1);
    assert_int_equal(mistakes_in("types: [\"!\"]"), 1);
    assert_int_equal(mistakes_in("encodings: [gzip, br, zstd]"), 0);
    assert_int_equal(mistakes_in("encodings: [deflate]"), 1);
    assert_int_equal(mistakes_in("encodings: [identity]"), 1);
    assert_int_equal(mistakes_in("encodings: []"), 1);
    assert_int_equal(mistakes_in("gzip_level: 10"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_types_are_taken),
        cmocka_unit_test(patterns_have_one_star_and_exceptions),
        cmocka_unit_test(what_is_no_type_or_encoding_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
