// The settings of the protocol room.
#include "http/limits.h"

static const struct setting rows[] = {
    {
        .name = "head_size",
        .type = SETTING_SIZE,
        .offset = offsetof(struct http1_limits, head_size),
        .fallback = "64KB",
        .minimum = 1024,
        .maximum = 1024 * 1024,
        .summary = "The largest head of a request or response that is read, "
                   "all its lines together.",
        .touch = "Raise it when a site with many or long cookies gets 431 answers, or when "
                 "a backend's heads are refused; each connection may hold this much.",
    },
    {
        .name = "line_size",
        .type = SETTING_SIZE,
        .offset = offsetof(struct http1_limits, line_size),
        .fallback = "16KB",
        .minimum = 512,
        .maximum = 1024 * 1024,
        .summary = "The longest request line, and the longest single field line.",
        .touch = "Raise it when very long addresses get 414 or one long cookie gets 431; above "
                 "head_size it has no effect. Over HTTP/2, a field that is coded as more than 64 "
                 "KB ends the connection in any case.",
    },
    {
        .name = "field_count",
        .type = SETTING_COUNT,
        .offset = offsetof(struct http1_limits, field_count),
        .fallback = "256",
        .minimum = 16,
        .maximum = 4096,
        .summary = "The most field lines that one head may have.",
        .touch = "Raise it only when a backend is refused for it; no browser comes near.",
    },
    {
        .name = "chunk_line_size",
        .type = SETTING_SIZE,
        .offset = offsetof(struct http1_limits, chunk_line_size),
        .fallback = "256",
        .minimum = 16,
        .maximum = 16 * 1024,
        .summary = "The longest line before a chunk: its size and its extensions.",
        .touch = "Raise it only when a backend sends long chunk extensions, which afloat drops.",
    },
    {
        .name = "trailer_size",
        .type = SETTING_SIZE,
        .offset = offsetof(struct http1_limits, trailer_size),
        .fallback = "8KB",
        .minimum = 256,
        .maximum = 1024 * 1024,
        .summary = "The largest trailer section: the fields after a message's content, of "
                   "which those pass on that may come so late.",
        .touch = "Raise it when requests or a backend's responses are refused for their "
                 "trailers.",
    },
};

const struct setting_section http_settings = {
    .size = sizeof(struct http1_limits),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "How large the parts of a message may be. What is larger is refused, never cut.",
};
