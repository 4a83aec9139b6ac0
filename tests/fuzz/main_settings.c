// Any bytes as the settings of the program, real tables and reviews included: a verdict that fits
// the mistakes, each of them in order and with its place, and settings that are whole when good.
// The first byte decides whether an allocation fails on the way.
#include "base/invariant.h"
#include "base/memory.h"
#include "main/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_messages(const struct conf_mistake *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct conf_mistake *item = &items[i], *before = i == 0 ? item : item - 1;
        invariant(item->line > 0 && item->column > 0 && item->message.size > 0);
        invariant(before->line < item->line
            || (before->line == item->line && before->column <= item->column));
        for (size_t at = 0; at < item->message.size; at++)
            invariant((unsigned char)item->message.data[at] >= ' '); // else it reaches a terminal
    }
}

static void check_settings(struct settings *settings, struct arena *arena)
{
    invariant(settings_complete(settings, arena) == ERROR_NONE);
    invariant(settings->edge.sites.count > 0 && settings->edge.origins.count > 0);
    const struct site_settings *sites = settings->edge.sites.items;
    const struct origin_settings *origins = settings->edge.origins.items;
    for (size_t i = 0; i < settings->edge.sites.count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < settings->edge.origins.count; k++)
            is_known = is_known || slice_equal(origins[k].name, sites[i].origin);
        invariant(is_known);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conf_mistakes mistakes;
    struct arena arena;
    struct settings settings;
    if (size == 0)
        return 0;
    arena_init(&arena, 1024, (size_t)64 << 20);
    memory_fail_after(data[0] < 128 ? 0 : data[0] - 127);
    enum error error = conf_load_text(slice_of((const char *)data + 1, size - 1), &settings_root,
        &arena, &settings, &mistakes);
    memory_fail_after(0);
    invariant(error == ERROR_NONE || error == ERROR_MEMORY || error == ERROR_INVALID);
    if (error != ERROR_MEMORY)
        invariant((error == ERROR_INVALID) == (mistakes.count > 0));
    check_messages(mistakes.items, mistakes.count);
    check_messages(mistakes.warnings, mistakes.warning_count);
    if (error == ERROR_NONE)
        check_settings(&settings, &arena);
    arena_free(&arena);
    return 0;
}
