// stale-while-revalidate (RFC 5861 section 3): inside the window that the origin granted, the copy
// goes out at once and the refresh runs behind.
#include "edge/lifeline.h"
#include "edge/request.h"

static enum lifeline_outcome stale_while_revalidate_lookup(struct task *task,
    struct request *request)
{
    if (request->copy == NULL || !object_may_revalidate_behind(request->copy, task_now_ns(task)))
        return LIFELINE_PASS;
    if (request->has_control && request->control.no_cache)
        return LIFELINE_PASS; // the visitor asked for a fresh one
    if (!pressure_puts_off(request->thread))
        request_begin_fetch(request, true); // whether it could be begun or not, the copy serves
    return request_answer_stale(request);
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Honour stale-while-revalidate: answer at once, refresh behind.",
        .touch = "Turn it off when no visitor may see a copy past its lifetime "
                 "while the backend is well."},
};

const struct setting_section lifeline_stale_while_revalidate_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Answer at once from a copy whose window the site granted, and refresh it behind.",
};

const struct lifeline lifeline_stale_while_revalidate = {
    .name = "stale-while-revalidate", .lookup = stale_while_revalidate_lookup};
