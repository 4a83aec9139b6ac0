// Drives the steps: starts each as soon as those are over whose facts it reads, gathers what it
// found, and asks the judge. Every step works on a copy of what was known when it began, and only
// the members that are its own are taken over: so nobody sees what is half written, and no step
// needs a lock.
#include "doctor/check.h"
#include "base/clock.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CHUNK_SIZE ((size_t)16 << 10)

struct row {
    void (*take)(struct check *check, struct facts *facts);
    uint64_t most_ms;
    uint32_t after; // bits of enum step
    bool is_remote;
};

static const struct row rows[STEP_COUNT] = {
#define X(name, function, doing, most_ms, after, is_remote)                                        \
    {step_##function, most_ms, after, is_remote},
    STEP_MAP(X)
#undef X
};

enum state { STATE_WAITS, STATE_RUNS, STATE_OVER };

struct work {
    struct check *check;
    enum step step;
    enum state state;       // the driver's
    atomic_bool has_ended;  // the step's, read by the driver
    uint64_t began_ms, deadline_ms;
    pthread_t thread;
    struct arena arena;
    struct facts facts;     // the step's, until it has ended
};

struct check {
    const struct check_options *options;
    const struct check_watcher *watcher;
    uint64_t began_ms;
    atomic_bool is_over;
    int stop, ended; // eventfds: nothing more is wanted; a step has ended
    struct arena arena; // of the diagnosis
    struct check_result result;
    struct work works[STEP_COUNT];
};

// --- What steps ask for ---

const struct check_options *check_options_of(const struct check *check)
{
    return check->options;
}

struct arena *check_arena(struct check *check, enum step step)
{
    return &check->works[step].arena;
}

uint64_t check_deadline(const struct check *check, enum step step)
{
    return check_is_over(check) ? 0 : check->works[step].deadline_ms;
}

int check_stop_descriptor(const struct check *check)
{
    return check->stop;
}

bool check_is_over(const struct check *check)
{
    return atomic_load(&check->is_over);
}

// --- The driver ---

// Takes over what is the step's own.
static void gather(struct facts *known, const struct facts *found, enum step step)
{
    switch (step) {
    case STEP_LINK:
        known->link = found->link;
        return;
    case STEP_ENVIRONMENT:
        known->environment = found->environment;
        return;
    case STEP_GATEWAY:
        known->gateway = found->gateway;
        return;
    case STEP_PORTAL:
        known->portal = found->portal;
        return;
    case STEP_VANTAGES:
        memcpy(known->vantages, found->vantages, sizeof(known->vantages));
        known->vantage_count = found->vantage_count;
        return;
    case STEP_NAMES:
        memcpy(known->names, found->names, sizeof(known->names));
        memcpy(known->attempts, found->attempts, sizeof(known->attempts));
        known->attempt_count = found->attempt_count;
        return;
    case STEP_CONTROL:
        known->control = found->control;
        return;
    case STEP_CLOCK:
        known->clock = found->clock;
        return;
    case STEP_REACH:
        memcpy(known->attempts, found->attempts, sizeof(known->attempts));
        return;
    case STEP_ASK:
        known->answers[PROFILE_USUAL] = found->answers[PROFILE_USUAL];
        return;
    case STEP_AGAIN:
        for (unsigned i = PROFILE_USUAL + 1; i < PROFILE_COUNT; i++)
            known->answers[i] = found->answers[i];
        return;
    case STEP_PAGE:
        known->page = found->page;
        return;
    case STEP_COUNT:
        break;
    }
    invariant(false);
}

static void tell(int descriptor)
{
    uint64_t one = 1;
    ssize_t ignored = write(descriptor, &one, sizeof(one)); // full: it is readable already
    (void)ignored;
}

static void *work_main(void *argument)
{
    struct work *work = argument;
    rows[work->step].take(work->check, &work->facts);
    atomic_store(&work->has_ended, true);
    tell(work->check->ended);
    return NULL;
}

static void over(struct check *check, struct work *work)
{
    work->state = STATE_OVER;
    check->result.taken |= UINT32_C(1) << work->step;
}

static void begin(struct check *check, struct work *work)
{
    const struct row *row = &rows[work->step];
    uint64_t now = clock_now_ms(), end = check->began_ms + check->options->timeout_ms;
    work->began_ms = now;
    work->deadline_ms = MINIMUM(now + row->most_ms, end);
    work->facts = check->result.facts;
    // Without a thread for it, it is over with nothing found.
    if (thread_start(&work->thread, "check", work_main, work) == ERROR_NONE)
        work->state = STATE_RUNS;
    else
        over(check, work);
}

static void begin_those_ready(struct check *check)
{
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        struct work *work = &check->works[i];
        if (work->state == STATE_WAITS && (rows[i].after & ~check->result.taken) == 0)
            begin(check, work);
    }
}

static bool gather_those_ended(struct check *check)
{
    bool any = false;
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        struct work *work = &check->works[i];
        if (work->state != STATE_RUNS || !atomic_load(&work->has_ended))
            continue;
        pthread_join(work->thread, NULL);
        gather(&check->result.facts, &work->facts, work->step);
        over(check, work);
        any = true;
        if (check->watcher != NULL)
            check->watcher->ended(check->watcher->context, work->step,
                clock_now_ms() - work->began_ms, &check->result.facts);
    }
    return any;
}

static bool any_runs(const struct check *check)
{
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        if (check->works[i].state == STATE_RUNS)
            return true;
    }
    return false;
}

static void wait_for_steps(const struct check *check, uint64_t until_ms)
{
    uint64_t now = clock_now_ms(), count;
    struct pollfd ended = {.fd = check->ended, .events = POLLIN};
    if (poll(&ended, 1, now < until_ms ? (int)(until_ms - now) : 0) > 0) {
        ssize_t ignored = read(check->ended, &count, sizeof(count));
        (void)ignored;
    }
}

// All that still run see it and end; what they found meanwhile is of no interest any more, but for
// the last judgement.
static void stop(struct check *check)
{
    atomic_store(&check->is_over, true);
    tell(check->stop);
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        struct work *work = &check->works[i];
        if (work->state != STATE_RUNS)
            continue;
        pthread_join(work->thread, NULL);
        work->state = STATE_OVER;
        gather(&check->result.facts, &work->facts, work->step);
    }
}

static void drive(struct check *check)
{
    struct check_result *result = &check->result;
    uint64_t end = check->began_ms + check->options->timeout_ms;
    bool is_judged = false;
    begin_those_ready(check);
    while (!is_judged && any_runs(check) && clock_now_ms() < end) {
        wait_for_steps(check, end);
        if (!gather_those_ended(check))
            continue;
        is_judged = judge(&result->facts, result->taken, &check->arena, &result->diagnosis);
        if (!is_judged)
            begin_those_ready(check);
    }
    stop(check);
    if (!is_judged)
        judge_at_last(&result->facts, &check->arena, &result->diagnosis);
    result->ms = clock_now_ms() - check->began_ms;
}

static struct check *create(const struct check_options *options, const struct target *target,
    const struct check_watcher *watcher)
{
    struct check *check = memory_zero_alloc(sizeof(*check));
    if (check == NULL)
        return NULL;
    check->options = options;
    check->watcher = watcher;
    check->began_ms = clock_now_ms();
    check->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    check->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    check->result.facts.target = *target;
    check->result.facts.at_ms = clock_wall_ms();
    arena_init(&check->arena, CHUNK_SIZE, CHECK_STEP_MEMORY);
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        struct work *work = &check->works[i];
        work->check = check;
        work->step = (enum step)i;
        arena_init(&work->arena, CHUNK_SIZE, CHECK_STEP_MEMORY);
        bool is_wanted = options->steps == 0 || (options->steps >> i & 1) != 0;
        if (!is_wanted || (options->is_remote && !rows[i].is_remote))
            over(check, work);
    }
    return check;
}

enum error check_run(const struct check_options *options, const struct target *target,
    const struct check_watcher *watcher, struct check **ret_check,
    const struct check_result **ret_result)
{
    struct check *check = create(options, target, watcher);
    if (check == NULL)
        return ERROR_MEMORY;
    if (check->stop < 0 || check->ended < 0) {
        enum error error = error_from_errno(errno);
        check_free(check);
        return error;
    }
    drive(check);
    *ret_check = check;
    *ret_result = &check->result;
    return ERROR_NONE;
}

void check_free(struct check *check)
{
    if (check == NULL)
        return;
    if (check->stop >= 0)
        close(check->stop);
    if (check->ended >= 0)
        close(check->ended);
    for (unsigned i = 0; i < STEP_COUNT; i++)
        arena_free(&check->works[i].arena);
    arena_free(&check->arena);
    memory_free(check);
}
