// A scripted origin: HTTP/1.1 in straight code, or HTTP/2 with nghttp2; well-behaved until told
// otherwise.
#pragma once

#include "sim/run.h"

enum sim_fault_kind {
    SIM_FAULT_NONE,
    SIM_FAULT_BEFORE_HEAD,    // the request is read, then `how`
    SIM_FAULT_IN_HEAD,        // somewhere in the head
    SIM_FAULT_IN_BODY,        // somewhere in the body
    SIM_FAULT_AFTER_RESPONSE, // the response is whole, then `how` where more was promised
    SIM_FAULT_DELAY,          // delay_ms before the head
    SIM_FAULT_STATUS,         // `status` after delay_ms, with Retry-After if retry_after_s is not
                              // 0
    SIM_FAULT_LENGTH,         // Content-Length is wrong by `amount`
    SIM_FAULT_GARBAGE,        // something that is no HTTP
    SIM_FAULT_REFUSED,        // HTTP/2 only: not processed, by RST_STREAM or GOAWAY
};

// What is wrong with the answer to a range that was asked for with If-Range.
enum sim_lie {
    SIM_LIE_NONE,
    SIM_LIE_FIRST,  // it begins elsewhere
    SIM_LIE_LAST,   // it ends elsewhere
    SIM_LIE_ETAG,   // another entity tag,
    SIM_LIE_WEAK,   // or a weak one
    SIM_LIE_TOTAL,  // of something of another length
    SIM_LIE_PARTS,  // multipart/byteranges
    SIM_LIE_CODING, // in a coding
    SIM_LIE_416,
    SIM_LIES
};

enum sim_fault_how { SIM_HOW_END, SIM_HOW_RESET, SIM_HOW_STALL, SIM_HOW_ANY };

struct sim_fault {
    enum sim_fault_kind kind;
    enum sim_fault_how how;
    unsigned permille;  // of the requests; 0: all
    const char *prefix; // of their paths; NULL: all
    bool kept_only;     // not the first request of a connection
    bool ranges_only;   // where somebody goes on with what he has
    unsigned status;
    uint64_t retry_after_s, delay_ms;
    int64_t amount;
};

struct sim_origin {
    struct list link; // in run->origin_list
    struct sim_run *run;
    const char *host;
    struct address address;
    struct io_socket listener;
    struct sim_fault fault;
    const char *health_path;    // answered apart from the site
    unsigned health_status;
    uint64_t delay_ms, spread_ms; // before each head, even when well
    uint64_t chunk_delay_ms;      // between pieces of a body
    uint64_t service_ms;          // works on one request at a time for so long, the others wait
    uint64_t free_at_ns;          // when it is through with all of them
    unsigned inside, inside_most; // of those
    bool tells_date;              // by a clock that is wrong by so much:
    int64_t clock_offset_ms;
    uint64_t idle_ms, idle_spread_ms; // closes kept connections after that
    unsigned requests_each;       // per connection, 0: no limit
    const char *sibling_of;     // plays another edge that holds the paths with this prefix
    enum sim_lie lie;
    uint64_t ranges, lies;      // answers of 206; and of these, lies
    bool http2;                 // speaks that, without asking
    unsigned streams_each;      // at once, 0: 100
    bool honours_keys;          // does what has the same Idempotency-Key once. HTTP/1.1 only
    bool refuses_uploads;       // each once, somewhere in its content
    unsigned streams_most;      // that there were at once on a connection
    uint64_t tunnels;           // opened
    uint64_t connections, requests, health_requests, faults, not_modified;
};

// The port is 80. Runs until the run ends; memory belongs to the run.
struct sim_origin *sim_origin_start(struct sim_run *run, const char *host);
void sim_origin_set(struct sim_origin *origin, struct sim_fault fault); // and marks the trouble
// The process is gone, or back.
void sim_origin_kill(struct sim_origin *origin);
void sim_origin_revive(struct sim_origin *origin);
