// An edge that is made but not running, and a directory of the test's own.
#pragma once

#include "../cache/heads.h"
#include "admin/status.h"
#include "base/memory.h"
#include "conf/conf.h"
#include "io/epoll.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct setting fixture_rows[] = {
    {.name = "origins",
        .type = SETTING_SECTION_MAP,
        .offset = offsetof(struct edge_settings, origins),
        .section = &origin_settings_section,
        .summary = "-"},
    {.name = "sites",
        .type = SETTING_SECTION_LIST,
        .offset = offsetof(struct edge_settings, sites),
        .section = &site_settings_section,
        .summary = "-"},
    {.name = "store",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, store),
        .section = &cache_settings_section,
        .summary = "-"},
    {.name = "connections",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, connections),
        .section = &connection_settings_section,
        .summary = "-"},
    {.name = "http",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, http),
        .section = &http_settings,
        .summary = "-"},
};

static const struct setting_section fixture_root = {.size = sizeof(struct edge_settings),
    .rows = fixture_rows,
    .count = ARRAY_SIZE(fixture_rows),
    .summary = "-"};

struct fixture {
    struct arena arena;
    struct edge_settings settings;
    struct epoll_world *world;
    struct loop *loop;
    struct edge *edge;
    struct status_source source;
};

static inline void fixture_open(struct fixture *fixture)
{
    static struct conf_mistakes mistakes;
    static const struct loop_limits limits = {.tasks = 64, .stack_size = 65536};
    *fixture = (struct fixture){.world = epoll_world_create(1)};
    arena_init(&fixture->arena, 65536, 1 << 22);
    enum error error = conf_load_text(
        SLICE("origins: {main: {backends: [\"http://127.0.0.1:9\", \"http://127.0.0.2:9\"]}, "
              "other: {backends: [\"http://127.0.0.3:9\"]}}\n"
              "sites: [{hosts: [example.org, www.example.org], origin: main}, {origin: other}]\n"),
        &fixture_root, &fixture->arena, &fixture->settings, &mistakes);
    if (error != ERROR_NONE)
        conf_print_mistakes(&mistakes, "fixture", stderr);
    assert_int_equal(error, ERROR_NONE);
    fixture->settings.prefix = SLICE("/.afloat/");
    fixture->settings.name = SLICE("afloat");
    assert_non_null(fixture->world);
    fixture->loop = epoll_loop_create(fixture->world, &limits, 0, 1);
    assert_non_null(fixture->loop);
    struct edge_hooks hooks = {0};
    fixture->edge = edge_create(&fixture->loop, 1, &fixture->settings, &hooks);
    assert_non_null(fixture->edge);
    status_source_init(&fixture->source, fixture->edge, &fixture->settings);
    assert_int_equal(
        address_parse(SLICE("127.0.0.1:8080"), &fixture->source.listeners[0]), ERROR_NONE);
    fixture->source.listener_count = 1;
    fixture->source.thread_count = 1;
}

static inline void fixture_close(struct fixture *fixture)
{
    edge_destroy(fixture->edge);
    status_source_destroy(&fixture->source);
    epoll_loop_destroy(fixture->loop);
    epoll_world_destroy(fixture->world);
    arena_free(&fixture->arena);
}

// Puts a response for the URL into the cache, tagged "news".
static inline void fixture_keep(struct fixture *fixture, struct slice url)
{
    static struct test_request request;
    static struct test_response response;
    test_parse_request(&request, "GET / HTTP/1.1", "");
    test_parse_response(
        &response, 200, "Cache-Control: max-age=60\nContent-Length: 5\nSurrogate-Key: news\n");
    const struct judge_policy policy = {.keep_ms = 60000};
    struct judgement judgement;
    judge_response(&request.head, &response.head, &policy, NOW_MS, NOW_MS, &judgement);
    assert_int_equal(judgement.store, JUDGE_STORE);
    struct cache *cache = edge_cache(fixture->edge);
    char buffer[256];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append(&text, SLICE("site\0"));
    text_append(&text, url);
    struct cache_key key = cache_key_of(cache, text_slice(&text));
    struct body *body = body_from_bytes(SLICE("hello"));
    assert_non_null(body);
    struct object *object =
        object_create(&key, &request.head, &response.head, &judgement, 1, NOW_MS, body);
    assert_non_null(object);
    assert_true(cache_insert(cache, object, cache_epoch(cache)));
    object_release(object);
}

static inline int fixture_remove(
    const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

// In cmocka's state, as set-up and tear-down of a test.
static inline int directory_make(void **state)
{
    char *path = strdup("/tmp/afloat-test-XXXXXX");
    *state = path;
    return path == NULL || mkdtemp(path) == NULL ? -1 : 0;
}

static inline int directory_remove(void **state)
{
    int result = nftw(*state, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return result;
}

// "DIRECTORY/name", to be freed.
static inline char *path_in(void **state, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", (const char *)*state, name) > 0);
    return path;
}

// NUL-terminated, to be freed; NULL while there is no such file.
static inline char *read_whole(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *content = NULL;
    size_t capacity = 0;
    if (getdelim(&content, &capacity, '\0', file) < 0) {
        free(content);
        content = strdup("");
    }
    fclose(file);
    return content;
}
