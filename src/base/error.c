// Names of errors, and the mapping from errno.
#include "base/error.h"

#include <errno.h>

const char *error_text(enum error error)
{
    switch (error) {
#define X(name, text)                                                                              \
    case ERROR_##name:                                                                             \
        return text;
        ERROR_MAP(X)
#undef X
    }
    return "unknown error";
}

enum error error_from_errno(int number)
{
    switch (number) {
    case 0: return ERROR_NONE;
    case ENOMEM: case ENOBUFS: return ERROR_MEMORY;
    case EMFILE: case ENFILE: case EAGAIN: return ERROR_LIMIT;
    case ETIMEDOUT: return ERROR_TIMEOUT;
    case ECONNRESET: case EPIPE: case ECONNABORTED: return ERROR_RESET;
    case ECONNREFUSED: return ERROR_REFUSED;
    case ENETUNREACH: case EHOSTUNREACH: case EADDRNOTAVAIL: case ENETDOWN:
        return ERROR_UNREACHABLE;
    case EINVAL: return ERROR_INVALID;
    case ENOENT: return ERROR_NOT_FOUND;
    case EADDRINUSE: case EBUSY: case EEXIST: return ERROR_BUSY;
    case EACCES: case EPERM: return ERROR_DENIED;
    default: return ERROR_SYSTEM;
    }
}
