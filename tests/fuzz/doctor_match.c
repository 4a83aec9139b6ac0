// Any answer against the compiled-in table: the same row twice, what it captured lies within the
// answer, no expression of ours has to be stopped, and no error is without a row.
#include "../unit/doctor/fixture.h"

#include "doctor/cache_status.h"
#include "doctor/proxy_status.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena tables, looks;
static struct signature_table *table;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct conf_mistakes mistakes;
    (void)argc;
    (void)argv;
    arena_init(&tables, 65536, (size_t)16 << 20);
    arena_init(&looks, 65536, (size_t)2 << 20);
    invariant(signature_load(signature_builtin(), &tables, &mistakes, &table) == ERROR_NONE);
    return 0;
}

static bool is_within(struct slice outer, struct slice inner)
{
    if (inner.size == 0 || outer.size == 0)
        return inner.size == 0;
    return inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size;
}

static bool is_within_answer(const struct signature_answer *answer, struct slice captured)
{
    bool within = is_within(answer->body, captured);
    for (uint32_t i = 0; i < answer->fields->count && !within; i++)
        within = is_within(answer->fields->items[i].value, captured);
    return within;
}

static void check_match(const struct signature_answer *answer)
{
    struct signature_match match, again;
    enum error error = signature_match(table, answer, &looks, &match);
    arena_reset(&looks);
    invariant(signature_match(table, answer, &looks, &again) == error);
    arena_reset(&looks);
    if (error == ERROR_NOT_FOUND) {
        invariant(answer->status < 500 || answer->status > 599);
        return;
    }
    invariant(error == ERROR_NONE && slice_equal(match.id, again.id));
    invariant(match.verdicts.count >= 1 && match.verdicts.count <= VERDICTS_MAX);
    invariant(match.stopped == 0 && match.captured.size <= SIGNATURE_CAPTURED_MAX);
    invariant(is_within_answer(answer, match.captured));
}

// Fields of those names may hold anything, too.
static void check_status_fields(const struct signature_answer *answer)
{
    struct proxy_status proxy;
    struct cache_status cache;
    for (uint32_t i = 0; i < answer->fields->count; i++) {
        struct slice value = answer->fields->items[i].value;
        if (proxy_status_read(value, &looks, &proxy) == ERROR_NONE) {
            invariant(proxy.verdicts.count <= VERDICTS_MAX);
            invariant(proxy.verdicts.count == 0 || proxy.error.size > 0);
            invariant(proxy.received_status == 0
                || (proxy.received_status >= 100 && proxy.received_status <= 599));
        }
        if (cache_status_read(value, answer->status, &looks, &cache) == ERROR_NONE)
            invariant(!cache.is_cached_error || (cache.is_hit && answer->status >= 500));
        arena_reset(&looks);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fixture fixture;
    char *copy = malloc(size + (size == 0)); // exact, for the sanitizer
    invariant(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    if (fixture_parse(&fixture, slice_of(copy, size))) {
        check_match(&fixture.answer);
        check_status_fields(&fixture.answer);
    }
    free(copy);
    return 0;
}
