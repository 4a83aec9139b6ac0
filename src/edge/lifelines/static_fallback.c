// static fallback: nothing else can answer, so the visitor gets the file that a rule of the site
// has for this path, instead of the honest page, and of those answers of the backend that the rule
// names. With the status that the rule says: 503, unless the operator knows that whoever asks is
// better served by another, and then it is he who says that this is no error. Reading only, for a
// write must not seem to be done. Waiting comes first: the true answer is better than any file.
#include "edge/delivery.h"
#include "edge/lifeline.h"
#include "edge/request.h"
#include "edge/rules/rule_serve.h"

static bool static_fallback_fits(const struct request *request,
    const struct rule_fallback *fallback)
{
    bool is_read = request->head.method == HTTP_METHOD_GET
        || request->head.method == HTTP_METHOD_HEAD;
    return fallback != NULL && is_read && request->upgrade.data == NULL
        && request->failure.kind != FAILURE_REQUEST_BODY // which is the visitor's mistake
        && (request->object == NULL
            || setting_status_set_has(&fallback->settings->errors, request->object->status));
}

// NULL: the arena is full.
static const struct own_answer *static_fallback_compose(struct request *request,
    const struct rule_fallback *fallback)
{
    unsigned status = (unsigned)fallback->settings->status;
    struct own_answer *answer = arena_alloc(&request->arena, sizeof(*answer));
    struct slice fields = status < 500 ? SLICE("")
        : arena_printf(&request->arena, "Retry-After: %llu\r\n",
            (unsigned long long)delivery_retry_after_seconds(request, status));
    if (answer == NULL || fields.data == NULL)
        return NULL;
    *answer = (struct own_answer){.status = status, .content_type = fallback->type,
        .fields = rule_response_fields(request, NULL, fields), .content = fallback->content,
        .is_file = true};
    return answer->fields.data == NULL ? NULL : answer;
}

static enum lifeline_outcome static_fallback_failure(struct task *task, struct request *request)
{
    (void)task;
    const struct rule_fallback *fallback = rule_fallback_of(request);
    if (!static_fallback_fits(request, fallback))
        return LIFELINE_PASS;
    const struct own_answer *answer = static_fallback_compose(request, fallback);
    if (answer == NULL)
        return LIFELINE_PASS;
    body_reader_close(&request->place);
    object_release(request->object);
    request->object = NULL;
    request->outcome = OUTCOME_NONE;
    request->own = answer;
    ledger_add(request->thread->ledger, LEDGER_FALLBACK_ERRORS, answer->status >= 500);
    return LIFELINE_ANSWERED;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Answer with the file of a rule's fallback when nothing else can; without such "
                   "a rule it does nothing.",
        .touch = "Turn it off to see the errors behind it."},
};

const struct setting_section lifeline_static_fallback_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Before the honest page: a file of yours for paths that you name, see the rules' "
               "fallback.",
};

const struct lifeline lifeline_static_fallback = {
    .name = "fallback", .failure = static_fallback_failure};
