// One task chooses, one task for each delivery sends:
//
//   choose_main        what may be sent now? by path in order, by origin as it keeps up
//     deliver_main       one write
//       send_prepare       "sending" on disk, before anything is sent
//       send_ask           attempts, until one is answered or may have arrived
//       send_conclude      what that means, and on disk
//     give_up_spent      too old, or over for long
//
// An origin that fails is left alone for a while, longer each time; then one write tries for all.
// Each delivery goes through the origin's gate, behind the visitors who wait there.
#include "edge/outbox/outbox_delivery.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/outbox/outbox_inside.h"
#include "edge/thread.h"
#include "origin/exchange.h"

#include <stdio.h>
#include <unistd.h>

#define LOOK_MS 250          // while something is queued
#define SWEEP_MS 60000
#define BUSY_MS 10           // until helper threads are asked again
#define PAUSE_FIRST_MS 500   // after a failure,
#define PAUSE_LAST_MS 15000  // at most
#define ANSWER_READ_MAX 65536 // bytes of an answer's content, so that its connection ends well
#define LOCATION_SIZE_MAX 500

struct route { // to one origin
    struct list link;
    struct origin *origin; // found anew for each look; NULL: it is not in the settings
    bool has_looked, is_shut; // in this look
    bool was_down;         // when it failed last
    uint64_t pause_ms, until_ns; // 0: it did not fail
    uint64_t running, window;    // deliveries at once, and how many may be
    size_t name_size;
    char name[];
};

struct outbox_delivery {
    struct edge *edge;
    struct outbox *outbox;
    struct scope chooser, senders;
    struct list routes;    // of struct route
    uint64_t running, sweep_ns;
    bool stopping;
    struct gate_pass pass; // of the one just chosen
    struct route *chosen;
    uint64_t now_ns;
};

// --- Who may be sent to ---

static struct route *route_to(struct outbox_delivery *delivery, struct slice name)
{
    LIST_FOREACH(link, &delivery->routes) {
        struct route *route = LIST_ENTRY(link, struct route, link);
        if (slice_equal(slice_of(route->name, route->name_size), name))
            return route;
    }
    struct route *route = memory_zero_alloc(sizeof(*route) + name.size);
    if (route == NULL)
        return NULL;
    memcpy(route->name, name.data, name.size);
    route->name_size = name.size;
    route->window = 1;
    list_append(&delivery->routes, &route->link);
    return route;
}

// The origin of this look: settings may name others meanwhile.
static void route_look(struct outbox_delivery *delivery, struct route *route)
{
    int64_t since_ms;
    route->has_looked = true;
    route->is_shut = false;
    if (route->origin != NULL)
        origin_release(route->origin);
    route->origin = origin_find(delivery->edge->origins,
        slice_of(route->name, route->name_size));
    if (route->origin == NULL)
        return;
    if (route->was_down && !origin_is_down(route->origin, &since_ms))
        route->until_ns = 0; // visitors have found that it is back
}

static void routes_begin_look(struct outbox_delivery *delivery)
{
    LIST_FOREACH(link, &delivery->routes)
        LIST_ENTRY(link, struct route, link)->has_looked = false;
}

static bool may_send(void *context, const struct outbox_entry *entry)
{
    struct outbox_delivery *delivery = context;
    struct route *route = route_to(delivery, entry->origin);
    if (route == NULL)
        return false;
    if (!route->has_looked)
        route_look(delivery, route);
    if (route->origin == NULL || route->is_shut || route->running >= route->window
        || delivery->now_ns < route->until_ns)
        return false;
    route->is_shut = !gate_try(origin_gate(route->origin), delivery->now_ns, &delivery->pass);
    delivery->chosen = route;
    return !route->is_shut;
}

static void route_failed(struct task *task, struct route *route)
{
    int64_t since_ms;
    uint64_t pause_ms = route->pause_ms == 0 ? PAUSE_FIRST_MS : 2 * route->pause_ms;
    route->pause_ms = MINIMUM(pause_ms, PAUSE_LAST_MS);
    uint64_t jitter_ms = random_below(&task_loop(task)->random, route->pause_ms / 4 + 1);
    route->until_ns = deadline_after_ms(task_loop(task), route->pause_ms + jitter_ms);
    route->window = 1;
    route->was_down = route->origin != NULL && origin_is_down(route->origin, &since_ms);
}

static void route_answered(const struct outbox_delivery *delivery, struct route *route)
{
    route->pause_ms = route->until_ns = 0;
    route->was_down = false;
    route->window = MINIMUM(route->window + 1, delivery->outbox->limits.deliveries);
}

// --- One delivery ---

struct sending {
    struct outbox_delivery *delivery;
    struct outbox_entry *entry; // claimed
    struct route *route;
    struct origin *origin;
    struct generation *generation;
    struct gate_pass pass;
    struct outbox_write write; // as read, then what became of it
    char *memory;              // of write's texts
    int file;
    uint64_t at;               // of the content
    struct failure failure;
    enum outbox_state state;   // what is to be noted
    char location[LOCATION_SIZE_MAX], why[128];
    // For helper threads:
    enum error error;
    void *buffer;
    size_t size;
};

static void prepare_work(void *argument)
{
    struct sending *sending = argument;
    struct outbox *outbox = sending->delivery->outbox;
    struct outbox_entry *entry = sending->entry;
    sending->error = outbox_note_state(outbox, entry, OUTBOX_SENDING);
    if (sending->error == ERROR_NONE)
        sending->error = outbox_store_read(outbox->directory, entry->id, OUTBOX_SENDING,
            &sending->write, &sending->memory, &sending->file);
    if (sending->error == ERROR_NONE)
        sending->error = outbox_store_verify(sending->file, &sending->write);
}

// False: it cannot be sent, and sending->state says what is to be noted.
static bool send_prepare(struct task *task, struct sending *sending)
{
    enum error error = io_blocking(task, prepare_work, sending);
    if (error == ERROR_NONE)
        error = sending->error;
    if (error == ERROR_NONE)
        return true;
    sending->state = error == ERROR_PROTOCOL ? OUTBOX_UNKNOWN : OUTBOX_QUEUED;
    snprintf(sending->why, sizeof(sending->why), "%s", error == ERROR_PROTOCOL
        ? "its file is damaged" : error_text(error));
    return false;
}

static void content_work(void *argument)
{
    struct sending *sending = argument;
    size_t size = sending->size;
    sending->error = outbox_store_read_content(sending->file, &sending->write, sending->at,
        sending->buffer, size, &sending->size);
}

static enum error send_read(struct task *task, void *source, void *buffer, size_t size,
    size_t *ret_size)
{
    struct sending *sending = source;
    if (sending->at == sending->write.content_size)
        return ERROR_CLOSED;
    sending->buffer = buffer;
    sending->size = size;
    enum error error = io_blocking(task, content_work, sending);
    while (error == ERROR_LIMIT) { // all helpers are busy: half a write is worse than a slow one
        error = task_sleep_until(task, deadline_after_ms(task_loop(task), BUSY_MS));
        if (error == ERROR_NONE)
            error = io_blocking(task, content_work, sending);
    }
    if (error == ERROR_NONE)
        error = sending->error;
    if (error != ERROR_NONE)
        return error;
    sending->at += sending->size;
    *ret_size = sending->size;
    return ERROR_NONE;
}

// Attempts: a further one only while nothing of it has reached a backend.
static struct exchange *send_ask(struct task *task, struct sending *sending)
{
    const struct outbox_write *write = &sending->write;
    struct slice method = outbox_text(write, OUTBOX_TEXT_method);
    struct exchange_request request = {
        .method = http_method_find(method),
        .method_text = method,
        .target = outbox_text(write, OUTBOX_TEXT_target),
        .host = outbox_text(write, OUTBOX_TEXT_authority),
        .fields = outbox_text(write, OUTBOX_TEXT_fields),
        .body.framing = HTTP_FRAMING_LENGTH,
        .body.length = write->content_size,
        .body.read = send_read,
        .body.source = sending,
        .affinity = sending->entry->sequence,
    };
    uint64_t tried = 0;
    size_t backends = origin_backend_count(sending->origin);
    for (size_t i = 0; i < backends; i++) {
        struct exchange *exchange = NULL;
        sending->at = 0;
        sending->failure = (struct failure){.kind = FAILURE_INTERNAL, .unsent = true};
        origin_budget_count(sending->origin, task_now_ns(task));
        enum error error = exchange_open(task, sending->origin, &request,
            &sending->generation->settings->http, &tried, &exchange, &sending->failure);
        if (error == ERROR_NONE)
            return exchange;
        if (!sending->failure.unsent || error == ERROR_CANCELLED)
            return NULL;
    }
    return NULL;
}

// What the origin says of where the result is, if visitors may be told.
static void take_location(struct sending *sending, const struct http_response_head *head)
{
    struct slice location = http_fields_value(&head->fields, HTTP_NAME_LOCATION);
    if (location.size == 0 || location.size > sizeof(sending->location))
        return;
    memcpy(sending->location, location.data, location.size);
    sending->write.texts[OUTBOX_TEXT_location] = slice_of(sending->location, location.size);
}

// No answer, or one that says nothing about what was done.
static enum outbox_state state_without_answer(const struct sending *sending, bool is_unsent)
{
    return is_unsent || sending->write.repeatable ? OUTBOX_QUEUED : OUTBOX_UNKNOWN;
}

static void judge_answer(struct sending *sending, const struct http_response_head *head)
{
    unsigned status = head->status;
    if (status < 400 && status >= 200) {
        sending->state = OUTBOX_DELIVERED;
        take_location(sending, head);
    } else if (status == 429 || status == 503) {
        sending->state = OUTBOX_QUEUED;
    } else if (status < 500) {
        sending->state = OUTBOX_REFUSED;
    } else {
        sending->state = state_without_answer(sending, false);
    }
    if (outbox_is_over(sending->state))
        sending->write.status = status;
    else
        snprintf(sending->why, sizeof(sending->why), "the origin answered %u", status);
}

// So that a backend which looks whether somebody still listens finds somebody.
static void read_answer(struct task *task, struct exchange *exchange)
{
    char buffer[1024];
    struct failure failure;
    size_t size, left = ANSWER_READ_MAX;
    while (left > 0 && exchange_read(task, exchange, buffer, sizeof(buffer), &size, &failure)
        == ERROR_NONE)
        left -= MINIMUM(size, left);
}

// Copies of what was written to are old now (RFC 9111 section 4.4).
static void forget_copies(const struct sending *sending)
{
    struct purge purge = {.kind = PURGE_URL, .what = sending->entry->url};
    if (sending->state == OUTBOX_DELIVERED)
        edge_purge(sending->delivery->edge, &purge);
}

static void send_over(struct task *task, struct sending *sending)
{
    struct exchange *exchange = send_ask(task, sending);
    enum pacer_verdict verdict = PACER_FAILED;
    if (exchange != NULL) {
        judge_answer(sending, exchange_head(exchange));
        forget_copies(sending);
        read_answer(task, exchange);
        exchange_close(task, exchange);
    } else {
        sending->state = state_without_answer(sending, sending->failure.unsent);
        snprintf(sending->why, sizeof(sending->why), "%s",
            failure_phrase(sending->failure.kind));
    }
    if (outbox_is_over(sending->state)) {
        verdict = PACER_GOOD;
        route_answered(sending->delivery, sending->route);
    } else {
        route_failed(task, sending->route);
    }
    gate_leave(origin_gate(sending->origin), &sending->pass, verdict, task_now_ns(task));
}

static void conclude_work(void *argument)
{
    struct sending *sending = argument;
    struct outbox *outbox = sending->delivery->outbox;
    if (sending->file >= 0)
        close(sending->file);
    sending->error = outbox_is_over(sending->state)
        ? outbox_note_end(outbox, sending->entry, &sending->write)
        : outbox_note_state(outbox, sending->entry, sending->state);
}

static void log_end(const struct outbox_entry *entry, enum outbox_state state, unsigned status,
    const char *why)
{
    bool is_well = state == OUTBOX_DELIVERED || state == OUTBOX_QUEUED;
    log_write(is_well ? LOG_INFO : LOG_WARNING, "outbox", "%s id=%.*s method=%.*s url=%.*s "
        "attempt=%u status=%u%s%s", outbox_state_word(state), OUTBOX_ID_SIZE, entry->id,
        SLICE_ARGS(entry->method), (int)MINIMUM(entry->url.size, 500), entry->url.data,
        entry->attempts, status, why[0] == '\0' ? "" : " why=", why);
}

// If the disk does not take it, the next run will not know; this one does.
static void send_conclude(struct task *task, struct sending *sending)
{
    bool is_over = outbox_is_over(sending->state);
    sending->write.state = sending->state;
    sending->write.over_ms = task_loop(task)->wall_ms;
    if (io_blocking(task, conclude_work, sending) != ERROR_NONE)
        conclude_work(sending); // no helper is free, and it must be done: the loop waits
    log_end(sending->entry, sending->state, sending->write.status, sending->why);
    outbox_settle(sending->delivery->outbox, sending->entry, sending->state,
        is_over ? &sending->write : NULL, sending->why);
}

static void deliver_main(struct task *task, void *argument)
{
    struct sending *sending = argument;
    struct outbox_delivery *delivery = sending->delivery;
    if (send_prepare(task, sending)) {
        send_over(task, sending);
    } else {
        route_failed(task, sending->route); // or it would be tried again at once
        gate_leave(origin_gate(sending->origin), &sending->pass, PACER_UNKNOWN,
            task_now_ns(task));
    }
    send_conclude(task, sending);
    sending->route->running--;
    delivery->running--;
    origin_release(sending->origin);
    generation_release(sending->generation);
    memory_free(sending->memory);
    memory_free(sending);
}

// --- Choosing ---

// Takes over the claim.
static enum error begin_delivery(struct outbox_delivery *delivery, struct outbox_entry *entry)
{
    struct edge_thread *thread = &delivery->edge->threads[0];
    struct route *route = delivery->chosen;
    struct sending *sending = memory_zero_alloc(sizeof(*sending));
    struct origin *origin = sending == NULL ? NULL
        : origin_find(delivery->edge->origins, entry->origin);
    enum error error = origin == NULL ? ERROR_MEMORY : ERROR_NONE;
    if (error == ERROR_NONE) {
        sending->delivery = delivery;
        sending->entry = entry;
        sending->route = route;
        sending->origin = origin;
        sending->pass = delivery->pass;
        sending->file = -1;
        sending->generation = generation_reference(thread->generation);
        error = task_start(thread->loop, &delivery->senders, deliver_main, sending);
        if (error != ERROR_NONE)
            generation_release(sending->generation);
    }
    if (error == ERROR_NONE) {
        route->running++;
        delivery->running++;
        return ERROR_NONE;
    }
    gate_leave(origin_gate(route->origin), &delivery->pass, PACER_UNKNOWN, delivery->now_ns);
    route->until_ns = delivery->now_ns + LOOK_MS * NS_PER_MS;
    if (origin != NULL)
        origin_release(origin);
    memory_free(sending);
    outbox_settle(delivery->outbox, entry, OUTBOX_QUEUED, NULL, error_text(error));
    return error;
}

static void begin_deliveries(struct outbox_delivery *delivery)
{
    struct edge *edge = delivery->edge;
    struct outbox_entry *entry;
    delivery->now_ns = edge->threads[0].loop->now_ns;
    if (atomic_load_explicit(&edge->in_maintenance, memory_order_relaxed))
        return;
    routes_begin_look(delivery);
    while (delivery->running < delivery->outbox->limits.deliveries
        && (entry = outbox_claim_next(delivery->outbox, may_send, delivery)) != NULL) {
        if (begin_delivery(delivery, entry) != ERROR_NONE)
            return;
    }
}

struct spent {
    struct outbox *outbox;
    struct outbox_entry *entry;
    struct outbox_write write;
    enum error error;
};

static void spent_work(void *argument)
{
    struct spent *spent = argument;
    struct outbox_entry *entry = spent->entry;
    spent->error = outbox_is_over(entry->state)
        ? outbox_store_remove(spent->outbox->directory, entry->id, entry->filed)
        : outbox_note_end(spent->outbox, entry, &spent->write);
}

static void give_up_spent(struct task *task, struct outbox *outbox)
{
    struct outbox_entry *entry;
    int64_t now_ms = task_loop(task)->wall_ms;
    while (!task_is_cancelled(task) && (entry = outbox_claim_spent(outbox, now_ms)) != NULL) {
        struct spent spent = {.outbox = outbox, .entry = entry,
            .write = {.state = OUTBOX_EXPIRED, .over_ms = now_ms}};
        bool is_over = outbox_is_over(entry->state);
        enum error error = io_blocking(task, spent_work, &spent);
        if (error == ERROR_NONE)
            error = spent.error;
        if (error != ERROR_NONE) { // later
            outbox_settle(outbox, entry, entry->state, NULL, error_text(error));
            return;
        }
        if (is_over) {
            outbox_forget(outbox, entry);
        } else {
            log_end(entry, OUTBOX_EXPIRED, 0, "could not be delivered for outbox.age");
            outbox_settle(outbox, entry, OUTBOX_EXPIRED, &spent.write, "");
        }
    }
}

static void choose_main(struct task *task, void *argument)
{
    struct outbox_delivery *delivery = argument;
    struct outbox *outbox = delivery->outbox;
    struct loop *loop = task_loop(task);
    enum error error = ERROR_NONE;
    while (error != ERROR_CANCELLED && !delivery->stopping
        && !atomic_load_explicit(&delivery->edge->is_draining, memory_order_relaxed)) {
        uint64_t seen = broadcast_version(&outbox->changed);
        if (loop->now_ns >= delivery->sweep_ns) {
            delivery->sweep_ns = deadline_after_ms(loop, SWEEP_MS);
            give_up_spent(task, outbox);
        }
        begin_deliveries(delivery);
        uint64_t next_ns = outbox_is_idle(outbox) ? delivery->sweep_ns
            : MINIMUM(delivery->sweep_ns, deadline_after_ms(loop, LOOK_MS));
        error = broadcast_wait(task, &outbox->changed, seen, next_ns);
        if (error == ERROR_MEMORY)
            error = task_sleep_until(task, deadline_after_ms(loop, LOOK_MS));
    }
}

// --- Life ---

struct outbox_delivery *outbox_delivery_create(struct edge *edge)
{
    struct outbox_delivery *delivery = memory_zero_alloc(sizeof(*delivery));
    if (delivery == NULL)
        return NULL;
    delivery->edge = edge;
    delivery->outbox = edge->outbox;
    list_init(&delivery->routes);
    scope_open(&delivery->chooser);
    scope_open(&delivery->senders);
    return delivery;
}

enum error outbox_delivery_start(struct outbox_delivery *delivery)
{
    return task_start(delivery->edge->threads[0].loop, &delivery->chooser, choose_main, delivery);
}

void outbox_delivery_stop(struct task *task, struct outbox_delivery *delivery,
    uint64_t deadline_ns)
{
    if (delivery == NULL)
        return;
    delivery->stopping = true;
    scope_close(task, &delivery->chooser);
    if (scope_join(task, &delivery->senders, deadline_ns) != ERROR_NONE)
        log_write(LOG_WARNING, "outbox", "stopping before all that was sent was answered");
    scope_close(task, &delivery->senders);
}

void outbox_delivery_destroy(struct outbox_delivery *delivery)
{
    if (delivery == NULL)
        return;
    LIST_FOREACH(link, &delivery->routes) {
        struct route *route = LIST_ENTRY(link, struct route, link);
        if (route->origin != NULL)
            origin_release(route->origin);
        memory_free(route);
    }
    memory_free(delivery);
}
