// The one place that allocates. Every caller handles NULL: the simulation fails the nth
// allocation of a thread to prove it. memory_free(NULL) is fine.
#pragma once

#include "base/base.h"

void *memory_alloc(size_t size) MUST_CHECK;
void *memory_zero_alloc(size_t size) MUST_CHECK; // zero-filled
void *memory_resize(void *memory, size_t size) MUST_CHECK; // on NULL the old block stays valid
void memory_free(void *memory);
void memory_return(void); // what is free goes back to the system; takes milliseconds

// For tests: lets this thread's next `countdown` allocations pass and fails the one after them,
// once. 0 switches failing off.
void memory_fail_after(uint64_t countdown);
// How many injected failures this thread has seen.
uint64_t memory_failures(void);
