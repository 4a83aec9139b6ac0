// A struct of fixed widths, as it is, before the texts.
#include "edge/outbox/outbox_format.h"
#include "base/hash.h"

#include <assert.h>

#define MAGIC UINT64_C(0x31584F4255414641) // "AFAUBOX1"

struct head {
    uint64_t magic;
    uint64_t checksum; // of all that follows, texts included
    uint64_t sequence;
    int64_t accepted_ms, over_ms;
    uint64_t content_size, content_checksum;
    uint32_t state, status, repeatable, spare;
    uint32_t text_sizes[OUTBOX_TEXTS];
    uint32_t end[5];
};
static_assert(sizeof(struct head) == OUTBOX_HEAD_SIZE, "files depend on it");

#define CHECKED_FROM offsetof(struct head, sequence)

static uint64_t checksum_of(struct slice bytes)
{
    return hash_bytes(slice_of(bytes.data + CHECKED_FROM, bytes.size - CHECKED_FROM), MAGIC);
}

size_t outbox_format_size(const struct outbox_write *write)
{
    size_t size = 0;
    for (size_t i = 0; i < OUTBOX_TEXTS; i++) {
        if (write->texts[i].size > OUTBOX_TEXTS_SIZE_MAX - size)
            return 0;
        size += write->texts[i].size;
    }
    return sizeof(struct head) + size;
}

void outbox_format_write(const struct outbox_write *write, char *buffer)
{
    struct head head = {
        .magic = MAGIC,
        .sequence = write->sequence,
        .accepted_ms = write->accepted_ms,
        .over_ms = write->over_ms,
        .content_size = write->content_size,
        .content_checksum = write->content_checksum,
        .state = write->state,
        .status = write->status,
        .repeatable = write->repeatable,
    };
    size_t at = sizeof(head);
    for (size_t i = 0; i < OUTBOX_TEXTS; i++) {
        head.text_sizes[i] = (uint32_t)write->texts[i].size;
        if (write->texts[i].size > 0)
            memcpy(buffer + at, write->texts[i].data, write->texts[i].size);
        at += write->texts[i].size;
    }
    memcpy(buffer, &head, sizeof(head));
    head.checksum = checksum_of(slice_of(buffer, at));
    memcpy(buffer, &head, sizeof(head));
}

size_t outbox_format_measure(struct slice bytes)
{
    struct head head;
    size_t size = 0;
    if (bytes.size < sizeof(head))
        return 0;
    memcpy(&head, bytes.data, sizeof(head));
    if (head.magic != MAGIC)
        return 0;
    for (size_t i = 0; i < OUTBOX_TEXTS; i++) {
        if (head.text_sizes[i] > OUTBOX_TEXTS_SIZE_MAX - size)
            return 0;
        size += head.text_sizes[i];
    }
    return sizeof(head) + size;
}

bool outbox_format_read(struct slice bytes, struct outbox_write *ret_write)
{
    struct head head;
    size_t at = sizeof(head);
    if (outbox_format_measure(bytes) != bytes.size || bytes.size == 0)
        return false;
    memcpy(&head, bytes.data, sizeof(head));
    if (head.checksum != checksum_of(bytes) || head.state >= OUTBOX_STATES || head.status > 999)
        return false;
    struct outbox_write write = {
        .state = (enum outbox_state)head.state,
        .repeatable = head.repeatable != 0,
        .status = head.status,
        .sequence = head.sequence,
        .accepted_ms = head.accepted_ms,
        .over_ms = head.over_ms,
        .content_size = head.content_size,
        .content_checksum = head.content_checksum,
    };
    for (size_t i = 0; i < OUTBOX_TEXTS; i++) {
        write.texts[i] = slice_of(bytes.data + at, head.text_sizes[i]);
        at += head.text_sizes[i];
    }
    *ret_write = write;
    return true;
}

uint64_t outbox_format_checksum(uint64_t before, struct slice block)
{
    return hash_bytes(block, before);
}
