// Which visit gets which document, by which addresses, and who is refused.
#include "machine_fixture.h"
#include "watch/world.h"

struct asking {
    struct arena arena;
    struct http_fields fields;
    struct edge_page_request request;
    struct visit visit;
    struct edge_page page;
};

static struct machine_fixture fixture;
static struct asking asking;
static enum error run_fails;

// What a running edge does.
enum error visit_run(struct task *task, const struct visit *visit, void (*work)(void *argument),
    void *argument)
{
    (void)task;
    (void)visit;
    if (run_fails == ERROR_NONE)
        work(argument);
    return run_fails;
}

static struct change changes[] = {
    {.at_ms = NOW - 1000, .from = COMPONENT_OPERATIONAL, .to = COMPONENT_DOWN,
        .reason = {REASON_STATUS, 503}, .cause = SLICE("db\"1")},
    {.at_ms = NOW - HOUR, .from = COMPONENT_UNKNOWN, .to = COMPONENT_OPERATIONAL}};
static struct database *database;

struct database *world_database(struct world *world)
{
    (void)world;
    return database;
}

enum error changes_read(struct database *asked, struct slice component, int64_t now_ms,
    size_t most, struct arena *arena, struct change **ret_changes, size_t *ret_count)
{
    (void)arena;
    assert_ptr_equal(asked, database);
    assert_true(slice_equal(component, SLICE("api.example")) && now_ms == NOW
        && most == CHANGES_MAX);
    *ret_changes = changes;
    *ret_count = ARRAY_SIZE(changes);
    return ERROR_NONE;
}

struct slice visit_form_value(const struct visit *visit, struct slice form, struct slice name)
{
    (void)visit;
    struct slice value = form, key = slice_cut(&value, '=');
    return slice_equal(key, name) ? value : SLICE_EMPTY;
}

static int begin(void **state)
{
    (void)state;
    fixture_begin(&fixture);
    run_fails = ERROR_NONE;
    asking = (struct asking){0};
    arena_init(&asking.arena, 4096, (size_t)1 << 20);
    asking.request = (struct edge_page_request){.method = HTTP_METHOD_GET,
        .fields = &asking.fields, .arena = &asking.arena, .host = SLICE("shop.example"),
        .authority = SLICE("shop.example:8443"), .secure = true};
    asking.visit = (struct visit){.request = &asking.request, .base = SLICE("/.afloat/"),
        .home = SLICE("/.afloat/status"), .snapshot = &fixture.snapshot, .now_ms = NOW};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&asking.arena);
    fixture_end(&fixture);
    return 0;
}

static bool serve(const char *name, const char *query)
{
    if (asking.page.end != NULL)
        asking.page.end(asking.page.more_context);
    asking.page = (struct edge_page){0};
    asking.visit.name = slice_from_string(name);
    asking.request.query = query == NULL ? SLICE_EMPTY : slice_from_string(query);
    return machine_serve(NULL, &asking.visit, &asking.page);
}

static void assert_content(const char *part)
{
    struct slice copy = arena_copy(&asking.arena, asking.page.content);
    assert_non_null(copy.data);
    if (strstr(copy.data, part) == NULL)
        fail_msg("\"%s\" is missing in:\n%.2000s", part, copy.data);
}

static void finish_page(void)
{
    assert_ptr_equal(asking.page.end, memory_free);
    asking.page.end(asking.page.more_context);
    asking.page.end = NULL;
}

static void test_names(void **state)
{
    static const struct {
        const char *name, *query, *type, *part;
    } cases[] = {
        {"api/v2/status.json", NULL, "application/json; charset=utf-8",
            "\"indicator\":\"major\""},
        {"api/v2/summary.json", NULL, "application/json; charset=utf-8", "\"components\":["},
        {"api/v2/incidents/unresolved.json", NULL, "application/json; charset=utf-8",
            "\"incidents\":["},
        {"api/v2/scheduled-maintenances/active.json", NULL, "application/json; charset=utf-8",
            "\"scheduled_maintenances\":["},
        {"feed.atom", NULL, "application/atom+xml; charset=utf-8", "<feed "},
        {"calendar.ics", NULL, "text/calendar; charset=utf-8", "BEGIN:VCALENDAR\r\n"},
        {"badge.svg", NULL, "image/svg+xml; charset=utf-8", "Example: outage"},
        {"badge.svg", "type=uptime", "image/svg+xml; charset=utf-8", "Example: 99.53 %"},
        {"badge.svg", "type=other", "image/svg+xml; charset=utf-8", "Example: outage"},
        {"badge/api.example.svg", NULL, "image/svg+xml; charset=utf-8", "API: operational"},
        {"badge/api.example.svg", "type=uptime", "image/svg+xml; charset=utf-8", "API: 99.53 %"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(serve(cases[i].name, cases[i].query));
        assert_int_equal(asking.page.status, 200);
        assert_true(slice_equal(asking.page.content_type, slice_from_string(cases[i].type)));
        assert_content(cases[i].part);
        assert_true(slice_starts_with(asking.page.fields,
            SLICE("Access-Control-Allow-Origin: *\r\n")));
        finish_page();
    }
}

static void test_other_names(void **state)
{
    static const char *const names[] = {"", "status", "api/v2/", "api/v2/.json", "api/v2/x.json",
        "api/v2/status", "api/v2/incidents/.json", "badge", "badge/.svg", "badge/x.svg",
        "badge/api.example", "badges.svg", "feed.atom/", "calendar", "API/V2/status.json"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (serve(names[i], NULL))
            fail_msg("%s is a page", names[i]);
    }
}

static void test_events(void **state)
{
    (void)state;
    database = NULL; // nothing is kept: an empty list
    assert_true(serve("component/api.example/events.json", NULL));
    assert_int_equal(asking.page.status, 200);
    assert_content("{\"component\":{\"id\":\"api.example\",\"name\":\"API\",\"status\":"
        "\"operational\"},\"days\":90,\"most\":500,\"events\":[]}");
    database = (struct database *)(void *)changes;
    assert_true(serve("component/api.example/events.json", NULL));
    assert_true(slice_equal(asking.page.content_type, SLICE("application/json; charset=utf-8")));
    assert_content("\"events\":[{\"at\":\"2026-12-01T01:59:59.123Z\",\"from\":\"operational\","
        "\"to\":\"major_outage\",\"reason\":\"STATUS\",\"description\":"
        "\"an unexpected status is answered\",\"number\":503,\"caused_by\":\"db\\\"1\"},"
        "{\"at\":\"2026-12-01T01:00:00.123Z\",\"from\":\"unknown\",\"to\":\"operational\","
        "\"reason\":null,\"description\":null,\"number\":null,\"caused_by\":null}]}");
    assert_true(serve("component/api.example/events.csv", NULL));
    assert_true(slice_starts_with(asking.page.content_type, SLICE("text/csv;")));
    assert_content("at,from,to,reason,number,caused_by\r\n2026-12-01T01:59:59.123Z,operational,"
        "major_outage,STATUS,503,\"db\"\"1\"\r\n2026-12-01T01:00:00.123Z,unknown,operational,,,"
        "\r\n");
    finish_page();
    assert_false(serve("component/nobody/events.json", NULL));
    assert_false(serve("component/events.json", NULL));
    assert_false(serve("component/api.example", NULL));
    assert_false(serve("component//events.csv", NULL));
}

// Without an address in the settings, the visitor's own.
static void test_addresses(void **state)
{
    (void)state;
    assert_true(serve("feed.atom", NULL));
    assert_content("<id>tag:shop.example,2026:status</id>");
    assert_content("href=\"https://shop.example:8443/.afloat/feed.atom\"");
    assert_content("href=\"https://shop.example:8443/.afloat/status\"");
    asking.request.secure = false;
    assert_true(serve("api/v2/status.json", NULL));
    assert_content("\"url\":\"http://shop.example:8443/.afloat/status\"");
    asking.visit.base = asking.visit.home = SLICE("/");
    assert_true(serve("api/v2/incidents.json", NULL));
    assert_content("\"shortlink\":\"http://shop.example:8443/incident/k3x9aaaaaaaa\"");
    fixture.snapshot.brand.url = SLICE("https://status.example.org:444");
    assert_true(serve("feed.atom", NULL));
    assert_content("<id>tag:status.example.org,2026:status</id>");
    assert_content("href=\"https://status.example.org:444/feed.atom\"");
    assert_content("type=\"text/html\" href=\"https://status.example.org:444\"/>");
    fixture.snapshot.brand.url = SLICE("https://example.org/.afloat/status");
    assert_true(serve("feed.atom", NULL));
    assert_content("<id>tag:example.org,2026:status</id>");
    assert_content("href=\"https://example.org/.afloat/incident/k3x9aaaaaaaa\"");
    fixture.snapshot.brand.url = SLICE("strange"); // as it is, and no harm done
    assert_true(serve("feed.atom", NULL));
    assert_content("<id>tag:strange,2026:status</id>");
    finish_page();
}

static void test_methods(void **state)
{
    (void)state;
    asking.request.method = HTTP_METHOD_HEAD;
    assert_true(serve("feed.atom", NULL));
    assert_int_equal(asking.page.status, 200);
    finish_page();
    asking.request.method = HTTP_METHOD_POST;
    assert_true(serve("feed.atom", NULL));
    assert_int_equal(asking.page.status, 405);
    assert_true(slice_equal(asking.page.fields, SLICE("Allow: GET, HEAD\r\n")));
    assert_null(asking.page.end);
}

static void test_too_much(void **state)
{
    (void)state;
    run_fails = ERROR_LIMIT;
    assert_true(serve("api/v2/summary.json", NULL));
    assert_int_equal(asking.page.status, 503);
    assert_true(slice_equal(asking.page.fields, SLICE("Retry-After: 10\r\n")));
    assert_null(asking.page.end);
    run_fails = ERROR_NONE;
    // More than may ever be written at once.
    char *title = memory_alloc((size_t)6 << 20);
    assert_non_null(title);
    memset(title, '\x01', (size_t)6 << 20);
    fixture.components[0].title = slice_of(title, (size_t)6 << 20);
    assert_true(serve("api/v2/summary.json", NULL));
    assert_int_equal(asking.page.status, 503);
    assert_null(asking.page.end);
    memory_free(title);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names), TEST(other_names), TEST(events), TEST(addresses), TEST(methods),
        TEST(too_much),
    };
    return cmocka_run_group_tests_name("watch.machine", tests, NULL, NULL);
}
