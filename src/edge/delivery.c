// Writing answers. A hit is one system call: status line, stored fields, our own fields and the
// first run of content leave together.
#include "edge/delivery.h"
#include "edge/laggard.h"
#include "edge/page.h"
#include "edge/status_field.h"

#include <inttypes.h>

#define TAIL_SIZE 1024         // our own fields
#define CONTENT_STALL_MS 600000 // content that does not come; the fetch's own deadlines are shorter
#define PIECES_MAX 8
#define JITTER_SECONDS 5

// How the content's end is marked towards the visitor.
enum delivery_framing { DELIVERY_NONE, DELIVERY_LENGTH, DELIVERY_CHUNKED, DELIVERY_CLOSE };

struct delivery {
    struct request *request;
    enum delivery_framing framing;
    enum object_selection selection;
    uint64_t at, end;          // of the content: [at, end); end UINT64_MAX: until it ends
    struct iovec pieces[PIECES_MAX];
    size_t count;
    char tail[TAIL_SIZE];
    char chunk_line[20];
};

static void delivery_add(struct delivery *delivery, struct slice piece)
{
    if (piece.size > 0)
        delivery->pieces[delivery->count++] =
            (struct iovec){.iov_base = (void *)(uintptr_t)piece.data, .iov_len = piece.size};
}

enum error delivery_send(struct task *task, struct request *request, const struct iovec *pieces,
    size_t count)
{
    struct connection *connection = request->connection;
    const struct connection_settings *settings = &request->generation->settings->connections;
    enum error error = stream_send(task, &connection->stream, pieces, count, settings->send_timeout_ms,
        NULL);
    if (request->first_byte_ns == 0)
        request->first_byte_ns = task_now_ns(task);
    if (error == ERROR_TIMEOUT)
        ledger_add(request->thread->ledger, LEDGER_SEND_TIMEOUTS, 1);
    if (error != ERROR_NONE)
        connection->last = true;
    return error;
}

enum error delivery_send_continue(struct task *task, struct connection *connection,
    uint64_t timeout_ms)
{
    struct slice line = SLICE("HTTP/1.1 100 Continue\r\n\r\n");
    struct iovec piece = {.iov_base = (void *)(uintptr_t)line.data, .iov_len = line.size};
    return stream_send(task, &connection->stream, &piece, 1, timeout_ms, NULL);
}

// The fields that every answer gets from us.
static void append_own_fields(struct text *text, const struct request *request)
{
    // An answer before the end of the request's content is the last one here, and says so.
    if (!request_body_is_finished(&request->body))
        request->connection->last = true;
    status_field_cache(text, request);
    if (request->status >= 500 || request->failure.kind != FAILURE_NONE)
        status_field_proxy(text, request);
    text_append(text, SLICE("Via: 1.1 "));
    text_append(text, request->generation->settings->name);
    text_append(text, SLICE("\r\nAfloat-Request: "));
    text_append_hex(text, request->id, REQUEST_ID_DIGITS);
    if (request->connection->last)
        text_append(text, SLICE("\r\nConnection: close\r\n"));
    else if (request->head.minor_version == 0)
        text_append(text, SLICE("\r\nConnection: keep-alive\r\n"));
    else
        text_append(text, SLICE("\r\n"));
}

static void append_length(struct text *text, uint64_t length)
{
    text_append(text, SLICE("Content-Length: "));
    text_append_u64(text, length);
    text_append(text, SLICE("\r\n"));
}

static void delivery_add_status_line(struct delivery *delivery, struct arena *arena,
    unsigned status)
{
    struct slice line = http_status_line(status);
    if (line.data == NULL)
        line = arena_printf(arena, "HTTP/1.1 %u \r\n", status);
    if (line.data == NULL)
        line = SLICE("HTTP/1.1 500 Internal Server Error\r\n");
    delivery_add(delivery, line);
}

// --- An object ---

// Fields that describe content which is not sent (RFC 9110 section 15.4.5).
static struct slice fields_without_content(struct request *request, struct slice fields)
{
    char *copy = arena_alloc(&request->arena, fields.size + 1);
    if (copy == NULL)
        return SLICE("");
    struct text text = text_in(copy, fields.size);
    while (fields.size > 0) {
        struct slice line = slice_cut(&fields, '\n');
        struct slice name = line;
        name = slice_cut(&name, ':');
        bool describes = name.size >= 8
            && slice_equal_nocase(slice_of(name.data, 8), SLICE("content-"))
            && !slice_equal_nocase(name, SLICE("content-location"))
            && !slice_equal_nocase(name, SLICE("content-security-policy"));
        if (!describes)
            text_append(&text, slice_of(line.data, line.size + 1));
    }
    return text_slice(&text);
}

static enum delivery_framing framing_for(const struct request *request, const struct object *object,
    uint64_t length)
{
    if (request->head.method == HTTP_METHOD_HEAD || object->body == NULL || request->status == 304)
        return DELIVERY_NONE;
    if (length != UINT64_MAX)
        return DELIVERY_LENGTH;
    return request->head.minor_version >= 1 ? DELIVERY_CHUNKED : DELIVERY_CLOSE;
}

// What of the object this visitor gets: status, range of content, framing.
static void delivery_select(struct delivery *delivery, struct request *request,
    const struct object *object)
{
    uint64_t first = 0, last = 0, length = object_length(object);
    delivery->request = request;
    delivery->at = 0;
    delivery->end = length;
    request->status = object->status;
    delivery->selection = object->storable
        ? object_select(object, &request->head, request->thread->loop->wall_ms / 1000, &first,
            &last)
        : OBJECT_WHOLE; // a pass: the backend has judged the conditions itself
    switch (delivery->selection) {
    case OBJECT_WHOLE:
        break;
    case OBJECT_PART:
        request->status = 206;
        delivery->at = first;
        delivery->end = last + 1;
        length = last + 1 - first;
        break;
    case OBJECT_NOT_MODIFIED:
        request->status = 304;
        break;
    case OBJECT_PRECONDITION_FAILED:
        request->status = 412;
        delivery->end = length = 0;
        break;
    case OBJECT_UNSATISFIABLE:
        request->status = 416;
        delivery->end = length = 0;
        break;
    }
    delivery->framing = framing_for(request, object, length);
    if (delivery->framing == DELIVERY_CLOSE)
        request->connection->last = true;
}

static void delivery_add_object_head(struct delivery *delivery, struct request *request,
    const struct object *object)
{
    struct slice fields = object_fields(object);
    struct text tail = text_in(delivery->tail, TAIL_SIZE);
    if (delivery->selection != OBJECT_WHOLE && delivery->selection != OBJECT_PART)
        fields = fields_without_content(request, fields);
    delivery_add_status_line(delivery, &request->arena, request->status);
    delivery_add(delivery, fields);
    if (object->storable) {
        text_append(&tail, SLICE("Age: "));
        text_append_u64(&tail, object_age_ms(object, request->thread->loop->now_ns) / 1000);
        text_append(&tail, SLICE("\r\n"));
    }
    if (delivery->selection == OBJECT_PART)
        text_format(&tail, "Content-Range: bytes %llu-%llu/%llu\r\n",
            (unsigned long long)delivery->at, (unsigned long long)delivery->end - 1,
            (unsigned long long)object_length(object));
    else if (delivery->selection == OBJECT_UNSATISFIABLE)
        text_format(&tail, "Content-Range: bytes */%llu\r\n",
            (unsigned long long)object_length(object));
    bool has_length = delivery->selection == OBJECT_PRECONDITION_FAILED
        || delivery->selection == OBJECT_UNSATISFIABLE || delivery->framing == DELIVERY_LENGTH
        || (request->head.method == HTTP_METHOD_HEAD && object_length(object) != UINT64_MAX);
    if (has_length && request->status != 304)
        append_length(&tail, delivery->end - delivery->at);
    else if (delivery->framing == DELIVERY_CHUNKED)
        text_append(&tail, SLICE("Transfer-Encoding: chunked\r\n"));
    append_own_fields(&tail, request);
    text_append(&tail, SLICE("\r\n"));
    delivery_add(delivery, text_slice(&tail));
}

// Sends what was gathered, with a run of content (may be empty) in its framing.
static enum error delivery_flush(struct task *task, struct delivery *delivery, struct slice content,
    bool ends)
{
    bool chunked = delivery->framing == DELIVERY_CHUNKED;
    if (content.size > 0) {
        if (chunked)
            delivery_add(delivery, slice_of(delivery->chunk_line,
                http1_chunk_line(delivery->chunk_line, content.size)));
        delivery_add(delivery, content);
        if (chunked)
            delivery_add(delivery, SLICE("\r\n"));
    }
    if (ends && chunked)
        delivery_add(delivery, SLICE("0\r\n\r\n"));
    size_t count = delivery->count;
    delivery->count = 0;
    if (count == 0)
        return ERROR_NONE;
    enum error error = delivery_send(task, delivery->request, delivery->pieces, count);
    if (error == ERROR_NONE) {
        delivery->at += content.size;
        delivery->request->bytes += content.size;
    }
    return error;
}

// Content as it comes, the first run together with the head.
static enum error delivery_send_content(struct task *task, struct delivery *delivery,
    struct body_reader *reader)
{
    while (delivery->at < delivery->end) {
        struct slice content = SLICE_EMPTY;
        enum error error = body_reader_peek(reader, &content);
        if (error == ERROR_BUSY) {
            // Nothing yet: what is gathered must not wait for it.
            error = delivery_flush(task, delivery, SLICE_EMPTY, false);
            if (error != ERROR_NONE)
                return error;
            error = body_reader_next(
                task, reader, deadline_after_ms(task_loop(task), CONTENT_STALL_MS), &content);
        }
        if (error == ERROR_CLOSED && delivery->end == UINT64_MAX)
            break;
        if (error != ERROR_NONE)
            return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
        content.size = MINIMUM(content.size, delivery->end - delivery->at);
        size_t size = content.size;
        error = delivery_flush(task, delivery, content, delivery->at + size == delivery->end);
        if (error != ERROR_NONE)
            return error;
        body_reader_advance(reader, size);
    }
    // Whatever is still gathered: the head of an empty content, the last chunk.
    return delivery_flush(task, delivery, SLICE_EMPTY, delivery->end == UINT64_MAX);
}

// The window of a large transfer has passed this visitor by: he goes on with a fetch of his own.
static enum error delivery_continue_alone(struct task *task, struct delivery *delivery)
{
    enum error error = delivery_flush(task, delivery, SLICE_EMPTY, false);
    if (error != ERROR_NONE)
        return error;
    ledger_add(delivery->request->thread->ledger, LEDGER_RANGE_RESTARTS, 1);
    return laggard_send_rest(task, delivery->request, delivery->at, delivery->end,
        delivery->framing == DELIVERY_CHUNKED);
}

bool delivery_send_object(struct task *task, struct request *request)
{
    struct object *object = request->object;
    struct delivery delivery;
    delivery.count = 0;
    delivery_select(&delivery, request, object);
    delivery_add_object_head(&delivery, request, object);
    enum error error;
    if (delivery.framing == DELIVERY_NONE || delivery.at == delivery.end) {
        body_reader_close(&request->place);
        delivery.framing = DELIVERY_NONE;
        error = delivery_flush(task, &delivery, SLICE_EMPTY, false);
    } else {
        struct body_reader reader;
        body_reader_open(&reader, object->body, delivery.at);
        body_reader_close(&request->place); // which would hold the window back
        error = delivery_send_content(task, &delivery, &reader);
        body_reader_close(&reader);
        if (error == ERROR_LIMIT)
            error = delivery_continue_alone(task, &delivery);
    }
    request->complete = error == ERROR_NONE;
    if (error != ERROR_NONE && request->first_byte_ns == 0)
        return false;
    if (error != ERROR_NONE) {
        request->connection->last = true;
        // The announced length or the missing last chunk tells the visitor that it was cut. Only
        // where the connection's end is the content's must it be a reset, which may cost him bytes.
        if (delivery.framing == DELIVERY_CLOSE)
            stream_reset(&request->connection->stream);
        else
            stream_close(&request->connection->stream);
    }
    return true;
}

// --- Small answers made here ---

void delivery_send_bytes(struct task *task, struct request *request, unsigned status,
    struct slice content_type, struct slice fields, struct slice content)
{
    struct delivery delivery;
    delivery.count = 0;
    delivery.request = request;
    delivery.framing = DELIVERY_LENGTH;
    delivery.at = 0;
    request->status = status;
    if (request->body.connection != NULL) { // NULL: refused before it had a body
        request_body_discard_buffered(&request->body);
        if (!request_body_is_finished(&request->body))
            request->connection->last = true;
    }
    struct text tail = text_in(delivery.tail, TAIL_SIZE);
    char date[HTTP_DATE_SIZE];
    http_date_format(request->thread->loop->wall_ms / 1000, date);
    text_append(&tail, SLICE("Date: "));
    text_append(&tail, slice_of(date, sizeof(date)));
    text_append(&tail, SLICE("\r\nContent-Type: "));
    text_append(&tail, content_type);
    text_append(&tail, SLICE("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"));
    append_length(&tail, content.size);
    append_own_fields(&tail, request);
    text_append(&tail, SLICE("\r\n"));
    delivery_add_status_line(&delivery, &request->arena, status);
    delivery_add(&delivery, fields);
    if (slice_equal(content_type, page_content_type(PAGE_HTML))) {
        delivery_add(&delivery, SLICE("Content-Security-Policy: "));
        delivery_add(&delivery, page_content_security_policy());
        delivery_add(&delivery, SLICE("\r\n"));
    }
    delivery_add(&delivery, text_slice(&tail));
    if (request->head.method == HTTP_METHOD_HEAD)
        content = SLICE_EMPTY;
    request->complete = delivery_flush(task, &delivery, content, false) == ERROR_NONE;
}

// When a probe asks one of the site's backends next; 0: nobody knows.
static int64_t delivery_next_probe_ms(struct request *request)
{
    size_t count = origin_backend_count(request->site->origin);
    struct backend_view *views = arena_alloc(&request->arena, count * sizeof(*views));
    size_t read = views == NULL ? 0 : origin_read_backends(request->site->origin, views, count);
    int64_t next_ms = 0;
    for (size_t i = 0; i < MINIMUM(read, count); i++) {
        int64_t probe_ms = views[i].next_probe_ms;
        if (probe_ms != 0 && (next_ms == 0 || probe_ms < next_ms))
            next_ms = probe_ms;
    }
    return next_ms;
}

// What is true about the failure of this request.
static void delivery_gather_facts(struct request *request, unsigned status,
    struct page_facts *ret_facts)
{
    struct loop *loop = request->thread->loop;
    const struct edge_settings *settings = request->generation->settings;
    struct page_facts facts = {
        .status = status,
        .host = request->host,
        .now_ms = loop->wall_ms,
        .prefix = settings->prefix,
        .secure = page_is_secure(&request->head.fields),
        .overloaded = request->shed,
        .was_write = request->head.method_text.size > 0
            && !http_method_is_safe(request->head.method),
        .retry_after_seconds = 10,
        .jitter_seconds = random_below(&loop->random, JITTER_SECONDS + 1),
    };
    if (request->site != NULL) {
        facts.support = request_site(request)->page.support;
        facts.retry_after_seconds = (request_site(request)->page.retry_after_ms + 999) / 1000;
        if (status >= 500) {
            origin_is_down(request->site->origin, &facts.down_since_ms);
            facts.next_try_ms = request->shed ? 0 : delivery_next_probe_ms(request);
        }
    }
    if (request->failure.retry_after_seconds > facts.retry_after_seconds)
        facts.retry_after_seconds = MINIMUM(request->failure.retry_after_seconds, 3600);
    *ret_facts = facts;
}

// RFC 9110 section 10.2.3; the operator's ETA is better than any guess.
static void delivery_apply_maintenance(struct request *request, struct page_facts *facts,
    struct maintenance *maintenance)
{
    edge_read_maintenance(request->thread->edge, maintenance);
    facts->maintenance = maintenance->on && facts->status == 503;
    if (!facts->maintenance)
        return;
    facts->maintenance_until_ms = maintenance->until_ms;
    facts->message = slice_from_string(maintenance->message);
    if (maintenance->until_ms > facts->now_ms)
        facts->retry_after_seconds = (uint64_t)(maintenance->until_ms - facts->now_ms + 999) / 1000;
}

void delivery_send_page(struct task *task, struct request *request, unsigned status)
{
    struct page_facts facts;
    struct maintenance maintenance;
    char id[REQUEST_ID_DIGITS];
    struct text id_text = text_in(id, sizeof(id));
    text_append_hex(&id_text, request->id, REQUEST_ID_DIGITS);
    delivery_gather_facts(request, status, &facts);
    facts.request_id = text_slice(&id_text);
    delivery_apply_maintenance(request, &facts, &maintenance);
    enum page_form form = page_form_for(&request->head.fields);
    struct slice content = page_error(&request->arena, form, &facts);
    struct slice fields = status >= 500
        ? arena_printf(&request->arena, "Retry-After: %" PRIu64 "\r\n",
            facts.retry_after_seconds + facts.jitter_seconds)
        : status == 405 ? SLICE("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n")
        : SLICE("");
    if (content.data == NULL || fields.data == NULL) {
        content = SLICE("The server is out of memory.\n");
        fields = SLICE("Retry-After: 10\r\n");
        form = PAGE_TEXT;
    }
    delivery_send_bytes(task, request, status, page_content_type(form), fields, content);
}
