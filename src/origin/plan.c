// Making plans: settings copied, known backends taken over, new ones created.
#include "origin/plan.h"
#include "base/memory.h"

struct origin_plan *origin_plan_acquire(struct origin *origin)
{
    lock_acquire(&origin->lock);
    struct origin_plan *plan = origin->plan;
    atomic_fetch_add_explicit(&plan->references, 1, memory_order_relaxed);
    lock_release(&origin->lock);
    return plan;
}

void origin_plan_release(struct origin_plan *plan)
{
    if (plan == NULL || atomic_fetch_sub_explicit(&plan->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < plan->backend_count; i++)
        backend_release(plan->backends[i]);
    tls_client_release(plan->settings.tls_client);
    memory_free(plan);
}

bool origin_plan_has(const struct origin_plan *plan, const struct backend *backend)
{
    for (size_t i = 0; plan != NULL && i < plan->backend_count; i++) {
        if (plan->backends[i] == backend)
            return true;
    }
    return false;
}

static struct backend *find_backend(const struct origin_plan *plan, struct slice url)
{
    for (size_t i = 0; plan != NULL && i < plan->backend_count; i++) {
        if (slice_equal(slice_from_string(plan->backends[i]->url), url))
            return plan->backends[i];
    }
    return NULL;
}

// A URL that is named twice is one backend.
static enum error fill_backends(struct origin_plan *plan, const struct origin_settings *settings,
    const struct origin_plan *old, unsigned loop_count)
{
    const struct slice *urls = settings->backends.items;
    for (size_t i = 0; i < settings->backends.count; i++) {
        if (find_backend(plan, urls[i]) != NULL)
            continue;
        struct backend *backend = find_backend(old, urls[i]);
        if (backend != NULL)
            backend_reference(backend);
        else {
            enum error error = backend_create(urls[i], settings->concurrency.start, loop_count,
                &backend);
            if (error != ERROR_NONE)
                return error;
        }
        plan->backends[plan->backend_count++] = backend;
    }
    return ERROR_NONE;
}

static struct slice keep_text(char **place, struct slice text)
{
    struct slice kept = slice_of(*place, text.size);
    if (text.size > 0)
        memcpy(*place, text.data, text.size);
    *place += text.size;
    return kept;
}

enum error origin_plan_create(const struct origin_settings *settings,
    const struct origin_plan *old, unsigned loop_count, struct origin_plan **ret_plan)
{
    const struct probe_settings *probe = &settings->probe;
    if (settings->backends.count == 0 || settings->backends.count > ORIGIN_BACKENDS_MAX)
        return ERROR_INVALID;
    struct origin_plan *plan = memory_zero_alloc(sizeof(*plan) + settings->name.size
        + probe->path.size + probe->host.size);
    if (plan == NULL)
        return ERROR_MEMORY;
    char *place = plan->text;
    atomic_store(&plan->references, 1);
    plan->settings = *settings;
    plan->settings.backends = (struct setting_list){NULL, 0};
    plan->settings.name = keep_text(&place, settings->name);
    plan->settings.probe.path = keep_text(&place, probe->path);
    plan->settings.probe.host = keep_text(&place, probe->host);
    plan->settings.tls = (struct tls_client_settings){0}; // the client knows
    if (settings->tls_client != NULL)
        tls_client_reference(settings->tls_client);
    plan->limits = (struct limit_rules){settings->concurrency.least, settings->concurrency.most};
    if (settings->http2 == HTTP2_OFF)
        plan->limits.most = MINIMUM(plan->limits.most, settings->pool.connections);
    if (probe->path.size > 0)
        plan->rules = (struct health_rules){probe->interval_ms, probe->rise, probe->fall};
    enum error error = fill_backends(plan, settings, old, loop_count);
    if (error != ERROR_NONE) {
        origin_plan_release(plan);
        return error;
    }
    *ret_plan = plan;
    return ERROR_NONE;
}
