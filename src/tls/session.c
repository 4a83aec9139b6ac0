// OpenSSL between two pieces of memory: what was received is fed to it, what it writes is collected
// and sent in one call. Both live in the loop's scratch buffers until something suspends; only what
// is left over then is copied into memory of the session's own.
//
// Or the kernel encrypts what is sent (kTLS): then content goes past OpenSSL, and of what it still
// writes, tickets and alerts, each record is handed on as it is.
#include "base/invariant.h"
#include "base/memory.h"
#include "io/kernel_tls.h"
#include "tls/session_inside.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#define BIO_TYPE_OURS (100 | BIO_TYPE_SOURCE_SINK) // nobody asks for it
#define UNSENT_MAX 65536 // bytes that reading may leave behind: answers to what a peer demands

// What OpenSSL tells a BIO that may encrypt by itself, in a header of its own.
#define BIO_CTRL_SET_KEYS 72
#define BIO_CTRL_SET_RECORD_TYPE 74

// --- What OpenSSL calls ---

static int bio_read(BIO *bio, char *buffer, size_t size, size_t *ret_size)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (session->in_size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *ret_size = MINIMUM(size, session->in_size);
    memcpy(buffer, session->in, *ret_size);
    session->in += *ret_size;
    session->in_size -= *ret_size;
    return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t size, size_t *ret_size)
{
    struct tls_session *session = BIO_get_data(bio);
    struct tls_thread *thread = session->thread;
    BIO_clear_retry_flags(bio);
    if (session->in_kernel) {
        *ret_size = size;
        return tls_session_keep_record(session, bytes, size);
    }
    *ret_size = MINIMUM(size, sizeof(thread->out) - thread->out_size);
    if (*ret_size == 0) {
        BIO_set_retry_write(bio);
        return 0;
    }
    memcpy(thread->out + thread->out_size, bytes, *ret_size);
    thread->out_size += *ret_size;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    struct tls_session *session = BIO_get_data(bio);
    // Of the two directions only sending: what is received is little, and stays with OpenSSL.
    if (command == BIO_CTRL_SET_KEYS)
        return number != 0 && tls_session_give_keys(session, pointer);
    // The type stays, for a record that comes in several pieces.
    if (command == BIO_CTRL_SET_RECORD_TYPE)
        session->record_type = (uint8_t)number;
    if (command == BIO_CTRL_GET_KTLS_SEND)
        return session->in_kernel;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_session_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_OURS, "afloat");
    if (method == NULL)
        return NULL;
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

// --- Facts ---

struct tls_session *tls_session_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

unsigned tls_session_loop(const struct tls_session *session)
{
    return session->loop->index;
}

uint64_t tls_session_now_ns(const struct tls_session *session)
{
    return session->loop->now_ns;
}

int64_t tls_session_wall_seconds(const struct tls_session *session)
{
    return session->loop->wall_ms / 1000;
}

struct tls_resumption *tls_session_resumption(const struct tls_session *session)
{
    return session->resumption;
}

struct tls_client *tls_session_client(const struct tls_session *session)
{
    return session->client;
}

struct tls_server *tls_session_server(const struct tls_session *session)
{
    return session->server;
}

enum tls_failure tls_session_failure(const struct stream *stream)
{
    return stream->tls == NULL ? TLS_FAILURE_NONE : stream->tls->failure;
}

const char *tls_session_failure_text(const struct stream *stream)
{
    return stream->tls == NULL ? "" : stream->tls->failure_text;
}

struct slice tls_session_server_name(const struct stream *stream)
{
    return slice_from_string(SSL_get_servername(stream->tls->ssl, TLSEXT_NAMETYPE_host_name));
}

void tls_session_read_facts(const struct stream *stream, struct tls_facts *ret_facts)
{
    const SSL *ssl = stream->tls->ssl;
    const unsigned char *protocol = NULL;
    unsigned protocol_size = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &protocol_size);
    *ret_facts = (struct tls_facts){
        .version = SSL_get_version(ssl),
        .cipher = SSL_get_cipher_name(ssl),
        .protocol = slice_of((const char *)protocol, protocol_size),
        .server_name = tls_session_server_name(stream),
        .resumed = SSL_session_reused(ssl) == 1,
        .in_kernel = stream->tls->in_kernel,
    };
}

bool tls_session_covers(const struct stream *stream, struct slice host)
{
    X509 *leaf = SSL_get_certificate(stream->tls->ssl);
    if (leaf == NULL || host.size == 0)
        return false;
    if (host.data[0] == '[' || (host.data[0] >= '0' && host.data[0] <= '9')) {
        char address[64];
        struct slice bare = host.data[0] == '[' ? slice_of(host.data + 1, host.size - 2) : host;
        snprintf(address, sizeof(address), "%.*s", SLICE_ARGS(bare));
        if (X509_check_ip_asc(leaf, address, 0) == 1)
            return true;
    }
    bool covers = X509_check_host(leaf, host.data, host.size, 0, NULL) == 1;
    ERR_clear_error();
    return covers;
}

// --- Opening and closing ---

static enum error session_create(struct stream *stream, struct tls *tls, SSL *ssl,
    struct tls_session **ret_session)
{
    struct tls_session *session = memory_zero_alloc(sizeof(*session));
    BIO *bio = BIO_new(tls->method);
    if (session == NULL || bio == NULL || ssl == NULL) {
        memory_free(session);
        BIO_free(bio);
        SSL_free(ssl);
        ERR_clear_error();
        return ERROR_MEMORY;
    }
    session->ssl = ssl;
    session->socket = &stream->socket;
    session->loop = stream->socket.loop;
    session->thread = tls->threads[session->loop->index];
    list_init(&session->buffered_link);
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, session);
    stream->tls = session;
    *ret_session = session;
    return ERROR_NONE;
}

enum error tls_session_accept(struct stream *stream, struct tls_server *server)
{
    struct tls_session *session;
    SSL *ssl = tls_server_open(server, stream->socket.loop->index);
    enum error error = session_create(stream, tls_server_tls(server), ssl, &session);
    if (error != ERROR_NONE)
        return error;
    session->server = tls_server_reference(server);
    SSL_set_accept_state(ssl);
    return ERROR_NONE;
}

enum error tls_session_connect(struct stream *stream, struct tls_client *client,
    struct slice host, struct tls_resumption *resumption)
{
    struct tls_session *session;
    SSL *ssl = tls_client_open(client, host, resumption);
    enum error error = session_create(stream, tls_client_tls(client), ssl, &session);
    if (error != ERROR_NONE)
        return error;
    session->client = tls_client_reference(client);
    session->resumption = resumption;
    SSL_set_connect_state(ssl);
    return ERROR_NONE;
}

void tls_session_offer_h2(struct stream *stream)
{
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(stream->tls->ssl, protocols, sizeof(protocols) - 1);
}

void tls_session_free(struct stream *stream)
{
    struct tls_session *session = stream->tls;
    session->thread->buffered_count -= !list_is_empty(&session->buffered_link);
    list_remove(&session->buffered_link);
    SSL_free(session->ssl);
    tls_server_release(session->server);
    tls_client_release(session->client);
    memory_free(session->rest);
    memory_free(session->out);
    memory_free(session);
    stream->tls = NULL;
}

// --- Scratch and memory of our own ---

#define FREES_BUFFERS_SAFELY 0x300000e0UL // 3.0.14

// OpenSSL has worked for the session, so it holds two buffers of a record each. Allocating them for
// every message costs time and keeping them for every parked visitor memory, so the loop's sessions
// that were busy last keep theirs.
static void note_buffers(struct tls_session *session)
{
    struct tls_thread *thread = session->thread;
    thread->buffered_count += list_is_empty(&session->buffered_link);
    list_remove(&session->buffered_link);
    list_prepend(&thread->buffered, &session->buffered_link);
    if (thread->buffered_count <= TLS_BUFFERED_MAX)
        return;
    struct tls_session *last =
        LIST_ENTRY(thread->buffered.previous, struct tls_session, buffered_link);
    thread->buffered_count--;
    list_remove(&last->buffered_link);
    // Buffers with part of a record stay, and come back here with its rest. Before 3.0.14 OpenSSL
    // did not see that a header is such a part (CVE-2024-4741): there all keep theirs.
    if (OpenSSL_version_num() >= FREES_BUFFERS_SAFELY && !SSL_has_pending(last->ssl))
        SSL_free_buffers(last->ssl);
}

enum error tls_session_keep_bytes(struct tls_session *session, const void *bytes, size_t size)
{
    char *larger = memory_resize(session->out, session->out_size + size);
    if (larger == NULL) {
        session->broken = true;
        return ERROR_MEMORY;
    }
    memcpy(larger + session->out_size, bytes, size);
    session->out = larger;
    session->out_size += size;
    return ERROR_NONE;
}

void tls_session_drop_bytes(struct tls_session *session, size_t size)
{
    session->out_size -= size;
    if (session->out_size > 0) {
        memmove(session->out, session->out + size, session->out_size);
        return;
    }
    memory_free(session->out);
    session->out = NULL;
}

// Before anything suspends: what is left in the scratch to be read is the session's from now on.
static enum error keep_in(struct tls_session *session)
{
    bool is_own = session->rest != NULL;
    if (session->in_size == 0) {
        memory_free(session->rest);
        session->rest = NULL;
        return ERROR_NONE;
    }
    if (is_own)
        return ERROR_NONE;
    session->rest = memory_alloc(session->in_size);
    if (session->rest == NULL) {
        session->in_size = 0;
        session->broken = true;
        return ERROR_MEMORY;
    }
    memcpy(session->rest, session->in, session->in_size);
    session->in = session->rest;
    return ERROR_NONE;
}

// The same for what is written but not sent: behind what waits already.
static enum error keep_out(struct tls_session *session)
{
    struct tls_thread *thread = session->thread;
    if (thread->out_size == 0)
        return ERROR_NONE;
    enum error error = tls_session_keep_bytes(session, thread->out, thread->out_size);
    thread->out_size = 0;
    return error;
}

// What can go without waiting goes; while another task sends, it will send this too.
static enum error send_at_once(struct stream *stream)
{
    struct tls_session *session = stream->tls;
    struct tls_thread *thread = session->thread;
    if (session->in_kernel)
        return session->sending ? ERROR_NONE : tls_session_push_records(session);
    if (session->broken)
        thread->out_size = 0;
    if (session->out_size == 0 && thread->out_size > 0 && !session->sending) {
        size_t sent = io_send_now(&stream->socket, thread->out, thread->out_size);
        thread->out_size -= sent;
        if (thread->out_size > 0)
            memmove(thread->out, thread->out + sent, thread->out_size);
    }
    return keep_out(session);
}

// The same for what waits since earlier.
enum error tls_session_push(struct stream *stream)
{
    struct tls_session *session = stream->tls;
    enum error error = send_at_once(stream);
    if (error == ERROR_NONE && session->out_size > 0 && !session->sending && !session->in_kernel)
        tls_session_drop_bytes(session,
            io_send_now(&stream->socket, session->out, session->out_size));
    return error == ERROR_NONE && session->out_size > UNSENT_MAX ? ERROR_LIMIT : error;
}

// A step of flush: all that waits in memory, or what of it goes to the kernel after a wait.
static enum error send_waiting(struct task *task, struct tls_session *session, uint64_t idle_ms,
    size_t *sent)
{
    if (session->in_kernel) {
        enum error error = kernel_tls_await_room(task, session->socket, idle_ms);
        return error == ERROR_NONE ? tls_session_push_records(session) : error;
    }
    struct iovec piece = {.iov_base = session->out, .iov_len = session->out_size};
    session->out = NULL; // whoever writes meanwhile begins anew
    session->out_size = 0;
    enum error error = io_send(task, session->socket, &piece, 1, idle_ms, sent);
    memory_free(piece.iov_base);
    return error;
}

// Sends all that was written, waiting if need be. *sent_any: some of it may have reached the peer.
static enum error flush(struct task *task, struct stream *stream, uint64_t idle_ms, bool *sent_any)
{
    struct tls_session *session = stream->tls;
    size_t before = session->thread->out_size;
    enum error error = send_at_once(stream);
    *sent_any = session->out_size < before;
    invariant(!session->sending);
    session->sending = true;
    while (error == ERROR_NONE && session->out_size > 0) {
        size_t sent = 0;
        error = send_waiting(task, session, idle_ms, &sent);
        *sent_any = *sent_any || sent > 0;
    }
    session->sending = false;
    if (error != ERROR_NONE)
        session->broken = true;
    return error;
}

// --- Errors ---

static enum tls_failure judge_failure(unsigned long code)
{
    int reason = ERR_GET_REASON(code);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return TLS_FAILURE_CERTIFICATE;
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET
        && reason < SSL_AD_REASON_OFFSET + 256)
        return TLS_FAILURE_ALERT;
    return TLS_FAILURE_PROTOCOL;
}

static enum error fail(struct tls_session *session)
{
    unsigned long code = ERR_peek_error();
    const char *text = ERR_reason_error_string(code);
    session->failure = judge_failure(code);
    if (session->failure == TLS_FAILURE_CERTIFICATE)
        text = X509_verify_cert_error_string(SSL_get_verify_result(session->ssl));
    snprintf(session->failure_text, sizeof(session->failure_text), "%s",
        text == NULL ? "unknown error" : text);
    ERR_clear_error();
    return ERROR_PROTOCOL;
}

// --- The handshake ---

// The first byte of TLS is 22; a letter begins an HTTP request.
static bool is_plain_http(const struct tls_session *session)
{
    return session->in_size > 0 && session->in[0] >= 'A' && session->in[0] <= 'Z';
}

static enum error take_in(struct task *task, struct stream *stream, uint64_t deadline_ns)
{
    struct tls_session *session = stream->tls;
    size_t size;
    enum error error = keep_in(session);
    if (error == ERROR_NONE)
        error = io_receive(task, &stream->socket, session->thread->in, sizeof(session->thread->in),
            deadline_ns, &size);
    if (error != ERROR_NONE)
        return error;
    session->in = session->thread->in;
    session->in_size = size;
    return ERROR_NONE;
}

// The visitor speaks first.
static enum error take_first(struct task *task, struct stream *stream, uint64_t deadline_ns)
{
    struct tls_session *session = stream->tls;
    enum error error = take_in(task, stream, deadline_ns);
    if (error == ERROR_NONE && is_plain_http(session)) {
        session->failure = TLS_FAILURE_PLAIN_HTTP;
        session->in_size = 0;
        error = ERROR_PROTOCOL;
    }
    return error;
}

enum error tls_handshake(struct task *task, struct stream *stream, uint64_t deadline_ns)
{
    struct tls_session *session = stream->tls;
    bool sent;
    enum error first = session->server == NULL ? ERROR_NONE : take_first(task, stream, deadline_ns);
    if (first != ERROR_NONE)
        return first;
    ERR_clear_error(); // whatever this thread left: SSL_get_error looks at it
    for (;;) {
        int result = SSL_do_handshake(session->ssl);
        note_buffers(session);
        int why = result == 1 ? SSL_ERROR_NONE : SSL_get_error(session->ssl, result);
        if (result == 1) {
            // What it wrote last goes with the first content, or before the first wait.
            enum error error = keep_out(session);
            return error == ERROR_NONE ? keep_in(session) : error;
        }
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            session->in_size = 0;
            enum error error = fail(session);
            return send_at_once(stream) == ERROR_NONE ? error : ERROR_MEMORY; // the alert
        }
        uint64_t now_ns = task_now_ns(task);
        if (now_ns >= deadline_ns)
            return ERROR_TIMEOUT;
        enum error error = flush(task, stream,
            MAXIMUM((deadline_ns - now_ns) / NS_PER_MS, 1), &sent);
        if (error == ERROR_NONE && why == SSL_ERROR_WANT_READ)
            error = take_in(task, stream, deadline_ns);
        if (error != ERROR_NONE)
            return error;
    }
}

// --- Content ---

// As much as is there and fits.
static size_t read_some(struct tls_session *session, char *buffer, size_t size, int *ret_why)
{
    size_t done = 0, now;
    *ret_why = SSL_ERROR_NONE;
    do {
        if (SSL_read_ex(session->ssl, buffer + done, size - done, &now) != 1) {
            *ret_why = SSL_get_error(session->ssl, 0);
            break;
        }
        done += now;
    } while (done < size && session->in_size > 0);
    note_buffers(session);
    // What fits is all of a record; only a full buffer may have left some of it.
    session->has_pending = done == size && SSL_pending(session->ssl) > 0;
    session->over = session->over
        || (*ret_why != SSL_ERROR_NONE && *ret_why != SSL_ERROR_WANT_READ
            && *ret_why != SSL_ERROR_WANT_WRITE);
    return done;
}

enum error tls_session_receive(struct task *task, struct stream *stream, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size)
{
    struct tls_session *session = stream->tls;
    enum error error = task_breathe(task);
    while (error == ERROR_NONE) {
        int why = SSL_ERROR_WANT_READ;
        bool worth = session->over || tls_session_has_buffered(session);
        if (tls_session_must_end(session))
            return ERROR_RESET;
        size_t done = worth ? read_some(session, buffer, size, &why) : 0;
        enum error kept = keep_in(session);
        if (tls_session_must_end(session)) {
            tls_session_end(stream);
            return ERROR_RESET;
        }
        if (done > 0) {
            // An error after content is met again by the next call.
            ERR_clear_error();
            error = keep_out(session);
            if (error == ERROR_NONE && kept == ERROR_NONE)
                *ret_size = done;
            return error == ERROR_NONE ? kept : error;
        }
        if (kept != ERROR_NONE)
            return kept;
        if (why == SSL_ERROR_ZERO_RETURN)
            return ERROR_CLOSED;
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            error = fail(session);
        // What waits to be sent goes before we wait: the end of the handshake, an alert.
        enum error sent = tls_session_push(stream);
        if (error == ERROR_NONE)
            error = sent;
        if (error == ERROR_NONE)
            error = take_in(task, stream, deadline_ns);
        // The peer must say that it is done (RFC 8446 section 6.1); else what came may be cut.
        if (error == ERROR_CLOSED)
            return ERROR_RESET;
    }
    return error;
}

// Goes past pieces that are spent; false: all are.
static bool has_more(const struct iovec *pieces, size_t count, size_t *at, size_t *offset)
{
    while (*at < count && pieces[*at].iov_len == *offset) {
        (*at)++;
        *offset = 0;
    }
    return *at < count;
}

// The next run of content, of at most one record: where it lies if it is long, else gathered.
static struct slice gather(struct tls_thread *thread, const struct iovec *pieces, size_t count,
    size_t *at, size_t *offset)
{
    size_t done = 0;
    if (!has_more(pieces, count, at, offset))
        return SLICE_EMPTY;
    size_t first = pieces[*at].iov_len - *offset;
    if (first >= TLS_CONTENT_MAX || *at + 1 == count)
        return slice_of((const char *)pieces[*at].iov_base + *offset,
            MINIMUM(first, TLS_CONTENT_MAX));
    for (size_t i = *at, from = *offset; i < count && done < TLS_CONTENT_MAX; i++, from = 0) {
        size_t part = MINIMUM(pieces[i].iov_len - from, TLS_CONTENT_MAX - done);
        if (part > 0)
            memcpy(thread->plain + done, (const char *)pieces[i].iov_base + from, part);
        done += part;
    }
    return slice_of(thread->plain, done);
}

static void advance(const struct iovec *pieces, size_t size, size_t *at, size_t *offset)
{
    while (size > 0) {
        size_t part = MINIMUM(pieces[*at].iov_len - *offset, size);
        size -= part;
        *offset += part;
        if (*offset == pieces[*at].iov_len) {
            (*at)++;
            *offset = 0;
        }
    }
}

// Encrypts a batch into the scratch. Returns how much of the content that is.
static size_t write_batch(struct tls_session *session, const struct iovec *pieces, size_t count,
    size_t *at, size_t *offset, enum error *ret_error)
{
    struct tls_thread *thread = session->thread;
    size_t total = 0, done;
    *ret_error = ERROR_NONE;
    while (thread->out_size + TLS_RECORD_ROOM <= sizeof(thread->out)) {
        struct slice run = gather(thread, pieces, count, at, offset);
        if (run.size == 0)
            break;
        if (SSL_write_ex(session->ssl, run.data, run.size, &done) != 1) {
            *ret_error = fail(session);
            session->broken = true;
            break;
        }
        advance(pieces, done, at, offset);
        total += done;
    }
    note_buffers(session);
    return total;
}

// What waits comes first, and in one call with what is written now, if it is not much.
static void fetch_out(struct tls_session *session)
{
    struct tls_thread *thread = session->thread;
    if (session->out_size == 0 || session->out_size > TLS_RECORD_ROOM)
        return;
    memcpy(thread->out, session->out, session->out_size);
    thread->out_size = session->out_size;
    memory_free(session->out);
    session->out = NULL;
    session->out_size = 0;
}

static void write_end(struct tls_session *session)
{
    if (session->ended || session->broken || session->failure != TLS_FAILURE_NONE
        || SSL_in_init(session->ssl))
        return;
    session->ended = true;
    if (SSL_shutdown(session->ssl) < 0)
        ERR_clear_error();
}

static enum error send_content(struct task *task, struct stream *stream, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, bool is_last, size_t *ret_size)
{
    struct tls_session *session = stream->tls;
    size_t at = 0, offset = 0, total = 0;
    enum error error = task_breathe(task);
    while (error == ERROR_NONE) {
        bool sent = false;
        if (session->broken || session->ended)
            error = ERROR_RESET;
        if (error != ERROR_NONE)
            break;
        fetch_out(session);
        size_t batch = write_batch(session, pieces, count, &at, &offset, &error);
        bool is_end = is_last && error == ERROR_NONE && !has_more(pieces, count, &at, &offset);
        if (is_end)
            write_end(session); // a batch leaves room for it
        if (batch == 0 && session->thread->out_size == 0)
            break;
        enum error flushed = flush(task, stream, idle_ms, &sent);
        if (sent)
            total += batch;
        if (error == ERROR_NONE)
            error = flushed;
        if (batch == 0 || is_end)
            break;
    }
    if (ret_size != NULL)
        *ret_size = total;
    return error == ERROR_PROTOCOL ? ERROR_RESET : error;
}

// The same where the kernel encrypts: it takes the content as it is.
static enum error send_plain(struct task *task, struct stream *stream, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, bool is_last, size_t *ret_size)
{
    struct tls_session *session = stream->tls;
    bool any;
    if (session->broken || session->ended)
        return ERROR_RESET;
    invariant(!session->sending);
    session->sending = true;
    enum error error = io_send(task, session->socket, pieces, count, idle_ms, ret_size);
    // What comes next may be the end.
    if (error == ERROR_NONE)
        error = kernel_tls_await_room(task, session->socket, idle_ms);
    session->sending = false;
    if (error != ERROR_NONE) {
        session->broken = true;
        return error;
    }
    if (is_last)
        write_end(session);
    error = flush(task, stream, idle_ms, &any); // records that came up meanwhile
    if (error == ERROR_NONE && session->broken)
        error = ERROR_RESET;
    if (error != ERROR_NONE || !is_last)
        return error;
    session->sending = true;
    error = kernel_tls_await_room(task, session->socket, idle_ms);
    session->sending = false;
    return error;
}

enum error tls_session_send(struct task *task, struct stream *stream, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, size_t *ret_size)
{
    if (stream->tls->in_kernel) {
        size_t sent = 0;
        enum error error = send_plain(task, stream, pieces, count, idle_ms, false, &sent);
        if (ret_size != NULL)
            *ret_size = sent;
        return error;
    }
    return send_content(task, stream, pieces, count, idle_ms, false, ret_size);
}

enum error tls_session_send_last(struct task *task, struct stream *stream,
    const struct iovec *pieces, size_t count, uint64_t idle_ms)
{
    if (stream->tls->in_kernel)
        return send_plain(task, stream, pieces, count, idle_ms, true, NULL);
    return send_content(task, stream, pieces, count, idle_ms, true, NULL);
}

bool tls_session_is_in_kernel(const struct tls_session *session)
{
    return session->in_kernel;
}

bool tls_session_has_buffered(const struct tls_session *session)
{
    return session->in_size > 0 || session->has_pending;
}

void tls_session_end(struct stream *stream)
{
    struct tls_session *session = stream->tls;
    if (session->ended)
        return;
    write_end(session);
    if (session->ended && tls_session_push(stream) != ERROR_NONE)
        session->broken = true;
}
