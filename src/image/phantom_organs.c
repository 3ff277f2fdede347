/*
 * The organs of the upper abdomen: liver and its vessels, spleen, stomach, pancreas, gallbladder, kidneys, bowel. Their
 * places and sizes are shares of the space that they lie in, so that large patients have large organs far apart.
 */
#include <math.h>

#include "image/phantom_private.h"

/* Draws between bounds that are shares of half the cavity's width (x, a) and depth (y, b), from its middle. */
static nsc_shape drawn_in_cavity(const nsc_anatomy *a, nsc_rng *rng, nsc_spread bounds) {
  nsc_shape s = nsc_blob_drawn(rng, bounds);
  s.x = a->cavity.x + s.x * a->cavity.a;
  s.y = a->cavity.y + s.y * a->cavity.b;
  s.a *= a->cavity.a;
  s.b *= a->cavity.b;
  return s;
}

/* Tissue's density without and with contrast medium in the portal venous phase, HU. */
static double density(const nsc_anatomy *a, nsc_rng *rng, double plain, double enhanced, double spread) {
  return (a->enhanced ? enhanced : plain) + nsc_between(rng, -spread, spread);
}

static nsc_part *add(nsc_anatomy *a, nsc_shape shape, nsc_tissue tissue, double hu, double grain) {
  return nsc_anatomy_add(a, shape, NSC_CLIP_CAVITY, tissue, hu, grain);
}

static nsc_part *add_to_liver(nsc_anatomy *a, nsc_shape shape, nsc_tissue tissue, double hu, double grain) {
  return nsc_anatomy_add(a, shape, NSC_CLIP_LIVER, tissue, hu, grain);
}

/* ---- liver ---- */

static void add_hollow(nsc_anatomy *a, nsc_shape shape) {
  if (a->hollow_count < NSC_ANATOMY_HOLLOWS) a->hollows[a->hollow_count++] = shape;
}

static void draw_liver(nsc_anatomy *a, nsc_rng *rng) {
  static const nsc_spread right = {{-0.58, -0.52}, {-0.14, 0}, {0.5, 0.58}, {0.84, 0.95}, {-12, 6}};
  static const nsc_spread left = {{-0.14, -0.1}, {-0.6, -0.5}, {0.42, 0.6}, {0.26, 0.36}, {-14, 4}};
  static const nsc_spread porta = {{-0.08, -0.02}, {0.12, 0.25}, {0.22, 0.3}, {0.28, 0.38}, {-20, 20}};
  double low = a->height;
  a->lobes[0] = nsc_blob_varied(drawn_in_cavity(a, rng, right), 0.035, rng);
  a->lobes[0].a *= 1.05 - 0.25 * low;
  a->lobes[0].b *= 1.04 - 0.16 * low;
  a->lobes[1] = nsc_blob_varied(drawn_in_cavity(a, rng, left), 0.05, rng);
  a->lobes[1].a *= 1.15 - 0.75 * low;
  a->lobes[1].b *= 1.1 - 0.4 * low;
  /* The visceral surface is hollowed by duodenum and kidney; the porta lies there. */
  add_hollow(a, nsc_blob_varied(drawn_in_cavity(a, rng, porta), 0.05, rng));
  double kidney_y = 1.18 - 0.34 * low;
  const nsc_spread kidney = {{-0.42, -0.42}, {kidney_y, kidney_y}, {0.26, 0.26}, {0.42, 0.42}, {0, 0}};
  add_hollow(a, drawn_in_cavity(a, rng, kidney));
  a->liver_hu = density(a, rng, 58, 108, 8);
  if (nsc_rng_float(rng) < 0.12f) a->liver_hu -= nsc_between(rng, 12, 30); /* fatty */
  add_to_liver(a, a->body, NSC_TISSUE_LIVER, a->liver_hu, 7);
}

double nsc_liver_distance(const nsc_anatomy *a, double x, double y) {
  double d = nsc_distance_union(nsc_shape_distance(&a->lobes[0], x, y), nsc_shape_distance(&a->lobes[1], x, y), 14);
  for (uint32_t i = 0; i < a->hollow_count; i++) { /* lacking a hollow: the outside united with it, turned round */
    d = -nsc_distance_union(-d, nsc_shape_distance(&a->hollows[i], x, y), 8);
  }
  double cavity = nsc_shape_distance(&a->cavity, x, y) + 1.5;
  return d > cavity ? d : cavity;
}

/* A vessel goes on in two thinner ones; a slice shows only some stretches of them. */
static void add_branch(nsc_anatomy *a, nsc_rng *rng, double x, double y, double degrees, double length, double radius,
                       double hu) {
  if (radius < 0.7) return;
  for (int piece = 0; piece < 2; piece++) {
    double cx, cy;
    degrees += nsc_between(rng, -16, 16);
    nsc_direction(degrees, &cx, &cy);
    double to_x = x + cx * length / 2, to_y = y + cy * length / 2, thin = radius * 0.9;
    if (nsc_rng_float(rng) < 0.62f) {
      add_to_liver(a, nsc_tube(x, y, to_x, to_y, radius, thin), NSC_TISSUE_VESSEL, hu, 2)->edge = 1;
    }
    x = to_x;
    y = to_y;
    radius = thin;
  }
  double one = nsc_between(rng, 10, 45), other = nsc_between(rng, 10, 45);
  add_branch(a, rng, x, y, degrees - one, length * 0.8, radius * 0.74, hu);
  add_branch(a, rng, x, y, degrees + other, length * 0.8, radius * 0.8, hu);
}

static void add_liver_vessels(nsc_anatomy *a, nsc_rng *rng) {
  double w = a->cavity.a, d = a->cavity.b;
  double hu = a->liver_hu + (a->enhanced ? nsc_between(rng, 22, 45) : nsc_between(rng, -22, -10));
  double x = a->cavity.x - w * nsc_between(rng, 0.24, 0.32), y = a->cavity.y - d * nsc_between(rng, 0.02, 0.12);
  double turn = nsc_between(rng, 165, 200), radius = nsc_between(rng, 4, 6);
  add_branch(a, rng, x, y, turn, w * 0.24, radius, hu);
  turn = nsc_between(rng, 235, 275), radius = nsc_between(rng, 2.5, 4);
  add_branch(a, rng, x, y, turn, w * 0.2, radius, hu);
  if (a->height > 0.45) return; /* the hepatic veins meet the cava near the dome */
  for (int i = 0; i < 3; i++) {
    turn = 175 + 42 * i + nsc_between(rng, -10, 10);
    radius = nsc_between(rng, 2.5, 4.5);
    add_branch(a, rng, a->cavity.x - w * 0.16, a->cavity.y + d * 0.12, turn, w * 0.26, radius, hu);
  }
}

/* Fat in the fissure of the falciform ligament. */
static void add_fissure(nsc_anatomy *a, nsc_rng *rng) {
  if (nsc_rng_float(rng) < 0.35f) return;
  double x = a->cavity.x - a->cavity.a * nsc_between(rng, 0.12, 0.24), y = a->cavity.y - a->cavity.b;
  double length = a->cavity.b * nsc_between(rng, 0.25, 0.6), lean = nsc_between(rng, -10, 10);
  double thick = nsc_between(rng, 1.5, 3);
  add_to_liver(a, nsc_tube(x, y, x + lean, y + length, thick, 0.6), NSC_TISSUE_FAT, -80, 6)->edge = 2;
}

static void add_gallbladder(nsc_anatomy *a, nsc_rng *rng) {
  static const nsc_spread bounds = {{-0.36, -0.26}, {-0.3, -0.08}, {0.075, 0.12}, {0.15, 0.25}, {-40, 40}};
  if (a->height < 0.3 || nsc_rng_float(rng) < 0.75f) return;
  nsc_shape bladder = nsc_blob_varied(drawn_in_cavity(a, rng, bounds), 0.04, rng);
  double wall = density(a, rng, 32, 62, 6), bile = nsc_between(rng, 3, 16);
  add_hollow(a, nsc_blob_inset(bladder, -2)); /* its fossa */
  add(a, bladder, NSC_TISSUE_GALLBLADDER, wall, 3);
  add(a, nsc_blob_inset(bladder, 1.6), NSC_TISSUE_GALLBLADDER, bile, 2);
}

/* ---- the other organs ---- */

static void add_spleen(nsc_anatomy *a, nsc_rng *rng) {
  static const nsc_spread bounds = {{0.76, 0.8}, {0.2, 0.36}, {0.24, 0.28}, {0.46, 0.54}, {8, 26}};
  double shrink = 1.1 - 0.75 * a->height, hu = density(a, rng, 48, 118, 8);
  if (shrink < 0.5) return; /* below it */
  nsc_shape spleen = drawn_in_cavity(a, rng, bounds);
  spleen.a *= shrink;
  spleen.b *= shrink;
  spleen.wave[1][0] = 0.05;
  add(a, nsc_blob_varied(spleen, 0.05, rng), NSC_TISSUE_SPLEEN, hu, 6);
}

/* Wall, contents and, above a level, gas. `filled`: share of the height that is not gas. */
static void add_gut(nsc_anatomy *a, nsc_rng *rng, nsc_shape shape, double wall, double filled) {
  double contents = nsc_between(rng, 8, 40);
  add(a, shape, NSC_TISSUE_GUT, density(a, rng, 42, 88, 10), 8);
  nsc_shape inside = nsc_blob_inset(shape, wall);
  add(a, inside, NSC_TISSUE_GUT, contents, 14);
  if (filled >= 1) return;
  nsc_part *gas = add(a, inside, NSC_TISSUE_GAS, -960, 10);
  gas->has_level = true;
  gas->level = shape.y + shape.b * (1 - 2 * filled);
}

static void add_stomach(nsc_anatomy *a, nsc_rng *rng) {
  static const nsc_spread bounds = {{0.36, 0.5}, {-0.4, -0.22}, {0.24, 0.36}, {0.28, 0.44}, {-30, 15}};
  if (a->height > 0.75) return;
  nsc_shape stomach = nsc_blob_varied(drawn_in_cavity(a, rng, bounds), 0.06, rng);
  double wall = nsc_between(rng, 3, 5), filled = nsc_between(rng, 0.45, 1.05);
  add_gut(a, rng, stomach, wall, filled);
}

static void add_bowel(nsc_anatomy *a, nsc_rng *rng) {
  static const nsc_spread loops = {{0, 0.75}, {-0.72, 0.18}, {0.06, 0.16}, {0.09, 0.17}, {-90, 90}};
  static const nsc_spread flexure = {{0.78, 0.82}, {-0.3, -0.02}, {0.1, 0.17}, {0.17, 0.28}, {-30, 30}};
  int count = 2 + (int)(a->height * 9) + (int)nsc_rng_below(rng, 3);
  for (int i = 0; i < count; i++) {
    nsc_shape loop = nsc_blob_varied(drawn_in_cavity(a, rng, loops), 0.06, rng);
    double wall = nsc_between(rng, 1.8, 3), filled = nsc_between(rng, 0.1, 1.7);
    add_gut(a, rng, loop, wall, filled);
  }
  if (nsc_rng_float(rng) < 0.3f) return;
  nsc_shape colon = nsc_blob_varied(drawn_in_cavity(a, rng, flexure), 0.08, rng);
  add_gut(a, rng, colon, 2, nsc_between(rng, 0.15, 0.9));
}

/* Head, neck over the spine, body, tail towards the spleen. */
static void add_pancreas(nsc_anatomy *a, nsc_rng *rng) {
  if (a->height < 0.25) return;
  double w = a->cavity.a, d = a->cavity.b, hu = density(a, rng, 40, 92, 8);
  double x = a->cavity.x - w * 0.12, y = a->cavity.y + d * nsc_between(rng, 0.02, 0.12);
  double radius = nsc_between(rng, 9, 13);
  for (int i = 0; i < 5; i++) {
    double to_x = x + w * nsc_between(rng, 0.11, 0.15);
    double to_y = y + d * (i < 2 ? -0.07 : 0.06) + nsc_between(rng, -3, 3),
           thin = radius * nsc_between(rng, 0.78, 1.02);
    add(a, nsc_tube(x, y, to_x, to_y, radius, thin), NSC_TISSUE_PANCREAS, hu, 18)->edge = 1;
    x = to_x;
    y = to_y;
    radius = thin;
  }
}

static void add_kidney(nsc_anatomy *a, nsc_rng *rng, int side) {
  static const nsc_spread bounds = {{0.46, 0.53}, {0.5, 0.58}, {0.17, 0.21}, {0.3, 0.36}, {20, 40}};
  nsc_shape kidney = drawn_in_cavity(a, rng, bounds);
  double x = a->cavity.x + side * (kidney.x - a->cavity.x), y = kidney.y;
  double size = a->height < 0.5 ? kidney.a * 0.85 : kidney.a; /* the upper pole */
  kidney = nsc_blob(x, y, size, size * 1.15, -side * 30.0);
  kidney = nsc_blob_varied(kidney, 0.03, rng);
  double cortex = density(a, rng, 34, 178, 8), medulla = density(a, rng, 32, 130, 8),
         blood = density(a, rng, 38, 140, 8);
  if (side < 0) add_hollow(a, nsc_blob_inset(kidney, -3));
  add(a, nsc_blob_inset(kidney, -7), NSC_TISSUE_FAT, -100, 8)->edge = 2; /* its capsule */
  add(a, kidney, NSC_TISSUE_KIDNEY, cortex, 4);
  add(a, nsc_blob_varied(nsc_blob_inset(kidney, 7), 0.12, rng), NSC_TISSUE_KIDNEY, medulla, 8)->edge = 2;
  double sinus_x = x - side * size * 0.55;
  nsc_shape sinus = nsc_blob(sinus_x, y - 2, size * 0.5, size * 0.3, -side * 25.0);
  add(a, nsc_blob_varied(sinus, 0.15, rng), NSC_TISSUE_FAT, -80, 30);
  add(a, nsc_tube(sinus_x, y - 2, a->cavity.x + side * 18, y - 22, 2.6, 3.4), NSC_TISSUE_VESSEL, blood, 2);
}

/* Dots and threads in the fat between the bowel loops. */
static void add_mesentery(nsc_anatomy *a, nsc_rng *rng) {
  double hu = density(a, rng, 30, 115, 12);
  int count = 8 + (int)nsc_rng_below(rng, 12);
  for (int i = 0; i < count; i++) {
    double x = a->cavity.x + a->cavity.a * nsc_between(rng, -0.2, 0.7), cx, cy;
    double y = a->cavity.y + a->cavity.b * nsc_between(rng, -0.6, 0.3), length = nsc_between(rng, 0, 14);
    nsc_direction(nsc_between(rng, 0, 180), &cx, &cy);
    double radius = nsc_between(rng, 0.9, 2.4);
    add(a, nsc_tube(x, y, x + cx * length, y + cy * length, radius, 1), NSC_TISSUE_VESSEL, hu, 4);
  }
}

void nsc_anatomy_add_organs(nsc_anatomy *a, nsc_rng *rng) {
  add_mesentery(a, rng);
  add_bowel(a, rng);
  add_pancreas(a, rng);
  add_stomach(a, rng);
  add_spleen(a, rng);
  draw_liver(a, rng);
  add_fissure(a, rng);
  add_liver_vessels(a, rng);
  add_gallbladder(a, rng);
  if (a->height < 0.3) return; /* above the kidneys */
  if (nsc_rng_float(rng) < 0.85f) add_kidney(a, rng, -1);
  if (nsc_rng_float(rng) < 0.9f) add_kidney(a, rng, 1);
}
