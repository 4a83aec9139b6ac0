// Windows of maintenance: when they come, what is refused, and that no rule goes on without an end.
#include "watch/incident/window.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/units.h"
#include "watch/incident/window_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)
#define DAY INT64_C(86400000)
#define VIEWS 12000

static struct arena arena;
static struct windows *windows;
static struct window_view *views;
static char why_buffer[WINDOW_WHY_MAX + 1];
static struct text why;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)4 << 20);
    windows = windows_create();
    views = memory_alloc(VIEWS * sizeof(*views));
    return windows == NULL || views == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    windows_destroy(windows);
    memory_free(views);
    arena_free(&arena);
    return 0;
}

static int64_t ms_of(const char *moment)
{
    int year, month, day, hour, minute;
    assert_int_equal(sscanf(moment, "%d-%d-%d%*[T ]%d:%d", &year, &month, &day, &hour, &minute), 5);
    return (window_day_of(year, month, day) * INT64_C(86400) + hour * 3600 + minute * 60) * 1000;
}

static struct incident_id id_of(const char *text)
{
    struct incident_id id = {{0}};
    snprintf(id.text, sizeof(id.text), "%s", text);
    return id;
}

static struct window_draft draft_of(const char *begin, const char *zone, const char *rule)
{
    return (struct window_draft){.title = SLICE("Work"), .begin = slice_from_string(begin),
        .zone = slice_from_string(zone), .rule = slice_from_string(rule), .duration_ms = 2 * HOUR};
}

static enum error add(const struct window_draft *draft, const char *id)
{
    why = text_in(why_buffer, WINDOW_WHY_MAX);
    enum error error = windows_add(windows, draft, id_of(id), &why);
    why_buffer[why.size] = '\0';
    assert_false(why.full);
    assert_int_equal(error == ERROR_NONE, why.size == 0);
    return error;
}

static void add_well(const char *begin, const char *zone, const char *rule)
{
    struct window_draft draft = draft_of(begin, zone, rule);
    if (add(&draft, "a") != ERROR_NONE)
        fail_msg("%s", why_buffer);
}

static size_t view_at(int64_t now)
{
    arena_reset(&arena);
    return windows_view(windows, now, 0, &arena, views, VIEWS);
}

// The begins in UTC, as the pages get to know them while time passes by days.
static void assert_begins(const char *begin, const char *zone, const char *rule,
    const char *const *expected)
{
    add_well(begin, zone, rule);
    int64_t now = ms_of(begin) - 2 * DAY, last = INT64_MIN;
    for (unsigned days = 0; days < 366 * 9 && *expected != NULL; days++, now += DAY) {
        size_t count = view_at(now);
        for (size_t i = 0; i < count && *expected != NULL; i++) {
            if (views[i].begin_ms <= last)
                continue;
            last = views[i].begin_ms;
            char buffer[32];
            struct text text = text_in(buffer, sizeof(buffer));
            units_format_time(&text, last);
            buffer[16] = '\0', buffer[10] = ' ';
            assert_int_equal(views[i].end_ms - last, 2 * HOUR);
            if (last != ms_of(*expected))
                fail_msg("%s %s %s: %s instead of %s", begin, zone, rule, buffer, *expected);
            expected++;
        }
    }
    if (*expected != NULL && strcmp(*expected, "end") != 0)
        fail_msg("%s %s: %s does not come", begin, rule, *expected);
    assert_int_equal(windows_remove(windows, SLICE("a")), ERROR_NONE);
}

#define BEGINS(begin, zone, rule, ...)                                                             \
    assert_begins(begin, zone, rule, (const char *const[]){__VA_ARGS__, NULL})

static void test_recurrence_over_changes_of_the_clock(void **state)
{
    (void)state;
    BEGINS("2026-03-15 02:30", "Europe/Berlin", "FREQ=WEEKLY;BYDAY=SU", "2026-03-15 01:30",
        "2026-03-22 01:30", "2026-03-29 01:30", "2026-04-05 00:30");
    BEGINS("2026-10-18 02:30", "Europe/Berlin", "FREQ=WEEKLY", "2026-10-18 00:30",
        "2026-10-25 00:30", "2026-11-01 01:30");
    BEGINS("2026-03-07 02:30", "America/New_York", "FREQ=DAILY", "2026-03-07 07:30",
        "2026-03-08 07:30", "2026-03-09 06:30");
    BEGINS("2026-10-31 01:30", "America/New_York", "FREQ=DAILY;COUNT=3", "2026-10-31 05:30",
        "2026-11-01 05:30", "2026-11-02 06:30", "end");
    BEGINS("2026-10-03 02:15", "Australia/Lord_Howe", "FREQ=DAILY;COUNT=3", "2026-10-02 15:45",
        "2026-10-03 15:45", "2026-10-04 15:15", "end");
    BEGINS("2027-04-03 01:45", "Australia/Lord_Howe", "FREQ=DAILY;COUNT=3", "2027-04-02 14:45",
        "2027-04-03 14:45", "2027-04-04 15:15", "end");
    BEGINS("2026-02-08 02:30", "Africa/Casablanca", "FREQ=WEEKLY", "2026-02-08 01:30",
        "2026-02-15 01:30", "2026-02-22 02:30", "2026-03-01 02:30", "2026-03-08 02:30",
        "2026-03-15 02:30", "2026-03-22 02:30", "2026-03-29 01:30");
    BEGINS("2026-10-31 23:30", "America/Sao_Paulo", "FREQ=WEEKLY;COUNT=2", "2026-11-01 02:30",
        "2026-11-08 02:30", "end");
}

static void test_rules(void **state)
{
    (void)state;
    BEGINS("2026-12-01 02:00", "", "", "2026-12-01 02:00", "end");
    BEGINS("2026-12-01T02:00", "UTC", "FREQ=DAILY;COUNT=2", "2026-12-01 02:00",
        "2026-12-02 02:00", "end");
    BEGINS("2026-12-01 02:00", "", "RRULE:FREQ=DAILY;UNTIL=20261203;", "2026-12-01 02:00",
        "2026-12-02 02:00", "2026-12-03 02:00", "end");
    BEGINS("2026-12-01 02:00", "", "FREQ=DAILY;UNTIL=20261202T015959Z", "2026-12-01 02:00", "end");
    BEGINS("2026-12-01 02:00", "Europe/Berlin", "FREQ=DAILY;UNTIL=20261202T010000Z",
        "2026-12-01 01:00", "2026-12-02 01:00", "end");
    BEGINS("2026-12-01 02:00", "Europe/Berlin", "FREQ=DAILY;UNTIL=20261202T020000",
        "2026-12-01 01:00", "2026-12-02 01:00", "end");
    // The last Sunday of the month.
    BEGINS("2026-12-01 02:00", "", "FREQ=MONTHLY;BYDAY=-1SU", "2026-12-27 02:00",
        "2027-01-31 02:00", "2027-02-28 02:00", "2027-03-28 02:00");
    // The last working day.
    BEGINS("2026-12-01 02:00", "", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "2026-12-31 02:00", "2027-01-29 02:00", "2027-02-26 02:00");
    BEGINS("2026-12-31 02:00", "", "FREQ=MONTHLY", "2026-12-31 02:00", "2027-01-31 02:00",
        "2027-03-31 02:00", "2027-05-31 02:00");
    BEGINS("2026-12-31 02:00", "", "FREQ=MONTHLY;BYMONTHDAY=-1", "2026-12-31 02:00",
        "2027-01-31 02:00", "2027-02-28 02:00", "2027-03-31 02:00");
    BEGINS("2028-02-29 02:00", "", "FREQ=YEARLY", "2028-02-29 02:00", "2032-02-29 02:00");
    BEGINS("2026-12-01 02:00", "", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", "2026-12-01 02:00",
        "2026-12-06 02:00", "2026-12-15 02:00", "2026-12-20 02:00");
    BEGINS("2026-12-01 02:00", "", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "2026-12-01 02:00",
        "2026-12-13 02:00", "2026-12-15 02:00", "2026-12-27 02:00");
    BEGINS("2027-01-01 02:00", "", "freq=yearly;byday=+2tu;bymonth=4,10", "2027-04-13 02:00",
        "2027-10-12 02:00", "2028-04-11 02:00");
    BEGINS("2027-01-01 02:00", "", "FREQ=YEARLY;BYDAY=20MO", "2027-05-17 02:00",
        "2028-05-15 02:00");
    BEGINS("2027-01-01 02:00", "", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "2027-05-17 02:00",
        "2028-05-15 02:00");
    BEGINS("2027-01-01 02:00", "", "FREQ=YEARLY;BYYEARDAY=-1,60", "2027-03-01 02:00",
        "2027-12-31 02:00", "2028-02-29 02:00", "2028-12-31 02:00");
    BEGINS("2026-12-01 02:00", "", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2027-08-13 02:00",
        "2028-10-13 02:00");
}

static void assert_refused(struct window_draft draft, const char *said)
{
    size_t before = windows_count(windows);
    assert_int_equal(add(&draft, "x"), ERROR_INVALID);
    if (strstr(why_buffer, said) == NULL)
        fail_msg("\"%s\" is not in: %s", said, why_buffer);
    assert_int_equal(windows_count(windows), before);
}

static void test_rules_that_are_refused(void **state)
{
    static const struct {
        const char *rule, *said;
    } cases[] = {
        {"FREQ", "at \"FREQ\": it has no value"},
        {"BYDAY=SU", "at \"FREQ\": it is missing"},
        {"weekly", "at \"weekly\": there is no such part"},
        {"FREQ=HOURLY", "\"HOURLY\" is not one of DAILY, WEEKLY, MONTHLY, YEARLY"},
        {"FREQ=SECONDLY", "\"SECONDLY\" is not one of"},
        {"FREQ=DAILY;FREQ=DAILY", "at \"FREQ\": it is there twice"},
        {"FREQ=DAILY;BYHOUR=3", "at \"BYHOUR\": the time of day is that of the begin"},
        {"FREQ=DAILY;BYMINUTE=3", "at \"BYMINUTE\": the time of day"},
        {"FREQ=DAILY;BYSECOND=3", "at \"BYSECOND\": the time of day"},
        {"FREQ=DAILY;COUNT=0", "at \"COUNT\": \"0\" is not a number from 1 to 10000"},
        {"FREQ=DAILY;COUNT=10001", "\"10001\" is not a number"},
        {"FREQ=DAILY;INTERVAL=-1", "at \"INTERVAL\": \"-1\" is not a number"},
        {"FREQ=DAILY;COUNT=2;UNTIL=20270101", "a rule has either COUNT or UNTIL"},
        {"FREQ=DAILY;UNTIL=tomorrow", "\"tomorrow\" is not a moment up to the year 2199 like"},
        {"FREQ=DAILY;UNTIL=20270229", "\"20270229\" is not a moment"},
        {"FREQ=DAILY;UNTIL=20270228T240000Z", "is not a moment"},
        {"FREQ=DAILY;UNTIL=20261130", "it never comes true"},
        {"FREQ=WEEKLY;BYDAY=XX", "at \"BYDAY\": \"XX\" is not a weekday like SU"},
        {"FREQ=WEEKLY;BYDAY=", "at \"BYDAY\": it has no value"},
        {"FREQ=WEEKLY;BYDAY=SU,", "\"\" is not a weekday"},
        {"FREQ=MONTHLY;BYDAY=0SU", "\"0SU\" is not a weekday"},
        {"FREQ=MONTHLY;BYDAY=54SU", "\"54SU\" is not a weekday"},
        {"FREQ=WEEKLY;BYDAY=2SU", "the n-th weekday needs FREQ=MONTHLY"},
        {"FREQ=YEARLY;BYDAY=2SU;BYWEEKNO=3", "does not go with BYWEEKNO"},
        {"FREQ=WEEKLY;BYMONTHDAY=3", "at \"BYMONTHDAY\": it does not go with FREQ=WEEKLY"},
        {"FREQ=MONTHLY;BYMONTHDAY=32", "\"32\" is not a day of a month"},
        {"FREQ=MONTHLY;BYMONTH=13", "\"13\" is not a month, 1 to 12"},
        {"FREQ=MONTHLY;BYYEARDAY=3", "at \"BYYEARDAY\": it needs FREQ=YEARLY"},
        {"FREQ=YEARLY;BYYEARDAY=367", "\"367\" is not a day of a year"},
        {"FREQ=MONTHLY;BYWEEKNO=3", "at \"BYWEEKNO\": it needs FREQ=YEARLY"},
        {"FREQ=YEARLY;BYWEEKNO=54", "\"54\" is not a week of a year"},
        {"FREQ=DAILY;BYSETPOS=1", "at \"BYSETPOS\": it needs one of"},
        {"FREQ=WEEKLY;BYDAY=SU;BYSETPOS=367", "\"367\" is not a place among"},
        {"FREQ=WEEKLY;WKST=1", "at \"WKST\": \"1\" is not one of MO"},
        {"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "it never comes true"},
        {"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "it never comes true"},
        {"FREQ=DAILY;;COUNT=2", "there is no such part"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_refused(draft_of("2026-12-01 02:00", "", cases[i].rule), cases[i].said);
}

static void test_drafts_that_are_refused(void **state)
{
    static char long_text[INCIDENT_TEXT_MAX + 2];
    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    assert_refused(draft_of("tomorrow", "", ""), "begin: \"tomorrow\" is no moment; write");
    assert_refused(draft_of("2026-13-01 02:00", "", ""), "is no day or time there is");
    assert_refused(draft_of("2026-02-29 02:00", "", ""), "is no day or time there is");
    assert_refused(draft_of("2026-02-28 24:00", "", ""), "is no day or time there is");
    assert_refused(draft_of("1999-02-28 23:00", "", ""), "(of the years 2000 to 2199)");
    assert_refused(draft_of("2026-12-01 02:00", "Europe/Berln", ""),
        "zone: \"Europe/Berln\" is no time zone; did you mean \"Europe/Berlin\"?");
    struct window_draft draft = draft_of("2026-12-01 02:00", "Europe/Berlin", "FREQ=DAILY");
    draft.duration_ms = (uint64_t)WINDOW_LONGEST_MS + 1;
    assert_refused(draft, "duration: it is more than 31 days");
    draft.duration_ms = 59999;
    assert_refused(draft, "duration: it is less than a minute");
    draft.duration_ms = 60000;
    draft.title = SLICE("  ");
    assert_refused(draft, "title: it is missing");
    draft.title = SLICE("a\nb");
    assert_refused(draft, "title: it takes up to 200 bytes of UTF-8, in one line");
    draft.title = SLICE("a\xC2\x85");
    assert_refused(draft, "title: it takes");
    draft.title = SLICE("a\u202Eb"); // turns what follows
    assert_refused(draft, "title: it takes");
    draft.title = SLICE("a\u2028b"); // ends the line
    assert_refused(draft, "title: it takes");
    draft.title = SLICE("a\xFF");
    assert_refused(draft, "title: it takes");
    draft.title = slice_of(long_text, INCIDENT_TITLE_MAX + 1);
    assert_refused(draft, "title: it takes");
    draft.title = SLICE("Work");
    draft.text = slice_of(long_text, INCIDENT_TEXT_MAX + 1);
    assert_refused(draft, "text: it takes up to 4000 bytes");
    draft.text = SLICE("one\ntwo\x1B[2J");
    assert_refused(draft, "text: it takes");
    draft.text = SLICE("one\ntwo");
    draft.rule = slice_of(long_text, WINDOW_RULE_MAX + 1);
    assert_refused(draft, "rule: it takes up to 500 bytes");
    draft.rule = SLICE("FREQ=DAILY");
    draft.component_count = INCIDENT_COMPONENTS_MAX + 1;
    assert_refused(draft, "components: there are more than 256");
}

static void test_views_are_in_order_and_bounded(void **state)
{
    (void)state;
    int64_t now = ms_of("2026-12-01 03:00");
    const uint32_t components[] = {4, 2};
    struct window_draft draft = draft_of("2026-11-01 02:00", "Europe/Berlin", "FREQ=DAILY");
    draft.text = SLICE("Discs are exchanged.");
    draft.announced_ms = ms_of("2026-09-03 01:00");
    draft.components = components;
    draft.component_count = 2;
    assert_int_equal(add(&draft, "daily"), ERROR_NONE);
    draft = draft_of("2026-12-01 02:00", "", "");
    assert_int_equal(add(&draft, "now"), ERROR_NONE);
    draft = draft_of("2026-11-30 12:00", "", "");
    assert_int_equal(add(&draft, "over"), ERROR_NONE);
    draft = draft_of("2027-03-01 03:00", "", ""); // 90 days
    assert_int_equal(add(&draft, "last"), ERROR_NONE);
    draft = draft_of("2027-03-01 03:01", "", "");
    assert_int_equal(add(&draft, "late"), ERROR_NONE);

    size_t count = windows_view(windows, now, 2 * DAY, &arena, views, VIEWS);
    assert_int_equal(count, 1 + WINDOW_OCCURRENCES_MAX + 1 + 3);
    assert_string_equal(views[0].id.data, "now");
    assert_int_equal(views[0].state, WINDOW_IN_PROGRESS);
    assert_true(slice_equal(views[0].zone, SLICE("UTC")));
    assert_int_equal(views[0].component_count, 0);
    assert_string_equal(views[1].id.data, "daily");
    assert_int_equal(views[1].state, WINDOW_SCHEDULED);
    assert_true(slice_equal(views[1].zone, SLICE("Europe/Berlin")));
    assert_true(slice_equal(views[1].rule, SLICE("FREQ=DAILY")));
    assert_true(slice_equal(views[1].text, SLICE("Discs are exchanged.")));
    assert_int_equal(views[1].component_count, 2);
    assert_int_equal(views[1].components[0], 4);
    assert_int_equal(views[1].components[1], 2);
    assert_ptr_equal(views[1].text.data, views[2].text.data); // copied once
    assert_int_equal(views[1].announced_ms, ms_of("2026-09-03 01:00"));
    assert_int_equal(views[2].announced_ms, views[2].begin_ms - 90 * DAY);
    assert_string_equal(views[51].id.data, "last");
    assert_int_equal(views[52].state, WINDOW_COMPLETED);
    assert_string_equal(views[52].id.data, "daily"); // today's, which ended at 3
    assert_int_equal(views[52].end_ms, now);
    assert_string_equal(views[53].id.data, "over");
    assert_string_equal(views[54].id.data, "daily");
    for (size_t i = 1; i < 52; i++)
        assert_true(views[i].begin_ms >= views[i - 1].begin_ms);
    assert_int_equal(windows_view(windows, now, 0, &arena, views, 7), 7);
    // No more than 50 past ones either, however long ago.
    count = windows_view(windows, now + 200 * DAY, INT64_MAX, &arena, views, VIEWS);
    assert_in_range(count, WINDOW_OCCURRENCES_MAX * 2, WINDOW_OCCURRENCES_MAX * 2 + 1);
}

static void test_what_does_not_fit_is_left_out(void **state)
{
    (void)state;
    struct arena small;
    arena_init(&small, 64, 64);
    add_well("2026-12-01 02:00", "", "FREQ=DAILY");
    assert_int_equal(windows_view(windows, ms_of("2026-12-01 00:00"), 0, &small, views, VIEWS), 0);
    arena_free(&small);
    for (unsigned i = 1; i < 3; i++) {
        memory_fail_after(i);
        (void)windows_view(windows, ms_of("2026-12-01 00:00"), 0, &arena, views, VIEWS);
        memory_fail_after(0);
    }
    struct window_draft draft = draft_of("2026-12-01 02:00", "Europe/Berlin", "");
    memory_fail_after(1);
    assert_int_equal(add(&draft, "m"), ERROR_MEMORY);
    memory_fail_after(0);
    assert_int_equal(windows_count(windows), 1);
}

static void test_next_moment(void **state)
{
    (void)state;
    int64_t begin = ms_of("2026-12-01 02:00");
    assert_int_equal(windows_next_ms(windows, begin), INT64_MAX);
    add_well("2026-12-01 02:00", "", "FREQ=YEARLY;COUNT=2");
    assert_int_equal(windows_next_ms(windows, begin - 200 * DAY), begin - 90 * DAY);
    assert_int_equal(windows_next_ms(windows, begin - 90 * DAY), begin);
    assert_int_equal(windows_next_ms(windows, begin - 1), begin);
    assert_int_equal(windows_next_ms(windows, begin), begin + 2 * HOUR);
    assert_int_equal(windows_next_ms(windows, begin + 2 * HOUR), begin + 275 * DAY);
    assert_int_equal(windows_next_ms(windows, begin + 365 * DAY), begin + 365 * DAY + 2 * HOUR);
    assert_int_equal(windows_next_ms(windows, begin + 365 * DAY + 2 * HOUR), INT64_MAX);
}

// What windows_view says changes at those moments and at no other.
static void test_nothing_changes_between(void **state)
{
    (void)state;
    add_well("2026-12-01 02:00", "Europe/Berlin", "FREQ=WEEKLY;BYDAY=SU,WE;COUNT=60");
    struct window_draft draft = draft_of("2026-12-01 12:00", "America/New_York",
        "FREQ=MONTHLY;BYDAY=2TU");
    draft.duration_ms = 3 * DAY;
    assert_int_equal(add(&draft, "b"), ERROR_NONE);
    int64_t now = ms_of("2026-11-30 00:00"), next = windows_next_ms(windows, now);
    size_t count = view_at(now), under_way = 0;
    for (unsigned i = 0; i < 24 * 120; i++) {
        now += HOUR / 2;
        size_t count_now = view_at(now), under_way_now = 0;
        while (under_way_now < count_now && views[under_way_now].state == WINDOW_IN_PROGRESS)
            under_way_now++;
        if (now < next) {
            assert_int_equal(count_now, count);
            assert_int_equal(under_way_now, under_way);
        } else {
            assert_true(now - next < HOUR / 2);
            next = windows_next_ms(windows, now);
        }
        count = count_now;
        under_way = under_way_now;
    }
}

static void test_removing_and_limits(void **state)
{
    struct incident_id over;
    char id[8];
    (void)state;
    struct window_draft draft = draft_of("2026-12-01 02:00", "Asia/Tokyo", "");
    for (unsigned i = 0; i < WINDOWS_MAX; i++) {
        snprintf(id, sizeof(id), "w%u", i);
        draft.zone = i % 2 == 0 ? SLICE("Asia/Tokyo") : SLICE("Asia/Seoul");
        assert_int_equal(add(&draft, id), ERROR_NONE);
    }
    assert_int_equal(add(&draft, "more"), ERROR_LIMIT);
    assert_non_null(strstr(why_buffer, "there are 200 windows already"));
    assert_int_equal(windows_remove(windows, SLICE("more")), ERROR_NOT_FOUND);
    assert_int_equal(windows_remove(windows, SLICE("w0")), ERROR_NONE);
    assert_int_equal(windows_remove(windows, SLICE("w0")), ERROR_NOT_FOUND);
    int64_t end = ms_of("2026-11-30 19:00");
    assert_false(windows_find_over(windows, end, &over));
    assert_false(windows_find_over(windows, end + 90 * DAY - 1, &over));
    for (unsigned i = 1; i < WINDOWS_MAX; i++) {
        assert_true(windows_find_over(windows, end + (i % 2 == 0 ? 90 : 9000) * DAY, &over));
        assert_int_equal(windows_remove(windows, slice_from_string(over.text)), ERROR_NONE);
    }
    assert_false(windows_find_over(windows, end + 90 * DAY, &over));
    add_well("2026-12-01 02:00", "", "FREQ=DAILY");
    assert_false(windows_find_over(windows, end + 9000 * DAY, &over));
}

// --- Any rule ---

static struct random dice;

static uint32_t below(uint32_t limit)
{
    return (uint32_t)random_below(&dice, limit);
}

static void append_numbers(struct text *text, const char *name, uint32_t maximum)
{
    uint32_t count = 1 + below(4);
    text_format(text, ";%s=", name);
    for (uint32_t i = 0; i < count; i++)
        text_format(text, "%s%s%u", i > 0 ? "," : "",
            below(3) == 0 && strcmp(name, "BYMONTH") != 0 ? "-" : "", 1 + below(maximum));
}

static void append_weekdays(struct text *text, bool nth)
{
    static const char *const names[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
    uint32_t count = 1 + below(4);
    text_append(text, SLICE(";BYDAY="));
    for (uint32_t i = 0; i < count; i++) {
        text_append(text, i > 0 ? SLICE(",") : SLICE(""));
        if (nth)
            text_format(text, "%s%u", below(3) == 0 ? "-" : "", 1 + below(5));
        text_append(text, slice_from_string(names[below(7)]));
    }
}

static void write_rule(struct text *text, uint32_t frequency)
{
    static const char *const names[] = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"};
    size_t empty;
    text_format(text, "FREQ=%s", names[frequency]);
    if (below(2) == 0)
        text_format(text, ";INTERVAL=%u", 1 + below(5));
    empty = text->size;
    if (below(3) == 0)
        append_numbers(text, "BYMONTH", 12);
    if (frequency != 1 && below(3) == 0)
        append_numbers(text, "BYMONTHDAY", 31);
    else if (frequency == 3 && below(4) == 0)
        append_numbers(text, "BYYEARDAY", 366);
    else if (below(2) == 0)
        append_weekdays(text, frequency >= 2 && below(2) == 0);
    if (frequency >= 2 && text->size > empty && below(4) == 0)
        append_numbers(text, "BYSETPOS", 4);
    if (below(3) == 0)
        text_format(text, ";COUNT=%u", 1 + below(100));
}

// Steps, not time: whatever a rule says, its walk is over after as many periods as there are.
static void test_no_rule_goes_on_without_an_end(void **state)
{
    (void)state;
    random_seed(&dice, 20261201);
    for (unsigned i = 0; i < 1000; i++) {
        char buffer[400];
        struct text rule_text = text_in(buffer, sizeof(buffer));
        int32_t begin = window_day_of(2026, 12, 1) + (int32_t)below(1000), day, last = begin - 1;
        struct window_rule rule;
        struct window_walk walk;
        write_rule(&rule_text, below(4));
        if (window_rule_parse(text_slice(&rule_text), begin, &why, &rule) != ERROR_NONE)
            fail_msg("%.*s: %s", SLICE_ARGS(text_slice(&rule_text)), why_buffer);
        window_walk_begin(&walk, &rule, begin);
        uint32_t produced = 0;
        while (window_walk_next(&walk, &day)) {
            assert_true(day > last);
            last = day;
            produced++;
        }
        assert_false(window_walk_next(&walk, &day));
        assert_true(walk.steps <= 174 * 366 && produced <= 174 * 366);
        assert_true(rule.count == 0 || produced <= rule.count);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(recurrence_over_changes_of_the_clock), TEST(rules), TEST(rules_that_are_refused),
        TEST(drafts_that_are_refused), TEST(views_are_in_order_and_bounded),
        TEST(what_does_not_fit_is_left_out), TEST(next_moment), TEST(nothing_changes_between),
        TEST(removing_and_limits), TEST(no_rule_goes_on_without_an_end),
    };
    return cmocka_run_group_tests_name("watch.window", tests, NULL, NULL);
}
