// What the check page (check_serve.h) shares with the vantage: its rates, its looks, its threads.
#pragma once

#include "doctor/vantage.h"
#include "doctor/vantage_results.h"

#define VANTAGE_BUSY_SECONDS 5 // Retry-After where too many looks are under way

// Of texts and lists, the others alone.
const struct vantage_settings *vantage_settings_of(const struct vantage *vantage);
// The parameter url of a query, percent-encoding undone; data NULL: there is none. is_form: as
// browsers send what was typed into a form. False: it cannot be read, or is long.
bool vantage_read_url(struct slice query, bool is_form, struct arena *arena,
    struct slice *ret_url) MUST_CHECK;
// Takes from the client's rate and from that of all. False: not now, *ret_wait_ns says how long.
bool vantage_admits(struct vantage *vantage, const struct address *client, uint64_t now_ns,
    uint64_t *ret_wait_ns) MUST_CHECK;
// The look at the URL, shared with all who ask for it within a moment; *ret_result is in the arena.
// is_for_page: as check_look tells it, else as observer_look does. False: too many are under way.
// *ret_count: as what the answer is counted.
bool vantage_look(struct task *task, struct vantage *vantage, struct slice url, bool is_for_page,
    struct arena *arena, struct vantage_result *ret_result,
    enum ledger_count *ret_count) MUST_CHECK;
// Something short, on one of the vantage's threads: there is always one that does not look.
enum error vantage_run(struct task *task, struct vantage *vantage, void (*work)(void *argument),
    void *argument) MUST_CHECK;
