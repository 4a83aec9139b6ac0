// Mistakes: making their messages, keeping them in order, printing them.
#include "conf/mistakes.h"

#define NAME_SHOWN_MAX 60 // bytes of one name in a path
#define MESSAGE_MAX 2048

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
static bool is_known(const struct conf_mistake *items, size_t count, unsigned line, unsigned column,
    struct slice message)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].line == line && items[i].column == column
            && slice_ends_with(items[i].message, message))
            return true;
    }
    return false;
}

// Where a mistake or a warning goes.
struct shelf {
    struct conf_mistake *items;
    size_t *count, *omitted, maximum;
};

static struct shelf shelf_of(struct conf_mistakes *mistakes, bool is_warning)
{
    if (is_warning)
        return (struct shelf){mistakes->warnings, &mistakes->warning_count,
            &mistakes->warnings_omitted, CONF_WARNINGS_MAX};
    return (struct shelf){mistakes->items, &mistakes->count, &mistakes->omitted, CONF_MISTAKES_MAX};
}

// text: the path, of that size, is not part of what is compared.
static void keep(struct conf_report *report, bool is_warning, unsigned line, unsigned column,
    struct text *text, size_t path_size)
{
    struct shelf shelf = shelf_of(report->mistakes, is_warning);
    text_replace_controls(text, 0); // parts of the file stand in messages
    report->found += !is_warning;
    struct slice bare = slice_of(text->data + path_size, text->size - path_size);
    if (is_known(shelf.items, *shelf.count, line, column, bare))
        return;
    if (*shelf.count == shelf.maximum) {
        ++*shelf.omitted;
        return;
    }
    struct slice message = arena_copy(report->arena, text_slice(text));
    if (message.data == NULL)
        report->out_of_memory = true;
    else
        shelf.items[(*shelf.count)++] = (struct conf_mistake){line, column, message};
}

static void PRINTF_LIKE(2, 0)
append_list(struct text *text, const char *format, va_list arguments)
{
    size_t room = text->capacity - text->size;
    int size = vsnprintf(text->data + text->size, room, format, arguments);
    if (size > 0)
        text->size += MINIMUM((size_t)size, room - 1);
}

void conf_report_add(struct conf_report *report, unsigned line, unsigned column,
    const struct conf_place *place, const char *format, ...)
{
    char buffer[MESSAGE_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    append_path(&text, place);
    if (text.size > 0)
        text_append(&text, SLICE(": "));
    size_t path_size = text.size;
    va_list arguments;
    va_start(arguments, format);
    append_list(&text, format, arguments);
    va_end(arguments);
    keep(report, false, line, column, &text, path_size);
}

void conf_report_add_list(struct conf_report *report, bool is_warning, unsigned line,
    unsigned column, const char *format, va_list arguments)
{
    char buffer[MESSAGE_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    append_list(&text, format, arguments);
    keep(report, is_warning, line, column, &text, 0);
}

static bool stands_before(const struct conf_mistake *a, const struct conf_mistake *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

// By insertion: few, nearly in order, and mistakes at one position keep theirs.
static void sort(struct conf_mistake *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct conf_mistake mistake = items[i];
        size_t at = i;
        for (; at > 0 && stands_before(&mistake, &items[at - 1]); at--)
            items[at] = items[at - 1];
        items[at] = mistake;
    }
}

void conf_sort_mistakes(struct conf_mistakes *mistakes)
{
    sort(mistakes->items, mistakes->count);
    sort(mistakes->warnings, mistakes->warning_count);
}

static void print(const struct conf_mistake *items, size_t count, size_t omitted,
    const char *kind, const char *path, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        fputs(path, out);
        if (items[i].line > 0)
            fprintf(out, ":%u:%u", items[i].line, items[i].column);
        fprintf(out, ": %s%.*s\n", kind, SLICE_ARGS(items[i].message));
    }
    if (omitted > 0)
        fprintf(out, "%s: %sand %zu more\n", path, kind, omitted);
}

void conf_print_mistakes(const struct conf_mistakes *mistakes, const char *path, FILE *out)
{
    print(mistakes->items, mistakes->count, mistakes->omitted, "", path, out);
    print(mistakes->warnings, mistakes->warning_count, mistakes->warnings_omitted, "warning: ",
        path, out);
}
