// Reading a signature table: line by line, to its end, so that all mistakes are told at once.
#include "base/units.h"
#include "conf/mistakes.h"
#include "conf/nearest.h"
#include "doctor/signature_inside.h"

#define ID_SIZE_MAX 48
#define QUOTED_SIZE 96 // what text_append_quoted makes at most
#define STATUS_LEAST 100
#define STATUS_MOST 599

enum keyword {
    KEYWORD_SIGNATURE, KEYWORD_STATUS, KEYWORD_FIELD, KEYWORD_BODY, KEYWORD_VERDICT, KEYWORD_WHEN,
    KEYWORD_EVIDENCE, KEYWORD_COUNT
};

struct reader {
    struct arena *arena;
    struct conf_report report;
    struct signature_table *table;
    struct signature *row; // the one that is being read; NULL before the first
    struct slice line;
    unsigned number;           // of the line
    unsigned seen;             // bits: keywords of this row, right or wrong
    unsigned asks_captured_at; // line of the first "when captured" of this row
    bool out_of_memory;
};

static const struct slice keywords[KEYWORD_COUNT] = {
    [KEYWORD_SIGNATURE] = {"signature", 9}, [KEYWORD_STATUS] = {"status", 6},
    [KEYWORD_FIELD] = {"field", 5}, [KEYWORD_BODY] = {"body", 4},
    [KEYWORD_VERDICT] = {"verdict", 7}, [KEYWORD_WHEN] = {"when", 4},
    [KEYWORD_EVIDENCE] = {"evidence", 8},
};

static void PRINTF_LIKE(3, 4)
complain(struct reader *reader, struct slice at, const char *format, ...)
{
    unsigned column = at.data == NULL ? 1 : (unsigned)(at.data - reader->line.data) + 1;
    va_list arguments;
    va_start(arguments, format);
    conf_report_add_list(&reader->report, false, reader->number, column, format, arguments);
    va_end(arguments);
}

static const char *quoted(char buffer[QUOTED_SIZE], struct slice slice)
{
    struct text text = text_in(buffer, QUOTED_SIZE - 1);
    text_append_quoted(&text, slice);
    buffer[text.size] = '\0';
    return buffer;
}

static struct slice next_word(struct slice *rest)
{
    size_t size = 0;
    while (size < rest->size && rest->data[size] != ' ' && rest->data[size] != '\t')
        size++;
    struct slice word = slice_of(rest->data, size);
    *rest = slice_trim(slice_of(rest->data + size, rest->size - size));
    return word;
}

static struct slice folded_copy(struct reader *reader, struct slice text)
{
    struct slice copy = arena_copy(reader->arena, text);
    reader->out_of_memory |= copy.data == NULL;
    char *bytes = (char *)(uintptr_t)copy.data;
    for (size_t i = 0; i < copy.size && bytes != NULL; i++) {
        if (bytes[i] >= 'A' && bytes[i] <= 'Z')
            bytes[i] = (char)(bytes[i] | 0x20);
    }
    return copy;
}

static void read_expression(struct reader *reader, struct slice value,
    struct signature_pattern *pattern)
{
    char buffer[256];
    struct text complaint = text_in(buffer, sizeof(buffer));
    if (value.size == 0) {
        complain(reader, value, "expected a regular expression after \"~\"");
        return;
    }
    enum error error = expression_compile(value, reader->arena, &complaint, &pattern->expression);
    if (error == ERROR_NONE)
        reader->row->captures |= expression_captures(pattern->expression);
    else if (error == ERROR_INVALID)
        complain(reader, value, "this is no regular expression that can be used here: %.*s",
            SLICE_ARGS(text_slice(&complaint)));
    else
        reader->out_of_memory = true;
}

static void read_pattern(struct reader *reader, struct slice value,
    struct signature_pattern *pattern)
{
    struct slice rest = value;
    if (slice_equal(value, SLICE("*")))
        return;
    if (value.size > 0 && value.data[0] == '~') {
        struct slice inside = slice_trim(slice_of(value.data + 1, value.size - 1));
        read_expression(reader, inside, pattern);
        return;
    }
    do {
        struct slice part = slice_trim(slice_cut(&rest, ','));
        if (part.size == 0) {
            complain(reader, part, "there is no text here; expected texts separated by commas, "
                "\"~\" and a regular expression, or \"*\"");
            return;
        }
        if (pattern->text_count == SIGNATURE_TEXTS_MAX) {
            complain(reader, part, "at most %d texts; a regular expression has room for more",
                SIGNATURE_TEXTS_MAX);
            return;
        }
        pattern->texts[pattern->text_count++] = folded_copy(reader, part);
    } while (rest.data != NULL && !reader->out_of_memory);
}

static bool take_status(struct slice part, uint16_t *least, uint16_t *most)
{
    uint64_t status;
    *least = STATUS_LEAST;
    *most = STATUS_MOST;
    if (slice_equal(part, SLICE("*")))
        return true;
    if (part.size == 3 && part.data[0] >= '1' && part.data[0] <= '5'
        && slice_equal_nocase(slice_of(part.data + 1, 2), SLICE("xx"))) {
        *least = (uint16_t)((part.data[0] - '0') * 100);
        *most = (uint16_t)(*least + 99);
        return true;
    }
    if (!slice_parse_u64(part, STATUS_MOST, &status) || status < STATUS_LEAST)
        return false;
    *least = *most = (uint16_t)status;
    return true;
}

static void read_statuses(struct reader *reader, struct slice value,
    struct signature_statuses *statuses)
{
    char buffer[QUOTED_SIZE];
    struct slice rest = value;
    do {
        uint16_t least, most;
        struct slice part = slice_trim(slice_cut(&rest, ','));
        if (!take_status(part, &least, &most)) {
            complain(reader, part, "%s is no status; expected numbers from %d to %d, classes such "
                "as 5xx, or *, separated by commas", quoted(buffer, part), STATUS_LEAST,
                STATUS_MOST);
            statuses->count = 0; // of half a list nothing more is said
            return;
        }
        if (statuses->count == SIGNATURE_STATUSES_MAX) {
            complain(reader, part, "at most %d statuses and classes", SIGNATURE_STATUSES_MAX);
            return;
        }
        statuses->items[statuses->count].least = least;
        statuses->items[statuses->count++].most = most;
    } while (rest.data != NULL);
}

static void complain_of_verdict(struct reader *reader, struct slice word)
{
    char buffer[QUOTED_SIZE], list[512];
    struct text names = text_in(list, sizeof(list));
    struct nearest nearest = {.wanted = word};
    for (enum verdict verdict = VERDICT_OK; verdict < VERDICT_COUNT; verdict++) {
        nearest_offer(&nearest, verdict_name(verdict));
        text_append(&names, verdict == VERDICT_OK ? SLICE("") : SLICE(" "));
        text_append(&names, verdict_name(verdict));
    }
    if (nearest.best.data != NULL)
        complain(reader, word, "%s is no verdict; did you mean %.*s?", quoted(buffer, word),
            SLICE_ARGS(nearest.best));
    else
        complain(reader, word, "%s is no verdict; expected one of %.*s", quoted(buffer, word),
            SLICE_ARGS(text_slice(&names)));
}

static void read_verdicts(struct reader *reader, struct slice value, struct verdicts *verdicts)
{
    struct slice rest = value;
    for (;;) {
        enum verdict verdict;
        struct slice word = next_word(&rest);
        if (!verdict_find(word, &verdict)) {
            complain_of_verdict(reader, word);
            return;
        }
        for (uint32_t i = 0; i < verdicts->count; i++) {
            if (verdicts->items[i] == verdict)
                complain(reader, word, "this verdict stands here already");
        }
        if (verdicts->count == VERDICTS_MAX) {
            complain(reader, word, "at most %d verdicts; a row that allows more says nothing",
                VERDICTS_MAX);
            return;
        }
        verdicts->items[verdicts->count++] = verdict;
        if (rest.size == 0)
            return;
        word = next_word(&rest);
        if (!slice_equal(word, SLICE("or"))) {
            complain(reader, word, "expected \"or\" and another verdict, or nothing more");
            return;
        }
    }
}

static void read_status(struct reader *reader, struct slice value)
{
    read_statuses(reader, value, &reader->row->statuses);
}

static void read_field(struct reader *reader, struct slice value)
{
    char buffer[QUOTED_SIZE];
    struct signature *row = reader->row;
    struct slice rest = value;
    struct slice name = slice_trim(slice_cut(&rest, ':'));
    if (!http_is_token(name)) {
        complain(reader, name, "%s is no field's name; expected \"field NAME\" for a field that is "
            "there, or \"field NAME: TEXT\"", quoted(buffer, name));
        return;
    }
    if (row->field_count == SIGNATURE_FIELDS_MAX) {
        complain(reader, name, "at most %d fields", SIGNATURE_FIELDS_MAX);
        return;
    }
    struct signature_field *field = &row->fields[row->field_count++];
    field->name = arena_copy(reader->arena, name);
    reader->out_of_memory |= field->name.data == NULL;
    if (rest.data != NULL)
        read_pattern(reader, slice_trim(rest), &field->value);
}

static void read_body(struct reader *reader, struct slice value)
{
    struct signature *row = reader->row;
    if (row->body_count == SIGNATURE_BODIES_MAX)
        complain(reader, value, "at most %d times \"body\"", SIGNATURE_BODIES_MAX);
    else
        read_pattern(reader, value, &row->bodies[row->body_count++]);
}

static void read_verdict(struct reader *reader, struct slice value)
{
    read_verdicts(reader, value, &reader->row->verdicts);
}

// Cuts "CONDITION then VERDICTS" at its last "then".
static bool cut_then(struct slice value, struct slice *condition, struct slice *verdicts)
{
    const struct slice then = SLICE(" then ");
    for (size_t at = value.size; at-- > 0;) {
        if (value.size - at >= then.size
            && slice_equal(slice_of(value.data + at, then.size), then)) {
            *condition = slice_trim(slice_of(value.data, at));
            *verdicts = slice_trim(slice_of(value.data + at + then.size,
                value.size - at - then.size));
            return true;
        }
    }
    return false;
}

static void read_subject(struct reader *reader, struct slice condition,
    struct signature_refinement *refinement)
{
    char buffer[QUOTED_SIZE];
    struct slice rest = condition, word = next_word(&rest);
    if (slice_equal(word, SLICE("status"))) {
        refinement->subject = SIGNATURE_SUBJECT_STATUS;
        read_statuses(reader, rest, &refinement->statuses);
    } else if (slice_equal(word, SLICE("waited"))) {
        refinement->subject = SIGNATURE_SUBJECT_WAITED;
        if (!units_parse_duration_ms(rest, &refinement->waited_ms))
            complain(reader, rest, "%s is no time; expected one such as 500ms or 25s",
                quoted(buffer, rest));
    } else if (slice_equal(word, SLICE("captured"))) {
        refinement->subject = SIGNATURE_SUBJECT_CAPTURED;
        if (reader->asks_captured_at == 0)
            reader->asks_captured_at = reader->number;
        bool captures = reader->row->captures; // a group in here is of no use
        read_pattern(reader, rest, &refinement->captured);
        reader->row->captures = captures;
    } else {
        complain(reader, word, "%s cannot be asked for; expected \"when status 504\", "
            "\"when waited 25s\" or \"when captured TEXT\"", quoted(buffer, word));
    }
}

static void read_when(struct reader *reader, struct slice value)
{
    struct signature *row = reader->row;
    struct slice condition, verdicts;
    if (!cut_then(value, &condition, &verdicts)) {
        complain(reader, value, "expected \"when CONDITION then VERDICT\"");
        return;
    }
    if (row->refinement_count == SIGNATURE_REFINEMENTS_MAX) {
        complain(reader, value, "at most %d times \"when\"", SIGNATURE_REFINEMENTS_MAX);
        return;
    }
    struct signature_refinement *refinement = &row->refinements[row->refinement_count++];
    read_subject(reader, condition, refinement);
    read_verdicts(reader, verdicts, &refinement->verdicts);
}

static void read_evidence(struct reader *reader, struct slice value)
{
    static const struct slice names[] = {{"V", 1}, {"K", 1}, {"unproven", 8}};
    char buffer[QUOTED_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (slice_equal(value, names[i])) {
            reader->row->evidence = (enum signature_evidence)i;
            return;
        }
    }
    complain(reader, value, "%s is no evidence; expected V (seen in a source), K (known) or "
        "unproven", quoted(buffer, value));
}

static bool takes_status(const struct signature_statuses *statuses, uint16_t least, uint16_t most)
{
    for (uint32_t i = 0; i < statuses->count; i++) {
        if (statuses->items[i].least <= least && most <= statuses->items[i].most)
            return true;
    }
    return false;
}

// A row that asks for a status alone leaves nothing to those below it with the same.
static bool takes_all_of(const struct signature *above, const struct signature *row)
{
    bool takes = above->field_count == 0 && row->statuses.count > 0;
    for (uint32_t i = 0; i < above->body_count && takes; i++)
        takes = above->bodies[i].expression == NULL && above->bodies[i].text_count == 0;
    for (uint32_t i = 0; i < row->statuses.count && takes; i++)
        takes = takes_status(&above->statuses, row->statuses.items[i].least,
            row->statuses.items[i].most);
    return takes;
}

// What an operator adds he appends, below the last row, which takes any error.
static void check_reached(struct reader *reader, const struct signature *row)
{
    for (const struct signature *above = reader->table->first; above != row; above = above->next) {
        if (takes_all_of(above, row)) {
            conf_report_add(&reader->report, row->line, 1, NULL, "row %.*s is never reached: %.*s "
                "on line %u takes all of it; expected this row above that one",
                SLICE_ARGS(row->id), SLICE_ARGS(above->id), above->line);
            return;
        }
    }
}

// What can only be said at a row's end; there is no column then.
static void end_row(struct reader *reader)
{
    static const enum keyword needed[] = {KEYWORD_STATUS, KEYWORD_VERDICT, KEYWORD_EVIDENCE};
    const struct signature *row = reader->row;
    if (row == NULL)
        return;
    check_reached(reader, row);
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
        if ((reader->seen & 1U << needed[i]) == 0)
            conf_report_add(&reader->report, row->line, 1, NULL, "row %.*s has no line \"%.*s\"",
                SLICE_ARGS(row->id), SLICE_ARGS(keywords[needed[i]]));
    }
    if (reader->asks_captured_at != 0 && !row->captures)
        conf_report_add(&reader->report, reader->asks_captured_at, 1, NULL, "nothing is captured "
            "in row %.*s; expected a group (?<captured>…) in an expression of its fields or body",
            SLICE_ARGS(row->id));
}

static void check_id(struct reader *reader, struct slice id)
{
    char buffer[QUOTED_SIZE];
    bool is_name = id.size > 0 && id.size <= ID_SIZE_MAX;
    for (size_t i = 0; i < id.size && is_name; i++)
        is_name = (id.data[i] >= 'a' && id.data[i] <= 'z')
            || (id.data[i] >= '0' && id.data[i] <= '9') || id.data[i] == '-';
    if (!is_name) {
        complain(reader, id, "%s is no name of a row; expected at most %d small letters, digits "
            "and \"-\"", quoted(buffer, id), ID_SIZE_MAX);
        return;
    }
    for (const struct signature *row = reader->table->first; row != NULL; row = row->next) {
        if (slice_equal(row->id, id))
            complain(reader, id, "%s is the name of a row already, on line %u",
                quoted(buffer, id), row->line);
    }
}

static void begin_row(struct reader *reader, struct slice id)
{
    struct signature *row = arena_zero_alloc(reader->arena, sizeof(*row));
    check_id(reader, id);
    if (row == NULL || reader->table->count == SIGNATURE_ROWS_MAX) {
        if (row != NULL)
            complain(reader, id, "more than %d rows", SIGNATURE_ROWS_MAX);
        reader->out_of_memory |= row == NULL;
        return; // what follows is read into the last row, which nobody will see
    }
    row->id = arena_copy(reader->arena, slice_of(id.data, MINIMUM(id.size, ID_SIZE_MAX)));
    reader->out_of_memory |= row->id.data == NULL;
    row->line = reader->number;
    if (reader->row == NULL)
        reader->table->first = row;
    else
        reader->row->next = row;
    reader->table->count++;
    reader->row = row;
    reader->seen = reader->asks_captured_at = 0;
}

static enum keyword find_keyword(struct reader *reader, struct slice word)
{
    char buffer[QUOTED_SIZE];
    struct nearest nearest = {.wanted = word};
    for (enum keyword keyword = 0; keyword < KEYWORD_COUNT; keyword++) {
        if (slice_equal(keywords[keyword], word))
            return keyword;
        nearest_offer(&nearest, keywords[keyword]);
    }
    if (nearest.best.data != NULL)
        complain(reader, word, "%s means nothing here; did you mean %.*s?", quoted(buffer, word),
            SLICE_ARGS(nearest.best));
    else
        complain(reader, word, "%s means nothing here; expected signature, status, field, body, "
            "verdict, when or evidence", quoted(buffer, word));
    return KEYWORD_COUNT;
}

static bool may_repeat(enum keyword keyword)
{
    return keyword == KEYWORD_FIELD || keyword == KEYWORD_BODY || keyword == KEYWORD_WHEN;
}

static void read_line(struct reader *reader)
{
    static void (*const readers[KEYWORD_COUNT])(struct reader *, struct slice) = {
        [KEYWORD_STATUS] = read_status, [KEYWORD_FIELD] = read_field, [KEYWORD_BODY] = read_body,
        [KEYWORD_VERDICT] = read_verdict, [KEYWORD_WHEN] = read_when,
        [KEYWORD_EVIDENCE] = read_evidence,
    };
    struct slice rest = slice_trim(reader->line);
    if (rest.size == 0 || rest.data[0] == '#')
        return;
    struct slice word = next_word(&rest);
    enum keyword keyword = find_keyword(reader, word);
    if (keyword == KEYWORD_COUNT)
        return;
    if (keyword == KEYWORD_SIGNATURE) {
        end_row(reader);
        begin_row(reader, rest);
        return;
    }
    if (reader->row == NULL) {
        complain(reader, word, "this belongs to no row; expected \"signature NAME\" first");
        return;
    }
    if ((reader->seen & 1U << keyword) != 0 && !may_repeat(keyword))
        complain(reader, word, "this row has \"%.*s\" already", SLICE_ARGS(word));
    reader->seen |= 1U << keyword;
    readers[keyword](reader, rest);
}

static void read_all(struct reader *reader, struct slice text)
{
    struct slice rest = text;
    while (rest.size > 0 && !reader->out_of_memory && !reader->report.out_of_memory) {
        reader->line = slice_cut(&rest, '\n');
        if (slice_ends_with(reader->line, SLICE("\r")))
            reader->line.size--;
        reader->number++;
        read_line(reader);
    }
    end_row(reader);
    if (reader->table->count == 0 && reader->report.found == 0)
        conf_report_add(&reader->report, 0, 0, NULL, "there is no row; expected some, each "
            "beginning with \"signature NAME\"");
}

enum error signature_load(struct slice text, struct arena *arena, struct conf_mistakes *mistakes,
    struct signature_table **ret_table)
{
    *mistakes = (struct conf_mistakes){0};
    struct reader reader = {.arena = arena, .report = {.mistakes = mistakes, .arena = arena},
        .table = arena_zero_alloc(arena, sizeof(*reader.table))};
    if (reader.table == NULL)
        return ERROR_MEMORY;
    if (text.size > SIGNATURE_FILE_MAX)
        conf_report_add(&reader.report, 0, 0, NULL, "larger than %zu KB", SIGNATURE_FILE_MAX >> 10);
    else
        read_all(&reader, text);
    bool out_of_memory = reader.out_of_memory || reader.report.out_of_memory;
    if (!out_of_memory && reader.report.found == 0) {
        *ret_table = reader.table;
        return ERROR_NONE;
    }
    signature_release(reader.table);
    conf_sort_mistakes(mistakes);
    return out_of_memory ? ERROR_MEMORY : ERROR_INVALID;
}

void signature_release(struct signature_table *table)
{
    for (struct signature *row = table == NULL ? NULL : table->first; row != NULL;
         row = row->next) {
        for (uint32_t i = 0; i < row->field_count; i++)
            expression_release(row->fields[i].value.expression);
        for (uint32_t i = 0; i < row->body_count; i++)
            expression_release(row->bodies[i].expression);
        for (uint32_t i = 0; i < row->refinement_count; i++)
            expression_release(row->refinements[i].captured.expression);
    }
}
