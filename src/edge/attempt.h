// One attempt of a fetch. While it goes on, a lifeline may want another one beside it: then two
// exchanges race, the first good answer wins and the other is called off (its connection closed, or
// its stream of HTTP/2 reset; a few go on unheard for a moment, see origin/overtaken.h). The first
// one stays in the fetch's own task, so an attempt that is answered in time has cost a timer.
#pragma once

#include "edge/fetch.h"
#include "edge/lifeline.h"

struct attempt {
    struct fetch *fetch;
    struct task *task;                 // the fetch's, which makes the first exchange
    uint64_t begun_ns;
    bool is_open;                      // the first exchange is still being opened
    struct exchange_progress progress; // of the first exchange
    struct timer timer;                // when the lifelines are asked
    bool same_backend;                 // a lifeline says so: the second exchange over a fresh
                                       // connection to wherever the first one went
    // The second exchange.
    const struct lifeline *lifeline;   // that wanted it; NULL: there is none
    struct scope scope;                // of its task
    struct exchange_request request;
    uint64_t tried;                    // backends, a bit each
    bool over;
    bool awaited;                      // the fetch's task sleeps until it is over
    enum error error;
    struct exchange *exchange;
    struct failure failure;
};

// As exchange_open, of fetch->request; fetch->failure, tried, attempts and saved_by are kept.
enum error attempt_make(struct task *task, struct fetch *fetch,
    struct exchange **ret_exchange) MUST_CHECK;
