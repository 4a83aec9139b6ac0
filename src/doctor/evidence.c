// What was seen, in lines for people: strangers' bytes stay as they came, whoever prints makes them
// harmless.
#include "doctor/judge_inside.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_BYTES 300

static void line(struct view *view, const struct text *text)
{
    struct diagnosis *diagnosis = view->diagnosis;
    if (diagnosis->evidence_count == DIAGNOSIS_EVIDENCE_MAX)
        return;
    struct slice copy = arena_copy(view->arena, text_slice(text));
    if (copy.data != NULL)
        diagnosis->evidence[diagnosis->evidence_count++] = copy;
}

static void note(struct view *view, const char *format, ...) PRINTF_LIKE(2, 3);

static void note(struct view *view, const char *format, ...)
{
    char buffer[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    struct text text = text_in(buffer, sizeof(buffer));
    text.size = size < 0 ? 0 : MINIMUM((size_t)size, sizeof(buffer) - 1);
    line(view, &text);
}

static void network(struct view *view)
{
    const struct facts *facts = view->facts;
    const struct link_facts *link = &facts->link;
    char gateway[ADDRESS_TEXT_MAX];
    struct text text = text_in(gateway, sizeof(gateway));
    if (link->gateway.any.sa_family != AF_UNSPEC)
        address_format_host(&text, &link->gateway);
    if (link->interface != FACT_UNKNOWN)
        note(view, "network: %.*s %s, IPv4 %s, IPv6 %s",
            link->name.data == NULL ? 4 : (int)link->name.size,
            link->name.data == NULL ? "none" : link->name.data,
            link->interface == FACT_GOOD ? "is up" : "is down",
            link->route_v4 == FACT_GOOD ? "has a way out" : link->has_v4 ? "has none" : "none",
            link->route_v6 == FACT_GOOD ? "has a way out" : link->has_v6 ? "has none" : "none");
    if (facts->gateway.answers != FACT_UNKNOWN)
        note(view, "router %.*s: %s", SLICE_ARGS(text_slice(&text)),
            facts->gateway.answers == FACT_GOOD ? "answers" : "does not answer");
    if (facts->gateway.echoes > 0)
        note(view, "of %u small packets %u came back", facts->gateway.echoes,
            facts->gateway.replies);
    if (facts->portal.clear == FACT_BAD && facts->portal.location.data != NULL)
        note(view, "whoever asks for a page is sent to %.*s", SLICE_ARGS(facts->portal.location));
    else if (facts->portal.clear == FACT_BAD)
        note(view, "where 204 was expected, %u came", facts->portal.status);
}

static void machine(struct view *view)
{
    const struct facts *facts = view->facts;
    if (facts->environment.proxy.data != NULL)
        note(view, "%.*s=%.*s", SLICE_ARGS(facts->environment.proxy_variable),
            SLICE_ARGS(facts->environment.proxy));
    if (facts->environment.hosts_line.data != NULL)
        note(view, "hosts file: %.*s", SLICE_ARGS(facts->environment.hosts_line));
    if (facts->clock.right == FACT_BAD)
        note(view, "your clock is %lld seconds %s, says %.*s",
            (long long)(facts->clock.ahead_seconds < 0 ? -facts->clock.ahead_seconds
                                                       : facts->clock.ahead_seconds),
            facts->clock.ahead_seconds < 0 ? "behind" : "ahead",
            SLICE_ARGS(facts->clock.told_by));
}

static const char *outcome_of_name(enum name_outcome outcome)
{
    static const char *const texts[] = {
        [NAME_UNKNOWN] = "not asked", [NAME_FOUND] = "found",
        [NAME_NONE] = "no such name (NXDOMAIN)", [NAME_EMPTY] = "no address",
        [NAME_FAILED] = "failed (SERVFAIL)", [NAME_SILENT] = "no answer",
        [NAME_UNREACHABLE] = "nobody there",
    };
    return texts[outcome];
}

static void names(struct view *view)
{
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        const struct name_facts *names = &view->facts->names[i];
        if (names->outcome == NAME_UNKNOWN)
            continue;
        char buffer[LINE_MAX_BYTES];
        struct text text = text_in(buffer, sizeof(buffer));
        text_format(&text, "%s %.*s: ", i == RESOLVER_SYSTEM ? "your resolver" : "resolver",
            SLICE_ARGS(names->asked));
        for (unsigned k = 0; k < names->count; k++) {
            text_append(&text, k == 0 ? SLICE_EMPTY : SLICE(", "));
            address_format_host(&text, &names->addresses[k]);
        }
        if (names->count == 0)
            text_append(&text, slice_from_string(outcome_of_name(names->outcome)));
        line(view, &text);
    }
}

static const char *outcome_of_way(const struct attempt_facts *attempt)
{
    static const char *const reached[] = {
        [REACH_UNKNOWN] = "not tried", [REACH_GOOD] = "connected", [REACH_REFUSED] = "refused",
        [REACH_RESET] = "reset", [REACH_SILENT] = "no answer", [REACH_UNREACHABLE] = "no way there",
    };
    static const char *const secured[] = {
        [SECURE_UNKNOWN] = "connected", [SECURE_GOOD] = "connected, its certificate is right",
        [SECURE_EXPIRED] = "its certificate has expired",
        [SECURE_NOT_YET] = "its certificate is not valid yet",
        [SECURE_WRONG_NAME] = "its certificate is for another name",
        [SECURE_UNKNOWN_ISSUER] = "nobody known vouches for its certificate",
        [SECURE_REVOKED] = "its certificate was revoked",
        [SECURE_REFUSED] = "connected, TLS refused", [SECURE_BROKEN] = "connected, TLS breaks off",
        [SECURE_SILENT] = "connected, no answer to TLS",
    };
    return attempt->reach == REACH_GOOD ? secured[attempt->secure] : reached[attempt->reach];
}

static void way_to(struct view *view, const char *what, const struct attempt_facts *attempt)
{
    if (attempt->reach == REACH_UNKNOWN)
        return;
    char buffer[LINE_MAX_BYTES];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append(&text, slice_from_string(what));
    address_format_host(&text, &attempt->address);
    text_format(&text, ": %s", outcome_of_way(attempt));
    if (attempt->secure > SECURE_GOOD && attempt->issuer.data != NULL)
        text_format(&text, " (%.*s, issued by %.*s)", SLICE_ARGS(attempt->subject),
            SLICE_ARGS(attempt->issuer));
    line(view, &text);
}

static void way(struct view *view)
{
    const struct facts *facts = view->facts;
    // Those that fail first: there is room for a few.
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < MINIMUM(facts->attempt_count, FACTS_ADDRESSES_MAX); i++) {
            if (attempt_is_good(facts, &facts->attempts[i]) == (pass == 1))
                way_to(view, "", &facts->attempts[i]);
        }
    }
    way_to(view, "for comparison, ", &facts->control.attempts[0]);
    way_to(view, "for comparison, ", &facts->control.attempts[1]);
}

static const char *how(enum profile profile)
{
    static const char *const texts[PROFILE_COUNT] = {
        [PROFILE_USUAL] = "answer", [PROFILE_FRESH] = "asked past caches",
        [PROFILE_UNIQUE] = "asked under an address of its own",
        [PROFILE_RETURN] = "asked with its cookies", [PROFILE_HTTP1] = "asked over HTTP/1.1",
        [PROFILE_BROWSER] = "asked as a browser", [PROFILE_DIRECT] = "asked without the proxy",
        [PROFILE_STRANGER] = "asked for a site that is none",
    };
    return texts[profile];
}

static const char *outcome_of_answer(enum answer_outcome outcome)
{
    static const char *const texts[] = {
        [ANSWER_UNKNOWN] = "not asked", [ANSWER_WHOLE] = "came whole", [ANSWER_CUT] = "broke off",
        [ANSWER_ENDLESS] = "does not end", [ANSWER_MALFORMED] = "is no HTTP",
        [ANSWER_SILENT] = "did not come", [ANSWER_SLOW] = "came too slowly",
        [ANSWER_RESET] = "connection was closed", [ANSWER_LOOPS] = "redirects in a circle",
        [ANSWER_LEADS_NOWHERE] = "redirects to nowhere", [ANSWER_UNREACHED] = "not reached",
        [ANSWER_PROXY] = "the proxy failed",
    };
    return texts[outcome];
}

static void answer(struct view *view, enum profile profile)
{
    const struct answer_facts *answer = &view->facts->answers[profile];
    if (answer->outcome == ANSWER_UNKNOWN)
        return;
    char buffer[LINE_MAX_BYTES];
    struct text text = text_in(buffer, sizeof(buffer));
    text_format(&text, "%s: ", how(profile));
    if (answer->status != 0)
        text_format(&text, "%u%s", answer->status, answer->outcome == ANSWER_WHOLE ? "" : ", ");
    if (answer->outcome != ANSWER_WHOLE)
        text_append(&text, slice_from_string(outcome_of_answer(answer->outcome)));
    if (answer->whole_ms > 0)
        text_format(&text, " after %u ms", answer->whole_ms);
    if (answer->server.data != NULL && answer->server.size < 80)
        text_format(&text, ", from %.*s", SLICE_ARGS(answer->server));
    if (answer->cdn.data != NULL)
        text_format(&text, ", by %.*s", SLICE_ARGS(answer->cdn));
    if (answer->signature.data != NULL)
        text_format(&text, ", known as %.*s", SLICE_ARGS(answer->signature));
    if (answer->redirects > 0 && answer->url.size < 120)
        text_format(&text, ", by %u redirects to %.*s", answer->redirects,
            SLICE_ARGS(answer->url));
    line(view, &text);
}

static void answers(struct view *view)
{
    const struct answer_facts *usual = &view->facts->answers[PROFILE_USUAL];
    answer(view, PROFILE_USUAL);
    if (usual->proxy_status.data != NULL)
        note(view, "Proxy-Status: %.*s", SLICE_ARGS(usual->proxy_status));
    if (usual->captured.data != NULL)
        note(view, "the page says: %.*s", SLICE_ARGS(usual->captured));
    if (usual->cache_status.data != NULL)
        note(view, "Cache-Status: %.*s", SLICE_ARGS(usual->cache_status));
    if (view->facts->page.url.data != NULL)
        note(view, "status page %.*s: %.*s", SLICE_ARGS(view->facts->page.url),
            SLICE_ARGS(view->facts->page.incident.data != NULL ? view->facts->page.incident
                                                               : view->facts->page.description));
    for (unsigned i = PROFILE_USUAL + 1; i < PROFILE_COUNT; i++)
        answer(view, (enum profile)i);
}

static void elsewhere(struct view *view)
{
    const struct facts *facts = view->facts;
    for (unsigned i = 0; i < facts->vantage_count; i++) {
        const struct vantage_facts *vantage = &facts->vantages[i];
        if (vantage->facts == NULL)
            note(view, "vantage %.*s could not be asked: %.*s", SLICE_ARGS(vantage->name),
                SLICE_ARGS(vantage->why_not));
        else
            note(view, "seen from %.*s: %.*s%s", SLICE_ARGS(vantage->name),
                SLICE_ARGS(verdict_name(vantage->verdict)),
                vantage->conclusive ? "" : " (it cannot be sure)");
    }
}

void gather_evidence(struct view *view, uint32_t matters)
{
    if ((matters & MATTER_NETWORK) != 0)
        network(view);
    if ((matters & MATTER_MACHINE) != 0)
        machine(view);
    if ((matters & MATTER_ELSEWHERE) != 0)
        elsewhere(view);
    if ((matters & MATTER_NAMES) != 0)
        names(view);
    if ((matters & MATTER_WAY) != 0)
        way(view);
    if ((matters & MATTER_ANSWERS) != 0)
        answers(view);
}
