// The root of the settings: every room's section, and the few values that belong to the process.
#include "main/settings.h"
#include "io/address.h"

#include <stdio.h>

#define NAME_SIZE_MAX 64 // it stands in every answer, up to four times

static bool check_address(struct slice value, char *message, size_t message_size)
{
    struct address address;
    if (address_parse(value, &address) == ERROR_NONE && address.any.sa_family != AF_UNIX)
        return true;
    snprintf(message, message_size,
        "is no address; expected ADDR:PORT, such as :8080, 127.0.0.1:8080 or [::1]:8080");
    return false;
}

static bool check_prefix(struct slice value, char *message, size_t message_size)
{
    if (value.size == 0
        || (value.data[0] == '/' && value.size >= 3 && value.data[value.size - 1] == '/'))
        return true;
    snprintf(message, message_size,
        "is no prefix; expected a path that begins and ends with /, such as /.afloat/, "
        "or \"\" for none");
    return false;
}

static bool check_name(struct slice value, char *message, size_t message_size)
{
    if (value.size <= NAME_SIZE_MAX && http_is_token(value))
        return true;
    snprintf(message, message_size,
        "is no name; expected at most %d letters, digits and -, such as edge-1", NAME_SIZE_MAX);
    return false;
}

static const struct setting rows[] = {
    {.name = "listen", .type = SETTING_TEXT_LIST, .offset = offsetof(struct settings, listen),
        .fallback = ":8080", .minimum = 1, .maximum = 16, .check = check_address,
        .summary = "The addresses that visitors connect to; :8080 means port "
                   "8080 of all addresses.",
        .touch = "Set it to :80 once the edge stands in front of the site."},
    {.name = "state", .type = SETTING_TEXT, .offset = offsetof(struct settings, state),
        .example = "/var/lib/afloat",
        .summary = "The directory of the control socket. Without it: systemd's $STATE_DIRECTORY, "
                   "else /var/lib/afloat for root and $XDG_STATE_HOME/afloat for other users.",
        .touch = "Set it when several edges run on one machine; each needs its own."},
    {.name = "user", .type = SETTING_TEXT, .offset = offsetof(struct settings, user),
        .example = "afloat", .summary = "The user to become once the ports are open.",
        .touch = "Set it whenever the edge is started by root without systemd."},
    {.name = "threads", .type = SETTING_COUNT, .offset = offsetof(struct settings, threads),
        .fallback = "0", .minimum = 0, .maximum = 256,
        .summary = "Threads that serve visitors; 0 means one per core. Changes need a restart.",
        .touch = "Lower it when the machine has other work to do."},
    {.name = "name", .type = SETTING_TEXT, .offset = offsetof(struct settings, edge.name),
        .fallback = "afloat", .check = check_name,
        .summary = "This edge's name in Via, Cache-Status and Proxy-Status.",
        .touch = "Give each edge its own name where there are several."},
    {.name = "prefix", .type = SETTING_TEXT, .offset = offsetof(struct settings, edge.prefix),
        .fallback = "/.afloat/", .check = check_prefix,
        .summary = "Where the edge's own pages are: PREFIXstatus and "
                   "PREFIXclear-cache; \"\" for none.",
        .touch = "Change it when the site uses that path itself."},
    {.name = "origins", .type = SETTING_SECTION_MAP,
        .offset = offsetof(struct settings, edge.origins),
        .section = &origin_settings_section, .maximum = 1000, .required = true,
        .example = "{main: {backends: [\"http://127.0.0.1:8000\"]}}",
        .summary = "Where sites are fetched from: pools of backends by name. Only a vantage "
                   "or a status page may have none, {}, and then serve no site."},
    {.name = "sites", .type = SETTING_SECTION_LIST, .offset = offsetof(struct settings, edge.sites),
        .section = &site_settings_section, .maximum = 10000,
        .summary = "What is served. Without any, one site takes every host name and "
                   "uses the first origin."},
    {.name = "tls", .type = SETTING_SECTION, .offset = offsetof(struct settings, edge.tls),
        .section = &tls_settings_section, .summary = "HTTPS towards visitors."},
    {.name = "acme_directory", .type = SETTING_TEXT,
        .offset = offsetof(struct settings, edge.acme_directory), .example = "/var/lib/afloat/acme",
        .summary = "The directory in which an ACME client puts what proves that a host is yours "
                   "(HTTP-01): /.well-known/acme-challenge/TOKEN is answered from it, for every "
                   "host. What is not there is asked of the backend.",
        .touch = "Set it to get certificates from Let's Encrypt and others: see docs/tls.md."},
    {.name = "store", .type = SETTING_SECTION, .offset = offsetof(struct settings, edge.store),
        .section = &cache_settings_section, .summary = "The cache's memory and disk."},
    {.name = "outbox", .type = SETTING_SECTION, .offset = offsetof(struct settings, edge.outbox),
        .section = &outbox_settings_section, .summary = "Where accepted writes are kept."},
    {.name = "connections", .type = SETTING_SECTION,
        .offset = offsetof(struct settings, edge.connections),
        .section = &connection_settings_section,
        .summary = "Connections of visitors."},
    {.name = "overload", .type = SETTING_SECTION,
        .offset = offsetof(struct settings, edge.overload),
        .section = &pressure_settings_section,
        .summary = "When the edge itself runs short."},
    {.name = "compression", .type = SETTING_SECTION,
        .offset = offsetof(struct settings, edge.compression),
        .section = &compress_limits_section, .summary = "How much is compressed at once."},
    {.name = "clients", .type = SETTING_SECTION,
        .offset = offsetof(struct settings, edge.clients), .section = &client_settings_section,
        .summary = "Who counts as a client, and the limits of each."},
    {.name = "http", .type = SETTING_SECTION, .offset = offsetof(struct settings, edge.http),
        .section = &http_settings, .summary = "How large the parts of a message may be."},
    {.name = "tasks", .type = SETTING_SECTION, .offset = offsetof(struct settings, tasks),
        .section = &loop_settings,
        .summary = "The tasks that serve requests. Changes need a restart."},
    {.name = "log", .type = SETTING_SECTION, .offset = offsetof(struct settings, log),
        .section = &log_settings_section, .summary = "Access log and error log."},
    {.name = "metrics", .type = SETTING_SECTION, .offset = offsetof(struct settings, metrics),
        .section = &metrics_settings_section, .summary = "Metrics for Prometheus."},
    {.name = "vantage", .type = SETTING_SECTION, .offset = offsetof(struct settings, vantage),
        .section = &vantage_settings_section,
        .summary = "How sites look from here, for whoever asks."},
    {.name = "status", .type = SETTING_SECTION, .offset = offsetof(struct settings, status),
        .section = &watch_settings_section,
        .summary = "The status page, and what it watches."},
};

const struct setting_section settings_root = {
    .size = sizeof(struct settings),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "The settings file is YAML. Every setting has a default that protects a small site; "
               "a file needs to name its origins and nothing else.",
    .review = settings_review,
};

// One site for every host name, with all defaults.
enum error settings_complete(struct settings *settings, struct arena *arena)
{
    if (settings->edge.sites.count > 0 || settings->edge.origins.count == 0)
        return ERROR_NONE;
    struct site_settings *site = arena_zero_alloc(arena, sizeof(*site));
    if (site == NULL)
        return ERROR_MEMORY;
    enum error error = conf_load_defaults(&site_settings_section, arena, site);
    if (error != ERROR_NONE)
        return error;
    const struct origin_settings *origins = settings->edge.origins.items;
    site->origin = origins[0].name;
    settings->edge.sites = (struct setting_list){site, 1};
    return ERROR_NONE;
}
