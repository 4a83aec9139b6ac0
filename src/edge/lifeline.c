// The table of lifelines and the order in which they are asked.
#include "edge/lifeline.h"
#include "edge/attempt.h"
#include "edge/request.h"

static const struct lifeline *const lifelines[] = {
#define X(NAME, file, metric, help) [LIFELINE_##NAME] = &lifeline_##file,
    LIFELINE_MAP(X)
#undef X
};

const struct lifeline *lifeline_get(enum lifeline_id id)
{
    return lifelines[id];
}

enum ledger_count lifeline_ledger(const struct lifeline *lifeline)
{
    enum lifeline_id id = 0;
    while (lifelines[id] != lifeline)
        id++;
    return (enum ledger_count)id; // the ledger begins with the lifelines, in their order
}

bool lifeline_averts(enum lifeline_id id)
{
    return lifelines[id]->lookup == NULL && id != LIFELINE_HONEST_PAGE;
}

typedef enum lifeline_outcome request_phase(struct task *task, struct request *request);

static enum lifeline_outcome ask(
    struct task *task, struct request *request, enum lifeline_id id, request_phase *phase)
{
    if (phase == NULL || !request_site(request)->lifelines.of[id].enabled)
        return LIFELINE_PASS;
    enum lifeline_outcome outcome = phase(task, request);
    if (outcome == LIFELINE_ANSWERED)
        request->saved_by = lifelines[id];
    return outcome;
}

enum lifeline_outcome lifelines_lookup(struct task *task, struct request *request)
{
    enum lifeline_outcome outcome = LIFELINE_PASS;
    for (enum lifeline_id id = 0; id < LIFELINE_COUNT && outcome == LIFELINE_PASS; id++)
        outcome = ask(task, request, id, lifelines[id]->lookup);
    return outcome;
}

enum lifeline_outcome lifelines_wait(struct task *task, struct request *request)
{
    enum lifeline_outcome outcome = LIFELINE_PASS;
    for (enum lifeline_id id = 0; id < LIFELINE_COUNT && outcome == LIFELINE_PASS; id++)
        outcome = ask(task, request, id, lifelines[id]->wait);
    return outcome;
}

enum lifeline_outcome lifelines_failure(struct task *task, struct request *request)
{
    enum lifeline_outcome outcome = LIFELINE_PASS;
    for (enum lifeline_id id = 0; id < LIFELINE_COUNT && outcome == LIFELINE_PASS; id++)
        outcome = ask(task, request, id, lifelines[id]->failure);
    return outcome;
}

enum lifeline_outcome lifelines_attempt(struct task *task, struct fetch *fetch)
{
    enum lifeline_outcome outcome = LIFELINE_PASS;
    for (enum lifeline_id id = 0; id < LIFELINE_COUNT && outcome == LIFELINE_PASS; id++) {
        if (lifelines[id]->attempt != NULL && fetch_site(fetch)->lifelines.of[id].enabled)
            outcome = lifelines[id]->attempt(task, fetch);
        if (outcome != LIFELINE_PASS)
            fetch->saved_by = lifelines[id];
    }
    return outcome;
}

const struct lifeline *lifelines_beside(struct attempt *attempt, uint64_t *ret_again_ns)
{
    const struct lifeline_settings *settings = &fetch_site(attempt->fetch)->lifelines;
    uint64_t again_ns = NEVER_NS;
    for (enum lifeline_id id = 0; id < LIFELINE_COUNT; id++) {
        uint64_t own_again_ns = NEVER_NS;
        if (lifelines[id]->beside == NULL || !settings->of[id].enabled)
            continue;
        if (lifelines[id]->beside(attempt, &own_again_ns) == LIFELINE_AGAIN)
            return lifelines[id];
        again_ns = MINIMUM(again_ns, own_again_ns);
    }
    *ret_again_ns = again_ns;
    return NULL;
}

enum lifeline_outcome lifelines_content(struct task *task, struct fetch *fetch,
    struct content *content, bool waits)
{
    enum lifeline_outcome outcome = LIFELINE_PASS;
    for (enum lifeline_id id = 0; id < LIFELINE_COUNT && outcome == LIFELINE_PASS; id++) {
        if (lifelines[id]->content != NULL && fetch_site(fetch)->lifelines.of[id].enabled)
            outcome = lifelines[id]->content(task, fetch, content, waits);
        if (outcome != LIFELINE_PASS)
            atomic_store_explicit(&fetch->report->content_saved_by, lifelines[id],
                memory_order_release);
    }
    return outcome;
}
