// The schema of a report, from the tables that write it: so it cannot say anything else.
#include "doctor/facts_shape.h"
#include "doctor/report.h"

#define DRAFT "http://json-schema.org/draft-07/schema#"

static json_t *type(const char *name)
{
    return json_pack("{s:s}", "type", name);
}

static json_t *formatted(const char *format)
{
    return json_pack("{s:s, s:s}", "type", "string", "format", format);
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *word_of(const struct facts_words *words)
{
    json_t *values = json_array();
    for (size_t i = 0; i < words->count; i++) {
        if (words->items[i] != NULL)
            json_array_append_new(values, json_string(words->items[i]));
    }
    return json_pack("{s:o}", "enum", values);
}

static json_t *verdict_word(void)
{
    json_t *values = json_array();
    for (unsigned i = 0; i < VERDICT_COUNT; i++) {
        struct slice name = verdict_name((enum verdict)i);
        json_array_append_new(values, json_stringn(name.data, name.size));
    }
    return json_pack("{s:o}", "enum", values);
}

static json_t *object_of(const struct facts_shape *shape);

static json_t *object_by_word(const struct facts_member *member)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < member->count; i++)
        json_object_set_new(properties, member->words->items[i], object_of(member->shape));
    return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

static json_t *member_of(const struct facts_member *member)
{
    switch (member->kind) {
    case FACTS_FLAG: return type("boolean");
    case FACTS_PORT:
    case FACTS_NUMBER:
    case FACTS_LARGE:
    case FACTS_SIGNED: return type("integer");
    case FACTS_DIGEST:
    case FACTS_TEXT:
    case FACTS_URL:
    case FACTS_ADDRESS: return type("string");
    case FACTS_TIME:
    case FACTS_TIME_MS: return formatted("date-time");
    case FACTS_ADDRESSES: return list_of(type("string"));
    case FACTS_WORD: return word_of(member->words);
    case FACTS_WORDS: return list_of(word_of(member->words));
    case FACTS_VERDICTS: return list_of(verdict_word());
    case FACTS_PART: return object_of(member->shape);
    case FACTS_LIST: return list_of(object_of(member->shape));
    case FACTS_BY_WORD: return object_by_word(member);
    }
    return NULL;
}

static json_t *object_of(const struct facts_shape *shape)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < shape->count; i++)
        json_object_set_new(properties, shape->members[i].name, member_of(&shape->members[i]));
    return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

// Facts of elsewhere are like one's own, without those that others have of others.
static json_t *vantage(void)
{
    json_t *object = object_of(&facts_shape_vantage);
    json_t *properties = json_object_get(object, "properties");
    json_object_set_new(properties, "verdict", verdict_word());
    json_object_set_new(properties, "facts", json_pack("{s:s}", "$ref", "#/definitions/facts"));
    return object;
}

static json_t *facts(void)
{
    json_t *object = object_of(&facts_shape_all);
    json_object_set_new(json_object_get(object, "properties"), "vantages", list_of(vantage()));
    return object;
}

static json_t *properties(void)
{
    return json_pack("{s:{s:i}, s:o, s:o, s:{s:[sssss]}, s:o, s:o, s:o, s:o, s:{s:[ss], s:s}, s:o,"
                     " s:o, s:o, s:{s:s}}",
        "version", "const", REPORT_VERSION, "url", type("string"), "verdict", verdict_word(),
        "side", "enum", "fine", "site", "yours", "between", "unknown", "fault", type("string"),
        "advice", type("string"), "evidence", list_of(type("string")), "rule", type("string"),
        "retry_at", "type", "string", "null", "format", "date-time", "took_ms", type("integer"),
        "steps", list_of(type("string")), "asked", list_of(type("string")), "facts", "$ref",
        "#/definitions/facts");
}

json_t *report_schema(void)
{
    json_t *members = properties(), *required = json_array();
    const char *name;
    json_t *ignored;
    json_object_foreach(members, name, ignored)
        json_array_append_new(required, json_string(name));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:o}}", "$schema", DRAFT, "title",
        "What afloat check --json prints", "type", "object", "properties", members, "required",
        required, "definitions", "facts", facts());
}
