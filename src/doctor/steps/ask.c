// Asks for the page as a browser on this machine would.
#include "base/clock.h"
#include "doctor/answer.h"
#include "doctor/usual.h"

#define CHUNK_SIZE ((size_t)16 << 10)

static void ask(struct check *check, const struct follow_request *request,
    struct answer_facts *answer)
{
    struct arena *arena = check_arena(check, STEP_ASK), scratch;
    struct followed followed;
    arena_init(&scratch, CHUNK_SIZE, FOLLOW_SCRATCH_MEMORY);
    follow(request, arena, &scratch, &followed);
    answer_read(&followed, check_options_of(check)->signatures, clock_wall_ms() / 1000, &scratch,
        answer);
    answer_keep(answer, arena);
    arena_free(&scratch);
}

void step_ask(struct check *check, struct facts *facts)
{
    static const char *const fields[] = {USUAL_ACCEPT, NULL};
    struct answer_facts *answer = &facts->answers[PROFILE_USUAL];
    struct address addresses[FACTS_ADDRESSES_MAX];
    struct follow_request request = {.check = check, .url = facts->target.url,
        .addresses = addresses, .fields = fields, .deadline_ms = check_deadline(check, STEP_ASK)};
    request.address_count = usual_addresses(facts, addresses);
    if (request.address_count > 0 || facts->environment.proxy.data != NULL) {
        ask(check, &request, answer);
    } else if (facts->attempt_count > 0 && !check_is_over(check)) {
        // All were tried in vain, and would be again.
        answer->outcome = ANSWER_UNREACHED;
        answer->url = facts->target.url;
    }
}
