// All that strangers wrote goes through put(), which makes it harmless.
#include "doctor/draw.h"
#include "base/invariant.h"
#include "doctor/judge_inside.h"
#include "doctor/printable.h"

#include <string.h>
#include <time.h>

#define LINE_SIZE 1200
#define EVIDENCE_SHOWN 6 // without --explain

enum colour { PLAIN = 0, BOLD = 1, DIM = 2, RED = 31, GREEN = 32, YELLOW = 33 };

struct screen {
    const struct draw_style *style;
    FILE *out;
};

static const struct {
    const char *name, *doing;
} told[STEP_COUNT] = {
#define X(name, function, doing, ...) {#function, doing},
    STEP_MAP(X)
#undef X
};

const char *step_name(enum step step)
{
    invariant(step < STEP_COUNT);
    return told[step].name;
}

const char *step_doing(enum step step)
{
    invariant(step < STEP_COUNT);
    return told[step].doing;
}

static void put(const struct screen *screen, enum colour colour, struct slice slice)
{
    char buffer[LINE_SIZE];
    struct text text = text_in(buffer, sizeof(buffer));
    printable_append(&text, slice, sizeof(buffer) - 4, !screen->style->unicode);
    if (screen->style->colours && colour != PLAIN)
        fprintf(screen->out, "\033[%dm", (int)colour);
    fwrite(text.data, 1, text.size, screen->out);
    if (screen->style->colours && colour != PLAIN)
        fputs("\033[0m", screen->out);
}

static void put_text(const struct screen *screen, enum colour colour, const char *text)
{
    put(screen, colour, slice_from_string(text));
}

// --- The path ---

static enum station station_of(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_PROXY:
    case VERDICT_HOSTS:
    case VERDICT_CLOCK:
    case VERDICT_CLIENT_STATE:
        return STATION_YOU;
    case VERDICT_LOCAL_NET:
    case VERDICT_CAPTIVE:
    case VERDICT_LOCAL_DNS:
    case VERDICT_LOCAL_V6:
    case VERDICT_TLS_INTERCEPT:
    case VERDICT_MTU:
    case VERDICT_ISP_PATH:
        return STATION_NETWORK;
    case VERDICT_CDN_POP:
    case VERDICT_CDN_GLOBAL:
        return STATION_CDN;
    case VERDICT_CLIENT_PROTO:
    case VERDICT_BLOCKED_YOU:
    case VERDICT_SITE_DNS:
    case VERDICT_ORIGIN_DOWN:
    case VERDICT_ORIGIN_SLOW:
    case VERDICT_ORIGIN_TLS:
    case VERDICT_ORIGIN_OVERLOAD:
    case VERDICT_MAINTENANCE:
        return STATION_SITE;
    case VERDICT_OK:
    case VERDICT_UNKNOWN:
    case VERDICT_COUNT:
        break;
    }
    return STATION_COUNT;
}

static bool cdn_is_seen(const struct facts *facts)
{
    const struct answer_facts *usual = &facts->answers[PROFILE_USUAL];
    return usual->cdn.data != NULL || usual->cache_status.data != NULL ||
           usual->proxy_status.data != NULL || usual->is_copy;
}

void draw_stations(const struct facts *facts, const struct diagnosis *diagnosis,
    enum station_mark ret_marks[STATION_COUNT])
{
    enum station fault = station_of(diagnosis->verdict);
    enum station_mark *marks = ret_marks;
    for (unsigned i = 0; i < STATION_COUNT; i++)
        marks[i] = i < fault ? STATION_WELL : i == fault ? STATION_AT_FAULT : STATION_UNSEEN;
    if (diagnosis->verdict == VERDICT_UNKNOWN) {
        bool is_out = is_connected(facts) || control_reached(facts) == FACT_GOOD;
        marks[STATION_YOU] = facts->link.interface == FACT_GOOD ? STATION_WELL : STATION_UNSEEN;
        marks[STATION_NETWORK] = is_out ? STATION_WELL : STATION_UNSEEN;
        marks[STATION_CDN] = marks[STATION_SITE] = STATION_UNSEEN;
    }
    // Behind a CDN the site is seen through it.
    if (marks[STATION_CDN] == STATION_WELL && !cdn_is_seen(facts))
        marks[STATION_CDN] = STATION_ABSENT;
}

static void put_mark(const struct screen *screen, enum station_mark mark)
{
    static const struct {
        const char *unicode, *ascii;
        enum colour colour;
    } marks[] = {
        [STATION_UNSEEN] = {"?", "?", DIM},
        [STATION_WELL] = {"✓", "+", GREEN},
        [STATION_AT_FAULT] = {"✗", "X", RED},
        [STATION_ABSENT] = {"–", "-", DIM},
    };
    put_text(screen, marks[mark].colour,
        screen->style->unicode ? marks[mark].unicode : marks[mark].ascii);
}

static void put_path(const struct screen *screen, const struct check_result *result)
{
    static const char *const names[STATION_COUNT] = {"You", "Network", "CDN", "Site"};
    enum station_mark marks[STATION_COUNT];
    draw_stations(&result->facts, &result->diagnosis, marks);
    fputs("\n  ", screen->out);
    for (unsigned i = 0; i < STATION_COUNT; i++) {
        put_mark(screen, marks[i]);
        put_text(screen, PLAIN, " ");
        put_text(screen, marks[i] == STATION_AT_FAULT ? BOLD : PLAIN, names[i]);
        if (i + 1 < STATION_COUNT)
            put_text(screen, PLAIN, screen->style->unicode ? "  →  " : "  ->  ");
    }
    fputs("\n\n", screen->out);
}

// --- What is said ---

static void put_line(const struct screen *screen, enum colour colour, const char *before,
    struct slice line)
{
    fputs(before, screen->out);
    put(screen, colour, line);
    fputc('\n', screen->out);
}

static void put_evidence(const struct screen *screen, const struct check_result *result)
{
    const struct diagnosis *diagnosis = &result->diagnosis;
    struct diagnosis all = *diagnosis;
    struct arena arena;
    arena_init(&arena, 4096, (size_t)1 << 20);
    unsigned shown = MINIMUM(diagnosis->evidence_count, EVIDENCE_SHOWN);
    if (screen->style->explain) {
        struct view view = {&result->facts, &arena, &all};
        all.evidence_count = 0;
        gather_evidence(&view, UINT32_MAX);
        shown = all.evidence_count;
    }
    if (shown > 0)
        fputs("\nSeen:\n", screen->out);
    for (unsigned i = 0; i < shown; i++)
        put_line(screen, PLAIN, "  ", all.evidence[i]);
    arena_free(&arena);
}

static void put_retry(const struct screen *screen, const struct check_result *result)
{
    int64_t at = result->diagnosis.retry_at, left = at - result->facts.at_ms / 1000;
    enum verdict_side side = verdict_side(result->diagnosis.verdict);
    time_t seconds = (time_t)at;
    struct tm local;
    char when[32] = "";
    if (at != 0 && left > 0 && localtime_r(&seconds, &local) != NULL)
        strftime(when, sizeof(when), left < 86400 ? "%H:%M" : "%Y-%m-%d %H:%M", &local);
    if (when[0] != '\0')
        fprintf(screen->out, "Try again at %s: the site says so.\n", when);
    else if (side == VERDICT_SIDE_SITE || side == VERDICT_SIDE_BETWEEN)
        fputs("Try again in a few minutes.\n", screen->out);
}

// How to let go of what one site left, in words that have held for many versions of each browser.
static void put_browsers(const struct screen *screen)
{
    static const char *const lines[] = {
        "Chrome, Edge: the icon left of the address, Cookies and site data, Manage, the bin.",
        "Firefox: the padlock left of the address, Clear cookies and site data, Remove.",
        "Safari: Settings, Privacy, Manage Website Data, search for the site, Remove.",
    };
    fputs("\nHow:\n", screen->out);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        put_line(screen, PLAIN, "  ", slice_from_string(lines[i]));
}

static void put_asked(const struct screen *screen, const struct check_options *options)
{
    const struct slice asked[] = {options->second, options->https, options->portal,
        options->control};
    bool any = false;
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        if (asked[i].data == NULL)
            continue;
        fputs(any ? ", " : "\nAlso asked: ", screen->out);
        put(screen, PLAIN, asked[i]);
        any = true;
    }
    if (any)
        fputs(" (--no-remote asks nobody but the site).\n", screen->out);
}

static void put_explanation(const struct screen *screen, const struct check_result *result)
{
    fprintf(screen->out, "\nVerdict %.*s by the rule \"%s\", after %llu ms. Looked at:",
        SLICE_ARGS(verdict_name(result->diagnosis.verdict)), result->diagnosis.rule,
        (unsigned long long)result->ms);
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        if ((result->taken >> i & 1) != 0)
            fprintf(screen->out, " %s", step_name((enum step)i));
    }
    fputc('\n', screen->out);
}

void draw_result(const struct check_result *result, const struct check_options *options,
    const struct draw_style *style, FILE *out)
{
    struct screen screen = {style, out};
    const struct diagnosis *diagnosis = &result->diagnosis;
    put_path(&screen, result);
    put_line(&screen, BOLD, "", diagnosis->fault);
    put_line(&screen, PLAIN, "", diagnosis->advice);
    put_retry(&screen, result);
    if (diagnosis->verdict == VERDICT_CLIENT_STATE)
        put_browsers(&screen);
    if (style->explain || diagnosis->verdict != VERDICT_OK)
        put_evidence(&screen, result);
    if (style->explain)
        put_explanation(&screen, result);
    put_asked(&screen, options);
}

// --- Progress ---

static enum fact outcome_of(enum step step, const struct facts *facts)
{
    const struct answer_facts *usual = &facts->answers[PROFILE_USUAL];
    switch (step) {
    case STEP_LINK:
        return facts->link.interface;
    case STEP_GATEWAY:
        return facts->gateway.answers;
    case STEP_PORTAL:
        return facts->portal.clear;
    case STEP_NAMES:
        return facts->attempt_count > 0 ? FACT_GOOD : FACT_BAD;
    case STEP_CONTROL:
        return control_reached(facts);
    case STEP_CLOCK:
        return facts->clock.right;
    case STEP_REACH:
        return facts->attempt_count == 0 ? FACT_UNKNOWN : is_reached(facts) ? FACT_GOOD : FACT_BAD;
    case STEP_ASK:
        return usual->outcome == ANSWER_UNKNOWN ? FACT_UNKNOWN
               : answer_is_well(usual)                 ? FACT_GOOD
                                                : FACT_BAD;
    case STEP_VANTAGES:
        return seen_elsewhere(facts);
    case STEP_PAGE:
        return facts->page.well;
    case STEP_ENVIRONMENT:
    case STEP_AGAIN:
    case STEP_COUNT:
        break;
    }
    return FACT_UNKNOWN;
}

// There was nothing for it to do.
static bool is_idle(enum step step, const struct facts *facts)
{
    bool is_asked_again = false;
    for (unsigned i = PROFILE_USUAL + 1; i < PROFILE_COUNT; i++)
        is_asked_again = is_asked_again || facts->answers[i].outcome != ANSWER_UNKNOWN;
    return (step == STEP_VANTAGES && facts->vantage_count == 0) ||
           (step == STEP_AGAIN && !is_asked_again) ||
           (step == STEP_PAGE && facts->page.url.data == NULL);
}

void draw_progress(enum step step, uint64_t ms, const struct facts *facts,
    const struct draw_style *style, FILE *out)
{
    static const enum station_mark marks[] = {
        [FACT_UNKNOWN] = STATION_ABSENT,
        [FACT_GOOD] = STATION_WELL,
        [FACT_BAD] = STATION_AT_FAULT,
    };
    struct screen screen = {style, out};
    if (is_idle(step, facts))
        return;
    fputs("  ", out);
    put_mark(&screen, marks[outcome_of(step, facts)]);
    fprintf(out, " %s", step_doing(step));
    char buffer[32];
    snprintf(buffer, sizeof(buffer), " %llu ms", (unsigned long long)ms);
    put_text(&screen, DIM, buffer);
    fputc('\n', out);
    fflush(out);
}
