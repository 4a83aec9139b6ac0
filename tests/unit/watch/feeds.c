// The Atom feed, the calendar, badges and metrics: well-formed whatever people write, the same each
// time, and by their RFCs.
#include "machine_fixture.h"

static struct machine_fixture fixture;

static int begin(void **state)
{
    (void)state;
    fixture_begin(&fixture);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_end(&fixture);
    return 0;
}

// --- XML, as strictly as these documents need it ---

struct xml {
    const char *at;
    const char *open[16]; // names of elements, within the document
    size_t depth, elements;
};

static size_t name_size(const char *at)
{
    return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:-0123456789");
}

// Up to the end, which is not among what may stand there.
static void take_text(struct xml *xml, char until)
{
    for (; *xml->at != until; xml->at++) {
        unsigned char byte = (unsigned char)*xml->at;
        if (byte == '\0' || byte == '<' || byte == 0x7F || (byte < ' ' && byte != '\n')
            || strncmp(xml->at, "]]>", 3) == 0)
            fail_msg("no XML text: %.40s", xml->at);
        assert_true(strncmp(xml->at, "\xEF\xBF\xBE", 3) != 0);
        assert_true(strncmp(xml->at, "\xEF\xBF\xBF", 3) != 0);
        assert_true(strncmp(xml->at, "\xE2\x80\xAE", 3) != 0); // turns the direction
        if (byte != '&')
            continue;
        static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
        bool known = false;
        for (size_t i = 0; i < ARRAY_SIZE(entities); i++)
            known = known || strncmp(xml->at, entities[i], strlen(entities[i])) == 0;
        if (!known)
            fail_msg("no entity: %.20s", xml->at);
    }
}

static void take_tag(struct xml *xml)
{
    if (xml->at[1] == '/') {
        size_t size = name_size(xml->at + 2);
        assert_true(xml->depth > 0);
        const char *name = xml->open[--xml->depth];
        assert_int_equal(name_size(name), size);
        assert_memory_equal(name, xml->at + 2, size);
        xml->at += 2 + size;
        assert_int_equal(*xml->at++, '>');
        return;
    }
    xml->open[xml->depth++] = ++xml->at;
    xml->elements++;
    assert_true(xml->depth < ARRAY_SIZE(xml->open) && name_size(xml->at) > 0);
    xml->at += name_size(xml->at);
    while (*xml->at == ' ') {
        xml->at += 1 + name_size(xml->at + 1);
        assert_memory_equal(xml->at, "=\"", 2);
        xml->at += 2;
        take_text(xml, '"');
        xml->at++;
    }
    if (*xml->at == '/') {
        xml->depth--;
        xml->at++;
    }
    assert_int_equal(*xml->at++, '>');
}

static size_t check_xml(const char *document)
{
    struct xml xml = {.at = document};
    static const char declaration[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
    if (strncmp(xml.at, declaration, strlen(declaration)) == 0)
        xml.at += strlen(declaration);
    do {
        assert_int_equal(*xml.at, '<');
        take_tag(&xml);
        if (xml.depth > 0)
            take_text(&xml, '<');
    } while (xml.depth > 0);
    assert_string_equal(xml.at, "\n");
    return xml.elements;
}

static const char *atom(void)
{
    fixture.text.size = 0;
    atom_write(&fixture.text, &fixture.view);
    return fixture_string(&fixture);
}

static const char *badge(uint32_t component, enum badge_kind kind)
{
    fixture.text.size = 0;
    badge_write(&fixture.text, &fixture.view, component, kind);
    return fixture_string(&fixture);
}

static const char *calendar(void)
{
    fixture.text.size = 0;
    calendar_write(&fixture.text, &fixture.view);
    return fixture_string(&fixture);
}

static const char *metrics(void)
{
    fixture.text.size = 0;
    metrics_write(&fixture.text, &fixture.snapshot);
    return fixture_string(&fixture);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is missing in:\n%s", part, text);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

// --- Atom ---

static void test_atom(void **state)
{
    (void)state;
    const char *feed = atom();
    check_xml(feed);
    assert_int_equal(count_of(feed, "<entry>"), 5);
    assert_int_equal(count_of(feed, "<updated>"), 6);
    assert_has(feed, "<id>tag:example.org,2026:status</id>\n<title>Example</title>\n"
                     "<updated>2026-12-01T01:50:00.123Z</updated>\n<author>");
    assert_has(feed, "<link rel=\"self\" type=\"application/atom+xml\" "
                     "href=\"https://example.org/.afloat/feed.atom\"/>");
    assert_has(feed, "<id>tag:example.org,2026:incident/k3x9aaaaaaaa</id>\n"
                     "<title>Shop: no server answers</title>\n"
                     "<published>2026-12-01T01:00:00.123Z</published>\n"
                     "<updated>2026-12-01T01:50:00.123Z</updated>\n");
    assert_has(feed, "href=\"https://example.org/.afloat/incident/k3x9aaaaaaaa\"/>");
    assert_has(feed, "2026-12-01T01:50:00.123Z monitoring: Back\n"
                     "2026-12-01T01:30:00.123Z identified: A disc\nis full\n"
                     "2026-12-01T01:00:00.123Z investigating: Noticed automatically.\n");
    assert_has(feed, "It was the disc.\n");
    assert_has(feed, "<id>tag:example.org,2026:maintenance/w1aaaaaaaaaa/20261208T010000Z</id>\n"
                     "<title>Maintenance: Now</title>");
    assert_null(strstr(feed, "ann"));
    // An entry changes when something happens to it, not when it is read.
    char *before = strdup(feed);
    assert_non_null(before);
    fixture.snapshot.made_ms += DAY;
    assert_string_equal(atom(), before);
    free(before);
}

static void test_atom_of_nothing(void **state)
{
    (void)state;
    fixture.snapshot.incident_count = fixture.snapshot.open_count = 0;
    fixture.snapshot.window_count = fixture.snapshot.past_window_count = 0;
    fixture.snapshot.brand.name = fixture.view.host = SLICE("");
    const char *feed = atom();
    check_xml(feed);
    assert_has(feed, "<author><name>afloat</name></author>"); // a name is needed
    assert_has(feed, "<id>tag:localhost,2026:status</id>");
    assert_has(feed, "<updated>2026-12-01T02:00:00.123Z</updated>");
}

static void test_hostile_words_in_xml(void **state)
{
    (void)state;
    fixture_make_hostile(&fixture, SLICE(HOSTILE));
    size_t elements = check_xml(atom());
    fixture_make_hostile(&fixture, SLICE("plain"));
    assert_int_equal(check_xml(atom()), elements);
    fixture_make_hostile(&fixture, SLICE(HOSTILE));
    for (unsigned i = BADGE_STATUS; i <= BADGE_UPTIME; i++) {
        assert_int_equal(check_xml(badge(0, (enum badge_kind)i)), 10);
        assert_int_equal(check_xml(badge(COMPONENT_NONE, (enum badge_kind)i)), 10);
        assert_null(strstr(fixture.document, "<script"));
    }
}

// --- Badges ---

static void test_badges(void **state)
{
    static const char *const words[] = {"not known", "operational", "degraded", "partial outage",
        "outage", "maintenance"};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        char title[100];
        fixture.components[0].state = (enum component_state)i;
        const char *svg = badge(0, BADGE_STATUS);
        check_xml(svg);
        snprintf(title, sizeof(title), "<title id=\"t\">Shop: %s</title>", words[i]);
        assert_has(svg, title);
        assert_has(svg, "role=\"img\" aria-labelledby=\"t\"");
        assert_has(svg, ">Shop</text>");
    }
    assert_has(badge(COMPONENT_NONE, BADGE_STATUS), "<title id=\"t\">Example: outage</title>");
    assert_has(badge(77, BADGE_STATUS), "Example: outage"); // is not there
    assert_has(badge(0, BADGE_UPTIME), "<title id=\"t\">Shop: 99.53 %</title>");
    assert_has(badge(2, BADGE_UPTIME), "<title id=\"t\">CDN: not known</title>");
    assert_has(badge(COMPONENT_NONE, BADGE_UPTIME), "Example: 99.53 %");
    fixture.components[0].days[89].up_ms = 86400000; // never rounded up
    for (size_t i = 0; i < SNAPSHOT_DAYS; i++)
        fixture.components[0].days[i].down_ms = i == 0;
    assert_has(badge(0, BADGE_UPTIME), "Shop: 99.99 %");
    fixture.components[0].days[0].down_ms = 0;
    assert_has(badge(0, BADGE_UPTIME), "Shop: 100.00 %");
    fixture.components[0].title = SLICE("");
    assert_has(badge(0, BADGE_STATUS), ">status</text>");
}

static void test_long_titles_in_badges(void **state)
{
    static char title[4000];
    (void)state;
    memset(title, '"', sizeof(title));
    fixture.components[0].title = slice_of(title, sizeof(title));
    const char *svg = badge(0, BADGE_STATUS);
    check_xml(svg);
    assert_in_range(strlen(svg), 1000, 3000);
    assert_has(svg, "…</text>");
    for (size_t i = 0; i + 4 <= sizeof(title); i += 4)
        memcpy(title + i, "\xf0\x9f\x9a\xa2", 4);
    check_xml(badge(0, BADGE_STATUS));
}

// --- The calendar ---

// Lines end with CRLF, are at most 75 octets, unfold to properties; returns them unfolded.
static char *unfold(const char *document)
{
    char *unfolded = calloc(1, strlen(document) + 1), *to = unfolded;
    assert_non_null(unfolded);
    for (const char *at = document; *at != '\0';) {
        const char *line_end = strstr(at, "\r\n");
        assert_non_null(line_end);
        size_t size = (size_t)(line_end - at);
        assert_true(size > 0 && size <= 75);
        assert_true(text_is_utf8(slice_of(at, size))); // not folded inside of a character
        for (size_t i = 0; i < size; i++)
            assert_true((unsigned char)at[i] >= ' ' && at[i] != 0x7F);
        if (*at == ' ')
            to--; // over the newline
        else
            assert_true(at == document || to[-1] == '\n');
        memcpy(to, at + (*at == ' '), size - (*at == ' '));
        to += size - (*at == ' ');
        *to++ = '\n';
        at = line_end + 2;
    }
    return unfolded;
}

// Begins and ends match, and properties have names.
static void check_calendar(const char *unfolded, size_t events)
{
    struct slice rest = slice_from_string(unfolded);
    size_t begins = 0, ends = 0;
    assert_true(slice_starts_with(rest, SLICE("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:")));
    while (rest.size > 0) {
        struct slice line = slice_cut(&rest, '\n');
        size_t name = 0;
        while (name < line.size && ((line.data[name] >= 'A' && line.data[name] <= 'Z')
            || line.data[name] == '-'))
            name++;
        assert_true(name > 0 && name < line.size
            && (line.data[name] == ':' || line.data[name] == ';'));
        begins += slice_equal(line, SLICE("BEGIN:VEVENT"));
        ends += slice_equal(line, SLICE("END:VEVENT"));
        assert_in_range(begins - ends, 0, 1);
    }
    assert_int_equal(begins, events);
    assert_int_equal(ends, events);
    assert_true(slice_ends_with(slice_from_string(unfolded), SLICE("END:VCALENDAR\n")));
}

static void test_calendar(void **state)
{
    (void)state;
    char *unfolded = unfold(calendar());
    check_calendar(unfolded, 3);
    assert_has(unfolded, "NAME:Example\n");
    assert_has(unfolded, "BEGIN:VEVENT\nUID:w1aaaaaaaaaa-20261201T010000Z@afloat\n"
                         "DTSTAMP:20261121T020000Z\nDTSTART:20261201T010000Z\n"
                         "DTEND:20261201T030000Z\nSEQUENCE:0\nSUMMARY:Now\n"
                         "DESCRIPTION:Discs\\, \"new\"\\; all\n"
                         "URL:https://example.org/.afloat/status\n");
    assert_has(unfolded, "UID:w1aaaaaaaaaa-20261208T010000Z@afloat\n");
    free(unfolded);
    fixture.snapshot.made_ms += DAY; // the same each time
    unfolded = unfold(calendar());
    assert_has(unfolded, "DTSTAMP:20261121T020000Z\n");
    free(unfolded);
    fixture.snapshot.window_count = 0;
    unfolded = unfold(calendar());
    check_calendar(unfolded, 0);
    assert_has(unfolded, "BEGIN:VTIMEZONE\nTZID:Etc/UTC\n");
    free(unfolded);
}

static void test_hostile_words_in_the_calendar(void **state)
{
    static char long_text[3000];
    (void)state;
    fixture_make_hostile(&fixture, SLICE(HOSTILE));
    fixture.windows[0].title = SLICE("a\r\nEND:VEVENT\r\nb");
    fixture.windows[0].text = SLICE("one\n\ntwo\\n\r\nBEGIN:VEVENT\xc2\x85");
    for (size_t i = 0; i + 3 <= sizeof(long_text); i += 3)
        memcpy(long_text + i, "\xe2\x82\xac", 3);
    fixture.windows[1].text = slice_of(long_text, sizeof(long_text));
    fixture.view.page = SLICE("https://example.org/\r\nX-BAD:1 \"\xff");
    char *unfolded = unfold(calendar());
    check_calendar(unfolded, 3);
    assert_has(unfolded, "SUMMARY:a\\nEND:VEVENT\\nb\n");
    assert_has(unfolded, "DESCRIPTION:one\\n\\ntwo\\\\n\\nBEGIN:VEVENT\n");
    assert_has(unfolded, "URL:https://example.org/X-BAD:1\"\n");
    assert_has(unfolded, "SUMMARY:</title><script>alert(1)</script>\"'&]]>{}\\\\\\;\\,%s");
    free(unfolded);
}

// --- Metrics ---

static void test_metrics(void **state)
{
    (void)state;
    const char *text = metrics();
    assert_has(text, "# TYPE afloat_component_state gauge\n"
                     "afloat_component_state{component=\"shop.example\"} 4\n"
                     "afloat_component_state{component=\"api.example\"} 1\n"
                     "afloat_component_state{component=\"cdn.example\"} 0\n");
    assert_has(text, "afloat_component_uptime_ratio{component=\"shop.example\",days=\"1\"} "
                     "0.995370\n");
    assert_has(text, "afloat_component_uptime_ratio{component=\"shop.example\",days=\"90\"} ");
    assert_null(strstr(text, "afloat_component_uptime_ratio{component=\"cdn.example\""));
    assert_has(text, "afloat_component_visitors_uptime_ratio{component=\"shop.example\","
                     "days=\"7\"} 0.999000\n");
    assert_has(text, "afloat_component_response_seconds{component=\"shop.example\"} 0.120\n");
    assert_null(strstr(text, "afloat_component_response_seconds{component=\"cdn.example\""));
    assert_has(text, "afloat_incidents_open{impact=\"major\"} 1\n");
    assert_has(text, "afloat_incidents_open{impact=\"critical\"} 0\n");
    assert_has(text, "afloat_maintenance_windows{state=\"scheduled\"} 1\n");
    assert_has(text, "afloat_maintenance_windows{state=\"in_progress\"} 1\n");
    assert_has(text, "afloat_status_history_written 1\n");
    assert_int_equal(count_of(text, "# HELP"), count_of(text, "# TYPE"));
    fixture.components[0].id = SLICE("a\"b\\c\nd");
    assert_has(metrics(), "afloat_component_state{component=\"a\\\"b\\\\c\\nd\"} 4\n");
}

static void test_metrics_grow(void **state)
{
    (void)state;
    struct component_view *many = calloc(1000, sizeof(*many));
    char *text = NULL;
    size_t size = 0;
    assert_non_null(many);
    for (size_t i = 0; i < 1000; i++)
        many[i] = fixture.components[0];
    fixture.snapshot.components = many;
    fixture.snapshot.component_count = 1000;
    assert_int_equal(machine_write_metrics(&fixture.snapshot, &text, &size), ERROR_NONE);
    assert_true(size > 400000);
    assert_memory_equal(text + size - 2, "1\n", 2);
    memory_free(text);
    text = NULL;
    for (unsigned i = 1; i <= 2; i++) { // the second and third time that it is written
        memory_fail_after(i);
        assert_int_equal(machine_write_metrics(&fixture.snapshot, &text, &size), ERROR_MEMORY);
        memory_fail_after(0);
    }
    assert_null(text);
    free(many);
}

static void test_full_texts(void **state)
{
    (void)state;
    char buffer[150];
    struct text small = text_in(buffer, sizeof(buffer));
    atom_write(&small, &fixture.view);
    assert_true(small.full);
    small = text_in(buffer, sizeof(buffer));
    calendar_write(&small, &fixture.view);
    assert_true(small.full);
    small = text_in(buffer, sizeof(buffer));
    badge_write(&small, &fixture.view, 0, BADGE_STATUS);
    assert_true(small.full);
    small = text_in(buffer, sizeof(buffer));
    metrics_write(&small, &fixture.snapshot);
    assert_true(small.full);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(atom), TEST(atom_of_nothing), TEST(hostile_words_in_xml), TEST(badges),
        TEST(long_titles_in_badges), TEST(calendar), TEST(hostile_words_in_the_calendar),
        TEST(metrics), TEST(metrics_grow), TEST(full_texts),
    };
    return cmocka_run_group_tests_name("watch.feeds", tests, NULL, NULL);
}
