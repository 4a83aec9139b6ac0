// What all kinds share: the deadline, the name, and the end.
#include "watch/probe/probe.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <unistd.h>

static void start(struct probe *probe)
{
    probe->is_started = true;
    probe_wait(probe, probe->deadline_ms);
    switch (probe->target->kind) {
    case MONITOR_HTTP:
        http_begin(probe);
        break;
    case MONITOR_TCP:
        tcp_begin(probe);
        break;
    case MONITOR_DNS:
        dns_begin(probe);
        break;
    case MONITOR_PING:
        ping_begin(probe);
        break;
    case MONITOR_PUSH: // nobody is asked, see push.h
        probe_vote(probe, VOTE_INCONCLUSIVE, REASON_NONE, 0);
        break;
    }
}

static void late(struct probe *probe)
{
    if (probe->target->kind == MONITOR_TCP)
        tcp_late(probe);
    else if (probe->target->kind == MONITOR_PING)
        ping_late(probe);
}

static void fired(struct timer *timer)
{
    struct probe *probe = CONTAINER_OF(timer, struct probe, timer);
    uint64_t now = clock_now_ms();
    if (!probe->is_started)
        start(probe);
    else if (probe->has_answer)
        probe_vote(probe, probe->answer.kind, probe->answer.reason.kind,
            probe->answer.reason.number);
    else if (now >= probe->deadline_ms)
        probe_vote(probe, VOTE_DOWN, REASON_TIMEOUT, 0);
    else
        late(probe);
}

struct probe *probe_begin(struct poller *poller, const struct target *target, const char *field,
    probe_ended *ended, void *context)
{
    struct probe *probe = memory_zero_alloc(sizeof(*probe));
    if (probe == NULL || poller_reserve_timer(poller) != ERROR_NONE) {
        memory_free(probe);
        return NULL;
    }
    *probe = (struct probe){.poller = poller, .target = target, .ended = ended,
        .context = context, .descriptor = -1, .timer.fired = fired, .began_ms = clock_now_ms()};
    probe->deadline_ms = probe->began_ms + target->timeout_ms;
    struct text text = text_in(probe->field, sizeof(probe->field) - 1);
    text_append(&text, slice_from_string(field));
    poller_set_timer(poller, &probe->timer, 0);
    return probe;
}

static void is_over(struct waiter *waiter, uint32_t events)
{
    (void)waiter;
    (void)events;
}

void probe_abort(struct probe *probe)
{
    if (probe->lookup != NULL)
        names_forget(probe->lookup);
    http_end(probe);
    ping_end(probe);
    asker_close(&probe->asker);
    if (probe->descriptor >= 0) {
        poller_unwatch(probe->poller, probe->descriptor);
        close(probe->descriptor);
    }
    probe->waiter.ready = is_over;
    poller_return_timer(probe->poller, &probe->timer);
    poller_discard(probe->poller, &probe->spent);
}

void probe_finish(struct probe *probe, const struct probe_result *result)
{
    probe->ended(probe->context, probe, result);
    probe_abort(probe);
}

void probe_vote(struct probe *probe, enum vote_kind kind, enum reason_kind reason, uint32_t number)
{
    const struct monitor_settings *monitor = probe->target->monitor;
    bool has_answered = kind == VOTE_UP || kind == VOTE_DEGRADED;
    struct probe_result result = {.vote = {kind, {reason, number}}, .response_ms = PROBE_NO_TIME};
    if (has_answered)
        result.response_ms = probe_elapsed_ms(probe);
    if (kind == VOTE_UP && monitor->slow_ms > 0 && result.response_ms > monitor->slow_ms)
        result.vote = (struct vote){VOTE_DEGRADED, {REASON_SLOW, 0}};
    probe_finish(probe, &result);
}

void probe_wait(struct probe *probe, uint64_t until_ms)
{
    poller_set_timer(probe->poller, &probe->timer, MINIMUM(until_ms, probe->deadline_ms));
}

uint32_t probe_elapsed_ms(const struct probe *probe)
{
    return (uint32_t)MAXIMUM(clock_now_ms() - probe->began_ms, 1);
}

enum reason_kind probe_reason(int number)
{
    return number == ECONNREFUSED ? REASON_REFUSED
        : number == ETIMEDOUT     ? REASON_TIMEOUT
                                  : REASON_NO_ANSWER;
}

void probe_lacks(struct probe *probe, int number)
{
    if ((number == EMFILE || number == ENFILE) && !probe->poller->told_of_descriptors) {
        probe->poller->told_of_descriptors = true;
        log_write(LOG_WARNING, "watch", "no more descriptors: monitors that cannot be polled count "
            "as unknown; raise the limit of open files");
    }
    probe_vote(probe, VOTE_INCONCLUSIVE, REASON_BLIND, 0);
}

// --- Names ---

static void on_found(void *context, int status, const struct address *addresses, unsigned count)
{
    struct probe *probe = context;
    probe->lookup = NULL;
    if (status == ARES_ENOMEM) {
        probe_lacks(probe, ENOMEM);
    } else if (status != ARES_SUCCESS) {
        probe_vote(probe, VOTE_DOWN, REASON_NAME, 0);
    } else {
        memcpy(probe->addresses, addresses, count * sizeof(*addresses));
        probe->address_count = count;
        probe->address_at = 0;
        probe->found(probe);
    }
}

void probe_find(struct probe *probe, struct slice host, uint16_t port,
    void (*found)(struct probe *probe))
{
    probe->found = found;
    probe->lookup = names_ask(probe->poller->names, host, port, on_found, probe);
    if (probe->lookup == NULL)
        probe_lacks(probe, ENOMEM);
}
