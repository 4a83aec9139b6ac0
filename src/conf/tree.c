// Drives libyaml's event parser and builds the nodes.
#include "conf/tree.h"

#include <yaml.h>

#define ANCHORS_MAX 100

struct frame {
    struct conf_node *node;
    const struct conf_node *key; // of a mapping: read, and waiting for its value
};

struct anchor {
    struct slice name;
    const struct conf_node *node;
};

struct builder {
    yaml_parser_t parser;
    struct slice yaml;
    struct arena *arena;
    struct conf_report *report;
    struct conf_node *root;
    struct frame frames[CONF_DEPTH_MAX];
    size_t depth;
    struct anchor anchors[ANCHORS_MAX];
    size_t anchor_count;
    size_t node_count;
    bool stopped; // the rest of the text is not read
};

bool conf_node_is_nothing(const struct conf_node *node)
{
    return node->kind == CONF_SCALAR && !node->quoted
        && (node->text.size == 0 || slice_equal(node->text, SLICE("~"))
            || slice_equal(node->text, SLICE("null")));
}

static unsigned line_of(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

static unsigned column_of(yaml_mark_t mark)
{
    return (unsigned)mark.column + 1;
}

#define STOP(builder, line, column, ...)                                                           \
    do {                                                                                           \
        conf_report_add((builder)->report, line, column, NULL, __VA_ARGS__);                       \
        (builder)->stopped = true;                                                                 \
    } while (0)

// libyaml counts characters; so does this.
static char byte_at(struct slice yaml, size_t line, size_t column)
{
    struct slice rest = yaml, text = slice_cut(&rest, '\n');
    for (; line > 0; line--)
        text = slice_cut(&rest, '\n');
    for (size_t at = 0; at < text.size; at++) {
        if (((unsigned char)text.data[at] & 0xC0) == 0x80)
            continue;
        if (column-- == 0)
            return text.data[at];
    }
    return '\n';
}

// Of the reader's errors only the offset in bytes is known.
static yaml_mark_t mark_of_offset(struct slice yaml, size_t offset)
{
    yaml_mark_t mark = {0, 0, 0};
    for (size_t i = 0; i < MINIMUM(offset, yaml.size); i++) {
        if (yaml.data[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)yaml.data[i] & 0xC0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static enum error report_syntax(struct builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    yaml_mark_t mark = parser->problem_mark;
    const char *problem = parser->problem == NULL ? "cannot be read" : parser->problem;
    if (parser->error == YAML_MEMORY_ERROR)
        return ERROR_MEMORY;
    if (parser->error == YAML_READER_ERROR) {
        mark = mark_of_offset(builder->yaml, parser->problem_offset);
        STOP(builder, line_of(mark), column_of(mark),
            "%s; expected UTF-8 text; nothing after this point was checked", problem);
        return ERROR_NONE;
    }
    if (byte_at(builder->yaml, mark.line, mark.column) == '\t')
        STOP(builder, line_of(mark), column_of(mark), "a tab cannot indent YAML; expected spaces; "
            "nothing after this point was checked");
    else if (parser->context != NULL && parser->context_mark.line != mark.line)
        STOP(builder, line_of(mark), column_of(mark), "YAML syntax: %s %s that began on line %u; "
            "nothing after this point was checked", problem, parser->context,
            line_of(parser->context_mark));
    else
        STOP(builder, line_of(mark), column_of(mark),
            "YAML syntax: %s%s%s; nothing after this point was checked", problem,
            parser->context == NULL ? "" : " ", parser->context == NULL ? "" : parser->context);
    return ERROR_NONE;
}

static enum error remember_anchor(struct builder *builder, const struct conf_node *node,
    const yaml_char_t *anchor)
{
    if (anchor == NULL)
        return ERROR_NONE;
    if (builder->anchor_count == ANCHORS_MAX) {
        STOP(builder, node->line, node->column, "more than %d anchors; expected fewer; nothing "
            "after this point was checked", ANCHORS_MAX);
        return ERROR_NONE;
    }
    struct slice name = arena_copy(builder->arena, slice_from_string((const char *)anchor));
    if (name.data == NULL)
        return ERROR_MEMORY;
    builder->anchors[builder->anchor_count++] = (struct anchor){name, node};
    return ERROR_NONE;
}

// Of several anchors of one name the last one counts (YAML 1.1 section 3.2.2.2).
static const struct conf_node *find_anchor(const struct builder *builder, struct slice name)
{
    for (size_t i = builder->anchor_count; i-- > 0;) {
        if (slice_equal(builder->anchors[i].name, name))
            return builder->anchors[i].node;
    }
    return NULL;
}

static bool is_open(const struct builder *builder, const struct conf_node *node)
{
    for (size_t i = 0; i < builder->depth; i++) {
        if (builder->frames[i].node == node)
            return true;
    }
    return false;
}

static enum error add_entry(struct builder *builder, struct frame *frame,
    const struct conf_node *value)
{
    struct conf_entry *entry = arena_zero_alloc(builder->arena, sizeof(*entry));
    if (entry == NULL)
        return ERROR_MEMORY;
    entry->key = frame->key;
    entry->value = value;
    frame->key = NULL;
    if (frame->node->last == NULL)
        frame->node->first = entry;
    else
        frame->node->last->next = entry;
    frame->node->last = entry;
    frame->node->count++;
    return ERROR_NONE;
}

// Puts the node where it belongs: the root, an element, a key or the value of the pending key.
static enum error place_node(struct builder *builder, const struct conf_node *node)
{
    if (builder->depth == 0)
        return ERROR_NONE;
    struct frame *frame = &builder->frames[builder->depth - 1];
    if (frame->node->kind == CONF_SEQUENCE || frame->key != NULL)
        return add_entry(builder, frame, node);
    if (node->kind != CONF_SCALAR)
        STOP(builder, node->line, node->column, "a list or mapping stands where a name belongs; "
            "expected \"name: value\"; nothing after this point was checked");
    else if (slice_equal(node->text, SLICE("<<")) && !node->quoted)
        STOP(builder, node->line, node->column, "merge keys (<<) are not supported; expected the "
            "settings written out, or the whole value shared by an alias (*name); nothing after "
            "this point was checked");
    frame->key = node;
    return ERROR_NONE;
}

// NULL: out of memory, or stopped.
static struct conf_node *new_node(struct builder *builder, enum conf_kind kind, yaml_mark_t mark,
    const yaml_char_t *tag)
{
    if (builder->node_count == CONF_NODES_MAX) {
        STOP(builder, line_of(mark), column_of(mark), "more than %d values; expected a smaller "
            "file; nothing after this point was checked", CONF_NODES_MAX);
        return NULL;
    }
    if (tag != NULL)
        conf_report_add(builder->report, line_of(mark), column_of(mark), NULL,
            "tags such as !!str are not supported; expected a plain value, in quotes if it must "
            "be text");
    struct conf_node *node = arena_zero_alloc(builder->arena, sizeof(*node));
    if (node == NULL)
        return NULL;
    builder->node_count++;
    node->kind = kind;
    node->line = line_of(mark);
    node->column = column_of(mark);
    if (builder->depth == 0)
        builder->root = node;
    return node;
}

static enum error take_scalar(struct builder *builder, const yaml_event_t *event)
{
    struct conf_node *node = new_node(builder, CONF_SCALAR, event->start_mark,
        event->data.scalar.tag);
    if (node == NULL)
        return builder->stopped ? ERROR_NONE : ERROR_MEMORY;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_copy(builder->arena,
        slice_of((const char *)event->data.scalar.value, event->data.scalar.length));
    if (node->text.data == NULL)
        return ERROR_MEMORY;
    enum error error = remember_anchor(builder, node, event->data.scalar.anchor);
    return error != ERROR_NONE ? error : place_node(builder, node);
}

static enum error open_collection(struct builder *builder, enum conf_kind kind, yaml_mark_t mark,
    const yaml_char_t *tag, const yaml_char_t *anchor)
{
    struct conf_node *node = new_node(builder, kind, mark, tag);
    if (node == NULL)
        return builder->stopped ? ERROR_NONE : ERROR_MEMORY;
    enum error error = remember_anchor(builder, node, anchor);
    if (error == ERROR_NONE)
        error = place_node(builder, node);
    if (error != ERROR_NONE)
        return error;
    node->incomplete = true; // until its end is seen
    if (builder->depth == CONF_DEPTH_MAX)
        STOP(builder, node->line, node->column, "nested more than %d deep; expected less; nothing "
            "after this point was checked", CONF_DEPTH_MAX);
    else
        builder->frames[builder->depth++] = (struct frame){node, NULL};
    return ERROR_NONE;
}

static enum error take_alias(struct builder *builder, const yaml_event_t *event)
{
    struct slice name = slice_from_string((const char *)event->data.alias.anchor);
    const struct conf_node *node = find_anchor(builder, name);
    unsigned line = line_of(event->start_mark), column = column_of(event->start_mark);
    if (node == NULL)
        STOP(builder, line, column, "no anchor &%.*s stands before this alias; expected one; "
            "nothing after this point was checked", MINIMUM((int)name.size, 60), name.data);
    else if (is_open(builder, node))
        STOP(builder, line, column, "the alias *%.*s stands inside what it refers to; expected an "
            "anchor that ended before; nothing after this point was checked",
            MINIMUM((int)name.size, 60), name.data);
    else
        return place_node(builder, node);
    return ERROR_NONE;
}

static enum error take_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return ERROR_NONE;
    case YAML_STREAM_END_EVENT:
        builder->stopped = true;
        return ERROR_NONE;
    case YAML_DOCUMENT_START_EVENT:
        if (builder->root != NULL)
            STOP(builder, line_of(event->start_mark), column_of(event->start_mark),
                "a second document begins; expected a single one; nothing after this point was "
                "checked");
        return ERROR_NONE;
    case YAML_ALIAS_EVENT:
        return take_alias(builder, event);
    case YAML_SCALAR_EVENT:
        return take_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_collection(builder, CONF_SEQUENCE, event->start_mark,
            event->data.sequence_start.tag, event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return open_collection(builder, CONF_MAPPING, event->start_mark,
            event->data.mapping_start.tag, event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->frames[--builder->depth].node->incomplete = false;
        return ERROR_NONE;
    }
    return ERROR_NONE;
}

enum error conf_tree_read(struct slice yaml, struct arena *arena, struct conf_report *report,
    const struct conf_node **ret_root)
{
    struct builder builder = {.yaml = yaml, .arena = arena, .report = report};
    if (!yaml_parser_initialize(&builder.parser))
        return ERROR_MEMORY;
    const char *start = yaml.size == 0 ? "" : yaml.data; // libyaml asserts that there is one
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)start, yaml.size);
    enum error error = ERROR_NONE;
    while (!builder.stopped && error == ERROR_NONE) {
        yaml_event_t event;
        if (!yaml_parser_parse(&builder.parser, &event)) {
            error = report_syntax(&builder);
            break;
        }
        error = take_event(&builder, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&builder.parser);
    if (error == ERROR_NONE && report->out_of_memory)
        error = ERROR_MEMORY;
    if (error == ERROR_NONE)
        *ret_root = builder.root;
    return error;
}
