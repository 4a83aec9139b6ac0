// Stub.
#include "watch/incident/window.h"
#include "base/memory.h"

struct windows {
    int nothing;
};

struct windows *windows_create(void)
{
    return memory_zero_alloc(sizeof(struct windows));
}

void windows_destroy(struct windows *windows)
{
    memory_free(windows);
}

enum error windows_add(struct windows *windows, const struct window_draft *draft,
    struct incident_id id, struct text *why)
{
    (void)windows, (void)draft, (void)id, (void)why;
    return ERROR_LIMIT;
}

enum error windows_remove(struct windows *windows, struct slice id)
{
    (void)windows, (void)id;
    return ERROR_NOT_FOUND;
}

size_t windows_view(struct windows *windows, int64_t now_ms, int64_t past_ms, struct arena *arena,
    struct window_view *ret_views, size_t capacity)
{
    (void)windows, (void)now_ms, (void)past_ms, (void)arena, (void)ret_views, (void)capacity;
    return 0;
}

int64_t windows_next_ms(struct windows *windows, int64_t now_ms)
{
    (void)windows, (void)now_ms;
    return INT64_MAX;
}
