// Structured fields of any bytes, as item, list and dictionary: what parses is written, what was
// written parses, and is written the same again. No value leaves more behind than its bounds.
#include "base/invariant.h"
#include "http/structured.h"

#include <stdlib.h>

#define MEMBERS_MOST 40
#define TEXT_MOST ((size_t)1 << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum kind { ITEM, LIST, DICTIONARY };

static struct arena arena;
static char *buffers[2];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    arena_init(&arena, 4096, (size_t)1 << 22);
    buffers[0] = malloc(TEXT_MOST);
    buffers[1] = malloc(TEXT_MOST);
    invariant(buffers[0] != NULL && buffers[1] != NULL);
    return 0;
}

static bool parse(enum kind kind, struct slice text, struct structured_members *members)
{
    static struct structured_member item;
    switch (kind) {
    case ITEM:
        *members = (struct structured_members){&item, 1};
        return structured_parse_item(text, &arena, MEMBERS_MOST, &item) == ERROR_NONE;
    case LIST:
        return structured_parse_list(text, &arena, MEMBERS_MOST, members) == ERROR_NONE;
    case DICTIONARY:
        return structured_parse_dictionary(text, &arena, MEMBERS_MOST, members) == ERROR_NONE;
    }
    return false;
}

static bool write_members(enum kind kind, struct text *text,
    const struct structured_members *members)
{
    switch (kind) {
    case ITEM:
        return structured_append_item(text, &members->items[0]);
    case LIST:
        return structured_append_list(text, members);
    case DICTIONARY:
        return structured_append_dictionary(text, members);
    }
    return false;
}

static void check_bounds(const struct structured_members *members, bool keyed)
{
    invariant(members->count <= MEMBERS_MOST);
    for (uint32_t i = 0; i < members->count; i++) {
        const struct structured_member *member = &members->items[i];
        invariant(member->count <= MEMBERS_MOST && member->parameters.count <= MEMBERS_MOST);
        invariant(keyed == (member->key.size > 0));
        invariant(!keyed || structured_find(members, member->key) == member);
    }
}

static void check(enum kind kind, struct slice value)
{
    struct text first = text_in(buffers[0], TEXT_MOST), second = text_in(buffers[1], TEXT_MOST);
    struct structured_members members;
    char *copy = malloc(value.size + (value.size == 0));
    invariant(copy != NULL);
    if (value.size > 0)
        memcpy(copy, value.data, value.size);
    if (parse(kind, slice_of(copy, value.size), &members)) {
        check_bounds(&members, kind == DICTIONARY);
        invariant(write_members(kind, &first, &members));
        invariant(parse(kind, text_slice(&first), &members));
        check_bounds(&members, kind == DICTIONARY);
        invariant(write_members(kind, &second, &members));
        invariant(slice_equal(text_slice(&first), text_slice(&second)));
    }
    arena_reset(&arena);
    free(copy);
}

// Our own lenient writers never write what is no structured field.
static void check_lenient(struct slice value)
{
    struct text text = text_in(buffers[0], TEXT_MOST);
    struct structured_member item;
    structured_append_token(&text, value);
    structured_append_parameter_string(&text, "string", value);
    structured_append_parameter_token(&text, "token", value);
    structured_append_parameter_integer(&text, "integer", (int64_t)(value.size << 40));
    structured_append_parameter_true(&text, "true");
    invariant(!text.full);
    invariant(structured_parse_item(text_slice(&text), &arena, 4, &item) == ERROR_NONE);
    invariant(item.parameters.count == 4);
    arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice value = slice_of((const char *)data, size);
    if (size > 16384)
        return 0;
    check(ITEM, value);
    check(LIST, value);
    check(DICTIONARY, value);
    check_lenient(value);
    return 0;
}
