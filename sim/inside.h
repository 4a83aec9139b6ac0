// What the parts of the simulated world know of each other; actors and scenarios use world.h only.
#pragma once

#include "sim/world.h"

// A thing that will happen at a time, embedded in what it happens to.
struct sim_event {
    uint64_t due_ns, order; // order breaks ties: seeded
    void (*happen)(struct sim_world *world, struct sim_event *event);
};

struct sim_loop {
    struct loop loop;
    struct sim_world *world;
    bool outside;
    bool interrupted;
    uint64_t late_until_ns;
};

struct sim_host {
    struct list link;
    struct address address; // port 0
    enum sim_host_state state;
    uint64_t latency_ns, jitter_ns, loss_every;
    uint16_t next_port;
};

struct sim_name {
    struct list link;
    char name[64];
    struct address addresses[IO_ADDRESSES_MAX];
    size_t count;
    uint64_t lifetime_ms;
    enum error error;
};

struct sim_world {
    uint64_t now_ns;
    int64_t wall_offset_ms;
    struct random random;   // schedule and network
    struct random director; // scenarios
    struct sim_loop edge[SIM_EDGE_LOOPS_MAX], outside;
    unsigned edge_loops;
    struct sim_event **heap;
    size_t heap_size, heap_capacity;
    struct list hosts, names, streams, listeners;
    uint64_t next_stream;
    size_t window;
    unsigned chop_permille, memory_permille;
    uint64_t loop_delay_ns, descriptor_limit;
    uint64_t hash;
    FILE *trace;
    struct sim_counts counts;
};

extern const struct io_operations sim_network_operations;

static inline struct sim_loop *sim_loop_of(const struct loop *loop)
{
    return (struct sim_loop *)(uintptr_t)loop; // its first member
}

void sim_event_at(struct sim_world *world, struct sim_event *event, uint64_t due_ns);
void sim_hash(struct sim_world *world, uint64_t value);
struct sim_host *sim_host_of(struct sim_world *world, const struct address *address);
void sim_network_dump(struct sim_world *world, FILE *file);
void sim_network_destroy(struct sim_world *world);
