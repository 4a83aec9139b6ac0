// Requests that empty the cache, as plugins send them: any head at all. Whatever it says, it hits
// nothing of a site that does not allow its client, takes hard what it was told to and nothing
// else, and a plain one hits the copy of its own URL.
#include "base/invariant.h"
#include "base/memory.h"
#include "cache/inside.h"
#include "edge/purge_plan.h"
#include "edge/purge_settings.h"
#include "http/authority.h"
#include "http/key.h"
#include "http_fuzz.h"
#include "io/epoll.h"

#define OBJECTS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Made once.
static struct {
    struct edge edge;
    struct edge_settings settings;
    struct site_settings sites[3];
    struct generation *generation;
    struct object *objects[OBJECTS];
} world;

static const char *const objects[OBJECTS] = {
    "http://a.example/", "http://a.example/purge/x?q=1", "https://x.a.example/y",
    "http://b.example/", "http://c.example:81/x", "http://c.example/y"};

static struct object *make_object(const char *url)
{
    static const struct judge_policy policy = {.keep_ms = 1000000};
    struct http_field items[2][FUZZ_FIELDS];
    struct http_request_head request = {.fields = {items[0], 0, FUZZ_FIELDS}};
    struct http_response_head response = {.fields = {items[1], 0, FUZZ_FIELDS}};
    struct judgement judgement;
    char key[128];
    struct text text = text_in(key, sizeof(key));
    text_append(&text, SLICE("site\0"));
    text_append(&text, slice_from_string(url));
    struct cache_key cache_key = {.text = text_slice(&text)};
    invariant(http1_parse_request(SLICE("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), &fuzz_limits,
        &request) == HTTP1_FAULT_NONE);
    invariant(http1_parse_response(SLICE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
        "Cache-Control: max-age=60\r\nxkey: a b\r\nCache-Tag: c, d e\r\n"
        "Content-Type: text/html\r\n\r\n"), &fuzz_limits, &response) == HTTP1_FAULT_NONE);
    judge_response(&request, &response, &policy, 0, 0, &judgement);
    struct object *object =
        object_create(&cache_key, &request, &response, &judgement, 0, 0, NULL);
    invariant(object != NULL);
    return object;
}

// Site 0 may be purged by the client and has a path for it, site 1 by nobody, site 2 by the client.
static void make_world(void)
{
    static struct slice url = {"http://127.0.0.1:1", 18}, allow = {"192.0.2.0/24", 12};
    static struct slice first[] = {{"a.example", 9}, {"*.a.example", 11}};
    static struct slice second = {"b.example", 9}, third = {"c.example", 9};
    static struct origin_settings origin = {.name = {"main", 4}, .backends = {&url, 1}};
    static struct loop_limits limits = {.tasks = 4, .stack_size = 65536};
    struct epoll_world *epoll = epoll_world_create(1);
    struct loop *loop = epoll == NULL ? NULL : epoll_loop_create(epoll, &limits, 0, 1);
    invariant(loop != NULL);
    world.edge.origins = origins_create(&loop, 1);
    invariant(world.edge.origins != NULL);
    history_table_init(&world.edge.histories, 1);
    invariant(origins_configure(world.edge.origins, &origin, 1) == ERROR_NONE);
    world.sites[0] = (struct site_settings){.hosts = {first, 2}, .origin = origin.name,
        .purge = {.allow = {&allow, 1}, .path = SLICE("/purge")}};
    world.sites[1] = (struct site_settings){.hosts = {&second, 1}, .origin = origin.name};
    world.sites[2] = (struct site_settings){.hosts = {&third, 1}, .origin = origin.name,
        .purge = {.allow = {&allow, 1}, .mode = PURGE_MODE_HARD}};
    world.settings.sites = (struct setting_list){world.sites, 3};
    world.generation = generation_create(&world.edge, &world.settings);
    invariant(world.generation != NULL);
    for (size_t i = 0; i < OBJECTS; i++)
        world.objects[i] = make_object(objects[i]);
}

static bool has_field(const struct http_fields *fields, const char *name, const char *value)
{
    const struct http_field *field = http_fields_find_text(fields, slice_from_string(name));
    return field != NULL
        && (value == NULL || slice_equal_nocase(field->value, slice_from_string(value)));
}

static void check_purge(const struct request *request, const struct purge *purge)
{
    const struct http_fields *fields = &request->head.fields;
    invariant(purge->covers != NULL);
    if (has_field(fields, "afloat-purge", NULL))
        invariant(purge->hard == has_field(fields, "afloat-purge", "hard"));
    else if (has_field(fields, "fastly-soft-purge", "1") || request->site == NULL)
        invariant(!purge->hard);
    if (purge->kind == PURGE_URL || purge->kind == PURGE_PREFIX)
        invariant(slice_starts_with(purge->what, SLICE("http://")));
    for (size_t i = 0; i < OBJECTS; i++) {
        bool is_hit = purge_matches(purge, world.objects[i]);
        bool is_first = i < 3, is_second = i == 3;
        invariant(!is_hit || !is_second);
        if (request->site != NULL)
            invariant(!is_hit || is_first == (request->site == &world.generation->sites[0]));
    }
}

// Without any field or ending that gives it another meaning.
static bool is_plain(const struct http_request_head *head)
{
    struct slice method = head->method_text;
    return head->fields.count == 1 && head->path.size > 0 && head->path.data[0] == '/'
        && (slice_equal(method, SLICE("PURGE")) || slice_equal(method, SLICE("URIBAN")))
        && !slice_ends_with(head->path, SLICE("*"))
        && !slice_starts_with(head->path, SLICE("/purge"));
}

static void check_plain(const struct request *request, const struct purge_plan *plan)
{
    char buffer[2048];
    struct text text = text_in(buffer, sizeof(buffer));
    invariant(plan->count == 1 && plan->purges[0].kind == PURGE_URL);
    invariant(http_key_write(&text, SLICE("http"), request->head.authority, request->head.path,
        request->head.query) == ERROR_NONE);
    invariant(slice_equal(text_slice(&text), plan->purges[0].what));
}

static void check_plan(struct request *request, enum purge_tool tool)
{
    struct purge_plan plan;
    purge_plan_make(&plan, request, tool);
    invariant(plan.count <= PURGES_MAX && plan.pattern_count <= PURGE_PATTERNS_MAX);
    invariant(plan.status == 0 || plan.status == 400 || plan.status == 503);
    if (plan.status == 0) {
        invariant(plan.count > 0);
        for (size_t i = 0; i < plan.count; i++)
            check_purge(request, &plan.purges[i]);
        if (is_plain(&request->head))
            check_plain(request, &plan);
    }
    purge_plan_free(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct request request;
    struct http_authority authority;
    char *copy = memory_alloc(size + 1);
    invariant(copy != NULL);
    memcpy(copy, data, size);
    if (world.generation == NULL)
        make_world();
    memset(&request, 0, sizeof(request));
    arena_init(&request.arena, 4096, 65536);
    request.generation = world.generation;
    request.head.fields = (struct http_fields){request.fields, 0, FUZZ_FIELDS};
    request.client.address.v4 = (struct sockaddr_in){.sin_family = AF_INET,
        .sin_addr.s_addr = htonl(0xC0000201)}; // 192.0.2.1
    if (http1_parse_request(slice_of(copy, size), &fuzz_limits, &request.head)
            == HTTP1_FAULT_NONE
        && http_authority_parse(request.head.authority, &authority)) {
        request.host = authority.host;
        request.site = generation_find_site(world.generation, request.host);
        enum purge_tool tool = purge_tool_of(&request);
        bool may = request.site == NULL || request.site->purge_allow.count > 0;
        if (tool != PURGE_TOOL_NONE && may)
            check_plan(&request, tool);
    }
    arena_free(&request.arena);
    memory_free(copy);
    return 0;
}
