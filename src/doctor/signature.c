// Holding an answer against the table, row by row.
#include "doctor/signature_inside.h"

struct look {
    const struct signature_answer *answer;
    struct expression_scratch *scratch;
    struct slice body;   // what is looked at of it
    struct slice folded; // the same in lower case, so that a text is found by one memmem
    struct slice captured;
    uint32_t stopped;
    bool out_of_memory;
};

static void fold(char *to, struct slice from)
{
    for (size_t i = 0; i < from.size; i++) {
        unsigned char byte = (unsigned char)from.data[i];
        to[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
    }
}

static bool has_text(const struct signature_pattern *pattern, struct slice folded)
{
    for (uint32_t i = 0; i < pattern->text_count; i++) {
        const struct slice *text = &pattern->texts[i];
        if (folded.size >= text->size
            && memmem(folded.data, folded.size, text->data, text->size) != NULL)
            return true;
    }
    return false;
}

static bool has_expression(struct look *look, const struct expression *expression,
    struct slice bytes, struct slice *captured)
{
    struct slice found = SLICE_EMPTY;
    switch (expression_match(expression, bytes, look->scratch, &found)) {
    case EXPRESSION_MATCHES:
        if (captured != NULL && captured->data == NULL && found.data != NULL)
            *captured = slice_of(found.data, MINIMUM(found.size, SIGNATURE_CAPTURED_MAX));
        return true;
    case EXPRESSION_DIFFERS:
        return false;
    case EXPRESSION_STOPPED:
        look->stopped++;
        return false;
    case EXPRESSION_NO_MEMORY:
        look->out_of_memory = true;
        return false;
    }
    return false;
}

// Of short bytes: a field's value, what was captured.
static bool fits(struct look *look, const struct signature_pattern *pattern, struct slice bytes,
    struct slice *captured)
{
    char buffer[SIGNATURE_VALUE_MAX];
    bytes.size = MINIMUM(bytes.size, sizeof(buffer));
    if (pattern->expression != NULL)
        return has_expression(look, pattern->expression, bytes, captured);
    if (pattern->text_count == 0)
        return true;
    fold(buffer, bytes);
    return has_text(pattern, slice_of(buffer, bytes.size));
}

static bool has_field(struct look *look, const struct signature_field *wanted,
    struct slice *captured)
{
    const struct http_fields *fields = look->answer->fields;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (slice_equal_nocase(fields->items[i].name, wanted->name)
            && fits(look, &wanted->value, fields->items[i].value, captured))
            return true;
    }
    return false;
}

static bool has_body(struct look *look, const struct signature_pattern *wanted,
    struct slice *captured)
{
    if (wanted->expression != NULL)
        return has_expression(look, wanted->expression, look->body, captured);
    return wanted->text_count == 0 || has_text(wanted, look->folded);
}

static bool has_status(const struct signature_statuses *statuses, uint16_t status)
{
    for (uint32_t i = 0; i < statuses->count; i++) {
        if (status >= statuses->items[i].least && status <= statuses->items[i].most)
            return true;
    }
    return false;
}

// What is cheap first. What a row captured that fails later is forgotten.
static bool row_matches(struct look *look, const struct signature *row)
{
    struct slice captured = SLICE_EMPTY;
    if (!has_status(&row->statuses, look->answer->status))
        return false;
    for (uint32_t i = 0; i < row->field_count; i++) {
        if (!has_field(look, &row->fields[i], &captured))
            return false;
    }
    for (uint32_t i = 0; i < row->body_count; i++) {
        if (!has_body(look, &row->bodies[i], &captured))
            return false;
    }
    captured = slice_trim(captured);
    look->captured = captured.size == 0 ? SLICE_EMPTY : captured;
    return true;
}

static bool applies(struct look *look, const struct signature_refinement *refinement)
{
    switch (refinement->subject) {
    case SIGNATURE_SUBJECT_STATUS:
        return has_status(&refinement->statuses, look->answer->status);
    case SIGNATURE_SUBJECT_WAITED:
        return look->answer->waited_ms >= refinement->waited_ms;
    case SIGNATURE_SUBJECT_CAPTURED:
        return look->captured.data != NULL
            && fits(look, &refinement->captured, look->captured, NULL);
    }
    return false;
}

static struct verdicts refined(struct look *look, const struct signature *row)
{
    for (uint32_t i = 0; i < row->refinement_count; i++) {
        if (applies(look, &row->refinements[i]))
            return row->refinements[i].verdicts;
    }
    return row->verdicts;
}

static enum error look_begin(struct look *look, const struct signature_answer *answer,
    struct arena *arena)
{
    struct slice body = slice_of(answer->body.data,
        MINIMUM(answer->body.size, SIGNATURE_BODY_MAX));
    *look = (struct look){.answer = answer, .body = body};
    char *folded = arena_alloc(arena, body.size + 1);
    if (folded == NULL)
        return ERROR_MEMORY;
    fold(folded, body);
    look->folded = slice_of(folded, body.size);
    return expression_scratch_create(arena, &look->scratch);
}

enum error signature_match(const struct signature_table *table,
    const struct signature_answer *answer, struct arena *arena, struct signature_match *ret_match)
{
    struct look look;
    enum error error = look_begin(&look, answer, arena);
    if (error != ERROR_NONE)
        return error;
    const struct signature *row = table->first;
    while (row != NULL && !look.out_of_memory && !row_matches(&look, row))
        row = row->next;
    if (row != NULL && !look.out_of_memory) {
        struct verdicts verdicts = refined(&look, row);
        if (!look.out_of_memory)
            *ret_match = (struct signature_match){row->id, verdicts, row->evidence, look.captured,
                look.stopped};
    }
    expression_scratch_release(look.scratch);
    if (look.out_of_memory)
        return ERROR_MEMORY;
    return row == NULL ? ERROR_NOT_FOUND : ERROR_NONE;
}

static const struct signature *row_at(const struct signature_table *table, size_t index)
{
    const struct signature *row = table->first;
    while (index-- > 0)
        row = row->next;
    return row;
}

size_t signature_count(const struct signature_table *table)
{
    return table->count;
}

struct slice signature_id(const struct signature_table *table, size_t index)
{
    return row_at(table, index)->id;
}

enum signature_evidence signature_evidence(const struct signature_table *table, size_t index)
{
    return row_at(table, index)->evidence;
}
