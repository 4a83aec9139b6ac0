// Walks over the records of the answer; names are skipped, not read.
#include "watch/probe/dns_answer.h"

#include <arpa/nameser.h>

static unsigned number_at(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

// Past a name; a pointer (section 4.1.4) ends it. False: beyond the end.
static bool skip_name(const uint8_t *message, size_t size, size_t *at)
{
    while (*at < size) {
        uint8_t length = message[*at];
        if (length >= 0xc0) {
            *at += 2;
            return *at <= size;
        }
        *at += length + 1u;
        if (length == 0)
            return true;
        if (length > 63)
            return false;
    }
    return false;
}

static bool is_address(const uint8_t *data, unsigned size, const struct address *expected)
{
    if (expected->any.sa_family == AF_INET)
        return size == 4 && memcmp(data, &expected->v4.sin_addr, 4) == 0;
    return expected->any.sa_family == AF_INET6 && size == 16
        && memcmp(data, &expected->v6.sin6_addr, 16) == 0;
}

bool dns_answer_read(const uint8_t *message, size_t size, int record,
    const struct address *expected, struct dns_found *ret_found)
{
    struct dns_found found = {0};
    size_t at = NS_HFIXEDSZ;
    if (size < NS_HFIXEDSZ)
        return false;
    for (unsigned left = number_at(message + 4); left > 0; left--) {
        if (!skip_name(message, size, &at) || size - at < NS_QFIXEDSZ)
            return false;
        at += NS_QFIXEDSZ;
    }
    for (unsigned left = number_at(message + 6); left > 0; left--) {
        if (!skip_name(message, size, &at) || size - at < NS_RRFIXEDSZ)
            return false;
        unsigned type = number_at(message + at), data_size = number_at(message + at + 8);
        at += NS_RRFIXEDSZ;
        if (size - at < data_size)
            return false;
        if (type == (unsigned)record) {
            found.records++;
            found.has_expected |= is_address(message + at, data_size, expected);
        }
        at += data_size;
    }
    *ret_found = found;
    return true;
}
