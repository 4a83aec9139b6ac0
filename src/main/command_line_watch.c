// Which action takes which flags.
#include "main/command_line_watch.h"

enum part {
    PART_ALL = 1, PART_TITLE = 2, PART_TEXT = 4, PART_FILE = 8, PART_PHASE = 16, PART_IMPACT = 32,
    PART_COMPONENTS = 64, PART_ETA = 128, PART_NO_ETA = 256, PART_BEGIN = 512, PART_FOR = 1024,
    PART_ZONE = 2048, PART_RULE = 4096,
};

static const struct {
    unsigned part;
    const char *flag;
} parts[] = {
    {PART_ALL, "--all"}, {PART_TITLE, "--title"}, {PART_TEXT, "--text"}, {PART_FILE, "--file"},
    {PART_PHASE, "--phase"}, {PART_IMPACT, "--impact"}, {PART_COMPONENTS, "--component"},
    {PART_ETA, "--eta"}, {PART_NO_ETA, "--no-eta"}, {PART_BEGIN, "--begin"}, {PART_FOR, "--for"},
    {PART_ZONE, "--zone"}, {PART_RULE, "--rule"},
};

struct action {
    const char *name;
    const char *second; // what stands behind it; NULL: nothing
    unsigned parts;     // which it takes
};

static const struct action incident_actions[] = {
    {"list", NULL, PART_ALL},
    {"show", "an ID, see afloat incident list", 0},
    {"open", "a title in quotes",
        PART_TEXT | PART_PHASE | PART_IMPACT | PART_COMPONENTS | PART_ETA},
    {"update", "an ID, see afloat incident list",
        PART_TITLE | PART_TEXT | PART_PHASE | PART_IMPACT | PART_COMPONENTS | PART_ETA
            | PART_NO_ETA},
    {"resolve", "an ID, see afloat incident list", PART_TEXT},
    {"postmortem", "an ID, see afloat incident list --all", PART_TEXT | PART_FILE},
};

static const struct action window_actions[] = {
    {"add", "a title in quotes",
        PART_TEXT | PART_BEGIN | PART_FOR | PART_ZONE | PART_RULE | PART_COMPONENTS},
    {"list", NULL, PART_ALL},
    {"remove", "an ID, see afloat maintenance list", 0},
};

static const struct action *find_action(const struct action *actions, size_t count,
    const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (word != NULL && strcmp(actions[i].name, word) == 0)
            return &actions[i];
    }
    return NULL;
}

static bool check_action(const struct action *action, const char *second, unsigned given,
    struct text *why)
{
    if (action->second == NULL && second != NULL)
        text_format(why, "%s takes no further word", action->name);
    else if (action->second != NULL && second == NULL)
        text_format(why, "%s what? expected %s", action->name, action->second);
    else if (second != NULL && !text_is_utf8(slice_from_string(second)))
        text_format(why, "what stands behind %s is not UTF-8; expected %s", action->name,
            action->second);
    for (size_t i = 0; i < ARRAY_SIZE(parts) && why->size == 0; i++) {
        if ((given & ~action->parts & parts[i].part) != 0)
            text_format(why, "%s does not go with %s; see afloat help", parts[i].flag,
                action->name);
    }
    return why->size == 0;
}

static unsigned incident_parts(const struct incident_command *incident)
{
    return (incident->all ? PART_ALL : 0u) | (incident->title != NULL ? PART_TITLE : 0u)
        | (incident->text != NULL ? PART_TEXT : 0u) | (incident->file != NULL ? PART_FILE : 0u)
        | (incident->phase != NULL ? PART_PHASE : 0u)
        | (incident->impact != NULL ? PART_IMPACT : 0u)
        | (incident->components.count > 0 ? PART_COMPONENTS : 0u)
        | (incident->eta_ms != 0 ? PART_ETA : 0u) | (incident->no_eta ? PART_NO_ETA : 0u);
}

bool command_line_finish_incident(struct incident_command *incident, const char *word,
    const char *second, struct text *why)
{
    const struct action *action = find_action(incident_actions, ARRAY_SIZE(incident_actions),
        word);
    if (action == NULL) {
        text_format(why, "do what? expected list, show, open, update, resolve or postmortem");
        return false;
    }
    unsigned given = incident_parts(incident);
    if (!check_action(action, second, given, why))
        return false;
    incident->action = action->name;
    if (strcmp(action->name, "open") == 0)
        incident->title = second;
    else
        incident->id = second;
    if (strcmp(action->name, "update") == 0 && given == 0)
        text_format(why, "change what? expected --phase, --text or others, see afloat help");
    else if (incident->eta_ms != 0 && incident->no_eta)
        text_format(why, "--eta and --no-eta stand together; expected one of them");
    else if (strcmp(action->name, "postmortem") == 0
        && (incident->text == NULL) == (incident->file == NULL))
        text_format(why, "what does it say? expected --text or --file");
    return why->size == 0;
}

static unsigned window_parts(const struct window_command *window)
{
    return (window->all ? PART_ALL : 0u) | (window->text != NULL ? PART_TEXT : 0u)
        | (window->begin != NULL ? PART_BEGIN : 0u) | (window->duration_ms != 0 ? PART_FOR : 0u)
        | (window->zone != NULL ? PART_ZONE : 0u) | (window->rule != NULL ? PART_RULE : 0u)
        | (window->components.count > 0 ? PART_COMPONENTS : 0u);
}

const char *command_line_window_flag(const struct window_command *window)
{
    unsigned given = window_parts(window);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if ((given & parts[i].part) != 0)
            return parts[i].flag;
    }
    return NULL;
}

bool command_line_finish_window(struct window_command *window, const char *word,
    const char *second, struct text *why)
{
    const struct action *action = find_action(window_actions, ARRAY_SIZE(window_actions), word);
    if (action == NULL)
        return false;
    if (!check_action(action, second, window_parts(window), why))
        return false;
    window->action = action->name;
    if (strcmp(action->name, "add") == 0)
        window->title = second;
    else
        window->id = second;
    if (strcmp(action->name, "add") == 0 && (window->begin == NULL || window->duration_ms == 0))
        text_format(why, "from when, and how long? expected --begin and --for, such as "
                         "--begin '2026-12-01 02:00' --for 2h");
    return why->size == 0;
}

bool command_line_finish_reports(struct reports_command *reports, const char *word,
    const char *second, struct text *why)
{
    bool draws = reports->days != NULL || reports->services != NULL || reports->seed != NULL;
    reports->file = second;
    if (word == NULL || strcmp(word, "backtest") != 0)
        text_format(why, "do what? expected backtest");
    else if (second == NULL && reports->simulate == NULL)
        text_format(why, "backtest what? expected a file with reports, or --simulate RATE");
    else if (second != NULL && reports->simulate != NULL)
        text_format(why, "a file and --simulate stand together; expected one of them");
    else if (second != NULL && draws)
        text_format(why, "--days, --services and --seed go with --simulate only");
    else if (second == NULL && reports->incidents != NULL)
        text_format(why, "--incidents goes with a file only");
    return why->size == 0;
}
