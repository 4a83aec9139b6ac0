// A byte stream to a peer: a socket, with or without TLS over it. All that is read and written on
// connections of visitors and backends goes through here; who uses it need not know which it is.
//
// As with a socket, one task may receive while another sends; nothing here suspends inside the TLS
// library. Errors are those of io.h; what breaks TLS is ERROR_PROTOCOL.
#pragma once

#include "io/io.h"

struct tls_session; // of tls/session.h

// Embedded in its owner's struct and pinned in memory while open. All zero is closed.
struct stream {
    struct io_socket socket;
    struct tls_session *tls; // NULL: plain
    void *owner;             // for its user's on_ready, where no struct around it can tell
};

// At least one byte, or CLOSED at the orderly end.
enum error stream_receive(struct task *task, struct stream *stream, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size) MUST_CHECK;
// As io_send. *ret_size counts bytes that may have reached the peer.
enum error stream_send(struct task *task, struct stream *stream, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, size_t *ret_size) MUST_CHECK;
// The same for the last bytes: the orderly end goes with them.
enum error stream_send_last(struct task *task, struct stream *stream, const struct iovec *pieces,
    size_t count, uint64_t idle_ms) MUST_CHECK;
// Is there something that a receive would give without waiting for the socket? A stream in this
// state must not be parked.
bool stream_has_buffered(const struct stream *stream);
// As io_is_quiet, and nothing is buffered: good to be kept for another message. News of TLS count
// as bytes, its orderly end too.
bool stream_is_quiet(struct stream *stream);
void stream_end(struct stream *stream);   // no more bytes from us, and the peer is told so
void stream_close(struct stream *stream); // fine on a closed one
void stream_reset(struct stream *stream); // the peer learns that the message was cut
