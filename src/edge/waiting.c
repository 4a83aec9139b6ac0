// See waiting.h.
#include "edge/waiting.h"
#include "base/text.h"
#include "edge/request.h"
#include "http/cache_control.h"
#include "http/structured.h"
#include "origin/failure.h"

#define HEAD_LOOKED_AT 1024
#define RETRY_AFTER_SECONDS 10
#define RETRY_JITTER_SECONDS 5
#define UNREAD_MAX (256 * 1024)

// What comes is HTTP that can be read here and now.
static bool is_plain(const struct connection *connection)
{
    return connection->stream.tls == NULL && !connection->awaits_proxy_header
        && !connection->awaits_handshake;
}

static struct slice look(struct connection *connection, char *buffer, size_t size)
{
    return slice_of(buffer, io_peek(&connection->stream.socket, buffer, size));
}

bool waiting_asks_for_own_page(struct connection *connection)
{
    char buffer[HEAD_LOOKED_AT];
    struct slice prefix = connection->thread->generation->settings->prefix;
    if (prefix.size == 0 || !is_plain(connection))
        return false;
    struct slice head = look(connection, buffer, sizeof(buffer)), target = head;
    (void)slice_cut(&target, ' ');
    return target.data != NULL && slice_starts_with(target, prefix)
        && memmem(head.data, head.size, "\r\n\r\n", 4) != NULL;
}

// --- What is said at the end ---

static void compose(struct text *text, struct connection *connection, bool has_content)
{
    static const char content[] = "This server has too much to do just now. Please come again.\n";
    struct edge_thread *thread = connection->thread;
    struct slice name = thread->generation->settings->name;
    char date[HTTP_DATE_SIZE];
    unsigned seconds = RETRY_AFTER_SECONDS
        + (unsigned)random_below(&thread->loop->random, RETRY_JITTER_SECONDS + 1);
    http_date_format(thread->loop->wall_ms / 1000, date);
    text_format(text, "HTTP/1.1 503 Service Unavailable\r\nDate: %.*s\r\nRetry-After: %u\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
        "Cache-Control: no-store\r\nAfloat-Request: ", (int)sizeof(date), date, seconds,
        sizeof(content) - 1);
    text_append_hex(text, random_next(&thread->loop->random), REQUEST_ID_DIGITS);
    text_append(text, SLICE("\r\nCache-Status: "));
    structured_append_token(text, name);
    text_append(text, SLICE(";detail=edge\r\nProxy-Status: "));
    structured_append_token(text, name);
    text_format(text, ";error=%s\r\nConnection: close\r\n\r\n",
        failure_token(FAILURE_CONNECTION_LIMIT_REACHED));
    text_append(text, has_content ? slice_from_string(content) : SLICE(""));
}

// Closing with bytes unread would be a reset, which may cost the visitor what was sent.
static void throw_away_unread(struct io_socket *socket)
{
    char scratch[4096];
    size_t size = 1;
    for (size_t total = 0; total < UNREAD_MAX && size > 0; total += size)
        size = io_receive_now(socket, scratch, sizeof(scratch));
}

// In the words of a request's life, so that the ledger balances.
static void count_told(struct ledger_row *ledger, size_t bytes)
{
    ledger_add(ledger, LEDGER_REQUESTS, 1);
    ledger_add(ledger, LEDGER_STRAYED, 1);
    ledger_add(ledger, LEDGER_VISITOR_ERRORS, 1);
    ledger_add(ledger, LEDGER_BYTES_SENT, bytes);
}

// Without a task: it is small, and between two requests nothing is on its way.
static void tell_busy(struct connection *connection)
{
    char buffer[1024], method[5];
    struct text text = text_in(buffer, sizeof(buffer));
    struct io_socket *socket = &connection->stream.socket;
    struct slice begun = look(connection, method, sizeof(method));
    if (begun.size == 0 || slice_equal(begun, SLICE("PRI *"))) // of HTTP/2 (RFC 9113 section 3.4)
        return;
    compose(&text, connection, !slice_equal(begun, SLICE("HEAD ")));
    if (text.full || io_send_now(socket, buffer, text.size) < text.size)
        return;
    count_told(connection->thread->ledger, text.size);
    io_end(socket);
    throw_away_unread(socket);
}

// --- The line ---

static void waiting_start(struct line_place *place)
{
    struct connection *connection = CONTAINER_OF(place, struct connection, place);
    connection->has_turn = true;
    if (!io_has_gone(&connection->stream.socket) && connection_start(connection) == ERROR_NONE)
        return;
    ledger_add(connection->thread->ledger, LEDGER_SHED, 1);
    connection_destroy(connection);
}

static void waiting_give_up(struct line_place *place)
{
    struct connection *connection = CONTAINER_OF(place, struct connection, place);
    ledger_add(connection->thread->ledger, LEDGER_SHED, 1);
    if (is_plain(connection))
        tell_busy(connection);
    connection_destroy(connection);
}

static const struct line_operations operations = {
    .begin = waiting_start, .give_up = waiting_give_up};

void waiting_begin(struct connection *connection)
{
    struct edge_thread *thread = connection->thread;
    char byte;
    if (is_plain(connection) && look(connection, &byte, 1).size == 0
        && !io_is_quiet(&connection->stream.socket)) {
        connection_destroy(connection); // it only ends
        return;
    }
    ledger_add(thread->ledger, LEDGER_WAITED_FOR_TASK, 1);
    line_join(&thread->line, LINE_COMING, &connection->place, &operations,
        deadline_after_ms(thread->loop, thread->generation->settings->overload.wait_ms));
}
