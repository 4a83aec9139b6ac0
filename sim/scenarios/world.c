// The world proves itself: clients and origins meet without an edge between them.
#include "sim/client.h"
#include "sim/origin.h"

#include "base/invariant.h"

#include <stdlib.h>

static const char origin_host[] = "10.0.0.1";

// Bytes come out as they went in, whatever the network cuts them into.

#define ECHO_SIZE 40000

struct echo {
    struct sim_run *run;
    struct io_socket listener;
    uint64_t sent, received;
    bool finished;
};

static void echo_server(struct task *task, void *argument)
{
    struct echo *echo = argument;
    struct io_socket socket;
    struct address peer;
    char buffer[3000];
    size_t size;
    enum error error = io_accept(task, &echo->listener, &socket, &peer,
        sim_in_ms(task, 60000));
    sim_expect(echo->run, error == ERROR_NONE);
    while (error == ERROR_NONE) {
        error = io_receive(task, &socket, buffer, sizeof(buffer),
            sim_in_ms(task, 60000), &size);
        struct iovec piece = {buffer, size};
        if (error == ERROR_NONE)
            error = io_send(task, &socket, &piece, 1, 60000, NULL);
    }
    sim_expect(echo->run, error == ERROR_CLOSED);
    io_close(&socket);
    io_close(&echo->listener);
}

static void echo_sender(struct task *task, void *argument)
{
    struct echo *echo = argument;
    struct io_socket *socket = &echo->listener; // the sender's own: see echo_exact
    char buffer[5000];
    enum error error = ERROR_NONE;
    while (echo->sent < ECHO_SIZE && error == ERROR_NONE) {
        size_t size = 1 + (size_t)random_below(sim_random(echo->run), sizeof(buffer) - 1);
        size = (size_t)MINIMUM((uint64_t)size, ECHO_SIZE - echo->sent);
        for (size_t i = 0; i < size; i++)
            buffer[i] = (char)((echo->sent + i) * 7);
        struct iovec pieces[2] = {{buffer, size / 2}, {buffer + size / 2, size - size / 2}};
        error = io_send(task, socket, pieces, 2, 60000, NULL);
        echo->sent += size;
    }
    sim_expect(echo->run, error == ERROR_NONE);
    io_end(socket);
}

static void echo_exact(struct task *task, struct sim_run *run)
{
    struct echo server = {.run = run}, sender = {.run = run};
    struct address address = sim_address(origin_host, 7);
    enum error error = io_listen(sim_world_outside(run->world), &address, &server.listener);
    sim_expect(run, error == ERROR_NONE);
    sim_start(run, &run->origins, echo_server, &server);
    error = sim_connect(task, "198.51.100.1", &address, sim_in_ms(task, 1000),
        &sender.listener);
    sim_expect(run, error == ERROR_NONE);
    struct scope scope;
    scope_open(&scope);
    sim_start(run, &scope, echo_sender, &sender);
    uint64_t at = 0;
    while (error == ERROR_NONE) {
        char buffer[700];
        size_t size;
        error = io_receive(task, &sender.listener, buffer, sizeof(buffer),
            sim_in_ms(task, 60000), &size);
        for (size_t i = 0; error == ERROR_NONE && i < size; i++)
            sim_expect(run, buffer[i] == (char)((at + i) * 7));
        at += error == ERROR_NONE ? size : 0;
    }
    sim_expect(run, error == ERROR_CLOSED);
    sim_expect(run, at == ECHO_SIZE);
    scope_close(task, &scope);
    io_close(&sender.listener);
}

// Each state of a host does to a connect what it says.

static enum error try_connect(struct task *task, uint16_t port)
{
    struct address address = sim_address(origin_host, port);
    struct io_socket socket;
    enum error error = sim_connect(task, "198.51.100.1", &address,
        sim_in_ms(task, 3000), &socket);
    if (error == ERROR_NONE)
        io_close(&socket);
    return error;
}

static void connect_faults(struct task *task, struct sim_run *run)
{
    sim_origin_start(run, origin_host);
    sim_expect(run, try_connect(task, 80) == ERROR_NONE);
    sim_expect(run, try_connect(task, 81) == ERROR_REFUSED);
    sim_host_set(run->world, origin_host, SIM_HOST_REFUSING);
    sim_expect(run, try_connect(task, 80) == ERROR_REFUSED);
    sim_host_set(run->world, origin_host, SIM_HOST_UNREACHABLE);
    sim_expect(run, try_connect(task, 80) == ERROR_UNREACHABLE);
    sim_host_set(run->world, origin_host, SIM_HOST_SILENT);
    uint64_t start_ns = task_now_ns(task);
    sim_expect(run, try_connect(task, 80) == ERROR_TIMEOUT);
    sim_expect(run, task_now_ns(task) - start_ns >= 3000 * NS_PER_MS);
    sim_host_set(run->world, origin_host, SIM_HOST_UP);
    sim_expect(run, try_connect(task, 80) == ERROR_NONE);
}

// A silent host's connections go on when it speaks again; a killed one's do not.

static void later_up(struct task *task, void *argument)
{
    struct sim_run *run = argument;
    sim_sleep_ms(task, 5000);
    sim_host_set(run->world, origin_host, SIM_HOST_UP);
}

static void silence_and_death(struct task *task, struct sim_run *run)
{
    sim_site_add_usual(&run->site);
    run->target = origin_host;
    struct sim_origin *origin = sim_origin_start(run, origin_host);
    origin->chunk_delay_ms = 20;
    sim_host_set(run->world, origin_host, SIM_HOST_SILENT);
    sim_start(run, &run->origins, later_up, run);
    uint64_t start_ns = task_now_ns(task);
    struct sim_request request = {.client = 3, .path = "/static/a"};
    struct sim_answer answer;
    struct sim_visit visit = {.run = run, .requests = &request, .count = 1, .answers = &answer};
    sim_visit(task, &visit);
    sim_expect(run, answer.error == ERROR_NONE && answer.status == 200);
    sim_expect(run, task_now_ns(task) - start_ns >= 5000 * NS_PER_MS);
    request.allow = SIM_ALLOW_CUT;
    snprintf(request.path, sizeof(request.path), "/big/never-served");
    visit.leave_after = 0;
    struct scope scope;
    scope_open(&scope);
    sim_start(run, &scope, later_up, run);
    visit.patience_ms = 1000;
    sim_host_set(run->world, origin_host, SIM_HOST_SILENT);
    sim_visit(task, &visit);
    sim_expect(run, answer.error == ERROR_TIMEOUT);
    scope_close(task, &scope);
    sim_origin_kill(origin);
    sim_visit(task, &visit);
    sim_expect(run, answer.error == ERROR_REFUSED);
    sim_origin_revive(origin);
    sim_visit(task, &visit);
    sim_expect(run, answer.error == ERROR_NONE);
}

// All of HTTP between client and origin, oddly behaved visitors included.

static void plan_mix(struct sim_run *run, struct sim_request *request)
{
    static const char *const paths[] = {"/static/", "/page/", "/soon/", "/api/", "/me/", "/lang/",
        "/none/", "/swr/", "/must/", "/bare/"};
    static const char *const languages[] = {"de", "en", "fr"};
    struct random *random = sim_random(run);
    const char *prefix = sim_choose(run, paths, ARRAY_SIZE(paths));
    snprintf(request->path, sizeof(request->path), "%s%" PRIu64, prefix, random_below(random, 5));
    request->language = sim_choose(run, languages, ARRAY_SIZE(languages));
    if (random_chance(random, 1, 10))
        request->method = "HEAD";
    if (random_chance(random, 1, 10)) {
        request->method = "POST";
        snprintf(request->path, sizeof(request->path), "/post/form");
        request->upload_id = 1 + request->client * 1000 + request->index;
        request->upload_size = random_below(random, 20000);
        request->upload_chunked = random_chance(random, 1, 2);
    } else if (random_chance(random, 1, 8)) {
        snprintf(request->path, sizeof(request->path), "/static/big");
        request->has_range = true;
        request->range_first = random_below(random, 50);
        request->range_last = request->range_first + random_below(random, 1000);
    }
}

static void direct_mix(struct task *task, struct sim_run *run)
{
    sim_site_add_usual(&run->site);
    run->target = origin_host;
    struct sim_origin *origin = sim_origin_start(run, origin_host);
    origin->spread_ms = 20;
    struct sim_crowd crowd = {.clients = 12, .requests_each = 10, .over_ms = 300, .think_ms = 5,
        .odd_permille = 400, .plan = plan_mix};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 120);
    sim_expect(run, origin->requests >= 120);
}

// The checkers notice what they are there for: each fault of an origin is seen by the client.

struct expectation {
    enum sim_fault_kind kind;
    enum sim_fault_how how;
    int64_t amount;
};

static void faults_are_seen(struct task *task, struct sim_run *run)
{
    static const struct expectation faults[] = {
        {SIM_FAULT_BEFORE_HEAD, SIM_HOW_END, 0}, {SIM_FAULT_BEFORE_HEAD, SIM_HOW_RESET, 0},
        {SIM_FAULT_BEFORE_HEAD, SIM_HOW_STALL, 0}, {SIM_FAULT_IN_HEAD, SIM_HOW_END, 0},
        {SIM_FAULT_IN_HEAD, SIM_HOW_STALL, 0}, {SIM_FAULT_IN_BODY, SIM_HOW_END, 0},
        {SIM_FAULT_IN_BODY, SIM_HOW_RESET, 0}, {SIM_FAULT_IN_BODY, SIM_HOW_STALL, 0},
        {SIM_FAULT_LENGTH, SIM_HOW_END, 5},
    };
    sim_site_add_usual(&run->site);
    run->target = origin_host;
    struct sim_origin *origin = sim_origin_start(run, origin_host);
    const struct expectation *expected = &faults[random_below(sim_random(run), ARRAY_SIZE(faults))];
    sim_origin_set(origin, (struct sim_fault){.kind = expected->kind, .how = expected->how,
        .amount = expected->amount});
    struct sim_request request = {.client = 3, .path = "/static/a", .allow = SIM_ALLOW_CUT};
    struct sim_answer answer = sim_ask(task, run, &request);
    sim_expect(run, answer.error != ERROR_NONE);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    answer = sim_ask(task, run, &request);
    sim_expect(run, answer.error == ERROR_NONE && answer.status == 200);
}

// A short Content-Length makes a complete answer of too few bytes: only the checker can tell.

static void lies_are_caught(struct task *task, struct sim_run *run)
{
    sim_site_add_usual(&run->site);
    run->target = origin_host;
    struct sim_origin *origin = sim_origin_start(run, origin_host);
    sim_origin_set(
        origin, (struct sim_fault){.kind = SIM_FAULT_LENGTH, .how = SIM_HOW_END, .amount = -5});
    sim_get(task, run, "/static/a");
    bool caught = run->failed && strstr(run->reason, "passed off as the whole") != NULL;
    run->failed = false;
    sim_expect(run, caught);
}

// Names.

static void names(struct task *task, struct sim_run *run)
{
    static const char *const two[] = {"10.0.0.1", "10.0.0.2", NULL};
    static const char *const none[] = {NULL};
    struct io_names found;
    sim_dns_set(run->world, "origin.test", two);
    enum error error = io_resolve(task, SLICE("origin.test"), 80, sim_in_ms(task, 1000), &found);
    sim_expect(run, error == ERROR_NONE && found.count == 2
        && address_port(&found.addresses[1]) == 80);
    sim_dns_set(run->world, "origin.test", none);
    error = io_resolve(task, SLICE("origin.test"), 80, sim_in_ms(task, 1000), &found);
    sim_expect(run, error == ERROR_RESOLVE);
    sim_dns_fail(run->world, "origin.test", ERROR_TIMEOUT);
    error = io_resolve(task, SLICE("origin.test"), 80, sim_in_ms(task, 1000), &found);
    sim_expect(run, error == ERROR_TIMEOUT);
    error = io_resolve(task, SLICE("10.0.0.9"), 80, sim_in_ms(task, 1000), &found);
    sim_expect(run, error == ERROR_NONE && found.count == 1);
}

// Between the edge's loops: mail arrives in order, and a broadcast wakes every loop.

struct mail {
    struct message message;
    struct sim_run *run;
    unsigned number;
};

struct post_office {
    struct mail mails[50];
    unsigned delivered;
    struct broadcast broadcast;
    unsigned woken;
} ;

static void mail_arrives(struct loop *loop, struct message *message)
{
    struct mail *mail = CONTAINER_OF(message, struct mail, message);
    struct post_office *office = CONTAINER_OF(mail - mail->number, struct post_office, mails[0]);
    sim_expect(mail->run, loop == sim_world_edge_loop(mail->run->world, 0));
    sim_expect(mail->run, office->delivered == mail->number);
    office->delivered++;
}

static void wait_for_signal(struct task *task, void *argument)
{
    struct post_office *office = argument;
    enum error error = broadcast_wait(task, &office->broadcast, 0, sim_in_ms(task, 60000));
    office->woken += error == ERROR_NONE;
}

static void mail_and_broadcast(struct task *task, struct sim_run *run)
{
    struct post_office *office = sim_alloc(sizeof(*office));
    struct scope scopes[3];
    broadcast_init(&office->broadcast);
    sim_loop_delay(run->world, 500);
    for (unsigned i = 0; i < 50; i++) {
        office->mails[i] = (struct mail){{NULL, mail_arrives}, run, i};
        loop_post(sim_world_edge_loop(run->world, 0), &office->mails[i].message);
        if (random_chance(sim_random(run), 1, 4))
            sim_sleep_ms(task, 1);
    }
    for (unsigned i = 0; i < 9; i++) {
        if (i < 3)
            scope_open(&scopes[i]);
        enum error error = task_start(sim_world_edge_loop(run->world, i % 3), &scopes[i % 3],
            wait_for_signal, office);
        sim_expect(run, error == ERROR_NONE);
    }
    sim_sleep_ms(task, 10);
    sim_expect(run, office->delivered == 50);
    sim_expect(run, office->woken == 0);
    broadcast_signal(&office->broadcast);
    sim_sleep_ms(task, 10);
    sim_expect(run, office->woken == 9);
    broadcast_destroy(&office->broadcast);
    free(office);
}

// A parked socket calls once: for bytes, for the end, or at its deadline.

struct parked {
    struct io_socket socket;
    unsigned calls;
    enum error reason;
};

static void on_ready(struct io_socket *socket, enum error reason)
{
    struct parked *parked = CONTAINER_OF(socket, struct parked, socket);
    parked->calls++;
    parked->reason = reason;
}

static void parking(struct task *task, struct sim_run *run)
{
    struct parked parked = {.calls = 0};
    struct io_socket listener, peer_socket;
    struct address address = sim_address(origin_host, 9), peer;
    char byte = 'x';
    struct iovec piece = {&byte, 1};
    enum error error = io_listen(sim_world_outside(run->world), &address, &listener);
    sim_expect(run, error == ERROR_NONE);
    error = sim_connect(task, "198.51.100.1", &address, sim_in_ms(task, 1000), &peer_socket);
    sim_expect(run, error == ERROR_NONE);
    error = io_accept(task, &listener, &parked.socket, &peer, sim_in_ms(task, 1000));
    sim_expect(run, error == ERROR_NONE);
    io_park(&parked.socket, sim_in_ms(task, 500), on_ready);
    sim_sleep_ms(task, 1000);
    sim_expect(run, parked.calls == 1 && parked.reason == ERROR_TIMEOUT);
    sim_expect(run, io_is_quiet(&parked.socket));
    io_park(&parked.socket, sim_in_ms(task, 500), on_ready);
    error = io_send(task, &peer_socket, &piece, 1, 1000, NULL);
    sim_expect(run, error == ERROR_NONE);
    sim_sleep_ms(task, 100);
    sim_expect(run, parked.calls == 2 && parked.reason == ERROR_NONE);
    sim_expect(run, !io_is_quiet(&parked.socket) && !io_has_gone(&parked.socket));
    io_park(&parked.socket, sim_in_ms(task, 500), on_ready); // there is a byte already
    sim_sleep_ms(task, 10);
    sim_expect(run, parked.calls == 3);
    io_park(&parked.socket, sim_in_ms(task, 500), on_ready);
    io_unpark(&parked.socket);
    io_close(&peer_socket);
    sim_sleep_ms(task, 1000);
    sim_expect(run, parked.calls == 3);
    io_close(&parked.socket);
    io_close(&listener);
}

static const struct sim_scenario scenarios[] = {
    {"world_echo", echo_exact, 1, "bytes arrive as they were sent, however cut"},
    {"world_connect_faults", connect_faults, 1, "connects to hosts in every state"},
    {"world_silence_and_death", silence_and_death, 1, "silent hosts resume, dead ones do not"},
    {"world_mix", direct_mix, 1, "clients and origin speak HTTP without an edge"},
    {"world_faults_are_seen", faults_are_seen, 1, "each fault of an origin reaches a client"},
    {"world_lies_are_caught", lies_are_caught, 1, "a complete answer of too few bytes is noticed"},
    {"world_names", names, 1, "names resolve, fail, time out"},
    {"world_mail_and_broadcast", mail_and_broadcast, 3, "loops wake each other, in order"},
    {"world_parking", parking, 1, "parked sockets call once"},
};

const struct sim_group sim_world_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
