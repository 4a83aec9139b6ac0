// The command line against the real tables: what is kept, what is said of mistakes, and that the
// settings written for flags are read back the same.
#include "main/command_line.h"
#include "conf/conf.h"
#include "main/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1784289600000) // 2026-07-17T12:00:00Z
#define WORDS_MAX 32

// Splits at spaces; a word in single quotes may hold some.
static int split(char *words, char **argv)
{
    int argc = 0;
    for (char *at = words; *at != '\0';) {
        char end = *at == '\'' ? '\'' : ' ';
        at += *at == '\'';
        argv[argc++] = at;
        assert_true(argc < WORDS_MAX);
        char *stop = strchr(at, end);
        if (stop == NULL)
            break;
        *stop = '\0';
        at = stop + 1;
        at += end == '\'' && *at == ' ';
    }
    return argc;
}

static bool parse(const char *words, struct command_line *ret_line, char *message)
{
    static char copy[4096]; // the struct points into it
    char *argv[WORDS_MAX];
    char buffer[COMMAND_ERROR_MAX];
    struct text error = text_in(buffer, sizeof(buffer));
    snprintf(copy, sizeof(copy), "%s", words);
    int argc = split(copy, argv);
    bool good = command_line_parse(argc, argv, &settings_root, NOW, ret_line, &error);
    assert_false(error.full);
    assert_true(good == (error.size == 0));
    snprintf(message, COMMAND_ERROR_MAX, "%.*s", SLICE_ARGS(text_slice(&error)));
    return good;
}

static struct command_line good(const char *words)
{
    struct command_line line;
    char message[COMMAND_ERROR_MAX];
    if (!parse(words, &line, message))
        fail_msg("%s: %s", words, message);
    return line;
}

static void bad(const char *words, const char *expected)
{
    struct command_line line, before;
    char message[COMMAND_ERROR_MAX];
    memset(&line, 0x5A, sizeof(line));
    before = line;
    assert_false(parse(words, &line, message));
    assert_string_equal(message, expected);
    assert_memory_equal(&line, &before, sizeof(line)); // untouched
}

static void test_run_with_flags(void **state)
{
    (void)state;
    struct command_line line = good("afloat run --listen :8080 --origin http://127.0.0.1:8000");
    assert_int_equal(line.command, COMMAND_RUN);
    assert_null(line.run.config);
    assert_null(line.state);
    assert_int_equal(line.run.listen.count, 1);
    assert_string_equal(line.run.listen.items[0], ":8080");
    assert_string_equal(line.run.origins.items[0], "http://127.0.0.1:8000");

    line = good("afloat run --listen=127.0.0.1:0 --listen [::1]:80 --origin http://a "
                "--origin=http://b:81 --site example.org --site=www.example.org --probe /health "
                "--state /tmp/x=y --memory 64MB --threads=2");
    assert_int_equal(line.run.listen.count, 2);
    assert_string_equal(line.run.listen.items[1], "[::1]:80");
    assert_int_equal(line.run.origins.count, 2);
    assert_string_equal(line.run.origins.items[1], "http://b:81");
    assert_int_equal(line.run.sites.count, 2);
    assert_string_equal(line.run.sites.items[1], "www.example.org");
    assert_string_equal(line.run.probe, "/health");
    assert_string_equal(line.state, "/tmp/x=y");
    assert_string_equal(line.run.memory, "64MB");
    assert_string_equal(line.run.threads, "2");

    line = good("afloat run --origin https://a --tls :443 --certificate a.pem --key a.key "
                "--certificate b.pem --key b.key");
    assert_int_equal(line.run.tls.count, 1);
    assert_string_equal(line.run.certificates.items[1], "b.pem");
    assert_string_equal(line.run.keys.items[1], "b.key");
}

static void test_run_with_a_file(void **state)
{
    (void)state;
    assert_string_equal(good("afloat run --config edge.yaml").run.config, "edge.yaml");
    bad("afloat run --config edge.yaml --listen :80",
        "afloat run: --listen cannot stand beside --config; write it into the file");
    bad("afloat run --state /tmp --config edge.yaml",
        "afloat run: --state cannot stand beside --config; write it into the file");
    bad("afloat run", "afloat run: nothing to serve; expected --origin URL or --config FILE");
    bad("afloat run --listen :80",
        "afloat run: nothing to serve; expected --origin URL or --config FILE");
}

static void test_bad_values(void **state)
{
    (void)state;
    static const char *const addresses[] = {"8080", "localhost:80", ":", ":99999", ":-1", "[::1]",
        "1.2.3:80", "127.0.0.1", "unix:/tmp/socket"};
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        char words[256], expected[512];
        snprintf(words, sizeof(words), "afloat run --origin http://a --listen %s", addresses[i]);
        snprintf(expected, sizeof(expected), "afloat run: --listen: \"%s\" is no address; expected "
            "ADDR:PORT, such as :8080, 127.0.0.1:8080 or [::1]:8080", addresses[i]);
        bad(words, expected);
    }
    bad("afloat run --origin a:80",
        "afloat run: --origin: \"a:80\" does not begin with http:// or https://; expected one "
        "such as http://127.0.0.1:8000");
    bad("afloat run --origin http://a --tls :443",
        "afloat run: --tls needs a certificate; expected --certificate FILE --key FILE");
    bad("afloat run --origin http://a --tls :443 --certificate a.pem",
        "afloat run: 1 times --certificate and 0 times --key; expected one for each other");
    bad("afloat run --origin http://a --tls 443 --certificate a.pem --key a.key",
        "afloat run: --tls: \"443\" is no address; expected ADDR:PORT, such as :443, "
        "192.0.2.1:443 or [::1]:443");
    bad("afloat run --origin http://a --probe health",
        "afloat run: --probe: \"health\" is no path; expected one such as /health");
    static const char *const hosts[] = {"https://example.org", "example.org:80", "example.org/",
        "a..b", "''"};
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        char words[256], expected[512];
        const char *shown = hosts[i][0] == '\'' ? "" : hosts[i];
        snprintf(words, sizeof(words), "afloat run --origin http://a --site %s", hosts[i]);
        snprintf(expected, sizeof(expected), "afloat run: --site: \"%s\" is no host name; "
            "expected one such as example.org or *.example.org, without a port", shown);
        bad(words, expected);
    }
    bad("afloat run --origin http://a --memory 64XB",
        "afloat run: --memory: \"64XB\" is not a size; expected a size such as 512KB or 64MB "
        "between 1MB and 16TB");
    bad("afloat run --origin http://a --memory 1KB",
        "afloat run: --memory: \"1KB\" is too small; expected a size such as 512KB or 64MB "
        "between 1MB and 16TB");
    bad("afloat run --origin http://a --threads many",
        "afloat run: --threads: \"many\" is not a whole number; expected a whole number between 0 "
        "and 256");
    bad("afloat run --origin http://a --threads 257",
        "afloat run: --threads: \"257\" is too large; expected a whole number between 0 and 256");
    bad("afloat run --origin http://a --state ''",
        "afloat run: --state: nothing is given; expected DIR");
    bad("afloat run --origin http://a --state /\xFF",
        "afloat run: --state: \"/\xFF\" is not UTF-8");
}

static void test_unknown_names(void **state)
{
    (void)state;
    bad("afloat", "afloat: a command is missing; see afloat help");
    bad("afloat rnu", "afloat: no such command \"rnu\"; did you mean \"run\"?");
    bad("afloat chuck", "afloat: no such command \"chuck\"; did you mean \"check\"?");
    bad("afloat --verzion", "afloat: no such flag \"--verzion\"; did you mean \"--version\"?");
    bad("afloat run --lisen :80",
        "afloat run: no such flag \"--lisen\"; did you mean \"--listen\"?");
    bad("afloat run --lisen=:80",
        "afloat run: no such flag \"--lisen\"; did you mean \"--listen\"?");
    bad("afloat run --frobnicate",
        "afloat run: no such flag \"--frobnicate\"; see afloat help run");
    bad("afloat run -l :80", "afloat run: no such flag \"-l\"; see afloat help run");
    bad("afloat status --listen :80",
        "afloat status: --listen is a flag of other commands; see afloat help status");
    bad("afloat status '\x1B[31mred'",
        "afloat status: \"?[31mred\" is one word too many; see afloat help status");
    bad("afloat help ruin", "afloat help: no such command \"ruin\"; did you mean \"run\"?");
}

static void test_how_flags_stand(void **state)
{
    (void)state;
    bad("afloat run --listen", "afloat run: --listen needs a value; expected --listen ADDR:PORT");
    bad("afloat run --listen --origin http://a",
        "afloat run: --listen needs a value; expected --listen ADDR:PORT");
    bad("afloat status --json=yes", "afloat status: --json takes no value");
    bad("afloat status --json --json", "afloat status: --json stands twice; expected it once");
    bad("afloat run --memory 64MB --memory=65MB",
        "afloat run: --memory stands twice; expected it once");
    bad("afloat status now", "afloat status: \"now\" is one word too many; see afloat help status");
    assert_string_equal(good("afloat maintenance on --message=--soon").maintenance.message,
        "--soon");
    assert_string_equal(good("afloat check-config -- --odd").config_file, "--odd");
}

static void test_repeated_flags_are_bounded(void **state)
{
    (void)state;
    char *argv[2 + COMMAND_TEXTS_MAX + 1] = {(char[]){"afloat"}, (char[]){"run"}};
    char origin[] = "--origin=http://a", buffer[COMMAND_ERROR_MAX];
    for (size_t i = 0; i < COMMAND_TEXTS_MAX + 1; i++)
        argv[2 + i] = origin;
    struct command_line line;
    struct text error = text_in(buffer, sizeof(buffer));
    assert_true(command_line_parse(2 + COMMAND_TEXTS_MAX, argv, &settings_root, NOW, &line,
        &error));
    assert_int_equal(line.run.origins.count, COMMAND_TEXTS_MAX);
    assert_false(command_line_parse((int)ARRAY_SIZE(argv), argv, &settings_root, NOW, &line,
        &error));
    static const char expected[] = "afloat run: --origin stands more than 64 times; expected "
                                   "fewer, or a settings file";
    assert_int_equal(error.size, sizeof(expected) - 1);
    assert_memory_equal(buffer, expected, error.size);
}

static void test_check_config(void **state)
{
    (void)state;
    struct command_line line = good("afloat check-config edge.yaml");
    assert_int_equal(line.command, COMMAND_CHECK_CONFIG);
    assert_string_equal(line.config_file, "edge.yaml");
    bad("afloat check-config", "afloat check-config: no file is named; expected FILE");
    bad("afloat check-config a b",
        "afloat check-config: \"b\" is one word too many; see afloat help check-config");
}

static void test_purge(void **state)
{
    (void)state;
    struct command_line line = good("afloat purge --url https://example.org/a --state /run/a");
    assert_int_equal(line.command, COMMAND_PURGE);
    assert_string_equal(line.purge.kind, "url");
    assert_string_equal(line.purge.what, "https://example.org/a");
    assert_false(line.purge.hard);
    assert_string_equal(line.state, "/run/a");
    line = good("afloat purge --hard --prefix=example.org/images/");
    assert_string_equal(line.purge.kind, "prefix");
    assert_true(line.purge.hard);
    line = good("afloat purge --tag article-17");
    assert_string_equal(line.purge.kind, "tag");
    assert_string_equal(line.purge.what, "article-17");
    line = good("afloat purge --all");
    assert_string_equal(line.purge.kind, "all");
    assert_null(line.purge.what);
    bad("afloat purge", "afloat purge: purge what? expected --url, --prefix, --tag or --all");
    bad("afloat purge --hard",
        "afloat purge: purge what? expected --url, --prefix, --tag or --all");
    bad("afloat purge --all --tag a",
        "afloat purge: --all and --tag stand together; expected one of them");
    bad("afloat purge --url ftp://a/b",
        "afloat purge: --url: \"ftp://a/b\" is no URL; expected one such as "
        "https://example.org/news");
    bad("afloat purge --tag 'a b'",
        "afloat purge: --tag: \"a b\" is no tag; expected one word such as article-17");
}

static void test_status(void **state)
{
    (void)state;
    struct command_line line = good("afloat status");
    assert_int_equal(line.command, COMMAND_STATUS);
    assert_false(line.json);
    line = good("afloat status --state=/run/a --json");
    assert_true(line.json);
    assert_string_equal(line.state, "/run/a");
}

static void test_outbox(void **state)
{
    (void)state;
    struct command_line line = good("afloat outbox list --all --json");
    assert_int_equal(line.command, COMMAND_OUTBOX);
    assert_string_equal(line.outbox.action, "list");
    assert_null(line.outbox.id);
    assert_true(line.outbox.all);
    assert_true(line.json);
    line = good("afloat outbox retry 0123 --state /run/a");
    assert_string_equal(line.outbox.action, "retry");
    assert_string_equal(line.outbox.id, "0123");
    assert_string_equal(good("afloat outbox drop a").outbox.action, "drop");
    assert_string_equal(good("afloat outbox show a").outbox.action, "show");
    bad("afloat outbox", "afloat outbox: do what? expected list, show, retry or drop");
    bad("afloat outbox send a", "afloat outbox: do what? expected list, show, retry or drop");
    bad("afloat outbox list a", "afloat outbox: list takes no ID; expected show");
    bad("afloat outbox retry",
        "afloat outbox: retry which one? expected an ID, see afloat outbox list");
    bad("afloat outbox drop --all a", "afloat outbox: --all goes with list only");
    bad("afloat outbox drop a b",
        "afloat outbox: \"b\" is one word too many; see afloat help outbox");
    bad("afloat outbox drop \xFF", "afloat outbox: that is no ID; see afloat outbox list");
}

static void test_maintenance(void **state)
{
    (void)state;
    struct command_line line = good("afloat maintenance on");
    assert_int_equal(line.command, COMMAND_MAINTENANCE);
    assert_true(line.maintenance.on);
    assert_int_equal(line.maintenance.until_ms, 0);
    assert_null(line.maintenance.message);
    line = good("afloat maintenance --until 30m on --message 'Back soon.'");
    assert_true(line.maintenance.on);
    assert_int_equal(line.maintenance.until_ms, NOW + 30 * 60000);
    assert_string_equal(line.maintenance.message, "Back soon.");
    assert_false(good("afloat maintenance off").maintenance.on);
    bad("afloat maintenance",
        "afloat maintenance: on or off? expected one of them, or add, list or remove");
    bad("afloat maintenance ON",
        "afloat maintenance: on or off? expected one of them, or add, list or remove");
    bad("afloat maintenance off --until 30m",
        "afloat maintenance: --until and --message go with on only");
    bad("afloat maintenance on --until soon",
        "afloat maintenance: --until: \"soon\" is no time; expected one such as 30m, 18:30 or "
        "2026-01-31T18:30:00Z");
    bad("afloat maintenance on --until 2026-07-17T12:00:00Z",
        "afloat maintenance: --until: \"2026-07-17T12:00:00Z\" is not in the future; expected a "
        "later time");
    bad("afloat maintenance on --message '\xFF'",
        "afloat maintenance: --message: \"\xFF\" cannot be shown; expected UTF-8 text of 1 to 500 "
        "bytes");
}

// The struct is large, and a test's frame is not.
static const struct command_line *kept(const char *words)
{
    static struct command_line line;
    line = good(words);
    return &line;
}

static void test_maintenance_windows(void **state)
{
    (void)state;
    const struct command_line *line = kept(
        "afloat maintenance add 'New disks' --begin '2026-12-01 02:00' --for 2h "
        "--zone Europe/Berlin --component a.example --component b --rule FREQ=WEEKLY "
        "--text 'It is quick.'");
    assert_int_equal(line->command, COMMAND_MAINTENANCE);
    assert_string_equal(line->window.action, "add");
    assert_string_equal(line->window.title, "New disks");
    assert_string_equal(line->window.begin, "2026-12-01 02:00");
    assert_string_equal(line->window.zone, "Europe/Berlin");
    assert_string_equal(line->window.rule, "FREQ=WEEKLY");
    assert_string_equal(line->window.text, "It is quick.");
    assert_int_equal(line->window.duration_ms, 7200000);
    assert_int_equal(line->window.components.count, 2);
    line = kept("afloat maintenance list --all --json");
    assert_true(line->window.all && line->json && line->window.id == NULL);
    assert_string_equal(kept("afloat maintenance remove k3x9")->window.id, "k3x9");
    assert_null(kept("afloat maintenance on")->window.action);
    bad("afloat maintenance add Disks --begin now",
        "afloat maintenance: from when, and how long? expected --begin and --for, such as "
        "--begin '2026-12-01 02:00' --for 2h");
    bad("afloat maintenance add", "afloat maintenance: add what? expected a title in quotes");
    bad("afloat maintenance add \xFF --begin now --for 2h",
        "afloat maintenance: what stands behind add is not UTF-8; expected a title in quotes");
    bad("afloat maintenance add Disks --for 59s",
        "afloat maintenance: --for: \"59s\" is not from 1m to 31d; expected one such as 2h");
    bad("afloat maintenance add Disks --for 32d",
        "afloat maintenance: --for: \"32d\" is not from 1m to 31d; expected one such as 2h");
    bad("afloat maintenance list now", "afloat maintenance: list takes no further word");
    bad("afloat maintenance remove",
        "afloat maintenance: remove what? expected an ID, see afloat maintenance list");
    bad("afloat maintenance remove a --for 2h",
        "afloat maintenance: --for does not go with remove; see afloat help");
    bad("afloat maintenance list --until 30m",
        "afloat maintenance: --until and --message go with on only");
    bad("afloat maintenance on --zone UTC",
        "afloat maintenance: --zone does not go with on; see afloat help maintenance");
    bad("afloat maintenance off --json",
        "afloat maintenance: --json does not go with off; see afloat help maintenance");
    bad("afloat maintenance on now",
        "afloat maintenance: \"now\" is one word too many; see afloat help maintenance");
    bad("afloat maintenance add a b",
        "afloat maintenance: \"b\" is one word too many; see afloat help maintenance");
}

static void test_incident(void **state)
{
    (void)state;
    const struct command_line *line = kept(
        "afloat incident open 'Payments fail' --text 'We look.' --component a.example "
        "--impact major --phase identified --eta 30m");
    assert_int_equal(line->command, COMMAND_INCIDENT);
    assert_string_equal(line->incident.action, "open");
    assert_string_equal(line->incident.title, "Payments fail");
    assert_string_equal(line->incident.text, "We look.");
    assert_string_equal(line->incident.components.items[0], "a.example");
    assert_string_equal(line->incident.impact, "major");
    assert_string_equal(line->incident.phase, "identified");
    assert_int_equal(line->incident.eta_ms, NOW + 30 * 60000);
    assert_null(line->incident.id);
    line = kept("afloat incident update k3x9 --title Payments --no-eta --text -");
    assert_string_equal(line->incident.id, "k3x9");
    assert_string_equal(line->incident.title, "Payments");
    assert_string_equal(line->incident.text, "-");
    assert_true(line->incident.no_eta);
    assert_string_equal(kept("afloat incident resolve k3x9")->incident.id, "k3x9");
    assert_string_equal(kept("afloat incident show k3x9 --json")->incident.action, "show");
    assert_true(kept("afloat incident list --all")->incident.all);
    assert_string_equal(kept("afloat incident postmortem k3x9 --file a.txt")->incident.file,
        "a.txt");
}

static void test_reports(void **state)
{
    (void)state;
    const struct command_line *line = kept("afloat reports backtest a.csv --incidents b.csv");
    assert_int_equal(line->command, COMMAND_REPORTS);
    assert_string_equal(line->reports.file, "a.csv");
    assert_string_equal(line->reports.incidents, "b.csv");
    assert_null(line->reports.simulate);
    assert_false(line->json);
    assert_string_equal(kept("afloat reports backtest - --json")->reports.file, "-");
    line = kept("afloat reports backtest --simulate 0.1 --days 30 --services 2 --seed 0 --json");
    assert_null(line->reports.file);
    assert_string_equal(line->reports.simulate, "0.1");
    assert_string_equal(line->reports.days, "30");
    assert_string_equal(line->reports.services, "2");
    assert_string_equal(line->reports.seed, "0");
    assert_true(line->json);
}

static void test_reports_mistakes(void **state)
{
    (void)state;
    static const char *const rates[] = {"0", "1001", "1e3", "-1", "1.", ".1", "1.x", "0.00001",
        "nan", "0.0000000000000001"};
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        char words[128], expected[256];
        snprintf(words, sizeof(words), "afloat reports backtest --simulate %s", rates[i]);
        snprintf(expected, sizeof(expected), "afloat reports: --simulate: \"%s\" is no rate; "
            "expected 0.0001 to 1000, such as 0.1", rates[i]);
        bad(words, expected);
    }
    bad("afloat reports", "afloat reports: do what? expected backtest");
    bad("afloat reports a.csv", "afloat reports: do what? expected backtest");
    bad("afloat reports backtest",
        "afloat reports: backtest what? expected a file with reports, or --simulate RATE");
    bad("afloat reports backtest a --simulate 1",
        "afloat reports: a file and --simulate stand together; expected one of them");
    bad("afloat reports backtest a --days 9",
        "afloat reports: --days, --services and --seed go with --simulate only");
    bad("afloat reports backtest --simulate 1 --incidents a",
        "afloat reports: --incidents goes with a file only");
    bad("afloat reports backtest a b",
        "afloat reports: \"b\" is one word too many; see afloat help reports");
    bad("afloat reports backtest --simulate 1 --days 1001",
        "afloat reports: --days: \"1001\" is no "
        "number from 1 to 1000; expected one such as 180");
    bad("afloat reports backtest --simulate 1 --services 0",
        "afloat reports: --services: \"0\" is "
        "no number from 1 to 1000; expected one such as 180");
    bad("afloat reports backtest --simulate 1 --seed x",
        "afloat reports: --seed: \"x\" is no whole number; expected one such as 7");
}

static void test_incident_mistakes(void **state)
{
    (void)state;
    bad("afloat incident",
        "afloat incident: do what? expected list, show, open, update, resolve or postmortem");
    bad("afloat incident close a",
        "afloat incident: do what? expected list, show, open, update, resolve or postmortem");
    bad("afloat incident open", "afloat incident: open what? expected a title in quotes");
    bad("afloat incident show",
        "afloat incident: show what? expected an ID, see afloat incident list");
    bad("afloat incident list a", "afloat incident: list takes no further word");
    bad("afloat incident open a b",
        "afloat incident: \"b\" is one word too many; see afloat help incident");
    bad("afloat incident update a",
        "afloat incident: change what? expected --phase, --text or others, see afloat help");
    bad("afloat incident update a --eta 30m --no-eta",
        "afloat incident: --eta and --no-eta stand together; expected one of them");
    bad("afloat incident resolve a --impact none",
        "afloat incident: --impact does not go with resolve; see afloat help");
    bad("afloat incident open a --no-eta",
        "afloat incident: --no-eta does not go with open; see afloat help");
    bad("afloat incident postmortem a", "afloat incident: what does it say? expected --text or "
                                        "--file");
    bad("afloat incident postmortem a --text b --file c",
        "afloat incident: what does it say? expected --text or --file");
    bad("afloat incident update a --phase over",
        "afloat incident: --phase: \"over\" is none; expected investigating, identified, "
        "monitoring or resolved");
    bad("afloat incident open a --impact big",
        "afloat incident: --impact: \"big\" is none; expected none, minor, major or critical");
    bad("afloat incident open a --text '\xFF'",
        "afloat incident: --text: \"\xFF\" cannot be shown; expected UTF-8 text of 1 to 4000 "
        "bytes");
    bad("afloat incident open a --eta 2026-07-17T12:00:00Z",
        "afloat incident: --eta: \"2026-07-17T12:00:00Z\" is not in the future; expected a later "
        "time");
    bad("afloat incident open a --begin now",
        "afloat incident: --begin is a flag of other commands; see afloat help incident");
}

static void test_check(void **state)
{
    (void)state;
    struct check_command check = good("afloat check example.org").check;
    assert_string_equal(check.url, "example.org");
    assert_int_equal(check.timeout_ms, 0);
    check = good("afloat check -4 --from a:80 --from https://b/ --timeout 1500ms --resolver off "
                 "--doh https://d/q --portal off --control https://c/ --explain https://e/").check;
    assert_true(check.only_v4 && check.explain && !check.only_v6 && !check.no_remote);
    assert_int_equal(check.from.count, 2);
    assert_string_equal(check.from.items[1], "https://b/");
    assert_int_equal(check.timeout_ms, 1500);
    assert_string_equal(check.resolver, "off");
    assert_string_equal(check.doh, "https://d/q");
    assert_true(good("afloat check example.org --json").json);
    assert_string_equal(good("afloat check e --resolver [2620:fe::fe]:53").check.resolver,
        "[2620:fe::fe]:53");
    bad("afloat check",
        "afloat check: check what? expected a URL such as https://example.org/");
    bad("afloat check a b", "afloat check: \"b\" is one word too many; see afloat help check");
    bad("afloat check e -4 -6", "afloat check: -4 and -6 stand together; expected one of them");
    bad("afloat check e --no-remote --from a:1",
        "afloat check: --no-remote and --from stand together; expected one of them");
    bad("afloat check e --timeout 3m", "afloat check: --timeout: \"3m\" is not from 1s to 2m; "
                                       "expected one such as 10s");
    bad("afloat check e --timeout soon", "afloat check: --timeout: \"soon\" is not from 1s to 2m; "
                                         "expected one such as 10s");
    bad("afloat check e --resolver dns.example",
        "afloat check: --resolver: \"dns.example\" is no address; expected one such as 9.9.9.9 "
        "or [2620:fe::fe]:53, or off");
    bad("afloat check e --doh http://d/q", "afloat check: --doh: \"http://d/q\" is no such URL; "
        "expected one such as https://1.1.1.1/dns-query, or off");
    bad("afloat check e --portal https://p/", "afloat check: --portal: \"https://p/\" is no URL "
        "without TLS; expected one such as http://cp.cloudflare.com/generate_204, or off");
    bad("afloat check e --control c", "afloat check: --control: \"c\" is no URL; expected one such "
        "as https://www.example.com/, or off");
    bad("afloat check e --from ftp://v/", "afloat check: --from: \"ftp://v/\" is no vantage; "
        "expected HOST:PORT or a URL such as https://edge.example.net");
    bad("afloat check e --from 1 --from 2 --from 3 --from 4 --from 5 --from 6 --from 7 --from 8 "
        "--from 9",
        "afloat check: --from stands more than 8 times; expected fewer");
    bad("afloat status --from a:1",
        "afloat status: --from is a flag of other commands; see afloat help status");
}

static char *help(const char *words)
{
    char *text;
    size_t size;
    struct command_line line = good(words);
    assert_int_equal(line.command, COMMAND_HELP);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    command_line_print_help(&line, out);
    fclose(out);
    return text;
}

static void assert_help(const char *words, const char *part)
{
    char *text = help(words);
    if (strstr(text, part) == NULL)
        fail_msg("%s does not say: %s", words, part);
    for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        if (end - line > 100)
            fail_msg("%s is wider than 100 columns: %.*s", words, (int)(end - line), line);
    }
    free(text);
}

static void test_help(void **state)
{
    (void)state;
    static const char *const overviews[] = {"afloat help", "afloat --help", "afloat -h",
        "afloat help help", "afloat help --help"};
    for (size_t i = 0; i < ARRAY_SIZE(overviews); i++)
        assert_help(overviews[i], "  afloat run --listen :8080 --origin http://127.0.0.1:8000\n");
    static const char *const runs[] = {"afloat help run", "afloat run --help", "afloat run -h",
        "afloat run --listen :80 --help", "afloat --help run"};
    for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
        assert_help(runs[i], "  --memory SIZE        how much memory");
    assert_help("afloat help purge", "examples:\n  afloat purge --url https://example.org/news\n");
    assert_help("afloat help purge", "  --hard               remove them for good");
    assert_help("afloat help maintenance", "  --until TIME");
    assert_help("afloat help maintenance", "  --rule RULE          with add: when it comes again");
    assert_help("afloat help incident", "  --eta TIME           when it is expected back");
    assert_help("afloat help incident", "\n  afloat incident open 'Payments fail' --component ");
    assert_help("afloat help reports", "  --incidents FILE     when there really were problems");
    assert_help("afloat help status", "  --state DIR");
    assert_help("afloat help check", "  --from VANTAGE       ask this vantage");
    assert_help("afloat help check-config", "  afloat check-config FILE\n");
    assert_int_equal(good("afloat --version").command, COMMAND_VERSION);
    bad("afloat --version now",
        "afloat --version: \"now\" is one word too many; see afloat help");
}

static void assert_text(struct slice slice, const char *expected)
{
    assert_int_equal(slice.size, strlen(expected));
    assert_memory_equal(slice.data, expected, slice.size);
}

// What a reader of YAML refuses or folds: DEL, next line, line separator, no character; a ship.
#define ODD "\x7F\xC2\x85\xE2\x80\xA8\xEF\xBF\xBF\xF0\x9F\x9A\xA2"

static void test_flags_become_settings(void **state)
{
    (void)state;
    struct command_line line = good("afloat run --listen 127.0.0.1:0 --listen :80 --origin "
        "http://a --origin http://b:81 --site example.org --site www.example.org --probe "
        "'/he\"al\\th:{x' --state '/tmp/a\tb: {c" ODD "' --memory 64MB --threads 2");
    static char buffer[65536];
    static struct conf_mistakes mistakes;
    struct text yaml = text_in(buffer, sizeof(buffer));
    struct arena arena;
    struct settings settings;
    command_line_write_settings(&line, &yaml);
    assert_false(yaml.full);
    arena_init(&arena, 4096, (size_t)1 << 20);
    enum error error = conf_load_text(text_slice(&yaml), &settings_root, &arena, &settings,
        &mistakes);
    conf_print_mistakes(&mistakes, "flags", stderr);
    assert_int_equal(error, ERROR_NONE);
    const struct slice *listen = settings.listen.items;
    assert_int_equal(settings.listen.count, 2);
    assert_text(listen[0], "127.0.0.1:0");
    assert_text(listen[1], ":80");
    assert_text(settings.state, "/tmp/a\tb: {c" ODD);
    assert_int_equal(settings.threads, 2);
    assert_int_equal(settings.edge.store.memory, 64 << 20);
    assert_int_equal(settings.edge.origins.count, 1);
    const struct origin_settings *origin = settings.edge.origins.items;
    const struct slice *backends = origin->backends.items;
    assert_text(origin->name, "main");
    assert_text(origin->probe.path, "/he\"al\\th:{x");
    assert_int_equal(origin->backends.count, 2);
    assert_text(backends[1], "http://b:81");
    assert_int_equal(settings.edge.sites.count, 1);
    const struct site_settings *site = settings.edge.sites.items;
    const struct slice *hosts = site->hosts.items;
    assert_int_equal(site->hosts.count, 2);
    assert_text(hosts[1], "www.example.org");
    assert_text(site->origin, "main");
    arena_free(&arena);
}

static void test_a_status_server_is_a_status_page_without_a_site(void **state)
{
    (void)state;
    struct command_line line = good("afloat status-server --listen :8080 --name E --monitor "
        "https://user:word@a.example/x?key=word --monitor http://A.example:81/ --url "
        "https://status.example");
    static char buffer[65536];
    static struct conf_mistakes mistakes;
    struct text yaml = text_in(buffer, sizeof(buffer));
    struct arena arena;
    struct settings settings;
    command_line_write_settings(&line, &yaml);
    arena_init(&arena, 4096, (size_t)1 << 20);
    enum error error = conf_load_text(text_slice(&yaml), &settings_root, &arena, &settings,
        &mistakes);
    conf_print_mistakes(&mistakes, "flags", stderr);
    assert_int_equal(error, ERROR_NONE);
    const struct watch_settings *status = &settings.status;
    const struct monitor_settings *monitors = status->monitors.items;
    assert_text(status->name, "E");
    assert_text(status->url, "https://status.example");
    assert_text(*(const struct slice *)status->hosts.items, "*");
    assert_int_equal(status->monitors.count, 2);
    assert_text(monitors[0].id, "a.example-1");
    assert_text(monitors[0].url, "https://user:word@a.example/x?key=word");
    assert_text(monitors[0].title, "a.example/x");
    assert_text(monitors[1].id, "a.example-2");
    arena_free(&arena);
    bad("afloat status-server --name E",
        "afloat status-server: shown where? expected --listen ADDR:PORT");
    bad("afloat status-server --listen :1",
        "afloat status-server: whose status is it? expected --name NAME");
    bad("afloat status-server --listen :1 --name E --monitor www.example.com",
        "afloat status-server: --monitor: \"www.example.com\" is no URL that can be polled; "
        "expected one such as https://www.example.com/health");
    assert_int_equal(good("afloat hash-password").command, COMMAND_HASH_PASSWORD);
    bad("afloat hash-password secret",
        "afloat hash-password: \"secret\" is one word too many; see afloat help hash-password");
}

static void test_a_vantage_is_settings_without_a_site(void **state)
{
    (void)state;
    struct command_line line = good("afloat vantage --listen :8080 --name fra1 --key /k --allow "
        "192.0.2.0/24 --allow 2001:db8::/32 --port 8443 --canary https://a.example/ --state /s");
    static char buffer[65536];
    static struct conf_mistakes mistakes;
    struct text yaml = text_in(buffer, sizeof(buffer));
    struct arena arena;
    struct settings settings;
    assert_int_equal(line.command, COMMAND_VANTAGE);
    command_line_write_settings(&line, &yaml);
    assert_false(yaml.full);
    arena_init(&arena, 4096, (size_t)1 << 20);
    enum error error = conf_load_text(text_slice(&yaml), &settings_root, &arena, &settings,
        &mistakes);
    conf_print_mistakes(&mistakes, "flags", stderr);
    assert_int_equal(error, ERROR_NONE);
    const struct vantage_settings *vantage = &settings.vantage;
    assert_true(vantage->enabled);
    assert_text(vantage->name, "fra1");
    assert_text(vantage->key_file, "/k");
    assert_int_equal(vantage->allow.count, 2);
    assert_text(*(const struct slice *)vantage->ports.items, "8443");
    assert_text(*(const struct slice *)vantage->canaries.items, "https://a.example/");
    assert_text(settings.state, "/s");
    assert_int_equal(settings.edge.origins.count, 0);
    assert_int_equal(settings_complete(&settings, &arena), ERROR_NONE);
    assert_int_equal(settings.edge.sites.count, 0);
    arena_free(&arena);
    bad("afloat vantage", "afloat vantage: ask it where? expected --listen ADDR:PORT");
    bad("afloat vantage --listen :1 --allow 10.0.0.1/8",
        "afloat vantage: --allow: \"10.0.0.1/8\" is no range: bits are set beyond its prefix; "
        "expected its first address, such as 192.0.2.0/24");
    bad("afloat vantage --listen :1 --port 0",
        "afloat vantage: --port: \"0\" is no port; expected one such as 8443");
    bad("afloat vantage --listen :1 --canary ftp://a/",
        "afloat vantage: --canary: \"ftp://a/\" is no URL; expected one such as "
        "https://www.example.com/");
}

static void test_one_origin_is_enough_for_settings(void **state)
{
    (void)state;
    struct command_line line = good("afloat run --origin http://127.0.0.1:8000");
    char buffer[256];
    struct text yaml = text_in(buffer, sizeof(buffer));
    command_line_write_settings(&line, &yaml);
    assert_false(yaml.full);
    assert_text(text_slice(&yaml),
        "origins:\n  main:\n    backends: [\"http://127.0.0.1:8000\"]\n");
    yaml = text_in(buffer, 20);
    command_line_write_settings(&line, &yaml);
    assert_true(yaml.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_with_flags),
        cmocka_unit_test(test_run_with_a_file),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_how_flags_stand),
        cmocka_unit_test(test_repeated_flags_are_bounded),
        cmocka_unit_test(test_check_config),
        cmocka_unit_test(test_purge),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_outbox),
        cmocka_unit_test(test_maintenance),
        cmocka_unit_test(test_maintenance_windows),
        cmocka_unit_test(test_incident),
        cmocka_unit_test(test_incident_mistakes),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_reports_mistakes),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_flags_become_settings),
        cmocka_unit_test(test_a_vantage_is_settings_without_a_site),
        cmocka_unit_test(test_a_status_server_is_a_status_page_without_a_site),
        cmocka_unit_test(test_one_origin_is_enough_for_settings),
    };
    return cmocka_run_group_tests_name("main.command_line", tests, NULL, NULL);
}
