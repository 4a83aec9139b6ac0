// What the visitor himself asks of a stored response (RFC 9111 section 5.2.1), as far as the site
// lets him (cache.visitor_directives).
#pragma once

#include "edge/request.h"

// A fresh one. A reload is honoured, but not as a weapon: a copy that came within the last second
// counts as just revalidated, and one that is immutable is only refused by no-cache (RFC 8246).
bool accept_fresh(const struct request *request, const struct object *object);
// One that is not fresh: max-stale asks for it, and nothing of the site's forbids it.
bool accept_stale(const struct request *request, const struct object *object);
