// The command line, from words to plain structs. Scripts depend on it: commands and flags are
// added, never changed. Pure: nothing is opened or printed but by the caller.
//
// Flags are written --name=value or --name value; what stands for a setting is held against its
// row, so that ranges and messages are the same as in the settings file. "--" ends the flags.
#pragma once

#include "base/setting.h"
#include "base/text.h"

#include <stdio.h>

#define COMMAND_LINE_USAGE 64 // exit status of a wrong command line (EX_USAGE)
#define COMMAND_TEXTS_MAX 64
#define COMMAND_ERROR_MAX 1024 // bytes of an error, enough for any

enum command {
    COMMAND_RUN,
    COMMAND_CHECK_CONFIG,
    COMMAND_PURGE,
    COMMAND_STATUS,
    COMMAND_MAINTENANCE,
    COMMAND_OUTBOX,
    COMMAND_INCIDENT,
    COMMAND_REPORTS,
    COMMAND_CHECK,
    COMMAND_VANTAGE,
    COMMAND_STATUS_SERVER,
    COMMAND_HASH_PASSWORD,
    COMMAND_HELP,
    COMMAND_VERSION,
};

// Of a flag that may stand several times.
struct command_texts {
    const char *items[COMMAND_TEXTS_MAX];
    size_t count;
};

struct run_command {
    const char *config; // alone; or NULL and the flags below, at least one origin
    struct command_texts listen, origins, sites;
    struct command_texts tls, certificates, keys; // as many keys as certificates
    const char *probe, *memory, *threads; // as written; NULL: not given
};

struct purge_command {
    const char *kind; // "url", "prefix", "tag" or "all", as the control socket wants it
    const char *what; // NULL for all
    bool hard;
};

struct maintenance_command {
    bool on;
    int64_t until_ms; // wall clock; 0: not given
    const char *message; // NULL: not given
};

struct outbox_command {
    const char *action; // "list", "show", "retry" or "drop", as the control socket wants it
    const char *id;     // NULL with list
    bool all;           // of list
};

struct incident_command {
    const char *action; // "list", "show", "open", …, as the control socket wants it
    const char *id;     // NULL with list and open
    const char *title;  // NULL: not given
    const char *text;   // likewise; "-": what stdin brings
    const char *file;   // of postmortem, in place of text
    const char *phase, *impact;
    struct command_texts components;
    int64_t eta_ms;     // wall clock; 0: not given
    bool no_eta;        // takes away the one that was said
    bool all;           // of list
};

// Of maintenance: add, list and remove.
struct window_command {
    const char *action; // NULL: maintenance goes on or off
    const char *id, *title, *text, *begin, *zone, *rule; // NULL: not given
    struct command_texts components;
    uint64_t duration_ms;
    bool all;           // of list
};

// backtest, of a file or of what is drawn at random.
struct reports_command {
    const char *file;      // "-": stdin. NULL: --simulate
    const char *incidents; // NULL: not given
    const char *simulate, *days, *services, *seed; // as written; NULL: not given
};

// Third parties: as written, "off" for nobody; NULL: not given.
struct check_command {
    const char *url;
    struct command_texts from; // at most FACTS_VANTAGES_MAX
    const char *resolver, *doh, *portal, *control, *signatures;
    bool no_remote, explain, only_v4, only_v6;
    uint64_t timeout_ms; // 0: not given
};

struct vantage_command {
    struct command_texts listen, allow, ports, canaries;
    const char *name, *key; // NULL: not given
};

struct status_server_command {
    struct command_texts listen, monitors;
    const char *name, *url; // NULL: not given
};

// Texts are words of argv.
struct command_line {
    enum command command;
    const char *state; // --state; NULL: the default
    union { // by command: they are large
        struct run_command run;
        struct vantage_command vantage;
        struct status_server_command server;
        struct incident_command incident;
        struct window_command window; // of maintenance
        struct reports_command reports;
    };
    const char *config_file; // of check-config
    struct purge_command purge;
    bool json; // of status, outbox, incident, reports, check and maintenance list
    struct maintenance_command maintenance;
    struct outbox_command outbox;
    struct check_command check;
    bool help_has_topic;
    enum command help_topic;
};

// root: the tables that flags stand for. wall_ms: for --until. On failure returns false, with one
// line without its end in error, which begins with the command's name.
bool command_line_parse(int argc, char *const *argv, const struct setting_section *root,
    int64_t wall_ms, struct command_line *ret_line, struct text *error) MUST_CHECK;

// The settings file that the flags of run, vantage or status-server stand for. Left full when it
// does not fit.
void command_line_write_settings(const struct command_line *line, struct text *yaml);

// What `afloat help [COMMAND]` prints.
void command_line_print_help(const struct command_line *line, FILE *out);
