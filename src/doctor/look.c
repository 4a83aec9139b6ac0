// One request by libcurl's multi interface. curl gets no say in anything: names are pinned to the
// addresses that are given, sockets are made here, and what is read is counted here.
#include "doctor/look.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "doctor/resolve.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define USER_AGENT "afloat-check/" AFLOAT_VERSION
#define BODY_FIRST ((size_t)16 << 10)
#define POLL_MOST_MS 1000
#define PINS_SIZE ((size_t)(FACTS_ADDRESSES_MAX * (ADDRESS_TEXT_MAX + 1) + 16))
#define PROXY_PORT 1080 // curl's own choice for a proxy that names none

enum end { END_OF_TRANSFER, END_DEADLINE, END_OVER, END_TOO_MUCH, END_FAILURE };

struct looking {
    const struct check *check;
    const struct look_request *request;
    struct arena *arena;
    struct look_answer *answer;
    CURL *easy;
    CURLM *multi;
    struct curl_slist *fields, *pins;
    uint64_t began_ms;
    struct text head;   // names and values of fields; those of the last one at its end
    size_t head_size;   // bytes that came, of all heads
    unsigned lines;     // of the fields of this head
    unsigned status;    // of this head, 0: there is none yet
    bool head_is_whole; // of the final answer
    char *body;
    size_t body_size, body_capacity;
    bool out_of_memory, head_is_too_large, is_endless, is_refused;
    struct address refused;
    char complaint[CURL_ERROR_SIZE];
};

static void global_init(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT); // where it failed, no handle can be made
}

static struct slice keep(struct looking *looking, const char *text)
{
    return arena_copy(looking->arena, slice_from_string(text));
}

// --- What curl calls ---

static struct address address_of(const struct sockaddr *from, socklen_t size)
{
    struct address address = {0};
    if ((from->sa_family == AF_INET && size >= sizeof(address.v4))
        || (from->sa_family == AF_INET6 && size >= sizeof(address.v6)))
        memcpy(&address, from, from->sa_family == AF_INET ? sizeof(address.v4)
                                                           : sizeof(address.v6));
    return address;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct looking *looking = context;
    const struct guard *guard = check_options_of(looking->check)->guard;
    struct address address = address_of(&to->addr, (socklen_t)to->addrlen);
    (void)purpose;
    if (address.any.sa_family == AF_UNSPEC)
        return CURL_SOCKET_BAD;
    // The visitor's own proxy is no stranger.
    if (guard != NULL && !looking->request->is_third_party
        && looking->request->proxy.data == NULL && !guard_may_reach(guard, &address)) {
        looking->is_refused = true;
        looking->refused = address;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static CURLcode set_trust(CURL *easy, void *tls, void *context)
{
    const struct looking *looking = context;
    (void)easy;
    // Without close_notify, the length alone says whether all came, as for browsers.
    SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (!looking->request->trusts_anybody && SSL_CTX_set_default_verify_paths(tls) != 1)
        return CURLE_SSL_CACERT_BADFILE;
    return CURLE_OK;
}

// "HTTP/1.1 200 OK", "HTTP/2 200"
static void begin_head(struct looking *looking, struct slice line)
{
    uint64_t status = 0;
    (void)slice_cut(&line, ' ');
    line = slice_trim(line);
    if (!slice_parse_u64(slice_cut(&line, ' '), 999, &status))
        status = 0;
    looking->status = (unsigned)status;
    looking->answer->fields.count = 0;
    looking->head.size = 0;
    looking->lines = 0;
}

static struct slice keep_in_head(struct looking *looking, struct slice text)
{
    struct slice kept = slice_of(looking->head.data + looking->head.size, text.size);
    text_append(&looking->head, text);
    return kept;
}

// obs-fold (RFC 9112 section 5.2): one space instead of it.
static void continue_field(struct looking *looking, struct slice line)
{
    struct http_fields *fields = &looking->answer->fields;
    if (fields->count == 0)
        return;
    struct slice *value = &fields->items[fields->count - 1].value;
    size_t before = looking->head.size;
    (void)keep_in_head(looking, SLICE(" "));
    (void)keep_in_head(looking, slice_trim(line));
    value->size += looking->head.size - before;
}

static void add_field(struct looking *looking, struct slice line)
{
    struct slice name = slice_cut(&line, ':');
    if (line.data == NULL || !http_is_token(name))
        return; // browsers pass over it too
    name = keep_in_head(looking, name);
    struct slice value = keep_in_head(looking, slice_trim(line));
    if (http_fields_add(&looking->answer->fields, name, value) != ERROR_NONE)
        looking->head_is_too_large = true;
}

static size_t take_head(char *data, size_t item_size, size_t count, void *context)
{
    struct looking *looking = context;
    size_t size = item_size * count;
    struct slice line = slice_of(data, size);
    while (line.size > 0 && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
        line.size--;
    looking->head_size += size;
    if (looking->head_size > LOOK_HEAD_MAX || looking->lines == LOOK_FIELDS_MAX) {
        looking->head_is_too_large = true;
        return 0;
    }
    if (looking->head_is_whole)
        return size; // a trailer
    if (slice_starts_with(line, SLICE("HTTP/"))) {
        begin_head(looking, line);
    } else if (line.size == 0) {
        looking->head_is_whole = looking->status >= 200 || looking->status == 101;
    } else {
        looking->lines++;
        if (line.data[0] == ' ' || line.data[0] == '\t')
            continue_field(looking, line);
        else
            add_field(looking, line);
    }
    return looking->head_is_too_large ? 0 : size;
}

static bool make_room(struct looking *looking, size_t size)
{
    if (looking->body_capacity - looking->body_size >= size)
        return true;
    size_t capacity = MAXIMUM(looking->body_capacity, BODY_FIRST);
    while (capacity < looking->body_size + size)
        capacity *= 2;
    char *body = memory_resize(looking->body, capacity);
    if (body == NULL)
        return false;
    looking->body = body;
    looking->body_capacity = capacity;
    return true;
}

static size_t take_body(char *data, size_t item_size, size_t count, void *context)
{
    struct looking *looking = context;
    size_t size = item_size * count, taken = MINIMUM(size, LOOK_BODY_MAX - looking->body_size);
    if (!make_room(looking, taken)) {
        looking->out_of_memory = true;
        return 0;
    }
    if (taken > 0)
        memcpy(looking->body + looking->body_size, data, taken);
    looking->body_size += taken;
    looking->is_endless = taken < size;
    return taken;
}

// --- How it is asked ---

static CURLU *parse_url(struct looking *looking, struct slice text, unsigned flags)
{
    struct slice kept = arena_copy(looking->arena, text);
    CURLU *url = kept.data == NULL ? NULL : curl_url();
    if (url != NULL && curl_url_set(url, CURLUPART_URL, kept.data, flags) == CURLUE_OK)
        return url;
    curl_url_cleanup(url);
    return NULL;
}

// A part of a URL, in the arena.
static struct slice url_part(struct looking *looking, CURLU *url, CURLUPart part)
{
    char *text = NULL;
    if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return SLICE_EMPTY;
    struct slice kept = keep(looking, text);
    curl_free(text);
    return kept;
}

// Whatever host it asks for at that port is at these addresses, so curl looks up no name.
static bool pin(struct looking *looking, struct slice port, const struct address *addresses,
    unsigned count)
{
    char buffer[PINS_SIZE];
    struct text pins = text_in(buffer, sizeof(buffer) - 1);
    text_format(&pins, "*:%.*s:", SLICE_ARGS(port));
    for (unsigned i = 0; i < count && i < FACTS_ADDRESSES_MAX; i++) {
        if (i > 0)
            text_append_byte(&pins, ',');
        bool needs_brackets = addresses[i].any.sa_family == AF_INET6;
        char host_buffer[ADDRESS_TEXT_MAX];
        struct text host = text_in(host_buffer, sizeof(host_buffer));
        address_format_host(&host, &addresses[i]);
        needs_brackets &= host.size > 0 && host.data[0] != '['
            && slice_contains(text_slice(&host), ':');
        text_format(&pins, needs_brackets ? "[%.*s]" : "%.*s", (int)host.size, host.data);
    }
    if (pins.full)
        return false;
    buffer[pins.size] = '\0';
    looking->pins = curl_slist_append(NULL, buffer);
    return looking->pins != NULL
        && curl_easy_setopt(looking->easy, CURLOPT_RESOLVE, looking->pins) == CURLE_OK;
}

static struct slice without_brackets(struct slice host)
{
    return host.size > 2 && host.data[0] == '[' ? slice_of(host.data + 1, host.size - 2) : host;
}

// Who may use the proxy is known from its URL; nobody else is told.
static bool set_proxy_user(struct looking *looking, CURLU *proxy)
{
    char *user = NULL, *password = NULL;
    bool fits = true;
    if (curl_url_get(proxy, CURLUPART_USER, &user, CURLU_URLDECODE) == CURLUE_OK)
        fits = curl_easy_setopt(looking->easy, CURLOPT_PROXYUSERNAME, user) == CURLE_OK;
    if (curl_url_get(proxy, CURLUPART_PASSWORD, &password, CURLU_URLDECODE) == CURLUE_OK)
        fits &= curl_easy_setopt(looking->easy, CURLOPT_PROXYPASSWORD, password) == CURLE_OK;
    curl_free(user);
    curl_free(password);
    return fits;
}

// The proxy's host is looked up here, the target's name by the proxy itself.
static bool set_proxy(struct looking *looking, CURLU *proxy)
{
    struct slice scheme = url_part(looking, proxy, CURLUPART_SCHEME);
    struct slice host = url_part(looking, proxy, CURLUPART_HOST);
    struct slice port_text = url_part(looking, proxy, CURLUPART_PORT);
    uint64_t port = slice_equal(scheme, SLICE("https")) ? 443 : PROXY_PORT;
    struct name_facts names = {.count = 1};
    if (host.data == NULL)
        return false;
    if (slice_parse_u64(port_text, UINT16_MAX, &port))
        port = MAXIMUM(port, 1);
    if (slice_equal(scheme, SLICE("socks5")) || slice_equal(scheme, SLICE("socks")))
        scheme = SLICE("socks5h");
    else if (slice_equal(scheme, SLICE("socks4")))
        scheme = SLICE("socks4a");
    struct slice bare = without_brackets(host);
    if (address_parse_host(bare, (uint16_t)port, &names.addresses[0]) != ERROR_NONE)
        resolve_any(looking->check, bare, (uint16_t)port, looking->request->deadline_ms,
            looking->arena, &names);
    struct slice text = arena_printf(looking->arena, "%.*s://%.*s:%u", SLICE_ARGS(scheme),
        SLICE_ARGS(host), (unsigned)port);
    struct slice pinned = arena_printf(looking->arena, "%u", (unsigned)port);
    return names.count > 0 && text.data != NULL && pinned.data != NULL
        && pin(looking, pinned, names.addresses, names.count)
        && curl_easy_setopt(looking->easy, CURLOPT_PROXY, text.data) == CURLE_OK
        && set_proxy_user(looking, proxy);
}

static bool add_line(struct looking *looking, const char *line)
{
    struct curl_slist *fields = curl_slist_append(looking->fields, line);
    if (fields == NULL)
        return false;
    looking->fields = fields;
    return true;
}

static bool set_fields(struct looking *looking)
{
    const struct look_request *request = looking->request;
    bool fits = true;
    for (const char *const *line = request->fields; line != NULL && *line != NULL; line++)
        fits &= add_line(looking, *line);
    if (request->post.data != NULL) {
        struct slice type = arena_printf(looking->arena, "Content-Type: %.*s",
            SLICE_ARGS(request->content_type));
        fits &= type.data != NULL && add_line(looking, type.data) && add_line(looking, "Expect:");
        curl_easy_setopt(looking->easy, CURLOPT_POSTFIELDSIZE_LARGE,
            (curl_off_t)request->post.size);
        curl_easy_setopt(looking->easy, CURLOPT_POSTFIELDS, request->post.data);
    }
    curl_easy_setopt(looking->easy, CURLOPT_HTTPHEADER, looking->fields);
    return fits;
}

static void set_bounds(struct looking *looking, uint64_t left_ms)
{
    CURL *easy = looking->easy;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); // not that of the environment
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    // curl shares it out among the addresses; whether it is over is seen here.
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, looking->complaint);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); // all that it knows
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
        looking->request->version == LOOK_VERSION_HTTP1 ? (long)CURL_HTTP_VERSION_1_1
                                                        : (long)CURL_HTTP_VERSION_2TLS);
}

static void set_callbacks(struct looking *looking)
{
    CURL *easy = looking->easy;
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, looking);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, looking);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, looking);
}

static void set_trusted(struct looking *looking)
{
    CURL *easy = looking->easy;
    long verifies = !looking->request->trusts_anybody;
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); // OpenSSL's own, see set_trust
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verifies);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verifies * 2);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_trust);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, looking);
}

// --- How it went ---

static uint64_t elapsed_ms(struct looking *looking, CURLINFO what)
{
    curl_off_t us = 0;
    if (curl_easy_getinfo(looking->easy, what, &us) != CURLE_OK || us <= 0)
        return 0;
    return MAXIMUM((uint64_t)us / 1000, 1); // 0 would say that it never came to it
}

// Nobody is there, or he did not prove who he is, or the way through the proxy is closed.
static enum answer_outcome not_connected(struct looking *looking)
{
    long status = 0;
    if (looking->request->proxy.data == NULL)
        return ANSWER_UNREACHED;
    (void)curl_easy_getinfo(looking->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status >= 200 && status < 300)
        return ANSWER_UNREACHED; // it did its part
    looking->answer->status = (unsigned)status;
    return ANSWER_PROXY;
}

static enum answer_outcome too_late(struct looking *looking)
{
    if (elapsed_ms(looking, CURLINFO_PRETRANSFER_TIME_T) == 0)
        return not_connected(looking);
    return elapsed_ms(looking, CURLINFO_STARTTRANSFER_TIME_T) == 0 ? ANSWER_SILENT : ANSWER_SLOW;
}

static enum answer_outcome transferred(struct looking *looking, CURLcode code)
{
    // Beyond curl's own limits of a head is OUT_OF_MEMORY.
    static const CURLcode malformed[] = {CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY,
        CURLE_OUT_OF_MEMORY, CURLE_BAD_CONTENT_ENCODING, CURLE_FILESIZE_EXCEEDED};
    if (looking->out_of_memory)
        return ANSWER_UNKNOWN;
    if (looking->head_is_too_large)
        return ANSWER_MALFORMED;
    if (looking->is_endless)
        return ANSWER_ENDLESS;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return too_late(looking);
    if (elapsed_ms(looking, CURLINFO_PRETRANSFER_TIME_T) == 0)
        return not_connected(looking);
    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
        if (code == malformed[i])
            return ANSWER_MALFORMED;
    }
    if (!looking->head_is_whole)
        return ANSWER_RESET;
    if (code != CURLE_OK)
        return ANSWER_CUT;
    return looking->request->proxy.data != NULL && looking->status == 407 ? ANSWER_PROXY
                                                                        : ANSWER_WHOLE;
}

static void note_address(struct looking *looking)
{
    const char *host = NULL;
    long port = 0;
    struct address address = {0};
    if (curl_easy_getinfo(looking->easy, CURLINFO_PRIMARY_IP, &host) != CURLE_OK || host == NULL
        || curl_easy_getinfo(looking->easy, CURLINFO_PRIMARY_PORT, &port) != CURLE_OK)
        return;
    if (address_parse_host(slice_from_string(host), (uint16_t)port, &address) == ERROR_NONE)
        looking->answer->address = address;
}

static void note_version(struct looking *looking)
{
    static const unsigned versions[] = {[CURL_HTTP_VERSION_1_0] = 10, [CURL_HTTP_VERSION_1_1] = 11,
        [CURL_HTTP_VERSION_2_0] = 20, [CURL_HTTP_VERSION_3] = 30};
    long version = 0;
    (void)curl_easy_getinfo(looking->easy, CURLINFO_HTTP_VERSION, &version);
    if (version >= 0 && (size_t)version < ARRAY_SIZE(versions))
        looking->answer->http_version = versions[version];
}

static struct slice explain(struct looking *looking, enum end end, CURLcode code)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct text address = text_in(buffer, sizeof(buffer));
    if (end == END_OVER)
        return SLICE("the check was over");
    if (end == END_FAILURE || looking->out_of_memory)
        return SLICE("not enough memory");
    if (looking->is_refused && looking->answer->outcome == ANSWER_UNREACHED) {
        address_format_host(&address, &looking->refused);
        return arena_printf(looking->arena, "%.*s is an address that may not be asked",
            (int)address.size, address.data);
    }
    if (looking->head_is_too_large)
        return SLICE("the head of the answer is too large");
    if (looking->is_endless)
        return SLICE("the answer is too large");
    if (end == END_DEADLINE || code == CURLE_OPERATION_TIMEDOUT)
        return SLICE("it took too long");
    if (code == CURLE_OK)
        return SLICE("the connection was closed before the answer");
    return keep(looking, looking->complaint[0] != '\0' ? looking->complaint
                                                       : curl_easy_strerror(code));
}

static void conclude(struct looking *looking, enum end end, CURLcode code)
{
    struct look_answer *answer = looking->answer;
    switch (end) {
    case END_OF_TRANSFER:
        answer->outcome = transferred(looking, code);
        break;
    case END_DEADLINE:
        answer->outcome = too_late(looking);
        break;
    case END_TOO_MUCH:
        looking->is_endless = true;
        answer->outcome = ANSWER_ENDLESS;
        break;
    case END_OVER:
    case END_FAILURE:
        answer->outcome = ANSWER_UNKNOWN;
        break;
    }
    answer->connected_ms = (unsigned)elapsed_ms(looking, CURLINFO_PRETRANSFER_TIME_T);
    answer->first_ms = (unsigned)elapsed_ms(looking, CURLINFO_STARTTRANSFER_TIME_T);
    answer->whole_ms = (unsigned)(clock_now_ms() - looking->began_ms);
    note_address(looking);
    if (looking->head_is_whole) {
        answer->status = looking->status;
        note_version(looking);
    } else {
        answer->fields.count = 0;
    }
    answer->body = looking->body_size == 0 ? SLICE_EMPTY
        : arena_copy(looking->arena, slice_of(looking->body, looking->body_size));
    if (looking->body_size > 0 && answer->body.data == NULL) {
        looking->out_of_memory = true;
        answer->outcome = ANSWER_UNKNOWN;
    }
    if (answer->outcome != ANSWER_WHOLE)
        answer->why = explain(looking, end, code);
}

// --- The way through it ---

static enum end drive(struct looking *looking, CURLcode *ret_code)
{
    int descriptor = check_stop_descriptor(looking->check), running = 1, queued;
    const int *stop = looking->request->stop;
    struct curl_waitfd stops[] = {{.fd = descriptor, .events = CURL_WAIT_POLLIN},
        {.fd = stop == NULL ? -1 : *stop, .events = CURL_WAIT_POLLIN}};
    unsigned stop_count = stop == NULL ? 1 : 2;
    if (curl_multi_add_handle(looking->multi, looking->easy) != CURLM_OK)
        return END_FAILURE;
    for (;;) {
        if (check_is_over(looking->check) || stops[1].revents != 0)
            return END_OVER;
        if (curl_multi_perform(looking->multi, &running) != CURLM_OK)
            return END_FAILURE;
        const CURLMsg *message = curl_multi_info_read(looking->multi, &queued);
        if (message != NULL) {
            *ret_code = message->data.result;
            return END_OF_TRANSFER;
        }
        // What comes to nothing when it is decoded is bounded too.
        curl_off_t received = 0;
        (void)curl_easy_getinfo(looking->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
        if (received > (curl_off_t)(2 * LOOK_BODY_MAX))
            return END_TOO_MUCH;
        uint64_t now = clock_now_ms();
        if (now >= looking->request->deadline_ms || running == 0)
            return END_DEADLINE;
        uint64_t left = MINIMUM(looking->request->deadline_ms - now, POLL_MOST_MS);
        if (curl_multi_poll(looking->multi, stops, stop_count, (int)left, NULL) != CURLM_OK)
            return END_FAILURE;
    }
}

// False: it cannot be asked like this; the answer says why.
static bool prepare(struct looking *looking, CURLU *url, CURLU *proxy)
{
    const struct look_request *request = looking->request;
    uint64_t now = clock_now_ms();
    set_bounds(looking, request->deadline_ms - MINIMUM(now, request->deadline_ms) + 1);
    set_callbacks(looking);
    set_trusted(looking);
    if (curl_easy_setopt(looking->easy, CURLOPT_CURLU, url) != CURLE_OK || !set_fields(looking)) {
        looking->answer->why = SLICE("not enough memory");
        return false;
    }
    if (proxy != NULL) {
        if (set_proxy(looking, proxy))
            return true;
        looking->answer->outcome = ANSWER_PROXY;
        looking->answer->why = SLICE("the proxy's address is not known");
        return false;
    }
    if (request->address_count > 0
        && pin(looking, url_part(looking, url, CURLUPART_PORT), request->addresses,
            request->address_count))
        return true;
    looking->answer->outcome = ANSWER_UNREACHED;
    looking->answer->why = SLICE("there is no address to ask");
    return false;
}

static void ask(struct looking *looking)
{
    const struct look_request *request = looking->request;
    CURLcode code = CURLE_OK;
    CURLU *url = parse_url(looking, request->url, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
    CURLU *proxy = NULL;
    if (request->proxy.data != NULL)
        proxy = parse_url(looking, request->proxy, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
    if (url == NULL) {
        looking->answer->outcome = ANSWER_UNREACHED;
        looking->answer->why = SLICE("this is no URL");
    } else if (request->proxy.data != NULL && proxy == NULL) {
        looking->answer->outcome = ANSWER_PROXY;
        looking->answer->why = SLICE("the proxy's URL is none");
    } else if (prepare(looking, url, proxy)) {
        enum end end = drive(looking, &code);
        conclude(looking, end, code);
    }
    curl_url_cleanup(proxy);
    curl_url_cleanup(url);
}

static bool create(struct looking *looking)
{
    struct look_answer *answer = looking->answer;
    char *head = arena_alloc(looking->arena, LOOK_HEAD_MAX);
    answer->fields.items =
        arena_alloc(looking->arena, LOOK_FIELDS_MAX * sizeof(answer->fields.items[0]));
    answer->fields.capacity = LOOK_FIELDS_MAX;
    looking->head = text_in(head, LOOK_HEAD_MAX);
    looking->easy = curl_easy_init();
    looking->multi = curl_multi_init();
    return head != NULL && answer->fields.items != NULL && looking->easy != NULL
        && looking->multi != NULL;
}

static void release(struct looking *looking)
{
    if (looking->multi != NULL && looking->easy != NULL)
        curl_multi_remove_handle(looking->multi, looking->easy);
    curl_easy_cleanup(looking->easy);
    curl_multi_cleanup(looking->multi);
    curl_slist_free_all(looking->fields);
    curl_slist_free_all(looking->pins);
    memory_free(looking->body);
}

void look(const struct check *check, const struct look_request *request, struct arena *arena,
    struct look_answer *ret_answer)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *ret_answer = (struct look_answer){.outcome = ANSWER_UNKNOWN};
    struct looking looking = {.check = check, .request = request, .arena = arena,
        .answer = ret_answer, .began_ms = clock_now_ms()};
    // Who had no time to ask cannot say that nobody answered.
    if (check_is_over(check) || looking.began_ms >= request->deadline_ms) {
        ret_answer->why = SLICE("there was no time left to ask");
        return;
    }
    pthread_once(&once, global_init);
    if (create(&looking))
        ask(&looking);
    else
        ret_answer->why = SLICE("not enough memory");
    release(&looking);
}
