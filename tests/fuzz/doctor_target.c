// Any text as the URL of a check: what is refused gets a sentence that does nothing to a terminal,
// what is taken is plain ASCII, whole, and comes to the same when it is typed again.
#include "base/invariant.h"
#include "doctor/check.h"
#include "http/authority.h"
#include "http/message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(const struct text *why)
{
    invariant(why->size > 0 && !why->full);
    for (size_t i = 0; i < why->size; i++)
        invariant((unsigned char)why->data[i] >= ' ' && why->data[i] != 0x7F);
}

static void check_target(const struct target *target, struct arena *arena)
{
    char buffer[512];
    struct text why = text_in(buffer, sizeof(buffer));
    struct target again;
    struct address address;
    struct slice path, query;
    struct slice scheme = target->is_secure ? SLICE("https://") : SLICE("http://");
    for (size_t i = 0; i < target->url.size; i++)
        invariant(target->url.data[i] > ' ' && (unsigned char)target->url.data[i] < 0x7F);
    invariant(slice_starts_with(target->url, scheme) && !slice_contains(target->url, '#'));
    invariant(target->host.size > 0 && target->host.size <= 253 && target->port > 0);
    invariant(target->is_literal
        == (address_parse_host(target->host, 0, &address) == ERROR_NONE));
    invariant(slice_contains(target->host, ':') <= target->is_literal);
    invariant(target->path.data[0] == '/' && slice_ends_with(target->url, target->path));
    invariant(http_path_parse(target->path, &path, &query));
    invariant(target_parse(target->url, arena, &why, &again) == ERROR_NONE);
    invariant(slice_equal(again.url, target->url) && slice_equal(again.host, target->host));
    invariant(slice_equal(again.path, target->path) && again.port == target->port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char buffer[512];
    struct text why = text_in(buffer, sizeof(buffer));
    struct target target;
    struct arena arena;
    arena_init(&arena, 4096, CHECK_STEP_MEMORY);
    char *copy = malloc(size + 1); // + 1: malloc(0) may be NULL
    invariant(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    enum error error = target_parse(slice_of(copy, size), &arena, &why, &target);
    free(copy); // the target is the arena's
    invariant(error == ERROR_NONE || error == ERROR_INVALID);
    // What was near the limit may be longer once it is written as %XX.
    if (error == ERROR_INVALID)
        check_refusal(&why);
    else if (target.url.size <= (size_t)8 << 10)
        check_target(&target, &arena);
    arena_free(&arena);
    return 0;
}
