// Which requests matter more, as their heads tell.
#include "edge/priority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct slice bots[] = {{"bot", 3}, {"spider", 6}, {"externalhit", 11}};
static const struct slice people[] = {{"cubot", 5}};
static struct priority_settings settings = {
    .enabled = true,
    .bots = {(void *)(uintptr_t)bots, ARRAY_SIZE(bots)},
    .people = {(void *)(uintptr_t)people, ARRAY_SIZE(people)},
};

static enum priority told_by(const char *name, const char *value)
{
    struct http_field items[] = {{.name = SLICE("host"), .value = SLICE("www.example.org")},
        {.name = slice_from_string(name), .value = slice_from_string(value)}};
    struct http_fields fields = {.items = items, .count = ARRAY_SIZE(items)};
    return priority_told_by(&settings, &fields);
}

static void test_crawlers_are_known_by_a_word(void **state)
{
    (void)state;
    static const char *const agents[] = {
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) Chrome/1 (compatible; GoogleBOT/2.1)",
        "Mozilla/5.0 (compatible; Baiduspider/2.0)", "facebookexternalhit/1.1", "bot",
        "archive.org_bot"};
    for (size_t i = 0; i < ARRAY_SIZE(agents); i++)
        assert_int_equal(told_by("User-Agent", agents[i]), PRIORITY_BOT);
}

static void test_people_are_no_crawlers(void **state)
{
    (void)state;
    static const char *const agents[] = {"", "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0",
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19)", "robots are bottles", "bo t",
        "Mozilla/5.0 (Linux; Android 13; CUBOT) bot"};
    for (size_t i = 0; i < ARRAY_SIZE(agents); i++)
        assert_int_equal(told_by("User-Agent", agents[i]), PRIORITY_INTERACTIVE);
    assert_int_equal(told_by("X-Agent", "Googlebot"), PRIORITY_INTERACTIVE);
}

static void test_a_prefetch_says_so(void **state)
{
    (void)state;
    assert_int_equal(told_by("Sec-Purpose", "prefetch;prerender"), PRIORITY_BACKGROUND);
    assert_int_equal(told_by("purpose", "prefetch"), PRIORITY_BACKGROUND);
    assert_int_equal(told_by("X-Moz", "prefetch"), PRIORITY_BACKGROUND);
    assert_int_equal(told_by("Sec-Purpose", "something"), PRIORITY_INTERACTIVE);
}

static void test_urgency_may_only_lower(void **state)
{
    (void)state;
    assert_int_equal(told_by("Priority", "u=7"), PRIORITY_BACKGROUND);
    assert_int_equal(told_by("priority", "i, u=7 "), PRIORITY_BACKGROUND);
    assert_int_equal(told_by("Priority", "u=6"), PRIORITY_INTERACTIVE);
    assert_int_equal(told_by("Priority", "u=77, ,"), PRIORITY_INTERACTIVE);
    struct http_field items[] = {{.name = SLICE("priority"), .value = SLICE("u=0")},
        {.name = SLICE("user-agent"), .value = SLICE("Googlebot/2.1")}};
    struct http_fields fields = {.items = items, .count = ARRAY_SIZE(items)};
    assert_int_equal(priority_told_by(&settings, &fields), PRIORITY_BOT);
}

static void test_switched_off_all_are_alike(void **state)
{
    (void)state;
    settings.enabled = false;
    assert_int_equal(told_by("User-Agent", "Googlebot/2.1"), PRIORITY_INTERACTIVE);
    assert_int_equal(told_by("Sec-Purpose", "prefetch"), PRIORITY_INTERACTIVE);
    settings.enabled = true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crawlers_are_known_by_a_word),
        cmocka_unit_test(test_people_are_no_crawlers),
        cmocka_unit_test(test_a_prefetch_says_so),
        cmocka_unit_test(test_urgency_may_only_lower),
        cmocka_unit_test(test_switched_off_all_are_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
