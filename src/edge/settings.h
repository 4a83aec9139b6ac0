// The settings of the edge: what it serves and how it protects its visitors.
#pragma once

#include "cache/cache.h"
#include "edge/client_settings.h"
#include "edge/compression/compress.h"
#include "edge/debug_settings.h"
#include "edge/http2/http2.h"
#include "edge/lifeline_map.h"
#include "edge/outbox/outbox_settings.h"
#include "edge/peer.h"
#include "edge/pressure.h"
#include "edge/priority.h"
#include "edge/purge_settings.h"
#include "edge/rules/rule_settings.h"
#include "http/limits.h"
#include "origin/origin.h"
#include "tls/server.h"

// Section `connections`: towards visitors.
struct connection_settings {
    struct http2_settings http2;
    uint64_t maximum;             // open at once, all loops
    uint64_t idle_timeout_ms;     // between requests
    uint64_t head_timeout_ms;     // from a request's first byte to its last header
    uint64_t body_timeout_ms;     // without any byte of a request's body
    uint64_t body_rate;           // of such a body, bytes per second at the least; 0: any
    uint64_t send_timeout_ms;     // without the visitor taking any byte
    uint64_t requests;            // per connection, then it is closed politely
    uint64_t stream_window;       // bytes of a shared transfer held in memory
    uint64_t active_requests;     // at once, all loops; beyond: copies or 503, counted
    uint64_t drain_timeout_ms;    // how long SIGTERM waits for visitors
    uint64_t tunnels;             // open at once, all loops; beyond: 503, counted
    uint64_t tunnel_idle_timeout_ms; // without a byte either way
};

// Section `lifelines` of a site: one section for each, whose rows stand in its file.
struct lifeline_settings {
    struct lifeline_setting of[LIFELINE_COUNT];
};

// Section `page` of a site: the honest page.
struct page_settings {
    uint64_t retry_after_ms; // what Retry-After says while nobody knows better
    struct slice support;    // how to reach the operator: a mail address or URL; may be empty
};

// Section `https` of a site.
struct https_settings {
    bool redirect;           // what comes without TLS is sent to https://
    uint64_t port;           // there
    uint64_t hsts_ms;        // how long browsers remember that; 0: not at all
    bool hsts_subdomains;
};

struct site_settings {
    struct setting_list hosts; // of slices; empty: every host name not named by another site
    struct setting_list aliases; // of slices: names that lead to the first of hosts
    struct slice origin;
    struct judge_policy cache;
    struct lifeline_settings lifelines;
    struct page_settings page;
    struct compress_settings compression;
    struct key_settings key;
    struct setting_list rules; // of struct rule_settings
    struct rate_settings rate;
    struct priority_settings priority;
    struct purge_settings purge;
    struct debug_settings debug;
    struct peer_settings peers;
    struct https_settings https;
    bool forwarded;            // send Forwarded and X-Forwarded-* to the backends
};

struct edge_settings {
    struct http1_limits http;
    struct connection_settings connections;
    struct client_settings clients;
    struct pressure_settings overload;
    struct cache_settings store;
    struct compress_limits compression;
    struct outbox_settings outbox;
    struct setting_list origins; // of struct origin_settings
    struct setting_list sites;   // of struct site_settings
    struct slice prefix;         // of the edge's own pages, "/.afloat/"; empty: none
    struct tls_settings tls;
    struct tls_server *tls_server; // made of tls by whoever loads the settings; NULL: no HTTPS
    struct slice acme_directory; // where answers to ACME's HTTP-01 lie; empty: none
    struct slice name;           // this edge in Via, Cache-Status and Proxy-Status, "afloat"
};

// Bytes that a request, or a fetch, may take beside its content: what goes with it, and a few
// copies of the largest head.
static inline size_t edge_arena_limit(const struct edge_settings *settings)
{
    uint64_t head_size = MAXIMUM(settings->http.head_size,
        settings->connections.http2.header_list_size);
    return (size_t)(1024 * 1024 + 4 * head_size);
}

extern const struct setting_section https_settings_section; // secure.c
extern const struct setting_section connection_settings_section, site_settings_section;
