// A disk made of files in a directory, which no second process may use meanwhile.
#pragma once

#include "io/disk.h"

// Makes the directory, in an existing one, if need be. BUSY: another process uses it. To be closed.
enum error disk_files_open(const char *directory, struct disk **ret_disk) MUST_CHECK;
void disk_files_close(struct disk *disk); // NULL is fine
// What could be written there at most, bytes; UINT64_MAX if that is not known.
uint64_t disk_files_room(const struct disk *disk);
// What its files take, bytes.
uint64_t disk_files_size(struct disk *disk);
