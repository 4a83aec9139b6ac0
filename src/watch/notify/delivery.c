// Lists and times.
#include "watch/notify/delivery.h"
#include "base/memory.h"

void delivery_queue_init(struct delivery_queue *queue, unsigned channel_count, uint64_t seed)
{
    *queue = (struct delivery_queue){.channel_count = channel_count, .maximum = DELIVERIES_MAX};
    random_seed(&queue->random, seed);
    list_init(&queue->all);
    for (unsigned i = 0; i < channel_count; i++) {
        struct channel *channel = &queue->channels[i];
        list_init(&channel->ready);
        list_init(&channel->waiting);
        channel->next_ms = INT64_MAX;
        channel->at_once = i == CHANNEL_MAIL ? CHANNEL_MAIL_AT_ONCE : 1;
    }
}

static struct slice keep(struct delivery *delivery, size_t at, struct slice text)
{
    if (text.size > 0)
        memcpy(delivery->bytes + at, text.data, text.size);
    delivery->bytes[at + text.size] = '\0';
    return slice_of(delivery->bytes + at, text.size);
}

struct delivery *delivery_create(struct delivery_message *message, enum recipient_kind kind,
    unsigned channel, struct slice to, struct slice words, int64_t since_ms)
{
    struct delivery *delivery = memory_alloc(sizeof(*delivery) + to.size + words.size + 2);
    if (delivery == NULL)
        return NULL;
    *delivery = (struct delivery){.message = message, .kind = kind, .channel = channel,
        .since_ms = since_ms};
    delivery->to = keep(delivery, 0, to);
    delivery->words = keep(delivery, to.size + 1, words);
    list_init(&delivery->link);
    list_init(&delivery->age);
    message->references++;
    return delivery;
}

static void wait_for(struct channel *channel, struct delivery *delivery)
{
    list_append(&channel->waiting, &delivery->link);
    channel->next_ms = MINIMUM(channel->next_ms, delivery->due_ms);
}

static void take_out(struct delivery_queue *queue, struct delivery *delivery)
{
    list_remove(&delivery->link);
    list_remove(&delivery->age);
    queue->count--;
}

struct delivery *delivery_queue_take_oldest(struct delivery_queue *queue, int64_t before_ms)
{
    LIST_FOREACH(link, &queue->all) {
        struct delivery *delivery = LIST_ENTRY(link, struct delivery, age);
        if (delivery->is_tried_now)
            continue;
        if (delivery->since_ms >= before_ms)
            return NULL;
        take_out(queue, delivery);
        return delivery;
    }
    return NULL;
}

struct delivery *delivery_queue_take_unwanted(struct delivery_queue *queue)
{
    for (unsigned i = 0; i < queue->channel_count; i++) {
        struct channel *channel = &queue->channels[i];
        struct list *list = list_is_empty(&channel->ready) ? &channel->waiting : &channel->ready;
        if (!channel->is_closed || list_is_empty(list))
            continue;
        struct delivery *delivery = LIST_ENTRY(list->next, struct delivery, link);
        take_out(queue, delivery);
        return delivery;
    }
    return NULL;
}

struct delivery *delivery_queue_take_any(struct delivery_queue *queue)
{
    if (list_is_empty(&queue->all))
        return NULL;
    struct delivery *delivery = LIST_ENTRY(queue->all.next, struct delivery, age);
    take_out(queue, delivery);
    return delivery;
}

struct delivery *delivery_queue_add(struct delivery_queue *queue, struct delivery *delivery)
{
    struct channel *channel = &queue->channels[delivery->channel];
    struct delivery *dropped = queue->count < queue->maximum
        ? NULL : delivery_queue_take_oldest(queue, INT64_MAX);
    list_append(&queue->all, &delivery->age);
    queue->count++;
    if (delivery->due_ms > 0)
        wait_for(channel, delivery);
    else
        list_append(&channel->ready, &delivery->link);
    return dropped;
}

// --- When ---

// The step from which the wait would be the longest is far below 32.
static int64_t wait_of(struct delivery_queue *queue, unsigned failures)
{
    unsigned steps = MINIMUM(MAXIMUM(failures, 1) - 1, 16);
    uint64_t wait_ms = MINIMUM((uint64_t)DELIVERY_FIRST_WAIT_MS << steps,
        DELIVERY_LONGEST_WAIT_MS);
    return (int64_t)(wait_ms - random_below(&queue->random, wait_ms / 4));
}

// The clock may have been set back: nobody waits longer than the longest wait.
static bool is_due(int64_t due_ms, int64_t now_ms)
{
    return due_ms <= now_ms || due_ms > now_ms + 2 * (int64_t)DELIVERY_LONGEST_WAIT_MS;
}

static void wake_waiting(struct channel *channel, int64_t now_ms)
{
    if (!is_due(channel->next_ms, now_ms) || list_is_empty(&channel->waiting))
        return;
    channel->next_ms = INT64_MAX;
    LIST_FOREACH(link, &channel->waiting) {
        struct delivery *delivery = LIST_ENTRY(link, struct delivery, link);
        if (is_due(delivery->due_ms, now_ms)) {
            list_remove(link);
            list_append(&channel->ready, link);
        } else {
            channel->next_ms = MINIMUM(channel->next_ms, delivery->due_ms);
        }
    }
}

// How many may be tried at once: one, as long as nobody knows whether it can be reached again.
static unsigned at_once(const struct channel *channel)
{
    return channel->failures > 0 ? 1 : channel->at_once;
}

struct delivery *delivery_queue_next(struct delivery_queue *queue, unsigned first_channel,
    unsigned channel_end, int64_t now_ms)
{
    for (unsigned i = first_channel; i < MINIMUM(channel_end, queue->channel_count); i++) {
        struct channel *channel = &queue->channels[i];
        wake_waiting(channel, now_ms);
        bool is_held = channel->failures > 0 && !is_due(channel->held_until_ms, now_ms);
        if (list_is_empty(&channel->ready) || channel->running >= at_once(channel) || is_held)
            continue;
        struct delivery *delivery = LIST_ENTRY(channel->ready.next, struct delivery, link);
        list_remove(&delivery->link);
        delivery->is_tried_now = true;
        channel->running++;
        return delivery;
    }
    return NULL;
}

int64_t delivery_queue_due_ms(const struct delivery_queue *queue, unsigned first_channel,
    unsigned channel_end, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    for (unsigned i = first_channel; i < MINIMUM(channel_end, queue->channel_count); i++) {
        const struct channel *channel = &queue->channels[i];
        if (channel->running >= at_once(channel))
            continue; // its end wakes us
        int64_t first_ms = list_is_empty(&channel->ready) ? channel->next_ms : now_ms;
        if (channel->failures > 0 && first_ms != INT64_MAX)
            first_ms = MAXIMUM(first_ms, channel->held_until_ms);
        due_ms = MINIMUM(due_ms, first_ms);
    }
    return due_ms;
}

// --- What became of it ---

static void put_off(struct delivery_queue *queue, struct delivery *delivery, uint64_t wait_ms,
    int64_t now_ms)
{
    int64_t asked_ms = (int64_t)MINIMUM(wait_ms, DELIVERY_LONGEST_WAIT_MS);
    delivery->tries++;
    delivery->due_ms = now_ms + MAXIMUM(wait_of(queue, delivery->tries), asked_ms);
    wait_for(&queue->channels[delivery->channel], delivery);
}

// All of them wait, and it goes to their end: it may be the one that the server dies of.
static void hold(struct delivery_queue *queue, struct delivery *delivery, int64_t now_ms)
{
    struct channel *channel = &queue->channels[delivery->channel];
    delivery->tries++;
    delivery->due_ms = 0;
    if (channel->failures == 0 || is_due(channel->held_until_ms, now_ms)) {
        channel->failures++;
        channel->held_until_ms = now_ms + wait_of(queue, channel->failures);
    }
    list_append(&channel->ready, &delivery->link);
}

bool delivery_queue_settle(struct delivery_queue *queue, struct delivery *delivery,
    enum delivery_outcome outcome, uint64_t wait_ms, int64_t now_ms)
{
    struct channel *channel = &queue->channels[delivery->channel];
    bool is_over = now_ms - delivery->since_ms >= DELIVERY_GIVE_UP_MS;
    delivery->is_tried_now = false;
    channel->running--;
    if (outcome != DELIVERY_UNREACHED)
        channel->failures = 0;
    switch (outcome) {
    case DELIVERY_LATER:
        if (is_over)
            break;
        put_off(queue, delivery, wait_ms, now_ms);
        return false;
    case DELIVERY_UNREACHED:
        hold(queue, delivery, now_ms);
        if (is_over)
            break;
        return false;
    case DELIVERY_GONE:
        channel->is_closed = true;
        break;
    case DELIVERY_SENT:
    case DELIVERY_REFUSED:
    case DELIVERY_BOUNCED:
        break;
    }
    take_out(queue, delivery);
    return true;
}
