// Finding and connecting to a backend: its addresses in turn, each with its share of the time, the
// name asked for when none is known and once more when none answers.
#include "base/memory.h"
#include "origin/failure.h"
#include "origin/pool.h"
#include "tls/session.h"

#include <stdio.h>

#define SHARE_LEAST_NS (200 * NS_PER_MS) // however many addresses there are
#define LOOK_AGAIN_PART 4 // of the time there is

static enum failure_kind kind_of_resolve(enum error error)
{
    if (error == ERROR_CANCELLED)
        return FAILURE_CANCELLED;
    if (error == ERROR_MEMORY || error == ERROR_LIMIT)
        return FAILURE_INTERNAL;
    return error == ERROR_TIMEOUT ? FAILURE_DNS_TIMEOUT : FAILURE_DNS_ERROR;
}

static enum failure_kind kind_of_connect(enum error error)
{
    switch (error) {
    case ERROR_CANCELLED:
        return FAILURE_CANCELLED;
    case ERROR_TIMEOUT:
        return FAILURE_CONNECTION_TIMEOUT;
    case ERROR_REFUSED:
        return FAILURE_CONNECTION_REFUSED;
    case ERROR_CLOSED:
    case ERROR_RESET:
        return FAILURE_CONNECTION_TERMINATED;
    case ERROR_NONE:
    case ERROR_UNREACHABLE:
    case ERROR_DENIED:
    case ERROR_INVALID:
    case ERROR_RESOLVE:
    case ERROR_PROTOCOL:
    case ERROR_TRUNCATED:
    case ERROR_NOT_FOUND:
    case ERROR_BUSY:
        return FAILURE_DESTINATION_UNAVAILABLE;
    case ERROR_MEMORY:
    case ERROR_LIMIT:
    case ERROR_SYSTEM:
        return FAILURE_INTERNAL;
    }
    return FAILURE_INTERNAL;
}

// Errors of our own: another address would not help.
static bool is_hopeless(enum error error)
{
    return error == ERROR_CANCELLED || error == ERROR_MEMORY || error == ERROR_LIMIT;
}

static bool is_among(const struct address *address, const struct address *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (address_equal(address, &items[i]))
            return true;
    }
    return false;
}

// The addresses that are not among those tried before.
static enum error try_addresses(struct task *task, struct addresses *addresses,
    const struct address *items, size_t count, const struct address *before, size_t before_count,
    uint64_t deadline_ns, struct io_socket *ret_socket, enum error before_error)
{
    enum error error = before_error;
    for (size_t i = 0; i < count; i++) {
        uint64_t now_ns = task_now_ns(task);
        if (is_among(&items[i], before, before_count))
            continue;
        if (now_ns >= deadline_ns)
            return ERROR_TIMEOUT;
        uint64_t share_ns = MAXIMUM((deadline_ns - now_ns) / (count - i), SHARE_LEAST_NS);
        error = io_connect(task, &items[i], MINIMUM(now_ns + share_ns, deadline_ns), ret_socket);
        if (error == ERROR_NONE)
            addresses_prefer(addresses, &items[i]);
        if (error == ERROR_NONE || is_hopeless(error))
            return error;
    }
    return error;
}

static void count_failed_lookup(struct origin_counters *counters, enum error error)
{
    if (error != ERROR_NONE && error != ERROR_BUSY && error != ERROR_CANCELLED)
        count_one(&counters->resolve_failures);
}

// The last attempt failed: it may have moved. Asked for at once, for little time, since what is
// known may still be right and whoever is asked may be dead.
static void look_again(struct task *task, struct addresses *addresses, uint64_t deadline_ns,
    struct origin_counters *counters)
{
    uint64_t now_ns = task_now_ns(task);
    uint64_t share_ns = (deadline_ns - MINIMUM(now_ns, deadline_ns)) / LOOK_AGAIN_PART;
    count_failed_lookup(counters, addresses_ask_again(task, addresses, now_ns + share_ns));
}

static enum error find_and_connect(struct task *task, struct addresses *addresses,
    uint64_t deadline_ns, struct origin_counters *counters, struct io_socket *ret_socket,
    enum failure_kind *ret_kind)
{
    struct address items[IO_ADDRESSES_MAX], later[IO_ADDRESSES_MAX];
    if (addresses_are_doubted(addresses))
        look_again(task, addresses, deadline_ns, counters);
    size_t count = addresses_copy(addresses, items);
    if (count == 0) {
        enum error error = addresses_ask(task, addresses, deadline_ns);
        if (error != ERROR_NONE) {
            count_failed_lookup(counters, error);
            *ret_kind = kind_of_resolve(error);
            return error;
        }
        count = addresses_copy(addresses, items);
    }
    enum error error = try_addresses(task, addresses, items, count, NULL, 0, deadline_ns,
        ret_socket, ERROR_UNREACHABLE);
    if (error != ERROR_NONE && !is_hopeless(error))
        addresses_doubt(addresses);
    if (error != ERROR_NONE && !is_hopeless(error) && task_now_ns(task) < deadline_ns) {
        // It may have moved. Whether asking works does not matter: the first error stands.
        enum error asked = addresses_ask_again(task, addresses, deadline_ns);
        count_failed_lookup(counters, asked);
        size_t later_count = addresses_copy(addresses, later);
        error = try_addresses(task, addresses, later, later_count, items, count, deadline_ns,
            ret_socket, error);
    }
    *ret_kind = kind_of_connect(error);
    return error;
}

// Counts the connection in before it exists, so that no two threads take the last place.
static bool take_place(struct backend *backend, struct pool_loop *pool_loop, uint64_t limit)
{
    uint64_t before = atomic_fetch_add(&backend->connections_open, 1);
    if (limit == 0 || before < limit || pool_evict(backend, pool_loop))
        return true;
    atomic_fetch_sub(&backend->connections_open, 1);
    return false;
}

// --- TLS ---

static enum failure_kind kind_of_handshake(enum error error, const struct stream *stream)
{
    if (error != ERROR_PROTOCOL)
        return kind_of_connect(error);
    switch (tls_session_failure(stream)) {
    case TLS_FAILURE_CERTIFICATE:
        return FAILURE_TLS_CERTIFICATE_ERROR;
    case TLS_FAILURE_ALERT:
        return FAILURE_TLS_ALERT_RECEIVED;
    case TLS_FAILURE_NONE:
    case TLS_FAILURE_PROTOCOL:
    case TLS_FAILURE_PLAIN_HTTP:
        break;
    }
    return FAILURE_TLS_PROTOCOL_ERROR;
}

static enum error shake_hands(struct task *task, struct connection *connection,
    struct backend *backend, const struct connection_wish *wish, struct failure *failure)
{
    struct tls_facts facts;
    failure->kind = FAILURE_INTERNAL;
    enum error error = wish->tls_client == NULL ? ERROR_INVALID
        : tls_session_connect(&connection->stream, wish->tls_client, backend->host,
            &backend->resumption);
    if (error == ERROR_NONE && wish->offers_http2)
        tls_session_offer_h2(&connection->stream);
    if (error == ERROR_NONE) {
        error = tls_handshake(task, &connection->stream, wish->deadline_ns);
        if (error != ERROR_NONE)
            failure->kind = kind_of_handshake(error, &connection->stream);
    }
    if (error != ERROR_NONE) {
        snprintf(failure->detail, sizeof(failure->detail), "%s",
            tls_session_failure_text(&connection->stream));
        stream_close(&connection->stream);
        return error;
    }
    tls_session_read_facts(&connection->stream, &facts);
    connection->speaks_http2 = slice_equal(facts.protocol, SLICE("h2"));
    connection->tls_identity = tls_client_identity(wish->tls_client);
    return ERROR_NONE;
}

enum error connection_open(struct task *task, struct backend *backend, struct pool_loop *pool_loop,
    const struct connection_wish *wish, struct origin_counters *counters,
    struct connection **ret_connection, struct failure *ret_failure)
{
    struct failure failure = {.unsent = true};
    if (!take_place(backend, pool_loop, wish->limit)) {
        count_one(&counters->connection_refusals);
        failure.kind = FAILURE_CONNECTION_LIMIT_REACHED;
        *ret_failure = failure;
        return ERROR_LIMIT;
    }
    struct connection *connection = memory_zero_alloc(sizeof(*connection));
    enum error error = ERROR_MEMORY;
    failure.kind = FAILURE_INTERNAL;
    if (connection != NULL)
        error = find_and_connect(task, &backend->addresses, wish->deadline_ns, counters,
            &connection->stream.socket, &failure.kind);
    if (error == ERROR_NONE && backend->secure)
        error = shake_hands(task, connection, backend, wish, &failure);
    if (error != ERROR_NONE) {
        atomic_fetch_sub(&backend->connections_open, 1);
        memory_free(connection);
        *ret_failure = failure;
        return error;
    }
    connection->backend = backend_reference(backend);
    connection->home = pool_loop;
    list_init(&connection->seat_link);
    list_init(&connection->home_link);
    *ret_connection = connection;
    return ERROR_NONE;
}
