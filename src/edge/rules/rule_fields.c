// What rules change of messages: targets and hosts towards the origin, fields both ways.
#include "edge/delivery.h"
#include "edge/rules/rule_serve.h"
#include "edge/rules/rule_values.h"

// --- Fields ---

static bool is_named(struct slice name, const struct rule_headers *headers)
{
    const struct slice *removed = headers->remove.items;
    for (size_t i = 0; i < headers->remove.count; i++) {
        if (slice_equal_nocase(removed[i], name))
            return true;
    }
    for (size_t i = 0; i < headers->set_count; i++) {
        if (slice_equal_nocase(headers->writes[i].name, name))
            return true;
    }
    return false;
}

// One rule's changes. data NULL: the arena is full.
static struct slice change_fields(struct slice fields, const struct rule_headers *headers,
    const struct rule_values *values, struct arena *arena)
{
    size_t size = fields.size + 1;
    for (size_t i = 0; i < headers->write_count; i++)
        size += headers->writes[i].name.size + 4
            + rule_values_size(&headers->writes[i].value, values);
    char *buffer = arena_alloc(arena, size);
    if (buffer == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(buffer, size);
    while (fields.size > 0) {
        struct slice line = slice_cut(&fields, '\n'), name = line;
        if (!is_named(slice_cut(&name, ':'), headers))
            text_append(&text, slice_of(line.data, line.size + 1));
    }
    for (size_t i = 0; i < headers->write_count; i++) {
        text_append(&text, headers->writes[i].name);
        text_append(&text, SLICE(": "));
        rule_template_append(&text, &headers->writes[i].value, values);
        text_append(&text, SLICE("\r\n"));
    }
    return text_slice(&text);
}

static struct slice change_by_rules(const struct request *request, struct arena *arena,
    struct slice fields, bool towards_origin)
{
    const struct rule_effect *effect = request->rule;
    struct rule_values values = {0};
    bool has_values = false; // found out once somebody asks for one
    for (size_t i = 0; fields.data != NULL && i < effect->rules->count; i++) {
        const struct rule *rule = &effect->rules->items[i];
        const struct rule_headers *headers = towards_origin ? &rule->request : &rule->response;
        if (!rule_set_has(&effect->fitting, i)
            || headers->write_count + headers->remove.count == 0)
            continue;
        if (headers->has_variables && !has_values && !rule_values_of(request, arena, &values))
            return SLICE_EMPTY;
        has_values = has_values || headers->has_variables;
        fields = change_fields(fields, headers, &values, arena);
    }
    return fields;
}

struct slice rule_request_fields(struct request *request, struct arena *arena, struct slice fields)
{
    if (request->rule == NULL || !request->rule->has_request_headers)
        return fields;
    return change_by_rules(request, arena, fields, true);
}

// The lifetime in browsers counts from now: what the Age beside it takes off is added before.
static struct slice change_browser_lifetime(struct request *request, const struct object *object,
    struct slice fields)
{
    static const struct slice replaced[] = {
        {"Cache-Control", 13}, {"Expires", 7}, {"Pragma", 6}};
    uint64_t lifetime_ms = request->rule->cache.browser_ms;
    unsigned long long seconds = lifetime_ms / 1000
        + object_age_ms(object, request->thread->loop->now_ns) / 1000;
    struct slice line = lifetime_ms < 1000 ? SLICE("no-cache")
        : arena_printf(&request->arena, "max-age=%llu", seconds);
    struct rule_part part = {RULE_VARIABLE_NONE, line};
    struct rule_header header = {replaced[0], {&part, 1}};
    struct rule_headers headers = {.writes = &header, .write_count = 1, .set_count = 1,
        .remove = {(void *)(uintptr_t)replaced, ARRAY_SIZE(replaced)}};
    struct rule_values none = {0};
    return line.data == NULL ? SLICE_EMPTY
        : change_fields(fields, &headers, &none, &request->arena);
}

struct slice rule_response_fields(struct request *request, const struct object *object,
    struct slice fields)
{
    if (request->rule == NULL)
        return fields;
    if (object != NULL && object->storable && object->status < 400
        && request->rule->cache.browser_ms != SETTING_ABSENT)
        fields = change_browser_lifetime(request, object, fields);
    if (request->rule->has_response_headers && fields.data != NULL)
        fields = change_by_rules(request, &request->arena, fields, false);
    return fields;
}

// What the rules neither take out nor put in the place of what was there.
static struct slice leave_out(struct request *request, struct slice fields, bool towards_origin)
{
    const struct rule_effect *effect = request->rule;
    struct rule_values none = {0};
    for (size_t i = 0; fields.data != NULL && i < effect->rules->count; i++) {
        const struct rule *rule = &effect->rules->items[i];
        struct rule_headers headers = towards_origin ? rule->request : rule->response;
        headers.write_count = 0; // they are in the head
        if (rule_set_has(&effect->fitting, i))
            fields = change_fields(fields, &headers, &none, &request->arena);
    }
    // What a rule takes out must not be seen for lack of memory either.
    return fields.data == NULL ? SLICE("") : fields;
}

struct slice rule_leader_fields(struct request *request, struct slice fields)
{
    const struct rule_effect *effect = request->rule;
    return fields.size == 0 || effect == NULL || !effect->has_response_headers ? fields
        : leave_out(request, fields, false);
}

struct slice rule_request_trailer(struct request *request, struct slice fields)
{
    const struct rule_effect *effect = request->rule;
    return fields.size == 0 || effect == NULL || !effect->has_request_headers ? fields
        : leave_out(request, fields, true);
}

// --- Towards the origin ---

static size_t prefix_to_strip(const struct rule_effect *effect)
{
    struct slice path = effect->path.normal, prefix = effect->strip_prefix;
    bool begins = prefix.size > 0 && slice_starts_with(path, prefix)
        && (path.size == prefix.size || path.data[prefix.size] == '/');
    return begins ? prefix.size : 0;
}

struct slice rule_target(const struct request *request, struct arena *arena)
{
    const struct http_request_head *head = &request->head;
    const struct rule_effect *effect = request->rule;
    struct slice path = head->path, add = SLICE("");
    if (effect != NULL && path.size > 0 && path.data[0] == '/') {
        size_t stripped = prefix_to_strip(effect);
        add = effect->add_prefix;
        if (stripped > 0)
            path = rule_path_after(&effect->path, path, stripped, arena);
        if (path.data == NULL)
            return SLICE_EMPTY;
    }
    bool rooted = path.size > 0 && (path.data[0] == '/' || path.data[0] == '*');
    return arena_printf(arena, "%.*s%s%.*s%s%.*s", SLICE_ARGS(add), rooted ? "" : "/",
        SLICE_ARGS(path), head->query.data == NULL ? "" : "?", SLICE_ARGS(head->query));
}

struct slice rule_host(const struct request *request)
{
    return request->rule != NULL && request->rule->host.size > 0 ? request->rule->host
                                                                 : request->head.authority;
}

uint64_t rule_content_limit(const struct request *request)
{
    return request->rule == NULL ? UINT64_MAX : request->rule->content;
}

uint64_t rule_response_limit(const struct request *request)
{
    return request->rule == NULL ? UINT64_MAX : request->rule->response;
}

const struct judge_policy *rule_policy(const struct request *request, struct arena *arena)
{
    const struct judge_policy *site = &request_site(request)->cache;
    struct judge_policy *policy;
    struct judge_override *override;
    if (request->rule == NULL)
        return site;
    const struct rule_cache_settings *cache = &request->rule->cache;
    policy = arena_alloc(arena, sizeof(*policy));
    override = arena_alloc(arena, sizeof(*override));
    if (policy == NULL || override == NULL)
        return NULL;
    *override = (struct judge_override){
        .fresh_ms = cache->fresh_ms,
        .fresh_minimum_ms = cache->fresh_minimum_ms,
        .fresh_maximum_ms = cache->fresh_maximum_ms,
        .while_revalidate_ms = cache->while_revalidate_ms,
        .store_despite = cache->store_despite,
    };
    *policy = *site;
    policy->override = override;
    policy->stale_despite |= cache->stale_despite;
    if (cache->keep_ms != SETTING_ABSENT)
        policy->keep_ms = cache->keep_ms;
    return policy;
}
