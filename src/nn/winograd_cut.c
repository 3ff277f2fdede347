#include "nn/winograd_cut.h"

/* ---- one axis ---- */

static nsc_axis_cut axis_of(nsc_scheme scheme, size_t outputs) {
  size_t longer = nsc_scheme_outputs(scheme, true), shorter = nsc_scheme_outputs(scheme, false);
  nsc_axis_cut a = {.scheme = scheme, .segments = nsc_divide_up(outputs, longer)};
  if (outputs > shorter * a.segments) a.longer = nsc_divide_up(outputs - shorter * a.segments, longer - shorter);
  return a;
}

static size_t outputs_of(const nsc_axis_cut *a, size_t segment) {
  return nsc_scheme_outputs(a->scheme, segment < a->longer);
}

static size_t first_output(const nsc_axis_cut *a, size_t segment) {
  size_t longer = nsc_least(segment, a->longer);
  return longer * nsc_scheme_outputs(a->scheme, true) + (segment - longer) * nsc_scheme_outputs(a->scheme, false);
}

static bool is_tap(nsc_scheme scheme, size_t kind) {
  return scheme == NSC_SEGMENTS_4_STRIDE_2 && kind == NSC_KIND_TAP;
}

/* Places of a kind in the segments before this one. */
static size_t places_before(const nsc_axis_cut *a, size_t kind, size_t segment) {
  if (nsc_scheme_leaves(a->scheme, kind)) return nsc_least(segment, a->longer);
  return is_tap(a->scheme, kind) ? first_output(a, segment) : segment;
}

/* The kind of place `place` of a segment of `m` outputs, and which of this kind it is. */
static size_t kind_of(nsc_scheme scheme, size_t m, size_t place, size_t *offset) {
  size_t points = scheme == NSC_SEGMENTS_4_STRIDE_2 ? m + 1 : m + 2;
  *offset = place < points ? 0 : place - points;
  if (place >= points) return NSC_KIND_TAP;
  if (place == points - 1) return nsc_scheme_kinds(scheme) - 1;
  return is_tap(scheme, NSC_KIND_TAP) && place >= NSC_KIND_TAP ? place + 1 : place;
}

/* ---- both ---- */

nsc_cut nsc_cut_of(const nsc_winograd *w) {
  nsc_scheme scheme = w->stride == 2 ? NSC_SEGMENTS_4_STRIDE_2 : w->tile == 6 ? NSC_SEGMENTS_6 : NSC_SEGMENTS_4;
  nsc_cut cut = {.shape = w,
                 .scheme = scheme,
                 .kinds = nsc_scheme_kinds(scheme),
                 .down = axis_of(scheme, w->out_height),
                 .across = axis_of(scheme, w->out_width)};
  cut.planes = cut.kinds * cut.kinds;
  cut.strips = w->batch * cut.down.segments;
  return cut;
}

/* Places of a kind in the strips before this one. */
static size_t strip_places(const nsc_cut *cut, size_t kind, size_t strip) {
  size_t segments = cut->down.segments;
  return strip / segments * places_before(&cut->down, kind, segments) +
         places_before(&cut->down, kind, strip % segments);
}

nsc_cut_block nsc_cut_block_of(const nsc_cut *cut, size_t first, size_t strips) {
  nsc_cut_block b = {.first = first, .tiles = strips * cut->across.segments};
  for (size_t k = 0; k < cut->kinds; k++) b.across[k] = places_before(&cut->across, k, cut->across.segments);
  for (size_t plane = 0; plane < cut->planes; plane++) {
    size_t kind = plane / cut->kinds, down = strip_places(cut, kind, first + strips) - strip_places(cut, kind, first);
    b.start[plane] = b.rows;
    b.rows += down * b.across[plane % cut->kinds];
  }
  b.start[cut->planes] = b.rows;
  return b;
}

size_t nsc_cut_rows(const nsc_cut *cut) {
  return nsc_cut_block_of(cut, 0, cut->strips).rows;
}

enum { LEAST_TILES = 24 /* of a block: fewer are not worth transforming weights */ };

size_t nsc_cut_strips(const nsc_cut *cut, size_t rows) {
  size_t most = rows / nsc_divide_up(nsc_cut_rows(cut), cut->strips);
  size_t least = nsc_divide_up(LEAST_TILES, cut->across.segments);
  return nsc_divide_up(cut->strips, nsc_divide_up(cut->strips, most > least ? most : least));
}

size_t nsc_cut_most_rows(const nsc_cut *cut, size_t strips) {
  size_t most = 0;
  for (size_t first = 0; first < cut->strips; first += strips) {
    size_t rows = nsc_cut_block_of(cut, first, nsc_least(strips, cut->strips - first)).rows;
    if (rows > most) most = rows;
  }
  return most;
}

nsc_cut_tile nsc_cut_find(const nsc_cut *cut, const nsc_cut_block *block, size_t tile) {
  nsc_cut_tile t = {.strip = block->first + tile / cut->across.segments, .column = tile % cut->across.segments};
  size_t segment = t.strip % cut->down.segments;
  t.n = t.strip / cut->down.segments;
  t.y = first_output(&cut->down, segment);
  t.x = first_output(&cut->across, t.column);
  t.rows = outputs_of(&cut->down, segment);
  t.columns = outputs_of(&cut->across, t.column);
  return t;
}

void nsc_cut_places(const nsc_cut *cut, const nsc_cut_block *block, size_t tile, uint32_t places[NSC_PLACES_MOST]) {
  nsc_cut_tile t = nsc_cut_find(cut, block, tile);
  size_t width = nsc_segment_side(cut->scheme, t.columns);
  for (size_t i = 0; i < nsc_segment_side(cut->scheme, t.rows); i++) {
    size_t row, down = kind_of(cut->scheme, t.rows, i, &row);
    row += strip_places(cut, down, t.strip) - strip_places(cut, down, block->first);
    for (size_t j = 0; j < width; j++) {
      size_t column, across = kind_of(cut->scheme, t.columns, j, &column);
      column += places_before(&cut->across, across, t.column);
      places[i * width + j] =
          (uint32_t)(block->start[down * cut->kinds + across] + row * block->across[across] + column);
    }
  }
}

/* ---- transforms ---- */

typedef nsc_lanes square[NSC_SEGMENT_MOST][NSC_SEGMENT_MOST];

/* Calls one(..., scheme, m) with both as constants. */
#define WITH_SEGMENT(one, scheme, m, ...)                         \
  do {                                                            \
    if ((scheme) == NSC_SEGMENTS_4) {                             \
      if ((m) == 4) one(__VA_ARGS__, NSC_SEGMENTS_4, 4);          \
      if ((m) == 3) one(__VA_ARGS__, NSC_SEGMENTS_4, 3);          \
    } else if ((scheme) == NSC_SEGMENTS_4_STRIDE_2) {             \
      if ((m) == 4) one(__VA_ARGS__, NSC_SEGMENTS_4_STRIDE_2, 4); \
      if ((m) == 3) one(__VA_ARGS__, NSC_SEGMENTS_4_STRIDE_2, 3); \
    } else {                                                      \
      if ((m) == 6) one(__VA_ARGS__, NSC_SEGMENTS_6, 6);          \
      if ((m) == 4) one(__VA_ARGS__, NSC_SEGMENTS_6, 4);          \
    }                                                             \
  } while (0)

enum { QUADS = NSC_LINE / NSC_LANES /* of channels that are worked on together */ };

/* Of `width` columns of inputs at `at`, `quads` of channel c and behind it: whole lines of a cache, since rows of a
   picture are often a multiple of its size apart and would drive each other out before the next quad. */
NSC_FOR_EACH_TILE void input_columns(const float *const *at, size_t c, size_t quads, size_t width, square t[QUADS],
                                     nsc_scheme scheme, size_t m) {
  size_t side = nsc_segment_side(scheme, m);
  for (size_t j = 0; j < width; j++) {
    for (size_t q = 0; q < quads; q++) {
      nsc_lanes d[NSC_SEGMENT_MOST];
      for (size_t i = 0; i < side; i++) d[i] = nsc_load_lanes(at[i * width + j] + c + q * NSC_LANES);
      nsc_segment_input(d, scheme, m);
      for (size_t i = 0; i < side; i++) t[q][i][j] = d[i];
    }
  }
}

NSC_FOR_EACH_TILE void input_rows(square t[QUADS], size_t quads, size_t height, const uint32_t *places, float *to,
                                  size_t width, nsc_scheme scheme, size_t m) {
  size_t side = nsc_segment_side(scheme, m);
  for (size_t i = 0; i < height; i++) {
    for (size_t q = 0; q < quads; q++) {
      nsc_lanes *row = t[q][i];
      nsc_segment_input(row, scheme, m);
      for (size_t j = 0; j < side; j++) nsc_store_lanes(to + places[i * side + j] * width + q * NSC_LANES, row[j]);
    }
  }
}

void nsc_cut_input(const nsc_cut *cut, const nsc_cut_block *block, size_t tile, const float *x, const float *zero,
                   const uint32_t *places, float *to, size_t width) {
  const nsc_winograd *w = cut->shape;
  nsc_cut_tile t = nsc_cut_find(cut, block, tile);
  size_t down = nsc_segment_side(cut->scheme, t.rows), across = nsc_segment_side(cut->scheme, t.columns);
  const float *at[NSC_PLACES_MOST];
  for (size_t k = 0; k < down * across; k++) {
    size_t y = t.y * w->stride + k / across - w->top, sx = t.x * w->stride + k % across - w->left; /* huge when < 0 */
    bool inside = y < w->height && sx < w->width;
    at[k] = inside ? x + ((t.n * w->height + y) * w->width + sx) * w->in_channels : zero;
  }
  for (size_t c = 0; c < w->in_channels; c += NSC_LINE) {
    square d[QUADS];
    size_t quads = nsc_least(w->in_channels - c, NSC_LINE) / NSC_LANES;
    float *out = to + c / width * block->rows * width + c % width;
    for (size_t k = 0; k < down * across; k++) nsc_fetch_lines(out + places[k] * width, 0, 1);
    WITH_SEGMENT(input_columns, cut->scheme, t.rows, at, c, quads, across, d);
    WITH_SEGMENT(input_rows, cut->scheme, t.columns, d, quads, down, places, out, width);
  }
}

NSC_FOR_EACH_TILE void output_columns(const float *from, const uint32_t *places, size_t width, size_t columns, square t,
                                      nsc_scheme scheme, size_t m) {
  size_t side = nsc_segment_side(scheme, m);
  for (size_t j = 0; j < columns; j++) {
    nsc_lanes d[NSC_SEGMENT_MOST];
    for (size_t i = 0; i < side; i++) d[i] = nsc_load_lanes(from + places[i * columns + j] * width);
    nsc_segment_output(d, scheme, m);
    for (size_t i = 0; i < m; i++) t[i][j] = d[i];
  }
}

NSC_FOR_EACH_TILE void output_rows(square t, const nsc_winograd_after *after, nsc_lanes bias, float *y,
                                   const nsc_corner *c, nsc_scheme scheme, size_t m) {
  for (size_t i = 0; i < c->rows; i++) {
    nsc_segment_output(t[i], scheme, m);
    for (size_t j = 0; j < c->columns; j++) {
      size_t at = c->at + i * c->line + j * c->pixel;
      nsc_store_lanes(y + at, nsc_winograd_finish(after, t[i][j], bias, at));
    }
  }
}

void nsc_cut_output(const nsc_cut *cut, const nsc_cut_block *block, size_t tile, const uint32_t *places,
                    const float *from, size_t width, const nsc_winograd_after *after, size_t first, size_t end,
                    float *y) {
  const nsc_winograd *w = cut->shape;
  nsc_cut_tile t = nsc_cut_find(cut, block, tile);
  size_t across = nsc_segment_side(cut->scheme, t.columns);
  nsc_corner corner = {.at = ((t.n * w->out_height + t.y) * w->out_width + t.x) * w->out_channels + first,
                       .pixel = w->out_channels,
                       .line = w->out_width * w->out_channels,
                       .rows = nsc_least(t.rows, w->out_height - t.y),
                       .columns = nsc_least(t.columns, w->out_width - t.x)};
  for (size_t c = first; c < end; c += NSC_LANES, from += NSC_LANES, corner.at += NSC_LANES) {
    nsc_lanes bias = after->bias ? nsc_load_lanes(after->bias + c) : (nsc_lanes){0};
    square d;
    WITH_SEGMENT(output_columns, cut->scheme, t.rows, from, places, width, across, d);
    WITH_SEGMENT(output_rows, cut->scheme, t.columns, d, after, bias, y, &corner);
  }
}
