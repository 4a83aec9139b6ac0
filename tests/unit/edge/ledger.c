// Every counter has a name of its own that may stand in a metric, and words for people.
#include "edge/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names_are_distinct_and_fit_metrics(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LEDGER_COUNTS; i++) {
        const char *name = ledger_name((enum ledger_count)i);
        assert_true(name[0] >= 'a' && name[0] <= 'z');
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789"), strlen(name));
        assert_true(strlen(ledger_help((enum ledger_count)i)) > 0);
        assert_null(strchr(ledger_help((enum ledger_count)i), '\n'));
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(name, ledger_name((enum ledger_count)k));
    }
}

static void test_names_stand_in_the_order_of_the_counters(void **state)
{
    (void)state;
    assert_string_equal(ledger_name(LEDGER_SAVED_COALESCE), "saved_coalesce");
    assert_string_equal(ledger_name(LEDGER_SAVED_HONEST_PAGE), "honest_pages");
    assert_string_equal(ledger_name(LEDGER_REQUESTS), "requests");
    assert_string_equal(ledger_name(LEDGER_RANGE_RESTARTS), "range_restarts");
}

static void test_what_is_added_is_counted_where_it_belongs(void **state)
{
    (void)state;
    struct ledger_row row;
    memset(&row, 0, sizeof(row));
    ledger_add(&row, LEDGER_BYTES_SENT, 5000000000);
    ledger_add(&row, LEDGER_BYTES_SENT, 1);
    ledger_add_fault(&row, HTTP1_FAULT_CHUNK);
    ledger_add_fault(&row, HTTP1_FAULT_HOST);
    assert_int_equal(row.counts[LEDGER_BYTES_SENT], 5000000001);
    assert_int_equal(row.counts[LEDGER_BAD_REQUESTS], 2);
    assert_int_equal(row.faults[HTTP1_FAULT_CHUNK], 1);
    assert_int_equal(row.faults[HTTP1_FAULT_HOST], 1);
    for (unsigned i = 0; i < LEDGER_COUNTS; i++) {
        if (i != LEDGER_BYTES_SENT && i != LEDGER_BAD_REQUESTS)
            assert_int_equal(row.counts[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_distinct_and_fit_metrics),
        cmocka_unit_test(test_names_stand_in_the_order_of_the_counters),
        cmocka_unit_test(test_what_is_added_is_counted_where_it_belongs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
