// Asks each vantage how the site looks from there, all at the same time. What they say is a
// stranger's word: it is read as facts or not at all, and judged like what was seen here.
#include "base/clock.h"
#include "base/thread.h"
#include "doctor/facts_json.h"
#include "doctor/look.h"
#include "doctor/resolve.h"
#include "doctor/ticket.h"

#define MEMORY CHECK_STEP_MEMORY // of an inquiry; the facts are the step's
#define WHY_MAX 200              // bytes of a vantage's own words
#define PAGE "/.afloat/"         // where it is, unless the URL has a path

struct inquiry {
    const struct check *check;
    struct slice vantage; // as it was named
    struct slice key;     // to sign with; data NULL: unsigned
    struct slice site;    // URL
    uint64_t deadline_ms;
    struct arena arena;
    pthread_t thread;
    bool is_running;
    struct look_answer answer;
    struct slice why_not; // data NULL: there is an answer
};

static void fail(struct inquiry *inquiry, struct slice why)
{
    inquiry->why_not = why.data == NULL ? SLICE("no answer") : why;
}

// --- Where it is ---

// Without a scheme: by TLS at its port alone. `afloat vantage` has no certificate.
static bool parse_vantage(struct inquiry *inquiry, struct target *target)
{
    char message[256];
    struct text why = text_in(message, sizeof(message));
    struct slice url = inquiry->vantage;
    bool has_scheme = memmem(url.data, url.size, "://", 3) != NULL;
    enum error error = target_parse(url, &inquiry->arena, &why, target);
    if (error == ERROR_NONE && !has_scheme && target->port != 443) {
        url = arena_printf(&inquiry->arena, "http://%.*s", SLICE_ARGS(url));
        error = url.data == NULL ? ERROR_MEMORY
                                 : target_parse(url, &inquiry->arena, &why, target);
    }
    if (error != ERROR_NONE)
        fail(inquiry, error == ERROR_INVALID ? arena_copy(&inquiry->arena, text_slice(&why))
                                             : slice_from_string(error_text(error)));
    return error == ERROR_NONE;
}

// data NULL: no memory. *ret_path: the part of it that is signed.
static struct slice url_of(
    struct inquiry *inquiry, const struct target *target, struct slice *ret_path)
{
    size_t size = target->url.size + 3 * inquiry->site.size + 64;
    char *buffer = arena_alloc(&inquiry->arena, size);
    struct text text = text_in(buffer, buffer == NULL ? 0 : size);
    struct slice base = slice_of(target->url.data, target->url.size - target->path.size);
    struct slice rest = target->path, path = slice_cut(&rest, '?');
    text_append(&text, base);
    text_append(&text, path.size > 1 ? path : SLICE(PAGE));
    if (path.data[path.size - 1] != '/')
        text_append_byte(&text, '/');
    text_append(&text, SLICE("look"));
    *ret_path = slice_of(text.data + base.size, text.size - MINIMUM(base.size, text.size));
    text_append(&text, SLICE("?url="));
    text_append_percent(&text, inquiry->site);
    return text.full || buffer == NULL ? SLICE_EMPTY : text_slice(&text);
}

static bool find_addresses(struct inquiry *inquiry, const struct target *target,
    struct name_facts *names)
{
    if (target->is_literal) {
        names->count = 1;
        return address_parse_host(target->host, target->port, &names->addresses[0]) == ERROR_NONE;
    }
    resolve_any(inquiry->check, target->host, target->port, inquiry->deadline_ms, &inquiry->arena,
        names);
    return names->outcome == NAME_FOUND && names->count > 0;
}

// The field with its ticket, for a string of C; false: it could not be signed.
static bool sign(const struct inquiry *inquiry, struct slice path, struct text *field)
{
    const struct ticket_subject subject = {SLICE("GET"), path, inquiry->site};
    uint8_t nonce[TICKET_NONCE_SIZE];
    text_append(field, SLICE(TICKET_FIELD ": "));
    enum error error = ticket_make_nonce(nonce);
    if (error == ERROR_NONE)
        error = ticket_write(field, inquiry->key, &subject,
            clock_wall_ms() / 1000 + TICKET_USUAL_SECONDS, nonce);
    text_append_byte(field, '\0');
    return error == ERROR_NONE && !field->full;
}

static void *inquire(void *argument)
{
    struct inquiry *inquiry = argument;
    char buffer[256];
    struct text ticket = text_in(buffer, sizeof(buffer));
    const char *fields[] = {"Accept: application/json", NULL, NULL};
    struct name_facts names = {0};
    struct slice path = SLICE_EMPTY;
    struct target target;
    if (!parse_vantage(inquiry, &target))
        return NULL;
    struct look_request request = {.url = url_of(inquiry, &target, &path),
        .addresses = names.addresses, .fields = fields, .is_third_party = true,
        .deadline_ms = inquiry->deadline_ms};
    if (inquiry->key.data != NULL)
        fields[1] = buffer;
    if (request.url.data != NULL && inquiry->key.data != NULL && !sign(inquiry, path, &ticket)) {
        fail(inquiry, SLICE("the request could not be signed"));
    } else if (request.url.data == NULL) {
        fail(inquiry, slice_from_string(error_text(ERROR_MEMORY)));
    } else if (!find_addresses(inquiry, &target, &names)) {
        fail(inquiry, SLICE("its name leads nowhere"));
    } else {
        request.address_count = names.count;
        look(inquiry->check, &request, &inquiry->arena, &inquiry->answer);
        if (inquiry->answer.outcome != ANSWER_WHOLE)
            fail(inquiry, inquiry->answer.why);
    }
    return NULL;
}

// --- What it says ---

static struct slice text_of(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    return slice_of(json_string_value(value), json_string_length(value));
}

// "it answered 429: this vantage is asked too often"
static struct slice refusal(const struct inquiry *inquiry, const json_t *json, struct arena *arena)
{
    struct slice words = text_of(json, "error");
    return arena_printf(arena, words.size > 0 ? "it answered %u: %.*s" : "it answered %u",
        inquiry->answer.status, (int)MINIMUM(words.size, WHY_MAX), words.data);
}

static void read_answer(const struct inquiry *inquiry, const json_t *json, struct arena *arena,
    struct vantage_facts *vantage)
{
    if (inquiry->answer.status != 200) {
        vantage->why_not = refusal(inquiry, json, arena);
        return;
    }
    struct facts *facts = arena_alloc(arena, sizeof(*facts));
    enum error error = facts == NULL ? ERROR_MEMORY : facts_from_json(json, arena, facts);
    if (error != ERROR_NONE) {
        vantage->why_not = error == ERROR_MEMORY ? slice_from_string(error_text(error))
                                                 : SLICE("its answer is not a vantage's");
        return;
    }
    facts->vantage_count = 0; // whom it asked is no news from there
    vantage->facts = facts;
    vantage->conclusive = json_is_true(json_object_get(json, "conclusive"));
    if (!verdict_find(text_of(json, "verdict"), &vantage->verdict))
        vantage->verdict = VERDICT_UNKNOWN;
    if (!vantage->conclusive)
        vantage->why_not = SLICE("it is not sure of its own network");
}

static void take(struct inquiry *inquiry, struct arena *arena, struct vantage_facts *vantage)
{
    *vantage = (struct vantage_facts){.name = inquiry->vantage};
    if (inquiry->why_not.data != NULL) {
        vantage->why_not = arena_copy(arena, inquiry->why_not);
    } else {
        struct slice body = inquiry->answer.body;
        json_t *json = json_loadb(body.data == NULL ? "" : body.data, body.size, JSON_ALLOW_NUL
            | JSON_REJECT_DUPLICATES, NULL);
        read_answer(inquiry, json, arena, vantage);
        json_decref(json);
    }
    if (vantage->facts == NULL && vantage->why_not.data == NULL)
        vantage->why_not = slice_from_string(error_text(ERROR_MEMORY));
}

void step_vantages(struct check *check, struct facts *facts)
{
    const struct check_options *options = check_options_of(check);
    struct arena *arena = check_arena(check, STEP_VANTAGES);
    uint64_t deadline_ms = check_deadline(check, STEP_VANTAGES);
    unsigned count = MINIMUM(options->vantage_count, FACTS_VANTAGES_MAX);
    struct inquiry inquiries[FACTS_VANTAGES_MAX];
    if (deadline_ms == 0)
        return;
    for (unsigned i = 0; i < count; i++) {
        struct inquiry *inquiry = &inquiries[i];
        *inquiry = (struct inquiry){.check = check, .vantage = options->vantages[i],
            .key = options->vantage_keys[i], .site = facts->target.url, .deadline_ms = deadline_ms};
        arena_init(&inquiry->arena, (size_t)16 << 10, MEMORY);
        inquiry->is_running =
            thread_start(&inquiry->thread, "check-vantage", inquire, inquiry) == ERROR_NONE;
        if (!inquiry->is_running)
            fail(inquiry, slice_from_string(error_text(ERROR_SYSTEM)));
    }
    for (unsigned i = 0; i < count; i++) {
        if (inquiries[i].is_running)
            pthread_join(inquiries[i].thread, NULL);
        take(&inquiries[i], arena, &facts->vantages[i]);
        arena_free(&inquiries[i].arena);
    }
    facts->vantage_count = count;
}
