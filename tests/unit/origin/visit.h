// One exchange from its beginning to its end, as the tests of exchanges make them.
#pragma once

#include "helpers.h"

static const struct http1_limits visit_limits = {65536, 16384, 256, 256, 8192};

// One exchange from its beginning to its end, and everything it told.
struct visit {
    struct bench *bench;
    struct exchange_request request;
    uint64_t tried;
    enum error opened, read; // read: how the body ended
    struct failure failure;
    unsigned status;
    enum http_framing framing;
    char content[65536];
    size_t content_size, read_size;
    bool leaves_early; // closes without reading the body
};

static inline void visit_main(struct task *task, void *argument)
{
    struct visit *visit = argument;
    struct origin *origin = origin_find(visit->bench->origins, SLICE("main"));
    struct exchange *exchange = NULL;
    assert_non_null(origin);
    visit->content_size = 0;
    visit->read = ERROR_NONE;
    visit->failure = (struct failure){0};
    visit->opened = exchange_open(task, origin, &visit->request, &visit_limits, &visit->tried,
        &exchange, &visit->failure);
    if (visit->opened == ERROR_NONE) {
        visit->status = exchange_head(exchange)->status;
        visit->framing = exchange_framing(exchange);
        while (visit->read == ERROR_NONE && !visit->leaves_early) {
            size_t size = 0;
            size_t room = MINIMUM(visit->read_size, sizeof(visit->content) - visit->content_size);
            assert_true(room > 0);
            visit->read = exchange_read(task, exchange, visit->content + visit->content_size, room,
                &size, &visit->failure);
            assert_true(visit->read != ERROR_NONE || (size > 0 && size <= room));
            visit->content_size += size;
        }
        // How it ended does not change.
        size_t ignored;
        if (!visit->leaves_early)
            assert_int_equal(exchange_read(task, exchange, visit->content, 1, &ignored,
                &visit->failure), visit->read);
    }
    exchange_close(task, visit->opened == ERROR_NONE ? exchange : NULL);
    origin_release(origin);
}

static inline struct exchange_request request_for(const char *method)
{
    struct slice text = slice_from_string(method);
    return (struct exchange_request){.method = http_method_find(text), .method_text = text,
        .target = SLICE("/page?q"), .host = SLICE("example.org"), .fields = SLICE("A: b\r\n")};
}

static inline struct visit *visit_create(struct bench *bench, const char *method)
{
    struct visit *visit = calloc(1, sizeof(*visit));
    assert_non_null(visit);
    visit->bench = bench;
    visit->request = request_for(method);
    visit->read_size = sizeof(visit->content);
    return visit;
}

static inline void visit_once(struct visit *visit)
{
    visit->tried = 0;
    bench_run(visit->bench, visit_main, visit);
    assert_int_equal(visit->tried, 1);
}

static inline void open_bench(struct bench *bench, const struct server *server, const char *more)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml), "origins:\n  main:\n    backends: http://127.0.0.1:%u\n%s",
        server->port, more);
    bench_open(bench, yaml);
}

static inline struct backend_view view_of(struct bench *bench)
{
    struct backend_view view;
    struct origin *origin = origin_find(bench->origins, SLICE("main"));
    assert_true(origin_read_backends(origin, &view, 1) > 0); // the first one
    origin_release(origin);
    return view;
}

static inline struct origin_statistics statistics_of(struct bench *bench)
{
    struct origin_statistics statistics;
    struct origin *origin = origin_find(bench->origins, SLICE("main"));
    origin_read_statistics(origin, &statistics);
    origin_release(origin);
    return statistics;
}
