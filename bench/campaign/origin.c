// The origin of the campaign: the site of site.h in straight code, well-behaved until told
// otherwise.
//
//   campaign.origin ADDRESS:PORT CONTROL_ADDRESS:PORT SEED
//
// Prints "ready" once it listens. Each line on the control port is a command; its answer ends with
// a line of one dot:
//
//   faults LIST           what goes wrong from now on (faults.h); an empty list ends it
//   refuse | accept       the listener closes and every connection is reset | it listens again
//   capacity N WORD       N answers a second; WORD says what becomes of more: queue, or shed (503)
//   health WORD           what /health says: a status, stall, or open (200 without an end)
//   idle MS LATE          kept connections are not read any more after so long, and closed LATE
//                         ms later
//   change                every page has a new version
//   mark | log            forgets | lists the requests: "MS METHOD PATH FAULT CONTENT", where
//                         CONTENT of an upload is whole, wrong or broken
#include "bench/campaign/faults.h"
#include "bench/campaign/site.h"
#include "bench/campaign/world.h"
#include "http/cache_control.h"
#include "sim/content.h"

#define WAIT_MS 60000
#define FIRST_WAIT_MS 30000
#define IDLE_MS 60000
#define SHED_AFTER_MS 100
#define PIECE 16384
#define HEAD 2048

struct visit { // what the log keeps of a request
    uint64_t at_ns;
    char method[8], path[64];
    enum fault_kind fault;
    const char *content;
};

struct origin {
    struct loop *loop;
    struct address address, control_address;
    struct io_socket listener, control;
    struct scope connections; // of this incarnation
    bool refuses;
    struct random random;
    struct faults faults;
    char health[16];
    uint64_t version, idle_ms, late_ms, mark_ns;
    uint64_t capacity, free_ns; // 0: unbounded; when the next answer may be made
    bool sheds;
    struct visit *log;
    size_t log_count, log_capacity;
};

struct connection {
    struct origin *origin;
    struct io_socket socket;
    struct sim_wire wire;
    struct sim_head request;
    char head[HEAD], piece[PIECE + 32];
};

struct response {
    const struct site_page *page;
    struct slice path, method;
    unsigned status;
    uint64_t seed, size, first, end;
    char etag[40];
    bool has_body, chunked, until_close, close;
    struct fault fault;
};

static void quiet(enum error error)
{
    (void)error; // the peer went away, and what was read next says so
}

static size_t note(struct origin *origin, const struct sim_head *request)
{
    if (origin->log_count == origin->log_capacity) {
        origin->log_capacity = MAXIMUM(origin->log_capacity * 2, 1024);
        origin->log = world_grow(origin->log, origin->log_capacity * sizeof(*origin->log));
    }
    struct visit *visit = &origin->log[origin->log_count];
    *visit = (struct visit){.at_ns = origin->loop->now_ns, .content = "-"};
    snprintf(visit->method, sizeof(visit->method), "%.*s", SLICE_ARGS(request->line[0]));
    snprintf(visit->path, sizeof(visit->path), "%.*s", SLICE_ARGS(request->line[1]));
    return origin->log_count++;
}

// --- Reading an upload ---

struct upload {
    uint64_t seed, at;
    bool wrong;
};

static enum error take_upload(void *argument, struct slice bytes)
{
    struct upload *upload = argument;
    upload->wrong |= sim_content_check(upload->seed, upload->at, bytes) != UINT64_MAX;
    upload->at += bytes.size;
    return ERROR_NONE;
}

static enum error read_upload(struct task *task, struct connection *connection,
    const char **ret_content)
{
    const struct sim_head *request = &connection->request;
    enum sim_framing framing;
    uint64_t length;
    if (!sim_head_framing(request, SIM_FRAMING_NONE, &framing, &length))
        return ERROR_PROTOCOL;
    if (framing == SIM_FRAMING_NONE)
        return ERROR_NONE;
    struct upload upload = {site_upload_seed(sim_head_number(request, "x-upload", 0)), 0, false};
    *ret_content = "broken";
    enum error error = sim_wire_body(
        task, &connection->wire, framing, length, take_upload, &upload);
    if (error == ERROR_NONE)
        *ret_content = upload.wrong ? "wrong" : "whole";
    return error;
}

// --- Deciding ---

static bool asks_to_close(const struct sim_head *request)
{
    struct slice connection = sim_head_value(request, "connection", NULL);
    return slice_equal_nocase(connection, SLICE("close")) ||
        (slice_equal(request->line[2], SLICE("HTTP/1.0")) &&
            !slice_equal_nocase(connection, SLICE("keep-alive")));
}

static void choose(const struct origin *origin, const struct sim_head *request,
    struct response *response)
{
    *response = (struct response){.method = request->line[0], .path = request->line[1],
        .fault = response->fault, .status = 404};
    response->page = site_page(response->path);
    if (response->fault.kind == FAULT_STATUS) {
        response->status = response->fault.status;
    } else if (response->page != NULL) {
        response->status = 200;
        response->seed = site_seed(response->path, origin->version);
        response->size = response->end = site_size(response->page, response->path);
        response->chunked = response->page->chunked;
        snprintf(response->etag, sizeof(response->etag), "%s\"%" PRIx64 "\"",
            response->page->strong ? "" : "W/", response->seed);
        if (slice_equal(sim_head_value(request, "if-none-match", NULL),
                slice_from_string(response->etag)))
            response->status = 304;
        else if (response->page->strong && sim_head_range(request, response->etag,
                     response->size, &response->first, &response->end))
            response->status = 206;
    }
    bool old = slice_equal(request->line[2], SLICE("HTTP/1.0"));
    response->chunked = response->chunked && response->status == 200;
    response->until_close = response->chunked && old;
    response->chunked = response->chunked && !old;
    response->close = asks_to_close(request);
    response->has_body = !slice_equal(response->method, SLICE("HEAD")) && response->status != 304;
}

// --- Sending ---

static struct slice write_head(const struct origin *origin, const struct response *response,
    char *buffer)
{
    char date[HTTP_DATE_SIZE];
    struct text text = text_in(buffer, HEAD);
    http_date_format(origin->loop->wall_ms / 1000, date);
    text_format(&text, "HTTP/1.1 %u Said\r\nDate: %.*s\r\nContent-Type: text/html\r\n",
        response->status, (int)sizeof(date), date);
    if (response->status == 200 || response->status == 206 || response->status == 304)
        text_format(&text, "Cache-Control: %s\r\nETag: %s\r\nX-Content: %" PRIu64 "\r\n",
            response->page->cache_control, response->etag, origin->version);
    if (response->fault.retry_after_s != 0)
        text_format(&text, "Retry-After: %" PRIu64 "\r\n", response->fault.retry_after_s);
    if (response->status == 206)
        text_format(&text, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
            response->first, response->end - 1, response->size);
    if (response->close || response->until_close)
        text_append(&text, SLICE("Connection: close\r\n"));
    if (response->chunked)
        text_append(&text, SLICE("Transfer-Encoding: chunked\r\n"));
    else if (response->status != 304 && !response->until_close)
        text_format(&text, "Content-Length: %" PRIu64 "\r\n", response->end - response->first);
    text_append(&text, SLICE("\r\n"));
    return text_slice(&text);
}

// Nothing more is said until the other side gives up.
static enum error stall(struct task *task, struct connection *connection)
{
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE) {
        size_t size;
        error = io_receive(task, &connection->socket, connection->piece, PIECE,
            world_in_ms(task, WAIT_MS), &size);
    }
    return ERROR_CLOSED;
}

static enum error fall(struct task *task, struct connection *connection, enum fault_how how)
{
    if (how == FAULT_HOW_STALL)
        return stall(task, connection);
    if (how == FAULT_HOW_RESET)
        io_reset(&connection->socket);
    return ERROR_CLOSED;
}

static enum error send_piece(struct task *task, struct connection *connection,
    const struct response *response, uint64_t at, size_t size)
{
    size_t head = 0;
    if (response->chunked)
        head = (size_t)snprintf(connection->piece, 24, "%zx\r\n", size);
    sim_content_fill(response->seed, at, connection->piece + head, size);
    size_t total = head + size;
    if (response->chunked) {
        memcpy(connection->piece + total, "\r\n", 2);
        total += 2;
    }
    return sim_wire_send(task, &connection->wire, slice_of(connection->piece, total));
}

static enum error send_body(struct task *task, struct connection *connection,
    const struct response *response)
{
    uint64_t at = response->first, until = response->end;
    bool cut = response->fault.kind == FAULT_CUT;
    if (cut)
        until = at + random_below(&connection->origin->random, until - at);
    while (at < until) {
        size_t size = (size_t)MINIMUM(until - at, (uint64_t)PIECE);
        enum error error = send_piece(task, connection, response, at, size);
        if (error != ERROR_NONE)
            return error;
        at += size;
    }
    if (cut)
        return fall(task, connection, response->fault.how);
    return response->chunked ? sim_wire_send(task, &connection->wire, SLICE("0\r\n\r\n"))
                             : ERROR_NONE;
}

static enum error send_response(struct task *task, struct connection *connection,
    const struct response *response)
{
    struct slice head = write_head(connection->origin, response, connection->head);
    enum error error = sim_wire_send(task, &connection->wire, head);
    if (error == ERROR_NONE && response->has_body)
        error = send_body(task, connection, response);
    return error == ERROR_NONE && (response->close || response->until_close) ? ERROR_CLOSED : error;
}

static enum error send_garbage(struct task *task, struct connection *connection)
{
    static const char *const garbage[] = {
        "HTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
        "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\r\n\r\n",
    };
    uint64_t chosen = random_below(&connection->origin->random, ARRAY_SIZE(garbage));
    quiet(sim_wire_send(task, &connection->wire, slice_from_string(garbage[chosen])));
    return ERROR_CLOSED;
}

// --- The life of a request ---

static enum error answer_health(struct task *task, struct connection *connection)
{
    const char *word = connection->origin->health;
    struct text text = text_in(connection->head, sizeof(connection->head));
    if (strcmp(word, "stall") == 0)
        return stall(task, connection);
    if (strcmp(word, "open") == 0) {
        enum error error = sim_wire_send(task, &connection->wire,
            SLICE("HTTP/1.1 200 Said\r\nConnection: close\r\n\r\nfine"));
        return error != ERROR_NONE ? error : stall(task, connection);
    }
    text_format(&text, "HTTP/1.1 %s Said\r\n%sCache-Control: no-store\r\nContent-Length: 0\r\n\r\n",
        word, word[0] == '3' ? "Location: /elsewhere\r\n" : "");
    enum error error = sim_wire_send(task, &connection->wire, text_slice(&text));
    return error == ERROR_NONE && asks_to_close(&connection->request) ? ERROR_CLOSED : error;
}

// Waits for its turn where the origin can do only so much; false when it is turned away.
static bool await_turn(struct task *task, struct origin *origin)
{
    if (origin->capacity == 0)
        return true;
    uint64_t now_ns = task_now_ns(task), turn_ns = MAXIMUM(origin->free_ns, now_ns);
    if (origin->sheds && turn_ns - now_ns > SHED_AFTER_MS * NS_PER_MS)
        return false;
    origin->free_ns = turn_ns + NS_PER_SECOND / origin->capacity;
    return task_sleep_until(task, origin->free_ns) == ERROR_NONE;
}

static enum error answer_site(struct task *task, struct connection *connection)
{
    struct origin *origin = connection->origin;
    size_t number = note(origin, &connection->request);
    const char *content = "-";
    enum error error = read_upload(task, connection, &content);
    if (number < origin->log_count)
        origin->log[number].content = content;
    if (error != ERROR_NONE)
        return error;
    struct response response = {.fault = faults_roll(&origin->faults, connection->request.line[1],
        &origin->random)};
    if (!await_turn(task, origin))
        response.fault = (struct fault){.kind = FAULT_STATUS, .status = 503};
    if (number < origin->log_count)
        origin->log[number].fault = response.fault.kind;
    switch (response.fault.kind) {
    case FAULT_CLOSE:
        return ERROR_CLOSED;
    case FAULT_RESET:
        return fall(task, connection, FAULT_HOW_RESET);
    case FAULT_STALL:
        return stall(task, connection);
    case FAULT_GARBAGE:
        return send_garbage(task, connection);
    case FAULT_DELAY:
        error = task_sleep_until(task, world_in_ms(task, response.fault.delay_ms));
        if (error != ERROR_NONE)
            return error;
        break;
    case FAULT_NONE:
    case FAULT_STATUS:
    case FAULT_CUT:
        break;
    }
    choose(origin, &connection->request, &response);
    return send_response(task, connection, &response);
}

static void serve_connection(struct task *task, void *argument)
{
    struct connection *connection = argument;
    enum error error = ERROR_NONE;
    sim_wire_init(&connection->wire, &connection->socket, FIRST_WAIT_MS);
    while (error == ERROR_NONE) {
        error = sim_wire_head(task, &connection->wire, &connection->request);
        if (error != ERROR_NONE)
            break;
        connection->wire.wait_ms = WAIT_MS;
        bool health = slice_equal(connection->request.line[1], SLICE("/health"));
        error = health ? answer_health(task, connection) : answer_site(task, connection);
        connection->wire.wait_ms = connection->origin->idle_ms;
    }
    if (error == ERROR_TIMEOUT) // what comes now has come too late: the kernel answers with a reset
        error = task_sleep_until(task, world_in_ms(task, connection->origin->late_ms));
    if (error == ERROR_CANCELLED) // as of a process that died
        io_reset(&connection->socket);
    io_close(&connection->socket);
    free(connection);
}

static void accept_connections(struct task *task, void *argument)
{
    struct origin *origin = argument;
    for (;;) {
        struct connection *connection = world_grow(NULL, sizeof(*connection));
        memset(connection, 0, sizeof(*connection));
        connection->origin = origin;
        struct address peer;
        enum error error = io_accept(
            task, &origin->listener, &connection->socket, &peer, NEVER_NS);
        if (error != ERROR_NONE) {
            free(connection);
            break;
        }
        if (task_start(origin->loop, &origin->connections, serve_connection, connection) !=
            ERROR_NONE)
            world_fail("too many connections");
    }
    io_close(&origin->listener);
}

static void listen_for_visitors(struct origin *origin)
{
    scope_open(&origin->connections);
    if (io_listen(origin->loop, &origin->address, &origin->listener) != ERROR_NONE)
        world_fail("cannot listen");
    if (task_start(origin->loop, &origin->connections, accept_connections, origin) != ERROR_NONE)
        world_fail("no task");
    origin->refuses = false;
}

// --- Control ---

static enum error say(struct task *task, struct io_socket *socket, const char *text)
{
    struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};
    return io_send(task, socket, &piece, 1, WAIT_MS, NULL);
}

static void say_log(struct task *task, struct origin *origin, struct io_socket *socket)
{
    for (size_t i = 0; i < origin->log_count; i++) {
        const struct visit *visit = &origin->log[i];
        char line[160];
        snprintf(line, sizeof(line), "%" PRIu64 " %s %s %s %s\n",
            (visit->at_ns - MINIMUM(origin->mark_ns, visit->at_ns)) / NS_PER_MS, visit->method,
            visit->path, fault_word(visit->fault), visit->content);
        quiet(say(task, socket, line));
    }
}

static bool set_idle(struct origin *origin, struct slice rest)
{
    struct slice idle = slice_cut(&rest, ' ');
    return slice_parse_u64(idle, UINT32_MAX, &origin->idle_ms) &&
        slice_parse_u64(rest, UINT32_MAX, &origin->late_ms);
}

static bool set_capacity(struct origin *origin, struct slice rest)
{
    struct slice number = slice_cut(&rest, ' ');
    origin->sheds = slice_equal(rest, SLICE("shed"));
    origin->free_ns = 0;
    return slice_parse_u64(number, 1000000, &origin->capacity);
}

static bool obey(struct task *task, struct origin *origin, struct slice command, struct slice rest)
{
    if (slice_equal(command, SLICE("faults")))
        return faults_parse(rest, &origin->faults);
    if (slice_equal(command, SLICE("capacity")))
        return set_capacity(origin, rest);
    if (slice_equal(command, SLICE("idle")))
        return set_idle(origin, rest);
    if (slice_equal(command, SLICE("health"))) {
        snprintf(origin->health, sizeof(origin->health), "%.*s", SLICE_ARGS(rest));
    } else if (slice_equal(command, SLICE("change"))) {
        origin->version++;
    } else if (slice_equal(command, SLICE("mark"))) {
        origin->log_count = 0;
        origin->mark_ns = task_now_ns(task);
    } else if (slice_equal(command, SLICE("refuse"))) {
        if (!origin->refuses)
            scope_close(task, &origin->connections);
        origin->refuses = true;
    } else if (slice_equal(command, SLICE("accept"))) {
        if (origin->refuses)
            listen_for_visitors(origin);
    } else {
        return false;
    }
    return true;
}

static void control(struct task *task, struct origin *origin, struct io_socket *socket)
{
    char buffer[1024];
    size_t filled = 0, size;
    while (filled < sizeof(buffer) && io_receive(task, socket, buffer + filled,
                                          sizeof(buffer) - filled, NEVER_NS, &size) == ERROR_NONE) {
        filled += size;
        char *end;
        while ((end = memchr(buffer, '\n', filled)) != NULL) {
            struct slice rest = slice_of(buffer, (size_t)(end - buffer));
            struct slice command = slice_cut(&rest, ' ');
            if (slice_equal(command, SLICE("log")))
                say_log(task, origin, socket);
            else if (!obey(task, origin, command, rest))
                quiet(say(task, socket, "not understood\n"));
            quiet(say(task, socket, ".\n"));
            filled -= (size_t)(end + 1 - buffer);
            memmove(buffer, end + 1, filled);
        }
    }
}

// One conversation at a time: there is one driver.
static void serve_control(struct task *task, void *argument)
{
    struct origin *origin = argument;
    struct io_socket socket = {0};
    struct address peer;
    while (io_accept(task, &origin->control, &socket, &peer, NEVER_NS) == ERROR_NONE) {
        control(task, origin, &socket);
        io_close(&socket);
    }
}

int main(int count, char **arguments)
{
    struct origin origin = {.health = "200", .version = 1, .idle_ms = IDLE_MS};
    uint64_t seed;
    if (count != 4 || !slice_parse_u64(slice_from_string(arguments[3]), UINT64_MAX, &seed))
        world_fail("usage: campaign.origin ADDRESS:PORT CONTROL_ADDRESS:PORT SEED");
    origin.address = world_address(arguments[1]);
    origin.control_address = world_address(arguments[2]);
    random_seed(&origin.random, seed);
    origin.loop = world_loop();
    listen_for_visitors(&origin);
    if (io_listen(origin.loop, &origin.control_address, &origin.control) != ERROR_NONE ||
        task_start(origin.loop, NULL, serve_control, &origin) != ERROR_NONE)
        world_fail("cannot listen for commands");
    puts("ready");
    fflush(stdout);
    loop_run(origin.loop);
    return 0;
}
