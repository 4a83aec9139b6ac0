// The content of one answer from two exchanges: what may be the rest of it, and what must not.
#include "edge/content.h"
#include "../origin/helpers.h"

#define SIZE 200
#define CUT 100                 // there the first answer breaks off
#define FROM (CUT - CONTENT_SEAM)

static const struct http1_limits limits = {65536, 16384, 256, 256, 8192};

struct answer { // of the backend, to its first requests; without a head: none
    const char *head;
    unsigned begin, end; // of the content
    unsigned wrong_at;   // a byte that is another one; 0: none
};

struct scene {
    struct bench bench;
    struct edge_settings settings;
    struct site_settings site_settings;
    struct generation generation;
    struct site site;
    struct ledger_row ledger;
    struct edge_thread thread;
    struct fetch_report report;
    struct fetch fetch;
    bool has_anew; // all of something newer has come already, while the first went on
    char got[2 * SIZE];
    size_t got_size;
    enum error error; // CLOSED: it is whole
};

static struct answer answers[3];
static char second_request[4096];

static char byte_at(unsigned at)
{
    return (char)('!' + at * 7 % 90);
}

static void script(struct server *server, int descriptor, unsigned number)
{
    if (number >= ARRAY_SIZE(answers) || answers[number].head == NULL
        || !server_read_head(server, descriptor))
        return;
    const struct answer *answer = &answers[number];
    if (number == 1)
        memcpy(second_request, server_head, sizeof(second_request));
    char text[1024];
    size_t size = (size_t)snprintf(text, sizeof(text) - SIZE, "%s", answer->head);
    for (unsigned at = answer->begin; at < answer->end; at++)
        text[size++] = (char)(byte_at(at) ^ (at > 0 && at == answer->wrong_at));
    text[size] = 0;
    server_send(descriptor, text); // in one piece
}

static void scene_main(struct task *task, void *argument)
{
    struct scene *scene = argument;
    struct fetch *fetch = &scene->fetch;
    struct exchange *exchange;
    struct content content;
    fetch->origin = origin_find(scene->bench.origins, SLICE("main"));
    assert_int_equal(exchange_open(task, fetch->origin, &fetch->request, &limits, &fetch->tried,
        &exchange, &fetch->failure), ERROR_NONE);
    content_begin(&content, fetch, exchange);
    if (scene->has_anew) {
        content.is_withheld = true;
        assert_int_equal(exchange_open(task, fetch->origin, &fetch->request, &limits,
            &fetch->tried, &content.anew, &fetch->failure), ERROR_NONE);
    }
    struct exchange *anew = content.anew;
    do {
        size_t size = 0;
        scene->error = content_read(task, fetch, &content, scene->got + scene->got_size, 30, &size);
        scene->got_size += scene->error == ERROR_NONE ? size : 0;
    } while (scene->error == ERROR_NONE);
    assert_ptr_equal(content.anew, anew);
    content_end(task, &content);
    exchange_close(task, exchange);
    origin_release(fetch->origin);
}

// Returns what came; *ret_requests is how often the backend was asked.
static struct scene *play_scene(struct scene *scene, uint64_t skip, unsigned *ret_requests)
{
    static char yaml[200];
    struct server *server = server_start(script);
    second_request[0] = 0;
    snprintf(yaml, sizeof(yaml), "origins:\n  main:\n    backends: http://127.0.0.1:%u\n",
        server->port);
    bench_open(&scene->bench, yaml);
    scene->settings.http = limits;
    scene->site_settings.lifelines.of[LIFELINE_RESUME] =
        (struct lifeline_setting){.enabled = true, .values = {1, 10000, skip}};
    scene->site.settings = &scene->site_settings;
    scene->generation.settings = &scene->settings;
    scene->thread = (struct edge_thread){.ledger = &scene->ledger, .loop = scene->bench.loop};
    scene->fetch = (struct fetch){.thread = &scene->thread, .generation = &scene->generation,
        .site = &scene->site, .report = &scene->report,
        .request = {.method = HTTP_METHOD_GET, .method_text = SLICE("GET"), .target = SLICE("/"),
            .host = SLICE("example.org"),
            .fields = SLICE("A: b\r\nRange: bytes=1-\r\nIf-None-Match: \"x\"\r\nC: d\r\n")}};
    arena_init(&scene->fetch.arena, 4096, 1 << 20);
    bench_run(&scene->bench, scene_main, scene);
    *ret_requests = atomic_load(&server->requests);
    arena_free(&scene->fetch.arena);
    bench_close(&scene->bench);
    server_stop(server);
    for (size_t i = 0; i < scene->got_size; i++)
        assert_int_equal(scene->got[i], byte_at((unsigned)i)); // whatever happens
    return scene;
}

static struct scene *scene_create(void)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    return scene;
}

static struct scene *play(const char *first, struct answer second, uint64_t skip,
    unsigned *ret_requests)
{
    answers[0] = (struct answer){first, 0, CUT, 0};
    answers[1] = second;
    answers[2] = (struct answer){.head = NULL};
    return play_scene(scene_create(), skip, ret_requests);
}

#define FIRST(fields) "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n" fields "\r\n"
#define PART(fields, range, length)                                                                \
    "HTTP/1.1 206 Part\r\n" fields "Content-Range: bytes " range "\r\nContent-Length: " length     \
    "\r\n\r\n"
#define TAG "ETag: \"one\"\r\n"
#define GOOD PART(TAG, "36-199/200", "164")
#define DATES "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"                                   \
    "Date: Mon, 01 Jan 2024 00:01:00 GMT\r\n"

struct second_case {
    const char *head;
    unsigned begin;
    unsigned wrong_at;
    bool fits;
};

static const struct second_case second_cases[] = {
    {GOOD, FROM, 0, true},
    {PART(TAG, "36-199/*", "164"), FROM, 0, true}, // it need not know
    {"HTTP/1.1 200 OK\r\n" TAG "Content-Length: 200\r\n\r\n", 0, 0, true},
    {"HTTP/1.1 200 OK\r\n" TAG "Content-Length: 200\r\n\r\n", 0, FROM - 1, true}, // not looked at
    // At another place, or of something of another length.
    {PART(TAG, "37-199/200", "163"), FROM + 1, 0, false},
    {PART(TAG, "35-199/200", "165"), FROM - 1, 0, false},
    {PART(TAG, "100-199/200", "100"), CUT, 0, false},
    {PART(TAG, "36-198/200", "163"), FROM, 0, false},
    {PART(TAG, "36-199/201", "164"), FROM, 0, false},
    {PART(TAG, "36-200/201", "165"), FROM, 0, false},
    {"HTTP/1.1 206 Part\r\n" TAG "Content-Length: 164\r\n\r\n", FROM, 0, false},
    {"HTTP/1.1 200 OK\r\n" TAG "Content-Length: 201\r\n\r\n", 0, 0, false},
    {"HTTP/1.1 200 OK\r\n" TAG "Content-Length: 164\r\n\r\n", FROM, 0, false},
    // Of something else.
    {PART("ETag: \"two\"\r\n", "36-199/200", "164"), FROM, 0, false},
    {PART("ETag: W/\"one\"\r\n", "36-199/200", "164"), FROM, 0, false},
    {PART("", "36-199/200", "164"), FROM, 0, false},
    {PART(DATES, "36-199/200", "164"), FROM, 0, false},
    {PART(TAG TAG, "36-199/200", "164"), FROM, 0, false},
    {PART(TAG "Content-Encoding: gzip\r\n", "36-199/200", "164"), FROM, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n", 0, 0, false},
    // It says that it is the same, and is not.
    {GOOD, FROM, FROM, false},
    {GOOD, FROM, FROM + 30, false},
    {GOOD, FROM, CUT - 1, false},
    {"HTTP/1.1 200 OK\r\n" TAG "Content-Length: 200\r\n\r\n", 0, CUT - 1, false},
    // Nothing at all.
    {"HTTP/1.1 416 No\r\n" TAG "Content-Range: bytes */200\r\nContent-Length: 0\r\n\r\n", SIZE, 0,
        false},
    {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", SIZE, 0, false},
    {"HTTP/1.1 304 No\r\n" TAG "\r\n", SIZE, 0, false},
    {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", SIZE, 0, false},
    {"", SIZE, 0, false},
};

static void test_the_rest_of_the_same_or_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(second_cases); i++) {
        const struct second_case *each = &second_cases[i];
        unsigned requests;
        struct scene *scene = play(FIRST(TAG),
            (struct answer){each->head, each->begin, SIZE, each->wrong_at}, SIZE, &requests);
        if ((scene->error == ERROR_CLOSED) != each->fits
            || scene->got_size != (each->fits ? SIZE : CUT) || requests != 2)
            fail_msg("%zu: %zu bytes, %s, %u requests: %s", i, scene->got_size,
                error_text(scene->error), requests, each->head);
        assert_int_equal(atomic_load(&scene->ledger.counts[LEDGER_CONTINUATIONS]), each->fits);
        free(scene);
    }
}

struct first_case {
    const char *head;
    const char *if_range; // NULL: it cannot be continued
};

static const struct first_case first_cases[] = {
    {FIRST(TAG), "\"one\""},
    {FIRST(TAG DATES), "\"one\""},
    {FIRST(DATES), "Mon, 01 Jan 2024 00:00:00 GMT"},
    {FIRST("ETag: W/\"one\"\r\n"), NULL},
    {FIRST("ETag: W/\"one\"\r\n" DATES), NULL}, // which says that equal dates may not be enough
    {FIRST(TAG TAG), NULL},
    {FIRST(""), NULL},
    {FIRST("Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"), NULL},
    {FIRST("Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
           "Date: Mon, 01 Jan 2024 00:00:59 GMT\r\n"), NULL},
    {FIRST(TAG "Content-Encoding: gzip\r\nContent-Encoding: br\r\n"), NULL},
    {FIRST(TAG "Content-Range: bytes 0-199/300\r\n"), NULL},
    {"HTTP/1.1 404 No\r\n" TAG "Content-Length: 200\r\n\r\n", NULL},
    {PART(TAG, "0-198/200", "200"), NULL},
};

static void test_what_may_be_continued_and_how_it_is_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(first_cases); i++) {
        const struct first_case *each = &first_cases[i];
        char expected[256];
        unsigned requests;
        struct scene *scene = play(each->head, (struct answer){"", SIZE, SIZE, 0}, SIZE, &requests);
        snprintf(expected, sizeof(expected), "GET / HTTP/1.1\r\nHost: example.org\r\nA: b\r\n"
            "C: d\r\nRange: bytes=36-\r\nIf-Range: %s\r\n\r\n",
            each->if_range == NULL ? "" : each->if_range);
        if (requests != (each->if_range == NULL ? 1 : 2)
            || strcmp(second_request, each->if_range == NULL ? "" : expected) != 0)
            fail_msg("%zu: %u requests, the second was %s", i, requests, second_request);
        assert_int_not_equal(scene->error, ERROR_CLOSED);
        assert_int_equal(scene->got_size, CUT);
        free(scene);
    }
}

static void test_of_a_part_its_own_end_is_asked_for(void **state)
{
    (void)state;
    unsigned requests;
    struct scene *scene = play(PART(TAG, "0-149/200", "150"),
        (struct answer){PART(TAG, "36-149/200", "114"), FROM, 150, 0}, SIZE, &requests);
    assert_int_equal(scene->error, ERROR_CLOSED);
    assert_int_equal(scene->got_size, 150);
    assert_non_null(strstr(second_request, "\r\nRange: bytes=36-149\r\n"));
    free(scene);
}

static void test_a_beginning_is_dropped_only_so_far(void **state)
{
    (void)state;
    const struct answer whole = {"HTTP/1.1 200 OK\r\n" TAG "Content-Length: 200\r\n\r\n", 0, SIZE,
        0};
    for (uint64_t skip = CUT - 1; skip <= CUT; skip++) {
        unsigned requests;
        struct scene *scene = play(FIRST(TAG), whole, skip, &requests);
        assert_int_equal(scene->got_size, skip == CUT ? SIZE : CUT);
        free(scene);
    }
}

// A source that stood still brought a little more after all of something newer had come, and then
// broke off: nobody else is asked, for what is there is the answer.
static void test_what_came_anew_is_enough(void **state)
{
    (void)state;
    const struct answer whole = {"HTTP/1.1 200 OK\r\nETag: \"two\"\r\nContent-Length: 200\r\n\r\n",
        0, SIZE, 0};
    unsigned requests;
    struct scene *scene = scene_create();
    scene->has_anew = true;
    answers[0] = (struct answer){FIRST(TAG), 0, CUT, 0};
    answers[1] = answers[2] = whole;
    play_scene(scene, SIZE, &requests);
    assert_int_not_equal(scene->error, ERROR_CLOSED);
    assert_int_equal(scene->got_size, CUT);
    assert_int_equal(requests, 2);
    free(scene);
}

static void test_the_seam_is_the_last_of_what_came(void **state)
{
    (void)state;
    char bytes[3 * CONTENT_SEAM];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    for (size_t first = 1; first <= sizeof(bytes); first++) {
        for (size_t step = 1; step <= CONTENT_SEAM + 5; step++) {
            struct content_seam seam = {.size = 0};
            content_seam_add(&seam, bytes, first);
            for (size_t at = first; at < sizeof(bytes); at += step)
                content_seam_add(&seam, bytes + at, MINIMUM(step, sizeof(bytes) - at));
            assert_int_equal(seam.size, CONTENT_SEAM);
            assert_memory_equal(seam.bytes, bytes + sizeof(bytes) - CONTENT_SEAM, CONTENT_SEAM);
        }
    }
    struct content_seam seam = {.size = 0};
    content_seam_add(&seam, "ab", 2);
    content_seam_add(&seam, "c", 1);
    assert_int_equal(seam.size, 3);
    assert_memory_equal(seam.bytes, "abc", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rest_of_the_same_or_nothing),
        cmocka_unit_test(test_what_may_be_continued_and_how_it_is_asked_for),
        cmocka_unit_test(test_of_a_part_its_own_end_is_asked_for),
        cmocka_unit_test(test_a_beginning_is_dropped_only_so_far),
        cmocka_unit_test(test_what_came_anew_is_enough),
        cmocka_unit_test(test_the_seam_is_the_last_of_what_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
