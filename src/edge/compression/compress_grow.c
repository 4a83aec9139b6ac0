// The compressed form of an answer that still comes: made once for all its visitors, who read it
// while it grows. A task of its own feeds what has come and puts out everything fed whenever
// nothing more is there, so that a slow page still appears bit by bit.
#include "base/memory.h"
#include "edge/compression/compress.h"
#include "edge/request.h"

#define FEED_MOST 16384        // a sixth of a millisecond's work; then others get their turn
#define CONTENT_STALL_MS 600000 // as for plain content

struct growth {
    struct edge_thread *thread;
    struct object *object;
    struct encoder *encoder;
    struct body *form;
    struct body_reader reader;
    char *buffer;
    uint64_t kept_most, window; // bytes of content, and what is held of the form beyond
    bool is_flushed;            // all that was fed has been put out
};

// The form is kept whole, for those who come later, as long as the content is of a size that forms
// are made of, and kept itself. Beyond, its slowest reader governs it.
static void growth_bound(struct growth *growth)
{
    if (!body_has_window(growth->form) && (body_has_window(growth->object->body)
            || growth->reader.at > growth->kept_most))
        body_set_window(growth->form, growth->window, false);
}

// CLOSED: nobody reads, and the form's window is full.
static enum error growth_feed(struct task *task, struct growth *growth, struct slice content,
    enum encoder_end end)
{
    enum error error;
    do {
        size_t size;
        error = encoder_run(growth->encoder, &content, end, growth->buffer, EDGE_BUFFER_SIZE,
            &size);
        enum error appended = error == ERROR_NONE || error == ERROR_BUSY
            ? body_append(task, growth->form, slice_of(growth->buffer, size),
                deadline_after_ms(growth->thread->loop, CONTENT_STALL_MS))
            : error;
        if (appended != ERROR_NONE)
            return appended;
    } while (error == ERROR_BUSY);
    growth->is_flushed = end == ENCODER_FLUSH;
    return ERROR_NONE;
}

// Feeds a run of what is there. BUSY: nothing was, and all of the past is out. CLOSED: that was the
// end.
static enum error growth_step(struct task *task, struct growth *growth)
{
    struct slice content = SLICE_EMPTY;
    enum error error = body_reader_peek(&growth->reader, &content);
    if (error == ERROR_CLOSED) {
        error = growth_feed(task, growth, SLICE_EMPTY, ENCODER_FINISH);
        return error == ERROR_NONE ? ERROR_CLOSED : error == ERROR_CLOSED ? ERROR_LIMIT : error;
    }
    if (error == ERROR_BUSY && !growth->is_flushed) {
        error = growth_feed(task, growth, SLICE_EMPTY, ENCODER_FLUSH);
        return error == ERROR_NONE ? ERROR_BUSY : error == ERROR_CLOSED ? ERROR_LIMIT : error;
    }
    if (error != ERROR_NONE)
        return error;
    content.size = MINIMUM(content.size, FEED_MOST);
    error = growth_feed(task, growth, content, ENCODER_GO_ON);
    body_reader_advance(&growth->reader, content.size);
    return error == ERROR_CLOSED ? ERROR_LIMIT : error;
}

static void growth_end(struct growth *growth, enum error error)
{
    body_finish(growth->form, error);
    body_reader_close(&growth->reader);
    body_release(growth->form);
    encoder_destroy(growth->encoder);
    growth->thread->encoders--;
    edge_buffer_give(growth->thread, growth->buffer);
    object_release(growth->object);
    memory_free(growth);
}

static void growth_main(struct task *task, void *argument)
{
    struct growth *growth = argument;
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE) {
        struct slice ignored;
        growth_bound(growth);
        error = growth_step(task, growth);
        if (error == ERROR_NONE)
            error = task_yield(task);
        else if (error == ERROR_BUSY)
            error = body_reader_next(task, &growth->reader,
                deadline_after_ms(task_loop(task), CONTENT_STALL_MS), &ignored);
        else
            break;
        if (error == ERROR_CLOSED)
            error = ERROR_NONE; // the next step writes the end
    }
    growth_end(growth, error == ERROR_CLOSED ? ERROR_NONE : error);
}

static struct growth *growth_create(struct request *request)
{
    struct growth *growth = memory_zero_alloc(sizeof(*growth));
    if (growth == NULL)
        return NULL;
    growth->buffer = edge_buffer_take(request->thread);
    growth->form = body_create(UINT64_MAX, 0, false);
    if (growth->buffer == NULL || growth->form == NULL) {
        edge_buffer_give(request->thread, growth->buffer);
        body_release(growth->form);
        memory_free(growth);
        return NULL;
    }
    growth->thread = request->thread;
    growth->object = object_reference(request->object);
    growth->kept_most = request_site(request)->compression.maximum;
    growth->window = request->generation->settings->connections.stream_window;
    growth->is_flushed = true; // nothing was fed
    body_reader_open(&growth->reader, growth->object->body, 0);
    return growth;
}

struct body *compress_grow(struct request *request, enum http_coding coding,
    struct encoder *encoder)
{
    struct growth *growth = growth_create(request);
    if (growth == NULL) {
        encoder_destroy(encoder);
        request->thread->encoders--;
        return NULL;
    }
    growth->encoder = encoder;
    if (!flight_add_form(request->flight, coding, growth->form)) {
        growth_end(growth, ERROR_CANCELLED); // another loop was faster
        return flight_form(request->flight, coding);
    }
    ledger_add(request->thread->ledger, LEDGER_FORMS_GROWN, 1);
    // What is there goes out together with the head. Nothing is waited for: the form has no window.
    enum error error = growth_step(NULL, growth);
    if (error == ERROR_NONE)
        error = growth_step(NULL, growth);
    if (error == ERROR_NONE || error == ERROR_BUSY)
        error = task_start(request->thread->loop, &request->thread->fetches, growth_main, growth);
    if (error != ERROR_NONE)
        growth_end(growth, error == ERROR_CLOSED ? ERROR_NONE : error);
    return flight_form(request->flight, coding);
}
