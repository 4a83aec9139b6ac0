// The outbox on disk: wherever the process dies, what was accepted is there, what may have been
// sent is not taken for unsent, and what was answered is over. Damage is noticed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/memory.h"
#include "edge/outbox/outbox_inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID "00112233445566778899aabbccddeeff"
#define OTHER_ID "ffeeddccbbaa99887766554433221100"
#define CONTENT "the content"

// --- Steps that change the disk for good; the process dies before one of them ---

static unsigned steps_left; // 0: it lives

static void step(void)
{
    if (steps_left > 0 && --steps_left == 0)
        _exit(7);
}

int fsync(int descriptor)
{
    step();
    return (int)syscall(SYS_fsync, descriptor);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    step();
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 0);
}

int unlinkat(int directory, const char *name, int flags)
{
    step();
    return (int)syscall(SYS_unlinkat, directory, name, flags);
}

// --- A directory for each test ---

static char directory[64];
static struct outbox_settings settings;

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/afloat-outbox-XXXXXX");
    assert_non_null(mkdtemp(directory));
    settings = (struct outbox_settings){.directory = slice_from_string(directory), .writes = 100,
        .size = 1000000, .age_ms = 1000, .keep_ms = 5000, .deliveries = 2};
    return 0;
}

static unsigned clear(bool removes)
{
    unsigned count = 0;
    DIR *stream = opendir(directory);
    const struct dirent *file;
    while (stream != NULL && (file = readdir(stream)) != NULL) {
        count += file->d_name[0] != '.';
        if (removes && file->d_name[0] != '.')
            unlinkat(dirfd(stream), file->d_name, 0);
    }
    closedir(stream);
    return count;
}

static int remove_directory(void **state)
{
    (void)state;
    clear(true);
    rmdir(directory);
    return 0;
}

static struct outbox *open_outbox(void)
{
    struct outbox *outbox = NULL;
    assert_int_equal(outbox_open(&settings, &outbox), ERROR_NONE);
    return outbox;
}

static struct outbox_write sample(bool repeatable, uint64_t sequence)
{
    struct outbox_write write = {.state = OUTBOX_QUEUED, .repeatable = repeatable,
        .sequence = sequence, .accepted_ms = 1000, .content_size = sizeof(CONTENT) - 1,
        .content_checksum = outbox_format_checksum(0, SLICE(CONTENT))};
    for (size_t i = 0; i < OUTBOX_TEXTS; i++)
        write.texts[i] = SLICE("text");
    write.texts[OUTBOX_TEXT_location] = SLICE("");
    write.texts[OUTBOX_TEXT_fields] = SLICE("Cookie: secret\r\n");
    return write;
}

static void accept_write(const char *id, const struct outbox_write *write)
{
    int place = open(directory, O_RDONLY | O_DIRECTORY), file = -1;
    char head[1024];
    size_t size = outbox_format_size(write);
    assert_true(size > 0 && size < sizeof(head));
    outbox_format_write(write, head);
    assert_int_equal(outbox_store_create(place, id, &file), ERROR_NONE);
    assert_int_equal(outbox_store_write(file, size, SLICE(CONTENT)), ERROR_NONE);
    assert_int_equal(outbox_store_write(file, 0, slice_of(head, size)), ERROR_NONE);
    assert_int_equal(outbox_store_publish(place, id, file), ERROR_NONE);
    close(file);
    close(place);
}

static struct outbox_view view_of(struct outbox *outbox, const char *id)
{
    struct outbox_view view;
    assert_true(outbox_find(outbox, slice_from_string(id), &view));
    return view;
}

static bool may(void *context, const struct outbox_entry *entry)
{
    (void)context;
    (void)entry;
    return true;
}

// --- Dying at each step ---

// What had been reached, told through a pipe.
enum { ACCEPTED = 'a', SENT = 's', OVER = 'o' };

static void live(int tell, bool repeatable)
{
    struct outbox_write write = sample(repeatable, 1);
    struct outbox_write over = {.state = OUTBOX_DELIVERED, .status = 201, .over_ms = 2000};
    struct outbox *outbox = open_outbox();
    outbox_close(outbox);
    accept_write(ID, &write);
    dprintf(tell, "%c", ACCEPTED);
    outbox = open_outbox();
    struct outbox_entry *entry = outbox_claim_next(outbox, may, NULL);
    assert_non_null(entry);
    assert_int_equal(outbox_note_state(outbox, entry, OUTBOX_SENDING), ERROR_NONE);
    dprintf(tell, "%c", SENT);
    assert_int_equal(outbox_note_end(outbox, entry, &over), ERROR_NONE);
    dprintf(tell, "%c", OVER);
    outbox_settle(outbox, entry, OUTBOX_DELIVERED, &over, "");
    outbox_close(outbox);
}

// True if it lived to the end.
static bool live_for(unsigned steps, bool repeatable, char *reached)
{
    int ends[2], status;
    char told[8];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        steps_left = steps;
        live(ends[1], repeatable);
        _exit(0);
    }
    close(ends[1]);
    ssize_t size = read(ends[0], told, sizeof(told));
    for (ssize_t got = size; got > 0 && size < (ssize_t)sizeof(told);) {
        got = read(ends[0], told + size, sizeof(told) - (size_t)size);
        size += got;
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 7));
    *reached = size <= 0 ? '\0' : told[size - 1];
    return WEXITSTATUS(status) == 0;
}

static void check_after(char reached, bool repeatable)
{
    struct outbox *outbox = open_outbox();
    struct outbox_view view = {.state = OUTBOX_QUEUED};
    bool is_there = outbox_find(outbox, SLICE(ID), &view);
    assert_true(is_there || reached == '\0');
    if (reached == SENT && !repeatable) // sent, and nobody knows; or just noted that it is over
        assert_true(view.state == OUTBOX_UNKNOWN || view.state == OUTBOX_DELIVERED);
    if (reached == SENT && repeatable)
        assert_true(view.state == OUTBOX_QUEUED || view.state == OUTBOX_DELIVERED);
    if (reached == OVER)
        assert_int_equal(view.state, OUTBOX_DELIVERED);
    if (view.state == OUTBOX_DELIVERED)
        assert_int_equal(view.status, 201);
    outbox_close(outbox);
    assert_int_equal(clear(false), is_there); // and nothing is left lying about
}

static void dying_at_any_step(bool repeatable)
{
    bool lived = false;
    unsigned seen_queued = 0, steps = 0;
    while (!lived) {
        char reached;
        lived = live_for(++steps, repeatable, &reached);
        seen_queued += reached == ACCEPTED;
        check_after(reached, repeatable);
        clear(true);
    }
    assert_true(steps > 8);
    assert_true(seen_queued > 0);
}

static void nothing_is_lost_or_doubled_wherever_it_dies(void **state)
{
    (void)state;
    dying_at_any_step(false);
}

static void what_the_origin_tells_apart_is_sent_again(void **state)
{
    (void)state;
    dying_at_any_step(true);
}

// --- What is found at the start ---

static void order_survives(void **state)
{
    (void)state;
    struct outbox_write second = sample(false, 8), first = sample(false, 7);
    accept_write(ID, &second);
    accept_write(OTHER_ID, &first);
    struct outbox *outbox = open_outbox();
    struct outbox_view views[2];
    assert_int_equal(outbox_list(outbox, false, views, 2), 2);
    assert_string_equal(views[0].id, OTHER_ID);
    assert_true(outbox_has_waiting(outbox, SLICE("text"), SLICE("text")));
    assert_false(outbox_has_waiting(outbox, SLICE("text"), SLICE("other")));
    struct outbox_entry *entry = outbox_claim_next(outbox, may, NULL);
    assert_memory_equal(entry->id, OTHER_ID, OUTBOX_ID_SIZE);
    assert_null(outbox_claim_next(outbox, may, NULL)); // it is not the other's turn
    assert_int_equal(outbox_drop(outbox, SLICE(OTHER_ID), 1), ERROR_BUSY);
    outbox_settle(outbox, entry, OUTBOX_QUEUED, NULL, "no answer");
    assert_string_equal(view_of(outbox, OTHER_ID).why, "no answer");
    assert_true(outbox->next_sequence == 9);
    outbox_close(outbox);
}

static void a_directory_has_one_edge(void **state)
{
    (void)state;
    struct outbox *outbox = open_outbox(), *second;
    assert_int_equal(outbox_open(&settings, &second), ERROR_BUSY);
    outbox_close(outbox);
    settings.directory = SLICE("/nowhere/at/all");
    assert_int_equal(outbox_open(&settings, &second), ERROR_NOT_FOUND);
}

static void damage_is_set_aside(void **state)
{
    (void)state;
    struct outbox_write write = sample(false, 1);
    accept_write(ID, &write);
    char path[160];
    snprintf(path, sizeof(path), "%s/" ID ".queued", directory);
    int file = open(path, O_RDWR);
    assert_int_equal(pwrite(file, "X", 1, OUTBOX_HEAD_SIZE + 2), 1);
    close(file);
    struct outbox *outbox = open_outbox();
    struct outbox_view view;
    assert_false(outbox_find(outbox, SLICE(ID), &view));
    outbox_close(outbox);
    snprintf(path, sizeof(path), "%s/" ID ".damaged", directory);
    assert_int_equal(access(path, F_OK), 0);
}

static void content_is_checked_before_it_is_sent(void **state)
{
    (void)state;
    struct outbox_write write = sample(false, 1), read;
    int place = open(directory, O_RDONLY | O_DIRECTORY), file;
    char *memory, path[160];
    accept_write(ID, &write);
    assert_int_equal(outbox_store_read(place, ID, OUTBOX_QUEUED, &read, &memory, &file),
        ERROR_NONE);
    assert_int_equal(outbox_store_verify(file, &read), ERROR_NONE);
    snprintf(path, sizeof(path), "%s/" ID ".queued", directory);
    assert_int_equal(truncate(path, (off_t)outbox_format_size(&read) + 3), 0);
    assert_int_equal(outbox_store_verify(file, &read), ERROR_PROTOCOL);
    close(file);
    memory_free(memory);
    close(place);
}

static void files_are_nobody_elses(void **state)
{
    (void)state;
    struct outbox_write write = sample(false, 1);
    struct stat status;
    char path[160];
    mode_t mask = umask(0);
    accept_write(ID, &write);
    umask(mask);
    snprintf(path, sizeof(path), "%s/" ID ".queued", directory);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

// --- The operator, and time ---

static void the_operator_decides(void **state)
{
    (void)state;
    struct outbox_write write = sample(false, 1);
    accept_write(ID, &write);
    struct outbox *outbox = open_outbox();
    assert_int_equal(outbox_retry(outbox, SLICE("nothing")), ERROR_NOT_FOUND);
    assert_int_equal(outbox_retry(outbox, SLICE(ID)), ERROR_INVALID);
    struct outbox_entry *entry = outbox_claim_next(outbox, may, NULL);
    assert_int_equal(outbox_note_state(outbox, entry, OUTBOX_UNKNOWN), ERROR_NONE);
    outbox_settle(outbox, entry, OUTBOX_UNKNOWN, NULL, "cut");
    assert_null(outbox_claim_next(outbox, may, NULL));
    assert_int_equal(outbox_retry(outbox, SLICE(ID)), ERROR_NONE);
    assert_int_equal(view_of(outbox, ID).state, OUTBOX_QUEUED);
    assert_int_equal(outbox_drop(outbox, SLICE(ID), 3000), ERROR_NONE);
    assert_int_equal(view_of(outbox, ID).state, OUTBOX_DROPPED);
    assert_false(outbox_has_waiting(outbox, SLICE("text"), SLICE("text")));
    struct outbox_statistics statistics;
    outbox_read_statistics(outbox, &statistics);
    assert_int_equal(statistics.dropped, 1);
    assert_int_equal(statistics.queued + statistics.unknown + statistics.sending, 0);
    outbox_close(outbox);
    outbox = open_outbox();
    assert_int_equal(view_of(outbox, ID).state, OUTBOX_DROPPED); // his page says so still
    assert_int_equal(outbox_drop(outbox, SLICE(ID), 3000), ERROR_NONE);
    outbox_read_statistics(outbox, &statistics);
    assert_true(statistics.writes == 0 && statistics.bytes == 0);
    outbox_close(outbox);
    assert_int_equal(clear(false), 0);
}

static void what_is_over_keeps_no_secret(void **state)
{
    (void)state;
    struct outbox_write write = sample(false, 1);
    struct outbox_write over = {.state = OUTBOX_REFUSED, .status = 422, .over_ms = 2000};
    accept_write(ID, &write);
    struct outbox *outbox = open_outbox();
    struct outbox_entry *entry = outbox_claim_next(outbox, may, NULL);
    assert_int_equal(outbox_note_end(outbox, entry, &over), ERROR_NONE);
    outbox_settle(outbox, entry, OUTBOX_REFUSED, &over, "");
    outbox_close(outbox);
    char path[160], bytes[2048];
    snprintf(path, sizeof(path), "%s/" ID ".over", directory);
    int file = open(path, O_RDONLY);
    ssize_t size = read(file, bytes, sizeof(bytes));
    close(file);
    assert_true(size > 0);
    assert_null(memmem(bytes, (size_t)size, "secret", 6));
    assert_null(memmem(bytes, (size_t)size, CONTENT, sizeof(CONTENT) - 1));
}

static void time_gives_up_and_forgets(void **state)
{
    (void)state;
    struct outbox_write write = sample(false, 1); // accepted at 1000, age 1000, kept for 5000
    struct outbox_write over = {.state = OUTBOX_EXPIRED, .over_ms = 2001};
    accept_write(ID, &write);
    struct outbox *outbox = open_outbox();
    assert_null(outbox_claim_spent(outbox, 2000));
    struct outbox_entry *entry = outbox_claim_spent(outbox, 2001);
    assert_non_null(entry);
    assert_null(outbox_claim_spent(outbox, 2001)); // it is claimed
    assert_int_equal(outbox_note_end(outbox, entry, &over), ERROR_NONE);
    outbox_settle(outbox, entry, OUTBOX_EXPIRED, &over, "");
    assert_null(outbox_claim_spent(outbox, 7001));
    assert_ptr_equal(outbox_claim_spent(outbox, 7002), entry);
    outbox_close(outbox);
}

// --- The format ---

static void a_changed_bit_is_noticed(void **state)
{
    (void)state;
    struct outbox_write write = sample(true, 42), read;
    char bytes[1024];
    size_t size = outbox_format_size(&write);
    outbox_format_write(&write, bytes);
    assert_int_equal(outbox_format_measure(slice_of(bytes, size)), size);
    assert_true(outbox_format_read(slice_of(bytes, size), &read));
    assert_true(read.sequence == 42 && read.repeatable
        && slice_equal(outbox_text(&read, OUTBOX_TEXT_fields), SLICE("Cookie: secret\r\n")));
    for (size_t i = 0; i < size; i++) {
        assert_false(outbox_format_read(slice_of(bytes, i), &read));
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] = (char)(bytes[i] ^ 1 << bit);
            assert_false(outbox_format_read(slice_of(bytes, size), &read));
            bytes[i] = (char)(bytes[i] ^ 1 << bit);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_lost_or_doubled_wherever_it_dies),
        TEST(what_the_origin_tells_apart_is_sent_again),
        TEST(order_survives),
        TEST(a_directory_has_one_edge),
        TEST(damage_is_set_aside),
        TEST(content_is_checked_before_it_is_sent),
        TEST(files_are_nobody_elses),
        TEST(the_operator_decides),
        TEST(what_is_over_keeps_no_secret),
        TEST(time_gives_up_and_forgets),
        TEST(a_changed_bit_is_noticed),
    };
    if (log_open("/dev/null", LOG_ERROR) != ERROR_NONE)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
