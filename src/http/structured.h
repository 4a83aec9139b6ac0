// Writing structured field values (RFC 9651 section 4.1), as far as Cache-Status (RFC 9211) and
// Proxy-Status (RFC 9209) need it. Appends to a struct text, whose `full` tells what did not fit.
#pragma once

#include "base/text.h"

bool structured_is_token(struct slice slice);

// A token where the bytes allow it, else a string.
void structured_append_token(struct text *text, struct slice token);
// In quotes, '"' and '\' escaped; what is not printable ASCII cannot be said and is dropped.
void structured_append_string(struct text *text, struct slice string);
// At most 15 digits (section 3.3.1): larger values are written as the largest one.
void structured_append_integer(struct text *text, int64_t integer);

// ";key=value"; the key is a constant of ours, lower case.
void structured_append_parameter_token(struct text *text, const char *key, struct slice token);
void structured_append_parameter_string(struct text *text, const char *key, struct slice string);
void structured_append_parameter_integer(struct text *text, const char *key, int64_t integer);
// ";key", which means true, or ";key=?0".
void structured_append_parameter_boolean(struct text *text, const char *key, bool value);
