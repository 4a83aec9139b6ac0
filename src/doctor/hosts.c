// Looks a name up in the hosts file, line by line: it may be large.
#include "doctor/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct slice next_word(struct slice *rest)
{
    size_t begin = 0, end;
    while (begin < rest->size && strchr(" \t\r\n", rest->data[begin]) != NULL)
        begin++;
    end = begin;
    while (end < rest->size && strchr(" \t\r\n", rest->data[end]) == NULL)
        end++;
    struct slice word = slice_of(rest->data + begin, end - begin);
    *rest = slice_of(rest->data + end, rest->size - end);
    return word;
}

static bool is_line_of(struct slice line, struct slice host, uint16_t port, int family,
    struct address *ret_address)
{
    struct address address;
    struct slice rest = line;
    if (address_parse_host(next_word(&rest), port, &address) != ERROR_NONE
        || (family != 0 && address.any.sa_family != family))
        return false;
    for (struct slice name = next_word(&rest); name.size > 0; name = next_word(&rest)) {
        if (slice_equal_nocase(name, host)) {
            *ret_address = address;
            return true;
        }
    }
    return false;
}

static enum error open_file(const char *path, FILE **ret_file)
{
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return errno == ENOENT ? ERROR_NOT_FOUND : ERROR_SYSTEM;
    FILE *file = NULL;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
        file = fdopen(descriptor, "re");
    if (file == NULL) {
        close(descriptor);
        return ERROR_SYSTEM;
    }
    *ret_file = file;
    return ERROR_NONE;
}

enum error hosts_find(const char *path, struct slice host, uint16_t port, int family,
    struct arena *arena, struct slice *ret_line, struct address *ret_address)
{
    char buffer[HOSTS_LINE_MAX];
    bool is_continued = false;
    struct address address;
    FILE *file = NULL;
    enum error error = open_file(path, &file);
    if (error != ERROR_NONE)
        return error;
    error = ERROR_NOT_FOUND;
    for (size_t total = 0; total < HOSTS_FILE_MAX && fgets(buffer, sizeof(buffer), file) != NULL;) {
        struct slice text = slice_from_string(buffer);
        bool is_beginning = !is_continued;
        total += MAXIMUM(text.size, 1);
        is_continued = text.size > 0 && text.data[text.size - 1] != '\n';
        struct slice line = slice_cut(&text, '#');
        if (!is_beginning || !is_line_of(line, host, port, family, &address))
            continue;
        while (line.size > 0 && strchr(" \t\r\n", line.data[line.size - 1]) != NULL)
            line.size--;
        struct slice copy = arena_copy(arena, slice_trim(line));
        error = copy.data == NULL ? ERROR_MEMORY : ERROR_NONE;
        if (error == ERROR_NONE) {
            *ret_line = copy;
            *ret_address = address;
        }
        break;
    }
    fclose(file);
    return error;
}
