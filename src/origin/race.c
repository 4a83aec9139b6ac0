// See race.h.
#include "origin/race.h"
#include "base/memory.h"

struct race {
    struct addresses *addresses;
    const struct address *items;
    size_t count, begun; // attempts begin in the order of items
    struct connection *attempts[IO_ADDRESSES_MAX]; // under way; NULL: failed, or not begun
    size_t under_way;
    uint64_t due_ns;     // of the next attempt
    uint64_t deadline_ns;
    enum error error;    // of the last one that failed
    struct connection *winner;
};

bool race_is_hopeless(enum error error)
{
    return error == ERROR_CANCELLED || error == ERROR_MEMORY || error == ERROR_LIMIT;
}

static void note_failure(struct race *race, size_t i, enum error error, uint64_t now_ns)
{
    race->error = error;
    race->due_ns = now_ns;
    if (!race_is_hopeless(error))
        addresses_avoid(race->addresses, &race->items[i], now_ns);
}

static void begin_next(struct task *task, struct race *race)
{
    uint64_t now_ns = task_now_ns(task);
    size_t i = race->begun++;
    uint64_t left_ns = race->deadline_ns - MINIMUM(now_ns, race->deadline_ns);
    uint64_t share_ns = left_ns / (race->count - i);
    race->due_ns = now_ns + MINIMUM(MAXIMUM(share_ns, RACE_DELAY_LEAST_NS), RACE_DELAY_NS);
    struct connection *connection = memory_zero_alloc(sizeof(*connection));
    enum error error = connection == NULL ? ERROR_MEMORY
        : io_connect_begin(task, &race->items[i], &connection->stream.socket);
    if (error != ERROR_NONE) {
        memory_free(connection);
        note_failure(race, i, error, now_ns);
        return;
    }
    connection->address = race->items[i];
    race->attempts[i] = connection;
    race->under_way++;
}

// What has become of those under way, until one has succeeded.
static void look(struct task *task, struct race *race)
{
    for (size_t i = 0; i < race->begun && race->winner == NULL; i++) {
        struct connection *connection = race->attempts[i];
        if (connection == NULL)
            continue;
        enum error error = io_connect_end(&connection->stream.socket);
        if (error == ERROR_BUSY)
            continue;
        race->attempts[i] = NULL;
        race->under_way--;
        if (error == ERROR_NONE) {
            race->winner = connection;
        } else {
            memory_free(connection);
            note_failure(race, i, error, task_now_ns(task));
        }
    }
}

// Those that began before the winner, or had all the time there was, were too slow.
static void give_up_others(struct task *task, struct race *race, bool were_slow)
{
    for (size_t i = 0; i < race->begun; i++) {
        struct connection *connection = race->attempts[i];
        if (race->winner != NULL && address_equal(&race->items[i], &race->winner->address))
            were_slow = false; // from here on
        if (connection == NULL)
            continue;
        io_connect_give_up(&connection->stream.socket);
        memory_free(connection);
        if (were_slow)
            addresses_avoid(race->addresses, &race->items[i], task_now_ns(task));
    }
}

static enum error run(struct task *task, struct race *race)
{
    enum error error = task_breathe(task);
    while (error == ERROR_NONE) {
        look(task, race);
        if (race->winner != NULL)
            return ERROR_NONE;
        uint64_t now_ns = task_now_ns(task);
        bool more = race->begun < race->count && !race_is_hopeless(race->error);
        if (now_ns >= race->deadline_ns)
            return ERROR_TIMEOUT;
        if (more && now_ns >= race->due_ns) {
            begin_next(task, race);
            continue;
        }
        if (race->under_way == 0)
            return race->error;
        error = task_suspend(task, more ? MINIMUM(race->due_ns, race->deadline_ns)
            : race->deadline_ns);
        if (error == ERROR_TIMEOUT)
            error = ERROR_NONE;
    }
    return error;
}

enum error race_connect(struct task *task, struct addresses *addresses,
    const struct address *items, size_t count, uint64_t deadline_ns,
    struct connection **ret_connection)
{
    struct race race = {.addresses = addresses, .items = items, .count = count,
        .deadline_ns = deadline_ns, .error = ERROR_UNREACHABLE};
    enum error error = run(task, &race);
    give_up_others(task, &race, error != ERROR_CANCELLED);
    if (error != ERROR_NONE)
        return error;
    addresses_prefer(addresses, &race.winner->address);
    *ret_connection = race.winner;
    return ERROR_NONE;
}
