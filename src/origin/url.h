// The address of a backend as people write it: "http[s]://host[:port]", a closing slash allowed.
#pragma once

#include "base/slice.h"

struct backend_url {
    struct slice authority; // host[:port] as written, for the Host field of a probe
    struct slice host;      // without brackets
    uint16_t port;
    bool secure;            // https://
};

// False: message says what is wrong and what would be right. Views into text.
bool backend_url_parse(struct slice text, struct backend_url *ret_url, char *message,
    size_t message_size) MUST_CHECK;
