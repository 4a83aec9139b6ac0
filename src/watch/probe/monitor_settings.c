// The rows of one monitor, and what belongs together in them.
#include "base/pattern.h"
#include "conf/conf.h"
#include "http/field.h"
#include "watch/component.h"
#include "watch/probe/monitor.h"
#include "io/address.h"

#include <stdio.h>

#define NAME_MAX_SIZE 253 // bytes of a host's name (RFC 1035 section 2.3.4)

enum monitor_kind monitor_kind(const struct monitor_settings *monitor)
{
    if (monitor->url.size > 0)
        return MONITOR_HTTP;
    if (monitor->tcp.size > 0)
        return MONITOR_TCP;
    if (monitor->dns.size > 0)
        return MONITOR_DNS;
    return monitor->ping.size > 0 ? MONITOR_PING : MONITOR_PUSH;
}

uint64_t monitor_patience_ms(const struct monitor_settings *monitor)
{
    bool fits = monitor_kind(monitor) == MONITOR_PUSH || monitor->timeout_ms < monitor->interval_ms;
    return fits ? monitor->timeout_ms : monitor->interval_ms * 4 / 5;
}

bool monitor_check_id(struct slice value, char *message, size_t message_size)
{
    bool is_good = value.size > 0 && value.size <= MONITOR_ID_MAX;
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];
        is_good = is_good && ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')
            || byte == '.' || byte == '-');
    }
    if (!is_good)
        snprintf(message, message_size, "is no id of a monitor; expected at most %d lower case "
            "letters, digits, '.' and '-', such as shop-api", MONITOR_ID_MAX);
    return is_good;
}

static bool is_host(struct slice host)
{
    struct address address;
    if (address_parse_host(host, 0, &address) == ERROR_NONE)
        return true;
    bool is_good = host.size > 0 && host.size <= NAME_MAX_SIZE && host.data[0] != '.';
    for (size_t i = 0; i < host.size; i++) {
        char byte = host.data[i];
        is_good = is_good && ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
            || (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_');
    }
    return is_good;
}

bool monitor_split_host(struct slice text, struct slice *ret_host, uint16_t *ret_port)
{
    const char *colon = text.size == 0 ? NULL : memrchr(text.data, ':', text.size);
    uint64_t port;
    if (colon == NULL)
        return false;
    struct slice host = slice_of(text.data, (size_t)(colon - text.data));
    struct slice rest = slice_of(colon + 1, text.size - host.size - 1);
    bool has_brackets = host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    if (!slice_parse_u64(rest, UINT16_MAX, &port) || port == 0 || !is_host(host)
        || (slice_contains(host, ':') && !has_brackets))
        return false;
    *ret_host = has_brackets ? slice_of(host.data + 1, host.size - 2) : host;
    *ret_port = (uint16_t)port;
    return true;
}

bool monitor_split_field(struct slice text, struct slice *ret_name, struct slice *ret_value)
{
    bool is_good = slice_contains(text, ':');
    struct slice name = slice_cut(&text, ':');
    for (size_t i = 0; i < text.size; i++)
        is_good = is_good && ((unsigned char)text.data[i] >= ' ' || text.data[i] == '\t')
            && text.data[i] != 0x7f;
    if (!is_good || !http_is_token(name))
        return false;
    *ret_name = name;
    *ret_value = slice_trim(text);
    return true;
}

static bool say(char *message, size_t size, const char *what)
{
    snprintf(message, size, "%s", what);
    return false;
}

static bool check_title(struct slice value, char *message, size_t size)
{
    bool is_good = true;
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && (unsigned char)value.data[i] >= ' ' && value.data[i] != 0x7f;
    return is_good || say(message, size, "cannot be shown; expected one line of text such as Shop");
}

bool monitor_check_url(struct slice value, char *message, size_t size)
{
    bool is_secure = slice_starts_with(value, SLICE("https://"));
    bool is_good = is_secure || slice_starts_with(value, SLICE("http://"));
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && (unsigned char)value.data[i] > ' ' && value.data[i] != 0x7f;
    is_good = is_good && value.size > (is_secure ? 8u : 7u) && value.size <= MONITOR_URL_MAX
        && value.data[is_secure ? 8 : 7] != '/' && value.data[is_secure ? 8 : 7] != ':';
    return is_good || say(message, size, "is no URL that can be polled; expected one such as "
        "https://www.example.com/health");
}

static bool check_tcp(struct slice value, char *message, size_t size)
{
    struct slice host;
    uint16_t port;
    return monitor_split_host(value, &host, &port)
        || say(message, size, "is no host with a port; expected one such as mail.example.com:25 "
            "or [2001:db8::1]:25");
}

static bool check_host(struct slice value, char *message, size_t size)
{
    return is_host(value)
        || say(message, size, "is no host; expected a name or an address, such as "
            "www.example.com or 192.0.2.7");
}

static bool check_push(struct slice value, char *message, size_t size)
{
    bool is_good = value.size >= MONITOR_TOKEN_MIN && value.size <= 64;
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];
        is_good = is_good && ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
            || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_');
    }
    return is_good || say(message, size, "is no token; expected 16 to 64 letters, digits, '-' and "
        "'_' that nobody can guess, such as what \"openssl rand -hex 16\" prints");
}

static bool check_pattern(struct slice value, char *message, size_t size)
{
    struct pattern *pattern = NULL;
    enum error error = pattern_create(value, &pattern);
    pattern_destroy(pattern);
    return error != ERROR_INVALID || say(message, size, "is no regular expression; expected one "
        "of PCRE2, such as \"Welcome|Hello\"");
}

static bool check_expected_field(struct slice value, char *message, size_t size)
{
    struct slice name, rest;
    if (!monitor_split_field(value, &name, &rest))
        return say(message, size, "is no field with a pattern; expected one such as "
            "\"Content-Type: ^text/html\"");
    return check_pattern(rest, message, size);
}

static bool check_field(struct slice value, char *message, size_t size)
{
    struct slice name, rest;
    return monitor_split_field(value, &name, &rest)
        || say(message, size, "is no field; expected one such as \"Accept: application/json\"");
}

static bool check_address(struct slice value, char *message, size_t size)
{
    struct address address;
    return address_parse_host(value, 0, &address) == ERROR_NONE
        || say(message, size, "is no address; expected one such as 192.0.2.7 or 2001:db8::7");
}

static bool check_resolver(struct slice value, char *message, size_t size)
{
    struct address address;
    return address_parse_host(value, 53, &address) == ERROR_NONE
        || (address_parse(value, &address) == ERROR_NONE && address.any.sa_family != AF_UNIX
            && value.data[0] != ':')
        || say(message, size, "is no address of a name server; expected one such as 192.0.2.53 or "
            "192.0.2.53:5353");
}

static bool check_record(struct slice value, char *message, size_t size)
{
    static const char *const known[] = {"A", "AAAA", "CNAME", "MX", "TXT", "NS"};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (slice_equal(value, slice_from_string(known[i])))
            return true;
    }
    return say(message, size, "is no kind of record; expected A, AAAA, CNAME, MX, TXT or NS");
}

static bool check_method(struct slice value, char *message, size_t size)
{
    bool is_good = value.size > 0 && value.size <= 16;
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && value.data[i] >= 'A' && value.data[i] <= 'Z';
    return is_good || say(message, size, "is no method; expected one such as GET, HEAD or POST");
}

#define MEMBER(member) .offset = offsetof(struct monitor_settings, member)
static const struct setting rows[] = {
    {.name = "title", .type = SETTING_TEXT, MEMBER(title), .example = "Shop",
        .check = check_title,
        .summary = "What people read; without it, the monitor's id.",
        .touch = "Set it: ids are for programs."},
    {.name = "group", .type = SETTING_TEXT, MEMBER(group), .example = "Mail",
        .check = check_title,
        .summary = "Monitors and sites of one group stand together on the status page.",
        .touch = "Set it when there are more than a handful."},
    {.name = "depends_on", .type = SETTING_TEXT_LIST, MEMBER(depends_on), .maximum = 32,
        .example = "[database]",
        .summary = "Ids of monitors and names of sites without which this one cannot work: while "
                   "one of them is down, this one's failure opens no incident of its own.",
        .touch = "Set it where many share one thing."},
    {.name = "url", .type = SETTING_TEXT, MEMBER(url),
        .example = "https://www.example.com/health",
        .summary = "Polls this URL. A monitor has exactly one of url, tcp, dns, ping and push."},
    {.name = "tcp", .type = SETTING_TEXT, MEMBER(tcp),
        .example = "mail.example.com:25", .summary = "Connects to this host and port."},
    {.name = "dns", .type = SETTING_TEXT, MEMBER(dns),
        .example = "www.example.com", .summary = "Asks for this name, see resolver and record."},
    {.name = "ping", .type = SETTING_TEXT, MEMBER(ping),
        .example = "192.0.2.7",
        .summary = "Sends ICMP echoes to this host. The system must allow them "
                   "(net.ipv4.ping_group_range, or CAP_NET_RAW)."},
    {.name = "push", .type = SETTING_TEXT, MEMBER(push),
        .example = "0123456789abcdef0123456789abcdef",
        .summary = "Waits for a sign of life, a request to PREFIXpush/TOKEN, at least once an "
                   "interval."},
    {.name = "interval", .type = SETTING_DURATION, MEMBER(interval_ms), .fallback = "30s",
        .minimum = 5000, .maximum = 86400000, .summary = "How often it is polled.",
        .touch = "Lower it for what must be noticed at once."},
    {.name = "timeout", .type = SETTING_DURATION, MEMBER(timeout_ms), .fallback = "10s",
        .minimum = 100, .maximum = 86400000,
        .summary = "How long an answer may take, less than the interval; where it is not written "
                   "and the interval is shorter, four fifths of that. With push: how much later "
                   "than the interval a sign of life may come.",
        .touch = "Raise it for what is slow and well."},
    {.name = "slow", .type = SETTING_DURATION, MEMBER(slow_ms), .fallback = "0",
        .maximum = 86400000, .example = "2s",
        .summary = "Answers that take longer are shown as degraded; 0: none.",
        .touch = "Set it where slow is as good as broken."},
    {.name = "expect_status", .type = SETTING_STATUS_SET, MEMBER(expect_status),
        .fallback = "200-299", .example = "200-299,401",
        .summary = "Statuses of a good answer, of the last one where redirects are followed.",
        .touch = "Name 301 or 401 where that is what is right."},
    {.name = "expect_headers", .type = SETTING_TEXT_LIST, MEMBER(expect_headers), .maximum = 16,
        .check = check_expected_field, .example = "[\"Content-Type: ^text/html\"]",
        .summary = "Fields of a good answer, each with a regular expression (PCRE2) that its value "
                   "has to match.",
        .touch = "Set it to see that a cache or a header of safety is there."},
    {.name = "expect_body", .type = SETTING_TEXT, MEMBER(expect_body), .check = check_pattern,
        .example = "Welcome",
        .summary = "A regular expression (PCRE2) that the beginning of the content, 256 KB of it, "
                   "has to match.",
        .touch = "Set it where an error page is answered with status 200."},
    {.name = "expect_address", .type = SETTING_TEXT, MEMBER(expect_address),
        .check = check_address, .example = "192.0.2.7",
        .summary = "With dns: an address that has to be among the answers.",
        .touch = "Set it to notice that a name was led elsewhere."},
    {.name = "resolver", .type = SETTING_TEXT, MEMBER(resolver), .check = check_resolver,
        .example = "192.0.2.53", .summary = "With dns: the name server to ask, not the system's.",
        .touch = "Set it to watch a name server of your own."},
    {.name = "record", .type = SETTING_TEXT, MEMBER(record), .fallback = "A",
        .check = check_record,
        .summary = "With dns: the kind of record, A, AAAA, CNAME, MX, TXT or NS.",
        .touch = "Set it to AAAA for IPv6."},
    {.name = "method", .type = SETTING_TEXT, MEMBER(method), .fallback = "GET",
        .check = check_method, .summary = "With url: the method of the request.",
        .touch = "Set it to HEAD where the content is large and does not matter."},
    {.name = "headers", .type = SETTING_TEXT_LIST, MEMBER(headers), .maximum = 16,
        .check = check_field, .example = "[\"Accept: application/json\"]",
        .summary = "With url: fields that are sent, until it redirects to another host or out "
                   "of TLS.",
        .touch = "Set it where a key is needed."},
    {.name = "certificate_days", .type = SETTING_COUNT, MEMBER(certificate_days),
        .fallback = "14", .maximum = 3650,
        .summary = "With url: a certificate that expires in less is shown as degraded; 0: not "
                   "before it has expired.",
        .touch = "Lower it where certificates live for days."},
    {.name = "redirects", .type = SETTING_COUNT, MEMBER(redirects), .fallback = "5",
        .maximum = 20,
        .summary = "With url: how many redirects are followed; the answer after them is what "
                   "counts. A private address is reached only where the url itself names it, or "
                   "where it is allowed.",
        .touch = "Set it to 0 to watch a redirect itself, with expect_status."},
    {.name = "verify", .type = SETTING_BOOL, MEMBER(verify), .fallback = "true",
        .summary = "With url: an invalid certificate is a failure.",
        .touch = "Set it to false for a certificate that nobody else trusts."},
};
#undef MEMBER

// Here and not by their rows: a row whose check fails is as if it was not there, and whoever wrote
// a wrong url must not be told besides that there is none.
static void review_kind(struct setting_review *review, const struct monitor_settings *monitor)
{
    const struct {
        const struct slice *value;
        const char *name;
        bool (*check)(struct slice value, char *message, size_t size);
    } kinds[] = {{&monitor->url, "url", monitor_check_url}, {&monitor->tcp, "tcp", check_tcp},
        {&monitor->dns, "dns", check_host}, {&monitor->ping, "ping", check_host},
        {&monitor->push, "push", check_push}};
    unsigned count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        char message[256], buffer[128];
        struct text quoted = text_in(buffer, sizeof(buffer));
        if (!conf_is_written(review, kinds[i].value))
            continue;
        text_append_quoted(&quoted, *kinds[i].value);
        if (!kinds[i].check(*kinds[i].value, message, sizeof(message)))
            conf_add_mistake(review, kinds[i].value, "%s: %.*s %s", kinds[i].name,
                (int)quoted.size, quoted.data, message);
        if (++count == 2)
            conf_add_mistake(review, kinds[i].value, "a monitor polls one thing; expected one of "
                "url, tcp, dns, ping and push, and another monitor for the other");
    }
    if (count == 0)
        conf_add_mistake(review, &monitor->url, "a monitor says what it polls; expected one of "
            "url, tcp, dns, ping and push");
}

static void review_other(struct setting_review *review, const struct monitor_settings *monitor,
    enum monitor_kind kind)
{
    const struct { const void *value; const char *name; enum monitor_kind kind; } owned[] = {
        {&monitor->expect_status, "expect_status", MONITOR_HTTP},
        {&monitor->expect_headers, "expect_headers", MONITOR_HTTP},
        {&monitor->expect_body, "expect_body", MONITOR_HTTP},
        {&monitor->method, "method", MONITOR_HTTP},
        {&monitor->headers, "headers", MONITOR_HTTP},
        {&monitor->certificate_days, "certificate_days", MONITOR_HTTP},
        {&monitor->redirects, "redirects", MONITOR_HTTP},
        {&monitor->verify, "verify", MONITOR_HTTP},
        {&monitor->expect_address, "expect_address", MONITOR_DNS},
        {&monitor->resolver, "resolver", MONITOR_DNS},
        {&monitor->record, "record", MONITOR_DNS},
    };
    for (size_t i = 0; i < ARRAY_SIZE(owned); i++) {
        if (owned[i].kind != kind && conf_is_written(review, owned[i].value))
            conf_add_mistake(review, owned[i].value, "%s goes with %s alone", owned[i].name,
                owned[i].kind == MONITOR_HTTP ? "url" : "dns");
    }
}

static void monitor_review(struct setting_review *review, const void *settings)
{
    const struct monitor_settings *monitor = settings;
    enum monitor_kind kind = monitor_kind(monitor);
    struct address address;
    review_kind(review, monitor);
    review_other(review, monitor, kind);
    if (kind != MONITOR_PUSH && conf_is_written(review, &monitor->timeout_ms)
        && monitor->interval_ms > 0 && monitor->timeout_ms >= monitor->interval_ms)
        conf_add_mistake(review, &monitor->timeout_ms, "a probe has to end before the next one "
            "begins; expected a timeout below the interval");
    if (monitor->expect_address.size == 0 || kind != MONITOR_DNS
        || address_parse_host(monitor->expect_address, 0, &address) != ERROR_NONE)
        return;
    const char *record = address.any.sa_family == AF_INET ? "A" : "AAAA";
    if (!slice_equal(monitor->record, slice_from_string(record)))
        conf_add_mistake(review, &monitor->expect_address, "such an address is in records of kind "
            "%s; expected record: %s", record, record);
}

const struct setting_section monitor_settings_section = {
    .size = sizeof(struct monitor_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Something that is polled, by its id: what, how often, and what a good answer is.",
    .review = monitor_review,
};
