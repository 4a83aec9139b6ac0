// Lets the very next allocation of this thread fail.
#pragma once

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static inline void fail_next_allocation(void)
{
    memory_fail_after(1); // passes one first
    void *passes = memory_alloc(1);
    assert_non_null(passes);
    memory_free(passes);
}
