// The control socket's two ends. Blocking calls with timeouts on a thread of its own: commands are
// rare, and none of them may cost a visitor anything.
#include "admin/control.h"
#include "admin/blocking.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct control {
    int directory; // locked as long as we live
    int listener;
    int stop; // an eventfd
    struct sockaddr_un address;
    control_handler *handler;
    void *context;
    pthread_t thread;
};

static enum error address_of(const char *state_directory, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int size = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path),
        "%s/" CONTROL_SOCKET_NAME, state_directory);
    return size < 0 || (size_t)size >= sizeof(ret_address->sun_path) ? ERROR_LIMIT : ERROR_NONE;
}

// Reads up to the first newline. The line is the caller's to memory_free.
static enum error receive_line(
    int descriptor, size_t maximum, uint64_t deadline_ms, char **ret_line, size_t *ret_size)
{
    char *buffer = NULL;
    size_t size = 0, capacity = 0;
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE) {
        if (size == capacity) {
            capacity = MINIMUM(capacity == 0 ? 4096 : capacity * 2, maximum);
            char *larger = size == maximum ? NULL : memory_resize(buffer, capacity);
            if (larger == NULL) {
                error = size == maximum ? ERROR_LIMIT : ERROR_MEMORY;
                break;
            }
            buffer = larger;
        }
        size_t got = 0;
        error = blocking_receive(descriptor, buffer + size, capacity - size, deadline_ms, &got);
        const char *newline = memchr(buffer + size, '\n', got);
        if (newline != NULL) {
            *ret_line = buffer;
            *ret_size = (size_t)(newline - buffer);
            return ERROR_NONE;
        }
        size += got;
    }
    memory_free(buffer);
    return error == ERROR_CLOSED && size > 0 ? ERROR_TRUNCATED : error;
}

static enum error send_json(int descriptor, const json_t *object, uint64_t step_ms)
{
    size_t size = json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *line = size == 0 ? NULL : memory_alloc(size + 1);
    if (line == NULL)
        return ERROR_MEMORY;
    enum error error = ERROR_MEMORY;
    if (json_dumpb(object, line, size, JSON_COMPACT) == size) {
        line[size] = '\n';
        error = blocking_send(descriptor, slice_of(line, size + 1), step_ms);
    }
    memory_free(line);
    return error;
}

json_t *control_refusal(const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    json_t *text = json_string(message);
    if (text == NULL) {
        // What was quoted is no UTF-8, or was cut within a character.
        for (char *at = message; *at != '\0'; at++)
            *at = (unsigned char)*at < 0x80 ? *at : '?';
        text = json_string(message);
    }
    return json_pack("{s:b, s:o}", "ok", 0, "error", text);
}

// --- Server ---

static json_t *answer(struct control *control, int client)
{
    char *line;
    size_t size;
    uint64_t deadline = clock_now_ms() + CONTROL_TIMEOUT_MS;
    enum error error = receive_line(client, CONTROL_REQUEST_MAX, deadline, &line, &size);
    if (error != ERROR_NONE)
        return error == ERROR_CLOSED ? NULL : control_refusal("no request: %s", error_text(error));
    json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    memory_free(line);
    json_t *response;
    if (json_is_object(request))
        response = control->handler(control->context, request);
    else
        response = control_refusal("a request is one JSON object on one line");
    json_decref(request);
    return response;
}

static void serve(void *control, int client)
{
    json_t *response = answer(control, client);
    // Without memory for an answer, the closed connection is one.
    if (response != NULL && send_json(client, response, CONTROL_TIMEOUT_MS) != ERROR_NONE)
        log_write(LOG_DEBUG, "admin", "a client of the control socket left before its answer");
    json_decref(response);
}

static void *serve_main(void *argument)
{
    struct control *control = argument;
    blocking_serve(control->listener, control->stop, serve, control);
    return NULL;
}

static enum error make_directory(const char *path)
{
    char parent[4096];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(parent))
        return ERROR_INVALID;
    memcpy(parent, path, size + 1);
    for (char *slash = strchr(parent + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(parent, 0700) < 0 && errno != EEXIST && access(parent, F_OK) < 0)
            return error_from_errno(errno);
        *slash = '/';
    }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? error_from_errno(errno) : ERROR_NONE;
}

static enum error lock_directory(const char *path, int *ret_directory)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return error_from_errno(errno);
    if (flock(directory, LOCK_EX | LOCK_NB) < 0) {
        enum error error = errno == EWOULDBLOCK ? ERROR_BUSY : error_from_errno(errno);
        close(directory);
        return error;
    }
    *ret_directory = directory;
    return ERROR_NONE;
}

static enum error listen_at(const struct sockaddr_un *address, int *ret_listener)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0)
        return error_from_errno(errno);
    // The mode of the socket file comes from its inode: set before bind, nobody can be faster.
    bool done = fchmod(listener, 0600) == 0;
    // The directory is locked by us, so whoever made a socket here is dead.
    done = done && (unlink(address->sun_path) == 0 || errno == ENOENT);
    done = done && bind(listener, (const struct sockaddr *)address, sizeof(*address)) == 0;
    done = done && listen(listener, 16) == 0;
    if (!done) {
        enum error error = error_from_errno(errno);
        close(listener);
        return error;
    }
    *ret_listener = listener;
    return ERROR_NONE;
}

// Undoes whatever was done.
static void end_control(struct control *control)
{
    if (control->listener >= 0) {
        unlink(control->address.sun_path);
        close(control->listener);
    }
    if (control->stop >= 0)
        close(control->stop);
    if (control->directory >= 0)
        close(control->directory);
    memory_free(control);
}

enum error control_start(const char *state_directory, control_handler *handler, void *context,
    struct control **ret_control)
{
    struct control *control = memory_zero_alloc(sizeof(*control));
    if (control == NULL)
        return ERROR_MEMORY;
    control->handler = handler;
    control->context = context;
    control->directory = control->listener = control->stop = -1;
    enum error error = address_of(state_directory, &control->address);
    if (error == ERROR_NONE)
        error = make_directory(state_directory);
    if (error == ERROR_NONE)
        error = lock_directory(state_directory, &control->directory);
    if (error == ERROR_NONE)
        error = listen_at(&control->address, &control->listener);
    if (error == ERROR_NONE) {
        control->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        error = control->stop < 0 ? error_from_errno(errno)
                                  : thread_start(&control->thread, "control", serve_main, control);
    }
    if (error != ERROR_NONE) {
        end_control(control);
        return error;
    }
    *ret_control = control;
    return ERROR_NONE;
}

void control_stop(struct control *control)
{
    if (control == NULL)
        return;
    eventfd_write(control->stop, 1);
    pthread_join(control->thread, NULL);
    end_control(control);
}

// --- Client ---

static enum error connect_to(const char *state_directory, int *ret_descriptor)
{
    struct sockaddr_un address;
    enum error error = address_of(state_directory, &address);
    if (error != ERROR_NONE)
        return error;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return error_from_errno(errno);
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        error = errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : error_from_errno(errno);
        close(descriptor);
        return error;
    }
    *ret_descriptor = descriptor;
    return ERROR_NONE;
}

enum error control_call(const char *state_directory, const json_t *request, json_t **ret_response)
{
    int descriptor = -1;
    enum error error = connect_to(state_directory, &descriptor);
    if (error != ERROR_NONE)
        return error;
    char *line;
    size_t size;
    error = send_json(descriptor, request, CONTROL_TIMEOUT_MS);
    if (error == ERROR_NONE)
        error = receive_line(descriptor, CONTROL_RESPONSE_MAX,
            clock_now_ms() + CONTROL_CALL_TIMEOUT_MS, &line, &size);
    close(descriptor);
    if (error != ERROR_NONE)
        return error;
    json_t *response = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    memory_free(line);
    if (!json_is_object(response)) {
        json_decref(response);
        return ERROR_PROTOCOL;
    }
    *ret_response = response;
    return ERROR_NONE;
}
