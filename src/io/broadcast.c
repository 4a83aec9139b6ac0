// Waking many tasks on many loops at once. Each loop with waiters has a seat. A signal takes all
// seats off the broadcast and posts each once, as a message; delivery wakes the waiters of the seat
// and frees it. So a seat may be under way when the broadcast is gone.
//
// The lock guards which seats are on the broadcast; their waiters belong to their loop's thread.
#include "base/invariant.h"
#include "base/memory.h"
#include "io/inside.h"

struct broadcast_seat {
    struct message message;
    struct broadcast_seat *next;
    struct loop *loop;
    struct list waiters;
    bool under_way;
};

struct waiter {
    struct list link;
    struct task *task;
    bool seated;
};

void broadcast_init(struct broadcast *broadcast)
{
    lock_init(&broadcast->lock);
    atomic_init(&broadcast->version, 0);
    broadcast->seats = NULL;
}

void broadcast_destroy(struct broadcast *broadcast)
{
    invariant(broadcast->seats == NULL);
    lock_destroy(&broadcast->lock);
}

uint64_t broadcast_version(const struct broadcast *broadcast)
{
    return atomic_load_explicit(&broadcast->version, memory_order_acquire);
}

static void deliver_seat(struct loop *loop, struct message *message)
{
    struct broadcast_seat *seat = CONTAINER_OF(message, struct broadcast_seat, message);
    (void)loop;
    while (!list_is_empty(&seat->waiters)) {
        struct waiter *waiter = LIST_ENTRY(seat->waiters.next, struct waiter, link);
        list_remove(&waiter->link);
        waiter->seated = false;
        task_wake(waiter->task);
    }
    memory_free(seat);
}

// The loop's seat on the broadcast, a new one if need be; NULL when out of memory. Locked.
static struct broadcast_seat *take_seat(struct broadcast *broadcast, struct loop *loop)
{
    for (struct broadcast_seat *seat = broadcast->seats; seat != NULL; seat = seat->next)
        if (seat->loop == loop)
            return seat;
    struct broadcast_seat *seat = memory_alloc(sizeof(*seat));
    if (seat == NULL)
        return NULL;
    *seat = (struct broadcast_seat){
        .message.deliver = deliver_seat, .next = broadcast->seats, .loop = loop};
    list_init(&seat->waiters);
    broadcast->seats = seat;
    return seat;
}

// A waiter gives up. The last one of a seat removes it, unless it is under way.
static void leave_seat(struct broadcast *broadcast, struct broadcast_seat *seat,
    struct waiter *waiter)
{
    list_remove(&waiter->link);
    if (!list_is_empty(&seat->waiters))
        return;
    lock_acquire(&broadcast->lock);
    bool under_way = seat->under_way;
    if (!under_way) {
        struct broadcast_seat **at = &broadcast->seats;
        while (*at != seat)
            at = &(*at)->next;
        *at = seat->next;
    }
    lock_release(&broadcast->lock);
    if (!under_way)
        memory_free(seat);
}

enum error broadcast_wait(struct task *task, struct broadcast *broadcast, uint64_t seen,
    uint64_t deadline_ns)
{
    if (task_is_cancelled(task))
        return ERROR_CANCELLED;
    struct waiter waiter = {.task = task, .seated = true};
    lock_acquire(&broadcast->lock);
    if (broadcast_version(broadcast) != seen) {
        lock_release(&broadcast->lock);
        return ERROR_NONE;
    }
    struct broadcast_seat *seat = take_seat(broadcast, task_loop(task));
    if (seat != NULL)
        list_append(&seat->waiters, &waiter.link);
    lock_release(&broadcast->lock);
    if (seat == NULL)
        return ERROR_MEMORY;

    // Wakes that have nothing to do with us leave us seated.
    enum error error = ERROR_NONE;
    while (waiter.seated && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    if (!waiter.seated)
        return error == ERROR_CANCELLED ? error : ERROR_NONE;
    leave_seat(broadcast, seat, &waiter);
    return error;
}

void broadcast_signal(struct broadcast *broadcast)
{
    lock_acquire(&broadcast->lock);
    atomic_fetch_add_explicit(&broadcast->version, 1, memory_order_release);
    struct broadcast_seat *seat = broadcast->seats;
    broadcast->seats = NULL;
    for (struct broadcast_seat *each = seat; each != NULL; each = each->next)
        each->under_way = true;
    lock_release(&broadcast->lock);
    while (seat != NULL) {
        struct broadcast_seat *next = seat->next; // once posted, it is its loop's
        loop_post(seat->loop, &seat->message);
        seat = next;
    }
}
