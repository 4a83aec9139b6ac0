// See line.h.
#include "edge/line.h"

static bool has_room(const struct loop *loop, enum line_class class)
{
    uint64_t limit = loop->limits.tasks;
    return loop->tasks_alive
        < (class == LINE_ANSWERED ? limit : limit - limit / LINE_FETCHES_SHARE);
}

// NULL: nobody waits.
static struct line_place *first_of(const struct line *line, enum line_class class)
{
    const struct list *places = &line->places[class];
    return list_is_empty(places) ? NULL : LIST_ENTRY(places->next, struct line_place, link);
}

// The loop tells of ended tasks only while somebody wants to know. What it has told already is not
// forgotten: move_up has not looked yet.
static void watch(struct line *line)
{
    bool is_told = timer_is_armed(&line->timer) && line->timer.due_ns == 0;
    uint64_t due_ns = NEVER_NS;
    line->loop->on_task_end = NULL;
    for (enum line_class class = 0; class < LINE_CLASSES; class++) {
        const struct line_place *first = first_of(line, class);
        if (first == NULL)
            continue;
        line->loop->on_task_end = &line->timer;
        due_ns = is_told ? 0 : MINIMUM(due_ns, first->deadline_ns);
    }
    timer_start(line->loop, &line->timer, due_ns);
}

static void move_up_class(struct line *line, enum line_class class)
{
    struct line_place *place;
    while ((place = first_of(line, class)) != NULL) {
        bool begins = has_room(line->loop, class);
        if (!begins && place->deadline_ns > line->loop->now_ns)
            return;
        list_remove(&place->link);
        if (begins)
            place->operations->begin(place); // which may be its end
        else
            place->operations->give_up(place);
    }
}

static void move_up(struct timer *timer)
{
    struct line *line = CONTAINER_OF(timer, struct line, timer);
    for (enum line_class class = 0; class < LINE_CLASSES; class++)
        move_up_class(line, class);
    watch(line);
}

void line_init(struct line *line, struct loop *loop)
{
    line->loop = loop;
    for (enum line_class class = 0; class < LINE_CLASSES; class++)
        list_init(&line->places[class]);
    timer_init(&line->timer, move_up);
}

void line_place_init(struct line_place *place)
{
    list_init(&place->link);
}

bool line_admits(const struct line *line)
{
    return first_of(line, LINE_COMING) == NULL && has_room(line->loop, LINE_COMING);
}

bool line_admits_fetch(const struct loop *loop)
{
    return loop->tasks_alive < loop->limits.tasks - loop->limits.tasks / LINE_LAST_SHARE;
}

void line_join(struct line *line, enum line_class class, struct line_place *place,
    const struct line_operations *operations, uint64_t deadline_ns)
{
    place->operations = operations;
    place->deadline_ns = deadline_ns;
    list_append(&line->places[class], &place->link);
    if (first_of(line, class) == place)
        watch(line);
}

void line_return(struct line *line, struct line_place *place,
    const struct line_operations *operations, uint64_t deadline_ns)
{
    place->operations = operations;
    place->deadline_ns = deadline_ns;
    list_prepend(&line->places[LINE_COMING], &place->link);
    watch(line);
}

void line_leave(struct line *line, struct line_place *place)
{
    if (!line_place_waits(place))
        return;
    list_remove(&place->link);
    watch(line);
}
