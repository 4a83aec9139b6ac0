// PREFIXoutbox/ID: what became of an accepted write, for whoever knows the ID.
#pragma once

#include "edge/request.h"

// path: what follows PREFIXoutbox/.
void outbox_page_serve(struct task *task, struct request *request, struct slice path);
// The 202 for the write with that id, in the request's arena; NULL when it is full.
const struct own_answer *outbox_page_accepted(struct request *request, struct slice id) MUST_CHECK;
