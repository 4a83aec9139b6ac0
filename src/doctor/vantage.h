// A vantage: answers PREFIXlook?url=URL with how the URL looks from here. Who has a key signs his
// requests (ticket.h); everybody else is held to a rate. Looks run on helper threads of their own,
// a few at once, and are shared for a moment (vantage_results.h); what may be looked at is the
// guard's affair (guard.h).
#pragma once

#include "doctor/vantage_settings.h"
#include "edge/edge.h"

#define VANTAGE_URL_MAX 2048 // bytes

struct vantage;

// edge_name: for a vantage without a name. seed: nobody can guess it. Nothing of the settings is
// kept. INVALID, and errors of the key file: why says what is wrong.
enum error vantage_create(const struct vantage_settings *settings, struct slice edge_name,
    uint64_t seed, struct text *why, struct vantage **ret_vantage) MUST_CHECK;
void vantage_destroy(struct vantage *vantage); // after the loops have stopped; NULL is fine

// For edge_hooks; context: the vantage.
bool vantage_serve_page(struct task *task, void *context, const struct edge_page_request *request,
    struct edge_page *ret_page);
