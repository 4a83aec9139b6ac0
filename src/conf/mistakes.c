// Mistakes: making their messages, keeping them in order, printing them.
#include "conf/mistakes.h"

#include <stdarg.h>

#define QUOTED_MAX 60 // bytes of a value shown in a message

static struct slice shorten(struct slice slice)
{
    size_t size = slice.size;
    if (size > QUOTED_MAX) {
        size = QUOTED_MAX;
        while (size > 0 && ((unsigned char)slice.data[size] & 0xC0) == 0x80)
            size--; // not inside a UTF-8 sequence
    }
    return slice_of(slice.data, size);
}

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
    text_append(text, shorten(place->name));
}

// Parts of the file stand in messages, and messages on terminals: no control characters of ASCII
// or, in UTF-8, of ISO 8859-1.
static void replace_controls(char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)data[i];
        if (byte < ' ' || byte == 0x7F)
            data[i] = '?';
        else if (byte == 0xC2 && i + 1 < size && (unsigned char)data[i + 1] < 0xA0)
            data[i] = data[i + 1] = '?';
    }
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

    replace_controls(buffer, text.size);

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

void conf_append_quoted(struct text *text, struct slice slice)
{
    struct slice shown = shorten(slice);
    text_append_byte(text, '"');
    size_t start = text->size;
    text_append(text, shown);
    replace_controls(text->data + start, text->size - start); // a NUL would end a %.*s
    text_append(text, shown.size < slice.size ? SLICE("…\"") : SLICE("\""));
}
