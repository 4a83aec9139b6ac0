// A small table under one lock; its ends of looks are told by a broadcast.
#include "doctor/vantage_results.h"
#include "base/invariant.h"
#include "base/memory.h"

enum state { STATE_FREE, STATE_UNDER_WAY, STATE_DONE };

struct entry {
    enum state state;
    char *url;
    size_t url_size;
    struct vantage_result result;
    uint64_t until_ns;
};

struct vantage_results {
    struct lock lock;
    struct broadcast ended;
    unsigned most, under_way;
    uint64_t keep_ns;
    struct entry entries[VANTAGE_RESULTS_MAX];
};

struct vantage_results *vantage_results_create(unsigned most, uint64_t keep_ms)
{
    struct vantage_results *results = memory_zero_alloc(sizeof(*results));
    if (results == NULL)
        return NULL;
    lock_init(&results->lock);
    broadcast_init(&results->ended);
    results->most = MINIMUM(most, VANTAGE_RESULTS_MAX);
    results->keep_ns = keep_ms * NS_PER_MS;
    return results;
}

static void empty(struct entry *entry)
{
    memory_free(entry->url);
    memory_free(entry->result.content);
    *entry = (struct entry){0};
}

void vantage_results_destroy(struct vantage_results *results)
{
    if (results == NULL)
        return;
    for (size_t i = 0; i < VANTAGE_RESULTS_MAX; i++)
        empty(&results->entries[i]);
    broadcast_destroy(&results->ended);
    lock_destroy(&results->lock);
    memory_free(results);
}

static bool is_of(const struct entry *entry, struct slice url)
{
    return entry->state != STATE_FREE && slice_equal(slice_of(entry->url, entry->url_size), url);
}

// The one for the URL, else one that may be used for it; NULL: neither. Locked.
static struct entry *find(struct vantage_results *results, struct slice url, uint64_t now_ns)
{
    struct entry *oldest = NULL;
    for (size_t i = 0; i < VANTAGE_RESULTS_MAX; i++) {
        struct entry *entry = &results->entries[i];
        if (entry->state == STATE_DONE && entry->until_ns <= now_ns)
            empty(entry);
        if (is_of(entry, url))
            return entry;
        if (entry->state != STATE_UNDER_WAY
            && (oldest == NULL || entry->until_ns < oldest->until_ns))
            oldest = entry;
    }
    return oldest;
}

static bool begin(struct vantage_results *results, struct entry *entry, struct slice url)
{
    if (entry == NULL || results->under_way == results->most)
        return false;
    empty(entry);
    entry->url = memory_alloc(url.size + 1);
    if (entry->url == NULL)
        return false;
    memcpy(entry->url, url.data, url.size);
    entry->url_size = url.size;
    entry->state = STATE_UNDER_WAY;
    results->under_way++;
    return true;
}

// True: *ret_turn says whose turn it is. False: wait.
static bool try(struct vantage_results *results, struct slice url, uint64_t now_ns,
    struct arena *arena, unsigned *ret_place, struct vantage_result *ret_result,
    enum vantage_turn *ret_turn)
{
    lock_acquire(&results->lock);
    struct entry *entry = find(results, url, now_ns);
    bool is_there = entry != NULL && is_of(entry, url);
    bool waits = is_there && entry->state == STATE_UNDER_WAY;
    *ret_turn = VANTAGE_TURN_BUSY;
    if (is_there && !waits) {
        *ret_result = entry->result;
        ret_result->content = arena_alloc(arena, entry->result.size + 1);
        if (ret_result->content != NULL) {
            memcpy(ret_result->content, entry->result.content, entry->result.size);
            *ret_turn = VANTAGE_TURN_DONE;
        }
    } else if (!is_there && begin(results, entry, url)) {
        *ret_place = (unsigned)(entry - results->entries);
        *ret_turn = VANTAGE_TURN_LOOK;
    }
    lock_release(&results->lock);
    return !waits;
}

enum vantage_turn vantage_results_take(struct task *task, struct vantage_results *results,
    struct slice url, uint64_t deadline_ns, struct arena *arena, unsigned *ret_place,
    struct vantage_result *ret_result)
{
    enum vantage_turn turn;
    for (;;) {
        uint64_t seen = broadcast_version(&results->ended);
        if (try(results, url, task_now_ns(task), arena, ret_place, ret_result, &turn))
            return turn;
        if (broadcast_wait(task, &results->ended, seen, deadline_ns) != ERROR_NONE)
            return VANTAGE_TURN_BUSY;
    }
}

void vantage_results_finish(struct vantage_results *results, unsigned place,
    struct vantage_result result, uint64_t now_ns)
{
    lock_acquire(&results->lock);
    struct entry *entry = &results->entries[place];
    invariant(entry->state == STATE_UNDER_WAY);
    results->under_way--;
    entry->result = result;
    entry->until_ns = now_ns + results->keep_ns;
    entry->state = STATE_DONE;
    if (result.status == 0)
        empty(entry);
    lock_release(&results->lock);
    broadcast_signal(&results->ended);
}
