// The way along redirects.
#include "doctor/follow.h"
#include "base/clock.h"
#include "base/hash.h"
#include "doctor/proxy_variable.h"
#include "doctor/refer.h"
#include "doctor/resolve.h"

#define FIELDS_MAX 16
#define WHY_SIZE 400

struct visit {
    uint64_t url; // its hash
    unsigned cookie_changes; // there had been when it was asked for
};

struct walk {
    const struct follow_request *request;
    struct arena *arena, *scratch;
    struct followed *followed;
    struct name_facts names; // of the host of this hop
    struct slice host;       // whose they are
    struct visit visits[FOLLOW_REDIRECTS_MAX + 1];
};

static bool is_redirect(const struct look_answer *answer)
{
    return (answer->status >= 301 && answer->status <= 303) || answer->status == 307
        || answer->status == 308;
}

// --- One hop ---

static struct slice proxy_for(const struct walk *walk)
{
    char *const *environment = check_options_of(walk->request->check)->environment;
    struct slice variable, proxy;
    if (walk->request->is_direct || environment == NULL
        || !proxy_variable_find(environment, &walk->followed->target, &variable, &proxy))
        return SLICE_EMPTY;
    return proxy;
}

static void find_addresses(struct walk *walk)
{
    const struct target *target = &walk->followed->target;
    if (walk->host.data != NULL && slice_equal(walk->host, target->host))
        return;
    walk->host = target->host;
    walk->names = (struct name_facts){.count = 1};
    if (!target->is_literal)
        resolve_any(walk->request->check, target->host, target->port, walk->request->deadline_ms,
            walk->arena, &walk->names);
    else if (address_parse_host(target->host, target->port, &walk->names.addresses[0])
        != ERROR_NONE)
        walk->names.count = 0;
}

static struct slice cookie_line(struct walk *walk)
{
    struct slice own = walk->followed->redirects == 0 ? walk->request->cookies : SLICE_EMPTY;
    struct slice more = cookies_for(&walk->followed->cookies, &walk->followed->target,
        walk->scratch);
    if (own.size == 0 && more.size == 0)
        return SLICE_EMPTY;
    return arena_printf(walk->scratch, "Cookie: %.*s%s%.*s", (int)own.size,
        own.size == 0 ? "" : own.data, own.size > 0 && more.size > 0 ? "; " : "", (int)more.size,
        more.size == 0 ? "" : more.data);
}

static void ask(struct walk *walk)
{
    const struct follow_request *request = walk->request;
    const char *fields[FIELDS_MAX + 2] = {NULL};
    unsigned count = 0;
    while (request->fields != NULL && request->fields[count] != NULL && count < FIELDS_MAX) {
        fields[count] = request->fields[count];
        count++;
    }
    arena_reset(walk->scratch);
    struct slice cookies = cookie_line(walk);
    if (cookies.data != NULL)
        fields[count] = cookies.data;
    struct look_request look_request = {.url = walk->followed->target.url,
        .version = request->version, .proxy = proxy_for(walk), .fields = fields,
        .trusts_anybody = request->trusts_anybody, .deadline_ms = request->deadline_ms};
    if (look_request.proxy.data == NULL) {
        find_addresses(walk);
        look_request.addresses = walk->names.addresses;
        look_request.address_count = walk->names.count;
    }
    look(request->check, &look_request, walk->scratch, &walk->followed->answer);
}

// Been there, with the same cookies: it will go on like this.
static bool goes_in_circles(struct walk *walk)
{
    struct followed *followed = walk->followed;
    struct visit visit = {hash_bytes(followed->target.url, 0), followed->cookies.changes};
    for (unsigned i = 0; i < followed->redirects; i++) {
        if (walk->visits[i].url == visit.url
            && walk->visits[i].cookie_changes == visit.cookie_changes)
            return true;
    }
    walk->visits[followed->redirects] = visit;
    return false;
}

// An answer on the way was heard, so what comes to nothing now does so because of it.
static enum answer_outcome outcome_of_hop(const struct walk *walk)
{
    enum answer_outcome outcome = walk->followed->answer.outcome;
    if (walk->followed->redirects == 0)
        return outcome;
    if (outcome == ANSWER_UNREACHED)
        return ANSWER_LEADS_NOWHERE;
    if (outcome == ANSWER_UNKNOWN && !check_is_over(walk->request->check)
        && clock_now_ms() >= walk->request->deadline_ms)
        return ANSWER_SLOW;
    return outcome;
}

// Asks, and turns to where the answer sends the visitor. False: that was the end of the way.
static bool step(struct walk *walk)
{
    struct followed *followed = walk->followed;
    struct look_answer before = followed->answer;
    ask(walk);
    followed->outcome = outcome_of_hop(walk);
    if (followed->outcome == ANSWER_LEADS_NOWHERE)
        followed->answer.status = before.status;
    cookies_take(&followed->cookies, &followed->answer.fields, &followed->target,
        clock_wall_ms() / 1000, walk->arena);
    struct slice location = http_fields_value(&followed->answer.fields, HTTP_NAME_LOCATION);
    if (!is_redirect(&followed->answer) || location.data == NULL)
        return false;
    struct target next;
    if (!target_refer(&followed->target, location, walk->arena, &next)) {
        followed->outcome = ANSWER_LEADS_NOWHERE;
        struct slice where = arena_copy(walk->arena, location);
        if (where.data != NULL)
            followed->target.url = where;
        return false;
    }
    followed->target = next;
    followed->redirects++;
    if (followed->redirects <= FOLLOW_REDIRECTS_MAX && !goes_in_circles(walk))
        return true;
    followed->outcome = ANSWER_LOOPS;
    return false;
}

void follow(const struct follow_request *request, struct arena *arena, struct arena *scratch,
    struct followed *ret_followed)
{
    char buffer[WHY_SIZE];
    struct text why = text_in(buffer, sizeof(buffer));
    struct walk walk = {.request = request, .arena = arena, .scratch = scratch,
        .followed = ret_followed};
    memset(ret_followed, 0, sizeof(*ret_followed));
    if (target_parse(request->url, arena, &why, &ret_followed->target) != ERROR_NONE)
        return;
    if (request->address_count > 0) {
        walk.host = ret_followed->target.host;
        walk.names.count = MINIMUM(request->address_count, FACTS_ADDRESSES_MAX);
        memcpy(walk.names.addresses, request->addresses,
            walk.names.count * sizeof(walk.names.addresses[0]));
    }
    (void)goes_in_circles(&walk); // notes the first
    while (step(&walk))
        ;
}
