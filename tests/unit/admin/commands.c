// Commands do what they say, and nothing when they are not understood word for word.
#include "admin/commands.h"
#include "fixture.h"

#include <time.h>

static struct fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    return log_open("/dev/null", LOG_ERROR) == ERROR_NONE ? 0 : -1;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return log_open(NULL, LOG_INFO) == ERROR_NONE ? 0 : -1;
}

// The answer to a request written with ' for ".
static json_t *ask(const char *request_text)
{
    char *json = strdup(request_text);
    for (char *at = json; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *request = json_loads(json, 0, NULL);
    assert_non_null(request);
    json_t *response = commands_handle(&fixture.source, request);
    assert_non_null(response);
    json_decref(request);
    free(json);
    return response;
}

static void assert_refusal(const char *request, const char *part)
{
    json_t *response = ask(request);
    const char *error = json_string_value(json_object_get(response, "error"));
    assert_true(json_is_false(json_object_get(response, "ok")));
    assert_non_null(error);
    if (strstr(error, part) == NULL)
        fail_msg("\"%s\" says nothing of \"%s\"", error, part);
    json_decref(response);
}

static uint64_t purged_by(const char *request)
{
    json_t *response = ask(request);
    assert_true(json_is_true(json_object_get(response, "ok")));
    uint64_t purged = (uint64_t)json_integer_value(json_object_get(response, "purged"));
    json_decref(response);
    return purged;
}

static uint64_t objects_kept(void)
{
    struct cache_statistics statistics;
    cache_read_statistics(edge_cache(fixture.edge), &statistics);
    return statistics.objects;
}

static void keep_three(void)
{
    fixture_keep(&fixture, SLICE("http://example.org/a/1"));
    fixture_keep(&fixture, SLICE("http://example.org/a/2"));
    fixture_keep(&fixture, SLICE("http://example.org/b"));
    assert_int_equal(objects_kept(), 3);
}

static void url_is_written_as_cache_keys_are(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *normal; // normal NULL: refused
    } cases[] = {
        {"https://example.org/a", "https://example.org/a"},
        {"HTTP://Example.ORG:80", "http://example.org/"},
        {"example.org/%7ea?b#c", "https://example.org/~a?b"},
        {"example.org?q=http://x/", "https://example.org/?q=http://x/"},
        {"https://[::1]:8080/", "https://[::1]:8080/"},
        {"example.org", "https://example.org/"},
        {"", NULL},
        {"#x", NULL},
        {"/a", NULL},
        {"ftp://example.org/", NULL},
        {"https://", NULL},
        {"https://user@example.org/", NULL},
        {"https://exa mple.org/", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[256];
        struct text text = text_in(buffer, sizeof(buffer));
        enum error error = commands_normalise_url(slice_from_string(cases[i].typed), &text);
        text_append_byte(&text, '\0');
        if (cases[i].normal == NULL)
            assert_int_equal(error, ERROR_INVALID);
        else
            assert_string_equal(buffer, cases[i].normal);
    }
    char small[8];
    struct text text = text_in(small, sizeof(small));
    assert_int_equal(commands_normalise_url(SLICE("https://example.org/a"), &text), ERROR_LIMIT);
}

static void purge_hits_what_it_names(void **state)
{
    (void)state;
    keep_three();
    assert_int_equal(
        purged_by("{'command':'purge','kind':'url','what':'https://EXAMPLE.org/b'}"), 1);
    assert_int_equal(
        purged_by("{'command':'purge','kind':'url','what':'https://example.org/none'}"), 0);
    assert_int_equal(purged_by("{'command':'purge','kind':'prefix','what':'example.org/a'}"), 2);
    assert_int_equal(purged_by("{'command':'purge','kind':'tag','what':'news'}"), 3);
    assert_int_equal(purged_by("{'command':'purge','kind':'tag','what':'other'}"), 0);
    assert_int_equal(objects_kept(), 3); // soft: stale, but there
    assert_int_equal(
        purged_by("{'command':'purge','kind':'url','what':'example.org/b','hard':true}"), 1);
    assert_int_equal(objects_kept(), 2);
    assert_int_equal(purged_by("{'command':'purge','kind':'all','hard':true}"), 2);
    assert_int_equal(objects_kept(), 0);
}

static void misunderstood_purge_purges_nothing(void **state)
{
    (void)state;
    keep_three();
    assert_refusal("{'command':'purge'}", "url, prefix, tag, all");
    assert_refusal("{'command':'purge','kind':'everything'}", "url, prefix, tag, all");
    assert_refusal("{'command':'purge','kind':7}", "url, prefix, tag, all");
    assert_refusal("{'command':'purge','kind':'prefix'}", "expected https://HOST/PATH");
    assert_refusal(
        "{'command':'purge','kind':'prefix','what':'','hard':true}", "expected https://HOST/PATH");
    assert_refusal("{'command':'purge','kind':'tag','what':''}", "one word");
    assert_refusal("{'command':'purge','kind':'tag','what':'a,b'}", "one word");
    assert_refusal("{'command':'purge','kind':'all','what':'x'}", "takes no");
    assert_refusal("{'command':'purge','kind':'all','hard':'yes'}", "true or false");
    assert_refusal("{'command':'purge','kind':'url','what':1}", "must be text");
    struct cache_statistics statistics;
    cache_read_statistics(edge_cache(fixture.edge), &statistics);
    assert_int_equal(statistics.purged, 0);
}

static void overlong_url_is_refused_and_quoted_in_part(void **state)
{
    (void)state;
    char *json = malloc(20000);
    int size = sprintf(json, "{'command':'purge','kind':'url','what':'example.org/");
    memset(json + size, 'x', 15000);
    strcpy(json + size + 15000, "'}");
    assert_refusal(json, "cannot purge \"example.org/xxx");
    free(json);
}

static void maintenance_is_declared_and_ended(void **state)
{
    (void)state;
    struct maintenance maintenance;
    char request[256];
    int64_t until_ms = ((int64_t)time(NULL) + 3600) * 1000;
    snprintf(request, sizeof(request),
        "{'command':'maintenance','on':true,'until_ms':%lld,'message':'new disk'}",
        (long long)until_ms);
    json_decref(ask(request));
    edge_read_maintenance(fixture.edge, &maintenance);
    assert_true(maintenance.on);
    assert_int_equal(maintenance.until_ms, until_ms);
    assert_string_equal(maintenance.message, "new disk");
    json_decref(ask("{'command':'maintenance','on':false}"));
    edge_read_maintenance(fixture.edge, &maintenance);
    assert_false(maintenance.on);
}

static void misunderstood_maintenance_changes_nothing(void **state)
{
    (void)state;
    struct maintenance maintenance;
    assert_refusal("{'command':'maintenance'}", "on or off");
    assert_refusal("{'command':'maintenance','on':1}", "on or off");
    assert_refusal("{'command':'maintenance','on':true,'until_ms':'soon'}", "milliseconds");
    assert_refusal("{'command':'maintenance','on':true,'until_ms':-1}", "milliseconds");
    assert_refusal("{'command':'maintenance','on':true,'until_ms':1000}", "in the past");
    assert_refusal("{'command':'maintenance','on':true,'message':[]}", "must be text");
    char json[1024] = "{'command':'maintenance','on':true,'message':'";
    size_t size = strlen(json);
    memset(json + size, 'm', 512);
    strcpy(json + size + 512, "'}");
    assert_refusal(json, "at most 511");
    edge_read_maintenance(fixture.edge, &maintenance);
    assert_false(maintenance.on);
}

static void status_is_the_whole_status(void **state)
{
    (void)state;
    json_t *response = ask("{'command':'status'}");
    assert_true(json_is_true(json_object_get(response, "ok")));
    assert_true(json_is_object(json_object_get(json_object_get(response, "status"), "ledger")));
    json_decref(response);
}

static void unknown_command_names_the_known_ones(void **state)
{
    (void)state;
    assert_refusal("{'command':'stauts'}", "status, purge, maintenance");
    assert_refusal("{}", "status, purge, maintenance");
    assert_refusal("{'command':1}", "must be text");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_is_written_as_cache_keys_are),
        TEST(purge_hits_what_it_names),
        TEST(misunderstood_purge_purges_nothing),
        TEST(overlong_url_is_refused_and_quoted_in_part),
        TEST(maintenance_is_declared_and_ended),
        TEST(misunderstood_maintenance_changes_nothing),
        TEST(status_is_the_whole_status),
        TEST(unknown_command_names_the_known_ones),
    };
    return cmocka_run_group_tests_name("admin.commands", tests, NULL, NULL);
}
