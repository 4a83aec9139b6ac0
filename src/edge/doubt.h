// Doubting an answer of 500: is only this page broken, or does nobody get an answer any more? The
// one who asked cannot tell, so he waits, within the places of hold, for what others see, before
// his visitor hears of it:
//
// - Something that was asked for only now is answered: the origin is well. It may just have come
//   back, so the page is asked for once more; if it fails again, it is the page, and told at once.
//   Only what was asked for after the failure counts. An answer that came just before it, or was on
//   its way already, is no alibi: the busier a site is, the surer it has one when it falls.
// - The origin is found down, after five failures in a row: then on to the gate, as ever.
// - Neither, for `most`: once more too. Each failure of others begins that time anew, so that a few
//   visits a second are enough to find out; there are four at the most before it is down.
//
// Once more means within the origin's budget, and once in a request's life. Where three failed in a
// row and the first who asks again is answered well, it was everybody's, and the others follow at
// no cost: there are a few of them for each backend. So do those who shared the fetch of another,
// as they would if they came now.
//
// That a page fails twice is one witness, not two: the second time says nothing of the origin
// (exchange.h). So a quiet site with a broken page tells about it after `most`, and is asked twice,
// whoever comes. Of the errors, 500 alone is doubtful: from 502 to 504 hold waits anyway, others
// mean themselves, and so does one that states how long it shall be kept.
#pragma once

#include "edge/request.h"

bool doubt_is_due(const struct request *request);
// NONE: ask again, unless the origin is down by now; TIMEOUT: pass on what came. Others as in
// gate_rest.
enum error doubt_wait(struct task *task, struct request *request, const struct gate_wait *wait,
    uint64_t most_ns) MUST_CHECK;
