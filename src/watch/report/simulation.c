// Drawing, and counting.
#include "watch/report/simulation.h"
#include "base/memory.h"
#include "base/random.h"

#include <math.h>

#define DAY 1440
#define BEGIN INT64_C(29393280) // minutes since 1970, the begin of a week as anomalies count them
#define SWING 0.8
#define BURSTS 4                // shape of the gamma variable
#define BUSY_DAYS 10            // one of so many
#define BUSY 1.5
#define RAMP 5                  // minutes
#define REARM 30                // minutes
#define OUTAGE_EVERY (3 * DAY)
#define AT_ONCE 16.0            // mean of one draw: exp(-mean) has to be a number

static const double extras[SIMULATION_EXTRAS] = {1, 3, 10, 40};

bool alarm_counter_take(struct alarm_counter *counter, int64_t minute, bool is_on)
{
    if (!is_on)
        return false;
    bool is_new = counter->last == 0 || minute - counter->last > REARM;
    counter->last = minute;
    counter->count += is_new;
    return is_new;
}

// --- Chance ---

// In (0, 1].
static double draw_uniform(struct random *random)
{
    return (double)((random_next(random) >> 11) + 1) * 0x1p-53;
}

// Of mean 1 and a whole shape: a sum of exponential variables.
static double draw_gamma(struct random *random, unsigned shape)
{
    double product = 1;
    for (unsigned i = 0; i < shape; i++)
        product *= draw_uniform(random);
    return -log(product) / shape;
}

// Multiplies uniform variables (Knuth), in parts of a small mean.
static uint32_t draw_poisson(struct random *random, double mean)
{
    uint32_t count = 0;
    while (mean > 0) {
        double limit = exp(-fmin(mean, AT_ONCE)), product = draw_uniform(random);
        while (product > limit) {
            product *= draw_uniform(random);
            count++;
        }
        mean -= AT_ONCE;
    }
    return count;
}

// --- One service ---

struct service {
    const struct simulation *simulation;
    struct random random;
    struct anomaly anomaly;
    double burst, day; // what multiplies the rate now
};

static double rate_at(struct service *service, int64_t minute)
{
    if (minute % DAY == 0)
        service->day = random_chance(&service->random, 1, BUSY_DAYS) ? BUSY : 1;
    if (minute % 15 == 0)
        service->burst = draw_gamma(&service->random, BURSTS);
    double of_day = (double)(minute % DAY) / DAY;
    double swing = 1 + SWING * sin(2 * 3.14159265358979323846 * of_day);
    return service->simulation->rate * swing * service->burst * service->day;
}

static enum report_level pass_minute(struct service *service, int64_t minute, double extra)
{
    struct anomaly_settled settled;
    double mean = rate_at(service, minute) + extra;
    struct anomaly_minute seen = {.networks = draw_poisson(&service->random, mean),
        .neighbourhoods = ANOMALY_UNKNOWN};
    return anomaly_close(&service->anomaly, minute, &seen, &settled);
}

static bool is_on(enum report_level level, size_t alarm)
{
    return alarm == ANOMALY_PROBLEM ? level == REPORTS_PROBLEM : level != REPORTS_NONE;
}

// Delays by minute, the last place for what is missed.
struct delays {
    uint32_t counts[ANOMALY_LEVELS][SIMULATION_EXTRAS][SIMULATION_WAIT + 1];
};

// What is too large for a stack.
struct workspace {
    struct service service, copy;
    struct delays delays;
};

// In a copy of the service, so that what comes after knows nothing of it.
static void suffer(struct workspace *workspace, int64_t minute, size_t extra)
{
    struct service *copy = &workspace->copy;
    *copy = workspace->service;
    uint32_t delay[ANOMALY_LEVELS] = {SIMULATION_WAIT, SIMULATION_WAIT};
    random_seed(&copy->random, random_next(&copy->random) ^ extra);
    for (uint32_t i = 0; i < SIMULATION_WAIT; i++) {
        double more = extras[extra] * fmin(1, (i + 0.5) / RAMP);
        enum report_level level = pass_minute(copy, minute + i, more);
        for (size_t alarm = 0; alarm < ANOMALY_LEVELS; alarm++) {
            if (is_on(level, alarm) && delay[alarm] == SIMULATION_WAIT)
                delay[alarm] = i;
        }
    }
    for (size_t alarm = 0; alarm < ANOMALY_LEVELS; alarm++)
        workspace->delays.counts[alarm][extra][delay[alarm]]++;
}

static void run_service(const struct simulation *simulation, uint32_t number,
    struct workspace *workspace, struct simulation_result *result)
{
    struct service *service = &workspace->service;
    struct alarm_counter counters[ANOMALY_LEVELS] = {{0}};
    service->simulation = simulation;
    service->burst = service->day = 1;
    random_seed(&service->random, simulation->seed + number * UINT64_C(0x9e3779b97f4a7c15));
    anomaly_init(&service->anomaly);
    int64_t begin = BEGIN + ANOMALY_DAYS * DAY, end = begin + (int64_t)simulation->days * DAY;
    for (int64_t minute = BEGIN; minute < begin; minute++)
        anomaly_restore(&service->anomaly, minute, 1,
            draw_poisson(&service->random, rate_at(service, minute)));
    int64_t next_outage = begin + (int64_t)random_below(&service->random, OUTAGE_EVERY);
    for (int64_t minute = begin; minute < end; minute++) {
        if (minute == next_outage) {
            for (size_t extra = 0; extra < SIMULATION_EXTRAS; extra++)
                suffer(workspace, minute, extra);
            next_outage += DAY;
            next_outage += (int64_t)random_below(&service->random, 2 * (OUTAGE_EVERY - DAY));
        }
        enum report_level level = pass_minute(service, minute, 0);
        for (size_t alarm = 0; alarm < ANOMALY_LEVELS; alarm++)
            alarm_counter_take(&counters[alarm], minute, is_on(level, alarm));
    }
    for (size_t alarm = 0; alarm < ANOMALY_LEVELS; alarm++)
        result->alarms[alarm] += counters[alarm].count;
    result->minutes += (uint64_t)(end - begin);
}

// The delay of which so many of all are no longer.
static uint32_t quantile(const uint32_t counts[SIMULATION_WAIT + 1], uint32_t wanted)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < SIMULATION_WAIT; i++) {
        seen += counts[i];
        if (seen >= wanted && seen > 0)
            return i + 1; // an alarm is raised when its minute is over
    }
    return SIMULATION_NEVER;
}

static void read_delays(const struct delays *delays, struct simulation_result *result)
{
    for (size_t alarm = 0; alarm < ANOMALY_LEVELS; alarm++) {
        for (size_t extra = 0; extra < SIMULATION_EXTRAS; extra++) {
            struct simulation_delay *delay = &result->delays[alarm][extra];
            const uint32_t *counts = delays->counts[alarm][extra];
            delay->extra = extras[extra];
            for (size_t i = 0; i <= SIMULATION_WAIT; i++)
                delay->outages += counts[i];
            delay->missed = counts[SIMULATION_WAIT];
            delay->median = quantile(counts, (delay->outages + 1) / 2);
            delay->most = quantile(counts, (delay->outages * 9 + 9) / 10);
        }
    }
}

enum error simulation_run(const struct simulation *simulation,
    struct simulation_result *ret_result)
{
    struct workspace *workspace = memory_zero_alloc(sizeof(*workspace));
    if (workspace == NULL)
        return ERROR_MEMORY;
    *ret_result = (struct simulation_result){0};
    for (uint32_t i = 0; i < simulation->services; i++)
        run_service(simulation, i, workspace, ret_result);
    read_delays(&workspace->delays, ret_result);
    memory_free(workspace);
    return ERROR_NONE;
}
