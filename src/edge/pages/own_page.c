// PREFIX/status, PREFIX/clear-cache and PREFIX/outbox/ID; anything else below the prefix is not
// found.
#include "edge/pages/own_page.h"
#include "edge/delivery.h"
#include "edge/outbox/outbox_page.h"
#include "edge/pages/page.h"
#include "edge/secure.h"

static size_t count_healthy(struct request *request, size_t count)
{
    struct origin *origin = request->origin;
    struct backend_view *views = arena_alloc(&request->arena, count * sizeof(*views));
    size_t healthy = 0;
    size_t read = views == NULL ? 0 : origin_read_backends(origin, views, count);
    for (size_t i = 0; i < MINIMUM(read, count); i++)
        healthy += views[i].healthy;
    return healthy;
}

static void serve_status(struct task *task, struct request *request, struct slice path)
{
    struct loop *loop = request->thread->loop;
    struct maintenance maintenance;
    struct history_view history = {0};
    history_read(request->site->history, loop->wall_ms, &history);
    edge_read_maintenance(request->thread->edge, &maintenance);
    struct page_status status = {
        .host = request->host,
        .now_ms = loop->wall_ms,
        .maintenance = maintenance.on,
        .maintenance_until_ms = maintenance.until_ms,
        .message = slice_from_string(maintenance.message),
        .support = request_site(request)->page.support,
        .prefix = request->generation->settings->prefix,
        .secure = secure_is_request(request) || page_is_secure(&request->head.fields),
        .history = &history,
    };
    status.backends = origin_backend_count(request->origin);
    status.backends_healthy = count_healthy(request, status.backends);
    status.down = origin_is_down(request->origin, &status.down_since_ms);
    enum page_form form = slice_ends_with(path, SLICE(".json"))
        ? PAGE_JSON : page_form_for(&request->head.fields);
    struct slice content = page_site_status(&request->arena, form, &status);
    if (content.data == NULL)
        delivery_send_page(task, request, 503);
    else
        delivery_send_bytes(task, request, 200, page_status_content_type(form), SLICE(""), content);
}

static void serve_clear_cache(struct task *task, struct request *request)
{
    if (request->head.method != HTTP_METHOD_POST) {
        delivery_send_page(task, request, 405);
        return;
    }
    // Somebody else's page must not make a visitor's browser forget this site.
    const struct http_field *from = http_fields_find_text(&request->head.fields,
        SLICE("sec-fetch-site"));
    if (from != NULL && slice_equal(from->value, SLICE("cross-site"))) {
        delivery_send_page(task, request, 403);
        return;
    }
    enum page_form form = page_form_for(&request->head.fields);
    struct slice content = page_cleared(
        &request->arena, form, request->host, request->generation->settings->prefix);
    if (content.data == NULL)
        delivery_send_page(task, request, 503);
    else
        delivery_send_bytes(task, request, 200, page_status_content_type(form),
            SLICE("Clear-Site-Data: \"cache\"\r\n"), content);
}

// What stands behind the prefix; data NULL for a target that is not below it.
static struct slice name_of(const struct request *request)
{
    struct slice prefix = request->generation->settings->prefix, path = request->head.path;
    if (prefix.size == 0 || !slice_starts_with(path, prefix))
        return SLICE_EMPTY;
    return slice_of(path.data + prefix.size, path.size - prefix.size);
}

bool own_page_serve_anywhere(struct task *task, struct request *request)
{
    const struct edge_hooks *hooks = &request->thread->edge->hooks;
    struct edge_page page = {0};
    struct edge_page_request wanted = {
        .method = request->head.method,
        .path = request->head.path,
        .name = name_of(request),
        .query = request->head.query,
        .fields = &request->head.fields,
        .client = request->client.address,
        .arena = &request->arena,
    };
    if (hooks->page == NULL || wanted.name.data == NULL
        || !hooks->page(task, hooks->page_context, &wanted, &page))
        return false;
    ledger_add(request->thread->ledger, page.count, 1);
    delivery_send_bytes(task, request, page.status, page.content_type, page.fields, page.content);
    return true;
}

bool own_page_serve(struct task *task, struct request *request)
{
    struct slice path = name_of(request);
    if (path.data == NULL)
        return false;
    if (slice_equal(path, SLICE("status")) || slice_equal(path, SLICE("status.json")))
        serve_status(task, request, path);
    else if (slice_equal(path, SLICE("clear-cache")))
        serve_clear_cache(task, request);
    else if (slice_starts_with(path, SLICE("outbox/")))
        outbox_page_serve(task, request, slice_of(path.data + 7, path.size - 7));
    else
        delivery_send_page(task, request, 404);
    return true;
}
