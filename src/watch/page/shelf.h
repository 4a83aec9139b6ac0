// Finished pages of the last moments, by what they show: a bounded number, counted, behind one lock
// that is held for no more than looking; another keeps two threads from writing the same page.
#pragma once

#include "base/lock.h"
#include "watch/page/status_page.h"

#define SHELF_PLACES 64
#define SHELF_KEY_MAX 320          // bytes
#define SHELF_PAGE_MAX (512 * 1024) // larger ones are not kept

// A page as it was written, counted.
struct shelf_page {
    _Atomic uint32_t references;
    int64_t made_ms;
    size_t size, policy_size;
    char policy[700];
    char html[];
};

struct shelf_place {
    char key[SHELF_KEY_MAX]; // what is shown, to whom
    size_t key_size;
    uint64_t stamp;          // of which moment
    uint64_t used;           // the least is given away first
    struct shelf_page *page; // NULL: free
};

struct status_shelf {
    struct lock lock, writing;
    uint64_t uses;
    struct shelf_place places[SHELF_PLACES];
};

struct shelf_page *shelf_page_create(struct slice html, struct slice policy,
    int64_t now_ms) MUST_CHECK;
void shelf_page_release(struct shelf_page *page); // NULL is fine
// Counted; NULL: there is none. any_moment: also one of before.
struct shelf_page *shelf_find(struct status_shelf *shelf, struct slice key, uint64_t stamp,
    bool any_moment) MUST_CHECK;
void shelf_put(struct status_shelf *shelf, struct slice key, uint64_t stamp,
    struct shelf_page *page);
