// Reads the files, runs the backtest or the simulation, shows what comes of it.
#include "main/reports.h"
#include "base/memory.h"
#include "main/command_checks.h"
#include "watch/report/backtest.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define WHY_MAX 1024
#define USUAL_DAYS 180
#define USUAL_SERVICES 20

static int fail(const char *what)
{
    fprintf(stderr, "afloat reports: %s\n", what);
    return 1;
}

// All of a file, "-" for stdin; NULL after one line on stderr. The caller frees it.
static char *read_all(const char *path, size_t *ret_size)
{
    size_t size = 0, capacity = 1 << 16;
    char *data = memory_alloc(capacity);
    int file = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 || data == NULL ? -1 : 1;
    while (got > 0 && size <= BACKTEST_FILE_MAX) {
        if (size == capacity) {
            char *grown = memory_resize(data, capacity * 2);
            if (grown == NULL) {
                errno = ENOMEM;
                got = -1;
                break;
            }
            data = grown;
            capacity *= 2;
        }
        got = read(file, data + size, capacity - size);
        size += got > 0 ? (size_t)got : 0;
    }
    bool is_read = got >= 0 && size <= BACKTEST_FILE_MAX;
    if (got < 0)
        fprintf(stderr, "afloat reports: %s: %s\n", path, strerror(errno));
    else if (!is_read)
        fprintf(stderr, "afloat reports: %s is larger than %zu MB\n", path,
            BACKTEST_FILE_MAX >> 20);
    if (file > STDIN_FILENO)
        close(file);
    if (!is_read) {
        memory_free(data);
        return NULL;
    }
    *ret_size = size;
    return data;
}

static bool read_list(struct backtest *backtest, const char *path,
    enum error (*read_into)(struct backtest *backtest, struct slice list, const char *name,
        struct text *why))
{
    char buffer[WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    size_t size = 0;
    char *data = read_all(path, &size);
    if (data == NULL)
        return false;
    enum error error = read_into(backtest, slice_of(data, size),
        strcmp(path, "-") == 0 ? "stdin" : path, &why);
    memory_free(data);
    if (error != ERROR_NONE && why.size > 0)
        fprintf(stderr, "afloat reports: %.*s\n", SLICE_ARGS(text_slice(&why)));
    else if (error != ERROR_NONE)
        fprintf(stderr, "afloat reports: %s: %s\n", path, error_text(error));
    return error == ERROR_NONE;
}

static int show(const struct backtest *backtest, bool as_json)
{
    if (!as_json) {
        backtest_show(backtest, stdout);
        return 0;
    }
    enum error error = backtest_show_json(backtest, stdout);
    return error == ERROR_NONE ? 0 : fail(error_text(error));
}

static int run_backtest(const struct command_line *line)
{
    const struct reports_command *command = &line->reports;
    char buffer[WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    struct backtest *backtest;
    int status = 1;
    if (backtest_create(&backtest) != ERROR_NONE)
        return fail(error_text(ERROR_MEMORY));
    if (read_list(backtest, command->file, backtest_read_reports)
        && (command->incidents == NULL
            || read_list(backtest, command->incidents, backtest_read_incidents))) {
        enum error error = backtest_run(backtest, &why);
        if (error == ERROR_NONE)
            status = show(backtest, line->json);
        else
            fprintf(stderr, "afloat reports: %s: %.*s\n", command->file,
                SLICE_ARGS(why.size > 0 ? text_slice(&why)
                                        : slice_from_string(error_text(error))));
    }
    backtest_destroy(backtest);
    return status;
}

// The command line has seen to it that they are numbers.
static struct simulation read_simulation(const struct reports_command *command)
{
    struct simulation simulation = {.days = USUAL_DAYS, .services = USUAL_SERVICES, .seed = 1};
    uint64_t number;
    if (!command_read_rate(slice_from_string(command->simulate), &simulation.rate))
        simulation.rate = 0;
    if (command->days != NULL && command_read_count(slice_from_string(command->days), &number))
        simulation.days = (uint32_t)number;
    if (command->services != NULL
        && command_read_count(slice_from_string(command->services), &number))
        simulation.services = (uint32_t)number;
    if (command->seed != NULL
        && slice_parse_u64(slice_from_string(command->seed), UINT64_MAX, &number))
        simulation.seed = number;
    return simulation;
}

static int run_simulation(const struct command_line *line)
{
    struct simulation_result result;
    const struct simulation simulation = read_simulation(&line->reports);
    enum error error = simulation_run(&simulation, &result);
    if (error == ERROR_NONE && line->json)
        error = backtest_show_simulation_json(&simulation, &result, stdout);
    else if (error == ERROR_NONE)
        backtest_show_simulation(&simulation, &result, stdout);
    return error == ERROR_NONE ? 0 : fail(error_text(error));
}

int reports_command(const struct command_line *line)
{
    return line->reports.file == NULL ? run_simulation(line) : run_backtest(line);
}
