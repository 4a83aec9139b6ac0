// The line before a loop's tasks: order, deadlines, and that nobody is overtaken.
#include "edge/line.h"
#include "../io/virtual.h"

#include <string.h>

#define TASKS 64
#define FOR_VISITORS (TASKS - TASKS / LINE_FETCHES_SHARE)

struct hall {
    struct loop loop;
    struct line line;
    char told[64]; // who began (lower case) and who gave up (upper case), in order
};

struct visitor {
    struct hall *hall;
    struct line_place place;
    uint64_t works_ms, began_ns;
    char name;
};

static void tell(struct hall *hall, char what)
{
    size_t size = strlen(hall->told);
    assert_true(size + 1 < sizeof(hall->told));
    hall->told[size] = what;
    hall->told[size + 1] = '\0';
}

static void work(struct task *task, void *argument)
{
    const uint64_t *works_ms = argument;
    assert_int_equal(task_sleep_until(task, task_now_ns(task) + *works_ms * NS_PER_MS),
        ERROR_NONE);
}

static void on_begin(struct line_place *place)
{
    struct visitor *visitor = CONTAINER_OF(place, struct visitor, place);
    tell(visitor->hall, visitor->name);
    visitor->began_ns = visitor->hall->loop.now_ns;
    assert_false(line_place_waits(place));
    assert_int_equal(task_start(&visitor->hall->loop, NULL, work, &visitor->works_ms), ERROR_NONE);
}

static void on_give_up(struct line_place *place)
{
    struct visitor *visitor = CONTAINER_OF(place, struct visitor, place);
    tell(visitor->hall, (char)(visitor->name - 'a' + 'A'));
}

static const struct line_operations operations = {.begin = on_begin, .give_up = on_give_up};

static void open_hall(struct hall *hall)
{
    memset(hall, 0, sizeof(*hall));
    virtual_init(&hall->loop, TASKS);
    line_init(&hall->line, &hall->loop);
}

static void close_hall(struct hall *hall)
{
    virtual_run(&hall->loop);
    assert_null(hall->loop.on_task_end);
    assert_false(timer_is_armed(&hall->line.timer));
    loop_destroy(&hall->loop);
}

// So many tasks that end one after the other, the first after works_ms[0].
static void fill(struct hall *hall, uint64_t *works_ms, size_t count, uint64_t first, uint64_t step)
{
    for (size_t i = 0; i < count; i++) {
        works_ms[i] = first + i * step;
        assert_int_equal(task_start(&hall->loop, NULL, work, &works_ms[i]), ERROR_NONE);
    }
}

static struct visitor visitor_called(struct hall *hall, char name, uint64_t works_ms)
{
    struct visitor visitor = {.hall = hall, .name = name, .works_ms = works_ms};
    line_place_init(&visitor.place);
    return visitor;
}

static void join_class(struct visitor *visitor, enum line_class class, uint64_t wait_ms)
{
    line_place_init(&visitor->place);
    line_join(&visitor->hall->line, class, &visitor->place, &operations,
        visitor->hall->loop.now_ns + wait_ms * NS_PER_MS);
}

static void join(struct visitor *visitor, uint64_t wait_ms)
{
    join_class(visitor, LINE_COMING, wait_ms);
}

static void test_the_first_to_come_begins_first(void **state)
{
    (void)state;
    struct hall hall;
    uint64_t works_ms[FOR_VISITORS];
    open_hall(&hall);
    assert_true(line_admits(&hall.line));
    fill(&hall, works_ms, FOR_VISITORS, 10, 10);
    assert_false(line_admits(&hall.line));
    struct visitor a = visitor_called(&hall, 'a', 5), b = visitor_called(&hall, 'b', 5),
        c = visitor_called(&hall, 'c', 5);
    join(&a, 60000);
    join(&b, 60000);
    join(&c, 60000);
    close_hall(&hall);
    assert_string_equal(hall.told, "abc");
}

static void test_a_free_task_is_for_who_waits(void **state)
{
    (void)state;
    struct hall hall;
    uint64_t works_ms[FOR_VISITORS];
    open_hall(&hall);
    fill(&hall, works_ms, FOR_VISITORS - 1, 1000, 0);
    struct visitor a = visitor_called(&hall, 'a', 5);
    assert_true(line_admits(&hall.line));
    join(&a, 60000);
    assert_false(line_admits(&hall.line)); // though there is room
    line_leave(&hall.line, &a.place);
    line_leave(&hall.line, &a.place);
    assert_true(line_admits(&hall.line));
    close_hall(&hall);
    assert_string_equal(hall.told, "");
}

static void test_who_waited_for_too_long_is_told(void **state)
{
    (void)state;
    struct hall hall;
    uint64_t works_ms[FOR_VISITORS];
    open_hall(&hall);
    fill(&hall, works_ms, FOR_VISITORS, 1000, 0);
    struct visitor a = visitor_called(&hall, 'a', 5), b = visitor_called(&hall, 'b', 5),
        c = visitor_called(&hall, 'c', 5);
    join(&a, 100);
    join(&b, 200);
    join(&c, 5000);
    close_hall(&hall);
    assert_string_equal(hall.told, "ABc");
}

static void test_a_place_between_two_may_be_left(void **state)
{
    (void)state;
    struct hall hall;
    uint64_t works_ms[FOR_VISITORS];
    open_hall(&hall);
    fill(&hall, works_ms, FOR_VISITORS, 100, 100);
    struct visitor a = visitor_called(&hall, 'a', 5), b = visitor_called(&hall, 'b', 5),
        c = visitor_called(&hall, 'c', 5);
    join(&a, 60000);
    join(&b, 60000);
    join(&c, 60000);
    line_leave(&hall.line, &b.place);
    assert_true(line_place_waits(&c.place));
    close_hall(&hall);
    assert_string_equal(hall.told, "ac");
}

static void test_who_had_his_turn_is_next(void **state)
{
    (void)state;
    struct hall hall;
    uint64_t works_ms[FOR_VISITORS];
    open_hall(&hall);
    fill(&hall, works_ms, FOR_VISITORS, 100, 100);
    struct visitor a = visitor_called(&hall, 'a', 5), b = visitor_called(&hall, 'b', 5),
        c = visitor_called(&hall, 'c', 5), d = visitor_called(&hall, 'd', 5);
    join(&a, 60000);
    join(&b, 60000);
    line_return(&hall.line, &c.place, &operations, hall.loop.now_ns + 60000 * NS_PER_MS);
    line_return(&hall.line, &d.place, &operations, hall.loop.now_ns + 50 * NS_PER_MS);
    close_hall(&hall);
    assert_string_equal(hall.told, "Dcab"); // but not for longer
}

struct latecomer {
    struct visitor visitor;
    struct visitor *instead; // leaves the line; NULL: nobody, and he joins it
    uint64_t comes_ms;
};

static void come_late(struct task *task, void *argument)
{
    struct latecomer *latecomer = argument;
    assert_int_equal(
        task_sleep_until(task, task_now_ns(task) + latecomer->comes_ms * NS_PER_MS), ERROR_NONE);
    if (latecomer->instead != NULL)
        line_leave(&latecomer->visitor.hall->line, &latecomer->instead->place);
    else
        join(&latecomer->visitor, 5000);
    assert_int_equal(task_sleep_until(task, task_now_ns(task) + 1000 * NS_PER_MS), ERROR_NONE);
}

// That a task has ended is not forgotten when somebody comes, or leaves, before the line looks.
static void test_who_comes_or_leaves_hides_no_free_task(void **state)
{
    (void)state;
    for (unsigned leaves = 0; leaves < 2; leaves++) {
        struct hall hall;
        uint64_t works_ms[TASKS - 1];
        open_hall(&hall);
        fill(&hall, works_ms, 1, 100, 0); // it ends right before
        struct visitor a = visitor_called(&hall, 'a', 5), b = visitor_called(&hall, 'b', 5);
        struct latecomer latecomer = {.visitor = visitor_called(&hall, 'c', 5),
            .instead = leaves == 1 ? &b : NULL, .comes_ms = 100};
        assert_int_equal(task_start(&hall.loop, NULL, come_late, &latecomer), ERROR_NONE);
        fill(&hall, works_ms + 1, TASKS - 2, 1000, 0);
        join_class(&a, LINE_ANSWERED, 5000);
        if (leaves == 1)
            join(&b, 5000);
        uint64_t free_ns = hall.loop.now_ns + 100 * NS_PER_MS;
        close_hall(&hall);
        assert_string_equal(hall.told, leaves == 1 ? "a" : "ac");
        assert_int_equal(a.began_ns, free_ns);
    }
}

// An eighth is for fetches, and the last ones not even for them.
static void test_fetches_have_more_and_not_all(void **state)
{
    (void)state;
    struct hall hall;
    uint64_t works_ms[TASKS];
    open_hall(&hall);
    fill(&hall, works_ms, FOR_VISITORS, 1000, 0);
    assert_false(line_admits(&hall.line));
    assert_true(line_admits_fetch(&hall.loop));
    fill(&hall, works_ms, TASKS - TASKS / LINE_LAST_SHARE - FOR_VISITORS, 1000, 0);
    assert_false(line_admits_fetch(&hall.loop));
    uint64_t last_ms = 5;
    assert_int_equal(task_start(&hall.loop, NULL, work, &last_ms), ERROR_NONE);
    close_hall(&hall);
}

// Whose answer has begun does not wait behind those who come.
static void test_who_is_answered_goes_first(void **state)
{
    (void)state;
    struct hall hall;
    uint64_t works_ms[TASKS];
    open_hall(&hall);
    fill(&hall, works_ms, TASKS, 100, 100);
    struct visitor a = visitor_called(&hall, 'a', 5), b = visitor_called(&hall, 'b', 5),
        c = visitor_called(&hall, 'c', 5);
    join(&a, 60000);
    join_class(&b, LINE_ANSWERED, 60000);
    join_class(&c, LINE_ANSWERED, 60000);
    close_hall(&hall);
    assert_string_equal(hall.told, "bca");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_to_come_begins_first),
        cmocka_unit_test(test_a_free_task_is_for_who_waits),
        cmocka_unit_test(test_who_waited_for_too_long_is_told),
        cmocka_unit_test(test_a_place_between_two_may_be_left),
        cmocka_unit_test(test_who_is_answered_goes_first),
        cmocka_unit_test(test_who_had_his_turn_is_next),
        cmocka_unit_test(test_fetches_have_more_and_not_all),
        cmocka_unit_test(test_who_comes_or_leaves_hides_no_free_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
