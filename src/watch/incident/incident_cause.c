// Along what depends on what, to the farthest that is down.
#include "base/memory.h"
#include "watch/incident/incident_automatic.h"

enum error causes_init(struct causes *causes, size_t count)
{
    uint32_t *stack = memory_zero_alloc((count + 1) * sizeof(*stack));
    uint32_t *marks = memory_zero_alloc((count + 1) * sizeof(*marks));
    if (stack == NULL || marks == NULL) {
        memory_free(stack);
        memory_free(marks);
        return ERROR_MEMORY;
    }
    *causes = (struct causes){stack, marks, 0};
    return ERROR_NONE;
}

void causes_free(struct causes *causes)
{
    memory_free(causes->stack);
    memory_free(causes->marks);
    *causes = (struct causes){NULL, NULL, 0};
}

struct search {
    struct causes *causes;
    const struct subject *subjects;
    size_t count, waiting; // of the stack
    uint32_t which;
    bool is_circular;      // which depends on itself
};

static bool is_down(const struct subject *subject)
{
    return subject->state == COMPONENT_DOWN
        || (subject->state == COMPONENT_MAINTENANCE && subject->is_off);
}

// Puts on the stack what is down of what it depends on. True: something is.
static bool expand(struct search *search, uint32_t number)
{
    const struct subject *subject = &search->subjects[number];
    bool any = false;
    for (size_t i = 0; i < subject->depends_on_count; i++) {
        uint32_t other = subject->depends_on[i];
        if (other >= search->count || !is_down(&search->subjects[other])
            || other == number)
            continue;
        any = true;
        if (other == search->which)
            search->is_circular = true;
        if (search->causes->marks[other] == search->causes->mark)
            continue;
        search->causes->marks[other] = search->causes->mark;
        search->causes->stack[search->waiting++] = other;
    }
    return any;
}

uint32_t causes_find(struct causes *causes, const struct subject *subjects, size_t count,
    uint32_t which)
{
    struct search search = {causes, subjects, count, 0, which, false};
    uint32_t root = COMPONENT_NONE, announced = COMPONENT_NONE, lowest = COMPONENT_NONE;
    if (++causes->mark == 0) { // went round
        memset(causes->marks, 0, count * sizeof(*causes->marks));
        causes->mark = 1;
    }
    causes->marks[which] = causes->mark;
    expand(&search, which);
    while (search.waiting > 0) {
        uint32_t number = causes->stack[--search.waiting];
        lowest = MINIMUM(lowest, number);
        if (expand(&search, number))
            continue;
        uint32_t *which_root = subjects[number].state == COMPONENT_DOWN ? &root : &announced;
        *which_root = MINIMUM(*which_root, number);
    }
    if (root != COMPONENT_NONE || announced != COMPONENT_NONE)
        return root != COMPONENT_NONE ? root : announced;
    return search.is_circular && which < lowest ? COMPONENT_NONE : lowest;
}
