// Content compressed as it passes: what is there is fed, and when nothing more is there, everything
// fed so far goes out, so that a slow page still appears bit by bit.
#include "edge/compression/compress.h"
#include "edge/delivery.h"

#define FEED_MOST 16384        // a sixth of a millisecond's work; then others get their turn
#define CONTENT_STALL_MS 600000 // as for plain content

struct compress_flow {
    struct request *request;
    const struct answer_head *head; // NULL once it was sent
    struct encoder *encoder;
    char *buffer;
    size_t used;
    bool is_flushed; // all that was fed has been put out
};

static enum error flow_send(struct task *task, struct compress_flow *flow, bool ends)
{
    if (flow->head == NULL && flow->used == 0 && !ends)
        return ERROR_NONE;
    enum error error = delivery_send(
        task, flow->request, flow->head, slice_of(flow->buffer, flow->used), ends);
    flow->head = NULL;
    flow->used = 0;
    return error;
}

// Feeds all of it, sending whenever the buffer is full.
static enum error flow_feed(struct task *task, struct compress_flow *flow, struct slice content,
    enum encoder_end end)
{
    enum error error;
    do {
        size_t size;
        if (EDGE_BUFFER_SIZE - flow->used < ENCODER_OUTPUT_LEAST) {
            error = flow_send(task, flow, false);
            if (error != ERROR_NONE)
                return error;
        }
        error = encoder_run(flow->encoder, &content, end, flow->buffer + flow->used,
            EDGE_BUFFER_SIZE - flow->used, &size);
        flow->used += size;
    } while (error == ERROR_BUSY);
    flow->is_flushed = end == ENCODER_FLUSH;
    return error;
}

// Nothing more is there: neither the head nor what was fed may wait for it.
static enum error flow_wait(struct task *task, struct compress_flow *flow,
    struct body_reader *reader, struct slice *ret_content)
{
    enum error error = ERROR_NONE;
    if (!flow->is_flushed)
        error = flow_feed(task, flow, SLICE_EMPTY, ENCODER_FLUSH);
    if (error == ERROR_NONE)
        error = flow_send(task, flow, false);
    if (error != ERROR_NONE)
        return error;
    return body_reader_next(
        task, reader, deadline_after_ms(task_loop(task), CONTENT_STALL_MS), ret_content);
}

static enum error flow_run(struct task *task, struct compress_flow *flow,
    struct body_reader *reader, uint64_t length)
{
    for (;;) {
        struct slice content = SLICE_EMPTY;
        enum error error = reader->at == length ? ERROR_CLOSED : body_reader_peek(reader, &content);
        if (error == ERROR_BUSY)
            error = flow_wait(task, flow, reader, &content);
        if (error == ERROR_CLOSED) {
            error = flow_feed(task, flow, SLICE_EMPTY, ENCODER_FINISH);
            return error != ERROR_NONE ? error : flow_send(task, flow, true);
        }
        if (error != ERROR_NONE)
            return error;
        content.size = MINIMUM(content.size, FEED_MOST);
        error = flow_feed(task, flow, content, ENCODER_GO_ON);
        if (error == ERROR_NONE) {
            body_reader_advance(reader, content.size);
            if (content.size == FEED_MOST)
                error = task_yield(task);
        }
        if (error != ERROR_NONE)
            return error;
    }
}

enum error compress_send(struct task *task, struct request *request,
    const struct answer_head *head, struct encoder *encoder, struct body_reader *reader,
    uint64_t length, bool *ret_begun)
{
    struct compress_flow flow = {
        .request = request,
        .head = head,
        .encoder = encoder,
        .buffer = edge_buffer_take(request->thread),
        .is_flushed = true, // nothing was fed
    };
    enum error error = flow.buffer == NULL ? ERROR_MEMORY : flow_run(task, &flow, reader, length);
    edge_buffer_give(request->thread, flow.buffer);
    *ret_begun = flow.head == NULL;
    return error;
}
