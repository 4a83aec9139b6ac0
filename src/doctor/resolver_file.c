// Reads the lines "nameserver ADDRESS".
#include "doctor/resolver_file.h"

#include <fcntl.h>
#include <unistd.h>

#define FILE_SIZE_MAX 8192 // what stands beyond it is not looked at
#define PORT_DNS 53

static bool is_loopback(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

static bool take_line(struct slice line, const struct address *except, struct address *ret_address)
{
    struct address address, other = *except;
    struct slice name = SLICE("nameserver");
    struct slice rest = slice_trim(line);
    if (!slice_starts_with(rest, name))
        return false;
    rest = slice_of(rest.data + name.size, rest.size - name.size);
    struct slice value = slice_trim(rest);
    size_t size = 0;
    while (size < value.size && strchr(" \t\r#;", value.data[size]) == NULL)
        size++;
    address_set_port(&other, PORT_DNS);
    if (value.size == rest.size // no blank between them
        || address_parse_host(slice_of(value.data, size), PORT_DNS, &address) != ERROR_NONE
        || is_loopback(&address) || address_equal(&address, &other))
        return false;
    *ret_address = address;
    return true;
}

enum error resolver_file_first(const char *path, const struct address *except,
    struct address *ret_address)
{
    char bytes[FILE_SIZE_MAX];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return ERROR_NOT_FOUND;
    ssize_t size = read(descriptor, bytes, sizeof(bytes));
    close(descriptor);
    struct slice rest = slice_of(bytes, size > 0 ? (size_t)size : 0);
    while (rest.size > 0) {
        if (take_line(slice_cut(&rest, '\n'), except, ret_address))
            return ERROR_NONE;
    }
    return ERROR_NOT_FOUND;
}
