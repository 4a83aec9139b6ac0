// Purging over HTTP, with the requests that plugins for Varnish and nginx send:
//
//   PURGE /path                     that URL. /path* and /path/.*: all that begins so
//   PURGE /… X-Purge-Method: regex  what the expression matches, from its beginning
//   PURGE /… with tags              see below, as BAN
//   PURGE or GET /purge/path        that URL (nginx); 404 if there was no copy. PURGE /purgeall:
// all
//   PURGEKEYS                       xkey-purge, xkey-softpurge: tags, separated by spaces
//   URIBAN /path                    that URL
//   BAN /expression                 what it is found in, of path and query; a host known as the
//                                   site's is the only one that is hit
//   BAN with X-Host, X-Url, X-Content-Type   expressions, all of which must be found
//   BAN with Cache-Tags, X-Cache-Tags, Purge-Cache-Tags, Surrogate-Key, Cache-Tag, xkey,
//       X-Magento-Tags-Pattern      tags separated by spaces, commas or |, or an expression
//
// Soft unless the site's purge.mode says otherwise: the copy is stale at once, but still there when
// the backend fails. Afloat-Purge: hard or soft overrides it for one request, and so do
// Fastly-Soft-Purge: 1 and xkey-softpurge.
//
// Allowed are clients in the site's purge.allow; others get 403 and nothing happens. A request for
// a host that no site serves (plugins that know the edge by its address) is for all sites that
// allow the client. The index is walked on a helper thread.
#pragma once

#include "edge/request.h"

// True if the request was one and is answered.
bool purge_request_serve(struct task *task, struct request *request);
// The site's tag fields taken out of an answer's head, if the site says so.
struct slice purge_hide_tags(struct request *request, const struct object *object,
    struct slice fields);
