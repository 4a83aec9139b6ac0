// The network in memory: listeners, streams of two ends, and segments that take time to arrive.
// Everything that goes wrong between two hosts goes wrong here.
#include "sim/stream.h"

#include "base/hash.h"
#include "base/invariant.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define SIM_BACKLOG 128
#define STARVED_PAUSE_MS 50
#define SIM_EPHEMERAL_PORT 20000

struct address sim_address(const char *host, uint16_t port)
{
    struct address address;
    memset(&address, 0, sizeof(address));
    if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        return address;
    }
    int parsed = inet_pton(AF_INET6, host, &address.v6.sin6_addr);
    invariant(parsed == 1);
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(port);
    return address;
}

struct sim_host *sim_host_of(struct sim_world *world, const struct address *address)
{
    struct address bare = *address;
    address_set_port(&bare, 0);
    LIST_FOREACH (link, &world->hosts) {
        struct sim_host *host = LIST_ENTRY(link, struct sim_host, link);
        if (address_equal(&host->address, &bare))
            return host;
    }
    struct sim_host *host = sim_alloc(sizeof(*host));
    host->address = bare;
    host->latency_ns = 200000;
    host->jitter_ns = 100000;
    host->next_port = SIM_EPHEMERAL_PORT;
    list_append(&world->hosts, &host->link);
    return host;
}

// Segments.

static uint64_t travel_ns(
    struct sim_world *world, const struct sim_side *from, const struct sim_side *to)
{
    uint64_t jitter_ns = from->host->jitter_ns + to->host->jitter_ns;
    return from->host->latency_ns + to->host->latency_ns +
        random_below(&world->random, jitter_ns + 1);
}

void sim_segment_start(struct sim_world *world, struct sim_segment *segment)
{
    struct sim_side *to = segment->to;
    uint64_t due_ns = world->now_ns + travel_ns(world, to->peer, to);
    to->in.last_due_ns = MAXIMUM(due_ns, to->in.last_due_ns + 1); // in order, as TCP has it
    sim_event_at(world, &segment->event, to->in.last_due_ns);
}

void sim_segment_send(struct sim_world *world, struct sim_side *to, enum segment_kind kind,
    uint64_t upto)
{
    struct sim_segment *segment = sim_alloc(sizeof(*segment));
    segment->event.happen = sim_segment_arrives;
    segment->to = to;
    segment->kind = kind;
    segment->upto = upto;
    list_init(&segment->link);
    to->stream->flying++;
    sim_segment_start(world, segment);
}

static void stream_release(struct sim_stream *stream)
{
    if (stream->flying > 0 || stream->ends[0].open || stream->ends[1].open)
        return;
    list_remove(&stream->link);
    free(stream->ends[0].in.bytes);
    free(stream->ends[1].in.bytes);
    free(stream);
}

static struct sim_stream *stream_create(struct sim_world *world)
{
    struct sim_stream *stream = sim_alloc(sizeof(*stream));
    stream->id = ++world->next_stream;
    list_init(&stream->held);
    for (int i = 0; i < 2; i++) {
        struct sim_side *end = &stream->ends[i];
        end->kind = HANDLE_END;
        end->stream = stream;
        end->peer = &stream->ends[1 - i];
        list_init(&end->queue_link);
        end->in.capacity = world->window != 0 ? world->window :
            (size_t)1024 << random_below(&world->random, 8);
        end->in.bytes = sim_alloc(end->in.capacity);
        end->chopped = random_chance(&world->random, world->chop_permille, 1000);
    }
    list_append(&world->streams, &stream->link);
    return stream;
}

// Tells whoever waits for bytes at this end that there may be some, or an end.
static void end_wake_reader(struct sim_side *end)
{
    struct io_socket *socket = end->socket;
    if (socket == NULL)
        return;
    if (socket->reader != NULL)
        task_wake(socket->reader);
    if (io_is_parked(socket))
        io_notice_soon(socket);
}

static void end_wake_all(struct sim_side *end)
{
    if (end->socket != NULL && end->socket->writer != NULL)
        task_wake(end->socket->writer);
    end_wake_reader(end);
}

static void end_is_reset(struct sim_world *world, struct sim_side *end)
{
    if (end->reset)
        return;
    end->reset = true;
    world->counts.resets++;
    // Whether bytes that came before a reset can still be read depends on the system and on luck.
    if (random_chance(&world->random, 1, 2))
        end->in.read = end->in.arrived;
    if (end->stream->state == STREAM_CONNECTING && end == &end->stream->ends[0]) {
        end->stream->state = STREAM_FAILED;
        end->stream->error = ERROR_RESET;
    }
    end_wake_all(end);
}

static bool listener_takes(const struct sim_listener *listener, const struct sim_side *end)
{
    if (address_port(&listener->address) != address_port(&end->address))
        return false;
    struct address bare = listener->address;
    address_set_port(&bare, 0);
    struct address any = sim_address("::", 0), any_v4 = sim_address("0.0.0.0", 0);
    bool wildcard = address_equal(&bare, &any) || address_equal(&bare, &any_v4);
    struct address edge = sim_address(SIM_EDGE_HOST, 0);
    return address_equal(&bare, &end->host->address) ||
        (wildcard && address_equal(&end->host->address, &edge));
}

static struct sim_listener *listener_pick(struct sim_world *world, const struct sim_side *end)
{
    struct sim_listener *picked = NULL;
    uint64_t seen = 0;
    LIST_FOREACH (link, &world->listeners) {
        struct sim_listener *listener = LIST_ENTRY(link, struct sim_listener, link);
        if (listener_takes(listener, end) && random_below(&world->random, ++seen) == 0)
            picked = listener;
    }
    return picked;
}

static void connect_arrives(struct sim_world *world, struct sim_stream *stream)
{
    struct sim_side *caller = &stream->ends[0], *called = &stream->ends[1];
    if (!caller->open)
        return;
    struct sim_listener *listener = listener_pick(world, called);
    if (called->host->state == SIM_HOST_REFUSING || listener == NULL) {
        sim_segment_send(world, caller, SEGMENT_REFUSED, 0);
        return;
    }
    if (listener->queued >= SIM_BACKLOG)
        return; // dropped: the caller's deadline will tell it
    called->open = true;
    sim_segment_send(world, caller, SEGMENT_ACCEPTED, 0);
    if (called->host->state == SIM_HOST_RESETTING) {
        called->open = false;
        sim_segment_send(world, caller, SEGMENT_RESET, 0);
        return;
    }
    list_append(&listener->queue, &called->queue_link);
    listener->queued++;
    if (listener->socket->reader != NULL)
        task_wake(listener->socket->reader);
}

static void connect_ends(struct sim_world *world, struct sim_stream *stream, enum error error)
{
    if (stream->state != STREAM_CONNECTING)
        return;
    stream->state = error == ERROR_NONE ? STREAM_ESTABLISHED : STREAM_FAILED;
    stream->error = error;
    if (stream->ends[0].open)
        end_wake_all(&stream->ends[0]);
    else if (error == ERROR_NONE)
        sim_segment_send(world, &stream->ends[1], SEGMENT_RESET, 0); // nobody waits any more
}

static void bytes_arrive(struct sim_world *world, struct sim_side *end, uint64_t upto)
{
    if (!end->open) {
        if (!end->peer->reset)
            sim_segment_send(world, end->peer, SEGMENT_RESET, 0);
        return;
    }
    if (end->reset)
        return;
    end->in.arrived = upto;
    end_wake_reader(end);
}

void sim_segment_arrives(struct sim_world *world, struct sim_event *event)
{
    static const char *const names[] = {
#define X(name) #name,
        SEGMENT_MAP(X)
#undef X
    };
    struct sim_segment *segment = CONTAINER_OF(event, struct sim_segment, event);
    struct sim_side *to = segment->to;
    struct sim_stream *stream = to->stream;
    if (to->host->state == SIM_HOST_SILENT || to->peer->host->state == SIM_HOST_SILENT) {
        list_append(&stream->held, &segment->link);
        return;
    }
    sim_hash(world, stream->id << 8 | segment->kind);
    sim_hash(world, segment->upto);
    sim_trace(world, "stream %" PRIu64 ": %s to %s %" PRIu64, stream->id, names[segment->kind],
        to == &stream->ends[0] ? "caller" : "called", segment->upto);
    switch (segment->kind) {
    case SEGMENT_CONNECT:
        connect_arrives(world, stream);
        break;
    case SEGMENT_ACCEPTED:
        connect_ends(world, stream, ERROR_NONE);
        break;
    case SEGMENT_REFUSED:
        connect_ends(world, stream, ERROR_REFUSED);
        break;
    case SEGMENT_BYTES:
        bytes_arrive(world, to, segment->upto);
        break;
    case SEGMENT_END:
        to->in.end_arrived = true;
        end_wake_reader(to);
        break;
    case SEGMENT_RESET:
        end_is_reset(world, to);
        break;
    case SEGMENT_WINDOW:
        if (to->socket != NULL && to->socket->writer != NULL)
            task_wake(to->socket->writer);
        break;
    }
    stream->flying--;
    stream_release(stream);
    free(segment);
}

// Operations.

static enum error wait_for(struct task *task, struct task **seat, uint64_t deadline_ns)
{
    struct sim_loop *loop = sim_loop_of(task_loop(task));
    if (deadline_ns == NEVER_NS && !loop->outside)
        loop->world->counts.endless_waits++;
    invariant(*seat == NULL);
    *seat = task;
    enum error error = task_suspend(task, deadline_ns);
    *seat = NULL;
    return error;
}

static void socket_open(struct loop *loop, void *handle, struct io_socket *socket)
{
    struct sim_loop *owner = sim_loop_of(loop);
    memset(socket, 0, sizeof(*socket));
    socket->loop = loop;
    socket->handle = handle;
    *(owner->outside ? &owner->world->counts.outside_sockets
                     : &owner->world->counts.edge_sockets) += 1;
}

static void socket_closed(struct io_socket *socket)
{
    struct sim_loop *owner = sim_loop_of(socket->loop);
    invariant(socket->reader == NULL && socket->writer == NULL);
    *(owner->outside ? &owner->world->counts.outside_sockets
                     : &owner->world->counts.edge_sockets) -= 1;
    memset(socket, 0, sizeof(*socket));
}

static enum error network_listen(struct loop *loop, const struct address *address, bool shared,
    struct io_socket *ret_socket)
{
    struct sim_world *world = sim_world_of(loop);
    struct address bound = *address;
    if (address_port(&bound) == 0)
        address_set_port(&bound, (uint16_t)(10000 + random_below(&world->random, 9000)));
    if (!shared) {
        LIST_FOREACH (link, &world->listeners) {
            if (address_equal(&LIST_ENTRY(link, struct sim_listener, link)->address, &bound))
                return ERROR_BUSY;
        }
    }
    struct sim_listener *listener = sim_alloc(sizeof(*listener));
    listener->kind = HANDLE_LISTENER;
    listener->address = bound;
    listener->socket = ret_socket;
    list_init(&listener->queue);
    list_append(&world->listeners, &listener->link);
    socket_open(loop, listener, ret_socket);
    return ERROR_NONE;
}

static enum error network_local_address(const struct io_socket *socket, struct address *ret_address)
{
    const enum handle_kind *kind = socket->handle;
    *ret_address = *kind == HANDLE_LISTENER ? ((const struct sim_listener *)socket->handle)->address
                                            : ((const struct sim_side *)socket->handle)->address;
    return ERROR_NONE;
}

static bool lacks_descriptors(const struct loop *loop)
{
    const struct sim_loop *self = sim_loop_of(loop);
    const struct sim_world *world = self->world;
    return !self->outside && world->descriptor_limit > 0
        && world->counts.edge_sockets >= world->descriptor_limit;
}

static enum error network_accept(struct task *task, struct io_socket *socket,
    struct io_socket *ret_socket, struct address *ret_peer, uint64_t deadline_ns)
{
    struct sim_listener *listener = socket->handle;
    invariant(listener->kind == HANDLE_LISTENER);
    while (list_is_empty(&listener->queue) || lacks_descriptors(task_loop(task))) {
        if (!list_is_empty(&listener->queue)) { // as the epoll world does
            task_loop(task)->accepts_starved++;
            enum error paused = task_sleep_until(task,
                MINIMUM(deadline_ns, deadline_after_ms(task_loop(task), STARVED_PAUSE_MS)));
            if (paused != ERROR_NONE)
                return paused;
            if (task_now_ns(task) >= deadline_ns)
                return ERROR_TIMEOUT;
            continue;
        }
        invariant(socket->reader == NULL);
        socket->reader = task;
        enum error error = task_suspend(task, deadline_ns);
        socket->reader = NULL;
        if (error != ERROR_NONE)
            return error;
    }
    struct sim_side *end = LIST_ENTRY(listener->queue.next, struct sim_side, queue_link);
    list_remove(&end->queue_link);
    listener->queued--;
    end->socket = ret_socket;
    socket_open(task_loop(task), end, ret_socket);
    *ret_peer = end->peer->address;
    return ERROR_NONE;
}

static enum error connect_from(struct loop *loop, struct sim_host *source,
    const struct address *address, struct io_socket *ret_socket)
{
    struct sim_world *world = sim_world_of(loop);
    struct sim_host *host = sim_host_of(world, address);
    world->counts.connects++;
    if (lacks_descriptors(loop))
        return ERROR_LIMIT;
    if (host->state == SIM_HOST_UNREACHABLE)
        return ERROR_UNREACHABLE;
    struct sim_stream *stream = stream_create(world);
    struct sim_side *caller = &stream->ends[0], *called = &stream->ends[1];
    caller->host = source;
    caller->address = source->address;
    address_set_port(&caller->address, source->next_port++);
    caller->open = true;
    caller->socket = ret_socket;
    socket_open(loop, caller, ret_socket);
    called->host = host;
    called->address = *address;
    sim_segment_send(world, called, SEGMENT_CONNECT, 0);
    return ERROR_NONE;
}

static enum error network_connect(struct loop *loop, const struct address *address,
    struct io_socket *ret_socket)
{
    struct address edge = sim_address(SIM_EDGE_HOST, 0);
    return connect_from(loop, sim_host_of(sim_world_of(loop), &edge), address, ret_socket);
}

static enum error network_connected(struct io_socket *socket)
{
    const struct sim_side *caller = socket->handle;
    switch (caller->stream->state) {
    case STREAM_CONNECTING:
        return ERROR_BUSY;
    case STREAM_ESTABLISHED:
        return ERROR_NONE;
    case STREAM_FAILED:
        break;
    }
    return caller->stream->error;
}

enum error sim_connect(struct task *task, const char *source, const struct address *address,
    uint64_t deadline_ns, struct io_socket *ret_socket)
{
    struct address from = sim_address(source, 0);
    struct sim_host *host = sim_host_of(sim_world_of(task_loop(task)), &from);
    enum error error = connect_from(task_loop(task), host, address, ret_socket);
    if (error != ERROR_NONE)
        return error;
    ret_socket->writer = task;
    enum error waited = ERROR_NONE;
    while ((error = io_connect_end(ret_socket)) == ERROR_BUSY && waited == ERROR_NONE)
        waited = task_suspend(task, deadline_ns);
    if (error == ERROR_BUSY)
        io_connect_give_up(ret_socket);
    return error == ERROR_BUSY ? waited : error;
}

// How much of what is possible really happens at once.
static size_t chop(struct sim_world *world, const struct sim_side *end, size_t size)
{
    if (!end->chopped || !random_chance(&world->random, 1, 2))
        return size;
    return 1 + (size_t)random_below(&world->random, random_chance(&world->random, 1, 4) ?
        MINIMUM(size, 4) : size);
}

static void pipe_copy(const struct sim_pipe *pipe, char *buffer, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t at = (size_t)((pipe->read + done) % pipe->capacity);
        size_t run = MINIMUM(size - done, pipe->capacity - at);
        memcpy(buffer + done, pipe->bytes + at, run);
        done += run;
    }
}

static void pipe_take(struct sim_world *world, struct sim_side *end, size_t size)
{
    struct sim_pipe *pipe = &end->in;
    bool was_full = pipe->written - pipe->read == pipe->capacity;
    pipe->read += size;
    if (was_full && size > 0)
        sim_segment_send(world, end->peer, SEGMENT_WINDOW, 0);
}

static enum error network_receive(struct task *task, struct io_socket *socket, void *buffer,
    size_t size, uint64_t deadline_ns, size_t *ret_size)
{
    struct sim_world *world = sim_world_of(socket->loop);
    struct sim_side *end = socket->handle;
    struct sim_pipe *pipe = &end->in;
    invariant(end->kind == HANDLE_END && size > 0);
    while (pipe->arrived == pipe->read) {
        if (end->reset)
            return ERROR_RESET;
        if (pipe->end_arrived)
            return ERROR_CLOSED;
        enum error error = wait_for(task, &socket->reader, deadline_ns);
        if (error != ERROR_NONE)
            return error;
    }
    size_t taken = chop(world, end, MINIMUM(size, (size_t)(pipe->arrived - pipe->read)));
    pipe_copy(pipe, buffer, taken);
    pipe_take(world, end, taken);
    *ret_size = taken;
    return ERROR_NONE;
}

static size_t network_receive_now(struct io_socket *socket, void *buffer, size_t size, bool keeps)
{
    struct sim_side *end = socket->handle;
    size_t taken = MINIMUM(size, (size_t)(end->in.arrived - end->in.read));
    pipe_copy(&end->in, buffer, taken);
    if (!keeps)
        pipe_take(sim_world_of(socket->loop), end, taken);
    return taken;
}

static void pipe_write(struct sim_pipe *pipe, const struct iovec *pieces, size_t count, size_t size)
{
    for (size_t i = 0; i < count && size > 0; i++) {
        size_t from = 0, left = MINIMUM(size, pieces[i].iov_len);
        size -= left;
        while (left > 0) {
            size_t at = (size_t)(pipe->written % pipe->capacity);
            size_t run = MINIMUM(left, pipe->capacity - at);
            memcpy(pipe->bytes + at, (const char *)pieces[i].iov_base + from, run);
            pipe->written += run;
            from += run;
            left -= run;
        }
    }
}

static void hash_written(struct sim_world *world, const struct sim_pipe *pipe, size_t size)
{
    size_t at = (size_t)((pipe->written - size) % pipe->capacity);
    size_t run = MINIMUM(size, pipe->capacity - at);
    sim_hash(world, hash_bytes(slice_of(pipe->bytes + at, run), size));
    sim_hash(world, hash_bytes(slice_of(pipe->bytes, size - run), size));
}

// One step of progress; io_send does the rest.
// As much of it as happens at once. There is room for some.
static size_t send_some(struct io_socket *socket, const struct iovec *pieces, size_t count)
{
    struct sim_world *world = sim_world_of(socket->loop);
    struct sim_side *end = socket->handle;
    struct sim_pipe *pipe = &end->peer->in;
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].iov_len;
    invariant(total > 0);
    size_t space = pipe->capacity - (size_t)(pipe->written - pipe->read);
    size_t taken = chop(world, end, MINIMUM(total, space));
    pipe_write(pipe, pieces, count, taken);
    hash_written(world, pipe, taken);
    uint64_t loss_every = MAXIMUM(end->host->loss_every, end->peer->host->loss_every);
    bool lost = loss_every > 0 && random_below(&world->random, loss_every) == 0;
    sim_segment_send(world, end->peer, lost ? SEGMENT_RESET : SEGMENT_BYTES, pipe->written);
    if (lost)
        sim_segment_send(world, end, SEGMENT_RESET, 0);
    return taken;
}

static enum error network_send(struct task *task, struct io_socket *socket,
    const struct iovec *pieces, size_t count, uint64_t deadline_ns, size_t *ret_size)
{
    struct sim_side *end = socket->handle;
    struct sim_pipe *pipe = &end->peer->in;
    invariant(end->kind == HANDLE_END);
    for (;;) {
        if (end->reset || pipe->end_written)
            return ERROR_RESET;
        if (pipe->written - pipe->read < pipe->capacity)
            break;
        enum error error = wait_for(task, &socket->writer, deadline_ns);
        if (error != ERROR_NONE)
            return error;
    }
    *ret_size = send_some(socket, pieces, count);
    return ERROR_NONE;
}

static size_t network_send_now(struct io_socket *socket, const void *bytes, size_t size)
{
    struct sim_side *end = socket->handle;
    struct sim_pipe *pipe = &end->peer->in;
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    if (end->reset || pipe->end_written || pipe->written - pipe->read == pipe->capacity)
        return 0;
    return send_some(socket, &piece, 1);
}

void sim_side_finish(struct sim_world *world, struct sim_side *end)
{
    if (end->peer->in.end_written || end->reset)
        return;
    end->peer->in.end_written = true;
    sim_segment_send(world, end->peer, SEGMENT_END, end->peer->in.written);
}

static void end_close(struct sim_world *world, struct io_socket *socket, bool reset)
{
    struct sim_side *end = socket->handle;
    if (end->stream->state != STREAM_ESTABLISHED)
        ; // there is nobody to tell yet, or no more
    // Closing with unread bytes resets, as Linux does.
    else if ((reset || end->in.arrived > end->in.read) && !end->reset)
        sim_segment_send(world, end->peer, SEGMENT_RESET, 0);
    else
        sim_side_finish(world, end);
    end->open = false;
    end->socket = NULL;
    socket_closed(socket);
    stream_release(end->stream);
}

static void listener_close(struct sim_world *world, struct io_socket *socket)
{
    struct sim_listener *listener = socket->handle;
    LIST_FOREACH (link, &listener->queue) {
        struct sim_side *end = LIST_ENTRY(link, struct sim_side, queue_link);
        list_remove(&end->queue_link);
        sim_segment_send(world, end->peer, SEGMENT_RESET, 0);
        end->open = false;
    }
    list_remove(&listener->link);
    free(listener);
    socket_closed(socket);
}

static bool end_has_news(const struct sim_side *end)
{
    return end->in.arrived > end->in.read || end->in.end_arrived || end->reset;
}

static bool network_control(struct io_socket *socket, unsigned control)
{
    struct sim_world *world = sim_world_of(socket->loop);
    struct sim_side *end = socket->handle;
    bool listening = end->kind == HANDLE_LISTENER;
    switch ((enum io_control)control) {
    case IO_CONTROL_PARK:
        if (end_has_news(end))
            io_notice_soon(socket);
        return true;
    case IO_CONTROL_UNPARK:
        return true;
    case IO_CONTROL_IS_QUIET:
        return !listening && !end_has_news(end);
    case IO_CONTROL_HAS_GONE:
        return end->reset || (end->in.end_arrived && end->peer->in.end_written);
    case IO_CONTROL_CLOSE:
    case IO_CONTROL_RESET:
        if (listening)
            listener_close(world, socket);
        else
            end_close(world, socket, control == IO_CONTROL_RESET);
        return true;
    case IO_CONTROL_END:
        sim_side_finish(world, end);
        return true;
    }
    return false;
}

struct sim_name *sim_name_find(struct sim_world *world, struct slice host)
{
    LIST_FOREACH (link, &world->names) {
        struct sim_name *name = LIST_ENTRY(link, struct sim_name, link);
        if (slice_equal_nocase(slice_from_string(name->name), host))
            return name;
    }
    return NULL;
}

static enum error network_resolve(struct task *task, struct slice host, uint16_t port,
    uint64_t deadline_ns, struct io_names *ret_names)
{
    struct sim_world *world = sim_world_of(task_loop(task));
    uint64_t due_ns = world->now_ns + random_below(&world->random, 20 * NS_PER_MS);
    const struct sim_name *name = sim_name_find(world, host);
    if (name != NULL && name->error == ERROR_TIMEOUT)
        due_ns = NEVER_NS;
    enum error error = task_sleep_until(task, MINIMUM(due_ns, deadline_ns));
    if (error != ERROR_NONE)
        return error;
    if (due_ns > deadline_ns)
        return ERROR_TIMEOUT;
    name = sim_name_find(world, host); // it may have moved meanwhile
    world->counts.questions++;
    error = name == NULL || name->count == 0 ? ERROR_RESOLVE : name->error;
    sim_trace(world, "resolve %.*s: %s", SLICE_ARGS(host), error_text(error));
    if (error != ERROR_NONE)
        return error;
    *ret_names = (struct io_names){.count = name->count, .lifetime_ms = name->lifetime_ms};
    for (size_t i = 0; i < name->count; i++) {
        ret_names->addresses[i] = name->addresses[i];
        address_set_port(&ret_names->addresses[i], port);
    }
    return ERROR_NONE;
}

static enum error network_blocking(struct task *task, void (*work)(void *argument), void *argument)
{
    struct sim_world *world = sim_world_of(task_loop(task));
    uint64_t due_ns = world->now_ns + random_below(&world->random, 3 * NS_PER_MS);
    enum error error = task_sleep_until(task, due_ns);
    (void)error; // not cancellable: the work is done in any case
    work(argument);
    return ERROR_NONE;
}

static void network_entropy(struct loop *loop, void *buffer, size_t size)
{
    char *bytes = buffer;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)random_next(&loop->random);
}

static void network_turn(struct loop *loop, uint64_t due_ns)
{
    (void)loop;
    (void)due_ns;
    invariant_fail("sim_world_run turns the loops, loop_run does not", __FILE__, __LINE__);
}

static void network_interrupt(struct loop *loop)
{
    sim_loop_of(loop)->interrupted = true;
}

const struct io_operations sim_network_operations = {
    .turn = network_turn,
    .interrupt = network_interrupt,
    .listen = network_listen,
    .local_address = network_local_address,
    .accept = network_accept,
    .connect = network_connect,
    .connected = network_connected,
    .receive = network_receive,
    .send = network_send,
    .send_now = network_send_now,
    .receive_now = network_receive_now,
    .control = network_control,
    .resolve = network_resolve,
    .blocking = network_blocking,
    .entropy = network_entropy,
};
