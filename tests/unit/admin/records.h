// Access records for tests.
#pragma once

#include "admin/access_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static inline struct access_record record_make(void)
{
    struct access_record record = {.wall_ms = 1763993100123,
        .duration_us = 12345,
        .first_byte_us = 678,
        .method = SLICE("GET"),
        .target = SLICE("/a?b=c"),
        .host = SLICE("example.org"),
        .referer = SLICE("https://example.net/"),
        .user_agent = SLICE("test/1"),
        .request_id = SLICE("00ff"),
        .major_version = 1,
        .minor_version = 1,
        .status = 200,
        .bytes = 5000000000,
        .cache = "stale",
        .lifeline = "stale_if_error",
        .failure = "connection_refused",
        .backend = SLICE("127.0.0.1:8001"),
        .complete = true};
    assert_int_equal(address_parse(SLICE("192.0.2.7:4711"), &record.peer), ERROR_NONE);
    return record;
}
