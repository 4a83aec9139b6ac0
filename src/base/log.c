// One descriptor, one write per line.
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    pthread_mutex_t mutex;
    char path[4096]; // empty: stderr
    int descriptor;
    _Atomic enum log_level lowest;
    int64_t (*wall_ms)(void *context);
    void *context;
} sink = {.mutex = PTHREAD_MUTEX_INITIALIZER, .descriptor = STDERR_FILENO, .lowest = LOG_INFO};

static enum error open_path(const char *path, int *ret_descriptor)
{
    int descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (descriptor < 0)
        return error_from_errno(errno);
    *ret_descriptor = descriptor;
    return ERROR_NONE;
}

static void replace_descriptor(int descriptor)
{
    if (sink.descriptor != STDERR_FILENO)
        close(sink.descriptor);
    sink.descriptor = descriptor;
}

enum error log_open(const char *path, enum log_level lowest)
{
    int descriptor = STDERR_FILENO;
    if (path != NULL && strlen(path) >= sizeof(sink.path))
        return ERROR_INVALID;
    if (path != NULL) {
        enum error error = open_path(path, &descriptor);
        if (error != ERROR_NONE)
            return error;
    }
    pthread_mutex_lock(&sink.mutex);
    replace_descriptor(descriptor);
    snprintf(sink.path, sizeof(sink.path), "%s", path == NULL ? "" : path);
    atomic_store(&sink.lowest, lowest);
    pthread_mutex_unlock(&sink.mutex);
    return ERROR_NONE;
}

enum error log_reopen(void)
{
    pthread_mutex_lock(&sink.mutex);
    int descriptor = -1;
    enum error error = ERROR_NONE;
    if (sink.path[0] != '\0') {
        error = open_path(sink.path, &descriptor);
        if (error == ERROR_NONE)
            replace_descriptor(descriptor);
    }
    pthread_mutex_unlock(&sink.mutex);
    return error;
}

void log_set_clock(int64_t (*wall_ms)(void *context), void *context)
{
    sink.wall_ms = wall_ms;
    sink.context = context;
}

bool log_would_write(enum log_level level)
{
    return level >= atomic_load_explicit(&sink.lowest, memory_order_relaxed);
}

static int64_t now_ms(void)
{
    if (sink.wall_ms != NULL)
        return sink.wall_ms(sink.context);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void log_write(enum log_level level, const char *area, const char *format, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if (!log_would_write(level))
        return;
    char line[2048];
    struct text text = text_in(line, sizeof(line) - 1);
    int64_t ms = now_ms();
    time_t seconds = ms / 1000;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    text_format(&text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s ", utc.tm_year + 1900,
        utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (int)(ms % 1000),
        names[level], area);
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line + text.size, text.capacity - text.size, format, arguments);
    va_end(arguments);
    if (size > 0)
        text.size = MINIMUM(text.size + (size_t)size, text.capacity - 1);
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)line[i] < ' ')
            line[i] = ' '; // one event, one line, whatever a peer put into it
    }
    line[text.size++] = '\n';
    pthread_mutex_lock(&sink.mutex);
    ssize_t written = write(sink.descriptor, line, text.size);
    (void)written; // a full disk must not stop the edge, and there is nobody left to tell
    pthread_mutex_unlock(&sink.mutex);
}
