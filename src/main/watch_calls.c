// From flags to the control socket, and the answer to people.
#include "main/watch_calls.h"
#include "base/memory.h"
#include "main/call.h"
#include "watch/watch_command.h"

#include <errno.h>

#define TEXT_READ_MAX ((size_t)INCIDENT_POSTMORTEM_MAX * 2) // with what is cut off again

// Without the line end at its end, and with those of Unix.
static void straighten(struct text *text)
{
    size_t size = 0;
    for (size_t i = 0; i < text->size; i++) {
        if (text->data[i] != '\r' || i + 1 == text->size || text->data[i + 1] != '\n')
            text->data[size++] = text->data[i];
    }
    while (size > 0 && text->data[size - 1] == '\n')
        size--;
    text->size = size;
}

// What --text - or --file brings, in buffer of TEXT_READ_MAX bytes. False after a line on stderr.
static bool read_text(const char *path, struct text *text)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(path, "re");
    if (in == NULL) {
        fprintf(stderr, "afloat: %s: %s\n", path, strerror(errno));
        return false;
    }
    text->size = fread(text->data, 1, TEXT_READ_MAX, in);
    bool failed = ferror(in) != 0, is_long = text->size == TEXT_READ_MAX;
    if (!is_stdin)
        fclose(in);
    straighten(text);
    const char *name = is_stdin ? "what stdin brings" : path;
    if (failed)
        fprintf(stderr, "afloat: %s cannot be read\n", name);
    else if (is_long)
        fprintf(stderr, "afloat: %s is too long; expected at most %d bytes\n", name,
            INCIDENT_POSTMORTEM_MAX);
    else if (!text_is_utf8(text_slice(text)))
        fprintf(stderr, "afloat: %s is not UTF-8\n", name);
    else if (text->size == 0)
        fprintf(stderr, "afloat: %s is empty\n", name);
    else
        return true;
    return false;
}

static json_t *list_of(const struct command_texts *texts)
{
    json_t *list = texts->count == 0 ? NULL : json_array();
    for (size_t i = 0; i < texts->count && list != NULL; i++)
        json_array_append_new(list, json_string(texts->items[i]));
    return list;
}

static json_t *request_incident(const struct incident_command *what, const char *text,
    size_t text_size)
{
    bool has_eta = what->eta_ms != 0 || what->no_eta;
    return json_pack("{s:s, s:s, s:s*, s:s*, s:o*, s:s*, s:s*, s:o*, s:o*, s:b}", "command",
        "incident", "action", what->action, "id", what->id, "title", what->title, "text",
        text == NULL ? NULL : json_stringn(text, text_size), "state", what->phase, "impact",
        what->impact, "components", list_of(&what->components), "eta_ms",
        has_eta ? json_integer((json_int_t)what->eta_ms) : NULL, "all", what->all);
}

int watch_call_incident(const struct command_line *line)
{
    const struct incident_command *what = &line->incident;
    const char *path = what->file;
    struct text text = text_in(NULL, 0);
    json_t *request = NULL;
    if (path == NULL && what->text != NULL && strcmp(what->text, "-") == 0)
        path = what->text;
    if (path != NULL) {
        text = text_in(memory_alloc(TEXT_READ_MAX), TEXT_READ_MAX);
        if (text.data == NULL || !read_text(path, &text)) {
            memory_free(text.data);
            return 1;
        }
        request = request_incident(what, text.data, text.size);
        memory_free(text.data);
    } else {
        request = request_incident(what, what->text, what->text == NULL ? 0 : strlen(what->text));
    }
    json_t *response = call_edge(line->state, request);
    if (response == NULL)
        return 1;
    const json_t *incident = json_object_get(response, "incident");
    const json_t *incidents = json_object_get(response, "incidents");
    if (line->json)
        call_print_json(incidents != NULL ? incidents : incident != NULL ? incident : response);
    else if (incidents != NULL)
        watch_render_incidents(response, stdout);
    else if (incident != NULL)
        watch_render_incident(incident, stdout);
    else
        puts(json_string_value(json_object_get(response, "id")));
    json_decref(response);
    return 0;
}

int watch_call_window(const struct command_line *line)
{
    const struct window_command *what = &line->window;
    json_t *response = call_edge(line->state,
        json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:I, s:o*, s:b}", "command",
            "window", "action", what->action, "id", what->id, "title", what->title, "text",
            what->text, "begin", what->begin, "zone", what->zone, "rule", what->rule,
            "duration_ms", (json_int_t)what->duration_ms, "components",
            list_of(&what->components), "all", what->all));
    if (response == NULL)
        return 1;
    const json_t *windows = json_object_get(response, "windows");
    if (line->json)
        call_print_json(windows != NULL ? windows : response);
    else if (windows != NULL)
        watch_render_windows(response, stdout);
    else
        puts(json_string_value(json_object_get(response, "id")));
    json_decref(response);
    return 0;
}
