// The loop: mail, running and stopping, the settings rows.
#include "io/epoll.h"
#include "virtual.h"

struct desk { // what a loop's letters are checked against
    struct loop *loop;
    unsigned next[4];
    unsigned received, expected, disorders;
};

struct letter {
    struct message message;
    struct desk *desk;
    unsigned sender, number;
};

static void letter_delivered(struct loop *loop, struct message *message)
{
    struct letter *letter = CONTAINER_OF(message, struct letter, message);
    struct desk *desk = letter->desk;
    if (loop != desk->loop || letter->number != desk->next[letter->sender])
        desk->disorders++;
    desk->next[letter->sender] = letter->number + 1;
    free(letter); // it is ours once delivered
    if (++desk->received == desk->expected)
        loop_stop(loop);
}

static void post_letters(struct desk *desk, unsigned sender, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct letter *letter = malloc(sizeof(*letter));
        *letter = (struct letter){
            .message.deliver = letter_delivered, .desk = desk, .sender = sender, .number = i};
        loop_post(desk->loop, &letter->message);
    }
}

static void test_mail_is_delivered_in_the_order_posted(void **state)
{
    (void)state;
    struct loop loop;
    struct desk desk = {.loop = &loop, .expected = 1000};
    virtual_init(&loop, 64);
    post_letters(&desk, 0, 1000);
    assert_int_equal(desk.received, 0);
    loop_run(&loop);
    assert_int_equal(desk.received, 1000);
    assert_int_equal(desk.disorders, 0);
    loop_destroy(&loop);
}

#define SENDERS 4
#define LETTERS 20000

static void *sender_main(void *argument)
{
    struct letter *from = argument;
    post_letters(from->desk, from->sender, LETTERS);
    return NULL;
}

static void test_mail_from_many_threads_wakes_the_loop_and_keeps_each_order(void **state)
{
    (void)state;
    struct loop_limits limits = {.tasks = 64, .stack_size = 64 * 1024};
    struct epoll_world *world = epoll_world_create(0);
    struct desk desk = {.expected = SENDERS * LETTERS};
    struct letter from[SENDERS];
    pthread_t threads[SENDERS];
    desk.loop = epoll_loop_create(world, &limits, 0, 1);
    assert_non_null(desk.loop);
    for (unsigned i = 0; i < SENDERS; i++) {
        from[i] = (struct letter){.desk = &desk, .sender = i};
        assert_int_equal(pthread_create(&threads[i], NULL, sender_main, &from[i]), 0);
    }
    loop_run(desk.loop); // a lost ring would never return
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(desk.received, SENDERS * LETTERS);
    assert_int_equal(desk.disorders, 0);
    epoll_loop_destroy(desk.loop);
    epoll_world_destroy(world);
}

static void posts_to_its_own_loop(struct task *task, void *argument)
{
    struct desk *desk = argument;
    post_letters(desk, 0, 3);
    assert_int_equal(desk->received, 0); // not while the task runs
    assert_int_equal(task_yield(task), ERROR_NONE);
    assert_int_equal(desk->received, 3);
}

static void test_mail_to_oneself_comes_with_the_next_round(void **state)
{
    (void)state;
    struct loop loop;
    struct desk desk = {.loop = &loop, .expected = 3};
    virtual_init(&loop, 64);
    assert_int_equal(task_start(&loop, NULL, posts_to_its_own_loop, &desk), ERROR_NONE);
    loop_run(&loop);
    assert_int_equal(desk.received, 3);
    loop_destroy(&loop);
}

static void *stopper_main(void *argument)
{
    loop_stop(argument);
    return NULL;
}

static void test_a_sleeping_loop_stops_when_told_by_another_thread(void **state)
{
    (void)state;
    struct loop_limits limits = {.tasks = 64, .stack_size = 64 * 1024};
    struct epoll_world *world = epoll_world_create(0);
    struct loop *loop = epoll_loop_create(world, &limits, 0, 1);
    assert_non_null(loop);
    for (int i = 0; i < 200; i++) { // before, while and after it falls asleep
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, stopper_main, loop), 0);
        loop_run(loop);
        pthread_join(thread, NULL);
    }
    epoll_loop_destroy(loop);
    epoll_world_destroy(world);
}

static void test_creating_a_world_and_a_loop_survives_failing_allocations(void **state)
{
    (void)state;
    struct loop_limits limits = {.tasks = 64, .stack_size = 64 * 1024};
    fail_next_allocation();
    assert_null(epoll_world_create(0));
    memory_fail_after(0);
    struct epoll_world *world = epoll_world_create(0);
    assert_non_null(world);
    fail_next_allocation();
    assert_null(epoll_loop_create(world, &limits, 0, 1));
    memory_fail_after(0);
    epoll_world_destroy(world);
    assert_null(epoll_world_create(1000)); // threads have a limit
}

static void test_settings_rows_describe_the_limits(void **state)
{
    (void)state;
    assert_int_equal(loop_settings.size, sizeof(struct loop_limits));
    for (size_t i = 0; i < loop_settings.count; i++) {
        const struct setting *row = &loop_settings.rows[i];
        assert_non_null(row->summary);
        assert_non_null(row->touch);
        assert_true(row->offset + sizeof(uint64_t) <= loop_settings.size);
        assert_true(row->minimum > 0 && row->minimum < row->maximum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_is_delivered_in_the_order_posted),
        cmocka_unit_test(test_mail_from_many_threads_wakes_the_loop_and_keeps_each_order),
        cmocka_unit_test(test_mail_to_oneself_comes_with_the_next_round),
        cmocka_unit_test(test_a_sleeping_loop_stops_when_told_by_another_thread),
        cmocka_unit_test(test_creating_a_world_and_a_loop_survives_failing_allocations),
        cmocka_unit_test(test_settings_rows_describe_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
