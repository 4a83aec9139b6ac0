// Files by number, "0000000000000001.afs", opened for each read, so that whoever removes one needs
// to ask nobody; the one that is written stays open.
#include "io/disk_files.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/slice.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NAME_SIZE 32
#define NAME_DIGITS 16
#define SUFFIX ".afs"

struct disk_files {
    struct disk disk;
    int directory, lock_file;
    struct lock lock;  // of the two below
    uint64_t open_number;
    int open_file;     // -1: none
    bool is_listed;    // its name is known to outlive a loss of power
};

static struct disk_files *files_of(struct disk *disk)
{
    return CONTAINER_OF(disk, struct disk_files, disk);
}

static enum error error_of(int number)
{
    if (number == ENOSPC || number == EDQUOT || number == EFBIG)
        return ERROR_LIMIT;
    return error_from_errno(number);
}

static void write_name(char name[NAME_SIZE], uint64_t number)
{
    snprintf(name, NAME_SIZE, "%0*" PRIx64 SUFFIX, NAME_DIGITS, number);
}

static bool read_name(const char *name, uint64_t *ret_number)
{
    uint64_t number = 0;
    char same[NAME_SIZE];
    for (size_t i = 0; i < NAME_DIGITS; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = name[i] == '\0' ? NULL : strchr(digits, name[i]);
        if (digit == NULL)
            return false;
        number = number << 4 | (uint64_t)(digit - digits);
    }
    write_name(same, number);
    *ret_number = number;
    return strcmp(name, same) == 0;
}

// Calls visit for each; stops at the first error.
static enum error for_each_file(struct disk_files *files,
    enum error (*visit)(void *context, const struct disk_file *file), void *context)
{
    int copy = openat(files->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    enum error error = ERROR_NONE;
    if (stream == NULL) {
        error = error_of(errno);
        if (copy >= 0)
            close(copy);
        return error;
    }
    for (struct dirent *entry; error == ERROR_NONE && (entry = readdir(stream)) != NULL;) {
        struct disk_file file;
        struct stat status;
        if (!read_name(entry->d_name, &file.number))
            continue;
        if (fstatat(files->directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            error = error_of(errno);
            break;
        }
        file.size = (uint64_t)status.st_size;
        error = visit(context, &file);
    }
    closedir(stream);
    return error;
}

struct listing {
    struct disk_file *files;
    size_t count, capacity;
};

static enum error add_to_listing(void *context, const struct disk_file *file)
{
    struct listing *listing = context;
    if (listing->count == listing->capacity)
        return ERROR_LIMIT;
    listing->files[listing->count++] = *file;
    return ERROR_NONE;
}

static enum error files_list(struct disk *disk, struct disk_file *ret_files, size_t capacity,
    size_t *ret_count)
{
    struct listing listing = {ret_files, 0, capacity};
    enum error error = for_each_file(files_of(disk), add_to_listing, &listing);
    *ret_count = listing.count;
    return error;
}

static enum error add_size(void *context, const struct disk_file *file)
{
    *(uint64_t *)context += file->size;
    return ERROR_NONE;
}

uint64_t disk_files_size(struct disk *disk)
{
    uint64_t size = 0;
    return for_each_file(files_of(disk), add_size, &size) == ERROR_NONE ? size : 0;
}

static enum error files_read(
    struct disk *disk, uint64_t number, uint64_t offset, void *buffer, size_t size)
{
    char name[NAME_SIZE], *at = buffer;
    write_name(name, number);
    int file = openat(files_of(disk)->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    enum error error = file < 0 ? error_of(errno) : ERROR_NONE;
    while (error == ERROR_NONE && size > 0) {
        ssize_t got = pread(file, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            error = got == 0 ? ERROR_TRUNCATED : error_of(errno);
            break;
        }
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    if (file >= 0)
        close(file);
    return error;
}

// The lock held. The file to write to, made if need be.
static enum error open_file(struct disk_files *files, uint64_t number)
{
    if (files->open_file >= 0 && files->open_number == number)
        return ERROR_NONE;
    char name[NAME_SIZE];
    write_name(name, number);
    int file = openat(files->directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return error_of(errno);
    if (files->open_file >= 0)
        close(files->open_file);
    files->open_file = file;
    files->open_number = number;
    files->is_listed = false;
    return ERROR_NONE;
}

static enum error write_all(int file, uint64_t offset, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = pwrite(file, bytes, size, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put == 0 ? ERROR_LIMIT : error_of(errno);
        bytes += put;
        offset += (uint64_t)put;
        size -= (size_t)put;
    }
    return ERROR_NONE;
}

static enum error files_write(
    struct disk *disk, uint64_t number, uint64_t offset, const void *bytes, size_t size)
{
    struct disk_files *files = files_of(disk);
    lock_acquire(&files->lock);
    enum error error = open_file(files, number);
    if (error == ERROR_NONE)
        error = write_all(files->open_file, offset, bytes, size);
    lock_release(&files->lock);
    return error;
}

static enum error files_sync(struct disk *disk, uint64_t number)
{
    struct disk_files *files = files_of(disk);
    lock_acquire(&files->lock);
    enum error error = open_file(files, number);
    if (error == ERROR_NONE && (fdatasync(files->open_file) != 0
            || (!files->is_listed && fsync(files->directory) != 0)))
        error = error_of(errno);
    files->is_listed = files->is_listed || error == ERROR_NONE;
    lock_release(&files->lock);
    return error;
}

static enum error files_truncate(struct disk *disk, uint64_t number, uint64_t size)
{
    struct disk_files *files = files_of(disk);
    lock_acquire(&files->lock);
    enum error error = open_file(files, number);
    if (error == ERROR_NONE && ftruncate(files->open_file, (off_t)size) != 0)
        error = error_of(errno);
    lock_release(&files->lock);
    return error;
}

static enum error files_remove(struct disk *disk, uint64_t number)
{
    struct disk_files *files = files_of(disk);
    char name[NAME_SIZE];
    write_name(name, number);
    lock_acquire(&files->lock);
    if (files->open_file >= 0 && files->open_number == number) {
        close(files->open_file);
        files->open_file = -1;
    }
    bool good = unlinkat(files->directory, name, 0) == 0 && fsync(files->directory) == 0;
    enum error error = good ? ERROR_NONE : error_of(errno);
    lock_release(&files->lock);
    return error;
}

static const struct disk_operations operations = {
    .list = files_list,
    .read = files_read,
    .write = files_write,
    .sync = files_sync,
    .truncate = files_truncate,
    .remove = files_remove,
};

// The lock is the kernel's: it ends with the process, however that ends.
static enum error take(struct disk_files *files, const char *directory)
{
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return error_of(errno);
    files->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->directory < 0)
        return error_of(errno);
    files->lock_file = openat(files->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
        0600);
    if (files->lock_file < 0)
        return error_of(errno);
    if (flock(files->lock_file, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ERROR_BUSY : error_of(errno);
    return ERROR_NONE;
}

enum error disk_files_open(const char *directory, struct disk **ret_disk)
{
    struct disk_files *files = memory_zero_alloc(sizeof(*files));
    if (files == NULL)
        return ERROR_MEMORY;
    files->disk.operations = &operations;
    files->directory = files->lock_file = files->open_file = -1;
    lock_init(&files->lock);
    enum error error = take(files, directory);
    if (error != ERROR_NONE) {
        disk_files_close(&files->disk);
        return error;
    }
    *ret_disk = &files->disk;
    return ERROR_NONE;
}

void disk_files_close(struct disk *disk)
{
    if (disk == NULL)
        return;
    struct disk_files *files = files_of(disk);
    const int descriptors[] = {files->open_file, files->directory, files->lock_file};
    for (size_t i = 0; i < ARRAY_SIZE(descriptors); i++) {
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    }
    lock_destroy(&files->lock);
    memory_free(files);
}

uint64_t disk_files_room(const struct disk *disk)
{
    const struct disk_files *files = CONTAINER_OF((struct disk *)(uintptr_t)disk,
        struct disk_files, disk);
    struct statvfs status;
    if (fstatvfs(files->directory, &status) != 0)
        return UINT64_MAX;
    return (uint64_t)status.f_bavail * status.f_frsize;
}
