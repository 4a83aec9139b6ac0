// Cache-Control directives (RFC 9111 section 5.2) and Pragma.
#include "http/cache_control.h"

#include "http/characters.h"

#define SECONDS_MOST (INT64_C(1) << 31) // RFC 9111 section 1.2.2

struct directive {
    struct slice name, argument; // argument without quotes; data NULL if there is none
    bool malformed;              // not name, or name=token, or name="string"
};

static struct directive cut_directive(struct slice element)
{
    struct directive directive = {0};
    struct slice rest = element;
    struct slice name = slice_cut(&rest, '=');
    struct slice parameters = name;
    name = slice_cut(&parameters, ';');
    directive.name = slice_trim(name);
    // There are no parameters here, but who writes `private;x=1` means private.
    directive.malformed = parameters.data != NULL;
    if (rest.data == NULL || directive.malformed)
        return directive;
    struct slice argument = rest;
    // Space around '=' is not in the grammar; a value found that way is not trusted.
    directive.malformed = directive.name.size != name.size
        || slice_trim(argument).size != argument.size;
    if (argument.size > 0 && argument.data[0] == '"') {
        bool closed = argument.size > 1 && argument.data[argument.size - 1] == '"';
        argument = slice_of(argument.data + 1, argument.size - (closed ? 2 : 1));
        directive.malformed = directive.malformed || !closed;
    }
    directive.argument = argument;
    return directive;
}

static int64_t seconds_of(const struct directive *directive)
{
    uint64_t seconds;
    struct slice argument = directive->argument;
    if (directive->malformed || argument.size == 0)
        return 0;
    for (size_t i = 0; i < argument.size; i++) {
        if (argument.data[i] < '0' || argument.data[i] > '9')
            return 0;
    }
    // All digits: what does not fit is a large number, not an error.
    return slice_parse_u64(argument, (uint64_t)SECONDS_MOST, &seconds) ? (int64_t)seconds
                                                                       : SECONDS_MOST;
}

static void keep_smaller(int64_t *kept, int64_t value)
{
    if (*kept == HTTP_SECONDS_ABSENT || value < *kept)
        *kept = value;
}

static void keep_larger(int64_t *kept, int64_t value)
{
    if (value > *kept)
        *kept = value;
}

// no-cache and private with field names concern these fields only; without names, everything.
static void note_restriction(const struct directive *directive, bool *whole, bool *named)
{
    if (directive->argument.size == 0)
        *whole = true;
    else
        *named = true;
}

static bool is(const struct directive *directive, struct slice name)
{
    return slice_equal_nocase(directive->name, name);
}

static void note_number(struct http_cache_control *control, const struct directive *directive)
{
    if (is(directive, SLICE("max-age")))
        keep_smaller(&control->max_age, seconds_of(directive));
    else if (is(directive, SLICE("s-maxage")))
        keep_smaller(&control->s_maxage, seconds_of(directive));
    else if (is(directive, SLICE("stale-while-revalidate")))
        keep_smaller(&control->stale_while_revalidate, seconds_of(directive));
    else if (is(directive, SLICE("stale-if-error")))
        keep_smaller(&control->stale_if_error, seconds_of(directive));
    else if (is(directive, SLICE("min-fresh")))
        keep_larger(&control->min_fresh, seconds_of(directive));
    else if (is(directive, SLICE("max-stale")))
        keep_smaller(&control->max_stale,
            directive->argument.data == NULL ? INT64_MAX : seconds_of(directive));
}

// A restriction holds whatever argument stands behind it; what permits something must be exact.
static void note_word(struct http_cache_control *control, const struct directive *directive)
{
    bool plain = directive->argument.data == NULL && !directive->malformed;
    if (is(directive, SLICE("no-store")))
        control->no_store = true;
    else if (is(directive, SLICE("no-cache")))
        note_restriction(directive, &control->no_cache, &control->no_cache_fields);
    else if (is(directive, SLICE("private")))
        note_restriction(directive, &control->is_private, &control->private_fields);
    else if (is(directive, SLICE("must-revalidate")))
        control->must_revalidate = true;
    else if (is(directive, SLICE("proxy-revalidate")))
        control->proxy_revalidate = true;
    else if (is(directive, SLICE("no-transform")))
        control->no_transform = true;
    else if (is(directive, SLICE("only-if-cached")))
        control->only_if_cached = true;
    else if (plain && is(directive, SLICE("public")))
        control->is_public = true;
    else if (plain && is(directive, SLICE("must-understand")))
        control->must_understand = true;
    else if (plain && is(directive, SLICE("immutable")))
        control->immutable = true;
}

void http_cache_control_parse(const struct http_fields *fields,
    struct http_cache_control *ret_control)
{
    struct http_cache_control control = {
        .max_age = HTTP_SECONDS_ABSENT,
        .s_maxage = HTTP_SECONDS_ABSENT,
        .min_fresh = HTTP_SECONDS_ABSENT,
        .max_stale = HTTP_SECONDS_ABSENT,
        .stale_while_revalidate = HTTP_SECONDS_ABSENT,
        .stale_if_error = HTTP_SECONDS_ABSENT,
    };
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known != HTTP_NAME_CACHE_CONTROL)
            continue;
        struct slice rest = fields->items[i].value, element;
        while (http_list_next(&rest, &element)) {
            struct directive directive = cut_directive(element);
            note_word(&control, &directive);
            note_number(&control, &directive);
        }
    }
    *ret_control = control;
}

bool http_pragma_is_no_cache(const struct http_fields *fields)
{
    if (http_fields_find(fields, HTTP_NAME_CACHE_CONTROL) != NULL)
        return false;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known == HTTP_NAME_PRAGMA
            && http_list_has_token(fields->items[i].value, SLICE("no-cache")))
            return true;
    }
    return false;
}
