// The real tables keep the rules of tables, and the reference can be made from them.
#include "main/settings.h"
#include "conf/describe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_the_tables_keep_the_rules(void **state)
{
    (void)state;
    assert_int_equal(conf_check_tables(&settings_root, stderr), 0);
}

static void test_the_reference_can_be_made(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(conf_describe_markdown(&settings_root, out), ERROR_NONE);
    assert_int_equal(conf_describe_schema(&settings_root, out), ERROR_NONE);
    fclose(out);
    assert_non_null(strstr(text, "- **`listen`**: "));
    assert_non_null(strstr(text, "\"listen\": {"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_tables_keep_the_rules),
        cmocka_unit_test(test_the_reference_can_be_made),
    };
    return cmocka_run_group_tests_name("main.settings", tests, NULL, NULL);
}
