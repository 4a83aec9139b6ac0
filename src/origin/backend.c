// Creating, counting and showing backends.
#include "origin/backend.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "origin/ramp.h"
#include "origin/url.h"

#include <stdio.h>

#define ANSWERS_KNOWN 20 // fewer say nothing about a quantile

enum error backend_create(struct slice url, uint64_t at_once, unsigned loop_count,
    struct backend **ret_backend)
{
    char message[128];
    struct backend_url parsed;
    if (!backend_url_parse(url, &parsed, message, sizeof(message)))
        return ERROR_INVALID;
    struct backend *backend =
        memory_zero_alloc(sizeof(*backend) + loop_count * sizeof(backend->seats[0]));
    if (backend == NULL)
        return ERROR_MEMORY;
    atomic_store(&backend->references, 1);
    memcpy(backend->url, url.data, url.size);
    // The same views, into the copy.
    backend->authority =
        slice_of(backend->url + (parsed.authority.data - url.data), parsed.authority.size);
    parsed.host = slice_of(backend->url + (parsed.host.data - url.data), parsed.host.size);
    backend->host = parsed.host;
    backend->secure = parsed.secure;
    tls_resumption_init(&backend->resumption);
    backend->hash = hash_bytes(url, 0);
    bool brackets = slice_contains(parsed.host, ':');
    snprintf(backend->name, sizeof(backend->name), brackets ? "[%.*s]:%u" : "%.*s:%u",
        SLICE_ARGS(parsed.host), parsed.port);
    health_init(&backend->health);
    outlier_init(&backend->outlier);
    limit_init(&backend->limit, at_once);
    addresses_init(&backend->addresses, parsed.host, parsed.port);
    backend->seat_count = loop_count;
    for (unsigned i = 0; i < loop_count; i++) {
        list_init(&backend->seats[i].idle);
        list_init(&backend->seats[i].sessions);
        list_init(&backend->seats[i].openings);
    }
    *ret_backend = backend;
    return ERROR_NONE;
}

struct backend *backend_reference(struct backend *backend)
{
    atomic_fetch_add_explicit(&backend->references, 1, memory_order_relaxed);
    return backend;
}

void backend_release(struct backend *backend)
{
    if (backend == NULL
        || atomic_fetch_sub_explicit(&backend->references, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < backend->seat_count; i++)
        invariant(list_is_empty(&backend->seats[i].idle));
    health_destroy(&backend->health);
    outlier_destroy(&backend->outlier);
    limit_destroy(&backend->limit);
    addresses_destroy(&backend->addresses);
    tls_resumption_destroy(&backend->resumption);
    memory_free(backend);
}

uint64_t backend_quantile_ms(const struct backend *backend, unsigned permille)
{
    const struct histogram *histogram = &backend->first_byte_us;
    if (atomic_load_explicit(&histogram->total, memory_order_relaxed) < ANSWERS_KNOWN)
        return 0;
    return MAXIMUM(histogram_quantile(histogram, permille) / 1000, 1);
}

unsigned backend_share_permille(const struct backend *backend, uint64_t slow_start_ms,
    uint64_t now_ns)
{
    unsigned of_health = health_share_permille(&backend->health, slow_start_ms, now_ns);
    unsigned of_outlier = ramp_permille(
        atomic_load_explicit(&backend->outlier.returned_ns, memory_order_relaxed), slow_start_ms,
        now_ns);
    return MINIMUM(of_health, of_outlier);
}

void backend_read(struct backend *backend, struct backend_view *ret_view)
{
    struct health_view health;
    health_read(&backend->health, &health);
    *ret_view = (struct backend_view){
        .healthy = health.healthy,
        .since_ms = health.since_ms,
        .probe_disagrees = health.disagrees,
        .next_probe_ms = atomic_load_explicit(&backend->next_probe_ms, memory_order_relaxed),
        .at_once = atomic_load_explicit(&backend->limit.at_once, memory_order_relaxed),
        .in_flight = atomic_load_explicit(&backend->in_flight, memory_order_relaxed),
        .requests = atomic_load_explicit(&backend->requests, memory_order_relaxed),
        .failures = atomic_load_explicit(&backend->failures, memory_order_relaxed),
        .connections_open = atomic_load_explicit(&backend->connections_open, memory_order_relaxed),
        .connections_idle = atomic_load_explicit(&backend->connections_idle, memory_order_relaxed),
        .p95_ms = histogram_quantile(&backend->first_byte_us, 950) / 1000,
    };
    memcpy(ret_view->url, backend->url, sizeof(ret_view->url));
    memcpy(ret_view->why, health.why, sizeof(ret_view->why));
    if (health.healthy)
        ret_view->set_aside = outlier_read(&backend->outlier, ret_view->why,
            sizeof(ret_view->why), &ret_view->since_ms);
}
