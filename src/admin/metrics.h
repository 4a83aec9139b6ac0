// Prometheus metrics (text exposition format 0.0.4) on a listener of their own: GET /metrics,
// answered by one plain thread, one client at a time within METRICS_TIMEOUT_MS, one request per
// connection. No access control: bind it to an address that only the monitoring reaches.
#pragma once

#include "admin/status.h"

#define METRICS_REQUEST_MAX 8192
#define METRICS_SIZE_MAX ((size_t)16 << 20)
#define METRICS_TIMEOUT_MS 5000

struct metrics;

// Port 0 in *address is replaced by the port it got. BUSY, DENIED, MEMORY, SYSTEM.
enum error metrics_start(
    struct address *address, struct status_source *source, struct metrics **ret_metrics) MUST_CHECK;
void metrics_stop(struct metrics *metrics); // NULL is fine

// The exposition of now, from memory_alloc.
enum error metrics_build(
    struct status_source *source, char **ret_text, size_t *ret_size) MUST_CHECK;
