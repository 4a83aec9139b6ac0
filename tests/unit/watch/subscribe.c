// Who asks to be told: nobody is told who did not say yes twice, nobody learns who is, and who
// wants to be left alone is, at once.
#include "notify_fixture.h"
#include "watch/notify/subscribe.h"
#include "watch/page/status_page.h"

// --- What the rest of the house does for pages ---

static struct slice content;
static enum error content_error;
static bool is_from_here;
static bool has_no_place; // for the form in the page

enum error visit_read_content(struct task *task, const struct visit *visit, size_t maximum,
    struct slice *ret_content)
{
    (void)task, (void)visit;
    if (content_error != ERROR_NONE || content.size > maximum)
        return content_error != ERROR_NONE ? content_error : ERROR_LIMIT;
    *ret_content = content;
    return ERROR_NONE;
}

struct slice visit_form_value(const struct visit *visit, struct slice form, struct slice name)
{
    (void)visit;
    while (form.data != NULL && form.size > 0) {
        struct slice value = slice_cut(&form, '&'), found = slice_cut(&value, '=');
        if (slice_equal(found, name))
            return value;
    }
    return SLICE_EMPTY;
}

bool visit_is_from_here(const struct visit *visit)
{
    (void)visit;
    return is_from_here;
}

struct slice status_page_message(struct arena *arena, const struct visit *visit,
    struct slice title, struct slice text)
{
    (void)visit;
    return arena_printf(arena, "<h1>%.*s</h1><p>%.*s</p>", SLICE_ARGS(title),
        has_no_place ? 0 : (int)text.size, text.data);
}

// --- The visitor ---

static struct desk desk;
static struct peer mail;
static struct arena arena;
static struct snapshot snapshot;
static struct component_view components[3];
static struct edge_page page;
static struct address client;
static struct slice language; // of the page

static int begin(void **state)
{
    (void)state;
    desk_init(&desk);
    peer_start(&mail, smtp_serve, NULL);
    desk_use_mail(&desk, &mail);
    desk.settings.subscribe = true;
    desk_open(&desk);
    arena_init(&arena, 65536, (size_t)4 << 20);
    components[0] = (struct component_view){.id = SLICE("api"), .title = SLICE("API <1>")};
    components[1] = (struct component_view){.id = SLICE("web"), .title = SLICE("Web")};
    components[2] = (struct component_view){.id = SLICE("dns"), .title = SLICE("DNS")};
    snapshot = (struct snapshot){.components = components, .component_count = 3};
    assert_int_equal(address_parse(SLICE("192.0.2.7:5000"), &client), ERROR_NONE);
    content = SLICE_EMPTY;
    content_error = ERROR_NONE;
    is_from_here = true;
    has_no_place = false;
    language = SLICE("en");
    return 0;
}

static int end(void **state)
{
    (void)state;
    desk_free(&desk);
    peer_stop(&mail);
    arena_free(&arena);
    return 0;
}

static bool visit_by(enum http_method method, const char *name, struct slice query)
{
    struct edge_page_request request = {.method = method, .query = query, .client = client,
        .arena = &arena};
    struct visit visit = {.request = &request, .base = SLICE("/.afloat/"),
        .name = slice_from_string(name), .snapshot = &snapshot, .language = language,
        .now_ms = atomic_load(&desk.now_ms)};
    page = (struct edge_page){0};
    return courier_serve(NULL, desk.courier, &visit, &page);
}

static bool shows(const char *part)
{
    return memmem(page.content.data, page.content.size, part, strlen(part)) != NULL;
}

static void ask(const char *form)
{
    content = slice_from_string(form);
    assert_true(visit_by(HTTP_METHOD_POST, "subscribe", SLICE_EMPTY));
}

// The query of a link in the mail that came last: "token=…".
static struct slice link_in(unsigned number, const char *page_name)
{
    peer_wait_taken(&mail, number);
    const char *at = mail.taken[number - 1].bytes;
    char *plain = malloc(mail.taken[number - 1].size + 1), *to = plain;
    assert_non_null(plain);
    for (; *at != '\0'; at++) { // quoted-printable, as far as links need it
        if (strncmp(at, "=\r\n", 3) == 0)
            at += 2;
        else if (strncmp(at, "=3D", 3) == 0)
            *to++ = '=', at += 2;
        else
            *to++ = *at;
    }
    *to = '\0';
    char name[64];
    snprintf(name, sizeof(name), "https://status.acme.test/%s?", page_name);
    const char *link = strstr(plain, name);
    assert_non_null(link);
    link += strlen(name);
    struct slice query = arena_copy(&arena, slice_of(link, strcspn(link, "\r\"> ")));
    free(plain);
    return query;
}

static void test_both_steps_and_the_way_out(void **state)
{
    (void)state;
    assert_true(visit_by(HTTP_METHOD_GET, "subscribe", SLICE_EMPTY));
    assert_int_equal(page.status, 200);
    assert_true(shows("action=\"/.afloat/subscribe?lang=en\"") && shows("name=\"email\""));
    assert_true(shows("API &lt;1&gt;") && shows("value=\"web\""));
    ask("email=who@acme.test&c1=web");
    assert_int_equal(page.status, 200);
    assert_int_equal(desk_counts(&desk).subscribers, 0); // not yet
    struct slice query = link_in(1, "confirm");
    assert_string_equal(mail.taken[0].to, "<who@acme.test>");
    assert_null(memmem(query.data, query.size, "acme", 4)); // no address in anybody's log
    // A program that looks at mails opens the link; that is no consent.
    assert_true(visit_by(HTTP_METHOD_GET, "confirm", query));
    assert_true(shows("<form method=\"post\"") && page.status == 200);
    assert_true(visit_by(HTTP_METHOD_HEAD, "confirm", query));
    assert_int_equal(desk_counts(&desk).subscribers, 0);
    content = SLICE_EMPTY;
    assert_true(visit_by(HTTP_METHOD_POST, "confirm", query));
    assert_int_equal(page.status, 200);
    assert_int_equal(desk_counts(&desk).subscribers, 1);
    assert_int_equal(database_number(desk.database,
        "SELECT count(*) FROM subscribers WHERE address = 'WHO@acme.test'"), 1);
    // He is told, with a link to end it, and it ends with that.
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    query = link_in(2, "unsubscribe");
    assert_true(visit_by(HTTP_METHOD_GET, "unsubscribe", query));
    assert_int_equal(desk_counts(&desk).subscribers, 1);
    // As a mail provider does it: from elsewhere, without asking.
    is_from_here = false;
    content = SLICE("List-Unsubscribe=One-Click");
    assert_true(visit_by(HTTP_METHOD_POST, "unsubscribe", query));
    assert_int_equal(page.status, 200);
    assert_int_equal(desk_counts(&desk).subscribers, 0);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM subscribers"), 0);
    // And it may be pressed again.
    assert_true(visit_by(HTTP_METHOD_POST, "unsubscribe", query));
    assert_int_equal(page.status, 200);
}

static void test_subscribers_are_remembered(void **state)
{
    (void)state;
    ask("email=who@acme.test&c0=api&c2=dns");
    struct slice query = link_in(1, "confirm");
    assert_true(visit_by(HTTP_METHOD_POST, "confirm", query));
    desk_close(&desk);
    desk_open(&desk);
    assert_int_equal(desk_counts(&desk).subscribers, 1);
    struct subscriber *subscriber = subscribers_find(&desk.courier->subscribers,
        SLICE("Who@Acme.Test"));
    assert_non_null(subscriber);
    assert_true(slice_equal(subscriber->components, SLICE("api\ndns")));
}

static void test_nobody_learns_who_is_told(void **state)
{
    (void)state;
    ask("email=who@acme.test");
    struct slice query = link_in(1, "confirm"), first = page.content;
    assert_true(visit_by(HTTP_METHOD_POST, "confirm", query));
    desk_pass(&desk, 3600001);
    ask("email=who@acme.test"); // is told already
    assert_true(slice_equal(first, page.content));
    peer_wait_taken(&mail, 2);
    ask("email=WHO@ACME.test"); // and has just had one
    assert_true(slice_equal(first, page.content));
    ask("email=other@acme.test");
    assert_true(slice_equal(first, page.content));
    peer_wait_taken(&mail, 3);
    assert_string_equal(mail.taken[2].to, "<other@acme.test>");
}

static void test_it_is_no_mail_bomb(void **state)
{
    (void)state;
    char form[64];
    for (unsigned i = 0; i < CONFIRMATIONS_FROM_NETWORK; i++) {
        snprintf(form, sizeof(form), "email=a%u@acme.test", i);
        ask(form);
        assert_int_equal(page.status, 200);
        ask(form); // once an hour
        assert_int_equal(page.status, i + 1 < CONFIRMATIONS_FROM_NETWORK ? 200 : 429);
    }
    ask("email=one.more@acme.test");
    assert_int_equal(page.status, 429);
    assert_true(shows("hour"));
    // Others may, up to what is sent in all.
    for (unsigned i = CONFIRMATIONS_FROM_NETWORK; i < CONFIRMATIONS_AN_HOUR; i++) {
        client.v4.sin_addr.s_addr = htonl(0xc6336400 + i);
        snprintf(form, sizeof(form), "email=b%u@acme.test", i);
        ask(form);
        assert_int_equal(page.status, 200);
    }
    client.v4.sin_addr.s_addr = htonl(0xcb007101);
    ask("email=the.last@acme.test");
    assert_int_equal(page.status, 429);
    desk_wait(&desk, counts.sent == CONFIRMATIONS_AN_HOUR);
    assert_int_equal(mail.taken_count, CONFIRMATIONS_AN_HOUR);
    desk_pass(&desk, 3600000);
    ask("email=the.last@acme.test");
    assert_int_equal(page.status, 200);
    desk_wait(&desk, counts.sent == CONFIRMATIONS_AN_HOUR + 1);
}

static void test_other_sites_ask_for_nobody(void **state)
{
    (void)state;
    is_from_here = false;
    ask("email=who@acme.test");
    assert_int_equal(page.status, 403);
    is_from_here = true;
    ask("email=who@acme.test");
    struct slice query = link_in(1, "confirm");
    is_from_here = false;
    assert_true(visit_by(HTTP_METHOD_POST, "confirm", query));
    assert_int_equal(page.status, 403);
    assert_int_equal(desk_counts(&desk).subscribers, 0);
}

static void test_links_have_their_time_and_purpose(void **state)
{
    (void)state;
    ask("email=who@acme.test");
    struct slice query = link_in(1, "confirm");
    assert_true(visit_by(HTTP_METHOD_POST, "unsubscribe", query));
    assert_int_equal(page.status, 400);
    struct slice rest = query, token = slice_cut(&rest, '&');
    assert_true(slice_equal(rest, SLICE("lang=en")));
    assert_true(visit_by(HTTP_METHOD_GET, "confirm", slice_of(token.data, token.size - 1)));
    assert_int_equal(page.status, 400);
    assert_true(visit_by(HTTP_METHOD_GET, "confirm", SLICE_EMPTY));
    assert_int_equal(page.status, 400);
    assert_true(visit_by(HTTP_METHOD_GET, "confirm", SLICE("token=")));
    assert_int_equal(page.status, 400);
    desk_pass(&desk, CONFIRMATION_VALID_MS + 1);
    assert_true(visit_by(HTTP_METHOD_POST, "confirm", query));
    assert_int_equal(page.status, 410);
    assert_int_equal(desk_counts(&desk).subscribers, 0);
}

static void test_what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "email=", "email=nobody", "e=a@b.c",
        "email=a@b.c\r\nBcc: d@e.f", "email=<script>@b.c", "email=a@b.c,d@e.f"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        ask(bad[i]);
        assert_int_equal(page.status, 400);
        assert_false(shows("script"));
    }
    content_error = ERROR_LIMIT;
    assert_true(visit_by(HTTP_METHOD_POST, "subscribe", SLICE_EMPTY));
    assert_int_equal(page.status, 413);
    content_error = ERROR_RESET;
    assert_true(visit_by(HTTP_METHOD_POST, "subscribe", SLICE_EMPTY));
    assert_int_equal(page.status, 400);
    assert_int_equal(desk_counts(&desk).queued, 0);
}

static void test_components_that_are_none_are_left_out(void **state)
{
    (void)state;
    ask("email=who@acme.test&c0=web&c1=web&c7=x&c2=d");
    struct slice query = link_in(1, "confirm");
    assert_true(visit_by(HTTP_METHOD_POST, "confirm", query));
    assert_true(slice_equal(subscribers_find(&desk.courier->subscribers,
        SLICE("who@acme.test"))->components, SLICE("web")));
}

static void test_too_many_components_are_refused(void **state)
{
    (void)state;
    static struct component_view many[100];
    static char ids[100][COMPONENT_ID_MAX + 1], form[SUBSCRIBE_FORM_MAX];
    struct text text = text_in(form, sizeof(form) - 1);
    text_append(&text, SLICE("email=who@acme.test"));
    for (unsigned i = 0; i < 100; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%0255u", i);
        many[i] = (struct component_view){.id = slice_from_string(ids[i]),
            .title = slice_from_string(ids[i])};
        text_format(&text, "&c%u=%s", i, ids[i]);
    }
    form[text.size] = '\0';
    snapshot.components = many;
    snapshot.component_count = 100;
    ask(form);
    assert_int_equal(page.status, 400);
    assert_true(visit_by(HTTP_METHOD_GET, "subscribe", SLICE_EMPTY));
    assert_int_equal(page.status, 200);
}

static void test_there_is_a_bound_to_subscribers(void **state)
{
    (void)state;
    lock_acquire(&desk.courier->lock);
    desk.courier->subscribers.maximum = 0;
    lock_release(&desk.courier->lock);
    ask("email=who@acme.test");
    struct slice query = link_in(1, "confirm");
    assert_true(visit_by(HTTP_METHOD_POST, "confirm", query));
    assert_int_equal(page.status, 503);
    assert_true(shows("operator"));
}

static void test_what_is_not_offered_is_not_there(void **state)
{
    (void)state;
    assert_false(visit_by(HTTP_METHOD_GET, "subscribers", SLICE_EMPTY));
    assert_false(visit_by(HTTP_METHOD_GET, "", SLICE_EMPTY));
    assert_true(visit_by(HTTP_METHOD_DELETE, "subscribe", SLICE_EMPTY));
    assert_int_equal(page.status, 405);
    assert_non_null(memmem(page.fields.data, page.fields.size, "Allow: ", 7));
    lock_acquire(&desk.courier->lock);
    desk.courier->may_subscribe = false;
    lock_release(&desk.courier->lock);
    assert_false(visit_by(HTTP_METHOD_GET, "subscribe", SLICE_EMPTY));
    assert_false(visit_by(HTTP_METHOD_POST, "confirm", SLICE_EMPTY));
    assert_true(visit_by(HTTP_METHOD_GET, "unsubscribe", SLICE_EMPTY));
}

static void test_a_page_without_room_for_the_form_is_an_error(void **state)
{
    (void)state;
    has_no_place = true;
    assert_true(visit_by(HTTP_METHOD_GET, "subscribe", SLICE_EMPTY));
    assert_int_equal(page.status, 503);
}

static void test_tokens_stay_here(void **state)
{
    (void)state;
    assert_true(visit_by(HTTP_METHOD_GET, "unsubscribe", SLICE("token=x")));
    assert_non_null(memmem(page.fields.data, page.fields.size, "Referrer-Policy: same-origin\r\n",
        30));
}

// --- In his language ---

static bool mail_has(unsigned number, const char *part)
{
    peer_wait_taken(&mail, number);
    return strstr(mail.taken[number - 1].bytes, part) != NULL;
}

// The page on which he asks decides, whatever language his browser asks for later.
static void test_who_subscribes_is_told_in_the_language_of_the_page(void **state)
{
    (void)state;
    language = SLICE("de");
    assert_true(visit_by(HTTP_METHOD_GET, "subscribe", SLICE_EMPTY));
    assert_true(shows("<h1>E-Mails über Störungen und Wartung</h1>"));
    assert_true(shows("action=\"/.afloat/subscribe?lang=de\"") && shows("E-Mails anfordern"));
    assert_non_null(memmem(page.fields.data, page.fields.size, "Content-Language: de\r\n", 22));
    ask("email=who@acme.test&c1=web");
    assert_true(shows("Sehen Sie in Ihre E-Mails"));
    struct slice query = link_in(1, "confirm");
    assert_true(slice_ends_with(query, SLICE("&lang=de")));
    assert_true(mail_has(1, "<html lang=3D\"de\" dir=3D\"ltr\">"));
    assert_true(mail_has(1, "Jemand, hoffentlich Sie"));
    assert_true(visit_by(HTTP_METHOD_GET, "confirm", query));
    assert_true(shows("E-Mails zusenden") && shows("&amp;lang=de\">"));
    language = SLICE("fr"); // as his browser likes it, had the link no language
    assert_true(visit_by(HTTP_METHOD_POST, "confirm", query));
    assert_true(shows("Vous serez informé"));
    desk_close(&desk);
    desk_open(&desk);
    assert_int_equal(subscribers_find(&desk.courier->subscribers,
        SLICE("who@acme.test"))->language, LANGUAGE_GERMAN);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    query = link_in(2, "unsubscribe");
    assert_true(slice_ends_with(query, SLICE("&lang=de")));
    assert_true(mail_has(2, "Wird untersucht: API is down"));
    assert_true(mail_has(2, "Keine solchen E-Mails mehr: https://"));
    language = SLICE("de");
    assert_true(visit_by(HTTP_METHOD_GET, "unsubscribe", query));
    assert_true(shows("Keine E-Mails mehr</button>"));
    assert_true(visit_by(HTTP_METHOD_POST, "unsubscribe", query));
    assert_true(shows("Was schon unterwegs ist"));
}

static void test_who_subscribes_again_changes_his_language(void **state)
{
    (void)state;
    static const char *const codes[] = {"ar", "zh"};
    static const enum language languages[] = {LANGUAGE_ARABIC, LANGUAGE_CHINESE};
    for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
        language = slice_from_string(codes[i]);
        ask("email=who@acme.test");
        struct slice query = link_in(i + 1, "confirm");
        assert_true(visit_by(HTTP_METHOD_POST, "confirm", query));
        assert_int_equal(subscribers_find(&desk.courier->subscribers,
            SLICE("who@acme.test"))->language, languages[i]);
        desk_pass(&desk, 3600001);
    }
    assert_true(mail_has(1, "<html lang=3D\"ar\" dir=3D\"rtl\">"));
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM subscribers WHERE "
        "language = 'zh'"), 1);
}

// They lie in people's mails.
static void test_links_of_earlier_versions_hold(void **state)
{
    (void)state;
    static const char *const pages[] = {"confirm", "unsubscribe"};
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        char plain[100], buffer[SEAL_TEXT_MAX + 6];
        struct text token = text_in(buffer, sizeof(buffer));
        snprintf(plain, sizeof(plain), "%c\n%lld\nwho@acme.test\nweb", i == 0 ? 'c' : 'u',
            i == 0 ? (long long)NOW + 1000 : 0);
        text_append(&token, SLICE("token="));
        assert_int_equal(seal_close(&desk.courier->seal, slice_from_string(plain), &token),
            ERROR_NONE);
        assert_true(visit_by(HTTP_METHOD_POST, pages[i], text_slice(&token)));
        assert_int_equal(page.status, 200);
        const struct subscriber *subscriber =
            subscribers_find(&desk.courier->subscribers, SLICE("who@acme.test"));
        assert_true((subscriber != NULL) == (i == 0));
        if (subscriber != NULL)
            assert_int_equal(subscriber->language, LANGUAGE_ENGLISH);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_steps_and_the_way_out),
        TEST(test_subscribers_are_remembered),
        TEST(test_nobody_learns_who_is_told),
        TEST(test_it_is_no_mail_bomb),
        TEST(test_other_sites_ask_for_nobody),
        TEST(test_links_have_their_time_and_purpose),
        TEST(test_what_is_no_address_is_refused),
        TEST(test_components_that_are_none_are_left_out),
        TEST(test_too_many_components_are_refused),
        TEST(test_there_is_a_bound_to_subscribers),
        TEST(test_what_is_not_offered_is_not_there),
        TEST(test_a_page_without_room_for_the_form_is_an_error),
        TEST(test_tokens_stay_here),
        TEST(test_who_subscribes_is_told_in_the_language_of_the_page),
        TEST(test_who_subscribes_again_changes_his_language),
        TEST(test_links_of_earlier_versions_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
