// What must hold of every answer. Failures go to the run.
#pragma once

#include "sim/client.h"
#include "sim/content.h"

#define SIM_CHECK_TEXT 8192 // no page of the edge's own is larger

struct sim_check { // of one answer while it is read
    struct sim_run *run;
    const struct sim_request *request;
    struct sim_answer *answer;
    const struct sim_page *page; // NULL: not the site's content, bytes are free
    uint64_t seed, first, at, end; // end UINT64_MAX: not known
    char text[SIM_CHECK_TEXT];     // of a page that the edge made itself
    size_t text_size;
};

// Reads the site's fields into the answer and checks what a head can tell.
void sim_check_head(struct sim_check *check, struct sim_run *run, const struct sim_request *request,
    struct sim_answer *answer, const struct sim_head *head);
// The offset of the first wrong byte, UINT64_MAX if all are right.
uint64_t sim_check_bytes(struct sim_check *check, struct slice bytes);
void sim_check_end(struct sim_check *check); // the content is said to be complete
// The verdict, once for each request.
void sim_check_answer(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer);
