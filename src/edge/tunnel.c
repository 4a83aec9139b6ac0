// Relaying: one small task per direction while bytes come, none while they do not.
//
//   tunnel_open     the head of the 101, and the two sides
//   tunnel_start    both directions run once, with what came behind the heads
//   direction_main  receive, send, until nothing came for LINGER_MS; then parked
//   tunnel_notice   bytes, an end or the idle timeout at a parked side
//   tunnel_settle   the last one out closes both sides
#include "edge/tunnel.h"
#include "base/memory.h"
#include "edge/delivery.h"
#include "edge/request.h"

#define LINGER_MS 50 // how long a direction waits for more before it gives task and buffer back

struct tunnel_direction {
    struct tunnel *tunnel;
    struct tunnel_side *from, *to;
    bool busy;          // a task is at work or about to be; else it is parked, or over
    struct task *task;  // that task, once it runs
    bool over;          // the end was passed on
    char *received;     // bytes that came behind a head
    size_t received_size;
};

struct tunnel {
    struct edge_thread *thread;
    struct generation *generation;
    struct tunnel_side sides[2];         // visitor, backend
    struct tunnel_direction directions[2]; // from sides[i]
    uint64_t moved_ns;                   // when a byte moved last, either way
    bool cut, broken;                    // it ends now; the peers must learn that it broke off
};

// --- Streams as sides ---

enum error tunnel_stream_receive(struct task *task, void *stream, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size)
{
    return stream_receive(task, stream, buffer, size, deadline_ns, ret_size);
}

enum error tunnel_stream_send(struct task *task, void *stream, struct slice bytes,
    uint64_t idle_ms)
{
    struct iovec piece = {(void *)(uintptr_t)bytes.data, bytes.size};
    return stream_send(task, stream, &piece, 1, idle_ms, NULL);
}

void tunnel_stream_end(void *stream)
{
    stream_end(stream);
}

static void stream_on_ready(struct io_socket *socket, enum error reason)
{
    tunnel_notice(CONTAINER_OF(socket, struct stream, socket)->owner, reason);
}

bool tunnel_stream_park(void *argument, struct tunnel_direction *direction, uint64_t deadline_ns)
{
    struct stream *stream = argument;
    if (stream_has_buffered(stream))
        return false;
    stream->owner = direction;
    io_park(&stream->socket, deadline_ns, stream_on_ready);
    return true;
}

void tunnel_stream_unpark(void *argument)
{
    struct stream *stream = argument;
    io_unpark(&stream->socket);
}

static void backend_close(void *argument, bool cut)
{
    struct stream *stream = argument;
    if (cut)
        stream_reset(stream);
    exchange_stream_close(stream);
}

static const struct tunnel_operations backend_operations = {
    .receive = tunnel_stream_receive,
    .send = tunnel_stream_send,
    .end = tunnel_stream_end,
    .park = tunnel_stream_park,
    .unpark = tunnel_stream_unpark,
    .close = backend_close,
};

// --- Ending ---

static void tunnel_free(struct tunnel *tunnel)
{
    struct edge_thread *thread = tunnel->thread;
    uint64_t open = atomic_load_explicit(&thread->tunnel_count, memory_order_relaxed);
    atomic_store_explicit(&thread->tunnel_count, open - 1, memory_order_relaxed);
    for (size_t i = 0; i < ARRAY_SIZE(tunnel->sides); i++) {
        memory_free(tunnel->directions[i].received);
        if (tunnel->sides[i].operations != NULL)
            tunnel->sides[i].operations->close(tunnel->sides[i].carrier, tunnel->broken);
    }
    generation_release(tunnel->generation);
    memory_free(tunnel);
}

// Frees it once both directions are over, or it was cut, and nobody is at work in it.
static void tunnel_settle(struct tunnel *tunnel)
{
    bool over = tunnel->cut;
    struct tunnel_direction *directions = tunnel->directions;
    over = over || (directions[0].over && directions[1].over);
    if (over && !directions[0].busy && !directions[1].busy)
        tunnel_free(tunnel);
}

static void tunnel_stop(struct tunnel *tunnel, bool broken)
{
    tunnel->cut = true;
    tunnel->broken = tunnel->broken || broken;
    for (size_t i = 0; i < ARRAY_SIZE(tunnel->directions); i++) {
        struct tunnel_direction *direction = &tunnel->directions[i];
        if (direction->task != NULL)
            task_cancel(direction->task);
        else if (!direction->busy)
            direction->from->operations->unpark(direction->from->carrier);
    }
}

void tunnel_cut(struct tunnel *tunnel)
{
    tunnel_stop(tunnel, true);
    tunnel_settle(tunnel);
}

// --- Relaying ---

static const struct connection_settings *settings_of(const struct tunnel *tunnel)
{
    return &tunnel->generation->settings->connections;
}

static enum error direction_pass(struct task *task, struct tunnel_direction *direction,
    struct slice bytes)
{
    struct tunnel *tunnel = direction->tunnel;
    enum error error = direction->to->operations->send(task, direction->to->carrier, bytes,
        settings_of(tunnel)->send_timeout_ms);
    tunnel->moved_ns = task_now_ns(task);
    if (error == ERROR_NONE)
        ledger_add(tunnel->thread->ledger, LEDGER_TUNNEL_BYTES, bytes.size);
    return error;
}

// TIMEOUT: nothing comes for now. CLOSED: nothing will come any more.
static enum error direction_relay(struct task *task, struct tunnel_direction *direction,
    char *buffer)
{
    enum error error = ERROR_NONE;
    if (direction->received != NULL)
        error = direction_pass(task, direction,
            slice_of(direction->received, direction->received_size));
    memory_free(direction->received);
    direction->received = NULL;
    while (error == ERROR_NONE) {
        size_t size;
        error = direction->from->operations->receive(task, direction->from->carrier, buffer,
            EDGE_BUFFER_SIZE, deadline_after_ms(task_loop(task), LINGER_MS), &size);
        if (error != ERROR_NONE)
            return error;
        error = direction_pass(task, direction, slice_of(buffer, size));
    }
    return error == ERROR_TIMEOUT ? ERROR_RESET : error; // a peer that takes nothing has gone
}

// False: bytes are there already.
static bool direction_park(struct tunnel_direction *direction)
{
    struct tunnel *tunnel = direction->tunnel;
    uint64_t idle_ns = settings_of(tunnel)->tunnel_idle_timeout_ms * NS_PER_MS;
    return direction->from->operations->park(direction->from->carrier, direction,
        tunnel->moved_ns + idle_ns);
}

static void direction_main(struct task *task, void *argument)
{
    struct tunnel_direction *direction = argument;
    struct tunnel *tunnel = direction->tunnel;
    char *buffer = edge_buffer_take(tunnel->thread);
    enum error error = buffer == NULL ? ERROR_MEMORY : ERROR_NONE;
    direction->task = task;
    while (error == ERROR_NONE && !tunnel->cut) {
        error = direction_relay(task, direction, buffer);
        if (error == ERROR_TIMEOUT && !tunnel->cut && !direction_park(direction))
            error = ERROR_NONE;
    }
    edge_buffer_give(tunnel->thread, buffer);
    direction->task = NULL;
    direction->busy = false;
    if (error == ERROR_CLOSED && !tunnel->cut) {
        direction->to->operations->end(direction->to->carrier);
        direction->over = true;
    } else if (error != ERROR_TIMEOUT && !tunnel->cut) {
        tunnel_stop(tunnel, true);
    }
    tunnel_settle(tunnel);
}

static bool direction_start(struct tunnel_direction *direction)
{
    struct tunnel *tunnel = direction->tunnel;
    if (task_start(tunnel->thread->loop, NULL, direction_main, direction) != ERROR_NONE) {
        ledger_add(tunnel->thread->ledger, LEDGER_SHED, 1);
        tunnel_stop(tunnel, true);
        return false;
    }
    direction->busy = true;
    return true;
}

void tunnel_notice(struct tunnel_direction *direction, enum error reason)
{
    struct tunnel *tunnel = direction->tunnel;
    uint64_t now_ns = tunnel->thread->loop->now_ns;
    uint64_t idle_ns = settings_of(tunnel)->tunnel_idle_timeout_ms * NS_PER_MS;
    bool woken = reason != ERROR_TIMEOUT;
    if (!woken && now_ns < tunnel->moved_ns + idle_ns)
        woken = !direction_park(direction); // the other direction was at work meanwhile
    else if (!woken) {
        ledger_add(tunnel->thread->ledger, LEDGER_TUNNELS_IDLE, 1);
        tunnel_stop(tunnel, false);
    }
    if (woken)
        direction_start(direction);
    tunnel_settle(tunnel);
}

void tunnel_start(struct tunnel *tunnel, char *received, size_t received_size)
{
    tunnel->directions[0].received = received;
    tunnel->directions[0].received_size = received_size;
    if (direction_start(&tunnel->directions[0]))
        direction_start(&tunnel->directions[1]);
    tunnel_settle(tunnel);
}

// --- Opening ---

// name [ "/" version ], and neither HTTP nor the TLS under which HTTP would go on (RFC 2817).
static bool may_pass(struct slice protocol)
{
    static const struct slice names[] = {SLICE("h2c"), SLICE("h2"), SLICE("HTTP"), SLICE("TLS")};
    struct slice version = protocol, name = slice_cut(&version, '/');
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (slice_equal_nocase(name, names[i]))
            return false;
    }
    return http_is_token(name) && (version.data == NULL || http_is_token(version));
}

struct slice tunnel_wish(struct request *request)
{
    const struct http_request_head *head = &request->head;
    struct slice offered, connection, rest, one;
    if (request->upgrade.data != NULL || head->method != HTTP_METHOD_GET
        || head->framing != HTTP_FRAMING_NONE || head->major_version != 1
        || head->minor_version == 0
        || http_fields_find(&head->fields, HTTP_NAME_UPGRADE) == NULL
        || http_fields_joined(&head->fields, SLICE("upgrade"), &request->arena, &offered)
            != ERROR_NONE
        || http_fields_joined(&head->fields, SLICE("connection"), &request->arena, &connection)
            != ERROR_NONE
        || connection.data == NULL || !http_list_has_token(connection, SLICE("upgrade")))
        return request->upgrade;
    char *kept = arena_alloc(&request->arena, offered.size + 1);
    if (kept == NULL)
        return SLICE_EMPTY;
    // Another HTTP would be a way past everything that is done here for requests.
    struct text text = text_in(kept, offered.size + 1);
    for (rest = offered; http_list_next(&rest, &one);) {
        if (!may_pass(one))
            continue;
        if (text.size > 0)
            text_append(&text, SLICE(","));
        text_append(&text, one);
    }
    return text.size > 0 && !text.full ? text_slice(&text) : SLICE_EMPTY;
}

#define KEY_SIZE 24 // 16 bytes in base64 (RFC 6455 section 4.1)

struct slice tunnel_own_fields(struct request *request)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char key[KEY_SIZE + 1] = "";
    if (request->head.method != HTTP_METHOD_CONNECT
        || !slice_equal_nocase(request->upgrade, SLICE("websocket")))
        return SLICE("");
    for (size_t i = 0; i < KEY_SIZE - 3; i++)
        key[i] = digits[random_below(&request->thread->loop->random, 64)];
    key[KEY_SIZE - 3] = digits[random_below(&request->thread->loop->random, 4) * 16];
    key[KEY_SIZE - 2] = key[KEY_SIZE - 1] = '=';
    return arena_printf(&request->arena, "Sec-WebSocket-Key: %s\r\n", key);
}

bool tunnel_is_refused(const struct request *request)
{
    const struct connection_settings *settings = &request->generation->settings->connections;
    struct edge_thread *thread = request->thread;
    if (request->upgrade.data == NULL
        || thread->tunnel_count < edge_share(thread->edge, settings->tunnels))
        return false;
    ledger_add(thread->ledger, LEDGER_TUNNELS_REFUSED, 1);
    return true;
}

enum error tunnel_take_offer(struct request *request, struct exchange *exchange)
{
    struct tunnel_offer offer = {0};
    struct slice received, protocol = http_fields_value(&exchange_head(exchange)->fields,
        HTTP_NAME_UPGRADE);
    protocol = arena_copy(&request->arena, protocol);
    offer.stream = exchange_hand_over(exchange, &received);
    if (received.size > 0) {
        offer.received = memory_alloc(received.size);
        offer.received_size = received.size;
    }
    if (protocol.data == NULL || (received.size > 0 && offer.received == NULL)) {
        tunnel_offer_drop(&offer);
        return ERROR_MEMORY;
    }
    if (received.size > 0)
        memcpy(offer.received, received.data, received.size);
    request->upgrade = protocol;
    request->offer = offer;
    return ERROR_NONE;
}

void tunnel_offer_drop(struct tunnel_offer *offer)
{
    if (offer->stream != NULL)
        exchange_stream_close(offer->stream);
    memory_free(offer->received);
    *offer = (struct tunnel_offer){0};
}

static struct tunnel *tunnel_create(struct request *request)
{
    struct tunnel *tunnel = memory_zero_alloc(sizeof(*tunnel));
    if (tunnel == NULL)
        return NULL;
    tunnel->thread = request->thread;
    tunnel->generation = generation_reference(request->generation);
    tunnel->moved_ns = request->thread->loop->now_ns;
    for (size_t i = 0; i < ARRAY_SIZE(tunnel->sides); i++)
        tunnel->directions[i] = (struct tunnel_direction){
            .tunnel = tunnel, .from = &tunnel->sides[i], .to = &tunnel->sides[1 - i]};
    struct tunnel_offer *offer = &request->offer;
    tunnel->sides[1] = (struct tunnel_side){&backend_operations, offer->stream};
    tunnel->directions[1].received = offer->received;
    tunnel->directions[1].received_size = offer->received_size;
    *offer = (struct tunnel_offer){0};
    ledger_add(request->thread->ledger, LEDGER_TUNNELS, 1);
    atomic_fetch_add_explicit(&request->thread->tunnel_count, 1, memory_order_relaxed);
    return tunnel;
}

void tunnel_open(struct task *task, struct request *request)
{
    struct tunnel *tunnel = request->offer.stream == NULL ? NULL : tunnel_create(request);
    if (tunnel == NULL) {
        request->failure.kind = FAILURE_INTERNAL;
        request->strayed = true;
        request->outcome = OUTCOME_ERROR;
        delivery_send_page(task, request, 500);
        return;
    }
    // Before the head goes out, so that the transport knows that nothing follows it.
    request->tunnel = tunnel;
    request->transport->become_tunnel(request, &tunnel->sides[0]);
    if (!delivery_send_object(task, request) || !request->complete) {
        request->tunnel = NULL;
        request->last = true;
        tunnel->sides[0].operations = NULL; // the connection is closed by its own task
        tunnel->broken = true;
        tunnel_free(tunnel);
    }
}
