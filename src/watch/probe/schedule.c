// A binary heap whose items know their places.
#include "watch/probe/schedule.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "base/random.h"

void due_heap_free(struct due_heap *heap)
{
    memory_free(heap->items);
    *heap = (struct due_heap){0};
}

enum error due_heap_reserve(struct due_heap *heap, size_t capacity)
{
    if (capacity <= heap->capacity)
        return ERROR_NONE;
    struct due **items = memory_resize(heap->items, capacity * sizeof(struct due *));
    if (items == NULL)
        return ERROR_MEMORY;
    heap->items = items;
    heap->capacity = capacity;
    return ERROR_NONE;
}

static void set(struct due_heap *heap, size_t place, struct due *due)
{
    heap->items[place - 1] = due;
    due->place = place;
}

static void rise(struct due_heap *heap, struct due *due)
{
    size_t place = due->place;
    while (place > 1 && heap->items[place / 2 - 1]->at_ms > due->at_ms) {
        set(heap, place, heap->items[place / 2 - 1]);
        place /= 2;
    }
    set(heap, place, due);
}

static void sink(struct due_heap *heap, struct due *due)
{
    size_t place = due->place;
    for (;;) {
        size_t child = 2 * place;
        if (child > heap->count)
            break;
        if (child < heap->count && heap->items[child]->at_ms < heap->items[child - 1]->at_ms)
            child++;
        if (heap->items[child - 1]->at_ms >= due->at_ms)
            break;
        set(heap, place, heap->items[child - 1]);
        place = child;
    }
    set(heap, place, due);
}

void due_heap_put(struct due_heap *heap, struct due *due, uint64_t at_ms)
{
    due->at_ms = at_ms;
    if (due->place == 0) {
        invariant(heap->count < heap->capacity);
        set(heap, ++heap->count, due);
    }
    rise(heap, due);
    sink(heap, due);
}

void due_heap_remove(struct due_heap *heap, struct due *due)
{
    if (due->place == 0)
        return;
    struct due *last = heap->items[--heap->count];
    size_t place = due->place;
    due->place = 0;
    if (last == due)
        return;
    set(heap, place, last);
    rise(heap, last);
    sink(heap, last);
}

struct due *due_heap_first(const struct due_heap *heap)
{
    return heap->count == 0 ? NULL : heap->items[0];
}

enum error schedule_create(struct schedule *schedule, struct schedule_entry *const *entries,
    size_t count, uint64_t now_ms, uint64_t seed)
{
    struct random random;
    *schedule = (struct schedule){0};
    enum error error = due_heap_reserve(&schedule->heap, count);
    if (error != ERROR_NONE)
        return error;
    random_seed(&random, seed);
    for (size_t i = 0; i < count; i++) {
        struct schedule_entry *entry = entries[i];
        invariant(entry->interval_ms > 0);
        entry->grid_ms = now_ms + random_below(&random, entry->interval_ms);
        due_heap_put(&schedule->heap, &entry->due, entry->grid_ms);
    }
    return ERROR_NONE;
}

void schedule_destroy(struct schedule *schedule)
{
    due_heap_free(&schedule->heap);
}

// On to the first time of the grid that is still to come.
static void move_on(struct schedule *schedule, struct schedule_entry *entry, uint64_t now_ms)
{
    if (entry->grid_ms <= now_ms) {
        uint64_t passed = (now_ms - entry->grid_ms) / entry->interval_ms + 1;
        entry->grid_ms += passed * entry->interval_ms;
        entry->skipped += passed - 1;
    }
    due_heap_put(&schedule->heap, &entry->due, entry->grid_ms);
}

struct schedule_entry *schedule_take(struct schedule *schedule, uint64_t now_ms)
{
    struct due *due;
    while ((due = due_heap_first(&schedule->heap)) != NULL && due->at_ms <= now_ms) {
        struct schedule_entry *entry = CONTAINER_OF(due, struct schedule_entry, due);
        bool is_free = !entry->is_under_way;
        if (is_free)
            schedule->latest_ms = MAXIMUM(schedule->latest_ms, now_ms - due->at_ms);
        else
            entry->skipped++;
        move_on(schedule, entry, now_ms);
        if (!is_free)
            continue;
        entry->is_under_way = true;
        return entry;
    }
    return NULL;
}

void schedule_finish(struct schedule_entry *entry)
{
    entry->is_under_way = false;
}

void schedule_hasten(struct schedule *schedule, struct schedule_entry *entry, uint64_t at_ms)
{
    if (at_ms < entry->due.at_ms)
        due_heap_put(&schedule->heap, &entry->due, at_ms);
}

uint64_t schedule_next_ms(const struct schedule *schedule)
{
    const struct due *due = due_heap_first(&schedule->heap);
    return due == NULL ? UINT64_MAX : due->at_ms;
}
