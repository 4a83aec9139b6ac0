// See addresses.h.
#include "origin/addresses.h"

#define ASK_AGAIN_NS NS_PER_SECOND

void addresses_init(struct addresses *addresses, struct slice host, uint16_t port)
{
    *addresses = (struct addresses){.host = host, .port = port};
    lock_init(&addresses->lock);
    addresses->is_numeric =
        address_parse_host(host, port, &addresses->items[0]) == ERROR_NONE;
    addresses->count = addresses->is_numeric ? 1 : 0;
}

void addresses_destroy(struct addresses *addresses)
{
    lock_destroy(&addresses->lock);
}

size_t addresses_copy(struct addresses *addresses, struct address ret_items[IO_ADDRESSES_MAX])
{
    lock_acquire(&addresses->lock);
    size_t count = addresses->count;
    for (size_t i = 0; i < count; i++)
        ret_items[i] = addresses->items[(addresses->preferred + i) % count];
    lock_release(&addresses->lock);
    return count;
}

// Where it stands in the list; count if it does not. Under the lock.
static size_t find(const struct addresses *addresses, const struct address *address)
{
    size_t i = 0;
    while (i < addresses->count && !address_equal(&addresses->items[i], address))
        i++;
    return i;
}

void addresses_prefer(struct addresses *addresses, const struct address *address)
{
    if (addresses->is_numeric)
        return;
    lock_acquire(&addresses->lock);
    size_t at = find(addresses, address);
    if (at < addresses->count)
        addresses->preferred = at;
    lock_release(&addresses->lock);
    atomic_store_explicit(&addresses->doubted, false, memory_order_relaxed);
}

void addresses_doubt(struct addresses *addresses)
{
    atomic_store_explicit(&addresses->doubted, !addresses->is_numeric, memory_order_relaxed);
}

bool addresses_are_doubted(const struct addresses *addresses)
{
    return atomic_load_explicit(&addresses->doubted, memory_order_relaxed);
}

// The new answer replaces the old one; what worked last stays first if it is still there.
static void keep(struct addresses *addresses, const struct address *items, size_t count)
{
    lock_acquire(&addresses->lock);
    struct address working = addresses->items[addresses->preferred];
    bool had_any = addresses->count > 0;
    memcpy(addresses->items, items, count * sizeof(*items));
    addresses->count = count;
    size_t at = had_any ? find(addresses, &working) : 0;
    addresses->preferred = at < count ? at : 0;
    lock_release(&addresses->lock);
    atomic_store_explicit(&addresses->doubted, false, memory_order_relaxed);
}

enum error addresses_ask(struct task *task, struct addresses *addresses, uint64_t deadline_ns)
{
    struct address items[IO_ADDRESSES_MAX];
    size_t count;
    if (addresses->is_numeric)
        return ERROR_NONE;
    enum error error = io_resolve(task, addresses->host, addresses->port, deadline_ns, items,
        ARRAY_SIZE(items), &count);
    if (error == ERROR_NONE && count == 0)
        error = ERROR_RESOLVE;
    if (error != ERROR_CANCELLED)
        atomic_store_explicit(&addresses->asked_ns, task_now_ns(task), memory_order_relaxed);
    if (error == ERROR_NONE)
        keep(addresses, items, count);
    return error;
}

enum error addresses_ask_again(struct task *task, struct addresses *addresses, uint64_t deadline_ns)
{
    uint64_t asked = atomic_load_explicit(&addresses->asked_ns, memory_order_relaxed);
    if (addresses->is_numeric || (asked != 0 && task_now_ns(task) < asked + ASK_AGAIN_NS)
        || atomic_exchange(&addresses->asking, true))
        return ERROR_BUSY;
    enum error error = addresses_ask(task, addresses, deadline_ns);
    atomic_store(&addresses->asking, false);
    return error;
}
