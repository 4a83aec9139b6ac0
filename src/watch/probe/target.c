// From settings, which their review has seen, or a caller without one has not.
#include "watch/probe/target.h"
#include "base/memory.h"

#include <arpa/nameser.h>

bool target_split_url(const char *text, char **ret_host, uint16_t *ret_port, bool *ret_is_secure)
{
    char *host = NULL, *port_text = NULL, *scheme = NULL;
    uint64_t port = 0;
    CURLU *url = curl_url();
    bool is_good = url != NULL
        && curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK
        && curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
        && curl_url_get(url, CURLUPART_HOST, &host, CURLU_PUNYCODE) == CURLUE_OK
        && curl_url_get(url, CURLUPART_PORT, &port_text, CURLU_DEFAULT_PORT) == CURLUE_OK
        && slice_parse_u64(slice_from_string(port_text), UINT16_MAX, &port) && port != 0;
    bool is_secure = is_good && slice_equal(slice_from_string(scheme), SLICE("https"));
    is_good = is_good && (is_secure || slice_equal(slice_from_string(scheme), SLICE("http")));
    curl_free(scheme);
    curl_free(port_text);
    curl_url_cleanup(url);
    if (!is_good) {
        curl_free(host);
        return false;
    }
    *ret_host = host;
    *ret_port = (uint16_t)port;
    *ret_is_secure = is_secure;
    return true;
}

static enum error refuse(struct text *why, const struct monitor_settings *monitor,
    const char *what)
{
    text_format(why, "monitor %.*s: %s", SLICE_ARGS(monitor->id), what);
    return ERROR_INVALID;
}

static enum error read_fields(struct target *target, struct text *why)
{
    const struct slice *items = target->monitor->expect_headers.items;
    for (size_t i = 0; i < target->monitor->expect_headers.count; i++) {
        struct slice pattern;
        if (target->field_count == TARGET_FIELDS_MAX)
            return refuse(why, target->monitor, "expect_headers: 16 at most");
        if (!monitor_split_field(items[i], &target->fields[i].name, &pattern))
            return refuse(why, target->monitor, "expect_headers: expected \"Name: pattern\"");
        enum error error = pattern_create(pattern, &target->fields[i].pattern);
        if (error != ERROR_NONE)
            return error == ERROR_MEMORY ? error
                : refuse(why, target->monitor, "expect_headers: that is no regular expression");
        target->field_count++;
    }
    return ERROR_NONE;
}

// "Name:" alone would take a field away; an empty one is written with a semicolon.
static enum error read_headers(struct target *target, struct text *why)
{
    const struct slice *items = target->monitor->headers.items;
    for (size_t i = 0; i < target->monitor->headers.count; i++) {
        char line[4096];
        struct text text = text_in(line, sizeof(line) - 1);
        struct slice name, value;
        if (!monitor_split_field(items[i], &name, &value))
            return refuse(why, target->monitor, "headers: expected \"Name: value\"");
        text_format(&text, value.size == 0 ? "%.*s;" : "%.*s: ", SLICE_ARGS(name));
        text_append(&text, value);
        if (text.full)
            return refuse(why, target->monitor, "headers: a field has 4000 bytes at most");
        line[text.size] = '\0';
        struct curl_slist *headers = curl_slist_append(target->headers, line);
        if (headers == NULL)
            return ERROR_MEMORY;
        target->headers = headers;
    }
    return ERROR_NONE;
}

static enum error read_url(struct target *target, struct text *why)
{
    const struct monitor_settings *monitor = target->monitor;
    if (!target_split_url(monitor->url.data, &target->host_text, &target->port,
            &target->is_secure))
        return refuse(why, monitor, "url: expected one such as https://www.example.com/health");
    target->host = slice_from_string(target->host_text);
    enum error error = read_fields(target, why);
    if (error == ERROR_NONE)
        error = read_headers(target, why);
    if (error == ERROR_NONE && monitor->expect_body.size > 0)
        error = expect_create(monitor->expect_body, &target->body);
    if (error == ERROR_INVALID && why->size == 0)
        return refuse(why, monitor, "expect_body: that is no regular expression");
    return error;
}

static enum error read_dns(struct target *target, struct text *why)
{
    static const struct { const char *name; int record; } records[] = {{"A", ns_t_a},
        {"AAAA", ns_t_aaaa}, {"CNAME", ns_t_cname}, {"MX", ns_t_mx}, {"TXT", ns_t_txt},
        {"NS", ns_t_ns}};
    const struct monitor_settings *monitor = target->monitor;
    struct slice record = monitor->record.size == 0 ? SLICE("A") : monitor->record;
    target->host = monitor->dns;
    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        if (slice_equal(record, slice_from_string(records[i].name)))
            target->record = records[i].record;
    }
    if (target->record == 0)
        return refuse(why, monitor, "record: expected A, AAAA, CNAME, MX, TXT or NS");
    if (monitor->resolver.size > 0
        && address_parse_host(monitor->resolver, NAMESERVER_PORT, &target->resolver) != ERROR_NONE
        && address_parse(monitor->resolver, &target->resolver) != ERROR_NONE)
        return refuse(why, monitor, "resolver: expected an address");
    if (monitor->expect_address.size > 0
        && address_parse_host(monitor->expect_address, 0, &target->expected) != ERROR_NONE)
        return refuse(why, monitor, "expect_address: expected an address");
    return ERROR_NONE;
}

static enum error read_kind(struct target *target, struct text *why)
{
    const struct monitor_settings *monitor = target->monitor;
    switch (target->kind) {
    case MONITOR_HTTP: return read_url(target, why);
    case MONITOR_DNS: return read_dns(target, why);
    case MONITOR_TCP:
        if (!monitor_split_host(monitor->tcp, &target->host, &target->port))
            return refuse(why, monitor, "tcp: expected a host and a port");
        return ERROR_NONE;
    case MONITOR_PING:
        target->host = monitor->ping;
        return ERROR_NONE;
    case MONITOR_PUSH:
        if (monitor->push.size < MONITOR_TOKEN_MIN)
            return refuse(why, monitor, "expected one of url, tcp, dns, ping and push");
        return ERROR_NONE;
    }
    return ERROR_INVALID;
}

enum error target_create(struct target *target, const struct monitor_settings *monitor,
    const struct network_list *allow, struct text *why)
{
    *target = (struct target){.monitor = monitor, .kind = monitor_kind(monitor),
        .timeout_ms = monitor_patience_ms(monitor), .allow = allow};
    if (monitor->interval_ms == 0)
        return refuse(why, monitor, "interval: expected 5s at least");
    enum error error = read_kind(target, why);
    if (error != ERROR_NONE)
        target_destroy(target);
    return error;
}

void target_destroy(struct target *target)
{
    for (unsigned i = 0; i < TARGET_FIELDS_MAX; i++)
        pattern_destroy(target->fields[i].pattern);
    pattern_destroy(target->body);
    curl_slist_free_all(target->headers);
    curl_free(target->host_text);
    *target = (struct target){0};
}
