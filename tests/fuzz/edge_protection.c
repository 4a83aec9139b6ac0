// Any content, in any pieces, held against a copy of any size: what protect says of it is what
// can be seen of the whole content at once.
#include "../unit/edge/protection.h"
#include "base/invariant.h"

#include <stdlib.h>

#define TEXT_MOST 16
#define COPY_MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void turn(struct loop *loop, uint64_t due_ns)
{
    if (due_ns != NEVER_NS)
        loop->now_ns = MAXIMUM(loop->now_ns, due_ns);
}

static void interrupt(struct loop *loop)
{
    (void)loop;
}

static const struct io_operations operations = {.turn = turn, .interrupt = interrupt};

struct question {
    size_t piece, times, text_size, copy_size;
    bool has_copy, copy_is_coded, is_coded, ended;
    uint64_t examined, minimum_percent;
    struct slice seed; // of the content, which is so many times this
};

static char copy_bytes[COPY_MOST];

static bool is_to_be_believed(const struct question *question, struct slice content,
    struct slice text)
{
    uint64_t looked_at = MINIMUM(question->examined, PROTECTION_WINDOW);
    bool is_short = question->has_copy && question->is_coded == question->copy_is_coded
        && question->ended
        && content.size < question->copy_size / 100 * question->minimum_percent
            + question->copy_size % 100 * question->minimum_percent / 100;
    bool is_forbidden = !question->is_coded && memmem(content.data,
        (size_t)MINIMUM(content.size, looked_at), text.data, text.size) != NULL;
    return !is_short && !is_forbidden;
}

static struct object *make_copy(const struct question *question, uint64_t now_ns)
{
    char fields[128];
    struct body *body = body_from_bytes(slice_of(copy_bytes, question->copy_size));
    invariant(body != NULL);
    snprintf(fields, sizeof(fields), "Cache-Control: max-age=60\nContent-Length: %zu\n%s",
        question->copy_size, question->copy_is_coded ? "Content-Encoding: br\n" : "");
    return protection_object(fields, body, now_ns);
}

static void play(struct task *task, void *argument)
{
    const struct question *question = argument;
    struct protection_scene *scene = malloc(sizeof(*scene));
    invariant(scene != NULL);
    struct slice seed = question->seed, text = slice_of(seed.data, question->text_size);
    protection_scene_open(scene, task_loop(task));
    scene->protect = (struct rule_protect_settings){.examined = question->examined,
        .minimum_percent = question->minimum_percent, .unheld = RULE_PROTECT_FAIL,
        .forbidden = {&text, 1}};
    if (question->has_copy)
        scene->fetch.copy = make_copy(question, task_now_ns(task));
    // Without the text, unless it is there across a seam by itself.
    struct slice rest = slice_of(seed.data + text.size, seed.size - text.size);
    size_t whole_size = rest.size * question->times;
    char *whole = malloc(whole_size + 1);
    invariant(whole != NULL);
    for (size_t i = 0; i < question->times && rest.size > 0; i++)
        memcpy(whole + i * rest.size, rest.data, rest.size);
    struct body *body = body_create(UINT64_MAX, 0, false);
    invariant(body != NULL);
    struct object *object = protection_object(question->is_coded ? "Content-Encoding: br\n" : "",
        body, task_now_ns(task));
    protection_write(task, body, slice_of(whole, whole_size), question->piece);
    if (question->ended)
        body_finish(body, ERROR_NONE);
    invariant(protection_believes(&scene->fetch, object, question->ended)
        == is_to_be_believed(question, slice_of(whole, whole_size), text));
    if (!question->ended)
        body_finish(body, ERROR_RESET);
    free(whole);
    object_release(object);
    if (scene->fetch.copy != NULL)
        object_release(scene->fetch.copy);
    free(scene);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8)
        return 0;
    struct question question = {.has_copy = data[0] & 1, .copy_is_coded = data[0] & 2,
        .is_coded = data[0] & 4, .ended = data[0] & 8, .piece = 1 + data[1] * data[1],
        .examined = 1024 + UINT64_C(300) * data[2], .minimum_percent = data[3] % 101,
        .copy_size = (size_t)data[4] * COPY_MOST / 256, .times = 1 + data[5],
        .seed = slice_of((const char *)data + 7, size - 7)};
    question.text_size = 1 + data[6] % MINIMUM(TEXT_MOST, question.seed.size);
    struct loop loop;
    struct loop_limits limits = {.tasks = 1, .stack_size = 128 * 1024};
    loop_init(&loop, &operations, &limits, 0, 1, 1);
    loop.now_ns = 5000 * NS_PER_SECOND;
    invariant(task_start(&loop, NULL, play, &question) == ERROR_NONE);
    while (loop_step(&loop))
        ;
    loop_destroy(&loop);
    return 0;
}
