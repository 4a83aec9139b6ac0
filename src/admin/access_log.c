// The writer of the access log: takes records from all loops' rings, formats them into one buffer
// and writes it out. While there is traffic it looks every few milliseconds; without, it sleeps
// until a loop wakes it.
#include "admin/access_ring.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_SIZE (6 * (2 * ACCESS_TARGET_MAX + 8 * ACCESS_VALUE_MAX) + 1024)
#define BUFFER_SIZE (4 * LINE_MAX_SIZE)
#define BATCH_NS (5 * NS_PER_MS)
#define NAP_MS 1000
#define IDLE_ROUNDS 4 // without a record, before the writer sleeps

struct access_log {
    unsigned ring_count;
    struct access_ring *rings;
    atomic_bool enabled, sleeping, stopping, reopen;
    sem_t wake;
    pthread_t thread;
    struct lock lock; // of what comes next, changed by configure, taken by the writer
    bool has_next;
    int next_descriptor;
    enum access_format next_format;
    char next_path[4096];
    // The writer's own:
    int descriptor; // -1: none
    enum access_format format;
    char path[4096];
    bool failing; // the last write failed, and was logged
    char *buffer;
    _Atomic uint64_t written, write_errors;
};

// Never waits: a FIFO without a reader is an error, not a stop.
static enum error open_path(const char *path, int *ret_descriptor)
{
    int descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
    if (descriptor < 0)
        return error_from_errno(errno);
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) < 0) {
        close(descriptor);
        return ERROR_SYSTEM;
    }
    *ret_descriptor = descriptor;
    return ERROR_NONE;
}

static void wake_writer(struct access_log *log)
{
    sem_post(&log->wake);
}

static void take_next(struct access_log *log)
{
    lock_acquire(&log->lock);
    if (log->has_next) {
        if (log->descriptor >= 0)
            close(log->descriptor);
        log->descriptor = log->next_descriptor;
        log->format = log->next_format;
        memcpy(log->path, log->next_path, sizeof(log->path));
        log->has_next = false;
    }
    lock_release(&log->lock);
}

static void open_again(struct access_log *log)
{
    int descriptor = -1;
    if (log->path[0] == '\0')
        return;
    enum error error = open_path(log->path, &descriptor);
    if (error != ERROR_NONE) {
        log_write(LOG_ERROR, "admin",
            "the access log could not be opened again, its old file stays path=%s error=\"%s\"",
            log->path, error_text(error));
        return;
    }
    if (log->descriptor >= 0)
        close(log->descriptor);
    log->descriptor = descriptor;
}

static void write_out(struct access_log *log, struct text *text, uint64_t *lines)
{
    struct slice rest = text_slice(text);
    int number = 0;
    while (rest.size > 0 && log->descriptor >= 0) {
        ssize_t size = write(log->descriptor, rest.data, rest.size);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0) {
            number = size < 0 ? errno : EIO;
            break;
        }
        rest = slice_of(rest.data + size, rest.size - (size_t)size);
    }
    if (number != 0) {
        atomic_fetch_add_explicit(&log->write_errors, *lines, memory_order_relaxed);
        if (!log->failing)
            log_write(LOG_ERROR, "admin", "the access log cannot be written path=%s error=\"%s\"",
                log->path, error_text(error_from_errno(number)));
    } else if (log->descriptor >= 0) {
        atomic_fetch_add_explicit(&log->written, *lines, memory_order_relaxed);
    }
    log->failing = number != 0;
    text->size = 0;
    *lines = 0;
}

// True if there was anything.
static bool write_waiting(struct access_log *log)
{
    struct text text = text_in(log->buffer, BUFFER_SIZE);
    uint64_t lines = 0;
    bool any = false;
    for (unsigned i = 0; i < log->ring_count; i++) {
        struct access_record record;
        while (access_ring_peek(&log->rings[i], &record)) {
            any = true;
            access_log_format(&text, log->format, &record);
            access_ring_next(&log->rings[i]);
            lines++;
            if (text.capacity - text.size < LINE_MAX_SIZE)
                write_out(log, &text, &lines);
        }
    }
    if (lines > 0)
        write_out(log, &text, &lines);
    return any;
}

static void sleep_until_woken(struct access_log *log)
{
    // A loop may miss the flag that is just being raised; so this ends by itself as well.
    uint64_t until_ms = clock_now_ms() + NAP_MS;
    const struct timespec until = {
        .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000 * NS_PER_MS)};
    atomic_store(&log->sleeping, true);
    while (sem_clockwait(&log->wake, CLOCK_MONOTONIC, &until) < 0 && errno == EINTR)
        continue;
    atomic_store(&log->sleeping, false);
}

static void *write_main(void *argument)
{
    struct access_log *log = argument;
    unsigned idle = 0;
    for (;;) {
        // Read before the rings: what was put in before the stop is still written.
        bool stopping = atomic_load(&log->stopping);
        take_next(log);
        if (atomic_exchange(&log->reopen, false))
            open_again(log);
        if (write_waiting(log)) {
            idle = 0;
        } else if (stopping) {
            return NULL;
        } else if (++idle > IDLE_ROUNDS) {
            sleep_until_woken(log);
            continue;
        }
        nanosleep(&(struct timespec){.tv_nsec = BATCH_NS}, NULL);
    }
}

static void free_log(struct access_log *log)
{
    for (unsigned i = 0; log->rings != NULL && i < log->ring_count; i++)
        access_ring_free(&log->rings[i]);
    memory_free(log->rings);
    memory_free(log->buffer);
    if (log->has_next && log->next_descriptor >= 0)
        close(log->next_descriptor);
    if (log->descriptor >= 0)
        close(log->descriptor);
    sem_destroy(&log->wake);
    lock_destroy(&log->lock);
    memory_free(log);
}

static enum error allocate(struct access_log *log, unsigned loop_count, size_t ring_size)
{
    log->buffer = memory_alloc(BUFFER_SIZE);
    log->rings = memory_zero_alloc(loop_count * sizeof(log->rings[0]));
    if (log->buffer == NULL || log->rings == NULL)
        return ERROR_MEMORY;
    for (; log->ring_count < loop_count; log->ring_count++) {
        if (!access_ring_init(&log->rings[log->ring_count], ring_size))
            return ERROR_MEMORY;
    }
    return ERROR_NONE;
}

enum error access_log_create(
    unsigned loop_count, const struct log_settings *settings, struct access_log **ret_log)
{
    struct access_log *log = memory_zero_alloc(sizeof(*log));
    if (log == NULL)
        return ERROR_MEMORY;
    log->descriptor = -1;
    lock_init(&log->lock);
    sem_init(&log->wake, 0, 0);
    enum error error = allocate(log, loop_count, settings->access_buffer);
    if (error == ERROR_NONE)
        error = access_log_configure(log, settings);
    if (error == ERROR_NONE)
        error = thread_start(&log->thread, "access-log", write_main, log);
    if (error != ERROR_NONE) {
        free_log(log);
        return error;
    }
    *ret_log = log;
    return ERROR_NONE;
}

void access_log_destroy(struct access_log *log)
{
    if (log == NULL)
        return;
    atomic_store(&log->stopping, true);
    wake_writer(log);
    pthread_join(log->thread, NULL);
    free_log(log);
}

enum error access_log_configure(struct access_log *log, const struct log_settings *settings)
{
    int descriptor = -1;
    if (settings->access.size >= sizeof(log->next_path))
        return ERROR_INVALID;
    if (settings->access.size > 0) {
        enum error error = open_path(settings->access.data, &descriptor);
        if (error != ERROR_NONE)
            return error;
    }
    lock_acquire(&log->lock);
    if (log->has_next && log->next_descriptor >= 0)
        close(log->next_descriptor);
    log->next_descriptor = descriptor;
    log->next_format = (enum access_format)settings->access_format;
    struct text path = text_in(log->next_path, sizeof(log->next_path));
    text_append(&path, settings->access);
    text_append_byte(&path, '\0');
    log->has_next = true;
    lock_release(&log->lock);
    atomic_store(&log->enabled, descriptor >= 0);
    wake_writer(log);
    return ERROR_NONE;
}

void access_log_reopen(struct access_log *log)
{
    atomic_store(&log->reopen, true);
    wake_writer(log);
}

void access_log_answered(void *context, unsigned loop_index, const struct access_record *record)
{
    struct access_log *log = context;
    if (!atomic_load_explicit(&log->enabled, memory_order_relaxed))
        return;
    if (access_ring_put(&log->rings[loop_index], record) &&
        UNLIKELY(atomic_load_explicit(&log->sleeping, memory_order_relaxed)) &&
        atomic_exchange(&log->sleeping, false))
        wake_writer(log);
}

void access_log_read_statistics(
    const struct access_log *log, struct access_log_statistics *ret_statistics)
{
    struct access_log_statistics statistics = {
        .written = atomic_load_explicit(&log->written, memory_order_relaxed),
        .write_errors = atomic_load_explicit(&log->write_errors, memory_order_relaxed)};
    for (unsigned i = 0; i < log->ring_count; i++)
        statistics.dropped += atomic_load_explicit(&log->rings[i].dropped, memory_order_relaxed);
    *ret_statistics = statistics;
}
