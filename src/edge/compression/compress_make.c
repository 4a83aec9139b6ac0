// Making compressed forms of copies, each once.
#include "base/memory.h"
#include "edge/compression/compress.h"
#include "edge/request.h"

#define WORTH_PERCENT 95      // of the plain size; what is not smaller than that is not worth it
#define WINDOW_BITS_MOST 22   // 4 MB

// A body from the object's content, on any thread. NONE, MEMORY, or LIMIT: it is not worth it.
static enum error form_write(const struct object *object, struct encoder *encoder,
    struct body *form)
{
    uint64_t limit = body_size(object->body) / 100 * WORTH_PERCENT;
    struct body_reader reader;
    body_reader_open(&reader, object->body, 0);
    enum error error = ERROR_BUSY;
    for (struct slice content = SLICE_EMPTY; error == ERROR_BUSY;) {
        char output[1024]; // an encoder has a least; the room of a body may be a single byte
        size_t size;
        enum encoder_end end = ENCODER_GO_ON;
        if (content.size == 0 && body_reader_peek(&reader, &content) == ERROR_CLOSED)
            end = ENCODER_FINISH;
        size_t before = content.size;
        error = encoder_run(encoder, &content, end, output, sizeof(output), &size);
        if (error == ERROR_MEMORY)
            break;
        body_reader_advance(&reader, before - content.size);
        // Does not wait: it has no window.
        enum error appended = body_append(NULL, form, slice_of(output, size), NEVER_NS);
        if (appended != ERROR_NONE)
            error = appended;
        else if (body_size(form) >= limit)
            error = ERROR_LIMIT;
        else if (error == ERROR_NONE && end != ENCODER_FINISH)
            error = ERROR_BUSY;
    }
    body_reader_close(&reader);
    return error;
}

static unsigned window_bits_for(uint64_t size)
{
    unsigned bits = ENCODER_WINDOW_LEAST;
    while (bits < WINDOW_BITS_MOST && (UINT64_C(1) << bits) < size)
        bits++;
    return bits;
}

static uint64_t level_for(const struct compress_settings *settings, enum http_coding coding)
{
    switch (coding) {
    case HTTP_CODING_IDENTITY: break;
    case HTTP_CODING_GZIP: return settings->gzip_level;
    case HTTP_CODING_BROTLI: return settings->brotli_level;
    case HTTP_CODING_ZSTD: return settings->zstd_level;
    }
    return 0;
}

// *ret_form is set with NONE only.
static enum error form_make(const struct object *object, enum http_coding coding, uint64_t level,
    struct body **ret_form)
{
    uint64_t length = body_size(object->body);
    struct encoder_options options = {
        .level = (unsigned)level, .window_bits = window_bits_for(length), .size = length};
    struct encoder *encoder = encoder_create(coding, &options);
    struct body *form = body_create(UINT64_MAX, 0, false);
    enum error error = ERROR_MEMORY;
    if (encoder != NULL && form != NULL)
        error = form_write(object, encoder, form);
    if (form != NULL)
        body_finish(form, error);
    encoder_destroy(encoder);
    if (error == ERROR_NONE)
        *ret_form = form;
    else
        body_release(form);
    return error;
}

// In the loop's own thread.
static void form_take(struct edge_thread *thread, struct object *object, enum http_coding coding,
    enum error error, struct body *form)
{
    if (error == ERROR_NONE) {
        ledger_add(thread->ledger, LEDGER_FORMS_MADE, 1); // before another loop's visitor has it
        cache_add_form(thread->edge->cache, object, coding, form);
    } else {
        object_form_end(object, coding, error == ERROR_LIMIT ? FORM_POINTLESS : FORM_NONE);
        ledger_add(thread->ledger,
            error == ERROR_LIMIT ? LEDGER_FORMS_POINTLESS : LEDGER_FORMS_PUT_OFF, 1);
    }
}

void compress_make_now(struct request *request, enum http_coding coding)
{
    struct body *form = NULL;
    uint64_t level = level_for(&request_site(request)->compression, coding);
    enum error error = form_make(request->object, coding, level, &form);
    form_take(request->thread, request->object, coding, error, form);
}

// --- On a helper thread ---

struct compress_job {
    struct edge_thread *thread;
    struct object *object;
    enum http_coding coding;
    uint64_t level;
    enum error error;
    struct body *form;
};

static void job_work(void *argument)
{
    struct compress_job *job = argument;
    job->error = form_make(job->object, job->coding, job->level, &job->form);
}

static void job_main(struct task *task, void *argument)
{
    struct compress_job *job = argument;
    enum error error = io_blocking(task, job_work, job);
    form_take(job->thread, job->object, job->coding,
        error == ERROR_NONE ? job->error : ERROR_MEMORY, job->form);
    job->thread->compress_jobs--;
    object_release(job->object);
    memory_free(job);
}

bool compress_make_behind(struct request *request, enum http_coding coding)
{
    struct edge_thread *thread = request->thread;
    uint64_t limit = edge_share(thread->edge, request->generation->settings->compression.jobs);
    struct compress_job *job = thread->compress_jobs < limit ? memory_alloc(sizeof(*job)) : NULL;
    if (job != NULL) {
        *job = (struct compress_job){
            .thread = thread,
            .object = object_reference(request->object),
            .coding = coding,
            .level = level_for(&request_site(request)->compression, coding),
        };
        if (task_start(thread->loop, &thread->fetches, job_main, job) == ERROR_NONE) {
            thread->compress_jobs++;
            return true;
        }
        object_release(job->object);
        memory_free(job);
    }
    ledger_add(thread->ledger, LEDGER_FORMS_PUT_OFF, 1);
    return false;
}
