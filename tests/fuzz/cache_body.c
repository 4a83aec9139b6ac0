// A body as a program of any bytes plays it: a writer, four readers and a window, held against the
// bytes that were written.
#include "base/invariant.h"
#include "cache/body.h"

#include <stdlib.h>

#define READERS 4
#define CONTENT_MOST 1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char content_at(uint64_t at)
{
    return (char)(at * 2654435761u >> 13);
}

static void turn(struct loop *loop, uint64_t due_ns)
{
    if (due_ns != NEVER_NS)
        loop->now_ns = MAXIMUM(loop->now_ns, due_ns);
}

static void interrupt(struct loop *loop)
{
    (void)loop;
}

static const struct io_operations operations = {.turn = turn, .interrupt = interrupt};

struct game {
    const uint8_t *data;
    size_t size, at;
    struct body *body;
    struct body_reader readers[READERS];
    bool open[READERS];
};

static unsigned draw(struct game *game, unsigned bound)
{
    unsigned byte = game->at < game->size ? game->data[game->at++] : 0;
    return bound <= 256 ? byte % bound : byte * (bound / 256) + byte;
}

static void write_some(struct task *task, struct game *game)
{
    void *room;
    size_t size;
    enum error error = body_room(task, game->body, task_now_ns(task), &room, &size);
    invariant(error == ERROR_NONE || error == ERROR_TIMEOUT || error == ERROR_CLOSED);
    if (error != ERROR_NONE)
        return;
    invariant(size > 0);
    size_t wanted = 1 + draw(game, 9000);
    size_t taken = MINIMUM(size, wanted);
    for (size_t i = 0; i < taken; i++)
        ((char *)room)[i] = content_at(body_size(game->body) + i);
    body_commit(game->body, taken);
}

static void read_some(struct game *game, unsigned index)
{
    struct body_reader *reader = &game->readers[index];
    struct slice bytes;
    if (!game->open[index]) {
        uint64_t at = body_size(game->body) * draw(game, 5) / 3;
        body_reader_open(reader, game->body, at);
        game->open[index] = true;
    }
    enum error error = body_reader_peek(reader, &bytes);
    enum body_state state = body_state(game->body);
    if (error == ERROR_NONE) {
        invariant(bytes.size > 0 && reader->at + bytes.size <= body_size(game->body));
        invariant(bytes.data[0] == content_at(reader->at));
        invariant(bytes.data[bytes.size - 1] == content_at(reader->at + bytes.size - 1));
        body_reader_advance(reader, 1 + draw(game, 255) * (bytes.size - 1) / 255);
    } else if (error == ERROR_LIMIT) {
        invariant(body_has_window(game->body));
    } else {
        invariant(reader->at >= body_size(game->body));
        invariant(error
            == (state == BODY_GROWING        ? ERROR_BUSY
                    : state == BODY_COMPLETE ? ERROR_CLOSED
                                             : ERROR_RESET));
    }
}

static void close_reader(struct game *game, unsigned index)
{
    if (game->open[index])
        body_reader_close(&game->readers[index]);
    game->open[index] = false;
}

static void play(struct task *task, void *argument)
{
    struct game *game = argument;
    unsigned kind = draw(game, 8);
    uint64_t expected = kind & 1 ? UINT64_MAX : draw(game, 100000);
    game->body = body_create(expected, kind & 2 ? 20000 : 0, (kind & 4) != 0);
    invariant(game->body != NULL);
    while (game->at < game->size && body_size(game->body) < CONTENT_MOST) {
        unsigned index = draw(game, READERS);
        switch (draw(game, 16)) {
        case 0: close_reader(game, index); break;
        case 1:
            if (draw(game, 8) == 0)
                body_set_window(game->body, draw(game, 50000), index & 1);
            break;
        case 2: case 3: case 4: case 5: case 6: write_some(task, game); break;
        default: read_some(game, index); break;
        }
        invariant(body_footprint(game->body) > 0);
    }
    body_finish(game->body, kind & 1 ? ERROR_NONE : ERROR_RESET);
    for (unsigned i = 0; i < READERS; i++) {
        for (int step = 0; step < 5; step++)
            read_some(game, i);
        close_reader(game, i);
    }
    body_release(game->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct game game = {.data = data, .size = size};
    struct loop loop;
    struct loop_limits limits = {.tasks = 1, .stack_size = 128 * 1024};
    loop_init(&loop, &operations, &limits, 0, 1, 1);
    invariant(task_start(&loop, NULL, play, &game) == ERROR_NONE);
    while (loop_step(&loop))
        ;
    loop_destroy(&loop);
    return 0;
}
