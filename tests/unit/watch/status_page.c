// The pages: well formed in every kind, language and state, whatever strangers wrote; within their
// size; allowed by their own policy; readable in every colour.
#include "html_check.h"
#include "page_sample.h"
#include "watch/incident/incident.h"
#include "watch/page/colour.h"
#include "watch/page/foreign.h"
#include "watch/page/look.h"
#include "watch/page/words.h"

#include <openssl/evp.h>

#define PAGE_SIZE_MAX 61440 // of 50 components

static struct chronicle_point points[SNAPSHOT_DAYS * CHRONICLE_POINTS];

// NUL-terminated; checked; memory_free.
static char *write_checked(const struct status_page *page, size_t *ret_size)
{
    char *html, *copy;
    size_t size;
    assert_int_equal(status_page_write(page, &html, &size), ERROR_NONE);
    assert_true(text_is_utf8(slice_of(html, size)));
    copy = memory_alloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, html, size);
    copy[size] = '\0';
    memory_free(html);
    assert_int_equal(strlen(copy), size);
    html_check(copy);
    if (ret_size != NULL)
        *ret_size = size;
    return copy;
}

static void assert_has(const char *html, const char *part)
{
    if (strstr(html, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, html);
}

static void assert_lacks(const char *html, const char *part)
{
    const char *at = strstr(html, part);
    if (at != NULL)
        fail_msg("\"%s\" is there: %.200s", part, at);
}

static void assert_page(const struct status_page *page, const char *part)
{
    char *html = write_checked(page, NULL);
    assert_has(html, part);
    memory_free(html);
}

static void assert_no(const struct status_page *page, const char *part)
{
    char *html = write_checked(page, NULL);
    assert_lacks(html, part);
    memory_free(html);
}

static struct status_page page_of(const struct snapshot *snapshot, unsigned kind,
    size_t language)
{
    struct slice code = language_code((enum language)language);
    struct status_page page = sample_page(snapshot, (enum status_page_kind)kind, "en");
    page.language = code;
    page.incident = &snapshot->incidents[2];
    page.points = &points[(SNAPSHOT_DAYS - 1) * CHRONICLE_POINTS];
    page.title = SLICE("report_counted_title");
    page.message = SLICE("report_counted");
    page.report_token = SLICE("token");
    page.operators = true;
    if (kind == STATUS_PAGE_HISTORY)
        page.number = 0;
    return page;
}

static void every_page_is_well_formed_in_every_language(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(24, true);
    for (unsigned kind = STATUS_PAGE_MAIN; kind <= STATUS_PAGE_MESSAGE; kind++) {
        for (size_t language = 0; language < LANGUAGE_COUNT; language++) {
            struct status_page page = page_of(snapshot, kind, language);
            char expected[40];
            snprintf(expected, sizeof(expected), "<html lang=\"%.*s\" dir=\"%s\">",
                SLICE_ARGS(page.language), language == LANGUAGE_ARABIC ? "rtl" : "ltr");
            assert_page(&page, expected);
            page.keeps_language = true;
            assert_page(&page, "?lang=");
        }
    }
    snapshot_release(snapshot);
}

static void it_says_what_is_down_for_whom_since_when(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(24, true);
    struct status_page page = page_of(snapshot, STATUS_PAGE_MAIN, LANGUAGE_ENGLISH);
    char *html = write_checked(&page, NULL);
    static const char *const parts[] = {"<h1>Some systems are down</h1>",
        "<bdi>Shop</bdi>, <bdi>Search</bdi>: No server answers", "Critical impact",
        "Expected back: <time datetime=\"2026-03-14T14:45:09Z\">14 March 2026, 14:45 UTC</time>",
        "Noticed automatically.", "A technician is on the way", "Maintenance under way",
        "Planned in the time of Europe/Berlin", "Fails together with <bdi>Shop</bdi>",
        "The certificate expires in 3 days", "since <time datetime=\"2026-03-14T13:48:09Z\">",
        "23 networks report a problem", "Servers: <b>99.9", "Visitors: <b>99.9",
        "14:05:09 UTC</time>", "Updated 2 seconds ago", "<form method=\"post\"",
        "href=\"subscribe\""};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        assert_has(html, parts[i]);
    assert_true(strstr(html, "Shop</bdi>, <bdi>Search") < strstr(html, "id=\"systems\""));
    assert_lacks(html, "opened<"); // afloat's own words are said in the visitor's language
    assert_has(html, "id=\"old\" class=\"w x\" hidden");
    assert_lacks(html, "history cannot be saved");
    memory_free(html);
    page.now_ms = snapshot->made_ms + 61000;
    snapshot->is_written = false;
    assert_page(&page, "id=\"old\" class=\"w x\" data-say");
    assert_page(&page, "this was last updated 1 minute ago");
    assert_page(&page, "The history cannot be saved");
    snapshot_release(snapshot);
}

static void it_does_not_say_that_nothing_was_while_something_is(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(22, true);
    struct status_page page = page_of(snapshot, STATUS_PAGE_MAIN, LANGUAGE_ENGLISH);
    snapshot->incident_count = snapshot->open_count; // the first there are
    assert_page(&page, "Current incidents");
    assert_no(&page, "No incidents in the last 14 days.");
    struct incident_view *incident = &snapshot->incidents[snapshot->incident_count++];
    incident->started_ms = SAMPLE_NOW - 20 * SAMPLE_DAY; // and it went on until
    incident->resolved_ms = SAMPLE_NOW - SAMPLE_DAY;
    snapshot->open_count = 0;
    assert_page(&page, "Last 14 days</h2>\n<ul");
    incident->resolved_ms = SAMPLE_NOW - 15 * SAMPLE_DAY;
    snapshot->incidents = incident;
    snapshot->incident_count = 1;
    assert_page(&page, "No incidents in the last 14 days.");
    snapshot_release(snapshot);
}

static void what_fails_again_is_not_noticed_anew(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(22, true);
    const struct incident_update updates[] = {
        {INCIDENT_INVESTIGATING, SAMPLE_NOW - 60000, SLICE_EMPTY, SLICE_EMPTY},
        {INCIDENT_MONITORING, SAMPLE_NOW - 120000, SLICE_EMPTY, SLICE_EMPTY},
        {INCIDENT_INVESTIGATING, SAMPLE_NOW - 180000, SLICE_EMPTY, SLICE_EMPTY}};
    struct status_page page = page_of(snapshot, STATUS_PAGE_INCIDENT, LANGUAGE_GERMAN);
    snapshot->incidents[2].updates = updates;
    snapshot->incidents[2].update_count = ARRAY_SIZE(updates);
    char *html = write_checked(&page, NULL);
    const char *again = strstr(html, "Es ist wieder gestört.");
    const char *first = strstr(html, "Automatisch bemerkt.");
    assert_true(again != NULL && first > again);
    assert_null(strstr(first + 1, "Automatisch bemerkt."));
    memory_free(html);
    const struct incident_update unwatched = {INCIDENT_RESOLVED, SAMPLE_NOW,
        SLICE(INCIDENT_UNWATCHED), SLICE_EMPTY};
    snapshot->incidents[2].updates = &unwatched;
    snapshot->incidents[2].update_count = 1;
    assert_page(&page, "Das Betroffene wird nicht mehr beobachtet.");
    assert_no(&page, "Es ist vorbei.");
    snapshot_release(snapshot);
}

static void bars_say_what_is_known(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(1, false);
    struct status_page page = page_of(snapshot, STATUS_PAGE_MAIN, LANGUAGE_ENGLISH);
    struct uptime_day *days = snapshot->components[0].days;
    memset(days, 0, SNAPSHOT_DAYS * sizeof(*days));
    assert_page(&page, "aria-label=\"The last 90 days: Not known\"");
    days[SNAPSHOT_DAYS - 2].maintenance_ms = 60000;
    assert_page(&page, "aria-label=\"The last 90 days: Maintenance\"");
    days[SNAPSHOT_DAYS - 1].up_ms = 60000;
    assert_page(&page, "aria-label=\"The last 90 days: No problem\"");
    days[SNAPSHOT_DAYS - 1].down_ms = 60000;
    assert_page(&page, "aria-label=\"The last 90 days: 1 day with a problem\"");
    for (size_t i = 0; i < SNAPSHOT_RECENT; i++)
        snapshot->components[0].responses[i] = 80;
    assert_page(&page, "aria-label=\"80\u00A0ms\""); // not from 80 ms to 80 ms
    snapshot_release(snapshot);
}

static void it_says_when_all_is_well_and_when_nobody_knows(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(22, false);
    struct status_page page = page_of(snapshot, STATUS_PAGE_MAIN, LANGUAGE_ENGLISH);
    page.report_token = SLICE_EMPTY;
    assert_page(&page, "<h1>All systems are operational</h1>");
    assert_page(&page, "No incidents in the last 14 days.");
    assert_no(&page, "<form");
    assert_page(&page, "Say so on the page of that system.");
    page.reports = false;
    assert_no(&page, "Say so on");
    snapshot->components[3].state = COMPONENT_UNKNOWN;
    assert_page(&page, "<h1>All that could be checked is operational</h1>");
    snapshot->state = COMPONENT_DEGRADED; // as an incident says
    assert_page(&page, "<h1>Some systems are not at their best</h1>");
    snapshot->state = COMPONENT_MAINTENANCE;
    snapshot->components[4].state = COMPONENT_MAINTENANCE;
    assert_page(&page, "<h1>Maintenance is under way</h1>");
    snapshot->state = snapshot->components[5].state = COMPONENT_PARTIAL;
    assert_page(&page, "<h1>Some systems do not work for everyone</h1>");
    for (size_t i = 0; i < snapshot->component_count; i++)
        snapshot->components[i].state = COMPONENT_DOWN;
    snapshot->state = COMPONENT_DOWN;
    assert_page(&page, "<h1>All systems are down</h1>");
    snapshot_release(snapshot);
    snapshot = sample_create(0, false);
    page = page_of(snapshot, STATUS_PAGE_MAIN, LANGUAGE_ENGLISH);
    assert_page(&page, "<h1>Nothing is watched here yet</h1>");
    snapshot_release(snapshot);
}

static void large_groups_that_are_well_are_folded(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(40, false);
    struct status_page page = page_of(snapshot, STATUS_PAGE_MAIN, LANGUAGE_ENGLISH);
    assert_page(&page, "<bdi>Everything else</bdi><span>20 systems, all operational</span>");
    snapshot->components[25].reports = REPORTS_POSSIBLE;
    assert_no(&page, "all operational</span></summary>");
    snapshot_release(snapshot);
}

static void fifty_components_keep_within_the_size(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(STATUS_PAGE_COMPONENTS, true);
    for (size_t language = 0; language < LANGUAGE_COUNT; language++) {
        struct status_page page = page_of(snapshot, STATUS_PAGE_MAIN, language);
        size_t size;
        memory_free(write_checked(&page, &size));
        if (size > PAGE_SIZE_MAX)
            fail_msg("%zu bytes in language %zu", size, language);
    }
    snapshot_release(snapshot);
}

static size_t count_of(const char *html, const char *part)
{
    size_t count = 0;
    for (const char *at = html; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static void what_is_not_well_is_on_the_first_page(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(1000, false);
    struct status_page page = page_of(snapshot, STATUS_PAGE_MAIN, LANGUAGE_ENGLISH);
    for (size_t i = 0; i < 30; i++)
        snapshot->components[990 - 33 * i].state = (enum component_state)(i % 2 == 0
            ? COMPONENT_DOWN : COMPONENT_UNKNOWN);
    snapshot->state = COMPONENT_DOWN;
    size_t shown = 0;
    for (page.number = 1; page.number <= 20; page.number++) {
        char *html = write_checked(&page, NULL), says[40];
        snprintf(says, sizeof(says), "Page %u of 20", page.number);
        assert_has(html, says);
        assert_int_equal(count_of(html, "<li class=x>"), page.number == 1 ? 15 : 0);
        assert_int_equal(count_of(html, "<li class=u>"), page.number == 1 ? 15 : 0);
        assert_int_equal(count_of(html, "?page="), page.number == 1 || page.number == 20 ? 1 : 2);
        shown += count_of(html, "<svg class=b ");
        memory_free(html);
    }
    assert_int_equal(shown, 1000);
    snapshot_release(snapshot);
}

static void the_past_is_told_by_month(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(12, true);
    struct status_page page = page_of(snapshot, STATUS_PAGE_HISTORY, LANGUAGE_ENGLISH);
    assert_page(&page, "<h2>March 2026</h2>");
    assert_page(&page, "history?month=1\">Earlier");
    assert_no(&page, ">Later<");
    page.number = 1;
    assert_page(&page, "<h2>February 2026</h2>");
    assert_page(&page, "href=\"/.afloat/incident/r1\"");
    assert_page(&page, "history?month=0\">Later");
    page.number = 3;
    assert_page(&page, "<h2>December 2025</h2>");
    assert_page(&page, "No incidents in this month.");
    assert_no(&page, ">Earlier<");
    page = page_of(snapshot, STATUS_PAGE_INCIDENT, LANGUAGE_ENGLISH);
    assert_page(&page, "<p>What went wrong<br>A release.</p><p>What we changed: see "
        "<a rel=\"nofollow noopener noreferrer\" href=\"https://example.net/blog?a=1&amp;b=2\">"
        "https://example.net/blog?a=1&amp;b=2</a> (in English).</p>");
    assert_page(&page, "Duration: 34 minutes");
    page.incident = &snapshot->incidents[0]; // of itself: its title is in the visitor's language
    page.language = SLICE("de");
    assert_page(&page, "<title>Shop, Search: Kein Server antwortet – Example Networks</title>");
    snapshot_release(snapshot);
}

static void a_component_has_charts_and_their_table(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(12, true);
    struct status_page page = page_of(snapshot, STATUS_PAGE_COMPONENT, LANGUAGE_ENGLISH);
    static const struct {
        size_t days, rows;
    } ranges[] = {{1, 96}, {7, 84}, {90, 90}};
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        page.point_days = ranges[i].days;
        page.points = &points[(SNAPSHOT_DAYS - ranges[i].days) * CHRONICLE_POINTS];
        char *html = write_checked(&page, NULL);
        assert_has(html, "aria-label=\"Response times: From ");
        assert_has(html, "aria-label=\"Uptime: From ");
        assert_int_equal(count_of(html, "<tr>"), ranges[i].rows + 1);
        assert_has(html, "name=\"component\" value=\"service-0.example.net\"");
        assert_has(html, "Last checked: 6 seconds ago");
        memory_free(html);
    }
    page.points = NULL;
    assert_page(&page, "There are no measurements of this time yet.");
    static struct chronicle_point nothing[CHRONICLE_POINTS];
    memset(nothing, 0xFF, sizeof(nothing));
    page.points = nothing;
    page.point_days = 1;
    assert_page(&page, "There are no measurements of this time yet.");
    memset(nothing, 0, sizeof(nothing)); // down all the time, answered at once
    assert_page(&page, "Uptime: From 0% to 100%");
    snapshot_release(snapshot);
}

static void fill_changes(struct change changes[STATUS_PAGE_CHANGES])
{
    for (size_t i = 0; i < STATUS_PAGE_CHANGES; i++)
        changes[i] = (struct change){.at_ms = SAMPLE_NOW - (int64_t)i * SAMPLE_DAY,
            .from = (enum component_state)((i + 1) % 6), .to = (enum component_state)(i % 6),
            .reason = {(enum reason_kind)(i % REASON_COUNT), 14},
            .cause = i % 3 == 0 ? SLICE("service-1.example.net") : SLICE("gone.example.net")};
}

static void a_component_says_what_changed(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(STATUS_PAGE_COMPONENTS, true);
    struct status_page page = page_of(snapshot, STATUS_PAGE_COMPONENT, LANGUAGE_ENGLISH);
    struct change changes[STATUS_PAGE_CHANGES];
    fill_changes(changes);
    assert_no(&page, "What changed");
    page.changes = changes; // there are none yet
    assert_no(&page, "What changed");
    page.change_count = 1;
    changes[0] = (struct change){.at_ms = SAMPLE_NOW, .from = COMPONENT_OPERATIONAL,
        .to = COMPONENT_PARTIAL, .reason = {REASON_EXPIRES, 3},
        .cause = SLICE("service-1.example.net")};
    assert_page(&page, "<h2>What changed</h2>");
    assert_page(&page, "<li class=p><b>Operational → Partial outage</b> <span>The certificate "
        "expires in 3 days. Fails together with <bdi>Checkout and payment</bdi> · <time");
    assert_page(&page, "component/service-0.example.net/events.csv\">CSV</a>");
    page.language = SLICE("ar");
    assert_page(&page, "<b>يعمل ← انقطاع جزئي</b>");
    snapshot_release(snapshot);
}

static void a_components_page_keeps_within_the_size(void **state)
{
    (void)state;
    struct snapshot *snapshot = sample_create(STATUS_PAGE_COMPONENTS, true);
    struct change changes[STATUS_PAGE_CHANGES];
    fill_changes(changes);
    for (size_t language = 0; language < LANGUAGE_COUNT; language++) {
        struct status_page page = page_of(snapshot, STATUS_PAGE_COMPONENT, language);
        size_t size;
        page.changes = changes;
        page.change_count = STATUS_PAGE_CHANGES;
        page.points = &points[(SNAPSHOT_DAYS - 1) * CHRONICLE_POINTS];
        page.point_days = 1;
        memory_free(write_checked(&page, &size));
        if (size > PAGE_SIZE_MAX)
            fail_msg("%zu bytes in language %zu", size, language);
    }
    snapshot_release(snapshot);
}

// --- What strangers write ---

static const char *const evil[] = {
    "\"><script>alert(1)</script><svg onload=alert(1)>", "' onmouseover='alert(1)",
    "</title></style></textarea><img src=x onerror=alert(1)>", "javascript:alert(1)//",
    "\x1b[2J\x07\x9b\xe2\x80\xaegnp.exe\xe2\x81\xa6", "\xff\xfe\xc3(\xed\xa0\x80", "&lt;b&gt;&#60;",
    "{1}{2}#|", "https://x/\"onclick=alert(1) http://</p>", "\x01", "", "\n\n\r\n\n",
    "<!--", "]]>", "data:text/html,<script>alert(1)</script>"};

static void fill(struct snapshot *snapshot, struct slice words)
{
    snapshot->brand = (struct brand){.name = words, .url = words, .site = words, .support = words,
        .accent = words, .accent_dark = words, .logo = SLICE("x"), .logo_type = words,
        .language = words};
    for (size_t i = 0; i < snapshot->component_count; i++) {
        snapshot->components[i].title = snapshot->components[i].group = words;
        snapshot->components[i].id = words;
    }
    for (size_t i = 0; i < snapshot->incident_count; i++) {
        struct incident_view *incident = &snapshot->incidents[i];
        incident->title = incident->id = incident->postmortem = words;
        incident->automatic = i % 2 == 0;
    }
    for (size_t i = 0; i < snapshot->window_count; i++) {
        struct window_view *window = &snapshot->windows[i];
        window->title = window->text = window->rule = window->zone = window->id = words;
    }
}

static void what_is_merged_says_where_it_goes_on(void **state)
{
    (void)state;
    for (unsigned language = 0; language < LANGUAGE_COUNT; language++) {
        struct snapshot *snapshot = sample_create(12, true);
        struct incident_update update = {INCIDENT_RESOLVED, SAMPLE_NOW,
            SLICE("Goes on in incident k3x9q2m7a1b4."), SLICE_EMPTY};
        struct incident_view *merged = &snapshot->incidents[2];
        merged->updates = &update;
        merged->update_count = 1;
        struct status_page page = page_of(snapshot, STATUS_PAGE_INCIDENT, language);
        page.incident = merged;
        char *html = write_checked(&page, NULL);
        assert_has(html, "incident/k3x9q2m7a1b4");
        if (language == LANGUAGE_ENGLISH) {
            assert_has(html, "<p>It goes on in another incident: <a ");
            assert_lacks(html, "It is over.");
        }
        memory_free(html);
        snapshot->incidents[0].id = SLICE("another00000"); // forgotten meanwhile
        html = write_checked(&page, NULL);
        assert_has(html, "k3x9q2m7a1b4</bdi></a>");
        memory_free(html);
        snapshot_release(snapshot);
    }
}

static void nothing_of_strangers_is_markup(void **state)
{
    (void)state;
    static char nonsense[40000];
    memset(nonsense, '"', sizeof(nonsense));
    for (size_t i = 0; i <= ARRAY_SIZE(evil); i++) {
        struct slice words = i < ARRAY_SIZE(evil) ? slice_from_string(evil[i])
                                                  : slice_of(nonsense, sizeof(nonsense));
        struct snapshot *snapshot = sample_create(12, true);
        struct incident_update update = {INCIDENT_IDENTIFIED, SAMPLE_NOW, words, words};
        fill(snapshot, words);
        snapshot->incidents[0].updates = &update;
        snapshot->incidents[0].update_count = 1;
        for (unsigned kind = STATUS_PAGE_MAIN; kind <= STATUS_PAGE_MESSAGE; kind++) {
            struct status_page page = page_of(snapshot, kind, i % LANGUAGE_COUNT);
            page.incident = &snapshot->incidents[0];
            page.title = page.message = words;
            page.language = i % 2 == 0 ? words : page.language;
            char *html = write_checked(&page, NULL);
            assert_lacks(html, "<script>alert");
            assert_lacks(html, "<img src=x");
            assert_lacks(html, "\xe2\x80\xae");
            assert_lacks(html, "\xe2\x81\xa6");
            assert_lacks(html, "href=\"javascript:");
            assert_lacks(html, "href=\"data:");
            memory_free(html);
        }
        snapshot_release(snapshot);
    }
}

static void assert_foreign(const char *from, size_t most, const char *expected)
{
    char buffer[2000];
    struct text text = text_in(buffer, sizeof(buffer));
    foreign_append(&text, slice_from_string(from), most);
    text_append_byte(&text, '\0');
    assert_string_equal(buffer, expected);
}

static void texts_are_cut_and_cleaned(void **state)
{
    (void)state;
    char buffer[2000];
    assert_foreign("plain", 5, "plain");
    assert_foreign("plainer", 5, "plain…");
    assert_foreign("aä", 2, "a…");
    assert_foreign("a\xff" "b", 9, "a\xef\xbf\xbd" "b");
    assert_foreign("a\nb\tc\x7f\x1b", 9, "a b c");
    assert_foreign("\xe2\x80\xae" "a\xd8\x9c\xef\xbb\xbf", 20, "a");
    assert_foreign("👩\u200d👧", 40, "👩\u200d👧");
    static const struct {
        const char *contact, *href;
    } contacts[] = {{"help@example.net", "mailto:help@example.net"},
        {"mailto:help@example.net", "mailto:help@example.net"},
        {"https://example.net/help?a&b", "https://example.net/help?a&amp;b"}, {"/help", "/help"},
        {"//evil.example", NULL}, {"javascript:alert(1)", NULL}, {"+49 30 123", NULL},
        {"mailto:a@b?bcc=x", NULL}, {"a@b@c", NULL}, {"https://", NULL}, {"", NULL}, {"/", NULL},
        {"/\\evil.example", NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(contacts); i++) {
        struct text text = text_in(buffer, sizeof(buffer));
        bool is_link = foreign_append_href(&text, slice_from_string(contacts[i].contact));
        text_append_byte(&text, '\0');
        assert_int_equal(is_link, contacts[i].href != NULL);
        assert_string_equal(buffer, contacts[i].href == NULL ? "" : contacts[i].href);
    }
    struct text text = text_in(buffer, sizeof(buffer));
    foreign_append_paragraphs(&text, SLICE("a\n\nb\n\n\nxhttp://no (http://yes.)\n"), 200);
    text_append_byte(&text, '\0');
    assert_string_equal(buffer, "<p>a</p><p>b</p><p>xhttp://no (<a rel=\"nofollow noopener "
        "noreferrer\" href=\"http://yes\">http://yes</a>.)</p>");
    text = text_in(buffer, sizeof(buffer));
    foreign_append_paragraphs(&text, SLICE("ab\n\ncd"), 4);
    text_append_byte(&text, '\0');
    assert_string_equal(buffer, "<p>ab</p><p>…</p>");
}

// --- Policy and look ---

static void assert_allows(const char *policy, const char *html, const char *open, const char *close)
{
    for (const char *at = html; (at = strstr(at, open)) != NULL;) {
        unsigned char digest[32], coded[64];
        char source[80];
        at += strlen(open);
        const char *end = strstr(at, close);
        assert_non_null(end);
        assert_int_equal(EVP_Digest(at, (size_t)(end - at), digest, NULL, EVP_sha256(), NULL), 1);
        EVP_EncodeBlock(coded, digest, sizeof(digest));
        snprintf(source, sizeof(source), "'sha256-%s'", (const char *)coded);
        assert_has(policy, source);
        at = end;
    }
}

static void the_policy_allows_what_the_page_has(void **state)
{
    (void)state;
    static const char *const accents[][2] = {{"", ""}, {"#ffff00", ""}, {"#123456", "#abcdef"},
        {"red", "}</style>"}};
    struct snapshot *snapshot = sample_create(3, true);
    for (size_t i = 0; i < ARRAY_SIZE(accents); i++) {
        char policy[1000];
        struct text text = text_in(policy, sizeof(policy) - 1);
        snapshot->brand.accent = slice_from_string(accents[i][0]);
        snapshot->brand.accent_dark = slice_from_string(accents[i][1]);
        status_page_security_policy(snapshot, &text);
        assert_false(text.full);
        policy[text.size] = '\0';
        assert_lacks(policy, "unsafe");
        assert_has(policy, "default-src 'none'");
        struct status_page page = page_of(snapshot, STATUS_PAGE_MAIN, LANGUAGE_ENGLISH);
        char *html = write_checked(&page, NULL);
        assert_int_equal(count_of(html, "<style>"), 2);
        assert_int_equal(count_of(html, "<script>"), 1);
        assert_allows(policy, html, "<style>", "</style>");
        assert_allows(policy, html, "<script>", "</script>");
        memory_free(html);
    }
    snapshot_release(snapshot);
}

static struct colour colour_of(const char *text)
{
    struct colour colour;
    assert_true(colour_parse(slice_from_string(text), &colour));
    return colour;
}

static void assert_contrast(const char *a, const char *b, double least)
{
    double contrast = colour_contrast(colour_of(a), colour_of(b));
    if (contrast < least)
        fail_msg("%s on %s: %.2f", a, b, contrast);
}

static void colours_are_readable(void **state)
{
    (void)state;
    static const struct {
        const char *schemes[2];
    } grounds[] = {
#define X(name, light, dark) {{light, dark}},
        LOOK_GROUNDS(X)
    }, texts[] = {LOOK_TEXTS(X)};
#undef X
    static const struct {
        const char *text[2], *shape[2], *tint[2];
    } states[] = {
#define X(letter, c1, c2, b1, b2, t1, t2) {{c1, c2}, {b1, b2}, {t1, t2}},
        LOOK_STATES(X)
#undef X
    };
    for (size_t scheme = 0; scheme < 2; scheme++) {
        for (size_t i = 0; i < ARRAY_SIZE(grounds); i++) {
            const char *ground = grounds[i].schemes[scheme];
            for (size_t j = 0; j < ARRAY_SIZE(texts); j++)
                assert_contrast(texts[j].schemes[scheme], ground, COLOUR_TEXT_CONTRAST);
            for (size_t j = 0; j < ARRAY_SIZE(states); j++) {
                assert_contrast(states[j].text[scheme], ground, COLOUR_TEXT_CONTRAST);
                assert_contrast(states[j].shape[scheme], ground, COLOUR_SHAPE_CONTRAST);
            }
        }
        for (size_t j = 0; j < ARRAY_SIZE(states); j++) {
            const char *tint = states[j].tint[scheme];
            assert_contrast(states[j].text[scheme], tint, COLOUR_TEXT_CONTRAST);
            for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
                assert_contrast(texts[k].schemes[scheme], tint, COLOUR_TEXT_CONTRAST);
        }
    }
}

static void accents_become_readable(void **state)
{
    (void)state;
    static const char *const accents[] = {"#ffff00", "#000000", "#ffffff", "#ff0000", "#808080",
        "#00ff7f", "#0000ff"};
    static const char *const grounds[] = {"#ffffff", "#f5f7f9", "#0d1218", "#151c24", "#777777"};
    for (size_t i = 0; i < ARRAY_SIZE(accents); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(grounds); j++) {
            struct colour ground = colour_of(grounds[j]);
            struct colour made = colour_readable(colour_of(accents[i]), ground,
                COLOUR_TEXT_CONTRAST);
            if (colour_contrast(made, ground) < COLOUR_TEXT_CONTRAST)
                fail_msg("%s on %s", accents[i], grounds[j]);
        }
    }
    struct colour good = colour_readable(colour_of("#0a5a88"), colour_of("#ffffff"), 4.5);
    assert_int_equal(good.blue, 0x88); // what is readable stays as it is
    assert_true(colour_contrast(colour_of("#000000"), colour_of("#ffffff")) > 20.99);
    struct colour colour;
    assert_false(colour_parse(SLICE("#12345"), &colour));
    assert_false(colour_parse(SLICE("#12345g"), &colour));
    assert_false(colour_parse(SLICE("1234567"), &colour));
    assert_true(colour_parse(SLICE("#AbCdEf"), &colour));
}

// --- Language ---

static void assert_language(const char *accept, const char *wanted, const char *expected)
{
    struct slice code = status_page_language(slice_from_string(accept), slice_from_string(wanted),
        SLICE("fr"));
    assert_true(slice_equal(code, slice_from_string(expected)));
}

static void the_language_is_what_the_visitor_likes_best(void **state)
{
    (void)state;
    assert_language("", "", "fr");
    assert_language("de", "", "de");
    assert_language("de", "es", "es");
    assert_language("de", "xx", "de");
    assert_language("sv, de;q=0.5, zh-Hans;q=0.8", "", "zh");
    assert_language("en;q=0.3,ar;q=0.4", "", "ar");
    assert_language("de;q=0", "", "fr");
    assert_language("*;q=0.5, en;q=0.4", "", "fr");
    assert_language("en;q=nonsense, de;q=0.001", "", "de");
    assert_language("en;q=1.5, de;q=0.9", "", "de");
    assert_language(" en-GB ; q=0.7 ,, ;", "", "en");
    assert_language("de;level=1;q=0.2, es;q=0.3", "", "es");
    struct slice code = status_page_language(SLICE_EMPTY, SLICE_EMPTY, SLICE("xx"));
    assert_true(slice_equal(code, SLICE("en")));
}

static void without_memory_there_is_no_page(void **state)
{
    (void)state;
    static char quotes[30000];
    struct snapshot *snapshot = sample_create(3, true);
    struct status_page page = page_of(snapshot, STATUS_PAGE_INCIDENT, LANGUAGE_ENGLISH);
    char *html = NULL;
    size_t size;
    memset(quotes, '"', sizeof(quotes)); // so long that it needs a second, larger buffer
    snapshot->incidents[2].postmortem = slice_of(quotes, sizeof(quotes));
    memory_fail_after(1);
    assert_int_equal(status_page_write(&page, &html, &size), ERROR_MEMORY);
    memory_fail_after(0);
    assert_null(html);
    memory_free(write_checked(&page, &size));
    assert_true(size > 6 * sizeof(quotes));
    snapshot_release(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_is_well_formed_in_every_language),
        cmocka_unit_test(it_says_what_is_down_for_whom_since_when),
        cmocka_unit_test(it_does_not_say_that_nothing_was_while_something_is),
        cmocka_unit_test(what_fails_again_is_not_noticed_anew),
        cmocka_unit_test(bars_say_what_is_known),
        cmocka_unit_test(it_says_when_all_is_well_and_when_nobody_knows),
        cmocka_unit_test(large_groups_that_are_well_are_folded),
        cmocka_unit_test(fifty_components_keep_within_the_size),
        cmocka_unit_test(what_is_not_well_is_on_the_first_page),
        cmocka_unit_test(the_past_is_told_by_month),
        cmocka_unit_test(a_component_has_charts_and_their_table),
        cmocka_unit_test(what_is_merged_says_where_it_goes_on),
        cmocka_unit_test(a_component_says_what_changed),
        cmocka_unit_test(a_components_page_keeps_within_the_size),
        cmocka_unit_test(nothing_of_strangers_is_markup),
        cmocka_unit_test(texts_are_cut_and_cleaned),
        cmocka_unit_test(the_policy_allows_what_the_page_has),
        cmocka_unit_test(colours_are_readable),
        cmocka_unit_test(accents_become_readable),
        cmocka_unit_test(the_language_is_what_the_visitor_likes_best),
        cmocka_unit_test(without_memory_there_is_no_page),
    };
    sample_points(points, ARRAY_SIZE(points));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
