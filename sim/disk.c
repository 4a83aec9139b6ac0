// Files as what the machine sees of them (seen) and what would be left without power (kept).
#include "sim/disk.h"

#include "base/invariant.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR_SIZE 512
#define FILES_MOST 4096

struct bytes {
    char *data;
    uint64_t size, capacity;
};

struct file {
    uint64_t number;
    bool listed;                    // its name is kept
    struct bytes seen, kept;
    uint64_t dirty_begin, dirty_end; // in seen, since the last sync
};

struct sim_disk {
    struct disk disk;
    struct random random;
    struct file files[FILES_MOST];
    size_t count;
    uint64_t room, changes_left; // UINT64_MAX: without end
    unsigned permille;
    bool stopped;
};

static struct sim_disk *sim_of(struct disk *disk)
{
    return CONTAINER_OF(disk, struct sim_disk, disk);
}

static void resize(struct bytes *bytes, uint64_t size)
{
    if (size > bytes->capacity) {
        bytes->capacity = MAXIMUM(size, bytes->capacity * 2);
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (bytes->data == NULL)
            abort();
    }
    if (size > bytes->size)
        memset(bytes->data + bytes->size, 0, size - bytes->size);
    bytes->size = size;
}

static struct file *find(struct sim_disk *sim, uint64_t number)
{
    for (size_t i = 0; i < sim->count; i++) {
        if (sim->files[i].number == number)
            return &sim->files[i];
    }
    return NULL;
}

static void drop(struct sim_disk *sim, struct file *file)
{
    free(file->seen.data);
    free(file->kept.data);
    *file = sim->files[--sim->count];
}

uint64_t sim_disk_size(const struct sim_disk *sim)
{
    uint64_t size = 0;
    for (size_t i = 0; i < sim->count; i++)
        size += sim->files[i].seen.size;
    return size;
}

// --- Faults ---

// *ret_torn: it happens in part, and nothing after it.
static enum error begin_change(struct sim_disk *sim, bool *ret_torn)
{
    *ret_torn = false;
    if (sim->stopped)
        return ERROR_SYSTEM;
    if (sim->changes_left != UINT64_MAX && sim->changes_left-- == 0) {
        *ret_torn = sim->stopped = true;
        return ERROR_SYSTEM;
    }
    if (!random_chance(&sim->random, sim->permille, 1000))
        return ERROR_NONE;
    *ret_torn = random_chance(&sim->random, 1, 2);
    return ERROR_SYSTEM;
}

// What is dirty goes to what is kept, all of it or any sectors.
static void settle(struct sim_disk *sim, struct file *file, bool all)
{
    if (all || random_chance(&sim->random, 1, 2))
        resize(&file->kept, file->seen.size);
    uint64_t end = MINIMUM(file->dirty_end, MINIMUM(file->seen.size, file->kept.size));
    for (uint64_t at = file->dirty_begin; at < end; at += SECTOR_SIZE - at % SECTOR_SIZE) {
        uint64_t size = MINIMUM(SECTOR_SIZE - at % SECTOR_SIZE, end - at);
        if (all || random_chance(&sim->random, 1, 2))
            memcpy(file->kept.data + at, file->seen.data + at, size);
    }
    file->dirty_begin = UINT64_MAX;
    file->dirty_end = 0;
}

static void lose_power(struct sim_disk *sim, struct file *file)
{
    settle(sim, file, false);
    resize(&file->seen, file->kept.size);
    if (file->kept.size > 0)
        memcpy(file->seen.data, file->kept.data, file->kept.size);
}

void sim_disk_start_again(struct sim_disk *sim, bool lost_power)
{
    sim->stopped = false;
    sim->changes_left = UINT64_MAX;
    for (size_t i = 0; lost_power && i < sim->count; i++) {
        struct file *file = &sim->files[i];
        if (file->listed || random_chance(&sim->random, 1, 2))
            lose_power(sim, file);
        else
            drop(sim, &sim->files[i--]);
    }
}

void sim_disk_flip(struct sim_disk *sim)
{
    uint64_t size = sim_disk_size(sim);
    uint64_t at = size == 0 ? 0 : random_below(&sim->random, size);
    for (size_t i = 0; i < sim->count && size > 0; i++) {
        struct file *file = &sim->files[i];
        if (at >= file->seen.size) {
            at -= file->seen.size;
            continue;
        }
        char bit = (char)(1 << random_below(&sim->random, 8));
        file->seen.data[at] ^= bit;
        if (at < file->kept.size)
            file->kept.data[at] ^= bit;
        return;
    }
}

// --- What a disk does ---

static enum error sim_list(
    struct disk *disk, struct disk_file *ret_files, size_t capacity, size_t *ret_count)
{
    struct sim_disk *sim = sim_of(disk);
    if (sim->stopped)
        return ERROR_SYSTEM;
    if (sim->count > capacity)
        return ERROR_LIMIT;
    for (size_t i = 0; i < sim->count; i++)
        ret_files[i] = (struct disk_file){sim->files[i].number, sim->files[i].seen.size};
    *ret_count = sim->count;
    return ERROR_NONE;
}

static enum error sim_read(
    struct disk *disk, uint64_t number, uint64_t offset, void *buffer, size_t size)
{
    struct sim_disk *sim = sim_of(disk);
    const struct file *file = find(sim, number);
    if (sim->stopped)
        return ERROR_SYSTEM;
    if (file == NULL)
        return ERROR_NOT_FOUND;
    if (size > file->seen.size || offset > file->seen.size - size)
        return ERROR_TRUNCATED;
    if (size > 0)
        memcpy(buffer, file->seen.data + offset, size);
    return ERROR_NONE;
}

static struct file *find_or_add(struct sim_disk *sim, uint64_t number)
{
    struct file *file = find(sim, number);
    if (file != NULL)
        return file;
    invariant(sim->count < FILES_MOST);
    file = &sim->files[sim->count++];
    *file = (struct file){.number = number, .dirty_begin = UINT64_MAX};
    return file;
}

static enum error sim_write(
    struct disk *disk, uint64_t number, uint64_t offset, const void *bytes, size_t size)
{
    struct sim_disk *sim = sim_of(disk);
    bool torn;
    enum error error = begin_change(sim, &torn);
    if (error != ERROR_NONE && !torn)
        return error;
    if (torn)
        size = random_below(&sim->random, size + 1);
    struct file *file = find_or_add(sim, number);
    uint64_t end = MAXIMUM(offset + size, file->seen.size), used = sim_disk_size(sim);
    uint64_t more = end - file->seen.size, left = sim->room > used ? sim->room - used : 0;
    if (more > left) {
        error = ERROR_LIMIT;
        size = MINIMUM(size, size + left - more); // what fits, at its beginning
        end = MAXIMUM(offset + size, file->seen.size);
    }
    if (size == 0)
        return error;
    resize(&file->seen, end);
    memcpy(file->seen.data + offset, bytes, size);
    file->dirty_begin = MINIMUM(file->dirty_begin, offset);
    file->dirty_end = MAXIMUM(file->dirty_end, offset + size);
    return error;
}

static enum error sim_sync(struct disk *disk, uint64_t number)
{
    struct sim_disk *sim = sim_of(disk);
    bool torn;
    enum error error = begin_change(sim, &torn);
    struct file *file = find(sim, number);
    if (file == NULL)
        return ERROR_NOT_FOUND;
    uint64_t begin = file->dirty_begin, end = file->dirty_end;
    if (error == ERROR_NONE || torn)
        settle(sim, file, error == ERROR_NONE);
    file->listed = file->listed || error == ERROR_NONE;
    if (sim->stopped) { // what the machine has not written yet it still will, if there is power
        file->dirty_begin = begin;
        file->dirty_end = end;
    }
    return error;
}

static enum error sim_truncate(struct disk *disk, uint64_t number, uint64_t size)
{
    struct sim_disk *sim = sim_of(disk);
    bool torn;
    enum error error = begin_change(sim, &torn);
    if (error != ERROR_NONE && !torn)
        return error;
    resize(&find_or_add(sim, number)->seen, size);
    return error;
}

static enum error sim_remove(struct disk *disk, uint64_t number)
{
    struct sim_disk *sim = sim_of(disk);
    bool torn;
    enum error error = begin_change(sim, &torn);
    struct file *file = find(sim, number);
    if (file == NULL)
        return ERROR_NOT_FOUND;
    if (error == ERROR_NONE || torn)
        drop(sim, file);
    return error;
}

static const struct disk_operations operations = {
    .list = sim_list,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .truncate = sim_truncate,
    .remove = sim_remove,
};

// --- Life ---

struct sim_disk *sim_disk_create(uint64_t seed)
{
    struct sim_disk *sim = calloc(1, sizeof(*sim));
    if (sim == NULL)
        abort();
    sim->disk.operations = &operations;
    sim->room = sim->changes_left = UINT64_MAX;
    random_seed(&sim->random, seed);
    return sim;
}

void sim_disk_destroy(struct sim_disk *sim)
{
    while (sim != NULL && sim->count > 0)
        drop(sim, &sim->files[sim->count - 1]);
    free(sim);
}

struct disk *sim_disk_of(struct sim_disk *sim)
{
    return &sim->disk;
}

void sim_disk_room(struct sim_disk *sim, uint64_t bytes)
{
    sim->room = bytes;
}

void sim_disk_errors(struct sim_disk *sim, unsigned permille)
{
    sim->permille = permille;
}

void sim_disk_stop_after(struct sim_disk *sim, uint64_t changes)
{
    sim->changes_left = changes;
}
