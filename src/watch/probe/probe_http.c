// One request by libcurl, anew each time, as a new visitor would: its own connection, no session,
// no cookie. curl gets no say: names are pinned to the addresses that were found here, sockets are
// made here, redirects are followed here, and what is read is counted here.
//
// Where the operator's URL leads he has decided himself, whatever its address. A redirect is a
// stranger's word: it leads to his own host again, to what everybody can reach, or nowhere.
#include "base/clock.h"
#include "base/memory.h"
#include "doctor/guard.h"
#include "http/field.h"
#include "watch/probe/probe.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#define USER_AGENT "afloat-watch/" AFLOAT_VERSION
#define HEAD_MAX ((size_t)64 << 10)
#define BODY_FIRST ((size_t)16 << 10)
#define PINS_SIZE ((size_t)(NAMES_ADDRESSES_MAX * (ADDRESS_TEXT_MAX + 3) + 16))
#define NO_DAYS INT64_MAX

struct http_probe {
    struct transfer *transfer;
    bool is_added;
    struct curl_slist *headers, *pins;
    char *url, *host; // of this hop; NULL at the first
    uint16_t port;
    bool is_secure, is_foreign; // foreign: a redirect led to another host
    bool has_left; // the operator's host, or its TLS, at this hop or an earlier one
    bool is_refused, lacks;     // lacks: memory, or a descriptor
    bool has_enough, head_is_too_large, has_body;
    uint64_t redirects;
    size_t head_size;
    unsigned status;
    uint32_t matched;           // bits of target->fields
    int64_t days;               // that the first certificate to expire has left
    char *body;
    size_t body_size, body_capacity;
};

// --- What curl calls ---

static bool may_reach(const struct probe *probe, const struct address *address)
{
    const uint16_t ports[] = {probe->target->port};
    struct guard guard = {.ports = ports, .port_count = 1};
    if (probe->target->allow != NULL)
        guard.allow = *probe->target->allow;
    return !probe->http->is_foreign || guard_may_reach(&guard, address);
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct probe *probe = context;
    struct address address = {0};
    (void)purpose;
    if (to->family != AF_INET && to->family != AF_INET6)
        return CURL_SOCKET_BAD;
    memcpy(&address, &to->addr, MINIMUM(to->addrlen, sizeof(address.v6)));
    if (!may_reach(probe, &address)) {
        probe->http->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    int descriptor = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (descriptor < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        probe->http->lacks = true;
    return descriptor < 0 ? CURL_SOCKET_BAD : descriptor;
}

static CURLcode set_trust(CURL *easy, void *tls, void *context)
{
    struct probe *probe = context;
    (void)easy;
    // Without close_notify, the length alone says whether all came, as for browsers.
    SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (!probe->target->monitor->verify)
        return CURLE_OK;
    X509_STORE *trust = poller_trust(probe->poller);
    if (trust == NULL) {
        probe->http->lacks = true;
        return CURLE_SSL_CACERT_BADFILE;
    }
    SSL_CTX_set1_cert_store(tls, trust);
    return CURLE_OK;
}

static void read_certificate(struct probe *probe)
{
    const struct curl_tlssessioninfo *session = NULL;
    int days = 0, seconds = 0;
    if (!probe->http->is_secure
        || curl_easy_getinfo(probe->http->transfer->easy, CURLINFO_TLS_SSL_PTR, &session)
            != CURLE_OK
        || session == NULL || session->backend != CURLSSLBACKEND_OPENSSL
        || session->internals == NULL)
        return;
    X509 *certificate = SSL_get0_peer_certificate(session->internals);
    if (certificate != NULL
        && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1)
        probe->http->days = MINIMUM(probe->http->days, days);
}

// "HTTP/1.1 200 OK", "HTTP/2 200"
static void begin_head(struct probe *probe, struct slice line)
{
    struct http_probe *http = probe->http;
    uint64_t status = 0;
    (void)slice_cut(&line, ' ');
    line = slice_trim(line);
    if (!slice_parse_u64(slice_cut(&line, ' '), 999, &status))
        status = 0;
    http->status = (unsigned)status;
    http->matched = 0;
    read_certificate(probe);
}

static void compare_field(struct probe *probe, struct slice line)
{
    const struct target *target = probe->target;
    struct slice name = slice_cut(&line, ':'), value = slice_trim(line);
    for (unsigned i = 0; i < target->field_count; i++) {
        if (slice_equal_nocase(name, target->fields[i].name)
            && pattern_matches(target->fields[i].pattern, value))
            probe->http->matched |= UINT32_C(1) << i;
    }
}

static size_t take_head(char *data, size_t item_size, size_t count, void *context)
{
    struct probe *probe = context;
    struct http_probe *http = probe->http;
    size_t size = item_size * count;
    struct slice line = slice_of(data, size);
    while (line.size > 0 && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
        line.size--;
    http->head_size += size;
    if (http->head_size > HEAD_MAX) {
        http->head_is_too_large = true;
        return 0;
    }
    if (http->has_body)
        return size; // a trailer
    if (slice_starts_with(line, SLICE("HTTP/")))
        begin_head(probe, line);
    else if (line.size > 0)
        compare_field(probe, line);
    return size;
}

static bool make_room(struct http_probe *http, size_t size)
{
    if (http->body_capacity - http->body_size >= size)
        return true;
    size_t capacity = MAXIMUM(http->body_capacity, BODY_FIRST);
    while (capacity < http->body_size + size)
        capacity *= 2;
    char *body = memory_resize(http->body, capacity);
    if (body == NULL)
        return false;
    http->body = body;
    http->body_capacity = capacity;
    return true;
}

static size_t take_body(char *data, size_t item_size, size_t count, void *context)
{
    struct probe *probe = context;
    struct http_probe *http = probe->http;
    size_t size = item_size * count, taken = MINIMUM(size, PROBE_BODY_MAX - http->body_size);
    bool is_read = probe->target->body != NULL || probe->target->keeps_body;
    http->has_body = true;
    if (is_read && !make_room(http, taken)) {
        http->lacks = true;
        return 0;
    }
    if (is_read && taken > 0)
        memcpy(http->body + http->body_size, data, taken);
    http->body_size += taken;
    http->has_enough = taken < size;
    return taken;
}

// --- How it is asked ---

// Whatever host it asks for at that port is at these addresses, so curl looks up no name.
static bool pin(struct probe *probe)
{
    struct http_probe *http = probe->http;
    char buffer[PINS_SIZE];
    struct text pins = text_in(buffer, sizeof(buffer) - 1);
    text_format(&pins, "*:%u:", http->port);
    for (unsigned i = 0; i < probe->address_count; i++) {
        char host_buffer[ADDRESS_TEXT_MAX];
        struct text host = text_in(host_buffer, sizeof(host_buffer));
        address_format_host(&host, &probe->addresses[i]);
        bool is_bare = slice_contains(text_slice(&host), ':') && host.data[0] != '[';
        if (i > 0)
            text_append_byte(&pins, ',');
        text_format(&pins, is_bare ? "[%.*s]" : "%.*s", (int)host.size, host.data);
    }
    if (pins.full)
        return false;
    buffer[pins.size] = '\0';
    curl_slist_free_all(http->pins);
    http->pins = curl_slist_append(NULL, buffer);
    return http->pins != NULL;
}

static void set_method(const struct probe *probe, CURL *easy)
{
    struct slice method = probe->target->monitor->method;
    if (slice_equal(method, SLICE("HEAD"))) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (probe->http->redirects > 0 || method.size == 0 || slice_equal(method, SLICE("GET")))
        return;
    // Where content is usual, there is some, of no length (RFC 9110 section 8.6).
    if (slice_equal(method, SLICE("POST")) || slice_equal(method, SLICE("PUT"))
        || slice_equal(method, SLICE("PATCH")))
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.data);
}

static void set_bounds(const struct probe *probe, CURL *easy)
{
    uint64_t now = clock_now_ms();
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); // not that of the environment
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    // curl shares it out among the addresses; whether it is over is seen in probe.c.
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(probe->deadline_ms - MINIMUM(now, probe->deadline_ms) + 1));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); // all that it knows
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
}

static void set_callbacks(struct probe *probe, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_PRIVATE, probe);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, probe);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, probe);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, probe);
    long verifies = probe->target->monitor->verify;
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); // OpenSSL's own, see set_trust
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verifies);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verifies * 2);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_trust);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, probe);
}

// The operator's own fields are for his own host alone, and for nobody on the way where he asks by
// TLS: there may be a key among them. Nor are they for where a stranger leads back to.
static bool set_fields(struct probe *probe, CURL *easy)
{
    struct http_probe *http = probe->http;
    if (http->has_left)
        return true;
    for (const struct curl_slist *item = probe->target->headers; item != NULL; item = item->next) {
        struct curl_slist *headers = curl_slist_append(http->headers, item->data);
        if (headers == NULL)
            return false;
        http->headers = headers;
    }
    if (probe->field[0] != '\0') {
        struct curl_slist *headers = curl_slist_append(http->headers, probe->field);
        if (headers == NULL)
            return false;
        http->headers = headers;
    }
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers) == CURLE_OK;
}

static void ask(struct probe *probe)
{
    struct http_probe *http = probe->http;
    CURL *easy = http->transfer->easy;
    const char *url = http->url == NULL ? probe->target->monitor->url.data : http->url;
    curl_slist_free_all(http->headers);
    http->headers = NULL;
    curl_easy_reset(easy);
    set_bounds(probe, easy);
    set_callbacks(probe, easy);
    set_method(probe, easy);
    if (!pin(probe) || !set_fields(probe, easy)
        || curl_easy_setopt(easy, CURLOPT_SHARE, http->transfer->names) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_RESOLVE, http->pins) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK
        || curl_multi_add_handle(probe->poller->multi, easy) != CURLM_OK) {
        probe_lacks(probe, ENOMEM);
        return;
    }
    http->is_added = true;
}

void http_begin(struct probe *probe)
{
    struct http_probe *http = memory_zero_alloc(sizeof(*http));
    probe->http = http;
    if (http != NULL)
        http->transfer = poller_take_transfer(probe->poller);
    if (http == NULL || http->transfer == NULL) {
        probe_lacks(probe, ENOMEM);
        return;
    }
    http->days = NO_DAYS;
    http->port = probe->target->port;
    http->is_secure = probe->target->is_secure;
    probe_find(probe, probe->target->host, http->port, ask);
}

static void leave_multi(struct probe *probe)
{
    if (probe->http->is_added)
        (void)curl_multi_remove_handle(probe->poller->multi, probe->http->transfer->easy);
    probe->http->is_added = false;
}

void http_end(struct probe *probe)
{
    struct http_probe *http = probe->http;
    if (http == NULL)
        return;
    if (http->transfer != NULL) {
        leave_multi(probe);
        curl_easy_reset(http->transfer->easy); // nothing of this one is pointed to any more
        poller_give_transfer(probe->poller, http->transfer);
    }
    curl_slist_free_all(http->headers);
    curl_slist_free_all(http->pins);
    memory_free(http->url);
    curl_free(http->host);
    memory_free(http->body);
    memory_free(http);
    probe->http = NULL;
}

// --- Where it leads ---

// http://example.com/ and https://example.com/ are the same host's, and so is the port of the URL.
static bool is_own(const struct probe *probe, struct slice host, uint16_t port)
{
    return slice_equal_nocase(host, probe->target->host)
        && (port == probe->target->port || port == 80 || port == 443);
}

// True: the redirect is followed, or it has ended the probe.
static bool follow(struct probe *probe)
{
    struct http_probe *http = probe->http;
    char *location = NULL, *host = NULL;
    bool is_redirect = http->status == 301 || http->status == 302 || http->status == 303
        || http->status == 307 || http->status == 308;
    if (!is_redirect || http->redirects >= probe->target->monitor->redirects
        || curl_easy_getinfo(http->transfer->easy, CURLINFO_REDIRECT_URL, &location) != CURLE_OK
        || location == NULL)
        return false;
    uint16_t port;
    bool is_secure;
    if (!target_split_url(location, &host, &port, &is_secure))
        return false;
    size_t size = strlen(location) + 1;
    char *url = memory_alloc(size);
    if (url == NULL) {
        curl_free(host);
        probe_lacks(probe, ENOMEM);
        return true;
    }
    memcpy(url, location, size); // which is the transfer's
    leave_multi(probe);
    memory_free(http->url);
    curl_free(http->host);
    http->url = url;
    http->host = host;
    http->port = port;
    http->is_secure = is_secure;
    http->is_foreign = !is_own(probe, slice_from_string(host), port);
    http->has_left = http->has_left || http->is_foreign
        || (probe->target->is_secure && !is_secure);
    http->redirects++;
    http->head_size = http->body_size = 0;
    http->has_body = http->has_enough = false;
    http->status = 0;
    probe_find(probe, slice_from_string(host), port, ask);
    return true;
}

// --- How it went ---

static enum reason_kind reason_of(struct probe *probe, CURLcode code)
{
    long number = 0;
    switch ((int)code) {
    case CURLE_COULDNT_CONNECT:
        (void)curl_easy_getinfo(probe->http->transfer->easy, CURLINFO_OS_ERRNO, &number);
        return probe_reason((int)number);
    case CURLE_OPERATION_TIMEDOUT: return REASON_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST: return REASON_NAME;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER: return REASON_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return REASON_CERTIFICATE;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return REASON_NO_ANSWER;
    }
    return REASON_PROTOCOL; // OUT_OF_MEMORY too: a head beyond curl's own limits
}

static struct vote judge_answer(const struct probe *probe)
{
    const struct http_probe *http = probe->http;
    const struct target *target = probe->target;
    const struct monitor_settings *monitor = target->monitor;
    const uint32_t all = (UINT32_C(1) << target->field_count) - 1;
    if (!target->any_status && !setting_status_set_has(&monitor->expect_status, http->status))
        return (struct vote){VOTE_DOWN, {REASON_STATUS, http->status}};
    if (http->matched != all)
        return (struct vote){VOTE_DOWN, {REASON_CONTENT, 0}};
    enum expect_outcome outcome = target->body == NULL ? EXPECT_FOUND
        : expect_find(target->body, slice_of(http->body, http->body_size));
    if (outcome == EXPECT_ABSENT)
        return (struct vote){VOTE_DOWN, {REASON_CONTENT, 0}};
    if (outcome == EXPECT_COSTLY)
        return (struct vote){VOTE_INCONCLUSIVE, {REASON_CONTENT, 0}};
    if (monitor->verify && http->days < (int64_t)monitor->certificate_days)
        return (struct vote){VOTE_DEGRADED, {REASON_EXPIRES, (uint32_t)MAXIMUM(http->days, 0)}};
    if (monitor->slow_ms > 0 && probe_elapsed_ms(probe) > monitor->slow_ms)
        return (struct vote){VOTE_DEGRADED, {REASON_SLOW, 0}};
    return (struct vote){VOTE_UP, {REASON_NONE, 0}};
}

static void conclude(struct probe *probe, CURLcode code)
{
    struct http_probe *http = probe->http;
    struct probe_result result = {.response_ms = PROBE_NO_TIME, .status = http->status};
    if (code == CURLE_WRITE_ERROR && http->has_enough)
        code = CURLE_OK;
    if (http->lacks) {
        probe_lacks(probe, ENOMEM);
        return;
    }
    if (http->is_refused && code != CURLE_OK) // where visitors are sent, nobody can go
        result.vote = (struct vote){VOTE_DOWN, {REASON_CONTENT, 0}};
    else if (code != CURLE_OK || http->head_is_too_large)
        result.vote = (struct vote){VOTE_DOWN, {reason_of(probe, code), 0}};
    else
        result.vote = judge_answer(probe);
    if (code == CURLE_OK)
        result.response_ms = probe_elapsed_ms(probe);
    if (probe->target->keeps_body && http->body_size > 0)
        result.body = slice_of(http->body, http->body_size);
    probe_finish(probe, &result);
}

void http_transferred(CURL *easy, CURLcode code)
{
    char *context = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context) != CURLE_OK || context == NULL)
        return;
    struct probe *probe = (struct probe *)(void *)context;
    if (code == CURLE_OK && follow(probe))
        return;
    conclude(probe, code);
}
