// DNS over HTTPS (RFC 8484): one message posted for each family, both at once.
#include "base/clock.h"
#include "base/thread.h"
#include "doctor/dns.h"
#include "doctor/look.h"

#include <arpa/nameser.h>
#include <ares.h>
#include <ares_nameser.h>

#define LOOK_MEMORY (3 * LOOK_BODY_MAX)

struct post {
    const struct dns_question *question;
    const struct name_facts *servers;
    enum dns_family family;
    struct arena *arena;
    struct dns_answer answer;
};

// The host of the resolver itself: never by itself.
static void find_server(const struct dns_question *question, const struct target *target,
    struct name_facts *ret_servers)
{
    struct dns_question about = *question;
    const struct check_options *options = check_options_of(question->check);
    struct address servers[DNS_SERVERS_MAX];
    unsigned count = 0;
    *ret_servers = (struct name_facts){.outcome = NAME_FOUND};
    if (target->is_literal
        && address_parse_host(target->host, target->port, &ret_servers->addresses[0])
            == ERROR_NONE) {
        ret_servers->count = 1;
        return;
    }
    about.host = target->host;
    about.port = target->port;
    if (dns_second_server(options, &servers[count]))
        count++;
    count += dns_system_servers(options, servers + count, DNS_SERVERS_MAX - count);
    dns_ask(&about, servers, count, true, ret_servers);
}

static void read_answer(const struct post *post, const struct look_answer *looked,
    struct dns_answer *ret_answer)
{
    const unsigned char *message = (const unsigned char *)looked->body.data;
    switch (looked->outcome) {
    case ANSWER_WHOLE:
        ret_answer->outcome = NAME_FAILED;
        if (looked->status == 200)
            dns_read(dns_status(message, looked->body.size), message, looked->body.size,
                post->family, post->question->port, ret_answer);
        return;
    case ANSWER_UNKNOWN:
    case ANSWER_SILENT:
    case ANSWER_SLOW:
        ret_answer->outcome = dns_unanswered(post->question);
        return;
    case ANSWER_UNREACHED:
        ret_answer->outcome = clock_now_ms() >= post->question->deadline_ms ? NAME_SILENT
            : check_is_over(post->question->check) ? NAME_UNKNOWN : NAME_UNREACHABLE;
        return;
    case ANSWER_CUT:
    case ANSWER_ENDLESS:
    case ANSWER_MALFORMED:
    case ANSWER_RESET:
    case ANSWER_LOOPS:
    case ANSWER_LEADS_NOWHERE:
    case ANSWER_PROXY:
        ret_answer->outcome = NAME_FAILED;
        return;
    }
}

static void ask(struct post *post)
{
    static const char *const fields[] = {"Accept: application/dns-message", NULL};
    const struct dns_question *question = post->question;
    unsigned char *query = NULL;
    int size = 0;
    char name[256];
    struct look_answer looked = {0};
    // Its id is 0, so that caches know it again (section 4.1).
    if (!dns_name(question->host, name)
        || ares_create_query(name, C_IN, post->family == DNS_V6 ? T_AAAA : T_A, 0, 1, &query,
               &size, 0) != ARES_SUCCESS) {
        post->answer.outcome = NAME_NONE;
        return;
    }
    struct look_request request = {.url = check_options_of(question->check)->https,
        .addresses = post->servers->addresses, .address_count = post->servers->count,
        .fields = fields, .post = slice_of((const char *)query, (size_t)size),
        .content_type = SLICE("application/dns-message"), .is_third_party = true,
        .stop = question->stop, .deadline_ms = question->deadline_ms};
    look(question->check, &request, post->arena, &looked);
    read_answer(post, &looked, &post->answer);
    ares_free_string(query);
}

static void *ask_beside(void *argument)
{
    ask(argument);
    return NULL;
}

static void ask_both(const struct dns_question *question, const struct name_facts *servers,
    struct name_facts *names)
{
    struct arena beside;
    struct post *posts = arena_zero_alloc(question->arena, DNS_FAMILY_COUNT * sizeof(*posts));
    struct dns_answer answers[DNS_FAMILY_COUNT] = {0};
    pthread_t thread;
    if (posts == NULL)
        return;
    arena_init(&beside, (size_t)16 << 10, LOOK_MEMORY);
    posts[DNS_V6] = (struct post){question, servers, DNS_V6, &beside, {0}};
    posts[DNS_V4] = (struct post){question, servers, DNS_V4, question->arena, {0}};
    bool is_beside = dns_wants(question->check, DNS_V6)
        && thread_start(&thread, "check-https", ask_beside, &posts[DNS_V6]) == ERROR_NONE;
    if (dns_wants(question->check, DNS_V4))
        ask(&posts[DNS_V4]);
    if (is_beside)
        pthread_join(thread, NULL);
    arena_free(&beside);
    for (unsigned family = 0; family < DNS_FAMILY_COUNT; family++)
        answers[family] = posts[family].answer;
    dns_join(question->check, answers, names);
}

void dns_ask_https(const struct dns_question *question, struct name_facts *ret_names)
{
    const struct check_options *options = check_options_of(question->check);
    uint64_t began_ms = clock_now_ms();
    char why[256];
    struct text complaint = text_in(why, sizeof(why));
    struct target target;
    struct name_facts servers;
    *ret_names = (struct name_facts){0};
    if (options->https.data == NULL
        || target_parse(options->https, question->arena, &complaint, &target) != ERROR_NONE)
        return;
    find_server(question, &target, &servers);
    if (servers.outcome == NAME_FOUND)
        ask_both(question, &servers, ret_names);
    else if (servers.outcome == NAME_SILENT || servers.outcome == NAME_UNKNOWN)
        ret_names->outcome = servers.outcome;
    else
        ret_names->outcome = NAME_UNREACHABLE;
    ret_names->asked = options->https;
    ret_names->ms = (unsigned)(clock_now_ms() - began_ms);
}
