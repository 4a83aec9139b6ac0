// What the courier's files share. One lock for all of it, held for no more than memory takes.
//
// Lanes do the sending, each a thread with a multi handle of its own: one for all webhooks at once,
// and some for mail, one at a time in each, for curl blocks until the server has taken it.
#pragma once

#include "base/lock.h"
#include "watch/notify/courier.h"
#include "watch/notify/seal.h"
#include "watch/notify/subscribers.h"
#include "watch/notify/telling.h"
#include "watch/notify/transfer.h"

#include <pthread.h>
#include <stdatomic.h>

#define CONFIRMATIONS_AN_HOUR 200        // mails to those who have not confirmed yet, in all
#define CONFIRMATIONS_FROM_NETWORK 5     // of them asked for from one network
#define CONFIRMATION_VALID_MS 86400000

struct confirmation_sent {
    uint64_t address, network; // hashes
    int64_t at_ms;             // 0: free
};

// What is being written to the disk may take as long as the disk has a fault, longer than the
// courier lives: this is what it holds on to. Under its lock the courier is there, or NULL.
struct tether {
    struct lock lock;
    struct courier *courier;
    struct database *database;
    atomic_uint references;
};
struct batch_record;

// A message whose deliveries wait until it is on the disk, or until that has taken too long.
struct batch {
    struct list link;
    uint64_t number;                 // its own
    struct delivery_message *message;
    struct list deliveries;
    uint64_t since_ms;               // monotonic
};
#define BATCH_PATIENCE_MS 5000

#define LANES (1 + CHANNEL_MAIL_AT_ONCE)
#define LANE_WEBHOOKS 0 // gathers, too

struct lane {
    struct courier *courier;
    unsigned first_channel, channel_end;
    unsigned at_once;             // transfers
    CURLM *multi;
    struct list transfers;
    unsigned transfer_count;
    struct mail_sockets sockets;
    pthread_t thread;
    bool is_running;
};

struct courier {
    struct lock lock;
    struct digest digest;
    struct delivery_queue queue;
    struct list messages;            // that have deliveries
    struct subscribers subscribers;
    struct courier_counts counts;
    uint64_t next_sequence;
    struct confirmation_sent confirmations[CONFIRMATIONS_AN_HOUR];
    struct list batches;             // being written
    uint64_t next_batch;
    struct tether *tether;

    struct database *database;
    uint64_t seed;
    struct seal seal;
    struct arena arena;              // of all that follows
    struct telling telling;
    enum language language;          // of those whom the settings name
    struct mail_way mail;            // url empty: there is no mail
    struct slice list_id;
    struct slice *operators;
    size_t operator_count;
    struct webhook_way *webhooks;
    size_t webhook_count;
    struct network_list allow;
    bool may_subscribe;

    struct lane lanes[LANES];
    atomic_bool is_stopping;
    int64_t (*wall_ms)(void *context); // the clock; tests have their own
    void *wall_context;
};

int64_t courier_now_ms(const struct courier *courier);
void courier_wake(struct courier *courier); // all lanes; any thread

// --- courier_setup.c ---

enum error courier_read_settings(struct courier *courier, const struct notify_settings *settings,
    const struct brand *brand, struct text *why) MUST_CHECK;

// --- courier_send.c: in the lane's thread ---

// What is due is tried; what has ended is settled.
void courier_start_transfers(struct lane *lane, int64_t now_ms);
void courier_end_transfers(struct lane *lane, int64_t now_ms);
// Forgets a delivery that is done with, on the disk too, and its message with the last one. The
// lock is held.
void courier_finish(struct courier *courier, struct delivery *delivery);
// What the disk has not taken in time is sent all the same.
void courier_let_go_of_late(struct courier *courier);
// Into the queue; makes room where there is none. The lock is held.
void courier_enqueue(struct courier *courier, struct delivery *delivery);

// --- notify_store.c ---

void notify_store_notice(struct courier *courier, const struct digest_item *item);
void notify_store_forget_notice(struct courier *courier, uint64_t sequence);
// What is written of a batch, apart from it, and the message and its deliveries in one piece; then
// courier_batch_written, maybe at once: not under the lock. prepare: NULL, no memory.
struct batch_record *notify_store_prepare(struct courier *courier,
    const struct batch *batch) MUST_CHECK;
void notify_store_batch(struct database *database, struct batch_record *record);
void courier_batch_written(struct courier *courier, uint64_t number); // any thread
void notify_store_release_tether(struct tether *tether);
void notify_store_tries(struct courier *courier, const struct delivery *delivery);
void notify_store_forget_delivery(struct courier *courier, const struct delivery *delivery);
void notify_store_forget_message(struct courier *courier, const struct delivery_message *message);
void notify_store_subscriber(struct courier *courier, const struct subscriber *subscriber);
void notify_store_forget_subscriber(struct courier *courier, struct slice address);
// All that a last run left. Blocks.
enum error notify_store_load(struct courier *courier) MUST_CHECK;

// --- subscribe.c, subscribe_page.c ---

// The link by which somebody ends it; the arena's. data NULL: no memory.
struct slice subscribe_end_link(const struct courier *courier, struct slice address,
    enum language language, struct arena *arena);
