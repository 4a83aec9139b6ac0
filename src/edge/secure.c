// Handshakes of visitors, and HTTPS as a site's rule.
#include "edge/secure.h"
#include "base/log.h"
#include "edge/delivery.h"
#include "tls/session.h"

#include <stdio.h>

static const struct setting https_rows[] = {
    {.name = "redirect", .type = SETTING_BOOL, .fallback = "false",
        .offset = offsetof(struct https_settings, redirect),
        .summary = "Send visitors who come without TLS to https://.",
        .touch = "Turn it on once HTTPS works for every host of the site."},
    {.name = "port", .type = SETTING_COUNT, .fallback = "443", .minimum = 1, .maximum = 65535,
        .offset = offsetof(struct https_settings, port),
        .summary = "The port of https:// that they are sent to.",
        .touch = "Only when visitors reach HTTPS on another port than 443."},
    {.name = "hsts", .type = SETTING_DURATION, .fallback = "0", .maximum = UINT64_C(63072000000),
        .offset = offsetof(struct https_settings, hsts_ms), .example = "365d",
        .summary = "How long browsers shall remember to use nothing but HTTPS here "
                   "(Strict-Transport-Security); 0: not at all.",
        .touch = "Set it to a year once HTTPS has worked for a while; there is no way back before "
                 "it is over."},
    {.name = "hsts_subdomains", .type = SETTING_BOOL, .fallback = "false",
        .offset = offsetof(struct https_settings, hsts_subdomains),
        .summary = "Have them remember it for every host name below this one too.",
        .touch = "When all of those have HTTPS."},
};

const struct setting_section https_settings_section = {
    .size = sizeof(struct https_settings),
    .rows = https_rows,
    .count = ARRAY_SIZE(https_rows),
    .summary = "HTTPS as a rule of the site. Needs tls.listen and tls.certificates.",
};

// --- Handshakes ---

// A clear answer for who forgot the s.
static void answer_plain(struct connection *connection)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
        "Connection: close\r\nContent-Length: 48\r\n\r\n"
        "This port speaks HTTPS: the address is https://\n";
    io_send_now(&connection->stream.socket, answer, sizeof(answer) - 1);
}

static void note_failure(struct connection *connection, enum error error)
{
    struct ledger_row *ledger = connection->thread->ledger;
    if (error == ERROR_TIMEOUT) {
        ledger_add(ledger, LEDGER_TLS_TIMEOUTS, 1);
    } else if (tls_session_failure(&connection->stream) == TLS_FAILURE_PLAIN_HTTP) {
        ledger_add(ledger, LEDGER_TLS_PLAIN, 1);
        answer_plain(connection);
    } else {
        ledger_add(ledger, LEDGER_TLS_FAILED, 1);
        if (log_would_write(LOG_DEBUG)) {
            char buffer[64];
            struct text peer = text_in(buffer, sizeof(buffer));
            address_format(&peer, &connection->peer);
            log_write(LOG_DEBUG, "edge", "handshake failed peer=%.*s error=\"%s\" why=\"%s\"",
                SLICE_ARGS(text_slice(&peer)), error_text(error),
                tls_session_failure_text(&connection->stream));
        }
    }
}

static bool shake_hands(struct task *task, struct connection *connection,
    const struct edge_settings *settings, bool *ret_is_http2)
{
    struct edge_thread *thread = connection->thread;
    struct tls_facts facts;
    // From connecting on, not from the first byte.
    uint64_t deadline_ns =
        connection->parked_ns + settings->tls.handshake_timeout_ms * NS_PER_MS;
    if (settings->tls_server == NULL
        || tls_session_accept(&connection->stream, settings->tls_server) != ERROR_NONE) {
        ledger_add(thread->ledger, LEDGER_TLS_FAILED, 1);
        return false;
    }
    thread->handshakes++;
    enum error error = tls_handshake(task, &connection->stream, deadline_ns);
    thread->handshakes--;
    if (error == ERROR_NONE && !stream_has_buffered(&connection->stream))
        error = tls_session_push(&connection->stream);
    if (error != ERROR_NONE) {
        note_failure(connection, error);
        return false;
    }
    tls_session_read_facts(&connection->stream, &facts);
    *ret_is_http2 = slice_equal(facts.protocol, SLICE("h2"));
    ledger_add(thread->ledger, LEDGER_TLS_HANDSHAKES, 1);
    ledger_add(thread->ledger, LEDGER_TLS_RESUMED, facts.resumed);
    ledger_add(thread->ledger, LEDGER_TLS_KERNEL, facts.in_kernel);
    return true;
}

bool secure_accept(struct task *task, struct connection *connection, bool *ret_is_http2)
{
    struct edge_thread *thread = connection->thread;
    const struct edge_settings *settings = thread->generation->settings;
    if (thread->handshakes < edge_share(thread->edge, settings->tls.handshakes))
        return shake_hands(task, connection, settings, ret_is_http2);
    ledger_add(thread->ledger, LEDGER_TLS_REFUSED, 1);
    return false;
}

// --- Requests ---

bool secure_is_request(const struct request *request)
{
    switch (request->client.scheme) {
    case FORWARDED_SCHEME_UNKNOWN:
        break;
    case FORWARDED_SCHEME_HTTP:
        return false;
    case FORWARDED_SCHEME_HTTPS:
        return true;
    }
    return request->connection->stream.tls != NULL;
}

bool secure_is_misdirected(const struct request *request)
{
    const struct stream *stream = &request->connection->stream;
    if (stream->tls == NULL)
        return request->head.names_https && !secure_is_request(request);
    struct slice name = tls_session_server_name(stream);
    // Who asked for no name, or for this one, took the certificate that came.
    if (name.size == 0 || slice_equal_nocase(name, request->host)
        || tls_session_covers(stream, request->host))
        return false;
    ledger_add(request->thread->ledger, LEDGER_TLS_MISDIRECTED, 1);
    return true;
}

bool secure_redirect(struct task *task, struct request *request)
{
    const struct https_settings *https = &request_site(request)->https;
    if (!https->redirect || secure_is_request(request) || request->host.size == 0)
        return false;
    char port[16] = "";
    if (https->port != 443)
        snprintf(port, sizeof(port), ":%u", (unsigned)https->port);
    const struct http_request_head *head = &request->head;
    struct slice field = arena_printf(&request->arena, "Location: https://%.*s%s%.*s%s%.*s\r\n",
        SLICE_ARGS(request->host), port, SLICE_ARGS(head->path),
        head->query.data == NULL ? "" : "?", SLICE_ARGS(head->query));
    // 308 keeps the method; many a tool knows only 301.
    bool is_read = head->method == HTTP_METHOD_GET || head->method == HTTP_METHOD_HEAD;
    ledger_add(request->thread->ledger, LEDGER_HTTPS_REDIRECTS, 1);
    if (field.data == NULL)
        delivery_send_page(task, request, 503);
    else
        delivery_send_bytes(task, request, is_read ? 301 : 308, SLICE("text/plain"), field,
            SLICE("This site speaks HTTPS.\n"));
    return true;
}

void secure_append_hsts(struct text *text, const struct request *request)
{
    const struct https_settings *https =
        request->site == NULL ? NULL : &request_site(request)->https;
    if (https == NULL || https->hsts_ms == 0 || !secure_is_request(request))
        return;
    text_append(text, SLICE("Strict-Transport-Security: max-age="));
    text_append_u64(text, https->hsts_ms / 1000);
    text_append(text, https->hsts_subdomains ? SLICE("; includeSubDomains\r\n") : SLICE("\r\n"));
}
