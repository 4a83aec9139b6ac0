// Names of the counters.
#include "edge/ledger.h"

const char *ledger_name(enum ledger_count count)
{
    static const char *const names[] = {
#define X(NAME, name, metric, help) metric,
        LIFELINE_MAP(X)
#undef X
#define X(name, metric, help) metric,
        LEDGER_MAP(X)
#undef X
    };
    return names[count];
}

const char *ledger_help(enum ledger_count count)
{
    static const char *const texts[] = {
#define X(NAME, name, metric, help) help,
        LIFELINE_MAP(X)
#undef X
#define X(name, metric, help) help,
        LEDGER_MAP(X)
#undef X
    };
    return texts[count];
}
