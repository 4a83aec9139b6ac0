// The stream of changes (server-sent events, WHATWG HTML section 9.2): one task per visitor, asleep
// until something changes. It only says that there is news; the page then asks for itself, so the
// two can never differ.
#include "base/hash.h"
#include "io/network.h"
#include "watch/visit.h"
#include "watch/watch_inside.h"

#define KEEP_ALIVE_MS 15000   // proxies in between close what is silent
#define PAUSE_MS 500          // a burst of changes is one
#define STREAM_LONGEST_MS (UINT64_C(3600) * 1000) // then the browser comes back by itself

// One network's part of all: many have few, and nobody has all.
#define NETWORK_PART 20
#define NETWORK_LEAST 8

struct stream {
    const struct edge_page_request *request;
    struct watch *watch;
    _Atomic uint32_t *of_network; // how many there are, of the watch
    bool is_fresh;                // the page that asks shows how things are
    uint64_t seen, end_ns;        // end 0: it has only begun
    char piece[64];
};

// How old what is shown is, ms: the page says so when that is much.
static struct slice alive(struct stream *stream, int64_t now_ms)
{
    int64_t age_ms = now_ms - atomic_load(&stream->watch->kept_ms);
    struct text text = text_in(stream->piece, sizeof(stream->piece));
    text_format(&text, "event: alive\ndata: %lld\n\n", (long long)MAXIMUM(age_ms, 0));
    return text_slice(&text);
}

uint64_t stream_moment(struct watch *watch)
{
    return watch->seed + broadcast_version(&watch->changed);
}

// The first piece tells of news too, but to who has just been shown how things are.
static bool stream_more(struct task *task, void *context, struct slice *ret_piece)
{
    struct stream *stream = context;
    struct watch *watch = stream->watch;
    struct loop *loop = task_loop(task);
    if (atomic_load(&watch->is_ending))
        return false;
    if (stream->end_ns == 0) {
        stream->end_ns = deadline_after_ms(loop, STREAM_LONGEST_MS);
        if (stream->is_fresh) {
            *ret_piece = alive(stream, loop->wall_ms);
            return true;
        }
    } else {
        enum error error = task_sleep_until(task, deadline_after_ms(loop, PAUSE_MS));
        if (error == ERROR_TIMEOUT)
            error = ERROR_NONE;
        if (error == ERROR_NONE && !atomic_load(&watch->is_ending))
            error = broadcast_wait(task, &watch->changed, stream->seen,
                deadline_after_ms(loop, KEEP_ALIVE_MS));
        if (atomic_load(&watch->is_ending) || edge_page_has_gone(stream->request)
            || task_now_ns(task) > stream->end_ns)
            return false;
        if (error == ERROR_TIMEOUT) {
            *ret_piece = alive(stream, loop->wall_ms);
            return true;
        }
        if (error != ERROR_NONE)
            return false;
    }
    stream->seen = broadcast_version(&watch->changed);
    struct text text = text_in(stream->piece, sizeof(stream->piece));
    text_format(&text, "event: change\ndata: %llu\n\n", (unsigned long long)stream->seen);
    *ret_piece = text_slice(&text);
    return true;
}

// --- Places ---

// Networks that share a place share its bound: which do, nobody can guess.
static _Atomic uint32_t *count_of(struct watch *watch, const struct address *client)
{
    struct network network = {0};
    (void)network_around(client, NETWORK_BITS_V4, NETWORK_BITS_V6, &network);
    uint64_t hash = hash_bytes(slice_of((const char *)network.bytes, sizeof(network.bytes)),
        watch->seed);
    return &watch->streams_of[hash % STREAM_PLACES];
}

static void leave_place(struct watch *watch, _Atomic uint32_t *of_network)
{
    atomic_fetch_sub(of_network, 1);
    atomic_fetch_sub(&watch->open_streams, 1);
}

static bool take_place(struct watch *watch, _Atomic uint32_t *of_network, uint64_t streams)
{
    bool has_room = atomic_fetch_add(&watch->open_streams, 1) < streams;
    bool is_fair = atomic_fetch_add(of_network, 1) < MAXIMUM(streams / NETWORK_PART, NETWORK_LEAST);
    if (!has_room || !is_fair)
        leave_place(watch, of_network);
    return has_room && is_fair;
}

static void stream_end(void *context)
{
    const struct stream *stream = context;
    leave_place(stream->watch, stream->of_network);
}

static void refuse(struct edge_page *page, unsigned status, struct slice fields,
    struct slice content)
{
    *page = (struct edge_page){.status = status, .fields = fields, .content = content,
        .content_type = SLICE("text/plain; charset=utf-8")};
}

static bool is_after(const struct visit *visit, uint64_t moment)
{
    char buffer[16];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_hex(&text, moment, 16);
    return visit->request->query.data != NULL && slice_equal(text_slice(&text),
        visit_form_value(visit, visit->request->query, SLICE("after")));
}

// The script of a page that is refused asks again after a minute, and for the page now and then.
void stream_serve(const struct visit *visit, struct core *core, struct edge_page *ret_page)
{
    if (visit->request->method != HTTP_METHOD_GET) {
        refuse(ret_page, 405, SLICE("Allow: GET\r\n"), SLICE("This is only there to be read.\n"));
        return;
    }
    struct stream *stream = arena_zero_alloc(visit->request->arena, sizeof(*stream));
    _Atomic uint32_t *of_network = count_of(visit->watch, &visit->request->client);
    if (stream == NULL || !take_place(visit->watch, of_network, core->streams)) {
        refuse(ret_page, 503, SLICE("Retry-After: 60\r\n"),
            SLICE("Too many pages are told of changes; ask now and then.\n"));
        return;
    }
    stream->request = visit->request;
    stream->watch = visit->watch;
    stream->of_network = of_network;
    stream->seen = broadcast_version(&visit->watch->changed);
    stream->is_fresh = is_after(visit, visit->watch->seed + stream->seen);
    *ret_page = (struct edge_page){.status = 200, .content_type = SLICE("text/event-stream"),
        .fields = SLICE("X-Accel-Buffering: no\r\n"), .content = SLICE("retry: 5000\n\n"),
        .more = stream_more, .more_context = stream, .end = stream_end};
}
