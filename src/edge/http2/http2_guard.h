// What costs a visitor little and the edge much: frames that no well-behaved client sends often.
// Each connection has two budgets, one of streams reset before they were answered, one of frames
// without use. They hold a setting's count at first, and a tenth of it comes back each second. Who
// spends one is told ENHANCE_YOUR_CALM (RFC 9113 section 10.5) and the connection ends.
#pragma once

#include "edge/ledger.h"

// X(name, ledger counter)
#define HTTP2_GLITCH_MAP(X)                                                                        \
    X(RESET, LEDGER_HTTP2_RESET_FLOODS)               /* also streams that we had to reset */      \
    X(PING, LEDGER_HTTP2_PING_FLOODS)                                                              \
    X(SETTINGS, LEDGER_HTTP2_SETTINGS_FLOODS)                                                      \
    X(PRIORITY, LEDGER_HTTP2_PRIORITY_FLOODS)         /* PRIORITY and PRIORITY_UPDATE */           \
    X(WINDOW, LEDGER_HTTP2_WINDOW_FLOODS)             /* more updates than answers called for */   \
    X(EMPTY, LEDGER_HTTP2_EMPTY_FLOODS)               /* frames with nothing in them */            \
    X(CONTINUATION, LEDGER_HTTP2_CONTINUATION_FLOODS)                                              \
    X(HEADERS, LEDGER_HTTP2_HEADER_BOMBS)             /* small blocks that decode to large lists */\
    X(OTHER, LEDGER_HTTP2_OTHER_FLOODS)               /* unknown frame types */

enum http2_glitch {
    HTTP2_GLITCH_NONE,
#define X(name, counter) HTTP2_GLITCH_##name,
    HTTP2_GLITCH_MAP(X)
#undef X
};

struct http2_guard {
    uint64_t resets_full, glitches_full; // millionths, as all below
    uint64_t resets, glitches;           // left
    uint64_t refilled_ns;
    enum http2_glitch spent;             // what ended it; NONE: all is well
};

void http2_guard_init(struct http2_guard *guard, uint64_t resets, uint64_t glitches,
    uint64_t now_ns);
void http2_guard_charge(struct http2_guard *guard, enum http2_glitch glitch, uint64_t now_ns);
// Ends it at once, without a budget.
void http2_guard_trip(struct http2_guard *guard, enum http2_glitch glitch);
// Frames that an answer calls for are no glitches: gives back what they will cost.
void http2_guard_allow(struct http2_guard *guard, unsigned frames);
enum ledger_count http2_guard_counter(enum http2_glitch glitch); // not for NONE
