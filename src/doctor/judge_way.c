// Rules about the way to the site: names, connections, TLS.
#include "doctor/judge_inside.h"

#include <limits.h>

// --- Names ---

static bool any_other_finds(const struct facts *facts)
{
    return facts->names[RESOLVER_SECOND].outcome == NAME_FOUND ||
           facts->names[RESOLVER_HTTPS].outcome == NAME_FOUND;
}

static const char *says(enum name_outcome outcome)
{
    switch (outcome) {
    case NAME_NONE:
        return "says that this name does not exist";
    case NAME_EMPTY:
        return "says that this name has no address";
    case NAME_FAILED:
        return "fails for this name";
    case NAME_SILENT:
        return "does not answer";
    case NAME_UNREACHABLE:
        return "is not there";
    case NAME_FOUND:
    case NAME_UNKNOWN:
        break;
    }
    return "was not asked";
}

// It knows other names, and is honest about this one: the way from it to the site's servers.
static bool is_only_cut_off(const struct name_facts *system)
{
    return system->works == FACT_GOOD &&
           (system->outcome == NAME_FAILED || system->outcome == NAME_SILENT);
}

bool rule_resolver_fails(struct view *view)
{
    const struct facts *facts = view->facts;
    const struct name_facts *system = &facts->names[RESOLVER_SYSTEM];
    if (facts->target.is_literal || facts->environment.hosts_line.data != NULL ||
        system->outcome == NAME_UNKNOWN || system->outcome == NAME_FOUND ||
        is_only_cut_off(system))
        return false;
    if (any_other_finds(facts))
        return conclude(view, VERDICT_LOCAL_DNS,
            "The server of names that your machine asks %s, while others know it.",
            says(system->outcome));
    // Nobody else was there to ask: what it says of all names tells.
    bool alone = facts->names[RESOLVER_SECOND].outcome == NAME_UNKNOWN &&
                 facts->names[RESOLVER_HTTPS].outcome == NAME_UNKNOWN;
    return alone && system->works == FACT_BAD &&
           conclude(view, VERDICT_LOCAL_DNS,
               "The server of names that your machine asks %s, nor does it know any other.",
               says(system->outcome));
}

static bool is_named_by(const struct attempt_facts *attempt, enum resolver resolver)
{
    return (attempt->named_by & (1U << resolver)) != 0;
}

bool rule_resolver_lies(struct view *view)
{
    const struct facts *facts = view->facts;
    if (facts->names[RESOLVER_SYSTEM].outcome != NAME_FOUND || !any_other_finds(facts))
        return false;
    bool theirs_is_good = false;
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        const struct attempt_facts *attempt = &facts->attempts[i];
        bool is_good = attempt_is_good(facts, attempt);
        // CDNs give each resolver other addresses: as long as those work, all is well.
        if (is_named_by(attempt, RESOLVER_SYSTEM) && (is_good || attempt->named_by != 1))
            return false;
        theirs_is_good = theirs_is_good || (is_good && attempt->named_by > 1);
    }
    return theirs_is_good &&
           conclude(view, VERDICT_LOCAL_DNS, "The server of names that your machine asks gives an "
               "address at which the site is not; others give the right one.");
}

bool rule_resolver_cut_off(struct view *view)
{
    const struct facts *facts = view->facts;
    const struct name_facts *system = &facts->names[RESOLVER_SYSTEM];
    return is_only_cut_off(system) && any_other_finds(facts) &&
           conclude(view, VERDICT_ISP_PATH,
               "The server of names that your machine asks cannot reach those of the site; others "
               "can.");
}

bool rule_name_gone(struct view *view)
{
    const struct facts *facts = view->facts;
    bool is_known_to_work = false;
    enum name_outcome outcome = NAME_UNKNOWN;
    if (facts->target.is_literal || is_connected(facts))
        return false;
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        const struct name_facts *names = &facts->names[i];
        if (names->works == FACT_GOOD && names->outcome != NAME_FOUND &&
            names->outcome != NAME_UNKNOWN) {
            is_known_to_work = true;
            outcome = outcome == NAME_UNKNOWN ? names->outcome : outcome;
        }
    }
    if (any_other_finds(facts) || facts->names[RESOLVER_SYSTEM].outcome == NAME_FOUND) {
        return is_near(facts) && any_other_finds(facts) &&
               conclude(view, VERDICT_SITE_DNS,
                   "The site's name leads to an address that only its own network can reach.");
    }
    if (!is_known_to_work)
        return false;
    if (seen_elsewhere(facts) == FACT_GOOD)
        return conclude(view, VERDICT_LOCAL_DNS, "No server of names that can be asked from here "
            "knows the site; elsewhere they do.");
    if (outcome == NAME_NONE)
        return conclude(view, VERDICT_SITE_DNS,
            "The site's name does not exist: whoever is asked says so.");
    if (outcome == NAME_EMPTY)
        return conclude(view, VERDICT_SITE_DNS, "The site's name exists and has no address.");
    return conclude(view, VERDICT_SITE_DNS,
        "The site's own servers of names do not answer: nobody can find its address.");
}

// --- Connections ---

bool rule_port_blocked(struct view *view)
{
    const struct facts *facts = view->facts;
    // A resolver over HTTPS that answers was let out.
    enum name_outcome https = facts->names[RESOLVER_HTTPS].outcome;
    if (https == NAME_FOUND || https == NAME_NONE || https == NAME_EMPTY)
        return false;
    const struct control_facts *control = &facts->control;
    if (is_connected(facts) || control_reached(facts) != FACT_BAD ||
        facts->attempt_count == 0 || facts->target.port != 443 ||
        (facts->portal.clear != FACT_GOOD && control->plain != FACT_GOOD))
        return false;
    bool is_refused = control->attempts[0].reach == REACH_REFUSED ||
                      control->attempts[1].reach == REACH_REFUSED;
    return conclude(view, VERDICT_LOCAL_NET, "Your network lets nothing out to port 443, which "
        "all sites with TLS use%s.", is_refused ? ": a firewall refuses it" : "");
}

#define BY_ANYBODY UINT_MAX
#define BY_SYSTEM (1U << RESOLVER_SYSTEM)

// How the addresses of one family did, of those that these resolvers, the URL or the hosts file
// name.
struct family {
    unsigned count, good, connected, refused, unreachable;
};

static struct family family_of(const struct facts *facts, bool v6, unsigned named_by)
{
    struct family family = {0};
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        const struct attempt_facts *attempt = &facts->attempts[i];
        bool is_named = attempt->named_by == 0 || (attempt->named_by & named_by) != 0;
        if (!is_named || address_is_v6(&attempt->address) != v6 || attempt->reach == REACH_UNKNOWN)
            continue;
        family.count++;
        family.good += attempt_is_good(facts, attempt);
        family.connected += attempt->reach == REACH_GOOD;
        family.refused += attempt->reach == REACH_REFUSED || attempt->reach == REACH_RESET;
        family.unreachable += attempt->reach == REACH_UNREACHABLE;
    }
    return family;
}

// The visitor's IPv6, not the site's, is what is broken.
static bool has_no_ipv6(const struct facts *facts)
{
    const struct link_facts *link = &facts->link;
    return link->route_v6 == FACT_BAD || (!link->has_v6 && link->interface == FACT_GOOD);
}

bool rule_no_ipv6(struct view *view)
{
    const struct facts *facts = view->facts;
    struct family v4 = family_of(facts, false, BY_ANYBODY), v6 = family_of(facts, true, BY_ANYBODY);
    if (v4.count > 0 || v6.count == 0 || v6.connected > 0)
        return false;
    if (has_no_ipv6(facts))
        return conclude(view, VERDICT_LOCAL_V6,
            "The site has IPv6 alone, and your connection has none.");
    return facts->control.v6 == FACT_BAD && facts->control.v4 == FACT_GOOD &&
           conclude(view, VERDICT_LOCAL_V6,
               "The site has IPv6 alone, and IPv6 is broken on your connection.");
}

bool rule_broken_ipv6(struct view *view)
{
    const struct facts *facts = view->facts;
    struct family v4 = family_of(facts, false, BY_ANYBODY), v6 = family_of(facts, true, BY_ANYBODY);
    return v4.good > 0 && v6.count > 0 && v6.connected == 0 && !has_no_ipv6(facts) &&
           facts->control.v6 == FACT_BAD && facts->control.v4 == FACT_GOOD &&
           conclude(view, VERDICT_LOCAL_V6, "IPv6 is broken on your connection: programs try it "
               "first and lose time, or fail.");
}

// Somebody else than the site said that there is no way to it.
static bool is_told_by_another(const struct facts *facts)
{
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        const struct attempt_facts *attempt = &facts->attempts[i];
        if (attempt->told_by.any.sa_family == AF_UNSPEC)
            continue;
        struct address teller = attempt->told_by;
        address_set_port(&teller, address_port(&attempt->address));
        if (!address_equal(&teller, &attempt->address))
            return true;
    }
    return false;
}

static bool nobody_looked_elsewhere(const struct facts *facts)
{
    return seen_elsewhere(facts) == FACT_UNKNOWN;
}

bool rule_refused(struct view *view)
{
    const struct facts *facts = view->facts;
    struct family v4 = family_of(facts, false, BY_ANYBODY), v6 = family_of(facts, true, BY_ANYBODY);
    unsigned count = v4.count + v6.count, refused = v4.refused + v6.refused;
    if (count == 0 || v4.connected + v6.connected > 0 || refused == 0)
        return false;
    if (seen_elsewhere(facts) == FACT_GOOD)
        return conclude(view, VERDICT_ISP_PATH, "Somebody on the way to the site refuses your "
            "connections; from elsewhere the site can be reached.");
    return (control_reached(facts) != FACT_BAD || is_near(facts)) &&
           conclude(view, VERDICT_ORIGIN_DOWN,
               "The site's machine is there and refuses connections: its server is not running.");
}

// The control was asked, and not even its name could be found: where names come from a cache, that
// is how a dead line looks.
static bool hears_nobody(const struct facts *facts)
{
    return facts->control.url.data != NULL && control_reached(facts) == FACT_UNKNOWN &&
           facts->portal.clear != FACT_GOOD && nobody_looked_elsewhere(facts) && !is_near(facts);
}

bool rule_silent(struct view *view)
{
    const struct facts *facts = view->facts;
    struct family v4 = family_of(facts, false, BY_ANYBODY), v6 = family_of(facts, true, BY_ANYBODY);
    if (v4.count + v6.count == 0 || v4.connected + v6.connected > 0 ||
        (control_reached(facts) == FACT_BAD && !is_near(facts)) || hears_nobody(facts))
        return false;
    bool is_told = v4.unreachable + v6.unreachable > 0 && is_told_by_another(facts);
    if (seen_elsewhere(facts) == FACT_GOOD)
        return conclude(view, VERDICT_ISP_PATH, is_told
                ? "Somebody on the way to the site says that it cannot be reached; from elsewhere "
                  "it can."
                : "Nothing comes back from the site to you; from elsewhere it can be reached. The "
                  "way from your provider to it is broken, or the site keeps your address out.");
    if (is_told && nobody_looked_elsewhere(facts))
        return conclude(view, VERDICT_ISP_PATH, "Somebody on the way to the site says that it "
            "cannot be reached; other sites can.");
    return conclude(view, VERDICT_ORIGIN_DOWN,
        "The site does not answer: its machine takes no connection, while other sites do.");
}

// Where a family fails as a whole, it has to be known that it is not the visitor's: he may have
// IPv6 alone, or none.
static unsigned dead_of(const struct family *family, enum fact control)
{
    return family->connected > 0 || control == FACT_GOOD ? family->count - family->connected : 0;
}

// Addresses of which this visitor is not told are not held against the site: names may be split,
// and CDNs give each resolver others.
bool rule_half_dead(struct view *view)
{
    const struct facts *facts = view->facts;
    struct family v4 = family_of(facts, false, BY_SYSTEM), v6 = family_of(facts, true, BY_SYSTEM);
    unsigned dead = dead_of(&v4, facts->control.v4) + dead_of(&v6, facts->control.v6);
    if (dead == 0 || v4.connected + v6.connected == 0)
        return false;
    return conclude(view, VERDICT_ORIGIN_DOWN,
        "Of the site's %u addresses %u do not answer: some visitors get through, others do not.",
        v4.count + v6.count, dead);
}

// --- TLS ---

bool rule_large_packets(struct view *view)
{
    const struct facts *facts = view->facts;
    bool hole = false, control_hole = false;
    if (is_reached(facts))
        return false;
    for (unsigned i = 0; i < facts->attempt_count; i++)
        hole = hole || facts->attempts[i].small == SECURE_GOOD;
    for (unsigned i = 0; i < ARRAY_SIZE(facts->control.attempts); i++)
        control_hole = control_hole || facts->control.attempts[i].small == SECURE_GOOD;
    if (!hole)
        return false;
    if (control_hole || control_secure(facts) == FACT_UNKNOWN)
        return conclude(view, VERDICT_MTU, "Large packets vanish on your line, small ones get "
            "through: pages begin to load and never come.");
    return conclude(view, VERDICT_ISP_PATH,
        "Large packets vanish on the way to this site, small ones get through.");
}

static bool is_of_the_certificate(enum secure_outcome outcome)
{
    switch (outcome) {
    case SECURE_EXPIRED:
    case SECURE_NOT_YET:
    case SECURE_WRONG_NAME:
    case SECURE_UNKNOWN_ISSUER:
    case SECURE_REVOKED:
        return true;
    case SECURE_UNKNOWN:
    case SECURE_GOOD:
    case SECURE_REFUSED:
    case SECURE_BROKEN:
    case SECURE_SILENT:
        break;
    }
    return false;
}

static bool control_is_not_trusted(const struct facts *facts)
{
    return facts->control.attempts[0].secure == SECURE_UNKNOWN_ISSUER ||
           facts->control.attempts[1].secure == SECURE_UNKNOWN_ISSUER;
}

// The first one whose TLS fails; NULL: none, or another works.
static const struct attempt_facts *broken_tls(const struct facts *facts)
{
    const struct attempt_facts *broken = NULL;
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        const struct attempt_facts *attempt = &facts->attempts[i];
        if (attempt->secure == SECURE_GOOD)
            return NULL;
        if (broken == NULL && attempt->secure != SECURE_UNKNOWN)
            broken = attempt;
    }
    return broken;
}

bool rule_intercepted(struct view *view)
{
    const struct facts *facts = view->facts;
    const struct attempt_facts *broken = broken_tls(facts);
    if (broken == NULL || !is_of_the_certificate(broken->secure))
        return false;
    bool only_here = broken->secure == SECURE_UNKNOWN_ISSUER && !broken->is_self_signed &&
                     seen_elsewhere(facts) == FACT_GOOD;
    return (control_is_not_trusted(facts) || only_here) &&
           conclude(view, VERDICT_TLS_INTERCEPT, "Somebody between you and the site opens your "
               "encrypted connections: the certificates that you get are not the sites' own.");
}

static bool cannot_encrypt(struct view *view)
{
    const struct target *target = &view->facts->target;
    conclude(view, VERDICT_ORIGIN_TLS,
        "The site takes the connection and fails to set up encryption.");
    if (target->port != 443)
        advise(view, "If port %u speaks HTTP without TLS, ask for http://%.*s:%u/. Else wait: only "
            "the site's owner can mend it. Do not restart your router.", target->port,
            SLICE_ARGS(target->host), target->port);
    return true;
}

bool rule_certificate(struct view *view)
{
    const struct facts *facts = view->facts;
    const struct attempt_facts *broken = broken_tls(facts);
    if (broken == NULL)
        return false;
    bool elsewhere = seen_elsewhere(facts) == FACT_GOOD;
    // What fails at the control too is not this site's.
    bool is_theirs = control_secure(facts) != FACT_BAD || is_near(facts) ||
                     seen_elsewhere(facts) == FACT_BAD;
    if (!is_theirs && (is_of_the_certificate(broken->secure) || !elsewhere))
        return false;
    switch (broken->secure) {
    case SECURE_EXPIRED:
        return conclude(view, VERDICT_ORIGIN_TLS, "The site's certificate has expired.");
    case SECURE_NOT_YET:
        return conclude(view, VERDICT_ORIGIN_TLS, "The site's certificate is not valid yet.");
    case SECURE_WRONG_NAME:
        return conclude(view, VERDICT_ORIGIN_TLS, "The site's certificate is for another name.");
    case SECURE_REVOKED:
        return conclude(view, VERDICT_ORIGIN_TLS, "The site's certificate was revoked.");
    case SECURE_UNKNOWN_ISSUER:
        // It takes another site that is trusted to know that it is not the visitor's machine.
        if (control_secure(facts) != FACT_GOOD && seen_elsewhere(facts) != FACT_BAD)
            return false;
        return conclude(view, VERDICT_ORIGIN_TLS, broken->is_self_signed
                ? "The site signed its certificate itself: nobody else vouches for it."
                : "The site's certificate comes from an authority that nobody knows, or the site "
                  "does not send the certificates in between.");
    case SECURE_REFUSED:
    case SECURE_BROKEN:
        if (elsewhere)
            return conclude(view, VERDICT_ISP_PATH, "Encrypted connections to this site break off "
                "on the way; from elsewhere they do not.");
        return cannot_encrypt(view);
    case SECURE_SILENT:
        if (elsewhere)
            return conclude(view, VERDICT_ISP_PATH, "The site takes your connection, then nothing "
                "more gets through; from elsewhere it does.");
        return conclude(view, VERDICT_ORIGIN_DOWN,
            "The site takes the connection and says nothing: its server hangs.");
    case SECURE_UNKNOWN:
    case SECURE_GOOD:
        break;
    }
    return false;
}
