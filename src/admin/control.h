// The control socket, STATE/control.sock: a Unix stream socket of mode 0600. A client sends one
// JSON object on one line and gets one back, {"ok":true,...} or {"ok":false,"error":"..."}; then
// the connection ends. One plain thread serves one client at a time, each within CONTROL_TIMEOUT_MS
// to ask, so it never touches a loop but through what its handler posts.
//
// The state directory is locked (flock) while a server lives: a second one gets ERROR_BUSY, and
// what a dead one left behind is replaced.
#pragma once

#include "base/error.h"

#include <jansson.h>

#define CONTROL_SOCKET_NAME "control.sock"
#define CONTROL_REQUEST_MAX 131072 // bytes of a request, its newline included
#define CONTROL_RESPONSE_MAX ((size_t)16 << 20)
#define CONTROL_TIMEOUT_MS 5000       // to send a request, and to take each step of a response
#define CONTROL_CALL_TIMEOUT_MS 60000 // of a client, for the answer

struct control;

// Called in the server's thread, one at a time. Returns a new object, or NULL when out of memory.
typedef json_t *control_handler(void *context, const json_t *request);

// Makes the directory (0700, with its parents) if it is missing. BUSY: another afloat runs with
// this state directory. LIMIT: the path is too long for a socket. DENIED, SYSTEM, MEMORY.
enum error control_start(const char *state_directory, control_handler *handler, void *context,
    struct control **ret_control) MUST_CHECK;
// Waits for the request under way, then removes the socket. NULL is fine.
void control_stop(struct control *control);

// Client side: asks the server of the directory. NOT_FOUND or REFUSED: none runs there. DENIED.
// TIMEOUT, PROTOCOL, LIMIT. *ret_response is the caller's to json_decref.
enum error control_call(
    const char *state_directory, const json_t *request, json_t **ret_response) MUST_CHECK;

// {"ok":false,"error":"..."}; NULL when out of memory.
json_t *control_refusal(const char *format, ...) PRINTF_LIKE(1, 2);
