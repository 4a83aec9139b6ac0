// What people and settings wrote, as HTML: escaped, cut, and harmless. Bytes that are not UTF-8
// become U+FFFD; control characters, and Unicode's that turn the direction of writing or are not
// seen, are left out (what joins letters and emoji stays).
#pragma once

#include "base/text.h"

// One line; newlines are spaces. Cut to most bytes of the original, marked by an ellipsis.
void foreign_append(struct text *text, struct slice slice, size_t most);
// <p> for each paragraph (an empty line ends one), <br> for a newline, links for http:// and
// https:// addresses.
void foreign_append_paragraphs(struct text *text, struct slice slice, size_t most);
// The link that a contact is: of http, https or mailto, of an address with "@". False: none; then
// nothing is appended.
bool foreign_append_href(struct text *text, struct slice contact);
// For a part of a URL's path or query.
void foreign_append_url(struct text *text, struct slice slice);
