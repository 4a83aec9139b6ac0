// Asks other vantages (doctor/vantage.h) how a URL looks from there. What they say is a stranger's
// word: four members of it are read, and whatever else it is concludes nothing.
#include "base/clock.h"
#include "base/memory.h"
#include "doctor/ticket.h"
#include "doctor/verdict.h"
#include "watch/probe/prober_inside.h"

#include <jansson.h>

#define PAGE "/.afloat/" // where it is, unless the URL has a path
// A vantage looks for eight seconds, and may have to wait for another's look.
#define PATIENCE_MS 15000

// One question to one place.
struct inquiry {
    struct spent spent;
    struct list link; // of watched->asking
    struct watched *watched;
    struct vote *vote; // of this place
    struct monitor_settings monitor;
    struct target target;
    struct probe *probe;
    char url[];
};

bool remote_may_tell(const struct vote *local)
{
    switch (local->reason.kind) {
    case REASON_CONTENT:
    case REASON_EXPIRES:
    case REASON_SLOW:
    case REASON_LATE:
    case REASON_SAYS_FAILURE: return false; // what only the monitor's own settings say
    case REASON_NONE:
    case REASON_NO_ANSWER:
    case REASON_COPIES:
    case REASON_SOME_SERVERS:
    case REASON_ERRORS:
    case REASON_TIMEOUT:
    case REASON_REFUSED:
    case REASON_NAME:
    case REASON_TLS:
    case REASON_CERTIFICATE:
    case REASON_STATUS:
    case REASON_PROTOCOL:
    case REASON_DISAGREE:
    case REASON_BLIND:
    case REASON_DEPENDENCY:
    case REASON_DEPENDENCY_MAINTENANCE:
    case REASON_REPORTED:
    case REASON_OPERATOR:
    case REASON_SAYS_MAINTENANCE:
    case REASON_COUNT: break;
    }
    return true;
}

// --- What it says ---

static struct slice text_of(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    return slice_of(json_string_value(value), json_string_length(value));
}

// Of a whole answer to the vantage's usual request; 0: there was none.
static unsigned status_of(const json_t *json)
{
    const json_t *usual = json_object_get(json_object_get(json, "answers"), "usual");
    const json_t *status = json_object_get(usual, "status");
    json_int_t value = json_is_integer(status) ? json_integer_value(status) : 0;
    bool is_whole = slice_equal(text_of(usual, "outcome"), SLICE("whole"));
    return is_whole && value >= 100 && value <= 999 ? (unsigned)value : 0;
}

static struct vote inconclusive(void)
{
    return (struct vote){VOTE_INCONCLUSIVE, {REASON_BLIND, 0}};
}

static struct vote down(enum reason_kind reason)
{
    return (struct vote){VOTE_DOWN, {reason, 0}};
}

static struct vote vote_of(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_OK: return (struct vote){VOTE_UP, {REASON_NONE, 0}};
    case VERDICT_SITE_DNS: return down(REASON_NAME);
    case VERDICT_ORIGIN_TLS: return down(REASON_TLS);
    case VERDICT_ORIGIN_SLOW: return down(REASON_TIMEOUT);
    case VERDICT_CDN_GLOBAL:
    case VERDICT_CDN_POP:
    case VERDICT_ORIGIN_DOWN:
    case VERDICT_ORIGIN_OVERLOAD:
    case VERDICT_MAINTENANCE: return down(REASON_NO_ANSWER);
    case VERDICT_LOCAL_NET:
    case VERDICT_CAPTIVE:
    case VERDICT_PROXY:
    case VERDICT_HOSTS:
    case VERDICT_CLOCK:
    case VERDICT_LOCAL_DNS:
    case VERDICT_LOCAL_V6:
    case VERDICT_TLS_INTERCEPT:
    case VERDICT_MTU:
    case VERDICT_ISP_PATH:
    case VERDICT_CLIENT_PROTO:
    case VERDICT_CLIENT_STATE:
    case VERDICT_BLOCKED_YOU: // it is the vantage that is not let in
    case VERDICT_UNKNOWN:
    case VERDICT_COUNT: break;
    }
    return inconclusive();
}

// A status that it got, unless the monitor asks otherwise than a vantage does.
static struct vote vote_of_status(const struct monitor_settings *monitor, unsigned status)
{
    bool asks_alike = monitor->headers.count == 0
        && (monitor->method.size == 0 || slice_equal(monitor->method, SLICE("GET")));
    if (setting_status_set_has(&monitor->expect_status, status))
        return (struct vote){VOTE_UP, {REASON_NONE, 0}};
    return asks_alike ? (struct vote){VOTE_DOWN, {REASON_STATUS, status}} : inconclusive();
}

bool remote_read(struct slice body, const struct monitor_settings *monitor, struct vote *ret_vote)
{
    enum verdict verdict;
    json_t *json = json_loadb(body.data == NULL ? "" : body.data, body.size,
        JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    const json_t *conclusive = json_object_get(json, "conclusive");
    bool is_one =
        json_is_boolean(conclusive) && verdict_find(text_of(json, "verdict"), &verdict);
    if (is_one) {
        struct vote vote = vote_of(verdict);
        unsigned status = status_of(json);
        if (!json_is_true(conclusive))
            vote = inconclusive();
        else if (vote.kind != VOTE_INCONCLUSIVE && status != 0)
            vote = vote_of_status(monitor, status);
        *ret_vote = vote;
    }
    json_decref(json);
    return is_one;
}

// --- How it is asked ---

// PREFIXlook?url=…; *ret_path: the part that is signed. False: it does not fit.
static bool write_url(const struct place *place, struct slice site, struct text *url,
    struct slice *ret_path)
{
    const char *scheme = memmem(place->url.data, place->url.size, "://", 3);
    if (scheme == NULL)
        return false;
    struct slice rest = slice_of(scheme + 3,
        place->url.size - (size_t)(scheme + 3 - place->url.data));
    const char *slash = memchr(rest.data, '/', rest.size);
    size_t base = slash == NULL ? place->url.size : (size_t)(slash - place->url.data);
    struct slice path = slice_of(place->url.data + base, place->url.size - base);
    path = slice_cut(&path, '?');
    text_append(url, slice_of(place->url.data, base));
    text_append(url, path.size > 1 ? path : SLICE(PAGE));
    if (url->size == 0 || url->data[url->size - 1] != '/')
        text_append_byte(url, '/');
    text_append(url, SLICE("look"));
    *ret_path = slice_of(url->data + base, url->size - MINIMUM(base, url->size));
    text_append(url, SLICE("?url="));
    text_append_percent(url, site);
    text_append_byte(url, '\0');
    return !url->full;
}

// False: it could not be signed.
static bool sign(const struct place *place, struct slice path, struct slice site, char *field,
    size_t field_size)
{
    const struct ticket_subject subject = {SLICE("GET"), path, site};
    struct text text = text_in(field, field_size);
    uint8_t nonce[TICKET_NONCE_SIZE];
    text_append(&text, SLICE(TICKET_FIELD ": "));
    if (ticket_make_nonce(nonce) != ERROR_NONE
        || ticket_write(&text, place->key, &subject,
               clock_wall_ms() / 1000 + TICKET_USUAL_SECONDS, nonce) != ERROR_NONE)
        return false;
    text_append_byte(&text, '\0');
    return !text.full;
}

static void release(struct inquiry *inquiry)
{
    list_remove(&inquiry->link);
    target_destroy(&inquiry->target);
    poller_discard(&inquiry->watched->prober->poller, &inquiry->spent);
}

static void on_end(void *context, struct probe *probe, const struct probe_result *result)
{
    struct inquiry *inquiry = context;
    struct watched *watched = inquiry->watched;
    (void)probe;
    if (result->status != 200
        || !remote_read(result->body, &watched->monitor, inquiry->vote))
        *inquiry->vote = inconclusive();
    release(inquiry);
    if (--watched->asked == 0)
        round_close(watched);
}

static bool ask(struct watched *watched, const struct place *place, struct vote *vote)
{
    char field[PROBE_FIELD_MAX] = "", message[128];
    struct text why = text_in(message, sizeof(message));
    struct slice site = watched->monitor.url, path;
    size_t size = place->url.size + 3 * site.size + 64;
    struct inquiry *inquiry = memory_zero_alloc(sizeof(*inquiry) + size);
    if (inquiry == NULL)
        return false;
    struct text url = text_in(inquiry->url, size);
    list_init(&inquiry->link);
    inquiry->watched = watched;
    inquiry->vote = vote;
    if (write_url(place, site, &url, &path)
        && (place->key.size == 0 || sign(place, path, site, field, sizeof(field)))) {
        inquiry->monitor = (struct monitor_settings){.id = place->name,
            .url = slice_of(url.data, url.size - 1), .interval_ms = 2 * PATIENCE_MS,
            .timeout_ms = PATIENCE_MS, .verify = true};
        if (target_create(&inquiry->target, &inquiry->monitor, NULL, &why) == ERROR_NONE) {
            inquiry->target.keeps_body = inquiry->target.any_status = true;
            inquiry->probe = probe_begin(&watched->prober->poller, &inquiry->target, field,
                on_end, inquiry);
        }
    }
    if (inquiry->probe != NULL)
        list_append(&watched->asking, &inquiry->link);
    else
        release(inquiry);
    return inquiry->probe != NULL;
}

void remote_ask(struct watched *watched)
{
    struct prober *prober = watched->prober;
    watched->asked = 0;
    for (size_t i = 0; i < prober->place_count; i++) {
        struct vote *vote = &watched->votes[watched->vote_count++];
        *vote = inconclusive();
        watched->asked += ask(watched, &prober->places[i], vote);
    }
    if (watched->asked == 0)
        round_close(watched);
}

void remote_abort(struct watched *watched)
{
    LIST_FOREACH(link, &watched->asking) {
        struct inquiry *inquiry = LIST_ENTRY(link, struct inquiry, link);
        probe_abort(inquiry->probe);
        release(inquiry);
    }
}
