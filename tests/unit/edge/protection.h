// An answer that is held against a copy, as protection.c sees both: made without a backend, its
// content written in pieces.
#pragma once

#include "../cache/heads.h"
#include "edge/protection.h"

#define PROTECTION_WINDOW 65536 // connections.stream_window

struct protection_scene {
    struct edge_settings settings;
    struct site_settings site_settings;
    struct generation generation;
    struct site site;
    struct ledger_row ledger;
    struct edge_thread thread;
    struct rule_protect_settings protect;
    struct fetch_report report;
    struct fetch fetch;
};

static inline void protection_scene_open(struct protection_scene *scene, struct loop *loop)
{
    *scene = (struct protection_scene){.protect = {.examined = 65536}};
    scene->settings.connections.stream_window = 2 * PROTECTION_WINDOW;
    scene->site_settings.lifelines.of[LIFELINE_NEGATIVE_PROTECTION].enabled = true;
    scene->site.settings = &scene->site_settings;
    scene->generation.settings = &scene->settings;
    scene->thread = (struct edge_thread){.ledger = &scene->ledger, .loop = loop};
    scene->fetch = (struct fetch){.thread = &scene->thread, .generation = &scene->generation,
        .site = &scene->site, .report = &scene->report, .protect = &scene->protect};
}

// Its first bytes; what follows of a growing one is written later. Takes over the body.
static inline struct object *protection_object(const char *fields, struct body *body,
    uint64_t now_ns)
{
    static struct test_request request;
    static struct test_response response;
    const struct judge_policy policy = {.keep_ms = 60000};
    const struct cache_key key = {0};
    struct judgement judgement;
    test_parse_request(&request, "GET / HTTP/1.1", "");
    test_parse_response(&response, 200, fields);
    judge_response(&request.head, &response.head, &policy, NOW_MS, NOW_MS, &judgement);
    struct object *object = object_create(&key, &request.head, &response.head, &judgement, now_ns,
        NOW_MS, body);
    invariant(object != NULL);
    return object;
}

// At most piece bytes at a time.
static inline void protection_write(struct task *task, struct body *body, struct slice bytes,
    size_t piece)
{
    while (bytes.size > 0) {
        void *room;
        size_t size;
        invariant(body_room(task, body, task_now_ns(task) + NS_PER_SECOND, &room, &size)
            == ERROR_NONE);
        size = MINIMUM(MINIMUM(size, piece), bytes.size);
        memcpy(room, bytes.data, size);
        body_commit(body, size);
        bytes = slice_of(bytes.data + size, bytes.size - size);
    }
}
