// docs/settings.md: how to write settings, then each section with an example and its settings.
#include "conf/describe.h"
#include "conf/value.h"

#include <inttypes.h>

#define PATH_MAX_SIZE 512

static const char introduction[] =
    "# Settings\n"
    "\n"
    "<!-- Made from the tables in src/ by the program itself; changes belong there. -->\n"
    "\n"
    "afloat needs no settings file: `afloat run --listen :8080 --origin http://127.0.0.1:8000`\n"
    "has everything on that protects visitors. A file goes beyond that. It is YAML; nearly every\n"
    "setting has a default, so write only what differs, and `afloat check-config FILE` names\n"
    "every mistake in it with line and column.\n"
    "\n"
    "| what | how it is written |\n"
    "| --- | --- |\n"
    "| duration | a whole number with its unit: `250ms`, `10s`, `5m`, `2h`, `30d`;"
    " `0` needs none |\n"
    "| size | a whole number of bytes, or with a unit: `512`, `64KB`, `16MB`, `2GB`, `1TB`"
    " (powers of 1024) |\n"
    "| percentage | `20` or `20%` |\n"
    "| true or false | these two words |\n"
    "| text | as it is, or in quotes where YAML would read a sign in it: `\"[::1]:80\"` |\n"
    "| list | `[a, b]`, or one `- a` per line |\n"
    "| texts by name | `{name: text}`, or one indented `name: text` per line |\n"
    "| status codes | single ones and ranges: `200-299,304` |\n"
    "\n"
    "Anchors (`&name`) and aliases (`*name`) share a value between places. For completion in an\n"
    "editor with yaml-language-server, begin the file with\n"
    "`# yaml-language-server: $schema=afloat.schema.json` and the path of that file from this\n"
    "folder.\n";

// A section and what is around it, from the inside out. The outermost, the file, has no up.
struct heading {
    const struct heading *up;
    const char *name;
    enum setting_type type;
};

// A sentence with its full stop, on one line.
static void print_sentence(FILE *out, const char *sentence)
{
    size_t size = sentence == NULL ? 0 : strlen(sentence);
    if (size == 0)
        return;
    fputs(sentence, out);
    if (strchr(".!?", sentence[size - 1]) == NULL)
        fputc('.', out);
}

static bool has_fallback(const struct setting *row)
{
    return row->fallback != NULL && row->fallback[0] != '\0';
}

static void print_choices(FILE *out, const struct setting *row)
{
    for (size_t i = 0; row->choices[i] != NULL; i++)
        fprintf(out, "%s`%s`", i == 0 ? "" : row->choices[i + 1] == NULL ? " or " : ", ",
            row->choices[i]);
}

static void print_setting(FILE *out, const struct setting *row)
{
    char buffer[256];
    struct text range = text_in(buffer, sizeof(buffer));
    fprintf(out, "- **`%s`**: ", row->name);
    if (row->choices != NULL) {
        fputs(row->type == SETTING_CHOICE_SET ? "a list out of " : "", out);
        print_choices(out, row);
    } else {
        fputs(conf_type_text(row->type), out);
        conf_append_range(&range, row);
        if (conf_type_is_list(row->type) && row->minimum == 0 && row->maximum > 0)
            fprintf(out, ", at most %" PRIu64, row->maximum);
        else if (conf_type_is_list(row->type) && row->maximum > 0)
            fprintf(out, ",%.*s of them", SLICE_ARGS(text_slice(&range)));
        else
            fprintf(out, "%.*s", SLICE_ARGS(text_slice(&range)));
    }
    if (conf_is_required(row))
        fputs("; required", out);
    else if (has_fallback(row))
        fprintf(out, "; default `%s`", row->fallback);
    else if (row->type == SETTING_TEXT)
        fputs("; default empty", out);
    else if (!conf_type_is_section(row->type))
        fputs("; default none", out);
    fputs(".\n  ", out);
    print_sentence(out, row->summary);
    if (row->touch != NULL && row->touch[0] != '\0') {
        fputs("\n  *When to touch it:* ", out);
        print_sentence(out, row->touch);
    }
    fputc('\n', out);
}

static void print_indent(FILE *out, unsigned depth)
{
    fprintf(out, "%*s", (int)depth * 2, "");
}

// The lines of YAML around a section: its parents' names, outermost first. Returns the depth at
// which its own settings stand; *ret_dash: the first of them follows "- ".
static unsigned print_parents(FILE *out, const struct heading *heading, bool *ret_dash)
{
    if (heading->up == NULL)
        return 0;
    bool dash = false;
    unsigned depth = print_parents(out, heading->up, &dash);
    print_indent(out, dash ? depth - 1 : depth);
    fprintf(out, "%s%s:\n", dash ? "- " : "", heading->name);
    *ret_dash = heading->type == SETTING_SECTION_LIST;
    if (heading->type == SETTING_SECTION_MAP) {
        print_indent(out, depth + 1);
        fputs("main:\n", out);
        return depth + 2;
    }
    return heading->type == SETTING_SECTION_LIST ? depth + 2 : depth + 1;
}

static void print_example(FILE *out, const struct setting_section *section,
    const struct heading *heading)
{
    bool dash = false, any = false;
    for (size_t i = 0; i < section->count; i++) {
        const struct setting *row = &section->rows[i];
        any = any
            || (!conf_type_is_section(row->type) && (row->example != NULL || has_fallback(row)));
    }
    if (!any)
        return;
    fputs("\n```yaml\n", out);
    unsigned depth = print_parents(out, heading, &dash);
    for (size_t i = 0; i < section->count; i++) {
        const struct setting *row = &section->rows[i];
        const char *value = row->example != NULL ? row->example : row->fallback;
        if (conf_type_is_section(row->type) || value == NULL || value[0] == '\0')
            continue;
        print_indent(out, dash ? depth - 1 : depth);
        fprintf(out, "%s%s: %s\n", dash ? "- " : "", row->name, value);
        dash = false;
    }
    fputs("```\n", out);
}

// origins.NAME.backends[]
static void append_path(struct text *text, const struct heading *heading)
{
    if (heading->up == NULL)
        return;
    append_path(text, heading->up);
    if (text->size > 0)
        text_append_byte(text, '.');
    text_append(text, slice_from_string(heading->name));
    if (heading->type == SETTING_SECTION_LIST)
        text_append(text, SLICE("[]"));
    else if (heading->type == SETTING_SECTION_MAP)
        text_append(text, SLICE(".NAME"));
}

static void print_section(FILE *out, const struct setting_section *section,
    const struct heading *heading, unsigned depth)
{
    char buffer[PATH_MAX_SIZE];
    struct text path = text_in(buffer, sizeof(buffer));
    append_path(&path, heading);
    if (depth > 0)
        fprintf(out, "\n%.*s `%.*s`\n", (int)MINIMUM(depth + 1, 6), "######",
            SLICE_ARGS(text_slice(&path)));
    else
        fputs("\n## At the top of the file\n", out);
    fputc('\n', out);
    print_sentence(out, section->summary);
    fputc('\n', out);
    print_example(out, section, heading);
    fputc('\n', out);
    for (size_t i = 0; i < section->count; i++)
        print_setting(out, &section->rows[i]);
    for (size_t i = 0; i < section->count; i++) {
        const struct setting *row = &section->rows[i];
        struct heading inner = {heading, row->name, row->type};
        if (row->section != NULL)
            print_section(out, row->section, &inner, depth + 1);
    }
}

enum error conf_describe_markdown(const struct setting_section *root, FILE *out)
{
    struct heading file = {.up = NULL};
    fputs(introduction, out);
    print_section(out, root, &file, 0);
    return fflush(out) != 0 || ferror(out) ? ERROR_SYSTEM : ERROR_NONE;
}
