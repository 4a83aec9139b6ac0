// A host name finds its site, whoever wrote it how; settings live exactly as long as somebody uses
// them.
#include "base/memory.h"
#include "edge/thread.h"
#include "io/epoll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
    struct epoll_world *epoll;
    struct loop *loop;
    struct edge edge;
    struct slice url;
    struct origin_settings origin;
};

static int set_up(void **state)
{
    struct loop_limits limits = {.tasks = 16, .stack_size = 65536};
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->epoll = epoll_world_create(1);
    assert_non_null(world->epoll);
    world->loop = epoll_loop_create(world->epoll, &limits, 0, 1);
    assert_non_null(world->loop);
    history_table_init(&world->edge.histories, 1);
    world->edge.origins = origins_create(&world->loop, 1);
    assert_non_null(world->edge.origins);
    world->url = SLICE("http://127.0.0.1:1");
    world->origin = (struct origin_settings){.name = SLICE("main"), .backends = {&world->url, 1}};
    assert_int_equal(origins_configure(world->edge.origins, &world->origin, 1), ERROR_NONE);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    history_table_destroy(&world->edge.histories);
    origins_destroy(world->edge.origins);
    epoll_loop_destroy(world->loop);
    epoll_world_destroy(world->epoll);
    free(world);
    return 0;
}

static void test_each_name_finds_its_site(void **state)
{
    struct world *world = *state;
    struct slice first[] = {SLICE("one.example"), SLICE("www.one.example")};
    struct slice second[] = {SLICE("two.example"), SLICE("[::1]"), SLICE("192.0.2.1")};
    struct site_settings sites[] = {{.hosts = {first, 2}, .origin = SLICE("main")},
        {.hosts = {second, 3}, .origin = SLICE("main")}};
    struct edge_settings settings = {.sites = {sites, 2}};
    struct generation *generation = generation_create(&world->edge, &settings);
    assert_non_null(generation);
    for (size_t i = 0; i < 2; i++)
        assert_ptr_equal(generation_find_site(generation, first[i])->settings, &sites[0]);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(generation_find_site(generation, second[i])->settings, &sites[1]);
    assert_null(generation_find_site(generation, SLICE("three.example")));
    assert_null(generation_find_site(generation, SLICE("one.exampl")));
    assert_null(generation_find_site(generation, SLICE("x.one.example")));
    assert_null(generation_find_site(generation, SLICE("")));
    generation_release(generation);
}

static void test_letter_case_does_not_matter_on_either_side(void **state)
{
    struct world *world = *state;
    struct slice hosts[] = {SLICE("Shop.Example.ORG"), SLICE("lower.example")};
    struct site_settings site = {.hosts = {hosts, 2}, .origin = SLICE("main")};
    struct edge_settings settings = {.sites = {&site, 1}};
    struct generation *generation = generation_create(&world->edge, &settings);
    assert_non_null(generation);
    assert_non_null(generation_find_site(generation, SLICE("shop.example.org")));
    assert_non_null(generation_find_site(generation, SLICE("SHOP.EXAMPLE.ORG")));
    assert_non_null(generation_find_site(generation, SLICE("LOWER.example")));
    generation_release(generation);
}

static void test_the_site_without_names_takes_the_rest(void **state)
{
    struct world *world = *state;
    struct slice named[] = {SLICE("one.example")};
    struct site_settings sites[] = {{.origin = SLICE("main")},
        {.hosts = {named, 1}, .origin = SLICE("main")}};
    struct edge_settings settings = {.sites = {sites, 2}};
    struct generation *generation = generation_create(&world->edge, &settings);
    assert_non_null(generation);
    assert_ptr_equal(generation_find_site(generation, SLICE("one.example"))->settings, &sites[1]);
    assert_ptr_equal(generation_find_site(generation, SLICE("other"))->settings, &sites[0]);
    assert_ptr_equal(generation_find_site(generation, SLICE(""))->settings, &sites[0]);
    generation_release(generation);
}

static void test_wildcards_and_aliases(void **state)
{
    struct world *world = *state;
    struct slice first[] = {SLICE("one.example"), SLICE("*.one.example"), SLICE("*.x.test")};
    struct slice aliases[] = {SLICE("www.one.example"), SLICE("*.Other.example")};
    struct slice second[] = {SLICE("own.one.example"), SLICE("*.deep.one.example")};
    struct site_settings sites[] = {
        {.hosts = {first, 3}, .aliases = {aliases, 2}, .origin = SLICE("main")},
        {.hosts = {second, 2}, .origin = SLICE("main")}};
    static const struct {
        const char *host;
        int site; // -1: none
        bool is_alias;
    } rows[] = {{"one.example", 0, false}, {"a.one.example", 0, false},
        {"a.b.One.Example", 0, false}, {"own.one.example", 1, false},
        {"x.own.one.example", 0, false}, {"deep.one.example", 0, false},
        {"a.deep.one.example", 1, false},
        {"www.one.example", 0, true}, {"x.www.one.example", 0, false},
        {"a.b.other.example", 0, true}, {"other.example", -1, false}, {"xone.example", -1, false},
        {"x.test", -1, false}, {"a.x.test", 0, false}, {"example", -1, false}, {"..", -1, false}};
    struct edge_settings settings = {.sites = {sites, 2}};
    struct generation *generation = generation_create(&world->edge, &settings);
    assert_non_null(generation);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct slice host = slice_from_string(rows[i].host);
        struct site *site = generation_find_site(generation, host);
        assert_ptr_equal(site == NULL ? NULL : site->settings,
            rows[i].site < 0 ? NULL : &sites[rows[i].site]);
        assert_int_equal(generation_is_alias(generation, host), rows[i].is_alias);
    }
    char longest[400];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 380, ".one.example", 12);
    assert_null(generation_find_site(generation, slice_of(longest, 392)));
    generation_release(generation);
}

// Open addressing must find each of many, however they collide.
static void test_many_names(void **state)
{
    enum { COUNT = 2000 };
    struct world *world = *state;
    static char names[COUNT][24];
    static struct slice hosts[COUNT];
    static struct site_settings sites[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "site-%zu.example", i);
        hosts[i] = slice_from_string(names[i]);
        sites[i] = (struct site_settings){.hosts = {&hosts[i], 1}, .origin = SLICE("main")};
    }
    struct edge_settings settings = {.sites = {sites, COUNT}};
    struct generation *generation = generation_create(&world->edge, &settings);
    assert_non_null(generation);
    for (size_t i = 0; i < COUNT; i++)
        assert_ptr_equal(generation_find_site(generation, hosts[i])->settings, &sites[i]);
    assert_null(generation_find_site(generation, SLICE("site-2000.example")));
    generation_release(generation);
}

static void count_call(void *context)
{
    ++*(int *)context;
}

static void test_the_last_user_releases_the_settings(void **state)
{
    struct world *world = *state;
    struct site_settings site = {.origin = SLICE("main")};
    struct edge_settings settings = {.sites = {&site, 1}};
    struct generation *generation = generation_create(&world->edge, &settings);
    int calls = 0;
    assert_non_null(generation);
    generation->released = count_call;
    generation->context = &calls;
    generation_reference(generation);
    generation_release(generation);
    assert_int_equal(calls, 0);
    generation_release(generation);
    assert_int_equal(calls, 1);
    generation_release(NULL);
}

static void test_an_unknown_origin_and_no_memory_give_none(void **state)
{
    struct world *world = *state;
    struct slice hosts[] = {SLICE("one.example")};
    struct site_settings site = {.hosts = {hosts, 1}, .origin = SLICE("unknown")};
    struct edge_settings settings = {.sites = {&site, 1}};
    assert_null(generation_create(&world->edge, &settings));
    site.origin = SLICE("main");
    for (uint64_t nth = 0; nth < 3; nth++) {
        memory_fail_after(nth + 1);
        void *one = memory_alloc(1); // so that even the first that follows can be the one
        assert_non_null(one);
        memory_free(one);
        struct generation *generation = generation_create(&world->edge, &settings);
        assert_null(generation);
    }
    struct generation *generation = generation_create(&world->edge, &settings);
    assert_non_null(generation);
    generation_release(generation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_name_finds_its_site, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_letter_case_does_not_matter_on_either_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_the_site_without_names_takes_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wildcards_and_aliases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_the_last_user_releases_the_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_an_unknown_origin_and_no_memory_give_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
