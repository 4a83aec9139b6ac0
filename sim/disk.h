// A disk in memory with seeded faults: it fills up, fails, tears what is written when the power
// goes, and forgets bits. Memory comes from malloc, as all of the world's (world.h).
#pragma once

#include "io/disk.h"

struct sim_disk;

struct sim_disk *sim_disk_create(uint64_t seed);
void sim_disk_destroy(struct sim_disk *disk); // NULL is fine
struct disk *sim_disk_of(struct sim_disk *disk);

void sim_disk_room(struct sim_disk *disk, uint64_t bytes); // beyond: ERROR_LIMIT
// Of all that changes it, so many fail; a sync that fails may have lost any of what it was for, and
// the next one says nothing of it.
void sim_disk_errors(struct sim_disk *disk, unsigned permille);
// After so many further changes everything fails, until it starts again: the last one is torn.
void sim_disk_stop_after(struct sim_disk *disk, uint64_t changes);
// Without power what was not synced is there, or is not, by sectors. With it (the process was
// killed) everything is.
void sim_disk_start_again(struct sim_disk *disk, bool lost_power);
void sim_disk_flip(struct sim_disk *disk); // one bit, somewhere
uint64_t sim_disk_size(const struct sim_disk *disk); // bytes of all files
