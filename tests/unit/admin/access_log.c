// Lines of the access log say what happened, stay one line whatever a visitor sent, reach the file,
// and follow it through rotation and reload.
#include "fixture.h"
#include "records.h"

#include <jansson.h>

static struct log_settings settings_for(const char *path, enum access_format format)
{
    return (struct log_settings){
        .access = slice_from_string(path), .access_format = format, .access_buffer = 65536};
}

static const char *line_of(enum access_format format, const struct access_record *record)
{
    static char buffer[131072];
    struct text text = text_in(buffer, sizeof(buffer) - 1);
    access_log_format(&text, format, record);
    assert_false(text.full);
    assert_true(text.size > 0 && buffer[text.size - 1] == '\n');
    assert_ptr_equal(memchr(buffer, '\n', text.size), buffer + text.size - 1); // one line
    for (size_t i = 0; i + 1 < text.size; i++)
        assert_true((unsigned char)buffer[i] >= ' ');
    buffer[text.size - 1] = '\0';
    return buffer;
}

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    assert_non_null(value);
    return value;
}

static void json_line_says_everything(void **state)
{
    (void)state;
    struct access_record record = record_make();
    json_t *object = json_loads(line_of(ACCESS_JSON, &record), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    assert_string_equal(member(object, "time"), "2025-11-24T14:05:00.123Z");
    assert_string_equal(member(object, "peer"), "192.0.2.7:4711");
    assert_string_equal(member(object, "host"), "example.org");
    assert_string_equal(member(object, "method"), "GET");
    assert_string_equal(member(object, "target"), "/a?b=c");
    assert_string_equal(member(object, "version"), "1.1");
    assert_int_equal(json_integer_value(json_object_get(object, "status")), 200);
    assert_int_equal(json_integer_value(json_object_get(object, "bytes")), 5000000000);
    assert_true(json_is_true(json_object_get(object, "complete")));
    assert_true(json_real_value(json_object_get(object, "duration_ms")) == 12.345);
    assert_true(json_real_value(json_object_get(object, "first_byte_ms")) == 0.678);
    assert_string_equal(member(object, "cache"), "stale");
    assert_string_equal(member(object, "lifeline"), "stale_if_error");
    assert_string_equal(member(object, "failure"), "connection_refused");
    assert_string_equal(member(object, "backend"), "127.0.0.1:8001");
    assert_string_equal(member(object, "request_id"), "00ff");
    assert_string_equal(member(object, "referer"), "https://example.net/");
    assert_string_equal(member(object, "user_agent"), "test/1");
    json_decref(object);
}

static void combined_line_is_the_known_one(void **state)
{
    (void)state;
    struct access_record record = record_make();
    assert_string_equal(line_of(ACCESS_COMBINED, &record),
        "192.0.2.7 - - [24/Nov/2025:14:05:00 +0000] \"GET /a?b=c HTTP/1.1\" 200 5000000000 "
        "\"https://example.net/\" \"test/1\"");
    record.method = record.referer = record.user_agent = SLICE_EMPTY;
    record.status = 400;
    record.bytes = 0;
    assert_string_equal(line_of(ACCESS_COMBINED, &record),
        "192.0.2.7 - - [24/Nov/2025:14:05:00 +0000] \"-\" 400 0 \"-\" \"-\"");
}

static void nothing_a_visitor_sends_makes_a_second_line(void **state)
{
    (void)state;
    char every[256];
    for (unsigned i = 0; i < sizeof(every); i++)
        every[i] = (char)i;
    struct access_record record = record_make();
    record.method = record.target = record.host = record.referer = record.user_agent =
        record.request_id = record.backend = slice_of(every, sizeof(every));
    json_t *object =
        json_loads(line_of(ACCESS_JSON, &record), JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert_non_null(object);
    json_decref(object);

    record.user_agent = SLICE("x\" \"y\\\r\n127.0.0.1 - - \x80");
    const char *line = line_of(ACCESS_COMBINED, &record);
    assert_non_null(strstr(line, "x\\x22 \\x22y\\x5c\\x0d\\x0a127.0.0.1 - - \\x80\""));
    // Six quotes: those of the format itself.
    size_t quotes = 0;
    for (; *line != '\0'; line++)
        quotes += *line == '"';
    assert_int_equal(quotes, 6);
}

static size_t count_lines(const char *content)
{
    size_t lines = 0;
    for (; content != NULL && *content != '\0'; content++)
        lines += *content == '\n';
    return lines;
}

static size_t lines_in(const char *path)
{
    char *content = read_whole(path);
    size_t lines = count_lines(content);
    free(content);
    return lines;
}

static void wait_for_lines(const char *path, size_t lines)
{
    while (lines_in(path) < lines)
        usleep(1000);
    assert_int_equal(lines_in(path), lines);
}

static void every_record_reaches_the_file_before_the_end(void **state)
{
    char *path = path_in(state, "access.log");
    struct log_settings settings = settings_for(path, ACCESS_JSON);
    struct access_log *log;
    struct access_record record = record_make();
    assert_int_equal(access_log_create(2, &settings, &log), ERROR_NONE);
    uint64_t offered = 0;
    for (; offered < 3000; offered++)
        access_log_answered(log, offered % 2, &record);
    while (lines_in(path) == 0)
        usleep(1000); // the writer is at it; more follows while it works
    for (; offered < 3010; offered++)
        access_log_answered(log, offered % 2, &record);
    struct access_log_statistics statistics;
    access_log_read_statistics(log, &statistics);
    uint64_t dropped = statistics.dropped;
    access_log_destroy(log);
    assert_int_equal(lines_in(path) + dropped, offered);
    assert_true(lines_in(path) > 0);
    free(path);
}

static void sleeping_writer_is_woken_by_a_record(void **state)
{
    char *path = path_in(state, "access.log");
    struct log_settings settings = settings_for(path, ACCESS_COMBINED);
    struct access_log *log;
    struct access_record record = record_make();
    assert_int_equal(access_log_create(1, &settings, &log), ERROR_NONE);
    for (size_t lines = 1; lines <= 5; lines++) {
        usleep(40000); // it has gone to sleep, or not: either way the line comes
        access_log_answered(log, 0, &record);
        wait_for_lines(path, lines);
    }
    struct access_log_statistics statistics = {0};
    while (statistics.written < 5) { // counted once it is in the file
        usleep(1000);
        access_log_read_statistics(log, &statistics);
    }
    assert_int_equal(statistics.written, 5);
    assert_int_equal(statistics.dropped, 0);
    access_log_destroy(log);
    free(path);
}

static void rotated_file_is_opened_again(void **state)
{
    char *path = path_in(state, "access.log"), *rotated = path_in(state, "access.log.1");
    struct log_settings settings = settings_for(path, ACCESS_COMBINED);
    struct access_log *log;
    struct access_record record = record_make();
    assert_int_equal(access_log_create(1, &settings, &log), ERROR_NONE);
    access_log_answered(log, 0, &record);
    wait_for_lines(path, 1);
    assert_int_equal(rename(path, rotated), 0);
    access_log_reopen(log);
    while (access(path, F_OK) != 0)
        usleep(1000);
    access_log_answered(log, 0, &record);
    wait_for_lines(path, 1);
    assert_int_equal(lines_in(rotated), 1);
    access_log_destroy(log);
    free(path);
    free(rotated);
}

static void reload_changes_path_and_format_or_nothing(void **state)
{
    char *path = path_in(state, "a.log"), *second = path_in(state, "b.log");
    char *nowhere = path_in(state, "missing/c.log");
    struct log_settings settings = settings_for(path, ACCESS_COMBINED);
    struct access_log *log;
    struct access_record record = record_make();
    assert_int_equal(access_log_create(1, &settings, &log), ERROR_NONE);
    settings = settings_for(nowhere, ACCESS_JSON);
    assert_int_equal(access_log_configure(log, &settings), ERROR_NOT_FOUND);
    access_log_answered(log, 0, &record);
    wait_for_lines(path, 1);
    settings = settings_for(second, ACCESS_JSON);
    assert_int_equal(access_log_configure(log, &settings), ERROR_NONE);
    access_log_answered(log, 0, &record);
    wait_for_lines(second, 1);
    char *content = read_whole(second);
    assert_int_equal(content[0], '{');
    free(content);
    settings.access = SLICE_EMPTY;
    assert_int_equal(access_log_configure(log, &settings), ERROR_NONE);
    access_log_answered(log, 0, &record);
    access_log_destroy(log);
    assert_int_equal(lines_in(path), 1);
    assert_int_equal(lines_in(second), 1);
    free(path);
    free(second);
    free(nowhere);
}

static void full_disk_is_counted_and_stops_nobody(void **state)
{
    (void)state;
    struct log_settings settings = settings_for("/dev/full", ACCESS_COMBINED);
    struct access_log *log;
    struct access_log_statistics statistics = {0};
    struct access_record record = record_make();
    assert_int_equal(log_open("/dev/null", LOG_ERROR), ERROR_NONE);
    assert_int_equal(access_log_create(1, &settings, &log), ERROR_NONE);
    access_log_answered(log, 0, &record);
    while (statistics.write_errors == 0) {
        usleep(1000);
        access_log_read_statistics(log, &statistics);
    }
    assert_int_equal(statistics.write_errors, 1);
    assert_int_equal(statistics.written, 0);
    access_log_destroy(log);
    assert_int_equal(log_open(NULL, LOG_INFO), ERROR_NONE);
}

static void without_a_path_nothing_is_kept(void **state)
{
    (void)state;
    struct log_settings settings = settings_for(NULL, ACCESS_JSON);
    struct access_log *log;
    struct access_record record = record_make();
    assert_int_equal(access_log_create(1, &settings, &log), ERROR_NONE);
    for (unsigned i = 0; i < 10000; i++)
        access_log_answered(log, 0, &record);
    struct access_log_statistics statistics;
    access_log_read_statistics(log, &statistics);
    assert_int_equal(statistics.dropped, 0);
    assert_int_equal(statistics.written, 0);
    access_log_destroy(log);
}

static void start_fails_cleanly_when_memory_or_path_do(void **state)
{
    char *path = path_in(state, "access.log"), *nowhere = path_in(state, "missing/access.log");
    struct log_settings settings = settings_for(nowhere, ACCESS_JSON);
    struct access_log *log = NULL;
    assert_int_equal(access_log_create(2, &settings, &log), ERROR_NOT_FOUND);
    assert_null(log);
    settings = settings_for(path, ACCESS_JSON);
    unsigned failed = 0;
    for (uint64_t passes = 1; log == NULL; passes++) {
        memory_fail_after(passes);
        void *first = memory_alloc(1); // so that the log's first allocation fails too
        enum error error = access_log_create(2, &settings, &log);
        memory_fail_after(0);
        memory_free(first);
        assert_int_equal(error, log == NULL ? ERROR_MEMORY : ERROR_NONE);
        failed += log == NULL;
    }
    assert_true(failed >= 5);
    access_log_destroy(log);
    access_log_destroy(NULL);
    free(path);
    free(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_line_says_everything),
        cmocka_unit_test(combined_line_is_the_known_one),
        cmocka_unit_test(nothing_a_visitor_sends_makes_a_second_line),
        cmocka_unit_test_setup_teardown(
            every_record_reaches_the_file_before_the_end, directory_make, directory_remove),
        cmocka_unit_test_setup_teardown(
            sleeping_writer_is_woken_by_a_record, directory_make, directory_remove),
        cmocka_unit_test_setup_teardown(
            rotated_file_is_opened_again, directory_make, directory_remove),
        cmocka_unit_test_setup_teardown(
            reload_changes_path_and_format_or_nothing, directory_make, directory_remove),
        cmocka_unit_test(full_disk_is_counted_and_stops_nobody),
        cmocka_unit_test(without_a_path_nothing_is_kept),
        cmocka_unit_test_setup_teardown(
            start_fails_cleanly_when_memory_or_path_do, directory_make, directory_remove),
    };
    return cmocka_run_group_tests_name("admin.access_log", tests, NULL, NULL);
}
