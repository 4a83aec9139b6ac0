// Is an answer to be believed, as far as a rule's protect doubts it? Asked by a fetch before
// anybody hears of the answer; what becomes of who waits says lifelines/negative_protection.c.
#pragma once

#include "edge/fetch.h"

// So many bytes of the content must be here, or all of it; 0: it is not doubted.
uint64_t protection_examines(const struct fetch *fetch, const struct object *object);
// ended: the content is all here. False: there is a copy that is better, or the rule wants none of
// it. What is passed on for want of a copy has the reason DISBELIEVED, and is not to be stored.
bool protection_believes(struct fetch *fetch, const struct object *object, bool ended);
