// The seam to a disk: numbered files in one place. Calls block, so none is made in a loop's thread:
// io_blocking takes them. Any thread; each file has one writer at a time.
//
// LIMIT: there is no room (disk, quota or the process's own limit); NOT_FOUND: no such file;
// TRUNCATED: it ends before that; anything else: the disk fails.
#pragma once

#include "base/error.h"

struct disk;

struct disk_file {
    uint64_t number, size; // bytes
};

struct disk_operations {
    // In any order; LIMIT when there are more than capacity.
    enum error (*list)(struct disk *disk, struct disk_file *ret_files, size_t capacity,
        size_t *ret_count);
    // All of it.
    enum error (*read)(
        struct disk *disk, uint64_t file, uint64_t offset, void *buffer, size_t size);
    // All of it; after an error some may be there. Makes the file.
    enum error (*write)(
        struct disk *disk, uint64_t file, uint64_t offset, const void *bytes, size_t size);
    // What was written to it, and that it is there, outlives a loss of power.
    enum error (*sync)(struct disk *disk, uint64_t file);
    enum error (*truncate)(struct disk *disk, uint64_t file, uint64_t size);
    enum error (*remove)(struct disk *disk, uint64_t file); // for good
};

struct disk {
    const struct disk_operations *operations;
};
