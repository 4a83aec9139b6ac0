// Size against the copy's, and texts that no good answer has.
#include "edge/protection.h"
#include "base/memory.h"
#include "edge/lifeline.h"

uint64_t protection_examines(const struct fetch *fetch, const struct object *object)
{
    const struct connection_settings *settings = &fetch->generation->settings->connections;
    if (fetch->protect == NULL || object->status != 200
        || !fetch_site(fetch)->lifelines.of[LIFELINE_NEGATIVE_PROTECTION].enabled)
        return 0;
    return MINIMUM(fetch->protect->examined, settings->stream_window / 2); // nobody reads it yet
}

static bool is_coded(const struct object *object)
{
    return (object_flags(object) & OBJECT_IS_CODED) != 0;
}

static bool is_too_short(const struct fetch *fetch, const struct object *object, bool ended)
{
    const struct object *copy = fetch->copy;
    if (fetch->protect->minimum_percent == 0 || copy == NULL || copy->status != 200
        || is_coded(copy) != is_coded(object) || object_length(copy) == UINT64_MAX)
        return false;
    uint64_t size = !ended ? object->content_length : object->body == NULL ? 0
        : body_size(object->body);
    uint64_t wanted = object_length(copy) / 100 * fetch->protect->minimum_percent
        + object_length(copy) % 100 * fetch->protect->minimum_percent / 100;
    return size < wanted; // one of unknown length is long enough
}

// The beginning of the content as one run of bytes.
static size_t flatten(struct body *body, char *buffer, size_t size)
{
    struct body_reader reader;
    struct slice bytes;
    size_t filled = 0;
    body_reader_open(&reader, body, 0);
    while (filled < size && body_reader_peek(&reader, &bytes) == ERROR_NONE) {
        size_t taken = MINIMUM(bytes.size, size - filled);
        memcpy(buffer + filled, bytes.data, taken);
        filled += taken;
        body_reader_advance(&reader, taken);
    }
    body_reader_close(&reader);
    return filled;
}

static bool has_forbidden(const struct fetch *fetch, const struct object *object)
{
    const struct setting_list *list = &fetch->protect->forbidden;
    const struct slice *texts = list->items;
    bool found = false;
    if (list->count == 0 || object->body == NULL || is_coded(object))
        return false;
    size_t size = (size_t)MINIMUM(body_size(object->body), protection_examines(fetch, object));
    char *buffer = memory_alloc(size + 1);
    if (buffer == NULL)
        return false;
    size = flatten(object->body, buffer, size);
    for (size_t i = 0; i < list->count && !found; i++)
        found = memmem(buffer, size, texts[i].data, texts[i].size) != NULL;
    memory_free(buffer);
    return found;
}

bool protection_believes(struct fetch *fetch, const struct object *object, bool ended)
{
    uint64_t now_ns = fetch->thread->loop->now_ns;
    if (!is_too_short(fetch, object, ended) && !has_forbidden(fetch, object))
        return true;
    ledger_add(fetch->thread->ledger, LEDGER_DISBELIEVED, 1);
    bool has_better = fetch->copy != NULL
        && (object_may_go_stale(fetch->copy, now_ns) || object_is_fresh(fetch->copy, now_ns));
    if (has_better || fetch->protect->unheld == RULE_PROTECT_FAIL)
        return false;
    ledger_add(fetch->thread->ledger, LEDGER_DISBELIEVED_PASSED, 1);
    fetch->reason = fetch->report->reason = JUDGE_REASON_DISBELIEVED;
    return true;
}
