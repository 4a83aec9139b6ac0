// Rules about the visitor's own end: his machine, his router, the line behind it.
#include "doctor/judge_inside.h"

#define LOSS_PERCENT_MIN 15 // below it pages come, only slower
#define LOSS_ECHOES_MIN 10

bool rule_link_down(struct view *view)
{
    const struct facts *facts = view->facts;
    return !is_connected(facts) && facts->link.interface == FACT_BAD &&
           conclude(view, VERDICT_LOCAL_NET,
               "Your machine is not connected to any network: the cable is out, or Wi-Fi is off.");
}

bool rule_no_address(struct view *view)
{
    const struct facts *facts = view->facts;
    return !is_connected(facts) && facts->link.interface == FACT_GOOD &&
           facts->link.address == FACT_BAD &&
           conclude(view, VERDICT_LOCAL_NET,
               "Your machine is connected to a network, and nobody there gave it an address.");
}

bool rule_no_route(struct view *view)
{
    const struct facts *facts = view->facts;
    const struct link_facts *link = &facts->link;
    if (is_connected(facts) || link->route_v4 == FACT_GOOD || link->route_v6 == FACT_GOOD)
        return false;
    if (link->route_v4 != FACT_BAD && link->route_v6 != FACT_BAD)
        return false;
    return conclude(view, VERDICT_LOCAL_NET,
        "Your machine has an address, and knows no way out of its own network.");
}

// Not even names can be asked for, and the control is as far as the site.
static bool is_cut_off(const struct facts *facts)
{
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        enum name_outcome outcome = facts->names[i].outcome;
        if (outcome == NAME_FOUND || outcome == NAME_NONE || outcome == NAME_EMPTY ||
            outcome == NAME_FAILED || facts->names[i].works == FACT_GOOD)
            return false;
    }
    // Who refuses is somebody.
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        if (facts->attempts[i].reach != REACH_SILENT &&
            facts->attempts[i].reach != REACH_UNREACHABLE)
            return false;
    }
    return facts->portal.clear == FACT_UNKNOWN && control_reached(facts) != FACT_GOOD;
}

bool rule_gateway_dead(struct view *view)
{
    return is_cut_off(view->facts) && view->facts->gateway.answers == FACT_BAD &&
           conclude(view, VERDICT_LOCAL_NET,
               "Your router does not answer: it is switched off, hangs, or is out of reach.");
}

bool rule_line_dead(struct view *view)
{
    if (!is_cut_off(view->facts) || view->facts->gateway.answers != FACT_GOOD)
        return false;
    return conclude(view, VERDICT_ISP_PATH, "Your router is well, and nothing behind it answers: "
        "the line to your provider, or your provider, is down.");
}

bool rule_captive(struct view *view)
{
    const struct facts *facts = view->facts;
    // Who reached the site, or another one, with a certificate that is right was let through; where
    // only a page without TLS is answered by another, that may be a filter.
    bool is_through = is_reached(facts) || control_secure(facts) == FACT_GOOD;
    if (facts->portal.clear != FACT_BAD || (facts->target.is_secure && is_through))
        return false;
    return conclude(view, VERDICT_CAPTIVE,
        "The network that you are in wants you to log in first, and answers in the place of every "
        "site.");
}

bool rule_proxy(struct view *view)
{
    const struct facts *facts = view->facts;
    const struct answer_facts *usual = &facts->answers[PROFILE_USUAL];
    const struct answer_facts *direct = &facts->answers[PROFILE_DIRECT];
    if (facts->environment.proxy.data == NULL || usual->outcome != ANSWER_PROXY)
        return false;
    // A proxy that reaches nobody says the same as one that cannot reach this site.
    if (usual->status >= 500 && !is_answered(direct) && control_reached(facts) == FACT_GOOD)
        return false;
    conclude(view, VERDICT_PROXY, "The proxy that %.*s names %s.",
        SLICE_ARGS(facts->environment.proxy_variable),
        usual->status == 407  ? "wants a password that your programs do not send"
        : usual->status >= 500 ? "is there and cannot reach anybody"
        : usual->status != 0  ? "refuses to take you to this site"
                              : "is not there");
    if (answer_is_well(direct))
        advise(view, "Take it out (unset %.*s), or mend it: without it the site answers you. "
            "Do not restart your router.", SLICE_ARGS(facts->environment.proxy_variable));
    return true;
}

static bool certificate_is_of_another_time(const struct attempt_facts *attempt)
{
    return attempt->secure == SECURE_EXPIRED || attempt->secure == SECURE_NOT_YET;
}

bool rule_clock(struct view *view)
{
    const struct facts *facts = view->facts;
    bool any = certificate_is_of_another_time(&facts->control.attempts[0]) ||
               certificate_is_of_another_time(&facts->control.attempts[1]);
    for (unsigned i = 0; i < facts->attempt_count; i++)
        any = any || certificate_is_of_another_time(&facts->attempts[i]);
    if (!any || facts->clock.right != FACT_BAD)
        return false;
    int64_t off = facts->clock.ahead_seconds, days = (off < 0 ? -off : off) / 86400;
    const char *which = off < 0 ? "behind" : "ahead";
    if (days == 0)
        return conclude(view, VERDICT_CLOCK, "Your clock is %s, so that no certificate is valid.",
            which);
    return conclude(view, VERDICT_CLOCK,
        "Your clock is %s by %lld day%s, so that no certificate is valid.", which,
        (long long)days, days == 1 ? "" : "s");
}

static bool resolver_names(const struct facts *facts, const struct address *address)
{
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        for (unsigned k = 0; k < facts->names[i].count; k++) {
            if (address_equal(&facts->names[i].addresses[k], address))
                return true;
        }
    }
    return false;
}

bool rule_hosts(struct view *view)
{
    const struct facts *facts = view->facts;
    if (facts->environment.hosts_line.data == NULL ||
        answer_is_well(&facts->answers[PROFILE_USUAL]))
        return false;
    struct address address = facts->environment.hosts_address;
    address_set_port(&address, facts->target.port);
    return !resolver_names(facts, &address) &&
           conclude(view, VERDICT_HOSTS,
               "A line in your hosts file sends this name to an address of its own.");
}

bool rule_lossy(struct view *view)
{
    const struct gateway_facts *gateway = &view->facts->gateway;
    unsigned lost = gateway->echoes - gateway->replies;
    if (gateway->echoes < LOSS_ECHOES_MIN || gateway->replies > gateway->echoes ||
        lost * 100 < gateway->echoes * LOSS_PERCENT_MIN)
        return false;
    return conclude(view, VERDICT_LOCAL_NET,
        "Your connection loses %u %% of what is sent: pages come slowly, or not at all.",
        lost * 100 / gateway->echoes);
}
