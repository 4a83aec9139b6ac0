// Asking the disk on helper threads, which may take their time.
#include "edge/archive.h"
#include "cache/store.h"

struct recall {
    const struct request *request;
    uint64_t now_ns;
    int64_t wall_ms;
};

// On a helper thread, while the request waits.
static void recall_work(void *argument)
{
    const struct recall *recall = argument;
    const struct request *request = recall->request;
    cache_recall(request->thread->edge->cache, &request->key, &request->head.fields, recall->now_ns,
        recall->wall_ms);
}

struct object *archive_look_up(struct task *task, struct request *request)
{
    struct edge *edge = request->thread->edge;
    const struct http_fields *fields = &request->head.fields;
    struct object *copy = cache_lookup(edge->cache, &request->key, fields);
    if (copy != NULL || edge->store == NULL || !cache_may_recall(edge->cache, &request->key))
        return copy;
    const struct loop *loop = request->thread->loop;
    struct recall recall = {request, loop->now_ns, loop->wall_ms};
    if (io_blocking(task, recall_work, &recall) != ERROR_NONE)
        return NULL; // too much waits already
    return cache_lookup(edge->cache, &request->key, fields);
}

struct round {
    struct edge *edge;
    uint64_t now_ns, due_ns;
    int64_t wall_ms;
};

static void round_work(void *argument)
{
    struct round *round = argument;
    round->due_ns = store_work(
        round->edge->store, round->edge->cache, round->now_ns, round->wall_ms);
}

void archive_main(struct task *task, void *argument)
{
    struct round round = {.edge = argument};
    const struct loop *loop = task_loop(task);
    do {
        round.now_ns = loop->now_ns;
        round.wall_ms = loop->wall_ms;
        if (io_blocking(task, round_work, &round) != ERROR_NONE)
            round.due_ns = loop->now_ns + NS_PER_SECOND; // too much waits already
    } while (task_sleep_until(task, round.due_ns) == ERROR_NONE);
}
