// Bodies: what one task writes, many read byte by byte the same, on one loop and on several
// threads; windows; broken bodies; failing memory.
#include "cache/body.h"
#include "../io/virtual.h"
#include "base/invariant.h"
#include "base/random.h"
#include "crew.h"

#define KIB 1024
#define CONTENT_MOST (4 * 1024 * KIB)

static char reference[CONTENT_MOST];

static int fill_reference(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 99);
    for (size_t i = 0; i < CONTENT_MOST; i++)
        reference[i] = (char)random_next(&random);
    return 0;
}

static bool is_right(struct slice bytes, uint64_t at)
{
    return at + bytes.size <= CONTENT_MOST && memcmp(bytes.data, reference + at, bytes.size) == 0;
}

// Appends up to size bytes in one go; how much there was room for.
static size_t append(struct task *task, struct body *body, size_t size)
{
    void *room;
    size_t room_size;
    invariant(body_room(task, body, crew_patience_ns(task), &room, &room_size) == ERROR_NONE);
    invariant(room_size > 0);
    size_t taken = MINIMUM(size, room_size);
    memcpy(room, reference + body_size(body), taken);
    body_commit(body, taken);
    return taken;
}

static void append_all(struct task *task, struct body *body, uint64_t to)
{
    while (body_size(body) < to)
        append(task, body, to - body_size(body));
}

// Reads what is there without waiting; the error that ended it.
static enum error read_available(struct body_reader *reader)
{
    struct slice bytes;
    enum error error;
    while ((error = body_reader_peek(reader, &bytes)) == ERROR_NONE) {
        assert_true(bytes.size > 0);
        assert_true(is_right(bytes, reader->at));
        body_reader_advance(reader, bytes.size);
    }
    return error;
}

// --- Step by step, in one task of a loop without a world ---

struct scene {
    void (*play)(struct task *task);
};

static void scene_main(struct task *task, void *argument)
{
    struct scene *scene = argument;
    scene->play(task);
}

static void play(void (*what)(struct task *task))
{
    struct loop loop;
    struct scene scene = {what};
    virtual_init(&loop, 16);
    assert_int_equal(task_start(&loop, NULL, scene_main, &scene), ERROR_NONE);
    virtual_run(&loop);
    assert_int_equal(loop.tasks_alive, 0);
    loop_destroy(&loop);
}

static void whole_bodies(struct task *task)
{
    (void)task;
    size_t sizes[] = {0, 1, 1000, 100 * KIB};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct body *body = body_from_bytes(slice_of(reference, sizes[i]));
        assert_int_equal(body_state(body), BODY_COMPLETE);
        assert_int_equal(body_size(body), sizes[i]);
        assert_int_equal(body_error(body), ERROR_NONE);
        struct body_reader reader;
        body_reader_open(&reader, body, sizes[i] / 2);
        assert_int_equal(read_available(&reader), ERROR_CLOSED);
        assert_int_equal(reader.at, sizes[i]);
        body_release(body); // the reader's is enough
        assert_int_equal(read_available(&reader), ERROR_CLOSED);
        body_reader_close(&reader);
        body_reader_close(&reader);
        body_reader_open(&reader, body_from_bytes(SLICE("x")), 7);
        body_release(reader.body);
        assert_int_equal(read_available(&reader), ERROR_CLOSED);
        body_reader_close(&reader);
    }
    body_release(NULL);
}

static void test_a_body_of_bytes(void **state)
{
    (void)state;
    play(whole_bodies);
}

static void grow_with(struct task *task, uint64_t expected, uint64_t size)
{
    struct body *body = body_create(expected, 0, false);
    struct body_reader early, middle, late;
    struct slice bytes;
    body_reader_open(&early, body, 0);
    body_reader_open(&middle, body, size / 2);
    assert_int_equal(body_reader_peek(&early, &bytes), ERROR_BUSY);
    while (body_size(body) < size) {
        append(task, body, MINIMUM(size - body_size(body), 3333));
        assert_int_equal(read_available(&early), ERROR_BUSY);
        assert_int_equal(early.at, body_size(body));
        assert_int_equal(read_available(&middle), ERROR_BUSY);
        assert_int_equal(middle.at, MAXIMUM(body_size(body), size / 2));
    }
    void *room;
    size_t room_size; // a writer that has yet to learn that this was all
    assert_int_equal(body_room(task, body, NEVER_NS, &room, &room_size), ERROR_NONE);
    assert_true(room_size > 0);
    body_finish(body, ERROR_NONE);
    assert_int_equal(read_available(&early), ERROR_CLOSED);
    body_reader_open(&late, body, 0);
    assert_int_equal(read_available(&late), ERROR_CLOSED);
    assert_int_equal(late.at, size);
    body_reader_close(&early);
    body_reader_close(&middle);
    body_reader_open(&middle, body, size / 3);
    assert_int_equal(read_available(&middle), ERROR_CLOSED);
    assert_int_equal(middle.at, size);
    body_reader_close(&middle);
    body_reader_close(&late);
    // Nothing much is wasted, however its length came to be known.
    assert_true(body_footprint(body) >= size);
    uint64_t pages = size > 100 * KIB ? 8192 : 0; // large chunks are rounded to pages
    assert_true(expected < size || body_footprint(body) <= size + 400 + pages);
    body_release(body);
}

static void growing_bodies(struct task *task)
{
    uint64_t sizes[] = {
        1, 100, 8 * KIB, 8 * KIB + 1, 64 * KIB, 64 * KIB + 1, 300 * KIB, 1500 * KIB};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        grow_with(task, sizes[i], sizes[i]);
        grow_with(task, UINT64_MAX, sizes[i]);
        grow_with(task, sizes[i] / 2 + 1, sizes[i]); // more than was announced
    }
}

static void test_readers_see_each_byte_as_it_comes(void **state)
{
    (void)state;
    play(growing_bodies);
}

static void empty_body(struct task *task)
{
    (void)task;
    uint64_t expected[] = {0, 5, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        struct body *body = body_create(expected[i], 0, false);
        struct body_reader reader, after;
        body_reader_open(&reader, body, 0);
        assert_int_equal(read_available(&reader), ERROR_BUSY);
        body_finish(body, ERROR_NONE);
        body_reader_open(&after, body, 0);
        assert_int_equal(read_available(&reader), ERROR_CLOSED);
        assert_int_equal(read_available(&after), ERROR_CLOSED);
        body_reader_close(&after);
        body_reader_close(&reader);
        body_release(body);
    }
}

static void test_an_empty_body(void **state)
{
    (void)state;
    play(empty_body);
}

static void broken_body(struct task *task)
{
    struct body *body = body_create(UINT64_MAX, 0, false);
    struct body_reader reader;
    body_reader_open(&reader, body, 0);
    append_all(task, body, 100 * KIB);
    body_finish(body, ERROR_TRUNCATED);
    assert_int_equal(body_state(body), BODY_BROKEN);
    assert_int_equal(body_error(body), ERROR_TRUNCATED);
    assert_int_equal(read_available(&reader), ERROR_TRUNCATED);
    assert_int_equal(reader.at, 100 * KIB); // after all its bytes
    body_reader_close(&reader);
    body_reader_open(&reader, body, 50 * KIB);
    assert_int_equal(read_available(&reader), ERROR_TRUNCATED);
    assert_int_equal(reader.at, 100 * KIB);
    body_reader_close(&reader);
    body_release(body);
}

static void test_a_broken_body_gives_its_bytes_then_its_error(void **state)
{
    (void)state;
    play(broken_body);
}

static void test_a_broken_body_says_why_if_it_was_told(void **state)
{
    (void)state;
    struct body *told = body_create(UINT64_MAX, 0, false);
    struct body *untold = body_create(UINT64_MAX, 0, false);
    assert_int_equal(body_why(told), 0);
    body_break(told, ERROR_PROTOCOL, 7);
    body_finish(untold, ERROR_PROTOCOL);
    assert_int_equal(body_error(told), ERROR_PROTOCOL);
    assert_int_equal(body_why(told), 7);
    assert_int_equal(body_why(untold), 0);
    body_release(told);
    body_release(untold);
}

static void waiting_ends(struct task *task)
{
    struct body *body = body_create(UINT64_MAX, 0, false);
    struct body_reader reader;
    struct slice bytes;
    body_reader_open(&reader, body, 0);
    uint64_t deadline_ns = task_now_ns(task) + NS_PER_SECOND;
    assert_int_equal(body_reader_next(task, &reader, deadline_ns, &bytes), ERROR_TIMEOUT);
    assert_true(task_now_ns(task) >= deadline_ns);
    append(task, body, 10);
    assert_int_equal(
        body_reader_next(task, &reader, deadline_ns, &bytes), ERROR_NONE); // no need to wait
    assert_int_equal(bytes.size, 10);
    body_reader_advance(&reader, 10);
    task_cancel(task);
    assert_int_equal(body_reader_next(task, &reader, NEVER_NS, &bytes), ERROR_CANCELLED);
    body_reader_close(&reader);
    body_finish(body, ERROR_NONE);
    body_release(body);
}

static void test_waiting_ends_with_deadline_and_cancellation(void **state)
{
    (void)state;
    play(waiting_ends);
}

// --- Windows ---

#define WINDOW (64 * KIB)

// Appends until the window is full; true if it stopped for that reason.
static bool fill_window(struct task *task, struct body *body, enum error expected)
{
    for (unsigned i = 0; i < 10000; i++) {
        void *room;
        size_t size;
        enum error error = body_room(task, body, task_now_ns(task), &room, &size);
        assert_true(body_footprint(body) <= WINDOW + 1024);
        if (error != ERROR_NONE) {
            assert_int_equal(error, expected);
            return true;
        }
        size = MINIMUM(size, 5000);
        memcpy(room, reference + body_size(body), size);
        body_commit(body, size);
    }
    return false;
}

static void nobody_reads(struct task *task)
{
    struct body *body = body_create(UINT64_MAX, WINDOW, true);
    assert_true(body_has_window(body));
    assert_true(fill_window(task, body, ERROR_CLOSED));
    assert_int_equal(body_size(body), WINDOW); // up to the window nobody need read
    struct body_reader reader;
    body_reader_open(&reader, body, 0);
    assert_int_equal(read_available(&reader), ERROR_BUSY);
    assert_true(fill_window(task, body, ERROR_TIMEOUT));
    body_reader_close(&reader);
    assert_true(fill_window(task, body, ERROR_CLOSED));
    body_finish(body, ERROR_CLOSED);
    body_release(body);
}

static void test_a_full_window_that_nobody_reads_is_closed(void **state)
{
    (void)state;
    play(nobody_reads);
}

static void fastest_governs(struct task *task)
{
    struct body *body = body_create(UINT64_MAX, WINDOW, true);
    struct body_reader fast, slow, gone;
    struct slice held, bytes;
    body_reader_open(&fast, body, 0);
    body_reader_open(&slow, body, 0);
    body_reader_open(&gone, body, 0);
    append(task, body, 100);
    assert_int_equal(body_reader_peek(&slow, &held), ERROR_NONE); // and keeps using these bytes
    body_reader_advance(&slow, 10);
    while (body_size(body) < 2048 * KIB) {
        assert_true(fill_window(task, body, ERROR_TIMEOUT));
        assert_int_equal(read_available(&fast), ERROR_BUSY);
        assert_int_equal(fast.at, body_size(body));
    }
    assert_true(is_right(held, 0));
    // What its chunk holds it may still read; then it is told.
    assert_int_equal(read_available(&slow), ERROR_LIMIT);
    assert_true(slow.at >= 100 && slow.at < WINDOW);
    assert_int_equal(body_reader_peek(&slow, &bytes), ERROR_LIMIT); // still
    // One that comes too late learns it at once, and does not hold up the others.
    struct body_reader late;
    body_reader_open(&late, body, 0);
    assert_int_equal(read_available(&late), ERROR_LIMIT);
    assert_int_equal(late.at, 0);
    body_reader_close(&gone);
    assert_true(fill_window(task, body, ERROR_TIMEOUT));
    assert_int_equal(read_available(&fast), ERROR_BUSY);
    // With only laggards left, nobody counts any more.
    body_reader_close(&fast);
    assert_true(fill_window(task, body, ERROR_CLOSED));
    body_finish(body, ERROR_NONE);
    assert_int_equal(read_available(&late), ERROR_LIMIT); // also of a complete one
    struct body_reader tail;
    body_reader_open(&tail, body, body_size(body) - 10);
    assert_int_equal(read_available(&tail), ERROR_CLOSED);
    assert_int_equal(tail.at, body_size(body));
    body_reader_close(&tail);
    body_reader_close(&late);
    body_reader_close(&slow);
    body_release(body);
}

static void test_the_fastest_reader_governs_and_laggards_are_told(void **state)
{
    (void)state;
    play(fastest_governs);
}

static void slowest_governs(struct task *task)
{
    struct body *body = body_create(UINT64_MAX, WINDOW, false);
    struct body_reader fast, slow;
    struct slice bytes;
    body_reader_open(&fast, body, 0);
    body_reader_open(&slow, body, 0);
    while (slow.at < 500 * KIB) {
        assert_true(fill_window(task, body, ERROR_TIMEOUT));
        assert_int_equal(read_available(&fast), ERROR_BUSY);
        assert_int_equal(fast.at, body_size(body));
        assert_true(fill_window(task, body, ERROR_TIMEOUT)); // the fast one helps nothing
        assert_true(body_size(body) <= slow.at + WINDOW);
        assert_int_equal(body_reader_peek(&slow, &bytes), ERROR_NONE);
        assert_true(is_right(bytes, slow.at));
        body_reader_advance(&slow, bytes.size);
        assert_int_equal(body_reader_peek(&slow, &bytes), ERROR_NONE); // moves on
    }
    body_reader_close(&slow); // its leaving makes room too
    uint64_t before = body_size(body);
    assert_true(fill_window(task, body, ERROR_TIMEOUT));
    assert_int_equal(read_available(&fast), ERROR_BUSY);
    assert_true(fill_window(task, body, ERROR_TIMEOUT));
    assert_true(body_size(body) > before);
    body_finish(body, ERROR_NONE);
    assert_int_equal(read_available(&fast), ERROR_CLOSED);
    assert_int_equal(fast.at, body_size(body));
    body_reader_close(&fast);
    body_release(body);
}

static void test_the_slowest_reader_governs_where_none_may_leave(void **state)
{
    (void)state;
    play(slowest_governs);
}

static void late_window(struct task *task)
{
    struct body *body = body_create(UINT64_MAX, 0, false);
    struct body_reader reader, start;
    body_reader_open(&reader, body, 0);
    append_all(task, body, 1000 * KIB);
    assert_int_equal(read_available(&reader), ERROR_BUSY);
    assert_false(body_has_window(body));
    body_set_window(body, WINDOW, true);
    assert_true(body_has_window(body));
    while (body_size(body) < 3000 * KIB) {
        append(task, body, 1 + body_size(body) % 7000);
        assert_int_equal(read_available(&reader), ERROR_BUSY);
    }
    assert_int_equal(reader.at, body_size(body));
    assert_true(body_footprint(body) <= WINDOW + 1024);
    body_reader_open(&start, body, 0);
    assert_int_equal(read_available(&start), ERROR_LIMIT);
    body_reader_close(&start);
    body_finish(body, ERROR_NONE);
    assert_int_equal(read_available(&reader), ERROR_CLOSED);
    body_reader_close(&reader);
    body_release(body);
}

static void test_a_window_can_be_imposed_later(void **state)
{
    (void)state;
    play(late_window);
}

static void imposed_on_one_chunk(struct task *task)
{
    // One chunk larger than the whole window, read to its end: it must not stay in the way.
    struct body *body = body_create(UINT64_MAX, 0, false);
    struct body_reader reader;
    body_reader_open(&reader, body, 0);
    append_all(task, body, 520 * KIB);
    body_set_window(body, 1, false);
    assert_int_equal(read_available(&reader), ERROR_BUSY);
    append_all(task, body, 520 * KIB + 10);
    while (body_size(body) < 1000 * KIB) {
        assert_int_equal(read_available(&reader), ERROR_BUSY);
        append(task, body, 1000 * KIB - body_size(body));
    }
    assert_true(body_footprint(body) <= BODY_WINDOW_LEAST + 1024);
    body_reader_close(&reader);
    body_finish(body, ERROR_NONE);
    body_release(body);
}

static void test_a_window_smaller_than_a_chunk(void **state)
{
    (void)state;
    play(imposed_on_one_chunk);
}

static void reader_ahead(struct task *task)
{
    struct body *body = body_create(UINT64_MAX, WINDOW, false);
    struct body_reader ahead, from_start;
    body_reader_open(&ahead, body, 300 * KIB);
    body_reader_open(&from_start, body, 0);
    while (body_size(body) < 300 * KIB + 1000) {
        assert_int_equal(read_available(&from_start), ERROR_BUSY);
        append(task, body, 4000);
    }
    // Its bytes were there while the other one read them, and are kept for it.
    assert_int_equal(read_available(&from_start), ERROR_BUSY);
    while (body_size(body) < 300 * KIB + WINDOW - 20000)
        append(task, body, 4000);
    assert_int_equal(read_available(&ahead), ERROR_BUSY);
    assert_int_equal(ahead.at, body_size(body));
    body_reader_close(&ahead);
    body_reader_close(&from_start);
    body_finish(body, ERROR_NONE);
    body_release(body);
}

static void test_a_reader_ahead_of_the_end_is_waited_for_when_its_bytes_come(void **state)
{
    (void)state;
    play(reader_ahead);
}

// --- Random readers and windows against the reference ---

struct random_reader {
    struct body_reader reader;
    bool open;
};

static void random_step(
    struct random *random, struct body *body, struct random_reader *reader, bool leave)
{
    struct slice bytes;
    if (!reader->open) {
        uint64_t span = body_size(body) + 10000;
        uint64_t at = random_chance(random, 1, 2) ? body_size(body) : random_below(random, span);
        body_reader_open(&reader->reader, body, at);
        reader->open = true;
        return;
    }
    enum error error = body_reader_peek(&reader->reader, &bytes);
    if (error == ERROR_NONE) {
        assert_true(is_right(bytes, reader->reader.at));
        assert_true(reader->reader.at + bytes.size <= body_size(body));
        body_reader_advance(&reader->reader, 1 + random_below(random, bytes.size));
    } else if (error == ERROR_BUSY) {
        assert_true(reader->reader.at >= body_size(body));
    } else {
        assert_int_equal(error, ERROR_LIMIT);
        assert_true(body_has_window(body));
        assert_true(reader->reader.at < body_size(body));
        (void)leave;
    }
    if (error == ERROR_LIMIT || random_chance(random, 1, 100)) {
        body_reader_close(&reader->reader);
        reader->open = false;
    }
}

static void random_body(struct task *task, uint64_t seed)
{
    struct random random;
    struct random_reader readers[6] = {0};
    random_seed(&random, seed);
    uint64_t expected = random_chance(&random, 1, 2) ? UINT64_MAX : random_below(&random, 1000000);
    bool leave = random_chance(&random, 1, 2);
    uint64_t window = random_chance(&random, 1, 2) ? 0 : 16384 + random_below(&random, 100000);
    struct body *body = body_create(expected, window, leave);
    for (unsigned step = 0; step < 2000 && body_size(body) < CONTENT_MOST - 300000; step++) {
        random_step(&random, body, &readers[random_below(&random, ARRAY_SIZE(readers))], leave);
        if (random_chance(&random, 1, 500) && !body_has_window(body))
            body_set_window(body, random_below(&random, 100000), leave);
        void *room;
        size_t size;
        enum error error = body_room(task, body, task_now_ns(task), &room, &size);
        if (error != ERROR_NONE) {
            assert_true(error == ERROR_TIMEOUT || error == ERROR_CLOSED);
            continue;
        }
        size = 1 + random_below(&random, MINIMUM(size, 9000));
        memcpy(room, reference + body_size(body), size);
        body_commit(body, size);
    }
    bool breaks = random_chance(&random, 1, 4);
    body_finish(body, breaks ? ERROR_RESET : ERROR_NONE);
    for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
        if (!readers[i].open)
            continue;
        bool beyond = readers[i].reader.at > body_size(body);
        enum error error = read_available(&readers[i].reader);
        assert_true(error == (breaks ? ERROR_RESET : ERROR_CLOSED)
            || (error == ERROR_LIMIT && body_has_window(body)));
        assert_true(error == ERROR_LIMIT || beyond || readers[i].reader.at == body_size(body));
        body_reader_close(&readers[i].reader);
    }
    body_release(body);
}

static void random_bodies(struct task *task)
{
    for (uint64_t seed = 1; seed <= 100; seed++)
        random_body(task, seed);
}

static void test_random_readers_and_windows(void **state)
{
    (void)state;
    play(random_bodies);
}

// --- Failing memory ---

static void failing_memory(struct task *task)
{
    struct body *body = NULL;
    void *room;
    size_t size;
    for (uint64_t windows = 0; windows < 2; windows++) {
        fail_next_allocation();
        assert_null(body_create(100, windows * WINDOW, true));
        memory_fail_after(1);
        assert_null(body_create(100, windows * WINDOW, true));
    }
    fail_next_allocation();
    assert_null(body_from_bytes(SLICE("x")));
    body = body_create(UINT64_MAX, 0, false);
    struct body_reader reader;
    body_reader_open(&reader, body, 0);
    fail_next_allocation();
    assert_int_equal(body_room(task, body, NEVER_NS, &room, &size), ERROR_MEMORY);
    fail_next_allocation();
    assert_int_equal(body_append(task, body, SLICE("x"), NEVER_NS), ERROR_MEMORY);
    // It can go on, over as many chunks as that takes.
    assert_int_equal(body_append(task, body, slice_of(reference, 20 * KIB), NEVER_NS), ERROR_NONE);
    fail_next_allocation();
    body_finish(body, ERROR_NONE); // cannot give back what it does not use
    memory_fail_after(0);
    assert_int_equal(read_available(&reader), ERROR_CLOSED);
    assert_int_equal(reader.at, 20 * KIB);
    body_reader_close(&reader);
    body_reader_open(&reader, body, 0);
    assert_int_equal(read_available(&reader), ERROR_CLOSED);
    assert_int_equal(reader.at, 20 * KIB);
    body_reader_close(&reader);
    body_release(body);
}

static void test_failing_memory(void **state)
{
    (void)state;
    play(failing_memory);
}

// --- Crowds on threads ---

struct crowd {
    struct body *body;
    uint64_t size, step;
    enum error end;
    _Atomic uint64_t complete, lost;
};

struct crowd_reader {
    struct crowd *crowd;
    uint64_t from;
    unsigned pace; // yields so often between reads
};

static void writes(struct task *task, void *argument)
{
    struct crowd *crowd = argument;
    while (body_size(crowd->body) < crowd->size) {
        append(task, crowd->body, MINIMUM(crowd->step, crowd->size - body_size(crowd->body)));
        invariant(task_yield(task) == ERROR_NONE);
    }
    body_finish(crowd->body, crowd->end);
    body_release(crowd->body);
}

static void reads(struct task *task, void *argument)
{
    struct crowd_reader *self = argument;
    struct crowd *crowd = self->crowd;
    struct body_reader reader;
    struct slice bytes;
    enum error error;
    body_reader_open(&reader, crowd->body, self->from);
    body_release(crowd->body); // the one made for this task
    while (
        (error = body_reader_next(task, &reader, crew_patience_ns(task), &bytes)) == ERROR_NONE) {
        invariant(is_right(bytes, reader.at));
        for (unsigned i = 0; i < self->pace; i++)
            invariant(task_yield(task) == ERROR_NONE);
        invariant(is_right(bytes, reader.at)); // still valid
        body_reader_advance(&reader, bytes.size);
    }
    if (error == ERROR_LIMIT) {
        atomic_fetch_add(&crowd->lost, 1);
    } else {
        invariant(error == (crowd->end == ERROR_NONE ? ERROR_CLOSED : crowd->end));
        invariant(reader.at == crowd->size);
        atomic_fetch_add(&crowd->complete, 1);
    }
    body_reader_close(&reader);
}

static void run_crowd(struct crowd *crowd, struct body *body, unsigned threads, unsigned count)
{
    struct crew crew;
    struct crowd_reader *readers = memory_zero_alloc(count * sizeof(*readers));
    crowd->body = body;
    crew_begin(&crew, threads, count / threads + 2);
    for (unsigned i = 0; i < count; i++) {
        readers[i] = (struct crowd_reader){
            .crowd = crowd, .from = i % 3 == 0 ? 0 : i * 7919 % crowd->size, .pace = i % 5};
        body_reference(body);
        crew_add(&crew, i % threads, reads, &readers[i]);
    }
    crew_add(&crew, 0, writes, crowd);
    crew_run(&crew);
    assert_int_equal(atomic_load(&crowd->complete) + atomic_load(&crowd->lost), count);
    memory_free(readers);
}

static void test_many_readers_on_four_threads(void **state)
{
    (void)state;
    uint64_t expected[] = {1000 * KIB, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        struct crowd crowd = {.size = 1000 * KIB, .step = 9001};
        run_crowd(&crowd, body_create(expected[i], 0, false), 4, 200);
        assert_int_equal(atomic_load(&crowd.complete), 200);
    }
}

static void test_many_readers_of_a_body_that_breaks(void **state)
{
    (void)state;
    struct crowd crowd = {.size = 300 * KIB, .step = 5003, .end = ERROR_RESET};
    run_crowd(&crowd, body_create(UINT64_MAX, 0, false), 4, 100);
    assert_int_equal(atomic_load(&crowd.complete), 100);
}

static void test_many_readers_of_a_window_the_slowest_governing(void **state)
{
    (void)state;
    struct crowd crowd = {.size = 1000 * KIB, .step = 9001};
    run_crowd(&crowd, body_create(UINT64_MAX, WINDOW, false), 4, 60);
    // None is lost but those who came after the window had passed their place.
    assert_true(atomic_load(&crowd.complete) > 0);
}

static void test_many_readers_of_a_window_the_fastest_governing(void **state)
{
    (void)state;
    struct crowd crowd = {.size = 1000 * KIB, .step = 9001};
    run_crowd(&crowd, body_create(UINT64_MAX, WINDOW, true), 4, 60);
    assert_true(atomic_load(&crowd.complete) > 0);
}

static void test_ten_thousand_readers_of_one_growing_body(void **state)
{
    (void)state;
    struct crowd crowd = {.size = 48 * KIB, .step = 8000};
    run_crowd(&crowd, body_create(48 * KIB, 0, false), 2, 10000);
    assert_int_equal(atomic_load(&crowd.complete), 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_of_bytes),
        cmocka_unit_test(test_readers_see_each_byte_as_it_comes),
        cmocka_unit_test(test_an_empty_body),
        cmocka_unit_test(test_a_broken_body_gives_its_bytes_then_its_error),
        cmocka_unit_test(test_a_broken_body_says_why_if_it_was_told),
        cmocka_unit_test(test_waiting_ends_with_deadline_and_cancellation),
        cmocka_unit_test(test_a_full_window_that_nobody_reads_is_closed),
        cmocka_unit_test(test_the_fastest_reader_governs_and_laggards_are_told),
        cmocka_unit_test(test_the_slowest_reader_governs_where_none_may_leave),
        cmocka_unit_test(test_a_window_can_be_imposed_later),
        cmocka_unit_test(test_a_window_smaller_than_a_chunk),
        cmocka_unit_test(test_a_reader_ahead_of_the_end_is_waited_for_when_its_bytes_come),
        cmocka_unit_test(test_random_readers_and_windows),
        cmocka_unit_test(test_failing_memory),
        cmocka_unit_test(test_many_readers_on_four_threads),
        cmocka_unit_test(test_many_readers_of_a_body_that_breaks),
        cmocka_unit_test(test_many_readers_of_a_window_the_slowest_governing),
        cmocka_unit_test(test_many_readers_of_a_window_the_fastest_governing),
        cmocka_unit_test(test_ten_thousand_readers_of_one_growing_body),
    };
    return cmocka_run_group_tests(tests, fill_reference, NULL);
}
