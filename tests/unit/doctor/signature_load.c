// Reading a signature table: what is understood, and that every mistake is told with its line and
// what would be right.
#include "doctor/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROW "signature x\nstatus 5xx\nverdict UNKNOWN\nevidence K\n"

static struct arena arena;
static struct conf_mistakes mistakes;
static struct signature_table *table;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, (size_t)16 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static enum error load(struct slice text)
{
    table = NULL;
    return signature_load(text, &arena, &mistakes, &table);
}

static void assert_loads(const char *text, size_t rows)
{
    enum error error = load(slice_from_string(text));
    conf_print_mistakes(&mistakes, "text", stderr);
    assert_int_equal(error, ERROR_NONE);
    assert_int_equal(signature_count(table), rows);
}

// The row that a status and content find; "" for none.
static struct slice found(uint16_t status, const char *value, const char *body)
{
    struct http_field field = {SLICE("server"), slice_from_string(value), HTTP_NAME_SERVER};
    struct http_fields fields = {&field, 1, 1};
    struct signature_answer answer = {status, &fields, slice_from_string(body), 0};
    struct signature_match match = {.id = SLICE("")};
    enum error error = signature_match(table, &answer, &arena, &match);
    assert_true(error == ERROR_NONE || error == ERROR_NOT_FOUND);
    return match.id;
}

static void test_rows_match_in_their_order(void **state)
{
    (void)state;
    assert_loads("# rows\r\n\r\nsignature a-1\r\n\tstatus\t502, 4XX \r\n"
                 "  field SERVER: Up, down\r\n"
                 " body Hello World , bye\r\n body ~[0-9]$\r\n verdict OK or MTU\r\n evidence V\r\n"
                 "signature b\nstatus *\nfield server:~^b\nverdict OK\nevidence unproven\n"
                 "signature c\nstatus 500\nfield server: *\nbody *\nverdict OK\nevidence K", 3);
    assert_true(slice_equal(found(502, "x Down", "say HELLO world 4"), SLICE("a-1")));
    assert_true(slice_equal(found(451, "upper", "BYE 4"), SLICE("a-1")));
    assert_true(slice_equal(found(502, "down", "bye"), SLICE("")));
    assert_true(slice_equal(found(502, "middle", "bye 4"), SLICE("")));
    assert_true(slice_equal(found(200, "b", ""), SLICE("b")));
    assert_true(slice_equal(found(500, "b", ""), SLICE("b")));
    assert_true(slice_equal(found(500, "", ""), SLICE("c")));
    assert_true(slice_equal(found(501, "", ""), SLICE("")));
    assert_int_equal(signature_evidence(table, 0), SIGNATURE_EVIDENCE_SEEN);
    assert_int_equal(signature_evidence(table, 1), SIGNATURE_EVIDENCE_UNPROVEN);
    assert_int_equal(signature_evidence(table, 2), SIGNATURE_EVIDENCE_KNOWN);
    signature_release(table);
}

// One mistake, on that line and column, beginning so.
static void assert_mistake(const char *text, unsigned line, unsigned column, const char *message)
{
    assert_int_equal(load(slice_from_string(text)), ERROR_INVALID);
    assert_null(table);
    const struct conf_mistake *mistake = &mistakes.items[0];
    if (mistakes.count != 1 || mistake->line != line || mistake->column != column
        || !slice_starts_with(mistake->message, slice_from_string(message))) {
        conf_print_mistakes(&mistakes, "text", stderr);
        fail_msg("expected one mistake on line %u, column %u: %s", line, column, message);
    }
}

static void test_mistakes_say_what_would_be_right(void **state)
{
    (void)state;
    assert_mistake("", 0, 0, "there is no row; expected some");
    assert_mistake("status 500\n" ROW, 1, 1, "this belongs to no row; expected \"signature NAME\"");
    assert_mistake(ROW " boddy x", 5, 2, "\"boddy\" means nothing here; did you mean body?");
    assert_mistake(ROW "colour red", 5, 1, "\"colour\" means nothing here; expected signature, ");
    assert_mistake("signature A B\nstatus 500\nverdict OK\nevidence K", 1, 11,
        "\"A B\" is no name of a row; expected at most 48 small letters");
    assert_mistake("signature\nstatus 500\nverdict OK\nevidence K", 1, 10, "\"\" is no name");
    assert_mistake("signature x\nstatus 200\nverdict OK\nevidence K\n" ROW, 5, 11,
        "\"x\" is the name of a row already, on line 1");
    assert_mistake(ROW "status 503", 5, 1, "this row has \"status\" already");
    assert_mistake(ROW "field x y", 5, 7, "\"x y\" is no field's name; expected \"field NAME\"");
    assert_mistake(ROW "field x:", 5, 9, "there is no text here; expected texts separated");
    assert_mistake(ROW "body a,,b", 5, 8, "there is no text here");
    assert_mistake(ROW "body a,", 5, 8, "there is no text here");
    assert_mistake(ROW "body", 5, 5, "there is no text here");
    assert_mistake(ROW "body ~", 5, 7, "expected a regular expression after \"~\"");
    assert_mistake(ROW "body ~a(b", 5, 7, "this is no regular expression that can be used here: "
        "missing closing parenthesis, at character 4");
    assert_mistake(ROW "body 1,2,3,4,5,6,7,8,9", 5, 22, "at most 8 texts");
    assert_mistake(ROW "body 1\nbody 1\nbody 1\nbody 1\nbody 1", 9, 6, "at most 4 times");
    assert_mistake(ROW "when status 50 then OK", 5, 13, "\"50\" is no status; expected numbers "
        "from 100 to 599, classes such as 5xx, or *");
    assert_mistake(ROW "when status 500, then OK", 5, 17, "\"\" is no status");
    assert_mistake(ROW "when status 6xx then OK", 5, 13, "\"6xx\" is no status");
    assert_mistake(ROW "when waited 25 then OK", 5, 13, "\"25\" is no time; expected one such as");
    assert_mistake(ROW "when tired then OK", 5, 6, "\"tired\" cannot be asked for; expected \"when "
        "status 504\", ");
    assert_mistake(ROW "when status 500 OK", 5, 6, "expected \"when CONDITION then VERDICT\"");
    assert_mistake(ROW "when captured x then OK", 5, 1, "nothing is captured in row x; expected a "
        "group (?<captured>…)");
    assert_mistake(ROW "when captured ~(?<captured>x) then OK", 5, 1, "nothing is captured");
    assert_mistake(ROW "when status 500 then ORIGIN_DWON", 5, 22, "\"ORIGIN_DWON\" is no verdict; "
        "did you mean ORIGIN_DOWN?");
    assert_mistake(ROW "when status 500 then Banana", 5, 22, "\"Banana\" is no verdict; expected "
        "one of OK LOCAL_NET CAPTIVE ");
    assert_mistake(ROW "when status 500 then OK, MTU", 5, 22, "\"OK,\" is no verdict");
    assert_mistake(ROW "when status 500 then OK MTU", 5, 25, "expected \"or\" and another verdict");
    assert_mistake(ROW "when status 500 then OK or", 5, 27, "\"\" is no verdict");
    assert_mistake(ROW "when status 500 then OK or OK", 5, 28, "this verdict stands here already");
    assert_mistake(ROW "when status 500 then OK or MTU or CLOCK or PROXY", 5, 44,
        "at most 3 verdicts");
    assert_mistake("signature x\nstatus 500\nverdict OK\nevidence Q", 4, 10,
        "\"Q\" is no evidence; expected V (seen in a source), K (known) or unproven");
    assert_mistake("\nsignature x\nverdict OK\nevidence V", 2, 1, "row x has no line \"status\"");
    assert_mistake(ROW "signature y\nstatus 503,50x\nbody x\nverdict OK\nevidence K", 6, 12,
        "\"50x\" is no status");
    assert_mistake(ROW "signature y\nstatus 503, 500\nbody x\nverdict OK\nevidence K", 5, 1,
        "row y is never reached: x on line 1 takes all of it; expected this row above that one");
    assert_mistake(ROW "body \x1b[31m\nbodi\n", 6, 1, "\"bodi\" means nothing here; did you mean");
}

static void test_all_mistakes_are_told_up_to_a_bound(void **state)
{
    (void)state;
    assert_int_equal(load(SLICE("stat 5\nsignature x\nstatus 7\nevidence\nsignature x\n")),
        ERROR_INVALID);
    const unsigned lines[] = {1, 2, 3, 4, 5, 5, 5, 5};
    assert_int_equal(mistakes.count, ARRAY_SIZE(lines));
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_int_equal(mistakes.items[i].line, lines[i]);
    static char many[CONF_MISTAKES_MAX * 3][2];
    for (size_t i = 0; i < ARRAY_SIZE(many); i++)
        memcpy(many[i], "?\n", 2);
    assert_int_equal(load(slice_of(many[0], sizeof(many))), ERROR_INVALID);
    assert_int_equal(mistakes.count, CONF_MISTAKES_MAX);
    assert_int_equal(mistakes.omitted, 2 * CONF_MISTAKES_MAX);
}

static void test_size_and_rows_are_bounded(void **state)
{
    (void)state;
    char *text = malloc(SIGNATURE_FILE_MAX + 1);
    assert_non_null(text);
    memset(text, '#', SIGNATURE_FILE_MAX + 1);
    assert_int_equal(load(slice_of(text, SIGNATURE_FILE_MAX + 1)), ERROR_INVALID);
    assert_true(slice_starts_with(mistakes.items[0].message, SLICE("larger than 256 KB")));
    struct text rows = text_in(text, SIGNATURE_FILE_MAX);
    for (unsigned i = 0; i <= SIGNATURE_ROWS_MAX; i++)
        text_format(&rows, "signature r%u\nstatus *\nfield x\nverdict OK\nevidence K\n", i);
    assert_false(rows.full);
    assert_int_equal(load(text_slice(&rows)), ERROR_INVALID);
    assert_true(slice_starts_with(mistakes.items[0].message, SLICE("more than 1000 rows")));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_match_in_their_order),
        cmocka_unit_test(test_mistakes_say_what_would_be_right),
        cmocka_unit_test(test_all_mistakes_are_told_up_to_a_bound),
        cmocka_unit_test(test_size_and_rows_are_bounded),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
