// Where the kernel encrypts what is sent: its keys, and the records that OpenSSL still writes
// (tickets, alerts). They go as they are, whole and each with its type; what cannot go at once
// waits in `out`, behind a head.
#include "io/kernel_tls.h"
#include "tls/session_inside.h"

struct record_head {
    uint16_t size;
    uint8_t type;
};

bool tls_session_give_keys(struct tls_session *session, const void *keys)
{
    struct tls_thread *thread = session->thread;
    if (session->out_size > 0 || session->sending || session->broken)
        return false;
    size_t sent = io_send_now(session->socket, thread->out, thread->out_size);
    thread->out_size -= sent;
    if (thread->out_size > 0)
        memmove(thread->out, thread->out + sent, thread->out_size);
    session->in_kernel = thread->out_size == 0 && kernel_tls_start(session->socket, keys);
    return session->in_kernel;
}

bool tls_session_keep_record(struct tls_session *session, const char *bytes, size_t size)
{
    struct record_head head = {.size = (uint16_t)size, .type = session->record_type};
    if (session->broken || size > UINT16_MAX)
        return false;
    enum error error = ERROR_LIMIT;
    if (session->out_size == 0 && !session->sending)
        error = kernel_tls_send_record(session->socket, head.type, bytes, size);
    if (error == ERROR_LIMIT) {
        error = tls_session_keep_bytes(session, &head, sizeof(head));
        if (error == ERROR_NONE)
            error = tls_session_keep_bytes(session, bytes, size);
    }
    session->broken = error != ERROR_NONE;
    return error == ERROR_NONE;
}

enum error tls_session_push_records(struct tls_session *session)
{
    struct record_head head;
    size_t at = 0;
    enum error error = session->broken && session->out_size > 0 ? ERROR_RESET : ERROR_NONE;
    while (error == ERROR_NONE && at < session->out_size) {
        memcpy(&head, session->out + at, sizeof(head));
        error = kernel_tls_send_record(session->socket, head.type,
            session->out + at + sizeof(head), head.size);
        if (error == ERROR_NONE)
            at += sizeof(head) + head.size;
    }
    if (error == ERROR_LIMIT)
        error = ERROR_NONE;
    if (error != ERROR_NONE)
        session->broken = true;
    if (at > 0)
        tls_session_drop_bytes(session, at);
    return error;
}

bool tls_session_must_end(const struct tls_session *session)
{
    return session->in_kernel && SSL_get_key_update_type(session->ssl) != SSL_KEY_UPDATE_NONE;
}
