// Loads that wrk does not make:
//   hold PORT PATH COUNT          COUNT connections make one request each, one after another, and
//                                 stay open until standard input ends
//   fill PORT SIZE COUNT          asks for /SIZE/0 … /SIZE/COUNT-1, one after another
//   fan PORT PATH COUNT BYTES MS  COUNT connections ask for PATH at once and read it slowly: each
//                                 leaves after BYTES, spread over MS; one in a hundred stays
// Each prints one line of results.
#include "loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <time.h>

#define HEAD_MAX 16384

// Reads one response with Content-Length; returns the size of its head plus body, or dies.
static size_t read_response(int connection)
{
    static char buffer[HEAD_MAX + 1];
    size_t filled = 0;
    char *end = NULL;
    while (end == NULL) {
        ssize_t received = recv(connection, buffer + filled, HEAD_MAX - filled, 0);
        if (received <= 0)
            die("receive head");
        filled += (size_t)received;
        buffer[filled] = '\0';
        end = strstr(buffer, "\r\n\r\n");
    }
    char *length = strcasestr(buffer, "\r\ncontent-length:");
    if (strncmp(buffer, "HTTP/1.1 200", 12) != 0 || length == NULL || length > end) {
        fprintf(stderr, "unexpected response: %.80s\n", buffer);
        exit(1);
    }
    size_t total = (size_t)(end + 4 - buffer) + strtoul(length + 17, NULL, 10);
    for (size_t left = total - filled; left > 0;) {
        static char rest[65536];
        ssize_t received = recv(connection, rest, left < sizeof(rest) ? left : sizeof(rest), 0);
        if (received <= 0)
            die("receive body");
        left -= (size_t)received;
    }
    return total;
}

static void ask(int connection, const char *path)
{
    char request[512];
    int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench.example\r\n\r\n",
        path);
    send_all(connection, request, (size_t)size);
}

static int hold(const char *port, const char *path, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        int connection = loopback_connect(port, 0);
        ask(connection, path);
        read_response(connection);
    }
    printf("held %lu\n", count);
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    return 0;
}

static int fill(const char *port, const char *size, unsigned long count)
{
    int connection = loopback_connect(port, 0);
    for (unsigned long i = 0; i < count; i++) {
        if (i % 10000 == 9999) { // servers bound the requests of a connection
            close(connection);
            connection = loopback_connect(port, 0);
        }
        char path[64];
        snprintf(path, sizeof(path), "/%s/%lu", size, i);
        ask(connection, path);
        read_response(connection);
    }
    printf("filled %lu\n", count);
    return 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// A download under way. Received counts the head too, which is small beside the body.
struct download {
    int connection;
    size_t received, head;
    uint64_t length; // 0: not known yet
    bool stays;
};

enum outcome { READING, LEFT, COMPLETE, BROKEN };

static enum outcome read_some(struct download *download, size_t allowed)
{
    static char buffer[HEAD_MAX + 1];
    while (download->received < allowed) {
        size_t want = allowed - download->received;
        ssize_t received = recv(download->connection, buffer, want < HEAD_MAX ? want : HEAD_MAX, 0);
        if (received < 0 && errno == EAGAIN)
            return READING;
        if (received <= 0)
            return BROKEN;
        if (download->length == 0) { // the head comes in one piece over the loopback
            buffer[received] = '\0';
            char *end = strstr(buffer, "\r\n\r\n"),
                *length = strcasestr(buffer, "\r\ncontent-length:");
            if (strncmp(buffer, "HTTP/1.1 200", 12) != 0 || end == NULL || length == NULL)
                return BROKEN;
            download->head = (size_t)(end + 4 - buffer);
            download->length = strtoul(length + 17, NULL, 10);
        }
        download->received += (size_t)received;
        if (download->received == download->head + download->length)
            return COMPLETE;
    }
    return READING;
}

static int fan(const char *port, const char *path, unsigned long count, size_t bytes,
    uint64_t spread_ms)
{
    struct download *downloads = calloc(count, sizeof(*downloads));
    unsigned long outcomes[4] = {[READING] = count}, most = 0;
    for (unsigned long i = 0; i < count; i++) {
        downloads[i] = (struct download){.connection = loopback_connect(port, 8192),
            .stays = i % 100 == 0};
        ask(downloads[i].connection, path);
        fcntl(downloads[i].connection, F_SETFL, O_NONBLOCK);
    }
    uint64_t begin = now_ms();
    while (outcomes[READING] > 0) {
        uint64_t spent = now_ms() - begin;
        most = outcomes[READING] > most ? outcomes[READING] : most;
        for (unsigned long i = 0; i < count; i++) {
            struct download *download = &downloads[i];
            if (download->connection < 0)
                continue;
            bool hurry = download->stays && spent > spread_ms;
            size_t allowed = hurry ? SIZE_MAX : HEAD_MAX + (size_t)(bytes * spent / spread_ms);
            enum outcome outcome = read_some(download, allowed);
            if (outcome == READING && !download->stays && download->received >= bytes)
                outcome = LEFT;
            if (outcome == READING)
                continue;
            close(download->connection);
            download->connection = -1;
            outcomes[READING]--;
            outcomes[outcome]++;
        }
        usleep(20000);
    }
    printf("concurrent %lu complete %lu left %lu broken %lu\n", most, outcomes[COMPLETE],
        outcomes[LEFT], outcomes[BROKEN]);
    free(downloads);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 5 && strcmp(arguments[1], "hold") == 0)
        return hold(arguments[2], arguments[3], strtoul(arguments[4], NULL, 10));
    if (count == 5 && strcmp(arguments[1], "fill") == 0)
        return fill(arguments[2], arguments[3], strtoul(arguments[4], NULL, 10));
    if (count == 7 && strcmp(arguments[1], "fan") == 0)
        return fan(arguments[2], arguments[3], strtoul(arguments[4], NULL, 10),
            strtoul(arguments[5], NULL, 10), strtoul(arguments[6], NULL, 10));
    return fputs("usage: bench.load hold|fill|fan …, see the top of bench/load.c\n", stderr), 64;
}
