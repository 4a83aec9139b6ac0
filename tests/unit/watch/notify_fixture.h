// For tests of who tells people: a database that writes at once and fails as told to (unless
// NOTIFY_REAL_DATABASE), a clock that the test turns, a mail server and a receiver of webhooks on
// loopback.
#pragma once

#include "base/invariant.h"
#include "base/memory.h"
#include "doctor/printable.h"
#include "watch/notify/courier_inside.h"
#include "watch/notify/notify_schema.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW INT64_C(1800000000000)

// --- The database ---

#ifndef NOTIFY_REAL_DATABASE

struct database {
    pthread_mutex_t mutex;
    sqlite3 *sqlite;
    atomic_bool is_dead; // what is written now is lost, as after a crash
    atomic_bool is_full; // writing fails, and the database says so
    struct database_work *held;
    struct { const char *sql; sqlite3_stmt *statement; } kept[16];
};

enum error database_open(const char *path, struct text *why, struct database **ret_database)
{
    struct database *database = calloc(1, sizeof(*database));
    (void)why;
    invariant(database != NULL && sqlite3_open(path, &database->sqlite) == SQLITE_OK);
    pthread_mutex_init(&database->mutex, NULL);
    invariant(sqlite3_exec(database->sqlite, NOTIFY_SCHEMA, NULL, NULL, NULL) == SQLITE_OK);
    *ret_database = database;
    return ERROR_NONE;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    if (database->held != NULL)
        database->held->done(database->held, ERROR_SYSTEM);
    for (size_t i = 0; i < ARRAY_SIZE(database->kept); i++)
        sqlite3_finalize(database->kept[i].statement);
    invariant(sqlite3_close(database->sqlite) == SQLITE_OK);
    pthread_mutex_destroy(&database->mutex);
    free(database);
}

sqlite3_stmt *database_prepare(struct database *database, const char *sql)
{
    for (size_t i = 0; i < ARRAY_SIZE(database->kept); i++) {
        if (database->kept[i].statement == NULL) {
            database->kept[i].sql = sql;
            invariant(sqlite3_prepare_v2(database->sqlite, sql, -1,
                &database->kept[i].statement, NULL) == SQLITE_OK);
        }
        if (strcmp(database->kept[i].sql, sql) == 0)
            return database->kept[i].statement;
    }
    return NULL;
}

void database_post(struct database *database, struct database_work *work)
{
    enum error error = ERROR_NOT_FOUND;
    if (database != NULL && atomic_load(&database->is_full)) {
        invariant(database->held == NULL);
        database->held = work; // as the house's does, until it can be written
        return;
    }
    if (database != NULL && !atomic_load(&database->is_dead)) {
        pthread_mutex_lock(&database->mutex);
        invariant(sqlite3_exec(database->sqlite, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
        error = work->run(work, database->sqlite);
        (void)sqlite3_exec(database->sqlite, error == ERROR_NONE ? "COMMIT" : "ROLLBACK", NULL,
            NULL, NULL);
        pthread_mutex_unlock(&database->mutex);
    }
    work->done(work, error);
}

static inline sqlite3_stmt *fixture_prepare(struct database *database, const char *sql,
    const char *types, va_list values)
{
    sqlite3_stmt *statement = NULL;
    invariant(sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL) == SQLITE_OK);
    for (int i = 0; types[i] != '\0'; i++) {
        if (types[i] == 'i') {
            sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
        } else {
            struct slice text = va_arg(values, struct slice);
            invariant(types[i] == 't');
            sqlite3_bind_text(statement, i + 1, text.data == NULL ? "" : text.data,
                (int)text.size, SQLITE_TRANSIENT);
        }
    }
    return statement;
}

void database_execute(struct database *database, const char *sql, const char *types, ...)
{
    va_list values;
    if (database == NULL || atomic_load(&database->is_dead) || atomic_load(&database->is_full))
        return;
    // SQLite's own lock is enough for one statement; a row that is being read may ask for this.
    va_start(values, types);
    sqlite3_stmt *statement = fixture_prepare(database, sql, types, values);
    va_end(values);
    invariant(sqlite3_step(statement) == SQLITE_DONE);
    sqlite3_finalize(statement);
}

enum error database_query(struct database *database, enum error (*row)(void *context,
    sqlite3_stmt *statement), void *context, const char *sql, const char *types, ...)
{
    enum error error = ERROR_NONE;
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = fixture_prepare(database, sql, types, values);
    va_end(values);
    while (error == ERROR_NONE && sqlite3_step(statement) == SQLITE_ROW)
        error = row(context, statement);
    sqlite3_finalize(statement);
    return error;
}

enum error database_settle(struct database *database, uint64_t timeout_ms)
{
    (void)database, (void)timeout_ms;
    return ERROR_NONE;
}

bool database_is_well(struct database *database)
{
    return database != NULL && !atomic_load(&database->is_full);
}

uint64_t database_epoch(struct database *database)
{
    (void)database;
    return 0;
}

uint64_t database_lost(struct database *database)
{
    (void)database;
    return 0;
}

#endif

static inline enum error database_read_number(void *context, sqlite3_stmt *statement)
{
    *(int64_t *)context = sqlite3_column_int64(statement, 0);
    return ERROR_NONE;
}

static inline int64_t database_number(struct database *database, const char *sql)
{
    int64_t number = -1;
    invariant(database_query(database, database_read_number, &number, sql, "") == ERROR_NONE);
    return number;
}

// --- Servers ---

#define PEER_THREADS 64
#define PEER_TAKEN_MAX 512

struct taken {
    char *to;     // of a mail
    char *bytes;  // the mail, or the request whole
    size_t size;
};

struct peer {
    // What is answered to a line of mail or to a request; NULL: what a good server says. "hang":
    // nothing, until the peer ends.
    const char *(*answer)(struct peer *peer, const char *line, unsigned number);
    void *(*serve)(void *connection);
    int listener;
    uint16_t port;
    pthread_t thread;
    struct peer_connection {
        struct peer *peer;
        int descriptor;
        pthread_t thread;
    } connections[PEER_THREADS];
    unsigned count;
    atomic_bool is_over;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct taken taken[PEER_TAKEN_MAX];
    unsigned taken_count, asked;
};

static inline bool peer_send(int descriptor, const char *text)
{
    size_t size = strlen(text);
    return send(descriptor, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

// False: the peer hung, and it is over.
static inline bool peer_answer(struct peer_connection *connection, const char *line,
    const char *usual)
{
    struct peer *peer = connection->peer;
    pthread_mutex_lock(&peer->mutex);
    unsigned number = peer->asked++;
    pthread_cond_broadcast(&peer->changed);
    const char *answer = peer->answer == NULL ? NULL : peer->answer(peer, line, number);
    bool hangs = answer != NULL && strcmp(answer, "hang") == 0;
    while (hangs && !atomic_load(&peer->is_over))
        pthread_cond_wait(&peer->changed, &peer->mutex);
    pthread_mutex_unlock(&peer->mutex);
    if (hangs || (answer != NULL && strcmp(answer, "close") == 0))
        return false;
    return peer_send(connection->descriptor, answer == NULL ? usual : answer);
}

static inline void peer_take(struct peer *peer, const char *to, const char *bytes, size_t size)
{
    pthread_mutex_lock(&peer->mutex);
    invariant(peer->taken_count < PEER_TAKEN_MAX);
    struct taken *taken = &peer->taken[peer->taken_count++];
    taken->to = strdup(to);
    taken->bytes = malloc(size + 1);
    taken->size = size;
    memcpy(taken->bytes, bytes, size);
    taken->bytes[size] = '\0';
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->mutex);
}

static inline void *peer_accept(void *argument)
{
    struct peer *peer = argument;
    for (;;) {
        int descriptor = accept(peer->listener, NULL, NULL);
        if (descriptor < 0)
            return NULL;
        invariant(peer->count < PEER_THREADS);
        struct peer_connection *connection = &peer->connections[peer->count++];
        *connection = (struct peer_connection){.peer = peer, .descriptor = descriptor};
        invariant(pthread_create(&connection->thread, NULL, peer->serve, connection) == 0);
    }
}

static inline void peer_start(struct peer *peer, void *(*serve)(void *connection),
    const char *(*answer)(struct peer *peer, const char *line, unsigned number))
{
    struct address address;
    *peer = (struct peer){.serve = serve, .answer = answer};
    pthread_mutex_init(&peer->mutex, NULL);
    pthread_cond_init(&peer->changed, NULL);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    invariant(address_parse(SLICE("127.0.0.1:0"), &address) == ERROR_NONE);
    socklen_t size = address_size(&address);
    invariant(bind(peer->listener, &address.any, size) == 0 && listen(peer->listener, 64) == 0);
    invariant(getsockname(peer->listener, &address.any, &size) == 0);
    peer->port = address_port(&address);
    invariant(pthread_create(&peer->thread, NULL, peer_accept, peer) == 0);
}

static inline void peer_stop(struct peer *peer)
{
    pthread_mutex_lock(&peer->mutex);
    atomic_store(&peer->is_over, true);
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->mutex);
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    for (unsigned i = 0; i < peer->count; i++)
        shutdown(peer->connections[i].descriptor, SHUT_RDWR);
    for (unsigned i = 0; i < peer->count; i++) {
        pthread_join(peer->connections[i].thread, NULL);
        close(peer->connections[i].descriptor);
    }
    for (unsigned i = 0; i < peer->taken_count; i++) {
        free(peer->taken[i].to);
        free(peer->taken[i].bytes);
    }
    pthread_mutex_destroy(&peer->mutex);
    pthread_cond_destroy(&peer->changed);
}

static inline void peer_wait_taken(struct peer *peer, unsigned count)
{
    pthread_mutex_lock(&peer->mutex);
    while (peer->taken_count < count)
        pthread_cond_wait(&peer->changed, &peer->mutex);
    pthread_mutex_unlock(&peer->mutex);
}

static inline void peer_wait_asked(struct peer *peer, unsigned count)
{
    pthread_mutex_lock(&peer->mutex);
    while (peer->asked < count)
        pthread_cond_wait(&peer->changed, &peer->mutex);
    pthread_mutex_unlock(&peer->mutex);
}

// One line without its end; false: the other one is gone.
static inline bool peer_line(int descriptor, char *line, size_t size)
{
    size_t at = 0;
    while (at + 1 < size && recv(descriptor, line + at, 1, 0) == 1) {
        if (line[at] == '\n') {
            line[at > 0 && line[at - 1] == '\r' ? at - 1 : at] = '\0';
            return true;
        }
        at++;
    }
    return false;
}

// What follows DATA, until the line with a dot. The caller's to free.
static inline char *peer_content(int descriptor, size_t *ret_size)
{
    size_t size = 0, capacity = 1 << 20;
    char line[2048], *bytes = malloc(capacity);
    while (bytes != NULL && peer_line(descriptor, line, sizeof(line))) {
        if (strcmp(line, ".") == 0) {
            *ret_size = size;
            return bytes;
        }
        const char *from = line[0] == '.' ? line + 1 : line;
        invariant(size + strlen(from) + 2 < capacity && strlen(from) <= 998);
        memcpy(bytes + size, from, strlen(from));
        memcpy(bytes + size + strlen(from), "\r\n", 2);
        size += strlen(from) + 2;
    }
    free(bytes);
    return NULL;
}

static inline void *smtp_serve(void *argument)
{
    struct peer_connection *connection = argument;
    char line[2048], to[2048] = "";
    if (!peer_answer(connection, "hello", "220 test\r\n"))
        return NULL;
    while (peer_line(connection->descriptor, line, sizeof(line))) {
        bool is_data = strcmp(line, "DATA") == 0;
        if (strncmp(line, "RCPT TO:", 8) == 0)
            snprintf(to, sizeof(to), "%s", line + 8);
        if (!peer_answer(connection, line, is_data ? "354 go on\r\n" : "250 fine\r\n"))
            break;
        if (!is_data)
            continue;
        size_t size;
        char *bytes = peer_content(connection->descriptor, &size);
        if (bytes == NULL)
            break;
        peer_take(connection->peer, to, bytes, size);
        free(bytes);
        if (!peer_answer(connection, "content", "250 taken\r\n"))
            break;
    }
    shutdown(connection->descriptor, SHUT_RDWR);
    return NULL;
}

static inline void *http_serve(void *argument)
{
    struct peer_connection *connection = argument;
    size_t size = 0, capacity = 1 << 20, whole = 0;
    char *bytes = malloc(capacity);
    while (bytes != NULL && (whole == 0 || size < whole)) {
        ssize_t got = recv(connection->descriptor, bytes + size, capacity - 1 - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
        bytes[size] = '\0';
        char *end = strstr(bytes, "\r\n\r\n");
        char *length = strcasestr(bytes, "\r\ncontent-length:");
        if (end != NULL && length != NULL)
            whole = (size_t)(end - bytes) + 4 + strtoul(length + 17, NULL, 10);
    }
    if (whole != 0 && size >= whole) {
        bytes[size] = '\0';
        peer_take(connection->peer, "", bytes, size);
        (void)peer_answer(connection, bytes,
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    }
    free(bytes);
    shutdown(connection->descriptor, SHUT_WR);
    return NULL;
}

// --- The courier ---

struct desk {
    struct notify_settings settings;
    struct brand brand;
    struct database *database;
    struct courier *courier;
    _Atomic int64_t now_ms;
    struct slice to[4];
    struct webhook_settings webhooks[NOTIFY_WEBHOOKS_MAX];
    char urls[NOTIFY_WEBHOOKS_MAX][64], server[64];
    struct slice allow[1];
};

static const uint8_t desk_secret[32] = "a secret of thirty-two bytes....";

static inline int64_t desk_now(void *context)
{
    struct desk *desk = context;
    return atomic_load(&desk->now_ms);
}

static inline void desk_init(struct desk *desk)
{
    *desk = (struct desk){.brand = {.name = SLICE("Acme"),
        .url = SLICE("https://status.acme.test"), .support = SLICE("help@acme.test")}};
    atomic_store(&desk->now_ms, NOW);
    desk->settings.digest_ms = 60000;
    desk->settings.subscribers_max = 1000;
    desk->settings.allow = (struct setting_list){desk->allow, 1};
    desk->allow[0] = SLICE("127.0.0.0/8");
#ifndef NOTIFY_REAL_DATABASE
    invariant(database_open(":memory:", NULL, &desk->database) == ERROR_NONE);
#endif
}

static inline void desk_use_mail(struct desk *desk, const struct peer *peer)
{
    snprintf(desk->server, sizeof(desk->server), "smtp://127.0.0.1:%u", peer->port);
    desk->settings.mail.server = slice_from_string(desk->server);
    desk->settings.mail.from = SLICE("status@acme.test");
    desk->settings.mail.to = (struct setting_list){desk->to, 0};
}

static inline void desk_add_operator(struct desk *desk, const char *address)
{
    desk->to[desk->settings.mail.to.count++] = slice_from_string(address);
}

static inline void desk_add_webhook(struct desk *desk, const struct peer *peer, const char *key)
{
    size_t at = desk->settings.webhooks.count++;
    snprintf(desk->urls[at], sizeof(desk->urls[at]), "http://127.0.0.1:%u/hook?%zu", peer->port,
        at);
    desk->webhooks[at] = (struct webhook_settings){.url = slice_from_string(desk->urls[at]),
        .key = slice_from_string(key)};
    desk->settings.webhooks.items = desk->webhooks;
}

static inline void desk_open(struct desk *desk)
{
    char buffer[200];
    struct text why = text_in(buffer, sizeof(buffer));
    enum error error = courier_create(&desk->settings, &desk->brand, desk->database, desk_secret,
        &why, &desk->courier);
    if (error != ERROR_NONE)
        fail_msg("%.*s", (int)why.size, why.data);
    desk->courier->wall_ms = desk_now;
    desk->courier->wall_context = desk;
    assert_int_equal(courier_start(desk->courier), ERROR_NONE);
}

static inline void desk_close(struct desk *desk)
{
    courier_destroy(desk->courier);
    desk->courier = NULL;
}

static inline void desk_free(struct desk *desk)
{
    desk_close(desk);
    database_close(desk->database);
}

static inline void desk_pass(struct desk *desk, int64_t ms)
{
    atomic_fetch_add(&desk->now_ms, ms);
    courier_wake(desk->courier);
}

static inline struct courier_counts desk_counts(struct desk *desk)
{
    struct courier_counts counts;
    courier_read_counts(desk->courier, &counts);
    return counts;
}

// Until the courier says so; each look wakes it up, and none is counted.
#define desk_wait(desk, condition)                                                                 \
    do {                                                                                           \
        struct courier_counts counts = desk_counts(desk);                                          \
        while (!(condition)) {                                                                     \
            usleep(2000);                                                                          \
            courier_wake((desk)->courier);                                                         \
            counts = desk_counts(desk);                                                            \
        }                                                                                          \
    } while (false)

static inline void desk_tell(struct desk *desk, const char *id, enum incident_state state)
{
    int64_t now_ms = atomic_load(&desk->now_ms);
    struct notice notice = {.kind = NOTICE_INCIDENT, .id = slice_from_string(id),
        .title = SLICE("API is down"), .state = state, .impact = IMPACT_MAJOR,
        .begin_ms = now_ms, .end_ms = state == INCIDENT_RESOLVED ? now_ms + 1 : 0,
        .at_ms = now_ms, .is_update = state != INCIDENT_INVESTIGATING};
    courier_tell(desk->courier, &notice);
}
