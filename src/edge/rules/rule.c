// Compiling rules, and adding up what those say that fit a request.
#include "edge/rules/rule.h"
#include "base/memory.h"
#include "edge/settings.h"

#define ARENA_CHUNK_SIZE 4096
#define ARENA_LIMIT ((size_t)16 << 20)

// --- Compiling ---

static enum error compile_patterns(struct rules *rules, const struct setting_list *list,
    const struct rule_pattern **ret_patterns)
{
    const struct slice *texts = list->items;
    struct rule_pattern *patterns = arena_alloc(&rules->arena,
        (list->count + 1) * sizeof(*patterns));
    if (patterns == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < list->count; i++)
        patterns[i] = rule_pattern_compile(texts[i]);
    *ret_patterns = patterns;
    return ERROR_NONE;
}

static enum error compile_headers(struct rules *rules, const struct rule_headers_settings *settings,
    struct rule_headers *headers)
{
    const struct setting_pair *set = settings->set.items, *add = settings->add.items;
    struct rule_header *writes;
    headers->remove = settings->remove;
    headers->set_count = settings->set.count;
    headers->write_count = settings->set.count + settings->add.count;
    headers->writes = writes = arena_alloc(&rules->arena,
        (headers->write_count + 1) * sizeof(*writes));
    if (writes == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < headers->write_count; i++) {
        const struct setting_pair *pair = i < headers->set_count
            ? &set[i] : &add[i - headers->set_count];
        writes[i].name = pair->name;
        if (rule_template_compile(pair->value, &rules->arena, &writes[i].value) != ERROR_NONE)
            return ERROR_MEMORY;
        for (size_t k = 0; k < writes[i].value.count; k++)
            headers->has_variables = headers->has_variables
                || writes[i].value.parts[k].variable != RULE_VARIABLE_NONE;
    }
    return ERROR_NONE;
}

static bool writes_or_removes(const struct rule_headers *headers)
{
    return headers->write_count + headers->remove.count > 0;
}

static bool changes_what_is_asked(const struct rule *rule)
{
    const struct rule_settings *settings = rule->settings;
    return settings->host.size + settings->strip_prefix.size + settings->add_prefix.size > 0
        || writes_or_removes(&rule->request);
}

static enum error compile_rule(struct rules *rules, struct rule *rule, struct origins *origins)
{
    const struct rule_settings *settings = rule->settings;
    if (compile_patterns(rules, &settings->path, &rule->paths) != ERROR_NONE
        || compile_patterns(rules, &settings->except, &rule->excepts) != ERROR_NONE
        || compile_patterns(rules, &settings->cookies, &rule->cookies) != ERROR_NONE
        || compile_patterns(rules, &settings->without_cookies, &rule->without_cookies)
            != ERROR_NONE
        || compile_headers(rules, &settings->request_headers, &rule->request) != ERROR_NONE
        || compile_headers(rules, &settings->response_headers, &rule->response) != ERROR_NONE
        || rule_template_compile(settings->redirect.to, &rules->arena, &rule->target)
            != ERROR_NONE)
        return ERROR_MEMORY;
    rule->ends = settings->redirect.to.size > 0 || settings->answer.status != SETTING_ABSENT;
    // What is not for GET leaves no copies.
    bool depends = settings->cookies.count + settings->without_cookies.count > 0
        || (settings->methods.count > 0 && rule_has_method(&settings->methods, SLICE("GET")));
    rule->parts_copies = depends && changes_what_is_asked(rule);
    rule->parts_origins = depends && settings->origin.size > 0;
    enum error error = settings->fallback.file.size == 0 ? ERROR_NONE
        : rule_fallback_read(&settings->fallback, &rule->fallback);
    if (error != ERROR_NONE)
        return error;
    if (settings->origin.size == 0)
        return ERROR_NONE;
    rule->origin = origin_find(origins, settings->origin);
    return rule->origin == NULL ? ERROR_INVALID : ERROR_NONE;
}

static bool has_key(const struct key_settings *key)
{
    return rule_query_is_changed(key) || key->cookies.count + key->headers.count > 0;
}

enum error rules_create(const struct site_settings *site, struct origins *origins,
    struct rules **ret_rules)
{
    const struct rule_settings *settings = site->rules.items;
    if (site->rules.count == 0 && !has_key(&site->key)) {
        *ret_rules = NULL;
        return ERROR_NONE;
    }
    struct rules *rules = memory_zero_alloc(sizeof(*rules));
    if (rules == NULL)
        return ERROR_MEMORY;
    arena_init(&rules->arena, ARENA_CHUNK_SIZE, ARENA_LIMIT);
    rules->key = &site->key;
    rules->count = MINIMUM(site->rules.count, RULES_MAX);
    rules->items = arena_zero_alloc(&rules->arena, (rules->count + 1) * sizeof(*rules->items));
    enum error error = rules->items == NULL ? ERROR_MEMORY : ERROR_NONE;
    for (size_t i = 0; error == ERROR_NONE && i < rules->count; i++) {
        rules->items[i].settings = &settings[i];
        error = compile_rule(rules, &rules->items[i], origins);
    }
    if (error == ERROR_NONE)
        *ret_rules = rules;
    else
        rules_destroy(rules);
    return error;
}

void rules_destroy(struct rules *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; rules->items != NULL && i < rules->count; i++) {
        rule_fallback_free(&rules->items[i].fallback);
        if (rules->items[i].origin != NULL)
            origin_release(rules->items[i].origin);
    }
    arena_free(&rules->arena);
    memory_free(rules);
}

// --- Does a rule fit? ---

static bool any_matches(const struct rule_pattern *patterns, size_t count, struct slice subject)
{
    for (size_t i = 0; i < count; i++) {
        if (rule_pattern_matches(&patterns[i], subject))
            return true;
    }
    return false;
}

static bool fits_path(const struct rule *rule, struct slice path)
{
    const struct rule_settings *settings = rule->settings;
    return (settings->path.count == 0 || any_matches(rule->paths, settings->path.count, path))
        && !any_matches(rule->excepts, settings->except.count, path);
}

bool rule_has_method(const struct setting_list *methods, struct slice method)
{
    const struct slice *items = methods->items;
    if (slice_equal(method, SLICE("HEAD")) && rule_has_method(methods, SLICE("GET")))
        return true;
    for (size_t i = 0; i < methods->count; i++) {
        if (slice_equal(items[i], method))
            return true;
    }
    return false;
}

static bool brings_any(const struct rule_pattern *cookies, size_t count,
    const struct http_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        struct slice rest = fields->items[i].value;
        while (fields->items[i].known == HTTP_NAME_COOKIE && rest.data != NULL) {
            struct slice pair = slice_cut(&rest, ';');
            if (any_matches(cookies, count, slice_trim(slice_cut(&pair, '='))))
                return true;
        }
    }
    return false;
}

static bool fits_cookies(const struct rule *rule, const struct http_fields *fields)
{
    size_t with = rule->settings->cookies.count, without = rule->settings->without_cookies.count;
    return (with == 0 || brings_any(rule->cookies, with, fields))
        && (without == 0 || !brings_any(rule->without_cookies, without, fields));
}

// --- Adding up ---

static void take_key(struct key_settings *key, const struct key_settings *later)
{
    if (later->query != SETTING_ABSENT)
        key->query = later->query;
    if (later->tracking != SETTING_ABSENT)
        key->tracking = later->tracking;
    if (later->keep_parameters.count > 0)
        key->keep_parameters = later->keep_parameters;
    if (later->drop_parameters.count > 0)
        key->drop_parameters = later->drop_parameters;
    if (later->cookies.count > 0)
        key->cookies = later->cookies;
    if (later->headers.count > 0)
        key->headers = later->headers;
}

static void take_number(uint64_t *number, uint64_t later)
{
    if (later != SETTING_ABSENT)
        *number = later;
}

static void take_cache(struct rule_cache_settings *cache, const struct rule_cache_settings *later)
{
    take_number(&cache->store, later->store);
    take_number(&cache->fresh_ms, later->fresh_ms);
    take_number(&cache->fresh_minimum_ms, later->fresh_minimum_ms);
    take_number(&cache->fresh_maximum_ms, later->fresh_maximum_ms);
    take_number(&cache->keep_ms, later->keep_ms);
    take_number(&cache->while_revalidate_ms, later->while_revalidate_ms);
    take_number(&cache->browser_ms, later->browser_ms);
    cache->store_despite |= later->store_despite;
    cache->stale_despite |= later->stale_despite;
}

// Does the origin see another field of that name than the visitor's, or none?
static bool hides(const struct rule_headers *headers, enum http_name name)
{
    const struct slice *removed = headers->remove.items;
    for (size_t i = 0; i < headers->remove.count; i++) {
        if (http_name_find(removed[i]) == name)
            return true;
    }
    for (size_t i = 0; i < headers->set_count; i++) {
        if (http_name_find(headers->writes[i].name) == name)
            return true;
    }
    return false;
}

static void take_text(struct slice *text, struct slice later)
{
    if (later.size > 0)
        *text = later;
}

static void take_rule(struct rule_effect *effect, const struct rule *rule)
{
    const struct rule_settings *settings = rule->settings;
    if (rule->origin != NULL) {
        effect->origin = rule->origin;
        effect->origin_name = settings->origin;
    }
    take_text(&effect->host, settings->host);
    take_text(&effect->strip_prefix, settings->strip_prefix);
    take_text(&effect->add_prefix, settings->add_prefix);
    take_key(&effect->key, &settings->key);
    take_cache(&effect->cache, &settings->cache);
    effect->hides_cookie = effect->hides_cookie || hides(&rule->request, HTTP_NAME_COOKIE);
    effect->hides_authorization = effect->hides_authorization
        || hides(&rule->request, HTTP_NAME_AUTHORIZATION);
    if (settings->limits.methods.count > 0)
        effect->methods = &settings->limits.methods;
    take_number(&effect->content, settings->limits.content);
    take_number(&effect->url, settings->limits.url);
    take_number(&effect->response, settings->limits.response);
    take_number(&effect->idempotency_key, settings->idempotency_key);
    take_number(&effect->priority, settings->priority);
    if (settings->accept_writes.methods != 0)
        effect->accept_writes = &settings->accept_writes;
    if (rule->fallback.settings != NULL)
        effect->fallback = &rule->fallback;
    if (settings->protect.minimum_percent != 0 || settings->protect.forbidden.count > 0)
        effect->protect = &settings->protect;
    effect->has_request_headers = effect->has_request_headers || writes_or_removes(&rule->request);
    effect->has_response_headers = effect->has_response_headers
        || writes_or_removes(&rule->response);
    effect->parts_copies = effect->parts_copies || rule->parts_copies;
    if (rule->ends)
        effect->last = rule;
}

static enum error begin(const struct rules *rules, struct slice path, struct arena *arena,
    struct rule_effect *effect)
{
    *effect = (struct rule_effect){
        .rules = rules,
        .key = *rules->key,
        .cache = {.store = SETTING_ABSENT, .fresh_ms = SETTING_ABSENT,
            .fresh_minimum_ms = SETTING_ABSENT, .fresh_maximum_ms = SETTING_ABSENT,
            .keep_ms = SETTING_ABSENT, .while_revalidate_ms = SETTING_ABSENT,
            .browser_ms = SETTING_ABSENT},
        .content = SETTING_ABSENT,
        .url = SETTING_ABSENT,
        .response = SETTING_ABSENT,
        .idempotency_key = RULE_KEY_IGNORED,
        .priority = SETTING_ABSENT,
    };
    return rule_path_normalise(path, arena, &effect->path);
}

enum error rules_apply(const struct rules *rules, struct slice method, struct slice path,
    const struct http_fields *fields, struct arena *arena, struct rule_effect *ret_effect)
{
    enum error error = begin(rules, path, arena, ret_effect);
    if (error != ERROR_NONE)
        return error;
    for (size_t i = 0; i < rules->count && ret_effect->last == NULL; i++) {
        const struct rule *rule = &rules->items[i];
        const struct rule_settings *settings = rule->settings;
        if (!fits_path(rule, ret_effect->path.normal)
            || (settings->methods.count > 0
                && !rule_has_method(&settings->methods, method))
            || !fits_cookies(rule, fields))
            continue;
        ret_effect->fitting.bits[i / 64] |= UINT64_C(1) << (i % 64);
        take_rule(ret_effect, rule);
    }
    return ERROR_NONE;
}

enum error rules_apply_to_path(const struct rules *rules, struct slice path, struct arena *arena,
    struct rule_effect *ret_effect)
{
    enum error error = begin(rules, path, arena, ret_effect);
    for (size_t i = 0; error == ERROR_NONE && i < rules->count; i++) {
        const struct rule *rule = &rules->items[i];
        const struct rule_settings *settings = rule->settings;
        bool alone = settings->methods.count + settings->cookies.count
            + settings->without_cookies.count == 0;
        if (!fits_path(rule, ret_effect->path.normal))
            continue;
        if (alone)
            take_rule(ret_effect, rule);
        ret_effect->parts_copies = ret_effect->parts_copies || rule->parts_copies
            || rule->parts_origins;
    }
    return error;
}

enum error rules_apply_to_url(const struct rules *rules, struct slice path, struct slice query,
    struct arena *arena, struct rule_url *ret_url)
{
    struct rule_effect effect;
    struct rule_url url = {.query = query};
    if (rules != NULL) {
        enum error error = rules_apply_to_path(rules, path, arena, &effect);
        if (error != ERROR_NONE)
            return error;
        if (effect.origin != NULL)
            url.origin = effect.origin_name;
        url.parted = effect.parts_copies
            || effect.key.cookies.count + effect.key.headers.count > 0;
        if (query.data != NULL && rule_query_is_changed(&effect.key)) {
            char *buffer = arena_alloc(arena, query.size + 1);
            if (buffer == NULL)
                return ERROR_MEMORY;
            struct text text = text_in(buffer, query.size);
            url.query = rule_query_write(&text, &effect.key, query) ? text_slice(&text)
                                                                    : SLICE_EMPTY;
        }
    }
    *ret_url = url;
    return ERROR_NONE;
}

struct slice rule_rest(const struct rule_effect *effect, struct slice path_sent,
    struct arena *arena)
{
    size_t prefix = 1;
    for (size_t i = 0; effect->last != NULL && i < effect->last->settings->path.count; i++) {
        const struct rule_pattern *pattern = &effect->last->paths[i];
        if (rule_pattern_matches(pattern, effect->path.normal)) {
            prefix = pattern->kind == RULE_PATTERN_PREFIX ? MAXIMUM(pattern->text.size, 1) : 1;
            break;
        }
    }
    return rule_path_after(&effect->path, path_sent, MINIMUM(prefix, effect->path.normal.size),
        arena);
}
