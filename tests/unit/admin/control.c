// The control socket answers one JSON line with one JSON line, belongs to its owner alone, tells a
// dead server's remains from a living server, and survives whatever is sent to it.
#include "fixture.h"

#include "admin/control.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static json_t *echo(void *context, const json_t *request)
{
    unsigned *calls = context;
    ++*calls;
    return json_pack("{s:b, s:O}", "ok", 1, "echo", request);
}

static struct control *start(void **state, unsigned *calls)
{
    struct control *control = NULL;
    assert_int_equal(control_start(*state, echo, calls, &control), ERROR_NONE);
    return control;
}

static void call_gets_the_handlers_answer(void **state)
{
    unsigned calls = 0;
    struct control *control = start(state, &calls);
    json_t *request = json_pack("{s:s, s:s}", "command", "x", "text", "\n\"ä"), *response = NULL;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(control_call(*state, request, &response), ERROR_NONE);
        assert_true(json_is_true(json_object_get(response, "ok")));
        assert_true(json_equal(json_object_get(response, "echo"), request));
        json_decref(response);
    }
    assert_int_equal(calls, 3);
    json_decref(request);
    control_stop(control);
}

static void socket_belongs_to_its_owner_alone(void **state)
{
    unsigned calls = 0;
    char *directory = path_in(state, "a/b/c"), *path = path_in(state, "a/b/c/control.sock");
    struct control *control = NULL;
    struct stat status;
    mode_t before = umask(0);
    assert_int_equal(control_start(directory, echo, &calls, &control), ERROR_NONE);
    umask(before);
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0600);
    control_stop(control);
    assert_int_equal(stat(path, &status), -1);
    free(directory);
    free(path);
}

static void second_server_is_told_that_one_runs(void **state)
{
    unsigned calls = 0;
    struct control *control = start(state, &calls), *second = NULL;
    assert_int_equal(control_start(*state, echo, &calls, &second), ERROR_BUSY);
    assert_null(second);
    json_t *request = json_object(), *response = NULL;
    assert_int_equal(control_call(*state, request, &response), ERROR_NONE); // the first is unharmed
    json_decref(response);
    control_stop(control);
    control = start(state, &calls);
    control_stop(control);
    json_decref(request);
}

static void what_a_dead_server_left_is_replaced(void **state)
{
    unsigned calls = 0;
    char *path = path_in(state, "control.sock");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(dead);
    json_t *request = json_object(), *response = NULL;
    assert_int_equal(control_call(*state, request, &response), ERROR_REFUSED);
    struct control *control = start(state, &calls);
    assert_int_equal(control_call(*state, request, &response), ERROR_NONE);
    json_decref(response);
    json_decref(request);
    control_stop(control);
    free(path);
}

static void client_hears_that_nobody_runs(void **state)
{
    json_t *request = json_object(), *response = NULL;
    char *nowhere = path_in(state, "missing");
    assert_int_equal(control_call(*state, request, &response), ERROR_NOT_FOUND);
    assert_int_equal(control_call(nowhere, request, &response), ERROR_NOT_FOUND);
    assert_null(response);
    json_decref(request);
    free(nowhere);
}

static void path_too_long_for_a_socket_is_a_limit(void **state)
{
    unsigned calls = 0;
    char *path = path_in(state, "012345678901234567890123456789012345678901234567890123456789012345"
                                "6789012345678901234567890123456789");
    struct control *control = NULL;
    json_t *request = json_object(), *response = NULL;
    assert_int_equal(control_start(path, echo, &calls, &control), ERROR_LIMIT);
    assert_int_equal(access(path, F_OK), -1); // nothing half started
    assert_int_equal(control_call(path, request, &response), ERROR_LIMIT);
    json_decref(request);
    free(path);
}

static void file_in_the_way_is_an_error(void **state)
{
    unsigned calls = 0;
    struct control *control = NULL;
    char *path = path_in(state, "file");
    fclose(fopen(path, "w"));
    assert_int_not_equal(control_start(path, echo, &calls, &control), ERROR_NONE);
    assert_int_equal(control_start("", echo, &calls, &control), ERROR_INVALID);
    assert_null(control);
    free(path);
}

// Sends bytes as they are and returns the answer, to be freed.
static char *raw(void **state, struct slice bytes, bool end)
{
    char *path = path_in(state, "control.sock");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    free(path);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    while (bytes.size > 0) {
        ssize_t sent = send(client, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0)
            break; // it has heard enough
        bytes = slice_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
    if (end)
        shutdown(client, SHUT_WR);
    char *answer = calloc(1, 4096);
    size_t size = 0;
    ssize_t got;
    while (size < 4095 && (got = recv(client, answer + size, 4095 - size, 0)) > 0)
        size += (size_t)got;
    close(client);
    return answer;
}

static void assert_refused(void **state, struct slice bytes, bool end)
{
    char *answer = raw(state, bytes, end);
    assert_non_null(strstr(answer, "\"ok\":false"));
    assert_non_null(strstr(answer, "\"error\":\""));
    assert_int_equal(answer[strlen(answer) - 1], '\n');
    free(answer);
}

static void nonsense_is_refused_and_harms_nobody(void **state)
{
    unsigned calls = 0;
    struct control *control = start(state, &calls);
    assert_refused(state, SLICE("nonsense\n"), false);
    assert_refused(state, SLICE("\n"), false);
    assert_refused(state, SLICE("[1]\n"), false);
    assert_refused(state, SLICE("{\"a\":1,\"a\":2}\n"), false);
    assert_refused(state, SLICE("{\"a\":\"\xff\"}\n"), false);
    assert_refused(state, SLICE("{\"cut\":"), true);
    char *empty = raw(state, SLICE_EMPTY, true);
    assert_string_equal(empty, "");
    free(empty);
    char *nested = malloc(60000);
    memset(nested, '[', 60000);
    nested[59999] = '\n';
    assert_refused(state, slice_of(nested, 60000), false);
    free(nested);
    assert_int_equal(calls, 0);
    json_t *request = json_object(), *response = NULL;
    assert_int_equal(control_call(*state, request, &response), ERROR_NONE);
    json_decref(response);
    json_decref(request);
    control_stop(control);
}

static void request_size_is_bounded(void **state)
{
    unsigned calls = 0;
    struct control *control = start(state, &calls);
    char *line = malloc(CONTROL_REQUEST_MAX + 1);
    memset(line, ' ', CONTROL_REQUEST_MAX + 1);
    line[0] = '{';
    line[CONTROL_REQUEST_MAX - 2] = '}';
    line[CONTROL_REQUEST_MAX - 1] = '\n';
    char *answer = raw(state, slice_of(line, CONTROL_REQUEST_MAX), false);
    assert_non_null(strstr(answer, "\"ok\":true"));
    free(answer);
    line[CONTROL_REQUEST_MAX - 2] = line[CONTROL_REQUEST_MAX - 1] = ' ';
    assert_refused(state, slice_of(line, CONTROL_REQUEST_MAX), true);
    assert_int_equal(calls, 1);
    free(line);
    control_stop(control);
}

static void start_without_memory_leaves_nothing(void **state)
{
    struct control *control = NULL;
    for (uint64_t passes = 1; control == NULL; passes++) {
        unsigned calls = 0;
        memory_fail_after(passes);
        void *first = memory_alloc(1);
        enum error error = control_start(*state, echo, &calls, &control);
        memory_fail_after(0);
        memory_free(first);
        assert_int_equal(error, control == NULL ? ERROR_MEMORY : ERROR_NONE);
    }
    control_stop(control);
    control_stop(NULL);
}

static void refusal_is_json_whatever_it_quotes(void **state)
{
    (void)state;
    json_t *refusal = control_refusal("no such thing: \"%s\"", "\xff\xc3");
    assert_string_equal(
        json_string_value(json_object_get(refusal, "error")), "no such thing: \"??\"");
    assert_true(json_is_false(json_object_get(refusal, "ok")));
    json_decref(refusal);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, directory_make, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(call_gets_the_handlers_answer),
        TEST(socket_belongs_to_its_owner_alone),
        TEST(second_server_is_told_that_one_runs),
        TEST(what_a_dead_server_left_is_replaced),
        TEST(client_hears_that_nobody_runs),
        TEST(path_too_long_for_a_socket_is_a_limit),
        TEST(file_in_the_way_is_an_error),
        TEST(nonsense_is_refused_and_harms_nobody),
        TEST(request_size_is_bounded),
        TEST(start_without_memory_leaves_nothing),
        cmocka_unit_test(refusal_is_json_whatever_it_quotes),
    };
    return cmocka_run_group_tests_name("admin.control", tests, NULL, NULL);
}
