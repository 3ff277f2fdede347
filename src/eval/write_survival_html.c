/* The report on curves of survival as one HTML page. */
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "eval/html.h"
#include "eval/private.h"
#include "eval/survival.h"

/* In units of the drawing, which the page scales to its column. */
enum { LEFT = 56, TOP = 10, WIDE = 320, HIGH = 230, BOTTOM = 42, RIGHT = 14 };

typedef struct axes {
  double last; /* time at the right end */
  double most; /* value at the top */
} axes;

static double x_of(const axes *a, double time) {
  return LEFT + (time < a->last ? time / a->last : 1) * WIDE;
}

static double y_of(const axes *a, double value) {
  return TOP + (1 - value / a->most) * HIGH;
}

/* The smallest of 1, 2, 5 times a power of ten of which at most `count` fit. */
static double nice_step(double length, int count) {
  double power = pow(10, floor(log10(length / count)));
  for (int i = 0; i < 3; i++) {
    static const double factors[] = {1, 2, 5};
    if (length / (factors[i] * power) <= count) return factors[i] * power;
  }
  return 10 * power;
}

static void put_axes(nsc_text *t, const axes *a, const char *what, const char *x_name, const char *y_name) {
  double x_step = nice_step(a->last, 6), y_step = nice_step(a->most, 5);
  nsc_text_printf(t, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n<g class=\"grid\">",
                  LEFT + WIDE + RIGHT, TOP + HIGH + BOTTOM, what);
  for (int i = 0; i * x_step <= a->last * 1.0001; i++) {
    nsc_text_printf(t, "<path d=\"M%.1f %dV%d\"/>", x_of(a, i * x_step), TOP, TOP + HIGH);
  }
  for (int i = 0; i * y_step <= a->most * 1.0001; i++) {
    nsc_text_printf(t, "<path d=\"M%d %.1fH%d\"/>", LEFT, y_of(a, i * y_step), LEFT + WIDE);
  }
  nsc_text_put(t, "</g>\n");
  for (int i = 0; i * x_step <= a->last * 1.0001; i++) {
    nsc_text_printf(t, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.5g</text>", x_of(a, i * x_step),
                    TOP + HIGH + 16, i * x_step);
  }
  for (int i = 0; i * y_step <= a->most * 1.0001; i++) {
    nsc_text_printf(t, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>", LEFT - 7, y_of(a, i * y_step) + 4,
                    i * y_step);
  }
  nsc_text_printf(t, "<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">", LEFT + WIDE / 2,
                  TOP + HIGH + 35);
  nsc_html_text(t, x_name);
  nsc_text_printf(t,
                  "</text><text class=\"axis\" transform=\"translate(12 %d) rotate(-90)\" "
                  "text-anchor=\"middle\">%s</text>\n",
                  TOP + HIGH / 2, y_name);
}

/* ---- survival ---- */

static void put_steps(nsc_text *t, const axes *a, const nsc_km *km) {
  nsc_text_printf(t, "<path class=\"curve c0\" d=\"M%.1f %.1f", x_of(a, 0), y_of(a, 1));
  for (uint32_t i = 0; i < km->count && km->steps[i].time <= a->last; i++) {
    if (!km->steps[i].events) continue;
    nsc_text_printf(t, "H%.1fV%.1f", x_of(a, km->steps[i].time), y_of(a, km->steps[i].survival));
  }
  nsc_text_printf(t, "H%.1f\"/>\n", x_of(a, km->count ? km->steps[km->count - 1].time : 0));
}

static void put_survival(nsc_text *t, const nsc_eval_survival_report *r, const char *unit) {
  const axes a = {r->points[r->bins - 1].time, 1};
  nsc_text_put(t, "<figure><figcaption>Survival</figcaption>\n");
  put_axes(t, &a, "Survival of the cases and of the mean prediction", unit, "without the event");
  for (uint32_t k = 0; k < r->bins; k++) {
    const nsc_eval_survival_point *p = &r->points[k];
    if (isnan(p->interval.low)) continue;
    nsc_text_printf(t, "<path class=\"whisker c0\" d=\"M%.1f %.1fV%.1f\"/>", x_of(&a, p->time),
                    y_of(&a, p->interval.low), y_of(&a, p->interval.high));
  }
  put_steps(t, &a, &r->seen);
  nsc_text_printf(t, "<path class=\"curve c1\" d=\"M%.1f %.1f", x_of(&a, 0), y_of(&a, 1));
  for (uint32_t k = 0; k < r->bins; k++) {
    nsc_text_printf(t, "L%.1f %.1f", x_of(&a, r->points[k].time), y_of(&a, r->points[k].predicted));
  }
  nsc_text_put(t,
               "\"/>\n</svg>\n<ul class=\"legend\"><li><i class=\"c0\"></i>the cases, Kaplan and Meier's curve</li>"
               "<li><i class=\"c1\"></i>predicted, mean of all curves</li></ul></figure>\n");
}

/* ---- Brier ---- */

static void put_brier_curve(nsc_text *t, const axes *a, const nsc_eval_survival_report *r, bool of_seen) {
  nsc_text_printf(t, "<path class=\"%s\" d=\"M%.1f %.1f", of_seen ? "chance" : "curve c1", x_of(a, 0), y_of(a, 0));
  for (uint32_t k = 0; k < r->bins && !isnan(r->points[k].brier); k++) {
    const nsc_eval_survival_point *p = &r->points[k];
    nsc_text_printf(t, "L%.1f %.1f", x_of(a, p->time), y_of(a, of_seen ? p->brier_of_seen : p->brier));
  }
  nsc_text_put(t, "\"/>\n");
}

static void put_brier(nsc_text *t, const nsc_eval_survival_report *r, const char *unit) {
  axes a = {r->points[r->bins - 1].time, 0.25};
  for (uint32_t k = 0; k < r->bins && !isnan(r->points[k].brier); k++) {
    a.most = fmax(a.most, fmax(r->points[k].brier, r->points[k].brier_of_seen));
  }
  nsc_text_put(t, "<figure><figcaption>Brier score</figcaption>\n");
  put_axes(t, &a, "Brier score over time", unit, "Brier score");
  put_brier_curve(t, &a, r, true);
  put_brier_curve(t, &a, r, false);
  nsc_text_put(t, "</svg>\n<ul class=\"legend\"><li><i class=\"c1\"></i>the model · integrated ");
  nsc_eval_put_figure(t, r->integrated);
  nsc_text_put(t, "</li><li>dashed: Kaplan and Meier's curve of these cases for all · integrated ");
  nsc_eval_put_figure(t, r->integrated_of_seen);
  nsc_text_put(t, "</li></ul></figure>\n");
}

/* ---- the whole ---- */

static void put_cell(nsc_text *t, double value) {
  nsc_text_put(t, "<td>");
  nsc_eval_put_figure(t, value);
  nsc_text_put(t, "</td>");
}

static void put_table(nsc_text *t, const nsc_eval_survival_report *r, const char *unit) {
  nsc_text_put(
      t,
      "<section class=\"long\">\n<h2>At the edges of the time bins</h2>\n<div class=\"wide\"><table><thead><tr><th>");
  nsc_html_text(t, unit);
  nsc_text_printf(t,
                  "</th><th>at risk</th><th>seen</th><th>%g&nbsp;%% interval</th><th>predicted</th><th>Brier</th>"
                  "<th>Brier, Kaplan-Meier</th></tr></thead><tbody>\n",
                  100 * r->options.confidence);
  for (uint32_t k = 0; k < r->bins; k++) {
    const nsc_eval_survival_point *p = &r->points[k];
    nsc_text_printf(t, "<tr><th>%.5g</th><td>%u</td>", p->time, p->at_risk);
    put_cell(t, p->seen);
    if (isnan(p->interval.low)) {
      nsc_text_put(t, "<td>–</td>");
    } else {
      nsc_text_printf(t, "<td>%.3f to %.3f</td>", p->interval.low, p->interval.high);
    }
    put_cell(t, p->predicted);
    put_cell(t, p->brier);
    put_cell(t, p->brier_of_seen);
    nsc_text_put(t, "</tr>\n");
  }
  nsc_text_put(t,
               "</tbody></table></div>\n<p class=\"quiet\">Seen: Kaplan and Meier's curve. Brier scores weigh cases by "
               "one over their chance of not being censored before (Graf et al. 1999). A dash stands for what is not "
               "defined.</p>\n</section>\n");
}

nsc_status nsc_eval_survival_html(const nsc_eval_survival_report *r, const nsc_eval_facts *facts, char **out,
                                  nsc_error *err) {
  static const nsc_eval_facts none;
  const nsc_eval_interval nothing = {NAN, NAN};
  const char *unit = r->unit[0] ? r->unit : "time";
  char cases[120];
  nsc_text t = {0};
  snprintf(cases, sizeof cases, "%llu with %llu events, %llu pairs to compare", (unsigned long long)r->count,
           (unsigned long long)r->events, (unsigned long long)r->pairs);
  nsc_eval_put_head(&t, facts ? facts : &none, cases);
  nsc_text_put(&t, "<div class=\"tiles\">");
  nsc_eval_put_tile(&t, "Harrell's C", &r->harrell);
  nsc_eval_put_tile(&t, "Antolini's C", &r->antolini);
  const nsc_eval_value brier = {.value = r->integrated, .interval = nothing, .bootstrap = nothing};
  nsc_eval_put_tile(&t, "Integrated Brier score", &brier);
  nsc_text_put(&t, "</div>\n<section>\n<h2>Curves</h2>\n<div class=\"figures\">\n");
  put_survival(&t, r, unit);
  put_brier(&t, r, unit);
  nsc_text_put(
      &t,
      "</div>\n<p class=\"quiet\">The two curves of survival lie on each other where the model is right on the "
      "whole. C: of two cases of which it is known who had the event first, the chance that this one was "
      "predicted to; 0.5 is chance. The interval of Harrell's C is one of the bootstrap.</p>\n</section>\n");
  put_table(&t, r, unit);
  nsc_text_put(&t, "</main>\n</body>\n</html>\n");
  return nsc_text_finish(&t, out, err);
}
