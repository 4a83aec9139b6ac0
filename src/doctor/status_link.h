// The status page that an answer names: Link with rel="status" (RFC 8631), or a link of the page to
// where status pages are: status.example.org, /status, or one of their known hosts.
#pragma once

#include "doctor/refer.h"
#include "http/field.h"

// URL in the arena; data NULL: it names none. The page asked for itself is none.
struct slice status_link_find(const struct http_fields *fields, struct slice body,
    const struct target *from, struct arena *arena);
