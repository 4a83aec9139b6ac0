// stale-if-error (RFC 5861 section 4, and the operator's contract): on failure the last good copy.
// The per-object back-off that keeps stale hits from hammering a dying backend is set by the fetch
// that failed and looked at in request_may_ask.
#include "edge/lifeline.h"
#include "edge/request.h"

static enum lifeline_outcome stale_if_error_failure(struct task *task, struct request *request)
{
    (void)task;
    return request_copy_may_go_stale(request) ? request_answer_stale(request) : LIFELINE_PASS;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Send the last good copy when the backend fails.",
        .touch = "Turn it off when an error is better than an older page; see also cache.keep."},
    {.name = "backoff_max", .type = SETTING_DURATION, .fallback = "10s",
        .offset = offsetof(struct lifeline_setting, values[LIFELINE_BACKOFF_MAX_MS]),
        .minimum = 100, .maximum = 3600000,
        .summary = "After a failure an object is asked for again after 1 s, then 2 s, up to this.",
        .touch = "Raise it to spare a backend that is slow to recover; lower it to notice sooner."},
};

const struct setting_section lifeline_stale_if_error_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Send the last good copy when the backend fails, and ask again with a back-off.",
};

const struct lifeline lifeline_stale_if_error = {
    .name = "stale-if-error", .failure = stale_if_error_failure};
