// Reports: which votes count and which never do, floods, what the world is told, what outlives a
// restart and what does not, and the pages around it.
#include "watch/report/reports_inside.h"
#include "watch/history/database.h"
#include "watch/page/status_page.h"
#include "watch/report/report_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define START INT64_C(1763596800000) // 2025-11-20T00:00:00Z
#define MINUTE INT64_C(60000)
#define COMPONENTS 8

// --- The rooms around ---

static uint8_t secret[TOKEN_SECRET_SIZE] = {7};
static const struct report_settings settings = {.enabled = true, .per_network_ms = 1800000};
static struct reports *reports;
static struct arena arena;
static sqlite3 *sqlite; // NULL: there is no database
static int64_t now;
static struct { enum report_level level; uint32_t networks, calls; } told[COMPONENTS];
static bool is_from_here;
static struct slice content; // of a POST; data NULL: it broke off
static struct slice told_title, told_text;

uint32_t world_find(struct world *world, struct slice id)
{
    (void)world;
    bool is_ours = id.size == 6 && memcmp(id.data, "site-", 5) == 0 && id.data[5] >= '0'
        && id.data[5] < '0' + COMPONENTS;
    return is_ours ? (uint32_t)(id.data[5] - '0') : COMPONENT_NONE;
}

struct database *world_database(struct world *world)
{
    (void)world;
    return sqlite == NULL ? NULL : (struct database *)(void *)&sqlite;
}

void world_report(struct world *world, unsigned component, enum report_level level,
    uint32_t networks, int64_t now_ms)
{
    (void)world;
    assert_int_equal(now_ms, now);
    assert_true(component < COMPONENTS);
    told[component].level = level;
    told[component].networks = networks;
    told[component].calls++;
}

static void bind_values(sqlite3_stmt *statement, const char *types, va_list values)
{
    for (int i = 0; types[i] != '\0'; i++) {
        if (types[i] == 'i') {
            sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
        } else {
            struct slice value = va_arg(values, struct slice);
            if (types[i] == 't')
                sqlite3_bind_text(statement, i + 1, value.data, (int)value.size, SQLITE_TRANSIENT);
            else
                sqlite3_bind_blob(statement, i + 1, value.data, (int)value.size, SQLITE_TRANSIENT);
        }
    }
}

void database_execute(struct database *database, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list values;
    assert_non_null(database);
    assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL), SQLITE_OK);
    va_start(values, types);
    bind_values(statement, types, values);
    va_end(values);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
}

enum error database_query(struct database *database, enum error (*row)(void *context,
    sqlite3_stmt *statement), void *context, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list values;
    enum error error = ERROR_NONE;
    assert_non_null(database);
    assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL), SQLITE_OK);
    va_start(values, types);
    bind_values(statement, types, values);
    va_end(values);
    while (error == ERROR_NONE && sqlite3_step(statement) == SQLITE_ROW)
        error = row(context, statement);
    sqlite3_finalize(statement);
    return error;
}

void status_page_answer(const struct visit *visit, unsigned status, struct slice title,
    struct slice message, const char *fields, struct edge_page *ret_page)
{
    assert_non_null(visit);
    told_title = title;
    told_text = message;
    *ret_page = (struct edge_page){.status = status, .fields = slice_from_string(fields),
        .content = SLICE("<h1>"), .policy = SLICE("default-src 'none'")};
}

enum error visit_read_content(struct task *task, const struct visit *visit, size_t maximum,
    struct slice *ret_content)
{
    (void)task, (void)visit;
    if (content.data == NULL)
        return ERROR_RESET;
    if (content.size > maximum)
        return ERROR_LIMIT;
    *ret_content = content;
    return ERROR_NONE;
}

struct slice visit_form_value(const struct visit *visit, struct slice form, struct slice name)
{
    (void)visit;
    while (form.size > 0) {
        struct slice value = slice_cut(&form, '&'), key = slice_cut(&value, '=');
        if (slice_equal(key, name))
            return value;
    }
    return SLICE_EMPTY;
}

bool visit_is_from_here(const struct visit *visit)
{
    (void)visit;
    return is_from_here;
}

// --- Helpers ---

static void create(void)
{
    assert_int_equal(reports_create(&settings, secret, NULL, COMPONENTS, now, &reports),
        ERROR_NONE);
    reports_tick(reports, now);
}

static int begin(void **state)
{
    (void)state;
    now = START;
    is_from_here = true;
    content = SLICE("");
    memset(told, 0, sizeof(told));
    arena_init(&arena, 4096, 1 << 20);
    create();
    return 0;
}

static int end(void **state)
{
    (void)state;
    reports_destroy(reports);
    arena_free(&arena);
    sqlite3_close(sqlite);
    sqlite = NULL;
    return 0;
}

static int begin_with_database(void **state)
{
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, REPORT_SCHEMA, NULL, NULL, NULL), SQLITE_OK);
    return begin(state);
}

static struct slice failure_token(unsigned request, unsigned component)
{
    char *buffer = arena_alloc(&arena, TOKEN_MAX);
    assert_non_null(buffer);
    struct text text = text_in(buffer, TOKEN_MAX);
    reports_write_token(reports, arena_printf(&arena, "%016x", request),
        arena_printf(&arena, "site-%u", component), now, &text);
    assert_true(text.size > 0 && !text.full);
    return text_slice(&text);
}

static struct slice page_token(unsigned component)
{
    char *buffer = arena_alloc(&arena, TOKEN_MAX);
    assert_non_null(buffer);
    struct text text = text_in(buffer, TOKEN_MAX);
    reports_write_page_token(reports, arena_printf(&arena, "site-%u", component), now, &text);
    assert_true(text.size > 0 && !text.full);
    return text_slice(&text);
}

static enum report_outcome take(struct slice token, const char *client)
{
    struct address address;
    assert_int_equal(address_parse_host(slice_from_string(client), 443, &address), ERROR_NONE);
    return reports_take(reports, token, SLICE_EMPTY, &address, now);
}

// The number-th network, of a /16 of its own for every 200.
static const char *network(unsigned number)
{
    static char text[32];
    snprintf(text, sizeof(text), "10.%u.%u.7", number / 200, number % 200);
    return text;
}

static void pass(int64_t ms)
{
    for (int64_t until = now + ms; now < until;) {
        now += MINIMUM(1000, until - now);
        reports_tick(reports, now);
    }
}

static unsigned requests = 1;

static enum report_outcome report(unsigned component, const char *client)
{
    return take(failure_token(requests++, component), client);
}

// --- Which count ---

static void test_a_report_of_a_failed_request_counts_once(void **state)
{
    (void)state;
    struct slice token = failure_token(1, 0);
    pass(1000);
    assert_int_equal(take(token, "192.0.2.1"), REPORT_COUNTED);
    assert_int_equal(take(token, "192.0.2.1"), REPORT_REPEATED);
    assert_int_equal(take(token, "198.51.100.1"), REPORT_REPEATED); // replayed from elsewhere
    pass(MINUTE);
    assert_int_equal(told[0].networks, 1);
    assert_int_equal(told[0].level, REPORTS_NONE);
    assert_int_equal(told[0].calls, 1);
    assert_int_equal(told[1].calls, 0);
}

static void test_a_network_has_one_vote_in_half_an_hour(void **state)
{
    (void)state;
    assert_int_equal(report(0, "192.0.2.1"), REPORT_COUNTED);
    assert_int_equal(report(0, "192.0.2.254"), REPORT_REPEATED);
    assert_int_equal(report(0, "::ffff:192.0.2.9"), REPORT_REPEATED);
    assert_int_equal(report(0, "192.0.3.1"), REPORT_COUNTED);
    assert_int_equal(report(0, "2001:db8:1::1"), REPORT_COUNTED);
    assert_int_equal(report(0, "2001:db8:1:ffff::1"), REPORT_REPEATED);
    assert_int_equal(report(0, "2001:db8:2::1"), REPORT_COUNTED);
    assert_int_equal(report(1, "192.0.2.1"), REPORT_COUNTED); // of something else
    pass(29 * MINUTE);
    assert_int_equal(report(0, "192.0.2.1"), REPORT_REPEATED);
    pass(MINUTE);
    assert_int_equal(report(0, "192.0.2.1"), REPORT_COUNTED);
}

static void test_a_forged_token_never_counts(void **state)
{
    (void)state;
    struct slice token = failure_token(1, 0);
    for (size_t i = 0; i < token.size; i++) {
        struct slice copy = arena_copy(&arena, token);
        assert_non_null(copy.data);
        char *bytes = (char *)(uintptr_t)copy.data;
        bytes[i] = bytes[i] == '1' ? '2' : '1';
        // Each from a network of its own, so that the rate has nothing to say.
        assert_int_equal(take(copy, network((unsigned)i)), REPORT_REFUSED);
        assert_int_equal(take(slice_of(token.data, i), network((unsigned)i)), REPORT_REFUSED);
    }
    assert_int_equal(take(SLICE_EMPTY, "192.0.2.1"), REPORT_REFUSED);
    uint8_t other[TOKEN_SECRET_SIZE] = {8};
    char buffer[TOKEN_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    const struct token made = {.issued_ms = now, .request = SLICE("1"),
        .component = SLICE("site-0")};
    assert_true(token_write(&text, other, &made));
    assert_int_equal(take(text_slice(&text), "192.0.2.1"), REPORT_REFUSED);
    pass(MINUTE);
    assert_int_equal(told[0].calls, 0);
    assert_int_equal(take(token, "192.0.2.1"), REPORT_COUNTED);
}

static void test_a_token_is_for_its_component(void **state)
{
    (void)state;
    struct address address;
    struct slice token = failure_token(1, 0);
    assert_int_equal(address_parse_host(SLICE("192.0.2.1"), 0, &address), ERROR_NONE);
    assert_int_equal(reports_take(reports, token, SLICE("site-1"), &address, now), REPORT_REFUSED);
    assert_int_equal(reports_take(reports, token, SLICE("site-0"), &address, now), REPORT_COUNTED);
    // One that is gone since.
    char buffer[TOKEN_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    const struct token made = {.issued_ms = now, .request = SLICE("1"),
        .component = SLICE("site-9")};
    assert_true(token_write(&text, secret, &made));
    assert_int_equal(take(text_slice(&text), "192.0.2.1"), REPORT_REFUSED);
    // And there is none for what nobody knows.
    text = text_in(buffer, sizeof(buffer));
    reports_write_token(reports, SLICE("1"), SLICE("site-9"), now, &text);
    reports_write_page_token(reports, SLICE(""), now, &text);
    assert_int_equal(text.size, 0);
}

static void test_a_failure_is_reported_within_half_an_hour(void **state)
{
    (void)state;
    struct slice token = failure_token(1, 0), late = failure_token(2, 0);
    pass(TOKEN_FAILURE_MS);
    assert_int_equal(take(token, "192.0.2.1"), REPORT_COUNTED);
    pass(1);
    assert_int_equal(take(token, "198.51.100.1"), REPORT_EXPIRED);
    assert_int_equal(take(late, "198.51.100.1"), REPORT_EXPIRED);
}

static void test_a_page_is_read_before_it_is_answered(void **state)
{
    (void)state;
    struct slice token = page_token(0);
    now += TOKEN_PAGE_EARLY_MS - 1;
    assert_int_equal(take(token, "192.0.2.1"), REPORT_EXPIRED);
    now += 1;
    assert_int_equal(take(token, "192.0.2.1"), REPORT_COUNTED);
    assert_int_equal(take(token, "198.51.100.1"), REPORT_COUNTED); // one page, many readers
    pass(31 * MINUTE);
    assert_int_equal(take(token, "192.0.2.1"), REPORT_REPEATED); // a page is good once
    assert_int_equal(take(page_token(0), "192.0.2.1"), REPORT_EXPIRED);
    pass(TOKEN_PAGE_MS);
    assert_int_equal(take(token, "203.0.113.1"), REPORT_EXPIRED);
}

static void test_what_was_issued_before_the_start_is_too_old(void **state)
{
    (void)state;
    struct slice token = failure_token(1, 0);
    assert_int_equal(take(token, "192.0.2.1"), REPORT_COUNTED);
    reports_destroy(reports);
    now += 1;
    create();
    assert_int_equal(take(token, "198.51.100.1"), REPORT_EXPIRED);
}

// --- Floods ---

static void test_one_network_is_slowed_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(take(SLICE("x"), "192.0.2.1"), REPORT_REFUSED);
    assert_int_equal(report(0, "192.0.2.1"), REPORT_BUSY);
    assert_int_equal(report(0, "192.0.2.77"), REPORT_BUSY);
    assert_int_equal(report(0, "192.0.3.1"), REPORT_COUNTED);
    pass(MINUTE);
    assert_int_equal(report(0, "192.0.2.1"), REPORT_COUNTED);
}

static void test_many_networks_take_a_bounded_room(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VOTES_OF_ONE_MAX + 100; i++) {
        assert_int_equal(report(0, network(i)), REPORT_COUNTED);
        if (i % 512 == 0)
            arena_reset(&arena);
    }
    assert_int_equal(votes_count(reports->votes), VOTES_OF_ONE_MAX);
    assert_int_equal(report(0, network(VOTES_OF_ONE_MAX)), REPORT_REPEATED);
    assert_int_equal(report(0, network(99)), REPORT_COUNTED); // the oldest have gone
    assert_int_equal(report(1, network(99)), REPORT_COUNTED);
    pass(MINUTE);
    assert_int_equal(told[0].level, REPORTS_PROBLEM);
    assert_int_equal(told[1].level, REPORTS_NONE);
    pass(31 * MINUTE);
    assert_int_equal(votes_count(reports->votes), 0);
}

// --- What the world is told ---

static void test_many_networks_are_a_problem_until_it_is_calm(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(report(2, network(i * 200)), REPORT_COUNTED);
    assert_int_equal(told[2].calls, 0); // a minute is looked at when it is over
    pass(MINUTE);
    assert_int_equal(told[2].level, REPORTS_POSSIBLE);
    for (unsigned i = 5; i < 12; i++)
        assert_int_equal(report(2, network(i * 200)), REPORT_COUNTED);
    pass(MINUTE);
    assert_int_equal(told[2].level, REPORTS_PROBLEM);
    assert_int_equal(told[2].networks, 12);
    pass(40 * MINUTE);
    assert_int_equal(told[2].level, REPORTS_NONE);
    assert_int_equal(told[2].networks, 0);
}

static void test_one_neighbourhood_alone_is_no_problem(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 150; i++)
        assert_int_equal(report(2, network(i)), REPORT_COUNTED);
    pass(MINUTE);
    assert_int_equal(told[2].level, REPORTS_NONE);
    assert_int_equal(told[2].networks, 150);
    for (unsigned i = 0; i < 12; i++) // of a second one
        assert_int_equal(report(2, network(200 + i)), REPORT_COUNTED);
    pass(MINUTE);
    assert_int_equal(told[2].level, REPORTS_POSSIBLE);
    assert_int_equal(report(2, "2001:db8::1"), REPORT_COUNTED);
    pass(MINUTE);
    assert_int_equal(told[2].level, REPORTS_PROBLEM);
}

static void test_a_new_day_forgets_no_vote_and_makes_no_neighbourhood(void **state)
{
    (void)state;
    pass(86400000 - MINUTE);
    uint8_t voter[8], later[8];
    struct address address;
    assert_int_equal(address_parse_host(SLICE("10.0.0.1"), 0, &address), ERROR_NONE);
    uint64_t hash = votes_voter(reports->votes, &address);
    memcpy(voter, &hash, sizeof(voter));
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(report(2, network(i + (i % 2) * 200)), REPORT_COUNTED);
    pass(MINUTE);
    hash = votes_voter(reports->votes, &address);
    memcpy(later, &hash, sizeof(later));
    assert_memory_not_equal(voter, later, sizeof(voter)); // the salt is another
    assert_int_equal(report(2, network(0)), REPORT_REPEATED);
    for (unsigned i = 20; i < 40; i++)
        assert_int_equal(report(2, network(i + (i % 2) * 200)), REPORT_COUNTED);
    pass(MINUTE);
    assert_int_equal(told[2].networks, 40);
    assert_int_equal(told[2].level, REPORTS_POSSIBLE); // two neighbourhoods
}

static void test_clocks_that_jump(void **state)
{
    (void)state;
    assert_int_equal(report(2, network(0)), REPORT_COUNTED);
    now += 86400000; // as after a sleep
    reports_tick(reports, now);
    assert_int_equal(told[2].networks, 1);
    pass(MINUTE);
    assert_int_equal(told[2].networks, 0);
    now -= 43200000;
    reports_tick(reports, now);
    assert_int_equal(report(2, network(1)), REPORT_COUNTED);
    pass(2 * MINUTE);
    assert_int_equal(told[2].networks, 1);
    assert_int_equal(votes_count(reports->votes), 1);
}

// --- Threads ---

#define REPORTERS 4
#define REPORTS_OF_ONE 500

static void *report_by_hundreds(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    uintptr_t counted = 0;
    for (unsigned i = 0; i < REPORTS_OF_ONE; i++) {
        char buffer[TOKEN_MAX], request[24];
        struct text text = text_in(buffer, sizeof(buffer));
        struct address address = {.v4 = {.sin_family = AF_INET}};
        unsigned one = number * REPORTS_OF_ONE + i;
        address.v4.sin_addr.s_addr = htonl(one << 8);
        snprintf(request, sizeof(request), "%016x", one);
        reports_write_token(reports, slice_from_string(request), SLICE("site-1"), START, &text);
        counted += reports_take(reports, text_slice(&text), SLICE_EMPTY, &address, START)
            == REPORT_COUNTED;
    }
    return (void *)counted;
}

static void test_loops_report_while_time_passes(void **state)
{
    (void)state;
    pthread_t threads[REPORTERS];
    uintptr_t counted = 0;
    for (uintptr_t i = 0; i < REPORTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, report_by_hundreds, (void *)i), 0);
    for (unsigned i = 0; i < 5; i++) {
        now += MINUTE;
        reports_tick(reports, now);
    }
    for (size_t i = 0; i < REPORTERS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        counted += (uintptr_t)result;
    }
    now += MINUTE;
    reports_tick(reports, now);
    assert_int_equal(counted, REPORTERS * REPORTS_OF_ONE);
    assert_int_equal(told[1].networks, REPORTERS * REPORTS_OF_ONE);
}

// --- The disk ---

static int count_of(const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

// A vote now and then, for some hours: what is usual is known again after a restart.
static void test_what_is_usual_outlives_a_restart(void **state)
{
    (void)state;
    static struct anomaly before;
    for (unsigned i = 0; i < 250; i++) {
        if (i % 8 == 0)
            assert_int_equal(report(3, network(i * 25)), REPORT_COUNTED);
        pass(MINUTE);
        arena_reset(&arena);
    }
    before = reports->states[3]->anomaly;
    reports_destroy(reports);
    create();
    const struct anomaly *kept = &reports->states[3]->anomaly;
    assert_memory_equal(kept->hour_networks, before.hour_networks, sizeof(kept->hour_networks));
    assert_memory_equal(kept->hour_minutes, before.hour_minutes, sizeof(kept->hour_minutes));
    assert_int_equal(kept->hour_networks[0] + kept->hour_networks[1], 15);
    assert_int_equal(kept->hour_minutes[0], 60);
    assert_null(reports->states[4]);
    // A component that nobody had reported knows of the same minutes.
    assert_int_equal(report(4, "192.0.2.1"), REPORT_COUNTED);
    pass(MINUTE);
    const struct anomaly *quiet = &reports->states[4]->anomaly;
    assert_memory_equal(quiet->hour_minutes, before.hour_minutes, sizeof(before.hour_minutes));
    assert_int_equal(quiet->hour_networks[0], 0);
}

static void test_the_disk_has_counts_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(report(3, network(i * 200)), REPORT_COUNTED);
    pass(20 * MINUTE);
    assert_int_equal(count_of("SELECT count(*) FROM report_hours"), 2);
    assert_int_equal(count_of("SELECT count(*) FROM report_hours WHERE component = 'site-3' "
        "AND hour = 489888 AND length(minutes) = 120 "
        "AND hex(minutes) = '0300' || printf('%.*c', 236, '0')"), 1);
    assert_int_equal(count_of("SELECT count(*) FROM report_hours WHERE component = ''"), 1);
}

static void test_minutes_of_an_alarm_are_marked(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(report(3, network(i * 200)), REPORT_COUNTED);
    pass(17 * MINUTE);
    assert_int_equal(told[3].level, REPORTS_PROBLEM);
    assert_int_equal(count_of("SELECT count(*) FROM report_hours WHERE component = 'site-3' "
        "AND hex(minutes) LIKE 'FFFFFFFF0000%'"), 1);
    reports_destroy(reports);
    create();
    assert_int_equal(reports->states[3]->anomaly.hour_networks[0], 0);
    assert_int_equal(reports->states[3]->anomaly.hour_minutes[0], 0);
}

static void test_what_is_old_is_dropped_and_what_is_strange_is_skipped(void **state)
{
    (void)state;
    assert_int_equal(sqlite3_exec(sqlite,
        "INSERT INTO report_hours VALUES('site-3', 1, zeroblob(120));"
        "INSERT INTO report_hours VALUES('site-3', 489880, zeroblob(7));"
        "INSERT INTO report_hours VALUES('site-3', 9000000, zeroblob(120));"
        "INSERT INTO report_hours VALUES('gone', 489881, zeroblob(120));"
        "INSERT INTO report_hours VALUES(printf('%.*c', 100, 'x'), 489881, zeroblob(120));",
        NULL, NULL, NULL), SQLITE_OK);
    reports_destroy(reports);
    create();
    for (size_t i = 0; i < COMPONENTS; i++)
        assert_null(reports->states[i]);
    pass(61 * MINUTE);
    assert_int_equal(count_of("SELECT count(*) FROM report_hours WHERE hour = 1"), 0);
}

// --- Pages ---

static struct edge_page serve(enum http_method method, const char *name, const char *query,
    bool *ret_served)
{
    static struct edge_page_request request;
    struct edge_page page = {0};
    request = (struct edge_page_request){.method = method, .arena = &arena,
        .query = slice_from_string(query)};
    assert_int_equal(address_parse_host(SLICE("192.0.2.1"), 0, &request.client), ERROR_NONE);
    struct visit visit = {.request = &request, .base = SLICE("/.afloat/"), .now_ms = now,
        .home = SLICE("/.afloat/status"), .language = SLICE("de"), .name = slice_from_string(name)};
    *ret_served = reports_serve(NULL, reports, &visit, &page);
    return page;
}

static void post(struct slice form, const char *query, unsigned status, const char *location)
{
    bool served;
    content = form;
    struct edge_page page = serve(HTTP_METHOD_POST, "report", query, &served);
    assert_true(served);
    assert_int_equal(page.status, status);
    struct slice fields = location == NULL ? SLICE("") : arena_printf(&arena,
        "Location: /.afloat/report?outcome=%s\r\n", location);
    if (!slice_equal(page.fields, fields))
        fail_msg("%.*s", SLICE_ARGS(page.fields));
}

static void test_a_form_is_answered_by_the_way_to_a_page(void **state)
{
    (void)state;
    struct slice token = failure_token(1, 0);
    struct slice form = arena_printf(&arena, "token=%.*s", SLICE_ARGS(token));
    struct slice other = arena_printf(&arena, "token=%.*s&component=site-1",
        SLICE_ARGS(failure_token(2, 0)));
    post(other, NULL, 303, "refused");
    post(form, NULL, 303, "counted");
    post(form, NULL, 303, "repeated");
    post(SLICE("token="), NULL, 303, "refused");
    post(SLICE(""), NULL, 303, "refused");
    post(arena_printf(&arena, "token=%.*s", SLICE_ARGS(page_token(0))), NULL, 303, "expired");
    for (unsigned i = 0; i < 4; i++)
        post(SLICE("token=x"), NULL, 303, "refused");
    post(SLICE("token=x"), NULL, 303, "busy");
}

static void test_a_program_has_the_token_in_its_url(void **state)
{
    (void)state;
    struct slice query = arena_printf(&arena, "token=%.*s", SLICE_ARGS(failure_token(1, 0)));
    post(SLICE(""), query.data, 303, "counted");
}

static void test_other_sites_do_not_report_for_their_visitors(void **state)
{
    (void)state;
    struct slice form = arena_printf(&arena, "token=%.*s", SLICE_ARGS(failure_token(1, 0)));
    is_from_here = false;
    post(form, NULL, 403, NULL);
    is_from_here = true;
    post(form, NULL, 303, "counted");
}

static void test_content_that_is_no_form(void **state)
{
    (void)state;
    static char large[5000];
    memset(large, 'a', sizeof(large));
    post(SLICE_EMPTY, NULL, 400, NULL);
    post(slice_of(large, sizeof(large)), NULL, 413, NULL);
}

static void test_each_outcome_has_a_page(void **state)
{
    (void)state;
    static const struct { const char *query, *text; unsigned status; } pages[] = {
        {"outcome=counted", "report_counted", 200}, {"outcome=repeated", "report_repeated", 200},
        {"outcome=expired", "report_expired", 200}, {"outcome=refused", "report_refused", 200},
        {"outcome=busy", "busy_text", 200}, {"outcome=<b>", "not_found_text", 404},
    };
    bool served;
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        struct edge_page page = serve(HTTP_METHOD_GET, "report", pages[i].query, &served);
        assert_int_equal(page.status, pages[i].status);
        assert_true(slice_equal(told_text, slice_from_string(pages[i].text)));
        assert_true(slice_equal(page.policy, SLICE("default-src 'none'")));
    }
    static const char *const elsewhere[] = {NULL, "", "lang=de"};
    for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
        struct edge_page page = serve(HTTP_METHOD_GET, "report", elsewhere[i], &served);
        assert_int_equal(page.status, 303);
        assert_true(slice_equal(page.fields, SLICE("Location: /.afloat/status?lang=de\r\n")));
    }
    struct edge_page page = serve(HTTP_METHOD_PUT, "report", NULL, &served);
    assert_int_equal(page.status, 405);
    assert_true(slice_equal(page.fields, SLICE("Allow: GET, HEAD, POST\r\n")));
    serve(HTTP_METHOD_GET, "reports", NULL, &served);
    assert_false(served);
}

static void test_every_want_of_memory_is_survived(void **state)
{
    (void)state;
    uint64_t failed = memory_failures(), before;
    uint64_t countdown = 1;
    struct reports *other = NULL;
    do {
        before = memory_failures();
        memory_fail_after(countdown++);
        enum error error = reports_create(&settings, secret, NULL, COMPONENTS, now, &other);
        memory_fail_after(0);
        assert_true((error == ERROR_MEMORY) == (memory_failures() > before));
    } while (memory_failures() > before);
    assert_true(memory_failures() > failed);
    reports_destroy(other);
    // A minute without memory for a component's state: the next report makes it.
    assert_int_equal(report(5, "192.0.2.1"), REPORT_COUNTED);
    now += MINUTE;
    memory_fail_after(1);
    reports_tick(reports, now);
    memory_fail_after(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin_with_database, end)
    const struct CMUnitTest tests[] = {
        TEST(a_report_of_a_failed_request_counts_once),
        TEST(a_network_has_one_vote_in_half_an_hour),
        TEST(a_forged_token_never_counts),
        TEST(a_token_is_for_its_component),
        TEST(a_failure_is_reported_within_half_an_hour),
        TEST(a_page_is_read_before_it_is_answered),
        TEST(what_was_issued_before_the_start_is_too_old),
        TEST(one_network_is_slowed_down),
        TEST(many_networks_take_a_bounded_room),
        TEST(many_networks_are_a_problem_until_it_is_calm),
        TEST(one_neighbourhood_alone_is_no_problem),
        TEST(a_new_day_forgets_no_vote_and_makes_no_neighbourhood),
        TEST(clocks_that_jump),
        TEST(loops_report_while_time_passes),
        DISK_TEST(what_is_usual_outlives_a_restart),
        DISK_TEST(the_disk_has_counts_and_nothing_else),
        DISK_TEST(minutes_of_an_alarm_are_marked),
        DISK_TEST(what_is_old_is_dropped_and_what_is_strange_is_skipped),
        TEST(a_form_is_answered_by_the_way_to_a_page),
        TEST(a_program_has_the_token_in_its_url),
        TEST(other_sites_do_not_report_for_their_visitors),
        TEST(content_that_is_no_form),
        TEST(each_outcome_has_a_page),
        TEST(every_want_of_memory_is_survived),
    };
#undef TEST
#undef DISK_TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
