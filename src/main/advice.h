// What settings had better not say: each is allowed, and would by itself cost some visitor an error
// or a long wait, or tell him of what is not his. Warnings, each with what happens and what to set
// instead.
#pragma once

#include "main/settings.h"

void advice_review(struct setting_review *review, const struct settings *settings);
