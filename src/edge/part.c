// Keys, judgement and use of parts.
#include "edge/part.h"
#include "edge/accept.h"

// What follows the URL in a key is behind a NUL: purges by URL find it.
static bool part_key(const struct cache *cache, struct slice whole, struct arena *arena,
    struct cache_key *ret_key)
{
    size_t size = whole.size + sizeof("\0part") - 1;
    char *buffer = arena_alloc(arena, size);
    if (whole.size == 0 || buffer == NULL)
        return false;
    memcpy(buffer, whole.data, whole.size);
    memcpy(buffer + whole.size, "\0part", size - whole.size);
    *ret_key = cache_key_of(cache, slice_of(buffer, size));
    return true;
}

static bool content_range(const struct http_fields *fields, struct part_range *ret_range)
{
    struct part_range range = {0};
    if (http_fields_count(fields, HTTP_NAME_CONTENT_RANGE) != 1
        || !http_content_range_parse(http_fields_value(fields, HTTP_NAME_CONTENT_RANGE),
            &range.first, &range.last, &range.complete)
        || range.complete == UINT64_MAX)
        return false;
    *ret_range = range;
    return true;
}

bool part_may_keep(const struct fetch *fetch, const struct http_response_head *head,
    int64_t asked_ms, struct judgement *ret_judgement)
{
    struct part_range range;
    struct http_response_head whole = *head;
    struct judgement judgement;
    if (head->status != 206 || fetch->head.method != HTTP_METHOD_GET || !fetch->may_keep
        || http_fields_count(&fetch->head.fields, HTTP_NAME_RANGE) != 1
        || !content_range(&head->fields, &range)
        || (head->has_content_length && head->content_length > range.last - range.first + 1))
        return false;
    whole.status = 200; // section 3.3: as if it were an incomplete one
    judge_response(&fetch->head, &whole, fetch->policy, asked_ms,
        fetch->thread->loop->wall_ms, &judgement);
    if (judgement.store != JUDGE_STORE || judgement.lifetime_ms == 0)
        return false;
    judgement.while_revalidate_ms = judgement.stale_ms = 0;
    *ret_judgement = judgement;
    return true;
}

void part_keep(struct fetch *fetch, const struct http_response_head *head,
    const struct judgement *judgement, uint64_t came_ns, struct body *body)
{
    struct cache *cache = fetch->thread->edge->cache;
    struct cache_key key;
    struct part_range range;
    if (!content_range(&head->fields, &range) || body_size(body) == 0
        || body_size(body) > range.last - range.first + 1
        || cache_is_touched_since(cache, &fetch->key, fetch->flight->epoch)
        || !part_key(cache, fetch->key.text, &fetch->arena, &key))
        return;
    struct object *object = object_create(&key, &fetch->head, head, judgement, came_ns,
        fetch->thread->loop->wall_ms, body_reference(body));
    if (object != NULL)
        cache_insert(cache, object, fetch->flight->epoch);
    object_release(object);
}

void part_invalidate(struct cache *cache, struct slice whole, struct arena *arena)
{
    struct cache_key key;
    if (part_key(cache, whole, arena, &key))
        cache_invalidate(cache, &key);
}

bool part_select(const struct object *object, const struct http_request_head *request,
    struct part_range *ret_range)
{
    uint64_t begin, end, complete, first, last;
    struct slice if_range = http_fields_value(&request->fields, HTTP_NAME_IF_RANGE);
    if (!http_content_range_parse(object_field(object, HTTP_NAME_CONTENT_RANGE), &begin, &end,
            &complete)
        || http_range_parse(http_fields_value(&request->fields, HTTP_NAME_RANGE), complete, &first,
            &last) != HTTP_RANGE_ONE
        || first < begin || last - begin >= object_length(object))
        return false;
    if (if_range.data != NULL && !http_etag_equal_strong(if_range, object_etag(object)))
        return false;
    *ret_range = (struct part_range){first - begin, last - begin + 1, first, last, complete};
    return true;
}

// Conditions are judged where the whole is known.
static bool asks_for_a_range(const struct request *request)
{
    static const enum http_name conditions[] = {HTTP_NAME_IF_MATCH, HTTP_NAME_IF_NONE_MATCH,
        HTTP_NAME_IF_MODIFIED_SINCE, HTTP_NAME_IF_UNMODIFIED_SINCE};
    const struct http_fields *fields = &request->head.fields;
    if (http_fields_find(fields, HTTP_NAME_RANGE) == NULL
        || request->head.method != HTTP_METHOD_GET
        || http_fields_count(fields, HTTP_NAME_RANGE) != 1
        || http_fields_count(fields, HTTP_NAME_IF_RANGE) > 1)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
        if (http_fields_find(fields, conditions[i]) != NULL)
            return false;
    }
    return true;
}

struct object *part_look_up(struct request *request)
{
    struct cache *cache = request->thread->edge->cache;
    struct cache_key key;
    struct part_range range;
    if (!request->shareable || !asks_for_a_range(request)
        || !part_key(cache, request->key.text, &request->arena, &key))
        return NULL;
    struct object *object = cache_lookup(cache, &key, &request->head.fields);
    if (object == NULL)
        return NULL;
    if (object_is_fresh(object, request->thread->loop->now_ns) && accept_fresh(request, object)) {
        if (part_select(object, &request->head, &range))
            return object;
        request->lack = LACK_PART;
    }
    object_release(object);
    return NULL;
}

struct slice part_fields(struct request *request, struct slice fields)
{
    char *copy = arena_alloc(&request->arena, fields.size + 1);
    if (copy == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(copy, fields.size);
    while (fields.size > 0) {
        struct slice line = slice_cut(&fields, '\n');
        struct slice name = line;
        if (!slice_equal_nocase(slice_cut(&name, ':'), SLICE("content-range")))
            text_append(&text, slice_of(line.data, line.size + 1));
    }
    return text_slice(&text);
}
