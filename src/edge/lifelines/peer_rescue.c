// peer-rescue: nothing was held here and the backend failed, so the site's other edges are asked
// for any copy, all at once and for a moment only; the first one serves. It keeps its age, so it is
// never fresh for longer than it was there. A peer that said nothing is left alone for a while, and
// so is what none of them had. See peer.h.
#include "edge/lifeline.h"
#include "edge/request_inside.h"
#include "edge/rules/rule_serve.h"
#include "edge/secure.h"
#include "origin/exchange.h"

enum { DEADLINE_MS };

#define MISS_REST_NS (5 * NS_PER_SECOND)
#define SILENCE_REST_NS (10 * NS_PER_SECOND)
#define ASKING_MAX 64              // requests of a thread at once
#define CONTENT_MAX (64ull << 20)  // of a copy
#define CONTENT_TIME_MS 10000      // for all of it

struct rescue;

struct peer_question {
    struct rescue *rescue;
    uint64_t number; // of the peer
    struct exchange *exchange;
    bool ended;
};

struct rescue {
    struct request *request;
    struct origin *peers;
    struct task *task;
    struct scope scope;
    struct exchange_request question;
    struct peer_question questions[PEERS_MAX];
    size_t count;
    struct peer_question *winner;
};

// --- Asking ---

// What could choose another copy is passed on, but nothing that asks for a part of one, and nothing
// of what is between the visitor and the site.
static const bool kept_back[HTTP_NAME_COUNT] = {
    [HTTP_NAME_HOST] = true,
    [HTTP_NAME_CONTENT_LENGTH] = true,
    [HTTP_NAME_EXPECT] = true,
    [HTTP_NAME_RANGE] = true,
    [HTTP_NAME_IF_RANGE] = true,
    [HTTP_NAME_IF_MATCH] = true,
    [HTTP_NAME_IF_NONE_MATCH] = true,
    [HTTP_NAME_IF_MODIFIED_SINCE] = true,
    [HTTP_NAME_IF_UNMODIFIED_SINCE] = true,
    [HTTP_NAME_COOKIE] = true,
    [HTTP_NAME_AUTHORIZATION] = true,
    [HTTP_NAME_CACHE_CONTROL] = true,
    [HTTP_NAME_PRAGMA] = true,
    [HTTP_NAME_FORWARDED] = true,
    [HTTP_NAME_X_FORWARDED_FOR] = true,
    [HTTP_NAME_X_FORWARDED_HOST] = true,
    [HTTP_NAME_X_FORWARDED_PROTO] = true,
    [HTTP_NAME_AFLOAT_PEER] = true,
    [HTTP_NAME_AFLOAT_DEBUG] = true,
};

static struct slice compose_fields(struct request *request)
{
    const struct http_fields *fields = &request->head.fields;
    struct slice secret = request_site(request)->peers.secret;
    size_t size = secret.size + 256;
    for (uint32_t i = 0; i < fields->count; i++)
        size += fields->items[i].name.size + fields->items[i].value.size + 4;
    char *buffer = arena_alloc(&request->arena, size);
    if (buffer == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(buffer, size);
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->items[i];
        if (!kept_back[field->known] && !http_field_is_hop_by_hop(fields, field))
            text_format(&text, "%.*s: %.*s\r\n", SLICE_ARGS(field->name), SLICE_ARGS(field->value));
    }
    text_format(&text, "Cache-Control: only-if-cached, max-stale\r\nCDN-Loop: afloat\r\n"
        "Afloat-Peer: %s %.*s\r\n", secure_is_request(request) ? "https" : "http",
        SLICE_ARGS(secret));
    return text.full ? SLICE_EMPTY : text_slice(&text);
}

// Every copy has an Age (RFC 9111 section 5.1): what has none was not asked of a cache.
static bool is_copy(const struct http_response_head *head)
{
    return head->status == 200 && http_fields_find(&head->fields, HTTP_NAME_AGE) != NULL
        && (!head->has_content_length || head->content_length <= CONTENT_MAX);
}

static void ask_main(struct task *task, void *argument)
{
    struct peer_question *question = argument;
    struct rescue *rescue = question->rescue;
    const struct http1_limits *limits = &rescue->request->generation->settings->http;
    struct exchange *exchange = NULL;
    struct failure failure;
    uint64_t all_others = ~(UINT64_C(1) << question->number);
    enum error error = exchange_open(task, rescue->peers, &rescue->question, limits, &all_others,
        &exchange, &failure);
    question->ended = !task_is_cancelled(task);
    if (error == ERROR_NONE && rescue->winner == NULL && is_copy(exchange_head(exchange))) {
        question->exchange = exchange;
        rescue->winner = question;
    } else if (error == ERROR_NONE) {
        exchange_close(task, exchange);
    }
    task_wake(rescue->task);
}

static void ask_all(struct rescue *rescue)
{
    struct edge_thread *thread = rescue->request->thread;
    size_t peers = MINIMUM(origin_backend_count(rescue->peers), (size_t)PEERS_MAX);
    for (size_t i = 0; i < peers; i++) {
        struct peer_question *question = &rescue->questions[rescue->count];
        if (thread->peers->silent_until_ns[i] > thread->loop->now_ns)
            continue;
        *question = (struct peer_question){.rescue = rescue, .number = i};
        if (task_start(thread->loop, &rescue->scope, ask_main, question) == ERROR_NONE)
            rescue->count++;
    }
}

static bool have_all_ended(const struct rescue *rescue)
{
    for (size_t i = 0; i < rescue->count; i++) {
        if (!rescue->questions[i].ended)
            return false;
    }
    return true;
}

static void await_first(struct task *task, struct rescue *rescue, uint64_t deadline_ns)
{
    uint64_t *silent_until_ns = rescue->request->thread->peers->silent_until_ns;
    enum error error = ERROR_NONE;
    while (rescue->winner == NULL && !have_all_ended(rescue) && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    for (size_t i = 0; i < rescue->count && error == ERROR_TIMEOUT; i++) {
        if (!rescue->questions[i].ended)
            silent_until_ns[rescue->questions[i].number] = task_now_ns(task) + SILENCE_REST_NS;
    }
}

// --- The copy ---

static enum error read_content(struct task *task, struct exchange *exchange, struct body *body)
{
    uint64_t deadline_ns = deadline_after_ms(task_loop(task), CONTENT_TIME_MS);
    struct failure failure;
    for (;;) {
        void *room;
        size_t size;
        if (body_size(body) > CONTENT_MAX || task_now_ns(task) >= deadline_ns)
            return ERROR_LIMIT;
        enum error error = body_room(task, body, deadline_ns, &room, &size);
        if (error == ERROR_NONE)
            error = exchange_read(task, exchange, room, size, &size, &failure);
        if (error != ERROR_NONE)
            return error == ERROR_CLOSED ? ERROR_NONE : error;
        body_commit(body, size);
    }
}

// NULL: it is not whole, or may not be kept, or not be sent to others now.
static struct object *take_copy(struct task *task, struct request *request,
    struct exchange *exchange, int64_t asked_ms)
{
    struct loop *loop = task_loop(task);
    const struct http_response_head *answer = exchange_head(exchange);
    const struct judge_policy *policy = rule_policy(request, &request->arena);
    struct http_request_head head = request->head;
    struct judgement judgement;
    head.method = HTTP_METHOD_GET;
    if (policy == NULL)
        return NULL;
    judge_response(&head, answer, policy, asked_ms, loop->wall_ms, &judgement);
    if (judgement.store != JUDGE_STORE)
        return NULL;
    struct body *body = body_create(
        answer->has_content_length ? answer->content_length : UINT64_MAX, 0, false);
    if (body == NULL)
        return NULL;
    enum error error = read_content(task, exchange, body);
    body_finish(body, error);
    if (error != ERROR_NONE) {
        body_release(body);
        return NULL;
    }
    struct object *object = object_create(&request->key, &head, answer, &judgement, loop->now_ns,
        loop->wall_ms, body);
    if (object == NULL || object_may_go_stale(object, loop->now_ns)
        || object_is_fresh(object, loop->now_ns))
        return object;
    object_release(object);
    return NULL;
}

static struct object *rescue_run(struct task *task, struct request *request)
{
    struct edge *edge = request->thread->edge;
    uint64_t epoch = cache_epoch(edge->cache);
    int64_t asked_ms = request->thread->loop->wall_ms;
    const struct lifeline_setting *setting =
        &request_site(request)->lifelines.of[LIFELINE_PEER_RESCUE];
    struct rescue rescue = {.request = request, .peers = request->site->peers, .task = task};
    rescue.question = (struct exchange_request){.method = HTTP_METHOD_GET,
        .method_text = SLICE("GET"), .target = request->head.target,
        .host = request->head.authority, .fields = compose_fields(request), .unconditional = true};
    if (rescue.question.fields.data == NULL)
        return NULL;
    scope_open(&rescue.scope);
    ask_all(&rescue);
    await_first(task, &rescue, deadline_after_ms(task_loop(task), setting->values[DEADLINE_MS]));
    scope_close(task, &rescue.scope); // the others are not needed, or not waited for any longer
    if (rescue.winner == NULL)
        return NULL;
    struct object *object = task_is_cancelled(task) ? NULL
        : take_copy(task, request, rescue.winner->exchange, asked_ms);
    exchange_close(task, rescue.winner->exchange);
    if (object != NULL)
        cache_insert(edge->cache, object, epoch);
    return object;
}

// --- When ---

// Of what no stranger may see nothing is asked, and none of them holds it.
static bool may_ask(const struct request *request)
{
    const struct peer_memory *memory = request->thread->peers;
    uint64_t key = request->key.hash.low, now_ns = request->thread->loop->now_ns;
    return request->site->peers != NULL && memory != NULL && !request->shed && !request->is_peer
        && request->credentials == 0 && request->key.text.size > 0
        && request->head.framing == HTTP_FRAMING_NONE && request->upgrade.data == NULL
        && (request->head.method == HTTP_METHOD_GET || request->head.method == HTTP_METHOD_HEAD)
        && !rule_forbids_store(request) && memory->asking < ASKING_MAX
        && (memory->misses[key % PEER_MISSES].key != key
            || memory->misses[key % PEER_MISSES].until_ns <= now_ns);
}

static enum lifeline_outcome peer_rescue_failure(struct task *task, struct request *request)
{
    if (!may_ask(request))
        return LIFELINE_PASS;
    struct peer_memory *memory = request->thread->peers;
    uint64_t key = request->key.hash.low;
    ledger_add(request->thread->ledger, LEDGER_PEERS_ASKED, 1);
    memory->asking++;
    struct object *object = rescue_run(task, request);
    memory->asking--;
    if (object == NULL) {
        memory->misses[key % PEER_MISSES].key = key;
        memory->misses[key % PEER_MISSES].until_ns = task_now_ns(task) + MISS_REST_NS;
        return LIFELINE_PASS;
    }
    request_use(request, object, OUTCOME_STALE);
    object_release(object);
    return LIFELINE_ANSWERED;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Ask the site's other edges (peers) for a copy when the backend fails and none "
                   "is held here.",
        .touch = "Turn it off when edges must not show what others have fetched."},
    {.name = "deadline", .type = SETTING_DURATION, .fallback = "250ms",
        .offset = offsetof(struct lifeline_setting, values[DEADLINE_MS]), .minimum = 1,
        .maximum = 60000,
        .summary = "How long they have to begin with an answer.",
        .touch = "Raise it when they are far away."},
};

const struct setting_section lifeline_peer_rescue_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "A copy that another edge of the site holds.",
};

const struct lifeline lifeline_peer_rescue = {
    .name = "peer-rescue", .failure = peer_rescue_failure};
