// The life of a request: see request.c. The struct lives on its task's stack and dies with it.
#pragma once

#include "edge/client.h"
#include "edge/connection.h"
#include "edge/fetch.h"
#include "edge/lifeline.h"
#include "edge/repeat.h"
#include "edge/rules/rule.h"
#include "edge/transport.h"
#include "edge/tunnel.h"

// How it was answered, in the words of the access log and Cache-Status.
enum request_outcome {
    OUTCOME_NONE,    // the edge answered by itself: own pages, refusals
    OUTCOME_HIT,     // a copy, without asking
    OUTCOME_STALE,   // a copy past its freshness, see saved_by
    OUTCOME_MISS,    // fetched
    OUTCOME_REVALIDATED, // a copy that the backend confirmed
    OUTCOME_PASS,    // fetched, not shareable
    OUTCOME_ERROR,   // the honest page
};

// Why the store alone could not answer (RFC 9211 section 2.2).
enum request_lack {
    LACK_URI,     // nothing is stored under its key
    LACK_VARY,    // something is, but not what its Vary selects for this request
    LACK_PART,    // a part is, but not all that is asked for
    LACK_FRESH,   // a copy is, and stale
    LACK_REQUEST, // a fresh copy is, and the request does not take it
    LACK_METHOD,  // the method must be forwarded
    LACK_STORE,   // it is none that the store has to do with
};

// A small answer made here, in the request's arena.
struct own_answer {
    unsigned status;
    struct slice content_type, fields, content; // fields: "Name: value\r\n" lines, may be empty
    bool is_file;     // of the operator's, whose page may do more than the edge's own
};

#define REQUEST_FIELDS_ON_STACK 64
#define REQUEST_ID_DIGITS 16

struct request {
    struct edge_thread *thread;
    struct generation *generation;
    struct site *site;
    struct origin *origin;     // that is asked: the site's, or a rule's
    struct connection *connection;
    const struct transport *transport;
    void *carrier;             // the transport's own: what of the connection is this request's
    struct client client;      // who asks
    bool explain;              // Afloat-Debug, and he may
    struct arena arena;
    struct http_request_head head;
    struct http_field fields[REQUEST_FIELDS_ON_STACK]; // of head, unless there are more
    char host_text[256];       // authority without port, lower case
    struct slice host;
    uint64_t id, started_ns;
    unsigned credentials;      // 1: Cookie, 2: Authorization. Never waits behind strangers
    bool shareable;            // its answer may serve others, so far as one can tell
    bool sought;               // an answer of the site's was, from a copy or its origin
    bool asked;                // the origin was asked for it
    bool is_peer;              // another edge of the site asks for a copy
    bool shed;                 // refused by the edge itself
    bool crowded_out;          // because active_requests was reached
    bool refused;              // then unanswered: it may be tried again as if it never was
    bool strayed;              // the straight way to its answer failed, or was too slow
    bool kept_out;             // by the gate of its origin, so it was not asked
    struct gate_pass pass;     // through that gate
    uint64_t held_since_ns;    // it waited there; 0: it did not
    bool doubted;              // its answer of 500 was, see doubt.h
    char key_text[512];
    char query_text[256], suffix_text[64]; // of the key, by rules
    struct rule_effect effect; // set when rule is
    struct cache_key key;
    struct hash128 variant;    // as a flight's answer told, for as long as no stored one does
    const struct rule_effect *rule; // what the site's rules say of it; NULL: it has none
    uint64_t content_read;     // of its own content, bytes
    struct repeat repeat;      // of that content
    enum request_lack lack;
    struct object *copy;       // the stored response for it, fresh or not; NULL: none
    struct http_cache_control control;
    bool has_control;
    struct flight *flight;     // while it waits for one or reads from it
    bool leads;                // that flight is its own
    uint32_t interims;         // of the flight's interim responses, so many were passed on
    bool joined_late;          // that flight's answer had begun already
    struct scope fetches;      // those that cannot outlive it
    struct body_reader place;  // in the answer's content, from taking it until delivery reads
    enum error content_error;  // how the request's own content broke off
    struct slice upgrade;      // the protocols it asks to switch to, then the one chosen; data
                               // NULL: none
    struct tunnel_offer offer; // the backend has agreed
    struct tunnel *tunnel;     // what the connection becomes after this request
    bool last;                 // no further request on an HTTP/1.1 connection after its answer
    // The answer:
    struct object *object;     // what to send; NULL with OUTCOME_ERROR and OUTCOME_NONE
    enum request_outcome outcome;
    const struct own_answer *own; // instead: what a lifeline answers by itself; NULL: nothing
    const struct lifeline *saved_by;
    struct failure failure;    // of the origin, kind NONE if it did not fail
    // What became of it, for the log:
    unsigned status;
    uint64_t bytes, first_byte_ns;
    bool complete;
    bool gone;                 // the visitor left, or takes nothing any more
    bool cut;                  // its answer broke off, or there was none
};

const char *request_outcome_word(enum request_outcome outcome);
static inline const struct site_settings *request_site(const struct request *request)
{
    return request->site->settings;
}

void request_begin(struct request *request, struct connection *connection,
    const struct transport *transport, void *carrier);
void request_end(struct task *task, struct request *request);
// Serves one request whose head was read and parsed, and writes its record.
void request_serve(struct task *task, struct request *request);

// What came is no request: says so, logs it and ends the connection. The caller counts the fault.
void request_refuse(struct task *task, struct request *request, unsigned status);

// For lifelines. Answers with the copy.
enum lifeline_outcome request_answer_stale(struct request *request);
bool request_copy_may_go_stale(const struct request *request);
// Whether there is a copy to send by now: while it failed or waited, somebody else's fetch may have
// brought one.
bool request_look_again(struct task *task, struct request *request);
// Sees to it that a fetch for it runs; false if none could be started.
bool request_begin_fetch(struct request *request, bool coalesce);
// Waits for its flight until the deadline; while a usable copy is held, for
// the whole of the answer.
enum error request_await_answer(struct task *task, struct request *request,
    uint64_t deadline_ns) MUST_CHECK;
// The failure of the flight it waited for, for Proxy-Status and the page.
const struct fetch_report *request_report(const struct request *request);
// Whose it is that the content of the answer came, if it is a lifeline's.
void request_note_content(struct request *request);
// Of an object whose content broke off.
enum failure_kind request_failure_of(const struct object *object);
