// Start, signals, reload and end of a running edge.
#include "main/process.h"
#include "admin/commands.h"
#include "admin/metrics.h"
#include "base/log.h"
#include "base/memory.h"
#include "doctor/vantage.h"
#include "edge/edge.h"
#include "io/epoll.h"
#include "main/certificates.h"
#include "main/keep.h"
#include "main/system.h"
#include "watch/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELPER_THREADS 2
#define THREADS_MAX 256
#define CERTIFICATES_LOOK_SECONDS 60
#define RESERVE_LEAST 4 // descriptors that are not for sockets
#define RESERVE_MOST 64
#define STATUS_FOLDER "status"

struct process {
    const char *config_path;
    struct loaded_settings *loaded; // the newest
    struct slice yaml; // what config_path NULL stands for
    uint64_t certificates_stamp;
    struct tls *tls;
    bool kernel_encrypts;
    struct epoll_world *world;
    struct loop *loops[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    unsigned thread_count, threads_started;
    struct vantage *vantage; // NULL: it is none
    struct watch *watch;     // NULL: not yet
    struct edge *edge;
    char status_directory[1024]; // empty: there is no status page
    struct keep keep;
    struct access_log *access_log;
    struct status_source source;
    bool source_ready;
    struct control *control;
    struct metrics *metrics;
    struct address metrics_address;
    int statm; // /proc/self/statm; -1: it could not be opened
};

static bool fail(const char *format, ...) PRINTF_LIKE(1, 2);

static bool fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "afloat: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    return false;
}

// --- Start: each step says why it failed; process_end undoes whatever was done ---

static bool start_log(struct process *process)
{
    const struct log_settings *log = &process->loaded->settings.log;
    const char *path = log->error.size == 0 ? NULL : log->error.data;
    enum error error = log_open(path, (enum log_level)log->level);
    return error == ERROR_NONE || fail("cannot open the error log %s: %s", path, error_text(error));
}

static bool start_loops(struct process *process)
{
    const struct settings *settings = &process->loaded->settings;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    process->thread_count = settings->threads != 0
        ? (unsigned)settings->threads
        : (unsigned)MAXIMUM(1, MINIMUM(cores, THREADS_MAX));
    struct loop_limits limits = settings->tasks;
    limits.tasks = limits.tasks / process->thread_count + 1;
    process->world = epoll_world_create(HELPER_THREADS);
    if (process->world == NULL)
        return fail("cannot start: out of memory or descriptors");
    for (unsigned i = 0; i < process->thread_count; i++) {
        process->loops[i] = epoll_loop_create(process->world, &limits, i, process->thread_count);
        if (process->loops[i] == NULL)
            return fail("cannot start thread %u: out of memory or descriptors", i);
    }
    return true;
}

static bool start_tls(struct process *process)
{
    struct settings *settings = &process->loaded->settings;
    process->tls = tls_create(process->thread_count);
    if (process->tls == NULL)
        return fail("cannot start: out of memory");
    // Still as root, if it is root who starts it: his asking may load the kernel's module.
    if (settings->edge.tls.listen.count > 0 && settings->edge.tls.kernel == TLS_KERNEL_AUTO)
        process->kernel_encrypts = tls_use_kernel(process->tls);
    process->certificates_stamp = certificates_stamp(settings);
    return certificates_open(settings, process->tls);
}

static bool start_vantage(struct process *process)
{
    const struct settings *settings = &process->loaded->settings;
    char message[512];
    struct text why = text_in(message, sizeof(message));
    uint64_t seed;
    if (!settings->vantage.enabled)
        return true;
    io_entropy(process->loops[0], &seed, sizeof(seed));
    enum error error = vantage_create(&settings->vantage, settings->edge.name, seed, &why,
        &process->vantage);
    return error == ERROR_NONE || fail("cannot be a vantage: %.*s%s",
        SLICE_ARGS(text_slice(&why)), why.size > 0 ? "" : error_text(error));
}

// Pages of rooms above the edge. The watch is there before the first visitor.
static bool serve_page(struct task *task, void *context, const struct edge_page_request *request,
    struct edge_page *ret_page)
{
    const struct process *process = context;
    return (process->vantage != NULL
               && vantage_serve_page(task, process->vantage, request, ret_page))
        || watch_serve_page(task, process->watch, request, ret_page);
}

static bool owns_host(void *context, struct slice host)
{
    const struct process *process = context;
    return watch_owns_host(process->watch, host);
}

static void report_token(void *context, struct slice request_id, struct slice site, int64_t now_ms,
    struct text *ret_token)
{
    const struct process *process = context;
    watch_report_token(process->watch, request_id, site, now_ms, ret_token);
}

static int64_t expected_ms(void *context, struct slice site)
{
    const struct process *process = context;
    return watch_expected_ms(process->watch, site);
}

static bool start_edge(struct process *process)
{
    struct settings *settings = &process->loaded->settings;
    enum error error = access_log_create(process->thread_count, &settings->log,
        &process->access_log);
    if (error != ERROR_NONE)
        return fail("cannot open the access log %.*s: %s", SLICE_ARGS(settings->log.access),
            error_text(error));
    struct edge_hooks hooks = {.answered = access_log_answered, .context = process->access_log,
        .page = serve_page, .owns_host = owns_host, .report_token = report_token,
        .expected_ms = expected_ms, .page_context = process};
    process->edge = edge_create(process->loops, process->thread_count, &settings->edge,
        &hooks);
    if (process->edge == NULL)
        return fail("cannot start: out of memory");
    edge_want_records(process->edge, settings->log.access.size > 0);
    status_source_init(&process->source, process->edge, &settings->edge);
    status_source_hold(&process->source);
    process->source_ready = true;
    process->source.access_log = process->access_log;
    process->source.thread_count = process->thread_count;
    return true;
}

static bool start_listener(struct process *process, struct slice name, bool secure)
{
    struct address address;
    enum error error = address_parse(name, &address);
    if (error == ERROR_NONE)
        error = edge_listen(process->edge, &address, secure);
    if (error == ERROR_BUSY)
        return fail("cannot listen on %.*s: another program uses that port "
            "(ss -ltnp shows which)", SLICE_ARGS(name));
    if (error == ERROR_DENIED)
        return fail("cannot listen on %.*s: ports below 1024 need root or CAP_NET_BIND_SERVICE",
            SLICE_ARGS(name));
    if (error != ERROR_NONE)
        return fail("cannot listen on %.*s: %s", SLICE_ARGS(name), error_text(error));
    process->source.secure[process->source.listener_count] = secure;
    process->source.listeners[process->source.listener_count++] = address;
    return true;
}

static bool start_listeners(struct process *process)
{
    const struct settings *settings = &process->loaded->settings;
    const struct slice *plain = settings->listen.items, *secure = settings->edge.tls.listen.items;
    for (size_t i = 0; i < settings->listen.count; i++) {
        if (!start_listener(process, plain[i], false))
            return false;
    }
    for (size_t i = 0; i < settings->edge.tls.listen.count; i++) {
        if (!start_listener(process, secure[i], true))
            return false;
    }
    return true;
}

static bool start_admin(struct process *process)
{
    struct settings *settings = &process->loaded->settings;
    char directory[4096];
    if (!state_directory(settings->state, directory, sizeof(directory)))
        return fail("no state directory: set --state DIR");
    enum error error = control_start(directory, commands_handle, &process->source,
        &process->control);
    if (error == ERROR_BUSY)
        return fail("another afloat runs with the state directory %s; give this one its own by "
            "--state DIR", directory);
    if (error != ERROR_NONE)
        return fail("cannot use the state directory %s: %s", directory, error_text(error));
    if (settings->user.size > 0 && !system_give_socket(settings->user.data, directory))
        return false;
    if (settings->metrics.listen.size == 0)
        return true;
    error = address_parse(settings->metrics.listen, &process->metrics_address);
    if (error == ERROR_NONE)
        error = metrics_start(&process->metrics_address, &process->source, &process->metrics);
    return error == ERROR_NONE
        || fail("cannot serve metrics on %.*s: %s", SLICE_ARGS(settings->metrics.listen),
            error_text(error));
}

static uint64_t memory_used(void *context)
{
    const struct process *process = context;
    return system_memory_used(process->statm);
}

// The rest of the descriptors is for files and what else may be opened.
static bool set_resources(struct process *process)
{
    uint64_t left = system_descriptors_left();
    uint64_t reserve = MINIMUM(MAXIMUM(left / 16, RESERVE_LEAST), RESERVE_MOST);
    for (unsigned i = 0; i < process->thread_count; i++)
        left += atomic_load(&process->loops[i]->sockets); // those there are count as used
    process->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    edge_set_resources(process->edge, &(struct pressure_resources){
        .descriptors = left > reserve ? left - reserve : left,
        .memory = system_memory_limit(),
        .memory_used = process->statm >= 0 ? memory_used : NULL,
        .context = process});
    return true;
}

// Without a disk everything goes on in memory, and whoever reads the log or the status knows.
static void start_store(struct process *process)
{
    bool by_command_line = process->config_path == NULL;
    if (keep_open(&process->keep, &process->loaded->settings, by_command_line))
        edge_use_store(process->edge, process->keep.store);
}

// As the user whose files they are.
static bool start_outbox(struct process *process)
{
    const struct slice path = process->loaded->settings.edge.outbox.directory;
    enum error error = edge_open_outbox(process->edge);
    if (error == ERROR_BUSY)
        return fail("another afloat uses the outbox %.*s; give this one its own by "
            "outbox.directory", SLICE_ARGS(path));
    return error == ERROR_NONE || fail("cannot use the outbox %.*s: %s%s", SLICE_ARGS(path),
        error_text(error), error == ERROR_NOT_FOUND ? " (its parent is not there)" : "");
}

// While still root: the folder of its history, for the user that the process will become.
static bool prepare_watch(struct process *process)
{
    const struct settings *settings = &process->loaded->settings;
    char *directory = process->status_directory, state[1000];
    int written = 0;
    if (!watch_has_page(&settings->status))
        return true;
    if (settings->status.directory.size > 0)
        written = snprintf(directory, sizeof(process->status_directory), "%.*s",
            SLICE_ARGS(settings->status.directory));
    else if (state_directory(settings->state, state, sizeof(state)))
        written = snprintf(directory, sizeof(process->status_directory), "%s/" STATUS_FOLDER,
            state);
    if (written <= 0 || written >= (int)sizeof(process->status_directory))
        return fail("the path of status.directory is too long");
    if (settings->user.size > 0)
        return system_give_folder(settings->user.data, directory);
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        log_write(LOG_ERROR, "main", "cannot make %s: %s", directory,
            error_text(error_from_errno(errno))); // opening it will fail, and say what follows
    return true;
}

static bool start_watch(struct process *process)
{
    const struct settings *settings = &process->loaded->settings;
    char message[512];
    struct text why = text_in(message, sizeof(message));
    struct watch_start start = {.settings = &settings->status, .edge = process->edge,
        .directory = process->status_directory[0] == '\0' ? NULL : process->status_directory};
    io_entropy(process->loops[0], &start.seed, sizeof(start.seed));
    enum error error = watch_create(&start, &why, &process->watch);
    process->source.watch = process->watch;
    return error == ERROR_NONE || fail("cannot keep a status: %.*s%s",
        SLICE_ARGS(text_slice(&why)), why.size > 0 ? "" : error_text(error));
}

static void *run_loop(void *loop)
{
    loop_run(loop);
    return NULL;
}

static bool start_threads(struct process *process)
{
    if (edge_start(process->edge) != ERROR_NONE)
        return fail("cannot start: out of memory");
    // Before the loops' threads, which nobody could stop if this failed.
    enum error error = watch_begin(process->watch);
    if (error != ERROR_NONE)
        return fail("cannot start a thread: %s", error_text(error));
    for (; process->threads_started < process->thread_count; process->threads_started++) {
        int number = pthread_create(&process->threads[process->threads_started], NULL, run_loop,
            process->loops[process->threads_started]);
        if (number != 0)
            return fail("cannot start a thread: %s", error_text(error_from_errno(number)));
    }
    return true;
}

static void announce(const struct process *process)
{
    for (size_t i = 0; i < process->source.listener_count; i++) {
        char buffer[128];
        struct text text = text_in(buffer, sizeof(buffer));
        address_format(&text, &process->source.listeners[i]);
        printf("afloat: listening on %s://%.*s\n", process->source.secure[i] ? "https" : "http",
            SLICE_ARGS(text_slice(&text)));
    }
    if (process->keep.store != NULL)
        printf("afloat: copies outlive a restart in %s\n", process->keep.directory);
    if (process->status_directory[0] != '\0')
        printf("afloat: the status page's history is in %s\n", process->status_directory);
    if (process->kernel_encrypts)
        printf("afloat: the kernel encrypts what is sent by https\n");
    if (process->metrics != NULL) {
        char buffer[128];
        struct text text = text_in(buffer, sizeof(buffer));
        address_format(&text, &process->metrics_address);
        printf("afloat: metrics on http://%.*s/metrics\n", SLICE_ARGS(text_slice(&text)));
    }
    fflush(stdout);
    system_notify("READY=1");
}

// Opened by root before: the user must be able to open them again.
static bool become_user(const struct settings *settings)
{
    if (settings->user.size == 0)
        return true;
    const char *user = settings->user.data;
    const struct slice paths[] = {settings->log.access, settings->log.error};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        if (paths[i].size > 0 && !system_give_log(user, paths[i].data))
            return false;
    }
    return system_become(user);
}

// --- Reload: the loop does the swap, this thread waits for it ---

struct reload {
    struct message message;
    struct process *process;
    struct loaded_settings *loaded;
    enum error error;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool finished;
};

static void free_settings(void *loaded)
{
    settings_free(loaded);
}

static void reload_in_loop(struct loop *loop, struct message *message)
{
    (void)loop;
    struct reload *reload = CONTAINER_OF(message, struct reload, message);
    // The settings in force are freed when the last request that uses them has ended.
    enum error error = edge_reload(reload->process->edge, &reload->loaded->settings.edge,
        free_settings, reload->process->loaded);
    pthread_mutex_lock(&reload->mutex);
    reload->error = error;
    reload->finished = true;
    pthread_cond_signal(&reload->done);
    pthread_mutex_unlock(&reload->mutex);
}

static void reload_logs(struct process *process)
{
    const struct log_settings *log = &process->loaded->settings.log;
    enum error error = access_log_configure(process->access_log, log);
    if (error != ERROR_NONE)
        log_write(LOG_ERROR, "main", "SIGHUP: the access log stays as it was: %s",
            error_text(error));
    else
        edge_want_records(process->edge, log->access.size > 0);
    error = log_open(log->error.size == 0 ? NULL : log->error.data, (enum log_level)log->level);
    if (error != ERROR_NONE)
        log_write(LOG_ERROR, "main", "SIGHUP: the error log stays as it was: %s",
            error_text(error));
}

static void reload_watch(struct process *process)
{
    char message[512];
    struct text why = text_in(message, sizeof(message));
    enum error error = watch_reload(process->watch, &process->loaded->settings.status, &why);
    if (error != ERROR_NONE)
        log_write(LOG_ERROR, "main", "SIGHUP: the status page stays as it was: %.*s%s",
            SLICE_ARGS(text_slice(&why)), why.size > 0 ? "" : error_text(error));
}

static void reload_settings(struct process *process)
{
    const char *name = process->config_path != NULL ? process->config_path : "command line";
    system_notify("RELOADING=1");
    struct reload reload = {.message.deliver = reload_in_loop, .process = process,
        .mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    process->certificates_stamp = certificates_stamp(&process->loaded->settings);
    reload.loaded = settings_load(process->config_path, process->yaml);
    if (reload.loaded != NULL && !certificates_open(&reload.loaded->settings, process->tls)) {
        settings_free(reload.loaded);
        reload.loaded = NULL;
    }
    if (reload.loaded == NULL) {
        log_write(LOG_ERROR, "main",
            "SIGHUP: %s has mistakes (see stderr, or afloat check-config); "
            "nothing was changed", name);
    } else {
        status_source_set_settings(&process->source, &reload.loaded->settings.edge);
        loop_post(process->loops[0], &reload.message);
        pthread_mutex_lock(&reload.mutex);
        while (!reload.finished)
            pthread_cond_wait(&reload.done, &reload.mutex);
        pthread_mutex_unlock(&reload.mutex);
        if (reload.error == ERROR_NONE) {
            process->loaded = reload.loaded;
            reload_logs(process);
            process->certificates_stamp = certificates_stamp(&process->loaded->settings);
            reload_watch(process);
            log_write(LOG_INFO, "main", "SIGHUP: %s is in force", name);
        } else {
            status_source_set_settings(&process->source, &process->loaded->settings.edge);
            settings_free(reload.loaded);
            log_write(LOG_ERROR, "main", "SIGHUP: %s; nothing was changed",
                error_text(reload.error));
        }
    }
    system_notify("READY=1");
}

// --- Life and end ---

struct drain {
    struct message message;
    struct edge *edge;
};

static void drain_in_loop(struct loop *loop, struct message *message)
{
    (void)loop;
    edge_drain(CONTAINER_OF(message, struct drain, message)->edge);
}

static void serve_until_told(struct process *process, const sigset_t *signals)
{
    const struct timespec pause = {.tv_sec = CERTIFICATES_LOOK_SECONDS};
    for (;;) {
        int number = sigtimedwait(signals, NULL, &pause);
        if (number < 0 && errno == EAGAIN
            && certificates_stamp(&process->loaded->settings) != process->certificates_stamp) {
            log_write(LOG_INFO, "main", "certificate files have changed: reading them again");
            number = SIGHUP;
        }
        if (number < 0)
            continue;
        if (number == SIGHUP) {
            reload_settings(process);
        } else if (number == SIGUSR1) {
            if (log_reopen() != ERROR_NONE)
                log_write(LOG_ERROR, "main", "SIGUSR1: the error log could not be opened again");
            access_log_reopen(process->access_log);
        } else {
            break;
        }
    }
    log_write(LOG_INFO, "main", "stopping: finishing requests under way");
    system_notify("STOPPING=1");
    watch_end(process->watch);
    static struct drain drain; // delivered while this thread may already be in join
    drain = (struct drain){.message.deliver = drain_in_loop, .edge = process->edge};
    loop_post(process->loops[0], &drain.message);
    // A second signal ends the process at once.
    pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

static void process_end(struct process *process)
{
    for (unsigned i = 0; i < process->threads_started; i++)
        pthread_join(process->threads[i], NULL);
    metrics_stop(process->metrics);
    control_stop(process->control);
    keep_close(&process->keep, process->edge);
    watch_destroy(process->watch);
    edge_destroy(process->edge);
    vantage_destroy(process->vantage);
    if (process->source_ready)
        status_source_destroy(&process->source);
    access_log_destroy(process->access_log);
    for (unsigned i = 0; i < process->thread_count && process->loops[i] != NULL; i++)
        epoll_loop_destroy(process->loops[i]);
    if (process->world != NULL)
        epoll_world_destroy(process->world);
    if (process->statm >= 0)
        close(process->statm);
    settings_free(process->loaded);
    tls_destroy(process->tls);
}

int process_run(const char *config_path, struct slice yaml, struct loaded_settings *loaded)
{
    struct process process = {.config_path = config_path, .yaml = yaml, .loaded = loaded,
        .statm = -1};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // the store takes a limit as a full disk
    system_raise_file_limit();
    bool started = start_log(&process) && start_loops(&process) && start_tls(&process)
        && start_vantage(&process) && start_edge(&process)
        && start_listeners(&process) && start_admin(&process)
        && keep_prepare(&process.keep, &loaded->settings) && prepare_watch(&process)
        && become_user(&loaded->settings) && start_outbox(&process) && start_watch(&process)
        && set_resources(&process);
    if (started) {
        start_store(&process);
        started = start_threads(&process);
    }
    if (process.source_ready)
        status_source_release(&process.source);
    if (started) {
        announce(&process);
        serve_until_told(&process, &signals);
    }
    process_end(&process);
    return started ? 0 : 1;
}
