// One loop per thread: its clock, timers, mailbox and ready tasks. Everything here but loop_post
// and loop_stop belongs to the loop's own thread. An implementation (epoll; the simulated world)
// embeds a struct loop as its first member and supplies the operations.
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/random.h"
#include "base/setting.h"

#include <stdatomic.h>

#define NEVER_NS UINT64_MAX

struct loop;
struct task;
struct io_socket;
struct io_names;
struct address;
struct iovec;

// A timer is armed on at most one loop at a time. Fires once, in the loop, not in a task.
struct timer {
    struct list link;
    uint64_t due_ns;
    void (*fire)(struct timer *timer);
};

// A message lives in its sender's memory until it is delivered: in the receiving loop, not in a
// task.
struct message {
    struct message *next;
    void (*deliver)(struct loop *loop, struct message *message);
};

// What a world must be able to do. Operations that take a task may suspend it until deadline_ns;
// all others return at once. Errors are those of base/error.h, TIMEOUT and CANCELLED among them.
struct io_operations {
    // Waits until something happens, loop_post is called or due_ns comes; lets it happen.
    void (*turn)(struct loop *loop, uint64_t due_ns);
    void (*interrupt)(struct loop *loop); // ends a turn early; from any thread
    // shared: join the listeners that this process has there; otherwise ERROR_BUSY if anybody has.
    enum error (*listen)(struct loop *loop, const struct address *address, bool shared,
        struct io_socket *ret_socket);
    enum error (*local_address)(const struct io_socket *socket, struct address *ret_address);
    enum error (*accept)(struct task *task, struct io_socket *listener,
        struct io_socket *ret_socket, struct address *ret_peer, uint64_t deadline_ns);
    // Begins to; the socket is open from here on.
    enum error (*connect)(struct loop *loop, const struct address *address,
        struct io_socket *ret_socket);
    // BUSY while under way: its writer is woken when there is news.
    enum error (*connected)(struct io_socket *socket);
    enum error (*receive)(struct task *task, struct io_socket *socket, void *buffer, size_t size,
        uint64_t deadline_ns, size_t *ret_size);
    // At least one byte.
    enum error (*send)(struct task *task, struct io_socket *socket, const struct iovec *pieces,
        size_t count, uint64_t deadline_ns, size_t *ret_size);
    // As much as can go at once; 0 when nothing can, or the socket is broken.
    size_t (*send_now)(struct io_socket *socket, const void *bytes, size_t size);
    // What has come already, at most size; 0 when nothing has. keeps: it stays to be received.
    size_t (*receive_now)(struct io_socket *socket, void *buffer, size_t size, bool keeps);
    // Changes what parks or ends a socket: see enum io_control in io.h.
    bool (*control)(struct io_socket *socket, unsigned control);
    enum error (*resolve)(struct task *task, struct slice host, uint16_t port, uint64_t deadline_ns,
        struct io_names *ret_names);
    enum error (*blocking)(struct task *task, void (*work)(void *argument), void *argument);
    void (*entropy)(struct loop *loop, void *buffer, size_t size);
};

struct loop_limits {
    uint64_t tasks;      // per loop; the setting counts them over all loops: main/ divides
    uint64_t stack_size; // per task, bytes, without the guard page
};
// Section `tasks`: struct loop_limits.
extern const struct setting_section loop_settings;

#define TIMER_WHEEL_LEVELS 5
#define TIMER_WHEEL_SLOTS 64

struct timer_wheel { // ticks of 1 ms; hierarchical; arming and stopping are O(1)
    uint64_t tick;   // the last tick that was run
    uint64_t armed;  // timers armed
    uint64_t occupied[TIMER_WHEEL_LEVELS];
    struct list slots[TIMER_WHEEL_LEVELS][TIMER_WHEEL_SLOTS];
    struct list overdue; // started when already due
    struct list far;     // beyond what the levels reach (12 days)
};

#define TASK_STARTS_MIN 64 // a power of two, as every size of the ring

struct task_start {
    void (*main)(struct task *task, void *argument);
    void *argument;
};

struct loop {
    const struct io_operations *operations;
    uint64_t now_ns;       // monotonic; refreshed once per turn
    int64_t wall_ms;       // since the epoch, refreshed together with now_ns
    unsigned index, count; // this loop among all loops of the edge
    struct random random;
    struct timer_wheel wheel;
    struct list ready;     // tasks to run
    struct task *current;  // NULL outside tasks
    struct loop_limits limits;
    struct list pool;      // stacks at rest
    struct task_start *starts; // a ring of tasks to begin, which have no stack yet
    size_t starts_begin, starts_count, starts_capacity;
    struct task_start first_starts[TASK_STARTS_MIN]; // as large as the ring is as a rule
    uint64_t tasks_alive, tasks_peak, tasks_refused, stacks_pooled;
    struct timer *on_task_end; // who waits for a task: started, for now. NULL: nobody
    uint64_t accepts_starved; // accepts put off because descriptors had run out
    uint64_t work_refused;    // io_blocking calls that found the queue full
    _Atomic uint64_t sockets; // open, this loop's to write
    _Atomic(struct message *) mailbox;
    atomic_bool stopping;
    _Atomic unsigned callers; // threads that are inside loop_post or loop_stop
};

// For implementations. The rest of struct loop is set here.
void loop_init(struct loop *loop, const struct io_operations *operations,
    const struct loop_limits *limits, unsigned index, unsigned count, uint64_t seed);
// All tasks must have ended. Waits for threads that are still ringing for mail delivered long ago.
void loop_destroy(struct loop *loop);
// Delivers mail, fires due timers and runs what is ready, until nothing is ready or it has gone
// round so often that I/O must be looked at. True if there was anything.
bool loop_step(struct loop *loop);
bool loop_is_ready(const struct loop *loop); // some task has something to do at once
// When the wheel must turn next: then a timer fires, or none does yet. NEVER_NS if none is armed.
uint64_t loop_next_due_ns(const struct loop *loop);

// Steps and turns until loop_stop. Then returns; tasks may still be alive.
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop); // any thread
// From any thread, this one included. Delivered in the order posted.
void loop_post(struct loop *loop, struct message *message);

void timer_init(struct timer *timer, void (*fire)(struct timer *timer));
// Restarts an armed one. Fires up to 1 ms late, never early, and not before the next step.
// NEVER_NS: as timer_stop.
void timer_start(struct loop *loop, struct timer *timer, uint64_t due_ns);
void timer_stop(struct loop *loop, struct timer *timer); // fine if not armed
bool timer_is_armed(const struct timer *timer);
