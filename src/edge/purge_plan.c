// From a request to purges.
#include "edge/purge_plan.h"
#include "base/pattern.h"
#include "cache/tag.h"
#include "edge/purge_settings.h"
#include "http/authority.h"
#include "http/key.h"

static bool scope_covers(const void *context, struct slice url)
{
    const struct purge_scope *scope = context;
    struct http_authority authority;
    if (!http_authority_parse(slice_cut(&url, '/'), &authority))
        return false;
    const struct site *site = generation_find_site(scope->generation, authority.host);
    return scope->site != NULL ? site == scope->site
        : site != NULL && network_list_contains(&site->purge_allow, scope->client);
}

// --- What is asked ---

enum purge_tool purge_tool_of(const struct request *request)
{
    static const struct { struct slice method; enum purge_tool tool; } tools[] = {
        {{"PURGE", 5}, PURGE_TOOL_PURGE}, {{"PURGEKEYS", 9}, PURGE_TOOL_KEYS},
        {{"URIBAN", 6}, PURGE_TOOL_URL}, {{"BAN", 3}, PURGE_TOOL_BAN}};
    if (request->head.method == HTTP_METHOD_GET && request->site != NULL) {
        struct slice path = request_site(request)->purge.path;
        return path.size > 0 && request->head.path.size > path.size
            && slice_starts_with(request->head.path, path)
            && request->head.path.data[path.size] == '/' ? PURGE_TOOL_PATH : PURGE_TOOL_NONE;
    }
    if (request->head.method != HTTP_METHOD_OTHER)
        return PURGE_TOOL_NONE;
    for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
        if (slice_equal(request->head.method_text, tools[i].method))
            return tools[i].tool;
    }
    return PURGE_TOOL_NONE;
}

static bool is_hard(const struct request *request, bool soft_field)
{
    const struct http_fields *fields = &request->head.fields;
    const struct http_field *own = http_fields_find_text(fields, SLICE("afloat-purge")),
        *soft = http_fields_find_text(fields, SLICE("fastly-soft-purge"));
    if (own != NULL)
        return slice_equal_nocase(own->value, SLICE("hard"));
    if (soft_field || (soft != NULL && !slice_equal(soft->value, SLICE("0"))))
        return false;
    return request->site != NULL && request_site(request)->purge.mode == PURGE_MODE_HARD;
}

static struct purge *add_purge(struct purge_plan *plan, enum purge_kind kind, struct slice what,
    bool soft_field)
{
    if (plan->count == PURGES_MAX) {
        plan->status = 400;
        return NULL;
    }
    struct purge *purge = &plan->purges[plan->count++];
    *purge = (struct purge){
        .kind = kind,
        .what = what,
        .hard = is_hard(plan->request, soft_field),
        .covers = scope_covers,
        .context = &plan->scope,
    };
    return purge;
}

// NULL for .*, which is found everywhere, and for what could not be made: then status is set.
static struct pattern *add_pattern(struct purge_plan *plan, struct slice text)
{
    struct pattern *pattern;
    if (slice_equal(text, SLICE(".*")))
        return NULL;
    enum error error = plan->pattern_count == PURGE_PATTERNS_MAX
        ? ERROR_INVALID : pattern_create(text, &pattern);
    if (error != ERROR_NONE) {
        plan->status = error == ERROR_INVALID ? 400 : 503;
        return NULL;
    }
    plan->patterns[plan->pattern_count++] = pattern;
    return pattern;
}

// "http://host/path?query" in the form that keys have; the scheme is any to a purge.
static struct slice write_url(struct purge_plan *plan, struct slice path, struct slice query)
{
    const struct http_request_head *head = &plan->request->head;
    size_t size = head->authority.size + path.size + query.size + 32;
    char *buffer = arena_alloc(&plan->request->arena, size);
    struct text text = text_in(buffer, buffer == NULL ? 0 : size);
    enum error error = http_key_write(&text, SLICE("http"), head->authority, path, query);
    if (error != ERROR_NONE)
        plan->status = buffer != NULL && error == ERROR_INVALID ? 400 : 503;
    return text_slice(&text);
}

static void plan_url(struct purge_plan *plan, struct slice path)
{
    struct slice query = plan->request->head.query;
    bool is_prefix = query.data == NULL && slice_ends_with(path, SLICE("*"));
    if (is_prefix)
        path.size -= slice_ends_with(path, SLICE(".*")) ? 2 : 1;
    add_purge(plan, is_prefix ? PURGE_PREFIX : PURGE_URL, write_url(plan, path, query), false);
}

// --- Tags ---

static bool is_expression(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (memchr("^$()[]{}+?\\*", text.data[i], 12) != NULL)
            return true;
    }
    return false;
}

// One to a line. Cache-Tag may have tags with spaces; everybody else's end there.
static struct slice write_tags(struct purge_plan *plan, struct slice list, bool spaces_separate)
{
    char *buffer = arena_alloc(&plan->request->arena, list.size + 1);
    if (buffer == NULL) {
        plan->status = 503;
        return SLICE("");
    }
    for (size_t i = 0; i < list.size; i++)
        buffer[i] = list.data[i] == ',' || list.data[i] == '|'
            || (spaces_separate && list.data[i] == ' ') ? '\n' : list.data[i];
    return slice_of(buffer, list.size);
}

static void add_match_field(struct purge_plan *plan, const char *name,
    const struct pattern **ret_pattern)
{
    const struct http_field *field =
        http_fields_find_text(&plan->request->head.fields, slice_from_string(name));
    if (field != NULL)
        *ret_pattern = add_pattern(plan, field->value);
}

static void add_tags(struct purge_plan *plan, struct slice tags, bool soft_field,
    bool spaces_separate)
{
    if (slice_equal(tags, SLICE("*")) || slice_equal(tags, SLICE(".*"))) {
        add_purge(plan, PURGE_ALL, SLICE(""), soft_field);
    } else if (!is_expression(tags)) {
        add_purge(plan, PURGE_TAG, write_tags(plan, tags, spaces_separate), soft_field);
    } else {
        struct pattern *pattern = add_pattern(plan, tags);
        struct purge *purge = add_purge(plan, PURGE_MATCH, SLICE(""), soft_field);
        if (purge == NULL || plan->status != 0)
            return;
        purge->match.tags = pattern;
        add_match_field(plan, "x-host", &purge->match.host);
        add_match_field(plan, "x-url", &purge->match.url);
        add_match_field(plan, "x-content-type", &purge->match.content_type);
    }
}

// By any of the fields in which tools name tags. False: there is none.
static bool plan_tags(struct purge_plan *plan)
{
    static const struct { const char *name; bool soft; } names[] = {
        {"xkey-purge", false}, {"xkey-softpurge", true}, {"xkey", false}, {"surrogate-key", false},
        {"cache-tags", false}, {"cache-tag", false}, {"x-cache-tags", false},
        {"purge-cache-tags", false}, {"x-magento-tags-pattern", false}};
    const struct http_fields *fields = &plan->request->head.fields;
    size_t before = plan->count;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct http_field *field =
            http_fields_find_text(fields, slice_from_string(names[i].name));
        if (field == NULL)
            continue;
        if (field->value.size == 0)
            plan->status = 400;
        else
            add_tags(plan, field->value, names[i].soft, field->known != HTTP_NAME_CACHE_TAG);
    }
    return plan->count > before || plan->status != 0;
}

// --- Expressions ---

// A target such as /path/.* is a beginning, and found faster as one.
static bool is_beginning(struct slice target)
{
    return slice_ends_with(target, SLICE(".*"))
        && !is_expression(slice_of(target.data, target.size - 2))
        && !slice_contains(target, '?');
}

static struct slice target_of(const struct request *request, struct arena *arena)
{
    const struct http_request_head *head = &request->head;
    return head->query.data == NULL ? head->path
        : arena_printf(arena, "%.*s?%.*s", SLICE_ARGS(head->path), SLICE_ARGS(head->query));
}

// what: the only host that is hit, data NULL: any in scope.
static void add_url_match(struct purge_plan *plan, struct slice expression)
{
    struct slice host = SLICE("");
    struct pattern *pattern = add_pattern(plan, expression);
    if (plan->request->site != NULL) {
        host = write_url(plan, SLICE("/"), SLICE_EMPTY);
        host = slice_of(host.data + 7, host.size > 8 ? host.size - 8 : 0); // http://HOST/
    }
    struct purge *purge = plan->status != 0 ? NULL : add_purge(plan, PURGE_MATCH, host, false);
    if (purge != NULL)
        purge->match.url = pattern;
}

static void plan_expression(struct purge_plan *plan, bool anchored)
{
    struct request *request = plan->request;
    struct slice target = target_of(request, &request->arena);
    if (target.data != NULL && request->site != NULL
        && (anchored || slice_equal(target, SLICE("/.*"))) && is_beginning(target)) {
        plan_url(plan, target);
        return;
    }
    if (target.data != NULL && anchored)
        target = arena_printf(&request->arena, "^(?:%.*s)", SLICE_ARGS(target));
    if (target.data == NULL)
        plan->status = 503;
    else
        add_url_match(plan, target);
}

static bool plan_match_fields(struct purge_plan *plan)
{
    const struct http_fields *fields = &plan->request->head.fields;
    if (http_fields_find_text(fields, SLICE("x-host")) == NULL
        && http_fields_find_text(fields, SLICE("x-url")) == NULL
        && http_fields_find_text(fields, SLICE("x-content-type")) == NULL)
        return false;
    struct purge *purge = add_purge(plan, PURGE_MATCH, SLICE(""), false);
    if (purge == NULL)
        return true;
    add_match_field(plan, "x-host", &purge->match.host);
    add_match_field(plan, "x-url", &purge->match.url);
    add_match_field(plan, "x-content-type", &purge->match.content_type);
    return true;
}

// --- All together ---

static void plan_purge(struct purge_plan *plan)
{
    const struct http_request_head *head = &plan->request->head;
    const struct http_field *method = http_fields_find_text(&head->fields, SLICE("x-purge-method"));
    struct slice path = plan->request->site == NULL ? SLICE("")
        : request_site(plan->request)->purge.path;
    struct slice rest = slice_of(head->path.data + MINIMUM(path.size, head->path.size),
        head->path.size - MINIMUM(path.size, head->path.size));
    bool is_below = path.size > 0 && slice_starts_with(head->path, path);
    if (plan_tags(plan))
        return;
    if (method != NULL && slice_equal_nocase(method->value, SLICE("regex"))) {
        plan_expression(plan, true);
    } else if (is_below && slice_equal(rest, SLICE("all"))) {
        plan_url(plan, SLICE("/*"));
    } else if (is_below && rest.size > 0 && rest.data[0] == '/') {
        plan->tells_absence = true;
        plan_url(plan, rest);
    } else {
        plan_url(plan, head->path);
    }
}

void purge_plan_make(struct purge_plan *plan, struct request *request, enum purge_tool tool)
{
    *plan = (struct purge_plan){
        .request = request,
        .scope = {request->generation, request->site, &request->client.address},
    };
    switch (tool) {
    case PURGE_TOOL_NONE:
        return;
    case PURGE_TOOL_PURGE:
    case PURGE_TOOL_PATH:
        plan_purge(plan);
        return;
    case PURGE_TOOL_KEYS:
        if (!plan_tags(plan))
            plan->status = 400;
        return;
    case PURGE_TOOL_URL:
        plan_url(plan, request->head.path);
        return;
    case PURGE_TOOL_BAN:
        if (!plan_tags(plan) && !plan_match_fields(plan))
            plan_expression(plan, false);
        return;
    }
}

void purge_plan_free(struct purge_plan *plan)
{
    for (size_t i = 0; i < plan->pattern_count; i++)
        pattern_destroy(plan->patterns[i]);
}
