// accepted writes: what the origin cannot take is written down, answered 202 and delivered later
// (outbox/outbox.h), for paths whose rule says accept_writes. It comes before hold: whoever opted
// in has clients that understand 202, and those had better be told at once than after a wait that
// they may not sit out, and then send again.
#include "edge/lifeline.h"
#include "edge/outbox/outbox_accept.h"

static enum lifeline_outcome accepted_writes_failure(struct task *task, struct request *request)
{
    return outbox_accept(task, request) ? LIFELINE_ANSWERED : LIFELINE_PASS;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Accept writes for the origin where a rule says accept_writes; nowhere else.",
        .touch = "Turn it off to accept no further ones for now; those accepted are delivered."},
};

const struct setting_section lifeline_accepted_writes_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Writes that the origin cannot take are kept on disk and delivered later.",
};

const struct lifeline lifeline_accepted_writes = {
    .name = "accepted-write", .failure = accepted_writes_failure};
