// The courier's life: its thread, what it is told, and its end.
#include "watch/notify/courier.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "edge/access_list.h"
#include "watch/notify/courier_inside.h"

#include <string.h>

#define ARENA_CHUNK ((size_t)4096)
#define ARENA_MAX ((size_t)1 << 20)
#define LONGEST_SLEEP_MS 10000 // so that a clock that was set is noticed
#define BATCH_LOOK_MS 500      // and a disk that does not come to its end

int64_t courier_now_ms(const struct courier *courier)
{
    return courier->wall_ms(courier->wall_context);
}

static int64_t real_wall_ms(void *context)
{
    (void)context;
    return clock_wall_ms();
}

void courier_wake(struct courier *courier)
{
    for (unsigned i = 0; i < LANES; i++) {
        if (courier->lanes[i].multi != NULL)
            (void)curl_multi_wakeup(courier->lanes[i].multi);
    }
}

// --- Its beginning ---

// Those for mail only where there is some.
static bool make_lanes(struct courier *courier)
{
    unsigned count = courier->mail.url.size > 0 ? LANES : 1;
    for (unsigned i = 0; i < count; i++) {
        struct lane *lane = &courier->lanes[i];
        bool is_mail = i != LANE_WEBHOOKS;
        lane->first_channel = is_mail ? CHANNEL_MAIL : CHANNEL_MAIL + 1;
        lane->channel_end = is_mail ? CHANNEL_MAIL + 1 : CHANNELS_MAX;
        lane->at_once = is_mail ? 1 : NOTIFY_WEBHOOKS_MAX;
        lane->multi = curl_multi_init();
        if (lane->multi == NULL)
            return false;
        (void)curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)lane->at_once);
    }
    return true;
}

static enum error prepare(struct courier *courier, const struct notify_settings *settings,
    const struct brand *brand, const uint8_t secret[32], struct text *why)
{
    enum error error = seal_init(&courier->seal, secret);
    courier->tether = memory_zero_alloc(sizeof(*courier->tether));
    if (courier->tether == NULL)
        return ERROR_MEMORY;
    lock_init(&courier->tether->lock);
    courier->tether->courier = courier;
    courier->tether->database = courier->database;
    atomic_store(&courier->tether->references, 1);
    if (error == ERROR_NONE)
        error = courier_read_settings(courier, settings, brand, why);
    if (error != ERROR_NONE)
        return error;
    delivery_queue_init(&courier->queue, (unsigned)courier->webhook_count + 1, courier->seed);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !make_lanes(courier))
        return ERROR_MEMORY;
    return notify_store_load(courier);
}

enum error courier_create(const struct notify_settings *settings, const struct brand *brand,
    struct database *database, const uint8_t secret[32], struct text *why,
    struct courier **ret_courier)
{
    struct courier *courier = memory_zero_alloc(sizeof(*courier));
    if (courier == NULL)
        return ERROR_MEMORY;
    courier->database = database;
    courier->wall_ms = real_wall_ms;
    courier->next_sequence = 1;
    memcpy(&courier->seed, secret, sizeof(courier->seed));
    courier->seed ^= (uint64_t)clock_wall_ms();
    lock_init(&courier->lock);
    list_init(&courier->batches);
    arena_init(&courier->arena, ARENA_CHUNK, ARENA_MAX);
    list_init(&courier->messages);
    digest_init(&courier->digest, settings->digest_ms);
    subscribers_init(&courier->subscribers, settings->subscribers_max, courier->seed);
    delivery_queue_init(&courier->queue, 0, courier->seed);
    for (unsigned i = 0; i < LANES; i++) {
        courier->lanes[i].courier = courier;
        list_init(&courier->lanes[i].transfers);
        mail_sockets_init(&courier->lanes[i].sockets);
    }
    size_t before = why->size;
    enum error error = prepare(courier, settings, brand, secret, why);
    if (error == ERROR_NONE) {
        *ret_courier = courier;
        return ERROR_NONE;
    }
    if (why->size == before)
        text_append(why, slice_from_string(error_text(error)));
    courier_destroy(courier);
    return error;
}

// --- Its work ---

static void fan_out(struct courier *courier, struct batch *batch);

// The lock is held. NULL: no memory, or there is nothing to be told yet.
static struct batch_record *gather(struct courier *courier, int64_t now_ms)
{
    struct digest_message *content = digest_take(&courier->digest, now_ms);
    struct batch *batch = content == NULL ? NULL : memory_zero_alloc(sizeof(*batch));
    struct delivery_message *message = batch == NULL ? NULL : memory_zero_alloc(sizeof(*message));
    if (message == NULL) {
        if (content != NULL)
            log_write(LOG_ERROR, "watch", "not enough memory to tell anybody what happened");
        memory_free(batch);
        digest_message_free(content);
        return NULL;
    }
    message->content = content;
    message->references = 1; // the batch's own
    list_append(&courier->messages, &message->link);
    batch->message = message;
    batch->number = courier->next_batch++;
    batch->since_ms = clock_now_ms();
    list_init(&batch->deliveries);
    fan_out(courier, batch);
    list_append(&courier->batches, &batch->link);
    struct batch_record *record = notify_store_prepare(courier, batch);
    if (record == NULL)
        batch->since_ms -= BATCH_PATIENCE_MS; // it is sent from memory
    return record;
}

static void add(struct batch *batch, enum recipient_kind kind, unsigned channel, struct slice to)
{
    struct delivery *delivery = delivery_create(batch->message, kind, channel, to, SLICE_EMPTY,
        batch->message->content->at_ms);
    if (delivery != NULL)
        list_append(&batch->deliveries, &delivery->link);
    else
        log_write(LOG_ERROR, "watch", "not enough memory to tell everybody what happened");
}

static bool is_operator(const struct courier *courier, struct slice address)
{
    for (size_t i = 0; i < courier->operator_count; i++) {
        if (slice_equal_nocase(courier->operators[i], address))
            return true;
    }
    return false;
}

static void fan_out_to_subscribers(struct courier *courier, struct batch *batch)
{
    for (size_t i = 0; i < SUBSCRIBERS_BUCKETS; i++) {
        LIST_FOREACH(link, &courier->subscribers.buckets[i]) {
            const struct subscriber *subscriber = LIST_ENTRY(link, struct subscriber, link);
            bool concerns = false;
            LIST_FOREACH(item, &batch->message->content->items)
                concerns = concerns || digest_item_concerns(
                    LIST_ENTRY(item, struct digest_item, link), subscriber->components);
            if (concerns && !is_operator(courier, subscriber->address))
                add(batch, RECIPIENT_SUBSCRIBER, CHANNEL_MAIL, subscriber->address);
        }
    }
}

// Those whom the operator named come first.
static void fan_out(struct courier *courier, struct batch *batch)
{
    for (unsigned i = 0; i < courier->webhook_count; i++) {
        if (!courier->queue.channels[1 + i].is_closed)
            add(batch, RECIPIENT_WEBHOOK, 1 + i, courier->webhooks[i].url);
    }
    for (size_t i = 0; i < courier->operator_count; i++)
        add(batch, RECIPIENT_OPERATOR, CHANNEL_MAIL, courier->operators[i]);
    if (courier->mail.url.size > 0)
        fan_out_to_subscribers(courier, batch);
}

static int sleep_ms(struct lane *lane, int64_t now_ms)
{
    struct courier *courier = lane->courier;
    int64_t due_ms = INT64_MAX;
    lock_acquire(&courier->lock);
    if (lane->transfer_count < lane->at_once)
        due_ms = delivery_queue_due_ms(&courier->queue, lane->first_channel, lane->channel_end,
            now_ms);
    if (lane == &courier->lanes[LANE_WEBHOOKS])
        due_ms = MINIMUM(due_ms, digest_due_ms(&courier->digest));
    int64_t longest_ms = list_is_empty(&courier->batches) ? LONGEST_SLEEP_MS : BATCH_LOOK_MS;
    lock_release(&courier->lock);
    if (due_ms <= now_ms)
        return 0;
    return (int)(due_ms == INT64_MAX ? longest_ms : MINIMUM(due_ms - now_ms, longest_ms));
}

static void gather_if_due(struct courier *courier, int64_t now_ms)
{
    lock_acquire(&courier->lock);
    struct batch_record *record = gather(courier, now_ms);
    lock_release(&courier->lock);
    if (record != NULL)
        notify_store_batch(courier->database, record);
    courier_let_go_of_late(courier);
}

static void *lane_main(void *argument)
{
    struct lane *lane = argument;
    struct courier *courier = lane->courier;
    while (!atomic_load(&courier->is_stopping)) {
        int64_t now_ms = courier_now_ms(courier);
        int running = 0;
        if (lane == &courier->lanes[LANE_WEBHOOKS])
            gather_if_due(courier, now_ms);
        courier_start_transfers(lane, now_ms);
        (void)curl_multi_perform(lane->multi, &running);
        courier_end_transfers(lane, now_ms);
        (void)curl_multi_poll(lane->multi, NULL, 0, sleep_ms(lane, now_ms), NULL);
    }
    return NULL;
}

enum error courier_start(struct courier *courier)
{
    for (unsigned i = 0; i < LANES && courier->lanes[i].multi != NULL; i++) {
        struct lane *lane = &courier->lanes[i];
        enum error error = thread_start(&lane->thread, i == LANE_WEBHOOKS ? "courier" : "mail",
            lane_main, lane);
        if (error != ERROR_NONE)
            return error; // those that run are stopped with the courier
        lane->is_running = true;
    }
    return ERROR_NONE;
}

// --- Being told ---

void courier_tell(struct courier *courier, const struct notice *notice)
{
    const struct digest_item *item;
    uint64_t replaced;
    if (courier->webhook_count == 0 && courier->mail.url.size == 0)
        return;
    struct notice dated = *notice;
    if (dated.at_ms == 0)
        dated.at_ms = courier_now_ms(courier);
    lock_acquire(&courier->lock);
    enum digest_outcome outcome = digest_add(&courier->digest, &dated, courier->next_sequence++,
        &replaced, &item);
    if (replaced != 0)
        notify_store_forget_notice(courier, replaced);
    switch (outcome) {
    case DIGEST_TAKEN:
        notify_store_notice(courier, item);
        break;
    case DIGEST_FULL:
        if (courier->counts.dropped++ % 1000 == 0)
            log_write(LOG_WARNING, "watch", "too much happens at once to be told one by one");
        break;
    case DIGEST_KNOWN:
        break;
    }
    lock_release(&courier->lock);
    courier_wake(courier);
}

void courier_read_counts(struct courier *courier, struct courier_counts *ret_counts)
{
    lock_acquire(&courier->lock);
    *ret_counts = courier->counts;
    ret_counts->queued = courier->queue.count;
    ret_counts->subscribers = courier->subscribers.count;
    lock_release(&courier->lock);
}

// --- Its end ---

static void stop(struct courier *courier)
{
    atomic_store(&courier->is_stopping, true);
    courier_wake(courier);
    for (unsigned i = 0; i < LANES; i++)
        mail_sockets_shut(&courier->lanes[i].sockets);
    for (unsigned i = 0; i < LANES; i++) {
        if (courier->lanes[i].is_running)
            (void)pthread_join(courier->lanes[i].thread, NULL);
    }
    if (courier->tether == NULL)
        return;
    lock_acquire(&courier->tether->lock);
    courier->tether->courier = NULL;
    lock_release(&courier->tether->lock);
    notify_store_release_tether(courier->tether);
}

static void free_lane(struct lane *lane)
{
    LIST_FOREACH(link, &lane->transfers) {
        struct transfer *transfer = LIST_ENTRY(link, struct transfer, link);
        (void)curl_multi_remove_handle(lane->multi, transfer->easy);
        transfer_free(transfer);
    }
    if (lane->multi != NULL)
        (void)curl_multi_cleanup(lane->multi);
    mail_sockets_destroy(&lane->sockets);
}

static void free_messages(struct courier *courier)
{
    struct delivery *delivery;
    LIST_FOREACH(link, &courier->batches) {
        struct batch *batch = LIST_ENTRY(link, struct batch, link);
        LIST_FOREACH(item, &batch->deliveries)
            memory_free(LIST_ENTRY(item, struct delivery, link));
        memory_free(batch);
    }
    while ((delivery = delivery_queue_take_any(&courier->queue)) != NULL)
        memory_free(delivery);
    LIST_FOREACH(link, &courier->messages) {
        struct delivery_message *message = LIST_ENTRY(link, struct delivery_message, link);
        digest_message_free(message->content);
        memory_free(message);
    }
}

void courier_destroy(struct courier *courier)
{
    if (courier == NULL)
        return;
    stop(courier);
    for (unsigned i = 0; i < LANES; i++)
        free_lane(&courier->lanes[i]);
    free_messages(courier);
    digest_free(&courier->digest);
    subscribers_free(&courier->subscribers);
    access_list_free(&courier->allow);
    arena_free(&courier->arena);
    lock_destroy(&courier->lock);
    memory_free(courier);
}
