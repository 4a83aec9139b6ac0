// One edge: the loops' shared world (cache, fetches in flight, origins, ledger, maintenance) and
// its listeners. Everything a site's visitor meets happens below this header.
#pragma once

#include "edge/ledger.h"
#include "edge/settings.h"
#include "edge/traffic.h"
#include "http/message.h"

struct edge;

// One finished answer, for the access log. Views are valid during the call only.
struct access_record {
    int64_t wall_ms;
    uint64_t duration_us, first_byte_us;
    struct address peer; // the visitor, as far as trusted proxies tell; port 0: untold
    struct slice method, target, host, referer, user_agent, request_id;
    unsigned major_version, minor_version, status;
    uint64_t bytes;              // of content sent
    const char *cache;           // "hit", "miss", "stale", "pass", ...
    const char *lifeline;        // which one saved it, "" if none
    const char *failure;         // RFC 9209 token, "" if none
    struct slice backend;        // host:port asked last, empty if none
    bool complete;
};

// A page that a room above this one has, of no site in particular: below the prefix, or on a host
// of that room's own. Views and the arena are the request's.
struct request;
struct edge_page_request {
    enum http_method method;
    struct slice path, name;  // name: of the page, what stands behind the prefix
    struct slice prefix;      // on a host of its own: "/"
    bool has_own_host;        // every path there is the room's
    struct slice host;        // as the visitor named it, lower case, without a port
    struct slice authority;   // the same as it came, with its port
    bool secure;              // by HTTPS, or what browsers trust as much (localhost)
    struct slice query;       // data NULL without one
    const struct http_fields *fields;
    struct address client;    // as far as trusted proxies tell
    struct arena *arena;
    struct request *request;  // for the functions below
};

struct edge_page {
    unsigned status;
    struct slice content_type, content;
    struct slice fields;      // further "Name: value\r\n" lines
    struct slice cache;       // Cache-Control; data NULL: no-store
    struct slice policy;      // Content-Security-Policy of HTML; data NULL: the edge's own
    enum ledger_count count;  // what it is counted as
    // Or content that comes piece by piece, after `content`: called until it says false. May
    // suspend; the piece is its own until the next call. NULL: there is no more.
    bool (*more)(struct task *task, void *context, struct slice *ret_piece);
    void *more_context;
    void (*end)(void *context); // once all was sent or the visitor has gone, also without `more`
};

struct page_status;
// What this edge knows of the site that it serves by this name; history and texts are the
// request's. False: it serves none; a site for all names that no other has does not count.
bool edge_page_find_site(const struct edge_page_request *page_request, struct slice host,
    struct page_status *ret_status);
// What edge_read_sites calls the site that this host is of, also one for all names. False: none.
bool edge_page_site_name(const struct edge_page_request *page_request, struct slice *ret_name);
// The request's content, in its arena. LIMIT: it has more than maximum bytes. Others: it broke off.
enum error edge_page_read(struct task *task, const struct edge_page_request *page_request,
    size_t maximum, struct slice *ret_content) MUST_CHECK;
// The visitor does not wait for the answer any more.
bool edge_page_has_gone(const struct edge_page_request *page_request);

struct edge_hooks {
    // Called in the loop's thread after each answer; must not block. NULL: no access log.
    void (*answered)(void *context, unsigned loop_index, const struct access_record *record);
    void *context;
    // Asked for each request below the prefix, in its task; may suspend it. False: there is no such
    // page here. NULL: there are none.
    bool (*page)(struct task *task, void *context, const struct edge_page_request *request,
        struct edge_page *ret_page);
    // All paths of this host are pages, too; does not suspend. NULL: there is no such host.
    bool (*owns_host)(void *context, struct slice host);
    // A token for a form by which the visitor of a failed request tells the operators: it is POSTed
    // to the page "report". site: as edge_read_sites calls it. Does not suspend; nothing appended:
    // there is no form. NULL: there never is.
    void (*report_token)(void *context, struct slice request_id, struct slice site, int64_t now_ms,
        struct text *ret_token);
    // When visitors may expect the site back, as an operator or an announced maintenance says (wall
    // clock); 0: nobody has said. Asked when the site has failed and a page is about to tell so;
    // must not block. NULL: nobody ever says.
    int64_t (*expected_ms)(void *context, struct slice site);
    void *page_context; // of these
};

// loops are made by the world (epoll or simulation) and outlive the edge; settings stay the
// caller's until edge_destroy or a later edge_reload has returned. NULL when out of memory.
struct edge *edge_create(struct loop **loops, unsigned loop_count,
    const struct edge_settings *settings, const struct edge_hooks *hooks) MUST_CHECK;
// Copies outlive the process there; before edge_start. It stays the caller's, and outlives the
// loops.
void edge_use_store(struct edge *edge, struct store *store);
// Opens settings' outbox, if they name one, before the edge starts; blocks. The error is its
// directory's.
enum error edge_open_outbox(struct edge *edge) MUST_CHECK;
// Opens one listener per loop, before the loops run; port 0 in *address is replaced by the port it
// got. secure: visitors speak TLS there.
enum error edge_listen(struct edge *edge, struct address *address, bool secure) MUST_CHECK;
// What the process may take, see pressure.h; before edge_start. Without it there is no limit but
// that of tasks.
void edge_set_resources(struct edge *edge, const struct pressure_resources *resources);
// Starts accepting, probing, sweeping: call before the loops run.
enum error edge_start(struct edge *edge) MUST_CHECK;
// Swaps settings, in loop 0's thread. Requests under way finish with the old ones; on
// failure nothing changed. released (may be NULL) is called in some loop once nobody uses
// the old settings any more.
enum error edge_reload(struct edge *edge, const struct edge_settings *settings,
    void (*released)(void *context), void *context) MUST_CHECK;
// Stops accepting, lets requests finish until connections.drain_timeout, cuts what is left, then
// stops all loops. Call in loop 0's thread; returns at once.
void edge_drain(struct edge *edge);
void edge_destroy(struct edge *edge); // after the loops stopped

// Whether hooks.answered is called; on from the start if there is one. Any thread.
void edge_want_records(struct edge *edge, bool wanted);

// As cache_purge, and a URL finds its copies too where rules leave parameters out of the key or
// sort them. Any thread; walks the index.
uint64_t edge_purge(struct edge *edge, const struct purge *purge);

// What was purged so far will not be back after a crash, either; blocks. An error is the disk's.
enum error edge_settle(struct edge *edge) MUST_CHECK;

struct outbox *edge_outbox(struct edge *edge); // NULL: it has none
struct cache *edge_cache(struct edge *edge);
struct store *edge_store(struct edge *edge); // NULL: there is none
struct origins *edge_origins(struct edge *edge);
int64_t edge_started_ms(const struct edge *edge); // wall clock
uint64_t edge_read_ledger(struct edge *edge, enum ledger_count count); // summed over the loops
uint64_t edge_read_fault(struct edge *edge, enum http1_fault fault);
uint64_t edge_open_connections(struct edge *edge);
uint64_t edge_active_requests(struct edge *edge);
uint64_t edge_open_tunnels(struct edge *edge);
uint64_t edge_flights(struct edge *edge);

struct history_view;
// What the lifelines averted in the last 24 hours, of all sites. Any thread.
void edge_read_history(struct edge *edge, int64_t wall_ms, struct history_view *ret_view);

// What is known of one site.
#define SITE_NAME_MAX 255 // bytes; longer ones are cut
struct site_evidence {
    struct slice name;      // its first host, of a site for all hosts its origin's name; views of
    struct slice origin;    // this struct's own texts, so it must not be moved
    char texts[2][SITE_NAME_MAX];
    bool down;              // nobody of its origin answers, see origin_is_down
    int64_t since_ms;       // wall clock; if it is not down, since when not, 0: since the start
    bool failing;           // see origin_is_failing
    size_t backends, healthy;
    bool is_probed;         // a probe has looked
    uint64_t p95_ms;        // of the time to its first byte, 0: not known
    uint64_t answered_ns;   // changes with the origin's good answers; 0: there was none
    bool in_maintenance;    // the operator has declared it
    bool says_maintenance;  // the origin does, of itself
    struct traffic_view traffic; // slowest_us, failed_pages: since the last call
};
// Fills up to capacity, in the order of the settings; returns how many sites there are. Any thread.
// It keeps a reload waiting for so long, so not from a loop.
size_t edge_read_sites(struct edge *edge, struct site_evidence *ret_sites, size_t capacity);

// Maintenance, declared by the operator for all sites: fetches stop, copies are served, the rest
// gets the honest page with the ETA. Any thread.
struct maintenance {
    bool on;
    int64_t until_ms; // wall clock, 0: no ETA
    char message[512];
};
void edge_set_maintenance(struct edge *edge, const struct maintenance *maintenance);
void edge_read_maintenance(struct edge *edge, struct maintenance *ret_maintenance);
