// The error log: one line per event, "time level area message key=value …", to a file or stderr.
// The sink is the process's only global. Lines are written whole, from any thread. Log or return
// an error, never both; rooms below edge/ log nothing above debug unless nobody could be told.
#pragma once

#include "base/base.h"
#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

// path NULL is stderr. On failure the old sink stays.
enum error log_open(const char *path, enum log_level lowest) MUST_CHECK;
// Opens the same path again (log rotation); async-signal-unsafe, call it from a loop.
enum error log_reopen(void) MUST_CHECK;
// Under simulation time is virtual; wall clock unless set. NULL sets the real clock.
void log_set_clock(int64_t (*wall_ms)(void *context), void *context);
void log_write(enum log_level level, const char *area, const char *format, ...) PRINTF_LIKE(3, 4);
// False when such a line would be dropped, to save the work of making it.
bool log_would_write(enum log_level level);
