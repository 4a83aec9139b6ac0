// The rows of connections.http2.
#include "edge/http2/http2.h"

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct http2_settings, enabled),
        .summary = "Speak HTTP/2 with visitors who want it.",
        .touch = "Turn it off only to see whether a problem has to do with it."},
    {.name = "prior_knowledge", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct http2_settings, prior_knowledge),
        .summary = "Understand HTTP/2 without TLS when a connection begins with it.",
        .touch = "Turn it off behind a proxy that passes on the first bytes of a connection "
                 "without understanding them."},
    {.name = "streams", .type = SETTING_COUNT, .fallback = "100",
        .offset = offsetof(struct http2_settings, streams), .minimum = 1, .maximum = 1000,
        .summary = "Requests of one connection that are answered at once; further ones wait at "
                   "the visitor's.",
        .touch = "Raise it for another proxy that sends many visitors' requests over few "
                 "connections."},
    {.name = "header_list_size", .type = SETTING_SIZE, .fallback = "32KB",
        .offset = offsetof(struct http2_settings, header_list_size), .minimum = 1024,
        .maximum = 1024 * 1024,
        .summary = "The largest head of a request: names, values, and 32 bytes for each field. "
                   "A larger one gets 431.",
        .touch = "Raise it when visitors with many or long cookies get 431 answers."},
    {.name = "stream_window", .type = SETTING_SIZE, .fallback = "128KB",
        .offset = offsetof(struct http2_settings, stream_window), .minimum = 65535,
        .maximum = 16 * 1024 * 1024,
        .summary = "How much of one upload is held in memory until the backend takes it.",
        .touch = "Raise it when uploads from far away are slow: no more than this is on its way "
                 "at any time."},
    {.name = "connection_window", .type = SETTING_SIZE, .fallback = "512KB",
        .offset = offsetof(struct http2_settings, connection_window), .minimum = 65535,
        .maximum = 256 * 1024 * 1024,
        .summary = "The same for all uploads of one connection together.",
        .touch = "Raise it together with stream_window."},
    {.name = "resets", .type = SETTING_COUNT, .fallback = "200",
        .offset = offsetof(struct http2_settings, resets), .minimum = 10, .maximum = 1000000,
        .summary = "How many requests of a connection may be reset before they are answered; a "
                   "tenth of this comes back each second. Then the connection ends: resetting "
                   "requests in large numbers is an attack.",
        .touch = "Raise it for another proxy in front that passes on its visitors' resets."},
    {.name = "glitches", .type = SETTING_COUNT, .fallback = "500",
        .offset = offsetof(struct http2_settings, glitches), .minimum = 50, .maximum = 1000000,
        .summary = "How many frames without use (pings, settings, priorities, window updates that "
                   "no answer called for, empty and unknown frames) a connection may send; a tenth "
                   "of this comes back each second. Then it ends.",
        .touch = "Raise it for a client whose connections are counted in http2_..._floods."},
};

const struct setting_section http2_settings_section = {
    .size = sizeof(struct http2_settings),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "HTTP/2 towards visitors: on, with limits against all that costs them little and "
               "the edge much.",
};
