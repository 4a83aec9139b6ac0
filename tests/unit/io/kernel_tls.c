// What can be said of kernel TLS on any kernel: where it declines, the socket is as it was.
#include "pair.h"

#include "io/kernel_tls.h"

#include <linux/tls.h>

static void start_body(struct task *task, struct stage *stage)
{
    (void)stage;
    const struct tls12_crypto_info_aes_gcm_128 known = {
        .info = {.version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128}};
    const struct tls_crypto_info unknown = {.version = TLS_1_3_VERSION, .cipher_type = 1};
    struct pair pair;
    bool able = kernel_tls_probe();
    open_pair(task, &pair);
    assert_false(kernel_tls_start(&pair.server, &unknown));
    send_text(task, &pair.server, "plain");
    expect_received(task, &pair.client, "plain");
    assert_int_equal(kernel_tls_await_room(task, &pair.server, 1000), ERROR_NONE);
    assert_int_equal(kernel_tls_start(&pair.server, &known), able);
    if (!able) {
        send_text(task, &pair.server, "still plain");
        expect_received(task, &pair.client, "still plain");
    }
    struct io_socket simulated = {.loop = task_loop(task), .handle = &pair};
    assert_false(kernel_tls_start(&simulated, &known));
    close_pair(&pair);
}

static void test_what_it_declines_changes_nothing(void **state)
{
    (void)state;
    in_world(0, NULL, start_body);
}

// --- Room ---

static void fills(struct task *task, void *argument)
{
    struct io_socket *socket = argument;
    static char much[16 << 20];
    struct iovec piece = {.iov_base = much, .iov_len = sizeof(much)};
    size_t size;
    assert_int_equal(io_send(task, socket, &piece, 1, 60000, &size), ERROR_NONE);
    assert_int_equal(kernel_tls_await_room(task, socket, 60000), ERROR_NONE);
}

static void room_body(struct task *task, struct stage *stage)
{
    struct pair pair;
    struct scope scope;
    open_pair(task, &pair);
    char byte = 0;
    while (io_send_now(&pair.server, &byte, 1) > 0) // until there is none
        continue;
    assert_int_equal(kernel_tls_send_record(&pair.server, 21, &byte, 1), ERROR_LIMIT);
    assert_int_equal(kernel_tls_await_room(task, &pair.server, 20), ERROR_TIMEOUT);
    scope_open(&scope);
    assert_int_equal(task_start(stage->loop, &scope, fills, &pair.server), ERROR_NONE);
    char *buffer = malloc(1 << 20);
    assert_non_null(buffer);
    for (size_t at = 0, size; at < 16 << 20; at += size)
        assert_int_equal(io_receive(task, &pair.client, buffer, 1 << 20, patience_ns(task),
                             &size), ERROR_NONE);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    scope_close(task, &scope);
    free(buffer);
    close_pair(&pair);
}

static void test_room_is_awaited(void **state)
{
    (void)state;
    in_world(0, NULL, room_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_declines_changes_nothing),
        cmocka_unit_test(test_room_is_awaited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
