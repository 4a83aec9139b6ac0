// Reads what the command needs, runs the check, shows its result.
#include "main/check.h"
#include "conf/mistakes.h"
#include "doctor/check.h"
#include "doctor/draw.h"
#include "doctor/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ARENA_LIMIT ((size_t)32 << 20)
#define NOT_POSSIBLE 70 // EX_SOFTWARE: 1 to 4 are verdicts

static struct slice party(const char *given, const char *usual, bool no_remote)
{
    if (no_remote || (given != NULL && strcmp(given, "off") == 0))
        return SLICE_EMPTY;
    return slice_from_string(given == NULL ? usual : given);
}

static void read_options(const struct check_command *command, struct check_options *options)
{
    bool alone = command->no_remote;
    options->second = party(command->resolver, CHECK_SECOND, alone);
    options->https = party(command->doh, CHECK_DOH, alone);
    options->portal = party(command->portal, CHECK_PORTAL, alone);
    options->control = party(command->control, CHECK_CONTROL, alone);
    for (size_t i = 0; i < command->from.count; i++)
        options->vantages[options->vantage_count++] = slice_from_string(command->from.items[i]);
    options->timeout_ms = command->timeout_ms == 0 ? CHECK_TIMEOUT_MS : command->timeout_ms;
    options->family = command->only_v4 ? AF_INET : command->only_v6 ? AF_INET6 : 0;
    options->environment = environ;
}

// data NULL after one line on stderr.
static struct slice read_file(const char *path, struct arena *arena)
{
    size_t size = 0;
    char *data = arena_alloc(arena, SIGNATURE_FILE_MAX + 1);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 || data == NULL ? -1 : 1;
    while (got > 0 && size <= SIGNATURE_FILE_MAX) {
        got = read(file, data + size, SIGNATURE_FILE_MAX + 1 - size);
        size += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        fprintf(stderr, "afloat check: --signatures: %s: %s\n", path,
            data == NULL ? error_text(ERROR_MEMORY) : strerror(errno));
    else if (size > SIGNATURE_FILE_MAX)
        fprintf(stderr, "afloat check: --signatures: %s is larger than %zu KB\n", path,
            SIGNATURE_FILE_MAX >> 10);
    if (file >= 0)
        close(file);
    return got < 0 || size > SIGNATURE_FILE_MAX ? SLICE_EMPTY : slice_of(data, size);
}

static struct signature_table *load_signatures(const char *path, struct arena *arena)
{
    struct conf_mistakes mistakes = {0};
    struct signature_table *table = NULL;
    struct slice text = path == NULL ? signature_builtin() : read_file(path, arena);
    if (text.data == NULL)
        return NULL;
    enum error error = signature_load(text, arena, &mistakes, &table);
    if (error == ERROR_INVALID)
        conf_print_mistakes(&mistakes, path == NULL ? "the built-in signatures" : path, stderr);
    else if (error != ERROR_NONE)
        fprintf(stderr, "afloat check: %s\n", error_text(error));
    return table;
}

// --- What is shown ---

struct shown {
    struct draw_style style;
    bool progress;
};

static void ended(void *context, enum step step, uint64_t ms, const struct facts *facts)
{
    const struct shown *shown = context;
    if (shown->progress)
        draw_progress(step, ms, facts, &shown->style, stdout);
}

static const char *variable(const char *name)
{
    size_t size = strlen(name);
    for (char **at = environ; *at != NULL; at++) {
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=')
            return *at + size + 1;
    }
    return NULL;
}

// As programs tell it by the first that is set: LC_ALL, LC_CTYPE, LANG.
static bool shows_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = variable(names[i]);
        if (value != NULL && value[0] != '\0')
            return strcasestr(value, "UTF-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

static int show(const struct check_result *result, const struct check_options *options,
    const struct draw_style *style, bool as_json)
{
    if (as_json) {
        json_t *report = report_to_json(result, options);
        if (report == NULL) {
            fprintf(stderr, "afloat check: %s\n", error_text(ERROR_MEMORY));
            return NOT_POSSIBLE;
        }
        // In ASCII: some of UTF-8's characters are commands to a terminal (U+009B).
        json_dumpf(report, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        fputc('\n', stdout);
        json_decref(report);
    } else {
        draw_result(result, options, style, stdout);
    }
    return (int)verdict_side(result->diagnosis.verdict);
}

static int check(const struct command_line *line, const struct target *target,
    const struct check_options *options)
{
    bool is_terminal = isatty(STDOUT_FILENO) == 1;
    struct shown shown = {
        .style = {
            .colours = is_terminal && variable("NO_COLOR") == NULL,
            .unicode = shows_unicode(),
            .explain = line->check.explain,
        },
        .progress = is_terminal && !line->json,
    };
    struct check_watcher watcher = {&shown, ended};
    struct check *run = NULL;
    const struct check_result *result = NULL;
    enum error error = check_run(options, target, &watcher, &run, &result);
    if (error != ERROR_NONE) {
        fprintf(stderr, "afloat check: %s\n", error_text(error));
        return NOT_POSSIBLE;
    }
    int status = show(result, options, &shown.style, line->json);
    check_free(run);
    return status;
}

int check_command(const struct command_line *line)
{
    char message[COMMAND_ERROR_MAX];
    struct text why = text_in(message, sizeof(message));
    struct arena arena;
    struct target target;
    struct check_options options = {0};
    int status = NOT_POSSIBLE;
    arena_init(&arena, 4096, ARENA_LIMIT);
    enum error error = target_parse(slice_from_string(line->check.url), &arena, &why, &target);
    if (error == ERROR_NONE) {
        read_options(&line->check, &options);
        struct signature_table *table = load_signatures(line->check.signatures, &arena);
        options.signatures = table;
        if (table != NULL)
            status = check(line, &target, &options);
        signature_release(table);
    } else if (error == ERROR_INVALID) {
        fprintf(stderr, "afloat check: %.*s\n", SLICE_ARGS(text_slice(&why)));
        status = COMMAND_LINE_USAGE;
    } else {
        fprintf(stderr, "afloat check: %s\n", error_text(error));
    }
    arena_free(&arena);
    return status;
}
