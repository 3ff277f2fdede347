/* Percentiles of a frame: by counting for samples of up to 16 bits, by sorting for others. Both are exact. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "image/mapping.h"

/* Counts of the values first, first + 1, ... */
typedef struct histogram {
  uint64_t *counts, total;
  int32_t first;
  uint32_t size;
} histogram;

static void count_samples(const nsc_image *image, const void *samples, size_t n, histogram *h) {
  int32_t first = h->first;
  switch (image->info.type) {
    case NSC_SAMPLE_U8:
      for (size_t i = 0; i < n; i++) h->counts[((const uint8_t *)samples)[i] - first]++;
      break;
    case NSC_SAMPLE_I8:
      for (size_t i = 0; i < n; i++) h->counts[((const int8_t *)samples)[i] - first]++;
      break;
    case NSC_SAMPLE_U16:
      for (size_t i = 0; i < n; i++) h->counts[((const uint16_t *)samples)[i] - first]++;
      break;
    default:
      for (size_t i = 0; i < n; i++) h->counts[((const int16_t *)samples)[i] - first]++;
      break;
  }
  h->total = n;
}

static void drop_padding(const nsc_image *image, const nsc_frame_stats *stats, histogram *h) {
  bool only_padding = stats->low >= image->padding_low && stats->high <= image->padding_high;
  if (!image->has_padding || only_padding) return;
  for (uint32_t i = 0; i < h->size; i++) {
    int32_t value = h->first + (int32_t)i;
    if (value < image->padding_low || value > image->padding_high) continue;
    h->total -= h->counts[i];
    h->counts[i] = 0;
  }
}

/* Counts of a modality LUT's outputs, which need not be in the order of its inputs. */
static nsc_status through_lut(const nsc_mapping *m, histogram *h, nsc_error *err) {
  uint64_t *counts = calloc(65536, sizeof *counts);
  if (!counts) return nsc_fail_memory(err, 65536 * sizeof *counts, "a histogram");
  for (uint32_t i = 0; i < h->size; i++) {
    counts[(uint32_t)nsc_mapping_modality(m, h->first + (int32_t)i)] += h->counts[i];
  }
  free(h->counts);
  h->counts = counts;
  h->first = 0;
  h->size = 65536;
  return NSC_OK;
}

/* Value number `rank` (0-based) in ascending order. */
static int32_t value_at(const histogram *h, uint64_t rank) {
  uint64_t below = 0;
  for (uint32_t i = 0; i < h->size; i++) {
    below += h->counts[i];
    if (below > rank) return h->first + (int32_t)i;
  }
  return h->first + (int32_t)h->size - 1;
}

static double percentile(const histogram *h, double percent) {
  double rank = percent / 100 * (double)(h->total - 1), whole = floor(rank);
  int32_t a = value_at(h, (uint64_t)whole), b = value_at(h, (uint64_t)whole + 1);
  return a + (rank - whole) * (b - a);
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Modality values in ascending order, without padding (unless there is nothing else) and what is not finite. */
static nsc_status percentiles_by_sorting(const nsc_image *image, const void *samples, const nsc_mapping *m,
                                         const nsc_frame_stats *stats, const double percents[2], double out[2],
                                         nsc_error *err) {
  size_t n = nsc_image_sample_count(image), kept = 0;
  double *values = n < SIZE_MAX / sizeof *values ? malloc(n * sizeof *values) : NULL;
  if (!values) return nsc_fail_memory(err, n * sizeof *values, "percentiles");
  bool only_padding = stats->low >= image->padding_low && stats->high <= image->padding_high;
  for (size_t i = 0; i < n; i++) {
    double x = nsc_sample_value(image->info.type, samples, i);
    if (!isfinite(x) || (nsc_is_padding(image, x) && !only_padding)) continue;
    values[kept++] = nsc_mapping_modality(m, x);
  }
  if (!kept) values[kept++] = nsc_mapping_modality(m, 0);
  qsort(values, kept, sizeof *values, compare_doubles);
  for (int i = 0; i < 2; i++) {
    double rank = percents[i] / 100 * (double)(kept - 1), whole = floor(rank);
    size_t a = (size_t)whole, b = a + 1 < kept ? a + 1 : a;
    out[i] = values[a] + (rank - whole) * (values[b] - values[a]);
  }
  free(values);
  return NSC_OK;
}

nsc_status nsc_frame_percentiles(nsc_image *image, uint32_t frame, const double percents[2], double out[2],
                                 nsc_error *err) {
  nsc_frame_stats stats;
  const void *samples;
  NSC_TRY(nsc_image_stats(image, frame, &stats, err));
  NSC_TRY(nsc_image_frame(image, frame, &samples, err));
  nsc_mapping m = nsc_mapping_of(image, frame);
  if (!nsc_image_fits_table(image)) return percentiles_by_sorting(image, samples, &m, &stats, percents, out, err);
  histogram h = {.first = (int32_t)stats.all_low, .size = (uint32_t)(stats.all_high - stats.all_low) + 1};
  h.counts = calloc(h.size, sizeof *h.counts);
  if (!h.counts) return nsc_fail_memory(err, h.size * sizeof *h.counts, "a histogram");
  count_samples(image, samples, nsc_image_sample_count(image), &h);
  drop_padding(image, &stats, &h);
  nsc_status status = NSC_OK;
  if (m.modality_lut) {
    status = through_lut(&m, &h, err);
    for (int i = 0; i < 2 && status == NSC_OK; i++) out[i] = percentile(&h, percents[i]);
  } else {
    for (int i = 0; i < 2; i++) { /* a falling line turns the order round */
      out[i] = m.slope * percentile(&h, m.slope < 0 ? 100 - percents[i] : percents[i]) + m.intercept;
    }
  }
  free(h.counts);
  return status;
}
