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

enum error doubt_wait(struct task *task, struct request *request, const struct gate_wait *wait,
    uint64_t most_ns)
{
    struct origin *origin = request->origin;
    uint64_t failed_ns = task_now_ns(task);
    int64_t since_ms;
    request->doubted = true;
    for (;;) {
        uint64_t now_ns = task_now_ns(task);
        uint64_t pause_ns = MINIMUM(MAXIMUM(now_ns - failed_ns, LOOK_FIRST_NS), LOOK_LAST_NS);
        uint64_t end_ns = MAXIMUM(failed_ns, origin_last_failure_ns(origin)) + most_ns;
        enum error error =
            gate_rest(task, origin_gate(origin), wait, MINIMUM(now_ns + pause_ns, end_ns));
        if (error != ERROR_NONE || origin_is_down(origin, &since_ms))
            return error;
        if (origin_has_answered_since(origin, failed_ns) || task_now_ns(task) >= end_ns)
            return wait->may_try(wait->context) ? ERROR_NONE : ERROR_TIMEOUT;
    }
}
