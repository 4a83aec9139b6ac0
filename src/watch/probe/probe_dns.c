// Asks a name server for one kind of record, by a channel of its own.
#include "watch/probe/dns_answer.h"
#include "watch/probe/probe.h"

#include <arpa/nameser.h>
#include <errno.h>

#define TRIES 3

static enum reason_kind reason_of(int status)
{
    switch (status) {
    case ARES_ETIMEOUT: return REASON_TIMEOUT;
    case ARES_ECONNREFUSED: return REASON_REFUSED;
    case ARES_EBADRESP:
    case ARES_EFORMERR: return REASON_PROTOCOL;
    }
    return REASON_NAME;
}

// c-ares must not be closed from within: the vote is cast a moment later.
static void on_answer(void *context, int status, int timeouts, unsigned char *message, int size)
{
    struct probe *probe = context;
    const struct target *target = probe->target;
    struct dns_found found;
    (void)timeouts;
    if (status == ARES_EDESTRUCTION)
        return;
    struct vote *vote = &probe->answer;
    if (status == ARES_ENOMEM)
        *vote = (struct vote){VOTE_INCONCLUSIVE, {REASON_BLIND, 0}};
    else if (status != ARES_SUCCESS)
        *vote = (struct vote){VOTE_DOWN, {reason_of(status), 0}};
    else if (!dns_answer_read(message, (size_t)size, target->record, &target->expected, &found))
        *vote = (struct vote){VOTE_DOWN, {REASON_PROTOCOL, 0}};
    else if (found.records == 0)
        *vote = (struct vote){VOTE_DOWN, {REASON_NAME, 0}};
    else if (target->expected.any.sa_family != AF_UNSPEC && !found.has_expected)
        *vote = (struct vote){VOTE_DOWN, {REASON_CONTENT, 0}};
    else
        *vote = (struct vote){VOTE_UP, {REASON_NONE, 0}};
    probe->has_answer = true;
    probe_wait(probe, 0);
}

static enum error open_channel(struct probe *probe)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct text server = text_in(buffer, sizeof(buffer) - 1);
    struct ares_options options = {.flags = ARES_FLAG_NOCHECKRESP, .tries = TRIES,
        .timeout = (int)MAXIMUM(probe->target->timeout_ms / 8, 50)}; // doubled for each try
    int mask = ARES_OPT_FLAGS | ARES_OPT_TRIES | ARES_OPT_TIMEOUTMS;
    enum error error = asker_open(&probe->asker, probe->poller, &options, mask);
    if (error != ERROR_NONE || probe->target->resolver.any.sa_family == AF_UNSPEC)
        return error;
    address_format(&server, &probe->target->resolver);
    buffer[server.size] = '\0';
    int status = ares_set_servers_ports_csv(probe->asker.channel, buffer);
    return status == ARES_SUCCESS ? ERROR_NONE : ERROR_MEMORY;
}

void dns_begin(struct probe *probe)
{
    char name[256];
    struct text text = text_in(name, sizeof(name) - 1);
    text_append(&text, probe->target->host);
    name[text.size] = '\0';
    if (open_channel(probe) != ERROR_NONE) {
        probe_lacks(probe, ENOMEM);
        return;
    }
    ares_query(probe->asker.channel, name, ns_c_in, probe->target->record, on_answer, probe);
    asker_go_on(&probe->asker);
}
