// A fetch of his own, of which only the rest is wanted: where an exchange for it breaks off, the
// lifelines go on with it as with any content.
#include "edge/laggard.h"
#include "base/memory.h"
#include "edge/delivery.h"
#include "edge/forward.h"
#include "edge/rules/rule_serve.h"

#define LAGGARD_BUFFER_SIZE 65536
#define ARENA_CHUNK_SIZE 4096

struct laggard {
    struct fetch fetch; // of that, what its content needs. No flight: nobody else waits for it
    struct fetch_report report;
    struct content content;
    char buffer[LAGGARD_BUFFER_SIZE];
};

static struct laggard *laggard_create(struct request *request)
{
    struct laggard *laggard = memory_zero_alloc(sizeof(*laggard));
    if (laggard == NULL)
        return NULL;
    struct fetch *fetch = &laggard->fetch;
    arena_init(&fetch->arena, ARENA_CHUNK_SIZE, edge_arena_limit(request->generation->settings));
    fetch->thread = request->thread;
    fetch->generation = request->generation; // the request's reference
    fetch->site = request->site;
    fetch->origin = request->origin;
    fetch->report = &laggard->report;
    fetch->request = (struct exchange_request){
        .method = HTTP_METHOD_GET,
        .method_text = SLICE("GET"),
        .target = rule_target(request, &fetch->arena),
        .host = rule_host(request),
        .fields = forward_fields(request, &fetch->arena, FORWARD_WHOLE, SLICE("")),
        .is_admitted = true, // he has half of it
        .affinity = request->key.hash.low,
    };
    return laggard;
}

static void laggard_destroy(struct laggard *laggard)
{
    arena_free(&laggard->fetch.arena);
    memory_free(laggard);
}

static enum error laggard_copy(struct task *task, struct request *request,
    struct laggard *laggard, uint64_t at, uint64_t end)
{
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE && at < end) {
        size_t size;
        error = content_read(task, &laggard->fetch, &laggard->content, laggard->buffer,
            LAGGARD_BUFFER_SIZE, &size);
        if (error != ERROR_NONE) {
            request->failure = laggard->fetch.failure;
            break;
        }
        at += size;
        error = delivery_send(task, request, NULL, slice_of(laggard->buffer, size), at == end);
    }
    return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
}

static void laggard_note_lifeline(struct request *request, const struct fetch_report *report)
{
    const struct lifeline *lifeline =
        atomic_load_explicit(&report->content_saved_by, memory_order_relaxed);
    if (lifeline == NULL)
        return;
    request->saved_by = lifeline;
    request->strayed = true;
}

enum error laggard_send_rest(struct task *task, struct request *request, uint64_t at, uint64_t end,
    const struct content_seam *seam)
{
    if (end == UINT64_MAX || !http_etag_is_strong(object_etag(request->object)))
        return ERROR_LIMIT;
    struct laggard *laggard = laggard_create(request);
    if (laggard == NULL)
        return ERROR_MEMORY;
    struct fetch *fetch = &laggard->fetch;
    enum error error = ERROR_MEMORY;
    if (fetch->request.fields.data != NULL && fetch->request.target.data != NULL) {
        content_begin_rest(task, &laggard->content, fetch, request->object, at, end, seam);
        error = laggard_copy(task, request, laggard, at, end);
        content_end(task, &laggard->content);
    }
    if (error == ERROR_NONE)
        laggard_note_lifeline(request, &laggard->report);
    laggard_destroy(laggard);
    return error;
}
