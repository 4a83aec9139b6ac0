// See surplus.h.
#include "origin/surplus.h"

static bool is_quiet(const struct surplus *surplus, uint64_t now_ns)
{
    return surplus->last_ns == 0 || now_ns > surplus->last_ns + SURPLUS_QUIET_NS;
}

// The clocks of two loops differ a little, so what is noted next may be older.
void surplus_note(struct surplus *surplus, uint64_t now_ns)
{
    if (is_quiet(surplus, now_ns))
        surplus->first_ns = surplus->last_ns = now_ns;
    surplus->last_ns = MAXIMUM(surplus->last_ns, now_ns);
}

bool surplus_is_certain(const struct surplus *surplus, uint64_t now_ns)
{
    return !is_quiet(surplus, now_ns)
        && surplus->last_ns - surplus->first_ns >= SURPLUS_PROOF_NS;
}
