// Plain streams go straight to the socket, secure ones through their session.
#include "tls/stream.h"
#include "tls/session.h"

enum error stream_receive(struct task *task, struct stream *stream, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size)
{
    if (stream->tls != NULL)
        return tls_session_receive(task, stream, buffer, size, deadline_ns, ret_size);
    return io_receive(task, &stream->socket, buffer, size, deadline_ns, ret_size);
}

enum error stream_send(struct task *task, struct stream *stream, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, size_t *ret_size)
{
    if (stream->tls != NULL)
        return tls_session_send(task, stream, pieces, count, idle_ms, ret_size);
    return io_send(task, &stream->socket, pieces, count, idle_ms, ret_size);
}

enum error stream_send_last(struct task *task, struct stream *stream, const struct iovec *pieces,
    size_t count, uint64_t idle_ms)
{
    // A kernel that encrypts would hold back a record that is not full, and not send it at the end.
    if (stream->tls == NULL || !tls_session_is_in_kernel(stream->tls))
        io_expect_end(&stream->socket);
    enum error error = stream->tls != NULL
        ? tls_session_send_last(task, stream, pieces, count, idle_ms)
        : io_send(task, &stream->socket, pieces, count, idle_ms, NULL);
    if (error == ERROR_NONE)
        io_end(&stream->socket);
    return error;
}

bool stream_has_buffered(const struct stream *stream)
{
    return stream->tls != NULL && tls_session_has_buffered(stream->tls);
}

bool stream_is_quiet(struct stream *stream)
{
    return io_is_quiet(&stream->socket) && !stream_has_buffered(stream);
}

void stream_end(struct stream *stream)
{
    if (stream->tls != NULL)
        tls_session_end(stream);
    io_end(&stream->socket);
}

void stream_close(struct stream *stream)
{
    if (stream->tls != NULL) {
        tls_session_end(stream);
        tls_session_free(stream);
    }
    io_close(&stream->socket);
}

void stream_reset(struct stream *stream)
{
    if (stream->tls != NULL)
        tls_session_free(stream);
    io_reset(&stream->socket);
}
