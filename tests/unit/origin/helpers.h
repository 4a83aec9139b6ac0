// What the tests of this room share: one-line settings, and a world of epoll loops with scripted
// backends, each a thread that serves connections in plain blocking C.
#pragma once

#include "base/memory.h"
#include "conf/conf.h"
#include "io/epoll.h"
#include "origin/exchange.h"
#include "origin/plan.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct origins_under_test {
    struct setting_list origins; // of struct origin_settings
};

static const struct setting helpers_rows[] = {
    {.name = "origins", .type = SETTING_SECTION_MAP, .section = &origin_settings_section,
        .offset = offsetof(struct origins_under_test, origins), .summary = "Origins."},
};

static const struct setting_section helpers_root = {
    .size = sizeof(struct origins_under_test), .rows = helpers_rows, .count = 1,
    .summary = "A test."};

// Reads settings; the test fails if there is any mistake. Views live in the arena.
static inline struct setting_list helpers_settings(struct arena *arena, const char *yaml)
{
    struct origins_under_test settings;
    struct conf_mistakes *mistakes = calloc(1, sizeof(*mistakes));
    assert_non_null(mistakes);
    enum error error =
        conf_load_text(slice_from_string(yaml), &helpers_root, arena, &settings, mistakes);
    if (error != ERROR_NONE)
        conf_print_mistakes(mistakes, "yaml", stderr);
    free(mistakes);
    assert_int_equal(error, ERROR_NONE);
    return settings.origins;
}

// A backend of a script.

#define SERVER_CONNECTIONS_MAX 64

struct server;
typedef void server_script(struct server *server, int descriptor, unsigned number);

struct server_seat {
    struct server *server;
    int descriptor;
    unsigned number; // of connection, from 0
    pthread_t thread;
};

struct server {
    int listener;
    uint16_t port;
    server_script *script;
    pthread_t thread;
    struct server_seat seats[SERVER_CONNECTIONS_MAX];
    _Atomic unsigned connections, requests;
    pthread_mutex_t mutex;
    char last_request[4096]; // see server_last_request
};

static inline void *server_seat_main(void *argument)
{
    struct server_seat *seat = argument;
    seat->server->script(seat->server, seat->descriptor, seat->number);
    close(seat->descriptor);
    return NULL;
}

static inline void *server_main(void *argument)
{
    struct server *server = argument;
    for (;;) {
        int descriptor = accept(server->listener, NULL, NULL);
        if (descriptor < 0)
            return NULL;
        unsigned number = atomic_load(&server->connections);
        if (number == SERVER_CONNECTIONS_MAX)
            abort();
        server->seats[number] = (struct server_seat){server, descriptor, number, 0};
        // Before the script runs: once it has answered, the test may count.
        atomic_store(&server->connections, number + 1);
        if (pthread_create(&server->seats[number].thread, NULL, server_seat_main,
            &server->seats[number]) != 0)
            abort();
    }
}

static inline int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(descriptor, 64), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return descriptor;
}

static inline struct server *server_start(server_script *script)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_non_null(server);
    server->script = script;
    pthread_mutex_init(&server->mutex, NULL);
    server->listener = listen_somewhere(&server->port);
    assert_int_equal(pthread_create(&server->thread, NULL, server_main, server), 0);
    return server;
}

// Waits for its scripts, which end when their connections do.
static inline void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (unsigned i = 0; i < atomic_load(&server->connections); i++)
        pthread_join(server->seats[i].thread, NULL);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

// The head that this thread's connection read last.
static _Thread_local char server_head[4096];

// Reads to the empty line; false at the end. Not a byte more, so that bodies can be read after it.
static inline bool server_read_head(struct server *server, int descriptor)
{
    size_t size = 0;
    while (size < sizeof(server_head) - 1) {
        if (recv(descriptor, server_head + size, 1, 0) != 1)
            return false;
        size++;
        server_head[size] = 0;
        if (size >= 4 && memcmp(server_head + size - 4, "\r\n\r\n", 4) == 0) {
            pthread_mutex_lock(&server->mutex);
            memcpy(server->last_request, server_head, size + 1);
            pthread_mutex_unlock(&server->mutex);
            atomic_fetch_add(&server->requests, 1);
            return true;
        }
    }
    return false;
}

// A copy of the head that any connection read last; the caller frees it.
static inline char *server_last_request(struct server *server)
{
    pthread_mutex_lock(&server->mutex);
    char *copy = strdup(server->last_request);
    pthread_mutex_unlock(&server->mutex);
    assert_non_null(copy);
    return copy;
}

static inline void server_send(int descriptor, const char *text)
{
    size_t size = strlen(text), sent = 0;
    while (sent < size) {
        ssize_t step = send(descriptor, text + sent, size - sent, MSG_NOSIGNAL);
        if (step <= 0)
            return;
        sent += (size_t)step;
    }
}

static inline void server_reset(int descriptor)
{
    struct linger linger = {1, 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

// Until the client is gone.
static inline void server_await_end(int descriptor)
{
    char buffer[4096];
    while (recv(descriptor, buffer, sizeof(buffer), 0) > 0)
        continue;
}

// One loop run in the test's own thread.

struct bench {
    struct epoll_world *world;
    struct loop *loop;
    struct origins *origins;
    struct arena arena;
    task_main *main;
    void *argument;
};

static inline void bench_run_main(struct task *task, void *argument)
{
    struct bench *bench = argument;
    bench->main(task, bench->argument);
    loop_stop(bench->loop);
}

// Runs main in a task until it returns.
static inline void bench_run(struct bench *bench, task_main *main, void *argument)
{
    bench->main = main;
    bench->argument = argument;
    assert_int_equal(task_start(bench->loop, NULL, bench_run_main, bench), ERROR_NONE);
    loop_run(bench->loop);
}

static inline void bench_configure(struct bench *bench, const char *yaml)
{
    struct setting_list list = helpers_settings(&bench->arena, yaml);
    assert_int_equal(origins_configure(bench->origins, list.items, list.count), ERROR_NONE);
}

static inline void bench_open(struct bench *bench, const char *yaml)
{
    struct loop_limits limits = {256, 65536};
    *bench = (struct bench){.world = epoll_world_create(0)};
    assert_non_null(bench->world);
    bench->loop = epoll_loop_create(bench->world, &limits, 0, 1);
    assert_non_null(bench->loop);
    arena_init(&bench->arena, 4096, 1 << 20);
    bench->origins = origins_create(&bench->loop, 1);
    assert_non_null(bench->origins);
    bench_configure(bench, yaml);
}

static inline void bench_stop_main(struct task *task, void *argument)
{
    struct bench *bench = argument;
    origins_stop(task, bench->origins);
}

// Everything must have come back.
static inline void bench_close(struct bench *bench)
{
    bench_run(bench, bench_stop_main, bench);
    assert_int_equal(bench->loop->tasks_alive, 0);
    origins_destroy(bench->origins);
    epoll_loop_destroy(bench->loop);
    epoll_world_destroy(bench->world);
    arena_free(&bench->arena);
}
