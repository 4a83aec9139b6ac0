// Users, limits and the service manager.
#include "main/system.h"
#include "admin/control.h"
#include "base/clock.h"
#include "base/slice.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct passwd *find_user(const char *user)
{
    struct passwd *entry = getpwnam(user);
    if (entry == NULL)
        fprintf(stderr, "afloat: there is no user \"%s\" on this machine; see the setting `user`\n",
            user);
    return entry;
}

bool system_become(const char *user)
{
    struct passwd *entry = find_user(user);
    if (entry == NULL)
        return false;
    if (geteuid() == entry->pw_uid)
        return true;
    if (initgroups(user, entry->pw_gid) == 0 && setgid(entry->pw_gid) == 0
        && setuid(entry->pw_uid) == 0)
        return true;
    fprintf(stderr, "afloat: cannot become the user \"%s\": %s\n", user, strerror(errno));
    return false;
}

static bool cannot_give(const char *user, const char *path)
{
    fprintf(stderr, "afloat: cannot give %s to the user \"%s\": %s\n", path, user, strerror(errno));
    return false;
}

// A directory with anything else in it, such as /tmp, serves others too and keeps its owner.
static bool is_ours_alone(DIR *stream)
{
    for (struct dirent *file; (file = readdir(stream)) != NULL;) {
        if (strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0
            && strcmp(file->d_name, CONTROL_SOCKET_NAME) != 0
            && strcmp(file->d_name, "store") != 0) // of the cache, see keep.c
            return false;
    }
    return true;
}

bool system_give_socket(const char *user, const char *directory)
{
    struct passwd *entry = find_user(user);
    if (entry == NULL)
        return false;
    DIR *stream = opendir(directory);
    if (stream == NULL)
        return cannot_give(user, directory);
    bool good = fchownat(dirfd(stream), CONTROL_SOCKET_NAME, entry->pw_uid, entry->pw_gid,
                    AT_SYMLINK_NOFOLLOW) == 0
        && (!is_ours_alone(stream) || fchown(dirfd(stream), entry->pw_uid, entry->pw_gid) == 0);
    if (!good)
        cannot_give(user, directory);
    closedir(stream);
    return good;
}

// Of the folder itself, and of plain files in it that nobody else has a name for.
static bool give_files(DIR *stream, const struct passwd *entry)
{
    bool good = fchown(dirfd(stream), entry->pw_uid, entry->pw_gid) == 0;
    for (struct dirent *file; good && (file = readdir(stream)) != NULL;) {
        struct stat status;
        if (fstatat(dirfd(stream), file->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0
            && S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_uid == geteuid())
            good = fchownat(dirfd(stream), file->d_name, entry->pw_uid, entry->pw_gid,
                AT_SYMLINK_NOFOLLOW) == 0;
    }
    return good;
}

bool system_give_folder(const char *user, const char *path)
{
    struct passwd *entry = find_user(user);
    struct stat status;
    if (entry == NULL)
        return false;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return true; // the store will say so, and can do without
    DIR *stream = opendir(path);
    if (stream == NULL)
        return true;
    bool is_ours = fstat(dirfd(stream), &status) == 0 && status.st_uid == geteuid();
    bool good = !is_ours || give_files(stream, entry) || cannot_give(user, path);
    closedir(stream);
    return good;
}

bool system_give_log(const char *user, const char *path)
{
    struct passwd *entry = find_user(user);
    if (entry == NULL)
        return false;
    struct stat status;
    int descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0)
        return true; // a link, such as /dev/stderr; it is open already
    bool is_ours = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)
        && status.st_nlink == 1 && status.st_uid == geteuid();
    bool good = !is_ours || fchown(descriptor, entry->pw_uid, entry->pw_gid) == 0
        || cannot_give(user, path);
    close(descriptor);
    return good;
}

void system_raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); // fewer connections, if it fails; the accept path copes
}

uint64_t system_descriptors_left(void)
{
    struct rlimit limit;
    DIR *stream = opendir("/proc/self/fd");
    if (stream == NULL)
        return 0;
    uint64_t used = 0;
    while (readdir(stream) != NULL)
        used++;
    closedir(stream);
    used = used > 3 ? used - 3 : 0; // ".", ".." and the directory itself
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return 0;
    return limit.rlim_cur > used ? limit.rlim_cur - used : 1;
}

// The first number in the file; UINT64_MAX if there is none, such as "max".
static uint64_t read_number(const char *path)
{
    char buffer[32];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = descriptor < 0 ? -1 : read(descriptor, buffer, sizeof(buffer));
    uint64_t number = UINT64_MAX;
    if (descriptor >= 0)
        close(descriptor);
    if (size <= 0 || !slice_parse_u64(slice_trim(slice_of(buffer, (size_t)size)), UINT64_MAX - 1,
            &number))
        return UINT64_MAX;
    return number;
}

// Of version 2 of control groups: "0::/system.slice/afloat.service".
static uint64_t group_limit(void)
{
    char buffer[1024], path[1200];
    int descriptor = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
    ssize_t size = descriptor < 0 ? -1 : read(descriptor, buffer, sizeof(buffer));
    if (descriptor >= 0)
        close(descriptor);
    struct slice rest = slice_of(buffer, size > 0 ? (size_t)size : 0);
    uint64_t limit = UINT64_MAX;
    while (rest.size > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (!slice_starts_with(line, SLICE("0::")))
            continue;
        snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s/memory.max", (int)(line.size - 3),
            line.data + 3);
        limit = read_number(path);
    }
    return limit;
}

uint64_t system_memory_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t machine = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    uint64_t group = group_limit();
    if (group == UINT64_MAX)
        group = read_number("/sys/fs/cgroup/memory.max"); // of a container's own
    return machine == 0 || group < machine ? (group == UINT64_MAX ? 0 : group) : machine;
}

uint64_t system_memory_used(int statm)
{
    char buffer[128];
    uint64_t pages = 0;
    long page = sysconf(_SC_PAGESIZE);
    ssize_t size = pread(statm, buffer, sizeof(buffer), 0);
    struct slice rest = slice_of(buffer, size > 0 ? (size_t)size : 0);
    slice_cut(&rest, ' '); // all of it, then what of it is in memory
    if (page <= 0 || !slice_parse_u64(slice_cut(&rest, ' '), UINT64_MAX / 65536, &pages))
        return 0;
    return pages * (uint64_t)page;
}

void system_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0'; // abstract namespace
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return;
    char text[128];
    // systemd wants the time with RELOADING (sd_notify(3)); it does no harm with the others.
    int size = snprintf(text, sizeof(text), "%s\nMONOTONIC_USEC=%" PRIu64, state, clock_now_us());
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    ssize_t sent = sendto(descriptor, text, (size_t)size, MSG_NOSIGNAL, (struct sockaddr *)&address,
        length);
    (void)sent; // nobody is left to tell
    close(descriptor);
}
