// Any bytes as a signature table: it is loaded, or told why not, with lines that exist and messages
// that do nothing to a terminal; what was loaded needs the text no more, and looks at pages in
// bounded time.
#include "../unit/doctor/fixture.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MOST 16384

static struct arena arena, looks;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    arena_init(&arena, 65536, (size_t)64 << 20);
    arena_init(&looks, 65536, (size_t)2 << 20);
    return 0;
}

static void check_mistakes(const struct conf_mistakes *mistakes, struct slice text)
{
    unsigned lines = 1, last = 0;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    invariant(mistakes->count > 0 && mistakes->count <= CONF_MISTAKES_MAX);
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct conf_mistake *mistake = &mistakes->items[i];
        invariant(mistake->line >= last && mistake->line <= lines);
        invariant(mistake->column <= text.size + 1 && mistake->message.size > 0);
        for (size_t at = 0; at < mistake->message.size; at++)
            invariant((unsigned char)mistake->message.data[at] >= ' ');
        last = mistake->line;
    }
}

static void check_match(const struct signature_table *table, const struct signature_answer *answer)
{
    struct signature_match match, again;
    enum error error = signature_match(table, answer, &looks, &match);
    arena_reset(&looks);
    invariant(error == ERROR_NONE || error == ERROR_NOT_FOUND);
    invariant(signature_match(table, answer, &looks, &again) == error);
    arena_reset(&looks);
    if (error == ERROR_NOT_FOUND)
        return;
    invariant(slice_equal(match.id, again.id) && match.stopped == again.stopped);
    invariant(match.verdicts.count >= 1 && match.verdicts.count <= VERDICTS_MAX);
    invariant(match.captured.size <= SIGNATURE_CAPTURED_MAX);
}

static void check_table(const struct signature_table *table, struct slice text)
{
    struct http_field field = {SLICE("server"), slice_of(text.data, text.size / 2),
        HTTP_NAME_SERVER};
    struct http_fields fields = {&field, 1, 1};
    invariant(signature_count(table) >= 1 && signature_count(table) <= SIGNATURE_ROWS_MAX);
    for (size_t i = 0; i < signature_count(table); i++)
        invariant(signature_id(table, i).size > 0);
    for (uint16_t status = 200; status < 600; status += 151) {
        struct signature_answer answer = {status, &fields, text, status};
        check_match(table, &answer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conf_mistakes mistakes;
    struct signature_table *table = NULL;
    struct slice text = slice_of((const char *)data, size);
    if (size > TEXT_MOST)
        return 0;
    char *copy = malloc(size + (size == 0));
    invariant(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    enum error error = signature_load(slice_of(copy, size), &arena, &mistakes, &table);
    free(copy);
    if (error == ERROR_NONE) {
        check_table(table, text);
    } else {
        invariant(error == ERROR_INVALID && table == NULL);
        check_mistakes(&mistakes, text);
    }
    signature_release(table);
    arena_reset(&arena);
    return 0;
}
