// All words in all languages: whole, harmless in HTML, with the values that English has, and plural
// forms by each language's rules.
#include "watch/page/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char buffer[512];
static struct text text;

static const char *written(void)
{
    assert_false(text.full);
    text_append_byte(&text, '\0');
    const char *whole = buffer;
    return whole;
}

static void begin(void)
{
    text = text_in(buffer, sizeof(buffer));
}

// A bit for each {1}, {2}, …
static unsigned values_of(struct slice words)
{
    unsigned values = 0;
    for (size_t i = 0; i < words.size; i++) {
        if (words.data[i] != '{')
            continue;
        assert_true(i + 2 < words.size && words.data[i + 2] == '}');
        assert_true(words.data[i + 1] >= '1' && words.data[i + 1] <= '4');
        values |= 1U << (words.data[i + 1] - '0');
    }
    return values;
}

static void words_are_whole_and_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORD_COUNT; i++) {
        struct slice english = word_text(LANGUAGE_ENGLISH, (enum word)i);
        for (size_t j = 0; j < LANGUAGE_COUNT; j++) {
            struct slice words = word_text((enum language)j, (enum word)i);
            assert_true(words.size > 0);
            assert_true(text_is_utf8(words));
            for (size_t k = 0; k < words.size; k++)
                assert_null(strchr("<>&\"'", words.data[k]));
            assert_int_equal(values_of(words), values_of(english));
        }
    }
}

static void counts_have_a_form_for_each_category(void **state)
{
    (void)state;
    static const size_t forms[LANGUAGE_COUNT] = {2, 2, 2, 2, 1, 6};
    for (size_t i = 0; i < WORD_COUNT; i++) {
        struct slice english = word_text(LANGUAGE_ENGLISH, (enum word)i);
        if (!slice_contains(english, '#'))
            continue;
        for (size_t j = 0; j < LANGUAGE_COUNT; j++) {
            struct slice rest = word_text((enum language)j, (enum word)i);
            size_t count = 0;
            for (; rest.data != NULL; count++)
                assert_true(slice_cut(&rest, '|').size > 0);
            assert_int_equal(count, forms[j]);
        }
    }
}

static void assert_count(enum language language, uint64_t number, const char *expected)
{
    begin();
    word_append_count(&text, language, WORD_SPAN_DAY, number);
    assert_string_equal(written(), expected);
}

static void plurals_follow_the_language(void **state)
{
    (void)state;
    assert_count(LANGUAGE_ENGLISH, 1, "1 day");
    assert_count(LANGUAGE_ENGLISH, 0, "0 days");
    assert_count(LANGUAGE_GERMAN, 2, "2 Tage");
    assert_count(LANGUAGE_FRENCH, 0, "0 jour");
    assert_count(LANGUAGE_FRENCH, 2, "2 jours");
    assert_count(LANGUAGE_SPANISH, 1, "1 día");
    assert_count(LANGUAGE_CHINESE, 5, "5 天");
    assert_count(LANGUAGE_ARABIC, 0, "0 يوم");
    assert_count(LANGUAGE_ARABIC, 1, "يوم واحد");
    assert_count(LANGUAGE_ARABIC, 2, "يومان");
    assert_count(LANGUAGE_ARABIC, 3, "3 أيام");
    assert_count(LANGUAGE_ARABIC, 10, "10 أيام");
    assert_count(LANGUAGE_ARABIC, 11, "11 يومًا");
    assert_count(LANGUAGE_ARABIC, 99, "99 يومًا");
    assert_count(LANGUAGE_ARABIC, 100, "100 يوم");
    assert_count(LANGUAGE_ARABIC, 102, "102 يوم");
    assert_count(LANGUAGE_ARABIC, 103, "103 أيام");
    assert_count(LANGUAGE_ARABIC, 111, "111 يومًا");
}

static void assert_ago(enum language language, int64_t ms, const char *expected)
{
    begin();
    word_append_ago(&text, language, ms);
    assert_string_equal(written(), expected);
}

static void times_ago_are_in_their_case(void **state)
{
    (void)state;
    assert_ago(LANGUAGE_ENGLISH, 999, "just now");
    assert_ago(LANGUAGE_ENGLISH, 1000, "1 second ago");
    assert_ago(LANGUAGE_ENGLISH, 59999, "59 seconds ago");
    assert_ago(LANGUAGE_ENGLISH, 60000, "1 minute ago");
    assert_ago(LANGUAGE_ENGLISH, 119 * 60000, "119 minutes ago");
    assert_ago(LANGUAGE_ENGLISH, 120 * 60000, "2 hours ago");
    assert_ago(LANGUAGE_ENGLISH, INT64_C(47) * 3600000, "47 hours ago");
    assert_ago(LANGUAGE_GERMAN, INT64_C(3) * 86400000, "vor 3 Tagen");
    assert_ago(LANGUAGE_FRENCH, INT64_C(3) * 86400000, "il y a 3 jours");
    assert_ago(LANGUAGE_ARABIC, INT64_C(2) * 86400000, "قبل يومين");
    assert_ago(LANGUAGE_ENGLISH, -5, "just now");
    assert_ago(LANGUAGE_ENGLISH, INT64_MAX, "106751991167 days ago");
}

static void dates_have_the_form_of_the_language(void **state)
{
    (void)state;
    static const int64_t at = INT64_C(1772374509000); // 1 March 2026, 14:15:09 UTC
    static const char *const expected[LANGUAGE_COUNT] = {"1 March 2026, 14:15 UTC",
        "1. März 2026, 14:15 UTC", "1er mars 2026 à 14:15 UTC", "1 de marzo de 2026, 14:15 UTC",
        "2026年3月1日 14:15 UTC", "1 مارس 2026، 14:15 UTC"};
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        begin();
        word_append_moment(&text, (enum language)i, at);
        assert_string_equal(written(), expected[i]);
    }
    begin();
    word_append_clock(&text, at);
    assert_string_equal(written(), "14:15:09 UTC");
    begin();
    word_append_month(&text, LANGUAGE_CHINESE, 2026, 12);
    assert_string_equal(written(), "2026年12月");
    begin();
    word_append_moment(&text, LANGUAGE_ENGLISH, INT64_MAX);
    word_append_day(&text, LANGUAGE_ENGLISH, -1);
    word_append_month(&text, LANGUAGE_ENGLISH, 10000, 1);
    word_append_month(&text, LANGUAGE_ENGLISH, 2026, 13);
    assert_string_equal(written(), "");
}

static void assert_share(enum language language, double share, const char *expected)
{
    begin();
    word_append_share(&text, language, share);
    assert_string_equal(written(), expected);
}

static void shares_never_promise_more(void **state)
{
    (void)state;
    assert_share(LANGUAGE_ENGLISH, 1, "100%");
    assert_share(LANGUAGE_ENGLISH, 0.99999999, "99.99%");
    assert_share(LANGUAGE_ENGLISH, 0.9998, "99.98%");
    assert_share(LANGUAGE_GERMAN, 0.9998, "99,98\u00a0%");
    assert_share(LANGUAGE_ENGLISH, 0.5, "50%");
    assert_share(LANGUAGE_ENGLISH, 0.505, "50.50%");
    assert_share(LANGUAGE_ENGLISH, 0, "0%");
    assert_share(LANGUAGE_ENGLISH, -1, "no data yet");
    begin();
    word_append_ms(&text, LANGUAGE_FRENCH, 1450);
    assert_string_equal(written(), "1,4\u00a0s");
    begin();
    word_append_ms(&text, LANGUAGE_ENGLISH, 999);
    assert_string_equal(written(), "999\u00a0ms");
}

static void every_reason_has_its_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < REASON_COUNT; i++) {
        begin();
        word_append_reason(&text, LANGUAGE_ENGLISH,
            (struct reason){(enum reason_kind)i, 503});
        assert_true(strlen(written()) > 5);
    }
    begin();
    word_append_reason(&text, LANGUAGE_GERMAN, (struct reason){REASON_EXPIRES, 3});
    assert_string_equal(written(), "Das Zertifikat läuft in 3 Tagen ab");
    begin();
    word_append_reason(&text, LANGUAGE_ENGLISH, (struct reason){REASON_STATUS, 503});
    assert_string_equal(written(), "An unexpected status is answered: 503");
    assert_int_equal(word_of_reason((enum reason_kind)9999), WORD_REASON_NONE);
}

static void keys_and_languages_are_found(void **state)
{
    (void)state;
    enum word word;
    enum language language;
    assert_true(word_find(SLICE("report_counted"), &word));
    assert_int_equal(word, WORD_REPORT_COUNTED);
    assert_false(word_find(SLICE("Report_counted"), &word));
    assert_false(word_find(SLICE(""), &word));
    assert_false(word_find(SLICE("no such word"), &word));
    assert_false(word_find(SLICE("a_key_that_is_longer_than_any_that_there_could_be"), &word));
    assert_true(language_find(SLICE("DE-at"), &language));
    assert_int_equal(language, LANGUAGE_GERMAN);
    assert_false(language_find(SLICE("d"), &language));
    assert_false(language_find(SLICE("deutsch"), &language));
    assert_false(language_find(SLICE_EMPTY, &language));
    assert_true(slice_equal(language_direction(LANGUAGE_ARABIC), SLICE("rtl")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_whole_and_harmless),
        cmocka_unit_test(counts_have_a_form_for_each_category),
        cmocka_unit_test(plurals_follow_the_language),
        cmocka_unit_test(times_ago_are_in_their_case),
        cmocka_unit_test(dates_have_the_form_of_the_language),
        cmocka_unit_test(shares_never_promise_more),
        cmocka_unit_test(every_reason_has_its_words),
        cmocka_unit_test(keys_and_languages_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
