// What rules do to a request by themselves: refuse, redirect, answer; and its key.
#include "edge/rules/rule_serve.h"
#include "edge/delivery.h"
#include "edge/rules/rule_values.h"

// A tunnel over HTTP/2 is asked for by CONNECT, and over HTTP/1.1 by GET: one to rules.
static struct slice rule_method(const struct request *request)
{
    return request->head.method == HTTP_METHOD_CONNECT ? SLICE("GET") : request->head.method_text;
}

// --- Refusals ---

static bool rule_refuse(struct task *task, struct request *request, unsigned status,
    enum ledger_count count)
{
    ledger_add(request->thread->ledger, count, 1);
    delivery_send_page(task, request, status);
    return true;
}

static bool rule_enforce_limits(struct task *task, struct request *request)
{
    const struct rule_effect *effect = request->rule;
    const struct http_request_head *head = &request->head;
    uint64_t url = head->path.size + (head->query.data == NULL ? 0 : head->query.size + 1);
    if (effect->methods != NULL && !rule_has_method(effect->methods, rule_method(request)))
        return rule_refuse(task, request, 405, LEDGER_METHODS_REFUSED);
    if (url > effect->url)
        return rule_refuse(task, request, 414, LEDGER_URLS_REFUSED);
    if (head->framing == HTTP_FRAMING_LENGTH && head->content_length > effect->content)
        return rule_refuse(task, request, 413, LEDGER_CONTENTS_REFUSED);
    return false;
}

struct slice rule_allow(struct request *request)
{
    const struct setting_list *methods = request->rule == NULL ? NULL : request->rule->methods;
    struct slice all = SLICE("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n");
    if (methods == NULL)
        return all;
    const struct slice *items = methods->items;
    size_t size = 32;
    for (size_t i = 0; i < methods->count; i++)
        size += items[i].size + 2;
    char *buffer = arena_alloc(&request->arena, size);
    if (buffer == NULL)
        return SLICE("");
    struct text text = text_in(buffer, size);
    text_append(&text, SLICE("Allow: "));
    bool names_head = false;
    for (size_t i = 0; i < methods->count; i++) {
        names_head = names_head || slice_equal(items[i], SLICE("HEAD"));
        text_append(&text, i == 0 ? SLICE("") : SLICE(", "));
        text_append(&text, items[i]);
    }
    if (!names_head && rule_has_method(methods, SLICE("HEAD"))) // with GET
        text_append(&text, SLICE(", HEAD"));
    text_append(&text, SLICE("\r\n"));
    return text_slice(&text);
}

// --- Redirects and answers ---

// For lack of memory, in the edge's own name.
static void rule_give_up(struct task *task, struct request *request)
{
    request->shed = true;
    delivery_send_page(task, request, 503);
}

static void rule_send(struct task *task, struct request *request, unsigned status,
    struct slice fields, struct slice text)
{
    struct slice changed = rule_response_fields(request, NULL, fields);
    if (text.size == 0)
        text = arena_printf(&request->arena, "%.*s\n", SLICE_ARGS(http_reason(status)));
    if (changed.data == NULL || text.data == NULL)
        rule_give_up(task, request);
    else
        delivery_send_bytes(task, request, status, SLICE("text/plain; charset=utf-8"), changed,
            text);
}

// HTTP/1.0 may name no host, and "https:///a" leads to a host "a".
static bool rule_lacks_host(const struct request *request, const struct rule_template *template)
{
    for (size_t i = 0; request->host.size == 0 && i < template->count; i++) {
        if (template->parts[i].variable == RULE_VARIABLE_HOST)
            return true;
    }
    return false;
}

static void rule_redirect(struct task *task, struct request *request)
{
    const struct rule *rule = request->rule->last;
    struct rule_values values;
    if (rule_lacks_host(request, &rule->target)) {
        delivery_send_page(task, request, 400);
        return;
    }
    if (!rule_values_of(request, &request->arena, &values)) {
        rule_give_up(task, request);
        return;
    }
    size_t size = 16 + rule_values_size(&rule->target, &values);
    char *buffer = arena_alloc(&request->arena, size);
    if (buffer == NULL) {
        rule_give_up(task, request);
        return;
    }
    char *target = buffer + 10;
    struct text text = text_in(buffer, size), inner = text_in(target, size - 12);
    rule_template_append_target(&inner, &rule->target, &values);
    text_append(&text, SLICE("Location: "));
    text.size += inner.size;
    text_append(&text, SLICE("\r\n"));
    ledger_add(request->thread->ledger, LEDGER_REDIRECTS, 1);
    rule_send(task, request, (unsigned)rule->settings->redirect.status, text_slice(&text),
        SLICE(""));
}

// Another name of the site. The method is kept where it matters; the port is the visitor's way to
// us, so it is kept too.
static void rule_redirect_alias(struct task *task, struct request *request)
{
    const struct http_request_head *head = &request->head;
    const struct slice *hosts = request_site(request)->hosts.items;
    struct slice port = slice_of(head->authority.data + request->host.size,
        head->authority.size - request->host.size);
    bool repeats = head->method == HTTP_METHOD_GET || head->method == HTTP_METHOD_HEAD;
    struct slice path = slice_equal(head->path, SLICE("*")) ? SLICE("/") : head->path;
    struct slice line = arena_printf(&request->arena, "Location: %.*s://%.*s%.*s%.*s%s%.*s\r\n",
        SLICE_ARGS(rule_scheme(request)), SLICE_ARGS(hosts[0]), SLICE_ARGS(port), SLICE_ARGS(path),
        head->query.data == NULL ? "" : "?", SLICE_ARGS(head->query));
    if (line.data == NULL) {
        rule_give_up(task, request);
        return;
    }
    ledger_add(request->thread->ledger, LEDGER_REDIRECTS, 1);
    rule_send(task, request, repeats ? 301 : 308, line, SLICE(""));
}

// What the origin does not see of a visitor cannot make its answer his: from here on the request is
// one without it, to Vary and to the judge too.
static void rule_hide_credentials(struct request *request)
{
    const struct rule_effect *effect = request->rule;
    struct http_fields *fields = &request->head.fields;
    uint32_t count = 0;
    if (!effect->hides_cookie && !effect->hides_authorization)
        return;
    for (uint32_t i = 0; i < fields->count; i++) {
        enum http_name known = fields->items[i].known;
        if (!(effect->hides_cookie && known == HTTP_NAME_COOKIE)
            && !(effect->hides_authorization && known == HTTP_NAME_AUTHORIZATION))
            fields->items[count++] = fields->items[i];
    }
    fields->count = count;
}

bool rule_serve(struct task *task, struct request *request)
{
    const struct site *site = request->site;
    if (site->rules == NULL && site->settings->aliases.count == 0)
        return false;
    if (generation_is_alias(request->generation, request->host)) {
        rule_redirect_alias(task, request);
        return true;
    }
    if (site->rules == NULL)
        return false;
    if (rules_apply(site->rules, rule_method(request), request->head.path, &request->head.fields,
            &request->arena, &request->effect) != ERROR_NONE) {
        rule_give_up(task, request);
        return true;
    }
    request->rule = &request->effect;
    if (request->rule->origin != NULL)
        request->origin = request->rule->origin;
    if (rule_enforce_limits(task, request))
        return true;
    const struct rule *last = request->rule->last;
    if (last == NULL) {
        rule_hide_credentials(request);
        return false;
    }
    if (last->settings->redirect.to.size > 0)
        rule_redirect(task, request);
    else {
        ledger_add(request->thread->ledger, LEDGER_ANSWERS_BY_RULE, 1);
        rule_send(task, request, (unsigned)last->settings->answer.status, SLICE(""),
            last->settings->answer.text);
    }
    return true;
}

// --- The key ---

static size_t cookies_size(const struct http_fields *fields)
{
    size_t size = 0;
    for (uint32_t i = 0; i < fields->count; i++)
        size += fields->items[i].known == HTTP_NAME_COOKIE ? fields->items[i].value.size + 1 : 0;
    return size;
}

// "\0c:name=value;value": all of that name, in their order.
static void append_cookie(struct text *text, const struct http_fields *fields, struct slice name)
{
    bool any = false;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct slice rest = fields->items[i].value;
        while (fields->items[i].known == HTTP_NAME_COOKIE && rest.data != NULL) {
            struct slice value = slice_trim(slice_cut(&rest, ';'));
            if (!slice_equal(slice_trim(slice_cut(&value, '=')), name))
                continue;
            text_append(text, any ? SLICE(";") : SLICE("\0c:"));
            if (!any)
                text_append(text, name);
            text_append(text, any ? SLICE("") : SLICE("="));
            text_append(text, value);
            any = true;
        }
    }
}

static size_t header_size(const struct http_fields *fields, struct slice name)
{
    size_t size = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (slice_equal_nocase(fields->items[i].name, name))
            size += fields->items[i].value.size + 1;
    }
    return size;
}

static void append_header(struct text *text, const struct http_fields *fields, struct slice name)
{
    bool any = false;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!slice_equal_nocase(fields->items[i].name, name))
            continue;
        text_append(text, any ? SLICE(",") : SLICE("\0h:"));
        if (!any)
            text_append(text, name);
        text_append(text, any ? SLICE("") : SLICE("="));
        text_append(text, fields->items[i].value);
        any = true;
    }
}

static size_t suffix_size(const struct rule_effect *effect, const struct http_fields *fields)
{
    const struct slice *cookies = effect->key.cookies.items, *headers = effect->key.headers.items;
    size_t size = effect->parts_copies ? 8 * effect->rules->count : 0;
    size_t brought = effect->key.cookies.count > 0 ? cookies_size(fields) : 0;
    for (size_t i = 0; brought > 0 && i < effect->key.cookies.count; i++)
        size += cookies[i].size + brought + 8;
    for (size_t i = 0; i < effect->key.headers.count; i++) {
        size_t values = header_size(fields, headers[i]);
        size += values > 0 ? headers[i].size + values + 8 : 0;
    }
    return size;
}

static void append_number(struct text *text, size_t rule)
{
    text_append(text, SLICE("\0r:"));
    text_append_u64(text, rule);
}

static bool compose_suffix(struct request *request, struct slice *ret_suffix)
{
    const struct rule_effect *effect = request->rule;
    const struct http_fields *fields = &request->head.fields;
    const struct slice *cookies = effect->key.cookies.items, *headers = effect->key.headers.items;
    size_t size = suffix_size(effect, fields);
    char *buffer = size <= sizeof(request->suffix_text) ? request->suffix_text
        : arena_alloc(&request->arena, size);
    *ret_suffix = SLICE("");
    if (size == 0 || buffer == NULL)
        return size == 0;
    struct text text = text_in(buffer, size);
    for (size_t i = 0; i < effect->key.cookies.count; i++)
        append_cookie(&text, fields, cookies[i]);
    for (size_t i = 0; i < effect->key.headers.count; i++)
        append_header(&text, fields, headers[i]);
    for (size_t i = 0; effect->parts_copies && i < effect->rules->count; i++) {
        if (effect->rules->items[i].parts_copies && rule_set_has(&effect->fitting, i))
            append_number(&text, i + 1);
    }
    *ret_suffix = text_slice(&text);
    return !text.full;
}

bool rule_compose_key(struct request *request, struct rule_key *ret_key)
{
    const struct rule_effect *effect = request->rule;
    struct rule_key key = {request_site(request)->origin, request->head.query, SLICE("")};
    if (effect != NULL) {
        if (effect->origin != NULL)
            key.origin = effect->origin_name;
        if (key.query.data != NULL && rule_query_is_changed(&effect->key)) {
            char *buffer = key.query.size <= sizeof(request->query_text) ? request->query_text
                : arena_alloc(&request->arena, key.query.size);
            if (buffer == NULL)
                return false;
            struct text text = text_in(buffer, key.query.size);
            bool any = rule_query_write(&text, &effect->key, key.query);
            key.query = any ? text_slice(&text) : SLICE_EMPTY;
        }
        if (!compose_suffix(request, &key.suffix))
            return false;
    }
    *ret_key = key;
    return true;
}

bool rule_forbids_store(const struct request *request)
{
    return request->rule != NULL && request->rule->cache.store == RULE_STORE_NEVER;
}

bool rule_honours_keys(const struct request *request)
{
    return request->rule != NULL && request->rule->idempotency_key == RULE_KEY_HONOURED;
}

bool rule_says_priority(const struct request *request, enum priority *ret_priority)
{
    if (request->rule == NULL || request->rule->priority == SETTING_ABSENT)
        return false;
    *ret_priority = (enum priority)request->rule->priority;
    return true;
}

bool rule_ignores_cookies(const struct request *request)
{
    return request->rule != NULL
        && (request->rule->cache.store_despite >> JUDGE_STORE_COOKIE & 1) != 0;
}

const struct rule_fallback *rule_fallback_of(const struct request *request)
{
    return request->rule == NULL ? NULL : request->rule->fallback;
}
