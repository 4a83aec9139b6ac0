// What is known of each site, read from outside: counts of all loops, in the order of the settings,
// over a reload.
#include "base/memory.h"
#include "edge/thread.h"
#include "io/epoll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LOOPS 2

struct world {
    struct epoll_world *epoll;
    struct loop *loop;
    struct edge edge;
    struct slice urls[2];
    struct origin_settings origins[2];
    struct slice hosts[2];
    struct site_settings sites[2];
    struct edge_settings settings;
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
    world->edge.thread_count = LOOPS;
    lock_init(&world->edge.generation_lock);
    history_table_init(&world->edge.histories, LOOPS);
    world->edge.origins = origins_create(&world->loop, 1);
    assert_non_null(world->edge.origins);
    world->urls[0] = SLICE("http://127.0.0.1:1");
    world->urls[1] = SLICE("http://127.0.0.1:2");
    world->origins[0] = (struct origin_settings){.name = SLICE("one"),
        .backends = {world->urls, 1}};
    world->origins[1] = (struct origin_settings){.name = SLICE("two"),
        .backends = {world->urls, 2}};
    assert_int_equal(origins_configure(world->edge.origins, world->origins, 2), ERROR_NONE);
    world->hosts[0] = SLICE("www.example.org");
    world->hosts[1] = SLICE("example.org");
    world->sites[0] = (struct site_settings){.hosts = {world->hosts, 2}, .origin = SLICE("one")};
    world->sites[1] = (struct site_settings){.origin = SLICE("two")};
    world->settings = (struct edge_settings){.sites = {world->sites, 2}};
    world->edge.generation = generation_create(&world->edge, &world->settings);
    assert_non_null(world->edge.generation);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    generation_release(world->edge.generation);
    history_table_destroy(&world->edge.histories);
    origins_destroy(world->edge.origins);
    lock_destroy(&world->edge.generation_lock);
    epoll_loop_destroy(world->loop);
    epoll_world_destroy(world->epoll);
    free(world);
    return 0;
}

static bool is_name(struct slice name, const char *text)
{
    return slice_equal(name, slice_from_string(text));
}

static void test_in_the_order_of_the_settings(void **state)
{
    struct world *world = *state;
    struct site_evidence sites[3];
    assert_int_equal(edge_read_sites(&world->edge, NULL, 0), 2);
    assert_int_equal(edge_read_sites(&world->edge, sites, 1), 2);
    assert_true(is_name(sites[0].name, "www.example.org"));
    assert_int_equal(edge_read_sites(&world->edge, sites, 3), 2);
    assert_true(is_name(sites[0].name, "www.example.org"));
    assert_true(is_name(sites[0].origin, "one"));
    assert_true(is_name(sites[1].name, "two")); // it takes all hosts
    assert_true(is_name(sites[1].origin, "two"));
    assert_int_equal(sites[1].backends, 2);
    assert_int_equal(sites[1].healthy, 2); // as long as nothing else is known
    assert_false(sites[1].down || sites[1].failing || sites[1].in_maintenance);
    assert_false(sites[1].says_maintenance);
    atomic_store(&world->edge.in_maintenance, true);
    assert_int_equal(edge_read_sites(&world->edge, sites, 3), 2);
    assert_true(sites[0].in_maintenance && sites[1].in_maintenance);
}

static void test_counts_of_all_loops_survive_a_reload(void **state)
{
    struct world *world = *state;
    struct site_evidence sites[2];
    struct generation *old = world->edge.generation;
    traffic_count(&old->sites[0].traffic[0]);
    traffic_count(&old->sites[0].traffic[1]);
    traffic_fail(&old->sites[0].traffic[1], 1);
    traffic_respond(&old->sites[0].traffic[0], 1500);
    traffic_respond(&old->sites[0].traffic[1], 4000);
    traffic_respond(&old->sites[0].traffic[1], 500);
    struct site_settings turned[2] = {world->sites[1], world->sites[0]};
    struct edge_settings settings = {.sites = {turned, 2}};
    world->edge.generation = generation_create(&world->edge, &settings);
    assert_non_null(world->edge.generation);
    traffic_count(&old->sites[0].traffic[0]); // of a request that was still under way
    traffic_fail(&old->sites[0].traffic[0], 64 + 5);
    assert_int_equal(edge_read_sites(&world->edge, sites, 2), 2);
    assert_true(is_name(sites[1].name, "www.example.org"));
    assert_int_equal(sites[1].traffic.requests, 3);
    assert_int_equal(sites[1].traffic.failed, 2);
    assert_int_equal(sites[1].traffic.responses, 3);
    assert_int_equal(sites[1].traffic.responses_us, 6000);
    assert_int_equal(sites[1].traffic.slowest_us, 4000);
    assert_int_equal(sites[1].traffic.failed_pages, 1 << 1 | 1 << 5);
    assert_int_equal(sites[0].traffic.requests + sites[0].traffic.responses, 0);
    assert_int_equal(edge_read_sites(&world->edge, sites, 2), 2);
    assert_int_equal(sites[1].traffic.slowest_us, 0); // since it was last read
    assert_int_equal(sites[1].traffic.failed_pages, 0);
    traffic_respond(&old->sites[0].traffic[0], 100);
    assert_int_equal(edge_read_sites(&world->edge, sites, 2), 2);
    assert_int_equal(sites[1].traffic.slowest_us, 100);
    generation_release(old);
}

static void test_rows_share_no_cache_line(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < world->edge.generation->site_count; i++)
        assert_int_equal((uintptr_t)world->edge.generation->sites[i].traffic % 64, 0);
    assert_int_equal(sizeof(struct traffic_row), 64);
}

static void test_long_names_are_cut(void **state)
{
    struct world *world = *state;
    struct site_evidence sites[2];
    char name[SITE_NAME_MAX + 10];
    memset(name, 'a', sizeof(name));
    world->hosts[0] = slice_of(name, sizeof(name));
    struct generation *old = world->edge.generation;
    world->edge.generation = generation_create(&world->edge, &world->settings);
    assert_non_null(world->edge.generation);
    generation_release(old);
    assert_int_equal(edge_read_sites(&world->edge, sites, 2), 2);
    assert_int_equal(sites[0].name.size, SITE_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_the_order_of_the_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts_of_all_loops_survive_a_reload, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_rows_share_no_cache_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_names_are_cut, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
