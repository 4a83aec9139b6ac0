// Streams as the files of the network know them: two ends, a pipe towards each, and segments on
// their way. network.c moves them, faults.c breaks them.
#pragma once

#include "sim/inside.h"

enum handle_kind { HANDLE_LISTENER, HANDLE_END };

struct sim_listener {
    enum handle_kind kind;
    struct list link;
    struct io_socket *socket;
    struct address address;
    struct list queue; // ends that wait to be accepted
    size_t queued;
};

struct sim_pipe { // bytes on their way to one end: a ring, counted from the stream's beginning
    char *bytes;
    size_t capacity;
    uint64_t written, arrived, read;
    bool end_written, end_arrived;
    uint64_t last_due_ns;
};

struct sim_side {
    enum handle_kind kind;
    struct sim_stream *stream;
    struct sim_side *peer;
    struct sim_host *host;
    struct address address;
    struct io_socket *socket; // NULL before it was accepted and after it was closed
    struct list queue_link;
    struct sim_pipe in;
    bool open; // somebody has it, or may still accept it
    bool reset;
    bool chopped;
};

enum stream_state { STREAM_CONNECTING, STREAM_ESTABLISHED, STREAM_FAILED };

struct sim_stream {
    struct list link;
    struct sim_side ends[2]; // the one that connects, the one that accepts
    struct list held;       // segments stopped by a silent host
    uint64_t id;
    unsigned flying;        // segments not arrived, held ones included
    enum stream_state state;
    enum error error;
};

#define SEGMENT_MAP(X) X(CONNECT) X(ACCEPTED) X(REFUSED) X(BYTES) X(END) X(RESET) X(WINDOW)
enum segment_kind {
#define X(name) SEGMENT_##name,
    SEGMENT_MAP(X)
#undef X
};

struct sim_segment {
    struct sim_event event;
    struct list link;
    struct sim_side *to;
    enum segment_kind kind;
    uint64_t upto; // BYTES: how much of the stream has arrived with it
};

void sim_segment_arrives(struct sim_world *world, struct sim_event *event);
// On its way now; arrives after everything sent to that side before.
void sim_segment_start(struct sim_world *world, struct sim_segment *segment);
void sim_segment_send(
    struct sim_world *world, struct sim_side *to, enum segment_kind kind, uint64_t upto);
// No more bytes from this side, once.
void sim_side_finish(struct sim_world *world, struct sim_side *side);
struct sim_name *sim_name_find(struct sim_world *world, struct slice host);
