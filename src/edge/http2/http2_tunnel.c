// A stream as the visitor's side of a tunnel (RFC 8441). It outlives its request: the tunnel's
// directions send and receive on it, and free it by closing their side.
#include "edge/http2/http2_inside.h"
#include "edge/tunnel.h"

static enum error side_receive(struct task *task, void *carrier, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size)
{
    return http2_stream_receive(task, carrier, buffer, size, deadline_ns, ret_size);
}

static enum error side_send(struct task *task, void *carrier, struct slice bytes, uint64_t idle_ms)
{
    return http2_stream_send(task, carrier, bytes, false, idle_ms);
}

static void side_end(void *carrier)
{
    struct http2_stream *stream = carrier;
    if (http2_stream_offer(stream, SLICE_EMPTY, true))
        http2_flush_soon(stream->owner);
}

static bool side_park(void *carrier, struct tunnel_direction *direction, uint64_t deadline_ns)
{
    struct http2_stream *stream = carrier;
    if (http2_stream_has_content(stream))
        return false;
    stream->parked = direction;
    stream->is_noticed = false;
    timer_start(http2_thread_of(stream->owner)->loop, &stream->timer, deadline_ns);
    return true;
}

static void side_unpark(void *carrier)
{
    struct http2_stream *stream = carrier;
    timer_stop(http2_thread_of(stream->owner)->loop, &stream->timer);
    stream->parked = NULL;
}

void http2_tunnel_on_timer(struct timer *timer)
{
    struct http2_stream *stream = CONTAINER_OF(timer, struct http2_stream, timer);
    struct tunnel_direction *direction = stream->parked;
    stream->parked = NULL;
    tunnel_notice(direction, stream->is_noticed ? ERROR_NONE : ERROR_TIMEOUT);
}

// An end that was offered may still have to be sent.
static void side_close(void *carrier, bool cut)
{
    struct http2_stream *stream = carrier;
    struct http2_connection *self = stream->owner;
    if (cut || !stream->ends || !stream->content_ended)
        http2_stream_reset(stream, NGHTTP2_CANCEL);
    http2_stream_drop_content(stream);
    if (http2_stream_is_gone(stream))
        http2_stream_destroy(stream);
    else
        stream->is_left = true;
    http2_settle(self);
}

static const struct tunnel_operations http2_tunnel_operations = {
    .receive = side_receive,
    .send = side_send,
    .end = side_end,
    .park = side_park,
    .unpark = side_unpark,
    .close = side_close,
};

void http2_become_tunnel(struct request *request, struct tunnel_side *ret_side)
{
    *ret_side = (struct tunnel_side){&http2_tunnel_operations, request->carrier};
}
