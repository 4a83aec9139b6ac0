// The rows of the edge's own settings, with the defaults that protect a small site untuned.
#include "edge/settings.h"
#include "edge/lifeline.h"
#include "http/authority.h"

#include <stdio.h>

static const struct setting connection_rows[] = {
    {.name = "maximum", .type = SETTING_COUNT, .fallback = "100000",
        .offset = offsetof(struct connection_settings, maximum), .minimum = 16, .maximum = 10000000,
        .summary = "The most visitors' connections open at once; further ones are closed at once.",
        .touch = "Lower it when the system's limit of open files is lower than that."},
    {.name = "idle_timeout", .type = SETTING_DURATION, .fallback = "60s",
        .offset = offsetof(struct connection_settings, idle_timeout_ms), .minimum = 1000,
        .maximum = 86400000,
        .summary = "How long a visitor's connection is kept open between two requests.",
        .touch = "Raise it for visitors who are served by another proxy that keeps connections."},
    {.name = "head_timeout", .type = SETTING_DURATION, .fallback = "10s",
        .offset = offsetof(struct connection_settings, head_timeout_ms), .minimum = 100,
        .maximum = 3600000,
        .summary = "How long the head of a request may take from its first byte to its last.",
        .touch = "Raise it for visitors on very slow links; slow heads are a known attack."},
    {.name = "body_timeout", .type = SETTING_DURATION, .fallback = "30s",
        .offset = offsetof(struct connection_settings, body_timeout_ms), .minimum = 100,
        .maximum = 3600000,
        .summary = "How long an upload may pause before it is given up.",
        .touch = "Raise it for visitors who upload over links that stall."},
    {.name = "body_rate", .type = SETTING_SIZE, .fallback = "100B",
        .offset = offsetof(struct connection_settings, body_rate), .minimum = 0,
        .maximum = UINT64_C(1) << 30,
        .summary = "How much an upload must bring in a second, on average over the time that it "
                   "was waited for; it may fall behind by body_timeout. 0: any pace will do.",
        .touch = "0 where devices send a byte now and then in one long request."},
    {.name = "send_timeout", .type = SETTING_DURATION, .fallback = "60s",
        .offset = offsetof(struct connection_settings, send_timeout_ms), .minimum = 1000,
        .maximum = 3600000,
        .summary = "How long a visitor may take no byte of his answer before "
                   "the connection is cut.",
        .touch = "Raise it for players and download tools that pause for long."},
    {.name = "requests", .type = SETTING_COUNT, .fallback = "100000",
        .offset = offsetof(struct connection_settings, requests), .minimum = 1,
        .maximum = 1000000000,
        .summary = "Requests answered on one connection before it is closed politely.",
        .touch = "Lower it behind a load balancer that spreads by connection."},
    {.name = "stream_window", .type = SETTING_SIZE, .fallback = "16MB",
        .offset = offsetof(struct connection_settings, stream_window), .minimum = 65536,
        .maximum = UINT64_C(1) << 40,
        .summary = "How much of one transfer that is too large for the cache is held in memory. "
                   "Beyond it the fastest reader sets the pace; others go on with a Range request "
                   "of their own, or, where the content cannot be told apart, the slowest does.",
        .touch = "Lower it on a machine with little memory that serves many different downloads."},
    {.name = "active_requests", .type = SETTING_COUNT, .fallback = "15000",
        .offset = offsetof(struct connection_settings, active_requests), .minimum = 16,
        .maximum = 1000000,
        .summary = "Requests being answered at once; a further one is not taken to an origin: it "
                   "gets a copy, or 503 with Retry-After (over HTTP/2 it is refused so that it "
                   "may be asked again). The last eighth is for people: see a site's priority.",
        .touch = "Raise it together with tasks.limit when the edge serves "
                 "very many slow visitors."},
    {.name = "drain_timeout", .type = SETTING_DURATION, .fallback = "30s",
        .offset = offsetof(struct connection_settings, drain_timeout_ms), .minimum = 0,
        .maximum = 86400000,
        .summary = "How long a stop waits for requests under way and for tunnels.",
        .touch = "Raise it for long downloads; lower it when restarts must be quick."},
    {.name = "tunnels", .type = SETTING_COUNT, .fallback = "10000",
        .offset = offsetof(struct connection_settings, tunnels), .minimum = 0, .maximum = 10000000,
        .summary = "The most tunnels (WebSocket and other upgrades) open at once; a further one "
                   "gets 503 with Retry-After; 0 forbids them.",
        .touch = "Raise it for a busy chat; each one holds a connection to a backend too, so mind "
                 "the system's limit of open files and what the backends can take."},
    {.name = "tunnel_idle_timeout", .type = SETTING_DURATION, .fallback = "1h",
        .offset = offsetof(struct connection_settings, tunnel_idle_timeout_ms), .minimum = 1000,
        .maximum = UINT64_C(7) * 24 * 3600 * 1000,
        .summary = "How long a tunnel may stay without a byte either way before it is closed.",
        .touch = "Lower it when visitors leave tunnels behind; most WebSocket clients ping far "
                 "more often."},
    {.name = "http2", .type = SETTING_SECTION,
        .offset = offsetof(struct connection_settings, http2), .section = &http2_settings_section,
        .summary = "HTTP/2 towards visitors."},
};

const struct setting_section connection_settings_section = {
    .size = sizeof(struct connection_settings),
    .rows = connection_rows,
    .count = ARRAY_SIZE(connection_rows),
    .summary = "Connections of visitors: how many, how long, how much memory.",
};

static const struct setting lifeline_rows[] = {
#define X(NAME, file, metric, help)                                                                \
    {.name = #file, .type = SETTING_SECTION,                                                       \
        .offset = offsetof(struct lifeline_settings, of[LIFELINE_##NAME]),                         \
        .section = &lifeline_##file##_settings, .summary = "Counts " metric ": " help "."},
    LIFELINE_MAP(X)
#undef X
};

static const struct setting_section lifeline_settings_section = {
    .size = sizeof(struct lifeline_settings),
    .rows = lifeline_rows,
    .count = ARRAY_SIZE(lifeline_rows),
    .summary = "The ways in which a visitor is answered when the straight way fails. All are on.",
};

static const struct setting page_rows[] = {
    {.name = "retry_after", .type = SETTING_DURATION, .fallback = "10s",
        .offset = offsetof(struct page_settings, retry_after_ms), .minimum = 1000,
        .maximum = 86400000,
        .summary = "When the honest page reloads itself, and what Retry-After says.",
        .touch = "Raise it when the backend usually needs longer to come back."},
    {.name = "support", .type = SETTING_TEXT,
        .offset = offsetof(struct page_settings, support), .example = "help@example.org",
        .summary = "How visitors reach you: a mail address or a URL, shown on the honest page.",
        .touch = "Set it: an error page without an address leaves people alone."},
};

static const struct setting_section page_settings_section = {
    .size = sizeof(struct page_settings),
    .rows = page_rows,
    .count = ARRAY_SIZE(page_rows),
    .summary = "The page for what cannot be answered.",
};

static bool check_host(struct slice host, char *message, size_t message_size)
{
    struct http_authority authority;
    struct slice name = host;
    if (slice_starts_with(host, SLICE("*.")))
        name = slice_of(host.data + 2, host.size - 2);
    if (http_authority_parse(name, &authority) && authority.host.size == name.size
        && (name.size == host.size || name.data[0] != '['))
        return true;
    snprintf(message, message_size,
        "is no host name; expected one such as example.org or *.example.org, without a port");
    return false;
}

static const struct setting site_rows[] = {
    {.name = "hosts", .type = SETTING_TEXT_LIST, .offset = offsetof(struct site_settings, hosts),
        .check = check_host,
        .example = "[example.org, \"*.example.org\"]",
        .summary = "The host names of this site; without any, it takes all "
                   "that no other site names. *.example.org stands for all names below "
                   "example.org that no site names by themselves.",
        .touch = "Name them as soon as the edge serves more than one site."},
    {.name = "aliases", .type = SETTING_TEXT_LIST,
        .offset = offsetof(struct site_settings, aliases), .check = check_host,
        .example = "[www.example.org, example.com]",
        .summary = "Further names, whose visitors are redirected to the first of hosts: 301, and "
                   "308 for other methods than GET and HEAD.",
        .touch = "So that search engines and caches know each page by one name."},
    {.name = "origin", .type = SETTING_TEXT, .offset = offsetof(struct site_settings, origin),
        .fallback = "main", .summary = "The origin that this site is fetched from.",
        .touch = "Set it when there is more than one origin."},
    {.name = "cache", .type = SETTING_SECTION, .offset = offsetof(struct site_settings, cache),
        .section = &judge_settings, .summary = "What may be kept, and for how long."},
    {.name = "key", .type = SETTING_SECTION, .offset = offsetof(struct site_settings, key),
        .section = &key_settings_section, .summary = "What tells copies apart."},
    {.name = "rules", .type = SETTING_SECTION_LIST, .offset = offsetof(struct site_settings, rules),
        .section = &rule_settings_section, .maximum = RULES_MAX,
        .summary = "Exceptions for some paths."},
    {.name = "lifelines", .type = SETTING_SECTION,
        .offset = offsetof(struct site_settings, lifelines), .section = &lifeline_settings_section,
        .summary = "What answers when the backend does not."},
    {.name = "compression", .type = SETTING_SECTION,
        .offset = offsetof(struct site_settings, compression),
        .section = &compress_settings_section, .summary = "What is compressed, and how."},
    {.name = "page", .type = SETTING_SECTION, .offset = offsetof(struct site_settings, page),
        .section = &page_settings_section, .summary = "The honest page."},
    {.name = "rate", .type = SETTING_SECTION, .offset = offsetof(struct site_settings, rate),
        .section = &rate_settings_section, .summary = "How fast one client may ask."},
    {.name = "priority", .type = SETTING_SECTION,
        .offset = offsetof(struct site_settings, priority), .section = &priority_settings_section,
        .summary = "Who goes first."},
    {.name = "purge", .type = SETTING_SECTION, .offset = offsetof(struct site_settings, purge),
        .section = &purge_settings_section, .summary = "Purging over HTTP."},
    {.name = "debug", .type = SETTING_SECTION, .offset = offsetof(struct site_settings, debug),
        .section = &debug_settings_section, .summary = "How an answer came to be."},
    {.name = "peers", .type = SETTING_SECTION, .offset = offsetof(struct site_settings, peers),
        .section = &peer_settings_section, .summary = "The site's other edges."},
    {.name = "https", .type = SETTING_SECTION, .offset = offsetof(struct site_settings, https),
        .section = &https_settings_section, .summary = "HTTPS only."},
    {.name = "forwarded", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct site_settings, forwarded),
        .summary = "Tell the backend who asks: Forwarded, X-Forwarded-For, -Proto and -Host.",
        .touch = "Turn it off when the backend must not learn visitors' addresses."},
};

const struct setting_section site_settings_section = {
    .size = sizeof(struct site_settings),
    .rows = site_rows,
    .count = ARRAY_SIZE(site_rows),
    .summary = "A site: host names that are served alike.",
};
