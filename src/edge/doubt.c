// See doubt.h. It looks around now and then, soon at first: on a busy site somebody is answered
// within a moment.
#include "edge/doubt.h"

#define LOOK_FIRST_NS (20 * NS_PER_MS) // then as long as it has waited already, at most:
#define LOOK_LAST_NS (100 * NS_PER_MS)

bool doubt_is_due(const struct request *request)
{
    bool is_meant = request->object != NULL && request->object->storable;
    return !request->doubted && request->failure.kind == FAILURE_STATUS
        && request->failure.status == 500 && !is_meant;
}

// What the others' second attempts bring to light is not awaited for longer.
#define PATIENCE_NS (500 * NS_PER_MS)
#define IN_A_ROW 3 // failures that make a short outage

// Within the budget; or, where all of them failed until now and the first one who asked again finds
// his page well, at no cost, as from the gate: then it was everybody's. Whoever shared the fetch of
// another has cost the origin nothing yet, and will as a rule share the next one.
static bool may_ask_again(const struct request *request, const struct gate_wait *wait,
    bool was_outage, uint64_t failed_ns)
{
    return (was_outage && origin_has_mended_since(request->origin, failed_ns))
        || (request->flight != NULL && !request->leads) || wait->may_try(wait->context);
}

enum error doubt_wait(struct task *task, struct request *request, const struct gate_wait *wait,
    uint64_t most_ns)
{
    struct origin *origin = request->origin;
    uint64_t failed_ns = task_now_ns(task), now_ns = failed_ns, end_ns = 0;
    bool was_outage = false, has_answered = false;
    int64_t since_ms;
    request->doubted = true;
    for (;;) {
        uint64_t pause_ns = MINIMUM(MAXIMUM(now_ns - failed_ns, LOOK_FIRST_NS), LOOK_LAST_NS);
        was_outage = was_outage || origin_failures(origin) >= IN_A_ROW;
        if (!has_answered)
            end_ns = MAXIMUM(failed_ns, origin_last_failure_ns(origin)) + most_ns;
        enum error error =
            gate_rest(task, origin_gate(origin), wait, MINIMUM(now_ns + pause_ns, end_ns));
        if (error != ERROR_NONE || origin_is_down(origin, &since_ms))
            return error;
        now_ns = task_now_ns(task);
        if (!has_answered && origin_has_answered_since(origin, failed_ns)) {
            has_answered = true;
            end_ns = was_outage ? now_ns + MINIMUM(most_ns, PATIENCE_NS) : now_ns;
        }
        if ((has_answered || now_ns >= end_ns)
            && may_ask_again(request, wait, was_outage, failed_ns))
            return ERROR_NONE;
        if (now_ns >= end_ns)
            return ERROR_TIMEOUT;
    }
}
