// Who may purge, the purges' walk, and its answer. What is asked is read in full (purge_plan.h)
// before anything is done.
#include "edge/purge_request.h"
#include "base/log.h"
#include "cache/tag.h"
#include "edge/delivery.h"
#include "edge/pages/page.h"
#include "edge/purge_plan.h"
#include "edge/purge_settings.h"

#define LOGGED_MAX 500 // bytes of a target

// --- Who may ---

static bool anybody_allows(const struct generation *generation, const struct address *client)
{
    for (size_t i = 0; i < generation->site_count; i++) {
        if (network_list_contains(&generation->sites[i].purge_allow, client))
            return true;
    }
    return false;
}

static bool is_allowed(const struct request *request)
{
    const struct address *client = &request->client.address;
    if (!client_speaks_for_itself(request))
        return false;
    return request->site != NULL ? network_list_contains(&request->site->purge_allow, client)
                                 : anybody_allows(request->generation, client);
}

// --- Doing it ---

// On a helper thread. What is said to be gone must not be back after a crash.
static void purge_work(void *argument)
{
    struct purge_plan *plan = argument;
    struct edge *edge = plan->request->thread->edge;
    bool any_hard = false;
    for (size_t i = 0; i < plan->count; i++) {
        plan->hits += edge_purge(edge, &plan->purges[i]);
        any_hard = any_hard || plan->purges[i].hard;
    }
    enum error error = edge_settle(edge);
    plan->error = any_hard ? error : ERROR_NONE; // a stale copy that is back may be sent on failure
}

static void purge_answer(struct task *task, struct purge_plan *plan)
{
    struct request *request = plan->request;
    unsigned status = plan->tells_absence && plan->hits == 0 ? 404 : 200;
    bool is_json = page_form_for(&request->head.fields) == PAGE_JSON;
    struct slice content = arena_printf(&request->arena,
        is_json ? "{\"purged\":%llu}\n" : "Purged: %llu\n", (unsigned long long)plan->hits);
    struct slice target = request->head.target;
    log_write(LOG_INFO, "edge", "purged method=%.*s target=\"%.*s\" host=%.*s objects=%llu",
        SLICE_ARGS(request->head.method_text), (int)MINIMUM(target.size, LOGGED_MAX), target.data,
        SLICE_ARGS(request->host), (unsigned long long)plan->hits);
    delivery_send_bytes(task, request, status,
        is_json ? SLICE("application/json") : SLICE("text/plain; charset=utf-8"), SLICE(""),
        content.data == NULL ? SLICE("") : content);
}

bool purge_request_serve(struct task *task, struct request *request)
{
    enum purge_tool tool = purge_tool_of(request);
    if (tool == PURGE_TOOL_NONE || (request->site != NULL && request->site->purge_allow.count == 0))
        return false;
    struct ledger_row *ledger = request->thread->ledger;
    if (!is_allowed(request)) {
        if (tool == PURGE_TOOL_PATH || request->site == NULL)
            return false; // a path like any other; a host like any that is not known
        ledger_add(ledger, LEDGER_PURGES_REFUSED, 1);
        delivery_send_page(task, request, 403);
        return true;
    }
    struct purge_plan plan;
    purge_plan_make(&plan, request, tool);
    if (plan.status == 0 && io_blocking(task, purge_work, &plan) != ERROR_NONE)
        plan.status = 503; // too much waits already
    ledger_add(ledger, plan.status == 0 ? LEDGER_PURGES : LEDGER_PURGES_REFUSED, 1);
    if (plan.error != ERROR_NONE) {
        log_write(LOG_ERROR, "edge", "purged from memory, but the disk does not take note of it: "
            "copies may be back after a restart: %s", error_text(plan.error));
        delivery_send_page(task, request, 500);
    } else if (plan.status == 0) {
        purge_answer(task, &plan);
    } else {
        request->shed = plan.status == 503;
        delivery_send_page(task, request, plan.status);
    }
    purge_plan_free(&plan);
    return true;
}

// --- Tags towards visitors ---

struct slice purge_hide_tags(struct request *request, const struct object *object,
    struct slice fields)
{
    struct http_field field;
    struct slice rest = fields;
    bool any = false;
    if (request->site == NULL || !request_site(request)->purge.hide_tags
        || (object->tag_count == 0 && object->storable))
        return fields;
    while (!any && object_next_field(&rest, &field))
        any = tag_is_field(field.known);
    if (!any)
        return fields;
    char *buffer = arena_alloc(&request->arena, fields.size);
    if (buffer == NULL)
        return fields;
    struct text text = text_in(buffer, fields.size);
    for (rest = fields; rest.size > 0;) {
        struct slice line = rest;
        if (!object_next_field(&rest, &field))
            break;
        line.size -= rest.size;
        if (!tag_is_field(field.known))
            text_append(&text, line);
    }
    return text_slice(&text);
}
