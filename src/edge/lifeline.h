// A lifeline: one way to answer when the straight way fails. Each is one file of lifelines/ and one
// row of lifeline_map.h, hung on the phases where it acts and tried there in the table's order.
#pragma once

#include "edge/settings.h"
#include "edge/ledger.h"
#include "io/task.h"

struct content;
struct request;
struct fetch;
struct attempt;

enum lifeline_outcome {
    LIFELINE_PASS,     // not mine: the next one is asked
    LIFELINE_ANSWERED, // request->answer says what to send
    LIFELINE_AGAIN,    // of a fetch: make another attempt; of a request: begin anew
                       // of an attempt that goes on: make another one beside it
};

struct lifeline {
    const char *name; // as in Cache-Status, the access log and the settings
    // The phases; NULL where it has nothing to do. The first three act on a visitor's request:
    enum lifeline_outcome (*lookup)(struct task *task, struct request *request);  // no fresh copy
    enum lifeline_outcome (*wait)(struct task *task, struct request *request);    // a fetch runs
    // It failed; with request->object, the answer that came is an error of the backend's.
    enum lifeline_outcome (*failure)(struct task *task, struct request *request);
    // An attempt of a fetch failed (fetch->failure says how).
    enum lifeline_outcome (*attempt)(struct task *task, struct fetch *fetch);
    // An attempt goes on. Not in a task: it must not suspend. With PASS, *ret_again_ns is when to
    // be asked again, NEVER_NS by default.
    enum lifeline_outcome (*beside)(struct attempt *attempt, uint64_t *ret_again_ns);
    // The content of its answer broke off, or nothing of it has come for a while (waits). AGAIN:
    // the content has another source.
    enum lifeline_outcome (*content)(struct task *task, struct fetch *fetch,
        struct content *content, bool waits);
};

#define X(NAME, file, metric, help)                                                                \
    extern const struct lifeline lifeline_##file;                                                  \
    extern const struct setting_section lifeline_##file##_settings;
LIFELINE_MAP(X)
#undef X

const struct lifeline *lifeline_get(enum lifeline_id id);
enum ledger_count lifeline_ledger(const struct lifeline *lifeline); // what it saved
// Whether whom it saves would have seen an error, or waited long. Those that act on the lookup
// spare the backend a request, and the last resort saves nobody.
bool lifeline_averts(enum lifeline_id id);

// Asks the lifelines of a phase in order until one does not pass. On ANSWERED, request->saved_by
// is the one.
enum lifeline_outcome lifelines_lookup(struct task *task, struct request *request);
enum lifeline_outcome lifelines_wait(struct task *task, struct request *request);
enum lifeline_outcome lifelines_failure(struct task *task, struct request *request);
enum lifeline_outcome lifelines_attempt(struct task *task, struct fetch *fetch);
// The one that wants another attempt beside this one, or NULL: ask again then.
const struct lifeline *lifelines_beside(struct attempt *attempt, uint64_t *ret_again_ns);
enum lifeline_outcome lifelines_content(struct task *task, struct fetch *fetch,
    struct content *content, bool waits);
