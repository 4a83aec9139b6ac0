// Writes that the origin cannot take: each that was accepted arrives, once and in its turn; what
// nobody knows holds up its own path and no other.
#include "edge/outbox/outbox.h"
#include "sim/scenarios/common.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define WRITERS 8
#define WRITES_EACH 6
#define OUTAGE_MS 30000 // longer than anybody is held
#define PATIENCE_MS 120000

struct place { // a directory of files that are as real as any
    char path[64];
    char settings[1024];
};

static void place_make(struct place *place, const char *rule)
{
    snprintf(place->path, sizeof(place->path), "%s/afloat-sim-XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(place->path) == NULL)
        place->path[0] = '\0';
    snprintf(place->settings, sizeof(place->settings),
        SIM_ONE_BACKEND "outbox: {directory: %s}\n"
        "sites:\n  - origin: main\n    rules: [{path: /post/*, %s}]\n",
        place->path, rule);
}

static void place_remove(const struct place *place)
{
    DIR *stream = opendir(place->path);
    const struct dirent *file;
    while (stream != NULL && (file = readdir(stream)) != NULL)
        unlinkat(dirfd(stream), file->d_name, 0); // not the two that are directories
    if (stream != NULL)
        closedir(stream);
    rmdir(place->path);
}

static struct outbox_statistics outbox_now(struct sim_run *run)
{
    struct outbox_statistics statistics;
    outbox_read_statistics(edge_outbox(sim_edge_of(run)), &statistics);
    return statistics;
}

static void await_delivery(struct task *task, struct sim_run *run, uint64_t unknown)
{
    struct outbox_statistics now = outbox_now(run);
    for (unsigned waited_ms = 0; waited_ms < PATIENCE_MS && now.queued + now.sending > 0;
         waited_ms += 100) {
        sim_sleep_ms(task, 100);
        now = outbox_now(run);
    }
    if (now.queued + now.sending > 0 || now.unknown != unknown)
        sim_fail(run, "%" PRIu64 " queued, %" PRIu64 " being sent, %" PRIu64 " unknown at the end",
            now.queued, now.sending, now.unknown);
}

static uint64_t upload_of(unsigned writer, unsigned index)
{
    return 1 + writer * WRITES_EACH + index;
}

static void plan_writes(struct sim_run *run, struct sim_request *request)
{
    bool puts = random_chance(sim_random(run), 1, 3);
    request->method = puts ? "PUT" : "POST";
    snprintf(request->path, sizeof(request->path), "/post/%u", request->client % 5);
    request->upload_id = upload_of(request->client, request->index);
    request->upload_size = random_below(sim_random(run), 150000);
    request->upload_chunked = random_chance(sim_random(run), 1, 3);
    request->expect_continue = random_chance(sim_random(run), 1, 4);
    request->allow = SIM_ALLOW_ACCEPTED;
}

static void shape_writer(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)client;
    visit->http2 = random_chance(sim_random(run), 1, 3);
}

// Each of a writer's came after the one before, and all came.
static void check_order(struct sim_run *run)
{
    for (unsigned writer = 0; writer < WRITERS; writer++) {
        uint64_t before = 0;
        for (unsigned index = 0; index < WRITES_EACH; index++) {
            const struct sim_upload *upload =
                sim_site_upload(&run->site, upload_of(writer, index));
            if (upload->complete != 1)
                sim_fail(run, "write %" PRIu64 " arrived %u times", upload->id, upload->complete);
            if (upload->arrival < before)
                sim_fail(run, "write %" PRIu64 " came before the one before it", upload->id);
            before = upload->arrival;
        }
    }
}

// It dies, and returns once or several times while writers go on.
static void arrive_once_in_order(struct task *task, struct sim_run *run)
{
    struct place place;
    place_make(&place, "accept_writes: {methods: [POST, PUT]}");
    struct sim_origin *origin = sim_begin(task, run, place.settings);
    bool flaps = random_chance(sim_random(run), 1, 2);
    struct sim_background writers;
    struct sim_crowd crowd = {.clients = WRITERS, .requests_each = WRITES_EACH, .over_ms = 5000,
        .think_ms = 4000, .plan = plan_writes, .shape = shape_writer};
    sim_origin_kill(origin);
    run->troubled = true;
    sim_background_start(&writers, run, &crowd);
    sim_sleep_ms(task, flaps ? sim_between_values(run, 1000, OUTAGE_MS) : OUTAGE_MS);
    sim_origin_revive(origin);
    run->troubled = false;
    sim_background_join(task, &writers);
    await_delivery(task, run, 0);
    sim_expect(run, run->errors == 0);
    sim_expect(run, outbox_now(run).accepted > 0);
    check_order(run);
    sim_edge_end(task, run);
    place_remove(&place);
}

// Longer than anybody is held: without the outbox this is an error for each.
static void nobody_is_refused(struct task *task, struct sim_run *run)
{
    struct place place;
    place_make(&place, "accept_writes: {methods: [POST, PUT]}");
    struct sim_origin *origin = sim_begin(task, run, place.settings);
    sim_origin_kill(origin);
    run->troubled = true;
    struct sim_crowd crowd = {.clients = WRITERS, .requests_each = WRITES_EACH, .over_ms = 5000,
        .think_ms = 100, .plan = plan_writes, .shape = shape_writer};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, outbox_now(run).accepted == WRITERS * WRITES_EACH);
    sim_sleep_ms(task, OUTAGE_MS);
    sim_expect(run, run->errors == 0);
    sim_origin_revive(origin);
    run->troubled = false;
    await_delivery(task, run, 0);
    check_order(run);
    sim_edge_end(task, run);
    place_remove(&place);
}

static void accept_one(struct task *task, struct sim_run *run, const char *path, uint64_t id)
{
    struct sim_request request = {.method = "POST", .upload_id = id, .upload_size = 1000,
        .allow = SIM_ALLOW_ACCEPTED};
    snprintf(request.path, sizeof(request.path), "%s", path);
    struct sim_answer answer = sim_ask(task, run, &request);
    sim_expect(run, answer.status == 202);
}

static struct outbox_view first_of(struct sim_run *run)
{
    struct outbox_view view = {0};
    size_t count = outbox_list(edge_outbox(sim_edge_of(run)), false, &view, 1);
    sim_expect(run, count > 0);
    return view;
}

// Read whole, and no answer: it is not sent again, its path waits for the operator, others do not.
static void doubt_holds_up_its_path(struct task *task, struct sim_run *run)
{
    struct place place;
    place_make(&place, "accept_writes: {methods: [POST]}");
    struct sim_origin *origin = sim_begin(task, run, place.settings);
    sim_origin_kill(origin);
    run->troubled = true;
    accept_one(task, run, "/post/lost", 1);
    accept_one(task, run, "/post/lost", 2);
    accept_one(task, run, "/post/other", 3);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_ANY,
        .prefix = "/post/lost"});
    sim_origin_revive(origin);
    for (unsigned i = 0; i < 1200 && outbox_now(run).unknown == 0; i++)
        sim_sleep_ms(task, 100);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    sim_sleep_ms(task, 30000);
    struct outbox_statistics now = outbox_now(run);
    sim_expect(run, now.unknown == 1 && now.queued == 1 && now.delivered == 1);
    accept_one(task, run, "/post/lost", 4); // the origin answers, but it must not overtake
    struct outbox_view view = first_of(run);
    enum error error = outbox_drop(edge_outbox(sim_edge_of(run)), slice_from_string(view.id), 1);
    sim_expect(run, error == ERROR_NONE);
    run->troubled = false;
    await_delivery(task, run, 0);
    sim_expect(run, sim_site_upload(&run->site, 2)->arrival
        < sim_site_upload(&run->site, 4)->arrival);
    sim_edge_end(task, run);
    place_remove(&place);
}

static void plan_keyed(struct sim_run *run, struct sim_request *request)
{
    plan_writes(run, request);
    static char keys[WRITERS][WRITES_EACH][48];
    char *key = keys[request->client][request->index];
    snprintf(key, sizeof(keys[0][0]), "Idempotency-Key: \"%" PRIu64 "\"\r\n", request->upload_id);
    request->fields = key;
    request->upload_size = MINIMUM(request->upload_size, 60000); // what retry.content keeps
}

// Connections die under writes that had begun. With a key they are accepted all the same, and
// happen once.
static void keyed_arrive(struct task *task, struct sim_run *run)
{
    struct place place;
    place_make(&place, "idempotency_key: honoured, accept_writes: {methods: [POST, PUT]}");
    struct sim_origin *origin = sim_begin(task, run, place.settings);
    origin->honours_keys = true;
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_ANY,
        .prefix = "/post/"});
    struct sim_crowd crowd = {.clients = WRITERS, .requests_each = WRITES_EACH, .over_ms = 5000,
        .think_ms = 100, .plan = plan_keyed, .shape = shape_writer};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0);
    sim_expect(run, outbox_now(run).accepted == WRITERS * WRITES_EACH);
    sim_sleep_ms(task, OUTAGE_MS);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    await_delivery(task, run, 0);
    check_order(run);
    sim_edge_end(task, run);
    place_remove(&place);
}

static const struct sim_scenario scenarios[] = {
    {"accepted_arrive_once_in_order", arrive_once_in_order, 0,
        "writes accepted in an outage arrive once and in order, whoever writes meanwhile"},
    {"accepted_nobody_is_refused", nobody_is_refused, 0,
        "an outage longer than anybody is held costs no write"},
    {"accepted_doubt_holds_up_its_path", doubt_holds_up_its_path, 0,
        "a write of which nobody knows waits for the operator and holds up its path alone"},
    {"accepted_keyed_had_begun", keyed_arrive, 0,
        "writes with a key whose connections died under them are accepted too, and happen once"},
};

const struct sim_group sim_outbox_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
