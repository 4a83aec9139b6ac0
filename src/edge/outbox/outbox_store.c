// Files and their names.
#include "edge/outbox/outbox_store.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_SIZE 48

static const char *suffix_of(enum outbox_state state)
{
    switch (state) {
    case OUTBOX_QUEUED: return "queued";
    case OUTBOX_SENDING: return "sending";
    case OUTBOX_UNKNOWN: return "unknown";
    case OUTBOX_DELIVERED:
    case OUTBOX_REFUSED:
    case OUTBOX_EXPIRED:
    case OUTBOX_DROPPED: break;
    }
    return "over";
}

struct name {
    char text[NAME_MAX_SIZE];
};

static struct name name_with(const char *id, const char *suffix)
{
    struct name name;
    snprintf(name.text, sizeof(name.text), "%.*s.%s", OUTBOX_ID_SIZE, id, suffix);
    return name;
}

static struct name name_of(const char *id, enum outbox_state state)
{
    return name_with(id, suffix_of(state));
}

static enum error last_error(void)
{
    return error_from_errno(errno);
}

static enum error sync_directory(int directory)
{
    return fsync(directory) == 0 ? ERROR_NONE : last_error();
}

enum error outbox_store_open(const char *path, int *ret_directory)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return last_error();
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return last_error();
    enum error error = ERROR_NONE;
    if (flock(directory, LOCK_EX | LOCK_NB) < 0)
        error = errno == EWOULDBLOCK ? ERROR_BUSY : last_error();
    else if (faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) < 0)
        error = last_error();
    if (error == ERROR_NONE)
        *ret_directory = directory;
    else
        close(directory);
    return error;
}

// --- Writing ---

enum error outbox_store_create(int directory, const char *id, int *ret_file)
{
    struct name name = name_with(id, "new");
    int file = openat(directory, name.text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
        0600);
    if (file < 0)
        return last_error();
    *ret_file = file;
    return ERROR_NONE;
}

enum error outbox_store_write(int file, uint64_t offset, struct slice bytes)
{
    while (bytes.size > 0) {
        ssize_t size = pwrite(file, bytes.data, bytes.size, (off_t)offset);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return size == 0 ? ERROR_SYSTEM : last_error();
        bytes = slice_of(bytes.data + size, bytes.size - (size_t)size);
        offset += (uint64_t)size;
    }
    return ERROR_NONE;
}

void outbox_store_abandon(int directory, const char *id)
{
    struct name name = name_with(id, "new");
    unlinkat(directory, name.text, 0);
}

enum error outbox_store_publish(int directory, const char *id, int file)
{
    struct name from = name_with(id, "new"), to = name_of(id, OUTBOX_QUEUED);
    enum error error = fsync(file) == 0 ? ERROR_NONE : last_error();
    if (error == ERROR_NONE && renameat(directory, from.text, directory, to.text) < 0)
        error = last_error();
    if (error != ERROR_NONE) {
        outbox_store_abandon(directory, id);
        return error;
    }
    error = sync_directory(directory);
    if (error != ERROR_NONE)
        unlinkat(directory, to.text, 0); // nobody is told that it was accepted
    return error;
}

enum error outbox_store_move(int directory, const char *id, enum outbox_state from,
    enum outbox_state to)
{
    struct name old = name_of(id, from), new = name_of(id, to);
    return renameat(directory, old.text, directory, new.text) < 0 ? last_error()
                                                                  : sync_directory(directory);
}

// What must not be lost in the middle is in ID.over before the old file goes: of two, the former
// counts (outbox.c).
enum error outbox_store_finish(int directory, const char *id, enum outbox_state from,
    const struct outbox_write *write)
{
    struct name temporary = name_with(id, "new"), over = name_with(id, "over");
    struct name old = name_of(id, from);
    size_t size = outbox_format_size(write);
    char *bytes = size == 0 ? NULL : memory_alloc(size);
    int file = -1;
    if (bytes == NULL)
        return ERROR_MEMORY;
    outbox_format_write(write, bytes);
    enum error error = outbox_store_create(directory, id, &file);
    if (error == ERROR_NONE)
        error = outbox_store_write(file, 0, slice_of(bytes, size));
    if (error == ERROR_NONE && fsync(file) < 0)
        error = last_error();
    if (error == ERROR_NONE && renameat(directory, temporary.text, directory, over.text) < 0)
        error = last_error();
    if (file >= 0)
        close(file);
    memory_free(bytes);
    if (error != ERROR_NONE) {
        outbox_store_abandon(directory, id);
        return error;
    }
    error = sync_directory(directory);
    if (error == ERROR_NONE && unlinkat(directory, old.text, 0) < 0 && errno != ENOENT)
        error = last_error();
    return error;
}

enum error outbox_store_remove(int directory, const char *id, enum outbox_state state)
{
    struct name name = name_of(id, state);
    if (unlinkat(directory, name.text, 0) < 0 && errno != ENOENT)
        return last_error();
    return sync_directory(directory);
}

// --- Reading ---

static enum error read_at(int file, uint64_t offset, void *buffer, size_t size, size_t *ret_size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(file, (char *)buffer + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return last_error();
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_size = done;
    return ERROR_NONE;
}

static enum error read_head(int file, struct outbox_write *ret_write, char **ret_memory)
{
    char head[OUTBOX_HEAD_SIZE];
    size_t got = 0;
    enum error error = read_at(file, 0, head, sizeof(head), &got);
    size_t size = error == ERROR_NONE ? outbox_format_measure(slice_of(head, got)) : 0;
    if (size == 0)
        return error == ERROR_NONE ? ERROR_PROTOCOL : error;
    char *memory = memory_alloc(size);
    if (memory == NULL)
        return ERROR_MEMORY;
    error = read_at(file, 0, memory, size, &got);
    if (error == ERROR_NONE && (got != size || !outbox_format_read(slice_of(memory, size),
            ret_write)))
        error = ERROR_PROTOCOL;
    if (error == ERROR_NONE)
        *ret_memory = memory;
    else
        memory_free(memory);
    return error;
}

static enum error open_and_read(int directory, const char *name, struct outbox_write *ret_write,
    char **ret_memory, int *ret_file)
{
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return errno == ELOOP ? ERROR_PROTOCOL : last_error();
    enum error error = read_head(file, ret_write, ret_memory);
    if (error == ERROR_NONE && ret_file != NULL)
        *ret_file = file;
    else
        close(file);
    return error;
}

enum error outbox_store_read(int directory, const char *id, enum outbox_state state,
    struct outbox_write *ret_write, char **ret_memory, int *ret_file)
{
    struct name name = name_of(id, state);
    return open_and_read(directory, name.text, ret_write, ret_memory, ret_file);
}

enum error outbox_store_read_content(int file, const struct outbox_write *write, uint64_t at,
    void *buffer, size_t size, size_t *ret_size)
{
    size_t got = 0;
    uint64_t left = write->content_size - MINIMUM(at, write->content_size);
    enum error error = read_at(file, outbox_format_size(write) + at, buffer,
        (size_t)MINIMUM(left, size), &got);
    if (error == ERROR_NONE && got == 0)
        error = ERROR_TRUNCATED;
    if (error == ERROR_NONE)
        *ret_size = got;
    return error;
}

enum error outbox_store_verify(int file, const struct outbox_write *write)
{
    char *buffer = memory_alloc(OUTBOX_BLOCK_SIZE);
    uint64_t at = 0, checksum = 0;
    enum error error = buffer == NULL ? ERROR_MEMORY : ERROR_NONE;
    while (error == ERROR_NONE && at < write->content_size) {
        size_t size = 0;
        error = outbox_store_read_content(file, write, at, buffer, OUTBOX_BLOCK_SIZE, &size);
        if (error == ERROR_NONE)
            checksum = outbox_format_checksum(checksum, slice_of(buffer, size));
        at += size;
    }
    memory_free(buffer);
    if (error == ERROR_NONE && checksum != write->content_checksum)
        error = ERROR_PROTOCOL;
    return error == ERROR_TRUNCATED ? ERROR_PROTOCOL : error;
}

// --- What is there ---

static bool is_id(struct slice text)
{
    bool is_good = text.size == OUTBOX_ID_SIZE;
    for (size_t i = 0; i < text.size; i++)
        is_good = is_good && ((text.data[i] >= '0' && text.data[i] <= '9')
            || (text.data[i] >= 'a' && text.data[i] <= 'f'));
    return is_good;
}

static bool read_suffix(struct slice suffix, enum outbox_state *ret_state)
{
    for (unsigned i = 0; i <= OUTBOX_DELIVERED; i++) {
        if (slice_equal(suffix, slice_from_string(suffix_of((enum outbox_state)i)))) {
            *ret_state = (enum outbox_state)i;
            return true;
        }
    }
    return false;
}

static void set_aside(int directory, const char *name, const char *id)
{
    struct name damaged = name_with(id, "damaged");
    bool done = renameat(directory, name, directory, damaged.text) == 0;
    log_write(LOG_ERROR, "outbox", "an accepted write cannot be read%s file=%s",
        done ? "" : ", nor set aside", done ? damaged.text : name);
}

// False: found wants no more.
static enum error scan_one(int directory, const char *file_name,
    bool (*found)(void *context, const struct outbox_found *found), void *context)
{
    struct slice suffix = slice_from_string(file_name), id = slice_cut(&suffix, '.');
    struct outbox_found one;
    char *memory = NULL;
    struct stat status;
    if (!is_id(id))
        return ERROR_NONE;
    memcpy(one.id, id.data, OUTBOX_ID_SIZE);
    if (slice_equal(suffix, SLICE("new"))) {
        outbox_store_abandon(directory, one.id);
        return ERROR_NONE;
    }
    if (!read_suffix(suffix, &one.state))
        return ERROR_NONE;
    enum error error = open_and_read(directory, file_name, &one.write, &memory, NULL);
    bool says_over = error == ERROR_NONE && outbox_is_over(one.write.state);
    if (error == ERROR_NONE && outbox_is_over(one.state) != says_over) {
        memory_free(memory);
        error = ERROR_PROTOCOL;
    }
    if (error == ERROR_NOT_FOUND)
        return ERROR_NONE; // gone while the directory was read
    if (error == ERROR_PROTOCOL) {
        set_aside(directory, file_name, one.id);
        return ERROR_NONE;
    }
    if (error != ERROR_NONE)
        return error;
    if (says_over)
        one.state = one.write.state;
    one.file_size = fstatat(directory, file_name, &status, AT_SYMLINK_NOFOLLOW) == 0
        ? (uint64_t)status.st_size : one.write.content_size;
    if (!found(context, &one))
        error = ERROR_MEMORY;
    memory_free(memory);
    return error;
}

enum error outbox_store_scan(int directory, bool (*found)(void *context,
    const struct outbox_found *found), void *context)
{
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    if (stream == NULL) {
        enum error error = last_error();
        if (copy >= 0)
            close(copy);
        return error;
    }
    enum error error = ERROR_NONE;
    const struct dirent *file;
    while (error == ERROR_NONE && (file = readdir(stream)) != NULL)
        error = scan_one(directory, file->d_name, found, context);
    closedir(stream);
    return error == ERROR_NONE ? sync_directory(directory) : error;
}
