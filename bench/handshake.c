// Makes TLS connections for some seconds, eight at a time, with one request on each:
//   full       every one with a handshake of its own
//   resumed    with the newest session that a connection before it was given, as often as need be
//   returning  with a session that was given and not used yet, each once as RFC 8446 section C.4
//              asks of clients, while there is one; else with a handshake of its own
// Prints how many there were. Dies when a server answers anything but 200, or resumes otherwise
// than asked. Certificates are not verified: only the server's time is measured.
// usage: bench.handshake PORT PATH full|resumed|returning SECONDS
#include "loopback.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/wait.h>
#include <time.h>

#define PROCESSES 8

#define SESSIONS_MAX 8

enum mode { FULL, RESUMED, RETURNING };

static SSL_SESSION *session;                 // RESUMED
static SSL_SESSION *unused[SESSIONS_MAX];    // RETURNING
static int unused_count;

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    _exit(1);
}

// The newest one that can be used: some servers give another with each resumption, some do not.
// Not through OpenSSL's cache, which uses each once.
static void keep_session(SSL *tls)
{
    SSL_SESSION *fresh = SSL_get1_session(tls);
    if (fresh == NULL || !SSL_SESSION_is_resumable(fresh))
        fail("no session was given");
    SSL_SESSION_free(session);
    session = fresh;
}

// Takes the session over, or not.
static int keep_unused(SSL *tls, SSL_SESSION *fresh)
{
    (void)tls;
    if (unused_count == SESSIONS_MAX || !SSL_SESSION_is_resumable(fresh))
        return 0;
    unused[unused_count++] = fresh;
    return 1;
}

static int offer_session(SSL *tls, enum mode mode)
{
    switch (mode) {
    case FULL:
        return 0;
    case RESUMED:
        return session != NULL && SSL_set_session(tls, session) == 1;
    case RETURNING:
        break;
    }
    if (unused_count == 0)
        return 0;
    SSL_SESSION *once = unused[--unused_count];
    int offered = SSL_set_session(tls, once) == 1;
    SSL_SESSION_free(once);
    return offered;
}

// The answer up to its end; tickets of TLS 1.3 come before it.
static void read_answer(SSL *tls)
{
    static char buffer[16384];
    size_t filled = 0;
    for (;;) {
        size_t received;
        int done = SSL_read_ex(tls, buffer + filled, sizeof(buffer) - 1 - filled, &received);
        if (done != 1)
            break;
        filled += received;
        buffer[filled] = '\0';
        char *end = strstr(buffer, "\r\n\r\n");
        char *length = strcasestr(buffer, "\r\ncontent-length:");
        if (end != NULL && length != NULL
            && filled >= (size_t)(end + 4 - buffer) + strtoul(length + 17, NULL, 10))
            break;
    }
    if (filled < 12 || strncmp(buffer, "HTTP/1.1 200", 12) != 0)
        fail("no answer");
}

static void visit(SSL_CTX *context, const char *port, const char *request, enum mode mode)
{
    int connection = loopback_connect(port, 0);
    SSL *tls = SSL_new(context);
    if (tls == NULL || SSL_set_fd(tls, connection) != 1
        || SSL_set_tlsext_host_name(tls, "bench.example") != 1)
        fail("set up");
    int offered = offer_session(tls, mode);
    if (SSL_connect(tls) != 1)
        fail("handshake");
    if (SSL_session_reused(tls) != offered)
        fail(offered ? "the session was not resumed" : "a session was resumed");
    if (SSL_write(tls, request, (int)strlen(request)) <= 0)
        fail("send");
    read_answer(tls);
    if (mode == RESUMED)
        keep_session(tls);
    SSL_shutdown(tls);
    SSL_free(tls);
    close(connection);
}

static unsigned long visit_until(time_t end, const char *port, const char *request, enum mode mode)
{
    unsigned long count = 0;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        fail("context");
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, mode == RETURNING
        ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
    SSL_CTX_sess_set_new_cb(context, keep_unused);
    for (; time(NULL) < end; count++)
        visit(context, port, request, mode);
    SSL_CTX_free(context);
    return count;
}

int main(int argc, char **argv)
{
    char request[512];
    int results[2];
    unsigned long sum = 0;
    if (argc != 5 || pipe(results) != 0)
        return 2;
    enum mode mode = strcmp(argv[3], "resumed") == 0 ? RESUMED
        : strcmp(argv[3], "returning") == 0 ? RETURNING : FULL;
    time_t end = time(NULL) + atoi(argv[4]);
    snprintf(request, sizeof(request),
        "GET %s HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n", argv[2]);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            unsigned long count = visit_until(end, argv[1], request, mode);
            _exit(write(results[1], &count, sizeof(count)) != sizeof(count));
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        unsigned long count;
        int status;
        if (wait(&status) < 0 || status != 0
            || read(results[0], &count, sizeof(count)) != sizeof(count))
            return 1;
        sum += count;
    }
    printf("%lu\n", sum);
    return 0;
}
