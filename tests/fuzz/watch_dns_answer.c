// What a name server answers to a monitor: whatever it is, it is read within its bounds; an
// expected address is only found among records, and no more of these than have room.
#include "base/invariant.h"
#include "watch/probe/dns_answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int records[] = {1, 2, 5, 15, 16, 28};
    struct address v4, v6, none = {0};
    invariant(address_parse_host(SLICE("192.0.2.7"), 0, &v4) == ERROR_NONE);
    invariant(address_parse_host(SLICE("2001:db8::6"), 0, &v6) == ERROR_NONE);
    const struct address *expected[] = {&v4, &v6, &none};
    for (size_t i = 0; i < ARRAY_SIZE(records) * ARRAY_SIZE(expected); i++) {
        struct dns_found found = {.records = 77};
        bool is_one = dns_answer_read(data, size, records[i % ARRAY_SIZE(records)],
            expected[i / ARRAY_SIZE(records)], &found);
        invariant(is_one || found.records == 77);
        invariant(!is_one || found.records <= size / 11); // a record's least
        invariant(!found.has_expected || found.records > 0);
        invariant(!found.has_expected || i / ARRAY_SIZE(records) < 2);
    }
    return 0;
}
