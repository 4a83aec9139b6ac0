// Visitors say that it does not work for them. One vote per network (/24, /48) and half hour, kept
// as salted hashes for a bounded time; no cookie, no third party. Whether so many are an anomaly is
// said by anomaly.h. Reports alone never say more than that a problem is reported. One lock; any
// thread.
#pragma once

#include "watch/visit.h"
#include "watch/world.h"

struct reports;

struct report_settings {
    bool enabled;
    uint64_t per_network_ms; // one vote in this time
};
extern const struct setting_section report_settings_section;

// secret: 32 bytes, known to nobody; signs what forms carry. Forms of before now_ms are too old:
// which of them were used is not kept. Reads what the world's database has; blocks.
enum error reports_create(const struct report_settings *settings, const uint8_t secret[32],
    struct world *world, size_t component_count, int64_t now_ms,
    struct reports **ret_reports) MUST_CHECK;
void reports_destroy(struct reports *reports); // NULL is fine
void reports_tick(struct reports *reports, int64_t now_ms); // once a second

// What the form on the honest page carries: it proves that this request failed here. In the
// request's loop; does not block.
// component: its id. Nothing is appended where there is none of that id.
void reports_write_token(struct reports *reports, struct slice request_id, struct slice component,
    int64_t now_ms, struct text *ret_token);
// The form of the status page for a component carries another: that it was read.
void reports_write_page_token(struct reports *reports, struct slice component, int64_t now_ms,
    struct text *ret_token);

// POST base + "report": answers with a page that says what became of it, by 303 and GET.
bool reports_serve(struct task *task, struct reports *reports, const struct visit *visit,
    struct edge_page *ret_page);
