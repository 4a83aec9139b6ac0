// Names and sides of the verdicts.
#include "doctor/verdict.h"

struct row {
    struct slice name;
    enum verdict_side side;
};

static const struct row rows[] = {
#define X(code, side) {{#code, sizeof(#code) - 1}, VERDICT_SIDE_##side},
    VERDICT_MAP(X)
#undef X
};

_Static_assert(ARRAY_SIZE(rows) == VERDICT_COUNT, "a row for each");

struct slice verdict_name(enum verdict verdict)
{
    return rows[verdict].name;
}

enum verdict_side verdict_side(enum verdict verdict)
{
    return rows[verdict].side;
}

bool verdict_find(struct slice name, enum verdict *ret_verdict)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (slice_equal(rows[i].name, name)) {
            *ret_verdict = (enum verdict)i;
            return true;
        }
    }
    return false;
}

enum verdict_side verdicts_side(const struct verdicts *verdicts)
{
    if (verdicts->count == 0)
        return VERDICT_SIDE_UNKNOWN;
    enum verdict_side side = verdict_side(verdicts->items[0]);
    for (uint32_t i = 1; i < verdicts->count; i++) {
        if (verdict_side(verdicts->items[i]) != side)
            return VERDICT_SIDE_UNKNOWN;
    }
    return side;
}

bool verdicts_ask_control(const struct verdicts *verdicts)
{
    return verdicts->count != 1 || verdicts->items[0] == VERDICT_UNKNOWN;
}
