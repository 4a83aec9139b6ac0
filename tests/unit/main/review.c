// What settings say together: each mistake and warning and where it stands, in one run with others.
#include "main/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const char *yaml, enum error expected_error, const char *expected)
{
    static struct conf_mistakes mistakes;
    struct arena arena;
    struct settings settings;
    char *lines;
    size_t size;
    arena_init(&arena, 4096, (size_t)64 << 20);
    enum error error = conf_load_text(slice_from_string(yaml), &settings_root, &arena, &settings,
        &mistakes);
    FILE *out = open_memstream(&lines, &size);
    assert_non_null(out);
    conf_print_mistakes(&mistakes, "f", out);
    fclose(out);
    assert_string_equal(lines, expected);
    assert_int_equal(error, expected_error);
    free(lines);
    arena_free(&arena);
}

#define MAIN "origins: {main: {backends: [\"http://a\"]}, images: {backends: [\"http://b\"]}}\n"

static void test_unknown_origins(void **state)
{
    (void)state;
    expect(MAIN "sites:\n"
                "  - {hosts: a.example, origin: imges}\n"
                "  - {hosts: b.example, origin: elsewhere}\n"
                "  - {hosts: c.example, origin: \"\"}\n"
                "  - {hosts: d.example, origin: images}\n"
                "  - {hosts: e.example}\n", ERROR_INVALID,
        "f:3:32: sites[1].origin: \"imges\" is not among the origins; did you mean \"images\"?\n"
        "f:4:32: sites[2].origin: \"elsewhere\" is not among the origins; expected one that is, "
        "such as \"main\"\n"
        "f:5:32: sites[3].origin: \"\" is not among the origins; expected one that is, such as "
        "\"main\"\n");
    // The default, where there is no such origin, stands where the site does.
    expect("origins: {mian: {backends: [\"http://a\"]}}\nsites:\n  - hosts: a.example\n",
        ERROR_INVALID,
        "f:3:5: sites[1].origin: \"main\" is not among the origins; did you mean \"mian\"?\n");
}

static void test_hosts_that_two_sites_name(void **state)
{
    (void)state;
    expect(MAIN "sites:\n"
                "  - hosts: [a.example, b.example, a.example]\n"
                "  - hosts:\n"
                "      - c.example\n"
                "      - B.Example\n"
                "  - hosts: a.example\n"
                "  - hosts: [d.example, a.example, a.exampl]\n", ERROR_INVALID,
        "f:6:9: sites[2].hosts[2]: \"B.Example\" belongs to sites[1] already; expected each host "
        "once\n"
        "f:7:12: sites[3].hosts[1]: \"a.example\" belongs to sites[1] already; expected each host "
        "once\n"
        "f:8:24: sites[4].hosts[2]: \"a.example\" belongs to sites[1] already; expected each host "
        "once\n");
}

static void test_two_sites_that_take_all_others(void **state)
{
    (void)state;
    expect(MAIN "sites:\n"
                "  - origin: main\n"
                "  - hosts: a.example\n"
                "  - origin: images\n"
                "  - {hosts: [], origin: images}\n", ERROR_INVALID,
        "f:5:5: sites[3]: has no hosts, and sites[1] takes all others already; expected hosts\n"
        "f:6:13: sites[4]: has no hosts, and sites[1] takes all others already; expected hosts\n");
}

static void test_aliases_are_hosts_and_lead_somewhere(void **state)
{
    (void)state;
    expect(MAIN "sites:\n"
                "  - {hosts: [a.example, \"*.a.example\"], aliases: [b.example, A.example]}\n"
                "  - {hosts: [c.example, B.example], aliases: [\"*.A.example\", d.example]}\n"
                "  - {aliases: e.example}\n"
                "  - {hosts: [\"*.f.example\", f.example], aliases: g.example}\n", ERROR_INVALID,
        "f:3:62: sites[1].aliases[2]: \"A.example\" belongs to sites[1] already; expected each "
        "host once\n"
        "f:4:25: sites[2].hosts[2]: \"B.example\" belongs to sites[1] already; expected each host "
        "once\n"
        "f:4:47: sites[2].aliases[1]: \"*.A.example\" belongs to sites[1] already; expected each "
        "host once\n"
        "f:5:15: sites[3].aliases: lead to the first of hosts, and there is none; expected hosts\n"
        "f:6:14: sites[4].hosts[1]: \"*.f.example\" is no name that aliases could lead to; "
        "expected one without * first\n");
}

static void test_origins_of_rules(void **state)
{
    (void)state;
    expect(MAIN "sites:\n"
                "  - rules: [{path: /a, origin: main}, {path: /b, origin: mian}]\n", ERROR_INVALID,
        "f:3:58: sites[1].rules[2].origin: \"mian\" is not among the origins; did you mean "
        "\"main\"?\n");
}

static void test_siblings_need_an_origin_and_a_secret(void **state)
{
    (void)state;
    expect(MAIN "sites:\n"
                "  - {hosts: a.example, peers: {origin: imges, secret: 0123456789abcdef}}\n"
                "  - {hosts: b.example, peers: {origin: images}}\n"
                "  - {hosts: c.example, peers: {secret: 0123456789abcdef}}\n", ERROR_INVALID,
        "f:3:40: sites[1].peers.origin: \"imges\" is not among the origins; did you mean "
        "\"images\"?\n"
        "f:4:40: sites[2].peers.origin: siblings know each other by a secret; set peers.secret, "
        "the same on all of them\n");
}

static void test_mistakes_of_all_kinds_are_told_in_one_run(void **state)
{
    (void)state;
    expect("threads: many\n"
           "origins: {main: {backends: [\"http://a\"], balance: hsh}}\n"
           "sites:\n"
           "  - {hosts: a.example, origin: mian, forwarded: 1}\n"
           "  - {hosts: [b.example, a.example], orgin: main}\n", ERROR_INVALID,
        "f:1:10: threads: \"many\" is not a whole number; expected a whole number between 0 and "
        "256\n"
        "f:2:51: origins.main.balance: \"hsh\" is unknown; did you mean \"hash\"?; expected one of "
        "round_robin, least_requests or hash\n"
        "f:4:32: sites[1].origin: \"mian\" is not among the origins; did you mean \"main\"?\n"
        "f:4:49: sites[1].forwarded: \"1\" is neither; expected true or false\n"
        "f:5:25: sites[2].hosts[2]: \"a.example\" belongs to sites[1] already; expected each host "
        "once\n"
        "f:5:37: sites[2]: unknown setting \"orgin\"; did you mean \"origin\"?\n");
}

// One mistake is told once: what follows from it is not told.
static void test_only_a_vantage_has_no_origin(void **state)
{
    (void)state;
    expect("origins: {}\n", ERROR_INVALID, "f:1:1: origins: too few items (0); expected at least "
        "1, or a vantage or a status page that serves no site\n");
    expect("origins: {}\nstatus: {name: E}\n", ERROR_NONE, "");
    expect("origins: {}\nvantage: {enabled: true}\n", ERROR_NONE, "");
    expect("origins: {}\nprefix: \"\"\nvantage: {enabled: true}\n", ERROR_INVALID,
        "f:3:20: vantage: has no path to be asked at; expected a prefix\n");
}

static void test_a_host_is_a_sites_or_the_status_pages(void **state)
{
    (void)state;
    expect(MAIN "sites: [{hosts: a.example, aliases: b.example}]\n"
        "status: {name: E, hosts: [s.example]}\n", ERROR_NONE, "");
    expect(MAIN "sites: [{hosts: a.example, aliases: b.example}]\n"
        "status: {name: E, hosts: [A.example, b.example, \"*\"]}\n", ERROR_INVALID,
        "f:3:27: status.hosts[1]: \"A.example\" is a site's; expected one that is no site's\n"
        "f:3:38: status.hosts[2]: \"b.example\" is a site's; expected one that is no site's\n"
        "f:3:49: status.hosts[3]: \"*\" would take all hosts from the sites; expected names such "
        "as status.example.org\n");
    expect("origins: {}\nstatus: {name: E, hosts: [\"*\"]}\n", ERROR_NONE, "");
    expect("origins: {}\nstatus: {name: E, notify: {subscribe: true, mail: {server: "
        "\"smtp://127.0.0.1\", from: a@example.org}}}\n", ERROR_INVALID,
        "f:2:39: status.notify.subscribe: links in mails lead nowhere; expected status.url, such "
        "as https://status.example.org\n");
    expect(MAIN "status: {hosts: [s.example]}\n", ERROR_INVALID,
        "f:2:17: status: has no name, so there is no status page; expected name, such as "
        "Example\n");
    expect(MAIN "prefix: \"\"\nstatus: {name: E}\n", ERROR_INVALID,
        "f:3:16: status: the page is nowhere; expected hosts, or a prefix\n");
}

static void test_a_wrong_value_has_no_further_mistakes(void **state)
{
    (void)state;
    expect("origins: 5\nsites: [{hosts: a.example, origin: x}]\n", ERROR_INVALID,
        "f:1:10: origins: \"5\" cannot stand here; expected sections by name: indented lines of "
        "\"name:\", settings below\n");
    expect(MAIN "sites: [5, 6, {origin: [main]}]\n", ERROR_INVALID,
        "f:2:9: sites[1]: \"5\" cannot stand here; expected a section: indented lines of \"name: "
        "value\"\n"
        "f:2:12: sites[2]: \"6\" cannot stand here; expected a section: indented lines of \"name: "
        "value\"\n"
        "f:2:24: sites[3].origin: a list cannot stand here; expected text\n");
    expect(MAIN "sites: [{lifelines: {stale_if_error: 5}, cache: {keep: 5}}]\n", ERROR_INVALID,
        "f:2:38: sites[1].lifelines.stale_if_error: \"5\" cannot stand here; expected a section: "
        "indented lines of \"name: value\"\n"
        "f:2:56: sites[1].cache.keep: \"5\" has no unit; expected a duration such as 250ms or 10s "
        "between 0 and 3650d\n");
}

static void test_what_is_unwise(void **state)
{
    (void)state;
    expect("origins:\n"
           "  main: {backends: [\"http://a\"], probe: {path: /up, timeout: 5s}}\n"
           "  b: {backends: [\"http://a\"], probe: {path: /up, interval: 2s}}\n"
           "  c: {backends: [\"http://a\"], probe: {timeout: 9s}}\n"
           "  d: {backends: [\"http://a\"], probe: {path: /up, timeout: 4999ms}}\n"
           "sites:\n"
           "  - cache: {keep: 0s}\n"
           "    lifelines:\n"
           "      stale_if_error: {enabled: false}\n"
           "      stale_if_slow: {enabled: false}\n"
           "      retry: {enabled: false}\n"
           "      coalesce: {enabled: false}\n"
           "      honest_page: {enabled: false}\n", ERROR_NONE,
        "f:2:62: warning: origins.main.probe.timeout: the timeout is not shorter than the "
        "interval, so probes of a slow backend come later than asked for\n"
        "f:3:60: warning: origins.b.probe.interval: the timeout is not shorter than the interval, "
        "so probes of a slow backend come later than asked for\n"
        "f:7:19: warning: sites[1].cache.keep: no copy outlives its freshness unless the origin "
        "says so, so hardly any is there when the backend fails\n"
        "f:9:33: warning: sites[1].lifelines.stale_if_error.enabled: visitors get errors for pages "
        "of which a copy is kept\n"
        "f:10:32: warning: sites[1].lifelines.stale_if_slow.enabled: visitors wait for a slow "
        "backend although a copy is kept\n"
        "f:11:24: warning: sites[1].lifelines.retry.enabled: visitors get the error of one backend "
        "although another might answer\n"
        "f:12:27: warning: sites[1].lifelines.coalesce.enabled: all visitors of an expired page "
        "ask the backend at once, when it can stand it least\n"
        "f:13:30: warning: sites[1].lifelines.honest_page.enabled: visitors are not told whose "
        "fault an error is nor when to come back\n");
    expect(MAIN, ERROR_NONE, ""); // the defaults are wise
}

// Each would by itself cost some visitor an error or a long wait.
static void test_what_makes_errors(void **state)
{
    (void)state;
    expect("origins:\n"
           "  main:\n"
           "    backends: [\"http://a\", \"http://b\"]\n"
           "    probe: {path: /up, expect: \"200\", fall: 1}\n"
           "    timeouts: {connect: 100ms, first_byte: 500ms, between_bytes: 500ms, total: 400ms}\n"
           "    pool: {connections: 4}\n"
           "    retry: {attempts: 1, budget: 0%, floor: 0}\n"
           "sites:\n"
           "  - lifelines:\n"
           "      hold: {enabled: false, time: 500ms}\n"
           "      stale_if_slow: {deadline: 5s}\n"
           "      maintenance: {longest: 2h}\n", ERROR_NONE,
        "f:4:32: warning: origins.main.probe.expect: a backend that redirects /up, to "
        "https:// for instance, counts as sick; 200-399 means that it works\n"
        "f:4:45: warning: origins.main.probe.fall: one lost probe makes a backend sick; 2 or "
        "more are certain of it\n"
        "f:5:25: warning: origins.main.timeouts.connect: one lost packet is an error, for it "
        "takes a second to be sent again; 2s allows for that\n"
        "f:5:44: warning: origins.main.timeouts.first_byte: pages that take longer to make "
        "are errors, on a busy day too; 10s or more is safe, for copies go out after "
        "lifelines.stale_if_slow.deadline in any case\n"
        "f:5:66: warning: origins.main.timeouts.between_bytes: content is cut off when the "
        "backend pauses, to ask its database for instance; 10s or more is safe\n"
        "f:5:80: warning: origins.main.timeouts.total: it is over before first_byte is, and "
        "cuts off whatever takes longer to download; 0 lets answers go on while they make "
        "progress\n"
        "f:6:25: warning: origins.main.pool.connections: so few large answers at once and "
        "nobody else is served; 100 or more, or use concurrency.most to spare the backend\n"
        "f:7:23: warning: origins.main.retry.attempts: what one backend fails at is an error "
        "although another might answer; 2 or 3 ask it\n"
        "f:7:45: warning: origins.main.retry.floor: with a budget of 0 a backend is never "
        "asked again, whatever the lifelines say; 3 is enough for a quiet site\n"
        "f:10:23: warning: sites[1].lifelines.hold.enabled: even while a backend only "
        "restarts, pages never seen are errors; true lets them wait\n"
        "f:10:36: warning: sites[1].lifelines.hold.time: no backend restarts within that, so "
        "waiting hardly saves anybody; 10s or more does\n"
        "f:11:33: warning: sites[1].lifelines.stale_if_slow.deadline: "
        "origins.main.timeouts.first_byte is over by then, so visitors wait for that "
        "although a copy is kept; a second or two is what they put up with\n"
        "f:12:30: warning: sites[1].lifelines.maintenance.longest: a backend that says too "
        "much is not asked for so long although it is back; 5m notices it\n");
}

static void test_a_page_of_all_sites(void **state)
{
    (void)state;
    expect(MAIN "sites: [{hosts: a.example}, {hosts: b.example}]\nstatus: {name: Example}\n",
        ERROR_NONE, "f:3:16: warning: status.name: /.afloat/status of every host shows all 2 sites "
        "to the visitors of each; without it each host tells programs of its own site alone, and "
        "status.hosts says that the page is meant for all\n");
    expect(MAIN "sites: [{hosts: a.example}, {hosts: b.example}]\n"
                "status: {name: Example, hosts: [status.example]}\n", ERROR_NONE, "");
    expect(MAIN "sites: [{hosts: a.example}]\nstatus: {name: Example}\n", ERROR_NONE, "");
    expect(MAIN "sites: [{hosts: a.example}, {hosts: b.example}]\nstatus: {rounds: 3}\n",
        ERROR_NONE, "");
}

static void test_a_file_without_sites_gets_one_for_every_host(void **state)
{
    (void)state;
    static struct conf_mistakes mistakes;
    struct arena arena;
    struct settings settings;
    arena_init(&arena, 4096, (size_t)1 << 20);
    assert_int_equal(conf_load_text(SLICE("origins: {only: {backends: [\"http://a\"]}}\n"),
        &settings_root, &arena, &settings, &mistakes), ERROR_NONE);
    assert_int_equal(settings.edge.sites.count, 0);
    assert_int_equal(settings_complete(&settings, &arena), ERROR_NONE);
    assert_int_equal(settings.edge.sites.count, 1);
    const struct site_settings *site = settings.edge.sites.items;
    assert_int_equal(site->hosts.count, 0);
    assert_true(slice_equal(site->origin, SLICE("only")));
    assert_true(site->lifelines.of[LIFELINE_STALE_IF_ERROR].enabled);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_origins),
        cmocka_unit_test(test_hosts_that_two_sites_name),
        cmocka_unit_test(test_two_sites_that_take_all_others),
        cmocka_unit_test(test_aliases_are_hosts_and_lead_somewhere),
        cmocka_unit_test(test_origins_of_rules),
        cmocka_unit_test(test_siblings_need_an_origin_and_a_secret),
        cmocka_unit_test(test_mistakes_of_all_kinds_are_told_in_one_run),
        cmocka_unit_test(test_only_a_vantage_has_no_origin),
        cmocka_unit_test(test_a_host_is_a_sites_or_the_status_pages),
        cmocka_unit_test(test_a_wrong_value_has_no_further_mistakes),
        cmocka_unit_test(test_what_is_unwise),
        cmocka_unit_test(test_what_makes_errors),
        cmocka_unit_test(test_a_page_of_all_sites),
        cmocka_unit_test(test_a_file_without_sites_gets_one_for_every_host),
    };
    return cmocka_run_group_tests_name("main.review", tests, NULL, NULL);
}
