// honest page: what cannot be answered truthfully gets the truth: a 503 that says who is at fault,
// since when and what happens next (page.c), never a disguise as success. An answer that is itself
// an error page of the backend is passed on instead, see request_take_answer.
#include "edge/lifeline.h"
#include "edge/request.h"

static enum lifeline_outcome honest_page_failure(struct task *task, struct request *request)
{
    (void)task;
    if (request->object != NULL)
        return LIFELINE_PASS; // the backend's own words are passed on
    request->outcome = OUTCOME_ERROR;
    request->status = 503;
    if (request->failure.kind == FAILURE_REQUEST_BODY)
        request->status = request->content_error == ERROR_TIMEOUT ? 408
            : request->content_error == ERROR_LIMIT ? 413 : 400;
    else if (request->failure.kind == FAILURE_RESPONSE_BODY_TOO_LARGE)
        request->status = failure_gateway_status(request->failure.kind); // trying again is no help
    return LIFELINE_ANSWERED;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Explain a failure to the visitor; without it the connection is just closed.",
        .touch = "Leave it on."},
};

const struct setting_section lifeline_honest_page_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "The last resort: a page that tells the truth and reloads itself.",
};

const struct lifeline lifeline_honest_page = {
    .name = "honest-page", .failure = honest_page_failure};
