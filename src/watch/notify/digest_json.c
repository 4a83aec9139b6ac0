// Items and messages as they lie in the database.
#include "base/memory.h"
#include "watch/notify/digest.h"

#define TEXT_OF(value) (value).data == NULL ? "" : (value).data, (int)(value).size

static json_t *texts_to_json(const struct slice *texts, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < count; i++)
        (void)json_array_append_new(array, json_stringn(texts[i].data, texts[i].size));
    return array;
}

json_t *digest_item_to_json(const struct digest_item *item)
{
    json_t *json = json_pack("{si sb ss# ss# ss# si si si sI sI sI sI so}", "kind",
        (int)item->kind, "opened", (int)item->opened, "id", TEXT_OF(item->id), "title",
        TEXT_OF(item->title), "text", TEXT_OF(item->text), "state", (int)item->state, "impact",
        (int)item->impact, "window", (int)item->window_state, "begin",
        (json_int_t)item->begin_ms, "end", (json_int_t)item->end_ms, "eta",
        (json_int_t)item->eta_ms, "at", (json_int_t)item->at_ms, "components",
        texts_to_json(item->components, item->component_count));
    if (json != NULL && item->is_own_title)
        (void)json_object_set_new(json, "own_title", json_true());
    if (json != NULL && item->is_own_text)
        (void)json_object_set_new(json, "own_text", json_true());
    if (json != NULL && item->reason.kind != REASON_NONE) {
        (void)json_object_set_new(json, "reason", json_string(reason_word(item->reason.kind)));
        (void)json_object_set_new(json, "number", json_integer(item->reason.number));
    }
    if (json != NULL && item->component_ids != NULL)
        (void)json_object_set_new(json, "component_ids",
            texts_to_json(item->component_ids, item->component_count));
    return json;
}

static struct slice text_from_json(const json_t *json)
{
    return slice_of(json_string_value(json), json_string_length(json));
}

static size_t texts_from_json(const json_t *array, struct slice *texts)
{
    size_t count = MINIMUM(json_array_size(array), DIGEST_COMPONENTS_MAX);
    for (size_t i = 0; i < count; i++)
        texts[i] = text_from_json(json_array_get(array, i));
    return count;
}

// Earlier versions did not write them.
static void own_from_json(const json_t *json, struct notice *notice)
{
    const json_t *reason = json_object_get(json, "reason");
    notice->is_own_title = json_is_true(json_object_get(json, "own_title"));
    notice->is_own_text = json_is_true(json_object_get(json, "own_text"));
    if (json_is_string(reason) && reason_find(text_from_json(reason), &notice->reason.kind))
        notice->reason.number =
            (uint32_t)json_integer_value(json_object_get(json, "number"));
}

// Views of the JSON.
static bool notice_from_json(const json_t *json, struct notice *notice, struct slice *titles,
    struct slice *ids)
{
    int kind, opened, state, impact, window;
    json_int_t begin_ms, end_ms, eta_ms, at_ms;
    const json_t *id, *title, *text, *components;
    const json_t *component_ids = json_object_get(json, "component_ids");
    if (json_unpack((json_t *)(uintptr_t)json, "{si sb so so so si si si sI sI sI sI so}", "kind",
            &kind, "opened", &opened, "id", &id, "title", &title, "text", &text, "state", &state,
            "impact", &impact, "window", &window, "begin", &begin_ms, "end", &end_ms, "eta",
            &eta_ms, "at", &at_ms, "components", &components) != 0)
        return false;
    if (kind < 0 || kind > NOTICE_WINDOW || state < 0 || state > INCIDENT_RESOLVED || impact < 0
        || impact > IMPACT_CRITICAL || window < 0 || window > WINDOW_COMPLETED)
        return false;
    *notice = (struct notice){.kind = (enum notice_kind)kind, .id = text_from_json(id),
        .title = text_from_json(title), .text = text_from_json(text),
        .state = (enum incident_state)state, .impact = (enum incident_impact)impact,
        .window_state = (enum window_state)window, .begin_ms = begin_ms, .end_ms = end_ms,
        .eta_ms = eta_ms, .at_ms = at_ms, .is_update = opened == 0, .components = titles};
    own_from_json(json, notice);
    notice->component_count = texts_from_json(components, titles);
    if (texts_from_json(component_ids, ids) == notice->component_count
        && notice->component_count > 0)
        notice->component_ids = ids;
    return true;
}

enum error digest_add_json(struct digest *digest, const json_t *json, uint64_t sequence)
{
    struct slice titles[DIGEST_COMPONENTS_MAX], ids[DIGEST_COMPONENTS_MAX];
    const struct digest_item *item;
    struct notice notice;
    uint64_t replaced;
    if (!notice_from_json(json, &notice, titles, ids))
        return ERROR_INVALID;
    (void)digest_add(digest, &notice, sequence, &replaced, &item);
    return ERROR_NONE;
}

json_t *digest_message_to_json(const struct digest_message *message)
{
    json_t *items = json_array();
    LIST_FOREACH(link, &message->items)
        (void)json_array_append_new(items,
            digest_item_to_json(LIST_ENTRY(link, struct digest_item, link)));
    return json_pack("{sI sI so}", "at", (json_int_t)message->at_ms, "omitted",
        (json_int_t)message->omitted, "items", items);
}

// By a digest that takes everything; their order is kept.
static bool gather(struct digest *digest, const json_t *items)
{
    if (json_array_size(items) == 0 || json_array_size(items) > DIGEST_ITEMS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (digest_add_json(digest, json_array_get(items, i), i + 1) != ERROR_NONE)
            return false;
    }
    return digest->item_count > 0;
}

struct digest_message *digest_message_from_json(const json_t *json)
{
    const json_t *items = json_object_get(json, "items");
    struct digest_message *message = memory_zero_alloc(sizeof(*message));
    struct digest *digest = memory_alloc(sizeof(*digest));
    if (message != NULL && digest != NULL) {
        digest_init(digest, 1);
        list_init(&message->items);
        bool is_whole = gather(digest, items);
        message->at_ms = json_integer_value(json_object_get(json, "at"));
        message->omitted = (uint64_t)json_integer_value(json_object_get(json, "omitted"));
        message->item_count = digest->item_count;
        list_move_all(&message->items, &digest->items);
        if (is_whole) {
            memory_free(digest);
            return message;
        }
        digest_message_free(message);
        message = NULL;
    }
    memory_free(digest);
    memory_free(message);
    return NULL;
}
