// What the watch adds to the metrics: what its pages show, and how telling people goes.
#include "watch/machine/machine.h"
#include "watch/watch_inside.h"

#define COUNTS_MAX 2048 // bytes of what stands behind

static void put(struct text *text, const char *name, const char *type, const char *help,
    uint64_t value)
{
    text_format(text, "# HELP afloat_%s %s\n# TYPE afloat_%s %s\nafloat_%s %llu\n", name, help,
        name, type, name, (unsigned long long)value);
}

static void put_counts(struct text *text, const struct watch *watch)
{
    struct courier_counts counts;
    if (watch->database != NULL)
        put(text, "status_history_lost_total", "counter",
            "Pieces of the history that could not be written.", database_lost(watch->database));
    if (watch->courier == NULL)
        return;
    courier_read_counts(watch->courier, &counts);
    put(text, "notify_sent_total", "counter", "Mails and webhooks taken.", counts.sent);
    put(text, "notify_tried_again_total", "counter", "Attempts put off.", counts.tried_again);
    put(text, "notify_failed_total", "counter", "Mails and webhooks given up.", counts.failed);
    put(text, "notify_dropped_total", "counter",
        "Those dropped for want of room, or since their recipient is gone.", counts.dropped);
    put(text, "notify_queued", "gauge", "Mails and webhooks that wait.", counts.queued);
    put(text, "notify_subscribers", "gauge", "Subscribers by mail.", counts.subscribers);
}

enum error watch_write_metrics(struct watch *watch, int64_t now_ms, struct text *ret_text)
{
    char counts_buffer[COUNTS_MAX], *shown = NULL;
    size_t size = 0;
    struct text counts = text_in(counts_buffer, sizeof(counts_buffer));
    struct core *core = watch_hold(watch);
    struct snapshot *snapshot = world_snapshot(core->world, now_ms);
    enum error error = snapshot == NULL ? ERROR_MEMORY
                                        : machine_write_metrics(snapshot, &shown, &size);
    snapshot_release(snapshot);
    core_release(core);
    if (error != ERROR_NONE)
        return error;
    put_counts(&counts, watch);
    text_append(ret_text, slice_of(shown, size));
    text_append(ret_text, text_slice(&counts));
    memory_free(shown);
    return ERROR_NONE;
}
