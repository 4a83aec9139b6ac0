// Hosts that die, go silent and come back, links, names; and a look at all streams.
#include "sim/stream.h"

#include "base/invariant.h"

#include <stdlib.h>

#define SIM_NAME_LIFETIME_MS 60000

static void host_dies(struct sim_world *world, struct sim_host *host, bool resets)
{
    LIST_FOREACH (link, &world->streams) {
        struct sim_stream *stream = LIST_ENTRY(link, struct sim_stream, link);
        for (int i = 0; i < 2; i++) {
            struct sim_side *end = &stream->ends[i];
            if (end->host != host || !end->open || end->reset)
                continue;
            if (resets || random_chance(&world->random, 1, 2))
                sim_segment_send(world, end->peer, SEGMENT_RESET, 0);
            else
                sim_side_finish(world, end);
            // Its own end comes as an event too: it may call into the owner.
            sim_segment_send(world, end, SEGMENT_RESET, 0);
        }
    }
}

static void host_speaks_again(struct sim_world *world)
{
    LIST_FOREACH (stream_link, &world->streams) {
        struct sim_stream *stream = LIST_ENTRY(stream_link, struct sim_stream, link);
        struct list held;
        list_init(&held);
        list_move_all(&held, &stream->held);
        LIST_FOREACH (link, &held) {
            struct sim_segment *segment = LIST_ENTRY(link, struct sim_segment, link);
            list_remove(&segment->link);
            sim_segment_start(world, segment); // held again on arrival if another host is silent
        }
    }
}

void sim_host_set(struct sim_world *world, const char *host, enum sim_host_state state)
{
    static const char *const names[] = {"up", "refusing", "silent", "resetting", "unreachable"};
    struct address address = sim_address(host, 0);
    struct sim_host *changed = sim_host_of(world, &address);
    enum sim_host_state old = changed->state;
    if (old == state)
        return;
    sim_trace(world, "host %s: %s", host, names[state]);
    changed->state = state;
    if (state == SIM_HOST_REFUSING || state == SIM_HOST_RESETTING)
        host_dies(world, changed, state == SIM_HOST_RESETTING);
    if (old == SIM_HOST_SILENT)
        host_speaks_again(world);
}

void sim_host_latency(
    struct sim_world *world, const char *host, uint64_t latency_us, uint64_t jitter_us)
{
    struct address address = sim_address(host, 0);
    struct sim_host *changed = sim_host_of(world, &address);
    changed->latency_ns = latency_us * 1000;
    changed->jitter_ns = jitter_us * 1000;
}

void sim_host_loss(struct sim_world *world, const char *host, uint64_t every)
{
    struct address address = sim_address(host, 0);
    sim_host_of(world, &address)->loss_every = every;
}

static struct sim_name *name_make(struct sim_world *world, const char *text)
{
    struct sim_name *name = sim_name_find(world, slice_from_string(text));
    if (name != NULL)
        return name;
    name = sim_alloc(sizeof(*name));
    invariant(strlen(text) < sizeof(name->name));
    strcpy(name->name, text);
    name->lifetime_ms = SIM_NAME_LIFETIME_MS;
    list_append(&world->names, &name->link);
    return name;
}

void sim_dns_set(struct sim_world *world, const char *text, const char *const *addresses)
{
    struct sim_name *name = name_make(world, text);
    name->error = ERROR_NONE;
    name->count = 0;
    for (; addresses[name->count] != NULL; name->count++)
        name->addresses[name->count] = sim_address(addresses[name->count], 0);
}

void sim_dns_lifetime(struct sim_world *world, const char *text, uint64_t ms)
{
    name_make(world, text)->lifetime_ms = ms;
}

void sim_dns_fail(struct sim_world *world, const char *text, enum error error)
{
    name_make(world, text)->error = error;
}

// Looking and ending.

void sim_network_dump(struct sim_world *world, FILE *file)
{
    LIST_FOREACH (link, &world->streams) {
        const struct sim_stream *stream = LIST_ENTRY(link, struct sim_stream, link);
        for (int i = 0; i < 2; i++) {
            const struct sim_side *end = &stream->ends[i];
            const struct sim_pipe *in = &end->in;
            char text[64];
            struct text name = text_in(text, sizeof(text));
            address_format(&name, &end->address);
            fprintf(file, "  stream %" PRIu64 " %.*s: %s%s%s%s%s, in: %" PRIu64 " written %" PRIu64
                " arrived %" PRIu64 " read%s\n", stream->id, SLICE_ARGS(text_slice(&name)),
                end->open ? "open" : "closed", end->reset ? " reset" : "",
                end->socket != NULL && end->socket->reader != NULL ? " reader" : "",
                end->socket != NULL && end->socket->writer != NULL ? " writer" : "",
                end->socket != NULL && end->socket->on_ready != NULL ? " parked" : "",
                in->written, in->arrived, in->read, in->end_arrived ? " end" : "");
        }
    }
}

// The world ends with everything in it: events of the heap that belong to the network are freed.
void sim_network_destroy(struct sim_world *world)
{
    for (size_t i = 0; i < world->heap_size; i++) {
        struct sim_event *event = world->heap[i];
        if (event->happen == sim_segment_arrives)
            free(CONTAINER_OF(event, struct sim_segment, event));
    }
    world->heap_size = 0;
    LIST_FOREACH (stream_link, &world->streams) {
        struct sim_stream *stream = LIST_ENTRY(stream_link, struct sim_stream, link);
        LIST_FOREACH (link, &stream->held)
            free(LIST_ENTRY(link, struct sim_segment, link));
        list_remove(&stream->link);
        free(stream->ends[0].in.bytes);
        free(stream->ends[1].in.bytes);
        free(stream);
    }
    LIST_FOREACH (link, &world->listeners) {
        list_remove(link);
        free(LIST_ENTRY(link, struct sim_listener, link));
    }
}
