// TZif (RFC 8536) and the rule at its end, in the words of POSIX TZ with times of day from -167 to
// 167 hours.
#include "watch/incident/window_zone.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "conf/nearest.h"
#include "io/running.h"
#include "watch/incident/window_day.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define HEADER_SIZE 44
#define CHANGES_MAX 2000
#define TYPES_MAX 256
#define OFFSET_MAX (26 * 3600) // seconds, either way
#define DAY_SECONDS INT64_C(86400)
#define FOLDERS_MAX 3          // deep: America/Argentina/Salta
#define TIME_MIN (-(INT64_C(1) << 35)) // seconds; what is further off is of no use here
#define TIME_MAX (INT64_C(1) << 37)

struct change {
    int64_t at; // UTC seconds
    int32_t offset;
};

struct rule_date {
    enum { RULE_MONTH, RULE_JULIAN, RULE_DAY } kind; // M3.5.0, J60, 60
    int month, week, day;
    int32_t time; // seconds of the day, may lie outside of it
};

struct tail {
    bool is_there, has_daylight;
    int32_t standard, daylight;
    struct rule_date begin, end; // of daylight saving time
};

struct window_zone {
    int32_t first_offset; // before the first change
    struct tail tail;
    size_t count;
    struct change changes[];
};

// --- The rule at the end ---

static bool take_byte(struct slice *rest, char byte)
{
    if (rest->size == 0 || rest->data[0] != byte)
        return false;
    *rest = slice_of(rest->data + 1, rest->size - 1);
    return true;
}

static bool take_number(struct slice *rest, int maximum, int *ret_number)
{
    int number = 0;
    size_t size = 0;
    while (size < rest->size && size < 4 && rest->data[size] >= '0' && rest->data[size] <= '9')
        number = number * 10 + (rest->data[size++] - '0');
    if (size == 0 || number > maximum)
        return false;
    *rest = slice_of(rest->data + size, rest->size - size);
    *ret_number = number;
    return true;
}

// Letters, or anything in angle brackets; nobody needs to know.
static bool skip_name(struct slice *rest)
{
    size_t size = 0;
    if (take_byte(rest, '<')) {
        slice_cut(rest, '>');
        return rest->data != NULL;
    }
    while (size < rest->size
        && ((rest->data[size] | 32) >= 'a' && (rest->data[size] | 32) <= 'z'))
        size++;
    *rest = slice_of(rest->data + size, rest->size - size);
    return size >= 3;
}

// [+-]hh[:mm[:ss]]
static bool take_time(struct slice *rest, int hours_max, int32_t *ret_seconds)
{
    int hours, minutes = 0, seconds = 0;
    bool minus = take_byte(rest, '-');
    if (!minus)
        take_byte(rest, '+');
    if (!take_number(rest, hours_max, &hours))
        return false;
    if (take_byte(rest, ':') && !take_number(rest, 59, &minutes))
        return false;
    if (take_byte(rest, ':') && !take_number(rest, 59, &seconds))
        return false;
    int32_t sum = hours * 3600 + minutes * 60 + seconds;
    *ret_seconds = minus ? -sum : sum;
    return true;
}

static bool take_date(struct slice *rest, struct rule_date *date)
{
    *date = (struct rule_date){.time = 7200};
    if (take_byte(rest, 'M')) {
        date->kind = RULE_MONTH;
        if (!take_number(rest, 12, &date->month) || !take_byte(rest, '.')
            || !take_number(rest, 5, &date->week) || !take_byte(rest, '.')
            || !take_number(rest, 6, &date->day) || date->month == 0 || date->week == 0)
            return false;
    } else {
        date->kind = take_byte(rest, 'J') ? RULE_JULIAN : RULE_DAY;
        if (!take_number(rest, 365, &date->day) || (date->kind == RULE_JULIAN && date->day == 0))
            return false;
    }
    return !take_byte(rest, '/') || take_time(rest, 167, &date->time);
}

static bool parse_tail(struct slice text, struct tail *ret_tail)
{
    struct tail tail = {.is_there = true};
    if (!skip_name(&text) || !take_time(&text, 24, &tail.standard))
        return false;
    tail.standard = -tail.standard; // POSIX counts westward
    if (text.size > 0) {
        tail.has_daylight = true;
        tail.daylight = tail.standard + 3600;
        if (!skip_name(&text))
            return false;
        if (text.size > 0 && text.data[0] != ',') {
            if (!take_time(&text, 24, &tail.daylight))
                return false;
            tail.daylight = -tail.daylight;
        }
        if (!take_byte(&text, ',') || !take_date(&text, &tail.begin) || !take_byte(&text, ',')
            || !take_date(&text, &tail.end) || text.size > 0)
            return false;
    }
    *ret_tail = tail;
    return true;
}

// By the clock on the wall.
static int64_t rule_seconds(const struct rule_date *date, int year)
{
    int32_t day = window_year_begin(year);
    switch (date->kind) {
    case RULE_MONTH: {
        int32_t first = window_day_of(year, date->month, 1);
        int sunday_first = (window_weekday(first) + 1) % 7; // POSIX' weeks begin with Sunday as 0
        int offset = (date->day - sunday_first + 7) % 7 + 7 * (date->week - 1);
        if (offset >= window_month_days(year, date->month))
            offset -= 7;
        day = first + offset;
        break;
    }
    case RULE_JULIAN: // 29 February is never counted
        day += date->day - 1 + (window_is_leap(year) && date->day >= 60);
        break;
    case RULE_DAY:
        day += date->day;
        break;
    }
    return day * DAY_SECONDS + date->time;
}

static int32_t tail_offset(const struct tail *tail, int64_t utc)
{
    if (!tail->has_daylight)
        return tail->standard;
    int64_t local = utc + tail->standard;
    int64_t day = local / DAY_SECONDS - (local % DAY_SECONDS < 0);
    int year = window_date_of((int32_t)day).year;
    int64_t begin = rule_seconds(&tail->begin, year) - tail->standard;
    int64_t end = rule_seconds(&tail->end, year) - tail->daylight;
    bool is_daylight = begin < end ? utc >= begin && utc < end : utc >= begin || utc < end;
    return is_daylight ? tail->daylight : tail->standard;
}

// --- The file ---

struct block {
    uint32_t utc_marks, standard_marks, leaps, changes, types, characters;
    unsigned time_size;
};

static uint64_t read_big(const char *data, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | (unsigned char)data[i];
    return value;
}

static bool take_header(struct slice *rest, struct block *ret_block, char *ret_version)
{
    if (rest->size < HEADER_SIZE || memcmp(rest->data, "TZif", 4) != 0)
        return false;
    const char *at = rest->data + 20;
    *ret_version = rest->data[4];
    *ret_block = (struct block){(uint32_t)read_big(at, 4), (uint32_t)read_big(at + 4, 4),
        (uint32_t)read_big(at + 8, 4), (uint32_t)read_big(at + 12, 4),
        (uint32_t)read_big(at + 16, 4), (uint32_t)read_big(at + 20, 4), 4};
    *rest = slice_of(rest->data + HEADER_SIZE, rest->size - HEADER_SIZE);
    return ret_block->changes <= CHANGES_MAX && ret_block->types <= TYPES_MAX
        && ret_block->types > 0 && ret_block->characters <= WINDOW_ZONE_FILE_MAX
        && ret_block->leaps == 0 && ret_block->standard_marks <= TYPES_MAX
        && ret_block->utc_marks <= TYPES_MAX;
}

static size_t block_size(const struct block *block)
{
    return (size_t)block->changes * (block->time_size + 1) + (size_t)block->types * 6
        + block->characters + block->standard_marks + block->utc_marks;
}

static enum error read_offset(const char *types, unsigned type, int32_t *ret_offset)
{
    int32_t offset = (int32_t)(uint32_t)read_big(types + (size_t)type * 6, 4);
    if (offset < -OFFSET_MAX || offset > OFFSET_MAX)
        return ERROR_INVALID;
    *ret_offset = offset;
    return ERROR_NONE;
}

static enum error read_changes(struct window_zone *zone, const struct block *block,
    const char *data)
{
    const char *indices = data + (size_t)block->changes * block->time_size;
    const char *types = indices + block->changes;
    if (read_offset(types, 0, &zone->first_offset) != ERROR_NONE)
        return ERROR_INVALID;
    for (size_t i = 0; i < block->changes; i++) {
        unsigned type = (unsigned char)indices[i];
        uint64_t at = read_big(data + i * block->time_size, block->time_size);
        struct change *change = &zone->changes[i];
        change->at = block->time_size == 4 ? (int64_t)(int32_t)(uint32_t)at : (int64_t)at;
        if (type >= block->types || read_offset(types, type, &change->offset) != ERROR_NONE
            || (i > 0 && change->at <= change[-1].at))
            return ERROR_INVALID;
    }
    return ERROR_NONE;
}

enum error window_zone_parse(struct slice file, struct window_zone **ret_zone)
{
    struct block block;
    char version;
    if (file.size > WINDOW_ZONE_FILE_MAX || !take_header(&file, &block, &version)
        || file.size < block_size(&block))
        return ERROR_INVALID;
    if (version != '\0') { // the same again, with times that do not end in 2038
        file = slice_of(file.data + block_size(&block), file.size - block_size(&block));
        if (!take_header(&file, &block, &version))
            return ERROR_INVALID;
        block.time_size = 8;
        if (file.size < block_size(&block))
            return ERROR_INVALID;
    }
    struct window_zone *zone =
        memory_zero_alloc(sizeof(*zone) + block.changes * sizeof(zone->changes[0]));
    if (zone == NULL)
        return ERROR_MEMORY;
    zone->count = block.changes;
    enum error error = read_changes(zone, &block, file.data);
    struct slice tail = slice_of(file.data + block_size(&block), file.size - block_size(&block));
    if (error == ERROR_NONE && block.time_size == 8) {
        if (!take_byte(&tail, '\n'))
            error = ERROR_INVALID;
        struct slice rule = slice_cut(&tail, '\n');
        if (error == ERROR_NONE && (tail.data == NULL
            || (rule.size > 0 && !parse_tail(rule, &zone->tail))))
            error = ERROR_INVALID;
    }
    if (error != ERROR_NONE) {
        memory_free(zone);
        return error;
    }
    *ret_zone = zone;
    return ERROR_NONE;
}

void window_zone_free(struct window_zone *zone)
{
    memory_free(zone);
}

int32_t window_zone_offset(const struct window_zone *zone, int64_t utc)
{
    if (zone == NULL)
        return 0;
    utc = MINIMUM(MAXIMUM(utc, TIME_MIN), TIME_MAX);
    if (zone->count == 0 || utc < zone->changes[0].at)
        return zone->count == 0 && zone->tail.is_there ? tail_offset(&zone->tail, utc)
            : zone->first_offset;
    if (utc >= zone->changes[zone->count - 1].at && zone->tail.is_there)
        return tail_offset(&zone->tail, utc);
    size_t low = 0, high = zone->count; // changes[low].at <= utc < changes[high].at
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at <= utc)
            low = middle;
        else
            high = middle;
    }
    return zone->changes[low].offset;
}

int64_t window_zone_to_utc(const struct window_zone *zone, int64_t local)
{
    // Two days are more than any offset, or any change of one.
    int32_t before = window_zone_offset(zone, local - 2 * DAY_SECONDS);
    int32_t after = window_zone_offset(zone, local + 2 * DAY_SECONDS);
    if (window_zone_offset(zone, local - before) == before)
        return local - before;
    if (window_zone_offset(zone, local - after) == after)
        return local - after;
    return local - before;
}

// --- Names ---

static bool is_name(struct slice name)
{
    if (name.size == 0 || name.size > WINDOW_ZONE_NAME_MAX || name.data[0] == '/'
        || slice_starts_with(name, SLICE("posix/")) || slice_starts_with(name, SLICE("right/")))
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char byte = name.data[i];
        bool letter = (byte | 32) >= 'a' && (byte | 32) <= 'z';
        if (!letter && !(byte >= '0' && byte <= '9') && byte != '/' && byte != '_' && byte != '-'
            && byte != '+') // so no ".." either
            return false;
    }
    return true;
}

// A folder within the database, "" being all of it.
struct folder {
    char path[WINDOW_ZONE_NAME_MAX + 1];
    size_t size;
};

struct name_search {
    struct nearest nearest;
    char best[WINDOW_ZONE_NAME_MAX + 1];
    struct folder folders[64]; // still to look into
    size_t count;
};

static void offer_entry(struct name_search *search, const struct folder *folder,
    const struct dirent *entry)
{
    struct folder name;
    struct text text = text_in(name.path, sizeof(name.path) - 1);
    text_append(&text, slice_of(folder->path, folder->size));
    text_append(&text, slice_from_string(entry->d_name));
    if (text.full || !is_name(text_slice(&text)))
        return;
    if (entry->d_type == DT_DIR) {
        text_append_byte(&text, '/');
        name.size = text.size;
        if (!text.full && search->count < ARRAY_SIZE(search->folders) && is_name(text_slice(&text)))
            search->folders[search->count++] = name;
        return;
    }
    struct slice best = search->nearest.best;
    nearest_offer(&search->nearest, text_slice(&text));
    if (search->nearest.best.data != best.data) { // it is ours to keep
        memcpy(search->best, name.path, text.size);
        search->nearest.best = slice_of(search->best, text.size);
    }
}

static void look_into(struct name_search *search, const struct folder *folder)
{
    char path[sizeof(ZONE_FOLDER) + WINDOW_ZONE_NAME_MAX + 2] = ZONE_FOLDER "/";
    memcpy(path + sizeof(ZONE_FOLDER), folder->path, folder->size);
    path[sizeof(ZONE_FOLDER) + folder->size] = '\0';
    DIR *directory = opendir(path);
    if (directory == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL)
        offer_entry(search, folder, entry);
    closedir(directory);
}

static void say_unknown(struct slice name, struct text *why)
{
    struct name_search search = {.nearest = {.wanted = name}, .count = 1};
    while (search.count > 0) {
        struct folder folder = search.folders[--search.count];
        look_into(&search, &folder);
    }
    text_append(why, SLICE("zone: "));
    text_append_quoted(why, name);
    text_append(why, SLICE(" is no time zone; "));
    if (search.nearest.best.data != NULL) {
        text_append(why, SLICE("did you mean "));
        text_append_quoted(why, search.nearest.best);
        text_append_byte(why, '?');
    } else if (access(ZONE_FOLDER "/Europe", R_OK) == 0) {
        text_append(why, SLICE("write it as IANA does, like \"Europe/Berlin\""));
    } else {
        text_append(why, SLICE("this machine knows none (package tzdata), only UTC"));
    }
}

static enum error read_file(struct slice name, struct window_zone **ret_zone)
{
    char path[sizeof(ZONE_FOLDER) + WINDOW_ZONE_NAME_MAX + 2] = ZONE_FOLDER "/";
    memcpy(path + sizeof(ZONE_FOLDER), name.data, name.size);
    path[sizeof(ZONE_FOLDER) + name.size] = '\0';
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return ERROR_NOT_FOUND;
    enum error error = ERROR_NOT_FOUND;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        error = ERROR_INVALID;
        size_t size = (size_t)status.st_size;
        char *bytes = size <= WINDOW_ZONE_FILE_MAX ? memory_alloc(size) : NULL;
        if (bytes == NULL)
            error = size <= WINDOW_ZONE_FILE_MAX ? ERROR_MEMORY : ERROR_INVALID;
        else if (read(file, bytes, size) == (ssize_t)size)
            error = window_zone_parse(slice_of(bytes, size), ret_zone);
        memory_free(bytes);
    }
    close(file);
    return error;
}

enum error window_zone_load(struct slice name, struct text *why, struct window_zone **ret_zone)
{
    debug_invariant(loop_running() == NULL); // it reads a disk
    enum error error = is_name(name) ? read_file(name, ret_zone) : ERROR_NOT_FOUND;
    if (error == ERROR_NOT_FOUND) {
        say_unknown(name, why);
        return ERROR_INVALID;
    }
    if (error == ERROR_INVALID) {
        text_append(why, SLICE("zone: the file of "));
        text_append_quoted(why, name);
        text_append(why, SLICE(" in " ZONE_FOLDER " cannot be understood; is tzdata damaged?"));
    } else if (error == ERROR_MEMORY) {
        text_append(why, SLICE("out of memory"));
    }
    return error;
}
