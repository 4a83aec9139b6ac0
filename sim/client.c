// The life of a visit, and the checks of an answer (check.c).
#include "sim/client_inside.h"

#include "base/invariant.h"

#include <stdlib.h>

#define PATIENCE_MS 120000
#define PIPELINE_MAX 16
#define CAUTIOUS_AFTER_MS 500

const char *sim_method_of(const struct sim_request *request)
{
    return request->method == NULL ? "GET" : request->method;
}

enum error sim_visitor_connect(struct task *task, struct visitor *visitor)
{
    const struct sim_visit *visit = visitor->visit;
    char source[32], target[32];
    snprintf(source, sizeof(source), "198.51.100.%u", visit->requests[0].client % 250 + 1);
    snprintf(target, sizeof(target), "%s:80", visit->run->target);
    struct address address;
    enum error error = address_parse(slice_from_string(target), &address);
    invariant(error == ERROR_NONE);
    uint64_t patience_ms = visit->patience_ms != 0 ? visit->patience_ms : PATIENCE_MS;
    error = sim_connect(task, visit->source[0] != '\0' ? visit->source : source, &address,
        sim_in_ms(task, MINIMUM(patience_ms, 10000)), &visitor->socket);
    if (error != ERROR_NONE)
        return error;
    visitor->connected = true;
    visitor->answered_here = 0;
    visitor->ends = false;
    sim_wire_init(&visitor->wire, &visitor->socket, patience_ms);
    visitor->wire.pause_ms = visit->pause_ms;
    visitor->wire.read_size = visit->read_size;
    return ERROR_NONE;
}

void sim_visitor_disconnect(struct visitor *visitor)
{
    if (visitor->connected && visitor->visit->resets)
        io_reset(&visitor->socket);
    else if (visitor->connected)
        io_close(&visitor->socket);
    visitor->connected = false;
}

// Sending.

void sim_write_request(struct text *text, const struct sim_request *request)
{
    text_format(text, "%s %s HTTP/1.1\r\nHost: %s\r\nX-Client: %u\r\n", sim_method_of(request),
        request->path, request->host == NULL ? "www.example.org" : request->host, request->client);
    if (request->language != NULL)
        text_format(text, "Accept-Language: %s\r\n", request->language);
    if (request->encodings != NULL)
        text_format(text, "Accept-Encoding: %s\r\n", request->encodings);
    if (request->if_none_match != NULL)
        text_format(text, "If-None-Match: %s\r\n", request->if_none_match);
    if (request->has_range)
        text_format(text, "Range: bytes=%" PRIu64 "-%" PRIu64 "\r\n", request->range_first,
            request->range_last);
    if (request->upload_id != 0) {
        text_format(text, "X-Upload: %" PRIu64 "\r\nX-Upload-Size: %" PRIu64 "\r\n",
            request->upload_id, request->upload_size);
        if (request->upload_chunked)
            text_append(text, SLICE("Transfer-Encoding: chunked\r\n"));
        else if (!request->upload_bare)
            text_format(text, "Content-Length: %" PRIu64 "\r\n", request->upload_size);
        if (request->upload_chunked && sim_upload_has_trailer(request->upload_id))
            text_append(text, SLICE("X-Has-Trailer: 1\r\n"));
        if (request->expect_continue)
            text_append(text, SLICE("Expect: 100-continue\r\n"));
    }
    if (request->fields != NULL)
        text_append(text, slice_from_string(request->fields));
    text_append(text, SLICE("\r\n"));
    invariant(!text->full);
}

struct upload {
    struct visitor *visitor;
    const struct sim_request *request;
};

static enum error send_upload_piece(struct task *task, struct visitor *visitor,
    const struct sim_request *request, uint64_t at, size_t size)
{
    char piece[2048 + 32];
    size_t head = 0, total;
    if (request->upload_chunked)
        head = (size_t)snprintf(piece, 24, "%zX\r\n", size);
    sim_content_fill(sim_upload_seed(request->upload_id), at, piece + head, size);
    total = head + size;
    if (request->upload_chunked) {
        memcpy(piece + total, "\r\n", 2);
        total += 2;
    }
    return sim_wire_send(task, &visitor->wire, slice_of(piece, total));
}

static enum error send_upload_end(struct task *task, struct upload *upload)
{
    char buffer[256];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append(&text, SLICE("0\r\n"));
    if (sim_upload_has_trailer(upload->request->upload_id))
        text_format(&text, SIM_UPLOAD_TRAILER, upload->request->upload_id);
    text_append(&text, SLICE("\r\n"));
    return sim_wire_send(task, &upload->visitor->wire, text_slice(&text));
}

// Sends while the answer is awaited; stops when the answer came early. Its errors do not count: the
// answer tells what became of the upload.
static void send_upload(struct task *task, void *argument)
{
    struct upload *upload = argument;
    const struct sim_request *request = upload->request;
    struct random *random = sim_random(upload->visitor->visit->run);
    enum error error = ERROR_NONE;
    if (request->expect_continue) // a server may never send 100; 50 ms is long here
        error = task_sleep_until(task, sim_in_ms(task, 50));
    for (uint64_t at = 0; error == ERROR_NONE && at < request->upload_size;) {
        size_t size = 1 + (size_t)random_below(random, 2048);
        size = (size_t)MINIMUM((uint64_t)size, request->upload_size - at);
        error = send_upload_piece(task, upload->visitor, request, at, size);
        if (error == ERROR_NONE && request->upload_pause_ms > 0)
            error = task_sleep_until(task, sim_in_ms(task, request->upload_pause_ms));
        at += size;
    }
    if (error == ERROR_NONE && request->upload_chunked)
        error = send_upload_end(task, upload);
}

// Reading.

static enum error take_content(void *argument, struct slice bytes)
{
    struct visitor *visitor = argument;
    const struct sim_visit *visit = visitor->visit;
    uint64_t wrong = sim_check_bytes(&visitor->check, bytes);
    if (wrong != UINT64_MAX) {
        sim_fail(visit->run, "%s: wrong byte at %" PRIu64 " of version %" PRIu64 " (%s)",
            visitor->check.request->path, wrong, visitor->check.answer->version,
            visitor->check.answer->cache_status);
        return ERROR_INVALID;
    }
    return ERROR_NONE;
}

enum error sim_take_body(void *argument, struct slice bytes)
{
    struct visitor *visitor = argument;
    const struct sim_visit *visit = visitor->visit;
    enum error error = visitor->decoder == NULL ? take_content(visitor, bytes)
        : sim_decoder_feed(visitor->decoder, bytes, take_content, visitor);
    if (error == ERROR_PROTOCOL)
        visitor->wire.fault = "content that its coding does not know";
    if (error != ERROR_NONE)
        return error;
    visitor->body_bytes += bytes.size;
    bool bored = visit->leave_after != 0 && visitor->body_bytes >= visit->leave_after;
    bool late = visitor->leave_at_ns != 0 &&
        sim_world_now_ns(visit->run->world) >= visitor->leave_at_ns;
    return bored || late ? ERROR_CANCELLED : ERROR_NONE;
}

// Only what was asked for, and weakly tagged.
void sim_begin_decoding(struct visitor *visitor, const struct sim_request *request,
    const struct sim_answer *answer)
{
    struct sim_run *run = visitor->visit->run;
    size_t count;
    struct slice coding = sim_head_value(&visitor->head, "content-encoding", &count);
    if (coding.data == NULL)
        return;
    bool asked = request->encodings != NULL
        && memmem(request->encodings, strlen(request->encodings), coding.data, coding.size) != NULL;
    visitor->decoder = sim_decoder_create(coding);
    if (!asked || count != 1 || visitor->decoder == NULL || answer->status == 206)
        sim_fail(run, "%s: coded as %.*s in a status of %u", request->path, SLICE_ARGS(coding),
            answer->status);
    if (answer->etag[0] == '"')
        sim_fail(run, "%s: a strong tag for coded content", request->path);
    if (sim_head_value(&visitor->head, "vary", NULL).data == NULL)
        sim_fail(run, "%s: coded without Vary", request->path);
}

void sim_end_decoding(struct visitor *visitor, const struct sim_request *request, bool whole)
{
    if (whole && visitor->decoder != NULL && !sim_decoder_is_whole(visitor->decoder))
        sim_fail(visitor->visit->run, "%s: coded content without its end", request->path);
    sim_decoder_destroy(visitor->decoder);
    visitor->decoder = NULL;
}

// Interim answers are passed over.
static enum error read_head(struct task *task, struct visitor *visitor, struct sim_answer *answer)
{
    for (;;) {
        enum error error = sim_wire_head(task, &visitor->wire, &visitor->head);
        uint64_t status = 0;
        answer->began = answer->began || error == ERROR_NONE || error == ERROR_TRUNCATED;
        if (error != ERROR_NONE)
            return error;
        if (!slice_equal(visitor->head.line[0], SLICE("HTTP/1.1")) ||
            !slice_parse_u64(visitor->head.line[1], 599, &status) || status < 100) {
            visitor->wire.fault = "a malformed status line";
            return ERROR_PROTOCOL;
        }
        if (status >= 200) {
            answer->status = (unsigned)status;
            return ERROR_NONE;
        }
    }
}

static enum error read_answer(struct task *task, struct visitor *visitor,
    const struct sim_request *request, struct sim_answer *answer)
{
    enum sim_framing framing;
    uint64_t length;
    enum error error = read_head(task, visitor, answer);
    if (error != ERROR_NONE)
        return error;
    answer->head_ns = sim_world_now_ns(visitor->visit->run->world);
    if (!sim_head_framing(&visitor->head, SIM_FRAMING_CLOSE, &framing, &length)) {
        visitor->wire.fault = "an answer with contradicting framing";
        return ERROR_PROTOCOL;
    }
    bool head_only = strcmp(sim_method_of(request), "HEAD") == 0;
    if (head_only || answer->status == 304 || answer->status == 204)
        framing = SIM_FRAMING_NONE;
    sim_check_head(&visitor->check, visitor->visit->run, request, answer, &visitor->head);
    sim_begin_decoding(visitor, request, answer);
    error = sim_wire_body(task, &visitor->wire, framing, length, sim_take_body, visitor);
    sim_end_decoding(visitor, request, error == ERROR_NONE && framing != SIM_FRAMING_NONE);
    answer->size = visitor->check.at - visitor->check.first;
    answer->end_ns = sim_world_now_ns(visitor->visit->run->world);
    if (error == ERROR_NONE && !head_only)
        sim_check_end(&visitor->check);
    struct slice connection = sim_head_value(&visitor->head, "connection", NULL);
    visitor->ends = framing == SIM_FRAMING_CLOSE || slice_equal_nocase(connection, SLICE("close"));
    return error;
}

// The life of a visit.

static size_t requests_at_once(const struct sim_visit *visit, size_t from)
{
    size_t count = visit->fresh_connections || visit->pipelined == 0 ? 1 : visit->pipelined;
    count = MINIMUM(count, MINIMUM(visit->count - from, PIPELINE_MAX));
    for (size_t i = 0; i < count; i++) {
        if (visit->requests[from + i].upload_id != 0)
            return MAXIMUM(i, 1); // an upload goes alone
    }
    return count;
}

static enum error send_requests(
    struct task *task, struct visitor *visitor, size_t from, size_t count)
{
    const struct sim_visit *visit = visitor->visit;
    struct text text = text_in(visitor->out, sizeof(visitor->out));
    for (size_t i = 0; i < count; i++)
        sim_write_request(&text, &visit->requests[from + i]);
    enum error error = sim_wire_send(task, &visitor->wire, text_slice(&text));
    if (error == ERROR_NONE && visit->half_closes && from + count == visit->count &&
        visit->requests[from].upload_id == 0)
        io_end(&visitor->socket);
    if (visit->leave_after_ms != 0 && visitor->leave_at_ns == 0)
        visitor->leave_at_ns = sim_in_ms(task, visit->leave_after_ms);
    return error;
}

static enum error read_with_upload(struct task *task, struct visitor *visitor,
    const struct sim_request *request, struct sim_answer *answer)
{
    struct scope scope;
    struct upload upload = {visitor, request};
    scope_open(&scope);
    sim_start(visitor->visit->run, &scope, send_upload, &upload);
    enum error error = read_answer(task, visitor, request, answer);
    // A connection whose upload was broken off is of no more use.
    bool whole = error == ERROR_NONE && scope_join(task, &scope, task_now_ns(task)) == ERROR_NONE;
    scope_close(task, &scope);
    visitor->ends = visitor->ends || !whole;
    return error;
}

// Sends a batch and reads its answers: how many are final now. *ret_error: the last one's.
static size_t ask_batch(struct task *task, struct visitor *visitor, size_t from, size_t count,
    struct sim_answer *answers, enum error *ret_error)
{
    const struct sim_visit *visit = visitor->visit;
    // What cannot be asked again does not go on a connection that may just be ending.
    if (visit->requests[from].upload_id != 0 && visit->think_ms >= CAUTIOUS_AFTER_MS)
        sim_visitor_disconnect(visitor);
    enum error error = visitor->connected ? ERROR_NONE : sim_visitor_connect(task, visitor);
    uint64_t now_ns = sim_world_now_ns(visit->run->world);
    memset(answers, 0, count * sizeof(*answers));
    for (size_t i = 0; i < count; i++)
        answers[i].sent_ns = now_ns;
    if (error == ERROR_NONE)
        error = send_requests(task, visitor, from, count);
    if (error == ERROR_RESET)
        error = ERROR_NONE; // there may be an answer all the same
    for (size_t i = 0; i < count; i++) {
        const struct sim_request *request = &visit->requests[from + i];
        if (error == ERROR_NONE && visitor->connected)
            error = request->upload_id != 0 ? read_with_upload(task, visitor, request, &answers[i])
                                            : read_answer(task, visitor, request, &answers[i]);
        else if (error == ERROR_NONE)
            error = ERROR_CLOSED;
        if (error != ERROR_NONE) {
            answers[i].error = error;
            answers[i].fault = visitor->wire.fault;
            *ret_error = error;
            return i;
        }
        visitor->answered_here++;
        if (visitor->ends)
            sim_visitor_disconnect(visitor);
    }
    *ret_error = ERROR_NONE;
    return count;
}

// Does a connection that ended before any byte of the answer count against the edge? Not if it was
// kept from an earlier answer: that race is the visitor's to handle, by trying again (RFC 9112
// section 9.3.1; browsers do).
static bool may_try_again(const struct sim_request *request, const struct sim_answer *answer,
    size_t answered_before, enum error error)
{
    bool ended = error == ERROR_CLOSED || error == ERROR_RESET;
    return ended && !answer->began && answered_before > 0 && request->upload_id == 0;
}

void sim_keep_answer(const struct sim_visit *visit, size_t at, const struct sim_answer *answer)
{
    if (visit->answers != NULL)
        visit->answers[at] = *answer;
    sim_check_answer(visit->run, &visit->requests[at], answer);
    if (visit->judge != NULL)
        visit->judge(visit->run, &visit->requests[at], answer);
}

static void visit_all(struct task *task, struct visitor *visitor)
{
    const struct sim_visit *visit = visitor->visit;
    struct sim_answer answers[PIPELINE_MAX];
    if (visit->http2) {
        sim_http2_visit_all(task, visitor);
        return;
    }
    for (size_t at = 0; at < visit->count && !visitor->left;) {
        size_t before = visitor->connected ? visitor->answered_here : 0;
        size_t count = requests_at_once(visit, at);
        enum error error;
        size_t done = ask_batch(task, visitor, at, count, answers, &error);
        for (size_t i = 0; i < done; i++)
            sim_keep_answer(visit, at + i, &answers[i]);
        at += done;
        visit->run->unread += error != ERROR_NONE;
        if (error == ERROR_CANCELLED) {
            visitor->left = true;
        } else if (error != ERROR_NONE) {
            sim_visitor_disconnect(visitor);
            if (!may_try_again(&visit->requests[at], &answers[done], before + done, error))
                sim_keep_answer(visit, at, &answers[done]), at++;
        }
        if (visit->fresh_connections)
            sim_visitor_disconnect(visitor);
        if (visit->think_ms != 0 && at < visit->count)
            (void)!task_sleep_until(task, sim_in_ms(task, visit->think_ms));
    }
}

void sim_visit(struct task *task, const struct sim_visit *visit)
{
    struct visitor *visitor = sim_alloc(sizeof(*visitor));
    visitor->visit = visit;
    if (visit->start_ms != 0)
        sim_sleep_ms(task, visit->start_ms);
    visit_all(task, visitor);
    if (visitor->connected && visitor->left && random_chance(sim_random(visit->run), 1, 2)) {
        io_reset(&visitor->socket);
        visitor->connected = false;
    }
    sim_visitor_disconnect(visitor);
    free(visitor);
}

static void visit_main(struct task *task, void *argument)
{
    sim_visit(task, argument);
}

void sim_visits_run(
    struct task *task, struct sim_run *run, const struct sim_visit *visits, size_t count)
{
    struct scope scope;
    scope_open(&scope);
    for (size_t i = 0; i < count; i++)
        sim_start(run, &scope, visit_main, (void *)(uintptr_t)&visits[i]);
    enum error error = scope_join(task, &scope, sim_in_ms(task, 3600000));
    if (error != ERROR_NONE)
        sim_fail(run, "visitors did not come to an end within an hour");
    scope_close(task, &scope);
}

struct sim_answer sim_ask(struct task *task, struct sim_run *run, const struct sim_request *request)
{
    struct sim_answer answer;
    memset(&answer, 0, sizeof(answer));
    struct sim_visit visit = {.run = run, .requests = request, .count = 1, .answers = &answer};
    sim_visit(task, &visit);
    return answer;
}

struct sim_answer sim_get(struct task *task, struct sim_run *run, const char *path)
{
    struct sim_request request = {.client = 1};
    snprintf(request.path, sizeof(request.path), "%s", path);
    return sim_ask(task, run, &request);
}

static void make_odd(struct sim_run *run, struct sim_visit *visit)
{
    struct random *random = sim_random(run);
    switch (random_below(random, run->edge == NULL ? 4 : 6)) {
    case 0:
        visit->fresh_connections = true;
        break;
    case 1:
        visit->pipelined = 2 + (unsigned)random_below(random, 6);
        break;
    case 2:
        visit->pause_ms = 1 + random_below(random, 20);
        visit->read_size = 100 + (size_t)random_below(random, 4000);
        break;
    case 3:
        visit->half_closes = true;
        break;
    case 4:
        visit->http2 = true;
        visit->pipelined = 1 + (unsigned)random_below(random, 8);
        break;
    case 5:
        visit->http2 = true;
        visit->window = 4096 + (uint32_t)random_below(random, 70000);
        visit->pause_ms = 1 + random_below(random, 20);
        visit->read_size = 100 + (size_t)random_below(random, 4000);
        break;
    }
}

void sim_crowd_run(struct task *task, struct sim_run *run, const struct sim_crowd *crowd)
{
    struct random *random = sim_random(run);
    size_t total = (size_t)crowd->clients * crowd->requests_each;
    struct sim_request *requests = sim_alloc(total * sizeof(*requests));
    struct sim_visit *visits = sim_alloc(crowd->clients * sizeof(*visits));
    for (unsigned client = 0; client < crowd->clients; client++) {
        struct sim_visit *visit = &visits[client];
        visit->run = run;
        visit->requests = &requests[(size_t)client * crowd->requests_each];
        visit->count = crowd->requests_each;
        visit->start_ms = crowd->over_ms == 0 ? 0 : random_below(random, crowd->over_ms);
        visit->think_ms = crowd->think_ms == 0 ? 0 : random_below(random, 2 * crowd->think_ms);
        for (unsigned i = 0; i < crowd->requests_each; i++) {
            struct sim_request *request = &requests[(size_t)client * crowd->requests_each + i];
            request->client = client;
            request->index = i;
            crowd->plan(run, request);
        }
        visit->judge = crowd->judge;
        if (random_chance(random, crowd->odd_permille, 1000))
            make_odd(run, visit);
        if (crowd->shape != NULL)
            crowd->shape(run, client, visit);
    }
    sim_visits_run(task, run, visits, crowd->clients);
    free(visits);
    free(requests);
}
