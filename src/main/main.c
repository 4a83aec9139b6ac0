// One binary, several commands: each reads the command line's struct and calls one room.
#include "admin/commands.h"
#include "admin/outbox_command.h"
#include "base/clock.h"
#include "base/memory.h"
#include "conf/describe.h"
#include "doctor/report.h"
#include "main/call.h"
#include "main/check.h"
#include "main/command_line.h"
#include "main/hash_password.h"
#include "main/process.h"
#include "main/reports.h"
#include "main/watch_calls.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define YAML_SIZE ((size_t)128 << 10)

static int run(const struct command_line *line)
{
    if (line->command == COMMAND_RUN && line->run.config != NULL) {
        struct loaded_settings *loaded = settings_load(line->run.config, SLICE_EMPTY);
        return loaded == NULL ? 1 : process_run(line->run.config, SLICE_EMPTY, loaded);
    }
    struct loaded_settings *loaded = NULL;
    char *buffer = memory_alloc(YAML_SIZE);
    struct text yaml = text_in(buffer, buffer == NULL ? 0 : YAML_SIZE);
    command_line_write_settings(line, &yaml);
    if (yaml.full)
        fprintf(stderr, "afloat: too many flags; write a settings file and use --config\n");
    else
        loaded = settings_load(NULL, text_slice(&yaml));
    int status = loaded == NULL ? 1 : process_run(NULL, text_slice(&yaml), loaded);
    memory_free(buffer);
    return status;
}

static int check_config(const char *path)
{
    struct loaded_settings *loaded = settings_load(path, SLICE_EMPTY);
    if (loaded == NULL)
        return 1;
    settings_free(loaded);
    printf("%s: no mistakes\n", path);
    return 0;
}

static int show_status(const struct command_line *line)
{
    json_t *response = call_edge(line->state, json_pack("{s:s}", "command", "status"));
    if (response == NULL)
        return 1;
    const json_t *status = json_object_get(response, "status");
    if (line->json) {
        call_print_json(status);
    } else {
        status_render(status, isatty(STDOUT_FILENO) == 1, clock_wall_ms(), stdout);
    }
    json_decref(response);
    return 0;
}

static int purge(const struct command_line *line)
{
    const struct purge_command *what = &line->purge;
    json_t *response = call_edge(line->state,
        json_pack("{s:s, s:s, s:s*, s:b}", "command", "purge", "kind", what->kind, "what",
            what->what, "hard", what->hard));
    if (response == NULL)
        return 1;
    long long count = json_integer_value(json_object_get(response, "purged"));
    printf("%lld %s %s\n", count, count == 1 ? "object is" : "objects are",
        what->hard ? "gone" : "stale: fetched anew when asked for, kept for when that fails");
    json_decref(response);
    return 0;
}

static int maintain(const struct command_line *line)
{
    const struct maintenance_command *what = &line->maintenance;
    json_t *response = call_edge(line->state,
        json_pack("{s:s, s:b, s:I, s:s*}", "command", "maintenance", "on", what->on, "until_ms",
            (json_int_t)what->until_ms, "message", what->message));
    if (response == NULL)
        return 1;
    char until[64] = "";
    time_t seconds = (time_t)(what->until_ms / 1000);
    struct tm local;
    // With its day: 14:30 said in the evening means tomorrow's.
    if (what->until_ms != 0 && localtime_r(&seconds, &local) != NULL)
        strftime(until, sizeof(until), " until %Y-%m-%d %H:%M %Z", &local);
    if (what->on)
        printf("maintenance is on%s: copies are served, nothing is fetched\n", until);
    else
        puts("maintenance is off");
    json_decref(response);
    return 0;
}

static int work_on_outbox(const struct command_line *line)
{
    const struct outbox_command *what = &line->outbox;
    json_t *response = call_edge(line->state,
        json_pack("{s:s, s:s, s:s*, s:b}", "command", "outbox", "action", what->action, "id",
            what->id, "all", what->all));
    if (response == NULL)
        return 1;
    const json_t *write = json_object_get(response, "write");
    bool lists = strcmp(what->action, "list") == 0;
    if (line->json && (lists || write != NULL)) {
        call_print_json(lists ? json_object_get(response, "writes") : write);
    } else if (lists) {
        outbox_render_list(response, stdout);
    } else if (write != NULL) {
        outbox_render_write(write, stdout);
    } else {
        puts(strcmp(what->action, "retry") == 0 ? "it is sent again" : "it is dropped");
    }
    json_decref(response);
    return 0;
}

// Not for users: writes the generated reference, for ./dev docs and the test that it is current.
static int dump_docs(const char *kind)
{
    if (strcmp(kind, "check") == 0) {
        json_t *schema = report_schema();
        int failed = schema == NULL || json_dumpf(schema, stdout, JSON_INDENT(2)) != 0;
        json_decref(schema);
        putchar('\n');
        return failed;
    }
    enum error error = strcmp(kind, "schema") == 0 ? conf_describe_schema(&settings_root, stdout)
                                                   : conf_describe_markdown(&settings_root, stdout);
    if (error != ERROR_NONE)
        fprintf(stderr, "afloat: %s\n", error_text(error));
    return error == ERROR_NONE ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct command_line line;
    char message[COMMAND_ERROR_MAX];
    struct text error = text_in(message, sizeof(message));
    if (argc == 3 && strcmp(argv[1], "dump-docs") == 0)
        return dump_docs(argv[2]);
    if (!command_line_parse(argc, argv, &settings_root, clock_wall_ms(), &line, &error)) {
        fprintf(stderr, "%.*s\n", SLICE_ARGS(text_slice(&error)));
        return COMMAND_LINE_USAGE;
    }
    switch (line.command) {
    case COMMAND_RUN:
    case COMMAND_VANTAGE:
    case COMMAND_STATUS_SERVER:
        return run(&line);
    case COMMAND_CHECK_CONFIG:
        return check_config(line.config_file);
    case COMMAND_PURGE:
        return purge(&line);
    case COMMAND_STATUS:
        return show_status(&line);
    case COMMAND_MAINTENANCE:
        return line.window.action != NULL ? watch_call_window(&line) : maintain(&line);
    case COMMAND_OUTBOX:
        return work_on_outbox(&line);
    case COMMAND_INCIDENT:
        return watch_call_incident(&line);
    case COMMAND_REPORTS:
        return reports_command(&line);
    case COMMAND_CHECK:
        return check_command(&line);
    case COMMAND_HASH_PASSWORD:
        return hash_password();
    case COMMAND_HELP:
        command_line_print_help(&line, stdout);
        return 0;
    case COMMAND_VERSION:
        printf("afloat %s\n", AFLOAT_VERSION);
        return 0;
    }
    return COMMAND_LINE_USAGE;
}
