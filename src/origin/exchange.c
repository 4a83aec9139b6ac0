// An exchange from choosing a backend to giving the connection back, and what it teaches about the
// backend's health. Reading is exchange_head.c and exchange_body.c, sending exchange_send.c.
#include "base/invariant.h"
#include "base/memory.h"
#include "origin/balance.h"
#include "origin/siblings.h"
#include "http/trailer.h"
#include "origin/http2.h"
#include "origin/overtaken.h"

#include <stdio.h>

void exchange_free(struct exchange *exchange)
{
    exchange_http2_end(exchange);
    connection_close(exchange->connection);
    memory_free(exchange->more_fields);
    memory_free(exchange->trailer.bytes);
    memory_free(exchange->gathered);
    memory_free(exchange->buffer);
    memory_free(exchange->upload);
    backend_release(exchange->backend);
    origin_plan_release(exchange->plan);
    origin_release(exchange->origin);
    memory_free(exchange);
}

static struct exchange *exchange_create(struct task *task, const struct exchange_way *way,
    const struct exchange_request *request)
{
    struct exchange *exchange = memory_zero_alloc(sizeof(*exchange));
    if (exchange == NULL)
        return NULL;
    exchange->origin = origin_reference(way->origin);
    exchange->plan = way->plan;
    atomic_fetch_add_explicit(&way->plan->references, 1, memory_order_relaxed);
    exchange->backend = backend_reference(way->backend);
    exchange->limits = *way->limits;
    exchange->timeouts = way->timeouts;
    exchange->keeps_connections = way->keeps_connections;
    exchange->started_ns = exchange->asked_ns = task_now_ns(task);
    exchange->deadline_ns = NEVER_NS;
    if (way->timeouts.total_ms > 0)
        exchange->deadline_ns = exchange->started_ns + way->timeouts.total_ms * NS_PER_MS;
    exchange->request = request;
    return exchange;
}

// What rests in other loops takes places too: one of it is closed, for whoever asks next.
static void want_place(struct exchange *exchange)
{
    if (atomic_load_explicit(&exchange->backend->connections_idle, memory_order_relaxed) == 0)
        return;
    atomic_store(&exchange->backend->place_wanted, true);
    origins_flush(exchange->origin->origins);
}

enum error exchange_connect(struct task *task, struct exchange *exchange, bool offers_http2,
    struct connection **ret_connection, struct failure *ret_failure)
{
    struct pool_loop *pool = origins_pool(exchange->origin->origins, task_loop(task));
    const struct connection_wish wish = {
        .limit = exchange->keeps_connections ? exchange->plan->settings.pool.connections : 0,
        .deadline_ns =
            exchange_deadline(exchange, task_now_ns(task), exchange->timeouts.connect_ms),
        .tls_client = exchange->plan->settings.tls_client,
        .offers_http2 = offers_http2,
    };
    enum error error = connection_open(task, exchange->backend, pool, &wish,
        &exchange->origin->counters, ret_connection, ret_failure);
    if (error == ERROR_LIMIT && ret_failure->kind == FAILURE_CONNECTION_LIMIT_REACHED)
        want_place(exchange);
    return error;
}

static struct connection *take_kept(struct task *task, struct exchange *exchange)
{
    return pool_take(exchange->backend, origins_pool(exchange->origin->origins, task_loop(task)),
        exchange->plan->settings.tls_client, &exchange->origin->counters);
}

// Unless there is one already.
static enum error open_connection(struct task *task, struct exchange *exchange, bool may_be_kept,
    struct failure *ret_failure)
{
    if (exchange->connection == NULL && may_be_kept)
        exchange->connection = take_kept(task, exchange);
    if (exchange->connection != NULL)
        return ERROR_NONE;
    return exchange_connect(task, exchange, false, &exchange->connection, ret_failure);
}

static struct failure failure_of_sending(enum error error, size_t sent)
{
    struct failure failure = {.kind = FAILURE_INTERNAL, .unsent = sent == 0};
    if (error == ERROR_CANCELLED)
        failure.kind = FAILURE_CANCELLED;
    else if (error == ERROR_TIMEOUT)
        failure.kind = FAILURE_CONNECTION_WRITE_TIMEOUT;
    else if (error == ERROR_CLOSED || error == ERROR_RESET)
        failure.kind = FAILURE_CONNECTION_TERMINATED;
    return failure;
}

// A request that changes nothing by being sent twice, and holds no body that could be lost.
static bool may_use_kept(const struct exchange *exchange)
{
    return exchange->keeps_connections && !exchange->request->fresh_connection
        && exchange->request->upgrade.data == NULL
        && http_method_is_idempotent(exchange->request->method)
        && exchange->request->body.framing == HTTP_FRAMING_NONE;
}

// Connects and sends the request's head. A kept connection that turns out closed before it took a
// byte is replaced once.
static enum error begin_request(struct task *task, struct exchange *exchange,
    struct failure *ret_failure)
{
    bool may_be_kept = may_use_kept(exchange);
    exchange->buffer = memory_alloc(EXCHANGE_BUFFER_SIZE);
    exchange->capacity = EXCHANGE_BUFFER_SIZE;
    if (exchange->buffer == NULL)
        return ERROR_MEMORY;
    for (;;) {
        enum error error = open_connection(task, exchange, may_be_kept, ret_failure);
        if (error != ERROR_NONE)
            return error;
        size_t sent = 0;
        bool reused = exchange->connection->reused;
        if (exchange->request->progress != NULL)
            exchange->request->progress->reused = reused;
        exchange->asked_ns = task_now_ns(task);
        error = exchange_send_head(task, exchange, &sent);
        if (error == ERROR_NONE) {
            exchange->sent = exchange->request->body.framing == HTTP_FRAMING_NONE;
            return ERROR_NONE;
        }
        bool gone = error == ERROR_CLOSED || error == ERROR_RESET;
        if (gone && sent > 0)
            return ERROR_NONE; // an answer may lie there already; reading will tell
        *ret_failure = failure_of_sending(error, sent);
        ret_failure->reused_connection = reused;
        if (!gone || !reused)
            return error;
        count_one(&exchange->origin->counters.stale_connections);
        connection_close(exchange->connection);
        exchange->connection = NULL;
        may_be_kept = false;
    }
}

// Another protocol is only asked for over HTTP/1.1: extended CONNECT is no business of backends'.
static bool may_speak_http2(const struct exchange *exchange)
{
    if (exchange->request->upgrade.data != NULL)
        return false;
    switch ((enum origin_http2)exchange->plan->settings.http2) {
    case HTTP2_OFF:
        return false;
    case HTTP2_PRIOR_KNOWLEDGE:
        return true;
    case HTTP2_NEGOTIATE:
        return exchange->backend->secure;
    }
    return false;
}

// A kept connection of HTTP/1.1 says that this is what was negotiated.
static enum error begin_either(struct task *task, struct exchange *exchange,
    struct failure *ret_failure)
{
    if (exchange->plan->settings.http2 == HTTP2_NEGOTIATE && may_use_kept(exchange))
        exchange->connection = take_kept(task, exchange);
    enum error error = ERROR_NONE;
    if (exchange->connection == NULL)
        error = exchange_http2_begin(task, exchange, ret_failure);
    if (error == ERROR_NONE && exchange->stream == NULL)
        error = begin_request(task, exchange, ret_failure);
    return error;
}

static void note_backend(const struct exchange_way *way, struct failure *failure)
{
    memcpy(failure->backend, way->backend->name, sizeof(failure->backend));
}

// "Not modified", to somebody who did not say what he has, means nothing (RFC 9110 section 15.4.5).
static enum error refuse_unasked(const struct exchange *exchange, struct failure *ret_failure)
{
    if (exchange->head.status != 304 || !exchange->request->unconditional)
        return ERROR_NONE;
    *ret_failure = (struct failure){.kind = FAILURE_PROTOCOL_ERROR};
    return ERROR_PROTOCOL;
}

enum error exchange_begin(struct task *task, const struct exchange_way *way,
    const struct exchange_request *request, struct exchange **ret_exchange,
    struct failure *ret_failure)
{
    struct failure failure = {.kind = FAILURE_INTERNAL, .unsent = true};
    struct exchange *exchange = exchange_create(task, way, request);
    enum error error = exchange == NULL ? ERROR_MEMORY : ERROR_NONE;
    if (error == ERROR_NONE && may_speak_http2(exchange))
        error = begin_either(task, exchange, &failure);
    else if (error == ERROR_NONE)
        error = begin_request(task, exchange, &failure);
    if (error == ERROR_NONE && exchange->stream == NULL) {
        bool reused = exchange->connection->reused;
        exchange->sent_ns = task_now_ns(task);
        if (request->body.framing == HTTP_FRAMING_NONE)
            error = exchange_read_head(task, exchange, &failure);
        else
            error = exchange_upload(task, exchange, &failure);
        failure.reused_connection = reused && exchange->end == 0;
        if (failure.reused_connection && failure.kind == FAILURE_CONNECTION_TERMINATED)
            pool_learn_cut(exchange->connection);
    }
    if (error == ERROR_NONE)
        error = refuse_unasked(exchange, &failure);
    if (error == ERROR_NONE) {
        exchange->request = NULL;
        *ret_exchange = exchange;
        return ERROR_NONE;
    }
    if (exchange != NULL) {
        exchange_avoid_address(task, exchange, &failure);
        if (error != ERROR_CANCELLED || !overtaken_watch(task, exchange))
            exchange_free(exchange);
    }
    note_backend(way, &failure);
    *ret_failure = failure;
    return error;
}

// What an origin says that is in maintenance; any other answer, or failure, says that it is not.
static void note_absence(struct origin *origin, bool says_so, uint64_t now_ns)
{
    absence_note(&origin->absence, says_so, now_ns);
    if (!says_so)
        gate_end_maintenance(&origin->gate, now_ns);
}

bool exchange_is_backends_fault(const struct failure *failure)
{
    switch (failure->kind) {
    case FAILURE_DNS_TIMEOUT:
    case FAILURE_DNS_ERROR:
    case FAILURE_DESTINATION_UNAVAILABLE:
    case FAILURE_CONNECTION_REFUSED:
    case FAILURE_CONNECTION_TIMEOUT:
    case FAILURE_CONNECTION_READ_TIMEOUT:
    case FAILURE_CONNECTION_WRITE_TIMEOUT:
    case FAILURE_RESPONSE_INCOMPLETE:
    case FAILURE_RESPONSE_TIMEOUT:
    case FAILURE_RESPONSE_TRANSFER_CODING:
    case FAILURE_TLS_PROTOCOL_ERROR:
    case FAILURE_TLS_CERTIFICATE_ERROR:
    case FAILURE_TLS_ALERT_RECEIVED:
    case FAILURE_PROTOCOL_ERROR:
    case FAILURE_STATUS:
        return true;
    case FAILURE_CONNECTION_TERMINATED:
        return !failure->reused_connection;
    case FAILURE_NONE:
    case FAILURE_CONNECTION_LIMIT_REACHED:
    case FAILURE_OVERLOAD:
    case FAILURE_RESPONSE_HEADER_TOO_LARGE:
    case FAILURE_RESPONSE_BODY_TOO_LARGE:
    case FAILURE_INTERNAL:
    case FAILURE_CANCELLED:
    case FAILURE_REQUEST_BODY:
        return false;
    }
    return false;
}

void exchange_avoid_address(const struct task *task, const struct exchange *exchange,
    struct failure *failure)
{
    const struct connection *connection = exchange->connection;
    if (connection != NULL && failure->kind != FAILURE_STATUS
        && exchange_is_backends_fault(failure))
        failure->moves_on = addresses_avoid(&exchange->backend->addresses,
            &connection->address, task_now_ns(task));
}

// There was no connection at all: the backend is not there for anybody.
static bool is_nobody_there(enum failure_kind kind)
{
    return kind == FAILURE_DNS_TIMEOUT || kind == FAILURE_DNS_ERROR
        || kind == FAILURE_DESTINATION_UNAVAILABLE || kind == FAILURE_CONNECTION_REFUSED
        || kind == FAILURE_CONNECTION_TIMEOUT || kind == FAILURE_TLS_PROTOCOL_ERROR
        || kind == FAILURE_TLS_CERTIFICATE_ERROR || kind == FAILURE_TLS_ALERT_RECEIVED;
}

static void count_failure(struct origin *origin, struct backend *backend)
{
    count_one(&origin->counters.failures);
    count_one(&backend->failures);
}

void exchange_report_failure(const struct task *task, struct origin *origin,
    const struct origin_plan *plan, struct backend *backend, const struct failure *failure)
{
    char why[128];
    struct loop *loop = task_loop(task);
    if (failure->kind == FAILURE_CANCELLED || failure->kind == FAILURE_REQUEST_BODY)
        return;
    count_failure(origin, backend);
    if (!exchange_is_backends_fault(failure))
        return;
    note_absence(origin, failure->declined && failure->status == 503, loop->now_ns);
    int size = failure->kind == FAILURE_STATUS
        ? snprintf(why, sizeof(why), "status %u", failure->status)
        : snprintf(why, sizeof(why), "%s%s%s", failure_phrase(failure->kind),
            failure->detail[0] == '\0' ? "" : ": ", failure->detail);
    struct health_time time = {loop->now_ns, loop->wall_ms};
    health_report_failure(&backend->health, &plan->rules, time, is_nobody_there(failure->kind),
        slice_of(why, MINIMUM((size_t)size, sizeof(why) - 1)));
    siblings_note_failure(origin, plan, backend, time);
}

bool exchange_is_failing_status(unsigned status)
{
    return status == 500 || status == 502 || status == 503 || status == 504;
}

void exchange_report_success(const struct task *task, struct exchange *exchange)
{
    struct loop *loop = task_loop(task);
    if (!exchange->owes_success)
        return;
    exchange->owes_success = false;
    struct health_time time = {loop->now_ns, loop->wall_ms};
    health_report_success(&exchange->backend->health, &exchange->plan->rules, time,
        exchange->asked_ns);
    siblings_note_answer(exchange->origin, exchange->plan, exchange->backend, exchange->took_ns,
        time);
}

// A good head is no good answer yet: where every content breaks, nobody is well. How long an upload
// took says nothing about how fast the backend answers.
static void report_answer(const struct task *task, struct exchange *exchange,
    const struct exchange_request *request)
{
    struct loop *loop = task_loop(task);
    bool is_upload = request->body.framing != HTTP_FRAMING_NONE;
    if (request->has_failed && exchange->head.status == 500) {
        count_failure(exchange->origin, exchange->backend);
        return;
    }
    uint64_t first_byte_us = exchange_first_byte_us(exchange);
    if (exchange_is_failing_status(exchange->head.status)) {
        struct failure failure;
        failure_from_status(&exchange->head, exchange_backend(exchange), loop->wall_ms / 1000,
            &failure);
        exchange_report_failure(task, exchange->origin, exchange->plan, exchange->backend,
            &failure);
        return;
    }
    if (request->has_failed)
        atomic_store_explicit(&exchange->origin->mended_ns, loop->now_ns, memory_order_relaxed);
    throttle_count_accepted(&exchange->origin->throttle, origin_plan_window_ns(exchange->plan),
        loop->now_ns);
    exchange->owes_success = true;
    exchange->took_ns = is_upload ? 0 : exchange->first_byte_ns - exchange->started_ns;
    if (exchange->body.framing == HTTP_FRAMING_NONE || exchange->head.status == 101)
        exchange_report_success(task, exchange);
    note_absence(exchange->origin, false, loop->now_ns);
    if (is_upload)
        return;
    histogram_add(&exchange->origin->first_byte_us, first_byte_us);
    histogram_add(&exchange->backend->first_byte_us, first_byte_us);
}

// Who was called off although he had taken longer than 95 of 100 do, because somebody else was
// quicker or nobody waits any more, is one of the slow, and counts with what he took at the least.
static void report_called_off(const struct task *task, struct origin *origin,
    const struct origin_plan *plan, struct backend *backend, uint64_t took_ns)
{
    const struct loop *loop = task_loop(task);
    uint64_t p95_ms = backend_quantile_ms(backend, 950);
    siblings_note_called_off(origin, plan, backend, took_ns,
        (struct health_time){loop->now_ns, loop->wall_ms});
    if (p95_ms == 0 || took_ns <= p95_ms * NS_PER_MS)
        return;
    histogram_add(&origin->first_byte_us, took_ns / 1000);
    histogram_add(&backend->first_byte_us, took_ns / 1000);
}

// How long an upload takes is the visitor's matter, and a tunnel is no request.
static bool is_counted(const struct exchange_request *request)
{
    return request->body.framing == HTTP_FRAMING_NONE && request->upgrade.data == NULL;
}

// NULL: none has room.
static struct backend *choose(struct task *task, struct origin *origin, struct origin_plan *plan,
    const struct exchange_request *request, uint64_t *tried)
{
    struct balance_question question = {
        .policy = (enum origin_balance)plan->settings.balance,
        .slow_start_ms = plan->settings.slow_start_ms,
        .tried = *tried,
        .affinity = request->affinity,
        .now_ns = task_now_ns(task),
        .most = plan->limits.most,
        .is_admitted = request->is_admitted || !is_counted(request)
            || !plan->settings.concurrency.adaptive,
        .may_try_sick = http_method_is_idempotent(request->method) && request->upgrade.data == NULL
            && request->body.framing == HTTP_FRAMING_NONE && !request->is_second
            && *tried == 0, // who failed already goes where it is better
    };
    size_t index = balance_choose(plan->backends, plan->backend_count, &question, &origin->cursor,
        &task_loop(task)->random);
    if (index == BALANCE_NONE) {
        for (size_t i = 0; i < plan->backend_count; i++)
            limit_refuse(&plan->backends[i]->limit, &plan->limits, question.now_ns);
        return NULL;
    }
    *tried |= UINT64_C(1) << index;
    if (request->progress != NULL)
        request->progress->backend = index;
    return plan->backends[index];
}

static void enter(struct task *task, struct origin *origin, const struct exchange_way *way,
    const struct exchange_request *request, struct limit_entry *ret_entry)
{
    struct backend *backend = way->backend;
    throttle_count_sent(&origin->throttle, origin_plan_window_ns(way->plan), task_now_ns(task));
    count_one(&origin->counters.attempts);
    count_one(&backend->requests);
    count_one(&backend->in_flight);
    if (is_counted(request))
        *ret_entry = limit_enter(&backend->limit, task_now_ns(task));
    if (request->grant != 0)
        gate_use_grant(&origin->gate, request->grant, task_now_ns(task));
}

// An answer in time, or one that did not come, tells how busy the backend is.
static void leave_limit(struct task *task, struct origin *origin, const struct exchange_way *way,
    const struct limit_entry *entry, bool is_answer)
{
    uint64_t now_ns = task_now_ns(task);
    limit_leave(&way->backend->limit, &way->plan->limits, entry, is_answer, now_ns);
    if (gate_is_crowded(&origin->gate))
        gate_note_room(&origin->gate, now_ns);
}

enum error exchange_open(struct task *task, struct origin *origin,
    const struct exchange_request *request, const struct http1_limits *limits, uint64_t *tried,
    struct exchange **ret_exchange, struct failure *ret_failure)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    struct backend *backend = choose(task, origin, plan, request, tried);
    if (backend == NULL) {
        count_one(&origin->counters.overloads);
        origin_plan_release(plan);
        *ret_failure = (struct failure){.kind = FAILURE_OVERLOAD, .unsent = true};
        return ERROR_LIMIT;
    }
    struct exchange_way way = {.origin = origin, .plan = plan, .backend = backend,
        .limits = limits, .timeouts = plan->settings.timeouts, .keeps_connections = true};
    struct limit_entry entry = {.entered_ns = task_now_ns(task)};
    enter(task, origin, &way, request, &entry);
    enum error error = exchange_begin(task, &way, request, ret_exchange, ret_failure);
    bool is_answer = error == ERROR_NONE ? !exchange_is_failing_status((*ret_exchange)->head.status)
                                         : ret_failure->kind == FAILURE_RESPONSE_TIMEOUT;
    if (is_counted(request))
        leave_limit(task, origin, &way, &entry, is_answer);
    if (error == ERROR_NONE)
        report_answer(task, *ret_exchange, request);
    else {
        atomic_fetch_sub_explicit(&backend->in_flight, 1, memory_order_relaxed);
        exchange_report_failure(task, origin, plan, backend, ret_failure);
        if (ret_failure->kind == FAILURE_CANCELLED)
            report_called_off(task, origin, plan, backend,
                task_now_ns(task) - entry.entered_ns);
    }
    origin_plan_release(plan); // the exchange holds its own
    return error;
}

const struct http_response_head *exchange_head(const struct exchange *exchange)
{
    return &exchange->head;
}

enum http_framing exchange_framing(const struct exchange *exchange)
{
    return exchange->body.framing;
}

bool exchange_has_certain_end(const struct exchange *exchange)
{
    return exchange->stream != NULL || exchange->body.framing != HTTP_FRAMING_CLOSE;
}

struct slice exchange_backend(const struct exchange *exchange)
{
    return slice_from_string(exchange->backend->name);
}

uint64_t exchange_asked_ns(const struct exchange *exchange)
{
    return exchange->asked_ns;
}

uint64_t exchange_first_byte_us(const struct exchange *exchange)
{
    return (exchange->first_byte_ns - exchange->started_ns) / 1000;
}

struct slice exchange_trailer(struct exchange *exchange)
{
    char *lines = exchange->trailer.bytes;
    size_t size = exchange->trailer.size;
    if (exchange->stream != NULL) {
        lines = exchange->stream->trailer.bytes;
        size = exchange->stream->trailer.size;
    }
    return size == 0 ? SLICE_EMPTY : slice_of(lines, http_trailer_clean(lines, size));
}

struct stream *exchange_hand_over(struct exchange *exchange, struct slice *ret_received)
{
    struct connection *connection = exchange->connection;
    invariant(connection != NULL && exchange->head.status == 101);
    *ret_received =
        slice_of(exchange->buffer + exchange->begin, exchange->end - exchange->begin);
    exchange->begin = exchange->end;
    exchange->connection = NULL;
    connection_release_place(connection);
    return &connection->stream;
}

void exchange_stream_close(struct stream *stream)
{
    connection_close(CONTAINER_OF(stream, struct connection, stream));
}

// Both messages are over to the last byte, and the backend wants another.
static bool is_clean(const struct exchange *exchange)
{
    return exchange->keeps_connections && exchange->connection != NULL && exchange->sent
        && exchange->head.status != 101
        && exchange->head.keep_alive && !exchange->spent && exchange->body.done
        && exchange->body.fault == HTTP1_FAULT_NONE && exchange->broken == ERROR_NONE
        && exchange->body.framing != HTTP_FRAMING_CLOSE && exchange->begin == exchange->end;
}

// "timeout=5" of a Keep-Alive field (RFC 2068 section 19.7.1.1), in ms.
static uint64_t keep_alive_hint_ms(const struct http_fields *fields)
{
    struct slice rest = http_fields_value(fields, HTTP_NAME_KEEP_ALIVE), element;
    while (rest.size > 0 && http_list_next(&rest, &element)) {
        uint64_t seconds;
        struct slice value = element, name = slice_cut(&value, '=');
        if (slice_equal_nocase(slice_trim(name), SLICE("timeout"))
            && slice_parse_u64(slice_trim(value), 86400, &seconds))
            return seconds * 1000;
    }
    return HINT_NONE;
}

void exchange_give_up(struct exchange *exchange)
{
    if (exchange->given_up)
        return;
    exchange->given_up = true;
    if (exchange->keeps_connections)
        atomic_fetch_sub_explicit(&exchange->backend->in_flight, 1, memory_order_relaxed);
    exchange_http2_leave(exchange);
    connection_close(exchange->connection);
    exchange->connection = NULL;
}

void exchange_close(struct task *task, struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    if (!exchange->given_up && exchange->body.fault == HTTP1_FAULT_NONE
        && (exchange->broken == ERROR_NONE || exchange->broken == ERROR_CANCELLED))
        exchange_report_success(task, exchange); // nothing was wrong as far as it was read
    if (exchange->keeps_connections && !exchange->given_up)
        atomic_fetch_sub_explicit(&exchange->backend->in_flight, 1, memory_order_relaxed);
    if (is_clean(exchange)) {
        struct connection *connection = exchange->connection;
        exchange->connection = NULL;
        connection->hint_ms = keep_alive_hint_ms(&exchange->head.fields);
        pool_give(connection, &exchange->plan->settings.pool, &exchange->origin->counters);
    }
    exchange_free(exchange);
}
