// Forms as browsers send them, in queries and as content (application/x-www-form-urlencoded, WHATWG
// URL section 5.1): names and values, percent-encoded.
#pragma once

#include "base/slice.h"
#include "base/text.h"

// Percent-encoding undone (RFC 3986 section 2.1); as forms send it, a + is a space. False: what
// follows a % is none, or it does not fit.
bool form_decode(struct slice value, bool is_form, struct text *ret_text) MUST_CHECK;
// The first value of that name as it stands there, still encoded; data NULL: there is none. name is
// one that needs no encoding.
struct slice form_find(struct slice form, struct slice name);
