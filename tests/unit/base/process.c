// Lists, memory with injected failures, locks, errors, status sets, invariants and the log.
#include "base/error.h"
#include "base/invariant.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/setting.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct element {
    int value;
    struct list link;
};

static void expect_list(struct list *list, const char *expected)
{
    char found[64] = "", *at = found;
    for (struct list *link = list->next; link != list; link = link->next) {
        assert_ptr_equal(link->next->previous, link);
        at += sprintf(at, "%d", LIST_ENTRY(link, struct element, link)->value);
    }
    assert_string_equal(found, expected);
}

static void test_lists(void **state)
{
    (void)state;
    struct list list, other;
    struct element elements[6];
    list_init(&list);
    list_init(&other);
    assert_true(list_is_empty(&list));
    list_move_all(&list, &other); // of nothing
    assert_true(list_is_empty(&list));
    for (int i = 0; i < 6; i++) {
        elements[i].value = i;
        list_init(&elements[i].link);
        list_remove(&elements[i].link); // on no list
    }
    list_append(&list, &elements[1].link);
    list_append(&list, &elements[2].link);
    list_prepend(&list, &elements[0].link);
    expect_list(&list, "012");
    for (int i = 3; i < 6; i++)
        list_append(&other, &elements[i].link);
    list_move_all(&list, &other);
    expect_list(&list, "012345");
    assert_true(list_is_empty(&other));
    LIST_FOREACH(link, &list) {
        if (LIST_ENTRY(link, struct element, link)->value % 2 == 0)
            list_remove(link);
    }
    expect_list(&list, "135");
    assert_true(list_is_empty(&elements[0].link));
}

static void test_the_nth_allocation_fails_once(void **state)
{
    (void)state;
    uint64_t before = memory_failures();
    memory_fail_after(2);
    char *first = memory_alloc(10), *second = memory_zero_alloc(10);
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal(second[9], 0);
    first[0] = 'x';
    assert_null(memory_resize(first, 100));
    assert_int_equal(first[0], 'x'); // the old block stays
    assert_int_equal(memory_failures(), before + 1);
    char *larger = memory_resize(first, 100); // only once
    assert_non_null(larger);
    assert_int_equal(larger[0], 'x');
    memory_free(larger);
    memory_free(second);
    memory_free(NULL);

    memory_fail_after(1);
    memory_fail_after(0);
    for (int i = 0; i < 5; i++) {
        void *memory = memory_alloc(1);
        assert_non_null(memory);
        memory_free(memory);
    }
    assert_int_equal(memory_failures(), before + 1);
}

static void test_locks_are_counted_per_thread(void **state)
{
    (void)state;
    struct lock a, b;
    lock_init(&a);
    lock_init(&b);
    assert_int_equal(lock_held_count(), 0);
    lock_acquire(&a);
    lock_acquire(&b);
    assert_int_equal(lock_held_count(), 2);
    lock_release(&a);
    assert_int_equal(lock_held_count(), 1);
    lock_release(&b);
    assert_int_equal(lock_held_count(), 0);
    lock_destroy(&a);
    lock_destroy(&b);
}

static void test_errors_have_texts(void **state)
{
    (void)state;
    for (int error = ERROR_NONE; error <= ERROR_SYSTEM; error++)
        assert_string_not_equal(error_text((enum error)error), "unknown error");
    assert_int_equal(error_from_errno(0), ERROR_NONE);
    assert_int_equal(error_from_errno(ECONNREFUSED), ERROR_REFUSED);
    assert_int_equal(error_from_errno(EADDRINUSE), ERROR_BUSY);
    assert_int_equal(error_from_errno(EMFILE), ERROR_LIMIT);
    assert_int_equal(error_from_errno(EIO), ERROR_SYSTEM);
}

static void test_a_status_set_knows_its_members(void **state)
{
    (void)state;
    struct setting_status_set set = {{0}};
    set.bits[0] = 1;                               // 100
    set.bits[(304 - 100) / 64] |= UINT64_C(1) << ((304 - 100) % 64);
    set.bits[9] = UINT64_C(1) << 63;               // 739
    for (unsigned status = 0; status < 2000; status++)
        assert_int_equal(setting_status_set_has(&set, status),
            status == 100 || status == 304 || status == 739);
    assert_false(setting_status_set_has(&set, UINT32_MAX));
}

// Forks, runs it with stderr in a pipe, and returns what it wrote there.
static int run_apart(void (*run)(void), char *output, size_t size)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        run();
        _exit(0);
    }
    close(ends[1]);
    size_t got = 0;
    for (ssize_t count = 1; got < size - 1 && count > 0; got += (size_t)count) {
        count = read(ends[0], output + got, size - 1 - got);
        assert_true(count >= 0);
    }
    output[got] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void dump(int descriptor)
{
    dprintf(descriptor, "working on: a test\n");
}

static void break_invariant(void)
{
    invariant_set_dump(dump);
    invariant(1 + 1 == 2);
    invariant(1 + 1 == 3);
}

static void test_a_broken_invariant_says_where_and_aborts(void **state)
{
    (void)state;
    char output[1024];
    int status = run_apart(break_invariant, output, sizeof(output));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(output, "invariant failed: 1 + 1 == 3 ("));
    assert_non_null(strstr(output, "working on: a test\n"));
}

static int64_t fixed_clock(void *context)
{
    (void)context;
    return INT64_C(784111777123); // the time of the example in RFC 9110 section 5.6.7
}

static void write_log(void)
{
    log_set_clock(fixed_clock, NULL);
    log_write(LOG_DEBUG, "test", "below the lowest level");
    log_write(LOG_WARNING, "test", "one line\r\nwhatever=%s", "a\nb");
    log_write(LOG_ERROR, "test", "%03000d", 1);
}

static void test_log_lines_are_whole(void **state)
{
    (void)state;
    char output[8192];
    assert_int_equal(run_apart(write_log, output, sizeof(output)), 0);
    static const char first[] = "1994-11-06T08:49:37.123Z warning test one line  whatever=a b\n";
    assert_memory_equal(output, first, sizeof(first) - 1);
    const char *second = output + sizeof(first) - 1;
    assert_ptr_equal(strchr(second, '\n'), second + strlen(second) - 1);
    assert_true(strlen(second) < 2100);
}

static size_t read_back(const char *path, char *output, size_t size)
{
    int descriptor = open(path, O_RDONLY);
    ssize_t got = descriptor < 0 ? 0 : read(descriptor, output, size - 1);
    if (descriptor >= 0)
        close(descriptor);
    output[got < 0 ? 0 : got] = '\0';
    return (size_t)MAXIMUM(got, 0);
}

static void test_a_rotated_log_is_reopened(void **state)
{
    (void)state;
    char folder[] = "/tmp/afloat-log-XXXXXX", path[64], moved[64], output[256];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/log", folder);
    snprintf(moved, sizeof(moved), "%s/log.1", folder);
    assert_int_equal(log_open("/nonexistent/log", LOG_INFO), ERROR_NOT_FOUND);
    assert_int_equal(log_open(path, LOG_DEBUG), ERROR_NONE);
    assert_true(log_would_write(LOG_DEBUG));
    log_write(LOG_DEBUG, "test", "before");
    assert_int_equal(rename(path, moved), 0);
    log_write(LOG_INFO, "test", "between");
    assert_int_equal(log_reopen(), ERROR_NONE);
    log_write(LOG_INFO, "test", "after");
    assert_int_equal(log_open(NULL, LOG_INFO), ERROR_NONE);
    assert_false(log_would_write(LOG_DEBUG));
    assert_true(read_back(moved, output, sizeof(output)) > 0);
    assert_non_null(strstr(output, "debug test before\n"));
    assert_non_null(strstr(output, "info test between\n"));
    assert_true(read_back(path, output, sizeof(output)) > 0);
    assert_null(strstr(output, "between"));
    assert_non_null(strstr(output, "info test after\n"));
    unlink(path);
    unlink(moved);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_the_nth_allocation_fails_once),
        cmocka_unit_test(test_locks_are_counted_per_thread),
        cmocka_unit_test(test_errors_have_texts),
        cmocka_unit_test(test_a_status_set_knows_its_members),
        cmocka_unit_test(test_a_broken_invariant_says_where_and_aborts),
        cmocka_unit_test(test_log_lines_are_whole),
        cmocka_unit_test(test_a_rotated_log_is_reopened),
    };
    return cmocka_run_group_tests_name("base.process", tests, NULL, NULL);
}
