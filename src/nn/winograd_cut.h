/*
 * How the outputs of a 3x3 convolution are cut into segments along each axis, longer ones first, which for 14 are 4, 4,
 * 3 and 3 in the place of four times four, and where their transforms stand (winograd_segment.h).
 *
 * A plane is what meets the same weights' transform: kinds down times kinds across, with as many rows of products as
 * there are places of these kinds.
 */
#ifndef NSC_NN_WINOGRAD_CUT_H
#define NSC_NN_WINOGRAD_CUT_H

#include "nn/winograd.h"
#include "nn/winograd_private.h"
#include "nn/winograd_segment.h"

/* Of the shorter segments the last may reach beyond the last output. */
typedef struct nsc_axis_cut {
  nsc_scheme scheme;
  size_t segments, longer; /* all of them; the first ones */
} nsc_axis_cut;

typedef struct nsc_cut {
  const nsc_winograd *shape;
  nsc_scheme scheme;
  size_t kinds, planes;
  nsc_axis_cut down, across;
  size_t strips; /* segments down of all pictures of the batch: rows of tiles */
} nsc_cut;

/* By the shape's `stride` and `tile`. */
nsc_cut nsc_cut_of(const nsc_winograd *shape);

/* Rows of products of all planes, for all of the batch. */
size_t nsc_cut_rows(const nsc_cut *cut);

enum { NSC_CUT_PLANES_MOST = NSC_KINDS_MOST * NSC_KINDS_MOST };

/* Some strips, worked on together. */
typedef struct nsc_cut_block {
  size_t first, tiles;           /* strip; of all strips */
  size_t across[NSC_KINDS_MOST]; /* places of a kind in a strip */
  size_t rows;
  size_t start[NSC_CUT_PLANES_MOST + 1]; /* of each plane, the first of its rows; `rows` after the last */
} nsc_cut_block;

nsc_cut_block nsc_cut_block_of(const nsc_cut *cut, size_t first, size_t strips);

/* Strips of each block, as even as can be, when about so many rows of products may be kept at a time. */
size_t nsc_cut_strips(const nsc_cut *cut, size_t rows);
/* Rows of the largest block of so many strips. */
size_t nsc_cut_most_rows(const nsc_cut *cut, size_t strips);

/* A tile of a block: where it is, and its outputs. */
typedef struct nsc_cut_tile {
  size_t strip, column; /* segments: of all pictures, of a picture */
  size_t n, y, x;       /* picture, first output */
  size_t rows, columns; /* outputs, also those beyond the last */
} nsc_cut_tile;

nsc_cut_tile nsc_cut_find(const nsc_cut *cut, const nsc_cut_block *block, size_t tile);

/* Kinds are worked on in pairs: the first and the last one, and then one after the other. */
NSC_FOR_EACH_TILE size_t nsc_cut_pair(size_t kinds, size_t pair, size_t second) {
  return pair > 0 ? 2 * pair - 1 + second : second * (kinds - 1);
}

enum { NSC_PLACES_MOST = NSC_SEGMENT_MOST * NSC_SEGMENT_MOST };

/* The row of each place of a tile of the block, [places down][places across]. */
void nsc_cut_places(const nsc_cut *cut, const nsc_cut_block *block, size_t tile, uint32_t places[NSC_PLACES_MOST]);

/* Transforms the inputs of a tile: channel c of row r goes to to[(c / width * rows + r) * width + c % width], with the
   block's rows. `zero`: [in_channels] of them. */
void nsc_cut_input(const nsc_cut *cut, const nsc_cut_block *block, size_t tile, const float *x, const float *zero,
                   const uint32_t *places, float *to, size_t width);

/* The tile's results of channels [first, end), at most `width` and a multiple of four: the products of the first are at
   from[row * width]. */
void nsc_cut_output(const nsc_cut *cut, const nsc_cut_block *block, size_t tile, const uint32_t *places,
                    const float *from, size_t width, const nsc_winograd_after *after, size_t first, size_t end,
                    float *y);

#endif
