// Blocking sockets with a deadline, for this room's own threads.
#pragma once

#include "base/error.h"
#include "base/slice.h"

// Deadlines are of clock_now_ms. Waits until the descriptor is ready for events (poll(2)); an end
// or an error counts as ready.
enum error blocking_wait(int descriptor, short events, uint64_t deadline_ms) MUST_CHECK;
// At least one byte; CLOSED at the end.
enum error blocking_receive(
    int descriptor, void *buffer, size_t size, uint64_t deadline_ms, size_t *ret_size) MUST_CHECK;
// All of it; each step of progress may take step_ms.
enum error blocking_send(int descriptor, struct slice bytes, uint64_t step_ms) MUST_CHECK;

// Accepts on listener and calls serve for each client, which it then closes, until the eventfd stop
// is written to.
void blocking_serve(
    int listener, int stop, void (*serve)(void *context, int client), void *context);
