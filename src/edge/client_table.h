// What is remembered of clients by address: how fast each may go on asking, and how many
// connections each has. Fixed memory, any thread, no clock of its own.
//
// A client is a key: a hash of its address (and of what it is limited for). The table has places
// for `entries` of them, eight to a set. A rate that has recovered leaves its place by itself;
// where a set is full of others, the one nearest to that makes room, so those who ask the most are
// remembered. A connection that finds no place is let in uncounted.
#pragma once

#include "base/base.h"

struct client_table;

// A token bucket: `burst` requests at once, then `requests` per interval.
struct client_rate {
    uint64_t requests; // 0: no limit
    uint64_t interval_ns;
    uint64_t burst;    // at least 1
};

#define CLIENT_PLACE_NONE UINT32_MAX

struct client_table_statistics {
    uint64_t forgotten; // rates that made room before they had recovered
    uint64_t uncounted; // connections that found no place
};

// entries: rounded up to a power of two, at least 64. 32 bytes each. NULL when out of memory.
struct client_table *client_table_create(uint64_t entries) MUST_CHECK;
void client_table_destroy(struct client_table *table); // NULL is fine

// Takes one token. False: there is none; *ret_wait_ns says when there will be one.
bool client_table_take(struct client_table *table, uint64_t key, const struct client_rate *rate,
    uint64_t now_ns, uint64_t *ret_wait_ns);
// One more connection of the client, however many it has. *ret_count: how many it has now, 0 if it
// is not counted; *ret_place is for client_table_leave, CLIENT_PLACE_NONE included.
void client_table_enter(struct client_table *table, uint64_t key, uint64_t *ret_count,
    uint32_t *ret_place);
void client_table_leave(struct client_table *table, uint32_t place);
void client_table_read(struct client_table *table, struct client_table_statistics *ret_statistics);
