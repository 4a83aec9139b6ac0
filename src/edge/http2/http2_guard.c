// The two budgets of a connection.
#include "edge/http2/http2_guard.h"

#define UNIT 1000000
#define REFILL_SECONDS UINT64_C(10)

void http2_guard_init(struct http2_guard *guard, uint64_t resets, uint64_t glitches,
    uint64_t now_ns)
{
    *guard = (struct http2_guard){
        .resets_full = resets * UNIT,
        .glitches_full = glitches * UNIT,
        .resets = resets * UNIT,
        .glitches = glitches * UNIT,
        .refilled_ns = now_ns,
    };
}

static void refill(uint64_t *budget, uint64_t full, uint64_t elapsed_us)
{
    uint64_t gained = full / UNIT * MINIMUM(elapsed_us, REFILL_SECONDS * UNIT)
        / REFILL_SECONDS;
    *budget = MINIMUM(full, *budget + gained);
}

void http2_guard_charge(struct http2_guard *guard, enum http2_glitch glitch, uint64_t now_ns)
{
    uint64_t *budget = glitch == HTTP2_GLITCH_RESET ? &guard->resets : &guard->glitches;
    uint64_t elapsed_us = (now_ns - guard->refilled_ns) / 1000;
    if (elapsed_us > 0) {
        refill(&guard->resets, guard->resets_full, elapsed_us);
        refill(&guard->glitches, guard->glitches_full, elapsed_us);
        guard->refilled_ns = now_ns;
    }
    if (*budget < UNIT)
        http2_guard_trip(guard, glitch);
    else
        *budget -= UNIT;
}

void http2_guard_trip(struct http2_guard *guard, enum http2_glitch glitch)
{
    if (guard->spent == HTTP2_GLITCH_NONE)
        guard->spent = glitch;
}

void http2_guard_allow(struct http2_guard *guard, unsigned frames)
{
    guard->glitches = MINIMUM(guard->glitches_full, guard->glitches + (uint64_t)frames * UNIT);
}

enum ledger_count http2_guard_counter(enum http2_glitch glitch)
{
    switch (glitch) {
    case HTTP2_GLITCH_NONE:
        break;
#define X(name, counter)                                                                           \
    case HTTP2_GLITCH_##name:                                                                      \
        return counter;
        HTTP2_GLITCH_MAP(X)
#undef X
    }
    return LEDGER_HTTP2_ERRORS;
}
