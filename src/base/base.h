// The few macros every file needs.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_at, values_at) __attribute__((format(printf, text_at, values_at)))
#define NO_RETURN __attribute__((noreturn))
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))
#define MINIMUM(a, b) ((a) < (b) ? (a) : (b))
#define MAXIMUM(a, b) ((a) > (b) ? (a) : (b))

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_SECOND UINT64_C(1000000000)

// Which sanitizer looks on, as gcc and clang tell it.
#if defined(__SANITIZE_ADDRESS__)
#define BASE_ADDRESS_SANITIZER 1
#elif defined(__SANITIZE_THREAD__)
#define BASE_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BASE_ADDRESS_SANITIZER 1
#elif __has_feature(thread_sanitizer)
#define BASE_THREAD_SANITIZER 1
#endif
#endif
