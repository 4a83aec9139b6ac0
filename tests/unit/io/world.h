// A real epoll world with one loop for tests; the test's body runs as a task in it.
#pragma once

#include "failing.h"
#include "io/epoll.h"
#include "io/inside.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct stage {
    struct epoll_world *world;
    struct loop *loop;
    void (*body)(struct task *task, struct stage *stage);
};

static inline void stage_main(struct task *task, void *argument)
{
    struct stage *stage = argument;
    stage->body(task, stage);
    loop_stop(task_loop(task));
}

static inline void in_world(unsigned helper_threads, const struct address *resolver,
    void (*body)(struct task *task, struct stage *stage))
{
    struct loop_limits limits = {.tasks = 1000, .stack_size = 128 * 1024};
    struct stage stage = {.world = epoll_world_create(helper_threads), .body = body};
    assert_non_null(stage.world);
    if (resolver != NULL)
        assert_int_equal(epoll_world_set_resolvers(stage.world, resolver, 1), ERROR_NONE);
    stage.loop = epoll_loop_create(stage.world, &limits, 0, 1);
    assert_non_null(stage.loop);
    assert_int_equal(task_start(stage.loop, NULL, stage_main, &stage), ERROR_NONE);
    loop_run(stage.loop);
    assert_int_equal(stage.loop->tasks_alive, 0);
    epoll_loop_destroy(stage.loop);
    epoll_world_destroy(stage.world);
}

// Long enough that only a hang meets it.
static inline uint64_t patience_ns(struct task *task)
{
    return deadline_after_ms(task_loop(task), 60000);
}

static inline void pause_ms(struct task *task, uint64_t ms)
{
    assert_int_equal(task_sleep_until(task, deadline_after_ms(task_loop(task), ms)), ERROR_NONE);
}

static inline struct address loopback(uint16_t port)
{
    struct address address;
    assert_int_equal(address_parse_host(SLICE("127.0.0.1"), port, &address), ERROR_NONE);
    return address;
}
