// The check page says what its facts come to, in three forms, and nothing of strangers is markup.
#include "doctor/check_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)8 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const char *write(const struct check_page *page, enum page_form form)
{
    struct slice content = check_page_write(&arena, form, page);
    assert_non_null(content.data);
    assert_true(content.size < CHECK_PAGE_SIZE_MAX);
    return arena_copy(&arena, content).data;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in: %s", part, text);
}

static struct check_page page_of(const char *sights)
{
    struct check_page page = {.prefix = SLICE("/.afloat/"), .asked = SLICE("https://a.example/"),
        .host = SLICE("a.example")};
    for (; *sights != '\0'; sights++) {
        struct check_place *place = &page.places[page.place_count];
        place->name = page.place_count == 0 ? SLICE_EMPTY : SLICE("fra1");
        place->sight = *sights == 'w' ? CHECK_SIGHT_WELL
            : *sights == 'b'          ? CHECK_SIGHT_BAD
                                      : CHECK_SIGHT_UNKNOWN;
        place->verdict = *sights == 'w' ? VERDICT_OK : VERDICT_ORIGIN_DOWN;
        place->says = *sights == 'w' ? SLICE("The site is well.") : SLICE("Its server is dead.");
        place->advice = *sights == 'b' ? SLICE("Wait.") : SLICE_EMPTY;
        page.place_count++;
    }
    return page;
}

static void says_what_all_places_come_to(void **state)
{
    (void)state;
    static const struct {
        const char *sights, *title, *words, *answer;
    } cases[] = {
        {"w", "a.example is well<", "It is well from here. If", "well"},
        {"ww", "a.example is well<", "from here and from 1 other place.", "well"},
        {"www", "a.example is well<", "from here and from 2 other places.", "well"},
        {"?ww", "a.example is well<", "It is well from 2 other places.", "well"},
        {"b", "a.example is down, as seen from here<", "Its server is dead. Wait.", "down"},
        {"bb", "a.example is down for everyone<", "Its server is dead. Wait.", "down"},
        {"b?", "a.example is down, as seen from here<", "Its server is dead. Wait.", "down"},
        {"?b", "a.example is down, as seen from elsewhere<", "Its server is dead.", "down"},
        {"wb", "is well from some places only<", "well from here, and fails from 1.", "differs"},
        {"bw", "is well from some places only<", "well from 1 other place, and", "differs"},
        {"?", "a.example cannot be looked at from here<", "Nobody who was asked", "unknown"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct check_page page = page_of(cases[i].sights);
        assert_has(write(&page, PAGE_HTML), cases[i].title);
        assert_has(write(&page, PAGE_HTML), cases[i].words);
        assert_has(write(&page, PAGE_TEXT), cases[i].words);
        json_t *object = json_loads(write(&page, PAGE_JSON), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        assert_string_equal(json_string_value(json_object_get(object, "answer")),
            cases[i].answer);
        assert_int_equal(json_array_size(json_object_get(object, "places")), page.place_count);
        json_decref(object);
    }
}

static void knows_more_of_its_own_sites(void **state)
{
    (void)state;
    struct history_view history = {.hour_averted = 1};
    struct page_status site = {.backends = 2, .now_ms = 1763993100000,
        .down = true, .down_since_ms = 1763993000000, .history = &history};
    struct check_page page = page_of("?");
    history.day[0] = 7;
    history.hours[HISTORY_HOURS - 1].averted = 7;
    page.site = &site;
    assert_has(write(&page, PAGE_HTML), "a.example is down for everyone<");
    assert_has(write(&page, PAGE_HTML), "<dd>0 of 2</dd>");
    assert_has(write(&page, PAGE_HTML), "<dt>Errors averted</dt><dd>7</dd>");
    assert_has(write(&page, PAGE_JSON), "\"averted\":{");
    assert_has(write(&page, PAGE_TEXT), "0 of 2");
    site.down = false;
    assert_has(write(&page, PAGE_HTML), "a.example cannot be looked at from here<");
}

static void strangers_write_no_markup_and_it_stays_small(void **state)
{
    (void)state;
    static const char *const evil[] = {"\"><script>alert(1)</script>", "\x1b[2J\x9b\xe2\x80\xae",
        "'&amp;", "\xff\xfe"};
    char *quotes = malloc(5000);
    assert_non_null(quotes);
    memset(quotes, '"', 5000);
    struct history_view history = {.hour_averted = 1};
    for (unsigned i = 0; i < HISTORY_HOURS; i++)
        history.hours[i] = (struct history_hour){.averted = 4000000000 - i, .errors = 100000000};
    for (unsigned i = 0; i < LIFELINE_COUNT; i++)
        history.day[i] = 4000000000;
    for (size_t i = 0; i <= ARRAY_SIZE(evil); i++) {
        struct slice worst = i < ARRAY_SIZE(evil) ? slice_from_string(evil[i])
                                                  : slice_of(quotes, 5000);
        struct page_status site = {.down = true, .down_since_ms = 1,
            .support = slice_from_string(evil[0]), .maintenance = true, .history = &history};
        struct check_page page = page_of("bbbbbbbbb");
        page.asked = page.host = worst;
        page.site = &site;
        for (unsigned j = 0; j < page.place_count; j++)
            page.places[j].name = page.places[j].says = page.places[j].advice = worst;
        for (unsigned with = 0; with < 2; with++) {
            page.problem = with != 0 ? worst : SLICE_EMPTY;
            const char *html = write(&page, PAGE_HTML), *text = write(&page, PAGE_TEXT);
            assert_lacks(html, "<script>alert");
            assert_lacks(html, "\x1b");
            assert_lacks(html, "\xe2\x80\xae");
            assert_lacks(html, "\xff");
            assert_lacks(text, "\x1b");
            assert_has(html, "</html>\n");
            json_decref(json_loads(write(&page, PAGE_JSON), JSON_REJECT_DUPLICATES, NULL));
        }
    }
    free(quotes);
}

// What was typed is there to be corrected, unless it would be another URL then.
static void form_keeps_what_was_asked(void **state)
{
    (void)state;
    struct check_page page = {.prefix = SLICE("/.afloat/")};
    assert_has(write(&page, PAGE_HTML), "action=\"/.afloat/check\"");
    assert_has(write(&page, PAGE_HTML), " value=\"\"");
    assert_has(write(&page, PAGE_JSON), "{\"error\":");
    page.problem = SLICE("no");
    page.asked = SLICE("http://a.example/?a&b=\"");
    assert_has(write(&page, PAGE_HTML), " value=\"http://a.example/?a&amp;b=&quot;\"");
    page.asked = SLICE("http://a.example/\x01");
    assert_has(write(&page, PAGE_HTML), " value=\"\"");
}

static json_t *look_of(const char *verdict, bool conclusive)
{
    json_t *look = json_pack("{s:{s:s}, s:s, s:b}", "target", "url", "http://a.example/",
        "verdict", verdict, "conclusive", (int)conclusive);
    assert_non_null(look);
    return look;
}

static void reads_a_look(void **state)
{
    (void)state;
    static const struct {
        const char *verdict;
        bool conclusive;
        enum check_sight sight;
    } cases[] = {
        {"OK", true, CHECK_SIGHT_WELL},
        {"ORIGIN_DOWN", true, CHECK_SIGHT_BAD},
        {"CDN_POP", true, CHECK_SIGHT_BAD},
        {"ISP_PATH", true, CHECK_SIGHT_BAD},
        {"BLOCKED_YOU", true, CHECK_SIGHT_UNKNOWN}, // bots are; visitors need not be
        {"LOCAL_V6", true, CHECK_SIGHT_UNKNOWN},
        {"UNKNOWN", true, CHECK_SIGHT_UNKNOWN},
        {"ORIGIN_DOWN", false, CHECK_SIGHT_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct check_page page = {0};
        json_t *look = look_of(cases[i].verdict, cases[i].conclusive);
        assert_int_equal(check_page_see(&page, look, &arena), ERROR_NONE);
        assert_int_equal(page.place_count, 1);
        assert_int_equal(page.places[0].sight, cases[i].sight);
        assert_true(page.places[0].says.size > 0);
        json_decref(look);
    }
    struct check_page page = {0};
    assert_int_equal(check_page_see(&page, NULL, &arena), ERROR_INVALID);
    json_t *look = look_of("NONE", true);
    assert_int_equal(check_page_see(&page, look, &arena), ERROR_INVALID);
    json_decref(look);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_what_all_places_come_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_more_of_its_own_sites, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            strangers_write_no_markup_and_it_stays_small, set_up, tear_down),
        cmocka_unit_test_setup_teardown(form_keeps_what_was_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_a_look, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
