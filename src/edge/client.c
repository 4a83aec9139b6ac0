// Clients of requests and of connections.
#include "edge/client.h"
#include "base/hash.h"
#include "edge/client_table.h"
#include "edge/delivery.h"
#include "edge/request.h"
#include "http/proxy_protocol.h"

#define HANDSHAKES_BURST 10 // seconds' worth
#define CROWD_SHARE 4 // so much more than allowed, a quarter, is answered before it is closed

// --- Requests ---

static const struct access_lists *lists_of(const struct request *request)
{
    return &request->generation->access;
}

void client_identify(struct request *request)
{
    const struct address *peer = &request->connection->peer;
    const struct access_lists *lists = lists_of(request);
    struct client *client = &request->client;
    client->address = *peer;
    if (network_list_contains(&lists->trusted_proxies, peer)) {
        char *buffer = arena_alloc(&request->arena, CLIENT_CHAIN_MAX);
        struct forwarded forwarded;
        if (buffer == NULL)
            return;
        struct text chain = text_in(buffer, CLIENT_CHAIN_MAX);
        forwarded_read(&request->head.fields,
            (enum forwarded_form)request->generation->settings->clients.told_by,
            &lists->trusted_proxies, peer, &chain, &forwarded);
        client->address = forwarded.client;
        client->scheme = forwarded.scheme;
        client->chain = text_slice(&chain);
    }
}

bool client_is_exempt(const struct request *request)
{
    return network_list_contains(&lists_of(request)->exempt, &request->client.address);
}

bool client_speaks_for_itself(const struct request *request)
{
    const struct http_fields *fields = &request->head.fields;
    return network_list_contains(&lists_of(request)->trusted_proxies, &request->connection->peer)
        || (http_fields_find(fields, HTTP_NAME_X_FORWARDED_FOR) == NULL
            && http_fields_find(fields, HTTP_NAME_FORWARDED) == NULL
            && http_fields_find(fields, HTTP_NAME_VIA) == NULL
            && http_fields_find_text(fields, SLICE("x-real-ip")) == NULL);
}

// What a client is counted under. False: it has no address to be counted by.
static bool key_of(const struct edge *edge, const struct address *address, struct slice what,
    uint64_t *ret_key)
{
    struct network network;
    if (!network_of_client(address, &network))
        return false;
    uint64_t seed = hash_bytes(what, edge->client_seed); // nobody chooses who shares his set
    *ret_key = hash_bytes(slice_of((const char *)network.bytes, sizeof(network.bytes)), seed);
    return true;
}

bool client_may_ask(struct request *request)
{
    const struct rate_settings *settings = &request_site(request)->rate;
    const struct client_rate rate = {settings->requests, settings->interval_ms * NS_PER_MS,
        settings->burst};
    struct slice site = request_site(request)->hosts.count == 0
        ? SLICE("") : *(const struct slice *)request_site(request)->hosts.items;
    struct edge *edge = request->thread->edge;
    uint64_t key, wait_ns;
    if (rate.requests == 0 || client_is_exempt(request)
        || !key_of(edge, &request->client.address, site, &key)
        || client_table_take(edge->clients, key, &rate, request->thread->loop->now_ns, &wait_ns))
        return true;
    ledger_add(request->thread->ledger, LEDGER_RATE_LIMITED, 1);
    request->failure.retry_after_seconds =
        (uint32_t)MINIMUM(wait_ns / (1000 * NS_PER_MS) + 1, UINT32_MAX);
    return false;
}

bool client_refuse(struct task *task, struct request *request)
{
    if (request->connection->crowded)
        request->last = request->connection->last = true;
    else if (request->site == NULL || !request_site(request)->rate.copies
        || client_may_ask(request))
        return false;
    delivery_send_page(task, request, 429);
    return true;
}

// --- Connections ---

// A handshake costs more than a hundred requests.
static bool client_may_shake_hands(struct connection *connection)
{
    struct edge *edge = connection->thread->edge;
    uint64_t key, wait_ns, most = connection->thread->generation->settings->clients.handshakes;
    const struct client_rate rate = {most, 1000 * NS_PER_MS, most * HANDSHAKES_BURST};
    if (!connection->awaits_handshake || !key_of(edge, &connection->peer, SLICE("tls"), &key)
        || client_table_take(edge->clients, key, &rate, connection->thread->loop->now_ns, &wait_ns))
        return true;
    ledger_add(connection->thread->ledger, LEDGER_CLIENT_HANDSHAKES, 1);
    return false;
}

static bool client_count_connection(struct connection *connection)
{
    struct edge *edge = connection->thread->edge;
    const struct generation *generation = connection->thread->generation;
    const struct access_lists *lists = &generation->access;
    uint64_t key, count, limit = generation->settings->clients.connections;
    if (network_list_contains(&lists->exempt, &connection->peer)
        || network_list_contains(&lists->trusted_proxies, &connection->peer))
        return true;
    if (!client_may_shake_hands(connection))
        return false;
    if (limit == 0 || !key_of(edge, &connection->peer, SLICE(""), &key))
        return true;
    client_table_enter(edge->clients, key, &count, &connection->client_place);
    if (count <= limit)
        return true;
    connection->crowded = true;
    ledger_add(connection->thread->ledger, LEDGER_CLIENT_CONNECTIONS, 1);
    return count <= limit + limit / CROWD_SHARE + 1;
}

bool client_admit(struct connection *connection)
{
    const struct access_lists *lists = &connection->thread->generation->access;
    connection->awaits_proxy_header =
        network_list_contains(&lists->proxy_protocol, &connection->peer);
    return connection->awaits_proxy_header || client_count_connection(connection);
}

void client_leave(struct connection *connection)
{
    client_table_leave(connection->thread->edge->clients, connection->client_place);
    connection->client_place = CLIENT_PLACE_NONE;
}

bool client_read_proxy_header(struct task *task, struct connection *connection)
{
    struct ledger_row *ledger = connection->thread->ledger;
    uint64_t deadline_ns = deadline_after_ms(task_loop(task),
        connection->thread->generation->settings->connections.head_timeout_ms);
    struct proxy_reader reader;
    enum proxy_progress progress = PROXY_MORE;
    proxy_reader_init(&reader);
    while (progress == PROXY_MORE) {
        uint8_t bytes[256];
        size_t size, wants = MINIMUM(proxy_reader_wants(&reader), sizeof(bytes));
        enum error error = io_receive(
            task, &connection->stream.socket, bytes, wants, deadline_ns, &size);
        if (error != ERROR_NONE) {
            // A balancer that looks whether anybody listens sends nothing.
            bool said_nothing = reader.size == 0 && error != ERROR_TIMEOUT;
            ledger_add(ledger, LEDGER_PROXY_HEADER_FAULTS, !said_nothing);
            return false;
        }
        progress = proxy_reader_take(&reader, bytes, size);
    }
    if (progress == PROXY_FAULT) {
        ledger_add(ledger, LEDGER_PROXY_HEADER_FAULTS, 1);
        return false;
    }
    connection->awaits_proxy_header = false;
    if (reader.is_known)
        connection->peer = reader.source;
    return client_count_connection(connection);
}
