// Who must not wait, can ask whether it may.
#pragma once

struct loop;

// The loop that this thread is stepping; NULL between steps, and where there is none.
struct loop *loop_running(void);
