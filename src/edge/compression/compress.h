// Compression of answers: whether, how, and from where. A copy's compressed forms are made once and
// kept with it (cache/forms.h), small ones while their first visitor waits, large ones on a helper
// thread. Content that still comes is compressed as it comes, lightly, and once for all who wait
// for it: they read the form that grows (compress_grow.c). What belongs to one visitor is
// compressed as it passes.
//
// What has a Content-Encoding or no-transform is left alone. Requests with Range get the content as
// it is. A compressed answer has its ETag weakened, so that it can be revalidated but not combined
// with parts of the plain one (RFC 9110 section 8.8.1), and every answer that could have been
// compressed says Vary: Accept-Encoding. The edge's own pages go out as they are: they are small,
// and are sent when there may be more to do than can be done.
#pragma once

#include "cache/object.h"
#include "http/encoder.h"

struct body_reader;
struct edge_thread;
struct answer_head;
struct request;
struct task;

// Section `compression` of a site.
struct compress_settings {
    bool enabled;
    bool personal;               // what is not shared too
    struct setting_list encodings; // of slices: in order of preference
    struct setting_list types;   // of slices: patterns of media types
    uint64_t minimum;            // bytes; less is left alone
    uint64_t at_once;            // bytes; up to this, the first visitor waits
    uint64_t maximum;            // bytes; of more, no form is made
    uint64_t gzip_level, brotli_level, zstd_level; // of forms
};

// Section `compression`: of the whole edge.
struct compress_limits {
    uint64_t streams; // contents compressed as they come or pass, at once
    uint64_t jobs;    // forms being made on helper threads, at once
};

extern const struct setting_section compress_settings_section, compress_limits_section;

// Whether one of the patterns takes the type of a Content-Type, and none that begins with "!" does.
bool compress_takes_type(const struct setting_list *patterns, struct slice content_type);

// What was chosen of late for an Accept-Encoding, by the loop: browsers have few of them.
#define COMPRESS_MEMORIES 8
#define COMPRESS_ACCEPT_MOST 60 // longer values are read anew each time

struct compress_memory {
    const struct compress_settings *settings;
    uint64_t generation; // number of; settings of another may have the same address
    bool personal;
    uint8_t coding, size;
    char accept[COMPRESS_ACCEPT_MOST];
};

// What is sent of an object's content, whole.
struct compress_choice {
    bool possible;             // the answer depends on Accept-Encoding
    enum http_coding coding;   // IDENTITY: as it is
    struct body *form;         // the object's; NULL: by the encoder, or there is no content to send
    bool grows;                // the form is the flight's, and may still grow, or break
    struct encoder *encoder;   // NULL for HEAD
    struct slice fields;       // in place of the object's, when coding is not IDENTITY
};

// For a request that is answered by request->object. whole: not by a part of it or by 304. Small
// forms are made here. What it returns lives as long as the object and the request's arena; then
// compress_end.
void compress_choose(struct request *request, bool whole, struct compress_choice *ret_choice);
void compress_end(struct request *request, struct compress_choice *choice);
// A date in If-Range joins no parts where several codings share it: it is a weak validator then
// (RFC 9110 section 8.8.1), and what the visitor has may be compressed.
bool compress_forbids_range(const struct request *request);
// For the answer's head: Content-Encoding, Vary. May be empty.
struct slice compress_fields(
    const struct object *object, const struct compress_choice *choice);
// Of an answer 304: with the tag as weak as the visitor knows it, so that his copy is the one that
// is updated (RFC 9111 section 4.3.4). May return the fields given.
struct slice compress_weaken_confirmation(struct request *request, struct slice fields);

// Sends the content that the reader finds, compressed by the choice's encoder, with the head before
// it. length: of the content; UINT64_MAX: not known. *ret_begun: something was sent. Errors are the
// reader's, the transport's, and MEMORY.
enum error compress_send(struct task *task, struct request *request,
    const struct answer_head *head, struct encoder *encoder, struct body_reader *reader,
    uint64_t length, bool *ret_begun) MUST_CHECK;

// For compress.c: the form of the flight's answer that grows with it, by that encoder, which it
// takes; another one if that was faster; NULL without memory.
struct body *compress_grow(struct request *request, enum http_coding coding,
    struct encoder *encoder) MUST_CHECK;
// For compress.c: makes a form of the object that object_form_begin has promised, here and now or
// on a helper thread; false if too many are being made already.
void compress_make_now(struct request *request, enum http_coding coding);
bool compress_make_behind(struct request *request, enum http_coding coding) MUST_CHECK;
