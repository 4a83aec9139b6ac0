// The parts of the prober and how they hand a round on: prober.c begins it, canaries.c doubts this
// machine, remote.c asks others, and prober.c closes it. All in the polling thread.
#pragma once

#include "base/arena.h"
#include "base/lock.h"
#include "watch/probe/probe.h"
#include "watch/probe/prober.h"
#include "watch/probe/push.h"

#define CANARIES_MAX 8
#define CANARY_MONITORS 4 // that are asked where no canaries are set

// A monitor and its round under way.
struct watched {
    struct schedule_entry entry;
    struct prober *prober;
    struct monitor_settings monitor;
    struct target target;
    unsigned component;
    struct quorum quorum;
    struct push push;
    unsigned round;
    uint64_t began_ms;       // of the round, and
    struct vote votes[QUORUM_PLACES_MAX]; // those of it: the first is this machine's
    size_t vote_count;
    unsigned asked;          // others that have not answered yet
    uint32_t response_ms;
    struct probe *probe;     // under way; NULL: none
    struct list asking;      // of struct inquiry
    struct list waiting;     // for the canaries
    bool has_failed;         // last time
};

struct canary {
    const struct target *target;
    struct canaries *canaries;
    struct probe *probe; // NULL: it has ended
    bool is_well;
};

// Whether it is this machine that has lost its network. Those of the settings are asked, else some
// of the monitors themselves: they do not all fail at once.
struct canaries {
    struct prober *prober;
    struct monitor_settings monitors[CANARIES_MAX];
    struct target targets[CANARIES_MAX];
    size_t count; // of the settings
    bool has_hosts; // three monitors at least have hosts of their own
    struct canary asked[CANARIES_MAX];
    size_t asked_count, pending, cursor;
    bool is_under_way, has_result;
    uint64_t began_ms;
    struct timer timer;
    struct list waiting; // of struct watched
};

struct place {
    struct slice name, url, key;
};

struct prober {
    struct arena arena;
    struct watched *watched;
    size_t count;
    struct place places[QUORUM_PLACES_MAX];
    size_t place_count;
    struct network_list allow;
    struct quorum_settings quorum;
    unsigned every;
    struct world *world;
    struct database *database; // NULL: signs of life outlive nothing
    struct lock lock; // of the watched ones' quorum and round, see prober_inherit
    struct poller poller;
    struct schedule schedule;
    struct canaries canaries;
    bool has_poller, is_running;
    pthread_t thread;
    atomic_bool stopping;
};

// A stranger's bytes, see remote.c. False: it is no vantage's answer.
bool remote_read(struct slice body, const struct monitor_settings *monitor,
    struct vote *ret_vote) MUST_CHECK;
bool remote_may_tell(const struct vote *local); // what others can see too
void remote_ask(struct watched *watched);       // all places; round_close when all have answered
void remote_abort(struct watched *watched);

enum error canaries_create(struct canaries *canaries, struct prober *prober,
    const struct setting_list *urls, struct text *why) MUST_CHECK;
void canaries_destroy(struct canaries *canaries);
// The watched one has failed: round_go_on says what the canaries found, at once or later.
void canaries_doubt(struct canaries *canaries, struct watched *watched);

void round_go_on(struct watched *watched, bool is_blind);
void round_close(struct watched *watched);
