// The vectors of httpwg/structured-field-tests, parsed and serialised. They are looked for in
// $AFLOAT_DATA, then in ../shared; without them the cases are skipped.
#include "http1_helpers.h"

#include "http/structured.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#define ARENA_MOST ((size_t)16 << 20)
#define TEXT_MOST ((size_t)1 << 20)

struct vectors {
    char folder[4096];
    struct arena arena;
    char *buffer; // TEXT_MOST bytes
    unsigned ran, failed;
};

static struct slice slice_of_json(const json_t *string)
{
    assert_true(json_is_string(string));
    return slice_of(json_string_value(string), json_string_length(string));
}

static struct slice decode_base32(struct vectors *vectors, struct slice digits)
{
    char *bytes = arena_alloc(&vectors->arena, digits.size);
    assert_non_null(bytes);
    size_t size = 0;
    unsigned bits = 0, count = 0;
    for (size_t i = 0; i < digits.size && digits.data[i] != '='; i++) {
        char digit = digits.data[i];
        bits = bits << 5 | (unsigned)(digit >= 'A' ? digit - 'A' : digit - '2' + 26);
        count += 5;
        if (count >= 8)
            bytes[size++] = (char)(bits >> (count -= 8));
    }
    return slice_of(bytes, size);
}

static struct structured_value typed_value_of(struct vectors *vectors, const json_t *json)
{
    const char *type = json_string_value(json_object_get(json, "__type"));
    const json_t *value = json_object_get(json, "value");
    assert_non_null(type);
    if (strcmp(type, "date") == 0)
        return (struct structured_value){STRUCTURED_DATE, json_integer_value(value), SLICE_EMPTY};
    if (strcmp(type, "token") == 0)
        return (struct structured_value){STRUCTURED_TOKEN, 0, slice_of_json(value)};
    if (strcmp(type, "displaystring") == 0)
        return (struct structured_value){STRUCTURED_DISPLAY, 0, slice_of_json(value)};
    assert_string_equal(type, "binary");
    return (struct structured_value){STRUCTURED_BYTES, 0,
        decode_base32(vectors, slice_of_json(value))};
}

static struct structured_value value_of(struct vectors *vectors, const json_t *json)
{
    struct structured_value value = {0};
    switch (json_typeof(json)) {
    case JSON_INTEGER:
        value.number = json_integer_value(json);
        return value;
    case JSON_REAL: // rounded half to even, as section 4.1.5 has it
        value.type = STRUCTURED_DECIMAL;
        value.number = llrint(json_real_value(json) * 1000);
        return value;
    case JSON_STRING:
        value.type = STRUCTURED_STRING;
        value.text = slice_of_json(json);
        return value;
    case JSON_TRUE:
    case JSON_FALSE:
        value.type = STRUCTURED_BOOLEAN;
        value.number = json_is_true(json);
        return value;
    case JSON_OBJECT:
        return typed_value_of(vectors, json);
    case JSON_ARRAY:
    case JSON_NULL:
        break;
    }
    fail_msg("no type of structured fields");
    return value;
}

static struct structured_parameters parameters_of(struct vectors *vectors, const json_t *json)
{
    struct structured_parameters parameters = {.count = (uint32_t)json_array_size(json)};
    parameters.items = arena_alloc(&vectors->arena,
        parameters.count * sizeof(*parameters.items));
    assert_non_null(parameters.items);
    for (uint32_t i = 0; i < parameters.count; i++) {
        const json_t *pair = json_array_get(json, i);
        parameters.items[i].key = slice_of_json(json_array_get(pair, 0));
        parameters.items[i].value = value_of(vectors, json_array_get(pair, 1));
    }
    return parameters;
}

static struct structured_member member_of(struct vectors *vectors, const json_t *json)
{
    struct structured_member member = {0};
    const json_t *first = json_array_get(json, 0);
    member.parameters = parameters_of(vectors, json_array_get(json, 1));
    member.is_list = json_is_array(first);
    if (!member.is_list) {
        member.value = value_of(vectors, first);
        return member;
    }
    member.count = (uint32_t)json_array_size(first);
    member.items = arena_alloc(&vectors->arena, member.count * sizeof(member));
    assert_non_null(member.items);
    for (uint32_t i = 0; i < member.count; i++)
        member.items[i] = member_of(vectors, json_array_get(first, i));
    return member;
}

// The array of members that a vector expects; of an item there is one.
static struct structured_members members_of(struct vectors *vectors, const json_t *json,
    const char *type)
{
    bool item = strcmp(type, "item") == 0;
    struct structured_members members = {.count = item ? 1 : (uint32_t)json_array_size(json)};
    members.items = arena_zero_alloc(&vectors->arena, members.count * sizeof(*members.items));
    assert_non_null(members.items);
    for (uint32_t i = 0; i < members.count; i++) {
        const json_t *one = item ? json : json_array_get(json, i);
        if (strcmp(type, "dictionary") == 0) {
            members.items[i] = member_of(vectors, json_array_get(one, 1));
            members.items[i].key = slice_of_json(json_array_get(one, 0));
        } else {
            members.items[i] = member_of(vectors, one);
        }
    }
    return members;
}

static struct slice joined(struct vectors *vectors, const json_t *lines)
{
    struct slice all = SLICE("");
    for (size_t i = 0; i < json_array_size(lines); i++) {
        struct slice line = slice_of_json(json_array_get(lines, i));
        char *copy = arena_alloc(&vectors->arena, all.size + 2 + line.size);
        assert_non_null(copy);
        struct text text = text_in(copy, all.size + 2 + line.size);
        text_append(&text, all);
        text_append(&text, i == 0 ? SLICE("") : SLICE(", "));
        text_append(&text, line);
        all = text_slice(&text);
    }
    return all;
}

static enum error parse(struct vectors *vectors, struct slice text, const char *type,
    struct structured_members *ret_members)
{
    struct arena *arena = &vectors->arena;
    if (strcmp(type, "list") == 0)
        return structured_parse_list(text, arena, STRUCTURED_MEMBERS_MOST, ret_members);
    if (strcmp(type, "dictionary") == 0)
        return structured_parse_dictionary(text, arena, STRUCTURED_MEMBERS_MOST, ret_members);
    struct structured_member *item = arena_alloc(arena, sizeof(*item));
    assert_non_null(item);
    enum error error = structured_parse_item(text, arena, STRUCTURED_MEMBERS_MOST, item);
    if (error == ERROR_NONE)
        *ret_members = (struct structured_members){item, 1};
    return error;
}

static bool write_members(struct text *text, const struct structured_members *members,
    const char *type)
{
    if (strcmp(type, "list") == 0)
        return structured_append_list(text, members);
    if (strcmp(type, "dictionary") == 0)
        return structured_append_dictionary(text, members);
    return structured_append_item(text, &members->items[0]);
}

// Serialising gives the canonical text, or is refused where that is what the vector wants.
static bool writes(struct vectors *vectors, const json_t *vector,
    const struct structured_members *members, const char *type)
{
    struct text text = text_in(vectors->buffer, TEXT_MOST);
    const json_t *canonical = json_object_get(vector, "canonical");
    bool must_fail = json_is_true(json_object_get(vector, "must_fail"));
    if (!write_members(&text, members, type))
        return must_fail && text.size == 0;
    if (canonical == NULL)
        canonical = json_object_get(vector, "raw");
    return !must_fail && slice_equal(text_slice(&text), joined(vectors, canonical));
}

static bool passes(struct vectors *vectors, const json_t *vector)
{
    const char *type = json_string_value(json_object_get(vector, "header_type"));
    const json_t *raw = json_object_get(vector, "raw"), *expected = json_object_get(vector,
        "expected");
    struct structured_members members, wanted;
    if (raw == NULL) {
        wanted = members_of(vectors, expected, type);
        return writes(vectors, vector, &wanted, type);
    }
    // An exact copy on the heap, so that a sanitizer sees what is read beyond it.
    struct slice text = heap_copy(joined(vectors, raw));
    bool good;
    if (parse(vectors, text, type, &members) != ERROR_NONE) {
        good = json_is_true(json_object_get(vector, "must_fail"))
            || json_is_true(json_object_get(vector, "can_fail"));
    } else {
        // What was parsed and what was expected are the same when they are written the same:
        // no two values share a serialisation.
        good = !json_is_true(json_object_get(vector, "must_fail"))
            && writes(vectors, vector, &members, type);
        if (good) {
            wanted = members_of(vectors, expected, type);
            good = writes(vectors, vector, &wanted, type);
        }
    }
    heap_release(text);
    return good;
}

static void run_file(struct vectors *vectors, const char *path)
{
    json_error_t error;
    json_t *file = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (file == NULL)
        fail_msg("%s: %s", path, error.text);
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *vector = json_array_get(file, i);
        vectors->ran++;
        if (!passes(vectors, vector)) {
            vectors->failed++;
            print_message("%s: %s\n", path, json_string_value(json_object_get(vector, "name")));
        }
        arena_reset(&vectors->arena);
    }
    json_decref(file);
}

static void run_folder(struct vectors *vectors, const char *inner)
{
    char path[8192];
    struct text text = text_in(path, sizeof(path));
    text_format(&text, "%s%s%c", vectors->folder, inner, '\0');
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (!slice_ends_with(slice_from_string(entry->d_name), SLICE(".json")))
            continue;
        text.size = 0;
        text_format(&text, "%s%s/%s%c", vectors->folder, inner, entry->d_name, '\0');
        assert_false(text.full);
        run_file(vectors, path);
    }
    closedir(folder);
    print_message("%u vectors\n", vectors->ran);
    assert_int_equal(vectors->failed, 0);
    assert_true(vectors->ran > 500);
}

static bool find_folder(struct vectors *vectors)
{
    const char *data = getenv("AFLOAT_DATA");
    const char *roots[] = {data, data, "../shared"};
    const char *inner[] = {"", "/data", "/data"};
    for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
        struct text text = text_in(vectors->folder, sizeof(vectors->folder));
        if (roots[i] == NULL)
            continue;
        text_format(&text, "%s%s/structured-field-tests%c", roots[i], inner[i], '\0');
        DIR *folder = text.full ? NULL : opendir(vectors->folder);
        if (folder != NULL) {
            closedir(folder);
            return true;
        }
    }
    return false;
}

static int set_up(void **state)
{
    static struct vectors vectors;
    vectors = (struct vectors){.buffer = malloc(TEXT_MOST)};
    arena_init(&vectors.arena, 65536, ARENA_MOST);
    *state = &vectors;
    return vectors.buffer == NULL;
}

static int tear_down(void **state)
{
    struct vectors *vectors = *state;
    arena_free(&vectors->arena);
    free(vectors->buffer);
    return 0;
}

static void run_or_skip(struct vectors *vectors, const char *inner)
{
    if (!find_folder(vectors)) {
        printf("skipped: no structured-field-tests in $AFLOAT_DATA or ../shared/data\n");
        skip();
    }
    run_folder(vectors, inner);
}

static void values_parse_as_the_vectors_say(void **state)
{
    run_or_skip(*state, "");
}

static void values_are_written_as_the_vectors_say(void **state)
{
    run_or_skip(*state, "/serialisation-tests");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_parse_as_the_vectors_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_are_written_as_the_vectors_say, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
