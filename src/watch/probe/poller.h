// What the polling thread waits with: descriptors (epoll), times, and libcurl's many transfers, all
// in one turn. Belongs to one thread, but for poller_wake. Inside of this folder.
#pragma once

#include "base/list.h"
#include "watch/probe/schedule.h"

#include <curl/curl.h>
#include <openssl/x509.h>

struct waiter { // for a descriptor
    void (*ready)(struct waiter *waiter, uint32_t events);
};

struct timer {
    struct due due;
    void (*fired)(struct timer *timer);
};

// Memory that somebody may still be told of in this turn; freed at its end.
struct spent {
    struct spent *next;
};

// A transfer of libcurl that knows no name but those it is given, see CURLOPT_RESOLVE.
struct transfer {
    CURL *easy;
    CURLSH *names;
    struct list link; // of those that are free
};

struct names;

struct poller {
    int epoll, wake;
    struct waiter woken;
    CURLM *multi;
    uint64_t curl_due_ms; // UINT64_MAX: it waits for descriptors alone
    void (*transferred)(CURL *easy, CURLcode code);
    struct due_heap timers;
    size_t timer_count; // that may be in the heap at once
    struct names *names;
    struct spent *spent;
    struct list transfers; // free ones
    size_t free_transfers;
    X509_STORE *trust;     // of all that this machine trusts, read once an hour; NULL: not yet
    uint64_t trusted_ms;
    bool told_of_ping, told_of_descriptors; // once is enough
};

enum error poller_create(struct poller *poller) MUST_CHECK;
void poller_destroy(struct poller *poller); // nothing is under way any more
// Waits until then at most, and does what there is to do.
void poller_turn(struct poller *poller, uint64_t until_ms);
void poller_wake(struct poller *poller); // any thread

enum error poller_watch(struct poller *poller, int descriptor, struct waiter *waiter,
    uint32_t events) MUST_CHECK; // of EPOLLIN, EPOLLOUT; again: others
void poller_unwatch(struct poller *poller, int descriptor); // before it is closed

// Every timer that is ever set has its place reserved first.
enum error poller_reserve_timer(struct poller *poller) MUST_CHECK;
void poller_return_timer(struct poller *poller, struct timer *timer);
void poller_set_timer(struct poller *poller, struct timer *timer, uint64_t at_ms);

void poller_discard(struct poller *poller, struct spent *spent); // the first member of a block

struct transfer *poller_take_transfer(struct poller *poller) MUST_CHECK; // NULL: no memory
void poller_give_transfer(struct poller *poller, struct transfer *transfer);
X509_STORE *poller_trust(struct poller *poller); // NULL: there is none
