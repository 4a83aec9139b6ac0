// Plain streams go straight to the socket.
#include "tls/stream.h"

enum error stream_receive(struct task *task, struct stream *stream, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size)
{
    return io_receive(task, &stream->socket, buffer, size, deadline_ns, ret_size);
}

enum error stream_send(struct task *task, struct stream *stream, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, size_t *ret_size)
{
    return io_send(task, &stream->socket, pieces, count, idle_ms, ret_size);
}

bool stream_has_buffered(const struct stream *stream)
{
    (void)stream;
    return false;
}

void stream_end(struct stream *stream)
{
    io_end(&stream->socket);
}

void stream_close(struct stream *stream)
{
    io_close(&stream->socket);
}

void stream_reset(struct stream *stream)
{
    io_reset(&stream->socket);
}
