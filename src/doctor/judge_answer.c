// Rules about what the site, or who stands in front of it, answered.
#include "doctor/judge_inside.h"

static const struct answer_facts *answer(const struct view *view, enum profile profile)
{
    return &view->facts->answers[profile];
}

static bool is_error(const struct answer_facts *answer)
{
    return is_answered(answer) && answer->status >= 500;
}

// Asked again, past the caches, all is well.
static bool is_well_anew(const struct view *view)
{
    return answer_is_well(answer(view, PROFILE_FRESH)) ||
           answer_is_well(answer(view, PROFILE_UNIQUE));
}

bool rule_cached_error(struct view *view)
{
    const struct answer_facts *usual = answer(view, PROFILE_USUAL);
    if (!is_error(usual) || !is_well_anew(view))
        return false;
    if (usual->is_copy || usual->is_cached_error)
        return conclude(view, VERDICT_CDN_GLOBAL, "A cache in front of the site has kept an error "
            "(%u); the site itself is well.", usual->status);
    return conclude(view, VERDICT_ORIGIN_DOWN,
        "The site fails now and then: it answered %u, and well when asked again.", usual->status);
}

static bool failed_without_an_answer(const struct answer_facts *answer)
{
    switch (answer->outcome) {
    case ANSWER_CUT:
    case ANSWER_MALFORMED:
    case ANSWER_SILENT:
    case ANSWER_SLOW:
    case ANSWER_RESET:
        return true;
    case ANSWER_UNKNOWN:
    case ANSWER_WHOLE:
    case ANSWER_ENDLESS:
    case ANSWER_LOOPS:
    case ANSWER_LEADS_NOWHERE:
    case ANSWER_UNREACHED:
    case ANSWER_PROXY:
        break;
    }
    return false;
}

bool rule_protocol(struct view *view)
{
    return failed_without_an_answer(answer(view, PROFILE_USUAL)) &&
           answer_is_well(answer(view, PROFILE_HTTP1)) &&
           conclude(view, VERDICT_CLIENT_PROTO,
               "The site fails over HTTP/2 and is well over HTTP/1.1.");
}

bool rule_only_browsers(struct view *view)
{
    const struct answer_facts *usual = answer(view, PROFILE_USUAL);
    return is_answered(usual) && usual->status >= 400 && usual->status < 500 &&
           answer_is_well(answer(view, PROFILE_BROWSER)) &&
           conclude(view, VERDICT_OK,
               "The site is well. It answers browsers, and refuses programs (%u).", usual->status);
}

static bool refuses_the_visitor(unsigned status)
{
    return status == 403 || status == 429 || status == 451;
}

static bool is_closed_elsewhere(const struct view *view)
{
    return seen_elsewhere(view->facts) == FACT_BAD &&
           verdict_elsewhere(view->facts) == VERDICT_BLOCKED_YOU;
}

static bool names(const struct answer_facts *answer, enum verdict verdict)
{
    return answer->says.count > 0 && answer->says.items[0] == verdict;
}

bool rule_blocked(struct view *view)
{
    const struct answer_facts *usual = answer(view, PROFILE_USUAL);
    if (!is_answered(usual) ||
        (!refuses_the_visitor(usual->status) && !names(usual, VERDICT_BLOCKED_YOU)))
        return false;
    if (is_closed_elsewhere(view))
        return conclude(view, VERDICT_OK,
            "The site is well, and shows this page to nobody who asks without an account (%u).",
            usual->status);
    if (usual->status == 429)
        return conclude(view, VERDICT_BLOCKED_YOU,
            "The site says that too much was asked for from your address (429).");
    return conclude(view, VERDICT_BLOCKED_YOU,
        "The site, or who protects it, refuses you (%u)%s.", usual->status,
        seen_elsewhere(view->facts) == FACT_GOOD ? " and lets others in" : "");
}

// What the page says, and what is seen from elsewhere: only here, then it is where it stands in
// front of us; everywhere, then it is not one place alone.
static enum verdict weigh(const struct view *view, enum verdict verdict)
{
    switch (seen_elsewhere(view->facts)) {
    case FACT_GOOD:
        return verdict == VERDICT_MAINTENANCE ? verdict : VERDICT_CDN_POP;
    case FACT_BAD:
        if (verdict != VERDICT_CDN_POP)
            return verdict;
        // One place of the CDN says so here, another one there.
        return verdict_elsewhere(view->facts) == VERDICT_CDN_POP ? VERDICT_CDN_GLOBAL
                                                               : verdict_elsewhere(view->facts);
    case FACT_UNKNOWN:
        break;
    }
    return verdict;
}

// Nobody says whose error it is, and the same comes for a name that is no customer's.
bool rule_cdn_down(struct view *view)
{
    const struct answer_facts *usual = answer(view, PROFILE_USUAL);
    const struct answer_facts *stranger = answer(view, PROFILE_STRANGER);
    bool is_said = usual->says.count > 0 && usual->says.items[0] != VERDICT_UNKNOWN;
    if (!is_error(usual) || is_said || usual->cdn.data == NULL || !is_answered(stranger) ||
        stranger->status != usual->status || stranger->digest != usual->digest ||
        usual->size == 0)
        return false;
    if (seen_elsewhere(view->facts) == FACT_GOOD)
        return conclude(view, VERDICT_CDN_POP, "The place of %.*s that serves you fails for every "
            "site (%u); from elsewhere this one is well.", SLICE_ARGS(usual->cdn), usual->status);
    return conclude(view, VERDICT_CDN_GLOBAL,
        "%.*s, which stands in front of the site, fails for every site (%u).",
        SLICE_ARGS(usual->cdn), usual->status);
}

static const char *sentence(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_ORIGIN_DOWN:
        return "The site's own server is down or broken";
    case VERDICT_ORIGIN_SLOW:
        return "The site's own server is too slow";
    case VERDICT_ORIGIN_TLS:
        return "Who stands in front of the site cannot set up encryption with its server";
    case VERDICT_ORIGIN_OVERLOAD:
        return "The site is overloaded, or limits what it takes";
    case VERDICT_MAINTENANCE:
        return "The site is being maintained";
    case VERDICT_SITE_DNS:
        return "Who stands in front of the site cannot find its server by name";
    case VERDICT_CDN_POP:
        return "The place of the CDN that serves you is broken";
    case VERDICT_CDN_GLOBAL:
        return "The CDN in front of the site is broken";
    case VERDICT_PROXY:
        return "A proxy between you and the site cannot reach it";
    case VERDICT_CLIENT_PROTO:
        return "The site did not understand what was asked";
    case VERDICT_OK:
    case VERDICT_LOCAL_NET:
    case VERDICT_CAPTIVE:
    case VERDICT_HOSTS:
    case VERDICT_CLOCK:
    case VERDICT_LOCAL_DNS:
    case VERDICT_LOCAL_V6:
    case VERDICT_TLS_INTERCEPT:
    case VERDICT_MTU:
    case VERDICT_ISP_PATH:
    case VERDICT_CLIENT_STATE:
    case VERDICT_BLOCKED_YOU:
    case VERDICT_UNKNOWN:
    case VERDICT_COUNT:
        break;
    }
    return "The site answers with an error";
}

bool rule_error(struct view *view)
{
    const struct answer_facts *usual = answer(view, PROFILE_USUAL);
    if (!is_error(usual))
        return false;
    enum verdict says = usual->says.count > 0 ? usual->says.items[0] : VERDICT_UNKNOWN;
    if (says == VERDICT_UNKNOWN)
        says = usual->status == 503 && usual->retry_at != 0 ? VERDICT_ORIGIN_OVERLOAD
                                                            : VERDICT_ORIGIN_DOWN;
    enum verdict verdict = weigh(view, says);
    view->diagnosis->retry_at = usual->retry_at;
    return conclude(view, verdict, "%s (%u)%s.", sentence(verdict), usual->status,
        seen_elsewhere(view->facts) == FACT_GOOD  ? "; from elsewhere the site is well"
        : seen_elsewhere(view->facts) == FACT_BAD ? "; from elsewhere too"
                                                  : "");
}

// The site was reached, and what came is no whole answer.
bool rule_no_answer(struct view *view)
{
    const struct answer_facts *usual = answer(view, PROFILE_USUAL);
    bool elsewhere = seen_elsewhere(view->facts) == FACT_GOOD;
    switch (usual->outcome) {
    case ANSWER_LOOPS:
        return conclude(view, VERDICT_ORIGIN_DOWN,
            "The site sends whoever asks around in a circle: its redirects never end.");
    case ANSWER_LEADS_NOWHERE:
        return conclude(view, VERDICT_ORIGIN_DOWN,
            "The site sends whoever asks to an address that does not exist or does not answer.");
    case ANSWER_ENDLESS:
        return conclude(view, VERDICT_ORIGIN_DOWN, "What the site sends does not end.");
    case ANSWER_SILENT:
    case ANSWER_SLOW:
        if (elsewhere)
            return conclude(view, VERDICT_ISP_PATH,
                "The site is slow on the way to you; from elsewhere it is not.");
        return conclude(view, VERDICT_ORIGIN_SLOW, usual->outcome == ANSWER_SILENT
                ? "The site takes the request, and its answer does not come: its server is too "
                  "slow."
                : "The site's answer begins, and comes too slowly to be of use.");
    case ANSWER_CUT:
    case ANSWER_MALFORMED:
    case ANSWER_RESET:
        if (elsewhere)
            return conclude(view, VERDICT_ISP_PATH,
                "The site's answers break off on the way to you; from elsewhere they do not.");
        return conclude(view, VERDICT_ORIGIN_DOWN,
            usual->outcome == ANSWER_CUT     ? "The site's answer breaks off in the middle."
            : usual->outcome == ANSWER_RESET ? "The site takes the request and hangs up."
                                             : "What the site sends is no HTTP.");
    case ANSWER_UNKNOWN:
    case ANSWER_WHOLE:
    case ANSWER_UNREACHED:
    case ANSWER_PROXY:
        break;
    }
    return false;
}

bool rule_returning(struct view *view)
{
    const struct answer_facts *back = answer(view, PROFILE_RETURN);
    return answer_is_well(answer(view, PROFILE_USUAL)) &&
           (is_error(back) || failed_without_an_answer(back)) && is_well_anew(view) &&
           conclude(view, VERDICT_CLIENT_STATE, "The site is well for who comes first, and fails "
               "for who comes back with what it left in the browser.");
}

bool rule_stale(struct view *view)
{
    const struct answer_facts *usual = answer(view, PROFILE_USUAL);
    const struct answer_facts *fresh = answer(view, PROFILE_FRESH);
    if (!answer_is_well(fresh))
        fresh = answer(view, PROFILE_UNIQUE);
    bool differs = answer_is_well(usual) && answer_is_well(fresh) &&
                   usual->digest != fresh->digest &&
                   !(usual->etag.size > 0 && slice_equal(usual->etag, fresh->etag));
    return differs && usual->is_copy && usual->is_stale &&
           conclude(view, VERDICT_CDN_GLOBAL, "A cache in front of the site sends an old page; the "
               "site itself has a newer one.");
}

bool rule_fine(struct view *view)
{
    const struct answer_facts *usual = answer(view, PROFILE_USUAL);
    if (answer_is_well(usual))
        return conclude(view, VERDICT_OK, "The site is well.");
    if (!is_answered(usual) || usual->status >= 500 || usual->status < 400)
        return false;
    return conclude(view, VERDICT_OK, usual->status == 401
            ? "The site is well, and wants a login for this page (%u)."
        : usual->status == 404 || usual->status == 410
            ? "The site is well, and has no such page (%u)."
            : "The site is well, and does not take this request (%u).",
        usual->status);
}
