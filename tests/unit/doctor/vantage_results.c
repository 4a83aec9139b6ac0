// Results shared between tasks: one looks, the others get what he found, and no more look at once
// than may.
#include "doctor/vantage_results.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "io/epoll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define KEEP_MS 3600000

static struct vantage_results *results;
static struct arena arena;

static int begin(void **state)
{
    (void)state;
    results = vantage_results_create(2, KEEP_MS);
    arena_init(&arena, 4096, (size_t)1 << 20);
    return results == NULL ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    vantage_results_destroy(results);
    arena_free(&arena);
    return 0;
}

static void run(task_main *main)
{
    struct epoll_world *world = epoll_world_create(1);
    struct loop_limits limits = {.tasks = 16, .stack_size = 65536};
    assert_non_null(world);
    struct loop *loop = epoll_loop_create(world, &limits, 0, 1);
    assert_non_null(loop);
    assert_int_equal(task_start(loop, NULL, main, NULL), ERROR_NONE);
    loop_run(loop);
    epoll_loop_destroy(loop);
    epoll_world_destroy(world);
}

static enum vantage_turn take(struct task *task, const char *url, unsigned *place,
    struct vantage_result *result)
{
    return vantage_results_take(task, results, slice_from_string(url), UINT64_MAX, &arena, place,
        result);
}

static void finish(struct task *task, unsigned place, unsigned status)
{
    char *content = memory_alloc(5);
    invariant(content != NULL);
    memcpy(content, "found", 5);
    vantage_results_finish(results, place, (struct vantage_result){status, content, 5},
        task_now_ns(task));
}

static unsigned answered;

static void wait_for_look(struct task *task, void *argument)
{
    struct vantage_result result;
    unsigned place;
    (void)argument;
    invariant(take(task, "a", &place, &result) == VANTAGE_TURN_DONE);
    invariant(result.status == 200 && result.size == 5 && memcmp(result.content, "found", 5) == 0);
    answered++;
}

static void look_while_others_wait(struct task *task, void *argument)
{
    struct vantage_result result;
    struct scope scope;
    unsigned place;
    (void)argument;
    scope_open(&scope);
    invariant(take(task, "a", &place, &result) == VANTAGE_TURN_LOOK);
    for (int i = 0; i < 5; i++)
        invariant(task_start(task_loop(task), &scope, wait_for_look, NULL) == ERROR_NONE);
    invariant(task_yield(task) == ERROR_NONE);
    invariant(answered == 0);
    finish(task, place, 200);
    invariant(scope_join(task, &scope, UINT64_MAX) == ERROR_NONE);
    invariant(answered == 5);
    invariant(take(task, "a", &place, &result) == VANTAGE_TURN_DONE); // and afterwards
    scope_close(task, &scope);
    loop_stop(task_loop(task));
}

static void test_one_looks_for_all(void **state)
{
    (void)state;
    answered = 0;
    run(look_while_others_wait);
}

static void look_instead(struct task *task, void *argument)
{
    struct vantage_result result;
    unsigned place;
    (void)argument;
    invariant(take(task, "a", &place, &result) == VANTAGE_TURN_LOOK);
    finish(task, place, 200);
}

static void fail_while_another_waits(struct task *task, void *argument)
{
    struct vantage_result result;
    struct scope scope;
    unsigned place;
    (void)argument;
    scope_open(&scope);
    invariant(take(task, "a", &place, &result) == VANTAGE_TURN_LOOK);
    invariant(task_start(task_loop(task), &scope, look_instead, NULL) == ERROR_NONE);
    invariant(task_yield(task) == ERROR_NONE);
    vantage_results_finish(results, place, (struct vantage_result){0}, task_now_ns(task));
    invariant(scope_join(task, &scope, UINT64_MAX) == ERROR_NONE);
    scope_close(task, &scope);
    loop_stop(task_loop(task));
}

static void test_who_waited_for_nothing_looks_himself(void **state)
{
    (void)state;
    run(fail_while_another_waits);
}

static void fill(struct task *task, void *argument)
{
    struct vantage_result result;
    unsigned first, second, third;
    char url[16];
    (void)argument;
    invariant(take(task, "a", &first, &result) == VANTAGE_TURN_LOOK);
    invariant(take(task, "b", &second, &result) == VANTAGE_TURN_LOOK);
    invariant(take(task, "c", &third, &result) == VANTAGE_TURN_BUSY);
    // A deadline that is over: it is not waited for.
    invariant(vantage_results_take(task, results, SLICE("a"), 0, &arena, &third, &result)
        == VANTAGE_TURN_BUSY);
    finish(task, second, 403);
    invariant(take(task, "b", &third, &result) == VANTAGE_TURN_DONE && result.status == 403);
    // The table is full of others: the oldest that are over go, what is under way does not.
    for (int i = 0; i < 2 * VANTAGE_RESULTS_MAX; i++) {
        snprintf(url, sizeof(url), "%d", i);
        invariant(take(task, url, &third, &result) == VANTAGE_TURN_LOOK && third != first);
        finish(task, third, 200);
    }
    invariant(take(task, "b", &third, &result) == VANTAGE_TURN_LOOK);
    finish(task, third, 200);
    finish(task, first, 200);
    invariant(take(task, "a", &third, &result) == VANTAGE_TURN_DONE);
    loop_stop(task_loop(task));
}

static void test_everything_is_bounded(void **state)
{
    (void)state;
    run(fill);
}

static void look_again(struct task *task, void *argument)
{
    struct vantage_result result;
    unsigned place;
    (void)argument;
    invariant(take(task, "a", &place, &result) == VANTAGE_TURN_LOOK);
    vantage_results_finish(results, place, (struct vantage_result){.status = 200},
        task_now_ns(task) - (uint64_t)KEEP_MS * NS_PER_MS);
    invariant(take(task, "a", &place, &result) == VANTAGE_TURN_LOOK);
    finish(task, place, 200);
    loop_stop(task_loop(task));
}

static void test_what_is_old_is_looked_at_again(void **state)
{
    (void)state;
    run(look_again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_looks_for_all, begin, end),
        cmocka_unit_test_setup_teardown(test_who_waited_for_nothing_looks_himself, begin, end),
        cmocka_unit_test_setup_teardown(test_everything_is_bounded, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_old_is_looked_at_again, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
