// Who asks, and how much he may ask for: the address that counts for a request, and the limits of
// each client (settings `clients` and a site's `rate`).
#pragma once

#include "edge/forwarded.h"
#include "edge/thread.h"

#define CLIENT_CHAIN_MAX (FORWARDED_HOPS_MAX * 48)

struct request;
struct connection;

struct client {
    struct address address;       // the visitor's, so far as anybody trusted tells
    struct slice chain;           // "192.0.2.7, 10.0.0.2": he, and trusted proxies between him and
                                  // the peer; empty: he is the peer
    enum forwarded_scheme scheme; // that he used, if a trusted proxy says so
};

// Needs the request's head. Its arena may be full: then the peer is the client.
void client_identify(struct request *request);
bool client_is_exempt(const struct request *request); // from all limits by client
// Whether the request is the client's own. Whoever sends it on for others and is not known as a
// proxy must not lend them what he may do: a TLS terminator on this machine is at 127.0.0.1.
bool client_speaks_for_itself(const struct request *request);
// Answers 429 if the client has too many connections or asks too fast where all requests count.
bool client_refuse(struct task *task, struct request *request);
// Counts the request against its client's rate. False: he must wait; what Retry-After says is set.
bool client_may_ask(struct request *request);

// --- Connections ---

// Of a connection that was just accepted. False: it is to be closed, and counted.
bool client_admit(struct connection *connection) MUST_CHECK;
// What such a connection begins with if its peer is one of clients.proxy_protocol: who the visitor
// is. False: it is to be closed, and counted. Waits for connections.head_timeout.
bool client_read_proxy_header(struct task *task, struct connection *connection) MUST_CHECK;
void client_leave(struct connection *connection);
