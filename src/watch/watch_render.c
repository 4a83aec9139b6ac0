// Incidents and windows for people at a terminal.
#include "base/memory.h"
#include "watch/watch_command.h"

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value == NULL ? "" : value;
}

// What anybody wrote does nothing to a terminal.
static void put(FILE *out, struct slice value)
{
    char *buffer = memory_alloc(value.size + 1);
    struct text text = text_in(buffer, buffer == NULL ? 0 : value.size);
    text_append(&text, value);
    text_replace_controls(&text, 0);
    if (text.size > 0)
        fwrite(text.data, 1, text.size, out);
    memory_free(buffer);
}

static void put_member(FILE *out, const json_t *object, const char *name, const char *label)
{
    const char *value = member(object, name);
    if (value[0] == '\0')
        return;
    fprintf(out, "%-10s ", label);
    put(out, slice_from_string(value));
    fputc('\n', out);
}

static void put_lines(FILE *out, const char *lines)
{
    struct slice rest = slice_from_string(lines);
    while (rest.size > 0) {
        fputs("    ", out);
        put(out, slice_cut(&rest, '\n'));
        fputc('\n', out);
    }
}

static void put_components(FILE *out, const json_t *list)
{
    size_t index;
    const json_t *id;
    json_array_foreach(list, index, id)
    {
        fputs(index == 0 ? "" : ", ", out);
        put(out, slice_of(json_string_value(id), json_string_length(id)));
    }
}

void watch_render_incidents(const json_t *response, FILE *out)
{
    size_t index;
    const json_t *incident, *incidents = json_object_get(response, "incidents");
    if (json_array_size(incidents) == 0)
        fputs("no incidents\n", out);
    json_array_foreach(incidents, index, incident)
    {
        static const char *const columns[] = {"id", "state", "impact", "started"};
        static const int widths[] = {12, 13, 8, 20};
        for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
            const char *value = member(incident, columns[i]);
            put(out, slice_from_string(value));
            fprintf(out, "%*s", widths[i] + 2 - (int)MINIMUM(strlen(value), (size_t)widths[i]),
                "");
        }
        put(out, slice_from_string(member(incident, "title")));
        fputc('\n', out);
    }
}

void watch_render_incident(const json_t *incident, FILE *out)
{
    static const char *const names[] = {"id", "title", "state", "impact", "reason", "started",
        "resolved", "eta"};
    const json_t *update, *components = json_object_get(incident, "components");
    size_t index;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        put_member(out, incident, names[i], names[i]);
    if (json_array_size(components) > 0) {
        fprintf(out, "%-10s ", "components");
        put_components(out, components);
        fputc('\n', out);
    }
    json_array_foreach(json_object_get(incident, "updates"), index, update)
    {
        const char *author = member(update, "author");
        fputc('\n', out);
        put(out, slice_from_string(member(update, "at")));
        fputs("  ", out);
        put(out, slice_from_string(member(update, "state")));
        fputs("  ", out);
        put(out, slice_from_string(author[0] == '\0' ? "afloat" : author));
        fputc('\n', out);
        put_lines(out, member(update, "text"));
    }
    if (member(incident, "postmortem")[0] != '\0') {
        fputs("\npostmortem\n", out);
        put_lines(out, member(incident, "postmortem"));
    }
}

void watch_render_windows(const json_t *response, FILE *out)
{
    size_t index;
    const json_t *window, *windows = json_object_get(response, "windows");
    if (json_array_size(windows) == 0)
        fputs("no maintenance is announced\n", out);
    json_array_foreach(windows, index, window)
    {
        put(out, slice_from_string(member(window, "id")));
        fputs("  ", out);
        put(out, slice_from_string(member(window, "begin")));
        fputs(" to ", out);
        put(out, slice_from_string(member(window, "end")));
        fputs("  ", out);
        put(out, slice_from_string(member(window, "state")));
        fputs("  ", out);
        put(out, slice_from_string(member(window, "title")));
        if (json_array_size(json_object_get(window, "components")) > 0) {
            fputs("  (", out);
            put_components(out, json_object_get(window, "components"));
            fputc(')', out);
        }
        fputc('\n', out);
    }
}
