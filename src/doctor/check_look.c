// The look from here takes this thread, that of the others one of its own: a check that has no
// other step. Sentences are made here, so that what is shared is small.
#include "doctor/check_look.h"
#include "base/memory.h"
#include "base/thread.h"
#include "doctor/vantage_settings.h"

#define BEYOND_MS 3000 // an answer of another vantage, beyond the time of a look
#define MEMORY ((size_t)8 << 20) // of the facts, while sentences are made of them

struct others {
    struct check_options options;
    const struct target *target;
    struct check *check; // NULL: nobody was asked
    const struct check_result *result;
};

static void read_others(const struct vantage_settings *settings, struct others *others)
{
    const struct vantage_other *items = settings->others.items;
    struct check_options *options = &others->options;
    *options = (struct check_options){.steps = STEP(VANTAGES),
        .timeout_ms = MINIMUM(CHECK_TIMEOUT_MS, settings->timeout_ms + BEYOND_MS)};
    for (size_t i = 0; i < MINIMUM(settings->others.count, FACTS_VANTAGES_MAX); i++) {
        options->vantages[i] = items[i].url;
        if (items[i].key.size > 0)
            options->vantage_keys[i] = items[i].key;
        options->vantage_count++;
    }
}

static void *ask_others(void *argument)
{
    struct others *others = argument;
    if (check_run(&others->options, others->target, NULL, &others->check, &others->result)
        != ERROR_NONE)
        others->check = NULL;
    return NULL;
}

// --- From here ---

static enum error see_from_here(struct observer *observer, const struct target *target,
    struct arena *arena, struct check_page *page)
{
    char *text = NULL;
    size_t size = 0;
    enum error error = observer_may_look(observer, target)
        ? observer_look(observer, target, &text, &size) : ERROR_DENIED;
    if (error == ERROR_DENIED) {
        check_page_see_nothing(page, SLICE("This edge may not connect to that address or port."));
        return ERROR_NONE;
    }
    if (error != ERROR_NONE)
        return error;
    json_t *look = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    error = check_page_see(page, look, arena);
    json_decref(look);
    memory_free(text);
    return error;
}

static void see_from_others(const struct others *others, const struct vantage_settings *settings,
    struct arena *arena, struct check_page *page)
{
    const struct vantage_other *items = settings->others.items;
    for (unsigned i = 0; i < others->options.vantage_count; i++) {
        struct vantage_facts nothing = {0};
        bool is_asked = others->check != NULL && i < others->result->facts.vantage_count;
        struct vantage_facts vantage = is_asked ? others->result->facts.vantages[i] : nothing;
        vantage.name = items[i].name;
        check_page_see_other(page, &vantage, arena);
    }
}

// --- What is shared ---

static json_t *text_of(struct slice text)
{
    char buffer[CHECK_SAYS_SHOWN];
    struct text kept = text_in(buffer, sizeof(buffer));
    text_append_utf8(&kept, text);
    return json_stringn(kept.data, kept.size);
}

static enum error write_places(const struct check_page *page, char **ret_json, size_t *ret_size)
{
    json_t *places = json_array();
    bool is_whole = places != NULL;
    for (unsigned i = 0; i < page->place_count && is_whole; i++) {
        const struct check_place *place = &page->places[i];
        is_whole = json_array_append_new(places, json_pack("{s:o,s:o,s:o,s:i,s:o}",
            "name", text_of(place->name), "says", text_of(place->says),
            "advice", text_of(place->advice), "sight", (int)place->sight,
            "verdict", text_of(verdict_name(place->verdict)))) == 0;
    }
    size_t size = is_whole ? json_dumpb(places, NULL, 0, JSON_COMPACT) : 0;
    char *text = size == 0 ? NULL : memory_alloc(size);
    if (text != NULL) {
        json_dumpb(places, text, size, JSON_COMPACT);
        *ret_json = text;
        *ret_size = size;
    }
    json_decref(places);
    return text == NULL ? ERROR_MEMORY : ERROR_NONE;
}

static struct slice read_text(const json_t *json, const char *name, struct arena *arena)
{
    const json_t *value = json_object_get(json, name);
    return arena_copy(arena, slice_of(json_string_value(value), json_string_length(value)));
}

enum error check_look_read(struct slice look, struct arena *arena, struct check_page *page)
{
    json_t *places = json_loadb(look.data, look.size, JSON_ALLOW_NUL, NULL);
    size_t count = MINIMUM(json_array_size(places), CHECK_PLACES_MAX);
    enum error error = json_is_array(places) ? ERROR_NONE : ERROR_INVALID;
    for (size_t i = 0; i < count; i++) {
        const json_t *json = json_array_get(places, i);
        struct check_place *place = &page->places[page->place_count++];
        *place = (struct check_place){.name = read_text(json, "name", arena),
            .says = read_text(json, "says", arena), .advice = read_text(json, "advice", arena),
            .sight = (enum check_sight)json_integer_value(json_object_get(json, "sight"))};
        if (!verdict_find(read_text(json, "verdict", arena), &place->verdict))
            place->verdict = VERDICT_UNKNOWN;
    }
    json_decref(places);
    return error;
}

enum error check_look(struct observer *observer, const struct vantage_settings *settings,
    const struct target *target, char **ret_json, size_t *ret_size)
{
    struct others others = {.target = target};
    struct check_page page = {0};
    struct arena arena;
    pthread_t thread;
    read_others(settings, &others);
    bool at_once = others.options.vantage_count > 0
        && thread_start(&thread, "check-others", ask_others, &others) == ERROR_NONE;
    arena_init(&arena, 65536, MEMORY);
    enum error error = see_from_here(observer, target, &arena, &page);
    if (at_once)
        pthread_join(thread, NULL);
    if (error == ERROR_NONE) {
        see_from_others(&others, settings, &arena, &page);
        error = write_places(&page, ret_json, ret_size);
    }
    check_free(others.check);
    arena_free(&arena);
    return error;
}
