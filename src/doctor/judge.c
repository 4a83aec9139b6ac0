// The table of rules, in their order, and what asks them.
#include "doctor/judge_inside.h"

struct row {
    const char *name;
    uint32_t needs;   // steps that must be over before it is asked
    uint32_t matters; // what its evidence is about
    rule *explains;
    bool is_direct;   // about the way from here: not that of who is answered through a proxy
};

#define NEAR (STEP(LINK) | STEP(PORTAL) | STEP(ENVIRONMENT))
#define WAY (STEP(NAMES) | STEP(REACH) | STEP(CONTROL))
#define ANSWER (STEP(ASK) | STEP(AGAIN))

// From the visitor outwards. Whoever is further down may rely on it that nothing above explains.
static const struct row rows[] = {
    {"link-down", STEP(LINK) | STEP(REACH), MATTER_NETWORK, rule_link_down, false},
    {"no-address", STEP(LINK) | STEP(REACH), MATTER_NETWORK, rule_no_address, false},
    {"no-route", STEP(LINK) | STEP(REACH), MATTER_NETWORK, rule_no_route, false},
    {"gateway-dead", STEP(GATEWAY) | WAY | NEAR | STEP(ASK), MATTER_NETWORK, rule_gateway_dead,
        true},
    {"captive", STEP(PORTAL) | STEP(REACH) | STEP(CONTROL) | STEP(ASK), MATTER_NETWORK,
        rule_captive, true},
    {"proxy", STEP(ENVIRONMENT) | ANSWER, MATTER_MACHINE, rule_proxy, false},
    {"line-dead", STEP(GATEWAY) | WAY | NEAR, MATTER_NETWORK, rule_line_dead, true},
    {"clock", STEP(CLOCK) | STEP(REACH), MATTER_MACHINE | MATTER_WAY, rule_clock, false},
    {"hosts", STEP(ENVIRONMENT) | STEP(NAMES) | STEP(ASK), MATTER_MACHINE | MATTER_NAMES,
        rule_hosts, false},
    {"resolver-fails", WAY, MATTER_NAMES, rule_resolver_fails, true},
    {"resolver-lies", WAY, MATTER_NAMES | MATTER_WAY, rule_resolver_lies, true},
    {"resolver-cut-off", WAY, MATTER_NAMES, rule_resolver_cut_off, true},
    {"lossy", STEP(GATEWAY) | STEP(REACH), MATTER_NETWORK | MATTER_WAY, rule_lossy, false},
    {"port-blocked", WAY | NEAR, MATTER_NETWORK | MATTER_WAY, rule_port_blocked, true},
    {"no-ipv6", STEP(LINK) | WAY, MATTER_NETWORK | MATTER_WAY, rule_no_ipv6, true},
    {"broken-ipv6", STEP(LINK) | WAY, MATTER_WAY, rule_broken_ipv6, true},
    {"large-packets", WAY, MATTER_WAY, rule_large_packets, true},
    {"intercepted", WAY | STEP(CLOCK) | STEP(VANTAGES), MATTER_WAY, rule_intercepted, true},
    {"name-gone", WAY | STEP(VANTAGES), MATTER_NAMES | MATTER_ELSEWHERE, rule_name_gone, true},
    {"refused", WAY | NEAR | STEP(VANTAGES), MATTER_WAY | MATTER_ELSEWHERE, rule_refused, true},
    {"silent", WAY | NEAR | STEP(VANTAGES), MATTER_WAY | MATTER_ELSEWHERE, rule_silent, true},
    {"certificate", WAY | STEP(CLOCK) | STEP(VANTAGES), MATTER_WAY | MATTER_ELSEWHERE,
        rule_certificate, true},
    {"cached-error", ANSWER, MATTER_ANSWERS, rule_cached_error, false},
    {"protocol", ANSWER, MATTER_ANSWERS, rule_protocol, false},
    {"only-browsers", ANSWER, MATTER_ANSWERS, rule_only_browsers, false},
    {"blocked", ANSWER | STEP(VANTAGES), MATTER_ANSWERS | MATTER_ELSEWHERE, rule_blocked, false},
    {"cdn-down", ANSWER | STEP(VANTAGES), MATTER_ANSWERS | MATTER_ELSEWHERE, rule_cdn_down, false},
    {"error", ANSWER | STEP(VANTAGES) | STEP(PAGE), MATTER_ANSWERS | MATTER_ELSEWHERE,
        rule_error, false},
    {"no-answer", ANSWER | STEP(VANTAGES) | STEP(PAGE), MATTER_ANSWERS | MATTER_ELSEWHERE,
        rule_no_answer, false},
    {"returning", ANSWER, MATTER_ANSWERS, rule_returning, false},
    {"stale", ANSWER, MATTER_ANSWERS, rule_stale, false},
    {"half-dead", WAY, MATTER_WAY, rule_half_dead, true},
    {"fine", ANSWER | WAY | STEP(LINK) | STEP(GATEWAY), MATTER_WAY | MATTER_ANSWERS, rule_fine,
        false},
};

static bool ask(const struct row *row, struct view *view)
{
    if ((row->is_direct && is_answered_by_proxy(view->facts)) || !row->explains(view))
        return false;
    view->diagnosis->rule = row->name;
    gather_evidence(view, row->matters);
    return true;
}

bool judge(const struct facts *facts, uint32_t taken, struct arena *arena,
    struct diagnosis *ret_diagnosis)
{
    struct diagnosis diagnosis = {0};
    struct view view = {facts, arena, &diagnosis};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        // What is nearer and not known yet may explain it, so nobody further out is asked.
        if ((row->needs & ~taken) != 0)
            return false;
        if (ask(row, &view)) {
            *ret_diagnosis = diagnosis;
            return true;
        }
    }
    return false;
}

void judge_at_last(const struct facts *facts, struct arena *arena,
    struct diagnosis *ret_diagnosis)
{
    struct diagnosis diagnosis = {0};
    struct view view = {facts, arena, &diagnosis};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (ask(&rows[i], &view)) {
            *ret_diagnosis = diagnosis;
            return;
        }
    }
    (void)conclude(&view, VERDICT_UNKNOWN, "It could not be found out whose fault it is.");
    diagnosis.rule = "unknown";
    gather_evidence(&view, MATTER_NETWORK | MATTER_NAMES | MATTER_WAY | MATTER_ANSWERS);
    *ret_diagnosis = diagnosis;
}
