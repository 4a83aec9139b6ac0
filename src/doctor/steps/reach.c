// Connects to every address that anybody named for the site. Half of them may be dead, and it is
// well all the same for those who are lucky: so the others are waited for, if not for long.
#include "doctor/attempt.h"

void step_reach(struct check *check, struct facts *facts)
{
    attempt_all(check, facts->target.host, facts->target.is_secure, true,
        check_deadline(check, STEP_REACH), check_arena(check, STEP_REACH), facts->attempts,
        facts->attempt_count);
}
