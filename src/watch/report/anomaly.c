// The rule and its arithmetic.
#include "watch/report/anomaly.h"

#include <math.h>

#define SHRINKING 240.0        // minutes that the mean of all weighs
#define MARGIN 1.25            // above the usual
#define LEAST_RATE (1.0 / 60)  // networks a minute
#define DISPERSION_MIN 1.0
#define DISPERSION_MAX 50.0
#define DISPERSION_UNSURE 4.0  // at most so, while there are few reports
#define FEW_REPORTS 500
#define FRACTION_STEPS 10000   // it takes about the square root of the counts
#define FRACTION_PRECISION 1e-13

const double anomaly_alphas[ANOMALY_LEVELS] = {1e-5, 1e-7};

// --- The distribution ---

static double keep_off_zero(double value)
{
    return fabs(value) < 1e-300 ? 1e-300 : value;
}

// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.
static double beta_fraction(double x, double a, double b)
{
    double c = 1, d = 1 / keep_off_zero(1 - (a + b) * x / (a + 1)), value = d;
    for (int m = 1; m <= FRACTION_STEPS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / keep_off_zero(1 + even * d);
        c = keep_off_zero(1 + even / c);
        value *= d * c;
        d = 1 / keep_off_zero(1 + odd * d);
        c = keep_off_zero(1 + odd / c);
        value *= d * c;
        if (fabs(d * c - 1) < FRACTION_PRECISION)
            break;
    }
    return value;
}

static double log_gamma(double value)
{
    int sign;
    return lgamma_r(value, &sign);
}

// P(X >= k) of a negative binomial variable is the regularised incomplete beta function I_p(k, r)
// with p = mean / (mean + r) (DLMF 8.17.24): no sum of many small terms, no 1 - (nearly 1).
double anomaly_tail(double mean, double dispersion, uint32_t count)
{
    double a = count, b = dispersion;
    if (count == 0)
        return 1;
    if (mean <= 0)
        return 0;
    double p = mean / (mean + b), q = b / (mean + b);
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(p) + b * log(q));
    if (p < (a + 1) / (a + b + 2))
        return front * beta_fraction(p, a, b) / a;
    return 1 - front * beta_fraction(q, b, a) / b;
}

// The tail falls with the count: from the guess away by growing steps, then in between.
uint32_t anomaly_least(double mean, double dispersion, double alpha, uint32_t guess)
{
    uint32_t low = ANOMALY_FLOOR, high = MAXIMUM(guess, ANOMALY_FLOOR + 1), step = 1;
    if (anomaly_tail(mean, dispersion, ANOMALY_FLOOR) < alpha)
        return ANOMALY_FLOOR;
    if (anomaly_tail(mean, dispersion, high) < alpha) {
        while (high - low > step && anomaly_tail(mean, dispersion, high - step) < alpha) {
            high -= step;
            step *= 2;
        }
        low = high - low > step ? high - step : low;
    } else {
        do {
            low = high;
            high = high > UINT32_MAX / 4 ? UINT32_MAX / 4 : high + step;
            step *= 2;
        } while (high < UINT32_MAX / 4 && anomaly_tail(mean, dispersion, high) >= alpha);
    }
    while (high - low > 1) { // low has not the tail, high has it
        uint32_t middle = low + (high - low) / 2;
        if (anomaly_tail(mean, dispersion, middle) < alpha)
            high = middle;
        else
            low = middle;
    }
    return high;
}

// --- What is usual ---

static size_t hour_of_block(int64_t block)
{
    return (size_t)(block / 4 % ANOMALY_HOURS);
}

static void forget_block(struct anomaly *anomaly, int64_t block)
{
    size_t place = (size_t)(block % ANOMALY_BLOCKS), hour = hour_of_block(block);
    anomaly->hour_networks[hour] -= anomaly->block_networks[place];
    anomaly->hour_minutes[hour] -= anomaly->block_minutes[place];
    anomaly->block_networks[place] = 0;
    anomaly->block_minutes[place] = 0;
}

// Blocks of four weeks ago make room: they are of the same hour of the week.
static void reach_block(struct anomaly *anomaly, int64_t block)
{
    int64_t from = anomaly->block + 1;
    if (anomaly->block == 0 || block - from >= ANOMALY_BLOCKS)
        from = block - ANOMALY_BLOCKS + 1;
    for (int64_t i = MAXIMUM(from, 0); i <= block; i++)
        forget_block(anomaly, i);
    anomaly->block = MAXIMUM(anomaly->block, block);
}

void anomaly_restore(struct anomaly *anomaly, int64_t minute, uint32_t count, uint32_t networks)
{
    while (count > 0) {
        int64_t block = minute / 15;
        uint32_t fits = MINIMUM(count, 15 - (uint32_t)(minute % 15));
        if (block > anomaly->block)
            reach_block(anomaly, block);
        size_t place = (size_t)(block % ANOMALY_BLOCKS), hour = hour_of_block(block);
        bool is_there = block > anomaly->block - ANOMALY_BLOCKS
            && anomaly->block_minutes[place] + fits <= 15;
        if (is_there) {
            uint32_t room = UINT16_MAX - (uint32_t)anomaly->block_networks[place];
            uint32_t added = MINIMUM(networks, room);
            anomaly->block_networks[place] = (uint16_t)(anomaly->block_networks[place] + added);
            anomaly->block_minutes[place] = (uint8_t)(anomaly->block_minutes[place] + fits);
            anomaly->hour_networks[hour] += added;
            anomaly->hour_minutes[hour] += fits;
        }
        networks = 0; // they are of the first minute
        minute += fits;
        count -= fits;
    }
}

// Networks a minute, for each hour of the week. Returns how many networks there were in all.
static uint64_t read_means(const struct anomaly *anomaly, double means[ANOMALY_HOURS])
{
    uint64_t networks = 0, minutes = 0;
    for (size_t i = 0; i < ANOMALY_HOURS; i++) {
        networks += anomaly->hour_networks[i];
        minutes += anomaly->hour_minutes[i];
    }
    double mean = minutes == 0 ? 0 : (double)networks / (double)minutes;
    for (size_t i = 0; i < ANOMALY_HOURS; i++) {
        size_t before = (i + ANOMALY_HOURS - 1) % ANOMALY_HOURS, after = (i + 1) % ANOMALY_HOURS;
        double near = (double)anomaly->hour_networks[before] + (double)anomaly->hour_networks[i]
            + (double)anomaly->hour_networks[after];
        double of = (double)anomaly->hour_minutes[before] + (double)anomaly->hour_minutes[i]
            + (double)anomaly->hour_minutes[after];
        means[i] = (near + SHRINKING * mean) / (of + SHRINKING);
    }
    return networks;
}

// By the method of moments: the variance beyond Poisson's is E^2 / r.
static double read_dispersion(const struct anomaly *anomaly, const double means[ANOMALY_HOURS],
    uint64_t networks)
{
    double squares = 0, excess = 0;
    for (size_t hour = 0; hour < ANOMALY_HOURS; hour++) {
        double expected = 15 * means[hour];
        for (size_t place = hour * 4; place < ANOMALY_BLOCKS; place += (size_t)ANOMALY_HOURS * 4) {
            for (size_t i = place; i < place + 4; i++) {
                if (anomaly->block_minutes[i] != 15)
                    continue;
                double off = (double)anomaly->block_networks[i] - expected;
                squares += expected * expected;
                excess += off * off - expected;
            }
        }
    }
    double dispersion = excess <= 0 ? DISPERSION_MAX : squares / excess;
    dispersion = fmin(fmax(dispersion, DISPERSION_MIN), DISPERSION_MAX);
    return networks < FEW_REPORTS ? fmin(dispersion, DISPERSION_UNSURE) : dispersion;
}

static void find_thresholds(struct anomaly *anomaly, int64_t hour)
{
    double means[ANOMALY_HOURS];
    uint64_t networks = read_means(anomaly, means);
    anomaly->dispersion = read_dispersion(anomaly, means, networks);
    anomaly->mean = means[hour % ANOMALY_HOURS];
    anomaly->hour = hour;
    double rate = fmax(MARGIN * anomaly->mean, LEAST_RATE);
    for (size_t i = 0; i < ANOMALY_LEVELS; i++) {
        struct anomaly_threshold *threshold = &anomaly->thresholds[i];
        threshold->in_short = anomaly_least(ANOMALY_SHORT * rate, anomaly->dispersion,
            anomaly_alphas[i], threshold->in_short);
        threshold->in_window = anomaly_least(ANOMALY_WINDOW * rate, anomaly->dispersion,
            anomaly_alphas[i], threshold->in_window);
    }
}

// --- What there is now ---

void anomaly_init(struct anomaly *anomaly)
{
    *anomaly = (struct anomaly){0};
}

static uint32_t sum(const struct anomaly *anomaly, int64_t minutes)
{
    uint32_t networks = 0;
    for (int64_t i = 0; i < minutes && i < anomaly->minute; i++)
        networks += anomaly->recent[(anomaly->minute - i) % ANOMALY_WINDOW].networks;
    return networks;
}

uint32_t anomaly_networks(const struct anomaly *anomaly)
{
    return sum(anomaly, ANOMALY_WINDOW);
}

// One neighbourhood has no more votes than all others together.
static uint32_t capped(uint32_t networks, uint32_t largest)
{
    uint32_t others = networks - MINIMUM(largest, networks);
    return largest > others ? 2 * others : networks;
}

// The minute takes the place of one that leaves the window.
static void settle(struct anomaly *anomaly, int64_t next, struct anomaly_settled *settled)
{
    size_t place = (size_t)(next % ANOMALY_WINDOW);
    int64_t minute = next - ANOMALY_WINDOW;
    if (minute > 0 && anomaly->recent[place].is_known) {
        bool is_usual = anomaly->recent[place].is_usual;
        *settled = (struct anomaly_settled){minute, anomaly->recent[place].networks, is_usual};
        if (is_usual)
            anomaly_restore(anomaly, minute, 1, anomaly->recent[place].networks);
    }
    anomaly->recent[place].is_known = false;
    anomaly->recent[place].networks = 0;
}

// Goes to the minute, through those that nobody has told of. Of what settles only the last is told:
// more than one does only after a gap, when afloat did not run.
static void reach_minute(struct anomaly *anomaly, int64_t minute, struct anomaly_settled *settled)
{
    if (anomaly->minute == 0 || minute <= anomaly->minute) {
        memset(anomaly->recent, 0, sizeof(anomaly->recent));
        if (minute / 15 <= anomaly->block - ANOMALY_BLOCKS) // the clock was far ahead
            anomaly_init(anomaly);
        anomaly->minute = minute;
        return;
    }
    int64_t last = MINIMUM(minute, anomaly->minute + ANOMALY_WINDOW);
    for (int64_t i = anomaly->minute + 1; i <= last; i++)
        settle(anomaly, i, settled);
    anomaly->minute = minute;
}

static void judge(struct anomaly *anomaly, const struct anomaly_minute *seen)
{
    uint32_t in_window = sum(anomaly, ANOMALY_WINDOW);
    uint32_t counted_short = capped(sum(anomaly, ANOMALY_SHORT), seen->largest_short);
    uint32_t counted = capped(in_window, seen->largest);
    for (size_t i = 0; i < ANOMALY_LEVELS; i++) {
        const struct anomaly_threshold *threshold = &anomaly->thresholds[i];
        bool is_spread = i == ANOMALY_POSSIBLE || seen->neighbourhoods >= ANOMALY_NEIGHBOURHOODS;
        bool is_reached = counted_short >= threshold->in_short || counted >= threshold->in_window;
        bool is_calm = 2 * counted_short < threshold->in_short
            && 2 * counted < threshold->in_window;
        anomaly->alarms[i].calm = is_calm ? (uint8_t)(anomaly->alarms[i].calm + 1) : 0;
        anomaly->alarms[i].since += anomaly->alarms[i].is_on;
        if (is_reached && is_spread && !anomaly->alarms[i].is_on) {
            anomaly->alarms[i].is_on = true;
            anomaly->alarms[i].since = 0;
        } else if (anomaly->alarms[i].calm >= ANOMALY_CALM) {
            anomaly->alarms[i].is_on = false;
            anomaly->alarms[i].calm = 0;
        }
    }
}

enum report_level anomaly_close(struct anomaly *anomaly, int64_t minute,
    const struct anomaly_minute *seen, struct anomaly_settled *ret_settled)
{
    *ret_settled = (struct anomaly_settled){0};
    reach_minute(anomaly, minute, ret_settled);
    size_t place = (size_t)(minute % ANOMALY_WINDOW);
    anomaly->recent[place].networks = (uint16_t)MINIMUM(seen->networks, ANOMALY_MINUTE_MAX);
    anomaly->recent[place].is_known = anomaly->recent[place].is_usual = true;
    if (minute / 60 != anomaly->hour)
        find_thresholds(anomaly, minute / 60);
    judge(anomaly, seen);
    bool is_alarm = false;
    for (size_t i = 0; i < ANOMALY_LEVELS; i++)
        is_alarm = is_alarm
            || (anomaly->alarms[i].is_on && anomaly->alarms[i].since < ANOMALY_USUAL);
    for (size_t i = 0; i < ANOMALY_WINDOW && is_alarm; i++)
        anomaly->recent[i].is_usual = false;
    return anomaly->alarms[ANOMALY_PROBLEM].is_on ? REPORTS_PROBLEM
        : anomaly->alarms[ANOMALY_POSSIBLE].is_on ? REPORTS_POSSIBLE : REPORTS_NONE;
}
