// One table of commands and one of flags drive the parser, its messages and the help.
#include "main/command_line.h"
#include "base/invariant.h"
#include "base/units.h"
#include "conf/conf.h"
#include "conf/nearest.h"
#include "doctor/check.h"
#include "main/command_checks.h"
#include "main/command_line_watch.h"
#include "main/until.h"
#include "watch/incident/window.h"
#include "watch/probe/monitor.h"

#include <assert.h>
#include <stdarg.h>

#define IN(command) (1U << COMMAND_##command)

enum flag_kind {
    FLAG_SWITCH, // bool at offset
    FLAG_TEXT,   // const char * at offset
    FLAG_TEXTS,  // struct command_texts at offset; may stand several times
    FLAG_PURGE,  // what to purge; exactly one of this kind stands
    FLAG_TIME,   // int64_t wall clock ms at offset
    FLAG_PATIENCE, // uint64_t ms at offset, of a check
    FLAG_LENGTH, // uint64_t ms at offset, of a maintenance window
};

struct flag {
    const char *name;
    const char *value; // what to write for it; NULL: takes none
    unsigned commands; // bits
    enum flag_kind kind;
    size_t offset;       // in struct command_line
    const char *setting; // the path of the row its value must fit; NULL: none
    command_check_value *check; // or NULL
    const char *help;
};

struct command_entry {
    const char *name;
    const char *usage;
    const char *summary;
    const char *examples;
};

#define AT(member) offsetof(struct command_line, member)
static const struct flag flags[] = {
    {"--listen", "ADDR:PORT", IN(RUN), FLAG_TEXTS, AT(run.listen), "listen", NULL,
     "where to serve; :8080 means all addresses, port 0 a free one; repeatable"},
    {"--tls", "ADDR:PORT", IN(RUN), FLAG_TEXTS, AT(run.tls), "tls.listen", NULL,
     "where to serve by HTTPS; repeatable; needs --certificate and --key"},
    {"--certificate", "FILE", IN(RUN), FLAG_TEXTS, AT(run.certificates),
     "tls.certificates.certificate", NULL,
     "a PEM file with a certificate and its chain; repeatable"},
    {"--key", "FILE", IN(RUN), FLAG_TEXTS, AT(run.keys), "tls.certificates.key", NULL,
     "the PEM file with its key; one for each certificate"},
    {"--origin", "URL", IN(RUN), FLAG_TEXTS, AT(run.origins), "origins.backends", NULL,
     "a backend, http[s]://host[:port]; repeatable, all serve the same site"},
    {"--site", "HOST", IN(RUN), FLAG_TEXTS, AT(run.sites), "sites.hosts", NULL,
     "a host name to serve; repeatable; without it, every one"},
    {"--probe", "PATH", IN(RUN), FLAG_TEXT, AT(run.probe), "origins.probe.path", NULL,
     "what to ask each backend for, again and again, to see whether it is well"},
    {"--memory", "SIZE", IN(RUN), FLAG_TEXT, AT(run.memory), "store.memory", NULL,
     "how much memory copies may take, such as 256MB"},
    {"--threads", "N", IN(RUN), FLAG_TEXT, AT(run.threads), "threads", NULL,
     "how many threads serve visitors; 0: one per core"},
    {"--config", "FILE", IN(RUN), FLAG_TEXT, AT(run.config), NULL, NULL,
     "a settings file instead of the other flags; SIGHUP reads it again"},
    {"--url", "URL", IN(PURGE), FLAG_PURGE, 0, NULL, command_check_url, "the copies of one URL"},
    {"--prefix", "URL", IN(PURGE), FLAG_PURGE, 0, NULL, command_check_url,
     "the copies of all URLs that begin so"},
    {"--tag", "TAG", IN(PURGE), FLAG_PURGE, 0, NULL, command_check_tag,
     "the copies whose Surrogate-Key or Cache-Tag names the tag"},
    {"--all", NULL, IN(PURGE), FLAG_PURGE, 0, NULL, NULL, "every copy"},
    {"--hard", NULL, IN(PURGE), FLAG_SWITCH, AT(purge.hard), NULL, NULL,
     "remove them for good; else they are stale, but still there for failures"},
    {"--all", NULL, IN(OUTBOX), FLAG_SWITCH, AT(outbox.all), NULL, NULL,
     "with list: those that are over too"},
    {"--all", NULL, IN(INCIDENT), FLAG_SWITCH, AT(incident.all), NULL, NULL,
     "with list: those that are over too"},
    {"--all", NULL, IN(MAINTENANCE), FLAG_SWITCH, AT(window.all), NULL, NULL,
     "with list: those that are over too"},
    {"--json", NULL,
     IN(STATUS) | IN(OUTBOX) | IN(INCIDENT) | IN(REPORTS) | IN(MAINTENANCE) | IN(CHECK),
     FLAG_SWITCH, AT(json), NULL, NULL,
     "for programs"},
    {"--until", "TIME", IN(MAINTENANCE), FLAG_TIME, AT(maintenance.until_ms), NULL, NULL,
     "what visitors are told, only off ends it: 30m, 18:30 or 2026-01-31T18:30:00Z"},
    {"--message", "TEXT", IN(MAINTENANCE), FLAG_TEXT, AT(maintenance.message), NULL,
     command_check_message, "a sentence for visitors"},
    {"--begin", "TIME", IN(MAINTENANCE), FLAG_TEXT, AT(window.begin), NULL, command_check_word,
     "with add: when it begins, by the clocks of --zone: '2026-12-01 02:00'"},
    {"--for", "TIME", IN(MAINTENANCE), FLAG_LENGTH, AT(window.duration_ms), NULL, NULL,
     "with add: how long it takes, 1m to 31d"},
    {"--zone", "ZONE", IN(MAINTENANCE), FLAG_TEXT, AT(window.zone), NULL, command_check_word,
     "with add: IANA's name, such as Europe/Berlin; default UTC"},
    {"--rule", "RULE", IN(MAINTENANCE), FLAG_TEXT, AT(window.rule), NULL, command_check_word,
     "with add: when it comes again (RFC 5545), such as 'FREQ=WEEKLY;BYDAY=SU'"},
    {"--text", "TEXT", IN(MAINTENANCE), FLAG_TEXT, AT(window.text), NULL, command_check_text,
     "with add: what visitors read below its title"},
    {"--component", "ID", IN(MAINTENANCE), FLAG_TEXTS, AT(window.components), NULL,
     command_check_word, "with add: a site's first host or a monitor; repeatable; default all"},
    {"--title", "TEXT", IN(INCIDENT), FLAG_TEXT, AT(incident.title), NULL, command_check_title,
     "with update: another title"},
    {"--text", "TEXT", IN(INCIDENT), FLAG_TEXT, AT(incident.text), NULL, command_check_text,
     "what visitors read; - reads it from stdin"},
    {"--file", "FILE", IN(INCIDENT), FLAG_TEXT, AT(incident.file), NULL, NULL,
     "with postmortem: a file with its text; - reads stdin"},
    {"--phase", "WORD", IN(INCIDENT), FLAG_TEXT, AT(incident.phase), NULL, command_check_phase,
     "investigating, identified, monitoring or resolved"},
    {"--impact", "WORD", IN(INCIDENT), FLAG_TEXT, AT(incident.impact), NULL,
     command_check_impact, "none, minor, major or critical; default minor"},
    {"--component", "ID", IN(INCIDENT), FLAG_TEXTS, AT(incident.components), NULL,
     command_check_word, "whom it is about: a site's first host or a monitor; repeatable"},
    {"--eta", "TIME", IN(INCIDENT), FLAG_TIME, AT(incident.eta_ms), NULL, NULL,
     "when it is expected back: 30m, 18:30 or 2026-01-31T18:30:00Z"},
    {"--no-eta", NULL, IN(INCIDENT), FLAG_SWITCH, AT(incident.no_eta), NULL, NULL,
     "with update: nobody knows any more"},
    {"--incidents", "FILE", IN(REPORTS), FLAG_TEXT, AT(reports.incidents), NULL, NULL,
     "when there really were problems: begin,end[,service]; other alarms are false"},
    {"--simulate", "RATE", IN(REPORTS), FLAG_TEXT, AT(reports.simulate), NULL, command_check_rate,
     "in place of a file: reports at random, of so many networks a minute"},
    {"--days", "N", IN(REPORTS), FLAG_TEXT, AT(reports.days), NULL, command_check_count,
     "with --simulate: of each service; default 180"},
    {"--services", "N", IN(REPORTS), FLAG_TEXT, AT(reports.services), NULL, command_check_count,
     "with --simulate; default 20"},
    {"--seed", "N", IN(REPORTS), FLAG_TEXT, AT(reports.seed), NULL, command_check_seed,
     "with --simulate: the same gives the same; default 1"},
    {"--from", "VANTAGE", IN(CHECK), FLAG_TEXTS, AT(check.from), NULL, command_check_vantage,
     "ask this vantage, HOST:PORT or a URL, how it looks from there; repeatable"},
    {"--no-remote", NULL, IN(CHECK), FLAG_SWITCH, AT(check.no_remote), NULL, NULL,
     "ask nobody but the site itself"},
    {"--timeout", "TIME", IN(CHECK), FLAG_PATIENCE, AT(check.timeout_ms), NULL, NULL,
     "how long it may take in all, 1s to 2m; default 9500ms"},
    {"-4", NULL, IN(CHECK), FLAG_SWITCH, AT(check.only_v4), NULL, NULL, "by IPv4 alone"},
    {"-6", NULL, IN(CHECK), FLAG_SWITCH, AT(check.only_v6), NULL, NULL, "by IPv6 alone"},
    {"--explain", NULL, IN(CHECK), FLAG_SWITCH, AT(check.explain), NULL, NULL,
     "show all that was seen, and how it was judged"},
    {"--resolver", "ADDR", IN(CHECK), FLAG_TEXT, AT(check.resolver), NULL, command_check_resolver,
     "the second server of names, or off; default " CHECK_SECOND},
    {"--doh", "URL", IN(CHECK), FLAG_TEXT, AT(check.doh), NULL, command_check_doh,
     "the server of names by HTTPS, or off; default " CHECK_DOH},
    {"--portal", "URL", IN(CHECK), FLAG_TEXT, AT(check.portal), NULL, command_check_portal,
     "what answers 204 unless a login page is in between, or off;\n"
     "                       default " CHECK_PORTAL},
    {"--control", "URL", IN(CHECK), FLAG_TEXT, AT(check.control), NULL, command_check_control,
     "a site to compare with, or off; default " CHECK_CONTROL},
    {"--signatures", "FILE", IN(CHECK), FLAG_TEXT, AT(check.signatures), NULL, NULL,
     "a table of error pages in place of the one built in"},
    {"--listen", "ADDR:PORT", IN(VANTAGE), FLAG_TEXTS, AT(vantage.listen), "listen", NULL,
     "where to be asked; :8080 means all addresses, port 0 a free one; repeatable"},
    {"--name", "NAME", IN(VANTAGE), FLAG_TEXT, AT(vantage.name), "vantage.name", NULL,
     "what it calls itself, such as fra1"},
    {"--key", "FILE", IN(VANTAGE), FLAG_TEXT, AT(vantage.key), "vantage.key_file", NULL,
     "keys of those who may ask more often, one on each line"},
    {"--allow", "RANGE", IN(VANTAGE), FLAG_TEXTS, AT(vantage.allow), "vantage.allow", NULL,
     "addresses to look at beside public ones, such as 192.0.2.0/24; repeatable"},
    {"--port", "PORT", IN(VANTAGE), FLAG_TEXTS, AT(vantage.ports), "vantage.ports", NULL,
     "one that may be looked at beside 80 and 443; repeatable"},
    {"--canary", "URL", IN(VANTAGE), FLAG_TEXTS, AT(vantage.canaries), "vantage.canaries", NULL,
     "a site that is nearly always well; if none is, nothing is concluded; repeatable"},
    {"--listen", "ADDR:PORT", IN(STATUS_SERVER), FLAG_TEXTS, AT(server.listen), "listen", NULL,
     "where the page is; :8080 means all addresses, port 0 a free one; repeatable"},
    {"--name", "NAME", IN(STATUS_SERVER), FLAG_TEXT, AT(server.name), "status.name", NULL,
     "whose status it is, such as Example"},
    {"--url", "URL", IN(STATUS_SERVER), FLAG_TEXT, AT(server.url), "status.url", NULL,
     "the page's address as people know it"},
    {"--monitor", "URL", IN(STATUS_SERVER), FLAG_TEXTS, AT(server.monitors), "status.monitors.url",
     monitor_check_url, "what to watch, http[s]://…; repeatable"},
    {"--state", "DIR",
     IN(RUN) | IN(PURGE) | IN(STATUS) | IN(MAINTENANCE) | IN(OUTBOX) | IN(INCIDENT) | IN(VANTAGE)
         | IN(STATUS_SERVER), FLAG_TEXT, AT(state), "state", NULL,
     "of the control socket; default /var/lib/afloat or, for users, in their home"},
};
static_assert(ARRAY_SIZE(flags) <= 64, "parser.seen has a bit for each");

// By enum command.
static const struct command_entry commands[] = {
    [COMMAND_RUN] = {"run",
        "afloat run --listen ADDR:PORT --origin URL [--origin URL]... [--site HOST]...\n"
        "           [--tls ADDR:PORT --certificate FILE --key FILE]...\n"
        "           [--probe PATH] [--state DIR] [--memory SIZE] [--threads N]\n"
        "afloat run --config FILE",
        "Serves a site from its backends, and keeps answering when they do not.",
        "afloat run --listen :8080 --origin http://127.0.0.1:8000\n"
        "afloat run --listen :80 --origin http://10.0.0.5 --origin http://10.0.0.6 --probe /up\n"
        "afloat run --tls :443 --certificate cert.pem --key key.pem --origin http://10.0.0.5\n"
        "afloat run --config /etc/afloat/afloat.yaml"},
    [COMMAND_CHECK_CONFIG] = {"check-config", "afloat check-config FILE",
        "Names every mistake in a settings file: where, what is wrong, what is right.",
        "afloat check-config /etc/afloat/afloat.yaml"},
    [COMMAND_PURGE] = {"purge",
        "afloat purge (--url URL | --prefix URL | --tag TAG | --all) [--hard] [--state DIR]",
        "Makes copies stale: the next visitor gets the page anew, unless the backend fails.",
        "afloat purge --url https://example.org/news\n"
        "afloat purge --prefix https://example.org/images/\n"
        "afloat purge --tag article-17 --hard"},
    [COMMAND_STATUS] = {"status", "afloat status [--json] [--state DIR]",
        "Shows the backends, their health and why, the cache, and whom the lifelines saved.",
        "afloat status\n"
        "afloat status --json | jq .ledger"},
    [COMMAND_MAINTENANCE] = {"maintenance",
        "afloat maintenance on [--until TIME] [--message TEXT] [--state DIR]\n"
        "afloat maintenance off [--state DIR]\n"
        "afloat maintenance add TITLE --begin TIME --for TIME [--zone ZONE] [--rule RULE]\n"
        "                       [--component ID]... [--text TEXT] [--state DIR]\n"
        "afloat maintenance list [--all] [--json] [--state DIR]\n"
        "afloat maintenance remove ID [--state DIR]",
        "Stops asking the backends: copies are served, the rest gets a page with your ETA.",
        "afloat maintenance on --until 18:30 --message 'New database; back this evening.'\n"
        "afloat maintenance on --until 30m\n"
        "afloat maintenance off\n"
        "afloat maintenance add 'New disks' --begin '2026-12-01 02:00' --for 2h \\\n"
        "    --zone Europe/Berlin --component shop.example.org  # announced on the status page\n"
        "afloat maintenance add Backup --begin '2026-12-06 03:00' --for 30m \\\n"
        "    --rule 'FREQ=WEEKLY;BYDAY=SU'\n"
        "afloat maintenance list"},
    [COMMAND_OUTBOX] = {"outbox",
        "afloat outbox list [--all] [--json] [--state DIR]\n"
        "afloat outbox show ID [--json] [--state DIR]\n"
        "afloat outbox (retry | drop) ID [--state DIR]",
        "Shows the writes that were accepted for a backend, and decides on those in doubt.",
        "afloat outbox list\n"
        "afloat outbox show 6f1c0a52b9d34e7785a0c1d2e3f40516\n"
        "afloat outbox retry 6f1c0a52b9d34e7785a0c1d2e3f40516  # did not arrive: send it again\n"
        "afloat outbox drop 6f1c0a52b9d34e7785a0c1d2e3f40516   # did arrive, or shall not"},
    [COMMAND_INCIDENT] = {"incident",
        "afloat incident list [--all] [--json] [--state DIR]\n"
        "afloat incident show ID [--json] [--state DIR]\n"
        "afloat incident open TITLE [--text TEXT] [--component ID]... [--impact WORD]\n"
        "                     [--phase WORD] [--eta TIME] [--state DIR]\n"
        "afloat incident update ID [--phase WORD] [--text TEXT] [--title TEXT] [--impact WORD]\n"
        "                     [--component ID]... [--eta TIME | --no-eta] [--state DIR]\n"
        "afloat incident resolve ID [--text TEXT] [--state DIR]\n"
        "afloat incident postmortem ID (--text TEXT | --file FILE) [--state DIR]",
        "Tells visitors of the status page what is wrong, and what is done about it.",
        "afloat incident open 'Payments fail' --component shop.example.org --impact major\n"
        "afloat incident list\n"
        "afloat incident update k3x9m2p7q4ta --phase identified --eta 30m \\\n"
        "    --text 'A disk is full; we make room.'\n"
        "afloat incident resolve k3x9m2p7q4ta\n"
        "afloat incident postmortem k3x9m2p7q4ta --file postmortem.txt"},
    [COMMAND_REPORTS] = {"reports",
        "afloat reports backtest FILE [--incidents FILE] [--json]\n"
        "afloat reports backtest --simulate RATE [--days N] [--services N] [--seed N] [--json]",
        "Measures the false alarms and delays of the rule for what visitors report.",
        "# reports.csv has lines such as 2026-01-31T18:30:00Z,192.0.2.0/24,shop\n"
        "afloat reports backtest reports.csv\n"
        "afloat reports backtest reports.csv --incidents incidents.csv\n"
        "afloat reports backtest --simulate 0.1 --days 180 --json | jq .levels"},
    [COMMAND_CHECK] = {"check",
        "afloat check URL [--from VANTAGE]... [--timeout TIME] [-4 | -6] [--explain] [--json]\n"
        "                 [--no-remote] [--resolver ADDR] [--doh URL] [--portal URL]\n"
        "                 [--control URL] [--signatures FILE]",
        "Tells whose fault it is that a site shows an error: yours, the way's or the site's.",
        "afloat check https://example.org/\n"
        "afloat check example.org --explain\n"
        "afloat check example.org --from vantage.example.net:8080\n"
        "afloat check example.org --no-remote --json | jq .verdict"},
    [COMMAND_VANTAGE] = {"vantage",
        "afloat vantage --listen ADDR:PORT [--name NAME] [--key FILE] [--allow RANGE]...\n"
        "               [--port PORT]... [--canary URL]... [--state DIR]",
        "Looks at sites from here, for afloat check --from: down for you, or for everyone?",
        "afloat vantage --listen :8080 --name fra1\n"
        "afloat vantage --listen :8080 --key /etc/afloat/vantage.keys\n"
        "afloat vantage --listen 127.0.0.1:8080 --allow 192.0.2.0/24 --port 8443"},
    [COMMAND_STATUS_SERVER] = {"status-server",
        "afloat status-server --listen ADDR:PORT --name NAME [--monitor URL]... [--url URL]\n"
        "                     [--state DIR]",
        "Watches sites that are elsewhere, and shows their state: a status page alone.",
        "afloat status-server --listen :8080 --name Example --monitor https://example.org/\n"
        "afloat run --config FILE   # with a section status, for all there is to set"},
    [COMMAND_HASH_PASSWORD] = {"hash-password", "afloat hash-password",
        "Reads a password and prints its hash, for status.operators in the settings.",
        "afloat hash-password\n"
        "printf %s \"$PASSWORD\" | afloat hash-password"},
    [COMMAND_HELP] = {"help", "afloat help [COMMAND]", "Explains a command.", "afloat help run"},
    [COMMAND_VERSION] = {"--version", "afloat --version", "Prints the version.",
        "afloat --version"},
};

struct parser {
    const struct setting_section *root;
    int64_t wall_ms;
    struct command_line *line;
    struct text *error;
    const char *name;       // of the command, for errors; NULL: not known yet
    uint64_t seen;          // bit i: flags[i] stood
    const struct flag *purge; // the flag that said what
    const char *word, *second; // beside the flags; NULL: none yet
};

// --- Errors: one line each ---

static bool refuse(struct parser *parser, const char *format, ...) PRINTF_LIKE(2, 3);

static bool refuse(struct parser *parser, const char *format, ...)
{
    char buffer[COMMAND_ERROR_MAX - 64]; // the rest is for what stands before it
    struct text text = text_in(buffer, sizeof(buffer));
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    text.size = size < 0 ? 0 : MINIMUM((size_t)size, sizeof(buffer) - 1);
    while (text.size > 0 && buffer[text.size - 1] == ' ')
        text.size--; // of a topic that is empty
    text_replace_controls(&text, 0);
    text_append(parser->error, SLICE("afloat"));
    if (parser->name != NULL)
        text_format(parser->error, " %s", parser->name);
    text_append(parser->error, SLICE(": "));
    text_append(parser->error, text_slice(&text));
    return false;
}

// "--memory: "64XB" is no size; expected …"; message goes on after the value.
static bool refuse_value(struct parser *parser, const struct flag *flag, const char *value,
    const char *message)
{
    char buffer[256];
    struct text quoted = text_in(buffer, sizeof(buffer));
    text_append_quoted(&quoted, slice_from_string(value));
    return refuse(parser, "%s: %.*s %s", flag->name, SLICE_ARGS(text_slice(&quoted)), message);
}

// What to ask `afloat help` for.
static const char *topic(const struct parser *parser)
{
    return parser->name == NULL || parser->name[0] == '-' ? "" : parser->name;
}

// "no such flag "--lsten"; did you mean "--listen"?"
static bool refuse_unknown(struct parser *parser, const char *what, const struct nearest *nearest)
{
    char buffer[256];
    struct text quoted = text_in(buffer, sizeof(buffer));
    text_append_quoted(&quoted, nearest->wanted);
    if (nearest->best.data != NULL)
        return refuse(parser, "no such %s %.*s; did you mean \"%.*s\"?", what,
            SLICE_ARGS(text_slice(&quoted)), SLICE_ARGS(nearest->best));
    return refuse(parser, "no such %s %.*s; see afloat help %s", what,
        SLICE_ARGS(text_slice(&quoted)), topic(parser));
}

// --- Values ---

static const struct setting *row_of(const struct parser *parser, const struct flag *flag)
{
    const struct setting *row = conf_find_setting(parser->root, flag->setting);
    invariant(row != NULL); // the setting moved away from under its flag
    return row;
}

// Against the row it stands for, and its own check.
static bool is_value_good(struct parser *parser, const struct flag *flag, const char *value)
{
    char buffer[COMMAND_ERROR_MAX];
    if (flag->setting != NULL) {
        struct text message = text_in(buffer, sizeof(buffer));
        enum error error = conf_check_value(row_of(parser, flag), value, &message);
        if (error == ERROR_INVALID)
            return refuse(parser, "%s: %.*s", flag->name, SLICE_ARGS(text_slice(&message)));
        if (error != ERROR_NONE)
            return refuse(parser, "%s", error_text(error));
    }
    if (value[0] == '\0')
        return refuse(parser, "%s: nothing is given; expected %s", flag->name, flag->value);
    if (flag->setting != NULL && !text_is_utf8(slice_from_string(value)))
        return refuse_value(parser, flag, value, "is not UTF-8");
    if (flag->check != NULL && !flag->check(slice_from_string(value), buffer, sizeof(buffer)))
        return refuse_value(parser, flag, value, buffer);
    return true;
}

static bool keep_text(struct parser *parser, const struct flag *flag, struct command_texts *texts,
    const char *value)
{
    uint64_t maximum = flag->setting != NULL ? row_of(parser, flag)->maximum
        : flag->offset == AT(check.from)     ? FACTS_VANTAGES_MAX
                                             : COMMAND_TEXTS_MAX;
    if (maximum == 0 || maximum > COMMAND_TEXTS_MAX)
        maximum = COMMAND_TEXTS_MAX;
    if (texts->count == maximum)
        return refuse(parser, "%s stands more than %u times; expected fewer%s", flag->name,
            (unsigned)maximum, flag->setting == NULL ? "" : ", or a settings file");
    texts->items[texts->count++] = value;
    return true;
}

static bool keep_time(struct parser *parser, const struct flag *flag, int64_t *ret_wall_ms,
    const char *value)
{
    int64_t wall_ms;
    if (!until_parse(slice_from_string(value), parser->wall_ms, &wall_ms))
        return refuse_value(parser, flag, value, "is no time; expected one such as 30m, 18:30 or "
                                                 "2026-01-31T18:30:00Z");
    if (wall_ms <= parser->wall_ms)
        return refuse_value(parser, flag, value, "is not in the future; expected a later time");
    *ret_wall_ms = wall_ms;
    return true;
}

static bool keep_patience(struct parser *parser, const struct flag *flag, uint64_t *ret_ms,
    const char *value)
{
    uint64_t ms;
    if (!units_parse_duration_ms(slice_from_string(value), &ms) || ms < CHECK_TIMEOUT_MIN_MS ||
        ms > CHECK_TIMEOUT_MAX_MS)
        return refuse_value(parser, flag, value, "is not from 1s to 2m; expected one such as 10s");
    *ret_ms = ms;
    return true;
}

static bool keep_length(struct parser *parser, const struct flag *flag, uint64_t *ret_ms,
    const char *value)
{
    uint64_t ms;
    if (!units_parse_duration_ms(slice_from_string(value), &ms) || ms < 60000
        || ms > WINDOW_LONGEST_MS)
        return refuse_value(parser, flag, value, "is not from 1m to 31d; expected one such as 2h");
    *ret_ms = ms;
    return true;
}

static bool keep_value(struct parser *parser, const struct flag *flag, const char *value)
{
    void *place = (char *)parser->line + flag->offset;
    switch (flag->kind) {
    case FLAG_SWITCH:
        *(bool *)place = true;
        return true;
    case FLAG_TEXT:
        *(const char **)place = value;
        return true;
    case FLAG_TEXTS:
        return keep_text(parser, flag, place, value);
    case FLAG_TIME:
        return keep_time(parser, flag, place, value);
    case FLAG_PATIENCE:
        return keep_patience(parser, flag, place, value);
    case FLAG_LENGTH:
        return keep_length(parser, flag, place, value);
    case FLAG_PURGE:
        if (parser->purge != NULL)
            return refuse(parser, "%s and %s stand together; expected one of them",
                parser->purge->name, flag->name);
        parser->purge = flag;
        parser->line->purge.kind = flag->name + strlen("--");
        parser->line->purge.what = value;
        return true;
    }
    return false;
}

// --- Words ---

static bool refuse_flag(struct parser *parser, struct slice name)
{
    struct nearest nearest = {name, SLICE_EMPTY, 0};
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        bool is_ours = (flags[i].commands & (1U << parser->line->command)) != 0;
        if (is_ours)
            nearest_offer(&nearest, slice_from_string(flags[i].name));
        else if (slice_equal(slice_from_string(flags[i].name), name))
            return refuse(parser, "%s is a flag of other commands; see afloat help %s",
                flags[i].name, parser->name);
    }
    return refuse_unknown(parser, "flag", &nearest);
}

// *index: of the flag's word; advanced to its value if that is a word of its own.
static bool take_flag(struct parser *parser, int argc, char *const *argv, int *index)
{
    struct slice word = slice_from_string(argv[*index]), rest = word, name = slice_cut(&rest, '=');
    const char *value = rest.data; // ends where the word ends
    size_t i = 0;
    while (i < ARRAY_SIZE(flags) && !(slice_equal(slice_from_string(flags[i].name), name)
               && (flags[i].commands & (1U << parser->line->command)) != 0))
        i++;
    if (i == ARRAY_SIZE(flags))
        return refuse_flag(parser, name);
    const struct flag *flag = &flags[i];
    if (flag->value == NULL && value != NULL)
        return refuse(parser, "%s takes no value", flag->name);
    if ((parser->seen & UINT64_C(1) << i) != 0 && flag->kind != FLAG_TEXTS)
        return refuse(parser, "%s stands twice; expected it once", flag->name);
    parser->seen |= UINT64_C(1) << i;
    if (flag->value != NULL && value == NULL) {
        if (*index + 1 == argc || strncmp(argv[*index + 1], "--", 2) == 0)
            return refuse(parser, "%s needs a value; expected %s %s", flag->name, flag->name,
                flag->value);
        value = argv[++*index];
    }
    if (flag->value != NULL && !is_value_good(parser, flag, value))
        return false;
    return keep_value(parser, flag, value);
}

static bool find_command(struct slice name, enum command *ret_command)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (slice_equal(slice_from_string(commands[i].name), name)) {
            *ret_command = (enum command)i;
            return true;
        }
    }
    return false;
}

static bool refuse_command(struct parser *parser, const char *name)
{
    struct nearest nearest = {slice_from_string(name), SLICE_EMPTY, 0};
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        nearest_offer(&nearest, slice_from_string(commands[i].name));
    return refuse_unknown(parser, name[0] == '-' ? "flag" : "command", &nearest);
}

static bool refuse_word(struct parser *parser, const char *word)
{
    char buffer[256];
    struct text quoted = text_in(buffer, sizeof(buffer));
    text_append_quoted(&quoted, slice_from_string(word));
    return refuse(parser, "%.*s is one word too many; see afloat help %s",
        SLICE_ARGS(text_slice(&quoted)), topic(parser));
}

static bool take_word(struct parser *parser, const char *word)
{
    enum command command = parser->line->command;
    bool takes_two = command == COMMAND_OUTBOX || command == COMMAND_INCIDENT
        || command == COMMAND_REPORTS || command == COMMAND_MAINTENANCE;
    bool takes_word = command == COMMAND_CHECK_CONFIG || command == COMMAND_CHECK
        || command == COMMAND_HELP || takes_two;
    if (!takes_word || (parser->word != NULL && (!takes_two || parser->second != NULL)))
        return refuse_word(parser, word);
    if (parser->word == NULL)
        parser->word = word;
    else
        parser->second = word;
    return true;
}

// --- What belongs together ---

static bool finish_run(struct parser *parser)
{
    const struct run_command *run = &parser->line->run;
    if (run->config == NULL && run->origins.count == 0)
        return refuse(parser, "nothing to serve; expected --origin URL or --config FILE");
    if (run->certificates.count != run->keys.count)
        return refuse(parser, "%u times --certificate and %u times --key; expected one for each "
            "other", (unsigned)run->certificates.count, (unsigned)run->keys.count);
    if (run->tls.count > 0 && run->certificates.count == 0)
        return refuse(parser, "--tls needs a certificate; expected --certificate FILE --key FILE");
    if (run->config == NULL)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        bool is_config = flags[i].offset == AT(run.config);
        if ((parser->seen >> i & 1) != 0 && !is_config)
            return refuse(parser, "%s cannot stand beside --config; write it into the file",
                flags[i].name);
    }
    return true;
}

static bool finish_maintenance(struct parser *parser)
{
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct maintenance_command *maintenance = &parser->line->maintenance;
    const char *word = parser->word == NULL ? "" : parser->word;
    bool says = maintenance->until_ms != 0 || maintenance->message != NULL;
    maintenance->on = strcmp(word, "on") == 0;
    if (!maintenance->on && strcmp(word, "off") != 0) {
        bool is_window = command_line_finish_window(&parser->line->window, word, parser->second,
            &why);
        if (!is_window && why.size == 0)
            return refuse(parser, "on or off? expected one of them, or add, list or remove");
        if (says)
            return refuse(parser, "--until and --message go with on only");
        return is_window || refuse(parser, "%.*s", SLICE_ARGS(text_slice(&why)));
    }
    if (parser->second != NULL)
        return refuse_word(parser, parser->second);
    if (!maintenance->on && says)
        return refuse(parser, "--until and --message go with on only");
    const char *flag = parser->line->json ? "--json"
                                          : command_line_window_flag(&parser->line->window);
    return flag == NULL
        || refuse(parser, "%s does not go with %s; see afloat help maintenance", flag, word);
}

static bool finish_incident(struct parser *parser)
{
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    return command_line_finish_incident(&parser->line->incident, parser->word, parser->second, &why)
        || refuse(parser, "%.*s", SLICE_ARGS(text_slice(&why)));
}

static bool finish_reports(struct parser *parser)
{
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    return command_line_finish_reports(&parser->line->reports, parser->word, parser->second, &why)
        || refuse(parser, "%.*s", SLICE_ARGS(text_slice(&why)));
}

static bool finish_outbox(struct parser *parser)
{
    static const char *const actions[] = {"list", "show", "retry", "drop"};
    struct outbox_command *outbox = &parser->line->outbox;
    outbox->id = parser->second;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (parser->word != NULL && strcmp(parser->word, actions[i]) == 0)
            outbox->action = actions[i];
    }
    if (outbox->action == NULL)
        return refuse(parser, "do what? expected list, show, retry or drop");
    bool lists = outbox->action == actions[0];
    if (lists && outbox->id != NULL)
        return refuse(parser, "list takes no ID; expected show");
    if (!lists && outbox->id == NULL)
        return refuse(parser, "%s which one? expected an ID, see afloat outbox list",
            outbox->action);
    if (!lists && outbox->all)
        return refuse(parser, "--all goes with list only");
    return outbox->id == NULL || text_is_utf8(slice_from_string(outbox->id))
        || refuse(parser, "that is no ID; see afloat outbox list");
}

static bool finish_check(struct parser *parser)
{
    struct check_command *check = &parser->line->check;
    check->url = parser->word;
    if (check->url == NULL)
        return refuse(parser, "check what? expected a URL such as https://example.org/");
    if (check->only_v4 && check->only_v6)
        return refuse(parser, "-4 and -6 stand together; expected one of them");
    if (check->no_remote && check->from.count > 0)
        return refuse(parser, "--no-remote and --from stand together; expected one of them");
    return true;
}

static bool finish_vantage(struct parser *parser)
{
    return parser->line->vantage.listen.count > 0
        || refuse(parser, "ask it where? expected --listen ADDR:PORT");
}

static bool finish_status_server(struct parser *parser)
{
    if (parser->line->server.listen.count == 0)
        return refuse(parser, "shown where? expected --listen ADDR:PORT");
    return parser->line->server.name != NULL
        || refuse(parser, "whose status is it? expected --name NAME");
}

static bool finish_help(struct parser *parser)
{
    if (parser->word == NULL)
        return true;
    parser->line->help_has_topic = true;
    return find_command(slice_from_string(parser->word), &parser->line->help_topic)
        || refuse_command(parser, parser->word);
}

static bool finish(struct parser *parser)
{
    switch (parser->line->command) {
    case COMMAND_RUN:
        return finish_run(parser);
    case COMMAND_CHECK_CONFIG:
        parser->line->config_file = parser->word;
        return parser->word != NULL || refuse(parser, "no file is named; expected FILE");
    case COMMAND_PURGE:
        return parser->purge != NULL
            || refuse(parser, "purge what? expected --url, --prefix, --tag or --all");
    case COMMAND_MAINTENANCE:
        return finish_maintenance(parser);
    case COMMAND_OUTBOX:
        return finish_outbox(parser);
    case COMMAND_INCIDENT:
        return finish_incident(parser);
    case COMMAND_REPORTS:
        return finish_reports(parser);
    case COMMAND_CHECK:
        return finish_check(parser);
    case COMMAND_VANTAGE:
        return finish_vantage(parser);
    case COMMAND_STATUS_SERVER:
        return finish_status_server(parser);
    case COMMAND_HELP:
        return finish_help(parser);
    case COMMAND_STATUS:
    case COMMAND_HASH_PASSWORD:
    case COMMAND_VERSION:
        return true;
    }
    return false;
}

static bool is_help_flag(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

bool command_line_parse(int argc, char *const *argv, const struct setting_section *root,
    int64_t wall_ms, struct command_line *ret_line, struct text *error)
{
    struct command_line line = {.command = COMMAND_HELP};
    struct parser parser = {.root = root, .wall_ms = wall_ms, .line = &line, .error = error};
    bool flags_ended = false;
    if (argc < 2)
        return refuse(&parser, "a command is missing; see afloat help");
    if (!is_help_flag(argv[1]) && !find_command(slice_from_string(argv[1]), &line.command))
        return refuse_command(&parser, argv[1]);
    parser.name = commands[line.command].name;
    for (int i = 2; i < argc; i++) {
        if (!flags_ended && is_help_flag(argv[i])) {
            *ret_line = (struct command_line){.command = COMMAND_HELP, .help_has_topic = true,
                .help_topic = line.command};
            return true;
        }
        bool is_flag = !flags_ended && argv[i][0] == '-' && argv[i][1] != '\0';
        if (is_flag && strcmp(argv[i], "--") == 0)
            flags_ended = true;
        else if (!(is_flag ? take_flag(&parser, argc, argv, &i) : take_word(&parser, argv[i])))
            return false;
    }
    if (!finish(&parser))
        return false;
    *ret_line = line;
    return true;
}

// --- Help ---

static void print_indented(FILE *out, const char *lines)
{
    struct slice rest = slice_from_string(lines);
    while (rest.data != NULL) {
        struct slice one = slice_cut(&rest, '\n');
        fprintf(out, "  %.*s\n", SLICE_ARGS(one));
    }
}

static void print_overview(FILE *out)
{
    fputs("afloat keeps a site answering when its backends do not.\n\nusage:\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        print_indented(out, commands[i].usage);
    fputs("\ncommands:\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        fprintf(out, "  %-13s %s\n", commands[i].name, commands[i].summary);
    fputs("\nTry it on a site of yours:\n", out);
    fputs("  afloat run --listen :8080 --origin http://127.0.0.1:8000\n\n", out);
    fputs("Exit status: 0 done, 1 not possible, 64 a wrong command line; of check: 0 all is well,\n"
          "1 the site's side, 2 your side, 3 in between, 4 unknown.\n", out);
}

static void print_topic(enum command command, FILE *out)
{
    const struct command_entry *entry = &commands[command];
    bool any = false;
    fprintf(out, "%s\n\nusage:\n", entry->summary);
    print_indented(out, entry->usage);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        char name[64];
        if ((flags[i].commands & (1U << command)) == 0)
            continue;
        snprintf(name, sizeof(name), "%s%s%s", flags[i].name, flags[i].value == NULL ? "" : " ",
            flags[i].value == NULL ? "" : flags[i].value);
        fprintf(out, "%s  %-20s %s\n", any ? "" : "\nflags:\n", name, flags[i].help);
        any = true;
    }
    fputs("\nexamples:\n", out);
    print_indented(out, entry->examples);
}

void command_line_print_help(const struct command_line *line, FILE *out)
{
    if (line->help_has_topic && line->help_topic != COMMAND_HELP)
        print_topic(line->help_topic, out);
    else
        print_overview(out);
}
