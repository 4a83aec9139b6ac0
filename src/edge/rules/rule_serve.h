// Rules in the life of a request: where they are asked for, and what they change on the way.
// Everything here is the plain thing for a request without rules (request->rule NULL).
#pragma once

#include "edge/request.h"

// Applies the site's rules. True if that answered the request: a redirect, an answer, a refusal.
bool rule_serve(struct task *task, struct request *request);

// What tells copies apart: the name of the origin, the query's part, and what follows the URL in
// the key ("\0…", may be empty). False: out of memory.
struct rule_key {
    struct slice origin, query, suffix;
};
bool rule_compose_key(struct request *request, struct rule_key *ret_key) MUST_CHECK;
// Neither answered from copies nor to leave any.
bool rule_forbids_store(const struct request *request);
// A rule says that cookies in it do not make it personal.
bool rule_ignores_cookies(const struct request *request);
// To the origin, a second request with the same Idempotency-Key is the first one once more.
bool rule_honours_keys(const struct request *request);
// Whether a rule says how much it matters.
bool rule_says_priority(const struct request *request, enum priority *ret_priority);
// The operator's file for what nothing else can answer; NULL: there is none.
const struct rule_fallback *rule_fallback_of(const struct request *request);
// The site's policy with what the rules override, which lives as long as the arena and the
// generation. NULL: the arena is full.
const struct judge_policy *rule_policy(const struct request *request,
    struct arena *arena) MUST_CHECK;

// Towards the origin: the target in origin-form (RFC 9112 section 3.2.1), whichever form the
// visitor used; host; and the composed field lines with the rules' changes. data NULL: the arena is
// full.
struct slice rule_target(const struct request *request, struct arena *arena) MUST_CHECK;
struct slice rule_host(const struct request *request);
struct slice rule_request_fields(struct request *request, struct arena *arena,
    struct slice fields) MUST_CHECK;
// Of the fields after the request's content, what rules say nothing of. What they take out or put
// in place of the visitor's must not come in behind it.
struct slice rule_request_trailer(struct request *request, struct slice fields);
// So much content of the request is allowed, and of its answer, bytes.
uint64_t rule_content_limit(const struct request *request);
uint64_t rule_response_limit(const struct request *request);
// Towards the visitor: of request->object, or of what a rule answers (object NULL). data NULL: the
// arena is full.
struct slice rule_response_fields(struct request *request, const struct object *object,
    struct slice fields) MUST_CHECK;
// Of those that are for the first visitor alone, what rules do not take out.
struct slice rule_leader_fields(struct request *request, struct slice fields);
// The line for a 405: what the rules or, without any, the edge itself allows.
struct slice rule_allow(struct request *request);
