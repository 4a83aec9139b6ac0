// The timer wheel: levels of 64 slots, each level 64 times coarser than the one below. A timer
// stands on the level of the highest group of bits in which its tick differs from the wheel's, so
// all of a level comes before all of the next, and a level's bitmap names its earliest slot.
#include "base/invariant.h"
#include "io/inside.h"

#define SLOT_BITS 6
#define SLOT_MASK (TIMER_WHEEL_SLOTS - 1)

_Static_assert(TIMER_WHEEL_SLOTS == 1 << SLOT_BITS, "slots are indexed by whole bits");

static uint64_t tick_of(uint64_t due_ns)
{
    return due_ns / NS_PER_MS + (due_ns % NS_PER_MS != 0);
}

static void place(struct timer_wheel *wheel, struct timer *timer)
{
    uint64_t due = tick_of(timer->due_ns);
    if (due <= wheel->tick) {
        list_append(&wheel->overdue, &timer->link);
        return;
    }
    unsigned level = (unsigned)(63 - __builtin_clzll(due ^ wheel->tick)) / SLOT_BITS;
    if (level >= TIMER_WHEEL_LEVELS) {
        list_append(&wheel->far, &timer->link);
        return;
    }
    unsigned slot = due >> (level * SLOT_BITS) & SLOT_MASK;
    list_append(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

// An empty list around the removed link can only be a slot's head, or none of the wheel's slots.
static void clear_if_empty(struct timer_wheel *wheel, const struct list *head)
{
    if (!list_is_empty(head) || head < &wheel->slots[0][0] ||
        head > &wheel->slots[TIMER_WHEEL_LEVELS - 1][SLOT_MASK])
        return;
    size_t index = (size_t)(head - &wheel->slots[0][0]);
    wheel->occupied[index / TIMER_WHEEL_SLOTS] &= ~(UINT64_C(1) << (index % TIMER_WHEEL_SLOTS));
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    list_init(&timer->link);
    timer->due_ns = NEVER_NS;
    timer->fire = fire;
}

bool timer_is_armed(const struct timer *timer)
{
    return !list_is_empty(&timer->link);
}

void timer_start(struct loop *loop, struct timer *timer, uint64_t due_ns)
{
    timer_stop(loop, timer);
    timer->due_ns = due_ns;
    if (due_ns == NEVER_NS)
        return;
    place(&loop->wheel, timer);
    loop->wheel.armed++;
}

void timer_stop(struct loop *loop, struct timer *timer)
{
    if (!timer_is_armed(timer))
        return;
    const struct list *before = timer->link.previous;
    list_remove(&timer->link);
    clear_if_empty(&loop->wheel, before);
    loop->wheel.armed--;
}

void timer_wheel_init(struct timer_wheel *wheel)
{
    *wheel = (struct timer_wheel){0};
    for (unsigned level = 0; level < TIMER_WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < TIMER_WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    list_init(&wheel->overdue);
    list_init(&wheel->far);
}

// The next tick at which a slot must be opened, and which; level TIMER_WHEEL_LEVELS means far.
static uint64_t next_tick(const struct timer_wheel *wheel, unsigned *ret_level)
{
    for (unsigned level = 0; level < TIMER_WHEEL_LEVELS; level++)
        if (wheel->occupied[level] != 0) {
            unsigned shift = level * SLOT_BITS;
            uint64_t slot = (uint64_t)__builtin_ctzll(wheel->occupied[level]);
            *ret_level = level;
            return (wheel->tick >> shift >> SLOT_BITS << SLOT_BITS | slot) << shift;
        }
    *ret_level = TIMER_WHEEL_LEVELS;
    if (list_is_empty(&wheel->far))
        return UINT64_MAX;
    unsigned shift = TIMER_WHEEL_LEVELS * SLOT_BITS;
    return ((wheel->tick >> shift) + 1) << shift;
}

uint64_t loop_next_due_ns(const struct loop *loop)
{
    const struct timer_wheel *wheel = &loop->wheel;
    if (!list_is_empty(&wheel->overdue))
        return 0;
    unsigned level;
    uint64_t tick = next_tick(wheel, &level);
    return tick == UINT64_MAX ? NEVER_NS : tick * NS_PER_MS;
}

// Moves the wheel to the tick of its next slot and the slot's timers to finer slots or overdue.
static void open_slot(struct timer_wheel *wheel, uint64_t tick, unsigned level)
{
    struct list opened;
    list_init(&opened);
    wheel->tick = tick;
    if (level < TIMER_WHEEL_LEVELS) {
        unsigned slot = tick >> (level * SLOT_BITS) & SLOT_MASK;
        list_move_all(&opened, &wheel->slots[level][slot]);
        wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    } else {
        list_move_all(&opened, &wheel->far);
    }
    while (!list_is_empty(&opened)) {
        struct list *link = opened.next;
        list_remove(link);
        place(wheel, LIST_ENTRY(link, struct timer, link));
    }
}

bool timer_wheel_run(struct loop *loop)
{
    struct timer_wheel *wheel = &loop->wheel;
    uint64_t target = loop->now_ns / NS_PER_MS;
    if (wheel->armed == 0) {
        wheel->tick = MAXIMUM(wheel->tick, target);
        return false;
    }
    unsigned level;
    uint64_t tick;
    while ((tick = next_tick(wheel, &level)) <= target)
        open_slot(wheel, tick, level);
    wheel->tick = MAXIMUM(wheel->tick, target);

    // What is started meanwhile and already due waits for the next run, or one that restarts
    // itself could keep the loop here for ever.
    struct list due;
    list_init(&due);
    list_move_all(&due, &wheel->overdue);
    bool any = !list_is_empty(&due);
    while (!list_is_empty(&due)) {
        struct timer *timer = LIST_ENTRY(due.next, struct timer, link);
        list_remove(&timer->link);
        wheel->armed--;
        timer->fire(timer);
    }
    return any;
}
