// HTTP/1.1 as the actors outside speak it: a reader of messages and a sender of text. Written apart
// from src/http on purpose, so that a mistake there does not agree with itself here.
#pragma once

#include "io/io.h"

#define SIM_WIRE_BUFFER 16384
#define SIM_WIRE_FIELDS 64

struct sim_field {
    struct slice name, value;
};

struct sim_head {
    char text[SIM_WIRE_BUFFER];
    size_t size;
    struct slice line[3]; // the three parts of the first line
    struct sim_field fields[SIM_WIRE_FIELDS];
    size_t count;
};

// One direction of one connection. Lives with its connection, on the heap: it is large.
struct sim_wire {
    struct io_socket *socket;
    uint64_t wait_ms;     // for each read or step of a write
    uint64_t pause_ms;    // a slow reader waits that long before each read,
    size_t read_size;     // and reads that much; 0: all there is
    char buffer[SIM_WIRE_BUFFER];
    size_t begin, end;
    char trailer[256];    // the lines after the last body in chunks, "Name: value\n" each
    size_t trailer_size;
    const char *fault;    // after ERROR_PROTOCOL: what was wrong
};

enum sim_framing { SIM_FRAMING_NONE, SIM_FRAMING_LENGTH, SIM_FRAMING_CHUNKED, SIM_FRAMING_CLOSE };

void sim_wire_init(struct sim_wire *wire, struct io_socket *socket, uint64_t wait_ms);
// CLOSED only when the connection ended before the first byte; TRUNCATED within the head.
enum error sim_wire_head(
    struct task *task, struct sim_wire *wire, struct sim_head *ret_head) MUST_CHECK;
// Hands every run of content to take, which may end it with an error of its own.
enum error sim_wire_body(struct task *task, struct sim_wire *wire, enum sim_framing framing,
    uint64_t length, enum error (*take)(void *argument, struct slice bytes),
    void *argument) MUST_CHECK;
enum error sim_wire_send(struct task *task, struct sim_wire *wire, struct slice bytes) MUST_CHECK;

// data NULL if absent. *ret_count (may be NULL): how many of that name there are.
struct slice sim_head_value(const struct sim_head *head, const char *name, size_t *ret_count);
// fallback when absent or no number.
uint64_t sim_head_number(const struct sim_head *head, const char *name, uint64_t fallback);
// False when the fields contradict each other.
bool sim_head_framing(const struct sim_head *head, enum sim_framing otherwise,
    enum sim_framing *ret_framing, uint64_t *ret_length);
// Whether to answer with one range of a content of size bytes, from *ret_first to before *ret_end.
bool sim_head_range(const struct sim_head *head, const char *etag, uint64_t size,
    uint64_t *ret_first, uint64_t *ret_end);
