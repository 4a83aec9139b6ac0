// Nothing yet.
#include "doctor/check.h"

void step_clock(struct check *check, struct facts *facts)
{
    (void)check;
    (void)facts;
}
