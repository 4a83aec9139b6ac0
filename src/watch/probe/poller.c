// One epoll for all: descriptors of probes and of c-ares by their waiter, those of libcurl by their
// number.
#include "watch/probe/poller.h"
#include "base/clock.h"
#include "base/memory.h"
#include "watch/probe/names.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TURN_EVENTS 128
#define TURN_MOST_MS 60000
#define TIMERS_AT_ONCE 256      // more wait for the next turn
#define FREE_TRANSFERS_MAX 256
#define TRUST_FOR_MS 3600000

// A pointer has its two lowest bits clear.
#define CURL_TAG 1u

static void take_wake(struct waiter *waiter, uint32_t events)
{
    struct poller *poller = CONTAINER_OF(waiter, struct poller, woken);
    uint64_t count;
    (void)events;
    (void)!read(poller->wake, &count, sizeof(count));
}

void poller_wake(struct poller *poller)
{
    uint64_t one = 1;
    (void)!write(poller->wake, &one, sizeof(one)); // full: it is awake
}

static enum error control(struct poller *poller, int descriptor, uint32_t events, uint64_t tag)
{
    struct epoll_event event = {.events = events, .data.u64 = tag};
    if (epoll_ctl(poller->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0
        || (errno == EEXIST && epoll_ctl(poller->epoll, EPOLL_CTL_MOD, descriptor, &event) == 0))
        return ERROR_NONE;
    return error_from_errno(errno);
}

enum error poller_watch(struct poller *poller, int descriptor, struct waiter *waiter,
    uint32_t events)
{
    return control(poller, descriptor, events, (uint64_t)(uintptr_t)waiter);
}

void poller_unwatch(struct poller *poller, int descriptor)
{
    struct epoll_event ignored = {0};
    (void)epoll_ctl(poller->epoll, EPOLL_CTL_DEL, descriptor, &ignored);
}

// --- libcurl ---

static int watch_for_curl(CURL *easy, curl_socket_t descriptor, int what, void *context,
    void *ignored)
{
    struct poller *poller = context;
    (void)easy;
    (void)ignored;
    if (what == CURL_POLL_REMOVE) {
        poller_unwatch(poller, descriptor);
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0)
        | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    enum error error = control(poller, descriptor, events, (uint64_t)descriptor << 2 | CURL_TAG);
    return error == ERROR_NONE ? 0 : -1;
}

static int time_for_curl(CURLM *multi, long timeout_ms, void *context)
{
    struct poller *poller = context;
    (void)multi;
    poller->curl_due_ms = timeout_ms < 0 ? UINT64_MAX : clock_now_ms() + (uint64_t)timeout_ms;
    return 0;
}

static void tell_of_transfers(struct poller *poller)
{
    CURLMsg *message;
    int queued;
    while ((message = curl_multi_info_read(poller->multi, &queued)) != NULL) {
        if (message->msg == CURLMSG_DONE)
            poller->transferred(message->easy_handle, message->data.result);
    }
}

static void act_for_curl(struct poller *poller, curl_socket_t descriptor, int events)
{
    int running;
    (void)curl_multi_socket_action(poller->multi, descriptor, events, &running);
    tell_of_transfers(poller);
}

static void turn_curl(struct poller *poller, const struct epoll_event *event)
{
    int events = (event->events & (uint32_t)EPOLLIN ? CURL_CSELECT_IN : 0)
        | (event->events & (uint32_t)EPOLLOUT ? CURL_CSELECT_OUT : 0)
        | (event->events & (uint32_t)(EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    act_for_curl(poller, (curl_socket_t)(event->data.u64 >> 2), events);
}

struct transfer *poller_take_transfer(struct poller *poller)
{
    if (!list_is_empty(&poller->transfers)) {
        struct list *link = poller->transfers.next;
        list_remove(link);
        poller->free_transfers--;
        return LIST_ENTRY(link, struct transfer, link);
    }
    struct transfer *transfer = memory_zero_alloc(sizeof(*transfer));
    if (transfer == NULL)
        return NULL;
    list_init(&transfer->link);
    transfer->easy = curl_easy_init();
    transfer->names = curl_share_init();
    if (transfer->easy != NULL && transfer->names != NULL
        && curl_share_setopt(transfer->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK)
        return transfer;
    curl_easy_cleanup(transfer->easy);
    (void)curl_share_cleanup(transfer->names);
    memory_free(transfer);
    return NULL;
}

void poller_give_transfer(struct poller *poller, struct transfer *transfer)
{
    if (poller->free_transfers < FREE_TRANSFERS_MAX) {
        list_prepend(&poller->transfers, &transfer->link);
        poller->free_transfers++;
        return;
    }
    curl_easy_cleanup(transfer->easy);
    (void)curl_share_cleanup(transfer->names);
    memory_free(transfer);
}

X509_STORE *poller_trust(struct poller *poller)
{
    uint64_t now = clock_now_ms();
    if (poller->trust != NULL && now - poller->trusted_ms < TRUST_FOR_MS)
        return poller->trust;
    X509_STORE *trust = X509_STORE_new();
    if (trust != NULL && X509_STORE_set_default_paths(trust) == 1) {
        X509_STORE_free(poller->trust);
        poller->trust = trust;
        poller->trusted_ms = now;
    } else {
        X509_STORE_free(trust);
    }
    return poller->trust;
}

// --- Times ---

enum error poller_reserve_timer(struct poller *poller)
{
    enum error error = ERROR_NONE;
    if (poller->timer_count == poller->timers.capacity)
        error = due_heap_reserve(&poller->timers, MAXIMUM(2 * poller->timer_count, 64));
    if (error == ERROR_NONE)
        poller->timer_count++;
    return error;
}

void poller_return_timer(struct poller *poller, struct timer *timer)
{
    due_heap_remove(&poller->timers, &timer->due);
    poller->timer_count--;
}

void poller_set_timer(struct poller *poller, struct timer *timer, uint64_t at_ms)
{
    due_heap_put(&poller->timers, &timer->due, at_ms);
}

static void fire_timers(struct poller *poller, uint64_t now)
{
    for (int i = 0; i < TIMERS_AT_ONCE; i++) {
        struct due *due = due_heap_first(&poller->timers);
        if (due == NULL || due->at_ms > now)
            return;
        due_heap_remove(&poller->timers, due);
        struct timer *timer = CONTAINER_OF(due, struct timer, due);
        timer->fired(timer);
    }
}

void poller_discard(struct poller *poller, struct spent *spent)
{
    spent->next = poller->spent;
    poller->spent = spent;
}

static void free_spent(struct poller *poller)
{
    while (poller->spent != NULL) {
        struct spent *next = poller->spent->next;
        memory_free(poller->spent);
        poller->spent = next;
    }
}

static int time_to_wait(const struct poller *poller, uint64_t until_ms)
{
    const struct due *due = due_heap_first(&poller->timers);
    uint64_t now = clock_now_ms(), first = MINIMUM(until_ms, poller->curl_due_ms);
    if (due != NULL)
        first = MINIMUM(first, due->at_ms);
    return first <= now ? 0 : (int)MINIMUM(first - now, TURN_MOST_MS);
}

void poller_turn(struct poller *poller, uint64_t until_ms)
{
    struct epoll_event events[TURN_EVENTS];
    int count = epoll_wait(poller->epoll, events, TURN_EVENTS, time_to_wait(poller, until_ms));
    for (int i = 0; i < count; i++) {
        if ((events[i].data.u64 & CURL_TAG) != 0) {
            turn_curl(poller, &events[i]);
        } else {
            struct waiter *waiter = (struct waiter *)(uintptr_t)events[i].data.u64;
            waiter->ready(waiter, events[i].events);
        }
    }
    uint64_t now = clock_now_ms();
    if (poller->curl_due_ms <= now) {
        poller->curl_due_ms = UINT64_MAX;
        act_for_curl(poller, CURL_SOCKET_TIMEOUT, 0);
    }
    fire_timers(poller, now);
    // Whatever was begun meanwhile may be over already.
    tell_of_transfers(poller);
    free_spent(poller);
}

// --- Begin and end ---

static enum error open_all(struct poller *poller)
{
    poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    poller->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (poller->epoll < 0 || poller->wake < 0)
        return error_from_errno(errno);
    enum error error = poller_watch(poller, poller->wake, &poller->woken, EPOLLIN);
    if (error != ERROR_NONE)
        return error;
    poller->multi = curl_multi_init();
    if (poller->multi == NULL)
        return ERROR_MEMORY;
    curl_multi_setopt(poller->multi, CURLMOPT_SOCKETFUNCTION, watch_for_curl);
    curl_multi_setopt(poller->multi, CURLMOPT_SOCKETDATA, poller);
    curl_multi_setopt(poller->multi, CURLMOPT_TIMERFUNCTION, time_for_curl);
    curl_multi_setopt(poller->multi, CURLMOPT_TIMERDATA, poller);
    // A probe finds out what somebody who comes anew meets.
    curl_multi_setopt(poller->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    return names_create(poller, &poller->names);
}

enum error poller_create(struct poller *poller)
{
    *poller = (struct poller){.epoll = -1, .wake = -1, .curl_due_ms = UINT64_MAX,
        .woken.ready = take_wake};
    list_init(&poller->transfers);
    enum error error = open_all(poller);
    if (error != ERROR_NONE)
        poller_destroy(poller);
    return error;
}

void poller_destroy(struct poller *poller)
{
    names_destroy(poller->names);
    free_spent(poller);
    LIST_FOREACH(link, &poller->transfers) {
        struct transfer *transfer = LIST_ENTRY(link, struct transfer, link);
        curl_easy_cleanup(transfer->easy);
        (void)curl_share_cleanup(transfer->names);
        memory_free(transfer);
    }
    list_init(&poller->transfers);
    curl_multi_cleanup(poller->multi);
    X509_STORE_free(poller->trust);
    if (poller->wake >= 0)
        close(poller->wake);
    if (poller->epoll >= 0)
        close(poller->epoll);
    due_heap_free(&poller->timers);
    *poller = (struct poller){.epoll = -1, .wake = -1};
}
