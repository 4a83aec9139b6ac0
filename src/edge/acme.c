// /.well-known/acme-challenge/TOKEN from acme_directory.
#include "edge/acme.h"
#include "edge/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_MAX 128
#define ANSWER_MAX 1024 // a key authorization has less than 100 bytes

struct reading {
    char path[4096];
    char answer[ANSWER_MAX];
    ssize_t size;
};

// base64url (RFC 8555 section 8.3): no dot, no slash, so it stays in the directory.
static bool is_token(struct slice token)
{
    bool is_good = token.size > 0 && token.size <= TOKEN_MAX;
    for (size_t i = 0; i < token.size; i++) {
        char byte = token.data[i];
        is_good = is_good && ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
            || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_');
    }
    return is_good;
}

static void read_answer(void *argument)
{
    struct reading *reading = argument;
    struct stat status;
    int descriptor =
        open(reading->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    reading->size = -1;
    if (descriptor < 0)
        return;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)
        && status.st_size <= ANSWER_MAX)
        reading->size = read(descriptor, reading->answer, ANSWER_MAX);
    close(descriptor);
}

bool acme_serve(struct task *task, struct request *request)
{
    const struct slice prefix = SLICE("/.well-known/acme-challenge/");
    struct slice directory = request->generation->settings->acme_directory;
    struct slice path = request->head.path;
    bool is_read = request->head.method == HTTP_METHOD_GET
        || request->head.method == HTTP_METHOD_HEAD;
    if (directory.size == 0 || !is_read || !slice_starts_with(path, prefix))
        return false;
    struct slice token = slice_of(path.data + prefix.size, path.size - prefix.size);
    struct reading *reading = arena_alloc(&request->arena, sizeof(*reading));
    if (reading == NULL || !is_token(token)
        || directory.size + token.size + 2 > sizeof(reading->path))
        return false;
    snprintf(reading->path, sizeof(reading->path), "%.*s/%.*s", SLICE_ARGS(directory),
        SLICE_ARGS(token));
    if (io_blocking(task, read_answer, reading) != ERROR_NONE || reading->size <= 0)
        return false;
    delivery_send_bytes(task, request, 200, SLICE("application/octet-stream"), SLICE(""),
        slice_of(reading->answer, (size_t)reading->size));
    return true;
}
