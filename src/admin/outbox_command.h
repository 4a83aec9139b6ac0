// What the control socket understands of the outbox; see commands.h.
//
//   {"command":"outbox","action":"list","all":BOOL} → {"ok":true,"writes":[{id, state, method, url,
//       origin, accepted, over, status, location, attempts, repeatable, bytes, why}],"more":N}
//   {"command":"outbox","action":"show","id":ID}    → {"ok":true,"write":{…}}
//   {"command":"outbox","action":"retry"|"drop","id":ID} → {"ok":true}
//
// list: those that are not over, oldest first, at most OUTBOX_LISTED; all: the others too; more: so
// many were left out.
#pragma once

#include "admin/status.h"

#define OUTBOX_LISTED 1000

json_t *outbox_command(struct status_source *source, const json_t *request);
// For people, what list and show bring.
void outbox_render_list(const json_t *response, FILE *out);
void outbox_render_write(const json_t *write, FILE *out);
