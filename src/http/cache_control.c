// Cache-Control directives (RFC 9111 section 5.2), targeted fields (RFC 9213) and Pragma.
#include "http/cache_control.h"

#include "http/characters.h"
#include "http/structured.h"

#define SECONDS_MOST (INT64_C(1) << 31) // RFC 9111 section 1.2.2
#define TARGETED_CHUNK 2048
#define TARGETED_MOST 65536 // memory for one targeted field, parsed

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

// no-cache and private with field names concern these fields only; without names, everything. So
// do more lists than we keep, and names in a form that is none.
static void note_restriction(struct http_cache_control *control,
    const struct directive *directive, bool *whole, bool *named)
{
    if (directive->argument.size == 0 || directive->malformed
        || control->list_count == HTTP_CACHE_CONTROL_LISTS_MOST) {
        *whole = true;
        return;
    }
    *named = true;
    control->lists[control->list_count++] = directive->argument;
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
        note_restriction(control, directive, &control->no_cache, &control->no_cache_fields);
    else if (is(directive, SLICE("private")))
        note_restriction(control, directive, &control->is_private, &control->private_fields);
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

static const struct http_cache_control nothing_said = {
    .max_age = HTTP_SECONDS_ABSENT,
    .s_maxage = HTTP_SECONDS_ABSENT,
    .min_fresh = HTTP_SECONDS_ABSENT,
    .max_stale = HTTP_SECONDS_ABSENT,
    .stale_while_revalidate = HTTP_SECONDS_ABSENT,
    .stale_if_error = HTTP_SECONDS_ABSENT,
};

void http_cache_control_parse(const struct http_fields *fields,
    struct http_cache_control *ret_control)
{
    struct http_cache_control control = nothing_said;
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

// --- Targeted fields (RFC 9213) ---

// A directive that may stand in a response, and what must follow it in a dictionary.
struct targeted_directive {
    struct slice key;
    bool is_number;
    size_t offset; // in struct http_cache_control
};

#define MEMBER(name) offsetof(struct http_cache_control, name)
static const struct targeted_directive targeted_directives[] = {
    {SLICE("max-age"), true, MEMBER(max_age)},
    {SLICE("s-maxage"), true, MEMBER(s_maxage)},
    {SLICE("stale-while-revalidate"), true, MEMBER(stale_while_revalidate)},
    {SLICE("stale-if-error"), true, MEMBER(stale_if_error)},
    {SLICE("no-store"), false, MEMBER(no_store)},
    {SLICE("no-cache"), false, MEMBER(no_cache)},
    {SLICE("private"), false, MEMBER(is_private)},
    {SLICE("public"), false, MEMBER(is_public)},
    {SLICE("must-revalidate"), false, MEMBER(must_revalidate)},
    {SLICE("proxy-revalidate"), false, MEMBER(proxy_revalidate)},
    {SLICE("must-understand"), false, MEMBER(must_understand)},
    {SLICE("no-transform"), false, MEMBER(no_transform)},
    {SLICE("immutable"), false, MEMBER(immutable)},
};

// False when the value is none of the directive's type.
static bool take_targeted(struct http_cache_control *control,
    const struct targeted_directive *directive, const struct structured_member *member)
{
    const struct structured_value *value = &member->value;
    void *place = (char *)control + directive->offset;
    if (member->is_list)
        return false;
    if (directive->is_number) {
        if (value->type != STRUCTURED_INTEGER)
            return false;
        *(int64_t *)place = MINIMUM(MAXIMUM(value->number, 0), SECONDS_MOST);
        return true;
    }
    if (value->type == STRUCTURED_BOOLEAN) {
        *(bool *)place = value->number != 0;
        return true;
    }
    // Field names behind these two: here they restrict the whole response, the safe reading.
    bool names = value->type == STRUCTURED_STRING
        && (place == &control->no_cache || place == &control->is_private);
    *(bool *)place = names;
    return names;
}

static bool take_dictionary(struct http_cache_control *control,
    const struct structured_members *members)
{
    for (size_t i = 0; i < ARRAY_SIZE(targeted_directives); i++) {
        const struct structured_member *member =
            structured_find(members, targeted_directives[i].key);
        if (member != NULL && !take_targeted(control, &targeted_directives[i], member))
            return false;
    }
    return members->count > 0;
}

static bool parse_targeted(const struct http_fields *fields, enum http_name name,
    struct http_cache_control *ret_control)
{
    struct arena arena;
    struct slice value = SLICE_EMPTY;
    struct structured_members members = {.count = 0};
    struct http_cache_control control = nothing_said;
    arena_init(&arena, TARGETED_CHUNK, TARGETED_MOST);
    enum error error = http_fields_joined(fields, http_name_text(name), &arena, &value);
    if (error == ERROR_NONE)
        error = structured_parse_dictionary(value, &arena, STRUCTURED_MEMBERS_MOST, &members);
    bool taken = error == ERROR_NONE && take_dictionary(&control, &members);
    if (error == ERROR_MEMORY) {
        // Not known what it said, so it may have said this.
        control.no_store = true;
        taken = true;
    }
    arena_free(&arena);
    if (taken) {
        control.targeted = true;
        *ret_control = control;
    }
    return taken;
}

void http_cache_control_parse_response(const struct http_fields *fields,
    struct http_cache_control *ret_control)
{
    static const enum http_name targeted[] = {
        HTTP_NAME_AFLOAT_CACHE_CONTROL, HTTP_NAME_CDN_CACHE_CONTROL};
    for (size_t i = 0; i < ARRAY_SIZE(targeted); i++) {
        if (http_fields_find(fields, targeted[i]) != NULL
            && parse_targeted(fields, targeted[i], ret_control))
            return;
    }
    http_cache_control_parse(fields, ret_control);
}

bool http_cache_control_lists(const struct http_cache_control *control, struct slice name)
{
    for (uint32_t i = 0; i < control->list_count; i++) {
        if (http_list_has_token(control->lists[i], name))
            return true;
    }
    return false;
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
