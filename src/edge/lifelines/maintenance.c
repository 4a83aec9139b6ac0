// maintenance: while the operator has declared it, or the origin itself says so, copies go out and
// the origin is left alone. Declared: until it is taken back. Learned (every answer over some time
// was a 503 with Retry-After, see origin/absence.h): the origin's gate is shut for as long as it
// asked for, but not longer than `longest`; then one request goes in to try, and the others follow
// at the pace that it keeps up with (origin/gate.h). Writes are refused only while it is declared:
// else the backend says itself what becomes of them, see request_passes_gate.
#include "edge/fetch.h"
#include "edge/lifeline.h"
#include "edge/request.h"

enum { AFTER_MS, LONGEST_MS };

static enum lifeline_outcome maintenance_failure(struct task *task, struct request *request)
{
    (void)task;
    bool is_declared =
        atomic_load_explicit(&request->thread->edge->in_maintenance, memory_order_relaxed);
    bool is_learned = request->kept_out && request->failure.declined;
    if (!(is_declared || is_learned) || !request_copy_may_go_stale(request))
        return LIFELINE_PASS;
    return request_answer_stale(request);
}

// Of background fetches, too, so that it is learned however the site is visited.
static enum lifeline_outcome maintenance_attempt(struct task *task, struct fetch *fetch)
{
    const struct lifeline_setting *setting =
        &fetch_site(fetch)->lifelines.of[LIFELINE_MAINTENANCE];
    const struct failure *failure = &fetch->failure;
    if (!failure->declined || failure->status != 503
        || !origin_says_maintenance(fetch->origin, setting->values[AFTER_MS] * NS_PER_MS,
            task_now_ns(task)))
        return LIFELINE_PASS;
    uint64_t wait_ms = MAXIMUM(failure->retry_after_seconds, 1) * UINT64_C(1000);
    struct gate_maintenance maintenance = {
        .until_ms = task_loop(task)->wall_ms + (int64_t)wait_ms,
        .trial_at_ns = task_now_ns(task)
            + MINIMUM(wait_ms, setting->values[LONGEST_MS]) * NS_PER_MS,
        .normal_ns = origin_p95_ms(fetch->origin) * NS_PER_MS,
    };
    gate_begin_maintenance(origin_gate(fetch->origin), &maintenance);
    return LIFELINE_PASS;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Send copies during maintenance, and leave an origin alone that says of itself "
                   "that it is in maintenance: all its answers are 503 with Retry-After.",
        .touch = "Turn it off when the backend sends such answers for other reasons."},
    {.name = "after", .type = SETTING_DURATION, .fallback = "10s",
        .offset = offsetof(struct lifeline_setting, values[AFTER_MS]), .minimum = 1000,
        .maximum = 3600000,
        .summary = "How long all answers must have been like that, three of them at least, until "
                   "the origin is left alone.",
        .touch = "Raise it when the backend answers like that for a while whenever it is busy."},
    {.name = "longest", .type = SETTING_DURATION, .fallback = "5m",
        .offset = offsetof(struct lifeline_setting, values[LONGEST_MS]), .minimum = 1000,
        .maximum = 86400000,
        .summary = "After this long one request goes in to try, even if the origin's Retry-After "
                   "said more. What it says less is kept to.",
        .touch = "Lower it when the backend says far too much and is back sooner."},
};

const struct setting_section lifeline_maintenance_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "During maintenance, declared or told by the origin: copies, and no fetches.",
};

const struct lifeline lifeline_maintenance = {.name = "maintenance",
    .failure = maintenance_failure, .attempt = maintenance_attempt};
