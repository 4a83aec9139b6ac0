// All settings of the program: the tables of every room, collected.
#pragma once

#include "admin/settings.h"
#include "conf/conf.h"
#include "doctor/vantage_settings.h"
#include "edge/settings.h"
#include "io/loop.h"
#include "watch/settings.h"

struct settings {
    struct setting_list listen; // of slices, ADDR:PORT
    struct slice state;         // directory; empty: the default for this user
    struct slice user;          // to become after binding; empty: stay
    uint64_t threads;           // 0: one per core
    struct loop_limits tasks;
    struct edge_settings edge;
    struct log_settings log;
    struct metrics_settings metrics;
    struct vantage_settings vantage;
    struct watch_settings status;
};

extern const struct setting_section settings_root;

// What no single row can see: origins that sites name exist, no host belongs to two sites. And
// warnings about what would bring visitors errors they need not see. Of settings_root.
void settings_review(struct setting_review *review, const void *settings);

// A file without `sites` gets one that takes every host.
enum error settings_complete(struct settings *settings, struct arena *arena) MUST_CHECK;
