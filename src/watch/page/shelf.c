// Few places, so that looking through all is nothing beside writing a page.
#include "watch/page/shelf.h"
#include "base/memory.h"

struct status_shelf *status_shelf_create(void)
{
    struct status_shelf *shelf = memory_zero_alloc(sizeof(*shelf));
    if (shelf == NULL)
        return NULL;
    lock_init(&shelf->lock);
    lock_init(&shelf->writing);
    return shelf;
}

void status_shelf_destroy(struct status_shelf *shelf)
{
    if (shelf == NULL)
        return;
    for (size_t i = 0; i < SHELF_PLACES; i++)
        shelf_page_release(shelf->places[i].page);
    lock_destroy(&shelf->lock);
    lock_destroy(&shelf->writing);
    memory_free(shelf);
}

struct shelf_page *shelf_page_create(struct slice html, struct slice policy, int64_t now_ms)
{
    struct shelf_page *page = policy.size > sizeof(page->policy)
        ? NULL : memory_alloc(sizeof(*page) + html.size);
    if (page == NULL)
        return NULL;
    atomic_init(&page->references, 1);
    page->made_ms = now_ms;
    page->size = html.size;
    page->policy_size = policy.size;
    memcpy(page->html, html.data, html.size);
    memcpy(page->policy, policy.data, policy.size);
    return page;
}

void shelf_page_release(struct shelf_page *page)
{
    if (page != NULL && atomic_fetch_sub_explicit(&page->references, 1, memory_order_acq_rel) == 1)
        memory_free(page);
}

struct shelf_page *shelf_find(struct status_shelf *shelf, struct slice key, uint64_t stamp,
    bool any_moment)
{
    struct shelf_page *found = NULL;
    lock_acquire(&shelf->lock);
    for (size_t i = 0; i < SHELF_PLACES && found == NULL; i++) {
        struct shelf_place *place = &shelf->places[i];
        if (place->page == NULL || (!any_moment && place->stamp != stamp)
            || !slice_equal(slice_of(place->key, place->key_size), key))
            continue;
        place->used = ++shelf->uses;
        found = place->page;
        atomic_fetch_add_explicit(&found->references, 1, memory_order_relaxed);
    }
    lock_release(&shelf->lock);
    return found;
}

void shelf_put(struct status_shelf *shelf, struct slice key, uint64_t stamp,
    struct shelf_page *page)
{
    struct shelf_place *chosen = &shelf->places[0];
    if (key.size > SHELF_KEY_MAX || page->size > SHELF_PAGE_MAX)
        return;
    lock_acquire(&shelf->lock);
    for (size_t i = 0; i < SHELF_PLACES; i++) {
        struct shelf_place *place = &shelf->places[i];
        if (place->page != NULL && slice_equal(slice_of(place->key, place->key_size), key)) {
            chosen = place; // of a moment before
            break;
        }
        if (chosen->page != NULL && (place->page == NULL || place->used < chosen->used))
            chosen = place;
    }
    struct shelf_page *old = chosen->page;
    atomic_fetch_add_explicit(&page->references, 1, memory_order_relaxed);
    memcpy(chosen->key, key.data, key.size);
    chosen->key_size = key.size;
    chosen->stamp = stamp;
    chosen->used = ++shelf->uses;
    chosen->page = page;
    lock_release(&shelf->lock);
    shelf_page_release(old);
}
