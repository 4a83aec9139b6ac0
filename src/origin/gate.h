// The gate of an origin. It is open while anybody there answers. When nobody does, it is shut:
// requests wait in front of it instead of failing, and now and then one goes in to try. Once one is
// answered, those who wait are let in as fast as the origin keeps up (pacer.h), never as a herd;
// when the last of them is in, the gate is open again. So it is when nobody has waited or tried for
// 3 s: nobody knows then, and being wrong costs one request.
//
// Who is let in next: the one who waits longest, unless it is certain that more come than can be
// let in (surplus.h); then the newest, so that some at least wait for a moment only, where
// otherwise all would wait until their time is nearly over. Nobody is dropped for it: each has a
// deadline of his own. All this within a class: people go before prefetches and crawlers (turn.h),
// and where no place to wait is left, those give theirs up.
//
// An origin that says that it is in maintenance is left alone until it said it would be back:
// nobody goes in to try before. Then all is as above.
//
// It is crowded while the backends answer but none of them has room (limit.h): requests wait, and
// whenever there is room again as many are let in.
//
// Shared by all loops, under a lock of its own; an open gate costs a load.
#pragma once

#include "io/task.h"
#include "origin/pacer.h"
#include "origin/surplus.h"
#include "origin/turn.h"

enum gate_state { GATE_OPEN, GATE_SHUT, GATE_PACED, GATE_CROWDED };

struct gate_line { // of one class
    struct list waiting; // of struct gate_waiter, who came first first
    struct surplus surplus;
};

struct gate {
    _Atomic enum gate_state state; // written under the lock
    struct lock lock;
    uint64_t round;                // of passes: those of an earlier one are not counted any more
    struct gate_line lines[PRIORITY_COUNT];
    uint64_t turns;                // see turn.h
    _Atomic uint64_t waiting_count;// written under the lock too
    uint64_t waiting_bytes;
    uint64_t normal_ns;            // to an answer, before it was shut
    uint64_t trial_at_ns, trial_pause_ns, known_until_ns; // while shut
    _Atomic int64_t maintenance_until_ms; // it says so itself, by the wall clock; 0: it does not
    struct pacer pacer;            // while paced
    uint64_t granted;              // while crowded: let in, and not yet seen inside
    uint64_t (*room)(void *context, uint64_t now_ns); // how many the backends would take
    void *context;
    _Atomic uint64_t refusals, displaced, timeouts, maintenances; // counters
    _Atomic uint64_t waits[PRIORITY_COUNT];
};

// The right to ask once. All zero: none is held. To be given back by gate_leave.
struct gate_pass {
    bool held;
    bool granted;     // for room that there is
    uint64_t round;   // 0: the gate was open
    uint64_t since_ns;
};

struct gate_wait {
    enum priority priority;
    uint64_t since_ns;       // when the request began to wait, also if it was let in meanwhile
    uint64_t deadline_ns;
    uint64_t bytes;          // that the waiting request takes
    uint64_t most, most_bytes; // who may wait in all
    bool (*has_gone)(void *context); // nobody is there any more: asked once a second
    bool has_asked;                  // before: to go in and try is a further attempt then,
    bool (*may_try)(void *context);  // which this allows or not
    void *context;
};

void gate_init(struct gate *gate, uint64_t (*room)(void *context, uint64_t now_ns),
    void *context);
void gate_destroy(struct gate *gate);
// Lets in at once, or not at all.
bool gate_try(struct gate *gate, uint64_t now_ns, struct gate_pass *ret_pass);
// Waits to be let in. LIMIT: too many wait, or somebody who matters more took the place; TIMEOUT,
// CANCELLED, MEMORY; RESET: has_gone.
enum error gate_wait(struct task *task, struct gate *gate, const struct gate_wait *wait,
    struct gate_pass *ret_pass) MUST_CHECK;
// Waits until then without asking to be let in, bounded with those who do. NONE: the time has come.
enum error gate_rest(struct task *task, struct gate *gate, const struct gate_wait *wait,
    uint64_t until_ns) MUST_CHECK;
// What became of it. UNKNOWN: it was not used, or the visitor left. Fine with no pass.
void gate_leave(struct gate *gate, struct gate_pass *pass, enum pacer_verdict verdict,
    uint64_t now_ns);
// Nobody answers. normal_ns: how long answers took before; 0: not known.
void gate_shut(struct gate *gate, uint64_t normal_ns, uint64_t now_ns);

// No backend has room.
void gate_crowd(struct gate *gate);
static inline bool gate_is_crowded(const struct gate *gate)
{
    return atomic_load_explicit(&gate->state, memory_order_relaxed) == GATE_CROWDED;
}
// There may be room again.
void gate_note_room(struct gate *gate, uint64_t now_ns);
// Takes the grant out of a pass, for whoever goes in for it; 0: there is none. To be used once: by
// whoever is now inside, or will not go in.
uint64_t gate_take_grant(struct gate_pass *pass);
void gate_use_grant(struct gate *gate, uint64_t grant, uint64_t now_ns);

struct gate_maintenance {
    int64_t until_ms;     // wall clock
    uint64_t trial_at_ns; // may be sooner
    uint64_t normal_ns;   // as above
};

// The origin says so. Lasts until it answers, or fails, in another way.
void gate_begin_maintenance(struct gate *gate, const struct gate_maintenance *maintenance);
void gate_end_maintenance(struct gate *gate, uint64_t now_ns);
static inline int64_t gate_maintenance_until_ms(const struct gate *gate) // 0: it is not
{
    return atomic_load_explicit(&gate->maintenance_until_ms, memory_order_relaxed);
}
