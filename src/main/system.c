// Users, limits and the service manager.
#include "main/system.h"
#include "admin/clock.h"

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

bool system_give_to(const char *user, const char *directory)
{
    struct passwd *entry = find_user(user);
    if (entry == NULL)
        return false;
    DIR *stream = opendir(directory);
    bool good = stream != NULL && chown(directory, entry->pw_uid, entry->pw_gid) == 0;
    for (struct dirent *file; good && (file = readdir(stream)) != NULL;) {
        if (strcmp(file->d_name, "..") != 0 && file->d_name[0] != '.')
            good = fchownat(dirfd(stream), file->d_name, entry->pw_uid, entry->pw_gid,
                AT_SYMLINK_NOFOLLOW) == 0;
    }
    if (!good)
        fprintf(stderr, "afloat: cannot give %s to the user \"%s\": %s\n", directory, user,
            strerror(errno));
    if (stream != NULL)
        closedir(stream);
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
