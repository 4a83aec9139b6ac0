// The store's place on the disk: which directory, how large, and whose.
#pragma once

#include "main/settings.h"

struct disk;
struct edge;
struct store;

struct keep {
    struct disk *disk;
    struct store *store; // NULL: there is none
    char directory[1024];
};

// While still root: makes the directory and gives it to the user that the process will become.
bool keep_prepare(struct keep *keep, const struct settings *settings);
// Logs why, when it cannot be had. by_command_line: nobody gave the origins' names a meaning, so
// the copies belong to the backends that are named.
bool keep_open(struct keep *keep, const struct settings *settings, bool by_command_line);
// After the loops have stopped: what was not written yet is.
void keep_close(struct keep *keep, struct edge *edge);
