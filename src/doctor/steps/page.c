// Nothing yet.
#include "doctor/check.h"

void step_page(struct check *check, struct facts *facts)
{
    (void)check;
    (void)facts;
}
