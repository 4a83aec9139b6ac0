// Two ends of TLS in one loop: content, ends, resumption, and what fails.
#include "fixture.h"

#include "tls/inside.h"

#define LARGE (3u << 20)

static unsigned char pattern(size_t at)
{
    return (unsigned char)(at * 31 + at / 251);
}

static void run(void (*body)(struct task *task, struct stage *stage))
{
    in_world(0, NULL, body);
}

static void content_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct fixture fixture;
    struct streams streams;
    fixture_open(&fixture, 1);
    fixture_serve(&fixture);
    assert_int_equal(streams_open(task, &fixture, &streams, SLICE("localhost")), ERROR_NONE);
    assert_int_equal(streams.accepted, ERROR_NONE);
    say(task, &streams.client, "question");
    hear(task, &streams.server, "question");
    say(task, &streams.server, "answer");
    hear(task, &streams.client, "answer");
    assert_false(stream_has_buffered(&streams.client));
    assert_true(stream_is_quiet(&streams.client));
    // One record, read in two steps: what is left is no news of the socket.
    say(task, &streams.server, "two parts");
    char part[4];
    size_t size;
    assert_int_equal(stream_receive(task, &streams.client, part, 4, patience_ns(task), &size),
        ERROR_NONE);
    assert_int_equal(size, 4);
    assert_true(stream_has_buffered(&streams.client));
    assert_false(stream_is_quiet(&streams.client));
    hear(task, &streams.client, "parts");
    // The end of one way leaves the other open; both ends are in order.
    stream_end(&streams.client);
    hear_end(task, &streams.server, ERROR_CLOSED);
    hear_end(task, &streams.server, ERROR_CLOSED);
    say(task, &streams.server, "last word");
    hear(task, &streams.client, "last word");
    struct iovec more = {.iov_base = part, .iov_len = 4};
    assert_int_equal(stream_send(task, &streams.client, &more, 1, 1000, NULL), ERROR_RESET);
    streams_close(&streams);
    assert_false(io_is_open(&streams.client.socket));
    stream_close(&streams.client); // fine on a closed one
    fixture_close(&fixture);
}

static void test_content_and_ends(void **state)
{
    (void)state;
    run(content_body);
}

// --- Both ways at once, in pieces of odd sizes ---

static void floods(struct task *task, void *argument)
{
    struct stream *stream = argument;
    unsigned char *bytes = malloc(200000);
    assert_non_null(bytes);
    for (size_t at = 0; at < LARGE;) {
        struct iovec pieces[20];
        size_t count = 1 + random_below(&task_loop(task)->random, 19), total = 0, sent;
        for (size_t i = 0; i < count; i++) {
            size_t size = random_below(&task_loop(task)->random, i % 5 == 4 ? 40000 : 300);
            size = MINIMUM(size, LARGE - at - total);
            pieces[i] = (struct iovec){.iov_base = bytes + total, .iov_len = size};
            for (size_t k = 0; k < size; k++)
                bytes[total + k] = pattern(at + total + k);
            total += size;
        }
        assert_int_equal(stream_send(task, stream, pieces, count, 60000, &sent), ERROR_NONE);
        assert_int_equal(sent, total);
        at += total;
    }
    free(bytes);
    stream_end(stream);
}

static void drains(struct task *task, void *argument)
{
    struct stream *stream = argument;
    unsigned char buffer[9000];
    size_t at = 0, size;
    enum error error;
    while ((error = stream_receive(task, stream, buffer,
                1 + random_below(&task_loop(task)->random, sizeof(buffer) - 1), patience_ns(task),
                &size)) == ERROR_NONE) {
        for (size_t i = 0; i < size; i++, at++) {
            if (buffer[i] != pattern(at))
                fail();
        }
    }
    assert_int_equal(error, ERROR_CLOSED);
    assert_int_equal(at, LARGE);
}

static void both_ways_body(struct task *task, struct stage *stage)
{
    struct fixture fixture;
    struct streams streams[2];
    struct scope scope;
    fixture_open(&fixture, 1);
    fixture_serve(&fixture);
    scope_open(&scope);
    for (unsigned i = 0; i < 2; i++) { // two sessions share the loop's buffers
        struct streams *one = &streams[i];
        assert_int_equal(streams_open(task, &fixture, one, SLICE("localhost")), ERROR_NONE);
        assert_int_equal(task_start(stage->loop, &scope, floods, &one->client), ERROR_NONE);
        assert_int_equal(task_start(stage->loop, &scope, floods, &one->server), ERROR_NONE);
        assert_int_equal(task_start(stage->loop, &scope, drains, &one->client), ERROR_NONE);
        assert_int_equal(task_start(stage->loop, &scope, drains, &one->server), ERROR_NONE);
    }
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    scope_close(task, &scope);
    for (unsigned i = 0; i < 2; i++)
        streams_close(&streams[i]);
    fixture_close(&fixture);
}

static void test_both_ways_at_once_on_two_streams(void **state)
{
    (void)state;
    run(both_ways_body);
}

// --- The last bytes and the end in one ---

struct last_words {
    struct stream *stream;
    size_t size;
};

static void speaks_last(struct task *task, void *argument)
{
    struct last_words *words = argument;
    unsigned char *bytes = malloc(words->size);
    assert_non_null(bytes);
    for (size_t at = 0; at < words->size; at++)
        bytes[at] = pattern(at);
    struct iovec pieces[] = {{bytes, 3}, {bytes + 3, 0}, {bytes + 3, words->size - 3}, {bytes, 0}};
    assert_int_equal(stream_send_last(task, words->stream, pieces, ARRAY_SIZE(pieces), 60000),
        ERROR_NONE);
    free(bytes);
}

static void hears_last(struct task *task, void *argument)
{
    struct last_words *words = argument;
    unsigned char buffer[9000];
    size_t at = 0, some;
    enum error error;
    while ((error = stream_receive(task, words->stream, buffer, sizeof(buffer), patience_ns(task),
                &some)) == ERROR_NONE) {
        for (size_t i = 0; i < some; i++, at++)
            assert_int_equal(buffer[i], pattern(at));
    }
    assert_int_equal(error, ERROR_CLOSED);
    assert_int_equal(at, words->size);
}

static void end_with_last(struct task *task, struct stage *stage, struct streams *streams,
    size_t size)
{
    struct scope scope;
    struct last_words words = {&streams->server, size}, heard = {&streams->client, size};
    scope_open(&scope);
    assert_int_equal(task_start(stage->loop, &scope, speaks_last, &words), ERROR_NONE);
    hears_last(task, &heard);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    scope_close(task, &scope);
    say(task, &streams->client, "heard it"); // the other way is open as ever
    hear(task, &streams->server, "heard it");
    stream_end(&streams->server); // nothing more to do
    stream_end(&streams->client);
    hear_end(task, &streams->server, ERROR_CLOSED);
    char word[] = "more";
    struct iovec more = {.iov_base = word, .iov_len = 4};
    assert_int_equal(stream_send(task, &streams->server, &more, 1, 1000, NULL), ERROR_RESET);
    streams_close(streams);
}

static void last_body(struct task *task, struct stage *stage)
{
    struct fixture fixture;
    struct streams streams;
    fixture_open(&fixture, 1);
    fixture_serve(&fixture);
    const size_t sizes[] = {20, 16384, 4 * 16384, 4 * 16384 + 1, LARGE};
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_int_equal(streams_open(task, &fixture, &streams, SLICE("localhost")), ERROR_NONE);
        end_with_last(task, stage, &streams, sizes[i]);
        streams_connect(task, &streams); // without TLS
        end_with_last(task, stage, &streams, sizes[i]);
    }
    fixture_close(&fixture);
}

static void test_the_end_goes_with_the_last_bytes(void **state)
{
    (void)state;
    run(last_body);
}

// --- More sessions than keep OpenSSL's buffers ---

#define MANY 40 // pairs

static void many_body(struct task *task, struct stage *stage)
{
    static struct streams streams[MANY];
    struct last_words words[MANY], heard[MANY];
    struct fixture fixture;
    struct scope scope;
    fixture_open(&fixture, 1);
    fixture_serve(&fixture);
    assert_true(2 * MANY > TLS_BUFFERED_MAX);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(streams_open(task, &fixture, &streams[i], SLICE("localhost")), ERROR_NONE);
        say(task, &streams[i].client, "part of a record");
        char part[4]; // the rest waits within OpenSSL
        size_t size;
        assert_int_equal(stream_receive(task, &streams[i].server, part, sizeof(part),
                             patience_ns(task), &size), ERROR_NONE);
        assert_int_equal(size, sizeof(part));
    }
    scope_open(&scope);
    for (unsigned i = 0; i < MANY; i++) {
        hear(task, &streams[i].server, " of a record");
        words[i] = (struct last_words){&streams[i].server, 300000 + i};
        heard[i] = (struct last_words){&streams[i].client, 300000 + i};
        assert_int_equal(task_start(stage->loop, &scope, speaks_last, &words[i]), ERROR_NONE);
        assert_int_equal(task_start(stage->loop, &scope, hears_last, &heard[i]), ERROR_NONE);
    }
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    scope_close(task, &scope);
    assert_int_equal(fixture.tls->threads[0]->buffered_count, TLS_BUFFERED_MAX);
    for (unsigned i = 0; i < MANY; i++)
        streams_close(&streams[i]);
    assert_int_equal(fixture.tls->threads[0]->buffered_count, 0);
    fixture_close(&fixture);
}

static void test_the_sessions_that_were_busy_last_keep_their_buffers(void **state)
{
    (void)state;
    run(many_body);
}

// --- Ends that are none ---

static void cut_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct fixture fixture;
    struct streams streams;
    fixture_open(&fixture, 1);
    fixture_serve(&fixture);
    assert_int_equal(streams_open(task, &fixture, &streams, SLICE("localhost")), ERROR_NONE);
    say(task, &streams.server, "part");
    io_end(&streams.server.socket); // without a word of TLS
    hear(task, &streams.client, "part");
    hear_end(task, &streams.client, ERROR_RESET);
    streams_close(&streams);

    // Garbage after the handshake.
    assert_int_equal(streams_open(task, &fixture, &streams, SLICE("localhost")), ERROR_NONE);
    send_text(task, &streams.server.socket, "this is no record at all");
    hear_end(task, &streams.client, ERROR_PROTOCOL);
    assert_int_equal(tls_session_failure(&streams.client), TLS_FAILURE_PROTOCOL);
    assert_true(strlen(tls_session_failure_text(&streams.client)) > 0);
    hear_end(task, &streams.server, ERROR_PROTOCOL); // the alert
    assert_int_equal(tls_session_failure(&streams.server), TLS_FAILURE_ALERT);
    stream_reset(&streams.client);
    stream_close(&streams.server);
    fixture_close(&fixture);
}

static void test_what_is_cut_or_broken_is_no_end(void **state)
{
    (void)state;
    run(cut_body);
}

// --- Handshakes ---

static void resume_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct fixture fixture;
    struct tls_facts facts;
    fixture_open(&fixture, 1);
    fixture_serve(&fixture);
    for (unsigned i = 0; i < 3; i++) {
        struct streams streams;
        assert_int_equal(streams_open(task, &fixture, &streams, SLICE("localhost")), ERROR_NONE);
        say(task, &streams.server, "with it comes the ticket");
        hear(task, &streams.client, "with it comes the ticket");
        tls_session_read_facts(&streams.server, &facts);
        assert_int_equal(facts.resumed, i > 0);
        assert_string_equal(facts.version, "TLSv1.3");
        assert_string_equal(facts.cipher, "TLS_AES_128_GCM_SHA256");
        assert_true(slice_equal(facts.server_name, SLICE("localhost")));
        assert_int_equal(facts.protocol.size, 0); // not offered
        assert_true(tls_session_covers(&streams.server, SLICE("localhost")));
        assert_false(tls_session_covers(&streams.server, SLICE("example.org")));
        assert_false(tls_session_covers(&streams.server, SLICE("127.0.0.1")));
        assert_false(tls_session_covers(&streams.server, SLICE("[::1]")));
        streams_close(&streams);
    }
    fixture_close(&fixture);
}

static void test_a_session_is_resumed(void **state)
{
    (void)state;
    run(resume_body);
}

static void identity_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct fixture fixture;
    struct streams streams;
    struct tls_complaint complaint;
    struct tls_facts facts;
    struct tls_client_settings blind = {.verify = false}, named = {.server_name = SLICE("other")};
    fixture_open(&fixture, 1);
    fixture_serve(&fixture);
    struct tls_client *verifying = fixture.client, *again, *other;
    assert_int_equal(tls_client_create(fixture.tls, &blind, &fixture.client, &complaint),
        ERROR_NONE);
    assert_int_equal(tls_client_create(fixture.tls, &blind, &again, &complaint), ERROR_NONE);
    assert_int_equal(tls_client_create(fixture.tls, &named, &other, &complaint), ERROR_NONE);
    assert_true(tls_client_identity(again) == tls_client_identity(fixture.client));
    assert_true(tls_client_identity(again) != tls_client_identity(verifying));
    assert_true(tls_client_identity(again) != tls_client_identity(other));
    assert_true(tls_client_identity(again) != 0);
    assert_int_equal(streams_open(task, &fixture, &streams, SLICE("stranger")), ERROR_NONE);
    say(task, &streams.server, "x");
    hear(task, &streams.client, "x");
    streams_close(&streams);
    // What was not verified does not become so by being resumed.
    tls_client_release(fixture.client);
    fixture.client = verifying;
    assert_int_equal(streams_open(task, &fixture, &streams, SLICE("localhost")), ERROR_NONE);
    tls_session_read_facts(&streams.server, &facts);
    assert_false(facts.resumed);
    streams_close(&streams);
    tls_client_release(again);
    tls_client_release(other);
    fixture_close(&fixture);
}

static void test_sessions_belong_to_the_settings_that_made_them(void **state)
{
    (void)state;
    run(identity_body);
}

static void refusal_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct fixture fixture;
    struct streams streams;
    fixture_open(&fixture, 1);
    fixture_serve(&fixture);
    assert_int_equal(streams_open(task, &fixture, &streams, SLICE("example.org")), ERROR_PROTOCOL);
    assert_int_equal(tls_session_failure(&streams.client), TLS_FAILURE_CERTIFICATE);
    assert_string_equal(tls_session_failure_text(&streams.client), "hostname mismatch");
    streams_close(&streams);

    // HTTP without TLS, and a visitor who says nothing or leaves.
    streams_connect(task, &streams);
    assert_int_equal(tls_session_accept(&streams.server, fixture.server), ERROR_NONE);
    send_text(task, &streams.client.socket, "GET / HTTP/1.1\r\n\r\n");
    assert_int_equal(tls_handshake(task, &streams.server, patience_ns(task)), ERROR_PROTOCOL);
    assert_int_equal(tls_session_failure(&streams.server), TLS_FAILURE_PLAIN_HTTP);
    streams_close(&streams);
    streams_connect(task, &streams);
    assert_int_equal(tls_session_accept(&streams.server, fixture.server), ERROR_NONE);
    assert_int_equal(tls_handshake(task, &streams.server,
                         deadline_after_ms(task_loop(task), 20)), ERROR_TIMEOUT);
    streams_close(&streams);
    streams_connect(task, &streams);
    assert_int_equal(tls_session_accept(&streams.server, fixture.server), ERROR_NONE);
    io_close(&streams.client.socket);
    assert_int_not_equal(tls_handshake(task, &streams.server, patience_ns(task)), ERROR_NONE);
    streams_close(&streams);
    assert_int_equal(tls_session_failure(&streams.server), TLS_FAILURE_NONE); // a plain one now
    fixture_close(&fixture);
}

static void test_refused_handshakes_say_why(void **state)
{
    (void)state;
    run(refusal_body);
}

// --- Without memory ---

static void starved_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct fixture fixture;
    struct streams streams;
    fixture_open(&fixture, 1);
    fixture_serve(&fixture);
    streams_connect(task, &streams);
    fail_next_allocation();
    assert_int_equal(tls_session_accept(&streams.server, fixture.server), ERROR_MEMORY);
    fail_next_allocation();
    assert_int_equal(tls_session_connect(&streams.client, fixture.client, SLICE("localhost"), NULL),
        ERROR_MEMORY);
    memory_fail_after(0);
    assert_null(streams.server.tls); // unchanged: still good for plain bytes
    say(task, &streams.client, "plain");
    hear(task, &streams.server, "plain");
    streams_close(&streams);

    // What cannot be kept breaks the stream, not the process.
    assert_int_equal(streams_open(task, &fixture, &streams, SLICE("localhost")), ERROR_NONE);
    static char large[20000];
    char buffer[2];
    size_t size;
    struct iovec piece = {.iov_base = large, .iov_len = sizeof(large)};
    assert_int_equal(stream_send(task, &streams.client, &piece, 1, 1000, NULL), ERROR_NONE);
    pause_ms(task, 20); // all of it is there, in two records
    fail_next_allocation();
    enum error error = stream_receive(task, &streams.server, buffer, 2, patience_ns(task), &size);
    memory_fail_after(0);
    assert_true(error == ERROR_MEMORY || error == ERROR_NONE);
    streams_close(&streams);
    fixture_close(&fixture);
}

static void test_without_memory_the_stream_fails(void **state)
{
    (void)state;
    run(starved_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_and_ends),
        cmocka_unit_test(test_the_sessions_that_were_busy_last_keep_their_buffers),
        cmocka_unit_test(test_the_end_goes_with_the_last_bytes),
        cmocka_unit_test(test_both_ways_at_once_on_two_streams),
        cmocka_unit_test(test_what_is_cut_or_broken_is_no_end),
        cmocka_unit_test(test_a_session_is_resumed),
        cmocka_unit_test(test_sessions_belong_to_the_settings_that_made_them),
        cmocka_unit_test(test_refused_handshakes_say_why),
        cmocka_unit_test(test_without_memory_the_stream_fails),
    };
    return cmocka_run_group_tests_name("tls.session", tests, NULL, NULL);
}
