// One task accepts, one task per connection reads and answers.
#include "sim/origin_inside.h"

#include "base/hash.h"
#include "base/invariant.h"
#include "http/cache_control.h"
#include "sim/content.h"

#include <stdlib.h>

#define FIRST_WAIT_MS 30000
#define SLOW_MS 900

struct connection {
    struct sim_origin *origin;
    struct io_socket socket;
    struct sim_wire wire;
    struct sim_head request;
    char head[SIM_ORIGIN_HEAD];
    char piece[SIM_ORIGIN_PIECE + 32];
    unsigned served;
};

// Reading a request.

struct upload_check {
    struct sim_run *run;
    uint64_t seed, at, id;
};

static enum error take_upload(void *argument, struct slice bytes)
{
    struct upload_check *check = argument;
    uint64_t wrong = sim_content_check(check->seed, check->at, bytes);
    if (wrong != UINT64_MAX)
        sim_fail(check->run, "upload %" PRIu64 ": the origin got a wrong byte at %" PRIu64,
            check->id, wrong);
    check->at += bytes.size;
    return ERROR_NONE;
}

void sim_origin_check_trailer(struct sim_run *run, const struct sim_head *request,
    struct slice lines)
{
    char expected[64];
    uint64_t id = sim_head_number(request, "x-upload", 0);
    bool announced = sim_head_number(request, "x-has-trailer", 0) != 0;
    if (sim_head_value(request, "via", NULL).data == NULL)
        return; // nobody stands between who would have cleaned it
    struct text text = text_in(expected, sizeof(expected));
    if (announced)
        text_format(&text, "X-Upload-End: %" PRIu64 "\n", id);
    // Where memory is short they may be missing.
    if (slice_equal_nocase(lines, text_slice(&text)) || (run->tolerant && lines.size == 0))
        return;
    sim_fail(run, "upload %" PRIu64 ": after its content came \"%.*s\"", id, SLICE_ARGS(lines));
}

// A second one with the same key is the first one once more.
static bool origin_honours(const struct sim_origin *origin, const struct sim_head *request)
{
    return origin->honours_keys && sim_head_value(request, "idempotency-key", NULL).data != NULL;
}

static enum error read_upload(struct task *task, struct connection *connection)
{
    struct sim_run *run = connection->origin->run;
    enum sim_framing framing;
    uint64_t length, id = sim_head_number(&connection->request, "x-upload", 0);
    if (!sim_head_framing(&connection->request, SIM_FRAMING_NONE, &framing, &length)) {
        sim_fail(run, "the origin got a request with contradicting framing");
        return ERROR_PROTOCOL;
    }
    if (framing == SIM_FRAMING_NONE && id == 0)
        return ERROR_NONE;
    struct sim_upload *upload = sim_site_upload(&run->site, id);
    upload->begun++;
    if (slice_equal_nocase(
            sim_head_value(&connection->request, "expect", NULL), SLICE("100-continue"))) {
        enum error error = sim_wire_send(
            task, &connection->wire, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
        if (error != ERROR_NONE)
            return error;
    }
    struct upload_check check = {run, sim_upload_seed(id), 0, id};
    enum error error = sim_wire_body(task, &connection->wire, framing, length, take_upload, &check);
    if (error != ERROR_NONE)
        return error;
    bool is_repeated = origin_honours(connection->origin, &connection->request)
        && upload->complete > 0;
    upload->complete += !is_repeated;
    upload->arrival = ++run->site.arrivals;
    if (framing == SIM_FRAMING_CHUNKED)
        sim_origin_check_trailer(run, &connection->request,
            slice_of(connection->wire.trailer, connection->wire.trailer_size));
    if (check.at != sim_head_number(&connection->request, "x-upload-size", 0))
        sim_fail(run, "upload %" PRIu64 ": the origin got %" PRIu64 " bytes, complete as it seemed",
            id, check.at);
    return ERROR_NONE;
}

// Deciding what to answer.

static struct sim_fault roll_fault(struct sim_origin *origin, const struct sim_head *request,
    struct slice path, unsigned served)
{
    struct sim_fault fault = origin->fault;
    struct random *random = sim_random(origin->run);
    bool meant = (fault.prefix == NULL || slice_starts_with(path, slice_from_string(fault.prefix)))
        && (served > 1 || !fault.kept_only)
        && (!fault.ranges_only || sim_head_value(request, "if-range", NULL).data != NULL);
    if (fault.kind == SIM_FAULT_NONE || !meant ||
        (fault.permille != 0 && !random_chance(random, fault.permille, 1000)))
        return (struct sim_fault){.kind = SIM_FAULT_NONE};
    if (fault.how == SIM_HOW_ANY)
        fault.how = (enum sim_fault_how)random_below(random, 2); // a stall is asked for by name
    origin->faults++;
    sim_trouble(origin->run);
    return fault;
}

static bool etag_listed(struct slice list, struct slice etag)
{
    while (list.data != NULL) {
        struct slice one = slice_trim(slice_cut(&list, ','));
        if (slice_equal(one, etag) || slice_equal(one, SLICE("*")))
            return true;
    }
    return false;
}

static void choose_range(const struct sim_head *request, enum sim_lie lie,
    struct sim_response *response)
{
    if (!response->page->ranges || response->status != 200
        || !sim_head_range(request, response->etag, response->size, &response->first,
            &response->end))
        return;
    response->status = 206;
    response->framing = SIM_FRAMING_LENGTH;
    response->lie = sim_head_value(request, "if-range", NULL).data != NULL ? lie : SIM_LIE_NONE;
}

// A 206 that is not what it was asked to be.
static void tell_lie(struct sim_response *response)
{
    switch (response->lie) {
    case SIM_LIE_FIRST:
        response->first = response->first > 0 ? response->first - 1 : 1;
        break;
    case SIM_LIE_LAST:
        response->end -= response->end - response->first > 1;
        break;
    case SIM_LIE_ETAG:
        response->etag[1] ^= 1;
        break;
    case SIM_LIE_WEAK:
        memmove(response->etag + 2, response->etag, sizeof(response->etag) - 2);
        memcpy(response->etag, "W/", 2);
        break;
    case SIM_LIE_TOTAL:
        response->size++;
        break;
    case SIM_LIE_416:
        response->status = 416;
        break;
    case SIM_LIE_NONE:
    case SIM_LIE_PARTS:
    case SIM_LIE_CODING:
    case SIM_LIES:
        break;
    }
}

static void choose_content(struct sim_origin *origin, const struct sim_head *request,
    struct sim_response *response)
{
    const struct sim_page *page = response->page;
    response->version = sim_site_version(
        &origin->run->site, page, sim_world_now_ns(origin->run->world));
    if (page->vary != NULL)
        response->variant = sim_head_value(request, page->vary, NULL);
    else if (page->is_private)
        response->variant = sim_head_value(request, "x-client", NULL);
    response->seed = sim_content_seed(response->path, response->version, response->variant);
    response->size = response->end = sim_page_size(page, response->path);
    if (page->etag != SIM_ETAG_NONE)
        snprintf(response->etag, sizeof(response->etag), "%s\"%" PRIx64 "\"",
            page->etag == SIM_ETAG_WEAK ? "W/" : "", response->seed);
    struct slice none_match = sim_head_value(request, "if-none-match", NULL);
    if (page->etag != SIM_ETAG_NONE && etag_listed(none_match, slice_from_string(response->etag)))
        response->status = 304;
    else
        choose_range(request, origin->lie, response);
    origin->ranges += response->status == 206;
    origin->lies += response->lie != SIM_LIE_NONE;
    tell_lie(response);
}

// Of a sibling, who gives what it holds only to those who ask for a copy and know the secret.
static bool is_held(const struct sim_origin *origin, const struct sim_head *request,
    struct slice path)
{
    return origin->sibling_of == NULL
        || (slice_starts_with(path, slice_from_string(origin->sibling_of))
            && sim_head_value(request, "afloat-peer", NULL).data != NULL
            && slice_starts_with(sim_head_value(request, "cache-control", NULL),
                SLICE("only-if-cached")));
}

void sim_origin_choose(struct sim_origin *origin, const struct sim_head *request, unsigned served,
    struct sim_response *response)
{
    memset(response, 0, sizeof(*response));
    response->asked_ms = sim_world_now_ns(origin->run->world) / NS_PER_MS;
    response->method = request->line[0];
    struct slice rest = request->line[1];
    response->path = slice_cut(&rest, '?');
    response->variant = SLICE("");
    response->page = sim_site_page(&origin->run->site, response->path);
    response->fault = roll_fault(origin, request, response->path, served);
    response->keep = origin->requests_each == 0 || served < origin->requests_each;
    response->framing = SIM_FRAMING_LENGTH;
    if (response->fault.kind == SIM_FAULT_STATUS) {
        response->status = response->fault.status;
    } else if (response->page == NULL || !is_held(origin, request, response->path)) {
        response->status = 404;
    } else {
        response->status = response->page->status == 0 ? 200 : response->page->status;
        response->framing = response->page->framing;
        choose_content(origin, request, response);
    }
    response->has_body = !slice_equal(response->method, SLICE("HEAD")) && response->status != 304 &&
        response->status != 204;
    if (response->framing == SIM_FRAMING_CLOSE && response->has_body)
        response->keep = false;
}

// Sending it.

struct slice sim_origin_write_head(struct sim_origin *origin, const struct sim_response *response,
    char *buffer)
{
    struct text text = text_in(buffer, SIM_ORIGIN_HEAD);
    text_format(&text,
        "HTTP/1.1 %u Something\r\nServer: sim\r\nX-Hop: secret\r\nConnection: X-Hop%s\r\n",
        response->status, response->keep ? "" : ", close");
    text_format(&text, "X-Backend: %s\r\n", origin->host);
    if (origin->sibling_of != NULL && response->status == 200)
        text_append(&text, SLICE("Age: 0\r\n"));
    if (origin->tells_date) {
        char date[HTTP_DATE_SIZE];
        http_date_format(
            (sim_true_wall_ms(origin->run->world) + origin->clock_offset_ms) / 1000, date);
        text_format(&text, "Date: %.*s\r\n", (int)sizeof(date), date);
    }
    if (response->fault.kind == SIM_FAULT_STATUS && response->fault.retry_after_s != 0)
        text_format(&text, "Retry-After: %" PRIu64 "\r\n", response->fault.retry_after_s);
    if (response->version != 0) {
        const struct sim_page *page = response->page;
        text_format(&text,
            "X-Version: %" PRIu64 "\r\nX-Asked: %" PRIu64 "\r\nX-Born: %" PRIu64 "\r\n"
            "X-Path: %.*s\r\n",
            response->version, response->asked_ms, sim_world_now_ns(origin->run->world) / NS_PER_MS,
            SLICE_ARGS(response->path));
        text_append(&text, response->lie == SIM_LIE_PARTS
            ? SLICE("Content-Type: multipart/byteranges; boundary=THIS\r\n")
            : SLICE("Content-Type: text/html\r\n"));
        text_format(&text, "X-Variant: %.*s\r\nX-Size: %" PRIu64 "\r\n",
            SLICE_ARGS(response->variant), response->size);
        if (page->cache_control != NULL)
            text_format(&text, "Cache-Control: %s\r\n", page->cache_control);
        if (page->vary != NULL)
            text_format(&text, "Vary: %s\r\n", page->vary);
        if (page->etag != SIM_ETAG_NONE)
            text_format(&text, "ETag: %s\r\n", response->etag);
        if (page->fields != NULL)
            text_append(&text, slice_from_string(page->fields));
    }
    if (response->lie == SIM_LIE_CODING)
        text_append(&text, SLICE("Content-Encoding: gzip\r\n"));
    if (response->status == 416)
        text_format(&text, "Content-Range: bytes */%" PRIu64 "\r\n", response->size);
    if (response->status == 206 && response->lie != SIM_LIE_PARTS)
        text_format(&text, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
            response->first, response->end - 1, response->size);
    if (response->status != 304 && response->status != 204) {
        uint64_t length = response->end - response->first;
        if (response->fault.kind == SIM_FAULT_LENGTH)
            length = (uint64_t)MAXIMUM((int64_t)length + response->fault.amount, 0);
        if (response->framing == SIM_FRAMING_LENGTH)
            text_format(&text, "Content-Length: %" PRIu64 "\r\n", length);
        else if (response->framing == SIM_FRAMING_CHUNKED)
            text_append(&text, SLICE("Transfer-Encoding: chunked\r\n"));
    }
    text_append(&text, SLICE("\r\n"));
    invariant(!text.full);
    return text_slice(&text);
}

// Ends the connection the way the fault wants it.
static enum error fall(struct task *task, struct connection *connection, enum sim_fault_how how)
{
    size_t size;
    enum error error = ERROR_NONE;
    switch (how) {
    case SIM_HOW_STALL:
        while (error == ERROR_NONE) // until the other side gives up
            error = io_receive(task, &connection->socket, connection->piece, SIM_ORIGIN_PIECE,
                sim_in_ms(task, SIM_ORIGIN_WAIT_MS), &size);
        break;
    case SIM_HOW_RESET:
    case SIM_HOW_ANY:
        io_reset(&connection->socket);
        break;
    case SIM_HOW_END:
        break;
    }
    return ERROR_CLOSED;
}

static enum error send_piece(struct task *task, struct connection *connection,
    const struct sim_response *response, uint64_t at, size_t size)
{
    size_t head = 0;
    if (response->framing == SIM_FRAMING_CHUNKED && response->status != 206)
        head = (size_t)snprintf(connection->piece, 24, "%zx\r\n", size);
    sim_content_fill(response->seed, at, connection->piece + head, size);
    size_t total = head + size;
    if (head > 0) {
        memcpy(connection->piece + total, "\r\n", 2);
        total += 2;
    }
    return sim_wire_send(task, &connection->wire, slice_of(connection->piece, total));
}

static enum error send_body(struct task *task, struct connection *connection,
    const struct sim_response *response)
{
    struct sim_origin *origin = connection->origin;
    struct random *random = sim_random(origin->run);
    uint64_t at = response->first, cut = UINT64_MAX;
    if (response->fault.kind == SIM_FAULT_IN_BODY)
        cut = at + random_below(random, MAXIMUM(response->end - at, 1));
    while (at < response->end) {
        size_t size = 1 + (size_t)random_below(random, SIM_ORIGIN_PIECE);
        size = (size_t)MINIMUM((uint64_t)size, MINIMUM(response->end, cut) - at);
        if (size == 0)
            break;
        enum error error = send_piece(task, connection, response, at, size);
        if (error == ERROR_NONE && origin->chunk_delay_ms > 0)
            error = task_sleep_until(task, sim_in_ms(task, origin->chunk_delay_ms));
        if (error != ERROR_NONE)
            return error;
        at += size;
    }
    if (cut != UINT64_MAX) // a body delimited by the end of the connection must not end properly
        return fall(task, connection, response->framing == SIM_FRAMING_CLOSE &&
            response->fault.how == SIM_HOW_END ? SIM_HOW_RESET : response->fault.how);
    if (response->framing == SIM_FRAMING_CHUNKED && response->status != 206)
        return sim_wire_send(task, &connection->wire, SLICE("0\r\n\r\n"));
    return ERROR_NONE;
}

static enum error send_garbage(struct task *task, struct connection *connection,
    const struct sim_response *response)
{
    static const char *const garbage[] = {
        "HTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nNo colon here\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
    };
    struct random *random = sim_random(connection->origin->run);
    // Without content there is nothing wrong with the last one.
    size_t count = ARRAY_SIZE(garbage) - slice_equal(response->method, SLICE("HEAD"));
    const char *chosen = garbage[random_below(random, count)];
    enum error error = sim_wire_send(task, &connection->wire, slice_from_string(chosen));
    return error != ERROR_NONE ? error : fall(task, connection, SIM_HOW_END);
}

static enum error send_response(struct task *task, struct connection *connection,
    const struct sim_response *response)
{
    enum sim_fault_kind fault = response->fault.kind;
    enum error error = ERROR_NONE;
    if (fault == SIM_FAULT_BEFORE_HEAD)
        return fall(task, connection, response->fault.how);
    if (fault == SIM_FAULT_GARBAGE)
        return send_garbage(task, connection, response);
    struct slice head = sim_origin_write_head(connection->origin, response, connection->head);
    if (fault == SIM_FAULT_IN_HEAD) {
        head.size = 1 + (size_t)random_below(sim_random(connection->origin->run), head.size - 1);
        error = sim_wire_send(task, &connection->wire, head);
        return error != ERROR_NONE ? error : fall(task, connection, response->fault.how);
    }
    error = sim_wire_send(task, &connection->wire, head);
    if (error == ERROR_NONE && response->has_body)
        error = send_body(task, connection, response);
    if (error == ERROR_NONE && (fault == SIM_FAULT_AFTER_RESPONSE || fault == SIM_FAULT_LENGTH))
        error = fall(task, connection, response->fault.how == SIM_HOW_ANY ? SIM_HOW_END :
            response->fault.how);
    return error;
}

// One after another, in the order in which they came.
static enum error be_served(struct task *task, struct sim_origin *origin)
{
    uint64_t service_ns = origin->service_ms * NS_PER_MS;
    origin->free_at_ns = MAXIMUM(origin->free_at_ns, task_now_ns(task)) + service_ns;
    origin->inside++;
    origin->inside_most = MAXIMUM(origin->inside_most, origin->inside);
    enum error error = task_sleep_until(task, origin->free_at_ns);
    origin->inside--;
    return error;
}

enum error sim_origin_wait(struct task *task, struct sim_origin *origin,
    const struct sim_fault *fault)
{
    uint64_t ms = origin->delay_ms;
    if (origin->service_ms > 0)
        return be_served(task, origin);
    if (origin->spread_ms > 0)
        ms += random_below(sim_random(origin->run), origin->spread_ms + 1);
    if (fault->kind == SIM_FAULT_DELAY || fault->kind == SIM_FAULT_STATUS)
        ms += fault->delay_ms;
    if (ms == 0)
        return ERROR_NONE;
    if (ms >= SLOW_MS) // copies may go out instead
        sim_trouble(origin->run);
    return task_sleep_until(task, sim_in_ms(task, ms));
}

static enum error answer_health(struct task *task, struct connection *connection)
{
    struct sim_origin *origin = connection->origin;
    origin->health_requests++;
    struct text text = text_in(connection->head, sizeof(connection->head));
    text_format(&text, "HTTP/1.1 %u Health\r\nContent-Length: 0\r\n\r\n", origin->health_status);
    return sim_wire_send(task, &connection->wire, text_slice(&text));
}

uint64_t sim_origin_idle_ms(struct sim_origin *origin)
{
    if (origin->idle_spread_ms == 0)
        return origin->idle_ms;
    return origin->idle_ms + random_below(sim_random(origin->run), origin->idle_spread_ms + 1);
}

struct sim_path *sim_origin_begin(struct sim_origin *origin, const struct sim_head *request,
    const struct sim_response *response)
{
    struct sim_path *path =
        sim_site_path(&origin->run->site, response->path, response->variant);
    origin->requests++;
    origin->not_modified += response->status == 304;
    path->requests++;
    path->fetching++;
    path->fetching_most = MAXIMUM(path->fetching_most, path->fetching);
    sim_trace(origin->run->world, "origin %s: %.*s %.*s -> %u", origin->host,
        SLICE_ARGS(request->line[0]), SLICE_ARGS(response->path), response->status);
    return path;
}

static enum error answer_site(struct task *task, struct connection *connection, bool *ret_last)
{
    struct sim_origin *origin = connection->origin;
    struct sim_response response;
    sim_origin_choose(origin, &connection->request, connection->served, &response);
    struct sim_path *path = sim_origin_begin(origin, &connection->request, &response);
    enum error error = ERROR_NONE;
    bool early = response.page != NULL && response.page->early_status != 0;
    if (early) {
        response.status = response.page->early_status;
        response.keep = false;
    } else {
        error = read_upload(task, connection);
    }
    if (error == ERROR_NONE)
        error = sim_origin_wait(task, origin, &response.fault);
    if (error == ERROR_NONE)
        error = send_response(task, connection, &response);
    if (error == ERROR_NONE && early && random_chance(sim_random(origin->run), 1, 2))
        error = fall(task, connection, SIM_HOW_STALL);
    path->fetching--;
    *ret_last = error == ERROR_NONE && !response.keep;
    return error;
}

// Says everything back, until the other side ends.
static enum error answer_tunnel(struct task *task, struct connection *connection)
{
    struct sim_origin *origin = connection->origin;
    const struct sim_head *request = &connection->request;
    struct sim_fault fault = roll_fault(origin, request, request->line[1], 1);
    struct random *random = sim_random(origin->run);
    uint64_t left = fault.kind == SIM_FAULT_IN_BODY ? random_below(random, 10000) : UINT64_MAX;
    if (fault.kind == SIM_FAULT_BEFORE_HEAD)
        return fall(task, connection, fault.how);
    origin->tunnels++;
    enum error error = sim_wire_send(task, &connection->wire, SLICE("HTTP/1.1 101 Switching\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    struct sim_wire *wire = &connection->wire;
    while (error == ERROR_NONE) {
        size_t size = wire->end - wire->begin;
        if (size > 0)
            error = sim_wire_send(task, wire, slice_of(wire->buffer + wire->begin, size));
        wire->begin = wire->end = 0;
        if (size > left)
            return fall(task, connection, fault.how);
        left -= left == UINT64_MAX ? 0 : size;
        if (error == ERROR_NONE)
            error = io_receive(task, &connection->socket, wire->buffer, sizeof(wire->buffer),
                sim_in_ms(task, SIM_ORIGIN_WAIT_MS), &wire->end);
    }
    return ERROR_CLOSED;
}

// Ends properly: a close with requests unread would reset the connection under the last response.
static void linger(struct task *task, struct connection *connection)
{
    size_t size;
    enum error error = ERROR_NONE;
    io_end(&connection->socket);
    while (error == ERROR_NONE)
        error = io_receive(task, &connection->socket, connection->piece, SIM_ORIGIN_PIECE,
            sim_in_ms(task, 2000), &size);
}

static void serve_connection(struct task *task, void *argument)
{
    struct connection *connection = argument;
    struct sim_origin *origin = connection->origin;
    if (origin->http2) {
        sim_origin_serve_http2(task, origin, &connection->socket);
        free(connection);
        return;
    }
    sim_wire_init(&connection->wire, &connection->socket, origin->idle_ms);
    enum error error = ERROR_NONE;
    bool last = false;
    while (error == ERROR_NONE && !last) {
        connection->wire.wait_ms =
            connection->served == 0 ? FIRST_WAIT_MS : sim_origin_idle_ms(origin);
        error = sim_wire_head(task, &connection->wire, &connection->request);
        if (error == ERROR_PROTOCOL)
            sim_fail(origin->run, "the origin got %s", connection->wire.fault);
        if (error != ERROR_NONE)
            break;
        connection->wire.wait_ms = SIM_ORIGIN_WAIT_MS;
        connection->served++;
        bool health = origin->health_path != NULL &&
            slice_equal(connection->request.line[1], slice_from_string(origin->health_path));
        bool tunnel = sim_head_value(&connection->request, "upgrade", NULL).data != NULL;
        error = health ? answer_health(task, connection)
            : tunnel ? answer_tunnel(task, connection) : answer_site(task, connection, &last);
    }
    if (last)
        linger(task, connection);
    io_close(&connection->socket);
    free(connection);
}

static void accept_connections(struct task *task, void *argument)
{
    struct sim_origin *origin = argument;
    for (;;) {
        struct connection *connection = sim_alloc(sizeof(*connection));
        struct address peer;
        connection->origin = origin;
        enum error error = io_accept(task, &origin->listener, &connection->socket, &peer, NEVER_NS);
        if (error != ERROR_NONE) {
            free(connection);
            break;
        }
        origin->connections++;
        sim_start(origin->run, &origin->run->origins, serve_connection, connection);
    }
    io_close(&origin->listener);
}

struct sim_origin *sim_origin_start(struct sim_run *run, const char *host)
{
    struct sim_origin *origin = sim_alloc(sizeof(*origin));
    origin->run = run;
    origin->host = host;
    origin->health_status = 200;
    origin->idle_ms = 30000;
    list_append(&run->origin_list, &origin->link);
    struct text text;
    char name[64];
    text = text_in(name, sizeof(name));
    text_format(&text, "%s:80", host);
    enum error error = address_parse(text_slice(&text), &origin->address);
    invariant(error == ERROR_NONE);
    error = io_listen(sim_world_outside(run->world), &origin->address, &origin->listener);
    invariant(error == ERROR_NONE);
    sim_start(run, &run->origins, accept_connections, origin);
    return origin;
}

void sim_origin_set(struct sim_origin *origin, struct sim_fault fault)
{
    origin->fault = fault;
    origin->run->troubled = fault.kind != SIM_FAULT_NONE;
    sim_trouble(origin->run);
}

void sim_origin_kill(struct sim_origin *origin)
{
    sim_host_set(origin->run->world, origin->host, SIM_HOST_REFUSING);
    origin->run->troubled = true;
    sim_trouble(origin->run);
}

void sim_origin_revive(struct sim_origin *origin)
{
    sim_host_set(origin->run->world, origin->host, SIM_HOST_UP);
    origin->run->troubled = false;
    sim_trouble(origin->run);
}
