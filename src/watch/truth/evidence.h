// Sites of this edge are not polled: their traffic, probes and lifelines are the evidence. Reads
// what the edge knows of each site several times a second and makes findings of it. In the
// watch's own thread.
#pragma once

#include "edge/edge.h"
#include "watch/world.h"

struct evidence;

// The first components of the world are the edge's sites, in the order of edge_read_sites. Counts
// from now on, so best before the loops run. edge NULL: there are no sites. NULL: no memory.
struct evidence *evidence_create(struct edge *edge, struct world *world) MUST_CHECK;
void evidence_destroy(struct evidence *evidence); // NULL is fine
// Four times a second or so.
void evidence_look(struct evidence *evidence, int64_t now_ms);
