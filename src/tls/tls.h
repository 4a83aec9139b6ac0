// What TLS has once per process and keeps over reloads: for each loop a library context of its own
// (OpenSSL's locks are per context, so loops do not wait for each other) with buffers that sessions
// share while nothing suspends, and the keys of session tickets.
//
// Outlives all servers, clients and sessions made from it.
#pragma once

#include "base/base.h"

struct tls;

struct tls *tls_create(unsigned loop_count) MUST_CHECK; // NULL: out of memory
// Lets the kernel encrypt what servers created from now on send, if it can. False: it cannot.
bool tls_use_kernel(struct tls *tls);
void tls_destroy(struct tls *tls);                      // NULL is fine
