// Where the control socket is looked for, and what is given to the user to become.
#include "main/process.h"
#include "main/system.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void looks_in(const char *expected)
{
    char buffer[256];
    assert_true(state_directory(SLICE_EMPTY, buffer, sizeof(buffer)));
    assert_string_equal(buffer, expected);
}

static void test_a_unit_and_root_agree_on_the_directory(void **state)
{
    (void)state;
    char buffer[256];
    // systemd runs the unit as another user, and whoever asks for its status is root.
    setenv("HOME", "/var/lib/afloat", 1);
    unsetenv("XDG_STATE_HOME");
    setenv("STATE_DIRECTORY", "/var/lib/afloat", 1);
    looks_in("/var/lib/afloat");
    setenv("STATE_DIRECTORY", "/var/lib/afloat:/var/lib/other", 1);
    looks_in("/var/lib/afloat");
    assert_true(state_directory(SLICE("/named"), buffer, sizeof(buffer)));
    assert_string_equal(buffer, "/named");
    unsetenv("STATE_DIRECTORY");
    looks_in(geteuid() == 0 ? "/var/lib/afloat" : "/var/lib/afloat/.local/state/afloat");
}

static uid_t owner_of(const char *path)
{
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status.st_uid;
}

static void make_file(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static void test_the_user_gets_the_log_and_the_socket_and_no_more(void **state)
{
    (void)state;
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() != 0 || nobody == NULL)
        skip(); // only root can give files away
    const uid_t user = nobody->pw_uid;
    char directory[] = "/tmp/afloat.XXXXXX", log[64], link[64], control_socket[64];
    assert_non_null(mkdtemp(directory));
    snprintf(log, sizeof(log), "%s/log", directory);
    snprintf(link, sizeof(link), "%s/link", directory);
    snprintf(control_socket, sizeof(control_socket), "%s/control.sock", directory);

    make_file(control_socket);
    assert_true(system_give_socket("nobody", directory));
    assert_int_equal(owner_of(control_socket), user);
    assert_int_equal(owner_of(directory), user);

    // With something else in it, the directory serves others too.
    assert_int_equal(chown(directory, 0, 0), 0);
    make_file(log);
    assert_true(system_give_socket("nobody", directory));
    assert_int_equal(owner_of(directory), 0);
    assert_int_equal(owner_of(log), 0);

    assert_int_equal(symlink(log, link), 0);
    assert_true(system_give_log("nobody", link));
    assert_int_equal(owner_of(log), 0);
    assert_true(system_give_log("nobody", log));
    assert_int_equal(owner_of(log), user);

    unlink(link);
    unlink(log);
    unlink(control_socket);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_unit_and_root_agree_on_the_directory),
        cmocka_unit_test(test_the_user_gets_the_log_and_the_socket_and_no_more),
    };
    return cmocka_run_group_tests_name("main.load", tests, NULL, NULL);
}
