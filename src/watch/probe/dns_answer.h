// What a name server answers (RFC 1035 section 4.1): a stranger's bytes. Inside of this folder.
#pragma once

#include "io/address.h"

struct dns_found {
    unsigned records;  // of the kind that was asked for
    bool has_expected; // the expected address is among them
};

// False: it cannot be understood. expected of family AF_UNSPEC: none.
bool dns_answer_read(const uint8_t *message, size_t size, int record,
    const struct address *expected, struct dns_found *ret_found) MUST_CHECK;
