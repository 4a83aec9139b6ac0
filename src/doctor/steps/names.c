// Asks all resolvers that may be asked at the same time: for the site, and for the control, which
// tells a resolver that is broken from a name that is. One that hangs holds nobody up: once the
// system's, which is what programs here use, has said where the site is, the others are given
// OTHERS_MS more, and are left unknown.
#include "base/clock.h"
#include "base/thread.h"
#include "doctor/dns.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OTHERS_MS 300
#define MEMORY ((size_t)4 << 20) // of an inquiry

enum subject { SUBJECT_SITE, SUBJECT_CONTROL, SUBJECT_COUNT };

struct panel;
struct inquiry { // one resolver asked for one name
    struct panel *panel;
    enum resolver resolver;
    struct slice host;
    struct arena arena;
    struct name_facts names;
    pthread_t thread;
    bool is_running;
    atomic_bool is_over;
};

struct panel {
    const struct check *check;
    uint16_t port;
    uint64_t deadline_ms;
    int enough, ended; // eventfds: nothing more is wanted; an inquiry is over
    struct inquiry inquiries[RESOLVER_COUNT][SUBJECT_COUNT];
};

static void tell(int descriptor)
{
    uint64_t one = 1;
    ssize_t ignored = write(descriptor, &one, sizeof(one)); // full: it is readable already
    (void)ignored;
}

static void *inquire(void *argument)
{
    struct inquiry *inquiry = argument;
    struct panel *panel = inquiry->panel;
    struct dns_question question = {.check = panel->check, .host = inquiry->host,
        .port = panel->port, .deadline_ms = panel->deadline_ms, .stop = &panel->enough,
        .arena = &inquiry->arena};
    dns_resolve(&question, inquiry->resolver, &inquiry->names);
    atomic_store(&inquiry->is_over, true);
    tell(panel->ended);
    return NULL;
}

static void begin(struct panel *panel, enum resolver resolver, enum subject subject,
    struct slice host)
{
    struct inquiry *inquiry = &panel->inquiries[resolver][subject];
    inquiry->panel = panel;
    inquiry->resolver = resolver;
    inquiry->host = host;
    arena_init(&inquiry->arena, (size_t)16 << 10, MEMORY);
    inquiry->is_running = host.size > 0
        && thread_start(&inquiry->thread, "check-names", inquire, inquiry) == ERROR_NONE;
    if (!inquiry->is_running)
        atomic_store(&inquiry->is_over, true);
}

static bool has_found(const struct inquiry *inquiry)
{
    return atomic_load(&inquiry->is_over) && inquiry->names.outcome == NAME_FOUND;
}

// Who knows the site need not be asked for anything else.
static bool is_done(const struct panel *panel)
{
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        const struct inquiry *site = &panel->inquiries[i][SUBJECT_SITE];
        const struct inquiry *control = &panel->inquiries[i][SUBJECT_CONTROL];
        if (!has_found(site)
            && (!atomic_load(&site->is_over) || !atomic_load(&control->is_over)))
            return false;
    }
    return true;
}

static void wait_for_inquiries(const struct panel *panel)
{
    uint64_t until_ms = panel->deadline_ms, now_ms = clock_now_ms(), count;
    bool is_known = false;
    while (!is_done(panel) && now_ms < until_ms && !check_is_over(panel->check)) {
        struct pollfd wanted[] = {{.fd = panel->ended, .events = POLLIN},
            {.fd = check_stop_descriptor(panel->check), .events = POLLIN}};
        if (poll(wanted, ARRAY_SIZE(wanted), (int)(until_ms - now_ms)) > 0
            && wanted[0].revents != 0) {
            ssize_t ignored = read(panel->ended, &count, sizeof(count));
            (void)ignored;
        }
        now_ms = clock_now_ms();
        if (!is_known && has_found(&panel->inquiries[RESOLVER_SYSTEM][SUBJECT_SITE])) {
            is_known = true;
            until_ms = MINIMUM(until_ms, now_ms + OTHERS_MS);
        }
    }
}

static void ask_all(struct panel *panel, struct slice host, struct slice control)
{
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        begin(panel, (enum resolver)i, SUBJECT_SITE, host);
        begin(panel, (enum resolver)i, SUBJECT_CONTROL, control);
    }
    wait_for_inquiries(panel);
    tell(panel->enough);
    for (unsigned i = 0; i < RESOLVER_COUNT; i++)
        for (unsigned j = 0; j < SUBJECT_COUNT; j++)
            if (panel->inquiries[i][j].is_running)
                pthread_join(panel->inquiries[i][j].thread, NULL);
}

static enum fact works(const struct name_facts *site, const struct name_facts *control)
{
    if (site->outcome == NAME_FOUND || control->outcome == NAME_FOUND)
        return FACT_GOOD;
    return control->outcome == NAME_UNKNOWN ? FACT_UNKNOWN : FACT_BAD;
}

static void take(struct panel *panel, struct arena *arena, struct facts *facts)
{
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        struct inquiry *inquiries = panel->inquiries[i];
        struct name_facts *names = &facts->names[i];
        *names = inquiries[SUBJECT_SITE].names;
        names->works = works(names, &inquiries[SUBJECT_CONTROL].names);
        if (names->asked.data != NULL)
            names->asked = arena_copy(arena, names->asked);
        for (unsigned j = 0; j < SUBJECT_COUNT; j++)
            arena_free(&inquiries[j].arena);
    }
}

// The host of the control when it is a name.
static struct slice control_host(const struct check_options *options, struct arena *arena)
{
    char why[256];
    struct text complaint = text_in(why, sizeof(why));
    struct target control;
    if (options->control.data == NULL
        || target_parse(options->control, arena, &complaint, &control) != ERROR_NONE
        || control.is_literal)
        return SLICE_EMPTY;
    return control.host;
}

static void ask(struct check *check, struct facts *facts)
{
    struct arena *arena = check_arena(check, STEP_NAMES);
    struct panel *panel = arena_zero_alloc(arena, sizeof(*panel));
    if (panel == NULL)
        return;
    panel->check = check;
    panel->port = facts->target.port;
    panel->deadline_ms = check_deadline(check, STEP_NAMES);
    panel->enough = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    panel->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (panel->enough >= 0 && panel->ended >= 0) {
        ask_all(panel, facts->target.host, control_host(check_options_of(check), arena));
        take(panel, arena, facts);
    }
    if (panel->enough >= 0)
        close(panel->enough);
    if (panel->ended >= 0)
        close(panel->ended);
}

// --- Whom to connect to ---

static void add_attempt(const struct check *check, struct facts *facts,
    const struct address *address, uint8_t named_by)
{
    int family = check_options_of(check)->family;
    if (address->any.sa_family == 0 || (family != 0 && address->any.sa_family != family))
        return;
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        if (address_equal(&facts->attempts[i].address, address)) {
            facts->attempts[i].named_by |= named_by;
            return;
        }
    }
    if (facts->attempt_count < FACTS_ADDRESSES_MAX)
        facts->attempts[facts->attempt_count++] =
            (struct attempt_facts){.address = *address, .named_by = named_by};
}

// By turns, so that each resolver's first ones find a place.
static void add_named(const struct check *check, struct facts *facts)
{
    for (unsigned i = 0; i < FACTS_ADDRESSES_MAX; i++)
        for (unsigned j = 0; j < RESOLVER_COUNT; j++)
            if (i < facts->names[j].count)
                add_attempt(check, facts, &facts->names[j].addresses[i], (uint8_t)(1u << j));
}

void step_names(struct check *check, struct facts *facts)
{
    const struct target *target = &facts->target;
    struct address literal, hosts = facts->environment.hosts_address;
    facts->attempt_count = 0;
    if (address_parse_host(target->host, target->port, &literal) == ERROR_NONE) {
        add_attempt(check, facts, &literal, 0);
        return;
    }
    ask(check, facts);
    address_set_port(&hosts, target->port);
    add_attempt(check, facts, &hosts, 0);
    add_named(check, facts);
}
