// A check that takes no steps itself: what a step may ask of it, for tests of one step alone.
#pragma once

#include "base/clock.h"
#include "doctor/check.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct check {
    struct check_options options;
    struct arena arena;
    uint64_t deadline_ms;
    int stop[2]; // closing [1] is the end of the check
    atomic_bool is_over;
};

static inline void fixture_begin(struct check *check, uint64_t ms)
{
    *check = (struct check){.stop = {-1, -1}};
    arena_init(&check->arena, 4096, CHECK_STEP_MEMORY);
    assert_int_equal(pipe(check->stop), 0);
    check->deadline_ms = clock_now_ms() + ms;
}

// An empty file of the test's own, which removes it; its path is in ret_path.
static inline void fixture_file(char *ret_path, size_t size)
{
    snprintf(ret_path, size, "/tmp/afloat-unit-XXXXXX");
    int descriptor = mkstemp(ret_path);
    assert_true(descriptor >= 0);
    close(descriptor);
}

static inline void fixture_end(struct check *check)
{
    arena_free(&check->arena);
    close(check->stop[0]);
    if (check->stop[1] >= 0)
        close(check->stop[1]);
}

const struct check_options *check_options_of(const struct check *check)
{
    return &check->options;
}

struct arena *check_arena(struct check *check, enum step step)
{
    (void)step;
    return &check->arena;
}

uint64_t check_deadline(const struct check *check, enum step step)
{
    (void)step;
    return check->is_over ? 0 : check->deadline_ms;
}

int check_stop_descriptor(const struct check *check)
{
    return check->stop[0];
}

bool check_is_over(const struct check *check)
{
    return check->is_over;
}
