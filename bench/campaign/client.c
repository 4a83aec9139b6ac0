// The visitors of the campaign: an open loop that keeps to a schedule whatever the answers are, a
// connection for each request, and every byte of content is checked.
//
//   campaign.client ADDRESS:PORT START_NS PATIENCE_MS <SCHEDULE
//
// START_NS is of the monotonic clock; PATIENCE_MS is how long a visitor waits for an answer. A line
// of the schedule is "AT_US METHOD PATH READ PAUSE_MS": METHOD GET or POST (of /post/ID), or HOLD
// for a connection that says nothing; READ and PAUSE_MS make a slow reader (so many bytes, then so
// long a pause; 0 0: at full speed), of HOLD PAUSE_MS is how long. When all have ended, a line for
// each: "LAG_US FIRST_US TOTAL_US OUTCOME STATUS CACHE": lateness of the start; first byte and last
// byte after it; what came of it:
//
//   ok       200 with the right content        garbled  something that is no HTTP
//   status   another status                    short    the content ended early
//   refused  no connection                     stalled  the content stopped coming
//   reset    no answer, by a reset             wrong    content that the site does not have
//   closed   no answer, by an orderly end      timeout  no answer
#include "bench/campaign/site.h"
#include "bench/campaign/world.h"
#include "sim/content.h"

#define BODY_PATIENCE_MS 10000
#define LINE 256

struct request {
    uint64_t due_ns, read_size, pause_ms;
    char method[8], path[64];
    uint64_t start_ns, first_ns, end_ns;
    const char *outcome;
    unsigned status;
    char cache[96];
};

struct client {
    struct loop *loop;
    struct address address;
    struct request *requests;
    size_t count;
    uint64_t patience_ms;
    struct scope scope;
};

struct visit {
    struct client *client;
    struct request *request;
    struct io_socket socket;
    struct sim_wire wire;
    struct sim_head head;
    uint64_t seed, at;
    bool wrong;
};

static const char *ending(enum error error, bool in_content)
{
    switch (error) {
    case ERROR_TIMEOUT:
        return in_content ? "stalled" : "timeout";
    case ERROR_REFUSED:
    case ERROR_UNREACHABLE:
        return "refused";
    case ERROR_PROTOCOL:
        return "garbled";
    case ERROR_CLOSED:
        return in_content ? "short" : "closed";
    case ERROR_RESET:
        return in_content ? "short" : "reset";
    case ERROR_TRUNCATED:
        return in_content ? "short" : "closed";
    case ERROR_NONE:
    case ERROR_MEMORY:
    case ERROR_LIMIT:
    case ERROR_CANCELLED:
    case ERROR_RESOLVE:
    case ERROR_INVALID:
    case ERROR_NOT_FOUND:
    case ERROR_BUSY:
    case ERROR_DENIED:
    case ERROR_SYSTEM:
        break;
    }
    return "broken"; // ours
}

static enum error take(void *argument, struct slice bytes)
{
    struct visit *visit = argument;
    if (visit->request->status == 200 && !visit->wrong)
        visit->wrong = sim_content_check(visit->seed, visit->at, bytes) != UINT64_MAX;
    visit->at += bytes.size;
    return ERROR_NONE;
}

static enum error ask(struct task *task, struct visit *visit)
{
    const struct request *request = visit->request;
    char text[512], content[2048];
    uint64_t id;
    struct slice path = slice_from_string(request->path);
    if (strcmp(request->method, "POST") != 0) {
        int size = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: campaign.test\r\n\r\n",
            request->method, request->path);
        return sim_wire_send(task, &visit->wire, slice_of(text, (size_t)size));
    }
    if (!slice_parse_u64(slice_of(path.data + 6, path.size - 6), UINT64_MAX, &id))
        world_fail("an upload without a number");
    size_t size = (size_t)(site_upload_seed(id) % sizeof(content));
    sim_content_fill(site_upload_seed(id), 0, content, size);
    int head = snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: campaign.test\r\n"
        "X-Upload: %" PRIu64 "\r\nContent-Length: %zu\r\n\r\n", request->path, id, size);
    enum error error = sim_wire_send(task, &visit->wire, slice_of(text, (size_t)head));
    return error != ERROR_NONE ? error
                               : sim_wire_send(task, &visit->wire, slice_of(content, size));
}

static void read_content(struct task *task, struct visit *visit)
{
    struct request *request = visit->request;
    const struct site_page *page = site_page(slice_from_string(request->path));
    enum sim_framing framing;
    uint64_t length, version = sim_head_number(&visit->head, "x-content", 0);
    if (!sim_head_framing(&visit->head, SIM_FRAMING_CLOSE, &framing, &length)) {
        request->outcome = "garbled";
        return;
    }
    visit->seed = site_seed(slice_from_string(request->path), version);
    visit->wire.wait_ms = BODY_PATIENCE_MS;
    visit->wire.read_size = (size_t)request->read_size;
    visit->wire.pause_ms = request->pause_ms;
    enum error error = sim_wire_body(task, &visit->wire, framing, length, take, visit);
    if (error != ERROR_NONE)
        request->outcome = ending(error, true);
    else if (request->status != 200)
        request->outcome = "status";
    else if (visit->wrong || version == 0 || page == NULL)
        request->outcome = "wrong";
    else
        request->outcome = visit->at == site_size(page, slice_from_string(request->path)) ? "ok"
                                                                                          : "wrong";
}

static void read_answer(struct task *task, struct visit *visit)
{
    struct request *request = visit->request;
    uint64_t status;
    do {
        enum error error = sim_wire_head(task, &visit->wire, &visit->head);
        if (error != ERROR_NONE) {
            request->outcome = ending(error, false);
            return;
        }
        if (!slice_parse_u64(visit->head.line[1], 999, &status)) {
            request->outcome = "garbled";
            return;
        }
    } while (status < 200);
    request->status = (unsigned)status;
    request->first_ns = task_now_ns(task);
    snprintf(request->cache, sizeof(request->cache), "%.*s",
        SLICE_ARGS(sim_head_value(&visit->head, "cache-status", NULL)));
    read_content(task, visit);
}

static void run_visit(struct task *task, void *argument)
{
    struct visit *visit = argument;
    struct request *request = visit->request;
    request->start_ns = task_now_ns(task);
    enum error error = io_connect(task, &visit->client->address,
        world_in_ms(task, visit->client->patience_ms), &visit->socket);
    if (error != ERROR_NONE) {
        request->outcome = ending(error, false);
    } else if (strcmp(request->method, "HOLD") == 0) {
        char byte;
        size_t size;
        error = io_receive(task, &visit->socket, &byte, 1, world_in_ms(task, request->pause_ms),
            &size);
        request->outcome = error == ERROR_TIMEOUT ? "ok" : ending(error, false);
    } else {
        sim_wire_init(&visit->wire, &visit->socket, visit->client->patience_ms);
        error = ask(task, visit);
        // A server may answer and close before it has read all: then the answer is still there.
        if (error == ERROR_NONE || error == ERROR_RESET || error == ERROR_CLOSED)
            read_answer(task, visit);
        else
            request->outcome = ending(error, false);
    }
    request->end_ns = task_now_ns(task);
    io_close(&visit->socket);
    free(visit);
}

static void report(const struct client *client)
{
    for (size_t i = 0; i < client->count; i++) {
        const struct request *request = &client->requests[i];
        uint64_t first_ns = request->first_ns == 0 ? request->end_ns : request->first_ns;
        printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %s %u %s\n",
            (request->start_ns - request->due_ns) / 1000, (first_ns - request->start_ns) / 1000,
            (request->end_ns - request->start_ns) / 1000, request->outcome, request->status,
            request->cache);
    }
}

static void keep_to_schedule(struct task *task, void *argument)
{
    struct client *client = argument;
    scope_open(&client->scope);
    for (size_t i = 0; i < client->count; i++) {
        struct visit *visit = world_grow(NULL, sizeof(*visit));
        memset(visit, 0, sizeof(*visit));
        visit->client = client;
        visit->request = &client->requests[i];
        if (task_sleep_until(task, visit->request->due_ns) != ERROR_NONE ||
            task_start(client->loop, &client->scope, run_visit, visit) != ERROR_NONE)
            world_fail("too many visitors");
    }
    if (scope_join(task, &client->scope, NEVER_NS) != ERROR_NONE)
        world_fail("cannot wait");
    report(client);
    loop_stop(client->loop);
}

static void read_schedule(struct client *client, uint64_t start_ns)
{
    char line[LINE];
    size_t capacity = 0;
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (client->count == capacity) {
            capacity = MAXIMUM(capacity * 2, 1024);
            client->requests = world_grow(client->requests, capacity * sizeof(*client->requests));
        }
        struct request *request = &client->requests[client->count++];
        memset(request, 0, sizeof(*request));
        if (sscanf(line, "%" SCNu64 " %7s %63s %" SCNu64 " %" SCNu64, &request->due_ns,
                request->method, request->path, &request->read_size, &request->pause_ms) != 5)
            world_fail("a line of the schedule cannot be read");
        request->due_ns = start_ns + request->due_ns * 1000;
    }
}

int main(int count, char **arguments)
{
    struct client client = {.count = 0};
    uint64_t start_ns;
    if (count != 4 || !slice_parse_u64(slice_from_string(arguments[2]), UINT64_MAX, &start_ns) ||
        !slice_parse_u64(slice_from_string(arguments[3]), UINT32_MAX, &client.patience_ms))
        world_fail("usage: campaign.client ADDRESS:PORT START_NS PATIENCE_MS <SCHEDULE");
    client.address = world_address(arguments[1]);
    client.loop = world_loop();
    read_schedule(&client, start_ns);
    if (task_start(client.loop, NULL, keep_to_schedule, &client) != ERROR_NONE)
        world_fail("no task");
    loop_run(client.loop);
    return 0;
}
