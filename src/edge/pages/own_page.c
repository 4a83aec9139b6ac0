// PREFIX/status, PREFIX/clear-cache and PREFIX/outbox/ID; anything else below the prefix is not
// found.
#include "edge/pages/own_page.h"
#include "edge/delivery.h"
#include "edge/outbox/outbox_page.h"
#include "edge/pages/page.h"
#include "edge/secure.h"

static size_t count_healthy(struct request *request, struct origin *origin, size_t count)
{
    struct backend_view *views = arena_alloc(&request->arena, count * sizeof(*views));
    size_t healthy = 0;
    size_t read = views == NULL ? 0 : origin_read_backends(origin, views, count);
    for (size_t i = 0; i < MINIMUM(read, count); i++)
        healthy += views[i].healthy;
    return healthy;
}

// history: where its numbers go.
static struct page_status read_status(struct request *request, struct site *site,
    struct history_view *history)
{
    struct loop *loop = request->thread->loop;
    struct maintenance maintenance;
    history_read(site->history, loop->wall_ms, history);
    edge_read_maintenance(request->thread->edge, &maintenance);
    struct page_status status = {
        .now_ms = loop->wall_ms,
        .maintenance = maintenance.on,
        .maintenance_until_ms = maintenance.until_ms,
        .message = arena_copy(&request->arena, slice_from_string(maintenance.message)),
        .support = site->settings->page.support,
        .prefix = request->generation->settings->prefix,
        .secure = secure_is_request(request) || page_is_secure(&request->head.fields),
        .history = history,
    };
    status.backends = origin_backend_count(site->origin);
    status.backends_healthy = count_healthy(request, site->origin, status.backends);
    status.down = origin_is_down(site->origin, &status.down_since_ms);
    return status;
}

bool edge_page_find_site(const struct edge_page_request *page_request, struct slice host,
    struct page_status *ret_status)
{
    struct request *request = page_request->request;
    struct site *site = generation_find_site(request->generation, host);
    struct history_view *history = arena_zero_alloc(&request->arena, sizeof(*history));
    if (site == NULL || site == request->generation->fallback || history == NULL)
        return false;
    *ret_status = read_status(request, site, history);
    ret_status->host = host;
    return true;
}

static void serve_status(struct task *task, struct request *request, struct slice path)
{
    struct history_view history = {0};
    struct page_status status = read_status(request, request->site, &history);
    status.host = request->host;
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

bool edge_page_site_name(const struct edge_page_request *page_request, struct slice *ret_name)
{
    const struct site *site = page_request->request->site;
    if (site == NULL)
        return false;
    *ret_name = slice_from_string(site->history->name);
    return true;
}

enum error edge_page_read(struct task *task, const struct edge_page_request *page_request,
    size_t maximum, struct slice *ret_content)
{
    struct request *request = page_request->request;
    size_t size = 0, room = maximum + 1; // one more shows that there is more
    char *buffer = arena_alloc(&request->arena, room);
    enum error error = buffer == NULL ? ERROR_MEMORY : ERROR_NONE;
    while (error == ERROR_NONE && size < room) {
        size_t read = 0;
        error = request->transport->read(task, request, buffer + size, room - size, &read);
        size += error == ERROR_NONE ? read : 0;
    }
    if (error == ERROR_NONE)
        return ERROR_LIMIT;
    if (error == ERROR_CLOSED)
        *ret_content = slice_of(buffer, size);
    return error == ERROR_CLOSED ? ERROR_NONE : error;
}

bool edge_page_has_gone(const struct edge_page_request *page_request)
{
    return page_request->request->transport->has_gone(page_request->request);
}

bool own_page_serve_anywhere(struct task *task, struct request *request)
{
    const struct edge_hooks *hooks = &request->thread->edge->hooks;
    struct slice path = request->head.path;
    struct edge_page page = {0};
    bool is_at_home = hooks->owns_host != NULL && path.size > 0
        && hooks->owns_host(hooks->page_context, request->host);
    struct edge_page_request wanted = {
        .method = request->head.method,
        .path = path,
        .name = is_at_home ? slice_of(path.data + 1, path.size - 1) : name_of(request),
        .prefix = is_at_home ? SLICE("/") : request->generation->settings->prefix,
        .has_own_host = is_at_home,
        .host = request->host,
        .authority = request->head.authority,
        .secure = secure_is_request(request) || page_is_secure(&request->head.fields),
        .query = request->head.query,
        .fields = &request->head.fields,
        .client = request->client.address,
        .arena = &request->arena,
        .request = request,
    };
    if (hooks->page == NULL || wanted.name.data == NULL)
        return false;
    if (hooks->page(task, hooks->page_context, &wanted, &page)) {
        ledger_add(request->thread->ledger, page.count, 1);
        delivery_send_page_of(task, request, &page);
    } else if (is_at_home) {
        delivery_send_page(task, request, 404);
    } else {
        return false;
    }
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
