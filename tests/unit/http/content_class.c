// Kinds of content, by their media types as servers write them.
#include "http/content_class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_types_as_servers_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum http_content_class is;
    } cases[] = {
        {"text/html", HTTP_CONTENT_PAGE},
        {"Text/HTML; charset=utf-8", HTTP_CONTENT_PAGE},
        {"application/xhtml+xml", HTTP_CONTENT_PAGE},
        {"text/css", HTTP_CONTENT_ASSET},
        {"application/javascript", HTTP_CONTENT_ASSET},
        {"font/woff2", HTTP_CONTENT_ASSET},
        {"image/svg+xml", HTTP_CONTENT_IMAGE},
        {"video/mp4", HTTP_CONTENT_MEDIA},
        {"audio/ogg", HTTP_CONTENT_MEDIA},
        {"text/plain", HTTP_CONTENT_DATA},
        {"application/json", HTTP_CONTENT_DATA},
        {"application/octet-stream", HTTP_CONTENT_OTHER},
        {"text", HTTP_CONTENT_OTHER},
        {"", HTTP_CONTENT_OTHER},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(http_content_class(slice_from_string(cases[i].type)), cases[i].is);
    assert_int_equal(http_content_class(SLICE_EMPTY), HTTP_CONTENT_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types_as_servers_write_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
