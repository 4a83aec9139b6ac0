// What polling costs: so many monitors at an interval against servers on the loopback, in a process
// of its own so that their CPU time is not counted. After one interval to settle, prints as JSON,
// for the time measured: CPU seconds of the prober per second, rounds that were closed, how many of
// them got no answer, times that were skipped (of the whole run), the latest that a probe began
// after its time, and the most memory.
// usage: bench.monitors MONITORS INTERVAL_SECONDS MEASURED_SECONDS http|https
#include "base/clock.h"
#include "loopback.h"
#include "watch/probe/prober_inside.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define SERVERS 64 // threads that answer, one after the other

// --- The servers ---

static int listener;
static SSL_CTX *tls;

static void *serve(void *ignored)
{
    static const char page[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        "Content-Length: 8\r\nConnection: close\r\n\r\nWelcome\n";
    char request[4096];
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            continue;
        SSL *ssl = tls == NULL ? NULL : SSL_new(tls);
        if (ssl == NULL) {
            if (recv(connection, request, sizeof(request), 0) > 0)
                (void)send(connection, page, sizeof(page) - 1, MSG_NOSIGNAL);
        } else {
            SSL_set_fd(ssl, connection);
            if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0)
                (void)SSL_write(ssl, page, sizeof(page) - 1);
            SSL_free(ssl);
        }
        close(connection);
    }
    return ignored;
}

static void make_certificate(void)
{
    X509 *certificate = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 90 * 86400);
    X509_set_pubkey(certificate, key);
    tls = SSL_CTX_new(TLS_server_method());
    if (X509_sign(certificate, key, EVP_sha256()) <= 0
        || SSL_CTX_use_certificate(tls, certificate) != 1
        || SSL_CTX_use_PrivateKey(tls, key) != 1)
        die("certificate");
}

static pid_t start_servers(bool is_secure)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (is_secure)
        make_certificate();
    pthread_t threads[SERVERS];
    for (int i = 0; i < SERVERS; i++)
        pthread_create(&threads[i], NULL, serve, NULL);
    for (int i = 0; i < SERVERS; i++)
        pthread_join(threads[i], NULL);
    _exit(0);
}

// --- The world, which only counts ---

static atomic_uint closed, failed;

void world_learn(struct world *world, unsigned component, const struct finding *finding,
    int64_t now_ms)
{
    (void)world;
    (void)component;
    (void)now_ms;
    atomic_fetch_add(&closed, 1);
    atomic_fetch_add(&failed, finding->responses == 0);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static uint64_t skipped(const struct prober *prober)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < prober->count; i++)
        sum += prober->watched[i].entry.skipped;
    return sum;
}

static struct prober *start_prober(size_t count, uint64_t interval_ms, bool is_secure)
{
    char message[256];
    struct text why = text_in(message, sizeof(message));
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    struct monitor_settings *monitors = calloc(count, sizeof(*monitors));
    char (*urls)[64] = calloc(count, sizeof(*urls));
    struct prober *prober = NULL;
    getsockname(listener, (struct sockaddr *)&address, &size);
    for (size_t i = 0; i < count; i++) {
        // Each at a host of its own, as monitors are.
        snprintf(urls[i], sizeof(urls[i]), "%s://127.0.%zu.%zu:%u/", is_secure ? "https" : "http",
            i / 250, i % 250 + 1, ntohs(address.sin_port));
        monitors[i] = (struct monitor_settings){.id = SLICE("m"),
            .url = slice_from_string(urls[i]), .interval_ms = interval_ms, .timeout_ms = 10000,
            .redirects = 5, .method = SLICE("GET"), .expect_body = SLICE("Welcome"),
            .verify = false};
        monitors[i].expect_status.bits[100 / 64] = UINT64_C(1) << 100 % 64; // 200
    }
    const struct prober_settings settings = {.monitors = monitors, .monitor_count = count,
        .quorum.rounds = 2, .seed = 1};
    if (prober_create(&settings, NULL, &why, &prober) != ERROR_NONE
        || prober_start(prober) != ERROR_NONE)
        die(why.size > 0 ? message : "prober");
    free(urls);
    free(monitors);
    return prober;
}

int main(int count, char **arguments)
{
    if (count != 5)
        return fputs("usage: bench.monitors MONITORS INTERVAL_SECONDS MEASURED_SECONDS "
            "http|https\n", stderr), 64;
    bool is_secure = strcmp(arguments[4], "https") == 0;
    unsigned interval = (unsigned)atoi(arguments[2]), measured = (unsigned)atoi(arguments[3]);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = {.sin_family = AF_INET};
    if (bind(listener, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(listener, 4096) != 0)
        die("listen");
    pid_t servers = start_servers(is_secure);
    struct prober *prober =
        start_prober((size_t)atoi(arguments[1]), interval * UINT64_C(1000), is_secure);
    sleep(interval);
    prober->schedule.latest_ms = 0; // what the beginning took is no measure
    double cpu = cpu_seconds();
    unsigned rounds = atomic_load(&closed), bad = atomic_load(&failed);
    uint64_t began_ms = clock_now_ms();
    sleep(measured);
    double seconds = (double)(clock_now_ms() - began_ms) / 1000;
    cpu = (cpu_seconds() - cpu) / seconds;
    rounds = atomic_load(&closed) - rounds;
    bad = atomic_load(&failed) - bad;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"cores\": %.4f, \"rounds\": %u, \"failed\": %u, \"skipped\": %llu, "
        "\"latest_ms\": %llu, \"memory_mb\": %.1f}\n", cpu, rounds, bad,
        (unsigned long long)skipped(prober), (unsigned long long)prober->schedule.latest_ms,
        (double)usage.ru_maxrss / 1024);
    kill(servers, SIGKILL);
    waitpid(servers, NULL, 0);
    prober_destroy(prober);
    return 0;
}
