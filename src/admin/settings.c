// The tables of this room's settings.
#include "admin/settings.h"
#include "base/text.h"
#include "io/address.h"

#include <stdio.h>

static const char *const format_choices[] = {"json", "combined", NULL};
static const char *const level_choices[] = {"debug", "info", "warning", "error", NULL};

static const struct setting log_rows[] = {
    {.name = "access",
        .type = SETTING_TEXT,
        .offset = offsetof(struct log_settings, access),
        .example = "/var/log/afloat/access.log",
        .summary = "The file that gets one line per answer; without it there is no access log.",
        .touch = "Set it to see who was answered how, and which lifeline saved whom."},
    {.name = "access_format",
        .type = SETTING_CHOICE,
        .offset = offsetof(struct log_settings, access_format),
        .fallback = "json",
        .choices = format_choices,
        .summary =
            "json says everything, one object per line; combined is the format of Apache and "
            "nginx.",
        .touch = "Use combined for log analysers that know nothing else."},
    {.name = "access_buffer",
        .type = SETTING_SIZE,
        .offset = offsetof(struct log_settings, access_buffer),
        .fallback = "1MB",
        .minimum = 65536,
        .maximum = UINT64_C(1) << 30,
        .summary =
            "How much of the access log waits in memory for the disk, per thread, rounded up "
            "to a power of two; beyond it lines are dropped and counted, visitors never wait. "
            "Changes take effect at the next start.",
        .touch = "Raise it when afloat status shows dropped lines."},
    {.name = "error",
        .type = SETTING_TEXT,
        .offset = offsetof(struct log_settings, error),
        .example = "/var/log/afloat/error.log",
        .summary = "The file for the edge's own events; without it they go to stderr.",
        .touch = "Leave it alone under systemd, whose journal keeps stderr."},
    {.name = "level",
        .type = SETTING_CHOICE,
        .offset = offsetof(struct log_settings, level),
        .fallback = "info",
        .choices = level_choices,
        .summary = "The least important events that are still logged.",
        .touch = "debug while you look for a fault; warning on a quiet, large installation."},
};

const struct setting_section log_settings_section = {
    .size = sizeof(struct log_settings),
    .rows = log_rows,
    .count = ARRAY_SIZE(log_rows),
    .summary = "Logs. SIGUSR1 opens the files again after they were rotated.",
};

static bool check_listen(struct slice value, char *message, size_t message_size)
{
    struct address address;
    if (address_parse(value, &address) == ERROR_NONE && address.any.sa_family != AF_UNIX)
        return true;
    snprintf(message, message_size,
        "is no address; expected ADDR:PORT such as 127.0.0.1:9200 or [::1]:9200");
    return false;
}

static const struct setting metrics_rows[] = {
    {.name = "listen",
        .type = SETTING_TEXT,
        .offset = offsetof(struct metrics_settings, listen),
        .check = check_listen,
        .example = "127.0.0.1:9200",
        .summary = "Where Prometheus finds /metrics; without it there is no such listener.",
        .touch =
            "Set it to watch the edge; nobody else should reach that address, for it tells the "
            "names of backends."},
};

const struct setting_section metrics_settings_section = {
    .size = sizeof(struct metrics_settings),
    .rows = metrics_rows,
    .count = ARRAY_SIZE(metrics_rows),
    .summary = "Metrics in Prometheus' text format.",
};
