// The pure parts of rules: normal forms of paths, the query's part in the key, and templates. The
// input's lines: a pattern, a path, a query, names of parameters separated by ',' (the first letter
// says how they are used), a template.
#include "base/invariant.h"
#include "edge/rules/rule.h"
#include "http/characters.h"

#include <stdlib.h>

#define PARAMETERS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct slice pattern, struct slice path, struct arena *arena)
{
    struct rule_path once, again;
    struct rule_pattern compiled = rule_pattern_compile(pattern);
    if (path.size == 0 || path.data[0] != '/')
        return;
    invariant(rule_path_normalise(path, arena, &once) == ERROR_NONE);
    struct slice normal = once.normal;
    invariant(normal.size > 0 && normal.size <= path.size && normal.data[0] == '/');
    invariant(memmem(normal.data, normal.size, "//", 2) == NULL);
    invariant(memmem(normal.data, normal.size, "/../", 4) == NULL);
    (void)rule_pattern_matches(&compiled, normal);
    // What is sent on in its place means the same.
    struct slice spelled = rule_path_after(&once, path, 0, arena);
    invariant(spelled.data != NULL);
    invariant(rule_path_normalise(spelled, arena, &again) == ERROR_NONE);
    invariant(slice_equal(normal, again.normal));
}

static void check_query(struct slice query, struct slice names, struct arena *arena)
{
    struct slice items[PARAMETERS_MAX];
    struct setting_list list = {items, 0};
    unsigned how = names.size == 0 ? 0 : (unsigned char)names.data[0];
    struct key_settings settings = {.query = how % 3, .tracking = how / 3 % 2};
    while (names.size > 0 && list.count < PARAMETERS_MAX) {
        struct slice name = slice_cut(&names, ',');
        if (name.size > 0)
            items[list.count++] = name;
    }
    if (how / 6 % 2 == 0)
        settings.keep_parameters = list;
    else
        settings.drop_parameters = list;
    size_t parameters = 1;
    for (size_t i = 0; i < query.size; i++)
        parameters += query.data[i] == '&';
    if (parameters > RULE_QUERY_SORTED_MAX)
        return; // not sorted, until some of them are dropped
    char *buffer = arena_alloc(arena, query.size + 1), *second = arena_alloc(arena, query.size + 1);
    invariant(buffer != NULL && second != NULL);
    struct text text = text_in(buffer, query.size), again = text_in(second, query.size);
    bool any = rule_query_write(&text, &settings, query);
    invariant(!text.full);
    // A key is its own key.
    if (any) {
        invariant(rule_query_write(&again, &settings, text_slice(&text)));
        invariant(slice_equal(text_slice(&text), text_slice(&again)));
    } else {
        invariant(text.size == 0);
    }
}

static size_t authority_size(struct slice rest)
{
    size_t size = 0;
    while (size < rest.size && memchr("/?#", rest.data[size], 3) == NULL)
        size++;
    return size;
}

static void check_target(struct slice target)
{
    const char *mark = memmem(target.data, target.size, "://", 3);
    invariant(memchr(target.data, '\r', target.size) == NULL);
    invariant(memchr(target.data, '\n', target.size) == NULL);
    if (target.data[0] == '/') {
        invariant(target.size < 2 || (target.data[1] != '/' && target.data[1] != '\\'));
        return;
    }
    invariant(mark != NULL);
    struct slice rest = slice_of(mark + 3, target.size - (size_t)(mark + 3 - target.data));
    rest.size = authority_size(rest);
    invariant(rest.size > 0 && memmem(rest.data, rest.size, "EVIL", 4) == NULL);
}

static void check_template(struct slice path, struct slice query, struct slice text,
    struct arena *arena)
{
    char message[512];
    struct rule_template template;
    bool valid = rule_template_check_value(text, message, sizeof(message));
    bool is_target = rule_template_check_target(text, message, sizeof(message));
    invariant(valid || !is_target);
    if (!valid)
        return;
    struct slice asked = arena_printf(arena, "?EVIL%.*s", SLICE_ARGS(query));
    struct slice rest = arena_printf(arena, "%.*sEVIL", SLICE_ARGS(path));
    struct slice whole = arena_printf(arena, "/%.*s/EVIL", SLICE_ARGS(path));
    struct rule_values values = {.of = {[RULE_VARIABLE_HOST] = SLICE("a.example"),
        [RULE_VARIABLE_PATH] = whole, [RULE_VARIABLE_QUERY] = asked, [RULE_VARIABLE_REST] = rest,
        [RULE_VARIABLE_SCHEME] = SLICE("https"), [RULE_VARIABLE_METHOD] = SLICE("EVIL"),
        [RULE_VARIABLE_CLIENT_IP] = SLICE("EVIL"), [RULE_VARIABLE_REQUEST_ID] = SLICE("EVIL")}};
    invariant(rule_template_compile(text, arena, &template) == ERROR_NONE);
    size_t room = text.size * (whole.size + 16) + 16;
    char *buffer = arena_alloc(arena, room);
    if (buffer == NULL)
        return;
    struct text filled = text_in(buffer, room);
    rule_template_append(&filled, &template, &values);
    invariant(!filled.full);
    filled.size = 0;
    if (!is_target || memmem(text.data, text.size, "EVIL", 4) != NULL)
        return;
    rule_template_append_target(&filled, &template, &values);
    check_target(text_slice(&filled));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4096)
        return 0;
    struct arena arena;
    arena_init(&arena, 65536, (size_t)64 << 20);
    struct slice rest = slice_of((const char *)data, size);
    struct slice pattern = slice_cut(&rest, '\n'), path = slice_cut(&rest, '\n');
    struct slice query = slice_cut(&rest, '\n'), names = slice_cut(&rest, '\n');
    check_path(pattern, path, &arena);
    check_query(query, names, &arena);
    // Only what a request's parser lets through gets into a template.
    bool parsed = path.size > 0 && http_characters_all(path, HTTP_CHARACTER_PATH)
        && (query.size == 0 || http_characters_all(query, HTTP_CHARACTER_QUERY));
    if (parsed)
        check_template(path, query, rest, &arena);
    arena_free(&arena);
    return 0;
}
