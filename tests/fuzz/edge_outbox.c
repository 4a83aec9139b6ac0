// The file of an accepted write, as damaged as it may be: what is read lies within the bytes, and
// written again it is the same.
#include "base/invariant.h"
#include "base/memory.h"
#include "edge/outbox/outbox_format.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(struct slice bytes, const struct outbox_write *write)
{
    struct outbox_write again;
    size_t size = outbox_format_size(write);
    invariant(size == bytes.size);
    char *buffer = memory_alloc(size);
    invariant(buffer != NULL);
    outbox_format_write(write, buffer);
    invariant(outbox_format_read(slice_of(buffer, size), &again));
    for (size_t i = 0; i < OUTBOX_TEXTS; i++)
        invariant(slice_equal(write->texts[i], again.texts[i]));
    invariant(again.sequence == write->sequence && again.status == write->status);
    memory_free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outbox_write write;
    struct slice bytes = slice_of((const char *)data, size);
    size_t measured = outbox_format_measure(bytes);
    if (measured == 0 || measured > size)
        return 0;
    if (outbox_format_read(slice_of(bytes.data, measured), &write))
        check_same(slice_of(bytes.data, measured), &write);
    return 0;
}
