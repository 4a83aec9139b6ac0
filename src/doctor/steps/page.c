// Looks for what the site itself says about its state, when it does not answer well: a status page
// that the error page names, one where most have theirs, and that of an afloat in front of it.
#include "base/memory.h"
#include "base/thread.h"
#include "doctor/answer.h"
#include "doctor/refer.h"
#include "doctor/usual.h"

#include <jansson.h>

#define CHUNK_SIZE ((size_t)16 << 10)
#define OWN_MEMORY ((size_t)2 << 20)
#define TEXT_MAX 300 // of what it says
#define INCIDENTS_MAX 50

// In the order in which they are believed.
enum place { PLACE_NAMED, PLACE_USUAL, PLACE_AFLOAT, PLACE_COUNT };

struct visit {
    const struct check *check;
    struct slice page; // for people
    struct slice url;  // for us
    bool is_named;
    struct address addresses[FACTS_ADDRESSES_MAX]; // none: to be looked up
    unsigned address_count;
    uint64_t deadline_ms;
    struct site_page_facts facts;
    struct arena arena;
    pthread_t thread;
    bool runs;
};

// --- What it says (Statuspage's API v2, whose form afloat's own status has too) ---

static struct slice keep_string(const json_t *value, struct arena *arena)
{
    if (!json_is_string(value) || json_string_length(value) == 0)
        return SLICE_EMPTY;
    return arena_copy(arena,
        slice_of(json_string_value(value), MINIMUM(json_string_length(value), TEXT_MAX)));
}

static bool is_resolved(const json_t *incident)
{
    const char *status = json_string_value(json_object_get(incident, "status"));
    return status != NULL && (strcmp(status, "resolved") == 0 || strcmp(status, "postmortem") == 0
        || strcmp(status, "completed") == 0);
}

static struct slice find_incident(const json_t *root, struct arena *arena)
{
    const json_t *incidents = json_object_get(root, "incidents");
    for (size_t i = 0; i < json_array_size(incidents) && i < INCIDENTS_MAX; i++) {
        const json_t *incident = json_array_get(incidents, i);
        struct slice name = keep_string(json_object_get(incident, "name"), arena);
        if (!is_resolved(incident) && name.data != NULL)
            return name;
    }
    return keep_string(json_object_get(root, "message"), arena); // afloat's operator
}

static void read_summary(struct slice body, struct visit *visit)
{
    json_t *root = json_loadb(body.data, body.size, 0, NULL);
    const json_t *status = json_object_get(root, "status");
    const char *indicator = json_string_value(json_object_get(status, "indicator"));
    if (indicator != NULL) {
        struct slice incident = find_incident(root, &visit->arena);
        bool is_well = strcmp(indicator, "none") == 0;
        visit->facts.well = is_well ? FACT_GOOD : FACT_BAD;
        visit->facts.url = visit->page;
        visit->facts.description = keep_string(json_object_get(status, "description"),
            &visit->arena);
        visit->facts.incident = incident;
    }
    json_decref(root);
}

static void *visit_main(void *argument)
{
    static const char *const fields[] = {"Accept: application/json", NULL};
    struct visit *visit = argument;
    const struct follow_request request = {.check = visit->check, .url = visit->url,
        .addresses = visit->addresses, .address_count = visit->address_count, .fields = fields,
        .deadline_ms = visit->deadline_ms};
    struct followed followed;
    struct arena scratch;
    arena_init(&scratch, CHUNK_SIZE, FOLLOW_SCRATCH_MEMORY);
    follow(&request, &visit->arena, &scratch, &followed);
    if (followed.outcome == ANSWER_WHOLE && followed.answer.status == 200)
        read_summary(followed.answer.body, visit);
    // The site named it for people; what it says there is theirs to read.
    if (visit->is_named && visit->facts.well == FACT_UNKNOWN)
        visit->facts.url = visit->page;
    arena_free(&scratch);
    return NULL;
}

// --- Where it may be ---

static void set_place(struct visit *visit, const struct facts *facts, struct slice page,
    struct slice path, struct arena *arena)
{
    struct target found, api;
    if (page.data == NULL || !target_refer(&facts->target, page, arena, &found)
        || !target_refer(&found, path, arena, &api))
        return;
    visit->page = found.url;
    visit->url = api.url;
    if (slice_equal(api.host, facts->target.host))
        visit->address_count = usual_addresses(facts, visit->addresses);
}

// status.example.org for example.org and www.example.org.
static struct slice usual_place(const struct target *target, struct arena *arena)
{
    struct slice host = target->host;
    if (target->is_literal || slice_starts_with(host, SLICE("status.")))
        return SLICE_EMPTY;
    if (slice_starts_with(host, SLICE("www.")))
        host = slice_of(host.data + 4, host.size - 4);
    return slice_contains(host, '.') ? arena_printf(arena, "https://status.%.*s/",
        SLICE_ARGS(host)) : SLICE_EMPTY;
}

static struct slice named_place(const struct facts *facts)
{
    for (unsigned i = 0; i < PROFILE_COUNT; i++) {
        if (facts->answers[i].status_page.data != NULL)
            return facts->answers[i].status_page;
    }
    return SLICE_EMPTY;
}

static void set_places(struct visit *visits, const struct facts *facts, struct arena *arena)
{
    const struct answer_facts *usual = &facts->answers[PROFILE_USUAL];
    const struct slice api = SLICE("/api/v2/summary.json");
    set_place(&visits[PLACE_NAMED], facts, named_place(facts), api, arena);
    visits[PLACE_NAMED].is_named = true;
    set_place(&visits[PLACE_USUAL], facts, usual_place(&facts->target, arena), api, arena);
    if (slice_equal(visits[PLACE_USUAL].url, visits[PLACE_NAMED].url))
        visits[PLACE_USUAL].url = SLICE_EMPTY;
    // Who says nothing, or does not come to an end, will not with this.
    if (usual->status != 0 && usual->outcome != ANSWER_SLOW && usual->outcome != ANSWER_ENDLESS)
        set_place(&visits[PLACE_AFLOAT], facts, SLICE("/.afloat/status"), SLICE("/.afloat/status"),
            arena);
}

// One that tells of an incident knows more than one that does not.
static const struct site_page_facts *choose(const struct visit *visits)
{
    static const enum fact wanted[] = {FACT_BAD, FACT_GOOD};
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        for (unsigned at = 0; at < PLACE_COUNT; at++) {
            if (visits[at].facts.well == wanted[i])
                return &visits[at].facts;
        }
    }
    return &visits[PLACE_NAMED].facts;
}

static void visit_all(struct check *check, struct visit *visits)
{
    for (unsigned i = 0; i < PLACE_COUNT; i++) {
        struct visit *visit = &visits[i];
        visit->check = check;
        visit->deadline_ms = check_deadline(check, STEP_PAGE);
        arena_init(&visit->arena, CHUNK_SIZE, OWN_MEMORY);
        visit->runs = visit->url.data != NULL
            && thread_start(&visit->thread, "page", visit_main, visit) == ERROR_NONE;
    }
    for (unsigned i = 0; i < PLACE_COUNT; i++) {
        if (visits[i].runs)
            pthread_join(visits[i].thread, NULL);
    }
}

// A proxy that does not do stands in the way to this too.
static bool is_wanted(const struct answer_facts *usual)
{
    if (usual->outcome == ANSWER_PROXY)
        return false;
    return usual->outcome != ANSWER_WHOLE || usual->status >= 500 || usual->status == 429;
}

static struct slice keep(struct slice text, struct arena *arena)
{
    return text.data == NULL ? SLICE_EMPTY : arena_copy(arena, text);
}

void step_page(struct check *check, struct facts *facts)
{
    struct visit visits[PLACE_COUNT] = {0};
    struct arena *arena = check_arena(check, STEP_PAGE);
    if (!is_wanted(&facts->answers[PROFILE_USUAL]))
        return;
    set_places(visits, facts, arena);
    visit_all(check, visits);
    facts->page = *choose(visits);
    facts->page.url = keep(facts->page.url, arena);
    facts->page.description = keep(facts->page.description, arena);
    facts->page.incident = keep(facts->page.incident, arena);
    for (unsigned i = 0; i < PLACE_COUNT; i++)
        arena_free(&visits[i].arena);
}
