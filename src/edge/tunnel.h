// Tunnels: what a request becomes when both sides switch to another protocol (Upgrade, RFC 9110
// section 7.8; extended CONNECT, RFC 8441). Bytes pass both ways until both ends are done, each
// direction on its own: one side may end while it still reads the other.
//
// At rest a tunnel holds no task and no buffer: both sides are parked, and bytes wake the direction
// that they take, which falls asleep again when nothing has come for a moment. Back-pressure is the
// one buffer of a direction at work.
//
// A tunnel belongs to one loop. Limits: connections.tunnels, connections.tunnel_idle_timeout.
#pragma once

#include "edge/thread.h"

struct exchange;
struct request;
struct tunnel;
struct tunnel_direction;

// What a side's transport must be able to do. carrier is the side's own.
struct tunnel_operations {
    // At least one byte, or CLOSED at the orderly end.
    enum error (*receive)(struct task *task, void *carrier, void *buffer, size_t size,
        uint64_t deadline_ns, size_t *ret_size);
    // All of it or an error; waits while the peer takes nothing, for idle_ms.
    enum error (*send)(struct task *task, void *carrier, struct slice bytes, uint64_t idle_ms);
    void (*end)(void *carrier); // no more bytes from us
    // Calls tunnel_notice(direction, reason) once, in the loop and not from within: TIMEOUT at the
    // deadline, anything else when a receive would give something. False: it would already.
    bool (*park)(void *carrier, struct tunnel_direction *direction, uint64_t deadline_ns);
    void (*unpark)(void *carrier); // fine if it is not parked
    // The last call; no task is in it. cut: the peer must learn that it broke off.
    void (*close)(void *carrier, bool cut);
};

struct tunnel_side {
    const struct tunnel_operations *operations; // NULL: not there
    void *carrier;
};

void tunnel_notice(struct tunnel_direction *direction, enum error reason);

// Plain bytes over a stream: receive, send, end, park and unpark for whoever's side is one. The
// stream's owner is in use while it is parked.
enum error tunnel_stream_receive(struct task *task, void *stream, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size);
enum error tunnel_stream_send(struct task *task, void *stream, struct slice bytes,
    uint64_t idle_ms);
void tunnel_stream_end(void *stream);
bool tunnel_stream_park(void *stream, struct tunnel_direction *direction, uint64_t deadline_ns);
void tunnel_stream_unpark(void *stream);

// A backend's connection after its 101, on its way from the fetch to the request.
struct tunnel_offer {
    struct stream *stream; // NULL: none
    char *received;        // bytes that came behind the head; NULL: none
    size_t received_size;
};

// What the request asks to switch to, as a value for Upgrade; data NULL: nothing (it is then an
// ordinary request). HTTP/1.1 only: extended CONNECT has set request->upgrade already.
struct slice tunnel_wish(struct request *request);
// What the backend wants to read beside the visitor's own fields, lines in the request's arena: the
// key that extended CONNECT does not have and HTTP/1.1's WebSocket needs (RFC 8441 section 5). data
// NULL when out of memory.
struct slice tunnel_own_fields(struct request *request);
// connections.tunnels is reached; counts it.
bool tunnel_is_refused(const struct request *request);
// Sends the 101 that the request's object is, and makes the tunnel of the visitor's side and the
// offer, which it takes. request->tunnel is then set, and its transport starts it when the request
// is over. Otherwise the visitor got nothing he could use and his connection ends.
void tunnel_open(struct task *task, struct request *request);
// received: of the visitor, behind the request; NULL: nothing. The memory is taken. The tunnel may
// be gone on return.
void tunnel_start(struct tunnel *tunnel, char *received, size_t received_size);
void tunnel_cut(struct tunnel *tunnel); // the drain's time is over. May be gone on return
// Takes over the connection of an exchange that was answered 101, for the request that asked.
enum error tunnel_take_offer(struct request *request, struct exchange *exchange) MUST_CHECK;
void tunnel_offer_drop(struct tunnel_offer *offer);
