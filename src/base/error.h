// Errors are values: zero is success, everything else says what went wrong in the world.
// A function that can fail returns one and leaves its ret_ outputs untouched on failure.
#pragma once

#include "base/base.h"

#define ERROR_MAP(X)                                                                               \
    X(NONE, "no error")                                                                            \
    X(MEMORY, "out of memory")                                                                     \
    X(LIMIT, "a limit was reached")                                                                \
    X(TIMEOUT, "deadline passed")                                                                  \
    X(CANCELLED, "cancelled")                                                                      \
    X(CLOSED, "peer closed the connection")                                                        \
    X(RESET, "peer reset the connection")                                                          \
    X(REFUSED, "connection refused")                                                               \
    X(UNREACHABLE, "destination unreachable")                                                      \
    X(RESOLVE, "name could not be resolved")                                                       \
    X(PROTOCOL, "malformed message")                                                               \
    X(TRUNCATED, "message incomplete")                                                             \
    X(INVALID, "invalid value")                                                                    \
    X(NOT_FOUND, "not found")                                                                      \
    X(BUSY, "in use")                                                                              \
    X(DENIED, "permission denied")                                                                 \
    X(SYSTEM, "system error")

enum error {
#define X(name, text) ERROR_##name,
    ERROR_MAP(X)
#undef X
};

// A short English phrase, never NULL; constant storage.
const char *error_text(enum error error);

// The nearest value for an errno.
enum error error_from_errno(int number);
