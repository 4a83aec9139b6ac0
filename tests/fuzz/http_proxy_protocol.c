// Any bytes ahead of a connection: the same however they are cut, and never a byte too many.
#include "base/invariant.h"
#include "http/proxy_protocol.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum proxy_progress progress;
    size_t used;
    struct proxy_reader reader;
};

static void read_in_steps(const uint8_t *data, size_t size, size_t step, struct outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    proxy_reader_init(&outcome->reader);
    while (outcome->progress == PROXY_MORE && outcome->used < size) {
        size_t wants = proxy_reader_wants(&outcome->reader);
        invariant(wants > 0);
        size_t piece = MINIMUM(MINIMUM(wants, step), size - outcome->used);
        uint8_t *copy = malloc(piece); // exact, so that a sanitizer sees a byte read too many
        invariant(copy != NULL);
        memcpy(copy, data + outcome->used, piece);
        outcome->progress = proxy_reader_take(&outcome->reader, copy, piece);
        outcome->used += piece;
        free(copy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, cut;
    read_in_steps(data, size, size + 1, &whole);
    for (size_t step = 1; step < 8; step += 3) {
        read_in_steps(data, size, step, &cut);
        invariant((cut.progress == PROXY_DONE) == (whole.progress == PROXY_DONE));
        if (whole.progress != PROXY_DONE)
            continue;
        invariant(cut.used == whole.used && cut.reader.is_known == whole.reader.is_known);
        invariant(!cut.reader.is_known
            || (address_equal(&cut.reader.source, &whole.reader.source)
                && address_equal(&cut.reader.destination, &whole.reader.destination)));
    }
    if (whole.progress == PROXY_DONE && data[0] == 'P') {
        invariant(whole.used <= PROXY_LINE_MAX);
        invariant(memchr(data, '\n', whole.used) == data + whole.used - 1);
    }
    return 0;
}
