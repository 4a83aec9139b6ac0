// What the files of a request's life share: request.c, request_ask.c and request_record.c.
#pragma once

#include "edge/request.h"

// The answer will be this object, which it keeps a reference to.
static inline void request_use(struct request *request, struct object *object,
    enum request_outcome outcome)
{
    object_release(request->object);
    request->object = object_reference(object);
    request->outcome = outcome;
}

static inline bool request_asks_only_for_copies(const struct request *request)
{
    return request->is_peer || (request->has_control && request->control.only_if_cached);
}

// Forgets what asking has brought, so that it can be asked anew.
void request_begin_anew(struct task *task, struct request *request);
// Gives back the right to ask, with what came of it.
void request_leave_gate(struct request *request);
// False: the origin must not be asked now, and the request's failure says why.
bool request_may_ask(struct request *request);
// Asks, alone or with others. False: no answer came, and the request's failure says why; a fetch
// that reads the request's content may still run in its scope.
bool request_ask(struct task *task, struct request *request);

void request_record(const struct request *request);
// The access log alone, for what was no request and is counted as a fault.
void request_log(const struct request *request);
