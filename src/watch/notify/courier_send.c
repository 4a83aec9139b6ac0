// From a delivery to bytes under way, and from their end to what becomes of it.
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "watch/notify/courier_inside.h"
#include "watch/notify/mail.h"

#include <inttypes.h>

#define COMPOSE_ARENA_MAX ((size_t)4 << 20)
#define ID_SIZE 80
#define ID_SEED UINT64_C(0x61666c6f61740002) // always the same: ids are too

// --- The queue, under the lock ---

static void release_message(struct courier *courier, struct delivery_message *message)
{
    if (--message->references > 0)
        return;
    notify_store_forget_message(courier, message);
    list_remove(&message->link);
    digest_message_free(message->content);
    memory_free(message);
}

void courier_finish(struct courier *courier, struct delivery *delivery)
{
    notify_store_forget_delivery(courier, delivery);
    release_message(courier, delivery->message);
    memory_free(delivery);
}

static void drop(struct courier *courier, struct delivery *delivery, const char *why)
{
    if (courier->counts.dropped++ % 1000 == 0)
        log_write(LOG_WARNING, "watch", "a message is not delivered: %s; so far %" PRIu64, why,
            courier->counts.dropped);
    courier_finish(courier, delivery);
}

void courier_enqueue(struct courier *courier, struct delivery *delivery)
{
    struct delivery *dropped = delivery_queue_add(&courier->queue, delivery);
    if (dropped != NULL)
        drop(courier, dropped, "too many wait, and it is the oldest");
}

static void drop_what_is_over(struct courier *courier, int64_t now_ms)
{
    struct delivery *delivery;
    while ((delivery = delivery_queue_take_unwanted(&courier->queue)) != NULL)
        drop(courier, delivery, "its webhook answered 410 and wants no more");
    while ((delivery = delivery_queue_take_oldest(&courier->queue, now_ms - DELIVERY_GIVE_UP_MS))
        != NULL)
        drop(courier, delivery, "it waited for a day");
}

// The lock is held.
static void let_go(struct courier *courier, struct batch *batch)
{
    list_remove(&batch->link);
    LIST_FOREACH(link, &batch->deliveries) {
        list_remove(link);
        courier_enqueue(courier, LIST_ENTRY(link, struct delivery, link));
    }
    release_message(courier, batch->message);
    memory_free(batch);
}

void courier_batch_written(struct courier *courier, uint64_t number)
{
    lock_acquire(&courier->lock);
    LIST_FOREACH(link, &courier->batches) {
        struct batch *batch = LIST_ENTRY(link, struct batch, link);
        if (batch->number == number)
            let_go(courier, batch);
    }
    lock_release(&courier->lock);
    courier_wake(courier);
}

void courier_let_go_of_late(struct courier *courier)
{
    uint64_t now_ms = clock_now_ms();
    bool is_well = database_is_well(courier->database);
    lock_acquire(&courier->lock);
    LIST_FOREACH(link, &courier->batches) {
        struct batch *batch = LIST_ENTRY(link, struct batch, link);
        if (!is_well || now_ms - batch->since_ms >= BATCH_PATIENCE_MS)
            let_go(courier, batch);
    }
    lock_release(&courier->lock);
}

// --- Out ---

// Which delivery it is, for those who get it twice.
static struct slice name_delivery(const struct delivery *delivery, struct text *text)
{
    const struct digest_message *content = delivery->message->content;
    text_append(text, content == NULL ? SLICE("confirm") : slice_from_string(content->id));
    text_append_byte(text, '.');
    text_append_hex(text, hash_bytes(content == NULL ? delivery->words : delivery->to, ID_SEED),
        16);
    return text_slice(text);
}

static enum error write_words(const struct courier *courier, const struct delivery *delivery,
    const struct telling_reader *wanted, struct arena *arena, struct mail *mail)
{
    struct telling_mail words;
    struct telling_reader reader = *wanted;
    enum error error;
    if (delivery->kind == RECIPIENT_SUBSCRIBER) {
        mail->unsubscribe =
            subscribe_end_link(courier, delivery->to, reader.language, arena);
        mail->list = courier->list_id;
        if (mail->unsubscribe.data == NULL)
            return ERROR_MEMORY;
        reader.unsubscribe = mail->unsubscribe;
    }
    if (delivery->kind == RECIPIENT_CONFIRMING)
        error = telling_write_confirmation(&courier->telling, delivery->words,
            delivery->language, arena, &words);
    else
        error = telling_write_mail(&courier->telling, delivery->message->content, &reader,
            arena, &words);
    if (error != ERROR_NONE)
        return error;
    mail->subject = words.subject;
    mail->text = words.text;
    mail->html = words.html;
    return ERROR_NONE;
}

static struct transfer *start_mail(struct lane *lane, struct delivery *delivery,
    const struct telling_reader *reader, int64_t now_ms)
{
    const struct courier *courier = lane->courier;
    char buffer[ID_SIZE], *bytes = NULL;
    size_t size = 0;
    struct text id = text_in(buffer, sizeof(buffer));
    struct mail mail = {.from = courier->mail.from, .from_name = courier->telling.name,
        .to = delivery->to, .id = name_delivery(delivery, &id), .at_ms = now_ms};
    struct arena arena;
    arena_init(&arena, 65536, COMPOSE_ARENA_MAX);
    enum error error = write_words(courier, delivery, reader, &arena, &mail);
    if (error == ERROR_NONE)
        error = mail_write(&mail, &bytes, &size);
    arena_free(&arena);
    return error != ERROR_NONE ? NULL
        : transfer_mail(&courier->mail, delivery, bytes, size, &lane->sockets);
}

static struct transfer *start_webhook(const struct courier *courier, struct delivery *delivery,
    int64_t now_ms)
{
    char buffer[ID_SIZE], *body;
    size_t size;
    struct text id = text_in(buffer, sizeof(buffer));
    const struct webhook_way *way = &courier->webhooks[delivery->channel - 1];
    if (telling_write_json(&courier->telling, delivery->message->content, &body, &size)
        != ERROR_NONE)
        return NULL;
    return transfer_webhook(way, delivery, body, size, name_delivery(delivery, &id),
        now_ms / 1000);
}

// What a subscriber chose, and his language; false: he is none any more, or it does not concern him
// now.
static bool read_reader(struct courier *courier, const struct delivery *delivery,
    struct text *chosen, struct telling_reader *ret_reader)
{
    *ret_reader = (struct telling_reader){.language = courier->language};
    if (delivery->kind != RECIPIENT_SUBSCRIBER)
        return true;
    const struct subscriber *subscriber = subscribers_find(&courier->subscribers, delivery->to);
    if (subscriber == NULL)
        return false;
    text_append(chosen, subscriber->components);
    ret_reader->language = subscriber->language;
    ret_reader->chosen = text_slice(chosen);
    LIST_FOREACH(link, &delivery->message->content->items) {
        if (digest_item_concerns(LIST_ENTRY(link, struct digest_item, link), text_slice(chosen)))
            return true;
    }
    return false;
}

static void settle(struct courier *courier, struct delivery *delivery,
    const struct transfer_end *end, int64_t now_ms);

static void start(struct lane *lane, struct delivery *delivery,
    const struct telling_reader *reader, int64_t now_ms)
{
    struct transfer *transfer = delivery->kind == RECIPIENT_WEBHOOK
        ? start_webhook(lane->courier, delivery, now_ms)
        : start_mail(lane, delivery, reader, now_ms);
    if (transfer != NULL && curl_multi_add_handle(lane->multi, transfer->easy) == CURLM_OK) {
        list_append(&lane->transfers, &transfer->link);
        lane->transfer_count++;
        return;
    }
    transfer_free(transfer);
    settle(lane->courier, delivery, &(struct transfer_end){.outcome = DELIVERY_LATER,
        .why = "not enough memory"}, now_ms);
}

void courier_start_transfers(struct lane *lane, int64_t now_ms)
{
    char buffer[SUBSCRIBER_COMPONENTS_MAX];
    struct courier *courier = lane->courier;
    while (lane->transfer_count < lane->at_once) {
        struct text chosen = text_in(buffer, sizeof(buffer));
        lock_acquire(&courier->lock);
        drop_what_is_over(courier, now_ms);
        struct delivery *delivery = delivery_queue_next(&courier->queue, lane->first_channel,
            lane->channel_end, now_ms);
        struct telling_reader reader;
        bool is_wanted = delivery != NULL && read_reader(courier, delivery, &chosen, &reader);
        lock_release(&courier->lock);
        if (delivery == NULL)
            return;
        if (is_wanted)
            start(lane, delivery, &reader, now_ms);
        else
            settle(courier, delivery, &(struct transfer_end){.outcome = DELIVERY_GONE}, now_ms);
    }
}

// --- And what came of it ---

// Who cannot be told so many times in a row is gone.
static void note_bounce(struct courier *courier, const struct delivery *delivery,
    enum delivery_outcome outcome)
{
    struct subscriber *subscriber = delivery->kind == RECIPIENT_SUBSCRIBER
        ? subscribers_find(&courier->subscribers, delivery->to) : NULL;
    if (subscriber == NULL)
        return;
    if (outcome == DELIVERY_BOUNCED && ++subscriber->bounces >= SUBSCRIBER_BOUNCES_MAX) {
        notify_store_forget_subscriber(courier, delivery->to);
        (void)subscribers_remove(&courier->subscribers, delivery->to);
        log_write(LOG_INFO, "watch", "a subscriber is struck off: his mail server knows him not");
        return;
    }
    if (outcome == DELIVERY_SENT && subscriber->bounces > 0)
        subscriber->bounces = 0;
    else if (outcome != DELIVERY_BOUNCED)
        return;
    notify_store_subscriber(courier, subscriber);
}

static struct slice shown(const struct courier *courier, unsigned channel)
{
    return channel == CHANNEL_MAIL ? SLICE("the mail server")
                                   : courier->webhooks[channel - 1].shown;
}

// A server that is away is complained about once, not for each message.
static void complain(const struct courier *courier, unsigned channel, unsigned failures,
    const struct transfer_end *end, bool is_over)
{
    struct slice who = shown(courier, channel);
    switch (end->outcome) {
    case DELIVERY_SENT:
        if (failures > 0)
            log_write(LOG_INFO, "watch", "%.*s takes messages again", SLICE_ARGS(who));
        return;
    case DELIVERY_UNREACHED:
        if (failures == 0)
            log_write(LOG_WARNING, "watch", "%.*s takes no messages, they are kept: %s",
                SLICE_ARGS(who), end->why);
        return;
    case DELIVERY_LATER:
        log_write(is_over ? LOG_WARNING : LOG_DEBUG, "watch", "%.*s puts a message off: %s",
            SLICE_ARGS(who), end->why);
        return;
    case DELIVERY_REFUSED:
    case DELIVERY_BOUNCED:
        log_write(LOG_WARNING, "watch", "%.*s refuses a message: %s", SLICE_ARGS(who), end->why);
        return;
    case DELIVERY_GONE:
        break;
    }
    log_write(LOG_WARNING, "watch", "%.*s wants no more messages (410); none are sent there until "
        "the next start", SLICE_ARGS(who));
}

static void settle(struct courier *courier, struct delivery *delivery,
    const struct transfer_end *end, int64_t now_ms)
{
    unsigned channel = delivery->channel;
    bool is_unwanted = end->outcome == DELIVERY_GONE && channel == CHANNEL_MAIL;
    enum delivery_outcome outcome = is_unwanted ? DELIVERY_REFUSED : end->outcome;
    lock_acquire(&courier->lock);
    unsigned failures = courier->queue.channels[channel].failures;
    note_bounce(courier, delivery, outcome);
    bool is_over = delivery_queue_settle(&courier->queue, delivery, outcome, end->wait_ms, now_ms);
    if (!is_over) {
        courier->counts.tried_again++;
        notify_store_tries(courier, delivery);
    } else {
        courier->counts.sent += outcome == DELIVERY_SENT;
        courier->counts.dropped += is_unwanted;
        courier->counts.failed += outcome != DELIVERY_SENT && !is_unwanted;
        courier_finish(courier, delivery);
    }
    lock_release(&courier->lock);
    courier_wake(courier); // another lane may take the next one
    if (!is_unwanted)
        complain(courier, channel, failures, end, is_over);
}

void courier_end_transfers(struct lane *lane, int64_t now_ms)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(lane->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct transfer *transfer = NULL;
        struct transfer_end end;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer_judge(transfer, code, &end);
        (void)curl_multi_remove_handle(lane->multi, transfer->easy);
        // At the end, sockets are shut by us: no fault of the server's, and all stays as it was.
        if (end.outcome == DELIVERY_SENT || !atomic_load(&lane->courier->is_stopping))
            settle(lane->courier, transfer->delivery, &end, now_ms);
        transfer_free(transfer);
        lane->transfer_count--;
    }
}
