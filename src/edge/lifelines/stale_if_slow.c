// stale-if-slow: the fetch races a deadline; when it loses, the copy goes out and the
// fetch goes on, so that the next visitor has the new one. A slow backend costs a
// visitor this much and no more.
#include "edge/lifeline.h"
#include "edge/request.h"

enum { DEADLINE_MS };

static enum lifeline_outcome stale_if_slow_wait(struct task *task, struct request *request)
{
    const struct lifeline_setting *setting =
        &request_site(request)->lifelines.of[LIFELINE_STALE_IF_SLOW];
    if (!request_copy_may_go_stale(request))
        return LIFELINE_PASS;
    uint64_t deadline_ns = deadline_after_ms(task_loop(task), setting->values[DEADLINE_MS]);
    if (request_await_answer(task, request, deadline_ns) != ERROR_TIMEOUT)
        return LIFELINE_PASS;
    request->strayed = true;
    return request_answer_stale(request);
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Send the copy when the backend does not answer in time.",
        .touch = "Turn it off when visitors would rather wait than see an older page."},
    {.name = "deadline", .type = SETTING_DURATION, .fallback = "1s",
        .offset = offsetof(struct lifeline_setting, values[DEADLINE_MS]), .minimum = 1,
        .maximum = 600000,
        .summary = "How long the backend may take before the copy is sent.",
        .touch = "Raise it when the site's pages normally take longer than a second to make."},
};

const struct setting_section lifeline_stale_if_slow_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Send the copy when the backend is slow, and let the fetch go on behind.",
};

const struct lifeline lifeline_stale_if_slow = {
    .name = "stale-if-slow", .wait = stale_if_slow_wait};
