// Mistakes: making their messages, keeping them in order, printing them.
#include "conf/mistakes.h"

#include <stdarg.h>

#define NAME_SHOWN_MAX 60 // bytes of one name in a path

// Outermost first. Depth is bounded by the depth of the file.
static void append_path(struct text *text, const struct conf_place *place)
{
    if (place == NULL || place->up == NULL)
        return;
    append_path(text, place->up);
    if (place->name.size == 0) {
        text_format(text, "[%zu]", place->index);
        return;
    }
    if (text->size > 0)
        text_append_byte(text, '.');
    text_append(text, slice_of(place->name.data, MINIMUM(place->name.size, NAME_SHOWN_MAX)));
}

// Whatever the path: a shared anchor is read at several.
static bool is_known(const struct conf_mistakes *mistakes, unsigned line, unsigned column,
    struct slice message)
{
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct conf_mistake *known = &mistakes->items[i];
        if (known->line == line && known->column == column
            && slice_ends_with(known->message, message))
            return true;
    }
    return false;
}

void conf_report_add(struct conf_report *report, unsigned line, unsigned column,
    const struct conf_place *place, const char *format, ...)
{
    char buffer[2048];
    struct text text = text_in(buffer, sizeof(buffer));
    append_path(&text, place);
    if (text.size > 0)
        text_append(&text, SLICE(": "));
    size_t path_size = text.size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(buffer + text.size, text.capacity - text.size, format, arguments);
    va_end(arguments);
    if (size > 0)
        text.size = MINIMUM(text.size + (size_t)size, text.capacity - 1);

    text_replace_controls(&text, 0); // parts of the file stand in messages

    struct conf_mistakes *mistakes = report->mistakes;
    struct slice bare = slice_of(buffer + path_size, text.size - path_size);
    if (is_known(mistakes, line, column, bare))
        return;
    if (mistakes->count == CONF_MISTAKES_MAX) {
        mistakes->omitted++;
        return;
    }
    struct slice message = arena_copy(report->arena, text_slice(&text));
    if (message.data == NULL)
        report->out_of_memory = true;
    else
        mistakes->items[mistakes->count++] = (struct conf_mistake){line, column, message};
}

static bool stands_before(const struct conf_mistake *a, const struct conf_mistake *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

// By insertion: few, nearly in order, and mistakes at one position keep theirs.
void conf_sort_mistakes(struct conf_mistakes *mistakes)
{
    for (size_t i = 1; i < mistakes->count; i++) {
        struct conf_mistake mistake = mistakes->items[i];
        size_t at = i;
        for (; at > 0 && stands_before(&mistake, &mistakes->items[at - 1]); at--)
            mistakes->items[at] = mistakes->items[at - 1];
        mistakes->items[at] = mistake;
    }
}

void conf_print_mistakes(const struct conf_mistakes *mistakes, const char *path, FILE *out)
{
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct conf_mistake *mistake = &mistakes->items[i];
        if (mistake->line == 0)
            fprintf(out, "%s: %.*s\n", path, SLICE_ARGS(mistake->message));
        else
            fprintf(out, "%s:%u:%u: %.*s\n", path, mistake->line, mistake->column,
                SLICE_ARGS(mistake->message));
    }
    if (mistakes->omitted > 0)
        fprintf(out, "%s: and %zu more\n", path, mistakes->omitted);
}
