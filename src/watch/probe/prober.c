// The thread, and a round from its time to the world: this machine's vote, the canaries' doubt, the
// others' votes, and what the quorum makes of them.
#include "watch/probe/prober.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "doctor/vantage_settings.h"
#include "edge/access_list.h"
#include "watch/probe/push_store.h"

#include <openssl/crypto.h>
#include <pthread.h>

#define TEXTS_MAX ((size_t)64 << 20)
#define BEGUN_AT_ONCE 64  // then what has come in is looked at
#define AGAIN_AFTER_MS 10000
#define SINCE_MOST_MS 60000 // see struct finding
#define MONITORS_MAX COMPONENTS_MAX

// --- A round ---

static struct finding finding_of(const struct watched *watched)
{
    const struct quorum *quorum = &watched->quorum;
    struct finding finding = {.state = quorum->state, .reason = quorum->reason,
        .track = TRACK_UP};
    if (quorum->state == COMPONENT_UNKNOWN)
        finding.track = TRACK_UNKNOWN;
    else if (quorum->state == COMPONENT_DOWN)
        finding.track = TRACK_DOWN;
    if (watched->response_ms != PROBE_NO_TIME) {
        finding.responses = 1;
        finding.responses_ms = finding.slowest_ms = watched->response_ms;
    }
    return finding;
}

void round_close(struct watched *watched)
{
    struct prober *prober = watched->prober;
    struct quorum *quorum = &watched->quorum;
    int64_t now = clock_wall_ms();
    int64_t began_ms = now - (int64_t)(clock_now_ms() - watched->began_ms);
    lock_acquire(&prober->lock);
    bool has_changed = quorum_close(quorum, &prober->quorum, watched->votes, watched->vote_count,
        began_ms);
    watched->round++;
    lock_release(&prober->lock);
    struct finding finding = finding_of(watched);
    if (has_changed) {
        finding.since_ms = MAXIMUM(MINIMUM(quorum->changed_ms, now), now - SINCE_MOST_MS);
        log_write(LOG_INFO, "watch", "monitor %.*s: %s%s%s", SLICE_ARGS(watched->monitor.id),
            component_state_word(quorum->state),
            quorum->reason.kind == REASON_NONE ? "" : ", ", reason_text(quorum->reason.kind));
    }
    world_learn(prober->world, watched->component, &finding, now);
    schedule_finish(&watched->entry);
    // What has begun to look different is looked at again before long.
    if (quorum->agreeing > 0 || quorum->blind > 0)
        schedule_hasten(&prober->schedule, &watched->entry, clock_now_ms() + AGAIN_AFTER_MS);
}

void round_go_on(struct watched *watched, bool is_blind)
{
    struct prober *prober = watched->prober;
    struct vote *local = &watched->votes[0];
    if (is_blind)
        *local = (struct vote){VOTE_INCONCLUSIVE, {REASON_BLIND, 0}};
    watched->vote_count = 1;
    if (prober->place_count > 0 && watched->target.kind == MONITOR_HTTP
        && remote_may_tell(local)
        && quorum_wants_others(&watched->quorum, local, watched->round, prober->every))
        remote_ask(watched);
    else
        round_close(watched);
}

static void on_vote(struct watched *watched, const struct vote *vote)
{
    watched->votes[0] = *vote;
    watched->has_failed = vote->kind == VOTE_DOWN;
    if (vote->kind == VOTE_DOWN)
        canaries_doubt(&watched->prober->canaries, watched);
    else
        round_go_on(watched, false);
}

static void on_end(void *context, struct probe *probe, const struct probe_result *result)
{
    struct watched *watched = context;
    (void)probe;
    watched->probe = NULL;
    watched->response_ms = result->response_ms;
    on_vote(watched, &result->vote);
}

static void round_begin(struct watched *watched)
{
    const struct monitor_settings *monitor = &watched->monitor;
    struct vote vote = {VOTE_INCONCLUSIVE, {REASON_BLIND, 0}};
    watched->began_ms = clock_now_ms();
    watched->response_ms = PROBE_NO_TIME;
    if (watched->target.kind == MONITOR_PUSH) {
        vote = push_vote(&watched->push, monitor->interval_ms, monitor_patience_ms(monitor),
            (int64_t)watched->began_ms);
        on_vote(watched, &vote);
        return;
    }
    watched->probe =
        probe_begin(&watched->prober->poller, &watched->target, NULL, on_end, watched);
    if (watched->probe == NULL)
        on_vote(watched, &vote);
}

static void *prober_main(void *argument)
{
    struct prober *prober = argument;
    while (!atomic_load(&prober->stopping)) {
        uint64_t now = clock_now_ms();
        struct schedule_entry *entry = NULL;
        for (int i = 0; i < BEGUN_AT_ONCE; i++) {
            entry = schedule_take(&prober->schedule, now);
            if (entry == NULL)
                break;
            round_begin(CONTAINER_OF(entry, struct watched, entry));
        }
        poller_turn(&prober->poller, schedule_next_ms(&prober->schedule));
    }
    return NULL;
}

bool prober_push(struct prober *prober, struct slice token, bool is_well, int64_t now_ms)
{
    int64_t heard_ms = (int64_t)clock_now_ms();
    for (size_t i = 0; i < prober->count; i++) {
        struct watched *watched = &prober->watched[i];
        struct slice own = watched->monitor.push;
        if (watched->target.kind != MONITOR_PUSH || own.size != token.size
            || CRYPTO_memcmp(own.data, token.data, token.size) != 0)
            continue;
        if (push_is_news(&watched->push, is_well, heard_ms))
            push_store_write(prober->database, watched->monitor.id, is_well, now_ms);
        push_see(&watched->push, is_well, heard_ms);
        return true;
    }
    return false;
}

// --- From one generation of settings to the next ---

static bool is_same(const struct watched *a, const struct watched *b)
{
    const struct monitor_settings *x = &a->monitor, *y = &b->monitor;
    return slice_equal(x->id, y->id) && slice_equal(x->url, y->url)
        && slice_equal(x->tcp, y->tcp) && slice_equal(x->dns, y->dns)
        && slice_equal(x->ping, y->ping) && slice_equal(x->push, y->push);
}

// Both have about the same order, so each is found where the last one was, or near.
static const struct watched *find_same(const struct prober *before, const struct watched *watched,
    size_t *cursor)
{
    for (size_t i = 0; i < before->count; i++) {
        size_t at = (*cursor + i) % before->count;
        if (!is_same(&before->watched[at], watched))
            continue;
        *cursor = at + 1;
        return &before->watched[at];
    }
    return NULL;
}

static bool has_same_places(const struct prober *prober, const struct prober *before)
{
    bool is_so = prober->place_count == before->place_count;
    for (size_t i = 0; is_so && i < prober->place_count; i++)
        is_so = slice_equal(prober->places[i].url, before->places[i].url);
    return is_so;
}

void prober_inherit(struct prober *prober, struct prober *before)
{
    bool knows_places = has_same_places(prober, before);
    size_t cursor = 0;
    lock_acquire(&before->lock);
    for (size_t i = 0; i < prober->count; i++) {
        struct watched *watched = &prober->watched[i];
        const struct watched *same = find_same(before, watched, &cursor);
        if (same == NULL)
            continue;
        watched->quorum = same->quorum;
        watched->round = same->round;
        if (!knows_places) // what each of them said before is another's now
            memset(watched->quorum.contradicts, 0, sizeof(watched->quorum.contradicts));
        push_inherit(&watched->push, &same->push);
    }
    lock_release(&before->lock);
}

void prober_catch_up(struct prober *prober, const struct prober *before)
{
    size_t cursor = 0;
    for (size_t i = 0; i < prober->count; i++) {
        struct watched *watched = &prober->watched[i];
        const struct watched *same = watched->target.kind == MONITOR_PUSH
            ? find_same(before, watched, &cursor) : NULL;
        if (same != NULL)
            push_catch_up(&watched->push, &same->push);
    }
}

// --- Begin and end ---

static bool copy(struct arena *arena, struct slice *text)
{
    if (text->data != NULL)
        *text = arena_copy(arena, *text);
    return text->data != NULL || text->size == 0;
}

static bool copy_list(struct arena *arena, struct setting_list *list)
{
    const struct slice *from = list->items;
    struct slice *to = arena_alloc(arena, (list->count + 1) * sizeof(*to));
    if (to == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        to[i] = from[i];
        if (!copy(arena, &to[i]))
            return false;
    }
    list->items = to;
    return true;
}

static bool copy_monitor(struct arena *arena, struct monitor_settings *monitor)
{
    struct slice *texts[] = {&monitor->id, &monitor->title, &monitor->group, &monitor->url,
        &monitor->tcp, &monitor->dns, &monitor->ping, &monitor->push, &monitor->expect_body,
        &monitor->expect_address, &monitor->resolver, &monitor->record, &monitor->method};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (!copy(arena, texts[i]))
            return false;
    }
    return copy_list(arena, &monitor->depends_on) && copy_list(arena, &monitor->expect_headers)
        && copy_list(arena, &monitor->headers);
}

static enum error add_monitors(struct prober *prober, const struct prober_settings *settings,
    struct text *why)
{
    prober->watched =
        memory_zero_alloc(MAXIMUM(settings->monitor_count, 1) * sizeof(*prober->watched));
    if (prober->watched == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < settings->monitor_count; i++) {
        struct watched *watched = &prober->watched[i];
        watched->prober = prober;
        watched->component = settings->first_component + (unsigned)i;
        watched->monitor = settings->monitors[i];
        list_init(&watched->waiting);
        list_init(&watched->asking);
        prober->count++;
        if (!copy_monitor(&prober->arena, &watched->monitor))
            return ERROR_MEMORY;
        enum error error =
            target_create(&watched->target, &watched->monitor, &prober->allow, why);
        if (error != ERROR_NONE)
            return error;
        watched->entry.interval_ms = watched->target.kind == MONITOR_PUSH
            ? push_look_ms(watched->monitor.interval_ms)
            : watched->monitor.interval_ms;
    }
    return ERROR_NONE;
}

static enum error add_places(struct prober *prober, const struct setting_list *places)
{
    const struct vantage_other *items = places == NULL ? NULL : places->items;
    size_t count = places == NULL ? 0 : MINIMUM(places->count, QUORUM_PLACES_MAX - 1);
    for (size_t i = 0; i < count; i++) {
        struct place *place = &prober->places[i];
        *place = (struct place){items[i].name, items[i].url, items[i].key};
        if (!copy(&prober->arena, &place->name) || !copy(&prober->arena, &place->url)
            || !copy(&prober->arena, &place->key))
            return ERROR_MEMORY;
        prober->place_count++;
    }
    return ERROR_NONE;
}

static enum error add_schedule(struct prober *prober, uint64_t seed)
{
    struct schedule_entry **entries =
        memory_alloc(MAXIMUM(prober->count, 1) * sizeof(struct schedule_entry *));
    if (entries == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < prober->count; i++)
        entries[i] = &prober->watched[i].entry;
    enum error error =
        schedule_create(&prober->schedule, entries, prober->count, clock_now_ms(), seed);
    memory_free(entries);
    return error;
}

static enum error add_all(struct prober *prober, const struct prober_settings *settings,
    struct text *why)
{
    enum error error = poller_create(&prober->poller);
    prober->has_poller = error == ERROR_NONE;
    prober->poller.transferred = http_transferred;
    if (error == ERROR_NONE && settings->allow != NULL)
        error = access_list_read(settings->allow, &prober->allow);
    if (error == ERROR_NONE)
        error = add_monitors(prober, settings, why);
    if (error == ERROR_NONE)
        error = add_places(prober, settings->places);
    if (error == ERROR_NONE)
        error = canaries_create(&prober->canaries, prober, settings->canaries, why);
    if (error == ERROR_NONE)
        error = push_store_read(prober->database, prober, clock_wall_ms());
    return error == ERROR_NONE ? add_schedule(prober, settings->seed) : error;
}

static void init_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT); // where it failed, no handle can be made
}

enum error prober_create(const struct prober_settings *settings, struct world *world,
    struct text *why, struct prober **ret_prober)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (settings->monitor_count > MONITORS_MAX)
        return ERROR_LIMIT;
    pthread_once(&once, init_curl);
    struct prober *prober = memory_zero_alloc(sizeof(*prober));
    if (prober == NULL)
        return ERROR_MEMORY;
    arena_init(&prober->arena, (size_t)64 << 10, TEXTS_MAX);
    lock_init(&prober->lock);
    prober->world = world;
    prober->database = settings->database;
    prober->quorum = settings->quorum;
    prober->every = (unsigned)settings->every;
    enum error error = add_all(prober, settings, why);
    if (error == ERROR_NONE)
        *ret_prober = prober;
    else
        prober_destroy(prober);
    return error;
}

enum error prober_start(struct prober *prober)
{
    enum error error = thread_start(&prober->thread, "watch-probe", prober_main, prober);
    prober->is_running = error == ERROR_NONE;
    return error;
}

void prober_destroy(struct prober *prober)
{
    if (prober == NULL)
        return;
    if (prober->is_running) {
        atomic_store(&prober->stopping, true);
        poller_wake(&prober->poller);
        pthread_join(prober->thread, NULL);
    }
    for (size_t i = 0; i < prober->count; i++) {
        remote_abort(&prober->watched[i]);
        if (prober->watched[i].probe != NULL)
            probe_abort(prober->watched[i].probe);
        target_destroy(&prober->watched[i].target);
    }
    canaries_destroy(&prober->canaries);
    if (prober->has_poller)
        poller_destroy(&prober->poller);
    schedule_destroy(&prober->schedule);
    access_list_free(&prober->allow);
    memory_free(prober->watched);
    arena_free(&prober->arena);
    lock_destroy(&prober->lock);
    memory_free(prober);
}
