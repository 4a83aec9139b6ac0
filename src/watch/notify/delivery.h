// Who is still to be told what, and when it is tried: pure, with the time as an argument. Each
// destination (the mail server, each webhook) is a channel of its own, so one that hangs or is dead
// delays no other.
//
// A delivery that is put off is tried again after 10 s, twice that, and so on up to an hour, less
// up to a quarter by chance; for a day. A channel whose server cannot be reached at all waits in
// the same steps, and then tries one.
#pragma once

#include "base/random.h"
#include "watch/notify/digest.h"
#include "watch/page/words.h"

#define DELIVERY_FIRST_WAIT_MS 10000
#define DELIVERY_LONGEST_WAIT_MS 3600000
#define DELIVERY_GIVE_UP_MS 86400000
#define DELIVERIES_MAX 50000
#define CHANNELS_MAX (1 + NOTIFY_WEBHOOKS_MAX)
#define CHANNEL_MAIL 0        // the others are webhooks', in the order of the settings
#define CHANNEL_MAIL_AT_ONCE 4

enum recipient_kind { // stored
    RECIPIENT_OPERATOR = 0,
    RECIPIENT_SUBSCRIBER = 1,
    RECIPIENT_WEBHOOK = 2,
    RECIPIENT_CONFIRMING = 3, // never stored: who does not get it asks again
};

// What is told, shared by its deliveries.
struct delivery_message {
    struct list link;
    struct digest_message *content; // NULL: of one who is to confirm
    size_t references;
};

struct delivery {
    struct list link;           // on a list of its channel; on none while it is tried
    struct list age;            // all of them, the oldest first
    struct delivery_message *message;
    enum recipient_kind kind;
    unsigned channel;
    unsigned tries;
    bool is_tried_now;
    int64_t since_ms, due_ms;
    enum language language;     // of a confirmation
    struct slice to, words;     // address or URL; of a confirmation its link
    char bytes[];
};

enum delivery_outcome {
    DELIVERY_SENT,
    DELIVERY_LATER,     // this one
    DELIVERY_UNREACHED, // nobody can be told anything there just now
    DELIVERY_REFUSED,   // for good
    DELIVERY_BOUNCED,   // likewise; there is no such recipient
    DELIVERY_GONE,      // nothing is wanted there any more
};

struct channel {
    struct list ready, waiting;
    int64_t next_ms;       // the first of those that wait
    unsigned running, at_once;
    unsigned failures;     // in a row, of reaching it at all
    int64_t held_until_ms;
    bool is_closed;        // it said that it wants nothing any more
};

struct delivery_queue {
    struct channel channels[CHANNELS_MAX];
    unsigned channel_count;
    struct list all;
    size_t count, maximum;
    struct random random;
};

void delivery_queue_init(struct delivery_queue *queue, unsigned channel_count, uint64_t seed);
struct delivery *delivery_create(struct delivery_message *message, enum recipient_kind kind,
    unsigned channel, struct slice to, struct slice words, int64_t since_ms) MUST_CHECK;
// Takes it over. Returns what there was no room for, taken out of the queue: the oldest that is not
// tried now; or NULL.
struct delivery *delivery_queue_add(struct delivery_queue *queue, struct delivery *delivery);
// The next of these channels to be tried now, marked so; NULL: none.
struct delivery *delivery_queue_next(struct delivery_queue *queue, unsigned first_channel,
    unsigned channel_end, int64_t now_ms);
// What has become of one that was tried. True: it is done with, the caller's; false: it is put off.
// wait_ms: what the server asks for, 0: nothing.
bool delivery_queue_settle(struct delivery_queue *queue, struct delivery *delivery,
    enum delivery_outcome outcome, uint64_t wait_ms, int64_t now_ms);
// When there is something to try; INT64_MAX: never.
int64_t delivery_queue_due_ms(const struct delivery_queue *queue, unsigned first_channel,
    unsigned channel_end, int64_t now_ms);
// The oldest that was made before then, taken out, whatever it waits for; NULL: none is left (that
// is not tried now).
struct delivery *delivery_queue_take_oldest(struct delivery_queue *queue, int64_t before_ms);
// One of a channel that wants nothing any more, taken out; NULL: none is left.
struct delivery *delivery_queue_take_unwanted(struct delivery_queue *queue);
// For the end: any, taken out, also of those tried now.
struct delivery *delivery_queue_take_any(struct delivery_queue *queue);
