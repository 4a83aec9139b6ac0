// The body of a webhook. docs/status.md describes it for those who receive it.
#include "base/memory.h"
#include "base/units.h"
#include "watch/notify/telling.h"

static json_t *text_json(struct slice text)
{
    return json_stringn(text.data == NULL ? "" : text.data, text.size);
}

static json_t *time_json(int64_t at_ms)
{
    char buffer[32];
    struct text text = text_in(buffer, sizeof(buffer));
    if (at_ms <= 0)
        return json_null();
    units_format_time(&text, at_ms);
    return json_stringn(text.data, text.size);
}

static const char *impact_word(enum incident_impact impact)
{
    switch (impact) {
    case IMPACT_NONE: return "none";
    case IMPACT_MINOR: return "minor";
    case IMPACT_MAJOR: return "major";
    case IMPACT_CRITICAL: break;
    }
    return "critical";
}

static const char *state_word(enum incident_state state)
{
    switch (state) {
    case INCIDENT_INVESTIGATING: return "investigating";
    case INCIDENT_IDENTIFIED: return "identified";
    case INCIDENT_MONITORING: return "monitoring";
    case INCIDENT_RESOLVED: break;
    }
    return "resolved";
}

static const char *window_word(enum window_state state)
{
    switch (state) {
    case WINDOW_SCHEDULED: return "scheduled";
    case WINDOW_IN_PROGRESS: return "in_progress";
    case WINDOW_COMPLETED: break;
    }
    return "completed";
}

static json_t *components_json(const struct digest_item *item)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < item->component_count; i++) {
        json_t *component = json_pack("{so}", "name", text_json(item->components[i]));
        if (component != NULL && item->component_ids != NULL)
            (void)json_object_set_new(component, "id", text_json(item->component_ids[i]));
        (void)json_array_append_new(array, component);
    }
    return array;
}

static json_t *link_json(const struct telling *telling, const struct digest_item *item)
{
    if (telling->base.size == 0)
        return json_null();
    return json_sprintf("%.*sincident/%.*s", SLICE_ARGS(telling->base), SLICE_ARGS(item->id));
}

static json_t *item_json(const struct telling *telling, const struct digest_item *item)
{
    if (item->kind == NOTICE_WINDOW)
        return json_pack("{s{so so so ss so so so so}}", "window", "id", text_json(item->id),
            "title", text_json(item->title), "text", text_json(item->text), "status",
            window_word(item->window_state), "begins_at", time_json(item->begin_ms), "ends_at",
            time_json(item->end_ms), "at", time_json(item->at_ms), "components",
            components_json(item));
    return json_pack("{s{so so so ss ss so so so so so so so}}", "incident", "id",
        text_json(item->id), "title", text_json(item->title), "text", text_json(item->text),
        "status", state_word(item->state), "impact", impact_word(item->impact), "is_new",
        json_boolean(item->opened), "started_at", time_json(item->begin_ms), "resolved_at",
        time_json(item->end_ms), "expected_at", time_json(item->eta_ms), "at",
        time_json(item->at_ms), "components", components_json(item), "url",
        link_json(telling, item));
}

static json_t *body_json(const struct telling *telling, const struct digest_message *message)
{
    const struct digest_item *first = LIST_ENTRY(message->items.next, struct digest_item, link);
    json_t *digest = json_array();
    LIST_FOREACH(link, &message->items)
        (void)json_array_append_new(digest,
            item_json(telling, LIST_ENTRY(link, struct digest_item, link)));
    json_t *body = json_pack("{ss ss so s{so so} so sI}", "id", message->id, "kind",
        first->kind == NOTICE_WINDOW ? "window" : "incident", "at", time_json(message->at_ms),
        "page", "name", text_json(telling->name), "url", text_json(telling->page), "digest",
        digest, "omitted", (json_int_t)message->omitted);
    if (body != NULL && json_object_update(body, json_array_get(digest, 0)) == 0)
        return body;
    json_decref(body);
    return NULL;
}

enum error telling_write_json(const struct telling *telling, const struct digest_message *message,
    char **ret_body, size_t *ret_size)
{
    json_t *json = body_json(telling, message);
    size_t size = json == NULL ? 0 : json_dumpb(json, NULL, 0, JSON_COMPACT);
    char *body = size == 0 ? NULL : memory_alloc(size);
    if (body != NULL)
        (void)json_dumpb(json, body, size, JSON_COMPACT);
    json_decref(json);
    if (body == NULL)
        return ERROR_MEMORY;
    *ret_body = body;
    *ret_size = size;
    return ERROR_NONE;
}
