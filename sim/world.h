// The simulated world: virtual time, a network in memory and seeded faults, all in one thread.
// Loops (the edge's, and one more for clients, origins and the director: "outside") are seeded
// actors; time moves to the next due event only when none of them has anything to do. The same
// seed gives the same run, and the same trace hash, to the last byte.
//
// Memory of the world itself comes from malloc, not base/memory.h: injected failures are for the
// code under test.
#pragma once

#include "io/io.h"

#include <inttypes.h>
#include <stdio.h>

#define SIM_EDGE_LOOPS_MAX 4
#define SIM_EDGE_HOST "192.0.2.1"

struct sim_world;

enum sim_host_state {
    SIM_HOST_UP,
    SIM_HOST_REFUSING, // the process is gone: connections reset, connects refused
    SIM_HOST_SILENT, // nothing passes either way; what was sent arrives when the host is up again
    SIM_HOST_RESETTING, // every connection is reset, the new ones right after they were accepted
    SIM_HOST_UNREACHABLE, // connects fail at once with ERROR_UNREACHABLE
};

struct sim_world *sim_world_create(uint64_t seed, unsigned edge_loops);
// All tasks must have ended, or must never run again.
void sim_world_destroy(struct sim_world *world);

// The edge's loops as new, after they have stopped.
void sim_world_restart_edge(struct sim_world *world);
struct loop *sim_world_edge_loop(struct sim_world *world, unsigned index);
struct loop *sim_world_outside(struct sim_world *world);
struct sim_world *sim_world_of(const struct loop *loop);
uint64_t sim_world_now_ns(const struct sim_world *world);
// For decisions of scenarios and actors; the network draws from its own.
struct random *sim_world_random(struct sim_world *world);

static inline uint64_t sim_in_ms(const struct task *task, uint64_t ms)
{
    return deadline_after_ms(task_loop(task), ms);
}

enum sim_end {
    SIM_END_FINISHED, // finished said so
    SIM_END_IDLE,     // nothing will ever happen again: a deadlock
    SIM_END_TIME,     // limit_ns came first
    SIM_END_BUSY,     // something spins without letting time pass
};
// Runs until finished, at most to limit_ns of virtual time.
enum sim_end sim_world_run(struct sim_world *world, bool (*finished)(void *argument),
    void *argument, uint64_t limit_ns);
// Runs work between the steps of all loops (to start, reload or destroy an edge), while the task
// waits.
void sim_world_between(struct task *task, void (*work)(void *argument), void *argument);

// What happened, for the eye; and the hash over all of it.
void sim_world_trace_to(struct sim_world *world, FILE *file); // NULL: off
void sim_trace(struct sim_world *world, const char *format, ...) PRINTF_LIKE(2, 3);
uint64_t sim_world_trace_hash(const struct sim_world *world);
void sim_world_dump(struct sim_world *world, FILE *file); // who waits where

// Faults. host is a numeric address without port; hosts are up and 0.2 ms away until told
// otherwise.
void sim_host_set(struct sim_world *world, const char *host, enum sim_host_state state);
void sim_host_latency(
    struct sim_world *world, const char *host, uint64_t latency_us, uint64_t jitter_us);
// One in `every` segments to or from the host kills its connection; 0: never.
void sim_host_loss(struct sim_world *world, const char *host, uint64_t every);
// How much a connection holds per direction (0: seeded per connection), and how often reads are
// cut short or writes taken in part.
void sim_network_window(struct sim_world *world, size_t bytes);
void sim_network_chop(struct sim_world *world, unsigned permille);
// addresses: up to IO_ADDRESSES_MAX numeric ones, NULL-terminated; an empty list: an empty answer.
void sim_dns_set(struct sim_world *world, const char *name, const char *const *addresses);
void sim_dns_lifetime(struct sim_world *world, const char *name, uint64_t ms); // else a minute
// ERROR_RESOLVE, or ERROR_TIMEOUT for a resolver that never answers.
void sim_dns_fail(struct sim_world *world, const char *name, enum error error);
void sim_wall_jump(struct sim_world *world, int64_t ms);
int64_t sim_true_wall_ms(const struct sim_world *world); // without the jumps
// Chance per step of an edge loop that one of the step's allocations fails.
void sim_memory_chance(struct sim_world *world, unsigned permille);
// Descriptors that the sockets of the edge may take: accepting and connecting fail beyond. 0: any.
void sim_descriptors(struct sim_world *world, uint64_t limit);
// Edge loops are late by up to that much before they take up new work.
void sim_loop_delay(struct sim_world *world, uint64_t max_us);

struct address sim_address(const char *host, uint16_t port); // host must be numeric
// io_connect from an address of one's own, for the actors outside.
enum error sim_connect(struct task *task, const char *source, const struct address *address,
    uint64_t deadline_ns, struct io_socket *ret_socket) MUST_CHECK;

// Counts for checkers.
struct sim_counts {
    uint64_t edge_sockets;      // open now on edge loops, listeners included
    uint64_t outside_sockets;
    uint64_t endless_waits;     // suspensions of edge tasks in the network without a deadline
    uint64_t memory_failures;   // injected into edge loops
    uint64_t resets, connects, events, steps;
    uint64_t questions;         // for names, answered or refused
};
struct sim_counts sim_world_counts(const struct sim_world *world);

// malloc that ends the process rather than returning NULL.
void *sim_alloc(size_t size);
