// The settings of an origin. The defaults are for one small backend on the same machine or nearby.
#include "origin/origin.h"
#include "origin/url.h"

#include <stdio.h>

bool origin_check_backend(struct slice url, char *message, size_t message_size)
{
    struct backend_url ignored;
    return backend_url_parse(url, &ignored, message, message_size);
}

static bool check_path(struct slice path, char *message, size_t message_size)
{
    bool is_good = path.size > 0 && path.data[0] == '/';
    for (size_t i = 0; i < path.size; i++)
        is_good = is_good && path.data[i] > ' ' && path.data[i] != 0x7f && path.data[i] != '#';
    if (!is_good)
        snprintf(message, message_size, "is no path; expected one such as /health");
    return is_good;
}

static bool check_host(struct slice host, char *message, size_t message_size)
{
    char url[512];
    if (snprintf(url, sizeof(url), "http://%.*s", SLICE_ARGS(host)) < (int)sizeof(url)
        && !slice_contains(host, '/')
        && origin_check_backend(slice_from_string(url), message, message_size))
        return true;
    snprintf(message, message_size, "is no host name; expected one such as example.org");
    return false;
}

static const struct setting probe_rows[] = {
    {
        .name = "path",
        .type = SETTING_TEXT,
        .offset = offsetof(struct probe_settings, path),
        .check = check_path,
        .example = "/health",
        .summary = "What a probe asks each backend for; without it there are no probes.",
        .touch = "Set it when the site has a page that says cheaply whether it works. Visitors' "
                 "own requests outrank what probes say.",
    },
    {
        .name = "host",
        .type = SETTING_TEXT,
        .offset = offsetof(struct probe_settings, host),
        .check = check_host,
        .example = "example.org",
        .summary = "The host name that a probe asks for; by default the backend's own.",
        .touch = "Set it when backends answer only to the site's name.",
    },
    {
        .name = "expect",
        .type = SETTING_STATUS_SET,
        .offset = offsetof(struct probe_settings, expect),
        .fallback = "200-399",
        .summary = "The status codes that count as good.",
        .touch = "Narrow it when a backend in trouble redirects.",
    },
    {
        .name = "interval",
        .type = SETTING_DURATION,
        .offset = offsetof(struct probe_settings, interval_ms),
        .fallback = "5s",
        .minimum = 100,
        .maximum = 3600 * 1000,
        .summary = "The time from one probe of a backend to the next.",
        .touch = "Shorten it to notice sooner that an idle backend is back.",
    },
    {
        .name = "timeout",
        .type = SETTING_DURATION,
        .offset = offsetof(struct probe_settings, timeout_ms),
        .fallback = "2s",
        .minimum = 10,
        .maximum = 60 * 1000,
        .summary = "How long a probe may take, all together.",
        .touch = "Raise it when the probed page is slow although all is well.",
    },
    {
        .name = "rise",
        .type = SETTING_COUNT,
        .offset = offsetof(struct probe_settings, rise),
        .fallback = "2",
        .minimum = 1,
        .maximum = 100,
        .summary = "Good probes in a row that make a sick backend healthy.",
        .touch = "Raise it when a backend answers a while before it is ready.",
    },
    {
        .name = "fall",
        .type = SETTING_COUNT,
        .offset = offsetof(struct probe_settings, fall),
        .fallback = "3",
        .minimum = 1,
        .maximum = 100,
        .summary = "Bad probes in a row that make a healthy backend sick.",
        .touch = "Lower it when probes are rare and trustworthy.",
    },
};

static const struct setting_section probe_section = {
    .size = sizeof(struct probe_settings),
    .rows = probe_rows,
    .count = ARRAY_SIZE(probe_rows),
    .summary = "Probes: requests of the edge's own that notice a backend's state without visitors. "
               "They are advice: a probe alone never makes an error.",
};

static const struct setting timeout_rows[] = {
    {
        .name = "connect",
        .type = SETTING_DURATION,
        .offset = offsetof(struct timeout_settings, connect_ms),
        .fallback = "2s",
        .minimum = 10,
        .maximum = 60 * 1000,
        .summary = "How long finding and connecting to a backend may take, all its addresses "
                   "together.",
        .touch = "Raise it for backends on another continent or behind a bad line.",
    },
    {
        .name = "first_byte",
        .type = SETTING_DURATION,
        .offset = offsetof(struct timeout_settings, first_byte_ms),
        .fallback = "30s",
        .minimum = 10,
        .maximum = 3600 * 1000,
        .summary = "How long a backend may think, from the end of the request to the end of the "
                   "response's head.",
        .touch = "Raise it when the site has pages that take longer, such as reports and exports.",
    },
    {
        .name = "between_bytes",
        .type = SETTING_DURATION,
        .offset = offsetof(struct timeout_settings, between_bytes_ms),
        .fallback = "30s",
        .minimum = 10,
        .maximum = 3600 * 1000,
        .summary = "How long a body may stand still, in either direction.",
        .touch = "Raise it for event streams that are silent for longer.",
    },
    {
        .name = "total",
        .type = SETTING_DURATION,
        .offset = offsetof(struct timeout_settings, total_ms),
        .fallback = "0",
        .maximum = UINT64_C(7) * 24 * 3600 * 1000,
        .summary = "How long one attempt may take with its whole body; 0: as long as it makes "
                   "progress.",
        .touch = "Set it when no answer of the site may take longer.",
    },
};

static const struct setting_section timeout_section = {
    .size = sizeof(struct timeout_settings),
    .rows = timeout_rows,
    .count = ARRAY_SIZE(timeout_rows),
    .summary = "How long the edge waits for a backend.",
};

static const struct setting pool_rows[] = {
    {
        .name = "idle_connections",
        .type = SETTING_COUNT,
        .offset = offsetof(struct pool_settings, idle_connections),
        .fallback = "32",
        .maximum = 10000,
        .summary = "Connections kept for later, for each backend and thread; 0 keeps none.",
        .touch = "Raise it when afloat_origin_pool_overflows_total grows under load.",
    },
    {
        .name = "idle_timeout",
        .type = SETTING_DURATION,
        .offset = offsetof(struct pool_settings, idle_timeout_ms),
        .fallback = "55s",
        .minimum = 100,
        .maximum = 3600 * 1000,
        .summary = "How long a connection is kept unused. What a backend says in Keep-Alive, or "
                   "shows by closing sooner, shortens it by itself.",
        .touch = "Hardly ever.",
    },
    {
        .name = "connections",
        .type = SETTING_COUNT,
        .offset = offsetof(struct pool_settings, connections),
        .fallback = "1024",
        .minimum = 1,
        .maximum = 1000000,
        .summary = "Connections to one backend, all threads together. Beyond it a copy goes out, "
                   "or the request waits for one (lifelines.hold).",
        .touch = "Lower it to what the backend can take at once.",
    },
    {
        .name = "http2_streams",
        .type = SETTING_COUNT,
        .offset = offsetof(struct pool_settings, http2_streams),
        .fallback = "100",
        .minimum = 1,
        .maximum = 10000,
        .summary = "Exchanges at once on one HTTP/2 connection to a backend; a further one opens "
                   "another connection. What the backend allows (SETTINGS_MAX_CONCURRENT_STREAMS) "
                   "holds too.",
        .touch = "Lower it when one lost connection must not cut so many answers.",
    },
};

static const struct setting_section pool_section = {
    .size = sizeof(struct pool_settings),
    .rows = pool_rows,
    .count = ARRAY_SIZE(pool_rows),
    .summary = "Connections to the backends, and how many are kept for later.",
};

static const struct setting concurrency_rows[] = {
    {
        .name = "adaptive",
        .type = SETTING_BOOL,
        .offset = offsetof(struct concurrency_settings, adaptive),
        .fallback = "true",
        .summary = "Learn how many requests at once each backend can take, and ask it no more: "
                   "what finds no room gets its copy, or waits (lifelines.hold).",
        .touch = "Turn it off when something behind the edge sees to that.",
    },
    {
        .name = "start",
        .type = SETTING_COUNT,
        .offset = offsetof(struct concurrency_settings, start),
        .fallback = "128",
        .minimum = 1,
        .maximum = 1000000,
        .summary = "The number at first, while nothing is known.",
        .touch = "Lower it for a backend that only a few requests at once bring down.",
    },
    {
        .name = "least",
        .type = SETTING_COUNT,
        .offset = offsetof(struct concurrency_settings, least),
        .fallback = "4",
        .minimum = 1,
        .maximum = 1000000,
        .summary = "It is never lower than this, however slow the backend is.",
        .touch = "Set it to the number of the backend's processes or threads, if you know it.",
    },
    {
        .name = "most",
        .type = SETTING_COUNT,
        .offset = offsetof(struct concurrency_settings, most),
        .fallback = "10000",
        .minimum = 1,
        .maximum = 1000000,
        .summary = "It is never higher than this, nor than pool.connections over HTTP/1.1.",
        .touch = "Lower it to what the backend can take at once, if you know it.",
    },
};

static const struct setting_section concurrency_section = {
    .size = sizeof(struct concurrency_settings),
    .rows = concurrency_rows,
    .count = ARRAY_SIZE(concurrency_rows),
    .summary = "How many requests at once each backend is asked. A request counts until the head "
               "of its answer; uploads and tunnels do not.",
};

static const struct setting retry_rows[] = {
    {
        .name = "budget",
        .type = SETTING_PERCENT,
        .offset = offsetof(struct retry_settings, budget_percent),
        .fallback = "10%",
        .summary = "Extra attempts, whoever makes them, as a share of the last 10 seconds' "
                   "requests. It keeps retries from finishing off a backend in trouble.",
        .touch = "Raise it only when there are backends to spare.",
    },
    {
        .name = "floor",
        .type = SETTING_COUNT,
        .offset = offsetof(struct retry_settings, budget_floor),
        .fallback = "3",
        .maximum = 1000,
        .summary = "Extra attempts that are always allowed within 10 seconds, so that a quiet site "
                   "has some too.",
        .touch = "Set it and rescues to 0, and the budget to 0%, to forbid extra attempts.",
    },
    {
        .name = "rescues",
        .type = SETTING_COUNT,
        .offset = offsetof(struct retry_settings, rescues),
        .fallback = "20",
        .maximum = 1000,
        .summary = "Beyond these, so many within 10 seconds, for reads that one backend failed "
                   "while another is well and has room.",
        .touch = "Lower it when the others could not bear more requests than they have.",
    },
    {
        .name = "attempts",
        .type = SETTING_COUNT,
        .offset = offsetof(struct retry_settings, attempts),
        .fallback = "3",
        .minimum = 1,
        .maximum = 10,
        .summary = "Attempts for one request, the first included; one on a kept connection that "
                   "was just ending does not count.",
        .touch = "Hardly ever; more than three only add load.",
    },
};

static const struct setting_section retry_section = {
    .size = sizeof(struct retry_settings),
    .rows = retry_rows,
    .count = ARRAY_SIZE(retry_rows),
    .summary = "How many extra attempts the edge may make when one fails.",
};

static const struct setting outlier_rows[] = {
    {
        .name = "enabled",
        .type = SETTING_BOOL,
        .offset = offsetof(struct outlier_settings, enabled),
        .fallback = "true",
        .summary = "Set a backend aside when more of its answers fail, or are far slower, than "
                   "those of the others: it is asked only for a canary now and then, or when the "
                   "others have no room. Never more than half of them, and not with balance: hash.",
        .touch = "Turn it off when the backends do not serve the same pages.",
    },
    {
        .name = "share",
        .type = SETTING_PERCENT,
        .offset = offsetof(struct outlier_settings, share_percent),
        .fallback = "5%",
        .minimum = 1,
        .summary = "How many more of its answers must be bad, of all within 16 seconds; and more "
                   "than chance explains.",
        .touch = "Raise it when the others can hardly do without it.",
    },
    {
        .name = "slow",
        .type = SETTING_COUNT,
        .offset = offsetof(struct outlier_settings, slow),
        .fallback = "4",
        .maximum = 1000,
        .summary = "An answer is bad too when it takes so many times as long as 95 of 100 of the "
                   "others' do, and 250ms at the least; 0: none is.",
        .touch = "Raise it, or set 0, when some backends are on slower machines on purpose.",
    },
    {
        .name = "pause",
        .type = SETTING_DURATION,
        .offset = offsetof(struct outlier_settings, pause_ms),
        .fallback = "5s",
        .minimum = 100,
        .maximum = 300 * 1000,
        .summary = "When the first canary comes. After each bad one it takes twice as long, up to "
                   "5 minutes; eight good ones, a second apart, end it.",
        .touch = "Raise it when the backends need long to mend.",
    },
};

static const struct setting_section outlier_section = {
    .size = sizeof(struct outlier_settings),
    .rows = outlier_rows,
    .count = ARRAY_SIZE(outlier_rows),
    .summary = "What becomes of a backend that answers worse than the others.",
};

static const char *const http2_choices[] = {"off", "prior_knowledge", "negotiate", NULL};
static const char *const balance_choices[] = {"round_robin", "least_requests", "hash", NULL};

static const struct setting rows[] = {
    {
        .name = "backends",
        .type = SETTING_TEXT_LIST,
        .offset = offsetof(struct origin_settings, backends),
        .required = true,
        .minimum = 1,
        .maximum = ORIGIN_BACKENDS_MAX,
        .check = origin_check_backend,
        .example = "[http://127.0.0.1:8000, http://127.0.0.1:8001]",
        .summary = "The servers that this origin consists of, which all serve the same site.",
    },
    {
        .name = "balance",
        .type = SETTING_CHOICE,
        .offset = offsetof(struct origin_settings, balance),
        .choices = balance_choices,
        .fallback = "least_requests",
        .summary = "How a backend is chosen: in turn, the less busy of two drawn by lot, or always "
                   "the same one for the same URL.",
        .touch = "Choose hash when the backends keep caches of their own.",
    },
    {
        .name = "http2",
        .type = SETTING_CHOICE,
        .offset = offsetof(struct origin_settings, http2),
        .choices = http2_choices,
        .fallback = "off",
        .summary = "HTTP/2 to the backends: never; at once, without asking (all of them must speak "
                   "it); or where it is agreed on in the TLS handshake, over https:// only. "
                   "Tunnels go over HTTP/1.1 in any case.",
        .touch = "Choose negotiate for backends that are far away, prior_knowledge for those that "
                 "speak HTTP/2 without TLS, such as many written for gRPC.",
    },
    {
        .name = "slow_start",
        .type = SETTING_DURATION,
        .offset = offsetof(struct origin_settings, slow_start_ms),
        .fallback = "10s",
        .maximum = 3600 * 1000,
        .summary = "How long it takes until a backend that was sick has its full share again; 0: "
                   "at once.",
        .touch = "Raise it when the backends need long to warm up.",
    },
    {
        .name = "dns_refresh",
        .type = SETTING_DURATION,
        .offset = offsetof(struct origin_settings, dns_refresh_ms),
        .fallback = "30s",
        .minimum = 1000,
        .maximum = 24 * 3600 * 1000,
        .summary = "How long a backend's name is not looked up again at most; sooner when the "
                   "answer's lifetime (TTL) is over. When the lookup fails, the last good answer "
                   "stays.",
        .touch = "Lower it when backends move often; a failed connection asks at once anyway.",
    },
    {
        .name = "dns_refresh_min",
        .type = SETTING_DURATION,
        .offset = offsetof(struct origin_settings, dns_refresh_min_ms),
        .fallback = "5s",
        .minimum = 1000,
        .maximum = 24 * 3600 * 1000,
        .summary = "How long it is not looked up again at least, however short the answer's "
                   "lifetime is.",
        .touch = "Hardly ever.",
    },
    {
        .name = "probe",
        .type = SETTING_SECTION,
        .offset = offsetof(struct origin_settings, probe),
        .section = &probe_section,
        .summary = "Probes.",
    },
    {
        .name = "timeouts",
        .type = SETTING_SECTION,
        .offset = offsetof(struct origin_settings, timeouts),
        .section = &timeout_section,
        .summary = "Timeouts.",
    },
    {
        .name = "pool",
        .type = SETTING_SECTION,
        .offset = offsetof(struct origin_settings, pool),
        .section = &pool_section,
        .summary = "Connections.",
    },
    {
        .name = "concurrency",
        .type = SETTING_SECTION,
        .offset = offsetof(struct origin_settings, concurrency),
        .section = &concurrency_section,
        .summary = "Requests at once.",
    },
    {
        .name = "tls",
        .type = SETTING_SECTION,
        .offset = offsetof(struct origin_settings, tls),
        .section = &tls_client_settings_section,
        .summary = "TLS towards backends whose URL begins with https://.",
    },
    {
        .name = "retry",
        .type = SETTING_SECTION,
        .offset = offsetof(struct origin_settings, retry),
        .section = &retry_section,
        .summary = "Extra attempts.",
    },
    {
        .name = "outliers",
        .type = SETTING_SECTION,
        .offset = offsetof(struct origin_settings, outliers),
        .section = &outlier_section,
        .summary = "Backends worse than the others.",
    },
};

const struct setting_section origin_settings_section = {
    .size = sizeof(struct origin_settings),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "A site's pool of backends. Sites refer to it by its name, the key here.",
};
