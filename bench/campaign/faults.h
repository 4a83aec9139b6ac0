// What an origin of the campaign is told to do wrong, and to whom: a list of faults, of which each
// request rolls one at most. As text "KIND key=value...; KIND ...":
//
//   close reset stall     the request is read, then the connection ends, is reset, or nothing comes
//   delay ms=N            N ms pass before the answer
//   status code=N after=N that status, with Retry-After if after is given
//   cut how=end|reset|stall   the body breaks off at a seeded offset
//   garbage               something that is no HTTP
//
// Each may be limited by permille=N (of the requests) and path=PREFIX.
#pragma once

#include "base/random.h"
#include "base/slice.h"

#define FAULTS_MAX 12

#define FAULT_KIND_MAP(X)                                                                          \
    X(NONE, "none") X(CLOSE, "close") X(RESET, "reset") X(STALL, "stall") X(DELAY, "delay")        \
    X(STATUS, "status") X(CUT, "cut") X(GARBAGE, "garbage")

enum fault_kind {
#define X(name, word) FAULT_##name,
    FAULT_KIND_MAP(X)
#undef X
};

enum fault_how { FAULT_HOW_END, FAULT_HOW_RESET, FAULT_HOW_STALL };

struct fault {
    enum fault_kind kind;
    enum fault_how how;
    unsigned permille, status;
    uint64_t delay_ms, retry_after_s; // 0: without
    char prefix[32]; // "": every path
};

struct faults {
    struct fault list[FAULTS_MAX];
    size_t count;
};

const char *fault_word(enum fault_kind kind);
// False when a word is unknown; *ret_faults is then untouched.
bool faults_parse(struct slice text, struct faults *ret_faults) MUST_CHECK;
struct fault faults_roll(const struct faults *faults, struct slice path, struct random *random);
