// What the control socket understands:
//
//   {"command":"status"}                                          → {"ok":true,"status":{...}}
//   {"command":"purge","kind":"url"|"prefix"|"tag"|"all","what":TEXT,"hard":BOOL} →
//   {"ok":true,"purged":N}
//   {"command":"maintenance","on":BOOL,"until_ms":N,"message":TEXT} → {"ok":true}
//   {"command":"outbox",…}                                          see outbox_command.h
//   {"command":"incident",…}, {"command":"window",…}                see watch/watch_command.h
//
// what, hard, until_ms (wall clock) and message may be left out. Anything else is refused with a
// sentence.
#pragma once

#include "admin/control.h"
#include "admin/status.h"

// Fits control_handler, with a struct status_source as its context.
json_t *commands_handle(void *source, const json_t *request);

// A URL or URL prefix as an operator types it, in the form of cache keys: "https://host/path".
// Without a scheme it is https; a fragment is dropped. INVALID, LIMIT.
enum error commands_normalise_url(struct slice url, struct text *ret_text) MUST_CHECK;
