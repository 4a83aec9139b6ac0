// For tests of the prober: a server of HTTP on the loopback that answers by path, with TLS or
// without; a world that remembers what it learns; and one prober at a time.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "io/address.h"
#include "watch/probe/prober.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_CONNECTIONS_MAX 256
#define PATIENCE_MS 60000 // what a machine under load may need; nothing waits for it

// --- The server ---

struct server {
    struct address address;
    uint16_t port;
    int listener;
    SSL_CTX *tls;             // NULL: none; else it speaks both
    char location[512];       // where /redirect leads
    const char *look;         // what it says as a vantage; NULL: it is none
    char asked[4096];         // the last head
    atomic_uint requests;
    atomic_bool stopping;
    pthread_t thread;
    unsigned count;
    struct visitor {
        struct server *server;
        int descriptor;
        SSL *ssl;
        pthread_t thread;
    } visitors[SERVER_CONNECTIONS_MAX];
};

static inline bool visitor_say(struct visitor *visitor, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t sent = visitor->ssl != NULL ? SSL_write(visitor->ssl, text, (int)size)
                                            : send(visitor->descriptor, text, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text += sent;
        size -= (size_t)sent;
    }
    return true;
}

static inline void visitor_answer(struct visitor *visitor, const char *status, const char *fields,
    const char *body)
{
    char head[2048];
    int size = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status,
        strlen(body), fields);
    (void)(visitor_say(visitor, head, (size_t)size) && visitor_say(visitor, body, strlen(body)));
}

// Until the other one goes, or the server stops.
static inline void visitor_wait(struct visitor *visitor)
{
    struct pollfd ready = {.fd = visitor->descriptor, .events = POLLIN};
    char byte;
    while (!atomic_load(&visitor->server->stopping)) {
        if (poll(&ready, 1, 20) > 0 && recv(visitor->descriptor, &byte, 1, 0) <= 0)
            return;
    }
}

static inline void visitor_flood(struct visitor *visitor)
{
    static char filler[1024];
    memset(filler, 'x', sizeof(filler));
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\nearly";
    bool goes = visitor_say(visitor, head, sizeof(head) - 1);
    while (goes && !atomic_load(&visitor->server->stopping))
        goes = visitor_say(visitor, filler, sizeof(filler));
}

// More than any head should have.
static inline void visitor_boast(struct visitor *visitor)
{
    char field[1024];
    bool goes = visitor_say(visitor, "HTTP/1.1 200 OK\r\n", 17);
    for (unsigned i = 0; i < 70 && goes; i++) {
        int size = snprintf(field, sizeof(field), "X-%u: %01000u\r\n", i, i);
        goes = visitor_say(visitor, field, (size_t)size);
    }
    (void)visitor_say(visitor, "\r\n", 2);
}

static inline void visitor_page(struct visitor *visitor, const char *path, const char *head)
{
    struct server *server = visitor->server;
    char fields[640];
    if (server->look != NULL && strncmp(path, "/.afloat/look?url=", 18) == 0) {
        visitor_answer(visitor, "200 OK", "", server->look);
    } else if (strcmp(path, "/ok") == 0) {
        visitor_answer(visitor, "200 OK", "X-Cache: HIT\r\n", "Welcome to the shop");
    } else if (strcmp(path, "/error") == 0) {
        visitor_answer(visitor, "503 Service Unavailable", "", "Sorry");
    } else if (strcmp(path, "/redirect") == 0) {
        snprintf(fields, sizeof(fields), "Location: %s\r\n", server->location);
        visitor_answer(visitor, "302 Found", fields, "");
    } else if (strcmp(path, "/key") == 0) {
        visitor_answer(visitor, "200 OK", "",
            strstr(head, "Key: secret") != NULL ? "has the key" : "has none");
    } else if (strcmp(path, "/hang") == 0) {
        visitor_wait(visitor);
    } else if (strcmp(path, "/garbage") == 0) {
        (void)visitor_say(visitor, "What do you want?\r\n\r\n", 21);
    } else if (strcmp(path, "/cut") == 0) {
        (void)visitor_say(visitor, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nWelcome", 47);
    } else if (strcmp(path, "/flood") == 0) {
        visitor_flood(visitor);
    } else if (strcmp(path, "/boast") == 0) {
        visitor_boast(visitor);
    } else if (strcmp(path, "/nothing") != 0) {
        visitor_answer(visitor, "404 Not Found", "", "Nothing");
    }
}

static inline void visitor_read(struct visitor *visitor)
{
    char head[4096] = "", path[2048] = "";
    size_t size = 0;
    while (size < sizeof(head) - 1 && strstr(head, "\r\n\r\n") == NULL) {
        struct pollfd ready = {.fd = visitor->descriptor, .events = POLLIN};
        bool is_there = visitor->ssl != NULL && SSL_pending(visitor->ssl) > 0;
        if (atomic_load(&visitor->server->stopping))
            return;
        if (!is_there && poll(&ready, 1, 20) <= 0)
            continue;
        ssize_t got = visitor->ssl != NULL
            ? SSL_read(visitor->ssl, head + size, (int)(sizeof(head) - 1 - size))
            : recv(visitor->descriptor, head + size, sizeof(head) - 1 - size, 0);
        if (got <= 0)
            return;
        size += (size_t)got;
        head[size] = '\0';
        if (head[0] == 0x16) { // TLS, which it does not speak
            visitor_answer(visitor, "400 Bad Request", "", "");
            return;
        }
    }
    (void)sscanf(head, "%*s %2000s", path);
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; // several come at once
    pthread_mutex_lock(&mutex);
    memcpy(visitor->server->asked, head, size + 1);
    pthread_mutex_unlock(&mutex);
    atomic_fetch_add(&visitor->server->requests, 1);
    visitor_page(visitor, path, head);
}

static inline void *visitor_main(void *argument)
{
    struct visitor *visitor = argument;
    bool is_good = true;
    char first = 0;
    if (visitor->server->tls != NULL && recv(visitor->descriptor, &first, 1, MSG_PEEK) == 1
        && first == 0x16) {
        visitor->ssl = SSL_new(visitor->server->tls);
        SSL_set_fd(visitor->ssl, visitor->descriptor);
        is_good = SSL_accept(visitor->ssl) == 1;
    }
    if (is_good)
        visitor_read(visitor);
    SSL_free(visitor->ssl);
    shutdown(visitor->descriptor, SHUT_WR);
    close(visitor->descriptor);
    return NULL;
}

static inline void *server_main(void *argument)
{
    struct server *server = argument;
    while (!atomic_load(&server->stopping) && server->count < SERVER_CONNECTIONS_MAX) {
        struct pollfd ready = {.fd = server->listener, .events = POLLIN};
        int descriptor = poll(&ready, 1, 20) <= 0 ? -1 : accept(server->listener, NULL, NULL);
        if (descriptor < 0)
            continue;
        struct visitor *visitor = &server->visitors[server->count++];
        *visitor = (struct visitor){.server = server, .descriptor = descriptor};
        assert_int_equal(pthread_create(&visitor->thread, NULL, visitor_main, visitor), 0);
    }
    return NULL;
}

// host: "127.0.0.2"; port 0: any. False: the port is not free.
static inline bool server_start(struct server *server, const char *host, uint16_t port,
    SSL_CTX *tls)
{
    int yes = 1;
    memset(server, 0, sizeof(*server));
    assert_int_equal(address_parse_host(slice_from_string(host), port, &server->address),
        ERROR_NONE);
    socklen_t size = address_size(&server->address);
    server->tls = tls;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(server->listener, &server->address.any, size) != 0
        || listen(server->listener, 256) != 0) {
        close(server->listener);
        return false;
    }
    assert_int_equal(getsockname(server->listener, &server->address.any, &size), 0);
    server->port = address_port(&server->address);
    assert_int_equal(pthread_create(&server->thread, NULL, server_main, server), 0);
    return true;
}

static inline void server_stop(struct server *server)
{
    atomic_store(&server->stopping, true);
    pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < server->count; i++)
        pthread_join(server->visitors[i].thread, NULL);
    close(server->listener);
}

// --- The world ---

#define LEARNED_MAX 64

// One round decides, by a majority of those that conclude anything; what the quorum really makes of
// its votes is its own test's affair.
bool quorum_wants_others(const struct quorum *quorum, const struct vote *local, unsigned round,
    unsigned every)
{
    (void)quorum;
    (void)round;
    (void)every;
    return local->kind != VOTE_UP;
}

bool quorum_close(struct quorum *quorum, const struct quorum_settings *rules,
    const struct vote *votes, size_t count, int64_t began_ms)
{
    enum component_state before = quorum->state;
    unsigned counts[VOTE_DOWN + 1] = {0};
    assert_int_equal(rules->rounds, 1);
    quorum->reason = (struct reason){REASON_NONE, 0};
    for (size_t i = 0; i < count; i++)
        counts[votes[i].kind]++;
    unsigned well = counts[VOTE_UP] + counts[VOTE_DEGRADED];
    quorum->state = 2 * counts[VOTE_INCONCLUSIVE] > count ? COMPONENT_UNKNOWN
        : counts[VOTE_DOWN] > well                       ? COMPONENT_DOWN
        : counts[VOTE_DEGRADED] > 0                      ? COMPONENT_DEGRADED
                                                         : COMPONENT_OPERATIONAL;
    for (size_t i = count; i > 0 && quorum->state != COMPONENT_OPERATIONAL; i--) {
        if ((votes[i - 1].kind == VOTE_INCONCLUSIVE) == (quorum->state == COMPONENT_UNKNOWN)
            && votes[i - 1].kind != VOTE_UP)
            quorum->reason = votes[i - 1].reason;
    }
    quorum->changed_ms = began_ms;
    return quorum->state != before;
}

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct finding findings[LEARNED_MAX]; // the last
    unsigned counts[LEARNED_MAX];
} learned = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void world_learn(struct world *world, unsigned component, const struct finding *finding,
    int64_t now_ms)
{
    assert_ptr_equal(world, &learned);
    assert_true(component < LEARNED_MAX && now_ms > 0);
    assert_true(finding->since_ms <= now_ms
        && (finding->since_ms == 0 || finding->since_ms >= now_ms - 60000));
    pthread_mutex_lock(&learned.mutex);
    learned.findings[component] = *finding;
    learned.counts[component]++;
    pthread_cond_broadcast(&learned.changed);
    pthread_mutex_unlock(&learned.mutex);
}

static inline unsigned learned_count(unsigned component)
{
    pthread_mutex_lock(&learned.mutex);
    unsigned count = learned.counts[component];
    pthread_mutex_unlock(&learned.mutex);
    return count;
}

// The finding after so many.
static inline struct finding learned_wait(unsigned component, unsigned count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&learned.mutex);
    while (learned.counts[component] < count)
        assert_int_equal(pthread_cond_timedwait(&learned.changed, &learned.mutex, &until), 0);
    struct finding finding = learned.findings[component];
    pthread_mutex_unlock(&learned.mutex);
    return finding;
}

// Until it is so.
static inline void learned_wait_for(unsigned component, enum component_state state)
{
    unsigned count = 1;
    while (learned_wait(component, count).state != state)
        count = learned_count(component) + 1;
}

// --- The prober ---

static struct prober_settings settings;
static struct prober *prober;

// With a seed by which the first of them is due at once.
static inline void prober_run(const struct monitor_settings *monitors, size_t count)
{
    char message[256];
    struct text why = text_in(message, sizeof(message));
    struct random random;
    settings.monitors = monitors;
    settings.monitor_count = count;
    settings.quorum.rounds = 1;
    do {
        random_seed(&random, ++settings.seed);
    } while (random_below(&random, monitors[0].interval_ms) > 20);
    memset(learned.findings, 0, sizeof(learned.findings));
    memset(learned.counts, 0, sizeof(learned.counts));
    enum error error =
        prober_create(&settings, (struct world *)(void *)&learned, &why, &prober);
    if (error != ERROR_NONE)
        fail_msg("%s: %.*s", error_text(error), (int)why.size, why.data);
    assert_int_equal(prober_start(prober), ERROR_NONE);
}

static inline void prober_stop(void)
{
    prober_destroy(prober);
    prober = NULL;
}

static inline struct setting_status_set statuses(unsigned from, unsigned to)
{
    struct setting_status_set set = {0};
    for (unsigned status = from; status <= to; status++)
        set.bits[(status - 100) / 64] |= UINT64_C(1) << (status - 100) % 64;
    return set;
}

// As the rows' defaults, but for the times.
static inline struct monitor_settings monitor_usual(void)
{
    return (struct monitor_settings){.id = SLICE("a"), .interval_ms = 2 * PATIENCE_MS,
        .timeout_ms = PATIENCE_MS, .expect_status = statuses(200, 299), .method = SLICE("GET"),
        .redirects = 5, .verify = true, .certificate_days = 14};
}

static inline struct finding look_once(const struct monitor_settings *monitor)
{
    prober_run(monitor, 1);
    struct finding finding = learned_wait(0, 1);
    prober_stop();
    return finding;
}
