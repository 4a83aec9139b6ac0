// The rules a table of settings keeps, for the test that guards the real ones.
#include "base/memory.h"
#include "conf/section.h"

#include <stdarg.h>

#define NAME_MAX_SIZE 40
#define SECTION_DEPTH_MAX 8
#define CHOICES_MAX 64

struct checker {
    FILE *out;
    size_t offences;
    const struct conf_place *place; // of the section at hand
};

static void print_path(FILE *out, const struct conf_place *place)
{
    if (place->up == NULL)
        return;
    print_path(out, place->up);
    fprintf(out, "%.*s.", SLICE_ARGS(place->name));
}

static void PRINTF_LIKE(3, 4)
offend(struct checker *checker, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_path(checker->out, checker->place);
    fprintf(checker->out, "%s: ", name);
    vfprintf(checker->out, format, arguments);
    fputc('\n', checker->out);
    va_end(arguments);
    checker->offences++;
}

static bool is_lower_snake(struct slice name)
{
    bool after_mark = true; // a letter must follow
    for (size_t i = 0; i < name.size; i++) {
        char byte = name.data[i];
        bool letter = byte >= 'a' && byte <= 'z', digit = byte >= '0' && byte <= '9';
        if (!letter && !(digit && !after_mark) && !(byte == '_' && !after_mark))
            return false;
        after_mark = byte == '_';
    }
    return name.size > 0 && name.size <= NAME_MAX_SIZE && !after_mark;
}

static size_t size_of_value(const struct setting *row)
{
    switch (row->type) {
    case SETTING_BOOL: return sizeof(bool);
    case SETTING_COUNT:
    case SETTING_PERCENT:
    case SETTING_SIZE:
    case SETTING_DURATION:
    case SETTING_CHOICE:
    case SETTING_CHOICE_SET: return sizeof(uint64_t);
    case SETTING_TEXT: return sizeof(struct slice);
    case SETTING_TEXT_LIST:
    case SETTING_TEXT_MAP:
    case SETTING_SECTION_LIST:
    case SETTING_SECTION_MAP: return sizeof(struct setting_list);
    case SETTING_STATUS_SET: return sizeof(struct setting_status_set);
    case SETTING_SECTION: return row->section == NULL ? 0 : row->section->size;
    }
    return 0;
}

static size_t alignment_of_value(const struct setting *row)
{
    return row->type == SETTING_BOOL ? 1 : 8;
}

static void check_memory(struct checker *checker, const struct setting_section *section,
    const struct setting *row, bool is_named)
{
    size_t size = size_of_value(row);
    if (row->offset + size > section->size)
        offend(checker, row->name, "lies outside its struct");
    if (row->offset % alignment_of_value(row) != 0)
        offend(checker, row->name, "is misaligned: is its member of the type of the row?");
    if (is_named && row->offset < sizeof(struct slice))
        offend(checker, row->name, "lies where the section's name goes, its first member");
    for (const struct setting *other = section->rows; other < row; other++) {
        if (row->offset < other->offset + size_of_value(other)
            && other->offset < row->offset + size)
            offend(checker, row->name, "overlaps %s: is its member of the type of the row?",
                other->name);
        if (strcmp(row->name, other->name) == 0)
            offend(checker, row->name, "stands in the table twice");
    }
}

static void check_choices(struct checker *checker, const struct setting *row)
{
    bool wanted = row->type == SETTING_CHOICE || row->type == SETTING_CHOICE_SET;
    if (wanted != (row->choices != NULL)) {
        offend(checker, row->name, wanted ? "has no choices" : "has choices but no such type");
        return;
    }
    size_t count = 0;
    for (; wanted && row->choices[count] != NULL; count++) {
        for (size_t i = 0; i < count; i++) {
            if (strcmp(row->choices[i], row->choices[count]) == 0)
                offend(checker, row->name, "has the choice %s twice", row->choices[count]);
        }
    }
    if (wanted && (count == 0 || count > CHOICES_MAX))
        offend(checker, row->name, "has %zu choices; 1 to %d are possible", count, CHOICES_MAX);
}

static void check_range(struct checker *checker, const struct setting *row)
{
    bool has_number = row->type == SETTING_COUNT || row->type == SETTING_PERCENT
        || row->type == SETTING_SIZE || row->type == SETTING_DURATION;
    if (row->maximum != 0 && row->minimum > row->maximum)
        offend(checker, row->name, "has a minimum above its maximum");
    if (row->type == SETTING_PERCENT && row->maximum > 100)
        offend(checker, row->name, "has a maximum above 100%%");
    if (has_number && row->maximum == 0 && row->type != SETTING_PERCENT)
        offend(checker, row->name, "has no upper limit");
    if (!has_number && !conf_type_is_list(row->type) && (row->minimum != 0 || row->maximum != 0))
        offend(checker, row->name, "has a range, which its type does not use");
    if (conf_type_is_list(row->type) && row->minimum > 0 && !row->required
        && row->fallback == NULL)
        offend(checker, row->name, "has a least number of items but is not required");
}

static void check_texts(struct checker *checker, const struct setting *row)
{
    if (row->summary == NULL || row->summary[0] == '\0')
        offend(checker, row->name, "has no summary");
    switch (row->type) {
    case SETTING_BOOL:
    case SETTING_COUNT:
    case SETTING_PERCENT:
    case SETTING_SIZE:
    case SETTING_DURATION:
    case SETTING_CHOICE:
        if (!conf_is_required(row) && (row->touch == NULL || row->touch[0] == '\0'))
            offend(checker, row->name, "does not say when to touch it");
        return;
    case SETTING_TEXT:
    case SETTING_TEXT_LIST:
    case SETTING_TEXT_MAP:
    case SETTING_CHOICE_SET:
    case SETTING_STATUS_SET:
    case SETTING_SECTION:
    case SETTING_SECTION_LIST:
    case SETTING_SECTION_MAP:
        return;
    }
}

// Reads the text as if it stood in a file, into a scratch struct of its section.
static void check_yaml(struct checker *checker, const struct setting_section *section,
    const struct setting *row, const char *yaml, const char *what)
{
    struct arena arena;
    struct conf_mistakes mistakes = {.count = 0};
    arena_init(&arena, 4096, CONF_FILE_MAX);
    struct slice line = arena_printf(&arena, "%s: %s\n", row->name, yaml);
    struct setting alone = *row;
    struct setting_section scratch = *section;
    scratch.rows = &alone;
    scratch.count = 1;
    scratch.review = NULL; // the other rows are not there
    void *memory = arena_zero_alloc(&arena, section->size);
    if (line.data == NULL || memory == NULL)
        offend(checker, row->name, "out of memory");
    else if (conf_load_text(line, &scratch, &arena, memory, &mistakes) != ERROR_NONE)
        offend(checker, row->name, "its %s %s is not accepted: %.*s", what, yaml,
            mistakes.count == 0 ? 0 : (int)mistakes.items[0].message.size,
            mistakes.count == 0 ? "" : mistakes.items[0].message.data);
    arena_free(&arena);
}

// Absence is told by a number that no one can write.
static void check_optional(struct checker *checker, const struct setting *row)
{
    bool can_be = row->type == SETTING_COUNT || row->type == SETTING_PERCENT
        || row->type == SETTING_SIZE || row->type == SETTING_DURATION
        || row->type == SETTING_CHOICE;
    if (row->optional && !can_be)
        offend(checker, row->name, "is optional, which only numbers and choices can be");
    if (row->optional && row->fallback != NULL)
        offend(checker, row->name, "is optional and has a fallback");
}

static void check_fallback(struct checker *checker, const struct setting_section *section,
    const struct setting *row)
{
    if (conf_type_is_section(row->type)) {
        if (row->fallback != NULL)
            offend(checker, row->name, "is a section and has no fallback of its own");
        return;
    }
    if (row->required && row->fallback != NULL)
        offend(checker, row->name, "is required and has a fallback");
    if (row->fallback != NULL && (row->type != SETTING_TEXT || row->fallback[0] != '\0'))
        check_yaml(checker, section, row, row->fallback, "fallback");
    if (row->example != NULL)
        check_yaml(checker, section, row, row->example, "example");
    else if (conf_is_required(row))
        offend(checker, row->name, "is required and shows no example");
}

static void check_section(struct checker *checker, const struct setting_section *section,
    const struct conf_place *place, unsigned depth, bool is_named)
{
    checker->place = place;
    const char *name = place->up == NULL ? "(root)" : place->name.data;
    if (section->summary == NULL || section->summary[0] == '\0')
        offend(checker, name, "the section has no summary");
    bool is_too_large = section->count > CONF_ROWS_MAX || depth > SECTION_DEPTH_MAX;
    if (is_too_large)
        offend(checker, name, "has more than %d rows or is nested deeper than %d", CONF_ROWS_MAX,
            SECTION_DEPTH_MAX);
    for (const struct setting *row = section->rows;
         !is_too_large && row < section->rows + section->count; row++) {
        checker->place = place;
        if (!is_lower_snake(slice_from_string(row->name)))
            offend(checker, row->name, "is no name: lower case words joined by _, at most %d bytes",
                NAME_MAX_SIZE);
        if (conf_type_is_section(row->type) != (row->section != NULL)) {
            offend(checker, row->name, "its type and its section do not go together");
            continue;
        }
        check_memory(checker, section, row, is_named);
        check_choices(checker, row);
        check_range(checker, row);
        check_texts(checker, row);
        check_optional(checker, row);
        check_fallback(checker, section, row);
        struct conf_place inner = {.up = place, .name = slice_from_string(row->name)};
        if (row->section != NULL)
            check_section(checker, row->section, &inner, depth + 1,
                row->type == SETTING_SECTION_MAP);
    }
    checker->place = place->up;
}

size_t conf_check_tables(const struct setting_section *root, FILE *out)
{
    struct checker checker = {.out = out};
    struct conf_place place = {.up = NULL};
    check_section(&checker, root, &place, 1, false);
    return checker.offences;
}
