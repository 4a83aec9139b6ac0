// What another vantage says of a monitor's URL: whatever it is, it is a vote with a reason that
// there is, or nothing; and who is not conclusive has no say.
#include "base/invariant.h"
#include "watch/probe/prober_inside.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct monitor_settings monitor = {.method = SLICE("GET"), .expect_status.bits[1] = 1};
    struct slice body = slice_of((const char *)data, size);
    struct vote vote = {VOTE_DOWN, {REASON_OPERATOR, 77}}, other;
    if (!remote_read(body, &monitor, &vote)) {
        invariant(vote.reason.number == 77); // untouched
        return 0;
    }
    invariant(vote.kind == VOTE_INCONCLUSIVE || vote.kind == VOTE_UP || vote.kind == VOTE_DOWN);
    invariant(vote.reason.kind < REASON_COUNT && vote.reason.kind != REASON_OPERATOR);
    invariant(vote.reason.number <= 999);
    invariant(vote.kind == VOTE_INCONCLUSIVE || memmem(data, size, "conclusive", 10) != NULL
        || memmem(data, size, "\\u", 2) != NULL);
    // Another method gets other statuses.
    monitor.method = SLICE("POST");
    invariant(remote_read(body, &monitor, &other));
    invariant(other.kind != VOTE_DOWN || other.reason.kind != REASON_STATUS);
    return 0;
}
