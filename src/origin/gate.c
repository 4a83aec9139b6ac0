// See gate.h. A waiter lies in memory of its own, because the message that lets it in may still be
// under way when its task has given up.
#include "origin/gate.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "origin/backend.h"

#define TRIAL_FIRST_NS (100 * NS_PER_MS)
#define TRIAL_LAST_NS NS_PER_SECOND
#define GONE_CHECK_NS NS_PER_SECOND
#define KNOWN_NS (3 * NS_PER_SECOND) // without any trial, what is known is no longer so

struct gate_waiter {
    struct list link; // of its line, under the gate's lock; alone: let in, displaced, or gave up
    enum priority priority;
    uint64_t since_ns, bytes;
    bool has_asked;
    bool let_in, displaced; // likewise
    _Atomic bool posted; // the message is under way; set under the lock, cleared in the task's loop
    struct gate_pass pass;
    struct loop *loop;
    struct message message;
    struct task *task; // its loop's; NULL: has given up
};

void gate_init(struct gate *gate, uint64_t (*room)(void *context, uint64_t now_ns),
    void *context)
{
    gate->room = room;
    gate->context = context;
    lock_init(&gate->lock);
    for (unsigned i = 0; i < PRIORITY_COUNT; i++)
        list_init(&gate->lines[i].waiting);
}

void gate_destroy(struct gate *gate)
{
    for (unsigned i = 0; i < PRIORITY_COUNT; i++)
        invariant(list_is_empty(&gate->lines[i].waiting));
    lock_destroy(&gate->lock);
}

static enum gate_state state_of(const struct gate *gate)
{
    return atomic_load_explicit(&gate->state, memory_order_relaxed);
}

static void set_state(struct gate *gate, enum gate_state state)
{
    gate->round++;
    gate->granted = 0;
    atomic_store_explicit(&gate->state, state, memory_order_relaxed);
}

// --- Waiters; all under the lock ---

// A bit for each class.
static unsigned who_waits(const struct gate *gate)
{
    unsigned classes = 0;
    for (unsigned i = 0; i < PRIORITY_COUNT; i++)
        classes |= list_is_empty(&gate->lines[i].waiting) ? 0 : 1u << i;
    return classes;
}

static bool nobody_waits(const struct gate *gate)
{
    return who_waits(gate) == 0;
}

// Of the highest class of which anybody waits; NULL: nobody does.
static struct gate_waiter *first_of(const struct gate *gate)
{
    unsigned classes = who_waits(gate);
    return classes == 0 ? NULL : LIST_ENTRY(gate->lines[__builtin_ctz(classes)].waiting.next,
        struct gate_waiter, link);
}

static struct gate_waiter *at_end(const struct gate_line *line, bool newest)
{
    struct list *link = newest ? line->waiting.previous : line->waiting.next;
    invariant(link != NULL && link != &line->waiting);
    return LIST_ENTRY(link, struct gate_waiter, link);
}

static struct gate_waiter *next_of(const struct gate_line *line, uint64_t now_ns)
{
    return at_end(line, surplus_is_certain(&line->surplus, now_ns));
}

static struct gate_waiter *last_of(const struct gate_line *line, uint64_t now_ns)
{
    return at_end(line, !surplus_is_certain(&line->surplus, now_ns));
}

// In the waiter's own loop.
static void deliver(struct loop *loop, struct message *message)
{
    struct gate_waiter *waiter = CONTAINER_OF(message, struct gate_waiter, message);
    (void)loop;
    atomic_store_explicit(&waiter->posted, false, memory_order_release);
    if (waiter->task != NULL)
        task_wake(waiter->task);
    else
        memory_free(waiter);
}

static void post(struct gate_waiter *waiter)
{
    if (!atomic_exchange_explicit(&waiter->posted, true, memory_order_acq_rel))
        loop_post(waiter->loop, &waiter->message);
}

static void give_place(struct gate *gate, uint64_t bytes)
{
    gate->waiting_bytes -= bytes;
    atomic_fetch_sub_explicit(&gate->waiting_count, 1, memory_order_relaxed);
}

static void take_off(struct gate *gate, struct gate_waiter *waiter)
{
    bool was_first = first_of(gate) == waiter;
    list_remove(&waiter->link);
    give_place(gate, waiter->bytes);
    if (was_first && state_of(gate) == GATE_SHUT && !nobody_waits(gate))
        post(first_of(gate)); // he looks out from now on
}

static bool has_place(const struct gate *gate, const struct gate_wait *wait)
{
    return atomic_load_explicit(&gate->waiting_count, memory_order_relaxed) < wait->most
        && gate->waiting_bytes + wait->bytes <= wait->most_bytes;
}

// Whoever would go in last of the lowest class gives his place to a higher one.
static bool displace(struct gate *gate, enum priority priority, uint64_t now_ns)
{
    struct gate_line *line = &gate->lines[PRIORITY_COUNT - 1];
    while (line > &gate->lines[priority] && list_is_empty(&line->waiting))
        line--;
    if (line <= &gate->lines[priority])
        return false;
    struct gate_waiter *waiter = last_of(line, now_ns);
    take_off(gate, waiter);
    waiter->displaced = true;
    count_one(&gate->displaced);
    post(waiter);
    return true;
}

// A place among those who wait.
static enum error take_place(struct gate *gate, const struct gate_wait *wait, uint64_t now_ns)
{
    while (!has_place(gate, wait)) {
        if (wait->bytes > wait->most_bytes || !displace(gate, wait->priority, now_ns)) {
            count_one(&gate->refusals);
            return ERROR_LIMIT;
        }
    }
    atomic_fetch_add_explicit(&gate->waiting_count, 1, memory_order_relaxed);
    gate->waiting_bytes += wait->bytes;
    return ERROR_NONE;
}

static struct gate_pass make_pass(struct gate *gate, uint64_t now_ns)
{
    struct gate_pass pass = {.held = true, .round = gate->round, .since_ns = now_ns};
    switch (state_of(gate)) {
    case GATE_OPEN:
    case GATE_SHUT: // a trial
        break;
    case GATE_PACED:
        pacer_enter(&gate->pacer);
        break;
    case GATE_CROWDED:
        gate->granted++;
        pass.granted = true;
        break;
    }
    return pass;
}

static bool has_room(const struct gate *gate, uint64_t now_ns)
{
    return state_of(gate) == GATE_PACED ? pacer_has_room(&gate->pacer)
        : gate->room(gate->context, now_ns) > gate->granted;
}

static void let_in(struct gate *gate, struct gate_waiter *waiter, uint64_t now_ns)
{
    take_off(gate, waiter);
    waiter->pass = make_pass(gate, now_ns);
    waiter->let_in = true;
}

static void let_in_waiting(struct gate *gate, uint64_t now_ns)
{
    while (!nobody_waits(gate) && has_room(gate, now_ns)) {
        struct gate_line *line = &gate->lines[turn_next(who_waits(gate), &gate->turns)];
        struct gate_waiter *waiter = next_of(line, now_ns);
        let_in(gate, waiter, now_ns);
        post(waiter);
    }
    if (state_of(gate) == GATE_CROWDED && nobody_waits(gate) && has_room(gate, now_ns))
        set_state(gate, GATE_OPEN);
}

// Each trial that fails makes the pause to the next one longer.
static bool claim_trial(struct gate *gate, uint64_t now_ns)
{
    if (now_ns < gate->trial_at_ns)
        return false;
    gate->trial_at_ns = now_ns + gate->trial_pause_ns;
    gate->known_until_ns = now_ns + KNOWN_NS;
    gate->trial_pause_ns = MINIMUM(2 * gate->trial_pause_ns, TRIAL_LAST_NS);
    return true;
}

// --- Going in and coming back ---

static bool try_locked(struct gate *gate, uint64_t now_ns, struct gate_pass *ret_pass)
{
    switch (state_of(gate)) {
    case GATE_OPEN:
        *ret_pass = (struct gate_pass){.held = true};
        return true;
    case GATE_SHUT:
        if (nobody_waits(gate) && now_ns >= gate->known_until_ns) {
            set_state(gate, GATE_OPEN);
            *ret_pass = (struct gate_pass){.held = true};
            return true;
        }
        if (!claim_trial(gate, now_ns))
            return false;
        *ret_pass = make_pass(gate, now_ns);
        return true;
    case GATE_PACED:
    case GATE_CROWDED:
        if (!nobody_waits(gate) || !has_room(gate, now_ns))
            return false;
        *ret_pass = make_pass(gate, now_ns);
        return true;
    }
    return false;
}

bool gate_try(struct gate *gate, uint64_t now_ns, struct gate_pass *ret_pass)
{
    if (state_of(gate) == GATE_OPEN) {
        *ret_pass = (struct gate_pass){.held = true};
        return true;
    }
    lock_acquire(&gate->lock);
    bool let = try_locked(gate, now_ns, ret_pass);
    lock_release(&gate->lock);
    return let;
}

static void begin_pacing(struct gate *gate)
{
    set_state(gate, GATE_PACED);
    pacer_begin(&gate->pacer, gate->normal_ns);
}

void gate_crowd(struct gate *gate)
{
    lock_acquire(&gate->lock);
    if (state_of(gate) == GATE_OPEN)
        set_state(gate, GATE_CROWDED);
    lock_release(&gate->lock);
}

void gate_note_room(struct gate *gate, uint64_t now_ns)
{
    lock_acquire(&gate->lock);
    if (state_of(gate) == GATE_CROWDED)
        let_in_waiting(gate, now_ns);
    lock_release(&gate->lock);
}

uint64_t gate_take_grant(struct gate_pass *pass)
{
    uint64_t grant = pass->granted ? pass->round : 0;
    pass->granted = false;
    return grant;
}

void gate_use_grant(struct gate *gate, uint64_t grant, uint64_t now_ns)
{
    if (grant == 0)
        return;
    lock_acquire(&gate->lock);
    if (state_of(gate) == GATE_CROWDED && grant == gate->round) {
        gate->granted--;
        let_in_waiting(gate, now_ns);
    }
    lock_release(&gate->lock);
}

void gate_leave(struct gate *gate, struct gate_pass *pass, enum pacer_verdict verdict,
    uint64_t now_ns)
{
    if (!pass->held)
        return;
    pass->held = false;
    gate_use_grant(gate, gate_take_grant(pass), now_ns); // it will not go in for it
    if (state_of(gate) == GATE_OPEN)
        return;
    lock_acquire(&gate->lock);
    bool is_of_this_round = pass->round == gate->round;
    if (state_of(gate) == GATE_SHUT && verdict == PACER_GOOD)
        begin_pacing(gate);
    else if (state_of(gate) == GATE_PACED && is_of_this_round)
        pacer_leave(&gate->pacer, verdict, now_ns - pass->since_ns, now_ns);
    if (state_of(gate) == GATE_PACED) {
        let_in_waiting(gate, now_ns);
        if (nobody_waits(gate)
            && (uint64_t)gate->pacer.inside * 2000 <= gate->pacer.limit_milli)
            set_state(gate, GATE_OPEN);
    }
    lock_release(&gate->lock);
}

void gate_shut(struct gate *gate, uint64_t normal_ns, uint64_t now_ns)
{
    lock_acquire(&gate->lock);
    enum gate_state before = state_of(gate);
    if (before != GATE_SHUT) {
        set_state(gate, GATE_SHUT);
        if (before == GATE_OPEN || before == GATE_CROWDED)
            gate->normal_ns = normal_ns;
        gate->trial_pause_ns = TRIAL_FIRST_NS;
        gate->trial_at_ns = now_ns + TRIAL_FIRST_NS;
        gate->known_until_ns = now_ns + KNOWN_NS;
        if (!nobody_waits(gate))
            post(first_of(gate));
    }
    lock_release(&gate->lock);
}

void gate_begin_maintenance(struct gate *gate, const struct gate_maintenance *maintenance)
{
    lock_acquire(&gate->lock);
    enum gate_state before = state_of(gate);
    if (before == GATE_OPEN || before == GATE_CROWDED)
        gate->normal_ns = maintenance->normal_ns;
    if (before != GATE_SHUT)
        set_state(gate, GATE_SHUT);
    if (gate_maintenance_until_ms(gate) == 0)
        count_one(&gate->maintenances);
    atomic_store_explicit(&gate->maintenance_until_ms, maintenance->until_ms,
        memory_order_relaxed);
    gate->trial_pause_ns = TRIAL_FIRST_NS;
    gate->trial_at_ns = maintenance->trial_at_ns;
    gate->known_until_ns = maintenance->trial_at_ns + KNOWN_NS;
    lock_release(&gate->lock);
}

// From here on as if it had been shut just now.
void gate_end_maintenance(struct gate *gate, uint64_t now_ns)
{
    if (gate_maintenance_until_ms(gate) == 0)
        return;
    lock_acquire(&gate->lock);
    atomic_store_explicit(&gate->maintenance_until_ms, 0, memory_order_relaxed);
    gate->trial_at_ns = MINIMUM(gate->trial_at_ns, now_ns + TRIAL_FIRST_NS);
    gate->known_until_ns = now_ns + KNOWN_NS;
    if (state_of(gate) == GATE_SHUT && !nobody_waits(gate))
        post(first_of(gate));
    lock_release(&gate->lock);
}

// --- Waiting ---

static enum error join(struct gate *gate, const struct gate_wait *wait,
    struct gate_waiter *waiter, uint64_t now_ns)
{
    enum error error = take_place(gate, wait, now_ns);
    if (error != ERROR_NONE)
        return error;
    struct list *waiting = &gate->lines[wait->priority].waiting;
    count_one(&gate->waits[wait->priority]);
    // Whoever went in to try in vain is where he was.
    if (!list_is_empty(waiting)
        && wait->since_ns <= LIST_ENTRY(waiting->next, struct gate_waiter, link)->since_ns)
        list_prepend(waiting, &waiter->link);
    else
        list_append(waiting, &waiter->link);
    return ERROR_NONE;
}

static struct gate_waiter *first_unasked(const struct gate_line *line)
{
    LIST_FOREACH(link, &line->waiting) {
        struct gate_waiter *waiter = LIST_ENTRY(link, struct gate_waiter, link);
        if (!waiter->has_asked)
            return waiter;
    }
    return NULL;
}

// It is time to try. By one who has not asked yet, for whom this is no further attempt; else by the
// one who looks out, if he may.
static void try_again(struct gate *gate, const struct gate_wait *wait,
    struct gate_waiter *lookout, uint64_t now_ns)
{
    struct gate_waiter *chosen = NULL;
    for (unsigned i = 0; i < PRIORITY_COUNT && chosen == NULL; i++)
        chosen = first_unasked(&gate->lines[i]);
    if (chosen == NULL && wait->may_try(wait->context))
        chosen = lookout;
    if (chosen == NULL)
        return;
    let_in(gate, chosen, now_ns);
    if (chosen != lookout)
        post(chosen);
}

// Its time was over. If it might have been let in before, that says something of the others.
static void note_late(struct gate *gate, const struct gate_waiter *waiter, uint64_t now_ns)
{
    if (state_of(gate) == GATE_PACED || state_of(gate) == GATE_CROWDED)
        surplus_note(&gate->lines[waiter->priority].surplus, now_ns);
}

// Until when there is nothing to do unless somebody wakes him. The first one looks out for the
// time of the next trial.
static uint64_t next_look(const struct gate *gate, const struct gate_waiter *waiter,
    uint64_t now_ns)
{
    uint64_t next_ns = now_ns + GONE_CHECK_NS;
    if (state_of(gate) == GATE_SHUT && first_of(gate) == waiter)
        next_ns = MINIMUM(next_ns, MAXIMUM(gate->trial_at_ns, now_ns + 1));
    return next_ns;
}

static bool is_waiting(const struct gate_waiter *waiter)
{
    return !waiter->let_in && !waiter->displaced;
}

static enum error await_turn(struct task *task, struct gate *gate, const struct gate_wait *wait,
    struct gate_waiter *waiter)
{
    enum error error = ERROR_NONE;
    lock_acquire(&gate->lock);
    while (is_waiting(waiter) && error == ERROR_NONE) {
        uint64_t next_ns = next_look(gate, waiter, task_now_ns(task));
        lock_release(&gate->lock);
        error = task_suspend(task, MINIMUM(next_ns, wait->deadline_ns));
        bool is_over = task_now_ns(task) >= wait->deadline_ns;
        if (error == ERROR_TIMEOUT && !is_over)
            error = wait->has_gone(wait->context) ? ERROR_RESET : ERROR_NONE;
        lock_acquire(&gate->lock);
        if (error == ERROR_NONE && is_waiting(waiter) && gate_maintenance_until_ms(gate) != 0
            && state_of(gate) == GATE_SHUT && gate->trial_at_ns > wait->deadline_ns)
            error = ERROR_TIMEOUT; // in vain
        if (is_waiting(waiter) && error == ERROR_NONE && state_of(gate) == GATE_SHUT
            && first_of(gate) == waiter && claim_trial(gate, task_now_ns(task)))
            try_again(gate, wait, waiter, task_now_ns(task));
        else if (state_of(gate) == GATE_CROWDED)
            let_in_waiting(gate, task_now_ns(task));
    }
    if (waiter->let_in && error == ERROR_TIMEOUT)
        error = ERROR_NONE;
    if (is_waiting(waiter) && error == ERROR_TIMEOUT)
        note_late(gate, waiter, task_now_ns(task));
    if (is_waiting(waiter))
        take_off(gate, waiter);
    if (waiter->displaced && (error == ERROR_NONE || error == ERROR_TIMEOUT))
        error = ERROR_LIMIT;
    lock_release(&gate->lock);
    return error;
}

enum error gate_wait(struct task *task, struct gate *gate, const struct gate_wait *wait,
    struct gate_pass *ret_pass)
{
    struct gate_waiter *waiter = memory_zero_alloc(sizeof(*waiter));
    if (waiter == NULL)
        return ERROR_MEMORY;
    waiter->priority = wait->priority;
    waiter->since_ns = wait->since_ns;
    waiter->bytes = wait->bytes;
    waiter->has_asked = wait->has_asked;
    waiter->loop = task_loop(task);
    waiter->message.deliver = deliver;
    waiter->task = task;
    list_init(&waiter->link);
    lock_acquire(&gate->lock);
    waiter->let_in = try_locked(gate, task_now_ns(task), &waiter->pass);
    enum error error = waiter->let_in ? ERROR_NONE : join(gate, wait, waiter, task_now_ns(task));
    lock_release(&gate->lock);
    if (error == ERROR_NONE)
        error = await_turn(task, gate, wait, waiter);
    if (waiter->let_in) {
        *ret_pass = waiter->pass;
        if (error != ERROR_NONE)
            gate_leave(gate, ret_pass, PACER_UNKNOWN, task_now_ns(task));
    }
    if (error == ERROR_TIMEOUT)
        count_one(&gate->timeouts);
    waiter->task = NULL;
    if (!atomic_load_explicit(&waiter->posted, memory_order_acquire))
        memory_free(waiter);
    return error;
}

enum error gate_rest(struct task *task, struct gate *gate, const struct gate_wait *wait,
    uint64_t until_ns)
{
    lock_acquire(&gate->lock);
    enum error error = take_place(gate, wait, task_now_ns(task));
    lock_release(&gate->lock);
    if (error != ERROR_NONE)
        return error;
    if (wait->since_ns == task_now_ns(task)) // it had not waited before
        count_one(&gate->waits[wait->priority]);
    until_ns = MINIMUM(until_ns, wait->deadline_ns);
    while (error == ERROR_NONE && task_now_ns(task) < until_ns) {
        error = task_sleep_until(task, MINIMUM(until_ns, task_now_ns(task) + GONE_CHECK_NS));
        if (error == ERROR_NONE && wait->has_gone(wait->context))
            error = ERROR_RESET;
    }
    if (error == ERROR_NONE && task_now_ns(task) >= wait->deadline_ns)
        error = ERROR_TIMEOUT;
    if (error == ERROR_TIMEOUT)
        count_one(&gate->timeouts);
    lock_acquire(&gate->lock);
    give_place(gate, wait->bytes);
    lock_release(&gate->lock);
    return error;
}
