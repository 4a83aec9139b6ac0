// The check, its canaries, and what of the facts may be told.
#include "doctor/observer.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "doctor/facts_json.h"
#include "edge/access_list.h"

#define CANARIES_MS 6000 // for all of them; a look lasts longer where it finds nothing
#define ARENA_LIMIT ((size_t)32 << 20) // most of it for the signatures

struct observer {
    struct slice name;
    struct arena arena;
    uint16_t *ports;
    struct guard guard;
    struct signature_table *signatures;
    struct check_options options;
    struct target canaries[VANTAGE_CANARIES_MAX];
    unsigned canary_count;
    struct lock lock; // held while the canaries are looked at: others wait for what they say
    uint64_t canaries_at_ms; // 0: never
    bool is_well;
};

// --- Made of the settings ---

static enum error read_guard(struct observer *observer, const struct vantage_settings *settings)
{
    const struct slice *ports = settings->ports.items;
    observer->ports = arena_alloc(&observer->arena, (settings->ports.count + 1) * sizeof(uint16_t));
    if (observer->ports == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < settings->ports.count; i++) {
        uint64_t port;
        if (!slice_parse_u64(ports[i], UINT16_MAX, &port))
            return ERROR_INVALID;
        observer->ports[i] = (uint16_t)port;
    }
    observer->guard.ports = observer->ports;
    observer->guard.port_count = settings->ports.count;
    return access_list_read(&settings->allow, &observer->guard.allow);
}

static enum error read_canaries(struct observer *observer, const struct vantage_settings *settings,
    struct text *why)
{
    const struct slice *urls = settings->canaries.items;
    size_t count = settings->canaries.count;
    if (count == 0 && settings->control.size > 0) {
        urls = &settings->control;
        count = 1;
    }
    for (size_t i = 0; i < MINIMUM(count, VANTAGE_CANARIES_MAX); i++) {
        enum error error =
            target_parse(urls[i], &observer->arena, why, &observer->canaries[i]);
        if (error != ERROR_NONE)
            return error;
        observer->canary_count++;
    }
    return ERROR_NONE;
}

static enum error load_signatures(struct observer *observer)
{
    struct conf_mistakes *mistakes = arena_zero_alloc(&observer->arena, sizeof(*mistakes));
    if (mistakes == NULL)
        return ERROR_MEMORY;
    return signature_load(signature_builtin(), &observer->arena, mistakes, &observer->signatures);
}

enum error observer_create(const struct vantage_settings *settings, struct slice name,
    struct text *why, struct observer **ret_observer)
{
    struct observer *observer = memory_zero_alloc(sizeof(*observer));
    if (observer == NULL)
        return ERROR_MEMORY;
    lock_init(&observer->lock);
    arena_init(&observer->arena, 65536, ARENA_LIMIT);
    observer->name = arena_copy(&observer->arena, name);
    observer->options = (struct check_options){.timeout_ms = settings->timeout_ms,
        .is_remote = true, .guard = &observer->guard};
    if (settings->control.size > 0)
        observer->options.control = arena_copy(&observer->arena, settings->control);
    bool is_full = observer->name.data == NULL
        || (settings->control.size > 0 && observer->options.control.data == NULL);
    enum error error = is_full ? ERROR_MEMORY : read_guard(observer, settings);
    if (error == ERROR_NONE)
        error = read_canaries(observer, settings, why);
    if (error == ERROR_NONE)
        error = load_signatures(observer);
    if (error != ERROR_NONE) {
        observer_destroy(observer);
        return error;
    }
    observer->options.signatures = observer->signatures;
    *ret_observer = observer;
    return ERROR_NONE;
}

void observer_destroy(struct observer *observer)
{
    if (observer == NULL)
        return;
    signature_release(observer->signatures);
    access_list_free(&observer->guard.allow);
    arena_free(&observer->arena);
    lock_destroy(&observer->lock);
    memory_free(observer);
}

// --- Is it well here? ---

// The operator's own choice, so nobody is kept from it, and there is nothing to compare it with.
static bool canary_is_well(const struct observer *observer, const struct target *canary)
{
    const struct check_options options = {.is_remote = true, .signatures = observer->signatures,
        .timeout_ms = CANARIES_MS / observer->canary_count};
    const struct check_result *result;
    struct check *check;
    if (check_run(&options, canary, NULL, &check, &result) != ERROR_NONE)
        return false;
    const struct answer_facts *answer = &result->facts.answers[PROFILE_USUAL];
    bool is_well = answer->outcome == ANSWER_WHOLE && answer->status < 500;
    check_free(check);
    return is_well;
}

static void *look_at_canaries(void *argument)
{
    struct observer *observer = argument;
    lock_acquire(&observer->lock);
    uint64_t now = clock_now_ms();
    bool is_due = observer->canaries_at_ms == 0
        || now - observer->canaries_at_ms >= OBSERVER_CANARIES_PAUSE_MS;
    if (is_due) {
        observer->is_well = observer->canary_count == 0;
        for (unsigned i = 0; i < observer->canary_count && !observer->is_well; i++)
            observer->is_well = canary_is_well(observer, &observer->canaries[i]);
        observer->canaries_at_ms = now;
    }
    lock_release(&observer->lock);
    return NULL;
}

static bool is_well(struct observer *observer)
{
    lock_acquire(&observer->lock);
    bool is_well = observer->is_well;
    lock_release(&observer->lock);
    return is_well;
}

// --- What may be told ---

static unsigned keep_reachable(const struct guard *guard, struct address *addresses, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        if (guard_may_reach(guard, &addresses[i]))
            addresses[kept++] = addresses[i];
    }
    return kept;
}

// Names of an inner network, who answers for them here, and the routers on the way out are nobody's
// business.
static void leave_out(const struct guard *guard, struct facts *facts)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        facts->attempts[i].told_by = (struct address){0};
        if (guard_may_reach(guard, &facts->attempts[i].address))
            facts->attempts[kept++] = facts->attempts[i];
    }
    facts->attempt_count = kept;
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        struct name_facts *names = &facts->names[i];
        names->count = keep_reachable(guard, names->addresses, names->count);
        names->asked = SLICE_EMPTY;
    }
}

static enum error write_json(struct observer *observer, const struct facts *facts,
    enum verdict verdict, char **ret_json, size_t *ret_size)
{
    json_t *json = facts_to_json(facts);
    struct slice word = verdict_name(verdict);
    bool is_set = json != NULL
        && json_object_set_new(json, "vantage",
               json_stringn(observer->name.data, observer->name.size)) == 0
        && json_object_set_new(json, "verdict", json_stringn(word.data, word.size)) == 0
        && json_object_set_new(json, "conclusive", json_boolean(is_well(observer))) == 0;
    size_t size = is_set ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
    char *text = size == 0 ? NULL : memory_alloc(size + 1);
    if (text != NULL) {
        json_dumpb(json, text, size, JSON_COMPACT);
        text[size] = '\n';
        *ret_json = text;
        *ret_size = size + 1;
    }
    json_decref(json);
    return text == NULL ? ERROR_MEMORY : ERROR_NONE;
}

static enum error tell(struct observer *observer, const struct check_result *result,
    char **ret_json, size_t *ret_size)
{
    struct facts *facts = memory_alloc(sizeof(*facts)); // too large for a stack
    enum error error = ERROR_MEMORY;
    if (facts == NULL)
        return error;
    *facts = result->facts;
    leave_out(&observer->guard, facts);
    error = result->facts.attempt_count > 0 && facts->attempt_count == 0
        ? ERROR_DENIED
        : write_json(observer, facts, result->diagnosis.verdict, ret_json, ret_size);
    memory_free(facts);
    return error;
}

bool observer_may_look(const struct observer *observer, const struct target *target)
{
    // A port is right or wrong whatever the address: this one is the world's.
    struct address address;
    if (address_parse_host(target->is_literal ? target->host : SLICE("1.1.1.1"), target->port,
            &address) != ERROR_NONE)
        return false;
    return guard_may_reach(&observer->guard, &address);
}

enum error observer_look(struct observer *observer, const struct target *target, char **ret_json,
    size_t *ret_size)
{
    const struct check_result *result;
    struct check *check;
    pthread_t canaries;
    bool at_once = thread_start(&canaries, "canaries", look_at_canaries, observer) == ERROR_NONE;
    enum error error = check_run(&observer->options, target, NULL, &check, &result);
    if (at_once)
        pthread_join(canaries, NULL);
    else
        look_at_canaries(observer);
    if (error != ERROR_NONE)
        return error;
    error = tell(observer, result, ret_json, ret_size);
    check_free(check);
    return error;
}
