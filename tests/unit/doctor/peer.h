// A check and a loopback server for tests of what speaks HTTP. The check is one that no steps run
// in; the server gives each connection a thread and each request to the test's function.
#pragma once

#include "base/clock.h"
#include "base/invariant.h"
#include "doctor/check.h"
#include "doctor/resolve.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_CONNECTIONS_MAX 64
#define PEER_HEAD_MAX 8192
#define PEER_PATIENCE_MS 60000 // what a machine under load may need; nothing waits for it

// --- The check ---

struct check {
    struct check_options options;
    int stop;
    atomic_bool is_over;
    uint64_t deadline_ms;
    struct arena arenas[STEP_COUNT];
    struct { const char *host; struct address address; } names[8]; // that resolve_any knows
    unsigned name_count;
    atomic_uint lookups;
};

static inline void check_begin(struct check *check)
{
    memset(check, 0, sizeof(*check));
    check->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    check->deadline_ms = clock_now_ms() + PEER_PATIENCE_MS;
    invariant(check->stop >= 0);
    for (unsigned i = 0; i < STEP_COUNT; i++)
        arena_init(&check->arenas[i], 16384, CHECK_STEP_MEMORY);
}

static inline void check_end(struct check *check)
{
    close(check->stop);
    for (unsigned i = 0; i < STEP_COUNT; i++)
        arena_free(&check->arenas[i]);
}

static inline void check_stop(struct check *check)
{
    uint64_t one = 1;
    atomic_store(&check->is_over, true);
    invariant(write(check->stop, &one, sizeof(one)) == sizeof(one));
}

const struct check_options *check_options_of(const struct check *check)
{
    return &check->options;
}

struct arena *check_arena(struct check *check, enum step step)
{
    return &check->arenas[step];
}

uint64_t check_deadline(const struct check *check, enum step step)
{
    (void)step;
    return check_is_over(check) ? 0 : check->deadline_ms;
}

int check_stop_descriptor(const struct check *check)
{
    return check->stop;
}

bool check_is_over(const struct check *check)
{
    return atomic_load(&check->is_over);
}

void resolve_any(const struct check *check, struct slice host, uint16_t port, uint64_t deadline_ms,
    struct arena *arena, struct name_facts *ret_names)
{
    (void)deadline_ms;
    (void)arena;
    *ret_names = (struct name_facts){.outcome = NAME_NONE};
    atomic_fetch_add(&((struct check *)(uintptr_t)check)->lookups, 1);
    for (unsigned i = 0; i < check->name_count; i++) {
        if (!slice_equal(host, slice_from_string(check->names[i].host)))
            continue;
        ret_names->outcome = NAME_FOUND;
        ret_names->count = 1;
        ret_names->addresses[0] = check->names[i].address;
        address_set_port(&ret_names->addresses[0], port);
    }
}

// --- The server ---

struct peer;

// One request, its head as it came; the connection is closed after it.
typedef void peer_serve(struct peer *peer, int connection, struct slice head);

struct peer_connection {
    struct peer *peer;
    int descriptor;
    pthread_t thread;
};

struct peer {
    peer_serve *serve;
    void *context;
    int listener;
    uint16_t port;
    struct address address;
    atomic_uint requests;
    pthread_t thread;
    struct peer_connection connections[PEER_CONNECTIONS_MAX];
    unsigned connection_count;
};

static inline void peer_send_bytes(int connection, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = send(connection, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += sent;
        size -= (size_t)sent;
    }
}

static inline void peer_send(int connection, const char *text)
{
    peer_send_bytes(connection, text, strlen(text));
}

// Until the other one has had enough.
static inline void peer_wait(int connection)
{
    char buffer[4096];
    while (recv(connection, buffer, sizeof(buffer), 0) > 0)
        ;
}

// True while the other one still takes it.
static inline bool peer_send_more(int connection, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = send(connection, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static inline void peer_reset(int connection)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static inline void *peer_connection_main(void *argument)
{
    struct peer_connection *connection = argument;
    char head[PEER_HEAD_MAX + 1];
    size_t size = 0;
    while (size < PEER_HEAD_MAX) {
        ssize_t got = recv(connection->descriptor, head + size, PEER_HEAD_MAX - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
        head[size] = '\0';
        if (strstr(head, "\r\n\r\n") == NULL)
            continue;
        atomic_fetch_add(&connection->peer->requests, 1);
        connection->peer->serve(connection->peer, connection->descriptor, slice_of(head, size));
        break;
    }
    shutdown(connection->descriptor, SHUT_WR);
    close(connection->descriptor);
    return NULL;
}

static inline void *peer_main(void *argument)
{
    struct peer *peer = argument;
    while (peer->connection_count < PEER_CONNECTIONS_MAX) {
        int descriptor = accept(peer->listener, NULL, NULL);
        if (descriptor < 0)
            return NULL;
        struct peer_connection *connection = &peer->connections[peer->connection_count++];
        *connection = (struct peer_connection){.peer = peer, .descriptor = descriptor};
        invariant(pthread_create(&connection->thread, NULL, peer_connection_main, connection) == 0);
    }
    return NULL;
}

static inline void peer_start(struct peer *peer, peer_serve *serve)
{
    memset(peer, 0, sizeof(*peer));
    peer->serve = serve;
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    invariant(address_parse(SLICE("127.0.0.1:0"), &peer->address) == ERROR_NONE);
    socklen_t size = address_size(&peer->address);
    invariant(bind(peer->listener, &peer->address.any, size) == 0);
    invariant(listen(peer->listener, 64) == 0);
    invariant(getsockname(peer->listener, &peer->address.any, &size) == 0);
    peer->port = address_port(&peer->address);
    invariant(pthread_create(&peer->thread, NULL, peer_main, peer) == 0);
}

static inline void peer_stop(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    for (unsigned i = 0; i < peer->connection_count; i++)
        pthread_join(peer->connections[i].thread, NULL);
}

static inline bool slice_holds(struct slice text, const char *part)
{
    return memmem(text.data, text.size, part, strlen(part)) != NULL;
}
