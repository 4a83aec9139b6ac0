// Any lines sent to the control socket of an edge that is made but does not run: each gets one
// answer of the documented form, with or without memory for it, and what the edge then says of
// itself, its incidents and its windows can be shown on a terminal. So can whatever another program
// calls one of them.
#include "../unit/cache/heads.h"
#include "admin/commands.h"
#include "base/invariant.h"
#include "base/log.h"
#include "base/memory.h"
#include "conf/conf.h"
#include "io/epoll.h"
#include "watch/watch_command.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct arena arena;
    struct origin_settings origin;
    struct site_settings site;
    struct edge_settings settings;
    struct loop *loop;
    struct edge *edge;
    struct status_source source;
} world;

static struct world *told; // of incidents and windows; a new one for each input

static const struct slice kept_url = SLICE("site\0https://example.org/news");

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct loop_limits limits = {.tasks = 4, .stack_size = 65536};
    static struct slice backend = SLICE("http://127.0.0.1:9"), host = SLICE("example.org");
    static const struct edge_hooks hooks = {0};
    (void)argc;
    (void)argv;
    invariant(log_open("/dev/null", LOG_DEBUG) == ERROR_NONE);
    arena_init(&world.arena, 4096, (size_t)1 << 20);
    invariant(conf_load_defaults(&origin_settings_section, &world.arena, &world.origin)
        == ERROR_NONE);
    invariant(conf_load_defaults(&site_settings_section, &world.arena, &world.site)
        == ERROR_NONE);
    world.origin.name = world.site.origin = SLICE("main");
    world.origin.backends = (struct setting_list){&backend, 1};
    world.site.hosts = (struct setting_list){&host, 1};
    world.settings = (struct edge_settings){.origins = {&world.origin, 1},
        .sites = {&world.site, 1},
        .store = {.memory = 1 << 20}, .name = SLICE("afloat"), .prefix = SLICE("/.afloat/")};
    struct epoll_world *epoll = epoll_world_create(0);
    invariant(epoll != NULL);
    world.loop = epoll_loop_create(epoll, &limits, 0, 1);
    invariant(world.loop != NULL);
    world.edge = edge_create(&world.loop, 1, &world.settings, &hooks);
    invariant(world.edge != NULL);
    status_source_init(&world.source, world.edge, &world.settings);
    return 0;
}

// Something to purge.
static void keep_object(void)
{
    static struct test_request request;
    static struct test_response response;
    const struct judge_policy policy = {.keep_ms = 60000};
    struct judgement judgement;
    struct cache *cache = edge_cache(world.edge);
    struct cache_key key = cache_key_of(cache, kept_url);
    test_parse_request(&request, "GET / HTTP/1.1", "");
    test_parse_response(
        &response, 200, "Cache-Control: max-age=60\nContent-Length: 5\nSurrogate-Key: news\n");
    judge_response(&request.head, &response.head, &policy, NOW_MS, NOW_MS, &judgement);
    struct body *body = body_from_bytes(SLICE("hello"));
    invariant(body != NULL);
    struct object *object = object_create(&key, &request.head, &response.head, &judgement, 1,
        NOW_MS, body);
    invariant(object != NULL && cache_insert(cache, object, cache_epoch(cache)));
    object_release(object);
}

static void check_terminal(FILE *out, char *const *shown, const size_t *size)
{
    fclose(out);
    for (size_t i = 0; i < *size; i++) {
        unsigned char byte = (unsigned char)(*shown)[i];
        invariant((byte == '\n' || byte >= ' ') && byte != 0x7F);
    }
    free(*shown);
}

static void check_shown(const json_t *status)
{
    char *shown = NULL;
    size_t size;
    FILE *out = open_memstream(&shown, &size);
    invariant(out != NULL);
    status_render(status, false, NOW_MS, out);
    watch_render_incidents(status, out);
    watch_render_incident(status, out);
    watch_render_windows(status, out);
    check_terminal(out, &shown, &size);
}

static void check_answer(const json_t *request, const json_t *answer)
{
    struct cache_statistics statistics;
    const json_t *ok = json_object_get(answer, "ok"), *purged = json_object_get(answer, "purged");
    invariant(json_is_boolean(ok));
    invariant(json_is_true(ok) || json_string_length(json_object_get(answer, "error")) > 0);
    cache_read_statistics(edge_cache(world.edge), &statistics);
    invariant(purged == NULL || json_integer_value(purged) <= 1);
    if (json_integer_value(purged) == 1)
        invariant(statistics.objects == (json_is_true(json_object_get(request, "hard")) ? 0 : 1));
    const json_t *status = json_object_get(answer, "status");
    if (status != NULL)
        check_shown(status);
}

// Whatever the command is called: the edge above watches nothing.
static void check_told(json_t *answer)
{
    const json_t *ok = json_object_get(answer, "ok");
    invariant(json_is_boolean(ok));
    invariant(json_is_true(ok) || json_string_length(json_object_get(answer, "error")) > 0);
    if (json_object_get(answer, "incident") != NULL)
        check_shown(json_object_get(answer, "incident"));
    check_shown(answer);
    json_decref(answer);
}

static void handle(struct slice line)
{
    json_t *request = json_loadb(line.data == NULL ? "" : line.data, line.size,
        JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(request)) {
        check_shown(request);
        keep_object();
        json_t *answer = commands_handle(&world.source, request);
        invariant(answer != NULL);
        check_answer(request, answer);
        json_decref(answer);
        check_told(watch_command_incident(told, request));
        check_told(watch_command_window(told, request));
    }
    json_decref(request);
}

static void check_url(struct slice line)
{
    char buffer[8192], again_buffer[8192];
    struct text text = text_in(buffer, sizeof(buffer));
    struct text again = text_in(again_buffer, sizeof(again_buffer));
    if (commands_normalise_url(line, &text) != ERROR_NONE) {
        invariant(text.size == 0);
        return;
    }
    invariant(slice_starts_with(text_slice(&text), SLICE("http")));
    invariant(commands_normalise_url(text_slice(&text), &again) == ERROR_NONE);
    invariant(slice_equal(text_slice(&text), text_slice(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct maintenance none = {0};
    static const struct component_definition definitions[] = {
        {.id = SLICE("example.org"), .title = SLICE("Example")}};
    const struct world_settings settings = {.components = definitions, .component_count = 1,
        .now_ms = NOW_MS};
    struct slice rest = slice_of((const char *)data, size);
    edge_set_maintenance(world.edge, &none);
    invariant(world_create(&settings, NULL, &told) == ERROR_NONE);
    while (rest.data != NULL) {
        struct slice line = slice_cut(&rest, '\n');
        check_url(line);
        handle(line);
    }
    world_destroy(told);
    return 0;
}
