// The table of rules, in their order, and what asks them.
#include "doctor/judge_inside.h"

struct row {
    const char *name;
    uint32_t needs;   // steps that must be over before it is asked
    uint32_t matters; // what its evidence is about
    rule *explains;
};

#define NEAR (STEP(LINK) | STEP(PORTAL) | STEP(ENVIRONMENT))
#define WAY (STEP(NAMES) | STEP(REACH) | STEP(CONTROL))
#define ANSWER (STEP(ASK) | STEP(AGAIN))

// From the visitor outwards. Whoever is further down may rely on it that nothing above explains.
static const struct row rows[] = {
    {"link-down", STEP(LINK) | STEP(REACH), MATTER_NETWORK, rule_link_down},
    {"no-address", STEP(LINK) | STEP(REACH), MATTER_NETWORK, rule_no_address},
    {"no-route", STEP(LINK) | STEP(REACH), MATTER_NETWORK, rule_no_route},
    {"gateway-dead", STEP(GATEWAY) | WAY | NEAR, MATTER_NETWORK, rule_gateway_dead},
    {"captive", STEP(PORTAL) | STEP(REACH) | STEP(CONTROL), MATTER_NETWORK, rule_captive},
    {"proxy", STEP(ENVIRONMENT) | ANSWER, MATTER_MACHINE, rule_proxy},
    {"line-dead", STEP(GATEWAY) | WAY | NEAR, MATTER_NETWORK, rule_line_dead},
    {"clock", STEP(CLOCK) | STEP(REACH), MATTER_MACHINE | MATTER_WAY, rule_clock},
    {"hosts", STEP(ENVIRONMENT) | STEP(NAMES) | STEP(ASK), MATTER_MACHINE | MATTER_NAMES,
        rule_hosts},
    {"resolver-fails", WAY, MATTER_NAMES, rule_resolver_fails},
    {"resolver-lies", WAY, MATTER_NAMES | MATTER_WAY, rule_resolver_lies},
    {"resolver-cut-off", WAY, MATTER_NAMES, rule_resolver_cut_off},
    {"lossy", STEP(GATEWAY) | STEP(REACH), MATTER_NETWORK | MATTER_WAY, rule_lossy},
    {"port-blocked", WAY | NEAR, MATTER_NETWORK | MATTER_WAY, rule_port_blocked},
    {"no-ipv6", STEP(LINK) | WAY, MATTER_NETWORK | MATTER_WAY, rule_no_ipv6},
    {"broken-ipv6", STEP(LINK) | WAY, MATTER_WAY, rule_broken_ipv6},
    {"large-packets", WAY, MATTER_WAY, rule_large_packets},
    {"intercepted", WAY | STEP(CLOCK) | STEP(VANTAGES), MATTER_WAY, rule_intercepted},
    {"name-gone", WAY | STEP(VANTAGES), MATTER_NAMES | MATTER_ELSEWHERE, rule_name_gone},
    {"refused", WAY | NEAR | STEP(VANTAGES), MATTER_WAY | MATTER_ELSEWHERE, rule_refused},
    {"silent", WAY | NEAR | STEP(VANTAGES), MATTER_WAY | MATTER_ELSEWHERE, rule_silent},
    {"certificate", WAY | STEP(CLOCK) | STEP(VANTAGES), MATTER_WAY | MATTER_ELSEWHERE,
        rule_certificate},
    {"cached-error", ANSWER, MATTER_ANSWERS, rule_cached_error},
    {"protocol", ANSWER, MATTER_ANSWERS, rule_protocol},
    {"only-browsers", ANSWER, MATTER_ANSWERS, rule_only_browsers},
    {"blocked", ANSWER | STEP(VANTAGES), MATTER_ANSWERS | MATTER_ELSEWHERE, rule_blocked},
    {"cdn-down", ANSWER | STEP(VANTAGES), MATTER_ANSWERS | MATTER_ELSEWHERE, rule_cdn_down},
    {"error", ANSWER | STEP(VANTAGES) | STEP(PAGE), MATTER_ANSWERS | MATTER_ELSEWHERE, rule_error},
    {"no-answer", ANSWER | STEP(VANTAGES) | STEP(PAGE), MATTER_ANSWERS | MATTER_ELSEWHERE,
        rule_no_answer},
    {"returning", ANSWER, MATTER_ANSWERS, rule_returning},
    {"stale", ANSWER, MATTER_ANSWERS, rule_stale},
    {"half-dead", WAY, MATTER_WAY, rule_half_dead},
    {"fine", ANSWER | WAY | STEP(LINK) | STEP(GATEWAY), MATTER_WAY | MATTER_ANSWERS, rule_fine},
};

static bool ask(const struct row *row, struct view *view)
{
    if (!row->explains(view))
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
