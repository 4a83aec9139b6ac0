// Sending by the kernel, with a kernel that is played: it takes keys or not, notes the records that
// it is given, and passes content on as it is: the client's socket shows what went past OpenSSL.
#include "fixture.h"

#include "io/kernel_tls.h"
#include "tls/inside.h"

#define ALERT 21
#define HANDSHAKE 22

static struct kernel {
    bool takes_keys;
    unsigned offers, refusals, waits; // refusals: records to refuse, for lack of room
    enum error error;                 // of a record
    unsigned count;
    struct {
        uint8_t type;
        size_t size;
        unsigned char first[2];
    } records[8];
} kernel;

bool kernel_tls_probe(void)
{
    return true;
}

bool kernel_tls_start(struct io_socket *socket, const void *keys)
{
    assert_true(io_is_open(socket));
    assert_non_null(keys);
    kernel.offers++;
    return kernel.takes_keys;
}

enum error kernel_tls_send_record(struct io_socket *socket, uint8_t type, const void *bytes,
    size_t size)
{
    assert_null(socket->writer);
    if (kernel.refusals > 0) {
        kernel.refusals--;
        return ERROR_LIMIT;
    }
    if (kernel.error != ERROR_NONE)
        return kernel.error;
    assert_true(kernel.count < ARRAY_SIZE(kernel.records) && size >= 2);
    kernel.records[kernel.count].type = type;
    kernel.records[kernel.count].size = size;
    memcpy(kernel.records[kernel.count++].first, bytes, 2);
    return ERROR_NONE;
}

enum error kernel_tls_await_room(struct task *task, struct io_socket *socket, uint64_t idle_ms)
{
    (void)idle_ms;
    assert_null(socket->writer);
    kernel.waits++;
    return task_breathe(task);
}

static void assert_close_notify(unsigned at)
{
    assert_int_equal(kernel.records[at].type, ALERT);
    assert_int_equal(kernel.records[at].size, 2);
    assert_int_equal(kernel.records[at].first[0], 1); // a warning
    assert_int_equal(kernel.records[at].first[1], 0);
}

static void open_fixture(struct fixture *fixture, enum tls_kernel choice)
{
    struct tls_complaint complaint;
    fixture_open(fixture, 1);
    assert_true(tls_use_kernel(fixture->tls));
    struct tls_certificate_settings certificate =
        fixture_certificate(fixture, "localhost", "DNS:localhost", false);
    struct tls_settings settings = fixture_settings(&certificate, 1);
    settings.kernel = choice;
    struct tls_client_settings client = {.verify = true, .ca = certificate.certificate};
    assert_int_equal(tls_server_create(fixture->tls, &settings, true, &fixture->server,
                         &complaint), ERROR_NONE);
    assert_int_equal(tls_client_create(fixture->tls, &client, &fixture->client, &complaint),
        ERROR_NONE);
}

static void open_streams(struct task *task, struct fixture *fixture, struct streams *streams,
    bool expected)
{
    struct tls_facts facts;
    assert_int_equal(streams_open(task, fixture, streams, SLICE("localhost")), ERROR_NONE);
    assert_int_equal(streams->accepted, ERROR_NONE);
    tls_session_read_facts(&streams->server, &facts);
    assert_int_equal(facts.in_kernel, expected);
    tls_session_read_facts(&streams->client, &facts);
    assert_false(facts.in_kernel); // towards backends OpenSSL encrypts
}

static SSL *ssl_of(const struct stream *stream)
{
    return *(SSL **)stream->tls; // its first member
}

static void taken_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct fixture fixture;
    struct streams streams;
    open_fixture(&fixture, TLS_KERNEL_AUTO);
    kernel = (struct kernel){.takes_keys = true, .refusals = 1};
    open_streams(task, &fixture, &streams, true);
    assert_int_equal(kernel.offers, 1);
    // There was no room for the ticket, and the handshake did not wait.
    assert_int_equal(kernel.count, 0);
    kernel.refusals = 1;
    assert_int_equal(tls_session_push(&streams.server), ERROR_NONE);
    assert_int_equal(kernel.count, 0);
    assert_int_equal(tls_session_push(&streams.server), ERROR_NONE);
    assert_int_equal(kernel.count, 1);
    assert_int_equal(kernel.records[0].type, HANDSHAKE);
    assert_int_equal(kernel.records[0].first[0], 4); // NewSessionTicket
    say(task, &streams.client, "received through OpenSSL");
    hear(task, &streams.server, "received through OpenSSL");
    say(task, &streams.server, "sent as it is");
    expect_received(task, &streams.client.socket, "sent as it is");
    assert_int_equal(kernel.waits, 1);
    kernel.refusals = 2;
    struct iovec last = {.iov_base = (char[]){"last"}, .iov_len = 4};
    assert_int_equal(stream_send_last(task, &streams.server, &last, 1, 1000), ERROR_NONE);
    assert_int_equal(kernel.count, 2);
    assert_close_notify(1);
    expect_received(task, &streams.client.socket, "last");
    expect_end(task, &streams.client.socket, ERROR_CLOSED);
    assert_int_equal(stream_send(task, &streams.server, &last, 1, 1000, NULL), ERROR_RESET);
    streams_close(&streams);
    assert_int_equal(kernel.count, 2); // one end
    fixture_close(&fixture);
}

static void test_content_goes_past_openssl_and_records_do_not_wait(void **state)
{
    (void)state;
    in_world(0, NULL, taken_body);
}

static void declined_body(struct task *task, struct stage *stage)
{
    (void)stage;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture fixture;
        struct streams streams;
        open_fixture(&fixture, i == 0 ? TLS_KERNEL_AUTO : TLS_KERNEL_OFF);
        kernel = (struct kernel){.takes_keys = i > 0};
        open_streams(task, &fixture, &streams, false);
        assert_int_equal(kernel.offers, i == 0);
        say(task, &streams.server, "all as ever");
        hear(task, &streams.client, "all as ever");
        assert_int_equal(SSL_key_update(ssl_of(&streams.client), SSL_KEY_UPDATE_REQUESTED), 1);
        say(task, &streams.client, "new keys");
        hear(task, &streams.server, "new keys");
        say(task, &streams.server, "both ways");
        hear(task, &streams.client, "both ways");
        stream_end(&streams.server);
        hear_end(task, &streams.client, ERROR_CLOSED);
        streams_close(&streams);
        assert_int_equal(kernel.count, 0);
        fixture_close(&fixture);
    }
}

static void test_without_the_kernel_openssl_goes_on(void **state)
{
    (void)state;
    in_world(0, NULL, declined_body);
}

static void key_update_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct fixture fixture;
    struct streams streams;
    open_fixture(&fixture, TLS_KERNEL_AUTO);
    kernel = (struct kernel){.takes_keys = true};
    open_streams(task, &fixture, &streams, true);
    assert_int_equal(kernel.count, 1); // the ticket
    assert_int_equal(SSL_key_update(ssl_of(&streams.client), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    say(task, &streams.client, "a new key of mine");
    hear(task, &streams.server, "a new key of mine");
    say(task, &streams.server, "all right");
    expect_received(task, &streams.client.socket, "all right");
    assert_int_equal(SSL_key_update(ssl_of(&streams.client), SSL_KEY_UPDATE_REQUESTED), 1);
    say(task, &streams.client, "and one of yours");
    hear_end(task, &streams.server, ERROR_RESET);
    assert_int_equal(kernel.count, 2);
    assert_close_notify(1);
    hear_end(task, &streams.server, ERROR_RESET);
    struct iovec more = {.iov_base = (char[]){"more"}, .iov_len = 4};
    assert_int_equal(stream_send(task, &streams.server, &more, 1, 1000, NULL), ERROR_RESET);
    streams_close(&streams);
    assert_int_equal(kernel.count, 2);
    fixture_close(&fixture);
}

static void test_a_key_that_the_kernel_cannot_change_is_the_end(void **state)
{
    (void)state;
    in_world(0, NULL, key_update_body);
}

// --- The end comes up while content is being sent ---

#define LARGE (8u << 20) // more than a socket takes at once

static void sends_much(struct task *task, void *argument)
{
    struct stream *stream = argument;
    char *bytes = calloc(1, LARGE);
    assert_non_null(bytes);
    struct iovec piece = {.iov_base = bytes, .iov_len = LARGE};
    size_t size;
    assert_int_equal(stream_send(task, stream, &piece, 1, 60000, &size), ERROR_NONE);
    assert_int_equal(size, LARGE);
    free(bytes);
}

static void meanwhile_body(struct task *task, struct stage *stage)
{
    struct fixture fixture;
    struct streams streams;
    struct scope scope;
    open_fixture(&fixture, TLS_KERNEL_AUTO);
    kernel = (struct kernel){.takes_keys = true};
    open_streams(task, &fixture, &streams, true);
    scope_open(&scope);
    assert_int_equal(task_start(stage->loop, &scope, sends_much, &streams.server), ERROR_NONE);
    assert_int_equal(SSL_key_update(ssl_of(&streams.client), SSL_KEY_UPDATE_REQUESTED), 1);
    say(task, &streams.client, "a key, please");
    hear_end(task, &streams.server, ERROR_RESET);
    assert_non_null(streams.server.socket.writer);
    assert_int_equal(kernel.count, 1); // the end waits
    char *buffer = malloc(1 << 20);
    assert_non_null(buffer);
    for (size_t at = 0, size; at < LARGE; at += size)
        assert_int_equal(io_receive(task, &streams.client.socket, buffer, 1 << 20,
                             patience_ns(task), &size), ERROR_NONE);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    scope_close(task, &scope);
    assert_int_equal(kernel.count, 2);
    assert_close_notify(1);
    free(buffer);
    streams_close(&streams);
    fixture_close(&fixture);
}

static void test_an_end_waits_for_content_that_is_being_sent(void **state)
{
    (void)state;
    in_world(0, NULL, meanwhile_body);
}

// --- What breaks ---

static void broken_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct fixture fixture;
    struct streams streams;
    struct iovec more = {.iov_base = (char[]){"more"}, .iov_len = 4};
    open_fixture(&fixture, TLS_KERNEL_AUTO);
    kernel = (struct kernel){.takes_keys = true};
    open_streams(task, &fixture, &streams, true);
    kernel.error = ERROR_RESET; // of close_notify
    assert_int_equal(stream_send_last(task, &streams.server, &more, 1, 1000), ERROR_RESET);
    streams_close(&streams);
    kernel = (struct kernel){.takes_keys = true, .refusals = 1};
    open_streams(task, &fixture, &streams, true);
    kernel.error = ERROR_RESET; // of the ticket, which waits
    assert_int_equal(stream_send(task, &streams.server, &more, 1, 1000, NULL), ERROR_RESET);
    assert_int_equal(stream_send(task, &streams.server, &more, 1, 1000, NULL), ERROR_RESET);
    streams_close(&streams);
    assert_int_equal(kernel.count, 0);
    fixture_close(&fixture);
}

static void test_what_breaks_is_told(void **state)
{
    (void)state;
    in_world(0, NULL, broken_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_goes_past_openssl_and_records_do_not_wait),
        cmocka_unit_test(test_without_the_kernel_openssl_goes_on),
        cmocka_unit_test(test_a_key_that_the_kernel_cannot_change_is_the_end),
        cmocka_unit_test(test_an_end_waits_for_content_that_is_being_sent),
        cmocka_unit_test(test_what_breaks_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
