// stale-if-slow: the fetch races a deadline; when it loses, the copy goes out and the
// fetch goes on, so that the next visitor has the new one. A slow backend costs a
// visitor this much and no more.
//
// The deadline is twice what 95 of 100 answers of that origin and class of content take, within
// bounds; it runs from when the fetch began, so only the first of those who wait for it waits that
// long. (Once p95, five visitors in a hundred would get an old page of a backend that is well.)
#include "edge/lifeline.h"
#include "edge/request.h"

enum { DEADLINE_MS, LEAST_MS };

static uint64_t stale_if_slow_deadline_ns(const struct request *request)
{
    const struct lifeline_setting *setting =
        &request_site(request)->lifelines.of[LIFELINE_STALE_IF_SLOW];
    struct slice type = object_field(request->copy, HTTP_NAME_CONTENT_TYPE);
    uint64_t most_ms = setting->values[DEADLINE_MS];
    uint64_t least_ms = MINIMUM(setting->values[LEAST_MS], most_ms);
    uint64_t usual_ms = origin_whole_p95_ms(request->origin, http_content_class(type));
    uint64_t wait_ms = usual_ms == 0 ? most_ms : MAXIMUM(MINIMUM(2 * usual_ms, most_ms), least_ms);
    return request->flight->started_ns + wait_ms * NS_PER_MS;
}

static enum lifeline_outcome stale_if_slow_wait(struct task *task, struct request *request)
{
    if (!request_copy_may_go_stale(request))
        return LIFELINE_PASS;
    if (request_await_answer(task, request, stale_if_slow_deadline_ns(request)) != ERROR_TIMEOUT)
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
        .summary = "How long the backend may take at most before the copy is sent.",
        .touch = "Raise it when the site's pages normally take longer than a second to make."},
    {.name = "least", .type = SETTING_DURATION, .fallback = "500ms",
        .offset = offsetof(struct lifeline_setting, values[LEAST_MS]), .minimum = 1,
        .maximum = 600000,
        .summary = "How long it may take at the least, however fast it usually is: between the "
                   "two, twice what 95 of 100 answers of its kind take is the deadline.",
        .touch = "Set it to the deadline to have that one and nothing learned."},
};

const struct setting_section lifeline_stale_if_slow_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Send the copy when the backend is slow, and let the fetch go on behind.",
};

const struct lifeline lifeline_stale_if_slow = {
    .name = "stale-if-slow", .wait = stale_if_slow_wait};
