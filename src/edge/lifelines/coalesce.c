// coalesce: one fetch per object; everyone else who wants it meanwhile waits for that one. An
// answer that cannot be shared releases all waiters at once, and is remembered, so that it never
// makes requests queue behind each other.
#include "edge/lifeline.h"
#include "edge/request.h"

static enum lifeline_outcome coalesce_lookup(struct task *task, struct request *request)
{
    (void)task;
    request_begin_fetch(request, true);
    return LIFELINE_PASS; // the answer is still to be waited for
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Let requests for the same object wait for one fetch instead "
                   "of each making its own.",
        .touch = "Turn it off only to compare; a herd on an expired page "
                 "then reaches the backend."},
};

const struct setting_section lifeline_coalesce_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "One fetch per object, however many ask for it.",
};

const struct lifeline lifeline_coalesce = {.name = "coalesce", .lookup = coalesce_lookup};
