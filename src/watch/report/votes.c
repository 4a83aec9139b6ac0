// Votes in the order in which they came, in all and by component, and found by their hash. Each
// has its hashes by the salt of today and by that of tomorrow, so that when the salt changes
// neither is a vote forgotten nor a neighbourhood taken for two.
#include "watch/report/votes.h"
#include "base/list.h"
#include "base/memory.h"
#include "io/network.h"
#include "tls/hmac.h"

#include <openssl/rand.h>
#include <stdlib.h>

#define SALT_SIZE 32
#define INDEX_SIZE 32768 // a power of two
#define NEIGHBOURHOOD_BITS_V4 16
#define NEIGHBOURHOOD_BITS_V6 32

enum { TODAY, TOMORROW, SALTS };

struct voter {
    uint64_t network;
    uint32_t neighbourhood;
};

struct vote {
    struct list all, own, index; // of all votes, of its component's, of those of the same place
    struct voter voter[SALTS];
    uint32_t component;
    int64_t minute, at_ms;
};

struct component_votes {
    struct list list;
    uint32_t count;
};

struct votes {
    uint8_t salts[SALTS][SALT_SIZE];
    int64_t day, keep_ms;
    struct list all, free;
    size_t count, used; // used: places that ever were
    size_t component_count;
    struct component_votes *components;
    struct list index[INDEX_SIZE];
    struct vote places[VOTES_MAX];
};

// --- Hashes ---

// The component is part of it: votes of one network for two components have nothing in common.
static uint64_t hash(const uint8_t *salt, uint32_t component, bool is_neighbourhood,
    const struct address *address)
{
    struct network network = {0}; // all that are local are one
    uint8_t bytes[1 + sizeof(component) + sizeof(network.bytes)], digest[HMAC_SIZE];
    uint64_t value = 0;
    (void)network_around(address, is_neighbourhood ? NEIGHBOURHOOD_BITS_V4 : NETWORK_BITS_V4,
        is_neighbourhood ? NEIGHBOURHOOD_BITS_V6 : NETWORK_BITS_V6, &network);
    bytes[0] = is_neighbourhood;
    memcpy(bytes + 1, &component, sizeof(component));
    memcpy(bytes + 1 + sizeof(component), network.bytes, sizeof(network.bytes));
    // It cannot fail but for want of memory; then everybody is one network, and little is counted.
    if (hmac_sign(slice_of((const char *)salt, SALT_SIZE),
            &(struct slice){(const char *)bytes, sizeof(bytes)}, 1, digest) == ERROR_NONE)
        memcpy(&value, digest, sizeof(value));
    return value;
}

static struct voter voter_of(const struct votes *votes, size_t salt, uint32_t component,
    const struct address *address)
{
    return (struct voter){hash(votes->salts[salt], component, false, address),
        (uint32_t)hash(votes->salts[salt], component, true, address)};
}

uint64_t votes_voter(const struct votes *votes, const struct address *address)
{
    return hash(votes->salts[TODAY], COMPONENT_NONE, false, address);
}

// --- Places ---

enum error votes_create(size_t component_count, uint64_t keep_ms, struct votes **ret_votes)
{
    struct votes *votes = memory_zero_alloc(sizeof(*votes));
    struct component_votes *components =
        memory_zero_alloc((component_count + 1) * sizeof(*components));
    enum error error = votes == NULL || components == NULL ? ERROR_MEMORY : ERROR_NONE;
    if (error == ERROR_NONE && RAND_bytes(&votes->salts[0][0], sizeof(votes->salts)) != 1)
        error = ERROR_SYSTEM;
    if (error != ERROR_NONE) {
        memory_free(components);
        memory_free(votes);
        return error;
    }
    votes->components = components;
    votes->component_count = component_count;
    votes->keep_ms = (int64_t)keep_ms;
    list_init(&votes->all);
    list_init(&votes->free);
    for (size_t i = 0; i < INDEX_SIZE; i++)
        list_init(&votes->index[i]);
    for (size_t i = 0; i < component_count; i++)
        list_init(&components[i].list);
    *ret_votes = votes;
    return ERROR_NONE;
}

void votes_destroy(struct votes *votes)
{
    if (votes == NULL)
        return;
    OPENSSL_cleanse(votes->salts, sizeof(votes->salts));
    memory_free(votes->components);
    memory_free(votes);
}

static void forget(struct votes *votes, struct vote *vote)
{
    votes->components[vote->component].count--;
    votes->count--;
    list_remove(&vote->all);
    list_remove(&vote->own);
    list_remove(&vote->index);
    list_append(&votes->free, &vote->all);
}

static struct vote *make_room(struct votes *votes, const struct component_votes *own)
{
    if (own->count >= VOTES_OF_ONE_MAX)
        forget(votes, LIST_ENTRY(own->list.next, struct vote, own));
    else if (list_is_empty(&votes->free) && votes->used == VOTES_MAX)
        forget(votes, LIST_ENTRY(votes->all.next, struct vote, all));
    if (list_is_empty(&votes->free))
        return &votes->places[votes->used++];
    struct vote *vote = LIST_ENTRY(votes->free.next, struct vote, all);
    list_remove(&vote->all);
    return vote;
}

static struct list *place_of(struct votes *votes, uint64_t network)
{
    return &votes->index[network & (INDEX_SIZE - 1)];
}

// --- Time ---

static void change_salt(struct votes *votes)
{
    uint8_t salt[SALT_SIZE];
    if (RAND_bytes(salt, sizeof(salt)) != 1)
        return; // the old one does for another second
    memcpy(votes->salts[TODAY], votes->salts[TOMORROW], SALT_SIZE);
    memcpy(votes->salts[TOMORROW], salt, SALT_SIZE);
    OPENSSL_cleanse(salt, sizeof(salt));
    LIST_FOREACH(link, &votes->all) {
        struct vote *vote = LIST_ENTRY(link, struct vote, all);
        vote->voter[TODAY] = vote->voter[TOMORROW];
        list_remove(&vote->index);
        list_append(place_of(votes, vote->voter[TODAY].network), &vote->index);
    }
}

void votes_expire(struct votes *votes, int64_t now_ms)
{
    LIST_FOREACH(link, &votes->all) {
        struct vote *vote = LIST_ENTRY(link, struct vote, all);
        // What is of a time to come was voted before the clock was set back.
        if (now_ms - vote->at_ms < votes->keep_ms && vote->at_ms - now_ms < votes->keep_ms)
            break;
        forget(votes, vote);
    }
    int64_t day = now_ms / 86400000;
    if (votes->day != 0 && votes->day != day)
        change_salt(votes);
    votes->day = day;
}

bool votes_add(struct votes *votes, uint32_t component, const struct address *address,
    int64_t minute, int64_t now_ms)
{
    if (component >= votes->component_count)
        return false;
    votes_expire(votes, now_ms);
    struct voter voter = voter_of(votes, TODAY, component, address);
    struct list *place = place_of(votes, voter.network);
    LIST_FOREACH(link, place) {
        const struct vote *vote = LIST_ENTRY(link, struct vote, index);
        if (vote->voter[TODAY].network == voter.network && vote->component == component)
            return false;
    }
    struct component_votes *own = &votes->components[component];
    struct vote *vote = make_room(votes, own);
    vote->voter[TODAY] = voter;
    vote->voter[TOMORROW] = voter_of(votes, TOMORROW, component, address);
    vote->component = component;
    vote->minute = minute;
    vote->at_ms = now_ms;
    list_append(&votes->all, &vote->all);
    list_append(&own->list, &vote->own);
    list_append(place, &vote->index);
    own->count++;
    votes->count++;
    return true;
}

size_t votes_count(const struct votes *votes)
{
    return votes->count;
}

// --- Neighbourhoods ---

size_t votes_read(struct votes *votes, uint32_t component, int64_t minute,
    struct vote_origin ret_origins[VOTES_OF_ONE_MAX])
{
    size_t count = 0;
    struct list *list = &votes->components[component].list;
    for (struct list *link = list->previous; link != list; link = link->previous) {
        const struct vote *vote = LIST_ENTRY(link, struct vote, own);
        if (vote->minute <= minute - ANOMALY_WINDOW)
            break;
        ret_origins[count++] = (struct vote_origin){vote->voter[TODAY].neighbourhood,
            vote->minute > minute - ANOMALY_SHORT};
    }
    return count;
}

static int compare_origins(const void *a, const void *b)
{
    const struct vote_origin *one = a, *other = b;
    return (one->neighbourhood > other->neighbourhood)
        - (one->neighbourhood < other->neighbourhood);
}

void votes_judge(struct vote_origin *origins, size_t count, struct anomaly_minute *ret_minute)
{
    uint32_t of_one = 0, of_one_short = 0;
    ret_minute->largest = ret_minute->largest_short = ret_minute->neighbourhoods = 0;
    qsort(origins, count, sizeof(*origins), compare_origins);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || origins[i].neighbourhood != origins[i - 1].neighbourhood) {
            of_one = of_one_short = 0;
            ret_minute->neighbourhoods++;
        }
        of_one++;
        of_one_short += origins[i].is_short;
        ret_minute->largest = MAXIMUM(ret_minute->largest, of_one);
        ret_minute->largest_short = MAXIMUM(ret_minute->largest_short, of_one_short);
    }
}
