// The origin that the servers under test fetch from, one thread per connection:
//   /SIZE/ANYTHING        SIZE bytes, fresh for an hour
//   /SIZE/paced/MS        the same, spread evenly over that many milliseconds
//   /count                how many requests came for anything else
// usage: bench.origin PORT
#include "loopback.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define PIECE 65536

static _Atomic unsigned long requests;
static char piece[PIECE];

// False when the other side went away, which ends this connection and nothing else.
static bool send_body(int connection, size_t size, unsigned long paced_ms)
{
    size_t pieces = (size + PIECE - 1) / PIECE;
    long pause_ns = pieces == 0 ? 0 : (long)(paced_ms * 1000000 / pieces);
    for (size_t left = size; left > 0;) {
        size_t next = left < PIECE ? left : PIECE;
        ssize_t sent = send(connection, piece, next, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        left -= (size_t)sent;
        struct timespec pause = {pause_ns / 1000000000, pause_ns % 1000000000};
        if (pause_ns > 0)
            nanosleep(&pause, NULL);
    }
    return true;
}

static bool answer(int connection, const char *path)
{
    char body[32] = "", head[256];
    char *rest = NULL;
    size_t size = strtoul(path + 1, &rest, 10);
    if (strncmp(path, "/count ", 7) == 0)
        size = (size_t)snprintf(body, sizeof(body), "%lu", atomic_load(&requests));
    else
        atomic_fetch_add(&requests, 1);
    int head_size = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        "Cache-Control: max-age=3600\r\nETag: \"%zu\"\r\nContent-Length: %zu\r\n\r\n%s", size, size,
        body);
    if (send(connection, head, (size_t)head_size, MSG_NOSIGNAL) != head_size)
        return false;
    unsigned long paced_ms = strncmp(rest, "/paced/", 7) == 0 ? strtoul(rest + 7, NULL, 10) : 0;
    return body[0] != '\0' || send_body(connection, size, paced_ms);
}

static void *serve(void *argument)
{
    int connection = (int)(intptr_t)argument;
    char request[8192];
    size_t filled = 0;
    for (;;) {
        ssize_t received = recv(connection, request + filled, sizeof(request) - 1 - filled, 0);
        if (received <= 0)
            break;
        filled += (size_t)received;
        request[filled] = '\0';
        char *end = strstr(request, "\r\n\r\n"), *path = strchr(request, ' ');
        if (end == NULL || path == NULL)
            continue;
        if (!answer(connection, path + 1))
            break;
        filled = 0; // nobody pipelines to an origin
    }
    close(connection);
    return NULL;
}

int main(int count, char **arguments)
{
    if (count != 2)
        return fputs("usage: bench.origin PORT\n", stderr), 64;
    memset(piece, 'x', sizeof(piece));
    int listener = loopback_listen(arguments[1]);
    for (;;) {
        int connection = accept(listener, NULL, NULL), yes = 1;
        if (connection < 0)
            continue;
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)connection) == 0)
            pthread_detach(thread);
        else
            close(connection);
    }
}
