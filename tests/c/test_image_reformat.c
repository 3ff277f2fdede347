/*
 * Planes of volumes whose voxels hold a linear function of their place in mm: interpolated linearly it must come out
 * exactly, in every plane, slab and orientation of the grid. What is expected is computed from the volume's affine.
 */
#include <stdlib.h>

#include "dicom_builder.h"
#include "image/image.h"
#include "test.h"
#include "volume_builder.h"

enum { NI = 11, NJ = 9, NK = 7 };

/* LPS+, as the core's places are. */
static double function(const double mm[3]) {
  return 40 + 0.75 * mm[0] - 1.25 * mm[1] + 0.5 * mm[2];
}
static const double gradient[3] = {0.75, -1.25, 0.5};

/* RAS+ affines of grids that lie along the patient's axes and across them. */
typedef struct grid {
  const char *name;
  double affine[3][4];
  bool oblique;
} grid;

static const grid grids[] = {
    {"straight", {{1, 0, 0, -5}, {0, 2, 0, -8}, {0, 0, 3, 10}}, false},
    {"backwards", {{-1.5, 0, 0, 12}, {0, -0.5, 0, 3}, {0, 0, -2.5, 4}}, false},
    {"exchanged", {{0, 0, 2, -7}, {-1, 0, 0, 2}, {0, 1.5, 0, -9}}, false},
    {"turned",
     {{0.9396926208 * 1.2, -0.3420201433 * 1.1, 0, -5}, {0.3420201433 * 1.2, 0.9396926208 * 1.1, 0, 4}, {0, 0, 2, 1}},
     true},
    {"sheared", {{1, 0, 0.8, -5}, {0, 1.25, 0, -3}, {0, 0, 2, 0}}, true},
};
enum { GRIDS = sizeof grids / sizeof grids[0] };

static nsc_image *open_grid(const grid *g) {
  static float samples[NI * NJ * NK];
  static volume_builder b;
  for (int k = 0, at = 0; k < NK; k++) {
    for (int j = 0; j < NJ; j++) {
      for (int i = 0; i < NI; i++) {
        double mm[3];
        for (int r = 0; r < 3; r++) {
          const double *a = g->affine[r];
          mm[r] = (r < 2 ? -1 : 1) * (a[0] * i + a[1] * j + a[2] * k + a[3]);
        }
        samples[at++] = (float)function(mm);
      }
    }
  }
  nifti_facts f = {.two = true, .dim = {3, NI, NJ, NK}, .datatype = 16, .sform_code = 1};
  memcpy(f.srow, g->affine, sizeof f.srow);
  nifti_build(&b, &f, samples, sizeof samples);
  nsc_error err = {0};
  nsc_image *image = test_open(b.bytes, b.size, &err);
  CHECK_STR(err.text, "");
  return image;
}

static nsc_reformat *reformat_image(nsc_image *image) {
  nsc_error err = {0};
  nsc_reformat *r = NULL;
  CHECK_EQ(nsc_reformat_create(NULL, &r, &err), NSC_OK);
  CHECK_EQ(nsc_reformat_announce_image(r, image, &err), NSC_OK);
  CHECK_EQ(nsc_reformat_plan(r, 0, image, &err), NSC_OK);
  /* Slices are in the order of their places, frames in that of the file: which way that is does not matter here. */
  nsc_place first, last;
  CHECK(nsc_image_locate(image, 0, &first) && nsc_image_locate(image, NK - 1, &last));
  double normal[3];
  nsc_place_normal(&first, normal);
  bool rises = nsc_dot(last.origin, normal) > nsc_dot(first.origin, normal);
  for (uint32_t k = 0; k < NK; k++) CHECK_EQ(nsc_reformat_fill(r, k, image, rises ? k : NK - 1 - k, &err), NSC_OK);
  CHECK_STR(err.text, "");
  return r;
}

/* Voxel indices of a place, by Cramer's rule on the RAS+ affine. */
static void indices_of(const grid *g, const double lps[3], double out[3]) {
  double m[3][3], p[3], c[3];
  for (int r = 0; r < 3; r++) {
    p[r] = (r < 2 ? -1 : 1) * lps[r] - g->affine[r][3];
    for (int a = 0; a < 3; a++) m[a][r] = g->affine[r][a]; /* columns */
  }
  nsc_cross(m[1], m[2], c);
  double volume = nsc_dot(m[0], c);
  for (int a = 0; a < 3; a++) {
    nsc_cross(m[(a + 1) % 3], m[(a + 2) % 3], c);
    out[a] = nsc_dot(p, c) / volume;
  }
}

/* -1 outside, 1 inside, 0 within a hair of the border. */
static int side_of(const grid *g, const double lps[3]) {
  static const double last[3] = {NI - 1, NJ - 1, NK - 1};
  double at[3];
  int side = 1;
  indices_of(g, lps, at);
  for (int a = 0; a < 3; a++) {
    if (at[a] < -1e-3 || at[a] > last[a] + 1e-3) return -1;
    if (at[a] < 1e-3 || at[a] > last[a] - 1e-3) side = 0;
  }
  return side;
}

static void step_along(const double from[3], const double way[3], double length, double out[3]) {
  for (int i = 0; i < 3; i++) out[i] = from[i] + length * way[i];
}

typedef struct slab {
  double thickness;
  nsc_projection projection;
} slab;

/* The function's mean or extreme over the part of a slab that lies in the grid, which is convex. */
static double expected(const double centre[3], const double normal[3], double below, double above, const slab *s) {
  double mm[3], steepness = nsc_dot(gradient, normal), at = (above - below) / 2;
  if (s->projection != NSC_PROJECTION_MEAN && s->thickness > 0) {
    at = (s->projection == NSC_PROJECTION_MAXIMUM) == (steepness > 0) ? above : -below;
  }
  step_along(centre, normal, at, mm);
  return function(mm);
}

static uint32_t check_pixel(nsc_image *plane, const grid *g, uint32_t frame, uint32_t x, uint32_t y, const slab *s) {
  const double pixel[2] = {x + 0.5, y + 0.5};
  double mm[3], value[3], normal[3], face[3];
  nsc_place place;
  CHECK(nsc_image_locate(plane, frame, &place));
  nsc_place_normal(&place, normal);
  CHECK_EQ(nsc_image_position(plane, frame, pixel, mm, NULL), NSC_OK);
  CHECK_EQ(nsc_image_probe(plane, frame, x, y, value, NULL), NSC_OK);
  int side = side_of(g, mm);
  double below = s->thickness / 2, above = s->thickness / 2;
  if (g->oblique) { /* only where the whole slab is inside: at the rim it has no faces of its own */
    if (s->thickness > 0) {
      step_along(mm, normal, above, face);
      if (side_of(g, face) < 1) return 0;
      step_along(mm, normal, -below, face);
      if (side_of(g, face) < 1) return 0;
    }
    if (side < 0) CHECK(isnan(value[0]));
    if (side < 1) return 0;
  } else { /* along the grid all of a frame lies inside, and slabs end at the last layer */
    nsc_place first, last;
    nsc_image_info info;
    nsc_image_get_info(plane, &info);
    CHECK(nsc_image_locate(plane, 0, &first) && nsc_image_locate(plane, info.frames - 1, &last));
    CHECK(side >= 0);
    below = fmin(below, nsc_dot(mm, normal) - nsc_dot(first.origin, normal));
    above = fmin(above, nsc_dot(last.origin, normal) - nsc_dot(mm, normal));
  }
  CHECK_NEAR(value[0], expected(mm, normal, below, above, s), 1e-4);
  return 1;
}

static void check_plane(nsc_reformat *r, const grid *g, nsc_plane_kind kind, slab s) {
  nsc_error err = {0};
  nsc_image *plane = NULL;
  REQUIRE(nsc_reformat_open_plane(r, kind, &plane, &err) == NSC_OK);
  CHECK_EQ(nsc_plane_set_slab(plane, s.thickness, s.projection, &err), NSC_OK);
  nsc_image_info info;
  nsc_image_get_info(plane, &info);
  uint32_t looked_at = 0;
  for (uint32_t f = 0; f < info.frames; f++) {
    for (uint32_t y = 0; y < info.height; y++) {
      for (uint32_t x = 0; x < info.width; x++) looked_at += check_pixel(plane, g, f, x, y, &s);
    }
  }
  uint32_t all = info.width * info.height * info.frames;
  if (!g->oblique) CHECK_EQ(looked_at, all);
  if (looked_at < all / 8) test_failed(__FILE__, __LINE__, "%s: %u of %u pixels inside", g->name, looked_at, all);
  nsc_image_free(plane);
}

TEST(image_reformat_linear_function) {
  static const slab slabs[] = {{0, NSC_PROJECTION_MAXIMUM},
                               {4.5, NSC_PROJECTION_MAXIMUM},
                               {4.5, NSC_PROJECTION_MINIMUM},
                               {4.5, NSC_PROJECTION_MEAN},
                               {0.7, NSC_PROJECTION_MEAN}};
  for (int n = 0; n < GRIDS; n++) {
    nsc_image *image = open_grid(&grids[n]);
    REQUIRE(image);
    nsc_reformat *r = reformat_image(image);
    for (int kind = 0; kind < NSC_PLANE_KIND_COUNT; kind++) {
      for (size_t s = 0; s < sizeof slabs / sizeof slabs[0]; s++)
        check_plane(r, &grids[n], (nsc_plane_kind)kind, slabs[s]);
    }
    nsc_reformat_free(r);
    nsc_image_free(image);
  }
}

/* The screen's left is the patient's right, in sagittal planes the front; up is the front in axial planes, else the
 * head; frames lead away from those who look. */
TEST(image_reformat_orientation) {
  static const double ways[3][3][3] = {
      {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {{1, 0, 0}, {0, 0, -1}, {0, 1, 0}}, {{0, 1, 0}, {0, 0, -1}, {-1, 0, 0}}};
  for (int n = 0; n < 3; n++) {
    nsc_image *image = open_grid(&grids[n]);
    REQUIRE(image);
    nsc_reformat *r = reformat_image(image);
    for (int kind = 0; kind < 3; kind++) {
      nsc_image *plane = NULL;
      nsc_place first, second;
      REQUIRE(nsc_reformat_open_plane(r, (nsc_plane_kind)kind, &plane, NULL) == NSC_OK);
      CHECK(nsc_image_locate(plane, 0, &first) && nsc_image_locate(plane, 1, &second));
      double length = 0;
      for (int i = 0; i < 3; i++) length += fabs(second.origin[i] - first.origin[i]);
      for (int i = 0; i < 3; i++) {
        CHECK_NEAR(first.across[i], ways[kind][0][i], 1e-9);
        CHECK_NEAR(first.down[i], ways[kind][1][i], 1e-9);
        CHECK_NEAR((second.origin[i] - first.origin[i]) / length, ways[kind][2][i], 1e-9);
      }
      nsc_image_free(plane);
    }
    nsc_reformat_free(r);
    nsc_image_free(image);
  }
}

/* Pixels of a plane are squares of its finest voxel side; frames are the grid's. */
TEST(image_reformat_sizes) {
  nsc_image *image = open_grid(&grids[0]), *plane = NULL; /* 11 x 9 x 7 voxels of 1 x 2 x 3 mm */
  REQUIRE(image);
  nsc_reformat *r = reformat_image(image);
  static const uint32_t sizes[3][3] = {{11, 17, 7}, {11, 19, 9}, {9, 10, 11}};
  static const double pixels[3] = {1, 1, 2};
  for (int kind = 0; kind < 3; kind++) {
    nsc_image_info info;
    REQUIRE(nsc_reformat_open_plane(r, (nsc_plane_kind)kind, &plane, NULL) == NSC_OK);
    nsc_image_get_info(plane, &info);
    CHECK_EQ(info.width, sizes[kind][0]);
    CHECK_EQ(info.height, sizes[kind][1]);
    CHECK_EQ(info.frames, sizes[kind][2]);
    CHECK_NEAR(info.spacing_x, pixels[kind], 1e-12);
    CHECK_NEAR(info.spacing_y, pixels[kind], 1e-12);
    char *json = NULL;
    const double line[4] = {1, 1, 4, 5}; /* 3 and 4 pixels: 5 */
    CHECK_EQ(nsc_measure_json(plane, 0, NSC_MEASURE_LENGTH, line, 2, &json, NULL), NSC_OK);
    CHECK_HAS(json, kind == 2 ? "\"length\":10," : "\"length\":5,");
    nsc_text_free(json);
    nsc_image_free(plane);
  }
  nsc_reformat_free(r);
  nsc_image_free(image);
}

/* A plane outlives the object it came from, and takes the volume's range as its window. */
TEST(image_reformat_plane_as_image) {
  nsc_image *image = open_grid(&grids[0]), *plane = NULL;
  REQUIRE(image);
  nsc_reformat *r = reformat_image(image);
  REQUIRE(nsc_reformat_open_plane(r, NSC_PLANE_SAGITTAL, &plane, NULL) == NSC_OK);
  nsc_reformat_free(r);
  nsc_image_free(image);
  nsc_view view;
  CHECK_EQ(nsc_view_default(plane, 0, &view, NULL), NSC_OK);
  /* x runs from 5 to -5, y from 8 to -8, z from 10 to 28. */
  CHECK_NEAR(view.center - view.width / 2, 40 - 0.75 * 5 - 1.25 * 8 + 0.5 * 10, 1e-4);
  CHECK_NEAR(view.center + view.width / 2, 40 + 0.75 * 5 + 1.25 * 8 + 0.5 * 28, 1e-4);
  nsc_image_info info;
  nsc_image_get_info(plane, &info);
  size_t size = (size_t)info.width * info.height * 4;
  uint8_t *rgba = malloc(size);
  REQUIRE(rgba);
  CHECK_EQ(nsc_render(plane, &view, rgba, size, NULL), NSC_OK);
  free(rgba);
  char *json = NULL;
  CHECK_EQ(nsc_image_json(plane, &json, NULL), NSC_OK);
  CHECK_HAS(json, "\"plane\":\"sagittal\"");
  CHECK_HAS(json, "\"across\":[0,1,0],\"down\":[0,0,-1],\"normal\":[-1,0,0]");
  nsc_text_free(json);
  CHECK_EQ(nsc_plane_set_slab(plane, -1, NSC_PROJECTION_MEAN, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_plane_set_slab(plane, NAN, NSC_PROJECTION_MEAN, NULL), NSC_ERROR_ARGUMENT);
  CHECK_EQ(nsc_plane_set_slab(plane, 1, (nsc_projection)3, NULL), NSC_ERROR_ARGUMENT);
  nsc_image_free(plane);
}

/* From a pixel to mm and back, also through frames; and the mm of a voxel that is known. */
TEST(image_place_of_a_volume) {
  nsc_image *image = open_grid(&grids[0]);
  REQUIRE(image);
  const double pixel[2] = {2.5, 3.25};
  double mm[3], back[2];
  uint32_t frame = 99;
  /* Turned for the screen: the first pixel is the last voxel of both axes, RAS (5, 8), LPS (-5, -8). */
  CHECK_EQ(nsc_image_position(image, 4, pixel, mm, NULL), NSC_OK);
  CHECK_NEAR(mm[0], -5 + 2, 1e-9);
  CHECK_NEAR(mm[1], -8 + 2.75 * 2, 1e-9);
  CHECK_NEAR(mm[2], 10 + 4 * 3, 1e-9);
  mm[2] += 1.4;
  CHECK_EQ(nsc_image_point(image, mm, &frame, back, NULL), NSC_OK);
  CHECK_EQ(frame, 4);
  CHECK_NEAR(back[0], pixel[0], 1e-9);
  CHECK_NEAR(back[1], pixel[1], 1e-9);
  CHECK_EQ(nsc_image_position(image, NK, pixel, mm, NULL), NSC_ERROR_ARGUMENT);
  nsc_image_free(image);
}

/* Where planes cut each other, by the numbers of their frames. */
TEST(image_cut_of_planes) {
  nsc_image *image = open_grid(&grids[0]), *planes[3] = {NULL}, *other = open_grid(&grids[1]);
  REQUIRE(image && other);
  nsc_reformat *r = reformat_image(image);
  for (int kind = 0; kind < 3; kind++)
    CHECK_EQ(nsc_reformat_open_plane(r, (nsc_plane_kind)kind, &planes[kind], NULL), NSC_OK);
  REQUIRE(planes[0] && planes[1] && planes[2]);
  double line[4];
  /* Axial frame 2 is 6 mm above the lowest slice of 18 mm: row 12 from the top, whose middle is at 12.5. */
  CHECK(nsc_image_cut(planes[NSC_PLANE_CORONAL], 3, planes[NSC_PLANE_AXIAL], 2, line));
  CHECK_NEAR(line[1], 12.5, 1e-9);
  CHECK_NEAR(line[3], 12.5, 1e-9);
  CHECK_NEAR(fmin(line[0], line[2]), 0, 1e-9);
  CHECK_NEAR(fmax(line[0], line[2]), 11, 1e-9);
  /* Sagittal frame 1 is 1 mm from the patient's left: column 9. */
  CHECK(nsc_image_cut(planes[NSC_PLANE_AXIAL], 0, planes[NSC_PLANE_SAGITTAL], 1, line));
  CHECK_NEAR(line[0], 9.5, 1e-9);
  CHECK_NEAR(line[2], 9.5, 1e-9);
  CHECK_NEAR(fabs(line[3] - line[1]), 17, 1e-9);
  CHECK(nsc_image_cut(image, 0, planes[NSC_PLANE_SAGITTAL], 1, line)); /* the original lies in the same space */
  CHECK_NEAR(line[0], 9.5, 1e-9);
  CHECK(!nsc_image_cut(planes[NSC_PLANE_AXIAL], 0, planes[NSC_PLANE_AXIAL], 1, line));
  CHECK(!nsc_image_cut(planes[NSC_PLANE_AXIAL], 0, other, 1, line));
  for (int kind = 0; kind < 3; kind++) nsc_image_free(planes[kind]);
  nsc_reformat_free(r);
  nsc_image_free(image);
  nsc_image_free(other);
}
