// Makes what strangers wrote harmless for a terminal: nothing moves a cursor, changes a colour,
// rings, turns the direction of writing or breaks the line.
#pragma once

#include "base/text.h"

// Appends the slice with "?" for each control character (ASCII, C1 in UTF-8), each byte that is no
// UTF-8, and each character that formats (Unicode's bidirectional controls, zero width, line and
// paragraph separators, tags); ascii: for each beyond ASCII too. Cut to most bytes, "..." then.
void printable_append(struct text *text, struct slice slice, size_t most, bool ascii);
