// Time, loops and the order of things. The network is network.c's.
#include "sim/inside.h"

#include "base/invariant.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>

#define SIM_START_NS (UINT64_C(5000) * NS_PER_SECOND)
#define SIM_WALL_MS INT64_C(1750000000000)
#define SIM_STEPS_AT_ONE_TIME UINT64_C(2000000)

void *sim_alloc(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        fputs("afloat-sim: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void sim_hash(struct sim_world *world, uint64_t value)
{
    uint64_t z = (world->hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    world->hash = z ^ (z >> 29);
}

// The heap of events: earliest first.

static bool event_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

void sim_event_at(struct sim_world *world, struct sim_event *event, uint64_t due_ns)
{
    if (world->heap_size == world->heap_capacity) {
        world->heap_capacity = MAXIMUM(world->heap_capacity * 2, 256);
        struct sim_event **heap = realloc(world->heap, world->heap_capacity * sizeof(*heap));
        if (heap == NULL)
            abort();
        world->heap = heap;
    }
    event->due_ns = MAXIMUM(due_ns, world->now_ns);
    event->order = random_next(&world->random);
    size_t at = world->heap_size++;
    while (at > 0 && event_before(event, world->heap[(at - 1) / 2])) {
        world->heap[at] = world->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->heap[at] = event;
}

static struct sim_event *event_take(struct sim_world *world)
{
    struct sim_event *first = world->heap[0], *last = world->heap[--world->heap_size];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= world->heap_size)
            break;
        if (child + 1 < world->heap_size &&
            event_before(world->heap[child + 1], world->heap[child]))
            child++;
        if (!event_before(world->heap[child], last))
            break;
        world->heap[at] = world->heap[child];
        at = child;
    }
    if (world->heap_size > 0)
        world->heap[at] = last;
    return first;
}

// Making and ending.

static void loop_setup(struct sim_world *world, struct sim_loop *loop, unsigned index,
    unsigned count, bool outside)
{
    struct loop_limits limits = {.tasks = 20000, .stack_size = outside ? 65536 : 131072};
    loop->world = world;
    loop->outside = outside;
    loop->loop.now_ns = world->now_ns;
    loop->loop.wall_ms = SIM_WALL_MS;
    loop_init(&loop->loop, &sim_network_operations, &limits, index, count,
        random_next(&world->random));
}

int64_t sim_true_wall_ms(const struct sim_world *world)
{
    return SIM_WALL_MS + (int64_t)((world->now_ns - SIM_START_NS) / NS_PER_MS);
}

static int64_t wall_of(const struct sim_world *world)
{
    return sim_true_wall_ms(world) + world->wall_offset_ms;
}

static int64_t wall_for_log(void *context)
{
    return wall_of(context);
}

static void refresh_clocks(struct sim_world *world)
{
    for (unsigned i = 0; i < world->edge_loops; i++) {
        world->edge[i].loop.now_ns = world->now_ns;
        world->edge[i].loop.wall_ms = wall_of(world);
    }
    world->outside.loop.now_ns = world->now_ns;
    world->outside.loop.wall_ms = wall_of(world);
}

struct sim_world *sim_world_create(uint64_t seed, unsigned edge_loops)
{
    struct sim_world *world = sim_alloc(sizeof(*world));
    invariant(edge_loops >= 1 && edge_loops <= SIM_EDGE_LOOPS_MAX);
    world->now_ns = SIM_START_NS;
    random_seed(&world->random, seed);
    random_seed(&world->director, seed ^ UINT64_C(0xD1CE));
    list_init(&world->hosts);
    list_init(&world->names);
    list_init(&world->streams);
    list_init(&world->listeners);
    world->chop_permille = 300;
    world->edge_loops = edge_loops;
    for (unsigned i = 0; i < edge_loops; i++)
        loop_setup(world, &world->edge[i], i, edge_loops, false);
    loop_setup(world, &world->outside, 0, 1, true);
    refresh_clocks(world);
    log_set_clock(wall_for_log, world);
    sim_host_latency(world, SIM_EDGE_HOST, 0, 0);
    return world;
}

static void free_all(struct list *links)
{
    LIST_FOREACH (link, links) {
        list_remove(link);
        free(link); // the link is the first member of hosts and names
    }
}

void sim_world_restart_edge(struct sim_world *world)
{
    for (unsigned i = 0; i < world->edge_loops; i++) {
        loop_destroy(&world->edge[i].loop);
        loop_setup(world, &world->edge[i], i, world->edge_loops, false);
    }
    refresh_clocks(world);
}

void sim_world_destroy(struct sim_world *world)
{
    sim_network_destroy(world);
    for (unsigned i = 0; i < world->edge_loops; i++)
        loop_destroy(&world->edge[i].loop);
    loop_destroy(&world->outside.loop);
    free_all(&world->hosts);
    free_all(&world->names);
    log_set_clock(NULL, NULL);
    free(world->heap);
    free(world);
}

// Running.

static bool loop_has_work(struct sim_world *world, struct sim_loop *loop)
{
    if (atomic_load(&loop->loop.stopping))
        return false; // its thread has left loop_run
    return loop->interrupted || loop_is_ready(&loop->loop) ||
        atomic_load(&loop->loop.mailbox) != NULL ||
        loop_next_due_ns(&loop->loop) <= world->now_ns;
}

// When the loop will have something to do, as far as it knows itself.
static uint64_t loop_due_ns(struct sim_world *world, struct sim_loop *loop)
{
    if (atomic_load(&loop->loop.stopping))
        return NEVER_NS;
    uint64_t due_ns = loop_has_work(world, loop) ? world->now_ns : loop_next_due_ns(&loop->loop);
    return MAXIMUM(due_ns, loop->late_until_ns);
}

static void step_loop(struct sim_world *world, struct sim_loop *loop)
{
    bool failing = !loop->outside && world->memory_permille > 0 &&
        random_chance(&world->random, world->memory_permille, 1000);
    uint64_t before = memory_failures();
    loop->interrupted = false;
    sim_hash(world, world->now_ns ^ loop->loop.index << 1 ^ loop->outside);
    if (failing)
        memory_fail_after(1 + random_below(&world->random, 8));
    loop_step(&loop->loop);
    memory_fail_after(0);
    world->counts.memory_failures += memory_failures() - before;
    world->counts.steps++;
    loop->late_until_ns = 0;
    if (!loop->outside && world->loop_delay_ns > 0)
        loop->late_until_ns = world->now_ns +
            random_below(&world->random, world->loop_delay_ns + 1);
}

static size_t collect_ready(struct sim_world *world, struct sim_loop **ready)
{
    size_t count = 0;
    for (unsigned i = 0; i <= world->edge_loops; i++) {
        struct sim_loop *loop = i < world->edge_loops ? &world->edge[i] : &world->outside;
        if (loop->late_until_ns <= world->now_ns && loop_has_work(world, loop))
            ready[count++] = loop;
    }
    return count;
}

static uint64_t next_due_ns(struct sim_world *world)
{
    uint64_t due_ns = world->heap_size > 0 ? world->heap[0]->due_ns : NEVER_NS;
    for (unsigned i = 0; i <= world->edge_loops; i++) {
        struct sim_loop *loop = i < world->edge_loops ? &world->edge[i] : &world->outside;
        due_ns = MINIMUM(due_ns, loop_due_ns(world, loop));
    }
    return due_ns;
}

enum sim_end sim_world_run(struct sim_world *world, bool (*finished)(void *argument),
    void *argument, uint64_t limit_ns)
{
    uint64_t steps = 0;
    while (!finished(argument)) {
        struct sim_loop *ready[SIM_EDGE_LOOPS_MAX + 1];
        size_t loops = collect_ready(world, ready);
        size_t events = world->heap_size > 0 && world->heap[0]->due_ns <= world->now_ns ? 1 : 0;
        if (loops + events > 0) {
            size_t pick = loops + events == 1 ? 0 : random_below(&world->random, loops + events);
            if (++steps > SIM_STEPS_AT_ONE_TIME)
                return SIM_END_BUSY;
            if (pick < loops) {
                step_loop(world, ready[pick]);
            } else {
                struct sim_event *event = event_take(world);
                world->counts.events++;
                sim_hash(world, world->now_ns);
                event->happen(world, event);
            }
            continue;
        }
        uint64_t due_ns = next_due_ns(world);
        if (due_ns == NEVER_NS)
            return SIM_END_IDLE;
        if (due_ns > limit_ns)
            return SIM_END_TIME;
        world->now_ns = due_ns;
        refresh_clocks(world);
        steps = 0;
    }
    return SIM_END_FINISHED;
}

struct between {
    struct sim_event event;
    struct task *task;
    void (*work)(void *argument);
    void *argument;
    bool done;
};

static void between_happens(struct sim_world *world, struct sim_event *event)
{
    struct between *between = CONTAINER_OF(event, struct between, event);
    (void)world;
    between->work(between->argument);
    between->done = true;
    task_wake(between->task);
}

void sim_world_between(struct task *task, void (*work)(void *argument), void *argument)
{
    struct sim_world *world = sim_world_of(task_loop(task));
    struct between between = {.event.happen = between_happens, .task = task, .work = work,
        .argument = argument};
    sim_event_at(world, &between.event, world->now_ns);
    while (!between.done) {
        enum error error = task_suspend(task, world->now_ns + NS_PER_SECOND);
        invariant(error != ERROR_CANCELLED); // only the director comes here, and nobody cancels it
    }
}

// Looking.

struct loop *sim_world_edge_loop(struct sim_world *world, unsigned index)
{
    invariant(index < world->edge_loops);
    return &world->edge[index].loop;
}

struct loop *sim_world_outside(struct sim_world *world)
{
    return &world->outside.loop;
}

struct sim_world *sim_world_of(const struct loop *loop)
{
    return sim_loop_of(loop)->world;
}

uint64_t sim_world_now_ns(const struct sim_world *world)
{
    return world->now_ns;
}

struct random *sim_world_random(struct sim_world *world)
{
    return &world->director;
}

void sim_world_trace_to(struct sim_world *world, FILE *file)
{
    world->trace = file;
}

void sim_trace(struct sim_world *world, const char *format, ...)
{
    if (world->trace == NULL)
        return;
    uint64_t us = (world->now_ns - SIM_START_NS) / 1000;
    fprintf(world->trace, "%6" PRIu64 ".%06" PRIu64 " ", us / 1000000, us % 1000000);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(world->trace, format, arguments);
    va_end(arguments);
    fputc('\n', world->trace);
}

uint64_t sim_world_trace_hash(const struct sim_world *world)
{
    return world->hash;
}

struct sim_counts sim_world_counts(const struct sim_world *world)
{
    return world->counts;
}

void sim_world_dump(struct sim_world *world, FILE *file)
{
    uint64_t ms = (world->now_ns - SIM_START_NS) / NS_PER_MS;
    fprintf(file, "  at %" PRIu64 ".%03" PRIu64 " s, %zu events to come\n", ms / 1000, ms % 1000,
        world->heap_size);
    for (unsigned i = 0; i <= world->edge_loops; i++) {
        const struct loop *loop = i < world->edge_loops ? &world->edge[i].loop
                                                        : &world->outside.loop;
        fprintf(file, "  loop %s %u: %" PRIu64 " tasks, %" PRIu64 " timers\n",
            i < world->edge_loops ? "edge" : "outside", i, loop->tasks_alive, loop->wheel.armed);
    }
    sim_network_dump(world, file);
}

// Faults that are not the network's.

void sim_wall_jump(struct sim_world *world, int64_t ms)
{
    world->wall_offset_ms += ms;
    refresh_clocks(world);
}

void sim_memory_chance(struct sim_world *world, unsigned permille)
{
    world->memory_permille = permille;
}

void sim_descriptors(struct sim_world *world, uint64_t limit)
{
    world->descriptor_limit = limit;
}

void sim_loop_delay(struct sim_world *world, uint64_t max_us)
{
    world->loop_delay_ns = max_us * 1000;
}

void sim_network_window(struct sim_world *world, size_t bytes)
{
    world->window = bytes;
}

void sim_network_chop(struct sim_world *world, unsigned permille)
{
    world->chop_permille = permille;
}
