// The metrics are well-formed for Prometheus, complete, and served to nobody who asks wrongly.
#include "admin/metrics.h"
#include "fixture.h"

#include <ctype.h>
#include <sys/socket.h>

static struct fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

// --- A checker of the text exposition format, as strict as promtool check metrics ---

#define NAMES_MAX 256

struct checker {
    char names[NAMES_MAX][64]; // of metrics seen; the last one is current
    size_t count;
    bool is_counter;
    size_t samples; // of the current metric
};

static size_t name_size(const char *text)
{
    size_t size = 0;
    while (isalnum((unsigned char)text[size]) || text[size] == '_' || text[size] == ':')
        size++;
    assert_true(size > 0 && size < 64 && !isdigit((unsigned char)text[0]));
    return size;
}

static const char *check_labels(const char *at)
{
    do {
        at++; // '{' or ','
        at += name_size(at);
        assert_int_equal(*at++, '=');
        assert_int_equal(*at++, '"');
        for (; *at != '"'; at++) {
            assert_true(*at != '\0' && *at != '\n');
            if (*at == '\\') {
                at++;
                assert_true(*at == '\\' || *at == '"' || *at == 'n');
            }
        }
        at++;
    } while (*at == ',');
    assert_int_equal(*at, '}');
    return at + 1;
}

static void check_help(struct checker *checker, const char *line)
{
    size_t size = name_size(line);
    if (checker->count > 0)
        assert_true(checker->samples > 0); // the one before has some
    assert_true(checker->count < NAMES_MAX);
    snprintf(checker->names[checker->count], 64, "%.*s", (int)size, line);
    for (size_t i = 0; i < checker->count; i++)
        assert_string_not_equal(checker->names[i], checker->names[checker->count]);
    checker->count++;
    checker->samples = 0;
    assert_int_equal(line[size], ' ');
    assert_true(strlen(line + size) > 4);
}

static void check_type(struct checker *checker, const char *line)
{
    size_t size = name_size(line);
    const char *name = checker->names[checker->count - 1];
    assert_int_equal(size, strlen(name));
    assert_memory_equal(line, name, size);
    assert_int_equal(checker->samples, 0);
    checker->is_counter = strcmp(line + size, " counter") == 0;
    assert_true(checker->is_counter || strcmp(line + size, " gauge") == 0);
    bool is_total = size > 6 && strcmp(name + size - 6, "_total") == 0;
    assert_int_equal(is_total, checker->is_counter);
    assert_memory_equal(name, "afloat_", 7);
}

static void check_sample(struct checker *checker, const char *line)
{
    size_t size = name_size(line);
    assert_int_equal(size, strlen(checker->names[checker->count - 1]));
    assert_memory_equal(line, checker->names[checker->count - 1], size);
    const char *at = line + size;
    if (*at == '{')
        at = check_labels(at);
    assert_int_equal(*at++, ' ');
    assert_true(isdigit((unsigned char)*at));
    at += strspn(at, "0123456789");
    assert_int_equal(*at, '\0');
    checker->samples++;
}

// Returns how many metrics there are.
static size_t check_exposition(char *text)
{
    static struct checker checker;
    memset(&checker, 0, sizeof(checker));
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# HELP ", 7) == 0)
            check_help(&checker, line + 7);
        else if (strncmp(line, "# TYPE ", 7) == 0)
            check_type(&checker, line + 7);
        else
            check_sample(&checker, line);
    }
    assert_true(checker.samples > 0);
    return checker.count;
}

static char *build(void)
{
    char *content = NULL;
    size_t size = 0;
    assert_int_equal(metrics_build(&fixture.source, &content, &size), ERROR_NONE);
    char *text = strndup(content, size);
    assert_int_equal(strlen(text), size);
    memory_free(content);
    return text;
}

static void exposition_is_well_formed_and_complete(void **state)
{
    (void)state;
    fixture_keep(&fixture, SLICE("http://example.org/"));
    char *text = build();
    static const char *const samples[] = {"\nafloat_build_info{version=\"" AFLOAT_VERSION "\"} 1\n",
        "\nafloat_requests_total 0\n", "\nafloat_saved_stale_if_error_total 0\n",
        "\nafloat_honest_pages_total 0\n", "\nafloat_cache_objects 1\n",
        "\nafloat_cache_inserts_total 1\n",
        "\nafloat_refused_requests_total{fault=\"bare CR or LF\"} 0\n",
        "\nafloat_origin_down{origin=\"other\"} 0\n",
        "\nafloat_origin_attempts_total{origin=\"main\"} 0\n",
        "\nafloat_backend_healthy{origin=\"main\",backend=\"http://127.0.0.2:9\"} 1\n",
        "\nafloat_backend_probe_disagrees{origin=\"main\",backend=\"http://127.0.0.2:9\"} 0\n",
        "\nafloat_backend_requests_total{origin=\"other\",backend=\"http://127.0.0.3:9\"} 0\n",
        "\nafloat_access_log_dropped_total 0\n"};
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        if (strstr(text, samples[i]) == NULL)
            fail_msg("%s is missing", samples[i]);
    }
    assert_true(check_exposition(text) > LEDGER_COUNTS + 20);
    free(text);
}

static void label_values_are_escaped(void **state)
{
    (void)state;
    struct origin_settings *origins = fixture.settings.origins.items;
    struct slice before = origins[1].name;
    origins[1].name = SLICE("a\"b\\c\nd");
    assert_int_equal(origins_configure(edge_origins(fixture.edge), origins, 2), ERROR_NONE);
    char *text = build();
    assert_non_null(strstr(text, "afloat_origin_down{origin=\"a\\\"b\\\\c\\nd\"} 0\n"));
    check_exposition(text);
    free(text);
    origins[1].name = before;
}

static void build_fails_cleanly_without_memory(void **state)
{
    (void)state;
    char *content = NULL;
    size_t size = 0;
    unsigned failed = 0;
    for (uint64_t passes = 1; content == NULL; passes++) {
        memory_fail_after(passes);
        void *first = memory_alloc(1);
        enum error error = metrics_build(&fixture.source, &content, &size);
        memory_fail_after(0);
        memory_free(first);
        assert_int_equal(error, content == NULL ? ERROR_MEMORY : ERROR_NONE);
        failed += content == NULL;
    }
    assert_true(failed >= 2);
    memory_free(content);
}

// --- Over the wire ---

static struct metrics *start(struct address *address)
{
    struct metrics *metrics = NULL;
    assert_int_equal(address_parse(SLICE("127.0.0.1:0"), address), ERROR_NONE);
    assert_int_equal(metrics_start(address, &fixture.source, &metrics), ERROR_NONE);
    assert_int_not_equal(address_port(address), 0);
    return metrics;
}

static char *fetch(const struct address *address, struct slice request)
{
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, &address->any, address_size(address)), 0);
    while (request.size > 0) {
        ssize_t sent = send(client, request.data, request.size, MSG_NOSIGNAL);
        if (sent < 0)
            break;
        request = slice_of(request.data + sent, request.size - (size_t)sent);
    }
    shutdown(client, SHUT_WR);
    size_t size = 0, capacity = 1 << 20;
    char *answer = calloc(1, capacity);
    ssize_t got;
    while (size + 1 < capacity && (got = recv(client, answer + size, capacity - 1 - size, 0)) > 0)
        size += (size_t)got;
    close(client);
    return answer;
}

static void assert_answer(const struct address *address, struct slice request, const char *begin)
{
    char *answer = fetch(address, request);
    if (strncmp(answer, begin, strlen(begin)) != 0)
        fail_msg("expected %s, got:\n%.200s", begin, answer);
    free(answer);
}

static void listener_serves_metrics_and_nothing_else(void **state)
{
    (void)state;
    struct address address;
    struct metrics *metrics = start(&address);
    char *answer = fetch(&address, SLICE("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    char *body = strstr(answer, "\r\n\r\n") + 4;
    const char *length = strstr(answer, "Content-Length: ");
    assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body));
    check_exposition(body);
    free(answer);

    answer = fetch(&address, SLICE("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
    assert_answer(&address, SLICE("GET /metrics?x HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 ");
    assert_answer(&address, SLICE("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 404 ");
    assert_answer(&address, SLICE("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
        "HTTP/1.1 405 ");
    assert_answer(&address, SLICE("GET /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "); // no Host
    assert_answer(&address, SLICE("nonsense\r\n\r\n"), "HTTP/1.1 400 ");
    assert_answer(&address, SLICE("GET /met"), "");
    metrics_stop(metrics);
}

static void oversized_request_is_refused(void **state)
{
    (void)state;
    struct address address;
    struct metrics *metrics = start(&address);
    size_t size = METRICS_REQUEST_MAX;
    char *request = malloc(size);
    memset(request, 'x', size);
    memcpy(request, "GET /", 5);
    assert_answer(&address, slice_of(request, size), "HTTP/1.1 400 ");
    free(request);
    metrics_stop(metrics);
}

static void taken_port_is_busy(void **state)
{
    (void)state;
    struct address address;
    struct metrics *metrics = start(&address), *second = NULL;
    assert_int_equal(metrics_start(&address, &fixture.source, &second), ERROR_BUSY);
    assert_null(second);
    struct address local;
    assert_int_equal(address_parse(SLICE("unix:/tmp/afloat-metrics"), &local), ERROR_NONE);
    assert_int_equal(metrics_start(&local, &fixture.source, &second), ERROR_INVALID);
    metrics_stop(metrics);
    metrics_stop(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exposition_is_well_formed_and_complete),
        TEST(label_values_are_escaped),
        TEST(build_fails_cleanly_without_memory),
        TEST(listener_serves_metrics_and_nothing_else),
        TEST(oversized_request_is_refused),
        TEST(taken_port_is_busy),
    };
    return cmocka_run_group_tests_name("admin.metrics", tests, NULL, NULL);
}
