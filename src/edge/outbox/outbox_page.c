// The words are in pages/page_outbox.c. The id is all that one needs to know, so it is no more than
// a visitor is told of his own write: its content is never shown.
#include "edge/outbox/outbox_page.h"
#include "edge/delivery.h"
#include "edge/outbox/outbox.h"
#include "edge/pages/page.h"

static struct page_write facts_of(const struct request *request)
{
    return (struct page_write){
        .host = request->host,
        .prefix = request->generation->settings->prefix,
        .support = request_site(request)->page.support,
        .now_ms = request->thread->loop->wall_ms,
    };
}

void outbox_page_serve(struct task *task, struct request *request, struct slice path)
{
    struct outbox *outbox = request->thread->edge->outbox;
    struct outbox_view *view = arena_alloc(&request->arena, sizeof(*view));
    bool is_read = request->head.method == HTTP_METHOD_GET
        || request->head.method == HTTP_METHOD_HEAD;
    if (!is_read) {
        delivery_send_page(task, request, 405);
        return;
    }
    // One site's visitors have no business with another's.
    if (outbox == NULL || view == NULL || !outbox_find(outbox, path, view)
        || !slice_equal(slice_from_string(view->host), request->host)) {
        delivery_send_page(task, request, 404);
        return;
    }
    struct page_write facts = facts_of(request);
    facts.id = path;
    facts.state = view->state;
    facts.status = view->status;
    facts.location = slice_from_string(view->location);
    facts.accepted_ms = view->accepted_ms;
    facts.over_ms = view->over_ms;
    enum page_form form = page_form_for(&request->head.fields);
    struct slice content = page_accepted_write(&request->arena, form, &facts);
    if (content.data == NULL)
        delivery_send_page(task, request, 503);
    else
        delivery_send_bytes(task, request, 200, page_status_content_type(form), SLICE(""), content);
}

const struct own_answer *outbox_page_accepted(struct request *request, struct slice id)
{
    struct slice prefix = request->generation->settings->prefix;
    struct own_answer *answer = arena_alloc(&request->arena, sizeof(*answer));
    enum page_form form = page_form_for(&request->head.fields);
    struct page_write facts = facts_of(request);
    facts.id = id;
    facts.state = OUTBOX_QUEUED;
    facts.accepted_ms = facts.now_ms;
    if (answer == NULL)
        return NULL;
    *answer = (struct own_answer){
        .status = 202,
        .content_type = page_status_content_type(form),
        .fields = arena_printf(&request->arena,
            "Location: %.*soutbox/%.*s\r\nContent-Location: %.*soutbox/%.*s\r\n",
            SLICE_ARGS(prefix), SLICE_ARGS(id), SLICE_ARGS(prefix), SLICE_ARGS(id)),
        .content = page_accepted_write(&request->arena, form, &facts),
    };
    return answer->fields.data == NULL || answer->content.data == NULL ? NULL : answer;
}
