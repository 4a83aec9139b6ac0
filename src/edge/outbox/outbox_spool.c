// Taking in a write: content into the file block by block, then the head, then the name under which
// it counts.
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/outbox/outbox_inside.h"

#include <unistd.h>

struct outbox_spool {
    struct outbox *outbox;
    struct outbox_write write;
    char id[OUTBOX_ID_SIZE];
    int file;           // -1: not made yet
    size_t head_size, filled;
    uint64_t content_limit, reserved;
    bool commits;
    enum error error;   // of the work on a helper thread
    char block[OUTBOX_BLOCK_SIZE];
};

static bool reserve(struct outbox *outbox, struct outbox_spool *spool)
{
    struct outbox_statistics *totals = &outbox->totals;
    lock_acquire(&outbox->lock);
    bool fits = totals->writes < outbox->limits.writes
        && totals->bytes <= outbox->limits.size
        && spool->reserved <= outbox->limits.size - totals->bytes;
    if (fits) {
        totals->writes++;
        totals->bytes += spool->reserved;
        spool->write.sequence = outbox->next_sequence++;
    } else if (totals->full++ == 0) {
        log_write(LOG_WARNING, "outbox", "full: further writes are not accepted; see outbox.writes "
            "and outbox.size");
    }
    lock_release(&outbox->lock);
    return fits;
}

static void give_back(struct outbox *outbox, const struct outbox_spool *spool)
{
    lock_acquire(&outbox->lock);
    outbox->totals.writes--;
    outbox->totals.bytes -= spool->reserved;
    lock_release(&outbox->lock);
}

enum error outbox_spool_begin(struct task *task, struct outbox *outbox,
    const struct outbox_write *write, uint64_t content_limit, struct outbox_spool **ret_spool)
{
    uint64_t random[2];
    size_t head_size = outbox_format_size(write);
    if (head_size == 0)
        return ERROR_LIMIT;
    struct outbox_spool *spool = memory_alloc(sizeof(*spool));
    if (spool == NULL)
        return ERROR_MEMORY;
    memset(spool, 0, offsetof(struct outbox_spool, block));
    spool->outbox = outbox;
    spool->write = *write;
    spool->file = -1;
    spool->head_size = head_size;
    spool->content_limit = content_limit;
    spool->reserved = head_size + content_limit;
    if (!reserve(outbox, spool)) {
        memory_free(spool);
        return ERROR_LIMIT;
    }
    io_entropy(task_loop(task), random, sizeof(random));
    struct text id = text_in(spool->id, sizeof(spool->id));
    text_append_hex(&id, random[0], 16);
    text_append_hex(&id, random[1], 16);
    *ret_spool = spool;
    return ERROR_NONE;
}

const char *outbox_spool_id(const struct outbox_spool *spool)
{
    return spool->id;
}

char *outbox_spool_space(struct outbox_spool *spool, size_t *ret_size)
{
    *ret_size = OUTBOX_BLOCK_SIZE - spool->filled;
    return spool->block + spool->filled;
}

// On a helper thread. Content goes behind the place of the head, which is written last, when all of
// it is known.
static void spool_work(void *argument)
{
    struct outbox_spool *spool = argument;
    struct outbox_write *write = &spool->write;
    int directory = spool->outbox->directory;
    struct slice block = slice_of(spool->block, spool->filled);
    enum error error = ERROR_NONE;
    if (spool->file < 0)
        error = outbox_store_create(directory, spool->id, &spool->file);
    if (error == ERROR_NONE && block.size > 0) {
        error = outbox_store_write(spool->file, spool->head_size + write->content_size, block);
        write->content_checksum = outbox_format_checksum(write->content_checksum, block);
        write->content_size += block.size;
        spool->filled = 0;
    }
    if (error == ERROR_NONE && spool->commits) {
        char *head = memory_alloc(spool->head_size);
        error = head == NULL ? ERROR_MEMORY : ERROR_NONE;
        if (error == ERROR_NONE) {
            outbox_format_write(write, head);
            error = outbox_store_write(spool->file, 0, slice_of(head, spool->head_size));
        }
        memory_free(head);
        if (error == ERROR_NONE)
            error = outbox_store_publish(directory, spool->id, spool->file);
    }
    spool->error = error;
}

static enum error spool_run(struct task *task, struct outbox_spool *spool)
{
    struct outbox *outbox = spool->outbox;
    enum error error = io_blocking(task, spool_work, spool);
    if (error == ERROR_NONE)
        error = spool->error;
    if (error == ERROR_NONE)
        return ERROR_NONE;
    lock_acquire(&outbox->lock);
    outbox->totals.disk_errors++;
    lock_release(&outbox->lock);
    log_write(LOG_ERROR, "outbox", "a write cannot be put on disk: %s", error_text(error));
    return error == ERROR_LIMIT ? ERROR_SYSTEM : error; // the disk's, not the content's
}

enum error outbox_spool_filled(struct task *task, struct outbox_spool *spool, size_t size)
{
    spool->filled += size;
    if (spool->write.content_size + spool->filled > spool->content_limit)
        return ERROR_LIMIT;
    return spool->filled < OUTBOX_BLOCK_SIZE ? ERROR_NONE : spool_run(task, spool);
}

static void abandon_work(void *argument)
{
    struct outbox_spool *spool = argument;
    close(spool->file);
    outbox_store_abandon(spool->outbox->directory, spool->id);
}

void outbox_spool_abandon(struct task *task, struct outbox_spool *spool)
{
    if (spool->file >= 0 && io_blocking(task, abandon_work, spool) != ERROR_NONE)
        close(spool->file); // what is left of it goes at the next start
    give_back(spool->outbox, spool);
    memory_free(spool);
}

// On disk it is: it must get into the queue of this run too.
static enum error spool_enqueue(struct outbox_spool *spool)
{
    struct outbox *outbox = spool->outbox;
    lock_acquire(&outbox->lock);
    enum error error = outbox_add(outbox, spool->id, OUTBOX_QUEUED, &spool->write);
    if (error == ERROR_NONE) {
        outbox->totals.accepted++;
        outbox->totals.bytes -=
            spool->reserved - spool->head_size - spool->write.content_size;
    }
    lock_release(&outbox->lock);
    return error;
}

static void close_work(void *argument)
{
    struct outbox_spool *spool = argument;
    enum error error = outbox_store_remove(spool->outbox->directory, spool->id, OUTBOX_QUEUED);
    if (error != ERROR_NONE)
        log_write(LOG_ERROR, "outbox", "a write that was not accepted stays on disk: %s id=%.*s",
            error_text(error), OUTBOX_ID_SIZE, spool->id);
}

enum error outbox_spool_commit(struct task *task, struct outbox_spool *spool)
{
    spool->commits = true;
    enum error error = spool_run(task, spool);
    if (error == ERROR_NONE) {
        error = spool_enqueue(spool);
        if (error != ERROR_NONE && io_blocking(task, close_work, spool) != ERROR_NONE)
            log_write(LOG_ERROR, "outbox", "a write that was not accepted stays on disk id=%.*s",
                OUTBOX_ID_SIZE, spool->id);
    }
    if (error != ERROR_NONE) {
        outbox_spool_abandon(task, spool);
        return error;
    }
    log_write(LOG_INFO, "outbox", "accepted id=%.*s method=%.*s url=%.*s bytes=%llu",
        OUTBOX_ID_SIZE, spool->id,
        SLICE_ARGS(outbox_text(&spool->write, OUTBOX_TEXT_method)),
        (int)MINIMUM(outbox_text(&spool->write, OUTBOX_TEXT_url).size, 500),
        outbox_text(&spool->write, OUTBOX_TEXT_url).data,
        (unsigned long long)spool->write.content_size);
    close(spool->file);
    broadcast_signal(&spool->outbox->changed);
    memory_free(spool);
    return ERROR_NONE;
}
