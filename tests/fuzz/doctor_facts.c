// A vantage's answer: whatever it is, what was taken of it is bounded, and the same once more after
// it was written and read again.
#include "base/invariant.h"
#include "doctor/facts_json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bounds(const struct facts *facts)
{
    invariant(facts->attempt_count <= FACTS_ADDRESSES_MAX);
    invariant(facts->vantage_count <= FACTS_VANTAGES_MAX);
    for (int i = 0; i < RESOLVER_COUNT; i++) {
        invariant(facts->names[i].count <= FACTS_ADDRESSES_MAX);
        invariant(facts->names[i].outcome <= NAME_UNREACHABLE);
    }
    for (int i = 0; i < PROFILE_COUNT; i++) {
        const struct answer_facts *answer = &facts->answers[i];
        invariant(answer->says.count <= VERDICTS_MAX && answer->outcome <= ANSWER_PROXY);
        invariant(answer->title.size <= FACTS_JSON_TEXT_MAX && text_is_utf8(answer->title));
        invariant(answer->address.any.sa_family != AF_UNIX);
    }
    for (unsigned i = 0; i < facts->vantage_count; i++) {
        invariant(facts->vantages[i].verdict < VERDICT_COUNT);
        if (facts->vantages[i].facts != NULL)
            check_bounds(facts->vantages[i].facts);
    }
}

static char *written(const struct facts *facts)
{
    json_t *json = facts_to_json(facts);
    invariant(json != NULL);
    char *text = json_dumps(json, JSON_COMPACT);
    invariant(text != NULL);
    json_decref(json);
    return text;
}

static bool read_facts(const char *text, size_t size, struct arena *arena, struct facts *facts)
{
    json_t *json = json_loadb(text, size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    bool is_read = json != NULL && facts_from_json(json, arena, facts) == ERROR_NONE;
    json_decref(json);
    return is_read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct facts facts;
    arena_init(&arena, 65536, (size_t)8 << 20);
    if (read_facts((const char *)data, size, &arena, &facts)) {
        check_bounds(&facts);
        char *once = written(&facts);
        invariant(read_facts(once, strlen(once), &arena, &facts));
        char *twice = written(&facts);
        invariant(strcmp(once, twice) == 0);
        free(once);
        free(twice);
    }
    arena_free(&arena);
    return 0;
}
