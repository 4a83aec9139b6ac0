// Blocking sockets on the loopback, for the programs that measure: they exit when anything fails.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline int die(const char *what)
{
    perror(what);
    exit(1);
}

static inline struct sockaddr_in loopback_address(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t)atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline int loopback_listen(const char *port)
{
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    struct sockaddr_in address = loopback_address(port);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0
        || listen(listener, 4096) != 0)
        die("listen");
    return listener;
}

// receive_buffer 0 leaves the kernel's choice.
static inline int loopback_connect(const char *port, int receive_buffer)
{
    int yes = 1, connection = socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer > 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    struct sockaddr_in address = loopback_address(port);
    if (connect(connection, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return connection;
}

static inline void send_all(int connection, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(connection, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            die("send");
        data += sent;
        size -= (size_t)sent;
    }
}
