// Asks for the page that was answered, in other ways, all at once: what differs then is the reason.
#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"
#include "doctor/answer.h"
#include "doctor/refer.h"
#include "doctor/resolve.h"
#include "doctor/usual.h"

#define CHUNK_SIZE ((size_t)16 << 10)
#define OWN_MEMORY ((size_t)2 << 20) // of one of them, for URLs and cookies
#define FIELDS_MAX 8
#define SILENCE_MS 2500 // who was silent before is not waited for as long again

struct way {
    enum profile profile;
    const struct check *check;
    struct follow_request request;
    const char *fields[FIELDS_MAX + 1];
    struct answer_facts facts;
    struct arena arena;
    pthread_t thread;
    bool runs;
};

struct again {
    struct check *check;
    const struct facts *facts;
    const struct answer_facts *usual;
    struct arena *arena;
    uint64_t deadline_ms;
    struct slice url; // that is asked for again
    struct address addresses[FACTS_ADDRESSES_MAX], of_target[FACTS_ADDRESSES_MAX];
    unsigned address_count, of_target_count;
    struct way ways[PROFILE_COUNT];
};

// --- Which ways ---

static bool has_http2(const struct facts *facts)
{
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        if (facts->attempts[i].has_http2)
            return true;
    }
    return facts->answers[PROFILE_USUAL].http_version == 20
        || (facts->environment.proxy.data != NULL && facts->target.is_secure);
}

static bool was_asked(const struct answer_facts *usual)
{
    return usual->outcome != ANSWER_UNKNOWN && usual->outcome != ANSWER_UNREACHED
        && usual->outcome != ANSWER_PROXY;
}

static bool is_wanted(const struct facts *facts, enum profile profile)
{
    const struct answer_facts *usual = &facts->answers[PROFILE_USUAL];
    bool is_well = answer_is_well(usual);
    switch (profile) {
    case PROFILE_FRESH:
    case PROFILE_UNIQUE:
        return was_asked(usual);
    case PROFILE_RETURN:
        return was_asked(usual) && (usual->cookies.data != NULL || usual->etag.data != NULL
            || usual->last_modified.data != NULL);
    case PROFILE_HTTP1:
        return was_asked(usual) && !is_well && has_http2(facts);
    case PROFILE_BROWSER:
        return was_asked(usual) && (usual->status >= 400 || usual->outcome == ANSWER_RESET);
    case PROFILE_DIRECT:
        return facts->environment.proxy.data != NULL && usual->outcome != ANSWER_UNKNOWN
            && !is_well;
    case PROFILE_STRANGER:
        return usual->outcome == ANSWER_WHOLE && usual->status >= 500
            && facts->environment.proxy.data == NULL;
    case PROFILE_USUAL:
    case PROFILE_COUNT:
        break;
    }
    return false;
}

// --- What each of them asks ---

static void add_field(struct way *way, const char *line)
{
    unsigned count = 0;
    while (way->fields[count] != NULL)
        count++;
    if (count < FIELDS_MAX && line != NULL)
        way->fields[count] = line;
}

static void add_value(struct again *again, struct way *way, const char *name, struct slice value)
{
    if (value.data != NULL && http_is_field_value(value)) // not with another field behind a CR
        add_field(way, arena_printf(again->arena, "%s: %.*s", name, SLICE_ARGS(value)).data);
}

static struct slice unique_url(const struct again *again)
{
    uint64_t number = hash_bytes(again->url, clock_now_us());
    return arena_printf(again->arena, "%.*s%cafloat-check=%08x", SLICE_ARGS(again->url),
        slice_contains(again->url, '?') ? '&' : '?', (unsigned)number);
}

// The same place, for a name of which nobody has ever heard (RFC 6761 section 6.4).
static struct slice stranger_url(const struct again *again)
{
    uint16_t port = address_port(&again->usual->address);
    bool is_secure = slice_starts_with(again->url, SLICE("https:"));
    return arena_printf(again->arena, "http%s://afloat-check.invalid:%u/", is_secure ? "s" : "",
        port != 0 ? port : is_secure ? 443 : 80);
}

// What a browser sends when its user follows a link from nowhere.
static void ask_as_browser(struct way *way)
{
    add_field(way, "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
        "Firefox/128.0");
    add_field(way, "Accept-Language: en-US,en;q=0.5");
    add_field(way, "Upgrade-Insecure-Requests: 1");
    add_field(way, "Sec-Fetch-Dest: document");
    add_field(way, "Sec-Fetch-Mode: navigate");
    add_field(way, "Sec-Fetch-Site: none");
    add_field(way, "Sec-Fetch-User: ?1");
}

static void prepare(struct again *again, struct way *way)
{
    way->request = (struct follow_request){.check = again->check, .url = again->url,
        .addresses = again->addresses, .address_count = again->address_count,
        .fields = way->fields, .deadline_ms = again->deadline_ms};
    add_field(way, USUAL_ACCEPT);
    switch (way->profile) {
    case PROFILE_FRESH:
        add_field(way, "Cache-Control: no-cache");
        add_field(way, "Pragma: no-cache");
        return;
    case PROFILE_UNIQUE:
        way->request.url = unique_url(again);
        return;
    case PROFILE_RETURN:
        way->request.cookies = again->usual->cookies;
        add_value(again, way, "If-None-Match", again->usual->etag);
        add_value(again, way, "If-Modified-Since", again->usual->last_modified);
        return;
    case PROFILE_HTTP1:
        way->request.version = LOOK_VERSION_HTTP1;
        return;
    case PROFILE_BROWSER:
        ask_as_browser(way);
        return;
    case PROFILE_STRANGER:
        way->request.url = stranger_url(again);
        way->request.trusts_anybody = true;
        return;
    case PROFILE_DIRECT:
        way->request.is_direct = true;
        way->request.url = again->facts->target.url;
        way->request.addresses = again->of_target;
        way->request.address_count = again->of_target_count;
        return;
    case PROFILE_USUAL:
    case PROFILE_COUNT:
        break;
    }
}

// The one that answered first, so that it is the same that is asked again.
static void put_first(struct again *again, const struct address *address)
{
    for (unsigned i = 0; i < again->address_count; i++) {
        if (!address_equal(&again->addresses[i], address))
            continue;
        memmove(&again->addresses[1], &again->addresses[0], i * sizeof(again->addresses[0]));
        again->addresses[0] = *address;
        return;
    }
}

// Who was sent in circles, or to nowhere, begins anew; else it is the page that was answered.
static void choose_url(struct again *again)
{
    const struct facts *facts = again->facts;
    struct target target = facts->target;
    struct name_facts names = {0};
    bool is_whole_way = again->usual->outcome != ANSWER_LOOPS
        && again->usual->outcome != ANSWER_LEADS_NOWHERE && again->usual->redirects > 0;
    again->of_target_count = usual_addresses(facts, again->of_target);
    again->url = facts->target.url;
    memcpy(again->addresses, again->of_target, sizeof(again->addresses));
    again->address_count = again->of_target_count;
    if (is_whole_way && target_refer(&facts->target, again->usual->url, again->arena, &target))
        again->url = target.url;
    if (!slice_equal(target.host, facts->target.host)) {
        again->address_count = 0;
        if (facts->environment.proxy.data == NULL && !target.is_literal) {
            resolve_any(again->check, target.host, target.port, again->deadline_ms, again->arena,
                &names);
            memcpy(again->addresses, names.addresses, sizeof(again->addresses));
            again->address_count = names.count;
        }
    }
    put_first(again, &again->usual->address);
}

static uint64_t deadline_of(const struct again *again)
{
    enum answer_outcome outcome = again->usual->outcome;
    uint64_t deadline_ms = check_deadline(again->check, STEP_AGAIN);
    bool was_silent = outcome == ANSWER_SILENT || outcome == ANSWER_SLOW;
    return was_silent ? MINIMUM(deadline_ms, clock_now_ms() + SILENCE_MS) : deadline_ms;
}

// --- All at once ---

static void *way_main(void *argument)
{
    struct way *way = argument;
    struct arena scratch;
    struct followed followed;
    arena_init(&scratch, CHUNK_SIZE, FOLLOW_SCRATCH_MEMORY);
    follow(&way->request, &way->arena, &scratch, &followed);
    answer_read(&followed, check_options_of(way->check)->signatures, clock_wall_ms() / 1000,
        &scratch, &way->facts);
    answer_keep(&way->facts, &way->arena);
    arena_free(&scratch);
    return NULL;
}

static void run(struct again *again, struct facts *facts)
{
    for (unsigned i = 0; i < PROFILE_COUNT; i++) {
        struct way *way = &again->ways[i];
        if (!is_wanted(again->facts, (enum profile)i))
            continue;
        way->profile = (enum profile)i;
        way->check = again->check;
        arena_init(&way->arena, CHUNK_SIZE, OWN_MEMORY);
        prepare(again, way);
        // Without a thread it stays unknown.
        way->runs = thread_start(&way->thread, "again", way_main, way) == ERROR_NONE;
    }
    for (unsigned i = 0; i < PROFILE_COUNT; i++) {
        struct way *way = &again->ways[i];
        if (!way->runs)
            continue;
        pthread_join(way->thread, NULL);
        answer_keep(&way->facts, again->arena);
        facts->answers[i] = way->facts;
        arena_free(&way->arena);
    }
}

void step_again(struct check *check, struct facts *facts)
{
    struct again *again = memory_zero_alloc(sizeof(*again));
    if (again == NULL)
        return;
    again->check = check;
    again->facts = facts;
    again->usual = &facts->answers[PROFILE_USUAL];
    again->arena = check_arena(check, STEP_AGAIN);
    again->deadline_ms = deadline_of(again);
    if (facts->answers[PROFILE_USUAL].outcome != ANSWER_UNKNOWN) {
        choose_url(again);
        run(again, facts);
    }
    memory_free(again);
}
