// What the reviews of sections may ask and say, and the record of positions they need for it.
#include "conf/section.h"
#include "base/hash.h"

#define SLOTS_FIRST 64

struct conf_value_position {
    const void *value; // NULL: a free slot
    struct conf_position position;
};

struct conf_section_position {
    const struct conf_section_position *next; // noted before
    const char *start;
    size_t size;
    struct conf_position position;
};

// The slot of the value, or the free one where it would go. Half of the slots are free.
static struct conf_value_position *slot_of(const struct conf_positions *positions,
    const void *value)
{
    struct slice bytes = slice_of((const char *)&value, sizeof(value));
    size_t at = hash_bytes(bytes, 0) & (positions->size - 1);
    while (positions->slots[at].value != NULL && positions->slots[at].value != value)
        at = (at + 1) & (positions->size - 1);
    return &positions->slots[at];
}

static enum error grow(struct conf_positions *positions)
{
    struct conf_positions larger = *positions;
    larger.size = MAXIMUM(positions->size * 2, SLOTS_FIRST);
    larger.slots = arena_zero_alloc(positions->arena, larger.size * sizeof(*larger.slots));
    if (larger.slots == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < positions->size; i++) {
        if (positions->slots[i].value != NULL)
            *slot_of(&larger, positions->slots[i].value) = positions->slots[i];
    }
    *positions = larger;
    return ERROR_NONE;
}

enum error conf_positions_add_value(struct conf_positions *positions, const void *value,
    struct conf_position position)
{
    if (position.line == 0)
        return ERROR_NONE;
    if (positions->count * 2 >= positions->size && grow(positions) != ERROR_NONE)
        return ERROR_MEMORY;
    struct conf_value_position *slot = slot_of(positions, value);
    positions->count += slot->value == NULL;
    *slot = (struct conf_value_position){value, position};
    return ERROR_NONE;
}

enum error conf_positions_add_section(struct conf_positions *positions, const void *start,
    size_t size, struct conf_position position)
{
    struct conf_section_position *section = arena_alloc(positions->arena, sizeof(*section));
    if (section == NULL)
        return ERROR_MEMORY;
    *section = (struct conf_section_position){positions->newest, start, size, position};
    positions->newest = section;
    return ERROR_NONE;
}

struct conf_position conf_positions_of_value(const struct conf_positions *positions,
    const void *value)
{
    if (positions->size == 0)
        return (struct conf_position){0, 0};
    return slot_of(positions, value)->position;
}

struct conf_position conf_positions_around(const struct conf_positions *positions,
    const void *value)
{
    const struct conf_section_position *section = positions->newest;
    for (; section != NULL; section = section->next) {
        if ((uintptr_t)value - (uintptr_t)section->start < section->size)
            return section->position;
    }
    return (struct conf_position){0, 0};
}

bool conf_is_written(const struct setting_review *review, const void *value)
{
    return conf_positions_of_value(review->source->positions, value).line > 0;
}

void *conf_review_alloc(struct setting_review *review, size_t size)
{
    void *memory = arena_alloc(review->source->positions->arena, size);
    if (memory == NULL)
        review->source->report->out_of_memory = true;
    return memory;
}

static void PRINTF_LIKE(4, 0)
add(struct setting_review *review, bool is_warning, const void *value, const char *format,
    va_list arguments)
{
    const struct conf_positions *positions = review->source->positions;
    struct conf_position position = conf_positions_of_value(positions, value);
    if (position.line == 0)
        position = conf_positions_around(positions, value);
    conf_report_add_list(review->source->report, is_warning, position.line, position.column, format,
        arguments);
}

void conf_add_mistake(struct setting_review *review, const void *value, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(review, false, value, format, arguments);
    va_end(arguments);
}

void conf_add_warning(struct setting_review *review, const void *value, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(review, true, value, format, arguments);
    va_end(arguments);
}
