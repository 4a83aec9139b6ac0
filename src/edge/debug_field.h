// What explains an answer to whoever may ask: the request field "Afloat-Debug: 1" from a client in
// the site's debug.allow. And Server-Timing for everybody, where the site says so.
//
// Afloat-Debug is a list (RFC 9651) over several lines, one member each:
//   key      what the answer is kept under: origin, url, suffix, vary, variant (a hash), rules that
//            fit, by their numbers
//   copy     the stored response that was found: its freshness sum, as below
//   answer   what is sent: by (as the access log says), lifeline, status; if it may be kept, its
//            freshness sum: lifetime and from where; age = initial-age (as it came) + resident;
//            left, negative when stale; purged; while-revalidate and stale, counted from the
//            lifetime's end; failures, while it is not asked for after so many
//   origin   if asked: backend, attempts, first-byte (ms), revalidated, collapsed, error, and
//            not-kept with the reason
//   client   address, scheme if a trusted proxy tells it, exempt
//   edge     ms from the request's head to this answer's
// All numbers are seconds where nothing else is said. Neither the cache nor the backend notices.
#pragma once

#include "edge/request.h"

// Takes Afloat-Debug out of the request's head and sees whether it may be answered.
void debug_identify(struct request *request);
// "Name: value\r\n" lines for the answer; empty where there are none, or no memory for them.
struct slice debug_fields(struct request *request);
