// From an answer as it came to the facts about it: what it says of itself, who made the page, and
// when to come again.
#pragma once

#include "doctor/follow.h"

#define ANSWER_TITLE_MAX 200
#define ANSWER_FIELD_MAX 1000 // of a field that is kept as it came

// now: Unix time. What it points to is in the answer and the arena, see answer_keep; the arena has
// room for signature_match. Signatures NULL: nobody knows the page.
void answer_read(const struct followed *followed, const struct signature_table *signatures,
    int64_t now, struct arena *arena, struct answer_facts *ret_facts);
// Copies all that it points to into the arena; one that is full leaves texts out.
void answer_keep(struct answer_facts *facts, struct arena *arena);
// Whether a visitor got what he came for: the whole of it, and no error.
