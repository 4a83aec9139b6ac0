// Tags (surrogate keys): names by which an origin groups responses for purging. In Surrogate-Key
// and xkey they are separated by spaces, in Cache-Tag by commas, and in what CMS plugins send
// (Cache-Tags, Purge-Cache-Tags, X-Cache-Tags, X-Magento-Tags) by either, as none of them has tags
// with a space. Found by hash, then compared as text.
#pragma once

#include "http/field.h"

uint32_t tag_hash(struct slice tag);
// The hashes of a response's tags, sorted, as many as it returns; written when hashes is not NULL.
size_t tags_write(const struct http_fields *fields, uint32_t *hashes);
bool tag_is_field(enum http_name known);
// Is it among the tags of this field? known: its name; other fields have none.
bool tag_is_in_field(struct slice tag, enum http_name known, struct slice value);
