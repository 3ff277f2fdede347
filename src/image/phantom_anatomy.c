/*
 * Where things lie in an abdomen at the height of the liver, with sizes and densities as textbooks of radiological
 * anatomy give them, varied from one patient to the next. The frame of the body is here, the organs are in
 * phantom_organs.c.
 */
#include <math.h>
#include <string.h>

#include "image/phantom_private.h"

nsc_part *nsc_anatomy_add(nsc_anatomy *a, nsc_shape shape, nsc_clip clip, nsc_tissue tissue, double hu, double grain) {
  if (a->count < NSC_ANATOMY_PARTS) a->count++; /* the last one is overwritten: never in practice, and no harm */
  nsc_part *part = &a->parts[a->count - 1];
  *part = (nsc_part){.shape = shape, .clip = clip, .tissue = tissue, .hu = hu, .grain = grain};
  return part;
}

static void add(nsc_anatomy *a, nsc_shape shape, nsc_tissue tissue, double hu, double grain) {
  nsc_anatomy_add(a, shape, NSC_CLIP_NONE, tissue, hu, grain);
}

/* ---- what everything lies in ---- */

static void draw_outline(nsc_anatomy *a, nsc_rng *rng) {
  double width = nsc_between(rng, 145, 180);
  double depth = width * nsc_between(rng, 0.64, 0.76);
  double fat = nsc_between(rng, 7, 24), wall = nsc_between(rng, 7, 11);
  const nsc_spread bounds = {{-5, 5}, {-6, 6}, {width, width}, {depth, depth}, {-2, 2}};
  a->body = nsc_blob_drawn(rng, bounds);
  a->body.wave[2][0] = nsc_between(rng, -0.035, -0.015); /* four corners: squarer than an ellipse */
  a->body.wave[1][1] = nsc_between(rng, -0.012, 0.004);  /* the back is flatter than the belly */
  a->body = nsc_blob_varied(a->body, 0.008, rng);
  a->muscle = nsc_blob_inset(a->body, fat);
  a->muscle.b -= fat * nsc_between(rng, -0.15, 0.25);
  a->muscle = nsc_blob_varied(a->muscle, 0.008, rng);
  a->cavity = nsc_blob_inset(a->muscle, wall);
  a->cavity.b -= 3;
  a->cavity.y -= 3;
  a->field = 2 * width * nsc_between(rng, 1.06, 1.16);
}

/* The couch: a shallow trough of carbon fibre that the body lies in. */
static void add_table(nsc_anatomy *a) {
  double bottom = a->body.y + a->body.b + 1, radius = 520;
  for (int layer = 0; layer < 2; layer++) {
    double before_x = 0, before_y = 0;
    for (int i = -14; i <= 14; i++) {
      double across, down;
      nsc_direction(i * 1.7, &down, &across);
      double x = a->body.x + radius * across, y = bottom + 2 + layer * 22 - radius * (1 - down);
      if (i > -14) add(a, nsc_tube(before_x, before_y, x, y, 1, 1), NSC_TISSUE_TABLE, -30, 0);
      before_x = x;
      before_y = y;
    }
  }
}

static void add_wall(nsc_anatomy *a, nsc_rng *rng) {
  double fat = nsc_between(rng, -115, -98);
  add(a, a->body, NSC_TISSUE_SKIN, 15, 8);
  add(a, nsc_blob_inset(a->body, 2), NSC_TISSUE_FAT, fat, 9);
  double muscle = a->enhanced ? nsc_between(rng, 55, 68) : nsc_between(rng, 46, 58);
  add(a, a->muscle, NSC_TISSUE_MUSCLE, muscle, 12);
  /* The muscles of the flank are parted by a thin layer of fat. */
  double middle = nsc_between(rng, 3.5, 5), fainter = nsc_between(rng, 25, 60);
  nsc_shape layer = nsc_blob_inset(a->muscle, middle);
  add(a, layer, NSC_TISSUE_MUSCLE, muscle - fainter, 10);
  add(a, nsc_blob_inset(layer, 1.2), NSC_TISSUE_MUSCLE, muscle, 12);
  add(a, a->cavity, NSC_TISSUE_FAT, fat + nsc_between(rng, 0, 14), 14);
}

/* ---- bones ---- */

static void add_bone(nsc_anatomy *a, nsc_shape shape, double rim, double cortex, double marrow) {
  add(a, shape, NSC_TISSUE_BONE, cortex, 60);
  if (shape.a > rim + 1 && shape.b > rim + 1) add(a, nsc_blob_inset(shape, rim), NSC_TISSUE_BONE, marrow, 40);
}

/* Cut obliquely, so longer than wide, along the wall. `turn`: 0 at the flank, 90 at the middle of the back. */
static void add_rib(nsc_anatomy *a, nsc_rng *rng, int side, double turn) {
  double across, down, in = nsc_between(rng, 4, 6.5);
  nsc_direction(turn, &across, &down);
  double width = a->muscle.a - in, depth = a->muscle.b - in;
  double along_x = -width * down * side, along_y = depth * across, norm = sqrt(along_x * along_x + along_y * along_y);
  const nsc_spread bounds = {.a = {5, 13}, .b = {3.2, 4.6}};
  nsc_shape rib = nsc_blob_drawn(rng, bounds);
  rib.x = a->muscle.x + side * width * across;
  rib.y = a->muscle.y + depth * down;
  rib.along_x = along_x / norm;
  rib.along_y = along_y / norm;
  rib = nsc_blob_varied(rib, 0.05, rng);
  double cortex = nsc_between(rng, 420, 700), marrow = nsc_between(rng, 110, 220);
  add_bone(a, rib, 1.4, cortex, marrow);
}

/* Seldom exactly the same on both sides. */
static void add_ribs(nsc_anatomy *a, nsc_rng *rng) {
  double first = nsc_between(rng, -60, -35), step = nsc_between(rng, 21, 30);
  for (int side = -1; side <= 1; side += 2) {
    double turn = first + nsc_between(rng, -6, 6);
    while (turn < 62) {
      if (nsc_rng_float(rng) < 0.85f) add_rib(a, rng, side, turn);
      turn += step + nsc_between(rng, -4, 4);
    }
  }
}

static void add_back_muscles(nsc_anatomy *a, nsc_rng *rng, double x, double y) {
  double hu = a->enhanced ? nsc_between(rng, 56, 66) : nsc_between(rng, 46, 56);
  const nsc_spread bounds = {{29, 34}, {31, 35}, {22, 28}, {15, 20}, {-8, 8}};
  for (int side = -1; side <= 1; side += 2) {
    nsc_shape erector = nsc_blob_drawn(rng, bounds);
    erector.x = x + side * erector.x;
    erector.y += y;
    add(a, nsc_blob_varied(erector, 0.05, rng), NSC_TISSUE_MUSCLE, hu, 16);
    if (a->height > 0.35) { /* the psoas grows from the twelfth vertebra downwards */
      double size = 7 + 9 * (a->height - 0.35);
      nsc_shape psoas = nsc_blob(x + side * (25 + size), y + 9, size, size * 1.3, side * 20);
      add(a, nsc_blob_varied(psoas, 0.04, rng), NSC_TISSUE_MUSCLE, hu, 9);
    } else { /* crura of the diaphragm */
      double thick = nsc_between(rng, 2.5, 4);
      add(a, nsc_tube(x + side * 9, y - 22, x + side * 27, y + 8, thick, 2), NSC_TISSUE_MUSCLE, hu, 6);
    }
  }
}

/* What stands behind a vertebra's body: pedicles, laminae, processes, and the canal between them. */
static void add_arch(nsc_anatomy *a, nsc_rng *rng, double x, double y, double cortex) {
  double canal = nsc_between(rng, 8, 9.5), end = nsc_between(rng, 52, 66), at = y + 25;
  double skin = a->muscle.y + a->muscle.b - y - 5; /* of a thin patient: the process stays below it */
  if (end > skin) end = skin;
  bool has_processes = nsc_rng_float(rng) < 0.7f;
  for (int side = -1; side <= 1; side += 2) {
    double near = x + side * 14, far = x + side * nsc_between(rng, 33, 40), down = y + nsc_between(rng, 26, 31);
    add(a, nsc_tube(x + side * 12, y + 12, near, y + 26, 4.5, 4), NSC_TISSUE_BONE, cortex * 0.75, 60);
    add(a, nsc_tube(near, y + 26, x, y + 38, 3.6, 3.2), NSC_TISSUE_BONE, cortex * 0.8, 60);
    if (has_processes) add(a, nsc_tube(near, y + 25, far, down, 4, 2.6), NSC_TISSUE_BONE, cortex * 0.6, 60);
  }
  add(a, nsc_tube(x, y + 37, x, y + end, 3.4, 2.8), NSC_TISSUE_BONE, cortex * 0.75, 70);
  add(a, nsc_blob(x, at, canal * 1.1, canal, 0), NSC_TISSUE_FAT, -40, 5);
  add(a, nsc_blob(x, at, canal * 0.95, canal * 0.85, 0), NSC_TISSUE_NERVE, 18, 4);
  add(a, nsc_blob(x, at, 5, 4, 0), NSC_TISSUE_NERVE, 42, 3);
}

/* Before the spine, whose front is at `y`. */
static void add_great_vessels(nsc_anatomy *a, nsc_rng *rng, double x, double y) {
  double blood = a->enhanced ? nsc_between(rng, 130, 165) : nsc_between(rng, 36, 46);
  double radius = nsc_between(rng, 9, 12), gap = nsc_between(rng, 0, 3), turn = nsc_between(rng, 0, 360), cx, cy;
  nsc_shape aorta = nsc_blob(x + nsc_between(rng, 6, 16), y - radius - gap, radius, radius, 0);
  add(a, aorta, NSC_TISSUE_VESSEL, blood, 2);
  if (nsc_rng_float(rng) < 0.4f) { /* chalk in its wall */
    nsc_direction(turn, &cx, &cy);
    double length = nsc_between(rng, 1, 3), hu = nsc_between(rng, 250, 600);
    add(a, nsc_blob(aorta.x + cx * radius, aorta.y + cy * radius, length, 1, turn + 90), NSC_TISSUE_BONE, hu, 0);
  }
  const nsc_spread bounds = {{x - 25, x - 17}, {y - 10, y - 4}, {9, 13}, {6, 9}, {-25, 10}};
  nsc_shape cava = nsc_blob_drawn(rng, bounds);
  cava = nsc_blob_varied(cava, 0.04, rng);
  add(a, cava, NSC_TISSUE_VESSEL, blood * nsc_between(rng, 0.85, 1), 2);
}

static void add_spine(nsc_anatomy *a, nsc_rng *rng) {
  double x = a->body.x + nsc_between(rng, -3, 3), y = a->cavity.y + a->cavity.b - nsc_between(rng, 40, 46);
  double width = nsc_between(rng, 20, 25), depth = width * nsc_between(rng, 0.7, 0.8);
  double cortex = nsc_between(rng, 380, 650);
  add_back_muscles(a, rng, x, y);
  nsc_shape vertebra = nsc_blob(x, y, width, depth, 0);
  vertebra.wave[0][0] = 0.03;
  vertebra.wave[1][1] = 0.06; /* hollow behind, where the canal lies */
  vertebra = nsc_blob_varied(vertebra, 0.015, rng);
  add_bone(a, vertebra, 1.8, cortex, nsc_between(rng, 130, 240));
  add_arch(a, rng, x, y, cortex);
  add_great_vessels(a, rng, x, y - depth);
}

void nsc_anatomy_draw(nsc_rng rng, nsc_anatomy *a) {
  memset(a, 0, sizeof *a);
  a->enhanced = nsc_rng_float(&rng) < 0.8f;
  a->height = nsc_rng_double(&rng);
  a->thickness = nsc_rng_float(&rng) < 0.5f ? 5 : 3;
  draw_outline(a, &rng);
  add_table(a);
  add_wall(a, &rng);
  nsc_anatomy_add_organs(a, &rng);
  add_spine(a, &rng);
  add_ribs(a, &rng);
}
