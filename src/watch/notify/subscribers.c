// A table of lists; it does not grow, for there is a bound to how many there are.
#include "watch/notify/subscribers.h"
#include "base/hash.h"
#include "base/memory.h"
#include "watch/notify/mail_address.h"

void subscribers_init(struct subscribers *subscribers, size_t maximum, uint64_t seed)
{
    subscribers->count = 0;
    subscribers->maximum = maximum;
    subscribers->seed = seed;
    for (size_t i = 0; i < SUBSCRIBERS_BUCKETS; i++)
        list_init(&subscribers->buckets[i]);
}

void subscribers_free(struct subscribers *subscribers)
{
    for (size_t i = 0; i < SUBSCRIBERS_BUCKETS; i++) {
        LIST_FOREACH(link, &subscribers->buckets[i])
            memory_free(LIST_ENTRY(link, struct subscriber, link));
    }
}

static struct list *bucket_of(struct subscribers *subscribers, struct slice address)
{
    char lower[MAIL_ADDRESS_MAX];
    size_t size = MINIMUM(address.size, sizeof(lower));
    for (size_t i = 0; i < size; i++)
        lower[i] = (char)(address.data[i] >= 'A' && address.data[i] <= 'Z'
            ? address.data[i] | 0x20 : address.data[i]);
    return &subscribers->buckets[hash_bytes(slice_of(lower, size), subscribers->seed)
        % SUBSCRIBERS_BUCKETS];
}

struct subscriber *subscribers_find(struct subscribers *subscribers, struct slice address)
{
    LIST_FOREACH(link, bucket_of(subscribers, address)) {
        struct subscriber *subscriber = LIST_ENTRY(link, struct subscriber, link);
        if (slice_equal_nocase(subscriber->address, address))
            return subscriber;
    }
    return NULL;
}

static struct slice keep(struct subscriber *subscriber, size_t at, struct slice text)
{
    if (text.size > 0)
        memcpy(subscriber->bytes + at, text.data, text.size);
    return slice_of(subscriber->bytes + at, text.size);
}

enum error subscribers_put(struct subscribers *subscribers, struct slice address,
    struct slice components, enum language language, int64_t since_ms)
{
    struct subscriber *old = subscribers_find(subscribers, address);
    if (components.size > SUBSCRIBER_COMPONENTS_MAX
        || (old == NULL && subscribers->count >= subscribers->maximum))
        return ERROR_LIMIT;
    struct subscriber *subscriber = memory_alloc(sizeof(*subscriber) + address.size
        + components.size);
    if (subscriber == NULL)
        return ERROR_MEMORY;
    *subscriber = (struct subscriber){.language = language, .since_ms = since_ms};
    subscriber->address = keep(subscriber, 0, address);
    subscriber->components = keep(subscriber, address.size, components);
    list_append(bucket_of(subscribers, address), &subscriber->link);
    subscribers->count++;
    if (old == NULL)
        return ERROR_NONE;
    list_remove(&old->link);
    memory_free(old);
    subscribers->count--;
    return ERROR_NONE;
}

bool subscribers_remove(struct subscribers *subscribers, struct slice address)
{
    struct subscriber *subscriber = subscribers_find(subscribers, address);
    if (subscriber == NULL)
        return false;
    list_remove(&subscriber->link);
    subscribers->count--;
    memory_free(subscriber);
    return true;
}
