// Tags (surrogate keys): names by which an origin groups responses for purging, in Surrogate-Key
// (separated by spaces) and Cache-Tag (by commas). Found by hash, then compared as text.
#pragma once

#include "http/field.h"

uint32_t tag_hash(struct slice tag);
// The hashes of a response's tags, sorted, as many as it returns; written when hashes is not NULL.
size_t tags_write(const struct http_fields *fields, uint32_t *hashes);
// Is it among the tags of this field? known: its name; fields other than the two have none.
bool tag_is_in_field(struct slice tag, enum http_name known, struct slice value);
