// Which of the attempts a browser would have made, and with which of them it would succeed.
#include "doctor/usual.h"

static bool is_usual(const struct attempt_facts *attempt)
{
    return attempt->named_by == 0 || (attempt->named_by & 1U << RESOLVER_SYSTEM) != 0;
}

// 0: nothing is in its way; 1: TLS did not do; 2: nobody knows; 3: it cannot be reached.
static unsigned rank(const struct attempt_facts *attempt)
{
    if (attempt->reach == REACH_UNKNOWN)
        return 2;
    if (attempt->reach != REACH_GOOD)
        return 3;
    return attempt->secure == SECURE_GOOD || attempt->secure == SECURE_UNKNOWN ? 0 : 1;
}

unsigned usual_addresses(const struct facts *facts,
    struct address ret_addresses[FACTS_ADDRESSES_MAX])
{
    unsigned count = 0, named = 0;
    for (unsigned i = 0; i < facts->attempt_count; i++)
        named += is_usual(&facts->attempts[i]);
    unsigned worst = named > 0 ? 2 : 1; // a stranger's address must be known to be good
    for (unsigned wanted = 0; wanted <= worst; wanted++) {
        for (unsigned i = 0; i < facts->attempt_count; i++) {
            const struct attempt_facts *attempt = &facts->attempts[i];
            if (rank(attempt) == wanted && (named == 0 || is_usual(attempt)))
                ret_addresses[count++] = attempt->address;
        }
    }
    return count;
}
