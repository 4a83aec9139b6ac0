// Which visit gets which page: names, numbers, methods, tokens, the shelf, and who comes at once.
#include "html_check.h"
#include "page_sample.h"
#include "watch/page/shelf.h"
#include "watch/page/words.h"

#include <pthread.h>

#define DATABASE ((struct database *)(void *)&database_stands_in)
#define VISITORS 8
#define VISITS 40

static char database_stands_in;
static enum error run_fails;
static _Atomic unsigned days_read;
static struct snapshot *snapshot;
static struct status_shelf *shelf;

// What the lead's files do in a running edge.
enum error visit_run(struct task *task, const struct visit *visit, void (*work)(void *argument),
    void *argument)
{
    (void)task;
    (void)visit;
    if (run_fails == ERROR_NONE)
        work(argument);
    return run_fails;
}

struct slice visit_form_value(const struct visit *visit, struct slice form, struct slice name)
{
    (void)visit;
    while (form.data != NULL) {
        struct slice value = slice_cut(&form, '&'), key = slice_cut(&value, '=');
        if (slice_equal(key, name))
            return value.data == NULL ? SLICE("") : value;
    }
    return SLICE_EMPTY;
}

enum error chronicle_read_points(struct database *database, struct slice component_id, int32_t day,
    struct chronicle_point ret_points[CHRONICLE_POINTS])
{
    assert_ptr_equal(database, DATABASE);
    assert_true(component_id.size > 0);
    atomic_fetch_add(&days_read, 1);
    if (day != (int32_t)(SAMPLE_NOW / SAMPLE_DAY))
        return ERROR_NOT_FOUND;
    for (size_t i = 0; i < CHRONICLE_POINTS; i++)
        ret_points[i] = (struct chronicle_point){10000, 10000, i == 170 ? 77 : 42, 90};
    return ERROR_NONE;
}

enum error changes_read(struct database *database, struct slice component, int64_t now_ms,
    size_t most, struct arena *arena, struct change **ret_changes, size_t *ret_count)
{
    assert_ptr_equal(database, DATABASE);
    assert_true(component.size > 0 && most == STATUS_PAGE_CHANGES);
    *ret_changes = arena_alloc(arena, sizeof(**ret_changes));
    assert_non_null(*ret_changes);
    **ret_changes = (struct change){.at_ms = now_ms - SAMPLE_DAY, .from = COMPONENT_OPERATIONAL,
        .to = COMPONENT_DOWN, .reason = {REASON_TIMEOUT, 0}};
    *ret_count = 1;
    return ERROR_NONE;
}

// --- A visit ---

struct asking {
    struct arena arena;
    struct http_fields fields;
    struct edge_page_request request;
    struct visit visit;
    struct status_page_offers offers;
    struct edge_page page;
};

static void write_token(void *context, struct slice component, int64_t now_ms, struct text *token)
{
    unsigned *count = context;
    if (component.size > 0) // a report is about something
        text_format(token, "%.*s.%lld.%u", SLICE_ARGS(component), (long long)now_ms, ++*count);
}

static void ask(struct asking *asking, const char *name, const char *query)
{
    arena_init(&asking->arena, 4096, (size_t)4 << 20);
    asking->request = (struct edge_page_request){.method = HTTP_METHOD_GET,
        .query = query == NULL ? SLICE_EMPTY : slice_from_string(query),
        .fields = &asking->fields, .arena = &asking->arena};
    asking->visit = (struct visit){.request = &asking->request, .base = SLICE("/.afloat/"),
        .home = SLICE("/.afloat/status"), .name = slice_from_string(name), .snapshot = snapshot,
        .now_ms = SAMPLE_NOW + 1000, .language = SLICE("en")};
}

static bool serve(struct asking *asking)
{
    return status_page_serve(NULL, shelf, &asking->visit, &asking->offers, &asking->page);
}

static const char *content_of(struct asking *asking)
{
    struct slice copy = arena_copy(&asking->arena, asking->page.content);
    assert_non_null(copy.data);
    return copy.data;
}

static void end(struct asking *asking)
{
    arena_free(&asking->arena);
    *asking = (struct asking){0};
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %.3000s", part, text);
}

static void assert_answer(const char *name, const char *query, unsigned status, const char *part)
{
    struct asking asking = {0};
    ask(&asking, name, query);
    assert_true(serve(&asking));
    assert_int_equal(asking.page.status, status);
    assert_true(slice_equal(asking.page.content_type, SLICE(STATUS_PAGE_TYPE)));
    html_check(content_of(&asking));
    assert_has(content_of(&asking), part);
    const char *fields = arena_copy(&asking.arena, asking.page.fields).data;
    assert_true(slice_starts_with(asking.page.policy,
        SLICE("default-src 'none'; style-src 'sha256-")));
    assert_has(fields, "Vary: Accept-Language\r\n");
    end(&asking);
}

static int begin(void **state)
{
    (void)state;
    snapshot = sample_create(120, true);
    shelf = status_shelf_create();
    run_fails = ERROR_NONE;
    days_read = 0;
    return snapshot == NULL || shelf == NULL;
}

static int finish(void **state)
{
    (void)state;
    status_shelf_destroy(shelf);
    snapshot_release(snapshot);
    return 0;
}

// --- Tests ---

static void names_lead_to_their_pages(void **state)
{
    (void)state;
    assert_answer("", NULL, 200, "<h1>Some systems are down</h1>");
    assert_answer("status", NULL, 200, "<h1>Some systems are down</h1>");
    assert_answer("", "page=3", 200, "Page 3 of 3");
    assert_answer("", "page=4", 404, "There is no such page");
    assert_answer("", "page=0", 404, "There is no such page");
    assert_answer("", "page=x", 404, "There is no such page");
    assert_answer("history", NULL, 200, "March 2026");
    assert_answer("history", "month=1", 200, "February 2026");
    assert_answer("history", "month=24", 200, "March 2024");
    assert_answer("history", "month=25", 404, "There is no such page");
    assert_answer("incident/r1", NULL, 200, "Search returned no results");
    assert_answer("incident/r9", NULL, 404, "There is no such page");
    assert_answer("incident/", NULL, 404, "There is no such page");
    assert_answer("component/service-7.example.net", "days=7", 200, "Documentation");
    struct asking with_database = {.offers = {.database = DATABASE}};
    ask(&with_database, "component/service-7.example.net", NULL);
    assert_true(serve(&with_database));
    assert_has(content_of(&with_database), "<b>Operational → Down</b> <span>No answer in time");
    end(&with_database);
    assert_answer("component/service-7.example.net", "days=8", 404, "There is no such page");
    assert_answer("component/nobody", NULL, 404, "There is no such page");
    struct asking asking = {0};
    ask(&asking, "historyx", NULL);
    assert_false(serve(&asking));
    end(&asking);
}

static void a_chosen_language_is_kept(void **state)
{
    (void)state;
    struct asking asking = {0};
    ask(&asking, "history", "lang=de");
    asking.visit.language = SLICE("de");
    assert_true(serve(&asking));
    assert_has(content_of(&asking), "<html lang=\"de\"");
    assert_has(content_of(&asking), "href=\"/.afloat/status?lang=de\"");
    assert_has(arena_copy(&asking.arena, asking.page.fields).data, "Content-Language: de\r\n");
    end(&asking);
    ask(&asking, "history", "lang=xx"); // none of ours: the language is what the browser likes
    assert_true(serve(&asking));
    assert_null(strstr(content_of(&asking), "?lang=en\"><"));
    assert_has(content_of(&asking), "href=\"/.afloat/status\"");
    end(&asking);
}

static void other_methods_are_refused(void **state)
{
    (void)state;
    struct asking asking = {0};
    ask(&asking, "", NULL);
    asking.request.method = HTTP_METHOD_POST;
    assert_true(serve(&asking));
    assert_int_equal(asking.page.status, 405);
    assert_has(arena_copy(&asking.arena, asking.page.fields).data, "Allow: GET, HEAD\r\n");
    end(&asking);
    ask(&asking, "", NULL);
    asking.request.method = HTTP_METHOD_HEAD;
    assert_true(serve(&asking));
    assert_int_equal(asking.page.status, 200);
    end(&asking);
}

static void the_logo_is_known_by_its_hash(void **state)
{
    (void)state;
    struct http_field known = {.name = SLICE("If-None-Match"),
        .value = SLICE("\"x\", W/\"0000000000000abc\""), .known = HTTP_NAME_IF_NONE_MATCH};
    struct asking asking = {0};
    ask(&asking, "logo", "v=0000000000000000"); // the brand has none
    assert_true(serve(&asking));
    assert_int_equal(asking.page.status, 200);
    assert_true(slice_equal(asking.page.content_type, SLICE("image/svg+xml")));
    end(&asking);
    snapshot->brand.logo = SLICE("<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    snapshot->brand.logo_type = SLICE("image/svg+xml");
    snapshot->brand.logo_hash = 0xabc;
    ask(&asking, "logo", "v=0000000000000abc");
    assert_true(serve(&asking));
    assert_int_equal(asking.page.status, 200);
    assert_true(slice_equal(asking.page.content, snapshot->brand.logo));
    assert_true(asking.page.content.data != snapshot->brand.logo.data); // it outlives the snapshot
    const char *fields = arena_copy(&asking.arena, asking.page.fields).data;
    assert_has(fields, "ETag: \"0000000000000abc\"\r\n");
    assert_has(fields, "sandbox\r\n");
    assert_true(slice_equal(asking.page.cache, SLICE("max-age=86400")));
    end(&asking);
    ask(&asking, "logo", NULL);
    asking.fields = (struct http_fields){.items = &known, .count = 1};
    assert_true(serve(&asking));
    assert_int_equal(asking.page.status, 304);
    assert_int_equal(asking.page.content.size, 0);
    fields = arena_copy(&asking.arena, asking.page.fields).data;
    assert_has(fields, "ETag: \"0000000000000abc\"\r\n");
    assert_true(slice_equal(asking.page.cache, SLICE("max-age=86400"))); // as of the 200
    end(&asking);
    assert_answer("", NULL, 200, "<img alt=\"\" src=\"/.afloat/logo?v=0000000000000abc\">");
}

static void each_visitor_has_a_token_of_his_own(void **state)
{
    (void)state;
    unsigned count = 0;
    struct asking asking = {0};
    for (unsigned i = 1; i <= 2; i++) {
        char expected[100];
        ask(&asking, "component/service-7.example.net", NULL);
        asking.offers = (struct status_page_offers){.write_token = write_token, .context = &count};
        assert_true(serve(&asking));
        html_check(content_of(&asking));
        snprintf(expected, sizeof(expected), "value=\"service-7.example.net.%lld.%u\"",
            (long long)SAMPLE_NOW + 1000, i);
        assert_has(content_of(&asking), expected);
        end(&asking);
    }
    ask(&asking, "", NULL); // of 120 components, none is meant
    asking.offers = (struct status_page_offers){.write_token = write_token, .context = &count};
    assert_true(serve(&asking));
    assert_null(strstr(content_of(&asking), "<form"));
    end(&asking);
    snapshot->component_count = 1;
    ask(&asking, "", NULL);
    asking.offers = (struct status_page_offers){.write_token = write_token, .context = &count};
    assert_true(serve(&asking));
    assert_has(content_of(&asking), "value=\"service-0.example.net.");
    end(&asking);
}

static void charts_end_with_the_newest_point(void **state)
{
    (void)state;
    struct asking asking = {0};
    ask(&asking, "component/service-7.example.net", NULL);
    asking.offers.database = DATABASE;
    assert_true(serve(&asking));
    assert_int_equal(days_read, 2);
    // Points 169 (14:05) of 0 to 169 are of today; those before midnight are not known, and point
    // 170 is still to come.
    assert_has(content_of(&asking), ": 42\u00a0ms\"");
    assert_has(content_of(&asking), "<td>14 March 2026, 13:55 UTC</td><td>42");
    end(&asking);
}

// --- The shelf ---

static void a_moment_is_written_once(void **state)
{
    (void)state;
    struct asking asking = {0};
    static const struct {
        unsigned later_ms, written;
        bool is_changed;
    } steps[] = {{0, 2, false}, {0, 2, false}, {999, 2, false}, {1000, 4, false}, {1500, 4, false},
        {1500, 6, true}};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        snapshot->version += steps[i].is_changed;
        ask(&asking, "component/service-7.example.net", NULL);
        asking.visit.now_ms = SAMPLE_NOW / 1000 * 1000 + steps[i].later_ms;
        asking.offers.database = DATABASE;
        assert_true(serve(&asking));
        assert_int_equal(asking.page.status, 200);
        assert_int_equal(days_read, steps[i].written);
        end(&asking);
    }
}

static void who_cannot_be_served_is_shown_what_there_was(void **state)
{
    (void)state;
    assert_answer("", NULL, 200, "<h1>Some systems are down</h1>");
    run_fails = ERROR_LIMIT;
    snapshot->version++;
    assert_answer("", NULL, 200, "<h1>Some systems are down</h1>");
    snapshot->made_ms += 7000;
    struct asking late = {0};
    ask(&late, "", NULL);
    late.visit.now_ms += 7000; // what was written is too old to say how old it is
    assert_true(serve(&late));
    assert_int_equal(late.page.status, 503);
    end(&late);
    assert_answer("history", NULL, 503, "Many people are looking just now");
    struct asking asking = {0};
    ask(&asking, "", NULL);
    arena_free(&asking.arena);
    arena_init(&asking.arena, 4096, 8192); // too small for a page
    assert_true(serve(&asking));
    assert_int_equal(asking.page.status, 503);
    end(&asking);
}

static void the_shelf_is_bounded(void **state)
{
    (void)state;
    char key[32];
    for (unsigned i = 0; i < 3 * SHELF_PLACES; i++) {
        struct shelf_page *page = shelf_page_create(SLICE("html"), SLICE("policy"), 1);
        struct text text = text_in(key, sizeof(key));
        text_append_u64(&text, i);
        assert_non_null(page);
        shelf_put(shelf, text_slice(&text), 1, page);
        shelf_page_release(page);
        struct shelf_page *found = shelf_find(shelf, text_slice(&text), 1, false);
        assert_ptr_equal(found, page);
        shelf_page_release(found);
        assert_null(shelf_find(shelf, text_slice(&text), 2, false));
        shelf_page_release(shelf_find(shelf, text_slice(&text), 2, true));
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < 3 * SHELF_PLACES; i++) {
        struct text text = text_in(key, sizeof(key));
        text_append_u64(&text, i);
        struct shelf_page *found = shelf_find(shelf, text_slice(&text), 1, false);
        kept += found != NULL;
        assert_true(found == NULL || i >= 2 * SHELF_PLACES);
        shelf_page_release(found);
    }
    assert_int_equal(kept, SHELF_PLACES);
    static char large[SHELF_PAGE_MAX + 1];
    struct shelf_page *page = shelf_page_create(slice_of(large, sizeof(large)), SLICE(""), 1);
    assert_non_null(page);
    shelf_put(shelf, SLICE("large"), 1, page);
    shelf_page_release(page);
    assert_null(shelf_find(shelf, SLICE("large"), 1, false));
    assert_null(shelf_page_create(SLICE(""), slice_of(large, 5000), 1));
}

static void *visit_often(void *argument)
{
    struct asking *asking = argument;
    for (unsigned i = 0; i < VISITS; i++) {
        ask(asking, "component/service-7.example.net", i % 2 == 0 ? "days=7" : "days=1");
        asking->offers.database = DATABASE;
        bool is_served = serve(asking) && asking->page.status == 200
            && asking->page.content.size > 1000;
        arena_free(&asking->arena);
        if (!is_served)
            return NULL;
    }
    return argument;
}

static void a_rush_costs_one_writing(void **state)
{
    (void)state;
    static struct asking askings[VISITORS];
    pthread_t threads[VISITORS];
    for (size_t i = 0; i < VISITORS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit_often, &askings[i]), 0);
    for (size_t i = 0; i < VISITORS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(days_read, 2 + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_lead_to_their_pages, begin, finish),
        cmocka_unit_test_setup_teardown(a_chosen_language_is_kept, begin, finish),
        cmocka_unit_test_setup_teardown(other_methods_are_refused, begin, finish),
        cmocka_unit_test_setup_teardown(the_logo_is_known_by_its_hash, begin, finish),
        cmocka_unit_test_setup_teardown(each_visitor_has_a_token_of_his_own, begin, finish),
        cmocka_unit_test_setup_teardown(charts_end_with_the_newest_point, begin, finish),
        cmocka_unit_test_setup_teardown(a_moment_is_written_once, begin, finish),
        cmocka_unit_test_setup_teardown(who_cannot_be_served_is_shown_what_there_was, begin,
            finish),
        cmocka_unit_test_setup_teardown(the_shelf_is_bounded, begin, finish),
        cmocka_unit_test_setup_teardown(a_rush_costs_one_writing, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
