// A small set of tables with every type of setting, for the tests and the fuzzer of conf/.
#pragma once

#include "base/setting.h"

#include <stdio.h>

struct disk_settings {
    struct slice path;
    uint64_t size;
};

struct cache_settings {
    uint64_t memory, keep_ms, share;
    struct disk_settings disk;
};

struct backend_settings {
    struct slice url;
    uint64_t weight, connect_timeout_ms;
    struct setting_status_set healthy;
};

struct origin_settings {
    struct slice name;
    uint64_t balance;
    struct setting_list backends; // of struct backend_settings
};

struct edge_settings {
    struct setting_list listen; // of struct slice
    uint64_t threads;
    bool expose;
    struct slice greeting;
    uint64_t stale_despite;
    struct setting_list methods; // of struct slice
    struct cache_settings cache;
    struct setting_list origins; // of struct origin_settings
};

static const struct setting disk_rows[] = {
    {.name = "path", .type = SETTING_TEXT, .offset = offsetof(struct disk_settings, path),
     .summary = "The folder of the disk cache", .example = "/var/cache/afloat"},
    {.name = "size", .type = SETTING_SIZE, .offset = offsetof(struct disk_settings, size),
     .fallback = "1GB", .minimum = 1 << 20, .maximum = UINT64_C(1) << 40,
     .summary = "How much of the disk it may fill.", .touch = "When the disk is small"},
};
static const struct setting_section disk_section = {
    sizeof(struct disk_settings), disk_rows, ARRAY_SIZE(disk_rows), "Copies on disk", NULL};

static const struct setting cache_rows[] = {
    {.name = "memory", .type = SETTING_SIZE, .offset = offsetof(struct cache_settings, memory),
     .fallback = "64MB", .minimum = 1 << 20, .maximum = UINT64_C(1) << 40,
     .summary = "How much memory copies may take.", .touch = "Raise it on a larger machine."},
    {.name = "keep", .type = SETTING_DURATION, .offset = offsetof(struct cache_settings, keep_ms),
     .fallback = "30d", .minimum = 1000, .maximum = UINT64_C(365) * 86400000,
     .summary = "How long a copy is kept for failures.", .touch = "Lower it for news."},
    {.name = "share", .type = SETTING_PERCENT, .offset = offsetof(struct cache_settings, share),
     .fallback = "10%", .minimum = 1, .maximum = 50,
     .summary = "The share of new objects.", .touch = "Never."},
    {.name = "disk", .type = SETTING_SECTION, .offset = offsetof(struct cache_settings, disk),
     .section = &disk_section, .summary = "The disk cache."},
};
static const struct setting_section cache_section = {
    sizeof(struct cache_settings), cache_rows, ARRAY_SIZE(cache_rows), "What is kept", NULL};

static bool check_url(struct slice value, char *message, size_t message_size)
{
    if (slice_starts_with(value, SLICE("http://")))
        return true;
    snprintf(message, message_size, "is no URL; expected http://HOST:PORT");
    return false;
}

static const struct setting backend_rows[] = {
    {.name = "url", .type = SETTING_TEXT, .offset = offsetof(struct backend_settings, url),
     .check = check_url, .required = true, .example = "http://127.0.0.1:8000",
     .summary = "Where it listens."},
    {.name = "weight", .type = SETTING_COUNT, .offset = offsetof(struct backend_settings, weight),
     .fallback = "1", .minimum = 1, .maximum = 100,
     .summary = "Its share of requests.", .touch = "When machines differ."},
    {.name = "connect_timeout", .type = SETTING_DURATION,
     .offset = offsetof(struct backend_settings, connect_timeout_ms), .fallback = "3s",
     .minimum = 1, .maximum = 3600000, .summary = "How long connecting may take.",
     .touch = "When it is far away."},
    {.name = "healthy", .type = SETTING_STATUS_SET,
     .offset = offsetof(struct backend_settings, healthy), .fallback = "200-299,304",
     .summary = "The answers that count as well."},
};
static const struct setting_section backend_section = {
    sizeof(struct backend_settings), backend_rows, ARRAY_SIZE(backend_rows), "One server", NULL};

static const char *const balance_choices[] = {"round_robin", "least_busy", "hash", NULL};

static bool check_origin_name(struct slice value, char *message, size_t message_size)
{
    if (!slice_contains(value, ' '))
        return true;
    snprintf(message, message_size, "contains a space; expected one word");
    return false;
}

static const struct setting origin_rows[] = {
    {.name = "balance", .type = SETTING_CHOICE, .offset = offsetof(struct origin_settings, balance),
     .fallback = "least_busy", .choices = balance_choices,
     .summary = "How a backend is picked.", .touch = "When backends keep local caches."},
    {.name = "backends", .type = SETTING_SECTION_LIST,
     .offset = offsetof(struct origin_settings, backends), .section = &backend_section,
     .minimum = 1, .maximum = 3, .required = true, .summary = "Its servers."},
};
static const struct setting_section origin_section = {
    sizeof(struct origin_settings), origin_rows, ARRAY_SIZE(origin_rows), "Backends of one site",
    NULL};

static const char *const despite_choices[] = {"no_cache", "private", "no_store", NULL};

static const struct setting edge_rows[] = {
    {.name = "listen", .type = SETTING_TEXT_LIST, .offset = offsetof(struct edge_settings, listen),
     .maximum = 4, .example = "\":8080\"", .summary = "Addresses to listen on."},
    {.name = "threads", .type = SETTING_COUNT, .offset = offsetof(struct edge_settings, threads),
     .fallback = "1", .minimum = 1, .maximum = 64,
     .summary = "Worker threads.", .touch = "Leave it."},
    {.name = "expose", .type = SETTING_BOOL, .offset = offsetof(struct edge_settings, expose),
     .fallback = "true", .summary = "Whether Via names the program.", .touch = "To hide it."},
    {.name = "greeting", .type = SETTING_TEXT, .offset = offsetof(struct edge_settings, greeting),
     .fallback = "\"Hello: there\"", .summary = "What the page says first."},
    {.name = "stale_despite", .type = SETTING_CHOICE_SET,
     .offset = offsetof(struct edge_settings, stale_despite), .choices = despite_choices,
     .fallback = "[private, no_store]", .summary = "Directives that do not forbid stale copies."},
    {.name = "methods", .type = SETTING_TEXT_LIST,
     .offset = offsetof(struct edge_settings, methods), .fallback = "[GET, HEAD]",
     .summary = "Methods that are cached."},
    {.name = "cache", .type = SETTING_SECTION, .offset = offsetof(struct edge_settings, cache),
     .section = &cache_section, .summary = "The cache."},
    {.name = "origins", .type = SETTING_SECTION_MAP,
     .offset = offsetof(struct edge_settings, origins), .section = &origin_section,
     .check = check_origin_name, .summary = "Origins by name."},
};
static const struct setting_section edge_section = {
    sizeof(struct edge_settings), edge_rows, ARRAY_SIZE(edge_rows), "The whole edge", NULL};
