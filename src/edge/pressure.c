// See pressure.h.
#include "edge/pressure.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/connection.h"
#include "edge/priority.h"
#include "edge/request.h"

#include <stddef.h>

// Of a limit, in percent.
#define TIGHT_FROM 75
#define SHORT_FROM 88
#define CRITICAL_FROM 95

#define LOOK_MS 1000
#define LOOK_UNDER_PRESSURE_MS 100
#define SILENT_LEAST_NS NS_PER_SECOND
#define HURRY_DIVISOR 5    // patience at the critical level is so much less
#define IDLE_DIVISOR 8     // of the silent, so many are closed at each look for memory's sake
#define STORE_STEP 5       // percent of its setting that the cache gives at each look
#define STORE_LEAST 10     // that it keeps
#define RETURN_EVERY_NS NS_PER_SECOND

enum pressure pressure_of(uint64_t used, uint64_t limit)
{
    if (limit == 0)
        return PRESSURE_NONE;
    uint64_t percent = used >= limit ? 100 : (used * 100 + limit - 1) / limit;
    return percent >= CRITICAL_FROM ? PRESSURE_CRITICAL : percent >= SHORT_FROM ? PRESSURE_SHORT
        : percent >= TIGHT_FROM ? PRESSURE_TIGHT : PRESSURE_NONE;
}

static const struct pressure_settings *settings_of(const struct edge_thread *thread)
{
    return &thread->generation->settings->overload;
}

// --- How short is it? ---

static uint64_t descriptors_used(const struct edge *edge)
{
    uint64_t used = 0;
    for (unsigned i = 0; i < edge->thread_count; i++)
        used += atomic_load_explicit(&edge->threads[i].loop->sockets, memory_order_relaxed);
    return used;
}

static enum pressure of_descriptors(const struct edge *edge)
{
    uint64_t limit = edge->pressure.resources.descriptors;
    return limit == 0 ? PRESSURE_NONE : pressure_of(descriptors_used(edge), limit);
}

// Visitors may not take what is left to fetches: their part is the whole here. When it is used up
// nobody new is served at once, so there is no use in refusing anybody.
static enum pressure of_tasks(const struct loop *loop)
{
    uint64_t limit = loop->limits.tasks - loop->limits.tasks / LINE_FETCHES_SHARE;
    return MINIMUM(pressure_of(loop->tasks_alive, limit), PRESSURE_SHORT);
}

static enum pressure measure_memory(struct edge *edge)
{
    const struct pressure_resources *resources = &edge->pressure.resources;
    uint64_t limit = settings_of(&edge->threads[0])->memory;
    if (limit == 0)
        limit = resources->memory;
    if (resources->memory_used == NULL || limit == 0)
        return PRESSURE_NONE;
    return pressure_of(resources->memory_used(resources->context), limit);
}

static enum pressure measure(struct edge_thread *thread)
{
    const struct loop *loop = thread->loop;
    enum pressure level = MAXIMUM(of_descriptors(thread->edge), of_tasks(loop));
    level = MAXIMUM(level, (enum pressure)atomic_load_explicit(&thread->edge->pressure.memory,
        memory_order_relaxed));
    if (loop->accepts_starved > thread->pressure.starved)
        level = PRESSURE_CRITICAL; // somebody else takes descriptors too
    thread->pressure.starved = loop->accepts_starved;
    return level;
}

// --- What is done about it ---

// Who has just come, or has just been answered, is about to say something.
static bool close_longest_silent(struct edge_thread *thread)
{
    if (list_is_empty(&thread->silent))
        return false;
    struct connection *connection =
        LIST_ENTRY(thread->silent.next, struct connection, silent_link);
    if (thread->loop->now_ns - connection->parked_ns < SILENT_LEAST_NS)
        return false;
    list_remove(&connection->silent_link);
    ledger_add(thread->ledger, LEDGER_OVERLOAD_SILENT, 1);
    connection_drain(connection);
    return true;
}

static void close_silent(struct edge_thread *thread, uint64_t count)
{
    while (count > 0 && close_longest_silent(thread))
        count--;
}

// This thread's part of what is to be closed, so that descriptors are no longer tight.
static uint64_t share_of_excess(const struct edge *edge)
{
    uint64_t limit = edge->pressure.resources.descriptors;
    uint64_t wanted = limit * TIGHT_FROM / 100, used = limit == 0 ? 0 : descriptors_used(edge);
    return used > wanted ? edge_share(edge, used - wanted) : 0;
}

static bool is_slow(const struct connection *connection, enum connection_phase phase,
    uint64_t patience_ms, uint64_t now_ns)
{
    uint64_t rate = MAXIMUM(settings_of(connection->thread)->send_rate, UINT64_C(1));
    if (connection->phase != phase)
        return false;
    if (phase == CONNECTION_TAKES)
        patience_ms += connection->phase_bytes * 1000 / rate;
    return now_ns - connection->phase_since_ns > patience_ms * NS_PER_MS;
}

static bool cut_slow(struct edge_thread *thread, enum connection_phase phase, uint64_t patience_ms)
{
    bool any = false;
    LIST_FOREACH(link, &thread->connections) {
        struct connection *connection = LIST_ENTRY(link, struct connection, link);
        if (!is_slow(connection, phase, patience_ms, thread->loop->now_ns))
            continue;
        any = true;
        ledger_add(thread->ledger, LEDGER_OVERLOAD_SLOW, 1);
        connection->phase = CONNECTION_WORKS; // once is enough
        connection_cut(connection);
    }
    return any;
}

// Step by step, and back again when there is room: the cache is what can be had again.
static void resize_store(struct edge *edge, enum pressure memory)
{
    struct pressure_state *state = &edge->pressure;
    uint64_t now_ns = edge->threads[0].loop->now_ns;
    unsigned before = state->store_percent;
    if (memory > PRESSURE_NONE)
        state->store_percent = MAXIMUM(before - STORE_STEP, STORE_LEAST);
    else if (before < 100)
        state->store_percent = MINIMUM(before + 1, 100);
    if (state->store_percent == before && before == 100)
        return;
    uint64_t whole = edge->threads[0].generation->settings->store.memory;
    cache_set_memory(edge->cache, state->store_percent == 100 ? whole
        : whole / 100 * state->store_percent);
    if (memory > PRESSURE_NONE && now_ns - state->returned_ns >= RETURN_EVERY_NS) {
        memory_return();
        state->returned_ns = now_ns;
    }
}

static void note_level(struct edge_thread *thread, enum pressure level)
{
    static const char *const words[] = {"over", "tight", "short", "critical"};
    if (level == thread->pressure.level)
        return;
    if (MAXIMUM(level, thread->pressure.level) >= PRESSURE_SHORT)
        log_write(LOG_WARNING, "edge", "pressure: %s loop=%u descriptors=%llu tasks=%llu "
            "connections=%llu", words[level], thread->index,
            (unsigned long long)descriptors_used(thread->edge),
            (unsigned long long)thread->loop->tasks_alive,
            (unsigned long long)thread->connection_count);
    thread->pressure.level = level;
}

static void relieve(struct edge_thread *thread)
{
    enum pressure level = thread->pressure.level;
    uint64_t patience_ms = settings_of(thread)->patience_ms;
    uint64_t silent = share_of_excess(thread->edge);
    if (level == PRESSURE_NONE)
        return;
    if (silent == 0)
        silent = thread->connection_count / IDLE_DIVISOR + 1;
    close_silent(thread, silent);
    if (level == PRESSURE_CRITICAL)
        patience_ms /= HURRY_DIVISOR;
    if (level >= PRESSURE_SHORT && !cut_slow(thread, CONNECTION_ASKS, patience_ms))
        cut_slow(thread, CONNECTION_TAKES, patience_ms);
}

static void look(struct timer *timer)
{
    struct edge_thread *thread = CONTAINER_OF(timer, struct edge_thread, pressure.timer);
    if (thread->index == 0) {
        enum pressure memory = measure_memory(thread->edge);
        atomic_store_explicit(&thread->edge->pressure.memory, memory, memory_order_relaxed);
        resize_store(thread->edge, memory);
    }
    note_level(thread, measure(thread));
    relieve(thread);
    timer_start(thread->loop, timer, deadline_after_ms(thread->loop,
        thread->pressure.level == PRESSURE_NONE ? LOOK_MS : LOOK_UNDER_PRESSURE_MS));
}

void pressure_start(struct edge_thread *thread)
{
    thread->edge->pressure.store_percent = 100;
    timer_init(&thread->pressure.timer, look);
    timer_start(thread->loop, &thread->pressure.timer, deadline_after_ms(thread->loop, LOOK_MS));
}

void pressure_stop(struct edge_thread *thread)
{
    timer_stop(thread->loop, &thread->pressure.timer);
}

// --- What asks ---

bool pressure_admits(struct edge_thread *thread)
{
    enum pressure level = of_descriptors(thread->edge);
    if (level == PRESSURE_NONE || close_longest_silent(thread) || level < PRESSURE_CRITICAL)
        return true;
    ledger_add(thread->ledger, LEDGER_OVERLOAD_PAUSES, 1);
    return false;
}

bool pressure_puts_off(struct edge_thread *thread)
{
    if (thread->pressure.level == PRESSURE_NONE)
        return false;
    ledger_add(thread->ledger, LEDGER_OVERLOAD_REFRESHES, 1);
    return true;
}

// Of descriptors, what is left at the critical level is for backends: none may be left.
static bool is_at_the_end(const struct edge *edge)
{
    uint64_t limit = edge->pressure.resources.descriptors;
    return atomic_load_explicit(&edge->pressure.memory, memory_order_relaxed) == PRESSURE_CRITICAL
        || (limit > 0 && descriptors_used(edge) >= limit);
}

// As what it is refused; LEDGER_COUNTS: it is not.
static enum ledger_count refusal_of(const struct request *request)
{
    const struct edge_thread *thread = request->thread;
    switch (priority_of(request)) {
    case PRIORITY_BACKGROUND:
        return LEDGER_OVERLOAD_PREFETCHES;
    case PRIORITY_BOT:
        if (thread->pressure.level >= PRESSURE_SHORT)
            return LEDGER_OVERLOAD_BOTS;
        break;
    case PRIORITY_INTERACTIVE:
        break;
    }
    return is_at_the_end(thread->edge) ? LEDGER_OVERLOAD_REFUSED : LEDGER_COUNTS;
}

bool pressure_refuses(struct request *request)
{
    struct edge_thread *thread = request->thread;
    if (__builtin_expect(thread->pressure.level == PRESSURE_NONE, 1))
        return false;
    enum ledger_count refusal = refusal_of(request);
    if (refusal == LEDGER_COUNTS)
        return false;
    ledger_add(thread->ledger, refusal, 1);
    request->shed = true;
    request->failure.kind = FAILURE_CONNECTION_LIMIT_REACHED;
    return true;
}

static const struct setting rows[] = {
    {.name = "memory", .type = SETTING_SIZE, .fallback = "0",
        .offset = offsetof(struct pressure_settings, memory), .maximum = UINT64_C(1) << 50,
        .summary = "How much memory the process may take before it gives up the least valuable of "
                   "what it does, beginning at three quarters; 0: what the control group or the "
                   "machine has.",
        .touch = "Set it when other programs on the machine need memory that they take only now "
                 "and then."},
    {.name = "patience", .type = SETTING_DURATION, .fallback = "5s",
        .offset = offsetof(struct pressure_settings, patience_ms), .minimum = 100,
        .maximum = 3600000,
        .summary = "How long, while descriptors, memory or tasks are short, the head of a request "
                   "may take, and an answer beyond the time that send_rate gives it.",
        .touch = "Raise it when very slow visitors matter more than new ones."},
    {.name = "wait", .type = SETTING_DURATION, .fallback = "5s",
        .offset = offsetof(struct pressure_settings, wait_ms), .maximum = 600000,
        .summary = "How long a request waits for a task when all are taken, the first to come "
                   "first. Then it gets 503 with Retry-After (over HTTP/2 it is refused so that it "
                   "may be asked again; over HTTP/1.1 with TLS its connection is closed). So "
                   "is a connection from which nothing could be read for so long.",
        .touch = "Lower it when something in front of the edge has others to ask."},
    {.name = "send_rate", .type = SETTING_SIZE, .fallback = "64KB",
        .offset = offsetof(struct pressure_settings, send_rate), .minimum = 1,
        .maximum = UINT64_C(1) << 40,
        .summary = "How much of an answer a visitor should take in a second while these are short.",
        .touch = "Lower it where most visitors are on slow links."},
};

const struct setting_section pressure_settings_section = {
    .size = sizeof(struct pressure_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "What the edge gives up first when descriptors, memory or tasks run short.",
};
