/* Placed rendering against one convolution for each pixel of the screen. */
#include <stdlib.h>

#include "test.h"
#include "volume_builder.h"

enum { WIDTH = 23, HEIGHT = 17, MOST = 96 * 80 };
static const double PI = 3.14159265358979323846;

static int value_of(uint32_t x, uint32_t y) {
  return (int)((x * 37 + y * 101 + x * y * 7) % 251);
}

static nsc_image *make_picture(uint32_t channels) {
  uint8_t pixels[WIDTH * HEIGHT * 3];
  nsc_image *image = NULL;
  for (uint32_t i = 0; i < WIDTH * HEIGHT * channels; i++) {
    uint32_t at = i / channels;
    pixels[i] = (uint8_t)(value_of(at % WIDTH, at / WIDTH) + 60 * (int)(i % channels));
  }
  return nsc_image_from_pixels(pixels, WIDTH, HEIGHT, channels, &image, NULL) == NSC_OK ? image : NULL;
}

/* A NIfTI slice of the same values times `factor`, less 300. */
static nsc_image *make_slice(int datatype, double factor) {
  int16_t shorts[WIDTH * HEIGHT];
  float floats[WIDTH * HEIGHT];
  for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
    double value = value_of(i % WIDTH, i / WIDTH) * factor - 300;
    shorts[i] = (int16_t)value;
    floats[i] = (float)value;
  }
  volume_builder b = {0};
  nifti_build(&b, &(nifti_facts){.datatype = datatype, .dim = {2, WIDTH, HEIGHT}, .pixdim = {1, 1, 1, 1}},
              datatype == 4 ? (void *)shorts : (void *)floats, datatype == 4 ? sizeof shorts : sizeof floats);
  nsc_source *source = NULL;
  nsc_image *image = NULL;
  if (nsc_source_from_bytes(b.bytes, b.size, &source, NULL) != NSC_OK) return NULL;
  if (nsc_image_open(source, NULL, &image, NULL) != NSC_OK) nsc_source_free(source);
  return image;
}

static double kernel_at(nsc_smoothing smoothing, double x) {
  x = fabs(x);
  if (smoothing == NSC_SMOOTH_LINEAR) return x < 1 ? 1 - x : 0;
  if (x >= 3) return 0;
  return x < 1e-12 ? 1 : sin(PI * x) / (PI * x) * (sin(PI * x / 3) / (PI * x / 3));
}

/* Weights of all source pixels for the place `at`; 0 for most. */
static void weigh(nsc_smoothing smoothing, double at, double scale, uint32_t in, double *weights) {
  double step = 1 / scale > 1 ? 1 / scale : 1, sum = 0;
  for (uint32_t k = 0; k < in; k++) {
    if (smoothing == NSC_SMOOTH_NEAREST) {
      weights[k] = floor(at) == k;
    } else {
      weights[k] = kernel_at(smoothing, (k + 0.5 - at) / step);
    }
    sum += weights[k];
  }
  for (uint32_t k = 0; k < in; k++) weights[k] /= sum;
}

/* Where a pixel of the screen lies on the picture. */
static void place_on_picture(const nsc_placement *p, uint32_t i, uint32_t j, double *x, double *y) {
  double dx = i + 0.5 - p->x, dy = j + 0.5 - p->y;
  double u = p->turn == 0 ? dx : p->turn == 1 ? dy : p->turn == 2 ? -dx : -dy;
  double v = p->turn == 0 ? dy : p->turn == 1 ? -dx : p->turn == 2 ? -dy : dx;
  *x = (p->mirrored ? -u : u) / p->scale_x + WIDTH / 2.0;
  *y = v / p->scale_y + HEIGHT / 2.0;
}

static int windowed(double value, const nsc_view *view) {
  double grey = (value - view->center) / view->width + 0.5;
  grey = grey < 0 ? 0 : grey > 1 ? 1 : grey;
  return (int)(255 * (view->invert ? 1 - grey : grey) + 0.5);
}

/* The weighted sum of values; Lanczos within the range of those that are less than a step away. */
static double filtered(nsc_smoothing smoothing, const double *values, const double *weights, uint32_t count, double at,
                       double scale) {
  double sum = 0, least = INFINITY, most = -INFINITY, step = 1 / scale > 1 ? 1 / scale : 1;
  for (uint32_t k = 0; k < count; k++) {
    sum += weights[k] * values[k];
    if (fabs(k + 0.5 - at) > step - 1e-7) continue;
    least = fmin(least, values[k]);
    most = fmax(most, values[k]);
  }
  return smoothing == NSC_SMOOTH_LANCZOS && least <= most ? fmin(fmax(sum, least), most) : sum;
}

/* The byte that should stand there, of a linear window without rounding in between; -1 beside the picture. */
static int expected_byte(nsc_image *image, const nsc_view *view, const nsc_placement *p, uint32_t i, uint32_t j,
                         int channel) {
  double x, y, across[WIDTH], down[HEIGHT], columns[WIDTH], column[HEIGHT];
  place_on_picture(p, i, j, &x, &y);
  if (x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT) return -1;
  weigh(p->smoothing, x, p->scale_x, WIDTH, across);
  weigh(p->smoothing, y, p->scale_y, HEIGHT, down);
  for (uint32_t c = 0; c < WIDTH; c++) {
    for (uint32_t r = 0; r < HEIGHT; r++) {
      double value[3];
      if (nsc_image_probe(image, 0, c, r, value, NULL) != NSC_OK) return -2;
      column[r] = value[channel];
    }
    columns[c] = filtered(p->smoothing, column, down, HEIGHT, y, p->scale_y);
  }
  return windowed(filtered(p->smoothing, columns, across, WIDTH, x, p->scale_x), view);
}

/* All pixels, within `slack` levels. */
static void check_screen(nsc_image *image, const nsc_view *view, const nsc_placement *p, int slack) {
  static uint8_t rgba[MOST * 4] __attribute__((aligned(4)));
  nsc_screen *screen = NULL;
  nsc_error err = {0};
  REQUIRE(nsc_screen_create(&screen, NULL) == NSC_OK);
  CHECK_EQ(nsc_screen_render(screen, image, view, NULL, p, rgba, sizeof rgba, &err), NSC_OK);
  nsc_screen_free(screen);
  nsc_image_info info;
  nsc_image_get_info(image, &info);
  int worst = 0, shown = 0;
  for (uint32_t i = 0; i < p->width * p->height; i++) {
    for (int c = 0; c < 3; c++) {
      int want = expected_byte(image, view, p, i % p->width, i / p->width, info.channels == 3 ? c : 0);
      int off = abs(rgba[4 * i + (uint32_t)c] - (want < 0 ? 0 : want));
      shown += want >= 0;
      worst = off > worst ? off : worst;
    }
    if (rgba[4 * i + 3] != 255) worst = 256;
  }
  CHECK(shown > 0);
  if (worst > slack) {
    test_failed(__FILE__, __LINE__, "turn %u%s, smoothing %d, scale %g: %d levels off", p->turn,
                p->mirrored ? " mirrored" : "", (int)p->smoothing, p->scale_x, worst);
  }
}

static const nsc_view whole = {.voi_lut = -1, .function = NSC_VOI_LINEAR_EXACT, .center = 127.5, .width = 255};

TEST(screen_every_turn_scale_and_smoothing) {
  nsc_image *image = make_picture(1);
  REQUIRE(image);
  static const double scales[][2] = {{1, 1}, {2.3, 3.1}, {0.41, 0.37}, {1.7, 0.8}};
  for (uint32_t turn = 0; turn < 4; turn++) {
    for (int smoothing = 0; smoothing < 3; smoothing++) {
      for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++) {
        nsc_placement p = {.width = 41,
                           .height = 33,
                           .x = 19.3137,
                           .y = 17.8291,
                           .turn = turn,
                           .mirrored = s % 2 == 1,
                           .scale_x = scales[s][0],
                           .scale_y = scales[s][1],
                           .smoothing = (nsc_smoothing)smoothing};
        check_screen(image, &whole, &p, 1);
      }
    }
  }
  nsc_image_free(image);
}

TEST(screen_at_its_own_size_is_the_picture) {
  nsc_image *image = make_picture(1);
  nsc_screen *screen = NULL;
  REQUIRE(image && nsc_screen_create(&screen, NULL) == NSC_OK);
  static uint8_t plain[WIDTH * HEIGHT * 4], placed[WIDTH * HEIGHT * 4] __attribute__((aligned(4)));
  REQUIRE(nsc_render(image, &whole, plain, sizeof plain, NULL) == NSC_OK);
  for (int smoothing = 0; smoothing < 3; smoothing++) {
    nsc_placement p = {WIDTH, HEIGHT, WIDTH / 2.0, HEIGHT / 2.0, 1, 1, 0, false, (nsc_smoothing)smoothing};
    CHECK_EQ(nsc_screen_render(screen, image, &whole, NULL, &p, placed, sizeof placed, NULL), NSC_OK);
    CHECK(memcmp(plain, placed, sizeof plain) == 0);
  }
  nsc_screen_free(screen);
  nsc_image_free(image);
}

TEST(screen_of_colour_shorts_and_floats) {
  nsc_placement p = {.width = 50,
                     .height = 37,
                     .x = 24.25,
                     .y = 20.5,
                     .scale_x = 1.9,
                     .scale_y = 1.9,
                     .smoothing = NSC_SMOOTH_LANCZOS};
  nsc_image *color = make_picture(3), *shorts = make_slice(4, 7), *floats = make_slice(16, 0.125);
  REQUIRE(color && shorts && floats);
  check_screen(color, &whole, &p, 1);
  check_screen(shorts, &(nsc_view){.voi_lut = -1, .function = NSC_VOI_LINEAR_EXACT, .center = 400, .width = 900}, &p,
               1);
  check_screen(
      floats, &(nsc_view){.voi_lut = -1, .function = NSC_VOI_LINEAR_EXACT, .center = -285, .width = 30, .invert = true},
      &p, 1);
  nsc_image_free(color);
  nsc_image_free(shorts);
  nsc_image_free(floats);
}

/* What is kept must not be shown for something else. */
TEST(screen_keeps_nothing_too_long) {
  nsc_image *first = make_picture(1), *second = make_slice(4, 1);
  nsc_screen *kept = NULL;
  REQUIRE(first && second && nsc_screen_create(&kept, NULL) == NSC_OK);
  static uint8_t a[40 * 40 * 4] __attribute__((aligned(4))), b[40 * 40 * 4] __attribute__((aligned(4)));
  nsc_view narrow = whole;
  narrow.center = 90;
  narrow.width = 40;
  nsc_placement left = {40, 40, 18, 20, 1.5, 1.5, 0, false, NSC_SMOOTH_LINEAR}, right = left, turned = left,
                coarse = left;
  right.x = 22.5;
  turned.turn = 3;
  coarse.smoothing = NSC_SMOOTH_NEAREST;
  const struct {
    nsc_image *image;
    const nsc_view *view;
    const nsc_placement *placement;
  } steps[] = {{first, &whole, &left},  {first, &narrow, &left},  {second, &narrow, &left}, {first, &narrow, &left},
               {first, &whole, &right}, {first, &whole, &turned}, {first, &whole, &coarse}};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    nsc_screen *fresh = NULL;
    REQUIRE(nsc_screen_create(&fresh, NULL) == NSC_OK);
    CHECK_EQ(nsc_screen_render(kept, steps[i].image, steps[i].view, NULL, steps[i].placement, a, sizeof a, NULL),
             NSC_OK);
    CHECK_EQ(nsc_screen_render(fresh, steps[i].image, steps[i].view, NULL, steps[i].placement, b, sizeof b, NULL),
             NSC_OK);
    CHECK(memcmp(a, b, sizeof a) == 0);
    nsc_screen_free(fresh);
  }
  nsc_screen_free(kept);
  nsc_image_free(first);
  nsc_image_free(second);
}

/* A step of 1000 in a window of 200 around its upper end: nothing brighter than that end along it. */
TEST(screen_makes_no_lines_along_edges) {
  volume_builder b = {0};
  int16_t values[WIDTH * HEIGHT];
  for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) values[i] = i % WIDTH < 10 && i / WIDTH < 8 ? 40 : i ? -1000 : 900;
  nifti_build(&b, &(nifti_facts){.datatype = 4, .dim = {2, WIDTH, HEIGHT}, .pixdim = {1, 1, 1, 1}}, values,
              sizeof values);
  nsc_source *source = NULL;
  nsc_image *image = NULL;
  nsc_screen *screen = NULL;
  REQUIRE(nsc_source_from_bytes(b.bytes, b.size, &source, NULL) == NSC_OK);
  REQUIRE(nsc_image_open(source, NULL, &image, NULL) == NSC_OK && nsc_screen_create(&screen, NULL) == NSC_OK);
  static uint8_t rgba[96 * 80 * 4] __attribute__((aligned(4)));
  const nsc_view view = {.voi_lut = -1, .function = NSC_VOI_LINEAR_EXACT, .center = 40, .width = 200};
  for (int s = 0; s < 3; s++) { /* larger, a little smaller, much smaller; away from the one bright pixel */
    const double scale[3] = {4.1, 0.8, 0.3};
    nsc_placement p = {96, 80, 48, 40, scale[s], scale[s], 0, false, NSC_SMOOTH_LANCZOS};
    CHECK_EQ(nsc_screen_render(screen, image, &view, NULL, &p, rgba, sizeof rgba, NULL), NSC_OK);
    double left = 48 - WIDTH / 2.0 * scale[s] + 5 * scale[s];
    for (uint32_t i = 0; i < 96 * 80; i++) {
      if (i % 96 > left) CHECK(rgba[4 * i] <= 128);
    }
  }
  nsc_screen_free(screen);
  nsc_image_free(image);
}

TEST(screen_filters_the_windowed_picture) {
  nsc_image *images[2] = {make_picture(1), make_picture(3)};
  static const char text[] = "[{\"step\":\"median\",\"size\":3}]";
  nsc_steps steps;
  nsc_screen *screen = NULL;
  REQUIRE(nsc_steps_parse(text, sizeof text - 1, &steps, NULL) == NSC_OK && nsc_screen_create(&screen, NULL) == NSC_OK);
  static uint8_t whole_one[WIDTH * HEIGHT * 4], placed[WIDTH * HEIGHT * 4] __attribute__((aligned(4)));
  nsc_view view = whole;
  for (int i = 0; i < 6; i++) { /* the window moves, then the picture is another */
    view.center = i % 3 ? 90 : 127.5;
    nsc_placement p = {WIDTH, HEIGHT, WIDTH / 2.0, HEIGHT / 2.0, 1, 1, 0, false, NSC_SMOOTH_LANCZOS};
    CHECK_EQ(nsc_render(images[i / 3], &view, whole_one, sizeof whole_one, NULL), NSC_OK);
    CHECK_EQ(nsc_filter_rgba(&steps, whole_one, WIDTH, HEIGHT, sizeof whole_one, NULL), NSC_OK);
    CHECK_EQ(nsc_screen_render(screen, images[i / 3], &view, &steps, &p, placed, sizeof placed, NULL), NSC_OK);
    CHECK(memcmp(whole_one, placed, sizeof placed) == 0);
  }
  nsc_screen_free(screen);
  for (int i = 0; i < 2; i++) nsc_image_free(images[i]);
}

TEST(screen_refuses_and_shows_nothing) {
  nsc_image *image = make_picture(1);
  nsc_screen *screen = NULL;
  REQUIRE(image && nsc_screen_create(&screen, NULL) == NSC_OK);
  static uint8_t rgba[40 * 40 * 4] __attribute__((aligned(4)));
  const nsc_placement good = {40, 40, 20, 20, 1, 1, 0, false, NSC_SMOOTH_LANCZOS};
  nsc_placement bad[6] = {good, good, good, good, good, good};
  bad[0].width = 0;
  bad[1].scale_x = NAN;
  bad[2].scale_y = -1;
  bad[3].x = INFINITY;
  bad[4].turn = 4;
  bad[5].width = 41; /* more than there is room for */
  for (int i = 0; i < 6; i++) {
    CHECK_EQ(nsc_screen_render(screen, image, &whole, NULL, &bad[i], rgba, sizeof rgba, NULL), NSC_ERROR_ARGUMENT);
  }
  nsc_placement away = good, speck = good;
  away.x = 1e6;
  memset(rgba, 7, sizeof rgba);
  CHECK_EQ(nsc_screen_render(screen, image, &whole, NULL, &away, rgba, sizeof rgba, NULL), NSC_OK);
  for (size_t i = 0; i < sizeof rgba; i++) CHECK(rgba[i] == (i % 4 == 3 ? 255 : 0));
  speck.scale_x = speck.scale_y = 1e-4; /* no pixel's centre may lie on it */
  CHECK_EQ(nsc_screen_render(screen, image, &whole, NULL, &speck, rgba, sizeof rgba, NULL), NSC_OK);
  nsc_screen_free(screen);
  nsc_image_free(image);
}
