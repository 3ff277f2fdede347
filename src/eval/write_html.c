/* The report as one HTML page. */
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "eval/html.h"
#include "eval/private.h"

enum {
  MATRIX_LABELS = 40, /* a wider matrix cannot be read on a screen or on paper */
  THRESHOLD_CLASSES = NSC_EVAL_DRAWN
};

static const char style[] =
    ":root{color-scheme:light dark;--ground:#f5f6f8;--panel:#fff;--line:#dde1e7;--grid:#e8ebef;--text:#1b2430;"
    "--quiet:#5b6675;--accent:#1f5fb4;--heat:31 95 "
    "180;--c0:#1f5fb4;--c1:#c4500c;--c2:#1b7f5c;--c3:#a3267d;--c4:#7a6a00;"
    "--c5:#5b4bc4;--c6:#b3263a;--c7:#4b6472}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#0e1114;--panel:#161b20;--line:#2a323a;--grid:#232a31;"
    "--text:#dbe2e8;--quiet:#95a3af;--accent:#7fb2f0;--heat:74 134 214;--c0:#7fb2f0;--c1:#f0a061;--c2:#5ecba1;"
    "--c3:#e58bc7;--c4:#d8c75a;--c5:#a99bf5;--c6:#f08a93;--c7:#a3bac6}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,"
    "'Noto Sans','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;font-variant-numeric:tabular-nums}\n"
    "main{max-width:1040px;margin:0 auto;padding:28px 16px 40px}\n"
    "h1{font-size:26px;line-height:1.2;margin:0 0 10px;letter-spacing:-.01em;overflow-wrap:anywhere}\n"
    "h2{font-size:17px;margin:0 0 12px}\n"
    "p{margin:10px 0 0}.quiet{color:var(--quiet);font-size:13px}\n"
    ".notice{border-left:3px solid var(--c1);padding-left:12px;margin:16px 0 0}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0}\n"
    "dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}\n"
    "section{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:18px;margin-top:16px}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:18px}\n"
    ".tile{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:12px 16px}\n"
    ".tile b{display:block;font-size:27px;line-height:1.25;font-weight:600;letter-spacing:-.02em}\n"
    ".tile span,.tile small{display:block;color:var(--quiet);font-size:13px}\n"
    ".pair{display:flex;flex-wrap:wrap;align-items:flex-start;gap:0 16px}.pair>section{flex:1 1 "
    "auto;min-width:0;max-width:100%}"
    ".pair>section+section{flex:1 1 540px}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%;font-size:14px}\n"
    "th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}\n"
    "th{font-weight:500;color:var(--quiet)}thead th{vertical-align:bottom}\n"
    "tbody th,th:first-child,td:first-child{text-align:left}tbody th{color:var(--text)}\n"
    "tbody "
    "tr:last-child>*{border-bottom:0}td.why{color:var(--quiet);font-size:13px;white-space:normal;text-align:left}\n"
    "tr.mean>*{border-top:1px solid var(--quiet)}tr.group th{padding-top:12px;font-weight:600}\n"
    ".matrix{width:auto}.matrix td{text-align:center;min-width:84px;border:2px solid var(--panel);border-radius:6px;"
    "background:rgb(var(--heat)/calc(var(--p)*.92))}.matrix td.on{color:#fff}\n"
    ".matrix thead th{text-align:center;border:0}.matrix tbody th{border:0;padding-right:14px}.matrix td "
    "b{display:block;font-size:17px;"
    "font-weight:600}.matrix td small{opacity:.85}\n"
    ".many td{min-width:0;padding:3px 6px}.many td b{font-size:13px}.many td small{display:none}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(270px,1fr));gap:20px}\n"
    "figure{margin:0}figcaption{font-weight:600;margin-bottom:6px}svg{display:block;width:100%;max-width:440px;height:"
    "auto}\n"
    "svg text{font-size:12px;fill:var(--quiet)}.grid path{stroke:var(--grid);fill:none}\n"
    ".curve{fill:none;stroke:var(--c);stroke-width:2.2;stroke-linejoin:round}.chance{fill:none;stroke:var(--quiet);"
    "stroke-dasharray:4 4;opacity:.7}\n"
    ".point{fill:var(--c);stroke:var(--panel);stroke-width:1.5}.whisker{stroke:var(--c);stroke-width:1.5;opacity:.55}\n"
    ".bars rect{fill:var(--c0);opacity:.45}.bars path{stroke:var(--line)}\n"
    ".legend{list-style:none;margin:6px 0 0;padding:0;font-size:13px;color:var(--quiet)}"
    ".legend li{padding-left:26px;text-indent:-26px}\n"
    ".legend i{display:inline-block;width:18px;height:3px;border-radius:2px;background:var(--c);margin:0 8px 3px 0}\n"
    ".c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}"
    ".c6{--c:var(--c6)}.c7{--c:var(--c7)}\n"
    "@media(max-width:560px){body{font-size:14px}main{padding:18px 10px 28px}section{padding:14px "
    "12px}h1{font-size:21px}"
    "th,td{padding:4px 6px}.tiles{grid-template-columns:1fr "
    "1fr}.tile:last-child:nth-child(odd){grid-column:1/-1}.tile{padding:10px 12px}.tile b{font-size:23px}"
    ".matrix td{min-width:58px}}\n"
    "@page{size:A4;margin:14mm}\n"
    "@media print{:root{color-scheme:light;--ground:#fff;--panel:#fff;--line:#ccd2d9;--grid:#e4e7eb;--text:#000;"
    "--quiet:#48525e;--heat:31 95 180;--c0:#1f5fb4;--c1:#c4500c;--c2:#1b7f5c;--c3:#a3267d;--c4:#7a6a00;--c5:#5b4bc4;"
    "--c6:#b3263a;--c7:#4b6472}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}body{font-size:11px}.quiet,."
    "legend,.tile span,.tile "
    "small,td.why{font-size:10px}h1{font-size:20px}h2{font-size:13px}.pair>section+section{flex:1 1 380px}.matrix td "
    "b{font-size:13px}"
    "main{max-width:none;padding:0}section{padding:10px "
    "12px;margin-top:10px}section,.tile,figure,tr{break-inside:avoid}"
    "section.long{break-inside:auto}table{font-size:10.5px}th,td{padding:2px "
    "6px}.figures{grid-template-columns:repeat(3,1fr)}"
    ".tiles{grid-template-columns:repeat(5,1fr);gap:8px}.tile b{font-size:18px}.wide{overflow:visible}}\n";

/* ---- the head ---- */

static void put_fact(nsc_text *t, const char *name, const char *value) {
  if (!value || !*value) return;
  nsc_text_printf(t, "<dt>%s</dt><dd>", name);
  nsc_html_text(t, value);
  nsc_text_put(t, "</dd>");
}

void nsc_eval_put_head(nsc_text *t, const nsc_eval_facts *f, const char *cases) {
  const char *title = f->title && *f->title ? f->title : "Evaluation";
  nsc_text_put(t,
               "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
  nsc_html_text(t, title);
  nsc_text_printf(t, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>", style);
  nsc_html_text(t, title);
  nsc_text_put(t, "</h1>\n<dl>");
  put_fact(t, "Model", f->model);
  put_fact(t, "Data", f->data);
  put_fact(t, "Split", f->split);
  nsc_text_printf(t, "<dt>Cases</dt><dd>%s", cases);
  if (f->refused) nsc_text_printf(t, "; %llu more could not be read", (unsigned long long)f->refused);
  nsc_text_put(t, "</dd>");
  put_fact(t, "Date", f->date);
  nsc_text_put(t, "</dl>\n<p class=\"notice\"><strong>For research and teaching. Not for diagnosis.</strong>");
  if (f->limits && *f->limits) {
    nsc_text_put(t, " ");
    nsc_html_text(t, f->limits);
  }
  nsc_text_put(t, "</p>\n");
}

void nsc_eval_put_tile(nsc_text *t, const char *name, const nsc_eval_value *v) {
  const nsc_eval_interval *i = isnan(v->interval.low) ? &v->bootstrap : &v->interval;
  nsc_text_printf(t, "<div class=\"tile\"><span>%s</span><b>", name);
  nsc_eval_put_figure(t, v->value);
  nsc_text_put(t, "</b><small>");
  if (isnan(i->low)) {
    nsc_html_text(t, v->reason ? nsc_eval_reason_text(v->reason) : "no interval");
  } else {
    nsc_text_printf(t, "%.3f to %.3f", i->low, i->high);
  }
  nsc_text_put(t, "</small></div>");
}

/* The figures one looks for first. */
static void put_tiles(nsc_text *t, const nsc_eval_report *r) {
  nsc_text_put(t, "<div class=\"tiles\">");
  if (r->task == NSC_TASK_BINARY) {
    nsc_eval_put_tile(t, "ROC AUC", &r->overall[NSC_EVAL_AUC]);
    nsc_eval_put_tile(t, "Sensitivity", &r->overall[NSC_EVAL_SENSITIVITY]);
    nsc_eval_put_tile(t, "Specificity", &r->overall[NSC_EVAL_SPECIFICITY]);
  } else {
    nsc_eval_put_tile(t, "Mean ROC AUC", &r->macro[NSC_EVAL_AUC]);
    nsc_eval_put_tile(t, "Mean sensitivity", &r->macro[NSC_EVAL_SENSITIVITY]);
    nsc_eval_put_tile(t, "Mean precision", &r->macro[NSC_EVAL_PRECISION]);
  }
  nsc_eval_put_tile(t, "Accuracy", &r->overall[NSC_EVAL_ACCURACY]);
  nsc_eval_put_tile(t, "Calibration error", &r->overall[NSC_EVAL_ECE]);
  nsc_text_put(t, "</div>\n");
}

/* ---- overall ---- */

static void put_interval_cell(nsc_text *t, nsc_eval_interval i) {
  nsc_text_put(t, "<td>");
  if (isnan(i.low)) {
    nsc_text_put(t, "–");
  } else {
    nsc_text_printf(t, "%.3f to %.3f", i.low, i.high);
  }
  nsc_text_put(t, "</td>");
}

static void put_figure_cell(nsc_text *t, double value) {
  nsc_text_put(t, "<td>");
  nsc_eval_put_figure(t, value);
  nsc_text_put(t, "</td>");
}

static void put_overall(nsc_text *t, const nsc_eval_report *r) {
  bool bootstrap = r->options.replicates > 0, means = r->task != NSC_TASK_BINARY;
  nsc_text_printf(
      t,
      "<section>\n<h2>Overall</h2>\n<div class=\"wide\"><table><thead><tr><th></th><th>value</th><th>%g&nbsp;%% "
      "interval</th>%s%s<th></th></tr></thead><tbody>\n",
      100 * r->options.confidence, bootstrap ? "<th>bootstrap</th>" : "", means ? "<th>mean over labels</th>" : "");
  for (int i = 0; i < NSC_EVAL_METRIC_COUNT; i++) {
    const nsc_eval_value *v = &r->overall[i];
    bool nowhere = v->reason == NSC_EVAL_CLASSES_ONLY && (!means || r->macro[i].reason == NSC_EVAL_CLASSES_ONLY);
    if (nowhere) continue;
    nsc_eval_reason why = v->reason == NSC_EVAL_CLASSES_ONLY ? NSC_EVAL_DEFINED
                          : v->reason                        ? v->reason
                                                             : v->no_interval;
    nsc_text_printf(t, "<tr><th>%s</th>", nsc_eval_metric_name((nsc_eval_metric)i));
    put_figure_cell(t, v->value);
    put_interval_cell(t, v->interval);
    if (bootstrap) put_interval_cell(t, v->bootstrap);
    if (means) put_figure_cell(t, r->macro[i].value);
    nsc_text_printf(t, "<td class=\"why\">%s</td></tr>\n", why ? nsc_eval_reason_text(why) : "");
  }
  nsc_text_put(t,
               "</tbody></table></div>\n<p class=\"quiet\">Intervals: Wilson's for proportions, DeLong's for the AUC");
  if (bootstrap) nsc_text_printf(t, "; bootstrap: percentiles of %u draws", r->options.replicates);
  nsc_text_put(t, ". A dash stands for what is not defined.</p>\n</section>\n");
}

/* ---- confusion matrix ---- */

static void put_matrix_row(nsc_text *t, const nsc_eval_report *r, uint32_t row) {
  const uint64_t *cells = r->confusion + (size_t)row * r->labels;
  uint64_t sum = 0;
  for (uint32_t k = 0; k < r->labels; k++) sum += cells[k];
  nsc_text_put(t, "<tr><th>");
  nsc_html_text(t, r->classes[row].name);
  nsc_text_put(t, "</th>");
  for (uint32_t k = 0; k < r->labels; k++) {
    double share = sum ? (double)cells[k] / (double)sum : 0;
    nsc_text_printf(t, "<td style=\"--p:%.3f\"%s><b>%llu</b><small>%.1f&nbsp;%%</small></td>", share,
                    share > 0.5 ? " class=\"on\"" : "", (unsigned long long)cells[k], 100 * share);
  }
  nsc_text_put(t, "</tr>\n");
}

static void put_matrix(nsc_text *t, const nsc_eval_report *r) {
  if (!r->confusion || r->labels > MATRIX_LABELS) return;
  nsc_text_printf(t,
                  "<section>\n<h2>Confusion matrix</h2>\n<div class=\"wide\"><table class=\"matrix%s\"><thead><tr>"
                  "<th>truth&nbsp;↓ called&nbsp;→</th>",
                  r->labels > 10 ? " many" : "");
  for (uint32_t k = 0; k < r->labels; k++) {
    nsc_text_put(t, "<th>");
    nsc_html_text(t, r->classes[k].name);
    nsc_text_put(t, "</th>");
  }
  nsc_text_put(t, "</tr></thead><tbody>\n");
  for (uint32_t row = 0; row < r->labels; row++) put_matrix_row(t, r, row);
  nsc_text_put(t,
               "</tbody></table></div>\n<p class=\"quiet\">Shares are of the row: of all cases with this truth.</p>\n"
               "</section>\n");
}

/* ---- classes ---- */

static const nsc_eval_metric class_columns[] = {NSC_EVAL_AUC,         NSC_EVAL_AP,        NSC_EVAL_SENSITIVITY,
                                                NSC_EVAL_SPECIFICITY, NSC_EVAL_PRECISION, NSC_EVAL_F1,
                                                NSC_EVAL_MCC,         NSC_EVAL_ECE};
enum { CLASS_COLUMNS = sizeof class_columns / sizeof *class_columns };

static void put_class_cells(nsc_text *t, const nsc_eval_value *values) {
  for (int i = 0; i < CLASS_COLUMNS; i++) {
    const nsc_eval_value *v = &values[class_columns[i]];
    nsc_text_put(t, "<td");
    if (!isnan(v->interval.low)) nsc_text_printf(t, " title=\"%.3f to %.3f\"", v->interval.low, v->interval.high);
    if (v->reason) nsc_text_printf(t, " title=\"%s\"", nsc_eval_reason_text(v->reason));
    nsc_text_put(t, ">");
    nsc_eval_put_figure(t, v->value);
    nsc_text_put(t, "</td>");
  }
  nsc_text_put(t, "</tr>\n");
}

static void put_classes(nsc_text *t, const nsc_eval_report *r) {
  nsc_text_put(
      t,
      "<section class=\"long\">\n<h2>Each label against the others</h2>\n<div class=\"wide\"><table><thead><tr>"
      "<th></th><th>positives</th><th>negatives</th><th>AUC</th><th>AP</th><th>sensitivity</th>"
      "<th>specificity</th><th>precision</th><th>F1</th><th>MCC</th><th>ECE</th></tr></thead><tbody>\n");
  for (uint32_t k = 0; k < r->labels; k++) {
    const nsc_eval_class *c = &r->classes[k];
    nsc_text_put(t, "<tr><th>");
    nsc_html_text(t, c->name);
    nsc_text_printf(t, "</th><td>%llu</td><td>%llu</td>", (unsigned long long)c->positives,
                    (unsigned long long)c->negatives);
    put_class_cells(t, c->values);
  }
  if (r->task != NSC_TASK_BINARY) {
    nsc_text_put(t, "<tr class=\"mean\"><th>mean</th><td></td><td></td>");
    put_class_cells(t, r->macro);
    nsc_text_put(t, "<tr><th>mean by positives</th><td></td><td></td>");
    put_class_cells(t, r->weighted);
  }
  nsc_text_put(t, "</tbody></table></div>\n</section>\n");
}

/* ---- thresholds ---- */

static void put_rule(nsc_text *t, const char *name, float threshold, const nsc_eval_counts *c, nsc_eval_reason reason) {
  nsc_text_printf(t, "<tr><th>%s</th>", name);
  if (reason) {
    nsc_text_printf(t, "<td>–</td><td class=\"why\" colspan=\"8\">%s</td></tr>\n", nsc_eval_reason_text(reason));
    return;
  }
  nsc_text_printf(t, "<td>%.4g</td>", (double)threshold);
  put_figure_cell(t, nsc_eval_ratio(c->tp, c->fn));
  put_figure_cell(t, nsc_eval_ratio(c->tn, c->fp));
  put_figure_cell(t, nsc_eval_ratio(c->tp, c->fp));
  put_figure_cell(t, nsc_eval_ratio(c->tn, c->fn));
  nsc_text_printf(t, "<td>%llu</td><td>%llu</td><td>%llu</td><td>%llu</td></tr>\n", (unsigned long long)c->tp,
                  (unsigned long long)c->fp, (unsigned long long)c->tn, (unsigned long long)c->fn);
}

static void put_choices(nsc_text *t, const nsc_eval_report *r, const nsc_eval_class *c) {
  nsc_text aim = {0};
  if (!isnan(c->threshold)) put_rule(t, "the model's own", c->threshold, &c->counts, NSC_EVAL_DEFINED);
  put_rule(t, "largest sensitivity + specificity", c->youden.threshold, &c->youden.counts, c->youden.reason);
  put_rule(t, "best F1", c->best_f1.threshold, &c->best_f1.counts, c->best_f1.reason);
  nsc_text_printf(&aim, "sensitivity of %g", r->options.sensitivity);
  if (!aim.failed)
    put_rule(t, aim.chars, c->for_sensitivity.threshold, &c->for_sensitivity.counts, c->for_sensitivity.reason);
  nsc_text_drop(&aim);
  nsc_text_printf(&aim, "specificity of %g", r->options.specificity);
  if (!aim.failed)
    put_rule(t, aim.chars, c->for_specificity.threshold, &c->for_specificity.counts, c->for_specificity.reason);
  t->failed = t->failed || aim.failed;
  nsc_text_drop(&aim);
}

static void put_thresholds(nsc_text *t, const nsc_eval_report *r) {
  uint32_t first = r->task == NSC_TASK_BINARY, shown = 0;
  nsc_text_put(
      t,
      "<section class=\"long\">\n<h2>Thresholds</h2>\n<div class=\"wide\"><table><thead><tr><th></th>"
      "<th>threshold</th><th>sensitivity</th><th>specificity</th><th>PPV</th><th>NPV</th><th>TP</th><th>FP</th>"
      "<th>TN</th><th>FN</th></tr></thead><tbody>\n");
  for (uint32_t k = first; k < r->labels && shown < THRESHOLD_CLASSES; k++, shown++) {
    nsc_text_put(t, "<tr class=\"group\"><th colspan=\"10\">");
    nsc_html_text(t, r->classes[k].name);
    nsc_text_put(t, "</th></tr>\n");
    put_choices(t, r, &r->classes[k]);
  }
  nsc_text_put(t,
               "</tbody></table></div>\n<p class=\"quiet\">A case is called positive when its score is at or above the "
               "threshold. A threshold chosen on these cases looks better on them than it will on others.");
  if (first + shown < r->labels) nsc_text_printf(t, " The first %u of %u labels are shown.", shown, r->labels);
  nsc_text_put(t, "</p>\n</section>\n");
}

/* ---- the whole ---- */

nsc_status nsc_eval_html(const nsc_eval_report *r, const nsc_eval_facts *facts, char **out, nsc_error *err) {
  static const nsc_eval_facts none;
  nsc_text t = {0};
  char cases[80];
  snprintf(cases, sizeof cases, "%llu of %u labels", (unsigned long long)r->count, r->labels);
  nsc_eval_put_head(&t, facts ? facts : &none, cases);
  put_tiles(&t, r);
  nsc_text_put(&t, "<section>\n<h2>Curves</h2>\n<div class=\"figures\">\n");
  nsc_eval_svg_roc(&t, r);
  nsc_eval_svg_pr(&t, r);
  nsc_eval_svg_reliability(&t, r);
  nsc_text_put(&t,
               "</div>\n<p class=\"quiet\">A dot on a curve is the model's own threshold; dashed: chance, and for "
               "reliability scores that mean what they say.</p>\n</section>\n");
  nsc_text_put(&t, "<div class=\"pair\">\n");
  put_matrix(&t, r);
  put_overall(&t, r);
  nsc_text_put(&t, "</div>\n");
  put_classes(&t, r);
  put_thresholds(&t, r);
  nsc_text_put(&t, "</main>\n</body>\n</html>\n");
  return nsc_text_finish(&t, out, err);
}
