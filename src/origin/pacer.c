// See pacer.h.
#include "origin/pacer.h"
#include "base/invariant.h"

#define LIMIT_FIRST 4000
#define LIMIT_LEAST 2000 // one is worked on, one waits: it never idles
#define LIMIT_MOST (UINT64_C(10000) * 1000)
#define LATE_SLACK_NS (10 * NS_PER_MS) // of what is always quick
#define CUT_LATE 900                   // permille that are left
#define CUT_FAILED 700

void pacer_begin(struct pacer *pacer, uint64_t normal_ns)
{
    *pacer = (struct pacer){.limit_milli = LIMIT_FIRST, .normal_ns = normal_ns, .starting = true};
}

static bool is_late(const struct pacer *pacer, uint64_t took_ns)
{
    return took_ns > 3 * MAXIMUM(pacer->normal_ns, pacer->fastest_ns) + LATE_SLACK_NS;
}

static void cut(struct pacer *pacer, uint64_t permille, uint64_t took_ns, uint64_t now_ns)
{
    pacer->starting = false;
    if (now_ns < pacer->next_cut_ns)
        return;
    pacer->limit_milli = MAXIMUM(pacer->limit_milli * permille / 1000, LIMIT_LEAST);
    pacer->next_cut_ns = now_ns + took_ns;
}

// Only a limit that is reached has shown that it is not too high.
static void grow(struct pacer *pacer)
{
    if ((uint64_t)pacer->inside * 1000 + 2000 <= pacer->limit_milli)
        return;
    pacer->limit_milli += pacer->starting ? 1000 : 1000 * 1000 / pacer->limit_milli;
    pacer->limit_milli = MINIMUM(pacer->limit_milli, LIMIT_MOST);
}

void pacer_leave(struct pacer *pacer, enum pacer_verdict verdict, uint64_t took_ns,
    uint64_t now_ns)
{
    invariant(pacer->inside > 0);
    switch (verdict) {
    case PACER_GOOD:
        if (pacer->fastest_ns == 0 || took_ns < pacer->fastest_ns)
            pacer->fastest_ns = MAXIMUM(took_ns, 1);
        if (is_late(pacer, took_ns))
            cut(pacer, CUT_LATE, took_ns, now_ns);
        else
            grow(pacer);
        break;
    case PACER_FAILED:
        cut(pacer, CUT_FAILED, took_ns, now_ns);
        break;
    case PACER_UNKNOWN:
        break;
    }
    pacer->inside--;
}
