// A process that is killed at any moment keeps nothing to itself: what happened is in the house's
// own database, and the next process tells it, once.
#define NOTIFY_REAL_DATABASE
#include "notify_fixture.h"

#include <ftw.h>
#include <signal.h>
#include <sys/wait.h>

static struct desk desk;
static struct peer mail;
static char directory[64];
static char path[128];

static int begin(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/afloat-courier-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/status.db", directory);
    return 0;
}

static int remove_one(const char *name, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(name);
}

static int end(void **state)
{
    (void)state;
    return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void open_all(int64_t now_ms)
{
    char buffer[300];
    struct text why = text_in(buffer, sizeof(buffer));
    desk_init(&desk);
    atomic_store(&desk.now_ms, now_ms);
    invariant(database_open(path, &why, &desk.database) == ERROR_NONE);
    desk_use_mail(&desk, &mail);
    desk_add_operator(&desk, "ops@acme.test");
    desk_open(&desk);
}

// In a process of its own, which is killed once the disk has what the query counts.
static void crash_with(const char *query, int64_t pass_ms)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        mail.port = 1; // nobody is there
        open_all(NOW);
        desk_tell(&desk, "inc1", INCIDENT_INVESTIGATING);
        desk_pass(&desk, pass_ms);
        while (database_number(desk.database, query) != 1)
            usleep(5000);
        invariant(write(ready[1], "x", 1) == 1);
        for (;;)
            pause();
    }
    assert_true(child > 0);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void is_told_once(void)
{
    peer_start(&mail, smtp_serve, NULL);
    open_all(NOW + 60000);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    desk_free(&desk);
    open_all(NOW + 120000);
    desk_tell(&desk, "inc2", INCIDENT_INVESTIGATING);
    desk_pass(&desk, DIGEST_SETTLE_MS);
    desk_wait(&desk, counts.sent == 1 && counts.queued == 0);
    desk_free(&desk);
    assert_int_equal(mail.taken_count, 2);
    assert_non_null(strstr(mail.taken[0].bytes, "incident/inc1"));
    assert_null(strstr(mail.taken[1].bytes, "incident/inc1"));
    peer_stop(&mail);
}

static void test_killed_before_it_is_a_message(void **state)
{
    (void)state;
    crash_with("SELECT count(*) FROM delivery_notices", 0);
    is_told_once();
}

static void test_killed_before_it_is_sent(void **state)
{
    (void)state;
    crash_with("SELECT count(*) FROM deliveries", DIGEST_SETTLE_MS);
    is_told_once();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_killed_before_it_is_a_message),
        TEST(test_killed_before_it_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
