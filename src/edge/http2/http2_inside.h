// What the files of HTTP/2 towards visitors share: a connection, its streams, their memory.
#pragma once

#include "edge/connection.h"
#include "edge/http2/http2.h"
#include "edge/http2/http2_guard.h"
#include "edge/request.h"
#include "edge/transport.h"
#include "http/hpack.h"
#include "http/http2_head.h"
#include "http/http2_memory.h"
#include "http/http2_response.h"
#include "http/http2_scan.h"

#define HTTP2_FRAME_SIZE 16384      // of DATA, without its head

// Per thread, so that neither a stream nor a round of output allocates.
struct http2_thread {
    nghttp2_session_callbacks *callbacks;
    struct list streams;            // at rest
    unsigned streams_kept;
    char *outputs[8];               // at rest, of the large size
    unsigned outputs_kept, outputs_large; // the latter: in use
    struct http2_pool pool;         // of what sessions are made of
};

// A piece of uploaded content, in a buffer of the thread (edge_buffer_take).
struct http2_block {
    struct http2_block *next;
    uint32_t begin, end;
    char data[];
};

// Fields that nghttp2 knows of as a HEADERS frame with none: when it puts that out they are written
// in their place.
struct http2_section {
    struct http2_section *next;
    unsigned status;                // 0: fields after the content
    struct slice runs[ANSWER_FIELD_RUNS];
};

struct http2_connection {
    struct connection *connection;
    nghttp2_session *session;
    struct http2_memory memory;     // of that
    struct hpack_encoder encoder;   // of all heads that go out
    struct list streams;            // all struct http2_stream that know it
    struct list starting;           // of these: whole heads whose task is not started yet
    uint32_t stream_count;
    // Output of a round, gathered here and sent with one call.
    char *output;                   // NULL: none is gathered
    uint32_t output_size, output_capacity;
    const uint8_t *pending;         // of a frame, what did not fit
    size_t pending_size;
    const struct http2_section *section; // whose HEADERS frame is pending without its fields
    char *spill;                    // memory of what is pending, if it is ours
    uint32_t round;                 // of gathering; between two, all tasks had their turn
    bool sending;                   // output is on its way and must not change
    bool flushing;                  // a task is at it, or about to be
    bool reading;                   // a reader is at it, or about to be
    struct task *reader, *flusher;
    struct line_place flush_place;  // of the latter, if there was no task for it
    bool deaf;                      // nothing is read any more
    bool lost;                      // nothing is sent any more either
    bool ending;                    // a last GOAWAY is on its way
    struct http2_guard guard;
    uint64_t idle_since_ns;         // when the last stream ended
    uint64_t progress_ns;           // when content of any stream was taken last
    struct http2_scan scan;
    uint64_t head_since_ns;         // since when a head or frame is coming; 0: none is
    // Of the last 64 streams that could have been, the highest number's bit the lowest: which were
    // opened, and which we reset.
    int32_t last_id;
    uint64_t opened, reset;
    int32_t fed_id, reset_id;       // what nghttp2 knows; what the bytes at hand reset
    struct http2_stream *heading;   // whose fields come in; NULL: of none that is known
    int32_t initial_window, widest_window; // of streams towards the visitor, before his SETTINGS
};

// One request. Belongs to its connection until its task runs, then to that.
struct http2_stream {
    struct http2_connection *owner;
    struct list link;               // owner->streams, or at rest
    struct list start_link;         // owner->starting
    struct line_place place;        // the thread's line, if there is no task to start
    int32_t id;
    struct arena arena;             // of the head
    struct http2_head collected;
    struct http_request_head head;
    enum http1_fault fault;
    bool has_head;                  // all of it came
    bool ends_with_head;
    bool closed;                    // nghttp2 has forgotten it
    bool cut;                       // a RST_STREAM of ours is on its way
    bool has_task;                  // one serves it, or is about to
    struct task *task;
    // The answer, as far as it was handed over.
    struct http2_section *sections; // of it, not written yet, in the order of their frames
    struct slice content;           // of it, not taken yet
    bool ends;                      // nothing follows that content
    struct http2_section trailer;   // but this, if it has a line
    bool answered;                  // its end is in the output
    bool has_source;                // nghttp2 asks for content
    struct task *sender;            // waits until content is taken
    uint32_t emptied_round;         // when the last of it was taken
    uint64_t progress_ns;           // when some was taken last
    // The request's content.
    struct http2_block *first, *last;
    bool content_ended;
    struct http2_response request_trailer; // as lines
    bool discarding;
    bool owes_continue;
    struct pace pace;
    struct task *receiver;          // waits for content
    // As one side of a tunnel.
    struct tunnel_direction *parked; // wants to be told of content
    struct timer timer;             // when it is told
    bool is_noticed;                // of content, not of the deadline
    bool is_left;                   // freed when nghttp2 closes it
};

// http2_session.c
// NULL when out of memory.
struct http2_thread *http2_thread_take(struct edge_thread *thread) MUST_CHECK;
bool http2_session_open(struct http2_connection *self,
    const struct http2_settings *settings) MUST_CHECK;
// The provider of all answers' content: an nghttp2_data_source_read_callback.
ssize_t http2_session_content_wanted(nghttp2_session *session, int32_t id, uint8_t *buffer,
    size_t length, uint32_t *flags, nghttp2_data_source *source, void *context);
// Hands received bytes over. Complete requests are in self->starting then.
void http2_session_feed(struct http2_connection *self, struct slice bytes);
// Ends the connection if a budget is spent, or memory was. After frames came in or went out.
void http2_session_check(struct http2_connection *self);

// http2_section.c
// Puts self->section in the place of the frame that is pending. False: out of memory.
bool http2_write_section(struct http2_connection *self) MUST_CHECK;

// http2_connection.c
// There is output: sees to it that somebody sends it. May be called from anywhere but a callback.
void http2_flush_soon(struct http2_connection *self);
// Gathers output as far as it fits.
void http2_gather(struct http2_connection *self);
// Neither side gets anything any more; all its tasks are told.
void http2_lose(struct http2_connection *self);
// GOAWAY: what is under way is finished, what comes now is for another connection.
void http2_go_away(struct http2_connection *self);
// GOAWAY with an error, and the end.
void http2_fail(struct http2_connection *self, uint32_t error_code);
// Called by whoever leaves: parks, closes or frees the connection if nobody else is left.
void http2_settle(struct http2_connection *self);
static inline size_t http2_room(const struct http2_connection *self)
{
    return self->output == NULL ? 0 : self->output_capacity - self->output_size;
}

// http2_stream.c
struct http2_stream *http2_stream_create(struct http2_connection *self, int32_t id) MUST_CHECK;
void http2_stream_destroy(struct http2_stream *stream); // without a task
// Starts the tasks of all whole heads.
void http2_stream_start_all(struct http2_connection *self);
void http2_stream_add_section(struct http2_stream *stream, struct http2_section *section);
// nghttp2 has closed it.
void http2_stream_on_close(struct http2_stream *stream);
bool http2_stream_append(struct http2_stream *stream, struct slice content) MUST_CHECK;
// Content came, or none will come any more.
void http2_stream_notice(struct http2_stream *stream);
bool http2_stream_is_gone(const struct http2_stream *stream);
void http2_stream_reset(struct http2_stream *stream, uint32_t error_code);
void http2_stream_drop_content(struct http2_stream *stream);
// Would a receive give something without waiting?
bool http2_stream_has_content(const struct http2_stream *stream);
// At least one byte, or CLOSED at the end of the content.
enum error http2_stream_receive(struct task *task, struct http2_stream *stream, void *buffer,
    size_t size, uint64_t deadline_ns, size_t *ret_size) MUST_CHECK;
// Content, once the head was sent. Waits until it is in the output, at most idle_ms for a part.
enum error http2_stream_send(struct task *task, struct http2_stream *stream, struct slice content,
    bool ends, uint64_t idle_ms) MUST_CHECK;
// The same without waiting; false if it has gone.
bool http2_stream_offer(struct http2_stream *stream, struct slice content, bool ends) MUST_CHECK;

// http2_tunnel.c
void http2_become_tunnel(struct request *request, struct tunnel_side *ret_side);
void http2_tunnel_on_timer(struct timer *timer);

static inline struct edge_thread *http2_thread_of(const struct http2_connection *self)
{
    return self->connection->thread;
}

static inline void http2_count(const struct http2_connection *self, enum ledger_count count)
{
    ledger_add(self->connection->thread->ledger, count, 1);
}
