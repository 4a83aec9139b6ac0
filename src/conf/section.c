// Each key of a section is one of its rows, each row has one value: written, default or missing.
#include "conf/section.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "conf/nearest.h"

#define NAMES_SHOWN 12

static enum error read_section(struct conf_loader *loader, const struct setting_section *section,
    const struct conf_node *node, const struct conf_place *place, void *memory);

// Writes the path of the first setting of that name in the whole table; nested sections go deeper
// than any file may.
static bool find_elsewhere(const struct setting_section *section, struct slice name,
    unsigned depth, struct text *path)
{
    size_t start = path->size;
    for (size_t i = 0; i < section->count; i++) {
        const struct setting *row = &section->rows[i];
        path->size = start;
        if (start > 0)
            text_append_byte(path, '.');
        text_append(path, slice_from_string(row->name));
        if (slice_equal(slice_from_string(row->name), name))
            return !path->full;
        if (!conf_type_is_section(row->type) || depth == CONF_DEPTH_MAX)
            continue;
        if (row->type == SETTING_SECTION_LIST)
            text_append(path, SLICE("[1]"));
        else if (row->type == SETTING_SECTION_MAP)
            text_append(path, SLICE(".NAME"));
        if (find_elsewhere(row->section, name, depth + 1, path))
            return true;
    }
    path->size = start;
    return false;
}

static void append_names(struct text *text, const struct setting_section *section)
{
    for (size_t i = 0; i < MINIMUM(section->count, NAMES_SHOWN); i++) {
        text_append(text, i == 0 ? SLICE("") : SLICE(", "));
        text_append(text, slice_from_string(section->rows[i].name));
    }
    if (section->count > NAMES_SHOWN)
        text_append(text, SLICE(", …"));
}

static void report_unknown(struct conf_loader *loader, const struct setting_section *section,
    const struct conf_node *key, const struct conf_place *place)
{
    char quoted_buffer[256], hint_buffer[1024], path_buffer[512];
    struct text quoted = text_in(quoted_buffer, sizeof(quoted_buffer));
    struct text hint = text_in(hint_buffer, sizeof(hint_buffer));
    struct text path = text_in(path_buffer, sizeof(path_buffer));
    struct nearest nearest = {key->text, SLICE_EMPTY, 0};
    for (size_t i = 0; i < section->count; i++)
        nearest_offer(&nearest, slice_from_string(section->rows[i].name));
    text_append_quoted(&quoted, key->text);
    if (nearest.best.data != NULL)
        text_format(&hint, "did you mean \"%.*s\"?", SLICE_ARGS(nearest.best));
    else if (find_elsewhere(loader->root, key->text, 1, &path))
        text_format(&hint, "did you mean \"%.*s\"?", SLICE_ARGS(text_slice(&path)));
    else {
        text_append(&hint, section->count == 1 ? SLICE("expected ") : SLICE("expected one of "));
        append_names(&hint, section);
    }
    conf_report_add(loader->source.report, key->line, key->column, place,
        "unknown setting %.*s; %.*s", SLICE_ARGS(text_slice(&quoted)),
        SLICE_ARGS(text_slice(&hint)));
}

static void report_missing(struct conf_loader *loader, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place)
{
    char buffer[1024];
    struct text expected = text_in(buffer, sizeof(buffer));
    conf_append_expected(&expected, row);
    conf_report_add(loader->source.report, node->line, node->column, place,
        "required setting \"%s\" is missing; expected %.*s", row->name,
        SLICE_ARGS(text_slice(&expected)));
}

static void report_duplicate(struct conf_loader *loader, const struct conf_node *key,
    const struct conf_node *first, const struct conf_place *place)
{
    char buffer[256];
    struct text quoted = text_in(buffer, sizeof(buffer));
    text_append_quoted(&quoted, key->text);
    conf_report_add(loader->source.report, key->line, key->column, place,
        "%.*s stands here twice; expected it once, it is already on line %u",
        SLICE_ARGS(text_slice(&quoted)), first->line);
}

// Fallbacks are text of the program, held to parse by conf_check_tables. Only lists and quoted text
// need the YAML parser.
static enum error read_fallback(struct conf_loader *loader, const struct setting *row,
    const struct conf_place *place, void *memory)
{
    struct conf_node scalar = {.kind = CONF_SCALAR, .text = slice_from_string(row->fallback)};
    struct conf_source source = {loader->source.report, loader->source.arena, NULL};
    const struct conf_node *node = &scalar;
    if (row->fallback == NULL)
        return ERROR_NONE;
    if (scalar.text.size == 0 || strchr("[{\"'", scalar.text.data[0]) == NULL)
        return conf_value_read(&source, row, node, place, memory);
    struct arena arena;
    arena_init(&arena, 2048, (size_t)1 << 20);
    enum error error = conf_tree_read(scalar.text, &arena, source.report, &node);
    if (error == ERROR_NONE && node != NULL)
        error = conf_value_read(&source, row, node, place, memory);
    arena_free(&arena);
    return error;
}

static void report_count(struct conf_loader *loader, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place)
{
    char buffer[128];
    struct text range = text_in(buffer, sizeof(buffer));
    size_t count = node->kind == CONF_SCALAR ? 1 : node->count;
    if (count >= row->minimum && (row->maximum == 0 || count <= row->maximum))
        return;
    conf_append_range(&range, row);
    conf_report_add(loader->source.report, node->line, node->column, place,
        "too %s items (%zu); expected a number%.*s", count < row->minimum ? "few" : "many", count,
        SLICE_ARGS(text_slice(&range)));
}

static enum error read_written_section(struct conf_loader *loader,
    const struct setting_section *section, const struct conf_node *node,
    const struct conf_place *place, void *memory)
{
    enum error error = conf_positions_add_section(&loader->positions, memory, section->size,
        (struct conf_position){node->line, node->column});
    return error != ERROR_NONE ? error : read_section(loader, section, node, place, memory);
}

static enum error read_section_list(struct conf_loader *loader, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, struct setting_list *list)
{
    if (node->kind != CONF_SEQUENCE) {
        conf_report_wrong(loader->source.report, row, node, place, " cannot stand here");
        return ERROR_NONE;
    }
    size_t size = row->section->size;
    char *items = arena_zero_alloc(loader->source.arena, MAXIMUM(node->count, 1) * size);
    if (items == NULL)
        return ERROR_MEMORY;
    size_t i = 0;
    enum error error = ERROR_NONE;
    for (const struct conf_entry *entry = node->first; entry != NULL && error == ERROR_NONE;
         entry = entry->next, i++) {
        struct conf_place item = {.up = place, .index = i + 1};
        error = read_written_section(loader, row->section, entry->value, &item, items + i * size);
    }
    *list = (struct setting_list){items, node->count};
    return error;
}

// Open addressing over the entries of a map; at most half full.
struct key_table {
    const struct conf_node **slots;
    size_t mask;
};

static enum error key_table_init(struct key_table *table, struct arena *arena, size_t count)
{
    size_t size = 8;
    while (size < count * 2)
        size *= 2;
    table->mask = size - 1;
    table->slots = arena_zero_alloc(arena, size * sizeof(const struct conf_node *));
    return table->slots == NULL ? ERROR_MEMORY : ERROR_NONE;
}

// The earlier key of the same text, or NULL after adding this one.
static const struct conf_node *key_table_add(struct key_table *table, const struct conf_node *key)
{
    size_t at = hash_bytes(key->text, 0) & table->mask;
    for (; table->slots[at] != NULL; at = (at + 1) & table->mask) {
        if (slice_equal(table->slots[at]->text, key->text))
            return table->slots[at];
    }
    table->slots[at] = key;
    return NULL;
}

// The name of a section in a map is the first member of its struct.
static enum error read_name(struct conf_loader *loader, const struct setting *row,
    const struct conf_node *key, const struct conf_place *place, void *item)
{
    if (key->text.size == 0) {
        conf_report_add(loader->source.report, key->line, key->column, place->up,
            "a name is empty; expected a word before the colon");
        return ERROR_NONE;
    }
    struct setting name = {.name = row->name, .type = SETTING_TEXT, .check = row->check};
    return conf_value_read(&loader->source, &name, key, place, item);
}

static enum error read_section_map(struct conf_loader *loader, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, struct setting_list *list)
{
    if (node->kind != CONF_MAPPING) {
        conf_report_wrong(loader->source.report, row, node, place, " cannot stand here");
        return ERROR_NONE;
    }
    size_t size = row->section->size, i = 0;
    struct key_table keys;
    enum error error = key_table_init(&keys, loader->work, node->count);
    char *items = arena_zero_alloc(loader->source.arena, MAXIMUM(node->count, 1) * size);
    if (error != ERROR_NONE || items == NULL)
        return ERROR_MEMORY;
    for (const struct conf_entry *entry = node->first; entry != NULL && error == ERROR_NONE;
         entry = entry->next, i++) {
        struct conf_place item = {.up = place, .name = entry->key->text};
        const struct conf_node *first = key_table_add(&keys, entry->key);
        if (first != NULL)
            report_duplicate(loader, entry->key, first, place);
        error = read_name(loader, row, entry->key, &item, items + i * size);
        if (error == ERROR_NONE)
            error = read_written_section(loader, row->section, entry->value, &item,
                items + i * size);
    }
    *list = (struct setting_list){items, node->count};
    return error;
}

static enum error read_text_map(struct conf_loader *loader, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, struct setting_list *list)
{
    if (node->kind != CONF_MAPPING) {
        conf_report_wrong(loader->source.report, row, node, place, " cannot stand here");
        return ERROR_NONE;
    }
    struct key_table keys;
    enum error error = key_table_init(&keys, loader->work, node->count);
    struct setting_pair *items = arena_zero_alloc(loader->source.arena,
        MAXIMUM(node->count, 1) * sizeof(*items)), *pair = items;
    if (error != ERROR_NONE || items == NULL)
        return ERROR_MEMORY;
    for (const struct conf_entry *entry = node->first; entry != NULL && error == ERROR_NONE;
         entry = entry->next, pair++) {
        struct conf_place inner = {.up = place, .name = entry->key->text};
        struct setting value = {.name = row->name, .type = SETTING_TEXT, .check = row->check};
        const struct conf_node *first = key_table_add(&keys, entry->key);
        if (first != NULL)
            report_duplicate(loader, entry->key, first, place);
        error = read_name(loader, &(struct setting){.name = row->name}, entry->key, &inner, pair);
        value.offset = offsetof(struct setting_pair, value);
        if (error == ERROR_NONE)
            error = conf_value_read(&loader->source, &value, entry->value, &inner, pair);
    }
    *list = (struct setting_list){items, node->count};
    return error;
}

// Aliases can make a small file large, so what is read is counted here and not in the tree.
static bool count_value(struct conf_loader *loader, const struct conf_node *node)
{
    loader->value_count += node->kind == CONF_SCALAR ? 1 : node->count + 1;
    if (loader->value_count > CONF_NODES_MAX && !loader->stopped) {
        conf_report_add(loader->source.report, node->line, node->column, NULL,
            "more than %d values once aliases are followed; expected fewer; nothing after this "
            "point was checked", CONF_NODES_MAX);
        loader->stopped = true;
    }
    return !loader->stopped;
}

// node: the section the row is missing from, or an empty one at the place of what is around it.
static enum error read_absent(struct conf_loader *loader, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, void *memory)
{
    struct conf_place inner = {.up = place, .name = slice_from_string(row->name)};
    struct conf_node empty = {.kind = CONF_MAPPING, .incomplete = node->incomplete,
        .line = node->line, .column = node->column};
    if (row->type == SETTING_SECTION)
        return read_section(loader, row->section, &empty, &inner, (char *)memory + row->offset);
    if (row->optional)
        *(uint64_t *)((char *)memory + row->offset) = SETTING_ABSENT;
    if (!conf_is_required(row))
        return read_fallback(loader, row, &inner, memory);
    if (!loader->defaults_only && !empty.incomplete)
        report_missing(loader, row, &empty, place);
    return ERROR_NONE;
}

static enum error read_written(struct conf_loader *loader, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, void *memory)
{
    void *value = (char *)memory + row->offset;
    if (!count_value(loader, node))
        return ERROR_NONE;
    bool is_nothing = conf_node_is_nothing(node);
    if (conf_type_is_list(row->type) && is_nothing)
        return read_absent(loader, row, node, place->up, memory); // all its lines commented out
    if (conf_type_is_list(row->type))
        report_count(loader, row, node, place);
    switch (row->type) {
    case SETTING_SECTION:
        return read_written_section(loader, row->section, node, place, value);
    case SETTING_SECTION_LIST:
        return read_section_list(loader, row, node, place, value);
    case SETTING_SECTION_MAP:
        return read_section_map(loader, row, node, place, value);
    case SETTING_TEXT_MAP:
        return read_text_map(loader, row, node, place, value);
    case SETTING_BOOL:
    case SETTING_COUNT:
    case SETTING_PERCENT:
    case SETTING_SIZE:
    case SETTING_DURATION:
    case SETTING_TEXT:
    case SETTING_TEXT_LIST:
    case SETTING_CHOICE:
    case SETTING_CHOICE_SET:
    case SETTING_STATUS_SET:
        break;
    }
    if (!is_nothing)
        return conf_value_read(&loader->source, row, node, place, memory);
    char buffer[1024];
    struct text expected = text_in(buffer, sizeof(buffer));
    conf_append_expected(&expected, row);
    conf_report_add(loader->source.report, node->line, node->column, place,
        "has no value; expected %.*s%s", SLICE_ARGS(text_slice(&expected)),
        conf_is_required(row) ? "" : ", or no such line for the default");
    return ERROR_NONE;
}

static size_t find_row(const struct setting_section *section, struct slice name)
{
    size_t i = 0;
    while (i < section->count && !slice_equal(slice_from_string(section->rows[i].name), name))
        i++;
    return i;
}

static enum error read_section(struct conf_loader *loader, const struct setting_section *section,
    const struct conf_node *node, const struct conf_place *place, void *memory)
{
    const struct conf_node *seen[CONF_ROWS_MAX] = {NULL};
    enum error error = ERROR_NONE;
    invariant(section->count <= CONF_ROWS_MAX);
    if (node->kind != CONF_MAPPING && !conf_node_is_nothing(node)) {
        struct setting row = {.type = SETTING_SECTION};
        conf_report_wrong(loader->source.report, &row, node, place, " cannot stand here");
        return ERROR_NONE;
    }
    for (const struct conf_entry *entry = node->first; entry != NULL && error == ERROR_NONE;
         entry = entry->next) {
        const struct conf_node *key = entry->key;
        size_t i = find_row(section, key->text);
        if (i == section->count) {
            report_unknown(loader, section, key, place);
            continue;
        }
        if (seen[i] != NULL)
            report_duplicate(loader, key, seen[i], place);
        seen[i] = seen[i] == NULL ? key : seen[i];
        struct conf_place inner = {.up = place, .name = slice_from_string(section->rows[i].name)};
        error = read_written(loader, &section->rows[i], entry->value, &inner, memory);
    }
    for (size_t i = 0; i < section->count && error == ERROR_NONE && !loader->stopped; i++) {
        if (seen[i] == NULL)
            error = read_absent(loader, &section->rows[i], node, place, memory);
    }
    struct setting_review review = {&loader->source};
    bool is_whole = !loader->stopped && !node->incomplete && !loader->defaults_only;
    if (error == ERROR_NONE && section->review != NULL && is_whole)
        section->review(&review, memory);
    return error;
}

enum error conf_read_root(struct conf_loader *loader, const struct conf_node *node, void *memory)
{
    // Nothing can be said about what an unreadable file lacks.
    struct conf_node empty = {.kind = CONF_MAPPING, .line = 1, .column = 1,
        .incomplete = loader->source.report->found > 0};
    struct conf_place place = {.up = NULL};
    return read_written_section(loader, loader->root, node == NULL ? &empty : node, &place, memory);
}
