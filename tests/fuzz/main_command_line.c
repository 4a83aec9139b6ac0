// Any words as a command line: what is refused gets one line that a terminal can show; what is
// taken keeps the promises of its struct, and the settings that flags stand for load without a
// mistake and with the values given. Words are separated by NUL bytes.
#include "base/invariant.h"
#include "doctor/facts.h"
#include "main/command_line.h"
#include "main/settings.h"

#include <stdlib.h>

#define WORDS_MAX 64
#define WALL_MS INT64_C(1700000000000)
#define YAML_SIZE ((size_t)128 << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Each word in memory of its own, so that a sanitizer sees a step beyond its end.
static int make_words(struct slice bytes, char **words)
{
    int count = 0;
    words[count++] = strdup("afloat");
    while (bytes.data != NULL && count < WORDS_MAX) {
        struct slice word = slice_cut(&bytes, '\0');
        words[count++] = strndup(word.data, word.size);
    }
    words[count] = NULL;
    return count;
}

static void check_refusal(const struct text *error)
{
    invariant(!error->full && slice_starts_with(text_slice(error), SLICE("afloat")));
    invariant(slice_contains(text_slice(error), ':'));
    for (size_t i = 0; i < error->size; i++)
        invariant((unsigned char)error->data[i] >= ' ' && error->data[i] != 0x7F);
}

static void check_texts(struct setting_list list, const struct command_texts *texts)
{
    const struct slice *items = list.items;
    invariant(list.count == texts->count);
    for (size_t i = 0; i < list.count; i++)
        invariant(slice_equal(items[i], slice_from_string(texts->items[i])));
}

static void check_settings(const struct command_line *line)
{
    static struct conf_mistakes mistakes;
    static char buffer[YAML_SIZE];
    const struct run_command *run = &line->run;
    struct text yaml = text_in(buffer, sizeof(buffer));
    struct arena arena;
    struct settings settings;
    command_line_write_settings(line, &yaml);
    if (yaml.full)
        return;
    arena_init(&arena, 4096, (size_t)16 << 20);
    enum error error = conf_load_text(text_slice(&yaml), &settings_root, &arena, &settings,
        &mistakes);
    conf_print_mistakes(&mistakes, "words", stderr);
    invariant(error == ERROR_NONE && settings.edge.origins.count == 1);
    const struct origin_settings *origin = settings.edge.origins.items;
    const struct site_settings *site = settings.edge.sites.items;
    check_texts(origin->backends, &run->origins);
    if (run->listen.count > 0)
        check_texts(settings.listen, &run->listen);
    if (run->probe != NULL)
        invariant(slice_equal(origin->probe.path, slice_from_string(run->probe)));
    if (line->state != NULL)
        invariant(slice_equal(settings.state, slice_from_string(line->state)));
    invariant(settings.edge.sites.count == (run->sites.count > 0));
    if (run->sites.count > 0)
        check_texts(site->hosts, &run->sites);
    arena_free(&arena);
}

static void check_vantage(const struct command_line *line)
{
    static char buffer[YAML_SIZE];
    static struct conf_mistakes mistakes;
    struct text yaml = text_in(buffer, sizeof(buffer));
    struct arena arena;
    struct settings settings;
    const struct vantage_command *vantage = &line->vantage;
    command_line_write_settings(line, &yaml);
    if (yaml.full)
        return;
    arena_init(&arena, 4096, (size_t)16 << 20);
    invariant(conf_load_text(text_slice(&yaml), &settings_root, &arena, &settings, &mistakes)
        == ERROR_NONE);
    invariant(settings.vantage.enabled && settings.edge.origins.count == 0);
    check_texts(settings.listen, &vantage->listen);
    if (vantage->canaries.count > 0)
        check_texts(settings.vantage.canaries, &vantage->canaries);
    if (vantage->key != NULL)
        invariant(slice_equal(settings.vantage.key_file, slice_from_string(vantage->key)));
    arena_free(&arena);
}

// What is wrong with a monitor's URL is only told when all is read.
static void check_server(const struct command_line *line)
{
    static char buffer[YAML_SIZE];
    static struct conf_mistakes mistakes;
    struct text yaml = text_in(buffer, sizeof(buffer));
    struct arena arena;
    struct settings settings;
    command_line_write_settings(line, &yaml);
    if (yaml.full)
        return;
    arena_init(&arena, 4096, (size_t)16 << 20);
    if (conf_load_text(text_slice(&yaml), &settings_root, &arena, &settings, &mistakes)
        == ERROR_NONE)
        invariant(settings.status.monitors.count == line->server.monitors.count
            && slice_equal(settings.status.name, slice_from_string(line->server.name)));
    arena_free(&arena);
}

static void check_line(const struct command_line *line)
{
    switch (line->command) {
    case COMMAND_RUN:
        invariant(line->run.config != NULL || line->run.origins.count > 0);
        if (line->run.config == NULL)
            check_settings(line);
        return;
    case COMMAND_CHECK_CONFIG:
        invariant(line->config_file != NULL);
        return;
    case COMMAND_PURGE:
        invariant((strcmp(line->purge.kind, "all") == 0) == (line->purge.what == NULL));
        return;
    case COMMAND_MAINTENANCE:
        invariant(line->maintenance.until_ms == 0 || line->maintenance.until_ms > WALL_MS);
        invariant(line->maintenance.on
            || (line->maintenance.until_ms == 0 && line->maintenance.message == NULL));
        if (line->window.action != NULL)
            invariant((strcmp(line->window.action, "add") == 0) == (line->window.begin != NULL));
        return;
    case COMMAND_REPORTS:
        invariant((line->reports.file == NULL) != (line->reports.simulate == NULL));
        invariant(line->reports.incidents == NULL || line->reports.file != NULL);
        return;
    case COMMAND_INCIDENT:
        invariant(line->incident.eta_ms == 0 || line->incident.eta_ms > WALL_MS);
        invariant(line->incident.id != NULL || line->incident.title != NULL
            || strcmp(line->incident.action, "list") == 0);
        return;
    case COMMAND_OUTBOX:
        invariant((strcmp(line->outbox.action, "list") == 0) == (line->outbox.id == NULL));
        invariant(line->outbox.id == NULL || !line->outbox.all);
        return;
    case COMMAND_CHECK:
        invariant(line->check.url != NULL && !(line->check.only_v4 && line->check.only_v6));
        invariant(line->check.from.count <= FACTS_VANTAGES_MAX);
        invariant(!line->check.no_remote || line->check.from.count == 0);
        return;
    case COMMAND_VANTAGE:
        invariant(line->vantage.listen.count > 0);
        check_vantage(line);
        return;
    case COMMAND_STATUS_SERVER:
        invariant(line->server.listen.count > 0 && line->server.name != NULL);
        check_server(line);
        return;
    case COMMAND_HASH_PASSWORD:
        return;
    case COMMAND_HELP: {
        char *help = NULL;
        size_t size;
        FILE *out = open_memstream(&help, &size);
        invariant(out != NULL);
        command_line_print_help(line, out);
        fclose(out);
        invariant(size > 0);
        free(help);
        return;
    }
    case COMMAND_STATUS:
    case COMMAND_VERSION:
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *words[WORDS_MAX + 1];
    char message[COMMAND_ERROR_MAX];
    struct text error = text_in(message, sizeof(message));
    struct command_line line;
    if (size == 0)
        return 0;
    setenv("TZ", "Europe/Berlin", 1);
    int count = make_words(slice_of((const char *)data, size), words);
    if (command_line_parse(count, words, &settings_root, WALL_MS, &line, &error))
        check_line(&line);
    else
        check_refusal(&error);
    for (int i = 0; i < count; i++)
        free(words[i]);
    return 0;
}
