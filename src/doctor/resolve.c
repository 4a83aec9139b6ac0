// Which resolver is asked, and whom after it.
#include "doctor/resolve.h"
#include "base/clock.h"
#include "doctor/dns.h"
#include "doctor/hosts.h"

static void ask_system(const struct dns_question *question, struct name_facts *ret_names)
{
    const struct check_options *options = check_options_of(question->check);
    struct address servers[DNS_SERVERS_MAX];
    unsigned count = dns_system_servers(options, servers, DNS_SERVERS_MAX);
    *ret_names = (struct name_facts){0};
    if (count > 0 || !dns_system_has_others(options))
        dns_ask(question, servers, count, false, ret_names);
    if (count == 0)
        ret_names->asked = slice_from_string(
            options->resolver_file == NULL ? "/etc/resolv.conf" : options->resolver_file);
}

static void ask_second(const struct dns_question *question, struct name_facts *ret_names)
{
    struct address server;
    *ret_names = (struct name_facts){0};
    if (!dns_second_server(check_options_of(question->check), &server))
        return;
    dns_ask(question, &server, 1, false, ret_names);
    ret_names->asked = check_options_of(question->check)->second;
}

void dns_resolve(const struct dns_question *question, enum resolver resolver,
    struct name_facts *ret_names)
{
    switch (resolver) {
    case RESOLVER_SYSTEM:
        ask_system(question, ret_names);
        return;
    case RESOLVER_SECOND:
        ask_second(question, ret_names);
        return;
    case RESOLVER_HTTPS:
        dns_ask_https(question, ret_names);
        return;
    case RESOLVER_COUNT:
        break;
    }
    *ret_names = (struct name_facts){0};
}

void resolve(const struct check *check, enum resolver resolver, struct slice host, uint16_t port,
    uint64_t deadline_ms, struct arena *arena, struct name_facts *ret_names)
{
    struct dns_question question = {.check = check, .host = host, .port = port,
        .deadline_ms = deadline_ms, .arena = arena};
    dns_resolve(&question, resolver, ret_names);
}

// What nobody has to be asked for.
static bool is_known(const struct check *check, struct slice host, uint16_t port,
    struct arena *arena, struct name_facts *ret_names)
{
    const struct check_options *options = check_options_of(check);
    *ret_names = (struct name_facts){0};
    if (address_parse_host(host, port, &ret_names->addresses[0]) == ERROR_NONE) {
        int family = ret_names->addresses[0].any.sa_family;
        bool is_allowed = options->family == 0 || options->family == family;
        ret_names->count = is_allowed ? 1 : 0;
        ret_names->outcome = is_allowed ? NAME_FOUND : NAME_EMPTY;
        return true;
    }
    struct slice line;
    const char *path = options->hosts_file == NULL ? "/etc/hosts" : options->hosts_file;
    if (options->is_remote
        || hosts_find(path, host, port, options->family, arena, &line, &ret_names->addresses[0])
            != ERROR_NONE)
        return false;
    ret_names->count = 1;
    ret_names->outcome = NAME_FOUND;
    ret_names->asked = slice_from_string(path);
    return true;
}

void resolve_any(const struct check *check, struct slice host, uint16_t port, uint64_t deadline_ms,
    struct arena *arena, struct name_facts *ret_names)
{
    const struct check_options *options = check_options_of(check);
    struct address servers[DNS_SERVERS_MAX];
    uint64_t now_ms = clock_now_ms(), left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    struct dns_question question = {.check = check, .host = host, .port = port,
        .deadline_ms = options->https.data == NULL ? deadline_ms : now_ms + left_ms / 2,
        .arena = arena};
    if (is_known(check, host, port, arena, ret_names))
        return;

    unsigned count = dns_system_servers(options, servers, DNS_SERVERS_MAX - 1);
    count += dns_second_server(options, &servers[count]) ? 1 : 0;
    dns_ask(&question, servers, count, true, ret_names);
    if (ret_names->outcome == NAME_FOUND || options->https.data == NULL || check_is_over(check))
        return;
    struct name_facts names;
    question.deadline_ms = deadline_ms;
    dns_ask_https(&question, &names);
    if (names.outcome == NAME_FOUND)
        *ret_names = names;
}
