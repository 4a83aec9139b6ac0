// The metrics' own little HTTP server: one GET per connection, read by the same strict parser as
// visitors' requests.
#include "admin/metrics.h"
#include "admin/blocking.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIELDS_MAX 64

struct metrics {
    int listener, stop; // stop: an eventfd
    struct status_source *source;
    pthread_t thread;
};

struct metrics_request {
    char buffer[METRICS_REQUEST_MAX];
    struct http_field fields[FIELDS_MAX];
    struct http_request_head head;
};

// NONE and the head in *request; PROTOCOL when it is malformed; else there is nobody to answer.
static enum error receive_request(int client, struct metrics_request *request)
{
    static const struct http1_limits limits = {.head_size = METRICS_REQUEST_MAX,
        .line_size = METRICS_REQUEST_MAX / 2,
        .field_count = FIELDS_MAX};
    uint64_t deadline = clock_now_ms() + METRICS_TIMEOUT_MS;
    struct http1_scan scan = {0};
    size_t size = 0, end = 0;
    for (;;) {
        size_t got;
        if (size == sizeof(request->buffer))
            return ERROR_PROTOCOL;
        enum error error = blocking_receive(
            client, request->buffer + size, sizeof(request->buffer) - size, deadline, &got);
        if (error != ERROR_NONE)
            return error;
        size += got;
        enum http1_progress progress =
            http1_scan(&scan, slice_of(request->buffer, size), &limits, &end);
        if (progress == HTTP1_FAULT)
            return ERROR_PROTOCOL;
        if (progress == HTTP1_DONE)
            break;
    }
    request->head.fields = (struct http_fields){.items = request->fields, .capacity = FIELDS_MAX};
    struct slice head = slice_of(request->buffer + scan.begin, end - scan.begin);
    return http1_parse_request(head, &limits, &request->head) == HTTP1_FAULT_NONE ? ERROR_NONE
                                                                                  : ERROR_PROTOCOL;
}

static void respond(
    int client, unsigned status, const char *fields, struct slice content, bool head_only)
{
    char buffer[512];
    struct text text = text_in(buffer, sizeof(buffer));
    text_format(&text, "HTTP/1.1 %u %.*s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
        status, SLICE_ARGS(http_reason(status)), content.size, fields);
    enum error error = blocking_send(client, text_slice(&text), METRICS_TIMEOUT_MS);
    if (error == ERROR_NONE && !head_only)
        error = blocking_send(client, content, METRICS_TIMEOUT_MS);
    // Who left before the end does not want to know; who stayed reads the end now.
    if (error == ERROR_NONE)
        shutdown(client, SHUT_WR);
}

static void respond_with_metrics(struct metrics *metrics, int client, bool head_only)
{
    char *content;
    size_t size;
    status_source_await(metrics->source);
    if (metrics_build(metrics->source, &content, &size) != ERROR_NONE) {
        respond(client, 500, "Content-Type: text/plain\r\n", SLICE("out of memory\n"), head_only);
        return;
    }
    respond(client, 200,
        "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\nCache-Control: no-store\r\n",
        slice_of(content, size), head_only);
    memory_free(content);
}

static void serve(void *context, int client)
{
    struct metrics_request request;
    enum error error = receive_request(client, &request);
    bool head_only = error == ERROR_NONE && request.head.method == HTTP_METHOD_HEAD;
    if (error == ERROR_PROTOCOL)
        respond(client, 400, "", SLICE("malformed request\n"), false);
    else if (error != ERROR_NONE)
        return;
    else if (request.head.method != HTTP_METHOD_GET && !head_only)
        respond(client, 405, "Allow: GET, HEAD\r\n", SLICE("GET only\n"), false);
    else if (!slice_equal(request.head.path, SLICE("/metrics")))
        respond(client, 404, "", SLICE("there is only /metrics\n"), head_only);
    else
        respond_with_metrics(context, client, head_only);
}

static void *serve_main(void *argument)
{
    struct metrics *metrics = argument;
    blocking_serve(metrics->listener, metrics->stop, serve, metrics);
    return NULL;
}

static enum error listen_at(struct address *address, int *ret_listener)
{
    int yes = 1;
    socklen_t size = sizeof(*address);
    if (address->any.sa_family == AF_UNIX)
        return ERROR_INVALID;
    int listener = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0)
        return error_from_errno(errno);
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(listener, &address->any, address_size(address)) < 0 || listen(listener, 16) < 0 ||
        getsockname(listener, &address->any, &size) < 0) {
        enum error error = error_from_errno(errno);
        close(listener);
        return error;
    }
    *ret_listener = listener;
    return ERROR_NONE;
}

static void end_metrics(struct metrics *metrics)
{
    if (metrics->listener >= 0)
        close(metrics->listener);
    if (metrics->stop >= 0)
        close(metrics->stop);
    memory_free(metrics);
}

enum error metrics_start(
    struct address *address, struct status_source *source, struct metrics **ret_metrics)
{
    struct metrics *metrics = memory_zero_alloc(sizeof(*metrics));
    if (metrics == NULL)
        return ERROR_MEMORY;
    metrics->source = source;
    metrics->listener = metrics->stop = -1;
    enum error error = listen_at(address, &metrics->listener);
    if (error == ERROR_NONE) {
        metrics->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        error = metrics->stop < 0 ? error_from_errno(errno)
                                  : thread_start(&metrics->thread, "metrics", serve_main, metrics);
    }
    if (error != ERROR_NONE) {
        end_metrics(metrics);
        return error;
    }
    *ret_metrics = metrics;
    return ERROR_NONE;
}

void metrics_stop(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    eventfd_write(metrics->stop, 1);
    pthread_join(metrics->thread, NULL);
    end_metrics(metrics);
}
