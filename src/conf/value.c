// From text to typed values, and from types to words.
#include "conf/value.h"
#include "base/units.h"
#include "conf/nearest.h"

#define STATUS_LOWEST 100
#define STATUS_HIGHEST 599
#define ABSURD_DIGITS 16 // so many fit no unit

const char *conf_type_text(enum setting_type type)
{
    switch (type) {
    case SETTING_BOOL: return "true or false";
    case SETTING_COUNT: return "whole number";
    case SETTING_PERCENT: return "percentage";
    case SETTING_SIZE: return "size";
    case SETTING_DURATION: return "duration";
    case SETTING_TEXT: return "text";
    case SETTING_TEXT_LIST: return "text or list of texts";
    case SETTING_TEXT_MAP: return "texts by name";
    case SETTING_CHOICE: return "choice";
    case SETTING_CHOICE_SET: return "list of choices";
    case SETTING_STATUS_SET: return "status codes";
    case SETTING_SECTION: return "section";
    case SETTING_SECTION_LIST: return "list of sections";
    case SETTING_SECTION_MAP: return "sections by name";
    }
    return "";
}

bool conf_type_is_section(enum setting_type type)
{
    return type == SETTING_SECTION || type == SETTING_SECTION_LIST || type == SETTING_SECTION_MAP;
}

bool conf_type_is_list(enum setting_type type)
{
    return type == SETTING_TEXT_LIST || type == SETTING_TEXT_MAP || type == SETTING_SECTION_LIST
        || type == SETTING_SECTION_MAP;
}

bool conf_is_required(const struct setting *row)
{
    switch (row->type) {
    case SETTING_BOOL:
    case SETTING_COUNT:
    case SETTING_PERCENT:
    case SETTING_SIZE:
    case SETTING_DURATION:
    case SETTING_CHOICE:
        return row->fallback == NULL && !row->optional;
    case SETTING_TEXT:
    case SETTING_TEXT_LIST:
    case SETTING_TEXT_MAP:
    case SETTING_CHOICE_SET:
    case SETTING_STATUS_SET:
    case SETTING_SECTION_LIST:
    case SETTING_SECTION_MAP:
        return row->required;
    case SETTING_SECTION:
        return false; // what is required in it says so itself
    }
    return false;
}

static void append_number(struct text *text, const struct setting *row, uint64_t value)
{
    if (row->type == SETTING_DURATION)
        units_format_duration_ms(text, value);
    else if (row->type == SETTING_SIZE)
        units_format_size(text, value);
    else
        text_append_u64(text, value);
}

static uint64_t highest_of(const struct setting *row)
{
    if (row->maximum > 0)
        return row->maximum;
    return row->type == SETTING_PERCENT ? 100 : UINT64_MAX;
}

void conf_append_range(struct text *text, const struct setting *row)
{
    uint64_t highest = highest_of(row);
    if (highest == UINT64_MAX && row->minimum == 0)
        return;
    if (highest == UINT64_MAX) {
        text_append(text, SLICE(" of at least "));
        append_number(text, row, row->minimum);
        return;
    }
    text_append(text, SLICE(" between "));
    append_number(text, row, row->minimum);
    text_append(text, SLICE(" and "));
    append_number(text, row, highest);
}

static void append_choices(struct text *text, const char *const *choices)
{
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (i > 0)
            text_append(text, choices[i + 1] == NULL ? SLICE(" or ") : SLICE(", "));
        text_append(text, slice_from_string(choices[i]));
    }
}

void conf_append_expected(struct text *text, const struct setting *row)
{
    switch (row->type) {
    case SETTING_BOOL:
        text_append(text, SLICE("true or false"));
        return;
    case SETTING_COUNT:
        text_append(text, SLICE("a whole number"));
        conf_append_range(text, row);
        return;
    case SETTING_PERCENT:
        text_append(text, SLICE("a percentage such as 20 or 20%"));
        conf_append_range(text, row);
        return;
    case SETTING_SIZE:
        text_append(text, SLICE("a size such as 512KB or 64MB"));
        conf_append_range(text, row);
        return;
    case SETTING_DURATION:
        text_append(text, SLICE("a duration such as 250ms or 10s"));
        conf_append_range(text, row);
        return;
    case SETTING_TEXT:
        text_append(text, SLICE("text"));
        return;
    case SETTING_TEXT_LIST:
        text_append(text, SLICE("text or a list of texts"));
        return;
    case SETTING_TEXT_MAP:
        text_append(text, SLICE("texts by name: indented lines of \"name: text\""));
        return;
    case SETTING_CHOICE:
        text_append(text, row->choices[1] == NULL ? SLICE("") : SLICE("one of "));
        append_choices(text, row->choices);
        return;
    case SETTING_CHOICE_SET:
        text_append(text, SLICE("a list of words out of "));
        append_choices(text, row->choices);
        return;
    case SETTING_STATUS_SET:
        text_append(text, SLICE("status codes between 100 and 599 such as 200-299,304"));
        return;
    case SETTING_SECTION:
        text_append(text, SLICE("a section: indented lines of \"name: value\""));
        return;
    case SETTING_SECTION_LIST:
        text_append(text, SLICE("a list of sections, each begun with \"- \""));
        return;
    case SETTING_SECTION_MAP:
        text_append(text, SLICE("sections by name: indented lines of \"name:\", settings below"));
        return;
    }
}

void conf_report_wrong(struct conf_report *report, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, const char *wrong)
{
    char quoted_buffer[256], expected_buffer[1024];
    struct text quoted = text_in(quoted_buffer, sizeof(quoted_buffer));
    struct text expected = text_in(expected_buffer, sizeof(expected_buffer));
    conf_append_expected(&expected, row);
    if (node->kind == CONF_SEQUENCE)
        text_append(&quoted, SLICE("a list"));
    else if (node->kind == CONF_MAPPING)
        text_append(&quoted, SLICE("a section"));
    else
        text_append_quoted(&quoted, node->text);
    conf_report_add(report, node->line, node->column, place, "%.*s%s; expected %.*s",
        SLICE_ARGS(text_slice(&quoted)), wrong, SLICE_ARGS(text_slice(&expected)));
}

static void report_kind(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place)
{
    conf_report_wrong(source->report, row, node, place, " cannot stand here");
}

static bool parse_number(const struct setting *row, struct slice text, uint64_t *ret_value)
{
    switch (row->type) {
    case SETTING_DURATION:
        return units_parse_duration_ms(text, ret_value);
    case SETTING_SIZE:
        return units_parse_size(text, ret_value);
    case SETTING_PERCENT:
        if (slice_ends_with(text, SLICE("%")))
            text.size--;
        return slice_parse_u64(text, UINT64_MAX, ret_value);
    case SETTING_COUNT:
        return slice_parse_u64(text, UINT64_MAX, ret_value);
    case SETTING_BOOL:
    case SETTING_TEXT:
    case SETTING_TEXT_LIST:
    case SETTING_TEXT_MAP:
    case SETTING_CHOICE:
    case SETTING_CHOICE_SET:
    case SETTING_STATUS_SET:
    case SETTING_SECTION:
    case SETTING_SECTION_LIST:
    case SETTING_SECTION_MAP:
        return false;
    }
    return false;
}

// NULL when good.
static const char *find_number_fault(const struct setting *row, const struct conf_node *node,
    uint64_t *ret_value)
{
    uint64_t value;
    if (node->quoted && row->type != SETTING_DURATION && row->type != SETTING_SIZE)
        return " is text, because of its quotes";
    if (parse_number(row, node->text, &value)) {
        if (value < row->minimum)
            return " is too small";
        if (value > highest_of(row))
            return " is too large";
        *ret_value = value;
        return NULL;
    }
    size_t digits = 0;
    while (digits < node->text.size && node->text.data[digits] >= '0'
        && node->text.data[digits] <= '9')
        digits++;
    if (digits >= ABSURD_DIGITS)
        return " is too large";
    if (row->type == SETTING_DURATION)
        return digits > 0 && digits == node->text.size ? " has no unit" : " is not a duration";
    if (row->type == SETTING_SIZE)
        return " is not a size";
    return row->type == SETTING_PERCENT ? " is not a percentage" : " is not a whole number";
}

static void read_number(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, uint64_t *memory)
{
    const char *fault = find_number_fault(row, node, memory);
    if (fault != NULL)
        conf_report_wrong(source->report, row, node, place, fault);
}

static void read_bool(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, bool *memory)
{
    if (node->quoted)
        conf_report_wrong(source->report, row, node, place, " is text, because of its quotes");
    else if (slice_equal(node->text, SLICE("true")))
        *memory = true;
    else if (slice_equal(node->text, SLICE("false")))
        *memory = false;
    else
        conf_report_wrong(source->report, row, node, place, " is neither");
}

// False: reported.
static bool find_choice(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, uint64_t *ret_index)
{
    struct nearest nearest = {node->text, SLICE_EMPTY, 0};
    if (node->kind != CONF_SCALAR) {
        report_kind(source, row, node, place);
        return false;
    }
    for (uint64_t i = 0; row->choices[i] != NULL; i++) {
        struct slice choice = slice_from_string(row->choices[i]);
        if (slice_equal(choice, node->text)) {
            *ret_index = i;
            return true;
        }
        nearest_offer(&nearest, choice);
    }
    char wrong[NEAREST_NAME_MAX + 64] = " is none of them";
    if (nearest.best.data != NULL)
        snprintf(wrong, sizeof(wrong), " is unknown; did you mean \"%.*s\"?",
            SLICE_ARGS(nearest.best));
    conf_report_wrong(source->report, row, node, place, wrong);
    return false;
}

static void read_choice_set(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, uint64_t *memory)
{
    uint64_t index, set = 0;
    bool good = true;
    if (node->kind == CONF_MAPPING) {
        report_kind(source, row, node, place);
        return;
    }
    if (node->kind == CONF_SCALAR) {
        if (find_choice(source, row, node, place, &index))
            *memory = UINT64_C(1) << index;
        return;
    }
    size_t position = 1;
    for (const struct conf_entry *entry = node->first; entry != NULL; entry = entry->next) {
        struct conf_place item = {.up = place, .index = position++};
        if (find_choice(source, row, entry->value, &item, &index))
            set |= UINT64_C(1) << index;
        else
            good = false;
    }
    if (good)
        *memory = set;
}

// One of 200 or 200-299.
static bool parse_status_range(struct slice text, struct setting_status_set *set)
{
    struct slice rest = slice_trim(text);
    bool is_range = slice_contains(rest, '-');
    uint64_t first, last;
    if (!slice_parse_u64(slice_trim(slice_cut(&rest, '-')), STATUS_HIGHEST, &first))
        return false;
    last = first;
    if (is_range && !slice_parse_u64(slice_trim(rest), STATUS_HIGHEST, &last))
        return false;
    if (first < STATUS_LOWEST || first > last)
        return false;
    for (uint64_t bit = first - 100; bit <= last - 100; bit++)
        set->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
    return true;
}

static bool add_statuses(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, struct setting_status_set *set)
{
    if (node->kind != CONF_SCALAR) {
        report_kind(source, row, node, place);
        return false;
    }
    struct slice rest = node->text;
    do {
        if (!parse_status_range(slice_cut(&rest, ','), set)) {
            conf_report_wrong(source->report, row, node, place, " is not a set of status codes");
            return false;
        }
    } while (rest.data != NULL);
    return true;
}

static void read_status_set(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place,
    struct setting_status_set *memory)
{
    struct setting_status_set set = {{0}};
    bool good = true;
    if (node->kind != CONF_SEQUENCE) {
        good = add_statuses(source, row, node, place, &set);
    } else {
        size_t position = 1;
        for (const struct conf_entry *entry = node->first; entry != NULL; entry = entry->next) {
            struct conf_place item = {.up = place, .index = position++};
            good = add_statuses(source, row, entry->value, &item, &set) && good;
        }
    }
    if (good)
        *memory = set;
}

static enum error note_position(const struct conf_source *source, const struct conf_node *node,
    const void *memory)
{
    if (source->positions == NULL)
        return ERROR_NONE;
    return conf_positions_add_value(source->positions, memory,
        (struct conf_position){node->line, node->column});
}

static enum error read_text(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, struct slice *memory)
{
    char message[512] = "";
    if (node->kind != CONF_SCALAR) {
        report_kind(source, row, node, place);
        return ERROR_NONE;
    }
    if (slice_contains(node->text, '\0')) {
        conf_report_wrong(source->report, row, node, place, " contains a NUL character");
        return ERROR_NONE;
    }
    if (row->check != NULL && !row->check(node->text, message, sizeof(message))) {
        char buffer[256];
        struct text quoted = text_in(buffer, sizeof(buffer));
        text_append_quoted(&quoted, node->text);
        conf_report_add(source->report, node->line, node->column, place, "%.*s %s",
            SLICE_ARGS(text_slice(&quoted)), message);
        return ERROR_NONE;
    }
    struct slice copy = arena_copy(source->arena, node->text);
    if (copy.data == NULL)
        return ERROR_MEMORY;
    *memory = copy;
    return note_position(source, node, memory);
}

static enum error read_text_list(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, struct setting_list *memory)
{
    if (node->kind == CONF_MAPPING) {
        report_kind(source, row, node, place);
        return ERROR_NONE;
    }
    size_t count = node->kind == CONF_SCALAR ? 1 : node->count;
    struct slice *items = arena_zero_alloc(source->arena, MAXIMUM(count, 1) * sizeof(*items));
    if (items == NULL)
        return ERROR_MEMORY;
    enum error error = ERROR_NONE;
    if (node->kind == CONF_SCALAR) {
        error = read_text(source, row, node, place, &items[0]);
    } else {
        size_t i = 0;
        for (const struct conf_entry *entry = node->first; entry != NULL && error == ERROR_NONE;
             entry = entry->next, i++) {
            struct conf_place item = {.up = place, .index = i + 1};
            error = read_text(source, row, entry->value, &item, &items[i]);
        }
    }
    if (error == ERROR_NONE)
        *memory = (struct setting_list){items, count};
    return error;
}

static enum error read_value(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, void *memory)
{
    void *value = (char *)memory + row->offset;
    switch (row->type) {
    case SETTING_COUNT:
    case SETTING_PERCENT:
    case SETTING_SIZE:
    case SETTING_DURATION:
        if (node->kind != CONF_SCALAR)
            report_kind(source, row, node, place);
        else
            read_number(source, row, node, place, value);
        return ERROR_NONE;
    case SETTING_BOOL:
        if (node->kind != CONF_SCALAR)
            report_kind(source, row, node, place);
        else
            read_bool(source, row, node, place, value);
        return ERROR_NONE;
    case SETTING_CHOICE: {
        uint64_t index;
        if (find_choice(source, row, node, place, &index))
            *(uint64_t *)value = index;
        return ERROR_NONE;
    }
    case SETTING_CHOICE_SET:
        read_choice_set(source, row, node, place, value);
        return ERROR_NONE;
    case SETTING_STATUS_SET:
        read_status_set(source, row, node, place, value);
        return ERROR_NONE;
    case SETTING_TEXT:
        return read_text(source, row, node, place, value);
    case SETTING_TEXT_LIST:
        return read_text_list(source, row, node, place, value);
    case SETTING_TEXT_MAP:
    case SETTING_SECTION:
    case SETTING_SECTION_LIST:
    case SETTING_SECTION_MAP:
        break; // conf/section.c
    }
    return ERROR_NONE;
}

enum error conf_value_read(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, void *memory)
{
    size_t found = source->report->found;
    enum error error = read_value(source, row, node, place, memory);
    if (error != ERROR_NONE || source->report->found > found || row->type == SETTING_TEXT)
        return error; // a text has noted its own
    return note_position(source, node, (const char *)memory + row->offset);
}
