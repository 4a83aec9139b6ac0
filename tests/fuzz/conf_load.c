// Any bytes as a settings file: no crash, and a verdict that fits its mistakes. The first byte
// decides whether an allocation fails on the way.
#include "base/memory.h"
#include "conf/conf.h"
#include "../unit/conf/tables.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct edge_settings settings;
    struct conf_mistakes mistakes;
    if (size == 0)
        return 0;
    arena_init(&arena, 1024, (size_t)64 << 20);
    memory_fail_after(data[0] < 128 ? 0 : data[0] - 127);
    enum error error = conf_load_text(slice_of((const char *)data + 1, size - 1), &edge_section,
        &arena, &settings, &mistakes);
    memory_fail_after(0);
    if (error == ERROR_INVALID ? mistakes.count == 0 : error != ERROR_NONE && error != ERROR_MEMORY)
        abort();
    if (error == ERROR_NONE
        && (mistakes.count > 0 || settings.threads < 1 || settings.threads > 64))
        abort();
    for (size_t i = 0; i < mistakes.count; i++) {
        for (size_t at = 0; at < mistakes.items[i].message.size; at++) {
            unsigned char byte = (unsigned char)mistakes.items[i].message.data[at];
            if (byte < ' ' && mistakes.items[i].line > 0)
                abort(); // would reach a terminal
        }
    }
    arena_free(&arena);
    return 0;
}
