// Whose turn it is, where requests wait for room at an origin (gate.h). Somebody who waits in front
// of a page goes before what nobody has asked for yet, and before programs that have time.
//
// No class waits for ever: of eight who go in while a lower class waits too, one is of a lower one,
// of these in turn. With one of eight, people wait at the most a seventh longer than they would
// alone, and an origin that serves 10 requests a second still gives a crawler its page every second
// while people queue.
#pragma once

#include "base/base.h"

enum priority {
    PRIORITY_INTERACTIVE, // somebody waits for it
    PRIORITY_BACKGROUND,  // a prefetch, or what says itself that nobody waits
    PRIORITY_BOT,         // a crawler
};
#define PRIORITY_COUNT 3

#define TURN_SHARE 8 // one of so many is for a lower class

// waiting: a bit for each class of which somebody waits, at least one. turns: counts those that
// were contended.
static inline enum priority turn_next(unsigned waiting, uint64_t *turns)
{
    unsigned lower = waiting & (waiting - 1); // without the highest
    if (lower == 0 || ++*turns % TURN_SHARE != 0)
        return (enum priority)__builtin_ctz(waiting);
    bool is_lowest = *turns / TURN_SHARE % 2 == 0;
    return (enum priority)(is_lowest ? 31 - __builtin_clz(lower) : __builtin_ctz(lower));
}
