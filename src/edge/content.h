// The content of one answer, from as many exchanges as it takes: where one breaks off or stalls, a
// lifeline may go on with another, from any backend (RFC 9110 sections 8.8.1, 13.1.5 and 14). It is
// the same representation to the byte, or nothing: the same strong validator, coding and length,
// and the last bytes before the seam are asked for again and must be the same.
#pragma once

#include "edge/fetch.h"

#define CONTENT_SEAM 64 // bytes that are asked for again

// A further exchange for the rest, while it is sought.
struct continuation {
    struct content *content;
    struct fetch *fetch;
    uint64_t skip_most;        // bytes of a whole answer (200) that may be dropped at its beginning
    uint64_t from;             // asked for from here on, of the representation
    uint64_t end, complete;    // what its answer says of them
    uint64_t begun_ns;
    struct exchange *exchange; // NULL: it failed
    enum error error;
    struct failure failure;
    bool is_over;              // nothing of this changes any more
};

struct content {
    struct exchange *answer;   // whose content it is; the caller's
    struct exchange *source;   // who brings it: the answer, or a continuation
    struct slice etag, modified; // the strong validator; both without data: it cannot be continued
    struct slice coding;
    uint64_t first, end;       // where it lies in the representation; end UINT64_MAX: not known
    uint64_t complete;         // length of the representation, UINT64_MAX: not known
    uint64_t at;               // bytes that came,
    uint64_t brought;          // and of these, by the source
    char seam[CONTENT_SEAM];   // the last of them
    size_t seam_size;

    // For whoever lets it go on:
    uint64_t patience_ms;      // without a byte, then the lifelines are asked; 0: never
    uint64_t waiting_since_ns; // for the next bytes; 0: they were there
    unsigned attempts;         // continuations that were asked for, but for what was never sent
    uint64_t unfit;            // backends that have something else, a bit each
    uint64_t tried;            // those that were asked, or broke off
    struct scope scope;        // of the one that runs beside the source
    struct continuation beside;
    bool has_beside;
};

// For the fetch that took this answer.
void content_begin(struct content *content, struct fetch *fetch, struct exchange *answer);
// As exchange_read.
enum error content_read(struct task *task, struct fetch *fetch, struct content *content,
    void *buffer, size_t size, size_t *ret_size) MUST_CHECK;
void content_end(struct task *task, struct content *content);

// For lifelines. Could another exchange bring the rest?
bool content_may_continue(const struct fetch *fetch, const struct content *content);
// Asks for the rest and checks that it is, in a task of content->scope. The continuation is
// content->beside, and its first members say how. False: it could not be begun.
bool continuation_start(struct task *task, struct continuation *continuation);
// What was found is the source from now on.
void content_adopt(struct task *task, struct content *content);
void content_drop_beside(struct task *task, struct content *content);
