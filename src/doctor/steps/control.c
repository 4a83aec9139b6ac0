// Looks at a site that has nothing to do with the target: what fails here too is not the target's
// fault. Its port, its port 80 and a page, for the date, are asked for at the same time.
#include "base/clock.h"
#include "base/thread.h"
#include "doctor/attempt.h"
#include "doctor/look.h"
#include "doctor/resolve.h"
#include "http/cache_control.h"

#define PLAIN_PORT 80
#define FAMILIES 2
#define MEMORY ((size_t)1 << 20) // of connecting to one port

struct connecting {
    const struct check *check;
    struct slice host;
    bool is_secure;
    uint64_t deadline_ms;
    struct arena arena;
    struct attempt_facts attempts[FAMILIES];
    pthread_t thread;
    bool is_running;
};

static void *connect_main(void *argument)
{
    struct connecting *connecting = argument;
    attempt_all(connecting->check, connecting->host, connecting->is_secure, false,
        connecting->deadline_ms, &connecting->arena, connecting->attempts, FAMILIES);
    return NULL;
}

// To the first address of each family.
static void begin(struct connecting *connecting, const struct name_facts *names, uint16_t port)
{
    arena_init(&connecting->arena, (size_t)16 << 10, MEMORY);
    for (unsigned i = names->count; i-- > 0;) {
        bool is_v6 = names->addresses[i].any.sa_family == AF_INET6;
        connecting->attempts[is_v6].address = names->addresses[i];
        address_set_port(&connecting->attempts[is_v6].address, port);
    }
    connecting->is_running = thread_start(&connecting->thread, "check-control", connect_main,
        connecting) == ERROR_NONE;
}

static void end(struct connecting *connecting)
{
    if (connecting->is_running)
        pthread_join(connecting->thread, NULL);
}

static enum fact fact_of(enum reach_outcome outcome)
{
    switch (outcome) {
    case REACH_UNKNOWN:
        return FACT_UNKNOWN;
    case REACH_GOOD:
        return FACT_GOOD;
    case REACH_REFUSED:
    case REACH_RESET:
    case REACH_SILENT:
    case REACH_UNREACHABLE:
        break;
    }
    return FACT_BAD;
}

static enum fact either(enum fact a, enum fact b)
{
    if (a == FACT_GOOD || b == FACT_GOOD)
        return FACT_GOOD;
    return a == FACT_BAD || b == FACT_BAD ? FACT_BAD : FACT_UNKNOWN;
}

static int64_t date_of(const struct look_answer *looked)
{
    int64_t date = 0;
    struct slice value = looked->status == 0 ? SLICE_EMPTY
                                             : http_fields_value(&looked->fields, HTTP_NAME_DATE);
    bool is_date = value.size > 0 && http_date_parse(value, clock_wall_ms() / 1000, &date);
    return is_date ? date : 0;
}

// A date is no secret, so any certificate will do: with a clock that is wrong none would.
static int64_t ask_date(const struct check *check, const struct target *target,
    const struct name_facts *names, uint64_t deadline_ms, struct arena *arena)
{
    struct look_answer looked = {0};
    struct look_request request = {.url = target->url, .addresses = names->addresses,
        .address_count = names->count, .trusts_anybody = true, .is_third_party = true,
        .deadline_ms = deadline_ms};
    look(check, &request, arena, &looked);
    return date_of(&looked);
}

static struct slice kept(struct arena *arena, struct slice text)
{
    return text.data == NULL ? text : arena_copy(arena, text);
}

static void look_at(struct check *check, const struct target *target,
    const struct name_facts *names, struct control_facts *control)
{
    struct arena *arena = check_arena(check, STEP_CONTROL);
    uint64_t deadline_ms = check_deadline(check, STEP_CONTROL);
    struct connecting own = {.check = check, .host = target->host,
        .is_secure = target->is_secure, .deadline_ms = deadline_ms};
    struct connecting plain = {.check = check, .host = target->host, .deadline_ms = deadline_ms};
    begin(&own, names, target->port);
    begin(&plain, names, PLAIN_PORT);
    control->date = ask_date(check, target, names, deadline_ms, arena);
    end(&own);
    end(&plain);

    memcpy(control->attempts, own.attempts, sizeof(control->attempts));
    for (unsigned i = 0; i < FAMILIES; i++) {
        struct attempt_facts *attempt = &control->attempts[i];
        attempt->issuer = kept(arena, attempt->issuer);
        attempt->subject = kept(arena, attempt->subject);
    }
    control->v4 = fact_of(own.attempts[0].reach);
    control->v6 = fact_of(own.attempts[1].reach);
    control->plain =
        either(fact_of(plain.attempts[0].reach), fact_of(plain.attempts[1].reach));
    arena_free(&own.arena);
    arena_free(&plain.arena);
}

void step_control(struct check *check, struct facts *facts)
{
    const struct check_options *options = check_options_of(check);
    struct arena *arena = check_arena(check, STEP_CONTROL);
    uint64_t now_ms = clock_now_ms(), deadline_ms = check_deadline(check, STEP_CONTROL);
    char why[256];
    struct text complaint = text_in(why, sizeof(why));
    struct target target;
    struct name_facts names;
    if (options->control.data == NULL || deadline_ms <= now_ms
        || target_parse(options->control, arena, &complaint, &target) != ERROR_NONE)
        return;
    facts->control.url = target.url;
    // Half of the time at most for its name, for the rest would come to nothing without it.
    resolve_any(check, target.host, target.port, now_ms + (deadline_ms - now_ms) / 2, arena,
        &names);
    if (names.outcome == NAME_FOUND)
        look_at(check, &target, &names, &facts->control);
}
