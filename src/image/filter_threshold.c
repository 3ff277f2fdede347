/* Black and white. */
#include "image/filter.h"

void nsc_filter_binarise(nsc_plane p, double threshold) {
  for (size_t i = 0; i < p.width * p.height; i++) p.values[i] = (double)p.values[i] >= threshold ? 1 : 0;
}

int nsc_otsu_level(nsc_plane p) {
  size_t pixels = p.width * p.height;
  double count[NSC_GREY_LEVELS] = {0}, sum = 0;
  for (size_t i = 0; i < pixels; i++) {
    int level = nsc_level(p.values[i]);
    count[level]++;
    sum += level;
  }
  int best = 0;
  double most = -1, dark = 0, dark_sum = 0;
  for (int t = 0; t < NSC_GREY_LEVELS - 1; t++) {
    dark += count[t];
    dark_sum += count[t] * t;
    double bright = (double)pixels - dark;
    if (dark == 0 || bright == 0) continue;
    double apart = dark_sum / dark - (sum - dark_sum) / bright;
    double between = dark * bright * apart * apart; /* variance between the classes, times pixels squared */
    if (between > most) {
      most = between;
      best = t;
    }
  }
  return best;
}

void nsc_filter_otsu(nsc_plane p) {
  int level = nsc_otsu_level(p);
  for (size_t i = 0; i < p.width * p.height; i++) p.values[i] = nsc_level(p.values[i]) > level ? 1 : 0;
}
