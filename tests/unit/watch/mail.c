// Mails byte by byte, whatever strangers wrote; addresses; what links hide.
#include "base/memory.h"
#include "watch/notify/mail.h"
#include "watch/notify/mail_address.h"
#include "watch/notify/seal.h"
#include "watch/notify/telling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1764538417000) // Sun, 30 Nov 2025 21:33:37

static struct mail plain_mail(void)
{
    return (struct mail){.from = SLICE("status@acme.test"), .from_name = SLICE("Acme"),
        .to = SLICE("ops@acme.test"), .subject = SLICE("API is down"), .text = SLICE("Hello\n"),
        .html = SLICE("<p class=\"a\">Hello\n"), .id = SLICE("0123.4567"), .at_ms = NOW};
}

static char *written(const struct mail *mail)
{
    char *bytes, *text;
    size_t size;
    assert_int_equal(mail_write(mail, &bytes, &size), ERROR_NONE);
    text = strndup(bytes, size);
    assert_non_null(text);
    assert_int_equal(strlen(text), size); // no NUL
    memory_free(bytes);
    return text;
}

static void test_the_golden_mail(void **state)
{
    (void)state;
    struct mail mail = plain_mail();
    mail.list = SLICE("status.acme.test");
    mail.unsubscribe = SLICE("https://acme.test/.afloat/unsubscribe?token=A-_9");
    char *text = written(&mail);
    assert_string_equal(text,
        "Date: Sun, 30 Nov 2025 21:33:37 +0000\r\n"
        "From: Acme\r\n"
        " <status@acme.test>\r\n"
        "To: <ops@acme.test>\r\n"
        "Subject: API is down\r\n"
        "Message-ID: <0123.4567@acme.test>\r\n"
        "List-Id: <status.acme.test>\r\n"
        "List-Unsubscribe: <https://acme.test/.afloat/unsubscribe?token=A-_9>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "Precedence: bulk\r\n"
        "X-Auto-Response-Suppress: All\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative;\r\n"
        " boundary=\"=_0123.4567\"\r\n"
        "\r\n"
        "--=_0123.4567\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
        "Hello\r\n"
        "\r\n"
        "--=_0123.4567\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
        "<p class=3D\"a\">Hello\r\n"
        "\r\n"
        "--=_0123.4567--\r\n");
    free(text);
}

static void test_subjects_beyond_ascii_are_encoded(void **state)
{
    (void)state;
    struct mail mail = plain_mail();
    mail.subject = SLICE("Störung: Zahlungen sind nicht möglich – wir arbeiten daran");
    mail.from_name = SLICE("Äcme");
    char *text = written(&mail);
    assert_non_null(strstr(text, "From: =?utf-8?B?w4RjbWU=?=\r\n <status@acme.test>\r\n"));
    assert_non_null(strstr(text, "Subject: =?utf-8?B?U3TDtnJ1bmc6IFphaGx1bmdlbiBzaW5k"
        "IG5pY2h0IG3DtmdsaWNo?=\r\n"
        " =?utf-8?B?IOKAkyB3aXIgYXJiZWl0ZW4gZGFyYW4=?=\r\n"));
    free(text);
    // What looks like an encoded word is none.
    mail.subject = SLICE("=?utf-8?B?QQ==?=");
    text = written(&mail);
    assert_non_null(strstr(text, "Subject: =?utf-8?B?PT91dGYtOD9CP1FRPT0/PQ==?="));
    free(text);
}

// Every line but a link is at most 78 bytes, everything is ASCII, and the head has its fields once.
static void check_shape(const char *text)
{
    static const char *const once[] = {"\r\nFrom:", "\r\nTo:", "\r\nSubject:", "\r\nMessage-ID:",
        "\r\nMIME-Version:"};
    const char *head_end = strstr(text, "\r\n\r\n");
    assert_non_null(head_end);
    for (const char *at = text; *at != '\0'; at++) {
        assert_true((*at >= ' ' && *at < 0x7f) || *at == '\r' || *at == '\n' || *at == '\t');
        assert_true(*at != '\n' || (at > text && at[-1] == '\r'));
        assert_true(*at != '\r' || at[1] == '\n');
    }
    for (const char *line = text; *line != '\0';) {
        size_t size = strcspn(line, "\r");
        assert_true(size <= 78 || strncmp(line, "List-Unsubscribe: <http", 23) == 0);
        line += size + 2;
    }
    for (size_t i = 0; i < ARRAY_SIZE(once); i++) {
        const char *at = strstr(text, once[i]);
        assert_true(at != NULL && at < head_end);
        at = strstr(at + 1, once[i]);
        assert_true(at == NULL || at > head_end);
    }
    const char *bcc = strcasestr(text, "\nBcc:");
    assert_true(bcc == NULL || bcc > head_end);
}

static void test_nothing_adds_a_field(void **state)
{
    (void)state;
    static const struct slice hostile[] = {SLICE("a\r\nBcc: x@y.test\r\n\r\nbody"),
        SLICE("a\nBcc: x@y.test"), SLICE("a\rBcc: x@y.test"), SLICE("a\0b"), SLICE("\r\n.\r\n"),
        SLICE("a\xe2\x80\xa8" "Bcc: x"), SLICE("\xff\xfe\x80"), SLICE(" =?utf-8?Q?=0D=0ABcc:?= "),
        SLICE("a\" <x@y.test>, \"b"), SLICE(",;:<>@()[]\\")};
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        struct mail mail = plain_mail();
        mail.subject = mail.from_name = mail.text = mail.html = hostile[i];
        char *text = written(&mail);
        check_shape(text);
        free(text);
        struct slice *fields[] = {&mail.from, &mail.to, &mail.id, &mail.list, &mail.unsubscribe};
        for (size_t j = 0; j < ARRAY_SIZE(fields); j++) {
            char *bytes = NULL;
            size_t size;
            mail = plain_mail();
            *fields[j] = hostile[i];
            assert_int_equal(mail_write(&mail, &bytes, &size), ERROR_INVALID);
            assert_null(bytes);
        }
    }
}

static void test_long_lines_and_odd_ends_are_wrapped(void **state)
{
    (void)state;
    char *longest = malloc(20000);
    assert_non_null(longest);
    for (size_t i = 0; i < 20000; i++)
        longest[i] = "=\xc3\xa4.F -x\n"[i % 9];
    struct mail mail = plain_mail();
    mail.text = mail.html = slice_of(longest, 20000);
    mail.subject = slice_of(longest, 8);
    char *text = written(&mail);
    check_shape(text);
    free(text);
    memset(longest, '\n', 20000);
    text = written(&mail);
    check_shape(text);
    free(text);
    memset(longest, '=', 20000);
    text = written(&mail);
    check_shape(text);
    free(text);
    free(longest);
    mail = plain_mail();
    mail.text = SLICE("end \n.\nFrom me\ntab\t\n");
    text = written(&mail);
    assert_non_null(strstr(text, "\r\nend=20\r\n=2E\r\n=46rom me\r\ntab=09\r\n"));
    free(text);
}

static void test_lack_of_memory_is_an_error(void **state)
{
    (void)state;
    struct mail mail = plain_mail();
    char *bytes;
    size_t size;
    memory_fail_after(1);
    enum error error = mail_write(&mail, &bytes, &size);
    memory_fail_after(0);
    if (error == ERROR_NONE)
        memory_free(bytes);
    else
        assert_int_equal(error, ERROR_MEMORY);
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const good[] = {"a@b.c", "a.b+c@example.com", "x@localhost",
        "o'neil#1@a-b.example", "A@EXAMPLE.COM", "a@xn--bcher-kva.example", "1@1.2"};
    static const char *const bad[] = {"", "a", "@", "a@", "@b", "a@b@c", "a b@c.d", ".a@b.c",
        "a.@b.c", "a..b@c.d", "a@-b.c", "a@b-.c", "a@b..c", "a@.b", "a@b.", "<a@b.c>",
        "a@[1.2.3.4]",
        "\"a\"@b.c", "a@b.c\r\nBcc: d", "a@b.c\n", "ä@b.c", "a@bücher.de", "a,b@c.d", "a;b@c.d",
        "a@b_c.d", "a@b.c d", "Name <a@b.c>", "a@b.c,d@e.f", "a@b.c\t"};
    char longest[300];
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        if (!mail_address_is_valid(slice_from_string(good[i])))
            fail_msg("%s", good[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (mail_address_is_valid(slice_from_string(bad[i])))
            fail_msg("%s", bad[i]);
    }
    assert_false(mail_address_is_valid(SLICE("a\0@b.c")));
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 64, "@b.c", 4);
    assert_true(mail_address_is_valid(slice_of(longest, 68)));
    assert_false(mail_address_is_valid(slice_of(longest, 255)));
    memcpy(longest + 64, "a@b.c", 5);
    assert_false(mail_address_is_valid(slice_of(longest, 69)));
    assert_true(slice_equal(mail_address_domain(SLICE("a@b.c")), SLICE("b.c")));
}

// --- Words ---

static struct digest digest;

static struct digest_message *message_of(const struct notice *notices, size_t count)
{
    const struct digest_item *item;
    uint64_t replaced;
    digest_init(&digest, 60000);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(digest_add(&digest, &notices[i], i + 1, &replaced, &item), DIGEST_TAKEN);
    struct digest_message *message = digest_take(&digest, NOW + 100000);
    assert_non_null(message);
    digest_free(&digest);
    return message;
}

static void test_both_forms_say_the_same(void **state)
{
    (void)state;
    struct slice components[] = {SLICE("API & <b>")}, ids[] = {SLICE("api")};
    const struct notice notices[] = {
        {.kind = NOTICE_INCIDENT, .id = SLICE("k3x9"), .title = SLICE("<script>alert(1)</script>"),
            .text = SLICE("We <look>.\nSoon more."), .state = INCIDENT_IDENTIFIED,
            .impact = IMPACT_MAJOR, .begin_ms = NOW, .at_ms = NOW, .eta_ms = NOW + 3600000,
            .components = components, .component_ids = ids, .component_count = 1},
        {.kind = NOTICE_WINDOW, .id = SLICE("w"), .title = SLICE("Upgrade"),
            .window_state = WINDOW_SCHEDULED, .begin_ms = NOW, .end_ms = NOW + 7200000,
            .at_ms = NOW},
    };
    const struct telling telling = {.name = SLICE("Acme"), .page = SLICE("https://acme.test/s"),
        .base = SLICE("https://acme.test/s/"), .support = SLICE("help@acme.test")};
    struct digest_message *message = message_of(notices, 2);
    struct telling_mail words;
    struct arena arena;
    arena_init(&arena, 65536, (size_t)4 << 20);
    assert_int_equal(telling_write_mail(&telling, message,
        &(struct telling_reader){.unsubscribe = SLICE("https://u/?a&b")}, &arena, &words),
        ERROR_NONE);
    assert_true(slice_equal(words.subject,
        SLICE("[Acme] Identified: <script>alert(1)</script> (and 1 more)")));
    struct slice text = words.text, html = words.html;
    assert_true(slice_equal(text, SLICE(
        "Identified: <script>alert(1)</script>\n"
        "Since 30 November 2025, 21:33 UTC, expected to be over at 30 November 2025, 22:33 UTC\n"
        "Affects: API & <b>\n"
        "We <look>.\nSoon more.\n"
        "https://acme.test/s/incident/k3x9\n\n"
        "Maintenance announced: Upgrade\n"
        "From 30 November 2025, 21:33 UTC to 30 November 2025, 23:33 UTC\n\n"
        "--\n"
        "Status page: https://acme.test/s\n"
        "Support: help@acme.test\n"
        "No more of these mails: https://u/?a&b\n")));
    assert_null(memmem(html.data, html.size, "<script", 7));
    assert_null(memmem(html.data, html.size, "<look", 5));
    assert_null(memmem(html.data, html.size, "<b>", 3));
    assert_non_null(memmem(html.data, html.size, "https://u/?a&amp;b", 18));
    assert_non_null(memmem(html.data, html.size, "Soon more.", 10));
    // Who chose something else hears of the window alone, which is of everything.
    assert_int_equal(telling_write_mail(&telling, message,
        &(struct telling_reader){.chosen = SLICE("web")}, &arena, &words), ERROR_NONE);
    assert_true(slice_equal(words.subject, SLICE("[Acme] Maintenance announced: Upgrade")));
    assert_null(memmem(words.text.data, words.text.size, "Identified", 10));
    arena_free(&arena);
    digest_message_free(message);
}

static void assert_mail(const struct digest_message *message, enum language language,
    const char *subject, const char *text, const char *html)
{
    const struct telling telling = {.name = SLICE("Acme"), .support = SLICE("help@acme.test")};
    struct telling_mail words;
    struct arena arena;
    arena_init(&arena, 65536, (size_t)4 << 20);
    assert_int_equal(telling_write_mail(&telling, message, &(struct telling_reader){language,
        SLICE_EMPTY, SLICE("https://u/")}, &arena, &words), ERROR_NONE);
    if (!slice_equal(words.subject, slice_from_string(subject)))
        fail_msg("%.*s", SLICE_ARGS(words.subject));
    if (memmem(words.text.data, words.text.size, text, strlen(text)) == NULL)
        fail_msg("%.*s", SLICE_ARGS(words.text));
    if (memmem(words.html.data, words.html.size, html, strlen(html)) == NULL)
        fail_msg("%.*s", SLICE_ARGS(words.html));
    arena_free(&arena);
}

static void test_what_is_merged_is_not_over(void **state)
{
    (void)state;
    const struct notice notice = {.kind = NOTICE_INCIDENT, .id = SLICE("k3x9q2m7a2b4"),
        .title = SLICE("Shop is not answering"), .state = INCIDENT_RESOLVED, .is_update = true,
        .text = SLICE("Goes on in incident p8f8z6y5x4w3."), .begin_ms = NOW,
        .end_ms = NOW + 60000, .at_ms = NOW + 60000};
    const struct telling telling = {.base = SLICE("https://acme.test/s/")};
    struct digest_message *message = message_of(&notice, 1);
    struct telling_mail words;
    struct arena arena;
    arena_init(&arena, 65536, (size_t)4 << 20);
    assert_int_equal(telling_write_mail(&telling, message,
        &(struct telling_reader){.language = LANGUAGE_ENGLISH}, &arena, &words), ERROR_NONE);
    assert_true(slice_equal(words.subject,
        SLICE("Merged into another incident: Shop is not answering")));
    assert_true(slice_starts_with(words.text, SLICE(
        "Merged into another incident: Shop is not answering\n"
        "Since 30 November 2025, 21:33 UTC\n"
        "Goes on in incident p8f8z6y5x4w3.\n"
        "https://acme.test/s/incident/p8f8z6y5x4w3\n")));
    assert_non_null(memmem(words.html.data, words.html.size, "incident/p8f8z6y5x4w3\"", 22));
    arena_free(&arena);
    digest_message_free(message);
    struct notice own = notice;
    own.is_own_text = true;
    message = message_of(&own, 1);
    assert_mail(message, LANGUAGE_GERMAN,
        "[Acme] Mit einer anderen Störung vereint: Shop is not answering",
        "\nSeit 30. November 2025, 21:33 UTC\n"
        "Geht in einer anderen Störung weiter: p8f8z6y5x4w3\n", "weiter: p8f8z6y5x4w3</p>");
    digest_message_free(message);
}

static void test_very_much_is_told_in_short(void **state)
{
    (void)state;
    static struct notice notices[DIGEST_ITEMS_MAX];
    static char ids[DIGEST_ITEMS_MAX][16];
    char *longest = malloc(DIGEST_TEXT_MAX);
    struct telling_mail words;
    struct arena arena;
    assert_non_null(longest);
    memset(longest, '<', DIGEST_TEXT_MAX);
    for (size_t i = 0; i < DIGEST_ITEMS_MAX; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        notices[i] = (struct notice){.id = slice_from_string(ids[i]), .begin_ms = NOW,
            .title = slice_of(longest, DIGEST_TITLE_MAX), .at_ms = NOW,
            .text = slice_of(longest, DIGEST_TEXT_MAX)};
    }
    struct digest_message *message = message_of(notices, DIGEST_ITEMS_MAX);
    message->omitted = 3;
    arena_init(&arena, 65536, (size_t)4 << 20);
    const struct telling telling = {.name = SLICE("Acme")};
    assert_int_equal(telling_write_mail(&telling, message,
        &(struct telling_reader){.language = LANGUAGE_ENGLISH}, &arena, &words), ERROR_NONE);
    assert_non_null(memmem(words.subject.data, words.subject.size, "(and 502 more)", 14));
    assert_non_null(memmem(words.text.data, words.text.size, "\n… and ", 9));
    assert_non_null(memmem(words.html.data, words.html.size, "</html>", 7));
    arena_free(&arena);
    digest_message_free(message);
    free(longest);
}

// What afloat says is in the reader's words; what people say is theirs.
static void test_a_mail_is_in_the_language_of_its_reader(void **state)
{
    (void)state;
    struct slice components[] = {SLICE("API"), SLICE("Web <1>"), SLICE("DNS")};
    struct notice notices[] = {{.kind = NOTICE_INCIDENT, .id = SLICE("k3x9"),
        .title = SLICE("API, Web <1> and 1 more are not answering"),
        .text = SLICE("Opened automatically."), .state = INCIDENT_IDENTIFIED,
        .impact = IMPACT_MAJOR, .begin_ms = NOW, .at_ms = NOW, .components = components,
        .component_count = 3, .is_own_title = true, .is_own_text = true,
        .reason = {REASON_EXPIRES, 3}}};
    struct digest_message *message = message_of(notices, 1);
    json_t *json = digest_message_to_json(message); // over a restart, too
    digest_message_free(message);
    message = digest_message_from_json(json);
    json_decref(json);
    assert_non_null(message);
    assert_mail(message, LANGUAGE_ENGLISH,
        "[Acme] Identified: API, Web <1> and 1 more are not answering",
        "\nOpened automatically.\n", "Opened automatically.");
    assert_mail(message, LANGUAGE_GERMAN, "[Acme] Ursache gefunden: API, Web <1> und 1 weiteres: "
        "Das Zertifikat läuft in 3 Tagen ab", "Seit 30. November 2025, 21:33 UTC\nBetroffen: API, "
        "Web <1>, DNS\nDie Ursache ist bekannt.\n",
        "Betroffen: <bdi>API, Web &lt;1&gt;, DNS</bdi>");
    assert_mail(message, LANGUAGE_ARABIC, "[Acme] حُدّد السبب: API، Web <1> وواحد آخر: "
        "تنتهي صلاحية الشهادة خلال 3 أيام", "إيقاف هذه الرسائل: https://u/\n",
        "<html lang=\"ar\" dir=\"rtl\">");
    digest_message_free(message);
    notices[0].text = SLICE("");
    message = message_of(notices, 1);
    assert_mail(message, LANGUAGE_ENGLISH,
        "[Acme] Identified: API, Web <1> and 1 more are not answering",
        "\nThe cause is known.\n", "The cause is known.");
    digest_message_free(message);
    notices[0].text = SLICE("Opened automatically.");
    notices[0].is_own_title = notices[0].is_own_text = false; // an operator has spoken
    message = message_of(notices, 1);
    assert_mail(message, LANGUAGE_FRENCH,
        "[Acme] Cause identifiée\u00a0: API, Web <1> and 1 more are not answering",
        "Opened automatically.\n", "<p dir=\"auto\">Opened automatically.</p>");
    digest_message_free(message);
}

static void test_where_the_pages_are(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"", ""}, {"https://s.test", "https://s.test/"},
        {"https://s.test/", "https://s.test/"},
        {"https://w.test/.afloat/status", "https://w.test/.afloat/"}};
    struct arena arena;
    arena_init(&arena, 1024, 65536);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_true(slice_equal(telling_base(slice_from_string(cases[i][0]), &arena),
            slice_from_string(cases[i][1])));
    arena_free(&arena);
}

// --- Seals ---

static void test_a_seal_opens_for_nobody_else(void **state)
{
    (void)state;
    static const uint8_t secret[32] = "one", other[32] = "two";
    struct seal seal, another;
    char buffer[SEAL_TEXT_MAX], again[SEAL_TEXT_MAX], words[SEAL_WORDS_MAX];
    struct text text = text_in(buffer, sizeof(buffer)), same = text_in(again, sizeof(again));
    size_t size = 0;
    assert_int_equal(seal_init(&seal, secret), ERROR_NONE);
    assert_int_equal(seal_init(&another, other), ERROR_NONE);
    assert_int_equal(seal_close(&seal, SLICE("who@acme.test"), &text), ERROR_NONE);
    assert_int_equal(seal_close(&seal, SLICE("who@acme.test"), &same), ERROR_NONE);
    assert_true(slice_equal(text_slice(&text), text_slice(&same)));
    assert_int_equal(seal_open(&seal, text_slice(&text), words, &size), ERROR_NONE);
    assert_true(slice_equal(slice_of(words, size), SLICE("who@acme.test")));
    assert_int_equal(seal_open(&another, text_slice(&text), words, &size), ERROR_INVALID);
    for (size_t i = 0; i < text.size; i++) {
        char good = buffer[i];
        assert_int_equal(seal_open(&seal, slice_of(buffer, i), words, &size), ERROR_INVALID);
        buffer[i] = good == 'A' ? 'B' : 'A';
        assert_int_equal(seal_open(&seal, text_slice(&text), words, &size), ERROR_INVALID);
        buffer[i] = '=';
        assert_int_equal(seal_open(&seal, text_slice(&text), words, &size), ERROR_INVALID);
        buffer[i] = good;
    }
}

static void test_a_seal_has_its_bounds(void **state)
{
    (void)state;
    static const uint8_t secret[32] = "one";
    struct seal seal;
    char buffer[SEAL_TEXT_MAX], words[SEAL_WORDS_MAX], longest[SEAL_WORDS_MAX + 1];
    size_t size = 0;
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(seal_init(&seal, secret), ERROR_NONE);
    for (size_t i = 0; i <= SEAL_WORDS_MAX; i += 1 + i / 3) {
        struct text text = text_in(buffer, sizeof(buffer));
        assert_int_equal(seal_close(&seal, slice_of(longest, i), &text), ERROR_NONE);
        assert_int_equal(seal_open(&seal, text_slice(&text), words, &size), ERROR_NONE);
        assert_int_equal(size, i);
    }
    struct text text = text_in(buffer, sizeof(buffer));
    assert_int_equal(seal_close(&seal, slice_of(longest, SEAL_WORDS_MAX), &text), ERROR_NONE);
    text.size = 0;
    assert_int_equal(seal_close(&seal, slice_of(longest, SEAL_WORDS_MAX + 1), &text), ERROR_LIMIT);
    struct text little = text_in(buffer, 10);
    assert_int_equal(seal_close(&seal, SLICE("a"), &little), ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_golden_mail),
        cmocka_unit_test(test_subjects_beyond_ascii_are_encoded),
        cmocka_unit_test(test_nothing_adds_a_field),
        cmocka_unit_test(test_long_lines_and_odd_ends_are_wrapped),
        cmocka_unit_test(test_lack_of_memory_is_an_error),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_both_forms_say_the_same),
        cmocka_unit_test(test_what_is_merged_is_not_over),
        cmocka_unit_test(test_very_much_is_told_in_short),
        cmocka_unit_test(test_a_mail_is_in_the_language_of_its_reader),
        cmocka_unit_test(test_where_the_pages_are),
        cmocka_unit_test(test_a_seal_opens_for_nobody_else),
        cmocka_unit_test(test_a_seal_has_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
