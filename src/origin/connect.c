// Finding and connecting to a backend: a race of its addresses (race.h), the name asked for when
// none is known and once more when none answers.
#include "base/memory.h"
#include "origin/failure.h"
#include "origin/race.h"
#include "tls/session.h"

#include <stdio.h>

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

// Those of later that are not among the addresses tried before move to its front.
static size_t keep_untried(struct address *later, size_t later_count, const struct address *before,
    size_t before_count)
{
    size_t kept = 0;
    for (size_t i = 0; i < later_count; i++) {
        size_t at = 0;
        while (at < before_count && !address_equal(&later[i], &before[at]))
            at++;
        if (at == before_count)
            later[kept++] = later[i];
    }
    return kept;
}

static enum error find_and_connect(struct task *task, struct addresses *addresses,
    uint64_t deadline_ns, struct origin_counters *counters, struct connection **ret_connection,
    enum failure_kind *ret_kind)
{
    struct address items[IO_ADDRESSES_MAX], later[IO_ADDRESSES_MAX];
    if (addresses_are_doubted(addresses))
        look_again(task, addresses, deadline_ns, counters);
    size_t count = addresses_copy(addresses, task_now_ns(task), items);
    if (count == 0) {
        enum error error = addresses_ask(task, addresses, deadline_ns);
        if (error != ERROR_NONE) {
            count_failed_lookup(counters, error);
            *ret_kind = kind_of_resolve(error);
            return error;
        }
        count = addresses_copy(addresses, task_now_ns(task), items);
    }
    enum error error = race_connect(task, addresses, items, count, deadline_ns, ret_connection);
    if (error != ERROR_NONE && !race_is_hopeless(error))
        addresses_doubt(addresses);
    if (error != ERROR_NONE && !race_is_hopeless(error) && task_now_ns(task) < deadline_ns) {
        // It may have moved. Whether asking works does not matter: the first error stands.
        enum error asked = addresses_ask_again(task, addresses, deadline_ns);
        count_failed_lookup(counters, asked);
        size_t later_count = keep_untried(later,
            addresses_copy(addresses, task_now_ns(task), later), items, count);
        if (later_count > 0)
            error = race_connect(task, addresses, later, later_count, deadline_ns, ret_connection);
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
    struct connection *connection = NULL;
    enum error error = find_and_connect(task, &backend->addresses, wish->deadline_ns, counters,
        &connection, &failure.kind);
    if (error == ERROR_NONE && backend->secure) {
        error = shake_hands(task, connection, backend, wish, &failure);
        if (error != ERROR_NONE && !race_is_hopeless(error))
            failure.moves_on = addresses_avoid(&backend->addresses, &connection->address,
                task_now_ns(task));
    }
    if (error != ERROR_NONE) {
        atomic_fetch_sub(&backend->connections_open, 1);
        memory_free(connection);
        *ret_failure = failure;
        return error;
    }
    connection->backend = backend_reference(backend);
    connection->addresses_seen = atomic_load(&backend->addresses.version);
    connection->home = pool_loop;
    list_init(&connection->seat_link);
    list_init(&connection->home_link);
    *ret_connection = connection;
    return ERROR_NONE;
}
