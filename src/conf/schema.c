// docs/afloat.schema.json. jansson keeps the order of insertion, so the file is stable.
#include "conf/describe.h"
#include "conf/value.h"

#include <jansson.h>

static json_t *describe_section(const struct setting_section *section, const char *description);

// Takes value; on failure false, and everything is still freed with object.
static bool put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

static bool put_text(json_t *object, const char *name, struct slice text)
{
    return put(object, name, json_stringn(text.data, text.size));
}

static struct slice describe(const struct setting *row, struct text *text)
{
    char buffer[1024];
    struct text expected = text_in(buffer, sizeof(buffer));
    bool has_touch = row->touch != NULL && row->touch[0] != '\0';
    conf_append_expected(&expected, row);
    text_format(text, "%s\n\nExpected: %.*s.", row->summary, SLICE_ARGS(text_slice(&expected)));
    if (row->fallback != NULL && row->fallback[0] != '\0')
        text_format(text, " Default: %s.", row->fallback);
    if (has_touch)
        text_format(text, "\n\nWhen to touch it: %s", row->touch);
    return text_slice(text);
}

static json_t *string_with_pattern(const char *pattern)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *choice_schema(const struct setting *row)
{
    json_t *words = json_array();
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        if (json_array_append_new(words, json_string(row->choices[i])) != 0) {
            json_decref(words);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o}", "type", "string", "enum", words);
}

static json_t *one_or_list(json_t *item)
{
    return json_pack("{s:[O, {s:s, s:o}]}", "anyOf", item, "type", "array", "items", item);
}

static json_t *number_schema(const struct setting *row)
{
    json_t *schema = json_pack("{s:s}", "type", "integer");
    if (schema == NULL || !put(schema, "minimum", json_integer((json_int_t)row->minimum)))
        goto failed;
    uint64_t highest = row->maximum > 0 ? row->maximum : INT64_MAX;
    if (row->type == SETTING_PERCENT)
        highest = MINIMUM(highest, 100);
    if (highest < INT64_MAX && !put(schema, "maximum", json_integer((json_int_t)highest)))
        goto failed;
    return schema;
failed:
    json_decref(schema);
    return NULL;
}

static json_t *list_schema(const struct setting *row, json_t *item)
{
    json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", item);
    if (schema == NULL)
        return NULL;
    if ((row->minimum > 0 && !put(schema, "minItems", json_integer((json_int_t)row->minimum)))
        || (row->maximum > 0 && !put(schema, "maxItems", json_integer((json_int_t)row->maximum)))) {
        json_decref(schema);
        return NULL;
    }
    return schema;
}

// A section or list may be there without content: all its lines commented out. As a list of types
// and not as anyOf, so that editors still tell exactly what is wrong inside.
static json_t *or_null(json_t *schema)
{
    json_t *types = json_pack("[O, s]", json_object_get(schema, "type"), "null");
    if (schema == NULL || types == NULL || json_object_set(schema, "type", types) != 0) {
        json_decref(schema);
        schema = NULL;
    }
    json_decref(types);
    return schema;
}

static json_t *map_schema(const struct setting *row)
{
    return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
        or_null(describe_section(row->section, row->section->summary)));
}

static bool has_required(const struct setting_section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct setting *row = &section->rows[i];
        if (conf_is_required(row) || (row->type == SETTING_SECTION && has_required(row->section)))
            return true;
    }
    return false;
}

static json_t *bare_schema(const struct setting *row)
{
    switch (row->type) {
    case SETTING_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case SETTING_COUNT:
        return number_schema(row);
    case SETTING_PERCENT:
        return json_pack("{s:[o, o]}", "anyOf", number_schema(row),
            string_with_pattern("^[0-9]+%$"));
    case SETTING_SIZE:
        return json_pack("{s:[o, o]}", "anyOf", number_schema(row),
            string_with_pattern("^[0-9]+(B|KB|KiB|MB|MiB|GB|GiB|TB|TiB)?$"));
    case SETTING_DURATION:
        return json_pack("{s:[{s:i}, o]}", "anyOf", "const", 0,
            string_with_pattern("^(0|[0-9]+(ms|s|m|h|d))$"));
    case SETTING_TEXT:
        return json_pack("{s:s}", "type", "string");
    case SETTING_TEXT_LIST:
        return json_pack("{s:[s, s, s], s:o}", "type", "string", "array", "null", "items",
            json_pack("{s:s}", "type", "string"));
    case SETTING_TEXT_MAP:
        return json_pack("{s:[s, s], s:{s:s}}", "type", "object", "null", "additionalProperties",
            "type", "string");
    case SETTING_CHOICE:
        return choice_schema(row);
    case SETTING_CHOICE_SET:
        return one_or_list(choice_schema(row));
    case SETTING_STATUS_SET:
        return one_or_list(json_pack("{s:[o, o]}", "anyOf",
            json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", 100, "maximum", 599),
            string_with_pattern("^[1-5][0-9][0-9]( *- *[1-5][0-9][0-9])?"
                                "( *, *[1-5][0-9][0-9]( *- *[1-5][0-9][0-9])?)*$")));
    case SETTING_SECTION:
        return has_required(row->section) ? describe_section(row->section, NULL)
                                          : or_null(describe_section(row->section, NULL));
    case SETTING_SECTION_LIST:
        return or_null(list_schema(row, describe_section(row->section, NULL)));
    case SETTING_SECTION_MAP:
        return or_null(map_schema(row));
    }
    return NULL;
}

// The fallback as JSON, of the types where that says something.
static json_t *default_value(const struct setting *row)
{
    uint64_t number;
    switch (row->type) {
    case SETTING_BOOL:
        return json_boolean(strcmp(row->fallback, "true") == 0);
    case SETTING_COUNT:
    case SETTING_PERCENT:
        return slice_parse_u64(slice_from_string(row->fallback), INT64_MAX, &number)
            ? json_integer((json_int_t)number) : json_string(row->fallback);
    case SETTING_SIZE:
    case SETTING_DURATION:
    case SETTING_CHOICE:
    case SETTING_TEXT:
    case SETTING_STATUS_SET:
        return strchr("\"'[", row->fallback[0]) != NULL ? NULL : json_string(row->fallback);
    case SETTING_TEXT_LIST:
    case SETTING_TEXT_MAP:
    case SETTING_CHOICE_SET:
    case SETTING_SECTION:
    case SETTING_SECTION_LIST:
    case SETTING_SECTION_MAP:
        return NULL; // stands in the description
    }
    return NULL;
}

static json_t *describe_row(const struct setting *row)
{
    char buffer[4096];
    struct text text = text_in(buffer, sizeof(buffer));
    json_t *schema = bare_schema(row);
    if (schema == NULL)
        return NULL;
    json_t *value = row->fallback == NULL || row->fallback[0] == '\0' ? NULL : default_value(row);
    if (!put_text(schema, "description", describe(row, &text))
        || (value != NULL && !put(schema, "default", value))) {
        json_decref(schema);
        return NULL;
    }
    return schema;
}

static bool add_rows(const struct setting_section *section, json_t *properties, json_t *required)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct setting *row = &section->rows[i];
        if (!put(properties, row->name, describe_row(row)))
            return false;
        bool wanted = conf_is_required(row)
            || (row->type == SETTING_SECTION && has_required(row->section));
        if (wanted && json_array_append_new(required, json_string(row->name)) != 0)
            return false;
    }
    return true;
}

// description NULL: the row has one.
static json_t *describe_section(const struct setting_section *section, const char *description)
{
    json_t *properties = json_object(), *required = json_array();
    json_t *schema = json_pack("{s:s, s:b}", "type", "object", "additionalProperties", 0);
    bool good = schema != NULL && properties != NULL && required != NULL
        && (description == NULL || put(schema, "description", json_string(description)))
        && add_rows(section, properties, required)
        && json_object_set(schema, "properties", properties) == 0
        && (json_array_size(required) == 0 || json_object_set(schema, "required", required) == 0);
    json_decref(properties);
    json_decref(required);
    if (good)
        return schema;
    json_decref(schema);
    return NULL;
}

enum error conf_describe_schema(const struct setting_section *root, FILE *out)
{
    json_t *schema = json_pack("{s:s, s:s}", "$schema", "http://json-schema.org/draft-07/schema#",
        "title", "Settings of afloat");
    json_t *body = describe_section(root, root->summary);
    if (schema == NULL || body == NULL || json_object_update(schema, body) != 0) {
        json_decref(schema);
        json_decref(body);
        return ERROR_MEMORY;
    }
    int result = json_dumpf(schema, out, JSON_INDENT(2));
    json_decref(schema);
    json_decref(body);
    if (result != 0 || fputc('\n', out) == EOF || fflush(out) != 0)
        return ERROR_SYSTEM;
    return ERROR_NONE;
}
