// Webhooks: what is sent and how it is signed, what is tried again and what is not, and where they
// never lead.
#include "notify_fixture.h"

#define KEY "0123456789abcdef0123456789abcdef"

static struct desk desk;
static struct peer hook;

static int begin(void **state)
{
    (void)state;
    desk_init(&desk);
    return 0;
}

static int end(void **state)
{
    (void)state;
    desk_free(&desk);
    return 0;
}

static char *field_of(const char *request, const char *name)
{
    char line[64];
    snprintf(line, sizeof(line), "\r\n%s: ", name);
    const char *at = strstr(request, line);
    if (at == NULL)
        fail_msg("no %s in %s", name, request);
    at += strlen(line);
    return strndup(at, strcspn(at, "\r"));
}

static json_t *body_of(const char *request)
{
    json_t *body = json_loads(strstr(request, "\r\n\r\n") + 4, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(body);
    return body;
}

static const char *text_at(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void test_what_is_sent(void **state)
{
    (void)state;
    struct slice titles[] = {SLICE("API \"1\"")}, ids[] = {SLICE("api")};
    peer_start(&hook, http_serve, NULL);
    desk_add_webhook(&desk, &hook, KEY);
    desk_open(&desk);
    struct notice notice = {.kind = NOTICE_INCIDENT, .id = SLICE("k3x9"), .title = SLICE("Down"),
        .text = SLICE("two\nlines"), .state = INCIDENT_IDENTIFIED, .impact = IMPACT_CRITICAL,
        .begin_ms = NOW, .at_ms = NOW, .components = titles, .component_ids = ids,
        .component_count = 1};
    courier_tell(desk.courier, &notice);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    peer_wait_taken(&hook, 1);
    const char *request = hook.taken[0].bytes;
    assert_int_equal(strncmp(request, "POST /hook?0 HTTP/1.1\r\n", 23), 0);
    char *type = field_of(request, "Content-Type"), *agent = field_of(request, "User-Agent");
    assert_string_equal(type, "application/json");
    assert_int_equal(strncmp(agent, "afloat-status/", 14), 0);
    json_t *body = body_of(request), *incident = json_object_get(body, "incident");
    assert_string_equal(text_at(body, "kind"), "incident");
    assert_int_equal(strlen(text_at(body, "id")), 32);
    assert_string_equal(text_at(body, "at"), "2027-01-15T08:00:10Z");
    assert_string_equal(text_at(json_object_get(body, "page"), "name"), "Acme");
    assert_string_equal(text_at(incident, "id"), "k3x9");
    assert_string_equal(text_at(incident, "status"), "identified");
    assert_string_equal(text_at(incident, "impact"), "critical");
    assert_string_equal(text_at(incident, "text"), "two\nlines");
    assert_string_equal(text_at(incident, "url"), "https://status.acme.test/incident/k3x9");
    assert_true(json_is_null(json_object_get(incident, "resolved_at")));
    assert_int_equal(json_array_size(json_object_get(body, "digest")), 1);
    json_t *component = json_array_get(json_object_get(incident, "components"), 0);
    assert_string_equal(text_at(component, "name"), "API \"1\"");
    assert_string_equal(text_at(component, "id"), "api");
    json_decref(body);
    free(type);
    free(agent);
    peer_stop(&hook);
}

static void test_how_it_is_signed(void **state)
{
    (void)state;
    char buffer[128];
    struct text text = text_in(buffer, sizeof(buffer));
    // By Python's hmac.
    assert_int_equal(transfer_sign(&text, SLICE(KEY), 1800000000, SLICE("{\"a\":1}")), ERROR_NONE);
    assert_true(slice_equal(text_slice(&text), SLICE("t=1800000000,v1="
        "d40e555bc2c1dae21953757b24b165a171698880732ac310a5c8cf0ab751abf2")));
    // And that this is what goes over the wire, of its own body and time.
    peer_start(&hook, http_serve, NULL);
    desk_add_webhook(&desk, &hook, KEY);
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    peer_wait_taken(&hook, 1);
    char *signature = field_of(hook.taken[0].bytes, "Afloat-Signature");
    text.size = 0;
    assert_int_equal(transfer_sign(&text, SLICE(KEY), (NOW + DIGEST_SETTLE_MS) / 1000,
        slice_from_string(strstr(hook.taken[0].bytes, "\r\n\r\n") + 4)), ERROR_NONE);
    assert_true(slice_equal(text_slice(&text), slice_from_string(signature)));
    free(signature);
    peer_stop(&hook);
}

static void test_without_a_key_it_is_not(void **state)
{
    (void)state;
    peer_start(&hook, http_serve, NULL);
    desk_add_webhook(&desk, &hook, "");
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    peer_wait_taken(&hook, 1);
    assert_null(strcasestr(hook.taken[0].bytes, "signature"));
    peer_stop(&hook);
}

static const char *answer_in_the_end(struct peer *peer, const char *line, unsigned number)
{
    (void)peer, (void)line;
    static const char *const answers[] = {"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 no\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 408 no\r\nContent-Length: 0\r\n\r\n", "close"};
    return number < ARRAY_SIZE(answers) ? answers[number] : NULL;
}

static void test_what_may_get_better_is_tried_again(void **state)
{
    (void)state;
    peer_start(&hook, http_serve, answer_in_the_end);
    desk_add_webhook(&desk, &hook, KEY);
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.tried_again == 1);
    desk_pass(&desk, DELIVERY_FIRST_WAIT_MS);
    desk_wait(&desk, counts.tried_again == 2);
    // It asked for two minutes.
    assert_int_equal(database_number(desk.database, "SELECT due FROM deliveries"),
        NOW + DIGEST_SETTLE_MS + DELIVERY_FIRST_WAIT_MS + 120000);
    desk_pass(&desk, 120000);
    desk_wait(&desk, counts.tried_again == 3);
    desk_pass(&desk, 4 * DELIVERY_FIRST_WAIT_MS);
    desk_wait(&desk, counts.tried_again == 4); // the line broke
    desk_pass(&desk, DELIVERY_FIRST_WAIT_MS);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    assert_int_equal(hook.taken_count, 5);
    char *first = field_of(hook.taken[0].bytes, "Afloat-Delivery");
    char *last = field_of(hook.taken[4].bytes, "Afloat-Delivery");
    assert_string_equal(first, last);
    assert_string_equal(strstr(hook.taken[0].bytes, "\r\n\r\n"),
        strstr(hook.taken[4].bytes, "\r\n\r\n"));
    free(first);
    free(last);
    peer_stop(&hook);
}

static const char *answer_404(struct peer *peer, const char *line, unsigned number)
{
    (void)peer, (void)line;
    return number == 0 ? "HTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n" : NULL;
}

static void test_what_will_not_get_better_is_not(void **state)
{
    (void)state;
    peer_start(&hook, http_serve, answer_404);
    desk_add_webhook(&desk, &hook, KEY);
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.failed == 1 && counts.queued == 0);
    desk_tell(&desk, "inc2", INCIDENT_INVESTIGATING);
    desk_pass(&desk, 70000);
    desk_wait(&desk, counts.sent == 1); // the next is tried all the same
    peer_stop(&hook);
}

static const char *answer_410(struct peer *peer, const char *line, unsigned number)
{
    (void)peer, (void)line, (void)number;
    return "HTTP/1.1 410 gone\r\nContent-Length: 0\r\n\r\n";
}

static void test_410_is_the_end(void **state)
{
    (void)state;
    static struct peer other;
    peer_start(&hook, http_serve, answer_410);
    peer_start(&other, http_serve, NULL);
    desk_add_webhook(&desk, &hook, KEY);
    desk_add_webhook(&desk, &other, KEY);
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.failed == 1 && counts.sent == 1);
    desk_tell(&desk, "inc2", INCIDENT_INVESTIGATING);
    desk_pass(&desk, 70000);
    desk_wait(&desk, counts.sent == 2 && counts.queued == 0);
    assert_int_equal(hook.taken_count, 1);
    peer_stop(&hook);
    peer_stop(&other);
}

static char redirect[128];

static const char *answer_redirect(struct peer *peer, const char *line, unsigned number)
{
    (void)peer, (void)line, (void)number;
    return redirect;
}

static void test_redirects_are_not_followed(void **state)
{
    (void)state;
    static struct peer other;
    peer_start(&other, http_serve, NULL);
    peer_start(&hook, http_serve, answer_redirect);
    snprintf(redirect, sizeof(redirect), "HTTP/1.1 307 there\r\nLocation: http://127.0.0.1:%u/\r\n"
        "Content-Length: 0\r\n\r\n", other.port);
    desk_add_webhook(&desk, &hook, KEY);
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.failed == 1);
    assert_int_equal(other.count, 0);
    peer_stop(&hook);
    peer_stop(&other);
}

static void test_private_addresses_are_not_reached(void **state)
{
    (void)state;
    peer_start(&hook, http_serve, NULL);
    desk_add_webhook(&desk, &hook, KEY);
    // As a name too: what counts is where the socket leads.
    snprintf(desk.urls[1], sizeof(desk.urls[1]), "http://localhost:%u/", hook.port);
    desk.webhooks[1] = (struct webhook_settings){.url = slice_from_string(desk.urls[1])};
    desk.settings.webhooks.count = 2;
    desk.settings.allow.count = 0;
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.tried_again >= 2);
    assert_int_equal(hook.count, 0);
    assert_int_equal(desk_counts(&desk).sent, 0);
    assert_int_equal(desk_counts(&desk).queued, 2); // until the operator allows it
    desk_close(&desk);
    desk.settings.allow.count = 1;
    desk.settings.webhooks.count = 1;
    desk_open(&desk);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    assert_int_equal(desk_counts(&desk).dropped, 1); // of the one that is not in the settings now
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM deliveries"), 0);
    peer_stop(&hook);
}

static const char *answer_endless(struct peer *peer, const char *line, unsigned number)
{
    static char answer[(2 * TRANSFER_ANSWER_MAX) + 64];
    (void)peer, (void)line, (void)number;
    int head = snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n\r\n");
    memset(answer + head, 'x', sizeof(answer) - (size_t)head - 1);
    return answer;
}

static void test_an_endless_answer_is_cut(void **state)
{
    (void)state;
    peer_start(&hook, http_serve, answer_endless);
    desk_add_webhook(&desk, &hook, KEY);
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.sent == 1); // it said 200
    peer_stop(&hook);
}

static const char *answer_hang(struct peer *peer, const char *line, unsigned number)
{
    (void)peer, (void)line, (void)number;
    return "hang";
}

static void test_all_but_one_hang_and_it_is_told(void **state)
{
    (void)state;
    static struct peer hung;
    peer_start(&hung, http_serve, answer_hang);
    peer_start(&hook, http_serve, NULL);
    for (unsigned i = 1; i < NOTIFY_WEBHOOKS_MAX; i++)
        desk_add_webhook(&desk, &hung, KEY);
    desk_add_webhook(&desk, &hook, KEY);
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    peer_wait_taken(&hook, 1);
    peer_wait_taken(&hung, NOTIFY_WEBHOOKS_MAX - 1);
    desk_close(&desk);
    peer_stop(&hook);
    peer_stop(&hung);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_sent),
        TEST(test_how_it_is_signed),
        TEST(test_without_a_key_it_is_not),
        TEST(test_what_may_get_better_is_tried_again),
        TEST(test_what_will_not_get_better_is_not),
        TEST(test_410_is_the_end),
        TEST(test_redirects_are_not_followed),
        TEST(test_private_addresses_are_not_reached),
        TEST(test_an_endless_answer_is_cut),
        TEST(test_all_but_one_hang_and_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
