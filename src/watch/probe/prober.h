// Polls what is not behind this edge: one thread, many probes at once, none of which waits for
// another. A probe is due at its own pace (schedule.h); what it finds is a vote, other places are
// asked when that would tell more (quorum.h), and what comes of a round is told to the world.
#pragma once

#include "watch/probe/monitor.h"
#include "watch/truth/quorum.h"

struct prober;

struct prober_settings {
    const struct monitor_settings *monitors; // copied, with all texts
    size_t monitor_count;
    unsigned first_component;          // of the world; the others follow in their order
    const struct setting_list *places; // of struct vantage_other: other vantages
    const struct setting_list *canaries; // of slices: URLs of sites that are nearly always well
    const struct setting_list *allow;  // of slices: private addresses that monitors may reach
    struct quorum_settings quorum;
    uint64_t every;                    // each so many rounds all places are asked
    uint64_t seed;
    struct database *database;         // of the last signs of life; NULL: they are forgotten
};

// Blocks, for it reads the database. INVALID: why says which monitor and what would be right.
enum error prober_create(const struct prober_settings *settings, struct world *world,
    struct text *why, struct prober **ret_prober) MUST_CHECK;
// What an earlier one, which may still run, has found out of monitors that are the same, and their
// signs of life: settings that are read again are no reason to know nothing. Before prober_start.
void prober_inherit(struct prober *prober, struct prober *before);
// The signs of life that came to the earlier one since, from whoever still had it. Once nobody has.
void prober_catch_up(struct prober *prober, const struct prober *before);
enum error prober_start(struct prober *prober) MUST_CHECK;
void prober_destroy(struct prober *prober); // ends what is under way. NULL is fine

// A sign of life for a push monitor: base + "push/" + token. False: no monitor has that token. Any
// thread; does not block. now_ms is not what it is measured by, for a wall clock may be set.
bool prober_push(struct prober *prober, struct slice token, bool is_well, int64_t now_ms);
