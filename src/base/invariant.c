// The end of a process that found itself in an impossible state.
#include "base/invariant.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void (*invariant_dump)(int descriptor);

void invariant_set_dump(void (*dump)(int descriptor))
{
    invariant_dump = dump;
}

void invariant_fail(const char *condition, const char *file, int line)
{
    dprintf(STDERR_FILENO, "afloat: invariant failed: %s (%s:%d)\n", condition, file, line);
    if (invariant_dump != NULL)
        invariant_dump(STDERR_FILENO);
    abort();
}
