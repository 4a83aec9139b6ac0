// What is told of one component names no other; uptimes are shares of what is known.
#include "watch/watch_inside.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct snapshot *make_snapshot(void)
{
    static const uint32_t both[] = {0, 1}, second[] = {1};
    static const struct incident_update merged[] = {{.state = INCIDENT_RESOLVED,
        .text = SLICE("Goes on in incident aaaaaaaaaaaa."), .author = SLICE("")}};
    static const struct incident_update updates[] = {
        {.state = INCIDENT_IDENTIFIED, .at_ms = 20, .text = SLICE("An operator's words"),
            .author = SLICE("anna")},
        {.state = INCIDENT_INVESTIGATING, .at_ms = 10,
            .text = SLICE("secret.example and shop.example fail"), .author = SLICE("")},
    };
    static const struct incident_view incidents[] = {
        {.id = SLICE("aaaaaaaaaaaa"), .title = SLICE("secret.example and shop.example fail"),
            .postmortem = SLICE(""), .automatic = true, .reason = {REASON_NO_ANSWER, 0},
            .components = both, .component_count = 2, .updates = updates, .update_count = 2},
        {.id = SLICE("bbbbbbbbbbbb"), .title = SLICE("Only shop"), .postmortem = SLICE("Why"),
            .components = second, .component_count = 1, .resolved_ms = 5, .updates = merged,
            .update_count = 1},
    };
    static const struct window_view windows[] = {
        {.id = SLICE("cccccccccccc"), .title = SLICE("All"), .text = SLICE(""),
            .rule = SLICE(""), .zone = SLICE("UTC")},
        {.id = SLICE("dddddddddddd"), .title = SLICE("Shop's"), .text = SLICE(""),
            .rule = SLICE(""), .zone = SLICE("UTC"), .components = second, .component_count = 1},
    };
    struct snapshot *snapshot = memory_zero_alloc(sizeof(*snapshot));
    assert_non_null(snapshot);
    atomic_init(&snapshot->references, 1);
    arena_init(&snapshot->arena, 4096, 1 << 20);
    snapshot->components = arena_zero_alloc(&snapshot->arena, 2 * sizeof(*snapshot->components));
    assert_non_null(snapshot->components);
    snapshot->components[0] = (struct component_view){.id = SLICE("secret.example"),
        .title = SLICE("secret.example"), .state = COMPONENT_DOWN};
    snapshot->components[1] = (struct component_view){.id = SLICE("shop.example"),
        .title = SLICE("shop.example"), .state = COMPONENT_PARTIAL, .cause = 0};
    snapshot->component_count = 2;
    snapshot->incidents = (struct incident_view *)(uintptr_t)incidents;
    snapshot->incident_count = 2;
    snapshot->open_count = 1;
    snapshot->windows = (struct window_view *)(uintptr_t)windows;
    snapshot->window_count = 2;
    snapshot->past_window_count = 1;
    return snapshot;
}

static void names_no_other_component(void **state)
{
    (void)state;
    struct snapshot *snapshot = make_snapshot();
    struct snapshot *narrow = snapshot_narrow(snapshot, 1);
    snapshot_release(snapshot);
    assert_non_null(narrow);
    assert_int_equal(narrow->component_count, 1);
    assert_int_equal(narrow->state, COMPONENT_PARTIAL);
    assert_int_equal(narrow->components[0].cause, COMPONENT_NONE);
    assert_int_equal(narrow->incident_count, 2);
    assert_int_equal(narrow->open_count, 1);
    assert_true(slice_equal(narrow->incidents[0].title,
        SLICE("shop.example: no server answers")));
    assert_int_equal(narrow->incidents[0].component_count, 1);
    assert_true(slice_equal(narrow->incidents[0].updates[0].text, SLICE("An operator's words")));
    assert_true(slice_equal(narrow->incidents[0].updates[0].author, SLICE("operator")));
    assert_int_equal(narrow->incidents[0].updates[1].author.size, 0);
    assert_int_equal(narrow->incidents[0].updates[1].text.size, 0);
    assert_true(slice_equal(narrow->incidents[1].updates[0].text,
        SLICE("Goes on in incident aaaaaaaaaaaa."))); // which is told of here, too
    assert_int_equal(narrow->window_count, 2);
    assert_int_equal(narrow->past_window_count, 1);
    snapshot_release(narrow);
}

static void leaves_out_what_is_of_others(void **state)
{
    (void)state;
    struct snapshot *snapshot = make_snapshot();
    struct snapshot *narrow = snapshot_narrow(snapshot, 0);
    assert_non_null(narrow);
    assert_int_equal(narrow->incident_count, 1);
    assert_int_equal(narrow->window_count, 1);
    assert_int_equal(narrow->past_window_count, 0);
    snapshot_release(narrow);
    assert_null(snapshot_narrow(snapshot, 2));
    snapshot_release(snapshot);
}

static void uptime_is_a_share_of_what_is_known(void **state)
{
    (void)state;
    const struct uptime_day days[] = {{0}, {.up_ms = 750, .down_ms = 250, .unknown_ms = 4000,
        .maintenance_ms = 1000, .requests = 200, .failed = 1}};
    assert_true(snapshot_uptime(days, 1) < 0);
    assert_true(snapshot_uptime(days, 2) == 0.75);
    assert_true(snapshot_visitors_uptime(days, 1) < 0);
    assert_true(snapshot_visitors_uptime(days, 2) == 199.0 / 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_no_other_component),
        cmocka_unit_test(leaves_out_what_is_of_others),
        cmocka_unit_test(uptime_is_a_share_of_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
