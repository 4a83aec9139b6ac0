// See traffic.h.
#include "edge/traffic.h"

void traffic_fail(struct traffic_row *row, uint64_t page_hash)
{
    traffic_add(&row->failed, 1);
    // If a reader begins anew in between, it will see the former pages again.
    uint64_t pages = atomic_load_explicit(&row->failed_pages, memory_order_relaxed);
    atomic_store_explicit(&row->failed_pages, pages | UINT64_C(1) << (page_hash & 63),
        memory_order_relaxed);
}

void traffic_respond(struct traffic_row *row, uint64_t first_byte_us)
{
    traffic_add(&row->responses, 1);
    traffic_add(&row->responses_us, first_byte_us);
    // A reader may begin anew in between; then this one is not the slowest of anything.
    if (first_byte_us > atomic_load_explicit(&row->slowest_us, memory_order_relaxed))
        atomic_store_explicit(&row->slowest_us, first_byte_us, memory_order_relaxed);
}

void traffic_read(struct traffic_row *rows, size_t count, struct traffic_view *ret_view)
{
    struct traffic_view view = {0};
    for (size_t i = 0; i < count; i++) {
        struct traffic_row *row = &rows[i];
        // Failed ones first: a request that is counted meanwhile must not make them the more.
        view.failed += atomic_load_explicit(&row->failed, memory_order_relaxed);
        view.requests += atomic_load_explicit(&row->requests, memory_order_relaxed);
        view.settled += atomic_load_explicit(&row->settled, memory_order_relaxed);
        view.asked += atomic_load_explicit(&row->asked, memory_order_relaxed);
        view.responses += atomic_load_explicit(&row->responses, memory_order_relaxed);
        view.responses_us += atomic_load_explicit(&row->responses_us, memory_order_relaxed);
        uint64_t slowest_us = atomic_exchange_explicit(&row->slowest_us, 0, memory_order_relaxed);
        view.failed_pages |=
            atomic_exchange_explicit(&row->failed_pages, 0, memory_order_relaxed);
        view.slowest_us = MAXIMUM(view.slowest_us, slowest_us);
    }
    *ret_view = view;
}
