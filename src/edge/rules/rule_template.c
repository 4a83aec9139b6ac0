// Variables in texts, and which texts are safe to redirect to.
#include "edge/rules/rule_template.h"
#include "http/characters.h"
#include "http/field.h"

#include <stdio.h>

static const char *const names[RULE_VARIABLE_COUNT] = {
    NULL,
#define X(name, text, help) text,
    RULE_VARIABLE_MAP(X)
#undef X
};

static bool find_variable(struct slice name, enum rule_variable *ret_variable)
{
    for (unsigned i = RULE_VARIABLE_NONE + 1; i < RULE_VARIABLE_COUNT; i++) {
        if (slice_equal(name, slice_from_string(names[i]))) {
            *ret_variable = (enum rule_variable)i;
            return true;
        }
    }
    return false;
}

static void say_unknown(struct text *message, struct slice name)
{
    text_append(message, SLICE("knows no variable "));
    text_append_quoted(message, name);
    text_append(message, SLICE("; expected one of"));
    for (unsigned i = RULE_VARIABLE_NONE + 1; i < RULE_VARIABLE_COUNT; i++)
        text_format(message, "%s ${%s}", i == RULE_VARIABLE_NONE + 1 ? "" : ",", names[i]);
}

bool rule_template_next(struct slice *rest, struct rule_part *ret_part, struct text *message)
{
    const char *open = rest->size == 0 ? NULL : memmem(rest->data, rest->size, "${", 2);
    size_t literal = open == NULL ? rest->size : (size_t)(open - rest->data);
    if (rest->size == 0)
        return false;
    if (literal > 0) {
        *ret_part = (struct rule_part){RULE_VARIABLE_NONE, slice_of(rest->data, literal)};
        *rest = slice_of(rest->data + literal, rest->size - literal);
        return true;
    }
    struct slice inside = slice_of(rest->data + 2, rest->size - 2);
    if (!slice_contains(inside, '}')) {
        text_append(message, SLICE("has a ${ without its }; expected one such as ${path}"));
        return false;
    }
    struct slice name = slice_cut(&inside, '}');
    *ret_part = (struct rule_part){RULE_VARIABLE_NONE, SLICE_EMPTY};
    if (!find_variable(name, &ret_part->variable)) {
        say_unknown(message, name);
        return false;
    }
    *rest = inside;
    return true;
}

enum error rule_template_compile(struct slice text, struct arena *arena,
    struct rule_template *ret_template)
{
    char buffer[256];
    struct text ignored = text_in(buffer, sizeof(buffer));
    struct rule_part part, *parts;
    struct slice rest = text;
    size_t count = 0;
    while (rule_template_next(&rest, &part, &ignored))
        count++;
    parts = arena_alloc(arena, (count + 1) * sizeof(*parts));
    if (parts == NULL)
        return ERROR_MEMORY;
    rest = text;
    for (size_t i = 0; i < count && rule_template_next(&rest, &part, &ignored); i++)
        parts[i] = part;
    *ret_template = (struct rule_template){parts, count};
    return ERROR_NONE;
}

void rule_template_append(struct text *text, const struct rule_template *template,
    const struct rule_values *values)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct rule_part *part = &template->parts[i];
        text_append(text, part->variable == RULE_VARIABLE_NONE
            ? part->literal : values->of[part->variable]);
    }
}

bool rule_template_check_value(struct slice text, char *message, size_t message_size)
{
    struct text said = text_in(message, message_size - 1);
    struct rule_part part;
    struct slice rest = text;
    if (!http_is_field_value(text) || slice_trim(text).size != text.size)
        text_append(&said, SLICE("cannot stand in a header field; expected one line of text "
                                 "without spaces around it"));
    while (said.size == 0 && rule_template_next(&rest, &part, &said))
        ;
    message[said.size] = '\0';
    return said.size == 0;
}

// --- Targets of redirects ---

static struct slice scheme_of(struct slice text)
{
    static const char *const schemes[] = {"https://", "http://", "${scheme}://"};
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        struct slice scheme = slice_from_string(schemes[i]);
        if (slice_starts_with(text, scheme))
            return scheme;
    }
    return SLICE_EMPTY;
}

static bool ends_authority(char byte)
{
    return byte == '/' || byte == '?' || byte == '#';
}

// Of what follows the scheme. False: somebody else than the operator could name the host.
static bool names_its_host(struct slice rest)
{
    struct rule_part part;
    char buffer[256];
    struct text ignored = text_in(buffer, sizeof(buffer));
    bool any = false;
    while (rule_template_next(&rest, &part, &ignored)) {
        if (part.variable == RULE_VARIABLE_PATH || part.variable == RULE_VARIABLE_QUERY)
            return any; // begins with what ends a host, or is empty
        if (part.variable != RULE_VARIABLE_NONE && part.variable != RULE_VARIABLE_HOST)
            return false;
        for (size_t i = 0; i < part.literal.size; i++) {
            if (ends_authority(part.literal.data[i]))
                return any || i > 0;
            if (!http_character_is(part.literal.data[i], HTTP_CHARACTER_HOST)
                && strchr(":[]", part.literal.data[i]) == NULL)
                return false;
        }
        any = true;
    }
    return any;
}

static bool is_target_text(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!http_character_is(text.data[i], HTTP_CHARACTER_QUERY) && text.data[i] != '#')
            return false;
    }
    return true;
}

bool rule_template_check_target(struct slice text, char *message, size_t message_size)
{
    struct slice scheme = scheme_of(text);
    if (!rule_template_check_value(text, message, message_size))
        return false;
    const char *wrong = NULL;
    if (!is_target_text(text))
        wrong = "contains what no URL may; expected it percent-encoded";
    else if (scheme.size == 0 && !slice_starts_with(text, SLICE("/"))
        && !slice_starts_with(text, SLICE("${path}")))
        wrong = "is no target; expected a path such as /new${path}, or a URL that begins with "
                "https://, http:// or ${scheme}://";
    else if (scheme.size == 0 && slice_starts_with(text, SLICE("//")))
        wrong = "begins with //, which browsers take for a host; expected a scheme before it";
    else if (scheme.size > 0
        && !names_its_host(slice_of(text.data + scheme.size, text.size - scheme.size)))
        wrong = "does not say for sure where it leads; expected a host, and then /, ${path} or "
                "${query}";
    if (wrong != NULL)
        snprintf(message, message_size, "%s", wrong);
    return wrong == NULL;
}

void rule_template_append_target(struct text *text, const struct rule_template *template,
    const struct rule_values *values)
{
    size_t start = text->size, slashes = 0;
    rule_template_append(text, template, values);
    char *target = text->data + start;
    size_t size = text->size - start;
    while (slashes < size && (target[slashes] == '/' || target[slashes] == '\\'))
        slashes++;
    if (slashes < 2)
        return;
    memmove(target + 1, target + slashes, size - slashes);
    target[0] = '/';
    text->size -= slashes - 1;
}
