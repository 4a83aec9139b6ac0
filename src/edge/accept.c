// Request directives against one copy.
#include "edge/accept.h"

#define REVALIDATE_AT_MOST_MS 1000 // per object: how often visitors' reloads ask the origin

static uint64_t since_stored_ns(const struct object *object, uint64_t now_ns)
{
    return now_ns > object->stored_ns ? now_ns - object->stored_ns : 0;
}

static bool is_immutable(const struct object *object)
{
    struct slice rest = object_fields(object);
    struct http_field field;
    while (object_next_field(&rest, &field)) {
        if (field.known == HTTP_NAME_CACHE_CONTROL
            && http_list_has_token(field.value, SLICE("immutable")))
            return true;
    }
    return false;
}

bool accept_fresh(const struct request *request, const struct object *object)
{
    const struct http_cache_control *control = &request->control;
    uint64_t now_ns = request->thread->loop->now_ns;
    if (!request->has_control
        || since_stored_ns(object, now_ns) < REVALIDATE_AT_MOST_MS * NS_PER_MS)
        return true;
    if (control->no_cache)
        return false;
    int64_t age = (int64_t)(object_age_ms(object, now_ns) / 1000);
    int64_t left = (int64_t)object->lifetime_s - age;
    if (control->min_fresh != HTTP_SECONDS_ABSENT && left < control->min_fresh)
        return false;
    return control->max_age == HTTP_SECONDS_ABSENT || age <= control->max_age
        || is_immutable(object);
}

bool accept_stale(const struct request *request, const struct object *object)
{
    const struct http_cache_control *control = &request->control;
    uint64_t now_ns = request->thread->loop->now_ns;
    if (!request->has_control || control->max_stale == HTTP_SECONDS_ABSENT || control->no_cache
        || control->min_fresh != HTTP_SECONDS_ABSENT || !object_may_go_stale(object, now_ns)
        || atomic_load_explicit(&object->purged, memory_order_relaxed))
        return false;
    uint64_t age_ms = object_age_ms(object, now_ns), lifetime_ms = object_lifetime_ms(object);
    uint64_t stale_ms = age_ms > lifetime_ms ? age_ms - lifetime_ms : 0;
    return control->max_stale == INT64_MAX || stale_ms <= (uint64_t)control->max_stale * 1000;
}
