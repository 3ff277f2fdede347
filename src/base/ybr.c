#include "base/ybr.h"

#include <math.h>

/* What a colour difference adds to each channel, per unit; the luminance is multiplied by `luma`. */
typedef struct matrix {
  double luma, red_cr, green_cb, green_cr, blue_cb;
  double black; /* of the luminance, in 8 bits */
} matrix;

/* The inverses of the standard's equations, from ITU-R BT.601's weights .299, .587 and .114. */
static const matrix full_range = {1, 1.402, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587, 1.772, 0};
static const matrix partial_range = {255. / 219,
                                     1.402 * 255 / 224,
                                     -0.114 * 1.772 / 0.587 * 255 / 224,
                                     -0.299 * 1.402 / 0.587 * 255 / 224,
                                     1.772 * 255 / 224,
                                     16};

static double limited(double value, double highest) {
  double rounded = floor(value + 0.5);
  return rounded < 0 ? 0 : rounded > highest ? highest : rounded;
}

#define DEFINE_CONVERT(name, type)                                                                \
  static void name(type *samples, size_t pixels, const matrix *m, double scale, double highest) { \
    double middle = 128 * scale, black = m->black * scale;                                        \
    for (type *p = samples; pixels > 0; pixels--, p += 3) {                                       \
      double y = m->luma * (p[0] - black), cb = p[1] - middle, cr = p[2] - middle;                \
      p[0] = (type)limited(y + m->red_cr * cr, highest);                                          \
      p[1] = (type)limited(y + m->green_cb * cb + m->green_cr * cr, highest);                     \
      p[2] = (type)limited(y + m->blue_cb * cb, highest);                                         \
    }                                                                                             \
  }
DEFINE_CONVERT(convert_u8, uint8_t)
DEFINE_CONVERT(convert_u16, uint16_t)

void nsc_ybr_to_rgb_u8(uint8_t *samples, size_t pixels, bool partial) {
  convert_u8(samples, pixels, partial ? &partial_range : &full_range, 1, 255);
}

void nsc_ybr_to_rgb_u16(uint16_t *samples, size_t pixels, uint32_t bits, bool partial) {
  double scale = (double)(1u << (bits - 8));
  convert_u16(samples, pixels, partial ? &partial_range : &full_range, scale, (double)((1u << bits) - 1));
}
