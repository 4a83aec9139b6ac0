// Many things at once are one message, each told once, in its newest state.
#include "base/memory.h"
#include "watch/notify/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1800000000000)

static struct digest digest;
static uint64_t sequence;

static int begin(void **state)
{
    (void)state;
    digest_init(&digest, 60000);
    sequence = 1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    digest_free(&digest);
    return 0;
}

static struct notice incident(const char *id, enum incident_state state, int64_t at_ms)
{
    return (struct notice){.kind = NOTICE_INCIDENT, .id = slice_from_string(id),
        .title = SLICE("API is down"), .state = state, .impact = IMPACT_MAJOR, .begin_ms = NOW,
        .end_ms = state == INCIDENT_RESOLVED ? at_ms : 0, .at_ms = at_ms,
        .is_update = state != INCIDENT_INVESTIGATING};
}

static enum digest_outcome add(const struct notice *notice, uint64_t *ret_replaced)
{
    const struct digest_item *item;
    return digest_add(&digest, notice, sequence++, ret_replaced, &item);
}

static enum digest_outcome tell(const char *id, enum incident_state state, int64_t at_ms)
{
    struct notice notice = incident(id, state, at_ms);
    uint64_t replaced;
    return add(&notice, &replaced);
}

static const struct digest_item *item_at(const struct digest_message *message, size_t index)
{
    LIST_FOREACH(link, &message->items) {
        if (index-- == 0)
            return LIST_ENTRY(link, struct digest_item, link);
    }
    fail_msg("there is no such item");
    return NULL;
}

static void test_two_hundred_at_once_are_one_message(void **state)
{
    (void)state;
    assert_int_equal(digest_due_ms(&digest), INT64_MAX);
    assert_null(digest_take(&digest, NOW));
    for (unsigned i = 0; i < 200; i++) {
        char id[16];
        snprintf(id, sizeof(id), "incident%u", i);
        assert_int_equal(tell(id, INCIDENT_INVESTIGATING, NOW + i), DIGEST_TAKEN);
    }
    assert_int_equal(digest_due_ms(&digest), NOW + DIGEST_SETTLE_MS);
    assert_null(digest_take(&digest, NOW + DIGEST_SETTLE_MS - 1));
    struct digest_message *message = digest_take(&digest, NOW + DIGEST_SETTLE_MS);
    assert_non_null(message);
    assert_int_equal(message->item_count, 200);
    assert_int_equal(message->sequence, 200);
    assert_int_equal(strlen(message->id), 32);
    assert_null(digest_take(&digest, NOW + 1000000));
    digest_message_free(message);
}

static void test_the_next_waits_for_its_time(void **state)
{
    (void)state;
    (void)tell("a", INCIDENT_INVESTIGATING, NOW);
    digest_message_free(digest_take(&digest, NOW + 10000));
    // It flaps as it will: at most one message a minute.
    for (int64_t at = 11000; at < 60000; at += 1000)
        (void)tell("a", at / 1000 % 2 ? INCIDENT_MONITORING : INCIDENT_IDENTIFIED, NOW + at);
    assert_int_equal(digest_due_ms(&digest), NOW + 70000);
    assert_null(digest_take(&digest, NOW + 69999));
    struct digest_message *message = digest_take(&digest, NOW + 70000);
    assert_int_equal(message->item_count, 1);
    assert_int_equal(item_at(message, 0)->state, INCIDENT_MONITORING);
    assert_false(item_at(message, 0)->opened);
    digest_message_free(message);
}

static void test_a_long_silence_is_followed_by_little_waiting(void **state)
{
    (void)state;
    (void)tell("a", INCIDENT_INVESTIGATING, NOW);
    digest_message_free(digest_take(&digest, NOW + 10000));
    (void)tell("b", INCIDENT_INVESTIGATING, NOW + 5000000);
    assert_int_equal(digest_due_ms(&digest), NOW + 5010000);
}

static void test_a_clock_set_back_stops_nothing_for_long(void **state)
{
    (void)state;
    (void)tell("a", INCIDENT_INVESTIGATING, NOW);
    digest_message_free(digest_take(&digest, NOW + 10000));
    (void)tell("b", INCIDENT_INVESTIGATING, NOW - 86400000);
    assert_true(digest_due_ms(&digest) <= NOW - 86400000 + 70000);
    (void)tell("c", INCIDENT_INVESTIGATING, NOW + 99999999);
    assert_null(digest_take(&digest, NOW - 2 * (int64_t)86400000));
    assert_true(digest_due_ms(&digest) <= NOW - 2 * (int64_t)86400000 + 70000);
}

static void test_opened_and_resolved_meanwhile_is_one_line(void **state)
{
    (void)state;
    struct notice notice = incident("a", INCIDENT_INVESTIGATING, NOW);
    uint64_t replaced;
    notice.text = SLICE("We are looking.");
    assert_int_equal(add(&notice, &replaced), DIGEST_TAKEN);
    assert_int_equal(replaced, 0);
    notice = incident("a", INCIDENT_RESOLVED, NOW + 3000);
    assert_int_equal(add(&notice, &replaced), DIGEST_TAKEN);
    assert_int_equal(replaced, 1);
    struct digest_message *message = digest_take(&digest, NOW + 10000);
    assert_int_equal(message->item_count, 1);
    const struct digest_item *item = item_at(message, 0);
    assert_true(item->opened);
    assert_int_equal(item->state, INCIDENT_RESOLVED);
    assert_true(slice_equal(item->text, SLICE("We are looking."))); // the last that was said
    digest_message_free(message);
}

static void test_what_was_told_is_not_told_again(void **state)
{
    (void)state;
    (void)tell("a", INCIDENT_INVESTIGATING, NOW);
    digest_message_free(digest_take(&digest, NOW + 10000));
    assert_int_equal(tell("a", INCIDENT_INVESTIGATING, NOW + 20000), DIGEST_KNOWN);
    assert_int_equal(digest_due_ms(&digest), INT64_MAX);
    // There and back again within the gathering is nothing, either.
    uint64_t replaced;
    struct notice notice = incident("a", INCIDENT_IDENTIFIED, NOW + 21000);
    assert_int_equal(add(&notice, &replaced), DIGEST_TAKEN);
    notice = incident("a", INCIDENT_INVESTIGATING, NOW + 22000);
    assert_int_equal(add(&notice, &replaced), DIGEST_KNOWN);
    assert_int_equal(replaced, 3);
    assert_int_equal(digest.item_count, 0);
    assert_int_equal(tell("a", INCIDENT_RESOLVED, NOW + 30000), DIGEST_TAKEN);
}

static void test_the_gravest_comes_first(void **state)
{
    (void)state;
    struct notice window = {.kind = NOTICE_WINDOW, .id = SLICE("w"), .title = SLICE("Upgrade"),
        .window_state = WINDOW_SCHEDULED, .begin_ms = NOW, .at_ms = NOW};
    struct notice minor = incident("m", INCIDENT_INVESTIGATING, NOW);
    uint64_t replaced;
    minor.impact = IMPACT_MINOR;
    (void)add(&window, &replaced);
    (void)tell("r", INCIDENT_RESOLVED, NOW);
    (void)add(&minor, &replaced);
    (void)tell("a", INCIDENT_INVESTIGATING, NOW);
    struct digest_message *message = digest_take(&digest, NOW + 10000);
    const char *order[] = {"a", "m", "r", "w"};
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        assert_true(slice_equal(item_at(message, i)->id, slice_from_string(order[i])));
    digest_message_free(message);
}

static void test_each_time_of_a_window_is_a_thing_of_its_own(void **state)
{
    (void)state;
    struct notice window = {.kind = NOTICE_WINDOW, .id = SLICE("w"), .title = SLICE("Upgrade"),
        .window_state = WINDOW_SCHEDULED, .begin_ms = NOW, .at_ms = NOW};
    uint64_t replaced;
    (void)add(&window, &replaced);
    window.begin_ms += 86400000;
    (void)add(&window, &replaced);
    assert_int_equal(replaced, 0);
    window.window_state = WINDOW_IN_PROGRESS;
    (void)add(&window, &replaced);
    assert_int_equal(replaced, 2);
    assert_int_equal(digest.item_count, 2);
}

static void test_it_is_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DIGEST_ITEMS_MAX + 7; i++) {
        char id[16];
        snprintf(id, sizeof(id), "incident%u", i);
        assert_int_equal(tell(id, INCIDENT_INVESTIGATING, NOW),
            i < DIGEST_ITEMS_MAX ? DIGEST_TAKEN : DIGEST_FULL);
    }
    struct digest_message *message = digest_take(&digest, NOW + 10000);
    assert_int_equal(message->item_count, DIGEST_ITEMS_MAX);
    assert_int_equal(message->omitted, 7);
    digest_message_free(message);
    for (unsigned i = 0; i < DIGEST_TOLD_MAX + 10; i++)
        digest_remember(&digest, i + 1, 1);
    assert_int_equal(digest.told[digest.told_next].key, 11 + DIGEST_TOLD_MAX - DIGEST_TOLD_MAX);
}

static void test_what_strangers_write_stays_text(void **state)
{
    (void)state;
    char *longest = malloc(10000);
    assert_non_null(longest);
    memset(longest, 'x', 10000);
    struct slice components[] = {SLICE("A\r\nB"), SLICE("C")};
    struct notice notice = incident("i\r\nd", INCIDENT_INVESTIGATING, NOW);
    uint64_t replaced;
    notice.title = SLICE("a\r\nBcc: b\x1b[2J\0c\xff\xe2\x80\xae");
    notice.text = SLICE("one\r\ntwo\x07\nthree\n\n");
    notice.components = components;
    notice.component_count = 2;
    assert_int_equal(add(&notice, &replaced), DIGEST_TAKEN);
    struct notice long_notice = incident("long", INCIDENT_INVESTIGATING, NOW);
    long_notice.title = long_notice.text = slice_of(longest, 10000);
    assert_int_equal(add(&long_notice, &replaced), DIGEST_TAKEN);
    struct digest_message *message = digest_take(&digest, NOW + 10000);
    const struct digest_item *item = item_at(message, 0);
    assert_true(slice_equal(item->id, SLICE("i??d")));
    assert_true(slice_equal(item->title, SLICE("a??Bcc: b?[2J?c??")));
    assert_true(slice_equal(item->text, SLICE("one\ntwo?\nthree")));
    assert_true(slice_equal(item->components[0], SLICE("A??B")));
    assert_true(item_at(message, 1)->title.size <= DIGEST_TITLE_MAX + 3);
    assert_true(item_at(message, 1)->text.size <= DIGEST_TEXT_MAX + 8);
    digest_message_free(message);
    free(longest);
}

static void test_it_goes_through_json_unchanged(void **state)
{
    (void)state;
    struct slice components[] = {SLICE("API"), SLICE("Web ü")};
    struct slice ids[] = {SLICE("api"), SLICE("web")};
    struct notice notice = incident("a", INCIDENT_IDENTIFIED, NOW);
    uint64_t replaced;
    notice.text = SLICE("Two\nlines");
    notice.components = components;
    notice.component_ids = ids;
    notice.component_count = 2;
    notice.eta_ms = NOW + 5;
    (void)add(&notice, &replaced);
    (void)tell("b", INCIDENT_INVESTIGATING, NOW);
    struct digest_message *message = digest_take(&digest, NOW + 10000);
    json_t *json = digest_message_to_json(message), *again;
    struct digest_message *copy = digest_message_from_json(json);
    assert_non_null(copy);
    again = digest_message_to_json(copy);
    assert_true(json_equal(json, again));
    assert_int_equal(copy->item_count, 2);
    json_decref(json);
    json_decref(again);
    digest_message_free(message);
    digest_message_free(copy);
}

static void test_json_that_is_no_message_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"{}", "[]", "{\"items\":[]}", "{\"items\":[{}]}",
        "{\"items\":[{\"kind\":7,\"opened\":true,\"id\":\"\",\"title\":\"\",\"text\":\"\","
        "\"state\":0,\"impact\":0,\"window\":0,\"begin\":0,\"end\":0,\"eta\":0,\"at\":0,"
        "\"components\":[]}]}"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        json_t *json = json_loads(bad[i], 0, NULL);
        assert_non_null(json);
        assert_null(digest_message_from_json(json));
        json_decref(json);
    }
}

static void test_it_concerns_who_chose_it(void **state)
{
    (void)state;
    struct slice components[] = {SLICE("API"), SLICE("Web")}, ids[] = {SLICE("api"), SLICE("web")};
    struct notice notice = incident("a", INCIDENT_INVESTIGATING, NOW);
    const struct digest_item *item;
    uint64_t replaced;
    notice.components = components;
    notice.component_ids = ids;
    notice.component_count = 2;
    (void)digest_add(&digest, &notice, 1, &replaced, &item);
    assert_true(digest_item_concerns(item, SLICE_EMPTY));
    assert_true(digest_item_concerns(item, SLICE("web")));
    assert_true(digest_item_concerns(item, SLICE("mail\napi")));
    assert_false(digest_item_concerns(item, SLICE("mail\nap\napi2")));
    notice.id = SLICE("b");
    notice.component_ids = NULL;
    (void)digest_add(&digest, &notice, 2, &replaced, &item);
    assert_true(digest_item_concerns(item, SLICE("mail")));
}

// As many as an incident has, with the longest ids there are.
static void test_long_ids_are_whole(void **state)
{
    (void)state;
    static char texts[DIGEST_COMPONENTS_MAX][COMPONENT_ID_MAX];
    static struct slice ids[DIGEST_COMPONENTS_MAX];
    const struct digest_item *item;
    uint64_t replaced;
    for (unsigned i = 0; i < DIGEST_COMPONENTS_MAX; i++) {
        memset(texts[i], 'a', sizeof(texts[i]));
        texts[i][sizeof(texts[i]) - 1] = (char)('0' + i % 10);
        texts[i][sizeof(texts[i]) - 2] = (char)('0' + i / 10 % 10);
        texts[i][sizeof(texts[i]) - 3] = (char)('0' + i / 100);
        ids[i] = slice_of(texts[i], sizeof(texts[i]));
    }
    struct notice notice = incident("a", INCIDENT_INVESTIGATING, NOW);
    notice.components = notice.component_ids = ids;
    notice.component_count = DIGEST_COMPONENTS_MAX - 1;
    assert_int_equal(digest_add(&digest, &notice, 1, &replaced, &item), DIGEST_TAKEN);
    assert_true(digest_item_concerns(item, ids[DIGEST_COMPONENTS_MAX - 2]));
    assert_false(digest_item_concerns(item, ids[DIGEST_COMPONENTS_MAX - 1]));
}

static void test_lack_of_memory_is_counted(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1; fail_at < 4; fail_at++) {
        uint64_t before = memory_failures();
        memory_fail_after(fail_at - 1);
        enum digest_outcome outcome = tell("a", INCIDENT_INVESTIGATING, NOW);
        memory_fail_after(0);
        if (memory_failures() > before)
            assert_int_equal(outcome, DIGEST_FULL);
    }
    (void)tell("a", INCIDENT_INVESTIGATING, NOW);
    memory_fail_after(1);
    struct digest_message *message = digest_take(&digest, NOW + 10000);
    memory_fail_after(0);
    if (message == NULL)
        message = digest_take(&digest, NOW + 10000); // later, then
    assert_non_null(message);
    digest_message_free(message);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_hundred_at_once_are_one_message),
        TEST(test_the_next_waits_for_its_time),
        TEST(test_a_long_silence_is_followed_by_little_waiting),
        TEST(test_a_clock_set_back_stops_nothing_for_long),
        TEST(test_opened_and_resolved_meanwhile_is_one_line),
        TEST(test_what_was_told_is_not_told_again),
        TEST(test_the_gravest_comes_first),
        TEST(test_each_time_of_a_window_is_a_thing_of_its_own),
        TEST(test_it_is_bounded),
        TEST(test_what_strangers_write_stays_text),
        TEST(test_it_goes_through_json_unchanged),
        TEST(test_json_that_is_no_message_is_refused),
        TEST(test_it_concerns_who_chose_it),
        TEST(test_long_ids_are_whole),
        TEST(test_lack_of_memory_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
