// See addresses.h.
#include "origin/addresses.h"

#define ASK_AGAIN_NS NS_PER_SECOND

void addresses_init(struct addresses *addresses, struct slice host, uint16_t port)
{
    *addresses = (struct addresses){.host = host, .port = port, .preferred = IO_ADDRESSES_MAX};
    lock_init(&addresses->lock);
    addresses->is_numeric =
        address_parse_host(host, port, &addresses->items[0].address) == ERROR_NONE;
    addresses->count = addresses->is_numeric ? 1 : 0;
}

void addresses_destroy(struct addresses *addresses)
{
    lock_destroy(&addresses->lock);
}

size_t addresses_copy(struct addresses *addresses, uint64_t now_ns,
    struct address ret_items[IO_ADDRESSES_MAX])
{
    size_t copied = 0;
    lock_acquire(&addresses->lock);
    size_t count = addresses->count;
    size_t first = addresses->preferred < count ? addresses->preferred : 0;
    for (unsigned avoided = 0; avoided < 2; avoided++) {
        for (size_t i = 0; i < count; i++) {
            const struct known_address *known = &addresses->items[(first + i) % count];
            if ((known->avoided_until_ns > now_ns) == (avoided == 1))
                ret_items[copied++] = known->address;
        }
    }
    lock_release(&addresses->lock);
    return count;
}

// Where it stands in the list; count if it does not. Under the lock.
static size_t find(const struct addresses *addresses, const struct address *address)
{
    size_t i = 0;
    while (i < addresses->count && !address_equal(&addresses->items[i].address, address))
        i++;
    return i;
}

void addresses_prefer(struct addresses *addresses, const struct address *address)
{
    if (addresses->is_numeric)
        return;
    lock_acquire(&addresses->lock);
    size_t at = find(addresses, address);
    if (at < addresses->count) {
        addresses->preferred = at;
        addresses->items[at].avoided_until_ns = 0;
        if (addresses->moving)
            atomic_fetch_add(&addresses->version, 1);
        addresses->moving = false;
    }
    lock_release(&addresses->lock);
    atomic_store_explicit(&addresses->doubted, false, memory_order_relaxed);
}

static bool has_unavoided(const struct addresses *addresses, uint64_t now_ns)
{
    size_t i = 0;
    while (i < addresses->count && addresses->items[i].avoided_until_ns > now_ns)
        i++;
    return i < addresses->count;
}

// Without another one there is nothing to avoid it for.
bool addresses_avoid(struct addresses *addresses, const struct address *address, uint64_t now_ns)
{
    bool is_replaced = false;
    if (addresses->is_numeric)
        return false;
    lock_acquire(&addresses->lock);
    size_t at = find(addresses, address);
    if (at < addresses->count && addresses->count > 1) {
        addresses->items[at].avoided_until_ns = now_ns + ADDRESSES_AVOID_NS;
        atomic_fetch_add(&addresses->version, 1);
        is_replaced = has_unavoided(addresses, now_ns);
    }
    lock_release(&addresses->lock);
    return is_replaced;
}

void addresses_doubt(struct addresses *addresses)
{
    atomic_store_explicit(&addresses->doubted, !addresses->is_numeric, memory_order_relaxed);
}

bool addresses_are_doubted(const struct addresses *addresses)
{
    return atomic_load_explicit(&addresses->doubted, memory_order_relaxed);
}

bool addresses_are_moving(struct addresses *addresses)
{
    lock_acquire(&addresses->lock);
    bool moving = addresses->moving;
    lock_release(&addresses->lock);
    return moving;
}

bool addresses_still_want(struct addresses *addresses, const struct address *address,
    uint64_t now_ns, uint64_t *seen)
{
    uint64_t version = atomic_load(&addresses->version);
    if (version == *seen || addresses->is_numeric)
        return true;
    lock_acquire(&addresses->lock);
    size_t at = find(addresses, address);
    bool wanted = at < addresses->count ? addresses->items[at].avoided_until_ns <= now_ns
        : addresses->moving;
    lock_release(&addresses->lock);
    if (wanted)
        *seen = version;
    return wanted;
}

static bool is_unknown(const struct io_names *names, const struct address *address)
{
    return address->any.sa_family == AF_INET6 ? names->v6_unknown : names->v4_unknown;
}

// What is known of an address that is known already goes over into the new list.
static void add(struct addresses *addresses, const struct addresses *before,
    const struct address *address)
{
    if (addresses->count == IO_ADDRESSES_MAX || find(addresses, address) < addresses->count)
        return;
    struct known_address *known = &addresses->items[addresses->count++];
    *known = (struct known_address){.address = *address};
    size_t at = find(before, address);
    if (at < before->count)
        known->avoided_until_ns = before->items[at].avoided_until_ns;
}

// The new answer replaces the old one; what worked last stays first if it is still there.
static void keep(struct addresses *addresses, const struct io_names *names)
{
    struct addresses before;
    lock_acquire(&addresses->lock);
    memcpy(before.items, addresses->items, sizeof(before.items));
    before.count = addresses->count;
    addresses->count = 0;
    for (size_t i = 0; i < names->count; i++)
        add(addresses, &before, &names->addresses[i]);
    for (size_t i = 0; i < before.count; i++) {
        if (is_unknown(names, &before.items[i].address))
            add(addresses, &before, &before.items[i].address);
        if (find(addresses, &before.items[i].address) == addresses->count)
            addresses->moving = true;
    }
    size_t at = addresses->preferred >= before.count ? IO_ADDRESSES_MAX
        : find(addresses, &before.items[addresses->preferred].address);
    addresses->preferred = at < addresses->count ? at : IO_ADDRESSES_MAX;
    lock_release(&addresses->lock);
    atomic_store_explicit(&addresses->lifetime_ms, names->lifetime_ms, memory_order_relaxed);
    atomic_store_explicit(&addresses->doubted, false, memory_order_relaxed);
}

enum error addresses_ask(struct task *task, struct addresses *addresses, uint64_t deadline_ns)
{
    struct io_names names;
    if (addresses->is_numeric)
        return ERROR_NONE;
    enum error error = io_resolve(task, addresses->host, addresses->port, deadline_ns, &names);
    if (error == ERROR_NONE && names.count == 0)
        error = ERROR_RESOLVE;
    if (error != ERROR_CANCELLED)
        atomic_store_explicit(&addresses->asked_ns, task_now_ns(task), memory_order_relaxed);
    if (error == ERROR_NONE)
        keep(addresses, &names);
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
