// What happens reaches people: once, soon, in one message, over crashes, whoever else is slow.
#include "notify_fixture.h"

static struct desk desk;
static struct peer mail;

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

static char *header_of(const char *bytes, const char *name)
{
    const char *at = strstr(bytes, name);
    if (at == NULL)
        fail_msg("no %s in %s", name, bytes);
    at += strlen(name);
    return strndup(at, strcspn(at, "\r"));
}

static void test_mail_is_delivered(void **state)
{
    (void)state;
    peer_start(&mail, smtp_serve, NULL);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    peer_wait_taken(&mail, 1);
    assert_string_equal(mail.taken[0].to, "<ops@acme.test>");
    assert_non_null(strstr(mail.taken[0].bytes, "To: <ops@acme.test>\r\n"));
    assert_non_null(strstr(mail.taken[0].bytes, "Subject: [Acme] Investigating: API is down\r\n"));
    assert_non_null(strstr(mail.taken[0].bytes, "https://status.acme.test/incident/inc1"));
    assert_null(strstr(mail.taken[0].bytes, "List-Unsubscribe")); // he is in the settings
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM deliveries"), 0);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM delivery_messages"), 0);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM delivery_notices"), 0);
    peer_stop(&mail);
}

static void test_two_hundred_at_once_are_one_message_each(void **state)
{
    (void)state;
    peer_start(&mail, smtp_serve, NULL);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_add_operator(&desk, "boss@acme.test");
    desk_open(&desk);
    for (unsigned i = 0; i < 200; i++) {
        char id[16];
        snprintf(id, sizeof(id), "inc%u", i);
        desk_tell(&desk, id, INCIDENT_INVESTIGATING);
    }
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.sent == 2 && counts.queued == 0);
    assert_int_equal(mail.taken_count, 2);
    assert_non_null(strstr(mail.taken[0].bytes, "(and 199 more)"));
    peer_stop(&mail);
}

static void test_what_is_told_outlives_a_crash_before_it_is_sent(void **state)
{
    (void)state;
    peer_start(&mail, smtp_serve, NULL);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    // Gathered, but in no message yet.
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_tell(&desk, "inc1", INCIDENT_IDENTIFIED);
    desk_close(&desk);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM delivery_notices"), 1);
    desk_open(&desk);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    assert_non_null(strstr(mail.taken[0].bytes, "Identified: API is down"));
    // And nothing is told again by a third one.
    desk_close(&desk);
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_IDENTIFIED);
    desk_pass(&desk, 100000);
    desk_tell(&desk, "inc2", INCIDENT_INVESTIGATING);
    desk_pass(&desk, 100000);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    assert_int_equal(mail.taken_count, 2);
    assert_null(strstr(mail.taken[1].bytes, "Identified"));
    peer_stop(&mail);
}

static const char *answer_never(struct peer *peer, const char *line, unsigned number)
{
    (void)peer, (void)number;
    return strcmp(line, "hello") == 0 ? "421 not now\r\n" : NULL;
}

static void test_a_message_waits_for_a_server_that_is_away(void **state)
{
    (void)state;
    static struct peer dead;
    peer_start(&dead, smtp_serve, answer_never);
    desk_use_mail(&desk, &dead);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.tried_again == 1);
    desk_close(&desk);
    peer_stop(&dead);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM deliveries"), 1);
    peer_start(&mail, smtp_serve, NULL);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    assert_int_equal(mail.taken_count, 1);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM delivery_messages"), 0);
    peer_stop(&mail);
}

static void test_a_crash_between_sending_and_noting_it_repeats_the_id(void **state)
{
    (void)state;
    peer_start(&mail, smtp_serve, NULL);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_close(&desk);
    desk_open(&desk);
    // The message is written, and from then on nothing is.
    lock_acquire(&desk.courier->lock);
    desk.courier->queue.channels[CHANNEL_MAIL].at_once = 0;
    lock_release(&desk.courier->lock);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.queued == 1);
    atomic_store(&desk.database->is_dead, true);
    lock_acquire(&desk.courier->lock);
    desk.courier->queue.channels[CHANNEL_MAIL].at_once = CHANNEL_MAIL_AT_ONCE;
    lock_release(&desk.courier->lock);
    desk_wait(&desk, counts.sent == 1);
    desk_close(&desk);
    atomic_store(&desk.database->is_dead, false);
    desk_open(&desk);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    assert_int_equal(mail.taken_count, 2);
    char *first = header_of(mail.taken[0].bytes, "Message-ID: ");
    char *second = header_of(mail.taken[1].bytes, "Message-ID: ");
    assert_string_equal(first, second);
    free(first);
    free(second);
    peer_stop(&mail);
}

static void test_a_disk_that_is_full_stops_no_mail_and_no_end(void **state)
{
    (void)state;
    peer_start(&mail, smtp_serve, NULL);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
    atomic_store(&desk.database->is_full, true);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    assert_non_null(desk.database->held);
    desk_close(&desk); // and what is not written is no longer the courier's
    peer_stop(&mail);
}

static void test_there_need_be_no_database(void **state)
{
    (void)state;
    struct database *database = desk.database;
    peer_start(&mail, smtp_serve, NULL);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk.database = NULL;
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    desk_close(&desk);
    desk.database = database;
    peer_stop(&mail);
}

static const char *answer_hang(struct peer *peer, const char *line, unsigned number)
{
    (void)peer, (void)line, (void)number;
    return "hang";
}

static void test_a_server_that_hangs_delays_no_other(void **state)
{
    (void)state;
    static struct peer hung, hook;
    peer_start(&hung, smtp_serve, answer_hang);
    peer_start(&hook, http_serve, NULL);
    desk_use_mail(&desk, &hung);
    desk_add_operator(&desk, "ops@acme.test");
    desk_add_webhook(&desk, &hook, "");
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    peer_wait_asked(&hung, 1); // and is never answered
    peer_wait_taken(&hook, 1);
    desk_tell(&desk, "inc2", INCIDENT_INVESTIGATING);
    desk_pass(&desk, 70000);
    peer_wait_taken(&hook, 2);
    assert_true(desk_counts(&desk).queued >= 2); // the mails
    desk_close(&desk);
    peer_stop(&hook);
    peer_stop(&hung);
}

static void put_subscriber(const char *address, const char *components)
{
    lock_acquire(&desk.courier->lock);
    assert_int_equal(subscribers_put(&desk.courier->subscribers, slice_from_string(address),
        slice_from_string(components), LANGUAGE_ENGLISH, NOW), ERROR_NONE);
    lock_release(&desk.courier->lock);
}

static void test_subscribers_hear_what_they_chose(void **state)
{
    (void)state;
    struct slice titles[] = {SLICE("API")}, ids[] = {SLICE("api")};
    peer_start(&mail, smtp_serve, NULL);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
    put_subscriber("all@x.test", "");
    put_subscriber("api@x.test", "web\napi");
    put_subscriber("web@x.test", "web");
    put_subscriber("OPS@acme.test", ""); // is told anyway, and once
    struct notice notice = {.kind = NOTICE_INCIDENT, .id = SLICE("inc1"), .title = SLICE("Down"),
        .begin_ms = NOW, .at_ms = NOW, .components = titles, .component_ids = ids,
        .component_count = 1};
    courier_tell(desk.courier, &notice);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.sent == 3 && counts.queued == 0);
    assert_int_equal(mail.taken_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        bool is_subscriber = strcmp(mail.taken[i].to, "<ops@acme.test>") != 0;
        assert_string_not_equal(mail.taken[i].to, "<web@x.test>");
        assert_int_equal(strstr(mail.taken[i].bytes, "List-Unsubscribe: <https://status.acme."
            "test/unsubscribe?token=") != NULL, is_subscriber);
        assert_int_equal(strstr(mail.taken[i].bytes, "List-Unsubscribe-Post: "
            "List-Unsubscribe=One-Click\r\n") != NULL, is_subscriber);
    }
    peer_stop(&mail);
}

static const char *answer_unknown(struct peer *peer, const char *line, unsigned number)
{
    (void)peer, (void)number;
    return strncmp(line, "RCPT TO:<gone@", 14) == 0 ? "550 nobody of that name\r\n" : NULL;
}

static void test_who_bounces_three_times_is_struck_off(void **state)
{
    (void)state;
    peer_start(&mail, smtp_serve, answer_unknown);
    desk_use_mail(&desk, &mail);
    desk_open(&desk);
    put_subscriber("gone@x.test", "");
    put_subscriber("here@x.test", "");
    for (unsigned i = 1; i <= 3; i++) {
        char id[16];
        snprintf(id, sizeof(id), "inc%u", i);
        assert_int_equal(desk_counts(&desk).subscribers, 2);
        desk_tell(&desk, id, INCIDENT_INVESTIGATING);
        desk_pass(&desk, 70000);
        desk_wait(&desk, counts.failed == i && counts.sent == i);
    }
    assert_int_equal(desk_counts(&desk).subscribers, 1);
    peer_stop(&mail);
}

static const char *answer_grey(struct peer *peer, const char *line, unsigned number)
{
    static unsigned recipients;
    (void)peer, (void)number;
    if (strncmp(line, "RCPT", 4) != 0)
        return NULL;
    return recipients++ == 0 ? "451 come back later\r\n" : NULL;
}

static void test_who_is_put_off_comes_back(void **state)
{
    (void)state;
    peer_start(&mail, smtp_serve, answer_grey);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.tried_again == 1);
    assert_int_equal(mail.taken_count, 0);
    assert_int_equal(database_number(desk.database, "SELECT tries FROM deliveries"), 1);
    desk_pass(&desk, DELIVERY_FIRST_WAIT_MS);
    desk_wait(&desk, counts.sent == 1);
    peer_stop(&mail);
}

static void test_after_a_day_it_is_given_up(void **state)
{
    (void)state;
    peer_start(&mail, smtp_serve, answer_never);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.tried_again == 1);
    desk_pass(&desk, DELIVERY_GIVE_UP_MS + 60000);
    desk_wait(&desk, counts.queued == 0);
    assert_int_equal(desk_counts(&desk).sent, 0);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM delivery_messages"), 0);
    peer_stop(&mail);
}

static void test_the_oldest_makes_room(void **state)
{
    (void)state;
    peer_start(&mail, smtp_serve, answer_never);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
    lock_acquire(&desk.courier->lock);
    desk.courier->queue.maximum = 2;
    lock_release(&desk.courier->lock);
    for (unsigned i = 1; i <= 4; i++) {
        char id[16];
        snprintf(id, sizeof(id), "inc%u", i);
        desk_tell(&desk, id, INCIDENT_INVESTIGATING);
        desk_pass(&desk, 70000);
        // From the first failure on one is tried at a time, so that there is one to be dropped.
        desk_wait(&desk, counts.dropped + counts.queued == i && counts.tried_again > 0);
    }
    assert_int_equal(desk_counts(&desk).dropped, 2);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM deliveries"), 2);
    peer_stop(&mail);
}

static void test_without_anybody_to_tell_nothing_is_kept(void **state)
{
    (void)state;
    desk_open(&desk);
    desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
    assert_int_equal(database_number(desk.database, "SELECT count(*) FROM delivery_notices"), 0);
}

static void test_settings_that_cannot_be_are_refused(void **state)
{
    (void)state;
    char buffer[300];
    struct text why = text_in(buffer, sizeof(buffer));
    struct courier *courier = NULL;
    desk.settings.subscribe = true;
    assert_int_equal(courier_create(&desk.settings, &desk.brand, NULL, desk_secret, &why,
        &courier), ERROR_INVALID);
    assert_true(why.size > 0);
    desk.settings.subscribe = false;
    desk.settings.mail = (struct mail_settings){.server = SLICE("smtp://a.test"),
        .from = SLICE("a@b.test"), .user = SLICE("u"), .password_file = SLICE("/nonexistent/x")};
    why.size = 0;
    assert_int_equal(courier_create(&desk.settings, &desk.brand, NULL, desk_secret, &why,
        &courier), ERROR_NOT_FOUND);
    assert_non_null(memmem(why.data, why.size, "/nonexistent/x", 14));
    courier_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mail_is_delivered),
        TEST(test_two_hundred_at_once_are_one_message_each),
        TEST(test_what_is_told_outlives_a_crash_before_it_is_sent),
        TEST(test_a_message_waits_for_a_server_that_is_away),
        TEST(test_a_crash_between_sending_and_noting_it_repeats_the_id),
        TEST(test_a_disk_that_is_full_stops_no_mail_and_no_end),
        TEST(test_there_need_be_no_database),
        TEST(test_a_server_that_hangs_delays_no_other),
        TEST(test_subscribers_hear_what_they_chose),
        TEST(test_who_bounces_three_times_is_struck_off),
        TEST(test_who_is_put_off_comes_back),
        TEST(test_after_a_day_it_is_given_up),
        TEST(test_the_oldest_makes_room),
        TEST(test_without_anybody_to_tell_nothing_is_kept),
        TEST(test_settings_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
