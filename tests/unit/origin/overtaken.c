// Attempts that go on although another one was quicker: what the comparison hears of them, and who
// may not go on.
#include "origin/overtaken.h"
#include "helpers.h"

#define ANSWERS 40
#define QUICK_MS 2      // is usual for the other one
#define DRAGS_MS 100000 // is usual: then nothing is slow for as long as a test takes

static const struct http1_limits limits = {65536, 16384, 256, 256, 8192};
static _Atomic unsigned released; // the answers of held_script

// Answers with that status once it may.
static void held_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    if (!server_read_head(server, descriptor))
        return;
    while (atomic_load(&released) == 0)
        usleep(1000);
    char answer[64];
    snprintf(answer, sizeof(answer), "HTTP/1.1 %u Word\r\nContent-Length: 0\r\n\r\n",
        atomic_load(&released));
    server_send(descriptor, answer);
    server_await_end(descriptor);
}

enum end { ANSWERED, BECOMES_SLOW, STOPPED };

struct scene {
    bool is_overtaken; // or only called off
    enum end end;
    unsigned status;   // what it would have been answered
    uint64_t usual_ms;
    bool has_failed;
    bool is_busy;             // half of what it may be asked at once, without this one
    uint64_t watched;         // already, of this backend
    const char *more;         // settings
    bool goes_on;             // expected, unless it was slow by then
    struct outlier_counts expected;
};

struct play {
    struct bench bench;
    const struct scene *scene;
    struct server *server;
    struct origin *origin;
    struct exchange_progress progress;
    struct task *asking;
};

static void ask_main(struct task *task, void *argument)
{
    struct play *play = argument;
    struct exchange_request request = {.method = HTTP_METHOD_GET, .method_text = SLICE("GET"),
        .target = SLICE("/"), .host = SLICE("example.org"), .progress = &play->progress,
        .has_failed = play->scene->has_failed};
    struct exchange *exchange;
    struct failure failure;
    uint64_t tried = 2; // the other one
    play->asking = task;
    enum error error =
        exchange_open(task, play->origin, &request, &limits, &tried, &exchange, &failure);
    assert_true(task_settle(task));
    assert_int_equal(error, ERROR_CANCELLED);
    assert_int_equal(failure.kind, FAILURE_CANCELLED);
}

static void rest(struct task *task)
{
    assert_int_equal(task_sleep_until(task, deadline_after_ms(task_loop(task), 1)), ERROR_NONE);
}

static void play_main(struct task *task, void *argument)
{
    struct play *play = argument;
    const struct scene *scene = play->scene;
    struct pool_loop *home = origins_pool(play->bench.origins, task_loop(task));
    struct backend *backend = play->origin->plan->backends[0];
    struct scope scope;
    scope_open(&scope);
    assert_int_equal(task_start(task_loop(task), &scope, ask_main, play), ERROR_NONE);
    while (atomic_load(&play->server->requests) == 0)
        rest(task);
    play->progress.overtaken = scene->is_overtaken;
    task_interrupt(play->asking);
    assert_int_equal(scope_join(task, &scope, NEVER_NS), ERROR_NONE);
    scope_close(task, &scope);
    if (scene->end != BECOMES_SLOW) // which it may have been already
        assert_int_equal(atomic_load(&home->overtaken_count), scene->goes_on);
    assert_int_equal(atomic_load(&backend->in_flight), 0);
    if (scene->end == ANSWERED)
        atomic_store(&released, scene->status);
    while (scene->end != STOPPED && atomic_load(&home->overtaken_count) > 0)
        rest(task);
    struct outlier_counts counts = outlier_count(&backend->outlier, task_now_ns(task));
    assert_int_equal(counts.answers, scene->expected.answers);
    assert_int_equal(counts.failed, scene->expected.failed);
    assert_int_equal(counts.slow, scene->expected.slow);
    if (scene->end != STOPPED)
        assert_int_equal(atomic_load(&backend->connections_open), 0);
    backend->seats[0].overtaken_count -= scene->watched;
}

static void run(const struct scene *scene)
{
    char yaml[512];
    struct play *play = calloc(1, sizeof(*play));
    assert_non_null(play);
    atomic_store(&released, 0);
    play->scene = scene;
    play->server = server_start(held_script);
    snprintf(yaml, sizeof(yaml), "origins:\n  main:\n    backends: [http://127.0.0.1:%u, "
        "http://127.0.0.1:1]\n%s", play->server->port, scene->more == NULL ? "" : scene->more);
    bench_open(&play->bench, yaml);
    play->origin = origin_find(play->bench.origins, SLICE("main"));
    struct backend *const *backends = play->origin->plan->backends;
    for (unsigned i = 0; i < ANSWERS && scene->usual_ms > 0; i++)
        histogram_add(&backends[1]->first_byte_us, scene->usual_ms * 1000);
    backends[0]->seats[0].overtaken_count += scene->watched;
    if (scene->is_busy)
        atomic_store(&backends[0]->limit.inside, atomic_load(&backends[0]->limit.at_once) / 2);
    bench_run(&play->bench, play_main, play);
    origin_release(play->origin);
    bench_close(&play->bench); // nothing is left
    atomic_store(&released, 200);
    server_stop(play->server);
    free(play);
}

static void test_what_it_comes_to_is_heard(void **state)
{
    (void)state;
    const struct scene slow = {.is_overtaken = true, .end = BECOMES_SLOW, .usual_ms = QUICK_MS,
        .goes_on = true, .expected = {.answers = 1, .slow = 1}};
    const struct scene fails = {.is_overtaken = true, .status = 503, .usual_ms = DRAGS_MS,
        .goes_on = true, .expected = {.answers = 1, .failed = 1}};
    const struct scene good = {.is_overtaken = true, .status = 200, .usual_ms = DRAGS_MS,
        .goes_on = true}; // a good head is no good answer yet
    run(&slow);
    run(&fails);
    run(&good);
}

static void test_stopping_calls_it_off(void **state)
{
    (void)state;
    const struct scene scene = {.is_overtaken = true, .end = STOPPED, .usual_ms = DRAGS_MS,
        .goes_on = true};
    run(&scene);
}

static void test_who_may_not_go_on(void **state)
{
    (void)state;
    const struct scene scenes[] = {
        {.usual_ms = DRAGS_MS},                             // the visitor went away
        {.is_overtaken = true},                             // nobody knows what is usual
        {.is_overtaken = true, .usual_ms = DRAGS_MS, .has_failed = true},
        {.is_overtaken = true, .usual_ms = DRAGS_MS, .watched = OVERTAKEN_MOST},
        {.is_overtaken = true, .usual_ms = DRAGS_MS, .is_busy = true},
        {.is_overtaken = true, .usual_ms = DRAGS_MS, .more = "    pool: {connections: 1}\n"},
        {.is_overtaken = true, .usual_ms = DRAGS_MS, .more = "    outliers: {slow: 0}\n"},
        {.is_overtaken = true, .usual_ms = DRAGS_MS, .more = "    outliers: {enabled: false}\n"},
        {.is_overtaken = true, .usual_ms = DRAGS_MS, .more = "    balance: hash\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
        struct scene scene = scenes[i];
        scene.status = 503;
        run(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_comes_to_is_heard),
        cmocka_unit_test(test_stopping_calls_it_off),
        cmocka_unit_test(test_who_may_not_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
