// One table of commands and one of flags drive the parser, its messages and the help.
#include "main/command_line.h"
#include "admin/commands.h"
#include "base/invariant.h"
#include "conf/conf.h"
#include "conf/nearest.h"
#include "main/until.h"

#define MESSAGE_MAX 500 // bytes of --message
#define WHAT_MAX 8192   // bytes of --url, --prefix and --tag
#define BIT(command) (1U << (command))

struct parser {
    const struct setting_section *root;
    int64_t wall_ms;
    struct command_line *line;
    struct text *error;
    bool is_known; // the command is: errors name it
    uint64_t seen; // bit i: flags[i]
};

// Keeps a value (NULL: of a switch) and returns true, or says what is wrong with it after the flag's
// name.
typedef bool take_flag(struct parser *parser, const char *value);

static take_flag take_all, take_config, take_hard, take_json, take_listen, take_memory, take_message,
    take_origin, take_prefix, take_probe, take_site, take_state, take_tag, take_threads, take_until,
    take_url;

struct flag {
    const char *name;
    const char *value;   // what to write for it; NULL: a switch
    unsigned commands;   // bits
    bool repeats;
    const char *setting; // the path of the row its value must fit; NULL: none
    take_flag *take;
    const char *help;
};

// In the order of the help.
static const struct flag flags[] = {
    {"--listen", "ADDR:PORT", BIT(COMMAND_RUN), true, "listen", take_listen,
     "an address to serve at; :8080 means all addresses, port 0 a free port; repeatable"},
    {"--origin", "URL", BIT(COMMAND_RUN), true, "origins.backends", take_origin,
     "a backend, http://host[:port]; repeatable, all of them serve the same site"},
    {"--site", "HOST", BIT(COMMAND_RUN), true, "sites.hosts", take_site,
     "a host name to serve; repeatable; without it, every one"},
    {"--probe", "PATH", BIT(COMMAND_RUN), false, "origins.probe.path", take_probe,
     "what to ask each backend for, again and again, to see whether it is well"},
    {"--memory", "SIZE", BIT(COMMAND_RUN), false, "store.memory", take_memory,
     "how much memory copies may take, such as 256MB"},
    {"--threads", "N", BIT(COMMAND_RUN), false, "threads", take_threads,
     "how many threads serve visitors; 0: one per core"},
    {"--config", "FILE", BIT(COMMAND_RUN), false, NULL, take_config,
     "everything from a settings file instead of flags; SIGHUP reads it again"},
    {"--url", "URL", BIT(COMMAND_PURGE), false, NULL, take_url, "the copies of one URL"},
    {"--prefix", "URL", BIT(COMMAND_PURGE), false, NULL, take_prefix,
     "the copies of all URLs that begin so"},
    {"--tag", "TAG", BIT(COMMAND_PURGE), false, NULL, take_tag,
     "the copies whose Surrogate-Key or Cache-Tag names the tag"},
    {"--all", NULL, BIT(COMMAND_PURGE), false, NULL, take_all, "every copy"},
    {"--hard", NULL, BIT(COMMAND_PURGE), false, NULL, take_hard,
     "remove them for good; without it they are stale at once, but still there for failures"},
    {"--json", NULL, BIT(COMMAND_STATUS), false, NULL, take_json, "for programs"},
    {"--until", "TIME", BIT(COMMAND_MAINTENANCE), false, NULL, take_until,
     "when it will be over, for visitors to see: 30m, 18:30 or 2026-01-31T18:30:00Z"},
    {"--message", "TEXT", BIT(COMMAND_MAINTENANCE), false, NULL, take_message,
     "a sentence for visitors"},
    {"--state", "DIR",
     BIT(COMMAND_RUN) | BIT(COMMAND_PURGE) | BIT(COMMAND_STATUS) | BIT(COMMAND_MAINTENANCE), false,
     "state", take_state,
     "where the control socket is; by default /var/lib/afloat, for users other than root "
     "$XDG_STATE_HOME/afloat"},
};
static_assert(ARRAY_SIZE(flags) <= 64, "parser.seen has a bit for each");

struct command_entry {
    const char *name;
    const char *usage;
    const char *summary;
    const char *examples;
};

// By enum command.
static const struct command_entry commands[] = {
    [COMMAND_RUN] = {"run",
        "afloat run --listen ADDR:PORT --origin URL [--origin URL]... [--site HOST]...\n"
        "           [--probe PATH] [--state DIR] [--memory SIZE] [--threads N]\n"
        "afloat run --config FILE",
        "Serves a site from its backends, and keeps answering when they do not.",
        "afloat run --listen :8080 --origin http://127.0.0.1:8000\n"
        "afloat run --listen :80 --origin http://10.0.0.5 --origin http://10.0.0.6 --probe /health\n"
        "afloat run --config /etc/afloat/afloat.yaml"},
    [COMMAND_CHECK_CONFIG] = {"check-config", "afloat check-config FILE",
        "Names every mistake in a settings file: file:line:column, what is wrong, what would be "
        "right.",
        "afloat check-config /etc/afloat/afloat.yaml"},
    [COMMAND_PURGE] = {"purge",
        "afloat purge (--url URL | --prefix URL | --tag TAG | --all) [--hard] [--state DIR]",
        "Makes copies stale at once: the next visitor gets the page anew, unless the backend fails.",
        "afloat purge --url https://example.org/news\n"
        "afloat purge --prefix https://example.org/images/\n"
        "afloat purge --tag article-17 --hard"},
    [COMMAND_STATUS] = {"status", "afloat status [--json] [--state DIR]",
        "Shows the backends, their health and why, the cache, and whom the lifelines saved.",
        "afloat status\n"
        "afloat status --json | jq .ledger"},
    [COMMAND_MAINTENANCE] = {"maintenance",
        "afloat maintenance on [--until TIME] [--message TEXT] [--state DIR]\n"
        "afloat maintenance off [--state DIR]",
        "Stops asking the backends: copies are served, all else gets a page that says until when.",
        "afloat maintenance on --until 18:30 --message 'New database; back this evening.'\n"
        "afloat maintenance on --until 30m\n"
        "afloat maintenance off"},
    [COMMAND_HELP] = {"help", "afloat help [COMMAND]", "Explains a command.", "afloat help run"},
    [COMMAND_VERSION] = {"--version", "afloat --version", "Prints the version.", NULL},
};

// The error's beginning; whatever follows is one sentence.
static bool refuse(struct parser *parser, const char *format, ...) PRINTF_LIKE(2, 3);

static bool refuse(struct parser *parser, const char *format, ...)
{
    char buffer[COMMAND_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    text_append(parser->error, SLICE("afloat"));
    if (parser->is_known && parser->line->command != COMMAND_VERSION)
        text_format(parser->error, " %s", commands[parser->line->command].name);
    text_append(parser->error, SLICE(": "));
    text_append(parser->error, slice_from_string(buffer));
    return false;
}

static const struct text quote(const char *value, char *buffer, size_t size)
{
    struct text text = text_in(buffer, size);
    text_append_quoted(&text, slice_from_string(value));
    return text;
}
