/* The report's drawings as SVG inside HTML. */
#include <math.h>

#include "eval/html.h"
#include "eval/private.h"

/* In units of the drawing, which the page scales to its column. */
enum { LEFT = 46, TOP = 10, SIDE = 300, BOTTOM = 42, RIGHT = 14, BARS = 56, BAR_GAP = 14 };

/* ---- axes ---- */

static double x_of(double share) {
  return LEFT + share * SIDE;
}

static double y_of(double share) {
  return TOP + (1 - share) * SIDE;
}

static void open_svg(nsc_text *t, int height, const char *what) {
  nsc_text_printf(t, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", LEFT + SIDE + RIGHT, height, what);
}

/* A square from 0 to 1 with a grid of fifths, and the names of its axes. `lower`: what is drawn below it. */
static void put_axes(nsc_text *t, const char *x_name, const char *y_name, int lower) {
  nsc_text_put(t, "<g class=\"grid\">");
  for (int i = 0; i <= 5; i++) {
    double at = i / 5.0;
    nsc_text_printf(t, "<path d=\"M%.1f %dV%dM%d %.1fH%d\"/>", x_of(at), TOP, TOP + SIDE, LEFT, y_of(at), LEFT + SIDE);
  }
  nsc_text_put(t, "</g>\n<g class=\"ticks\">");
  for (int i = 0; i <= 5; i++) {
    double at = i / 5.0;
    nsc_text_printf(t, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.1f</text>", x_of(at),
                    TOP + SIDE + lower + 16, at);
    nsc_text_printf(t, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>", LEFT - 7, y_of(at) + 4, at);
  }
  nsc_text_put(t, "</g>\n");
  nsc_text_printf(t, "<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>", LEFT + SIDE / 2,
                  TOP + SIDE + lower + 35, x_name);
  nsc_text_printf(t,
                  "<text class=\"axis\" transform=\"translate(12 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
                  TOP + SIDE / 2, y_name);
}

/* ---- curves ---- */

uint32_t nsc_eval_drawn(const nsc_eval_report *r, uint32_t *classes) {
  uint32_t count = 0;
  for (uint32_t k = r->task == NSC_TASK_BINARY; k < r->labels && count < NSC_EVAL_DRAWN; k++) {
    if (r->classes[k].positives && r->classes[k].negatives) classes[count++] = k;
  }
  return count;
}

static void put_place(nsc_text *t, const nsc_eval_curve *c, const nsc_eval_point *p, nsc_eval_axes axes, char command) {
  double recall = (double)p->tp / c->positives;
  double x = axes == NSC_EVAL_ROC ? (double)p->fp / c->negatives : recall;
  double y = axes == NSC_EVAL_ROC ? recall : p->tp + p->fp ? (double)p->tp / ((double)p->tp + p->fp) : 1;
  nsc_text_printf(t, "%c%.1f %.1f", command, x_of(x), y_of(y));
}

static void put_curve(nsc_text *t, const nsc_eval_curve *c, nsc_eval_axes axes, uint32_t colour) {
  nsc_text_printf(t, "<path class=\"curve c%u\" d=\"", colour);
  for (uint32_t i = 0; i < c->count; i++) put_place(t, c, &c->points[i], axes, i ? 'L' : 'M');
  nsc_text_put(t, "\"/>\n");
}

/* Where the class's threshold stands on its curve. */
static void put_working_point(nsc_text *t, const nsc_eval_class *c, nsc_eval_axes axes, uint32_t colour) {
  const nsc_eval_counts *n = &c->counts;
  if (isnan(c->threshold)) return;
  double recall = nsc_eval_ratio(n->tp, n->fn);
  double x = axes == NSC_EVAL_ROC ? nsc_eval_ratio(n->fp, n->tn) : recall;
  double y = axes == NSC_EVAL_ROC ? recall : nsc_eval_ratio(n->tp, n->fp);
  if (isnan(x) || isnan(y)) return;
  nsc_text_printf(t,
                  "<circle class=\"point c%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>at the threshold %.4g</title>"
                  "</circle>\n",
                  colour, x_of(x), y_of(y), (double)c->threshold);
}

void nsc_eval_put_figure(nsc_text *t, double value) {
  if (isnan(value)) {
    nsc_text_put(t, "–");
  } else {
    nsc_text_printf(t, "%.3f", value);
  }
}

static void put_legend(nsc_text *t, const nsc_eval_report *r, const uint32_t *classes, uint32_t count,
                       nsc_eval_metric metric, const char *name) {
  nsc_text_put(t, "<ul class=\"legend\">");
  for (uint32_t i = 0; i < count; i++) {
    const nsc_eval_class *c = &r->classes[classes[i]];
    const nsc_eval_value *v = &c->values[metric];
    nsc_text_printf(t, "<li><i class=\"c%u\"></i>", i);
    nsc_html_text(t, c->name);
    nsc_text_printf(t, " · %s ", name);
    nsc_eval_put_figure(t, v->value);
    const nsc_eval_interval *interval = isnan(v->interval.low) ? &v->bootstrap : &v->interval;
    if (!isnan(interval->low)) nsc_text_printf(t, " (%.3f to %.3f)", interval->low, interval->high);
    nsc_text_put(t, "</li>");
  }
  uint32_t all = r->labels - (r->task == NSC_TASK_BINARY);
  if (count < all) nsc_text_printf(t, "<li>%u of %u classes are drawn</li>", count, all);
  nsc_text_put(t, "</ul>");
}

static void put_curves(nsc_text *t, const nsc_eval_report *r, nsc_eval_axes axes) {
  uint32_t classes[NSC_EVAL_DRAWN], count = nsc_eval_drawn(r, classes);
  for (uint32_t i = 0; i < count; i++) {
    const nsc_eval_class *c = &r->classes[classes[i]];
    put_curve(t, axes == NSC_EVAL_ROC ? &c->roc : &c->pr, axes, i);
    put_working_point(t, c, axes, i);
  }
  nsc_text_put(t, "</svg>\n");
  put_legend(t, r, classes, count, axes == NSC_EVAL_ROC ? NSC_EVAL_AUC : NSC_EVAL_AP,
             axes == NSC_EVAL_ROC ? "AUC" : "AP");
  nsc_text_put(t, "</figure>\n");
}

void nsc_eval_svg_roc(nsc_text *t, const nsc_eval_report *r) {
  nsc_text_put(t, "<figure><figcaption>ROC curve</figcaption>\n");
  open_svg(t, TOP + SIDE + BOTTOM, "ROC curve");
  put_axes(t, "1 − specificity", "sensitivity", 0);
  nsc_text_printf(t, "<path class=\"chance\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", x_of(0), y_of(0), x_of(1), y_of(1));
  put_curves(t, r, NSC_EVAL_ROC);
}

void nsc_eval_svg_pr(nsc_text *t, const nsc_eval_report *r) {
  uint32_t classes[NSC_EVAL_DRAWN], count = nsc_eval_drawn(r, classes);
  nsc_text_put(t, "<figure><figcaption>Precision and recall</figcaption>\n");
  open_svg(t, TOP + SIDE + BOTTOM, "Precision-recall curve");
  put_axes(t, "recall (sensitivity)", "precision", 0);
  if (count == 1) { /* what calling at random gives */
    const nsc_eval_class *c = &r->classes[classes[0]];
    nsc_text_printf(t, "<path class=\"chance\" d=\"M%d %.1fH%d\"/>\n", LEFT,
                    y_of(nsc_eval_ratio(c->positives, c->negatives)), LEFT + SIDE);
  }
  put_curves(t, r, NSC_EVAL_PR);
}

/* ---- reliability ---- */

static void put_bin(nsc_text *t, const nsc_eval_report *r, const nsc_eval_bin *b) {
  uint64_t hits = (uint64_t)llround(b->share * (double)b->count);
  nsc_eval_interval i = nsc_eval_wilson(hits, b->count, r->options.confidence);
  nsc_text_printf(t, "<path class=\"whisker c0\" d=\"M%.1f %.1fV%.1f\"/>", x_of(b->score), y_of(i.low), y_of(i.high));
  nsc_text_printf(t,
                  "<circle class=\"point c0\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>%llu cases, mean score %.3f, "
                  "share %.3f</title></circle>\n",
                  x_of(b->score), y_of(b->share), (unsigned long long)b->count, b->score, b->share);
}

/* How many cases each bin has, below the square. */
static void put_bars(nsc_text *t, const nsc_eval_bin *bins, uint32_t count) {
  uint64_t most = 1;
  int base = TOP + SIDE + BAR_GAP + BARS;
  for (uint32_t i = 0; i < count; i++) most = bins[i].count > most ? bins[i].count : most;
  nsc_text_put(t, "<g class=\"bars\">");
  for (uint32_t i = 0; i < count; i++) {
    double tall = (double)bins[i].count / (double)most * BARS;
    if (bins[i].count == 0) continue;
    if (tall < 1) tall = 1;
    nsc_text_printf(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%llu cases</title></rect>",
                    x_of(bins[i].low) + 0.5, base - tall, (bins[i].high - bins[i].low) * SIDE - 1, tall,
                    (unsigned long long)bins[i].count);
  }
  nsc_text_printf(
      t, "<path d=\"M%d %dH%d\"/></g>\n<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"end\">cases</text>", LEFT,
      base, LEFT + SIDE, LEFT - 7, base - BARS / 2 + 4);
}

void nsc_eval_svg_reliability(nsc_text *t, const nsc_eval_report *r) {
  bool best = r->best_bins != NULL;
  const nsc_eval_bin *bins = best ? r->best_bins : r->classes[r->task == NSC_TASK_BINARY].width_bins;
  const char *line = "M";
  nsc_text_put(t, "<figure><figcaption>Reliability</figcaption>\n");
  open_svg(t, TOP + SIDE + BAR_GAP + BARS + BOTTOM, "Reliability diagram");
  put_axes(t, best ? "mean score of the best label" : "mean score",
           best ? "share of right calls" : "share of positives", BAR_GAP + BARS);
  nsc_text_printf(t, "<path class=\"chance\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n<path class=\"curve c0\" d=\"", x_of(0),
                  y_of(0), x_of(1), y_of(1));
  for (uint32_t i = 0; i < r->options.bins; i++) {
    if (bins[i].count == 0) continue;
    nsc_text_printf(t, "%s%.1f %.1f", line, x_of(bins[i].score), y_of(bins[i].share));
    line = "L";
  }
  nsc_text_put(t, *line == 'M' ? "M0 0\"/>\n" : "\"/>\n");
  for (uint32_t i = 0; i < r->options.bins; i++) {
    if (bins[i].count) put_bin(t, r, &bins[i]);
  }
  put_bars(t, bins, r->options.bins);
  nsc_text_put(t, "</svg>\n<ul class=\"legend\"><li><i class=\"c0\"></i>");
  if (best) {
    nsc_text_put(t, "best label");
  } else {
    nsc_html_text(t, r->classes[r->task == NSC_TASK_BINARY].name);
  }
  nsc_text_put(t, " · calibration error ");
  nsc_eval_put_figure(t, (best ? r->overall : r->classes[r->task == NSC_TASK_BINARY].values)[NSC_EVAL_ECE].value);
  nsc_text_put(t, "</li></ul></figure>\n");
}
