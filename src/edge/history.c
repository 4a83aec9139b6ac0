// Slots in a ring, each with the ten minutes that it counts: one that counts others is taken over.
#include "edge/history.h"
#include "base/memory.h"

#define SLOTS_PER_HOUR (3600000 / HISTORY_SLOT_MS)

void history_table_init(struct history_table *table, unsigned loops)
{
    table->loops = loops;
    lock_init(&table->lock);
    list_init(&table->histories);
}

void history_table_destroy(struct history_table *table)
{
    lock_destroy(&table->lock);
}

static struct history *history_create(struct history_table *table, struct slice name)
{
    struct history *history = memory_zero_alloc(sizeof(*history));
    if (history == NULL)
        return NULL;
    // Rows are aligned to cache lines, which the allocator does not promise.
    history->traffic_memory = memory_zero_alloc((table->loops + 1) * sizeof(*history->traffic));
    if (history->traffic_memory == NULL) {
        memory_free(history);
        return NULL;
    }
    uintptr_t first = ((uintptr_t)history->traffic_memory + 63) & ~(uintptr_t)63;
    history->traffic = (struct traffic_row *)first;
    history->table = table;
    lock_init(&history->lock);
    memcpy(history->name, name.data, MINIMUM(name.size, sizeof(history->name) - 1));
    return history;
}

struct history *history_find(struct history_table *table, struct slice name)
{
    struct history *found = NULL;
    name.size = MINIMUM(name.size, sizeof(found->name) - 1);
    lock_acquire(&table->lock);
    LIST_FOREACH (link, &table->histories) {
        struct history *history = LIST_ENTRY(link, struct history, link);
        if (slice_equal(slice_from_string(history->name), name))
            found = history;
    }
    if (found == NULL && (found = history_create(table, name)) != NULL)
        list_append(&table->histories, &found->link);
    if (found != NULL)
        found->references++;
    lock_release(&table->lock);
    return found;
}

void history_release(struct history *history)
{
    if (history == NULL)
        return;
    struct history_table *table = history->table;
    lock_acquire(&table->lock);
    bool is_last = --history->references == 0;
    if (is_last)
        list_remove(&history->link);
    lock_release(&table->lock);
    if (!is_last)
        return;
    lock_destroy(&history->lock);
    memory_free(history->slots);
    memory_free(history->traffic_memory);
    memory_free(history);
}

void history_count(struct history *history, enum lifeline_id what, int64_t wall_ms)
{
    int64_t number = MAXIMUM(wall_ms, 0) / HISTORY_SLOT_MS;
    lock_acquire(&history->lock);
    if (history->slots == NULL)
        history->slots = memory_zero_alloc(HISTORY_SLOTS * sizeof(*history->slots));
    if (history->slots != NULL) {
        struct history_slot *slot = &history->slots[number % HISTORY_SLOTS];
        if (slot->number != number)
            *slot = (struct history_slot){.number = number};
        slot->counts[what] += slot->counts[what] < UINT32_MAX;
    }
    lock_release(&history->lock);
}

// age: in slots, 0 the one that is not over.
static void history_add_slot(const struct history_slot *slot, int64_t age,
    struct history_view *view)
{
    uint64_t averted = 0, errors = slot->counts[HISTORY_ERRORS];
    for (unsigned i = 0; i < LIFELINE_COUNT; i++) {
        view->day[i] += slot->counts[i];
        averted += i == HISTORY_ERRORS ? 0 : slot->counts[i];
    }
    struct history_hour *hour = &view->hours[HISTORY_HOURS - 1 - age / SLOTS_PER_HOUR];
    hour->averted += averted;
    hour->errors += errors;
    if (age < SLOTS_PER_HOUR) {
        view->hour_averted += averted;
        view->hour_errors += errors;
    }
}

void history_read(struct history *history, int64_t wall_ms, struct history_view *view)
{
    int64_t now = MAXIMUM(wall_ms, 0) / HISTORY_SLOT_MS;
    lock_acquire(&history->lock);
    for (unsigned i = 0; history->slots != NULL && i < HISTORY_SLOTS; i++) {
        const struct history_slot *slot = &history->slots[i];
        int64_t age = now - slot->number;
        if (slot->number != 0 && age >= 0 && age < HISTORY_SLOTS)
            history_add_slot(slot, age, view);
    }
    lock_release(&history->lock);
}

void history_read_all(struct history_table *table, int64_t wall_ms, struct history_view *view)
{
    lock_acquire(&table->lock);
    LIST_FOREACH (link, &table->histories)
        history_read(LIST_ENTRY(link, struct history, link), wall_ms, view);
    lock_release(&table->lock);
}

uint64_t history_day_averted(const struct history_view *view)
{
    uint64_t averted = 0;
    for (unsigned i = 0; i < LIFELINE_COUNT; i++)
        averted += i == HISTORY_ERRORS ? 0 : view->day[i];
    return averted;
}
