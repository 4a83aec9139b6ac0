// negative protection: a backend that is broken and does not know it answers 200 with an empty
// page, or with what its database says. What a rule's protect does not believe (protection.c) is no
// answer to the fetch: it never replaces a copy, whoever asked for it gets that, and the copy rests
// as after any failure, so the backend is not hammered. While there is no copy to send it is passed
// on as it came and not stored, unless the rule says that an error is better.
#include "edge/lifeline.h"
#include "edge/request.h"

static enum lifeline_outcome negative_protection_failure(struct task *task,
    struct request *request)
{
    (void)task;
    if (!request->failure.disbelieved || !request_copy_may_go_stale(request))
        return LIFELINE_PASS;
    return request_answer_stale(request);
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Doubt answers as the rules' protect says; without such a rule all are "
                   "believed.",
        .touch = "Turn it off to take whatever the backend sends."},
};

const struct setting_section lifeline_negative_protection_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "An answer with status 200 that is not to be believed does not replace a copy: see "
               "the rules' protect.",
};

const struct lifeline lifeline_negative_protection = {
    .name = "negative-protection", .failure = negative_protection_failure};
