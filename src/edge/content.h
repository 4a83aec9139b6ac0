// The content of one answer, from as many exchanges as it takes: where one breaks off or stalls, a
// lifeline may go on with another, from any backend (RFC 9110 sections 8.8.1, 13.1.5 and 14). It is
// the same representation to the byte, or nothing: the same strong validator, coding and length,
// and the last bytes before the seam are asked for again and must be the same.
//
// Somebody who was left behind by the exchange that he read from (laggard.h) has a content too, of
// which the beginning is there already.
#pragma once

#include "edge/fetch.h"

#define CONTENT_SEAM 64 // bytes that are asked for again

struct content_seam { // the last bytes that came
    char bytes[CONTENT_SEAM];
    size_t size;
};

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
    struct exchange *answer;   // whose content it is; the caller's. NULL: of a rest
    struct exchange *source;   // who brings it: the answer, or a continuation. NULL: nobody yet
    bool is_part;              // not of all of the representation
    bool is_withheld;          // nobody has heard of it yet, and it may still be asked for anew:
    struct exchange *anew;     // what came in place of the rest, unread; a whole answer. NULL: none
    struct slice etag, modified; // the strong validator; both without data: it cannot be continued
    struct slice coding;
    uint64_t first, end;       // where it lies in the representation; end UINT64_MAX: not known
    uint64_t complete;         // length of the representation, UINT64_MAX: not known
    uint64_t at;               // bytes that came,
    uint64_t brought;          // and of these, by the source
    struct content_seam seam;  // the last of them

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
// For what is missing, from `at` to `end`, of a whole object with a strong entity tag, whose
// content before `at` ends with the seam. The first exchange for it is the fetch's own attempt: it
// is made here, whatever lifelines are there. If it brings nothing, content_read asks them.
void content_begin_rest(struct task *task, struct content *content, struct fetch *fetch,
    const struct object *object, uint64_t at, uint64_t end, const struct content_seam *seam);
// As exchange_read.
enum error content_read(struct task *task, struct fetch *fetch, struct content *content,
    void *buffer, size_t size, size_t *ret_size) MUST_CHECK;
void content_end(struct task *task, struct content *content);
void content_seam_add(struct content_seam *seam, const char *bytes, size_t size);

// For lifelines. Could another exchange bring the rest?
bool content_may_continue(const struct fetch *fetch, const struct content *content);
// Asks for the rest and checks that it is, in a task of content->scope. The continuation is
// content->beside, and its first members say how. False: it could not be begun.
bool continuation_start(struct task *task, struct continuation *continuation);
// What was found is the source from now on.
void content_adopt(struct task *task, struct content *content);
// For who withheld it: the whole answer that came instead is the caller's now; NULL: none did.
struct exchange *content_take_anew(struct content *content);
void content_drop_beside(struct task *task, struct content *content);
