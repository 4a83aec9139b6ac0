// resume: a content that broke off, or stands still, is gone on with from the very byte by another
// exchange, on any backend; what makes it the same to the byte is in content.c.
//
// What a broken exchange brought is not asked for again, so going on costs the origin no more than
// it would have cost anyway, and nothing of the budget. A further exchange after one that brought
// nothing does, as does one beside an exchange that may only be slow, and the whole from a server
// without ranges. A source that stands still is kept until another has answered, and what it brings
// meanwhile is taken; much later it counts as broken off.
#include "edge/content.h"
#include "edge/lifeline.h"

enum { ATTEMPTS, TIME_MS, SKIP };

#define PAUSE_FIRST_MS 50
#define PAUSE_MOST_MS 1000
#define PROGRESS (1024 * 1024) // so much of it, and attempts are counted anew
#define GIVEN_UP_AFTER 5       // times its patience

static const struct lifeline_setting *resume_setting(const struct fetch *fetch)
{
    return &fetch_site(fetch)->lifelines.of[LIFELINE_RESUME];
}

// Not where what came may be wrong too, nor where all the time is over that the operator allows.
static bool resume_could_help(enum failure_kind kind)
{
    switch (kind) {
    case FAILURE_RESPONSE_INCOMPLETE:
    case FAILURE_CONNECTION_TERMINATED:
    case FAILURE_CONNECTION_READ_TIMEOUT:
        return true;
    case FAILURE_NONE:
    case FAILURE_DNS_TIMEOUT:
    case FAILURE_DNS_ERROR:
    case FAILURE_DESTINATION_UNAVAILABLE:
    case FAILURE_CONNECTION_REFUSED:
    case FAILURE_CONNECTION_TIMEOUT:
    case FAILURE_CONNECTION_WRITE_TIMEOUT:
    case FAILURE_CONNECTION_LIMIT_REACHED:
    case FAILURE_OVERLOAD:
    case FAILURE_RESPONSE_TIMEOUT:
    case FAILURE_RESPONSE_HEADER_TOO_LARGE:
    case FAILURE_RESPONSE_BODY_TOO_LARGE:
    case FAILURE_RESPONSE_TRANSFER_CODING:
    case FAILURE_TLS_PROTOCOL_ERROR:
    case FAILURE_TLS_CERTIFICATE_ERROR:
    case FAILURE_TLS_ALERT_RECEIVED:
    case FAILURE_PROTOCOL_ERROR:
    case FAILURE_STATUS:
    case FAILURE_INTERNAL:
    case FAILURE_CANCELLED:
    case FAILURE_REQUEST_BODY:
        return false;
    }
    return false;
}

static bool resume_may_attempt(const struct fetch *fetch, struct content *content)
{
    if (content->brought >= PROGRESS)
        content->attempts = 0;
    return content_may_continue(fetch, content)
        && content->attempts < resume_setting(fetch)->values[ATTEMPTS];
}

// One that does not answer, or stands still itself, is given up.
static uint64_t resume_attempt_ms(const struct content *content)
{
    return GIVEN_UP_AFTER * content->patience_ms;
}

static bool resume_begin(struct task *task, struct fetch *fetch, struct content *content)
{
    content->beside = (struct continuation){.content = content, .fetch = fetch,
        .skip_most = resume_setting(fetch)->values[SKIP], .begun_ns = task_now_ns(task)};
    return continuation_start(task, &content->beside);
}

// Takes what was sought beside the source, once that is over.
static enum lifeline_outcome resume_take(struct task *task, struct fetch *fetch,
    struct content *content)
{
    bool found = content->beside.is_over && content->beside.exchange != NULL;
    if (found) {
        content_adopt(task, content);
        ledger_add(fetch->thread->ledger, LEDGER_CONTINUATIONS, 1);
    }
    content_drop_beside(task, content);
    return found ? LIFELINE_AGAIN : LIFELINE_PASS;
}

// NONE: it is over, one way or another.
static enum error resume_await(struct task *task, struct content *content)
{
    uint64_t end_ns = content->beside.begun_ns + resume_attempt_ms(content) * NS_PER_MS;
    enum error error = scope_join(task, &content->scope, end_ns);
    return error == ERROR_CANCELLED ? error : ERROR_NONE;
}

// The source brings no more. Others are asked until one goes on, for a while.
static enum lifeline_outcome resume_elsewhere(struct task *task, struct fetch *fetch,
    struct content *content)
{
    uint64_t end_ns = deadline_after_ms(task_loop(task), resume_setting(fetch)->values[TIME_MS]);
    uint64_t pause_ms = PAUSE_FIRST_MS;
    bool is_free = content->brought > 0;
    while (content->has_beside || resume_may_attempt(fetch, content)) {
        if (!content->has_beside) {
            if ((!is_free && !origin_budget_take(fetch->origin, task_now_ns(task)))
                || !resume_begin(task, fetch, content))
                return LIFELINE_PASS;
        }
        if (resume_await(task, content) != ERROR_NONE
            || resume_take(task, fetch, content) == LIFELINE_AGAIN)
            return task_is_cancelled(task) ? LIFELINE_PASS : LIFELINE_AGAIN;
        if (content->is_withheld)
            return LIFELINE_PASS;
        is_free = content->beside.failure.unsent;
        content->brought = 0; // what it had brought is paid for
        if (content->beside.error == ERROR_INVALID)
            continue; // another may have it
        uint64_t next_ns = task_now_ns(task) + pause_ms * NS_PER_MS;
        if (next_ns >= end_ns || task_sleep_until(task, next_ns) != ERROR_NONE)
            return LIFELINE_PASS;
        pause_ms = MINIMUM(2 * pause_ms, PAUSE_MOST_MS);
    }
    return LIFELINE_PASS;
}

// The source may only be slow: it is kept, and goes on if it comes to life first.
static enum lifeline_outcome resume_waiting(struct task *task, struct fetch *fetch,
    struct content *content)
{
    uint64_t now_ns = task_now_ns(task), limit_ns = resume_attempt_ms(content) * NS_PER_MS;
    if (content->has_beside) {
        if (!content->beside.is_over && now_ns - content->beside.begun_ns < limit_ns)
            return LIFELINE_PASS;
        return resume_take(task, fetch, content);
    }
    if (!resume_may_attempt(fetch, content))
        return LIFELINE_PASS;
    if (origin_budget_take(fetch->origin, now_ns))
        resume_begin(task, fetch, content);
    else if (now_ns - content->waiting_since_ns >= limit_ns)
        return resume_elsewhere(task, fetch, content);
    return LIFELINE_PASS;
}

static enum lifeline_outcome resume_content(struct task *task, struct fetch *fetch,
    struct content *content, bool waits)
{
    if (waits)
        return resume_waiting(task, fetch, content);
    return resume_could_help(fetch->failure.kind) ? resume_elsewhere(task, fetch, content)
                                                  : LIFELINE_PASS;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Go on with a content that broke off, where a strong ETag (or an old enough "
                   "Last-Modified) says that the rest is the rest of the same.",
        .touch = "Turn it off when the backends give one ETag to different bytes."},
    {.name = "attempts", .type = SETTING_COUNT, .fallback = "8",
        .offset = offsetof(struct lifeline_setting, values[ATTEMPTS]), .minimum = 1,
        .maximum = 1000,
        .summary = "How many further exchanges may be made for one answer before one of them has "
                   "brought a megabyte.",
        .touch = "Lower it when each request is dear to the backends."},
    {.name = "time", .type = SETTING_DURATION, .fallback = "10s",
        .offset = offsetof(struct lifeline_setting, values[TIME_MS]), .minimum = 1,
        .maximum = 600000,
        .summary = "How long somebody is looked for who can go on, while backends do not answer.",
        .touch = "Raise it when restarting a backend takes longer."},
    {.name = "skip", .type = SETTING_SIZE, .fallback = "16MiB",
        .offset = offsetof(struct lifeline_setting, values[SKIP]), .minimum = 0,
        .maximum = UINT64_C(1) << 40,
        .summary = "From a backend that cannot send ranges, at most that much is read anew to get "
                   "to where it broke off.",
        .touch = "0 when that is too dear; the answer is then cut."},
};

const struct setting_section lifeline_resume_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "A content that breaks off is gone on with from the very byte, or cut: never "
               "spliced from two.",
};

const struct lifeline lifeline_resume = {.name = "resume", .content = resume_content};
