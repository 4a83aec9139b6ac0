// A server of names in a thread, over UDP and TCP at one port of the loopback; what it says goes by
// the beginning of the name asked for.
#pragma once

#include "io/address.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

// "good" has 192.0.2.7 and 192.0.2.8, "six" 2001:db8::6, "both" all three; "half" is silent and
// "lame" fails for IPv6; "silent", "empty" (no address), "broken" (SERVFAIL), "denied" (REFUSED);
// "torn" has a record that is cut off, "long" (good) goes by TCP alone. Nobody else exists.
struct name_server {
    struct address address;
    int datagrams, listener;
    bool fails; // for every name
    const char *knows; // nothing but what begins so; NULL: all of the above
    void (*heard)(void *context); // of a name that begins with "silent"
    void *context;
    pthread_t thread;
    atomic_bool stopping;
};

#define NAME_A 1
#define NAME_AAAA 28

static inline bool name_begins(const char *label, const char *with)
{
    return strncmp(label, with, strlen(with)) == 0;
}

static inline size_t name_record(unsigned char *packet, size_t size, unsigned type,
    const char *text)
{
    unsigned char data_size = type == NAME_A ? 4 : 16;
    unsigned char head[] = {0xC0, 12, 0, (unsigned char)type, 0, 1, 0, 0, 0, 60, 0, data_size};
    packet[7]++; // answers
    memcpy(packet + size, head, sizeof(head));
    assert_int_equal(inet_pton(type == NAME_A ? AF_INET : AF_INET6, text,
                         packet + size + sizeof(head)), 1);
    return size + sizeof(head) + data_size;
}

static inline size_t name_records(unsigned char *packet, size_t size, unsigned type,
    const char *label)
{
    bool has_v4 = name_begins(label, "good") || name_begins(label, "both")
        || name_begins(label, "half") || name_begins(label, "lame") || name_begins(label, "long")
        || name_begins(label, "torn");
    bool has_v6 = name_begins(label, "six") || name_begins(label, "both");
    if (!has_v4 && !has_v6 && !name_begins(label, "empty"))
        packet[3] = 3;
    if (has_v4 && type == NAME_A) {
        size = name_record(packet, size, type, "192.0.2.7");
        size = name_record(packet, size, type, "192.0.2.8");
    }
    if (has_v6 && type == NAME_AAAA)
        size = name_record(packet, size, type, "2001:db8::6");
    return name_begins(label, "torn") && type == NAME_A ? size - 3 : size;
}

// Turns the question in packet into its answer; 0: none.
static inline size_t name_answer(const struct name_server *server, unsigned char *packet,
    size_t size, bool is_datagram)
{
    size_t end = 12;
    while (end < size && packet[end] != 0)
        end += packet[end] + 1u;
    if (size < 17 || end + 5 > size)
        return 0;
    unsigned type = packet[end + 2];
    const char *label = (const char *)packet + 13;
    packet[2] |= 0x80;
    packet[3] = 0;
    memset(packet + 6, 0, 6);
    size = end + 5;
    if (name_begins(label, "silent") && server->heard != NULL)
        server->heard(server->context);
    if (name_begins(label, "silent") || (name_begins(label, "half") && type == NAME_AAAA))
        return 0;
    if (server->fails || name_begins(label, "broken")
        || (name_begins(label, "lame") && type == NAME_AAAA))
        packet[3] = 2;
    else if (name_begins(label, "denied"))
        packet[3] = 5;
    else if (name_begins(label, "long") && is_datagram)
        packet[2] |= 2;
    else if (server->knows != NULL && !name_begins(label, server->knows))
        packet[3] = 3;
    else
        size = name_records(packet, size, type, label);
    return size;
}

// One question of a connection; false: it is over.
static inline bool name_serve_question(struct name_server *server, int connection)
{
    unsigned char packet[1024];
    if (recv(connection, packet, 2, MSG_WAITALL) != 2)
        return false;
    size_t size = (size_t)packet[0] << 8 | packet[1];
    if (size > 512 || recv(connection, packet + 2, size, MSG_WAITALL) != (ssize_t)size)
        return false;
    size = name_answer(server, packet + 2, size, false);
    packet[0] = (unsigned char)(size >> 8);
    packet[1] = (unsigned char)size;
    return send(connection, packet, size + 2, MSG_NOSIGNAL) >= 0;
}

static inline void name_serve_datagram(struct name_server *server)
{
    unsigned char packet[1024];
    struct address from;
    socklen_t from_size = sizeof(from);
    ssize_t size = recvfrom(server->datagrams, packet, 512, 0, &from.any, &from_size);
    size_t answer_size = size <= 0 ? 0 : name_answer(server, packet, (size_t)size, true);
    if (answer_size > 0)
        sendto(server->datagrams, packet, answer_size, 0, &from.any, from_size);
}

#define NAME_CONNECTIONS_MAX 16

// Nobody waits for another: one family's question may come by a connection, the other's not.
static inline void *name_server_main(void *argument)
{
    struct name_server *server = argument;
    struct pollfd ready[2 + NAME_CONNECTIONS_MAX];
    for (int i = 0; i < 2 + NAME_CONNECTIONS_MAX; i++)
        ready[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    ready[0].fd = server->datagrams;
    ready[1].fd = server->listener;
    while (!atomic_load(&server->stopping)) {
        if (poll(ready, ARRAY_SIZE(ready), 20) <= 0)
            continue;
        if (ready[0].revents != 0)
            name_serve_datagram(server);
        int accepted = ready[1].revents != 0 ? accept(server->listener, NULL, NULL) : -1;
        for (size_t i = 2; i < ARRAY_SIZE(ready); i++) {
            if (ready[i].fd >= 0 && ready[i].revents != 0
                && !name_serve_question(server, ready[i].fd)) {
                close(ready[i].fd);
                ready[i].fd = -1;
            }
            if (ready[i].fd < 0 && accepted >= 0) {
                ready[i].fd = accepted;
                ready[i].revents = 0;
                accepted = -1;
            }
        }
        if (accepted >= 0)
            close(accepted);
    }
    for (size_t i = 2; i < ARRAY_SIZE(ready); i++)
        if (ready[i].fd >= 0)
            close(ready[i].fd);
    return NULL;
}

// Both sockets at one port; another is tried when somebody else has it for the one of them.
static inline void name_server_bind(struct name_server *server)
{
    for (int tries = 0; tries < 50; tries++) {
        socklen_t size = sizeof(server->address);
        assert_int_equal(address_parse(SLICE("127.0.0.1:0"), &server->address), ERROR_NONE);
        server->datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(
            bind(server->datagrams, &server->address.any, address_size(&server->address)), 0);
        assert_int_equal(getsockname(server->datagrams, &server->address.any, &size), 0);
        if (bind(server->listener, &server->address.any, address_size(&server->address)) == 0
            && listen(server->listener, 16) == 0)
            return;
        close(server->datagrams);
        close(server->listener);
    }
    fail_msg("no port is free for both");
}

static inline void name_server_start(struct name_server *server)
{
    name_server_bind(server);
    assert_int_equal(pthread_create(&server->thread, NULL, name_server_main, server), 0);
}

static inline void name_server_stop(struct name_server *server)
{
    atomic_store(&server->stopping, true);
    pthread_join(server->thread, NULL);
    close(server->datagrams);
    close(server->listener);
}
