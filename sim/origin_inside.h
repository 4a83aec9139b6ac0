// What origins of both protocols share: deciding what to answer, and the fields that say it.
#pragma once

#include "sim/origin.h"

#define SIM_ORIGIN_WAIT_MS 600000
#define SIM_ORIGIN_PIECE 8192
#define SIM_ORIGIN_HEAD 4096

struct sim_response {
    const struct sim_page *page;
    struct slice method, path, variant;
    struct sim_fault fault;   // NONE unless this very response is to suffer
    unsigned status;
    uint64_t version, seed, size; // of the whole content
    uint64_t first, end;          // the part that is sent
    uint64_t asked_ms;
    char etag[64];
    enum sim_lie lie;
    bool has_body, keep;
    enum sim_framing framing;
};

// served: requests on this connection so far.
void sim_origin_choose(struct sim_origin *origin, const struct sim_head *request, unsigned served,
    struct sim_response *response);
// As a head of HTTP/1.1, into buffer.
struct slice sim_origin_write_head(struct sim_origin *origin, const struct sim_response *response,
    char *buffer);
// Of the lines after a request's content, "Name: value\n" each, exactly those came that should.
void sim_origin_check_trailer(struct sim_run *run, const struct sim_head *request,
    struct slice lines);
enum error sim_origin_wait(struct task *task, struct sim_origin *origin,
    const struct sim_fault *fault);
// How long the next rest of a connection may be.
uint64_t sim_origin_idle_ms(struct sim_origin *origin);
// Counts a request, and says so in the trace; NULL: a health check, which is answered apart.
struct sim_path *sim_origin_begin(struct sim_origin *origin, const struct sim_head *request,
    const struct sim_response *response);

// origin_http2.c: serves connections until it is cancelled.
void sim_origin_serve_http2(struct task *task, struct sim_origin *origin,
    struct io_socket *socket);
