// Which of the attempts a browser would have made, and with which of them it would succeed.
#include "doctor/usual.h"

#define RANK_NEVER 2 // it was tried, in vain

// What the hosts file or the URL itself names, nobody asks a resolver for.
static bool is_usual(const struct attempt_facts *attempt, bool any_is_given)
{
    return any_is_given ? attempt->named_by == 0
                        : (attempt->named_by & 1U << RESOLVER_SYSTEM) != 0;
}

static unsigned rank(const struct attempt_facts *attempt)
{
    if (attempt->reach == REACH_UNKNOWN)
        return 1;
    bool is_good = attempt->reach == REACH_GOOD
        && (attempt->secure == SECURE_GOOD || attempt->secure == SECURE_UNKNOWN);
    return is_good ? 0 : RANK_NEVER;
}

unsigned usual_addresses(const struct facts *facts,
    struct address ret_addresses[FACTS_ADDRESSES_MAX])
{
    unsigned count = 0, named = 0;
    bool any_is_given = false;
    for (unsigned i = 0; i < facts->attempt_count; i++)
        any_is_given = any_is_given || facts->attempts[i].named_by == 0;
    for (unsigned i = 0; i < facts->attempt_count; i++)
        named += is_usual(&facts->attempts[i], any_is_given);
    // An address that a browser would not know of must be known to be good.
    unsigned end = named > 0 ? RANK_NEVER : 1;
    for (unsigned wanted = 0; wanted < end; wanted++) {
        for (unsigned i = 0; i < facts->attempt_count; i++) {
            const struct attempt_facts *attempt = &facts->attempts[i];
            if (rank(attempt) == wanted && (named == 0 || is_usual(attempt, any_is_given)))
                ret_addresses[count++] = attempt->address;
        }
    }
    return count;
}
