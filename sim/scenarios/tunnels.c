// Tunnels through the edge: every byte both ways, whoever ends first and however.
#include "sim/scenarios/common.h"

#include "sim/content.h"

#include <stdlib.h>

#define MESSAGE_MAX 3000
#define PATIENCE_MS 60000

enum ending { ENDING_CLOSE, ENDING_HALF, ENDING_RESET };

struct talker {
    struct sim_run *run;
    unsigned number;
    struct io_socket socket;
    struct sim_wire wire;
    struct sim_head head;
    char sent[MESSAGE_MAX], got[MESSAGE_MAX];
    bool may_break; // the origin or the edge may break it off
    unsigned messages;
    bool broke;
};

static enum error send_all(struct task *task, struct talker *talker, struct slice bytes)
{
    struct iovec piece = {(void *)(uintptr_t)bytes.data, bytes.size};
    return io_send(task, &talker->socket, &piece, 1, PATIENCE_MS, NULL);
}

// From what came behind the head first.
static enum error receive(struct task *task, struct talker *talker, char *buffer, size_t size,
    size_t *ret_size)
{
    struct sim_wire *wire = &talker->wire;
    if (wire->begin == wire->end)
        return io_receive(task, &talker->socket, buffer, size, sim_in_ms(task, PATIENCE_MS),
            ret_size);
    size = MINIMUM(size, wire->end - wire->begin);
    memcpy(buffer, wire->buffer + wire->begin, size);
    wire->begin += size;
    *ret_size = size;
    return ERROR_NONE;
}

static enum error ask(struct task *task, struct talker *talker)
{
    char request[256], source[24];
    struct address address = sim_address(SIM_EDGE_HOST, 80);
    snprintf(source, sizeof(source), "198.51.100.%u", talker->number + 1);
    enum error error = sim_connect(task, source, &address, sim_in_ms(task, PATIENCE_MS),
        &talker->socket);
    if (error != ERROR_NONE)
        return error;
    int size = snprintf(request, sizeof(request), "GET /tunnel/%u HTTP/1.1\r\n"
        "Host: www.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        talker->number);
    sim_wire_init(&talker->wire, &talker->socket, PATIENCE_MS);
    error = send_all(task, talker, slice_of(request, (size_t)size));
    return error != ERROR_NONE ? error : sim_wire_head(task, &talker->wire, &talker->head);
}

// One message there and back.
static enum error exchange(struct task *task, struct talker *talker)
{
    struct random *random = sim_random(talker->run);
    size_t size = 1 + (size_t)random_below(random, MESSAGE_MAX), at = 0;
    sim_content_fill(talker->number, talker->messages, talker->sent, size);
    talker->messages++;
    enum error error = send_all(task, talker, slice_of(talker->sent, size));
    while (error == ERROR_NONE && at < size) {
        size_t step;
        error = receive(task, talker, talker->got + at, size - at, &step);
        if (error == ERROR_NONE)
            at += step;
    }
    if (memcmp(talker->sent, talker->got, at) != 0)
        sim_fail(talker->run, "tunnel %u: a wrong byte came back", talker->number);
    return error;
}

static void end(struct task *task, struct talker *talker)
{
    size_t size;
    switch ((enum ending)random_below(sim_random(talker->run), 3)) {
    case ENDING_CLOSE:
        io_close(&talker->socket);
        break;
    case ENDING_HALF: // the other side ends then too, in order
        io_end(&talker->socket);
        enum error error = receive(task, talker, talker->got, 1, &size);
        if (error != ERROR_CLOSED && !talker->may_break)
            sim_fail(talker->run, "tunnel %u: not ended but: %s", talker->number,
                error_text(error));
        io_close(&talker->socket);
        break;
    case ENDING_RESET:
        io_reset(&talker->socket);
        break;
    }
}

static void talk(struct task *task, void *argument)
{
    struct talker *talker = argument;
    struct random *random = sim_random(talker->run);
    sim_sleep_ms(task, random_below(random, 500));
    enum error error = ask(task, talker);
    bool switched = error == ERROR_NONE && slice_equal(talker->head.line[1], SLICE("101"));
    talker->run->errors += error == ERROR_NONE && talker->head.line[1].data[0] == '5';
    talker->run->unread += error != ERROR_NONE;
    if (!switched && !talker->may_break)
        sim_fail(talker->run, "tunnel %u: not opened: %s", talker->number, error_text(error));
    unsigned count = 1 + (unsigned)random_below(random, 20);
    for (unsigned i = 0; switched && error == ERROR_NONE && i < count; i++) {
        error = exchange(task, talker);
        // Some pauses are longer than a direction stays awake, most are not.
        if (error == ERROR_NONE)
            sim_sleep_ms(task, random_below(random, random_chance(random, 1, 4) ? 2000 : 60));
    }
    if (error != ERROR_NONE && !talker->may_break)
        sim_fail(talker->run, "tunnel %u: broke off: %s", talker->number, error_text(error));
    talker->broke = error != ERROR_NONE;
    if (switched && error == ERROR_NONE)
        end(task, talker);
    io_close(&talker->socket);
    free(talker);
}

static void start(struct sim_run *run, struct scope *scope, unsigned count, bool may_break)
{
    for (unsigned i = 0; i < count; i++) {
        struct talker *talker = sim_alloc(sizeof(*talker));
        talker->run = run;
        talker->number = i;
        talker->may_break = may_break;
        sim_start(run, scope, talk, talker);
    }
}

static void join(struct task *task, struct scope *scope)
{
    enum error error = scope_join(task, scope, sim_in_ms(task, 3600000));
    (void)error;
    scope_close(task, scope);
}

static void usual(struct task *task, struct sim_run *run)
{
    struct scope scope;
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    scope_open(&scope);
    start(run, &scope, 20, false);
    join(task, &scope);
    sim_expect(run, origin->tunnels == 20);
}

// The origin falls in the middle of tunnels; the rest of the site does not notice.
static void breaks(struct task *task, struct sim_run *run)
{
    struct scope scope;
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    scope_open(&scope);
    sim_origin_set(origin, (struct sim_fault){.kind = random_chance(sim_random(run), 1, 2)
        ? SIM_FAULT_BEFORE_HEAD : SIM_FAULT_IN_BODY, .how = SIM_HOW_ANY, .permille = 500,
        .prefix = "/tunnel/"});
    start(run, &scope, 20, true);
    sim_visitors(task, run, 5000, sim_plan_any);
    join(task, &scope);
    sim_expect(run, origin->faults > 0);
}

// Silence: tunnels end by themselves, at both sides.
static void idle(struct task *task, struct sim_run *run)
{
    struct scope scope;
    sim_begin(task, run, "connections: {tunnel_idle_timeout: 1s}\n" SIM_ONE_BACKEND SIM_SITE);
    scope_open(&scope);
    start(run, &scope, 10, true);
    join(task, &scope);
}

static void drain(struct task *task, struct sim_run *run)
{
    struct scope scope;
    sim_begin(task, run, "connections: {drain_timeout: 1s}\n" SIM_ONE_BACKEND SIM_SITE);
    scope_open(&scope);
    start(run, &scope, 10, true);
    sim_sleep_ms(task, sim_between_values(run, 1, 3000));
    sim_edge_drain(task, run);
    join(task, &scope);
}

static void allocation_failure(struct task *task, struct sim_run *run)
{
    struct scope scope;
    sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    run->tolerant = run->troubled = true;
    sim_memory_chance(run->world, (unsigned)sim_between_values(run, 100, 600));
    scope_open(&scope);
    start(run, &scope, 20, true);
    join(task, &scope);
    sim_memory_chance(run->world, 0);
    run->tolerant = run->troubled = false;
    scope_open(&scope);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    start(run, &scope, 10, false);
    join(task, &scope);
}

static const struct sim_scenario scenarios[] = {
    {"tunnels_usual", usual, 0, "messages there and back, with pauses, and every kind of end"},
    {"tunnels_break", breaks, 0, "the origin falls in the middle of tunnels"},
    {"tunnels_idle", idle, 0, "silent tunnels are closed"},
    {"tunnels_drain", drain, 0, "the edge stops while tunnels are open"},
    {"tunnels_allocation_failure", allocation_failure, 0,
        "any allocation may fail; afterwards all is well"},
};

const struct sim_group sim_tunnel_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
