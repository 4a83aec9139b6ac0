// The status has every member that its header promises, is all or nothing when memory runs out, and
// shows no terminal anything but text.
#include "fixture.h"

static struct fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static void assert_members(const json_t *object, const char *names)
{
    struct slice rest = slice_from_string(names);
    size_t count = 0;
    assert_true(json_is_object(object));
    while (rest.size > 0) {
        char name[64];
        struct slice word = slice_cut(&rest, ' ');
        snprintf(name, sizeof(name), "%.*s", SLICE_ARGS(word));
        if (json_object_get(object, name) == NULL)
            fail_msg("no member \"%s\"", name);
        count++;
    }
    assert_int_equal(json_object_size(object), count); // and none that the list lacks
}

static void status_has_the_documented_members(void **state)
{
    (void)state;
    fixture_keep(&fixture, SLICE("http://example.org/"));
    json_t *status = status_build(&fixture.source, edge_started_ms(fixture.edge) + 61000);
    assert_members(status,
        "version started uptime_seconds listeners threads maintenance sites origins cache store "
        "now ledger saved forbidden averted faults outbox access_log");
    assert_int_equal(json_integer_value(json_object_get(status, "uptime_seconds")), 61);
    assert_string_equal(json_string_value(json_array_get(json_object_get(status, "listeners"), 0)),
        "127.0.0.1:8080");
    assert_members(json_object_get(status, "maintenance"), "on until message");
    json_t *sites = json_object_get(status, "sites");
    assert_int_equal(json_array_size(sites), 2);
    assert_members(json_array_get(sites, 0), "hosts origin");
    assert_int_equal(json_array_size(json_object_get(json_array_get(sites, 0), "hosts")), 2);
    json_t *origins = json_object_get(status, "origins");
    assert_int_equal(json_array_size(origins), 2);
    json_t *origin = json_array_get(origins, 0);
    assert_members(origin,
        "name down down_since maintenance_until p95_ms requests attempts "
        "extra_attempts budget_refusals rescues throttled failures "
        "resolve_failures stale_connections connection_refusals overloads pool_overflows outliers "
        "waiting waits waits_background waits_bots displaced "
        "wait_refusals wait_timeouts maintenances backends");
    assert_string_equal(json_string_value(json_object_get(origin, "name")), "main");
    assert_true(json_is_false(json_object_get(origin, "down")));
    assert_true(json_is_null(json_object_get(origin, "down_since")));
    assert_int_equal(json_array_size(json_object_get(origin, "backends")), 2);
    json_t *backend = json_array_get(json_object_get(origin, "backends"), 0);
    assert_members(backend,
        "url healthy why since next_probe set_aside probe_disagrees at_once in_flight requests "
        "failures "
        "connections_open connections_idle p95_ms");
    assert_true(json_is_true(json_object_get(backend, "healthy")));
    json_t *cache = json_object_get(status, "cache");
    assert_members(cache,
        "objects bytes limit inserts evictions refused_size refused_first_sight ghost_hits "
        "purged uncacheable");
    assert_int_equal(json_integer_value(json_object_get(cache, "objects")), 1);
    assert_members(json_object_get(status, "store"),
        "objects cold bytes limit queued written renewed written_bytes skipped marks recalled "
        "damaged reclaimed failures failing");
    assert_members(json_object_get(status, "now"), "connections active_requests tunnels flights");
    assert_members(json_object_get(status, "forbidden"), "errors percent");
    json_t *averted = json_object_get(status, "averted");
    assert_members(averted,
        "last_hour last_day errors_last_hour errors_last_day by_lifeline hours");
    assert_int_equal(json_array_size(json_object_get(averted, "hours")), 24);
    assert_members(json_array_get(json_object_get(averted, "hours"), 0), "averted errors");
    assert_non_null(json_object_get(json_object_get(averted, "by_lifeline"), "saved_hold"));
    assert_null(json_object_get(json_object_get(averted, "by_lifeline"), "saved_coalesce"));
    assert_members(json_object_get(status, "outbox"),
        "writes bytes queued sending unknown accepted delivered refused expired dropped full "
        "disk_errors");
    assert_members(json_object_get(status, "access_log"), "written dropped write_errors");
    assert_int_equal(json_object_size(json_object_get(status, "ledger")), LEDGER_COUNTS);
    json_decref(status);
}

static void maintenance_shows_only_while_it_lasts(void **state)
{
    (void)state;
    struct maintenance maintenance = {
        .on = true, .until_ms = 1763993100000, .message = "bad \xff byte"};
    edge_set_maintenance(fixture.edge, &maintenance);
    json_t *status = status_build(&fixture.source, 0);
    json_t *object = json_object_get(status, "maintenance");
    assert_string_equal(
        json_string_value(json_object_get(object, "until")), "2025-11-24T14:05:00Z");
    assert_string_equal(json_string_value(json_object_get(object, "message")), "bad ? byte");
    json_decref(status);
    maintenance.on = false;
    edge_set_maintenance(fixture.edge, &maintenance);
    status = status_build(&fixture.source, 0);
    object = json_object_get(status, "maintenance");
    assert_true(json_is_null(json_object_get(object, "until")));
    assert_string_equal(json_string_value(json_object_get(object, "message")), "");
    json_decref(status);
}

static void status_is_whole_or_not_there_when_memory_fails(void **state)
{
    (void)state;
    json_t *whole = status_build(&fixture.source, 0);
    json_set_alloc_funcs(memory_alloc, memory_free);
    uint64_t failures;
    unsigned missing = 0, passes = 0;
    do {
        failures = memory_failures();
        memory_fail_after(++passes);
        json_t *status = status_build(&fixture.source, 0);
        memory_fail_after(0);
        missing += status == NULL;
        if (status != NULL)
            assert_true(json_equal(whole, status));
        json_decref(status);
    } while (memory_failures() > failures);
    json_set_alloc_funcs(malloc, free);
    assert_true(missing > 100);
    json_decref(whole);
}

static char *rendered(const json_t *status, bool colours, int64_t now_ms)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    status_render(status, colours, now_ms, out);
    fclose(out);
    assert_int_equal(strlen(text), size);
    return text;
}

static json_t *sample(void)
{
    json_t *status = json_loads(
        "{\"version\":\"1.2.3\",\"uptime_seconds\":11520,\"listeners\":[\"127.0.0.1:80\",\"[::1]:"
        "80\"],"
        "\"maintenance\":{\"on\":true,\"until\":\"2025-11-24T15:00:00Z\",\"message\":\"new disk\"},"
        "\"origins\":[{\"name\":\"main\",\"down\":true,\"down_since\":\"2025-11-24T14:00:00Z\","
        "\"backends\":["
        "{\"url\":\"http://10.0.0.1:80\",\"healthy\":false,\"why\":\"bad \\u001b[2J\\u009b news\","
        "\"since\":\"2025-11-24T14:01:00Z\",\"requests\":1234567,\"failures\":12,\"p95_ms\":7,"
        "\"probe_disagrees\":true}]}],"
        "\"cache\":{\"objects\":1200,\"bytes\":1572864,\"limit\":268435456},"
        "\"store\":{\"objects\":1100,\"bytes\":1048576,\"limit\":1073741824,\"skipped\":7,"
        "\"failing\":1},"
        "\"ledger\":{\"requests\":1000,\"hits\":973,\"visitor_errors\":4,\"saved_stale_if_error\":"
        "31},"
        "\"averted\":{\"last_day\":1231,\"last_hour\":31,\"errors_last_day\":4,"
        "\"errors_last_hour\":0,\"hours\":[{\"averted\":1200,\"errors\":0},{\"averted\":31,"
        "\"errors\":4}]},"
        "\"saved\":31,\"forbidden\":{\"errors\":1,\"percent\":25.0},\"access_log\":{\"dropped\":5}"
        "}",
        0, NULL);
    assert_non_null(status);
    return status;
}

static void terminal_form_says_what_is_wrong_and_why(void **state)
{
    (void)state;
    json_t *status = sample();
    char *text = rendered(status, false, 1763993100000);
    static const char *const parts[] = {
        "afloat 1.2.3, up 3 h 12 min, listening on 127.0.0.1:80, [::1]:80\n",
        "in maintenance until 2025-11-24T15:00:00Z: new disk\n",
        "origin main: nobody answers for 5 min\n", "http://10.0.0.1:80", "sick", "4 min",
        "1,234,567", "7 ms\n", "its probes say otherwise",
        "1,200 responses in 1.5 MB of 256.0 MB; 97.3 %", "lifelines answered 31 visitors\n",
        "on the disk 1,100 in 1.0 MB of 1.0 GB; 7 did not get there\n", "the disk fails or is full",
        "31  stale because the backend failed\n", "25 % of the errors",
        "█▁  1,231 errors averted, 31 of them in the last hour\n",
        "·█  4 seen by visitors, 0 of them in the last hour\n",
        "5 lines of the access log"};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (strstr(text, parts[i]) == NULL)
            fail_msg("\"%s\" is missing in:\n%s", parts[i], text);
    }
    free(text);
    json_decref(status);
}

static void terminal_gets_no_control_characters(void **state)
{
    (void)state;
    json_t *status = sample();
    char *text = rendered(status, false, 0);
    for (const char *at = text; *at != '\0'; at++)
        assert_true(*at == '\n' || (unsigned char)*at >= ' ');
    assert_null(strstr(text, "\xc2\x9b")); // the same as ESC [ to some
    free(text);
    text = rendered(status, true, 0);
    assert_non_null(strstr(text, "\033[31m  sick\033[0m"));
    assert_null(strstr(text, "\033[2J"));
    free(text);
    json_decref(status);
}

static void any_json_can_be_shown(void **state)
{
    (void)state;
    static const char *const odd[] = {"{}", "{\"origins\":7}",
        "{\"origins\":[1,{\"backends\":[2,{}]}]}", "{\"listeners\":[1]}", "{\"ledger\":[]}",
        "{\"uptime_seconds\":-5,\"cache\":{\"bytes\":-1}}"};
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        json_t *status = json_loads(odd[i], 0, NULL);
        assert_non_null(status);
        char *text = rendered(status, true, 0);
        assert_non_null(strstr(text, "afloat"));
        free(text);
        json_decref(status);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(status_has_the_documented_members),
        TEST(maintenance_shows_only_while_it_lasts),
        TEST(status_is_whole_or_not_there_when_memory_fails),
        cmocka_unit_test(terminal_form_says_what_is_wrong_and_why),
        cmocka_unit_test(terminal_gets_no_control_characters),
        cmocka_unit_test(any_json_can_be_shown),
    };
    return cmocka_run_group_tests_name("admin.status", tests, NULL, NULL);
}
