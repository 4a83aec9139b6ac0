// What a rule's protect doubts: shorter than the copy, or a text that no good page has, however
// the content came.
#include "../io/virtual.h"
#include "protection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ERROR_TEXT "Error establishing a database connection"
#define KEPT "Cache-Control: max-age=60\n"
#define CODED "Content-Encoding: gzip\n"
#define CONTENT_MOST 70000
#define CHUNK_BORDER 8192 // of a body of unknown length, see body.c

static struct slice texts[] = {SLICE("no such text"), SLICE(ERROR_TEXT)};

struct doubt { // one question
    const char *copy;     // its fields; NULL: there is none
    size_t copy_size;
    const char *fields;   // of the answer
    struct slice content; // of which this much has come
    size_t piece;
    bool ended;
    uint64_t minimum_percent, examined;
    bool has_texts;
    enum rule_protect_unheld unheld;
    bool is_believed;     // the answer
    enum judge_reason reason;
    uint64_t disbelieved;
};

static char zeros[CONTENT_MOST];

static struct object *make_copy(const struct doubt *doubt, uint64_t now_ns)
{
    char fields[200];
    struct body *body = body_from_bytes(slice_of(zeros, doubt->copy_size));
    snprintf(fields, sizeof(fields), "%sContent-Length: %zu\n", doubt->copy, doubt->copy_size);
    return protection_object(fields, body, now_ns);
}

static void doubt_main(struct task *task, void *argument)
{
    struct doubt *doubt = argument;
    struct protection_scene *scene = malloc(sizeof(*scene));
    assert_non_null(scene);
    protection_scene_open(scene, task_loop(task));
    scene->protect.minimum_percent = doubt->minimum_percent;
    scene->protect.unheld = doubt->unheld;
    if (doubt->examined != 0)
        scene->protect.examined = doubt->examined;
    if (doubt->has_texts)
        scene->protect.forbidden = (struct setting_list){texts, ARRAY_SIZE(texts)};
    if (doubt->copy != NULL)
        scene->fetch.copy = make_copy(doubt, task_now_ns(task));
    struct body *body = body_create(UINT64_MAX, 0, false);
    struct object *object = protection_object(doubt->fields, body, task_now_ns(task));
    protection_write(task, body, doubt->content, doubt->piece == 0 ? SIZE_MAX : doubt->piece);
    if (doubt->ended)
        body_finish(body, ERROR_NONE);
    doubt->is_believed = protection_believes(&scene->fetch, object, doubt->ended);
    doubt->reason = scene->fetch.reason;
    doubt->disbelieved = atomic_load(&scene->ledger.counts[LEDGER_DISBELIEVED]);
    if (!doubt->ended)
        body_finish(body, ERROR_RESET);
    object_release(object);
    if (scene->fetch.copy != NULL)
        object_release(scene->fetch.copy);
    free(scene);
}

static struct doubt *ask(struct doubt *doubt)
{
    struct loop loop;
    virtual_init(&loop, 1);
    assert_int_equal(task_start(&loop, NULL, doubt_main, doubt), ERROR_NONE);
    virtual_run(&loop);
    loop_destroy(&loop);
    return doubt;
}

static bool is_believed(struct doubt doubt)
{
    return ask(&doubt)->is_believed;
}

static void test_half_of_the_copy_is_enough(void **state)
{
    (void)state;
    struct doubt doubt = {.copy = KEPT, .copy_size = 1000, .fields = "", .ended = true,
        .minimum_percent = 50, .content = slice_of(zeros, 500)};
    assert_true(is_believed(doubt));
    doubt.content.size = 499;
    assert_false(is_believed(doubt));
    doubt.content.size = 0;
    assert_false(is_believed(doubt));
    doubt.copy = NULL; // nothing to hold it against
    assert_true(is_believed(doubt));
}

static void test_a_length_that_is_told_counts_before_it_has_come(void **state)
{
    (void)state;
    struct doubt doubt = {.copy = KEPT, .copy_size = 1000, .fields = "Content-Length: 500\n",
        .minimum_percent = 50, .content = slice_of(zeros, 10)};
    assert_true(is_believed(doubt));
    doubt.fields = "Content-Length: 499\n";
    assert_false(is_believed(doubt));
    doubt.fields = "";
    assert_true(is_believed(doubt)); // of unknown length, and so much has come
}

static void test_sizes_in_different_codings_are_not_compared(void **state)
{
    (void)state;
    struct doubt doubt = {.copy = KEPT, .copy_size = 1000, .fields = CODED, .ended = true,
        .minimum_percent = 50, .content = slice_of(zeros, 10)};
    assert_true(is_believed(doubt));
    doubt.copy = KEPT CODED;
    assert_false(is_believed(doubt));
}

// Wherever the text lies, across the border between two chunks too, and however it came.
static void test_a_text_is_found_wherever_it_is(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 4096, 0};
    static char content[CHUNK_BORDER * 2];
    size_t size = strlen(ERROR_TEXT);
    for (size_t at = CHUNK_BORDER - size - 1; at <= CHUNK_BORDER + 1; at++) {
        memset(content, '.', sizeof(content));
        memcpy(content + at, ERROR_TEXT, size);
        struct doubt doubt = {.copy = KEPT, .fields = "", .has_texts = true,
            .piece = pieces[at % ARRAY_SIZE(pieces)],
            .content = slice_of(content, sizeof(content)), .ended = true};
        assert_false(is_believed(doubt));
        doubt.content.size = at + size;
        assert_false(is_believed(doubt));
        doubt.content.size--; // one byte of it is missing
        assert_true(is_believed(doubt));
    }
}

static void test_only_the_beginning_is_looked_at(void **state)
{
    (void)state;
    static char content[CONTENT_MOST];
    size_t size = strlen(ERROR_TEXT);
    memset(content, '.', sizeof(content));
    memcpy(content + 4096 - size, ERROR_TEXT, size);
    struct doubt doubt = {.copy = KEPT, .fields = "", .has_texts = true, .examined = 4096,
        .content = slice_of(content, sizeof(content)), .ended = true};
    assert_false(is_believed(doubt));
    doubt.examined = 4095;
    assert_true(is_believed(doubt));
}

static void test_coded_content_is_not_searched(void **state)
{
    (void)state;
    struct doubt doubt = {.copy = KEPT, .fields = CODED, .has_texts = true,
        .content = SLICE(ERROR_TEXT), .ended = true};
    assert_true(is_believed(doubt));
}

static void test_what_becomes_of_it_without_a_copy(void **state)
{
    (void)state;
    struct doubt doubt = {.fields = KEPT, .has_texts = true, .content = SLICE(ERROR_TEXT),
        .ended = true};
    ask(&doubt);
    assert_true(doubt.is_believed && doubt.reason == JUDGE_REASON_DISBELIEVED);
    assert_int_equal(doubt.disbelieved, 1);
    doubt.unheld = RULE_PROTECT_FAIL;
    assert_false(ask(&doubt)->is_believed);
    doubt.copy = "Cache-Control: max-age=0, must-revalidate\n"; // not to be sent
    assert_false(ask(&doubt)->is_believed);
    doubt.unheld = RULE_PROTECT_PASS;
    assert_true(ask(&doubt)->is_believed);
}

static void test_only_what_a_rule_doubts_is_examined(void **state)
{
    (void)state;
    struct loop loop;
    struct protection_scene scene;
    virtual_init(&loop, 1);
    protection_scene_open(&scene, &loop);
    struct object *object = protection_object("", body_from_bytes(SLICE("x")), loop.now_ns);
    assert_int_equal(protection_examines(&scene.fetch, object), 65536);
    scene.protect.examined = UINT64_MAX; // never more than may lie there unread
    assert_int_equal(protection_examines(&scene.fetch, object), PROTECTION_WINDOW);
    scene.site_settings.lifelines.of[LIFELINE_NEGATIVE_PROTECTION].enabled = false;
    assert_int_equal(protection_examines(&scene.fetch, object), 0);
    scene.site_settings.lifelines.of[LIFELINE_NEGATIVE_PROTECTION].enabled = true;
    scene.fetch.protect = NULL;
    assert_int_equal(protection_examines(&scene.fetch, object), 0);
    object_release(object);
    loop_destroy(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_of_the_copy_is_enough),
        cmocka_unit_test(test_a_length_that_is_told_counts_before_it_has_come),
        cmocka_unit_test(test_sizes_in_different_codings_are_not_compared),
        cmocka_unit_test(test_a_text_is_found_wherever_it_is),
        cmocka_unit_test(test_only_the_beginning_is_looked_at),
        cmocka_unit_test(test_coded_content_is_not_searched),
        cmocka_unit_test(test_what_becomes_of_it_without_a_copy),
        cmocka_unit_test(test_only_what_a_rule_doubts_is_examined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
