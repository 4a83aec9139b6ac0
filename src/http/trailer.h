// Trailers: the fields after a message's content (RFC 9110 section 6.5), as lines.
#pragma once

#include "base/slice.h"

#include <stdbool.h>

// Keeps the lines "Name: value\r\n" that may be passed on from one hop to the next and moves them
// together; returns their size. Dropped are those which a recipient may act on too late: framing,
// routing, conditions, authentication, what decides about storing, and how content is read (section
// 6.5.1). Names that nobody here knows may pass: trailers are made for them.
size_t http_trailer_clean(char *lines, size_t size);
// Would a field of that name pass?
bool http_trailer_may_name(struct slice name);
