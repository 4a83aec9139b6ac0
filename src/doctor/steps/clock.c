// Is the machine's clock right? Held against the Date of answers that came anyway, so nobody is
// asked for the time. Pure: everything stands in the facts.
#include "doctor/check.h"

#define RIGHT_WITHIN_SECONDS 600 // certificates and caches bear that much

struct witness {
    struct slice name;
    int64_t date, ahead;
    bool agrees;
};

static void add(struct witness *witnesses, unsigned *count, struct slice name, int64_t date,
    int64_t now)
{
    if (date <= 0)
        return;
    int64_t ahead = now - date;
    witnesses[(*count)++] = (struct witness){name, date, ahead,
        ahead <= RIGHT_WITHIN_SECONDS && ahead >= -RIGHT_WITHIN_SECONDS};
}

static bool say_the_same(const struct witness *a, const struct witness *b)
{
    int64_t apart = a->date - b->date;
    return apart <= RIGHT_WITHIN_SECONDS && apart >= -RIGHT_WITHIN_SECONDS;
}

// One that agrees settles it: two clocks are not wrong in the same way by chance, and a Date may be
// old (a cache's) or somebody else's. Whoever answered in the portal's place is no witness.
void step_clock(struct check *check, struct facts *facts)
{
    (void)check;
    struct witness witnesses[2];
    unsigned count = 0;
    int64_t now = facts->at_ms / 1000;
    if (facts->portal.clear == FACT_GOOD)
        add(witnesses, &count, facts->portal.asked, facts->portal.date, now);
    add(witnesses, &count, facts->control.url, facts->control.date, now);
    if (count == 0)
        return;
    const struct witness *told = &witnesses[0];
    if (count == 2 && !told->agrees && witnesses[1].agrees)
        told = &witnesses[1];
    if (count == 2 && !told->agrees && !say_the_same(&witnesses[0], &witnesses[1]))
        return;
    facts->clock = (struct clock_facts){told->agrees ? FACT_GOOD : FACT_BAD, told->ahead,
        told->name};
}
