// What a visitor does with a Content-Encoding: gzip, br and zstd, piece by piece, by the decoders
// of their own libraries.
#pragma once

#include "base/error.h"
#include "base/slice.h"

struct sim_decoder;

// NULL for a coding that is none of the three.
struct sim_decoder *sim_decoder_create(struct slice coding) MUST_CHECK;
void sim_decoder_destroy(struct sim_decoder *decoder); // NULL is fine
// Hands every run of content to take, which may end it with an error of its own. PROTOCOL: this is
// not what the coding says, or something follows its end.
enum error sim_decoder_feed(struct sim_decoder *decoder, struct slice bytes,
    enum error (*take)(void *argument, struct slice bytes), void *argument) MUST_CHECK;
bool sim_decoder_is_whole(const struct sim_decoder *decoder); // its end has come
