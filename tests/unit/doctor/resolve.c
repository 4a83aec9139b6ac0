// Names: what each kind of resolver says, whom resolve_any() believes, and the step that compares
// them. The servers are our own; for DNS over HTTPS, look() is one of ours too.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "step_fixture.h"

#include "doctor/look.h"
#include "doctor/resolve.h"
#include "name_server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_MS 60000 // long enough that only a hang meets it

static struct name_server server;
static struct check check;
static char resolver_path[64], hosts_path[64];
static char second[ADDRESS_TEXT_MAX];
static enum answer_outcome look_outcome = ANSWER_WHOLE;
static unsigned look_status = 200;
static atomic_uint looks;

// --- Fixtures ---

// RFC 8484's other end: the server's answers without its sockets.
void look(const struct check *looking, const struct look_request *request, struct arena *arena,
    struct look_answer *ret_answer)
{
    unsigned char packet[1024];
    (void)looking;
    atomic_fetch_add(&looks, 1);
    assert_true(slice_equal(request->content_type, SLICE("application/dns-message")));
    assert_true(request->is_third_party && !request->trusts_anybody);
    assert_true(request->address_count > 0 && request->post.size >= 17);
    assert_true(request->post.data[0] == 0 && request->post.data[1] == 0); // the id, for caches
    memcpy(packet, request->post.data, request->post.size);
    size_t size = name_answer(&server, packet, request->post.size, false);
    *ret_answer = (struct look_answer){.outcome = look_outcome, .status = look_status,
        .body = arena_copy(arena, slice_of((const char *)packet, size))};
}

static void write_file(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/afloat-unit-XXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
}

static int set_up(void **state)
{
    (void)state;
    struct text text = text_in(second, sizeof(second) - 1);
    server = (struct name_server){.stopping = false};
    name_server_start(&server);
    fixture_begin(&check, PATIENCE_MS);
    memset(second, 0, sizeof(second));
    address_format(&text, &server.address);
    check.options.second = slice_from_string(second);
    write_file(hosts_path, "127.0.0.9 written.test\n");
    write_file(resolver_path, "nameserver\n");
    check.options.hosts_file = hosts_path;
    check.options.resolver_file = resolver_path;
    look_outcome = ANSWER_WHOLE;
    look_status = 200;
    atomic_store(&looks, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    name_server_stop(&server);
    fixture_end(&check);
    unlink(hosts_path);
    unlink(resolver_path);
    return 0;
}

static struct name_facts ask(enum resolver resolver, const char *host, uint64_t ms)
{
    struct name_facts names;
    resolve(&check, resolver, slice_from_string(host), 8443, clock_now_ms() + ms, &check.arena,
        &names);
    return names;
}

static struct name_facts ask_any(const char *host, uint64_t ms)
{
    struct name_facts names;
    resolve_any(&check, slice_from_string(host), 8443, clock_now_ms() + ms, &check.arena, &names);
    return names;
}

static bool has(const struct name_facts *names, const char *text)
{
    struct address wanted;
    assert_int_equal(address_parse(slice_from_string(text), &wanted), ERROR_NONE);
    for (unsigned i = 0; i < names->count; i++)
        if (address_equal(&names->addresses[i], &wanted))
            return true;
    return false;
}

static void system_is(const char *first, const char *then)
{
    char text[256];
    unlink(resolver_path);
    snprintf(text, sizeof(text), "# ours\nsearch test\nnameserver %s\nnameserver\t%s ;\n", first,
        then);
    write_file(resolver_path, text);
}

// The server as resolv.conf takes it.
static const char *place_of(const struct address *address)
{
    static char text[2][64];
    static unsigned turn;
    char *into = text[turn++ % 2];
    snprintf(into, sizeof(text[0]), "127.0.0.1:%u", address_port(address));
    return into;
}

// A port of the loopback where nobody is.
static const char *nobody(void)
{
    struct address address;
    socklen_t size = sizeof(address);
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(address_parse(SLICE("127.0.0.1:0"), &address), ERROR_NONE);
    assert_int_equal(bind(descriptor, &address.any, address_size(&address)), 0);
    assert_int_equal(getsockname(descriptor, &address.any, &size), 0);
    close(descriptor);
    return place_of(&address);
}

// --- One resolver ---

static void test_a_resolver_says_what_it_knows(void **state)
{
    (void)state;
    struct name_facts names = ask(RESOLVER_SECOND, "both.test", PATIENCE_MS);
    assert_int_equal(names.outcome, NAME_FOUND);
    assert_int_equal(names.count, 3);
    assert_int_equal(names.addresses[0].any.sa_family, AF_INET6); // by turns
    assert_int_equal(names.addresses[1].any.sa_family, AF_INET);
    assert_true(has(&names, "192.0.2.7:8443") && has(&names, "[2001:db8::6]:8443"));
    assert_true(slice_equal(names.asked, check.options.second));
    assert_int_equal(ask(RESOLVER_SECOND, "six.test", PATIENCE_MS).count, 1);
    assert_int_equal(ask(RESOLVER_SECOND, "nowhere.test", PATIENCE_MS).outcome, NAME_NONE);
    assert_int_equal(ask(RESOLVER_SECOND, "empty.test", PATIENCE_MS).outcome, NAME_EMPTY);
    assert_int_equal(ask(RESOLVER_SECOND, "broken.test", PATIENCE_MS).outcome, NAME_FAILED);
    assert_int_equal(ask(RESOLVER_SECOND, "denied.test", PATIENCE_MS).outcome, NAME_FAILED);
    assert_int_equal(ask(RESOLVER_SECOND, "torn.test", PATIENCE_MS).outcome, NAME_FAILED);
    assert_int_equal(ask(RESOLVER_SECOND, "silent.test", 400).outcome, NAME_SILENT);
}

static void test_what_does_not_fit_a_datagram_comes_by_tcp(void **state)
{
    (void)state;
    struct name_facts names = ask(RESOLVER_SECOND, "long.test", PATIENCE_MS);
    assert_int_equal(names.outcome, NAME_FOUND);
    assert_int_equal(names.count, 2);
}

static void test_one_family_suffices(void **state)
{
    (void)state;
    assert_int_equal(ask(RESOLVER_SECOND, "half.test", PATIENCE_MS).count, 2);
    assert_int_equal(ask(RESOLVER_SECOND, "lame.test", PATIENCE_MS).count, 2);
    check.options.family = AF_INET6;
    assert_int_equal(ask(RESOLVER_SECOND, "both.test", PATIENCE_MS).count, 1);
    assert_int_equal(ask(RESOLVER_SECOND, "good.test", PATIENCE_MS).outcome, NAME_EMPTY);
    check.options.family = AF_INET;
    assert_int_equal(ask(RESOLVER_SECOND, "both.test", PATIENCE_MS).count, 2);
}

static void test_what_is_no_name_is_not_there(void **state)
{
    char long_name[400];
    (void)state;
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(ask(RESOLVER_SECOND, long_name, PATIENCE_MS).outcome, NAME_NONE);
    assert_int_equal(ask(RESOLVER_SECOND, long_name + 200, PATIENCE_MS).outcome, NAME_NONE);
    assert_int_equal(ask(RESOLVER_SECOND, "", PATIENCE_MS).outcome, NAME_NONE);
    check.options.https = SLICE("https://127.0.0.1/dns-query");
    assert_int_equal(ask(RESOLVER_HTTPS, long_name, PATIENCE_MS).outcome, NAME_NONE);
}

static void test_who_is_not_there_cannot_be_asked(void **state)
{
    char port[64];
    (void)state;
    snprintf(port, sizeof(port), "%s", nobody());
    check.options.second = slice_from_string(port);
    assert_int_equal(ask(RESOLVER_SECOND, "good.test", PATIENCE_MS).outcome, NAME_UNREACHABLE);
    check.options.second = SLICE("no.address.test:53");
    assert_int_equal(ask(RESOLVER_SECOND, "good.test", PATIENCE_MS).outcome, NAME_UNKNOWN);
    check.options.second = SLICE_EMPTY;
    assert_int_equal(ask(RESOLVER_SECOND, "good.test", PATIENCE_MS).outcome, NAME_UNKNOWN);
    assert_int_equal(ask(RESOLVER_HTTPS, "good.test", PATIENCE_MS).outcome, NAME_UNKNOWN);
    struct name_facts names = ask(RESOLVER_SYSTEM, "good.test", PATIENCE_MS);
    assert_int_equal(names.outcome, NAME_UNREACHABLE); // its file names nobody
    assert_true(slice_equal(names.asked, slice_from_string(resolver_path)));
    system_is("fe80::1%lo", "unix:/tmp/socket");
    assert_int_equal(ask(RESOLVER_SYSTEM, "good.test", PATIENCE_MS).outcome, NAME_UNKNOWN);
    check.options.resolver_file = "/nonexistent/resolv.conf";
    assert_int_equal(ask(RESOLVER_SYSTEM, "good.test", PATIENCE_MS).outcome, NAME_UNREACHABLE);
}

static void test_the_systems_next_server_is_asked_when_one_fails(void **state)
{
    struct name_server lame = {.fails = true};
    (void)state;
    name_server_start(&lame);
    system_is(place_of(&lame.address),
        place_of(&server.address));
    assert_int_equal(ask(RESOLVER_SYSTEM, "good.test", PATIENCE_MS).count, 2);
    assert_int_equal(ask(RESOLVER_SYSTEM, "nowhere.test", PATIENCE_MS).outcome, NAME_NONE);
    system_is(nobody(), place_of(&server.address));
    assert_int_equal(ask(RESOLVER_SYSTEM, "good.test", PATIENCE_MS).count, 2);
    system_is(nobody(), place_of(&lame.address));
    assert_int_equal(ask(RESOLVER_SYSTEM, "good.test", PATIENCE_MS).outcome, NAME_FAILED);
    name_server_stop(&lame);
}

// --- Over HTTPS ---

static void test_https_says_the_same(void **state)
{
    (void)state;
    check.options.https = SLICE("https://good-resolver.test/dns-query"); // the second knows it
    struct name_facts names = ask(RESOLVER_HTTPS, "both.test", PATIENCE_MS);
    assert_int_equal(names.outcome, NAME_FOUND);
    assert_int_equal(names.count, 3);
    assert_true(has(&names, "192.0.2.8:8443"));
    assert_true(slice_equal(names.asked, check.options.https));
    assert_int_equal(atomic_load(&looks), 2); // one for each family
    assert_int_equal(ask(RESOLVER_HTTPS, "nowhere.test", PATIENCE_MS).outcome, NAME_NONE);
    assert_int_equal(ask(RESOLVER_HTTPS, "empty.test", PATIENCE_MS).outcome, NAME_EMPTY);
    assert_int_equal(ask(RESOLVER_HTTPS, "broken.test", PATIENCE_MS).outcome, NAME_FAILED);
    assert_int_equal(ask(RESOLVER_HTTPS, "torn.test", PATIENCE_MS).outcome, NAME_FAILED);
    assert_int_equal(ask(RESOLVER_HTTPS, "silent.test", PATIENCE_MS).outcome, NAME_FAILED); // empty
    assert_int_equal(ask(RESOLVER_HTTPS, "lame.test", PATIENCE_MS).count, 2);
}

static void test_https_fails_in_its_own_ways(void **state)
{
    (void)state;
    check.options.https = SLICE("https://127.0.0.1/dns-query");
    look_status = 503;
    assert_int_equal(ask(RESOLVER_HTTPS, "good.test", PATIENCE_MS).outcome, NAME_FAILED);
    look_outcome = ANSWER_UNREACHED;
    assert_int_equal(ask(RESOLVER_HTTPS, "good.test", PATIENCE_MS).outcome, NAME_UNREACHABLE);
    assert_int_equal(ask(RESOLVER_HTTPS, "good.test", 0).outcome, NAME_SILENT);
    look_outcome = ANSWER_SILENT;
    assert_int_equal(ask(RESOLVER_HTTPS, "good.test", 0).outcome, NAME_SILENT);
    look_outcome = ANSWER_RESET;
    assert_int_equal(ask(RESOLVER_HTTPS, "good.test", PATIENCE_MS).outcome, NAME_FAILED);
    unsigned before = atomic_load(&looks);
    check.options.https = SLICE("https://nowhere.test/dns-query");
    assert_int_equal(ask(RESOLVER_HTTPS, "good.test", PATIENCE_MS).outcome, NAME_UNREACHABLE);
    assert_int_equal(atomic_load(&looks), before); // nobody knows where it is
}

// --- Any ---

static void test_any_resolver_that_knows_it(void **state)
{
    struct name_server liar = {.knows = "nobody"};
    (void)state;
    name_server_start(&liar);
    system_is(place_of(&liar.address), "");
    assert_int_equal(ask(RESOLVER_SYSTEM, "good.test", PATIENCE_MS).outcome, NAME_NONE);
    assert_int_equal(ask_any("good.test", PATIENCE_MS).count, 2); // the second resolver's
    assert_int_equal(ask_any("nowhere.test", PATIENCE_MS).outcome, NAME_NONE);
    check.options.second = SLICE_EMPTY;
    assert_int_equal(ask_any("good.test", PATIENCE_MS).outcome, NAME_NONE);
    check.options.https = SLICE("https://127.0.0.1/dns-query");
    assert_int_equal(ask_any("good.test", PATIENCE_MS).count, 2);
    assert_true(atomic_load(&looks) > 0);
    name_server_stop(&liar);
}

static void test_what_is_written_down_is_not_asked_for(void **state)
{
    (void)state;
    struct name_facts names = ask_any("written.test", PATIENCE_MS);
    assert_true(names.count == 1 && has(&names, "127.0.0.9:8443"));
    names = ask_any("2001:db8::5", PATIENCE_MS);
    assert_true(names.count == 1 && has(&names, "[2001:db8::5]:8443"));
    check.options.is_remote = true; // nothing of this machine
    assert_int_equal(ask_any("written.test", PATIENCE_MS).outcome, NAME_NONE);
}

// --- Its end ---

static void end_check(void *context)
{
    struct check *ended = context;
    atomic_store(&ended->is_over, true);
    assert_int_equal(write(ended->stop[1], "", 1), 1);
}

static void test_the_end_of_the_check_ends_it(void **state)
{
    struct name_server ending = {.heard = end_check, .context = &check};
    (void)state;
    name_server_start(&ending);
    check.options.second = slice_from_string(place_of(&ending.address));
    assert_int_equal(ask(RESOLVER_SECOND, "silent.test", PATIENCE_MS).outcome, NAME_UNKNOWN);
    assert_int_equal(ask(RESOLVER_SECOND, "silent.test", PATIENCE_MS).outcome, NAME_UNKNOWN);
    assert_int_equal(ask_any("silent.test", PATIENCE_MS).outcome, NAME_UNKNOWN);
    name_server_stop(&ending);
}

// --- The step ---

static struct facts *facts_about(const char *host)
{
    struct facts *facts = arena_zero_alloc(&check.arena, sizeof(*facts));
    assert_non_null(facts);
    facts->target = (struct target){.host = slice_from_string(host), .port = 8443};
    return facts;
}

static void test_the_step_asks_all_of_them(void **state)
{
    (void)state;
    system_is(place_of(&server.address), "");
    check.options.https = SLICE("https://127.0.0.1/dns-query");
    check.options.control = SLICE("https://good.test/");
    struct facts *facts = facts_about("both.test");
    step_names(&check, facts);
    assert_int_equal(facts->names[RESOLVER_SYSTEM].outcome, NAME_FOUND);
    assert_int_equal(facts->names[RESOLVER_SYSTEM].works, FACT_GOOD);
    assert_int_equal(facts->attempt_count, 3);
    for (unsigned i = 0; i < facts->attempt_count; i++)
        assert_true((facts->attempts[i].named_by & 1) != 0);

    facts = facts_about("nowhere.test");
    facts->environment.hosts_address = server.address;
    step_names(&check, facts);
    for (unsigned i = 0; i < RESOLVER_COUNT; i++) {
        assert_int_equal(facts->names[i].outcome, NAME_NONE);
        assert_int_equal(facts->names[i].works, FACT_GOOD); // it knows the control
    }
    assert_int_equal(facts->attempt_count, 1); // the hosts file's
    assert_int_equal(facts->attempts[0].named_by, 0);
    assert_int_equal(address_port(&facts->attempts[0].address), 8443);
}

static void test_a_resolver_that_knows_nobody_is_broken(void **state)
{
    struct name_server liar = {.knows = "nobody"};
    (void)state;
    name_server_start(&liar);
    system_is(place_of(&liar.address), "");
    check.options.control = SLICE("https://good.test/");
    struct facts *facts = facts_about("both.test");
    step_names(&check, facts);
    assert_int_equal(facts->names[RESOLVER_SYSTEM].outcome, NAME_NONE);
    assert_int_equal(facts->names[RESOLVER_SYSTEM].works, FACT_BAD);
    assert_int_equal(facts->names[RESOLVER_SECOND].works, FACT_GOOD);
    assert_int_equal(facts->names[RESOLVER_HTTPS].outcome, NAME_UNKNOWN);
    assert_int_equal(facts->names[RESOLVER_HTTPS].works, FACT_UNKNOWN);
    assert_int_equal(facts->attempts[0].named_by, 1u << RESOLVER_SECOND);
    name_server_stop(&liar);
}

static void test_one_that_hangs_holds_nobody_up(void **state)
{
    int mute = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct address address;
    socklen_t size = sizeof(address);
    (void)state;
    assert_int_equal(address_parse(SLICE("127.0.0.1:0"), &address), ERROR_NONE);
    assert_int_equal(bind(mute, &address.any, address_size(&address)), 0);
    assert_int_equal(getsockname(mute, &address.any, &size), 0);
    check.options.second = slice_from_string(place_of(&address));
    system_is(place_of(&server.address), "");
    struct facts *facts = facts_about("good.test");
    step_names(&check, facts); // a minute before its end
    assert_int_equal(facts->names[RESOLVER_SYSTEM].outcome, NAME_FOUND);
    assert_int_equal(facts->names[RESOLVER_SECOND].outcome, NAME_UNKNOWN);
    assert_int_equal(facts->attempt_count, 2);
    close(mute);
}

static void test_an_address_is_asked_nobody_for(void **state)
{
    (void)state;
    struct facts *facts = facts_about("2001:db8::5");
    step_names(&check, facts);
    assert_int_equal(facts->names[RESOLVER_SECOND].outcome, NAME_UNKNOWN);
    assert_int_equal(facts->attempt_count, 1);
    assert_int_equal(facts->attempts[0].named_by, 0);
    check.options.family = AF_INET;
    step_names(&check, facts);
    assert_int_equal(facts->attempt_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_resolver_says_what_it_knows),
        TEST(test_what_does_not_fit_a_datagram_comes_by_tcp),
        TEST(test_one_family_suffices),
        TEST(test_what_is_no_name_is_not_there),
        TEST(test_who_is_not_there_cannot_be_asked),
        TEST(test_the_systems_next_server_is_asked_when_one_fails),
        TEST(test_https_says_the_same),
        TEST(test_https_fails_in_its_own_ways),
        TEST(test_any_resolver_that_knows_it),
        TEST(test_what_is_written_down_is_not_asked_for),
        TEST(test_the_end_of_the_check_ends_it),
        TEST(test_the_step_asks_all_of_them),
        TEST(test_a_resolver_that_knows_nobody_is_broken),
        TEST(test_one_that_hangs_holds_nobody_up),
        TEST(test_an_address_is_asked_nobody_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
