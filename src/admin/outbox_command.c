// The operator's way into the outbox.
#include "admin/outbox_command.h"
#include "admin/control.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/units.h"
#include "edge/outbox/outbox.h"

static json_t *text_of(const char *value)
{
    json_t *text = json_string(value);
    if (text != NULL)
        return text;
    char buffer[1024]; // not UTF-8: a visitor's URL can say anything
    size_t size = MINIMUM(strlen(value), sizeof(buffer) - 1);
    for (size_t i = 0; i < size; i++)
        buffer[i] = (char)((unsigned char)value[i] < 0x80 ? value[i] : '?');
    return json_stringn(buffer, size);
}

static json_t *time_of(int64_t wall_ms)
{
    char buffer[64];
    struct text text = text_in(buffer, sizeof(buffer));
    if (wall_ms != 0)
        units_format_time(&text, wall_ms);
    return text.size == 0 ? json_null() : json_stringn(text.data, text.size);
}

static json_t *build_write(const struct outbox_view *view)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:i, s:b, s:I, s:o}",
        "id", view->id, "state", outbox_state_word(view->state), "method", text_of(view->method),
        "url", text_of(view->url), "origin", text_of(view->origin), "accepted",
        time_of(view->accepted_ms), "over", time_of(view->over_ms), "status", (int)view->status,
        "location", text_of(view->location), "attempts", (int)view->attempts, "repeatable",
        view->repeatable, "bytes", (json_int_t)view->bytes, "why", text_of(view->why));
}

static json_t *list(struct outbox *outbox, bool all)
{
    struct outbox_view *views = memory_alloc(OUTBOX_LISTED * sizeof(*views));
    if (views == NULL)
        return NULL;
    size_t count = outbox_list(outbox, all, views, OUTBOX_LISTED);
    size_t shown = MINIMUM(count, OUTBOX_LISTED);
    json_t *array = json_array();
    bool failed = array == NULL;
    for (size_t i = 0; i < shown && !failed; i++)
        failed = json_array_append_new(array, build_write(&views[i])) < 0;
    memory_free(views);
    if (!failed)
        return json_pack("{s:b, s:o, s:I}", "ok", 1, "writes", array, "more",
            (json_int_t)(count - shown));
    json_decref(array);
    return NULL;
}

static json_t *refusal(enum error error, const char *action, const char *id)
{
    if (error == ERROR_NOT_FOUND)
        return control_refusal("no such write: \"%.40s\"; see afloat outbox list --all", id);
    if (error == ERROR_BUSY)
        return control_refusal("%s is being sent just now; try again in a moment", id);
    if (error == ERROR_INVALID)
        return control_refusal("%s does not wait for you: only what is unknown can be sent again",
            id);
    return control_refusal("cannot %s %s: %s", action, id, error_text(error));
}

static json_t *show(struct outbox *outbox, struct slice id)
{
    struct outbox_view *view = memory_alloc(sizeof(*view));
    json_t *response = NULL;
    if (view != NULL && outbox_find(outbox, id, view))
        response = json_pack("{s:b, s:o}", "ok", 1, "write", build_write(view));
    else if (view != NULL)
        response = refusal(ERROR_NOT_FOUND, "show", id.data);
    memory_free(view);
    return response;
}

json_t *outbox_command(struct status_source *source, const json_t *request)
{
    struct outbox *outbox = edge_outbox(source->edge);
    const json_t *all = json_object_get(request, "all");
    const char *action = json_string_value(json_object_get(request, "action"));
    const char *id = json_string_value(json_object_get(request, "id"));
    if (outbox == NULL)
        return control_refusal("there is no outbox: the settings have no outbox.directory");
    if (action == NULL || (all != NULL && !json_is_boolean(all)))
        return control_refusal("\"action\" must be list, show, retry or drop");
    if (strcmp(action, "list") == 0)
        return list(outbox, json_is_true(all));
    if (id == NULL)
        return control_refusal("which one? \"id\" must be text");
    if (strcmp(action, "show") == 0)
        return show(outbox, slice_from_string(id));
    enum error error;
    if (strcmp(action, "retry") == 0)
        error = outbox_retry(outbox, slice_from_string(id));
    else if (strcmp(action, "drop") == 0)
        error = outbox_drop(outbox, slice_from_string(id), clock_wall_ms());
    else
        return control_refusal("\"action\" must be list, show, retry or drop");
    if (error != ERROR_NONE)
        return refusal(error, action, id);
    log_write(LOG_INFO, "admin", "outbox %s id=%s", action, id);
    return json_pack("{s:b}", "ok", 1);
}

// --- For people ---

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value == NULL ? "" : value;
}

// What a visitor wrote does nothing to a terminal.
static void put(FILE *out, const char *value)
{
    char buffer[2048];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append(&text, slice_of(value, MINIMUM(strlen(value), sizeof(buffer))));
    text_replace_controls(&text, 0);
    fprintf(out, "%.*s", SLICE_ARGS(text_slice(&text)));
}

void outbox_render_list(const json_t *response, FILE *out)
{
    size_t index;
    const json_t *write, *writes = json_object_get(response, "writes");
    json_int_t more = json_integer_value(json_object_get(response, "more"));
    if (json_array_size(writes) == 0)
        fputs("nothing waits in the outbox\n", out);
    json_array_foreach(writes, index, write)
    {
        fprintf(out, "%-32s  %-9s  %-20s  ", member(write, "id"), member(write, "state"),
            member(write, "accepted"));
        put(out, member(write, "method"));
        fputc(' ', out);
        put(out, member(write, "url"));
        if (member(write, "why")[0] != '\0') {
            fputs("  (", out);
            put(out, member(write, "why"));
            fputc(')', out);
        }
        fputc('\n', out);
    }
    if (more > 0)
        fprintf(out, "and %lld more\n", (long long)more);
}

void outbox_render_write(const json_t *write, FILE *out)
{
    static const char *const texts[] = {"id", "state", "method", "url", "origin", "accepted",
        "over", "location", "why"};
    static const char *const numbers[] = {"status", "attempts", "bytes"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (member(write, texts[i])[0] == '\0')
            continue;
        fprintf(out, "%-9s ", texts[i]);
        put(out, member(write, texts[i]));
        fputc('\n', out);
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        json_int_t number = json_integer_value(json_object_get(write, numbers[i]));
        if (number != 0)
            fprintf(out, "%-9s %lld\n", numbers[i], (long long)number);
    }
    if (json_is_true(json_object_get(write, "repeatable")))
        fputs("it has an Idempotency-Key that the origin honours\n", out);
}
