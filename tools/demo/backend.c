// A small backend to break: a site of a few pages on one port, and a fault switch on another.
//
//   demo.backend NAME [PORT [CONTROL_PORT]]      ports of 127.0.0.1; 0 or none: free ones
//
// Prints "NAME PORT CONTROL_PORT" once it listens. POST /fault?mode=MODE to the control port
// changes how the site behaves, and has done so when it answers:
//
//   ok     answers                       dead   refuses connections
//   hang   accepts and stays silent      slow   answers after SLOW_MS
//   500    answers each request with 500 cut    stops in the middle of each body
//   lie    says that it is healthy and answers everything else with 500
//
// One thread per connection: this is a toy for loopback.
#include "base/text.h"
#include "http/cache_control.h"
#include "http/http1.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
#define SLOW_MS 3000
#define IMAGE_SIDE 320
#define IMAGE_SIZE (54 + IMAGE_SIDE * IMAGE_SIDE * 3)
#define CONTENT_MAX (IMAGE_SIZE + 1)
#define FRESH "public, max-age=2"

enum mode { MODE_OK, MODE_DEAD, MODE_HANG, MODE_SLOW, MODE_500, MODE_CUT, MODE_LIE, MODE_COUNT };

static const char *const mode_words[MODE_COUNT] = {
    "ok", "dead", "hang", "slow", "500", "cut", "lie"};

struct backend {
    const char *name;
    int listener, control;
    struct sockaddr_in address;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum mode mode;
    bool open; // the listener is there, as the mode has it
    int connections[CONNECTIONS_MAX];
    size_t connection_count;
    unsigned long served;
};

struct visit {
    struct backend *backend;
    int socket;
    bool control;
};

struct answer {
    unsigned status;
    const char *type, *cache_control, *etag;
    char *content; // CONTENT_MAX bytes
    size_t size;
};

static int listen_on(struct sockaddr_in *address)
{
    int yes = 1, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(*address);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(descriptor, (const struct sockaddr *)address, size) < 0 ||
        listen(descriptor, 128) < 0 ||
        getsockname(descriptor, (struct sockaddr *)address, &size) < 0) {
        perror("demo.backend");
        exit(1);
    }
    return descriptor;
}

// --- The site ---

static void page(
    struct answer *answer, const struct backend *backend, const char *title, const char *more)
{
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    struct text text = text_in(answer->content, CONTENT_MAX);
    text_format(&text,
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title><style>"
        ":root{color-scheme:light dark}body{font:1.05rem/1.6 system-ui,sans-serif;max-width:40rem;"
        "margin:3rem auto;padding:0 "
        "1rem}img{border-radius:.5rem}</style></head>\n<body><h1>%s</h1>\n%s\n"
        "<p><small>Made by backend %s at %02d:%02d:%02d.</small></p></body></html>\n",
        title, title, more, backend->name, local.tm_hour, local.tm_min, local.tm_sec);
    answer->size = text.size;
    answer->type = "text/html; charset=utf-8";
}

static void put_little_endian(char *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (char)(value >> (8 * i));
}

// A gradient as a Windows bitmap: large, and made without any library.
static void image(struct answer *answer, unsigned number)
{
    char *at = answer->content;
    memset(at, 0, 54);
    memcpy(at, "BM", 2);
    put_little_endian(at + 2, IMAGE_SIZE);
    put_little_endian(at + 10, 54);
    put_little_endian(at + 14, 40);
    put_little_endian(at + 18, IMAGE_SIDE);
    put_little_endian(at + 22, IMAGE_SIDE);
    at[26] = 1;
    at[28] = 24;
    at += 54;
    for (unsigned y = 0; y < IMAGE_SIDE; y++) {
        for (unsigned x = 0; x < IMAGE_SIDE; x++) {
            *at++ = (char)(120 + 100 * y / IMAGE_SIDE);
            *at++ = (char)(90 + number * 37 % 100 + 60 * x / IMAGE_SIDE);
            *at++ = (char)(40 + number * 59 % 120);
        }
    }
    answer->size = IMAGE_SIZE;
    answer->type = "image/bmp";
    answer->etag = "\"1\""; // the pages have none: they change each time they are made
}

static bool number_in(
    struct slice path, struct slice prefix, struct slice suffix, unsigned *ret_number)
{
    uint64_t number;
    if (!slice_starts_with(path, prefix) || !slice_ends_with(path, suffix))
        return false;
    if (path.size < prefix.size + suffix.size)
        return false;
    struct slice digits = slice_of(path.data + prefix.size, path.size - prefix.size - suffix.size);
    if (!slice_parse_u64(digits, 9999, &number))
        return false;
    *ret_number = (unsigned)number;
    return true;
}

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void fill(
    struct answer *answer, struct backend *backend, const struct http_request_head *request)
{
    unsigned number;
    char more[512];
    *answer = (struct answer){.status = 200, .cache_control = FRESH, .content = answer->content};
    if (request->method == HTTP_METHOD_POST) {
        page(answer, backend, "Received", "<p>This write reached a backend.</p>");
        answer->cache_control = "no-store";
    } else if (slice_equal(request->path, SLICE("/"))) {
        page(answer, backend, "A small site",
            "<p><img src=\"/image/1.bmp\" width=\"160\" height=\"160\" alt=\"a gradient\"> "
            "<img src=\"/image/2.bmp\" width=\"160\" height=\"160\" alt=\"a gradient\"></p>"
            "<ul><li><a href=\"/page/1\">Page 1</a>, <a href=\"/page/2\">page 2</a>, and so on</li>"
            "<li><a href=\"/slow\">A slow page</a></li>"
            "<li><a href=\"/basket\">A page that is made for each visitor</a></li></ul>");
    } else if (number_in(request->path, SLICE("/page/"), SLICE(""), &number)) {
        snprintf(more, sizeof(more),
            "<p>Page %u. Fresh for two seconds; after that the edge asks again, or sends this copy "
            "if "
            "nobody answers.</p><p><a href=\"/page/%u\">Next</a></p>",
            number, number + 1);
        page(answer, backend, "A page", more);
    } else if (number_in(request->path, SLICE("/image/"), SLICE(".bmp"), &number)) {
        image(answer, number);
    } else if (slice_equal(request->path, SLICE("/slow"))) {
        pause_ms(SLOW_MS);
        page(answer, backend, "A slow page", "<p>This took three seconds to make.</p>");
    } else if (slice_equal(request->path, SLICE("/basket"))) {
        snprintf(more, sizeof(more), "<p>Made for you alone: number %lu.</p>", backend->served);
        page(answer, backend, "Your basket", more);
        answer->cache_control = "private, no-store";
    } else if (slice_equal(request->path, SLICE("/health"))) {
        page(answer, backend, "Healthy", "");
        answer->cache_control = "no-store";
    } else {
        answer->status = 404;
        page(answer, backend, "No such page", "");
    }
}

// --- Answering ---

static bool send_whole(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(descriptor, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool respond(const struct visit *visit, const struct http_request_head *request,
    struct answer *answer, bool cut)
{
    char buffer[1024], date[HTTP_DATE_SIZE];
    struct text text = text_in(buffer, sizeof(buffer));
    struct slice etag = http_fields_value(&request->fields, HTTP_NAME_IF_NONE_MATCH);
    bool unchanged = answer->status == 200 && answer->etag != NULL &&
                     slice_equal(etag, slice_from_string(answer->etag));
    http_date_format(time(NULL), date);
    if (unchanged)
        answer->status = 304;
    text_format(&text, "HTTP/1.1 %u %.*s\r\nDate: %.*s\r\nServer: demo-%s\r\nCache-Control: %s\r\n",
        answer->status, SLICE_ARGS(http_reason(answer->status)), HTTP_DATE_SIZE, date,
        visit->backend->name, answer->cache_control);
    if (answer->etag != NULL)
        text_format(&text, "ETag: %s\r\n", answer->etag);
    if (!unchanged)
        text_format(
            &text, "Content-Type: %s\r\nContent-Length: %zu\r\n", answer->type, answer->size);
    text_append(&text, SLICE("\r\n"));
    if (!send_whole(visit->socket, text.data, text.size))
        return false;
    if (unchanged || request->method == HTTP_METHOD_HEAD)
        return true;
    return send_whole(visit->socket, answer->content, cut ? answer->size / 2 : answer->size) &&
           !cut;
}

static enum mode mode_now(struct backend *backend)
{
    pthread_mutex_lock(&backend->mutex);
    enum mode mode = backend->mode;
    backend->served++;
    pthread_mutex_unlock(&backend->mutex);
    return mode;
}

static void wait_while_hanging(struct backend *backend)
{
    pthread_mutex_lock(&backend->mutex);
    while (backend->mode == MODE_HANG)
        pthread_cond_wait(&backend->changed, &backend->mutex);
    pthread_mutex_unlock(&backend->mutex);
}

static void fail(struct answer *answer, const struct backend *backend)
{
    *answer =
        (struct answer){.status = 500, .cache_control = "no-store", .content = answer->content};
    page(answer, backend, "Broken", "<p>The backend failed on purpose.</p>");
}

// True if the connection can go on.
static bool serve_site(
    const struct visit *visit, const struct http_request_head *request, struct answer *answer)
{
    bool health = slice_equal(request->path, SLICE("/health"));
    bool cut = false;
    switch (mode_now(visit->backend)) {
    case MODE_DEAD:
    case MODE_COUNT: return false;
    case MODE_HANG: wait_while_hanging(visit->backend); return false;
    case MODE_SLOW:
        pause_ms(SLOW_MS);
        fill(answer, visit->backend, request);
        break;
    case MODE_500: fail(answer, visit->backend); break;
    case MODE_CUT:
        cut = !health;
        fill(answer, visit->backend, request);
        break;
    case MODE_LIE:
        if (health)
            fill(answer, visit->backend, request);
        else
            fail(answer, visit->backend);
        break;
    case MODE_OK: fill(answer, visit->backend, request); break;
    }
    return respond(visit, request, answer, cut) && request->keep_alive;
}

// --- The fault switch ---

static void set_mode(struct backend *backend, enum mode mode)
{
    pthread_mutex_lock(&backend->mutex);
    backend->mode = mode;
    for (size_t i = 0; mode == MODE_DEAD && i < backend->connection_count; i++)
        shutdown(backend->connections[i], SHUT_RDWR);
    pthread_cond_broadcast(&backend->changed);
    while (backend->open != (backend->mode != MODE_DEAD))
        pthread_cond_wait(&backend->changed, &backend->mutex);
    pthread_mutex_unlock(&backend->mutex);
}

static bool serve_control(
    const struct visit *visit, const struct http_request_head *request, struct answer *answer)
{
    struct slice query = request->query;
    *answer = (struct answer){.status = 200,
        .type = "text/plain",
        .cache_control = "no-store",
        .content = answer->content};
    bool found = request->method == HTTP_METHOD_GET;
    if (!found && slice_equal(request->path, SLICE("/fault")) &&
        slice_starts_with(query, SLICE("mode="))) {
        struct slice word = slice_of(query.data + 5, query.size - 5);
        for (unsigned i = 0; i < MODE_COUNT && !found; i++) {
            found = slice_equal(word, slice_from_string(mode_words[i]));
            if (found)
                set_mode(visit->backend, (enum mode)i);
        }
    }
    struct text text = text_in(answer->content, CONTENT_MAX);
    if (!found) {
        answer->status = 400;
        text_append(&text, SLICE("POST /fault?mode=ok|dead|hang|slow|500|cut|lie\n"));
    } else {
        text_format(
            &text, "backend %s: %s\n", visit->backend->name, mode_words[visit->backend->mode]);
    }
    answer->size = text.size;
    respond(visit, request, answer, false);
    return false;
}

// --- Connections ---

// Of the site; the switch must go on working when they are all cut.
static bool register_connection(struct backend *backend, int descriptor)
{
    pthread_mutex_lock(&backend->mutex);
    bool room = backend->connection_count < CONNECTIONS_MAX;
    if (room)
        backend->connections[backend->connection_count++] = descriptor;
    pthread_mutex_unlock(&backend->mutex);
    return room;
}

static void unregister_connection(struct backend *backend, int descriptor)
{
    pthread_mutex_lock(&backend->mutex);
    for (size_t i = 0; i < backend->connection_count; i++) {
        if (backend->connections[i] == descriptor) {
            backend->connections[i] = backend->connections[--backend->connection_count];
            break;
        }
    }
    pthread_mutex_unlock(&backend->mutex);
    close(descriptor);
}

// Reads one head into buffer behind *size bytes that are there already; its end, or 0.
static size_t read_head(int descriptor, char *buffer, size_t capacity, size_t *size,
    struct http1_scan *scan, const struct http1_limits *limits)
{
    size_t end;
    for (;;) {
        if (*size > 0) {
            enum http1_progress progress = http1_scan(scan, slice_of(buffer, *size), limits, &end);
            if (progress != HTTP1_MORE)
                return progress == HTTP1_DONE ? end : 0;
        }
        ssize_t got = *size == capacity ? 0 : recv(descriptor, buffer + *size, capacity - *size, 0);
        if (got <= 0)
            return 0;
        *size += (size_t)got;
    }
}

static void converse(const struct visit *visit, struct answer *answer)
{
    static const struct http1_limits limits = {
        .head_size = 16384, .line_size = 8192, .field_count = 64};
    char buffer[8192];
    size_t size = 0;
    bool more = true;
    while (more) {
        struct http1_scan scan = {0};
        struct http_field fields[64];
        struct http_request_head request = {.fields = {.items = fields, .capacity = 64}};
        size_t end = read_head(visit->socket, buffer, sizeof(buffer), &size, &scan, &limits);
        if (end == 0 || http1_parse_request(slice_of(buffer + scan.begin, end - scan.begin),
                            &limits, &request) != HTTP1_FAULT_NONE)
            return;
        more = visit->control ? serve_control(visit, &request, answer)
                              : serve_site(visit, &request, answer);
        // What is sent to this toy is not kept: a body ends the connection.
        more = more && request.framing == HTTP_FRAMING_NONE;
        memmove(buffer, buffer + end, size - end);
        size -= end;
    }
    shutdown(visit->socket, SHUT_WR);
    recv(visit->socket, buffer, sizeof(buffer), MSG_DONTWAIT);
}

static void *visit_main(void *argument)
{
    struct visit *visit = argument;
    struct answer answer = {.content = malloc(CONTENT_MAX)};
    if (answer.content != NULL)
        converse(visit, &answer);
    unregister_connection(visit->backend, visit->socket);
    free(answer.content);
    free(visit);
    return NULL;
}

static void accept_one(struct backend *backend, int listener, bool control)
{
    pthread_t thread;
    int yes = 1, client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)); // heads and bodies go apart
    struct visit *visit = malloc(sizeof(*visit));
    if (visit == NULL || (!control && !register_connection(backend, client))) {
        free(visit);
        close(client);
        return;
    }
    *visit = (struct visit){.backend = backend, .socket = client, .control = control};
    if (pthread_create(&thread, NULL, visit_main, visit) != 0) {
        unregister_connection(backend, client);
        free(visit);
        return;
    }
    pthread_detach(thread);
}

// Opens or closes the site's port as the mode has it.
static void follow_mode(struct backend *backend)
{
    pthread_mutex_lock(&backend->mutex);
    bool open = backend->mode != MODE_DEAD;
    if (open && !backend->open)
        backend->listener = listen_on(&backend->address);
    else if (!open && backend->open)
        close(backend->listener);
    if (open != backend->open) {
        backend->open = open;
        pthread_cond_broadcast(&backend->changed);
    }
    pthread_mutex_unlock(&backend->mutex);
}

int main(int count, char **arguments)
{
    static struct backend backend = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct sockaddr_in control = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (count < 2 || count > 4) {
        fprintf(stderr, "usage: demo.backend NAME [PORT [CONTROL_PORT]]\n");
        return 64;
    }
    backend.name = arguments[1];
    backend.address = control;
    backend.address.sin_port = htons((uint16_t)(count > 2 ? atoi(arguments[2]) : 0));
    control.sin_port = htons((uint16_t)(count > 3 ? atoi(arguments[3]) : 0));
    signal(SIGPIPE, SIG_IGN);
    follow_mode(&backend);
    backend.control = listen_on(&control);
    printf("%s %u %u\n", backend.name, ntohs(backend.address.sin_port), ntohs(control.sin_port));
    fflush(stdout);
    for (;;) {
        struct pollfd wait[] = {{.fd = backend.control, .events = POLLIN},
            {.fd = backend.open ? backend.listener : -1, .events = POLLIN}};
        if (poll(wait, 2, 20) > 0) {
            if (wait[0].revents != 0)
                accept_one(&backend, backend.control, true);
            if (wait[1].revents != 0)
                accept_one(&backend, backend.listener, false);
        }
        follow_mode(&backend);
    }
}
