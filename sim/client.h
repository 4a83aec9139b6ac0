// Scripted visitors: they send requests over connections that behave or do not, and check every
// answer: its framing, each byte of its content, whose it is, how old it is.
#pragma once

#include "sim/run.h"

enum { // what a request puts up with; without these, anything but the right answer fails the run
    SIM_ALLOW_ERROR = 1,  // an honest 5xx
    SIM_ALLOW_CUT = 2,    // an answer that breaks off, or none
    SIM_ALLOW_OLD = 4,    // content older than the rules of freshness say
    SIM_ALLOW_ACCEPTED = 16, // a write: 202, for later
    SIM_ALLOW_BROKEN = 8,   // with ALLOW_CUT: even for what was served before
    SIM_ALLOW_FILE = 32,    // the file of a rule's fallback
};

struct sim_request {
    const char *method;     // NULL: GET
    const char *host;       // NULL: www.example.org
    char path[96];
    unsigned client;        // who asks; private answers must be his
    unsigned index;         // among his requests, in a crowd
    const char *language;   // Accept-Language, NULL: none
    const char *encodings;  // Accept-Encoding, NULL: none
    const char *fields;     // further field lines, as sent
    const char *if_none_match;
    bool has_range;
    uint64_t range_first, range_last;
    uint64_t upload_id, upload_size; // id 0: no content
    bool upload_chunked, expect_continue;
    bool upload_bare;       // a write without content, not even an empty one
    uint64_t upload_pause_ms;
    unsigned allow;
    uint64_t version_least; // 0: any that the rules allow
};

struct sim_answer {
    enum error error;       // NONE: the answer is complete
    const char *fault;      // with PROTOCOL
    unsigned status;
    bool began;             // at least one byte came
    uint64_t version, born_ms, asked_ms, age_s, size;
    uint64_t sent_ns, head_ns, end_ns;
    char cache_status[160], proxy_status[160], etag[80];
};

typedef void sim_plan(struct sim_run *run, struct sim_request *request);
// What the scenario itself has to say to an answer.
typedef void sim_judge(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer);

struct sim_visit { // one visitor's connection after another, until all requests are answered
    struct sim_run *run;
    char source[24];         // his address; empty: 198.51.100.N by client
    const struct sim_request *requests;
    size_t count;
    struct sim_answer *answers; // count of them; may be NULL
    uint64_t start_ms;       // after sim_visits_run began
    unsigned pipelined;      // requests sent before the first answer is read; 0 counts as 1. Over
                             // HTTP/2: streams at once
    bool http2;              // with prior knowledge
    uint32_t window;         // over HTTP/2, of each stream; 0: 65535
    bool fresh_connections;  // one per request
    uint64_t think_ms;       // between answers
    uint64_t pause_ms;       // before each read
    size_t read_size;
    uint64_t leave_after;    // goes away after that many bytes of a body; 0: stays. Over HTTP/2 it
                             // is the stream that is reset
    uint64_t leave_after_ms; // goes away that long after the first request was sent; 0: stays
    bool resets;             // instead of closing the connection
    bool half_closes;        // says that it will not send more, after its last request
    uint64_t patience_ms;    // per step of progress; 0: 120 s
    sim_judge *judge;        // may be NULL
};

void sim_visit(struct task *task, const struct sim_visit *visit);
// All at once (each at its start_ms), and waits for their end.
void sim_visits_run(
    struct task *task, struct sim_run *run, const struct sim_visit *visits, size_t count);
// One request on a connection of its own.
struct sim_answer sim_ask(
    struct task *task, struct sim_run *run, const struct sim_request *request);
struct sim_answer sim_get(struct task *task, struct sim_run *run, const char *path);

// clients visitors with requests_each requests each within over_ms; plan fills in each request
// (zeroed, client set). Fails the run as sim_visit does.
struct sim_crowd {
    unsigned clients, requests_each;
    uint64_t over_ms, think_ms;
    unsigned odd_permille; // visitors who read slowly, pipeline, or use a connection per request
    sim_plan *plan;
    void (*shape)(struct sim_run *run, unsigned client, struct sim_visit *visit); // may be NULL
    sim_judge *judge;
};
void sim_crowd_run(struct task *task, struct sim_run *run, const struct sim_crowd *crowd);
