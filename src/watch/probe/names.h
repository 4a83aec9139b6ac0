// Names to addresses for the polling thread, by the system's name servers and its hosts file
// (c-ares), anew each time. Inside of this folder.
#pragma once

#include "io/address.h"
#include "watch/probe/poller.h"

#include <ares.h>

#define NAMES_ADDRESSES_MAX 8

// One channel of c-ares and its place in the poller.
struct asker {
    struct spent spent;
    struct poller *poller;
    ares_channel channel;
    struct waiter waiter;
    struct timer timer;
    unsigned under_way; // for names.c
};

// mask: of ares_init_options beside the sockets' callback. SYSTEM, MEMORY.
enum error asker_open(struct asker *asker, struct poller *poller, struct ares_options *options,
    int mask) MUST_CHECK;
void asker_close(struct asker *asker); // its callbacks hear ARES_EDESTRUCTION
void asker_go_on(struct asker *asker); // after each question: when it wants to be looked at

struct lookup;
// ARES_SUCCESS: at least one address. Not called from within names_ask.
typedef void names_found(void *context, int status, const struct address *addresses,
    unsigned count);

enum error names_create(struct poller *poller, struct names **ret_names) MUST_CHECK;
void names_destroy(struct names *names);
// NULL: no memory. host: a name as it goes to name servers (no IDN), or an address.
struct lookup *names_ask(struct names *names, struct slice host, uint16_t port,
    names_found *found, void *context) MUST_CHECK;
void names_forget(struct lookup *lookup); // nobody wants to know any more
